//! A copy of a database's schema and statistics in our own server, without a single row: real
//! empty indexes there are what-if indexes. Files are given production's length (sparse, no disk),
//! because the planner goes by the file's size.
//!
//! What others wrote (schema, functions, queries) runs only as `advisor_owner`, a role without
//! superuser, file or program rights, on a connection of its own; the superuser's connection sends
//! nothing but our fixed statements. Functions in C and untrusted languages are left out. No query
//! is ever executed here, only plain EXPLAIN.

mod btree;
pub mod export;

use crate::model::candidate::{Candidate, CandidateId, CandidateSet};
use crate::model::failure::{Failure, FailureKind};
use crate::model::snapshot::Problem;
use crate::model::text::{one_line, quote_literal};
use crate::pg::error::describe;
use crate::pg::server::{Binaries, Server, ServerOptions};
use crate::pg::session::{Purpose, Session};
use crate::pg::statements;
use export::{Export, Object};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Name of the copied database.
const DATABASE: &str = "clone";
/// The role that owns it and plans in it.
const OWNER: &str = "advisor_owner";
/// A relation's file is cut into segments of this size.
const SEGMENT_BYTES: u64 = 1 << 30;
/// Block size.
const BLOCK_BYTES: u64 = 8192;

/// A running clone.
pub struct CloneDb {
    server: Server,
    admin: Session,
    planner: Session,
    /// Index files of each candidate (several on a partitioned table), by oid.
    oids: BTreeMap<CandidateId, Vec<u32>>,
    by_name: HashMap<(String, String), CandidateId>,
    visible: CandidateSet,
    export: Export,
    /// What could not be rebuilt.
    pub problems: Vec<Problem>,
}

impl CloneDb {
    /// Builds the clone of `export` with all candidates in it, invisible. `settings` are the planner's on the live server.
    pub async fn build(binaries: &Binaries, export: Export, settings: &BTreeMap<String, String>) -> Result<CloneDb, Failure> {
        let options = ServerOptions {
            settings: [
                ("autovacuum", "off"),
                ("allow_system_table_mods", "on"),
                ("max_connections", "20"),
                // Nothing may read an index before its file has its final shape: the server would keep the old first
                // page in a buffer. A parallel build plans; small new files are logged, unless told to sync, page by page.
                ("max_parallel_maintenance_workers", "0"),
                ("wal_skip_threshold", "0"),
            ]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into(),
            label: "what-if clone".into(),
            ..ServerOptions::default()
        };
        let server = Server::start(binaries, &options).await?;
        let mut problems = create_database(&server, &export.locale).await?;
        let admin = open(&server, "postgres", DATABASE).await?;
        let planner = open(&server, OWNER, DATABASE).await?;
        problems.extend(rebuild(&admin, &planner, &export).await?);
        apply_settings(&planner, settings).await;
        let mut clone = CloneDb {
            server,
            admin,
            planner,
            oids: BTreeMap::new(),
            by_name: HashMap::new(),
            visible: CandidateSet::new(),
            export,
            problems,
        };
        clone.write_statistics().await?;
        Ok(clone)
    }

    /// The connection on which queries are planned.
    pub fn planner(&self) -> &Session {
        &self.planner
    }

    /// Builds the candidates while all tables are empty files; those the server refuses come back with its reason.
    pub async fn add_candidates(&mut self, candidates: &[Candidate]) -> Result<Vec<(CandidateId, String)>, Failure> {
        let mut refused = Vec::new();
        for (id, candidate) in candidates.iter().enumerate() {
            let name = format!("advisor_c{id}");
            if let Err(error) = self.planner.client.batch_execute(&candidate.spec.create_sql(&name, false)).await {
                refused.push((id, describe(&error)));
                continue;
            }
            let rows =
                self.admin.client.query(statements::CLONE_NEW_INDEXES.sql, &[&candidate.spec.table.schema, &name]).await.map_err(broken)?;
            for row in rows {
                self.oids.entry(id).or_default().push(row.try_get("oid").map_err(broken)?);
                let place = (row.try_get("schema").map_err(broken)?, row.try_get("name").map_err(broken)?);
                self.by_name.insert(place, id);
            }
        }
        // All were built visible: hide them.
        self.visible = (0..candidates.len()).collect();
        self.show(&CandidateSet::new()).await?;
        Ok(refused)
    }

    /// Gives every file its length. The last step before planning: building an index reads its table.
    pub async fn stretch(&mut self, candidate_sizes: &[(CandidateId, f64, f64)]) -> Result<(), Failure> {
        let folder = self.server.data_dir();
        for relation in &self.export.relations {
            self.put(&folder, &relation.schema, &relation.name, relation.pages, relation.rows, relation.visible_pages, relation.blocks)
                .await?;
        }
        let sizes: HashMap<CandidateId, (f64, f64)> = candidate_sizes.iter().map(|(id, bytes, rows)| (*id, (*bytes, *rows))).collect();
        let places: Vec<((String, String), CandidateId)> = self.by_name.iter().map(|(place, id)| (place.clone(), *id)).collect();
        for ((schema, name), id) in places {
            let parts = self.oids.get(&id).map_or(1, |o| o.len().saturating_sub(1).max(1)) as f64;
            let (bytes, rows) = sizes.get(&id).copied().unwrap_or((0.0, 0.0));
            let blocks = (bytes / parts / BLOCK_BYTES as f64).ceil() as i64;
            self.put(&folder, &schema, &name, blocks.try_into().unwrap_or(i32::MAX), rows / parts, 0, blocks).await?;
        }
        Ok(())
    }

    #[allow(clippy::too_many_arguments, reason = "the columns of one pg_class row")]
    async fn put(&self, folder: &Path, schema: &str, name: &str, pages: i32, rows: f64, visible: i32, blocks: i64) -> Result<(), Failure> {
        let parameters: [&(dyn postgres_types::ToSql + Sync); 5] = [&schema, &name, &pages, &rows, &visible];
        let row = self.admin.client.query_opt(statements::CLONE_PUT_RELATION.sql, &parameters).await.map_err(broken)?;
        let path: Option<String> = row.as_ref().and_then(|r| r.try_get("path").ok()).flatten();
        let key_bytes: Option<f64> = row.as_ref().and_then(|r| r.try_get("key_bytes").ok()).flatten();
        let Some(path) = path.filter(|_| blocks > 0).map(|p| folder.join(p)) else { return Ok(()) };
        // One block is the metapage of an index without a row: a tree of height 0, as it is.
        if let Some(key_bytes) = key_bytes.filter(|_| blocks > 1) {
            grow_tree(&path, blocks, key_bytes)?;
        }
        stretch_file(&path, blocks as u64 * BLOCK_BYTES)
    }

    /// Makes exactly these candidates visible to the planner.
    pub async fn show(&mut self, set: &CandidateSet) -> Result<(), Failure> {
        if self.visible == *set {
            return Ok(());
        }
        let of =
            |ids: &mut dyn Iterator<Item = &CandidateId>| ids.filter_map(|id| self.oids.get(id)).flatten().copied().collect::<Vec<u32>>();
        let wanted = of(&mut set.iter());
        let changed = of(&mut set.symmetric_difference(&self.visible));
        self.admin.client.execute(statements::CLONE_TOGGLE.sql, &[&wanted, &changed]).await.map_err(broken)?;
        self.visible.clone_from(set);
        Ok(())
    }

    /// The candidate behind an index in a plan.
    pub fn candidate(&self, schema: &str, index: &str) -> Option<CandidateId> {
        self.by_name.get(&(schema.to_owned(), index.to_owned())).copied()
    }

    async fn write_statistics(&mut self) -> Result<(), Failure> {
        let statement = self.admin.client.prepare(statements::CLONE_PUT_STATISTICS.sql).await.map_err(broken)?;
        let mut lost = 0;
        for row in &self.export.statistics {
            let [schema, relation, column] = &row.place;
            let parameters: [&(dyn postgres_types::ToSql + Sync); 14] = [
                schema,
                relation,
                column,
                &row.inherited,
                &row.null_frac,
                &row.avg_width,
                &row.n_distinct,
                &row.common_values,
                &row.common_freqs,
                &row.histogram,
                &row.correlation,
                &row.common_elements,
                &row.element_freqs,
                &row.element_counts,
            ];
            // Each row for itself: within one transaction every savepoint would hold a lock to its end.
            if self.admin.client.execute(&statement, &parameters).await.is_err() {
                lost += 1;
            }
        }
        if lost > 0 {
            let message = format!("statistics of {lost} columns could not be written: their types are missing here");
            self.problems.push(Problem { source: "what-if clone".into(), message });
        }
        Ok(())
    }
}

fn broken(error: tokio_postgres::Error) -> Failure {
    Failure::new(FailureKind::Bug, format!("the what-if clone failed: {}", describe(&error)))
}

async fn open(server: &Server, user: &str, database: &str) -> Result<Session, Failure> {
    let host = server.socket_dir().display().to_string().replace('\\', "\\\\").replace('\'', "\\'");
    let purpose = Purpose {
        application_name: format!("advisor/{} clone", env!("CARGO_PKG_VERSION")),
        read_only: false,
        statement_timeout: Duration::from_secs(60),
        lock_timeout: Duration::ZERO,
    };
    Session::open(Some(&format!("host='{host}' user={user} dbname={database} sslmode=disable")), &purpose).await
}

/// The role, and the database in the live one's encoding and locale where this machine has them.
async fn create_database(server: &Server, locale: &[String; 3]) -> Result<Vec<Problem>, Failure> {
    let admin = open(server, "postgres", "postgres").await?;
    admin.client.batch_execute(&format!("CREATE ROLE {OWNER} LOGIN")).await.map_err(broken)?;
    let [encoding, collate, ctype] = locale.each_ref().map(|s| quote_literal(s));
    let create = format!("CREATE DATABASE {DATABASE} OWNER {OWNER} TEMPLATE template0");
    let same = format!("{create} ENCODING {encoding} LC_COLLATE {collate} LC_CTYPE {ctype}");
    let Err(error) = admin.client.batch_execute(&same).await else { return Ok(Vec::new()) };
    admin.client.batch_execute(&create).await.map_err(broken)?;
    let message = format!("this machine lacks the database's locale ({}): text comparison is planned as in locale C", describe(&error));
    Ok(vec![Problem { source: "what-if clone".into(), message }])
}

/// Rebuilds every object; one that fails is tried again after the others (views on views), then reported.
async fn rebuild(admin: &Session, planner: &Session, export: &Export) -> Result<Vec<Problem>, Failure> {
    planner.client.batch_execute("SET check_function_bodies = off; SET client_min_messages = error").await.map_err(broken)?;
    // The copied schemas may hold operators: none of them is ever called by the superuser.
    admin.client.batch_execute("SET client_min_messages = error; SET search_path = ''").await.map_err(broken)?;
    let schemas: Vec<Object> = export.objects.iter().filter(|o| o.name.starts_with("schema ")).cloned().collect();
    admin.client.batch_execute(&format!("ALTER SCHEMA public OWNER TO {OWNER}")).await.map_err(broken)?;
    let mut failed = run_all(planner, schemas).await;
    failed.extend(run_all(admin, export.extensions.clone()).await);
    let rest = export.objects.iter().filter(|o| !o.name.starts_with("schema ")).cloned().collect();
    failed.extend(run_all(planner, rest).await);
    Ok(failed
        .into_iter()
        .map(|(object, error)| Problem {
            source: "what-if clone".into(),
            message: format!("{} not rebuilt: {error}", one_line(&object.name)),
        })
        .collect())
}

async fn run_all(session: &Session, mut objects: Vec<Object>) -> Vec<(Object, String)> {
    loop {
        let before = objects.len();
        let mut failed = Vec::new();
        for object in objects {
            // One statement per message, by the extended protocol: the text comes from another server.
            if let Err(error) = session.client.execute(&object.ddl, &[]).await {
                failed.push((object, describe(&error)));
            }
        }
        if failed.is_empty() || failed.len() == before {
            return failed;
        }
        objects = failed.into_iter().map(|(object, _)| object).collect();
    }
}

/// Planner settings of the live server; one that this major does not know is left out.
async fn apply_settings(planner: &Session, settings: &BTreeMap<String, String>) {
    for (name, value) in settings.iter().filter(|(name, _)| is_planner_setting(name)) {
        // An unknown or unsettable name is not worth a word: another major's planner has no such knob.
        let _ = planner.client.execute("select pg_catalog.set_config($1, $2, false)", &[name, value]).await;
    }
}

/// Settings that change plans or how constants are read.
fn is_planner_setting(name: &str) -> bool {
    const EXACT: [&str; 22] = [
        "seq_page_cost",
        "random_page_cost",
        "effective_cache_size",
        "work_mem",
        "hash_mem_multiplier",
        "default_statistics_target",
        "from_collapse_limit",
        "join_collapse_limit",
        "constraint_exclusion",
        "cursor_tuple_fraction",
        "max_parallel_workers_per_gather",
        "min_parallel_table_scan_size",
        "min_parallel_index_scan_size",
        "parallel_setup_cost",
        "parallel_tuple_cost",
        "plan_cache_mode",
        "effective_io_concurrency",
        "recursive_worktable_factor",
        "TimeZone",
        "DateStyle",
        "IntervalStyle",
        "max_parallel_workers",
    ];
    EXACT.contains(&name) || ["cpu_", "enable_", "geqo", "jit"].iter().any(|p| name.starts_with(p))
}

/// Gives an empty B-tree the height that one of `blocks` blocks has. Nothing has read the index yet,
/// so no buffer of the server holds its old first page.
fn grow_tree(path: &Path, blocks: i64, key_bytes: f64) -> Result<(), Failure> {
    let height = btree::height(blocks as f64 - 1.0, key_bytes);
    let fail = |e: std::io::Error| cannot_size(path, e);
    let metapage = std::fs::read(path).map_err(fail)?;
    match btree::pages(&metapage, height) {
        Some(pages) => {
            // Written in place: the file stays the server's.
            let mut file = std::fs::OpenOptions::new().write(true).open(path).map_err(fail)?;
            std::io::Write::write_all(&mut file, &pages).map_err(fail)
        }
        None => Ok(()),
    }
}

fn cannot_size(path: &Path, error: std::io::Error) -> Failure {
    Failure::new(FailureKind::Missing, format!("cannot size the clone's file {}: {error}", path.display()))
        .hint("free space in the temporary folder, or set TMPDIR to another one")
}

/// Lengthens a relation's file without writing to it: segments of 1 GiB, holes all through.
fn stretch_file(path: &Path, bytes: u64) -> Result<(), Failure> {
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
    let owner = std::fs::symlink_metadata(path).map_err(|e| cannot_size(path, e))?;
    for segment in 0..bytes.div_ceil(SEGMENT_BYTES) {
        let file = if segment == 0 { path.to_owned() } else { PathBuf::from(format!("{}.{segment}", path.display())) };
        let length = (bytes - segment * SEGMENT_BYTES).min(SEGMENT_BYTES);
        let mut options = std::fs::OpenOptions::new();
        // We may be root in a folder of the server's account: no link of its making is followed,
        options.write(true).create(segment > 0).custom_flags(nix::fcntl::OFlag::O_NOFOLLOW.bits());
        let handle = options.open(&file).map_err(|e| cannot_size(&file, e))?;
        let found = handle.metadata().map_err(|e| cannot_size(&file, e))?;
        // and nothing of root's is cut, since the server never runs as root.
        if found.uid() == 0 && (found.len() > 0 || segment == 0) {
            return Err(cannot_size(&file, std::io::Error::other("it is not the server's")));
        }
        handle.set_len(length).map_err(|e| cannot_size(&file, e))?;
        if segment > 0 {
            // The new segment must be the server's.
            fchown(&handle, Some(owner.uid()), Some(owner.gid())).map_err(|e| cannot_size(&file, e))?;
        }
    }
    Ok(())
}
