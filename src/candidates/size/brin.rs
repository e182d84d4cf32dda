//! How large a BRIN index would be: a summary per range of pages, and a map of them.

use super::rows;
use crate::model::catalog::Table;
use crate::model::index_def::IndexSpec;

const PAGE: f64 = 8192.0;
const CAPACITY: f64 = 8160.0;
/// Ranges on a page of the map.
const RANGES_PER_PAGE: f64 = 1360.0;
/// The server's default of pages_per_range.
const DEFAULT_RANGE: f64 = 128.0;

/// Size, bytes: to the page where the columns' types have one width.
pub fn bytes(spec: &IndexSpec, table: &Table) -> Option<f64> {
    // The rows say that the size is known; partial or not, each range has its summary.
    rows(spec, table)?;
    let pages_per_range = spec.with.iter().find(|(name, _)| name == "pages_per_range").and_then(|(_, n)| n.parse().ok());
    let ranges = (table.size_bytes as f64 / PAGE / pages_per_range.unwrap_or(DEFAULT_RANGE)).ceil().max(1.0);
    let widths = spec.keys.iter().map(|k| k.column_name().and_then(|c| table.column(c)?.stats.as_ref()).map_or(8.0, |s| s.avg_width_bytes));
    // Least and greatest value of each column behind a head of eight bytes, and a line pointer.
    let tuple = ((8.0 + 2.0 * widths.sum::<f64>()) / 8.0).ceil() * 8.0 + 4.0;
    let summaries = (ranges / (CAPACITY / tuple).floor().max(1.0)).ceil();
    Some((1.0 + (ranges / RANGES_PER_PAGE).ceil() + summaries) * PAGE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::catalog::{Column, ColumnStats};
    use crate::model::index_def::{KeySpec, TableName};

    /// Built on PostgreSQL 15 over 35,715 pages.
    #[test]
    fn pages_are_exact() {
        let column = |name: &str| Column {
            name: name.into(),
            stats: Some(ColumnStats { avg_width_bytes: 8.0, ..ColumnStats::default() }),
            ..Column::default()
        };
        let table = Table { rows: Some(3e6), size_bytes: 35_715 * 8192, columns: vec![column("at"), column("id")], ..Table::default() };
        let size = |keys: &[&str], range: Option<&str>| {
            let keys = keys.iter().map(|k| KeySpec::column(*k)).collect();
            let with = range.map(|n| ("pages_per_range".to_owned(), n.to_owned())).into_iter().collect();
            bytes(&IndexSpec { with, ..IndexSpec::btree(TableName::default(), keys) }, &table)
        };
        assert_eq!(size(&["at"], None), Some(24_576.0));
        assert_eq!(size(&["at"], Some("32")), Some(49_152.0));
        assert_eq!(size(&["at", "id"], Some("8")), Some(245_760.0));
    }
}
