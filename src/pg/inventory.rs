//! What is left or held in a database, for `status`: advisory locks of ours, INVALID indexes, how long backends work.

use super::build::{ADVISORY_CLASS, Control, blocker};
use super::statements::{APPLY_AGES, APPLY_INVALID, APPLY_LOCKS};
use crate::model::ddl::IndexName;
use crate::model::failure::Failure;
use crate::model::index_def::TableName;
use crate::model::ledger::Blocker;
use tokio_postgres::Row;

/// An advisory lock that an advisor's session holds.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldLock {
    /// The session.
    pub who: Blocker,
    /// Nothing was heard of it for this long, seconds; `None` where the role may not see it.
    pub silent_seconds: Option<f64>,
    /// The table's OID; 0 is the ledger's own lock.
    pub table_oid: u32,
    /// The table, where it is still there.
    pub table: Option<TableName>,
}

/// An INVALID index.
#[derive(Debug, Clone, PartialEq)]
pub struct InvalidIndex {
    /// pg_class.oid.
    pub oid: u32,
    /// Index.
    pub index: IndexName,
    /// Its table, of the same schema.
    pub table: String,
    /// Every write maintains it.
    pub ready: bool,
    /// UNIQUE: once it is ready too, it refuses writes.
    pub unique: bool,
    /// What it holds on disk, bytes.
    pub size_bytes: i64,
}

impl Control {
    /// The advisory locks of all advisors in this database.
    pub async fn held_locks(&self) -> Result<Vec<HeldLock>, Failure> {
        let one = |row: &Row| {
            let table = row.get::<_, Option<String>>("table_schema").zip(row.get::<_, Option<String>>("table_name"));
            HeldLock {
                who: blocker(row),
                silent_seconds: row.get("silent_seconds"),
                table_oid: row.get("table_oid"),
                table: table.map(|(schema, name)| TableName::new(schema, name)),
            }
        };
        Ok(self.rows(&APPLY_LOCKS, &[&i64::from(ADVISORY_CLASS)]).await?.iter().map(one).collect())
    }

    /// INVALID indexes of the database, those that refuse writes first.
    pub async fn invalid(&self) -> Result<Vec<InvalidIndex>, Failure> {
        let one = |row: &Row| InvalidIndex {
            oid: row.get("oid"),
            index: IndexName::new(row.get::<_, String>("schema"), row.get::<_, String>("name")),
            table: row.get("table_name"),
            ready: row.get("ready"),
            unique: row.get("unique"),
            size_bytes: row.get("size_bytes"),
        };
        Ok(self.rows(&APPLY_INVALID, &[]).await?.iter().map(one).collect())
    }

    /// Process id and for how long each has run its statement, seconds.
    pub async fn ages(&self, pids: &[i32]) -> Result<Vec<(i32, Option<f64>)>, Failure> {
        Ok(self.rows(&APPLY_AGES, &[&pids]).await?.iter().map(|row| (row.get("pid"), row.get("seconds"))).collect())
    }
}
