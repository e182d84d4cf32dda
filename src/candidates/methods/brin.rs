//! BRIN: a summary per range of pages, for large tables whose rows lie in a column's order.

use super::spec;
use crate::model::catalog::Table;
use crate::model::index_def::{IndexSpec, KeyExpr, KeySpec};
use crate::model::query::{Op, Shape};

/// Below this a B-tree is small as well, bytes.
const LARGE: u64 = 10_000 * 8192;
/// Physical order from which ranges of pages hold ranges of values.
const IN_ORDER: f64 = 0.9;
/// Pages per range: narrow ranges read fewer rows in vain, wide ones keep fewer summaries. The server's default is 128.
const PAGES_PER_RANGE: [Option<u32>; 2] = [Some(32), None];
/// How the names of types begin that have minima and maxima by default. A boolean, an enum or an array has none.
const SUMMARISED: [&str; 22] = [
    "smallint",
    "integer",
    "bigint",
    "numeric",
    "real",
    "double precision",
    "date",
    "time",
    "interval",
    "character",
    "text",
    "name",
    "\"char\"",
    "uuid",
    "inet",
    "cidr",
    "macaddr",
    "bytea",
    "bit",
    "oid",
    "pg_lsn",
    "tid",
];

/// Two per column in physical order that the query bounds.
pub(super) fn offers(shape: &Shape, table_ref: usize, table: &Table) -> Vec<IndexSpec> {
    if table.size_bytes < LARGE {
        return Vec::new();
    }
    let in_order = |name: &str| {
        let column = table.column(name).filter(|c| is_summarised(&c.type_name));
        let stats = column.and_then(|c| c.stats.as_ref());
        stats.and_then(|s| s.correlation).is_some_and(|c| c.abs() >= IN_ORDER)
    };
    let mut all: Vec<IndexSpec> = Vec::new();
    for condition in &shape.tables[table_ref].conditions {
        let KeyExpr::Column(name) = &condition.key else { continue };
        if !matches!(condition.op, Op::Range | Op::Eq) || !in_order(name) {
            continue;
        }
        for pages in PAGES_PER_RANGE {
            let with = pages.map(|n| ("pages_per_range".to_owned(), n.to_string())).into_iter().collect();
            let offer = IndexSpec { with, ..spec(table, "brin", vec![KeySpec::column(name.as_str())]) };
            if !all.contains(&offer) {
                all.push(offer);
            }
        }
    }
    all
}

fn is_summarised(type_name: &str) -> bool {
    SUMMARISED.iter().any(|start| type_name.starts_with(start)) && !type_name.ends_with("[]")
}

#[cfg(test)]
mod tests {
    use super::is_summarised;

    #[test]
    fn types_without_minima_and_maxima_get_none() {
        assert!(["timestamp with time zone", "numeric(10,2)", "character varying(20)", "bigint"].iter().all(|t| is_summarised(t)));
        assert!(["boolean", "integer[]", "jsonb", "mood", "int4range"].iter().all(|t| !is_summarised(t)));
    }
}
