//! One index for two queries: of two covering indexes that begin alike, the longer keys with the columns of both.

use super::cover::as_keys;
use super::taste::Taste;
use crate::model::candidate::QueryId;
use crate::model::catalog::Column;
use crate::model::index_def::{IndexSpec, TableName};
use std::collections::{BTreeMap, BTreeSet};

/// Most merged indexes of one table.
const MOST_PER_TABLE: usize = 60;

/// Of each table so many covering indexes are paired, those of the heaviest queries: every one with every other takes time.
const MOST_PAIRED: usize = 400;

/// An index and the queries it is for.
pub type Offered = (IndexSpec, BTreeSet<QueryId>);

/// Merged indexes of pairs that come from different queries; of each table a few, those that serve most queries first.
pub fn merged(specs: &[Offered], taste: &Taste) -> Vec<Offered> {
    let mut by_table: BTreeMap<&TableName, Vec<&Offered>> = BTreeMap::new();
    for offered in specs.iter().filter(|(s, _)| s.method == "btree" && !s.include.is_empty()) {
        by_table.entry(&offered.0.table).or_default().push(offered);
    }
    let known: BTreeSet<&IndexSpec> = specs.iter().map(|(s, _)| s).collect();
    let mut out = Vec::new();
    for (table, own) in by_table {
        let best = of_table(&own, &known, taste.most_included());
        let included = |s: &IndexSpec| s.include.iter().map(|c| taste.catalog.table(table)?.column(c)).collect::<Option<Vec<&Column>>>();
        let follow = |s: &IndexSpec| included(s).is_some_and(|columns| taste.may_follow(&columns));
        let keys: Vec<Offered> = best.iter().filter(|(s, _)| follow(s)).map(|(s, q)| (as_keys(s), q.clone())).collect();
        out.extend(best);
        out.extend(keys.into_iter().filter(|(s, _)| !known.contains(s)));
    }
    out
}

fn of_table(own: &[&Offered], known: &BTreeSet<&IndexSpec>, most_included: usize) -> Vec<Offered> {
    let mut found: BTreeMap<IndexSpec, BTreeSet<QueryId>> = BTreeMap::new();
    let own = &own[..own.len().min(MOST_PAIRED)];
    for (n, (a, of_a)) in own.iter().enumerate() {
        for (b, of_b) in &own[n + 1..] {
            if of_a.is_subset(of_b) || of_b.is_subset(of_a) || a.predicate != b.predicate {
                continue;
            }
            if let Some(spec) = both(a, b).filter(|s| s.include.len() <= most_included && !known.contains(s)) {
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
    Some(IndexSpec { include: include.into_iter().collect(), ..long.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::catalog::{Catalog, Table};
    use crate::model::index_def::KeySpec;

    #[test]
    fn two_that_begin_alike_become_one() {
        let columns =
            ["a", "b", "c", "d"].iter().map(|c| Column { name: (*c).into(), type_name: "bigint".into(), length: 8, ..Column::default() });
        let table = Table { schema: "s".into(), name: "t".into(), columns: columns.collect(), ..Table::default() };
        let name = table.table_name();
        let catalog = Catalog { tables: vec![table], ..Catalog::default() };
        let spec = |keys: &[&str], include: &[&str]| {
            let keys = keys.iter().map(|k| KeySpec::column(*k)).collect();
            IndexSpec { include: include.iter().map(|c| (*c).to_owned()).collect(), ..IndexSpec::btree(name.clone(), keys) }
        };
        let tails =
            |specs: &[Offered]| merged(specs, &Taste::of(&catalog, false)).iter().map(|(s, q)| (s.tail_sql(), q.len())).collect::<Vec<_>>();
        let found = tails(&[(spec(&["a"], &["c"]), [0].into()), (spec(&["a", "b"], &["d"]), [1].into())]);
        let wanted = [(" USING btree (\"a\", \"b\") INCLUDE (\"c\", \"d\")", 2), (" USING btree (\"a\", \"b\", \"c\", \"d\")", 2)];
        assert_eq!(found, wanted.map(|(t, n)| (t.to_owned(), n)));
        assert!(tails(&[(spec(&["a"], &["c"]), [0].into()), (spec(&["b"], &["d"]), [1].into())]).is_empty(), "nothing in common");
        assert!(tails(&[(spec(&["a"], &["c"]), [0].into()), (spec(&["a"], &["d"]), [0].into())]).is_empty(), "one query");
    }
}
