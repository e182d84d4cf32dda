//! The selector's choice in the report's words.

use super::subjects::Subject;
use crate::model::candidate::Candidate;
use crate::model::catalog::{Catalog, TableKind};
use crate::model::report::{Action, AdvisedIndex, Recommendation, Rejected, ServedQuery};
use crate::model::text::{one_line, quote_ident};
use crate::select::{self, Refusal, Selection};

/// Puts costs, advised indexes and refusals into the recommendation.
pub(super) fn fill(
    recommendation: &mut Recommendation,
    subjects: &[&Subject],
    list: &[Candidate],
    built: &[bool],
    selection: &Selection,
    catalog: &Catalog,
) {
    let weighted = |costs: &[f64]| subjects.iter().zip(costs).map(|(s, c)| s.weight * c).sum::<f64>();
    recommendation.cost_before = Some(weighted(&selection.before));
    recommendation.cost_after = Some(weighted(&selection.after));
    for chosen in &selection.chosen {
        recommendation.indexes.push(advised(chosen, subjects, &list[chosen.id], selection, catalog));
    }
    let refused = selection.refused.iter().filter(|(id, _)| built[*id]);
    recommendation.rejected.extend(refused.map(|(id, refusal)| rejected(&list[*id], refusal, list)));
}

fn advised(
    chosen: &select::Chosen,
    subjects: &[&Subject],
    candidate: &Candidate,
    selection: &Selection,
    catalog: &Catalog,
) -> AdvisedIndex {
    let spec = &candidate.spec;
    let table = catalog.table(&spec.table);
    let partitioned = table.is_some_and(|t| t.kind == TableKind::Partitioned);
    let name = spec.safe_name();
    let concurrently = if partitioned { "" } else { "CONCURRENTLY " };
    let queries: Vec<ServedQuery> = chosen
        .serves
        .iter()
        .map(|q| ServedQuery {
            fingerprint: subjects[*q].fingerprint.clone(),
            cost_before: selection.before[*q],
            cost_after: selection.after[*q],
            ..ServedQuery::default()
        })
        .collect();
    let replaces =
        catalog.indexes_of(&spec.table).filter(|i| i.valid && !i.is_load_bearing() && i.spec.is_covered_by(spec)).map(|i| i.name.clone());
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
        write_cost: chosen.write_cost,
        reason: reason(&queries, chosen, candidate),
        queries,
        benefit: chosen.benefit,
        replaces: replaces.collect(),
        partitioned,
        owner: table.filter(|t| !t.ours).map(|t| t.owner.clone()),
        entries_per_second: candidate.writes.entries_per_second,
        wal_bytes_per_second: candidate.writes.wal_bytes_per_second,
        ..AdvisedIndex::default()
    }
}

/// Stable id of a change: 8 hex digits of its statement's hash.
pub(super) fn id_of(ddl: &str) -> String {
    format!("{:08x}", xxhash_rust::xxh3::xxh3_64(ddl.as_bytes()) as u32)
}

fn reason(queries: &[ServedQuery], chosen: &select::Chosen, candidate: &Candidate) -> String {
    let look_ups = queries.iter().filter(|q| q.fingerprint.starts_with("fk:")).count();
    let plain = queries.len() - look_ups;
    let mut parts = Vec::new();
    if plain > 0 {
        parts.push(format!(
            "{plain} {} of the workload use{} it",
            if plain == 1 { "query" } else { "queries" },
            if plain == 1 { "s" } else { "" }
        ));
    }
    if look_ups > 0 {
        parts.push("a DELETE on the parent table looks up rows by it".to_owned());
    }
    let best = queries.iter().max_by(|a, b| (a.cost_before - a.cost_after).total_cmp(&(b.cost_before - b.cost_after)));
    if let Some(best) = best {
        parts.push(format!("cost {:.0} → {:.0} per execution", best.cost_before, best.cost_after));
    }
    if candidate.writes.entries > 0.0 {
        parts.push(format!("writes pay {:.0} of the {:.0} gained", chosen.write_cost, chosen.benefit));
    }
    parts.join("; ")
}

/// A candidate as its CREATE INDEX.
pub(super) fn ddl_of(candidate: &Candidate) -> String {
    candidate.spec.create_sql(&candidate.spec.safe_name(), true)
}

fn rejected(candidate: &Candidate, refusal: &Refusal, list: &[Candidate]) -> Rejected {
    let (code, reason) = match refusal {
        Refusal::NotUsed => ("not_used", "the planner never chose it".to_owned()),
        Refusal::CoveredBy(id) => ("covered", format!("{} does its work", one_line(&list[*id].spec.safe_name()))),
        Refusal::WriteCost { gain, cost } => ("write_cost", format!("writes would pay {cost:.0} for a gain of {gain:.0}")),
        Refusal::OverBudget { gain } => ("over_budget", format!("it would gain {gain:.0}, but the limit on space or number is reached")),
        Refusal::DroppedFor(id) => ("dropped_for", format!("{} gains more for its space", one_line(&list[*id].spec.safe_name()))),
        Refusal::LowGain { gain } => ("low_gain", format!("beside the advised indexes it would gain only {gain:.0}")),
    };
    Rejected { ddl: ddl_of(candidate), reason_code: code.into(), reason }
}
