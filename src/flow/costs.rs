//! What building an index costs once, held against what it gains in the window.

use super::subjects::Subject;
use crate::model::candidate::Candidate;
use crate::model::catalog::Table;
use crate::model::snapshot::Snapshot;
use std::collections::HashSet;

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

fn build_cost(table: &Table) -> f64 {
    SCANS * (table.size_bytes as f64 / PAGE_BYTES * PAGE_COST + table.rows.unwrap_or(0.0) * TUPLE_COST)
}
