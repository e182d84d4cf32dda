//! How large a B-tree is in published comparisons of selection algorithms: as HypoPG from version 1.4.2 on counts it.
//! Older versions charge each further column a tuple header of its own, so that one budget means different things.

use super::rows;
use crate::model::catalog::Table;
use crate::model::index_def::IndexSpec;

/// Tuple header and line pointer, bytes.
const PER_ENTRY: f64 = 12.0;
/// A page less its header and the B-tree's part of it, bytes.
const USABLE: f64 = 8192.0 - 24.0 - 16.0;
/// 30 % for whatever else there is, at a fill factor of 90 %.
const BLOAT: f64 = 130.0 / 90.0;
/// Width of a column without statistics, bytes.
const UNKNOWN_WIDTH: f64 = 16.0;

/// Bytes: average widths without alignment, no de-duplication, leaf pages alone.
pub fn bytes(spec: &IndexSpec, table: &Table) -> Option<f64> {
    let width = |name: Option<&str>| {
        let stats = name.and_then(|n| table.column(n)).and_then(|c| c.stats.as_ref());
        stats.map_or(UNKNOWN_WIDTH, |s| s.avg_width_bytes)
    };
    let columns = spec.keys.iter().map(|k| k.column_name()).chain(spec.include.iter().map(|c| Some(c.as_str())));
    let entry = columns.map(width).sum::<f64>() + PER_ENTRY;
    Some((rows(spec, table)? * entry * BLOAT / USABLE).floor() * 8192.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::catalog::{Column, ColumnStats};
    use crate::model::index_def::{KeySpec, TableName};

    #[test]
    fn sizes_are_those_that_hypopg_1_4_2_tells() {
        let column = |name: &str| Column {
            name: name.into(),
            stats: Some(ColumnStats { avg_width_bytes: 4.0, ..ColumnStats::default() }),
            ..Column::default()
        };
        let table = |rows: f64| Table { rows: Some(rows), columns: vec![column("a"), column("b")], ..Table::default() };
        let of = |keys: &[&str]| IndexSpec::btree(TableName::new("", ""), keys.iter().map(|k| KeySpec::column(*k)).collect());
        // Asked of HypoPG 1.4.2 on tables of so many rows.
        assert_eq!(bytes(&of(&["a"]), &table(6_001_484.0)), Some(139_378_688.0));
        assert_eq!(bytes(&of(&["a", "b"]), &table(1_500_000.0)), Some(43_540_480.0));
    }
}
