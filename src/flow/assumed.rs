//! Advice that no engine could try: it stands beside the tried advice and says so.

use super::subjects::Subject;
use super::wording::id_of;
use crate::candidates::Assumed;
use crate::model::query::Query;
use crate::model::report::{Action, AdvisedIndex, Proof, ServedQuery};
use crate::model::snapshot::Snapshot;
use crate::model::text::quote_ident;

/// The indexes as advice: no gain is claimed, for none was measured.
pub(super) fn advised(assumed: &[Assumed], subjects: &[Subject], snapshot: &Snapshot) -> Vec<AdvisedIndex> {
    assumed.iter().map(|a| one(a, subjects, snapshot)).collect()
}

fn one(assumed: &Assumed, subjects: &[Subject], snapshot: &Snapshot) -> AdvisedIndex {
    let (candidate, spec) = (&assumed.candidate, &assumed.candidate.spec);
    let name = spec.safe_name();
    let table = snapshot.catalog.table(&spec.table);
    let partitioned = table.is_some_and(|t| t.kind == crate::model::catalog::TableKind::Partitioned);
    let concurrently = if partitioned { "" } else { "CONCURRENTLY " };
    let queries: Vec<ServedQuery> =
        candidate.from_queries.iter().filter_map(|id| subjects.get(*id)).map(|s| served(s, &snapshot.workload)).collect();
    let ddl = spec.create_sql(&name, !partitioned);
    AdvisedIndex {
        id: id_of(&ddl),
        action: Action::Create,
        schema: spec.table.schema.clone(),
        table: spec.table.name.clone(),
        undo: vec![format!("DROP INDEX {concurrently}{}.{}", quote_ident(&spec.table.schema), quote_ident(&name))],
        name,
        ddl,
        size_bytes: candidate.size_bytes,
        write_cost: candidate.writes.cost,
        entries_per_second: candidate.writes.entries_per_second,
        wal_bytes_per_second: candidate.writes.wal_bytes_per_second,
        confidence: Proof::Assumed,
        queries,
        reason: assumed.reason.clone(),
        partitioned,
        owner: table.filter(|t| !t.ours).map(|t| t.owner.clone()),
        ..AdvisedIndex::default()
    }
}

/// The query with its cost today on both sides.
fn served(subject: &Subject, workload: &[Query]) -> ServedQuery {
    let plan = workload.iter().find(|q| q.fingerprint == subject.fingerprint).and_then(Query::plan);
    let cost = plan.and_then(|p| p.root.total_cost).unwrap_or(0.0);
    ServedQuery { fingerprint: subject.fingerprint.clone(), cost_before: cost, cost_after: cost, ..ServedQuery::default() }
}
