//! All we know at one moment. Every source fills it, every rule reads it, JSON carries it.

use super::catalog::Catalog;
use super::query::Query;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Version of the snapshot's JSON; a reader refuses a newer one.
pub const SNAPSHOT_VERSION: u32 = 1;

/// Newest PostgreSQL major this release is tested with; a newer server is analysed with a note.
pub const NEWEST_TESTED_MAJOR: u32 = 18;

/// Oldest PostgreSQL major supported.
pub const OLDEST_MAJOR: u32 = 13;

/// One database at one moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// [`SNAPSHOT_VERSION`] when written.
    pub snapshot_version: u32,
    /// The server; `None` for plan files alone.
    pub server: Option<Server>,
    /// What pg_stat_statements covers.
    pub window: Option<Window>,
    /// Age of the table and index usage counters of this database.
    pub usage_age_seconds: Option<f64>,
    /// The longest time that the table counters of this database can cover: rates divide by it.
    #[serde(default)]
    pub counted_seconds: Option<f64>,
    /// Standbys that stream from this server: their index usage is not in our counters.
    pub standbys: u32,
    /// True when pg_stat_replication was readable (else `standbys` is unknown).
    pub standbys_visible: bool,
    /// Catalog and statistics.
    pub catalog: Catalog,
    /// Queries, most total time first.
    pub workload: Vec<Query>,
    /// Other client sessions of this database.
    pub sessions: Vec<SessionActivity>,
    /// True when other roles' sessions were readable.
    pub sessions_visible: bool,
    /// Settings by name, as SHOW prints them.
    pub settings: BTreeMap<String, String>,
    /// What the snapshot lacks, and how to get it.
    pub gaps: Vec<Gap>,
    /// What went wrong while reading, by source.
    pub problems: Vec<Problem>,
}

/// The server.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Server {
    /// server_version_num, e.g. 150018.
    pub version_num: u32,
    /// server_version as text.
    pub version: String,
    /// Database analysed.
    pub database: String,
    /// pg_is_in_recovery().
    pub is_standby: bool,
}

impl Server {
    /// Major version.
    pub fn major(&self) -> u32 {
        self.version_num / 10_000
    }
}

/// A span of time, RFC 3339 UTC.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Window {
    /// Start (the last reset of the statistics).
    pub from: String,
    /// End (when we read).
    pub to: String,
    /// Length, seconds.
    pub seconds: f64,
}

/// One row of pg_stat_activity (client backends of this database, ours left out).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SessionActivity {
    /// Backend process id.
    pub pid: i32,
    /// Role.
    pub role: Option<String>,
    /// application_name.
    pub application: Option<String>,
    /// `active`, `idle`, `idle in transaction`…; `None` without the right to see it.
    pub state: Option<String>,
    /// Seconds since the state changed.
    pub state_seconds: Option<f64>,
    /// Seconds since its transaction began.
    pub transaction_seconds: Option<f64>,
    /// It holds back the xmin horizon (backend_xmin is set).
    pub holds_snapshot: bool,
}

/// What kind of evidence is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// No workload: pg_stat_statements is missing or unreadable.
    Workload,
    /// Query texts of other roles are hidden.
    QueryTexts,
    /// No plans.
    Plans,
    /// Column statistics are not readable.
    ColumnStatistics,
    /// Sessions of other roles are hidden.
    Sessions,
    /// Index usage of standbys.
    Standbys,
    /// Catalog (plan files alone).
    Catalog,
}

/// Missing evidence with the exact cure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gap {
    /// What is missing.
    pub evidence: Evidence,
    /// Why.
    pub reason: String,
    /// Statement that cures it, if one does.
    pub fix_sql: Option<String>,
}

/// Something that went wrong and did not stop the run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Problem {
    /// Where: a file, a query's fingerprint, a catalog view, a connection parameter.
    pub source: String,
    /// What.
    pub message: String,
}
