//! Advice that no engine could try: it stands beside the tried advice and says so.

use super::subjects::Subject;
use super::wording::to_create;
use crate::candidates::Assumed;
use crate::model::query::Query;
use crate::model::report::{AdvisedIndex, Proof, ServedQuery};
use crate::model::snapshot::Snapshot;

/// The indexes as advice: no gain is claimed, for none was measured.
pub(super) fn advised(assumed: &[Assumed], subjects: &[Subject], snapshot: &Snapshot) -> Vec<AdvisedIndex> {
    assumed.iter().map(|a| one(a, subjects, snapshot)).collect()
}

fn one(assumed: &Assumed, subjects: &[Subject], snapshot: &Snapshot) -> AdvisedIndex {
    let candidate = &assumed.candidate;
    let of = candidate.from_queries.iter().filter_map(|id| subjects.get(*id));
    AdvisedIndex {
        confidence: Proof::Assumed,
        queries: of.map(|s| served(s, &snapshot.workload)).collect(),
        reason: assumed.reason.clone(),
        ..to_create(candidate, &snapshot.catalog)
    }
}

/// The query with its cost today on both sides.
fn served(subject: &Subject, workload: &[Query]) -> ServedQuery {
    let plan = workload.iter().find(|q| q.fingerprint == subject.fingerprint).and_then(Query::plan);
    let cost = plan.and_then(|p| p.root.total_cost).unwrap_or(0.0);
    ServedQuery { fingerprint: subject.fingerprint.clone(), cost_before: cost, cost_after: cost, ..ServedQuery::default() }
}
