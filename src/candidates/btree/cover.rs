//! Covering indexes: a head and, behind it, every other column that the query needs of the table, as keys or INCLUDE.

use super::taste::Taste;
use crate::model::catalog::{Column, Table};
use crate::model::index_def::{IndexSpec, KeySpec};
use crate::model::query::{Shape, StatementKind};

/// Longest head of a covering index.
const MOST_HEAD: usize = 3;
/// Most columns of a covering index.
const MOST_COLUMNS: usize = 10;
/// A wider value has no place in an index that is meant to be small, bytes.
const WIDEST_COLUMN: f64 = 200.0;
/// Width of a column without statistics, bytes.
pub(super) const UNKNOWN_WIDTH: f64 = 32.0;
/// An index of a larger part of the row's width is the table once more.
const LARGEST_PART: f64 = 0.75;
/// Bytes of a row or an index entry beside its values.
const ROW_HEADER: f64 = 28.0;

/// Columns that the query needs of a reference, in the table's order; `None` where no index of a sensible size could have them all.
pub fn needed<'t>(shape: &Shape, table_ref: usize, table: &'t Table) -> Option<Vec<&'t Column>> {
    let this = &shape.tables[table_ref];
    let locks = shape.locking || (this.written && shape.kind != StatementKind::Select);
    if this.needs_all || locks || this.needed.is_empty() || this.needed.len() > MOST_COLUMNS {
        return None;
    }
    let mut columns: Vec<&Column> = this.needed.iter().map(|c| table.column(c)).collect::<Option<_>>()?;
    columns.sort_by_key(|c| c.number);
    let width = |c: &Column| c.stats.as_ref().map_or(UNKNOWN_WIDTH, |s| s.avg_width_bytes * (1.0 - s.null_frac));
    let (of_index, of_row): (f64, f64) = (columns.iter().map(|c| width(c)).sum(), table.columns.iter().map(width).sum());
    let narrow = columns.iter().all(|c| c.stats.as_ref().is_none_or(|s| s.avg_width_bytes <= WIDEST_COLUMN));
    (narrow && of_index <= LARGEST_PART * (of_row + ROW_HEADER)).then_some(columns)
}

/// Both forms of one head; none where the head covers all already, or is too long.
pub fn forms(head: &[KeySpec], needed: &[&Column], whole: &IndexSpec, taste: &Taste) -> Vec<IndexSpec> {
    let rest: Vec<&Column> = needed.iter().filter(|c| head.iter().all(|k| k.column_name() != Some(&c.name))).copied().collect();
    if rest.is_empty() || head.len() > MOST_HEAD || head.len() + rest.len() > MOST_COLUMNS {
        return Vec::new();
    }
    let included = IndexSpec { keys: head.to_vec(), include: rest.iter().map(|c| c.name.clone()).collect(), ..whole.clone() };
    let keys = taste.may_follow(&rest).then(|| as_keys(&included));
    let included = taste.may_include(&rest).then_some(included);
    included.into_iter().chain(keys).collect()
}

/// The INCLUDE columns as keys behind the others.
pub(super) fn as_keys(included: &IndexSpec) -> IndexSpec {
    let more = included.include.iter().map(KeySpec::column);
    let keys = included.keys.iter().cloned().chain(more).collect();
    IndexSpec { keys, include: Vec::new(), ..included.clone() }
}
