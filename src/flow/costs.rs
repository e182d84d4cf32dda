//! What an index costs: building it once, held against what it gains in the window; writes, beside the other chosen ones.

use super::subjects::Subject;
use crate::candidates::writes::Load;
use crate::model::candidate::{Candidate, CandidateSet};
use crate::model::catalog::Table;
use crate::model::index_def::TableName;
use crate::model::snapshot::Snapshot;
use std::collections::{BTreeSet, HashSet};

/// A build is worth this many readings of the whole table: CONCURRENTLY reads it twice, sorts, and writes the index
/// (measured for bigint keys on 1 M rows: 0.6 s, against 0.1 s for one sequential scan; half of that is asked for, since an
/// index serves for longer than one window).
const SCANS: f64 = 3.0;
/// seq_page_cost and cpu_tuple_cost.
const PAGE_COST: f64 = 1.0;
const TUPLE_COST: f64 = 0.01;
const PAGE_BYTES: f64 = 8192.0;

/// Notes the cost of building each candidate all of whose queries were counted over the window: "this many calls in this time"
/// can be held against it, "this query exists" cannot.
pub(super) fn add_build_costs(list: &mut [Candidate], subjects: &[Subject], snapshot: &Snapshot) {
    if snapshot.window.is_none() {
        return;
    }
    let uncounted: HashSet<&str> = snapshot.workload.iter().filter(|q| q.figures.is_none()).map(|q| q.fingerprint.as_str()).collect();
    let counted = |query: &usize| subjects.get(*query).is_some_and(|s| !uncounted.contains(s.fingerprint.as_str()));
    for candidate in list.iter_mut().filter(|c| c.from_queries.iter().all(counted)) {
        candidate.build_cost = snapshot.catalog.table(&candidate.spec.table).map_or(0.0, build_cost);
    }
}

/// Notes what writes pay for each chosen index beside the other chosen ones: entries that the end of HOT updates writes in those
/// are told of the first index that ends them.
pub(super) fn add_costs_beside(list: &mut [Candidate], chosen: &CandidateSet, snapshot: &Snapshot) {
    if chosen.iter().all(|id| list[*id].hot.ends.is_empty()) {
        return;
    }
    let load = Load::of(snapshot);
    let mut told: BTreeSet<(TableName, usize)> = BTreeSet::new();
    for id in chosen {
        let (spec, hot) = (list[*id].spec.clone(), list[*id].hot.clone());
        let first: Vec<usize> = hot.ends.iter().map(|(n, _)| *n).filter(|n| told.insert((spec.table.clone(), *n))).collect();
        let Some(table) = snapshot.catalog.table(&spec.table).filter(|_| !first.is_empty()) else { continue };
        let spared = |other: &&Candidate| first.iter().any(|n| !other.hot.ends(*n));
        let others = chosen.iter().filter(|other| *other != id).map(|other| &list[*other]).filter(|c| c.spec.table == spec.table);
        let beside = others.filter(spared).map(|c| c.hot.share).sum();
        list[*id].writes = load.of_candidate(&spec, table, list[*id].size_bytes, beside);
    }
}

fn build_cost(table: &Table) -> f64 {
    SCANS * (table.size_bytes as f64 / PAGE_BYTES * PAGE_COST + table.rows.unwrap_or(0.0) * TUPLE_COST)
}
