//! How many combinations of their values several columns have.
//!
//! Statistics of single columns leave it open: at least as many as the column with most values has, at most as many as there
//! are when columns have nothing to do with each other. CREATE STATISTICS (ndistinct) counts combinations; what it counted of
//! some of the columns, or of more than them, draws the bounds closer.

use super::sampled;
use crate::model::catalog::Table;
use crate::model::index_def::{IndexSpec, KeyExpr};

/// What columns are taken to have to do with each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Together {
    /// Nothing: as many combinations as there can be.
    Unrelated,
    /// All follow from one of them: as few as there can be.
    Related,
}

/// At most so many distinct keys in `rows` rows, where there are `unrelated` of columns that have nothing to do with each other.
pub(super) fn most(spec: &IndexSpec, table: &Table, unrelated: f64, rows: f64) -> f64 {
    let Some(keys) = columns(spec, table) else { return unrelated };
    let all = table.rows.unwrap_or(rows);
    let bounds = counted(spec, table).filter_map(|(columns, count)| {
        let count = sampled::distinct(count, all, 1.0);
        match () {
            () if keys.iter().all(|k| columns.contains(k)) => Some(count),
            () if columns.iter().all(|c| keys.contains(c)) => {
                let others = keys.iter().filter(|k| !columns.contains(k));
                let each = others.map(|k| distinct(*k, table, all)).product::<Option<f64>>()?;
                Some(sampled::met(count * each, rows))
            }
            () => None,
        }
    });
    bounds.fold(unrelated, f64::min)
}

/// At least so many, where the column with most values has `widest`.
pub(super) fn least(spec: &IndexSpec, table: &Table, widest: f64) -> f64 {
    let Some(keys) = columns(spec, table) else { return widest };
    let within = counted(spec, table).filter(|(columns, _)| columns.iter().all(|c| keys.contains(c)));
    within.map(|(_, count)| sampled::distinct(count, table.rows.unwrap_or(count), 1.0)).fold(widest, f64::max)
}

/// Numbers of the key columns; `None` where an expression is among them.
fn columns(spec: &IndexSpec, table: &Table) -> Option<Vec<i16>> {
    let number = |key: &KeyExpr| match key {
        KeyExpr::Column(name) => table.column(name).map(|c| c.number),
        KeyExpr::Expression(_) => None,
    };
    spec.keys.iter().map(|k| number(&k.expr)).collect()
}

/// Sets of columns of which CREATE STATISTICS counted the combinations; none for a part of the rows.
fn counted<'t>(spec: &IndexSpec, table: &'t Table) -> impl Iterator<Item = (&'t [i16], f64)> {
    let sets = if spec.predicate.is_none() { table.distinct_together.as_slice() } else { &[] };
    sets.iter().map(|(columns, count)| (columns.as_slice(), *count))
}

fn distinct(number: i16, table: &Table, rows: f64) -> Option<f64> {
    let stats = table.columns.iter().find(|c| c.number == number)?.stats.as_ref()?;
    Some(stats.distinct(rows).max(1.0) + if stats.null_frac > 0.0 { 1.0 } else { 0.0 })
}
