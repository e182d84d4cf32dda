//! A copy of a database's schema and statistics in our own server, without a single row: real
//! empty indexes there are what-if indexes. Files are given production's length (sparse, no disk),
//! because the planner goes by the file's size.
//!
//! What others wrote (schema, functions, queries) runs only as `advisor_owner`, a role without
//! superuser, file or program rights, on a connection of its own; the superuser's connection sends
//! nothing but our fixed statements. Functions in C and untrusted languages are left out. No query
//! is ever executed here, only plain EXPLAIN.
//!
//! ```text
//! rebuild.rs      the schema, object by object
//! statistics.rs   pg_statistic
//! sizes.rs        page counts and file lengths
//! btree.rs        the pages of a tree that holds nothing
//! settings.rs     the planner's settings
//! ```

mod btree;
mod rebuild;
mod settings;
mod sizes;
mod statistics;

use crate::model::blueprint::{Blueprint, Relation};
use crate::model::candidate::{Candidate, CandidateId, CandidateSet};
use crate::model::failure::{Failure, FailureKind};
use crate::model::snapshot::Problem;
use crate::pg::error::describe;
use crate::pg::server::{Binaries, Server, ServerOptions};
use crate::pg::session::{Purpose, Session};
use crate::pg::statements;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// Name of the copied database.
const DATABASE: &str = "clone";
/// The role that owns it and plans in it.
const OWNER: &str = "advisor_owner";
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
    relations: Vec<Relation>,
    /// What could not be rebuilt.
    pub problems: Vec<Problem>,
}

impl CloneDb {
    /// Builds the clone of `blueprint` with all candidates in it, invisible. `settings` are the planner's on the live server.
    pub async fn build(binaries: &Binaries, blueprint: Blueprint, settings: &BTreeMap<String, String>) -> Result<CloneDb, Failure> {
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
        let mut problems = rebuild::create_database(&server, &blueprint.locale).await?;
        let admin = open(&server, "postgres", DATABASE).await?;
        let planner = open(&server, OWNER, DATABASE).await?;
        problems.extend(rebuild::rebuild(&admin, &planner, &blueprint).await?);
        settings::apply(&planner, settings).await;
        problems.extend(statistics::write(&admin, &blueprint.statistics).await?);
        Ok(CloneDb {
            server,
            admin,
            planner,
            oids: BTreeMap::new(),
            by_name: HashMap::new(),
            visible: CandidateSet::new(),
            relations: blueprint.relations,
            problems,
        })
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
        for relation in &self.relations {
            sizes::put(&self.admin, &folder, relation).await?;
        }
        let sizes: HashMap<CandidateId, (f64, f64)> = candidate_sizes.iter().map(|(id, bytes, rows)| (*id, (*bytes, *rows))).collect();
        let places: Vec<((String, String), CandidateId)> = self.by_name.iter().map(|(place, id)| (place.clone(), *id)).collect();
        for ((schema, name), id) in places {
            let parts = self.oids.get(&id).map_or(1, |o| o.len().saturating_sub(1).max(1)) as f64;
            let (bytes, rows) = sizes.get(&id).copied().unwrap_or((0.0, 0.0));
            let blocks = (bytes / parts / BLOCK_BYTES as f64).ceil() as i64;
            let pages = blocks.try_into().unwrap_or(i32::MAX);
            let relation = Relation { schema, name, pages, rows: (rows / parts) as f32, blocks, ..Relation::default() };
            sizes::put(&self.admin, &folder, &relation).await?;
        }
        Ok(())
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
