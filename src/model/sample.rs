//! What the server had counted about one table at one moment: beside an entry of the ledger one from before the
//! change and one from right after it, so that later counters can be told apart.

use serde::{Deserialize, Serialize};

/// When a sample was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// Just before the change.
    Before,
    /// As soon as it was in force.
    After,
}

impl Moment {
    /// As the ledger spells it.
    pub fn name(self) -> &'static str {
        match self {
            Moment::Before => "before",
            Moment::After => "after",
        }
    }

    /// By its spelling.
    pub fn by_name(name: &str) -> Option<Moment> {
        [Moment::Before, Moment::After].into_iter().find(|m| m.name() == name)
    }
}

/// Counters of one table and of what ran on it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sample {
    /// The server's clock, RFC 3339 UTC.
    pub taken_at: String,
    /// Last reset of pg_stat_statements, RFC 3339 UTC; empty where nobody knows.
    pub counted_since: String,
    /// Why there are no statements, where they could not be read.
    pub unreadable: Option<String>,
    /// Rows of pg_stat_statements that read or write the table.
    pub statements: Vec<Counted>,
    /// Rows written.
    pub rows: RowCounters,
    /// Age of the usage counters of the database, seconds; `None` where nobody knows.
    pub usage_seconds: Option<f64>,
    /// idx_scan of the index; `None` while it is not there.
    pub index_scans: Option<f64>,
}

/// One row of pg_stat_statements. All counters since it was first seen.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counted {
    /// Hash of the row's text and role: tells a row that was forgotten from one that was counted on.
    pub row: String,
    /// The query's fingerprint, as in the report; several rows may have it.
    pub fingerprint: String,
    /// It writes the table.
    pub writes: bool,
    /// Executions.
    pub calls: f64,
    /// Shared blocks found or read.
    pub blocks: f64,
    /// Execution time, ms.
    pub total_ms: f64,
    /// Rows returned or changed.
    pub rows: f64,
}

/// n_tup_* of the table, its partitions together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RowCounters {
    /// Inserted.
    pub inserted: f64,
    /// Updated.
    pub updated: f64,
    /// Of these HOT.
    pub hot_updated: f64,
    /// Deleted.
    pub deleted: f64,
}
