//! One step of a migration, before any tool's file format.

use super::ddl::IndexName;
use super::index_def::TableName;

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepKind {
    /// CREATE INDEX CONCURRENTLY.
    Create,
    /// DROP INDEX CONCURRENTLY.
    Drop,
    /// Partitioned table: the parent's index alone, invalid until every partition is attached.
    CreateOnParent,
    /// Partitioned table: one partition's index, concurrently.
    BuildPartition,
    /// Partitioned table: one partition's index joins the parent's.
    Attach,
    /// CREATE STATISTICS and the ANALYZE that fills them.
    Statistics,
    /// A question that fails unless the steps before it did their work.
    Check,
}

/// The strongest lock a step takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    /// None worth naming.
    None,
    /// SHARE UPDATE EXCLUSIVE on the table: reads and writes go on, VACUUM and DDL wait.
    ShareUpdateExclusive,
    /// SHARE on the parent: writers wait while it is held or waited for.
    Share,
    /// ACCESS EXCLUSIVE on the partition's index: plans of that partition wait for a moment.
    AccessExclusiveOnIndex,
}

impl Lock {
    /// For people.
    pub fn text(self) -> &'static str {
        match self {
            Lock::None => "none",
            Lock::ShareUpdateExclusive => "SHARE UPDATE EXCLUSIVE on the table: reads and writes go on",
            Lock::Share => "SHARE on the parent table, for a moment: writers wait",
            Lock::AccessExclusiveOnIndex => "ACCESS EXCLUSIVE on the partition's index, for a moment",
        }
    }
}

/// One step with its way back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Id of the advice it belongs to.
    pub id: String,
    /// What it does.
    pub kind: StepKind,
    /// Index it is about, or the statistics object.
    pub index: IndexName,
    /// Table of that index; `None` where a drop's table is not known.
    pub table: Option<TableName>,
    /// Statements in order; exactly one unless the step is a check, needs a lock_timeout first, or makes statistics.
    pub sql: Vec<String>,
    /// Statements that undo it, in order; empty where nothing is to be undone.
    pub undo: Vec<String>,
    /// True when it cannot run in a transaction block.
    pub outside_transaction: bool,
    /// Strongest lock.
    pub lock: Lock,
    /// What can go wrong or surprise, one sentence each.
    pub hazards: Vec<String>,
    /// Why, as the report says.
    pub reason: String,
}

/// A table below a partitioned one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its OID.
    pub oid: u32,
    /// The table.
    pub table: TableName,
    /// The partitioned table right above it.
    pub parent: TableName,
    /// Depth below the top, from 1.
    pub level: i32,
    /// True when it holds rows itself; false for a sub-partitioned table.
    pub leaf: bool,
}
