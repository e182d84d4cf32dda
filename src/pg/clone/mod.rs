//! A copy of a database's schema and statistics in our own server, without a single row: real
//! empty indexes there are what-if indexes. Files are given production's length (sparse, no disk),
//! because the planner goes by the file's size.
//!
//! What others wrote (schema, functions, queries) runs only as `advisor_owner`, a role without
//! superuser, file or program rights, on a connection of its own; the superuser's connection sends
//! nothing but our fixed statements. Functions in C and untrusted languages are left out. No query
//! is ever executed here, only plain EXPLAIN; expressions of candidates are computed of the statistics' values.
//!
//! ```text
//! rebuild.rs      the schema, object by object
//! statistics.rs   pg_statistic
//! extended.rs     pg_statistic_ext_data
//! expressions/    statistics that a candidate's expression will have
//! ends.rs         least and greatest values, as an index keeps them
//! sizes.rs        page counts, file lengths, first pages of indexes
//! btree.rs        the pages of a tree that holds nothing, or its two ends
//! brin.rs         the first page of a BRIN index
//! files.rs        the files on disk
//! settings.rs     the planner's settings
//! lane.rs         a database to plan in
//! ```

mod brin;
mod btree;
mod ends;
mod expressions;
mod extended;
mod files;
mod lane;
mod rebuild;
mod settings;
mod sizes;
mod statistics;

use crate::model::blueprint::{Blueprint, GinCounters, ObjectKind, Relation};
use crate::model::candidate::{Candidate, CandidateId, Unbuilt, View};
use crate::model::ddl::IndexName;
use crate::model::failure::{Failure, FailureKind};
use crate::model::index_def::TableName;
use crate::model::snapshot::Problem;
use crate::pg::error::describe;
use crate::pg::server::{Binaries, Server, ServerOptions};
use crate::pg::session::{Purpose, Session};
use crate::pg::statements;
use futures_util::future::{join_all, try_join_all};
pub use lane::{Lane, Question};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::time::Duration;
use tokio_postgres::Row;

/// Name of the template.
const DATABASE: &str = "clone";
/// The role that owns it and plans in it.
const OWNER: &str = "advisor_owner";
/// Block size.
const BLOCK_BYTES: u64 = 8192;
/// For one statement that others wrote: nothing in an empty database takes that long, unless it means to.
const OTHERS_PATIENCE: Duration = Duration::from_secs(10);
/// A planner needs a few MB; a statement that makes it take more than this means harm.
const MEMORY_MB: u32 = 1024;
/// All that the planning role may change of the catalog; it is no superuser.
const TOGGLE_RIGHT: &str = "GRANT UPDATE (indisvalid) ON pg_catalog.pg_index TO advisor_owner";
/// Settings of the server. Nothing may read an index before its file has its final shape, or the
/// server would keep the old first page in a buffer: a parallel build plans; small new files are
/// logged, unless told to sync, page by page.
const SETTINGS: [(&str, &str); 8] = [
    ("autovacuum", "off"),
    // Nothing here runs for long.
    ("jit", "off"),
    ("allow_system_table_mods", "on"),
    ("max_connections", "40"),
    ("max_parallel_maintenance_workers", "0"),
    ("wal_skip_threshold", "0"),
    // Nobody recovers a throw-away server: old segments go at once.
    ("min_wal_size", "2MB"),
    ("max_wal_size", "16MB"),
];

/// A running clone: one database as template, whose files are as short as the server made them, and
/// copies of it, the lanes, whose files are as long as production's. A sized database cannot be
/// copied (the holes would be filled), and an index is never built on a sized table (it would be read).
pub struct CloneDb {
    server: Server,
    settings: BTreeMap<String, String>,
    relations: Vec<Relation>,
    ends: ends::Ends,
    candidates: Vec<Member>,
    /// By candidate: its index files.
    files: HashMap<CandidateId, Vec<u32>>,
    /// The candidate behind a name.
    named: HashMap<IndexName, CandidateId>,
    /// Every index of the template under its root: what a view turns round.
    roots: HashMap<IndexName, Vec<u32>>,
    lanes: Vec<Lane>,
    /// Tables hang together: an index on one may make some on others.
    has_partitions: bool,
    /// How many lanes there ever were: each has a database name of its own.
    opened: usize,
    /// What could not be rebuilt.
    pub problems: Vec<Problem>,
    /// The statistics' values are pseudonyms: that an expression fails for one says nothing of the real values.
    pub has_pseudonyms: bool,
}

/// One index file of a candidate (several on a partitioned table).
struct Member {
    candidate: CandidateId,
    name: IndexName,
    table: TableName,
    oid: u32,
    has_storage: bool,
    gin: Option<GinCounters>,
}

impl CloneDb {
    /// Builds the template from `blueprint`. `settings` are the planner's on the live server.
    pub async fn build(binaries: &Binaries, blueprint: Blueprint, settings: &BTreeMap<String, String>) -> Result<CloneDb, Failure> {
        check_sizes(&blueprint.relations)?;
        let options = ServerOptions {
            settings: SETTINGS.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
            wal_segment_mb: 1,
            memory_mb: Some(MEMORY_MB),
            label: "what-if clone".into(),
            ..ServerOptions::default()
        };
        let server = Server::start(binaries, &options).await?;
        let mut problems = rebuild::create_database(&server, &blueprint.locale).await?;
        let admin = open(&server, "postgres", DATABASE).await?;
        let planner = open(&server, OWNER, DATABASE).await?;
        problems.extend(rebuild::rebuild(&admin, &planner, &blueprint).await?);
        statistics::pin_formats(&[&admin, &planner]).await?;
        problems.extend(statistics::write(&admin, &blueprint.statistics).await?);
        problems.extend(extended::write(&admin, &planner, binaries.major, &blueprint.extended).await?);
        let ends = ends::encode(&admin, &planner, &server.data_dir(), &blueprint.relations).await?;
        admin.client.batch_execute(TOGGLE_RIGHT).await.map_err(broken)?;
        let relations = blueprint.relations;
        let has_partitions = blueprint.objects.iter().any(|object| object.kind == ObjectKind::Inheritance);
        let settings = settings.clone();
        let (candidates, files, named, roots, lanes) = Default::default();
        Ok(CloneDb {
            server,
            settings,
            relations,
            ends,
            candidates,
            files,
            named,
            roots,
            lanes,
            has_partitions,
            opened: 0,
            problems,
            has_pseudonyms: false,
        })
    }

    /// Builds the candidates in the template, hidden; those that cannot be built, or exist already, come back with the reason.
    pub async fn add_candidates(&mut self, candidates: &[Candidate]) -> Result<Vec<(CandidateId, Unbuilt)>, Failure> {
        let admin = open(&self.server, "postgres", DATABASE).await?;
        let planner = open(&self.server, OWNER, DATABASE).await?;
        let texts: Vec<String> = candidates.iter().enumerate().map(|(id, c)| c.spec.create_sql(&candidate_name(id), false)).collect();
        let mut unbuilt = self.create_all(&planner, candidates, &texts).await?;
        let ids: HashMap<IndexName, CandidateId> =
            candidates.iter().enumerate().map(|(id, c)| (IndexName::new(&c.spec.table.schema, candidate_name(id)), id)).collect();
        for (root, member) in tree(&admin).await? {
            if let Some(id) = ids.get(&root) {
                self.files.entry(*id).or_default().push(member.oid);
                self.named.insert(member.name.clone(), *id);
                self.candidates.push(Member { candidate: *id, gin: candidates[*id].gin, ..member });
            }
        }
        let failing = expressions::write(&admin, &planner, &self.candidates, candidates, &self.table_rows()).await?;
        unbuilt.extend(failing.into_iter().filter(|_| !self.has_pseudonyms).map(|(id, why)| (id, Unbuilt::Fails(why))));
        let hidden: Vec<u32> = self.candidates.iter().map(|m| m.oid).collect();
        for row in admin.client.query(statements::CLONE_TWINS.sql, &[&hidden]).await.map_err(broken)? {
            let (oid, name): (u32, String) = (row.try_get("oid").map_err(broken)?, row.try_get("name").map_err(broken)?);
            // A partition may have one of its own: that is not the index of the whole table.
            let whole = self.candidates.iter().find(|m| m.oid == oid && m.name.name == candidate_name(m.candidate));
            unbuilt.extend(whole.map(|m| (m.candidate, Unbuilt::Exists(name))));
        }
        unbuilt.sort_by_key(|(id, _)| *id);
        unbuilt.dedup_by_key(|(id, _)| *id);
        admin.client.execute(statements::CLONE_TOGGLE.sql, &[&hidden]).await.map_err(broken)?;
        Ok(unbuilt)
    }

    /// Creates the candidates' indexes; those that the server refuses come back with its reason. Where there are many, two
    /// backends share the tables: those of one table are made in their order, so that it lists them in the same order each time.
    async fn create_all(
        &self,
        planner: &Session,
        candidates: &[Candidate],
        texts: &[String],
    ) -> Result<Vec<(CandidateId, Unbuilt)>, Failure> {
        const WORTH_A_BACKEND: usize = 500;
        let beside = match candidates.len() > WORTH_A_BACKEND && !self.has_partitions {
            true => Some(open(&self.server, OWNER, DATABASE).await?),
            false => None,
        };
        let mut tables: HashMap<&TableName, usize> = HashMap::new();
        let creates = candidates.iter().zip(texts).map(|(candidate, sql)| {
            let next = tables.len();
            let number = *tables.entry(&candidate.spec.table).or_insert(next);
            beside.as_ref().filter(|_| number % 2 == 1).unwrap_or(planner).client.batch_execute(sql)
        });
        let built = join_all(creates.collect::<Vec<_>>()).await;
        Ok(built.into_iter().enumerate().filter_map(|(id, done)| done.err().map(|e| (id, Unbuilt::Refused(describe(&e))))).collect())
    }

    /// Opens `lanes` databases with files of production's length, in place of those that are open.
    /// `sizes` are the candidates' bytes and rows.
    pub async fn open_lanes(&mut self, lanes: usize, sizes: &[(CandidateId, f64, f64)]) -> Result<(), Failure> {
        let admin = open(&self.server, "postgres", "postgres").await?;
        let file_copy = if self.server.binaries().major >= 15 { " STRATEGY file_copy" } else { "" };
        let gone = self.opened - self.lanes.len()..self.opened;
        self.lanes.clear();
        for number in gone {
            admin.client.batch_execute(&format!("DROP DATABASE {} WITH (FORCE)", lane_name(number))).await.map_err(broken)?;
        }
        let names: Vec<String> = (self.opened..self.opened + lanes.max(1)).map(lane_name).collect();
        self.opened += names.len();
        // Side by side: copying is the work of the backend that was asked.
        try_join_all(names.iter().map(async |name| {
            let create = format!("CREATE DATABASE {name} TEMPLATE {DATABASE} OWNER {OWNER}{file_copy}");
            open(&self.server, "postgres", "postgres").await?.client.batch_execute(&create).await.map_err(broken)
        }))
        .await?;
        let relations: Vec<Relation> = self.relations.iter().cloned().chain(self.candidate_relations(sizes)).collect();
        self.lanes = try_join_all(names.iter().map(|name| self.open_lane(name, &relations))).await?;
        // Copies of one template have the same oids.
        let root = open(&self.server, "postgres", &names[0]).await?;
        self.roots.clear();
        for (root, member) in tree(&root).await? {
            self.roots.entry(root).or_default().push(member.oid);
        }
        Ok(())
    }

    /// Sizes one database, then plans in it: nothing may have read a file before it has its shape.
    async fn open_lane(&self, database: &str, relations: &[Relation]) -> Result<Lane, Failure> {
        let admin = open(&self.server, "postgres", database).await?;
        sizes::put(&admin, &self.server.data_dir(), relations, &self.ends).await?;
        let session = open(&self.server, OWNER, database).await?;
        settings::apply(&session, &self.settings).await;
        Lane::enter(session).await
    }

    fn table_rows(&self) -> HashMap<TableName, f64> {
        self.relations.iter().map(|r| (TableName::new(&r.schema, &r.name), f64::from(r.rows.max(0.0)))).collect()
    }

    /// The candidates' files: on a partitioned table each partition has its share by its rows.
    fn candidate_relations(&self, sizes: &[(CandidateId, f64, f64)]) -> Vec<Relation> {
        let table_rows = self.table_rows();
        let rows_of = |m: &Member| table_rows.get(&m.table).copied().unwrap_or(0.0);
        let sizes: HashMap<CandidateId, (f64, f64)> = sizes.iter().map(|(id, bytes, rows)| (*id, (*bytes, *rows))).collect();
        let files = || self.candidates.iter().filter(|m| m.has_storage);
        let mut whole: HashMap<CandidateId, (f64, f64)> = HashMap::new();
        for member in files() {
            let sum = whole.entry(member.candidate).or_default();
            *sum = (sum.0 + rows_of(member), sum.1 + 1.0);
        }
        let relation = |member: &Member| {
            let (bytes, rows) = sizes.get(&member.candidate).copied().unwrap_or((0.0, 0.0));
            let (all, parts) = whole.get(&member.candidate).copied().unwrap_or((0.0, 1.0));
            let share = if all > 0.0 { rows_of(member) / all } else { 1.0 / parts };
            let blocks = (bytes * share / BLOCK_BYTES as f64).ceil() as i64;
            let IndexName { schema, name } = member.name.clone();
            Relation {
                schema,
                name,
                pages: blocks.try_into().unwrap_or(i32::MAX),
                rows: (rows * share) as f32,
                blocks,
                gin: member.gin.map(|counters| counters.scaled_to(blocks.clamp(0, i64::from(u32::MAX)) as u32)),
                ..Relation::default()
            }
        };
        files().map(relation).collect()
    }

    /// The folder of the server's files.
    pub fn folder(&self) -> PathBuf {
        self.server.data_dir()
    }

    /// How many lanes are open.
    pub fn lanes(&self) -> usize {
        self.lanes.len()
    }

    /// The connection of a lane, if that is open.
    pub fn planner(&self, lane: usize) -> Option<&Session> {
        self.lanes.get(lane).map(Lane::session)
    }

    /// Lanes to plan on side by side, and what tells which indexes a view turns round.
    pub fn work(&mut self) -> (&mut [Lane], Turns<'_>) {
        (&mut self.lanes, Turns { files: &self.files, roots: &self.roots })
    }

    /// The candidate behind an index in a plan.
    pub fn candidate(&self, schema: &str, index: &str) -> Option<CandidateId> {
        self.named.get(&IndexName::new(schema, index)).copied()
    }
}

/// Which indexes differ from how they were made, for a view.
#[derive(Clone, Copy)]
pub struct Turns<'a> {
    files: &'a HashMap<CandidateId, Vec<u32>>,
    roots: &'a HashMap<IndexName, Vec<u32>>,
}

impl Turns<'_> {
    /// Oids of the candidates that are there and of the existing indexes that are not.
    fn of(&self, view: &View) -> BTreeSet<u32> {
        let present = view.present.iter().filter_map(|id| self.files.get(id)).flatten().copied();
        let hidden = view.hidden.iter().filter_map(|name| self.roots.get(name)).flatten().copied();
        present.chain(hidden).collect()
    }
}

/// A snapshot may claim any size; each GiB is a file of ours.
fn check_sizes(relations: &[Relation]) -> Result<(), Failure> {
    const MOST_GIB: i64 = 200 * 1024;
    let gib = relations.iter().fold(0i64, |sum, r| sum.saturating_add(r.blocks.max(0) / (1 << 17)));
    if gib <= MOST_GIB {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "its tables and indexes are larger than {} TiB together: no copy is made of such a database",
        MOST_GIB / 1024
    )))
}

/// Name of the index that stands for a candidate.
fn candidate_name(id: CandidateId) -> String {
    format!("advisor_c{id}")
}

fn lane_name(number: usize) -> String {
    format!("lane_{number}")
}

/// Every index of the database with the name of its root.
async fn tree(admin: &Session) -> Result<Vec<(IndexName, Member)>, Failure> {
    let read = |row: &Row| -> Result<(IndexName, Member), tokio_postgres::Error> {
        let text = |column: &str| row.try_get::<_, String>(column);
        let member = Member {
            candidate: 0,
            name: IndexName::new(text("schema")?, text("name")?),
            table: TableName::new(text("table_schema")?, text("table_name")?),
            oid: row.try_get("oid")?,
            has_storage: row.try_get("has_storage")?,
            gin: None,
        };
        Ok((IndexName::new(text("root_schema")?, text("root_name")?), member))
    };
    let rows = admin.client.query(statements::CLONE_INDEX_TREE.sql, &[]).await.map_err(broken)?;
    rows.iter().map(read).collect::<Result<_, _>>().map_err(broken)
}

fn broken(error: tokio_postgres::Error) -> Failure {
    if error.is_closed() || error.code().is_some_and(|code| code.code().starts_with("57P")) {
        return Failure::new(FailureKind::Connect, format!("the server of the what-if clone is gone: {}", describe(&error)))
            .hint("memory or disk may have run out on this machine: see its log, then run the same command again");
    }
    // 53100: disk full.
    if error.code().is_some_and(|code| code.code() == "53100") {
        return Failure::new(FailureKind::Missing, format!("no space for the what-if clone: {}", describe(&error)))
            .hint("free space in the temporary folder, or set TMPDIR to another one");
    }
    Failure::new(FailureKind::Bug, format!("the what-if clone failed: {}", describe(&error)))
}

async fn open(server: &Server, user: &str, database: &str) -> Result<Session, Failure> {
    let host = server.socket_dir().display().to_string().replace('\\', "\\\\").replace('\'', "\\'");
    let purpose = Purpose {
        application_name: format!("advisor/{} clone", env!("CARGO_PKG_VERSION")),
        read_only: false,
        statement_timeout: if user == OWNER { OTHERS_PATIENCE } else { Duration::from_secs(60) },
        lock_timeout: Duration::ZERO,
    };
    Session::open(Some(&format!("host='{host}' user={user} dbname={database} sslmode=disable")), &purpose).await
}
