//! One index for two queries: of two covering indexes that begin alike, the longer keys with the columns of both.

use super::cover::{MOST_INCLUDED, as_keys};
use crate::model::candidate::QueryId;
use crate::model::catalog::Catalog;
use crate::model::index_def::{IndexSpec, TableName};
use std::collections::{BTreeMap, BTreeSet};

/// Most merged indexes of one table.
const MOST_PER_TABLE: usize = 60;

/// An index and the queries it is for.
pub type Offered = (IndexSpec, BTreeSet<QueryId>);

/// Merged indexes of pairs that come from different queries; of each table a few, those that serve most queries first.
pub fn merged(specs: &[Offered], catalog: &Catalog) -> Vec<Offered> {
    let mut by_table: BTreeMap<&TableName, Vec<&Offered>> = BTreeMap::new();
    for offered in specs.iter().filter(|(s, _)| s.method == "btree" && !s.include.is_empty()) {
        by_table.entry(&offered.0.table).or_default().push(offered);
    }
    let known: BTreeSet<&IndexSpec> = specs.iter().map(|(s, _)| s).collect();
    let mut out = Vec::new();
    for (table, own) in by_table {
        let best = of_table(&own, &known);
        let ordered = |c: &str| catalog.table(table).and_then(|t| t.column(c)).is_some_and(super::key::is_ordered);
        let keys: Vec<Offered> = best.iter().filter_map(|(s, q)| Some((as_keys(s, ordered)?, q.clone()))).collect();
        out.extend(best);
        out.extend(keys.into_iter().filter(|(s, _)| !known.contains(s)));
    }
    out
}

fn of_table(own: &[&Offered], known: &BTreeSet<&IndexSpec>) -> Vec<Offered> {
    let mut found: BTreeMap<IndexSpec, BTreeSet<QueryId>> = BTreeMap::new();
    for (n, (a, of_a)) in own.iter().enumerate() {
        for (b, of_b) in &own[n + 1..] {
            if of_a.is_subset(of_b) || of_b.is_subset(of_a) || a.predicate != b.predicate {
                continue;
            }
            if let Some(spec) = both(a, b).filter(|s| !known.contains(s)) {
                found.entry(spec).or_default().extend(of_a.union(of_b));
            }
        }
    }
    let mut found: Vec<Offered> = found.into_iter().collect();
    found.sort_by_key(|(spec, queries)| (std::cmp::Reverse(queries.len()), spec.keys.len() + spec.include.len()));
    found.truncate(MOST_PER_TABLE);
    found
}

/// The keys of one begin with those of the other: the longer ones, and what both include.
fn both(a: &IndexSpec, b: &IndexSpec) -> Option<IndexSpec> {
    let (short, long) = if a.keys.len() <= b.keys.len() { (a, b) } else { (b, a) };
    if !long.keys.starts_with(&short.keys) {
        return None;
    }
    let is_key = |c: &String| long.keys.iter().any(|k| k.column_name() == Some(c));
    let include: BTreeSet<String> = long.include.iter().chain(&short.include).filter(|c| !is_key(c)).cloned().collect();
    (include.len() <= MOST_INCLUDED).then(|| IndexSpec { include: include.into_iter().collect(), ..long.clone() })
}
