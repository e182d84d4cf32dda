//! `advisor analyze --plans` without a database: the plans speak for themselves, and what needs a
//! catalog is not judged.

use super::analyse::Analysis;
use super::inputs;
use crate::model::failure::Failure;
use crate::model::snapshot::{Evidence, Gap, SNAPSHOT_VERSION, Snapshot};
use crate::pg::conninfo::{Surroundings, is_named};
use crate::read::sql::read_workload;

/// What only a database can tell.
const UNKNOWN: [Evidence; 6] =
    [Evidence::Workload, Evidence::Plans, Evidence::Catalog, Evidence::ColumnStatistics, Evidence::Sessions, Evidence::Standbys];

/// True when files are given and nobody named a database.
pub(super) fn applies(analysis: &Analysis) -> bool {
    let has_files = !analysis.plans.is_empty() || !analysis.queries.is_empty();
    has_files && !is_named(analysis.target.as_deref(), &Surroundings::of_process())
}

/// A snapshot of plans alone.
pub(super) fn read(analysis: &Analysis) -> Result<Snapshot, Failure> {
    if !analysis.queries.is_empty() {
        return Err(Failure::usage("queries from files can only be planned on a database, and none is named")
            .hint("name one with --db postgresql://USER@HOST:PORT/DATABASE or DATABASE_URL")
            .hint("EXPLAIN output is read without a database: --plans FILE|DIR"));
    }
    let reason = "plans alone were read, no database is named (--db)";
    let gap = |evidence| Gap { evidence, reason: reason.to_owned(), fix_sql: None };
    let mut snapshot = Snapshot { snapshot_version: SNAPSHOT_VERSION, gaps: UNKNOWN.map(gap).into(), ..Snapshot::default() };
    inputs::add_plans(&mut snapshot, &analysis.plans, &[])?;
    read_workload(&mut snapshot);
    Ok(snapshot)
}
