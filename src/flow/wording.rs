//! The selector's choice in the report's words.

use super::build_time;
use super::plans::Planned;
use super::refusals;
use super::subjects::Subject;
use crate::candidates::writes::in_words;
use crate::candidates::{repeats, size};
use crate::model::candidate::{Candidate, Writes};
use crate::model::catalog::{Catalog, Table, TableKind};
use crate::model::report::{Action, AdvisedIndex, Proof, Recommendation, ServedQuery};
use crate::model::text::quote_ident;
use crate::report::units::{count, percent, plural};
use crate::select::{Chosen, Selection};

/// The choice and what it was made from.
pub(super) struct Choice<'a> {
    /// Queries that took part.
    pub(super) subjects: &'a [&'a Subject],
    /// How each was planned.
    pub(super) planned: &'a [Planned],
    /// All candidates.
    pub(super) list: &'a [Candidate],
    /// By candidate: the engine had it.
    pub(super) built: &'a [bool],
    /// What the selector says.
    pub(super) selection: &'a Selection,
    /// Catalog.
    pub(super) catalog: &'a Catalog,
}

/// Puts costs, advised indexes and refusals into the recommendation.
pub(super) fn fill(recommendation: &mut Recommendation, choice: &Choice) {
    let (before, after) = (choice.weighted(&choice.selection.before), choice.weighted(&choice.selection.after));
    recommendation.cost_before = Some(before);
    recommendation.cost_after = Some(after);
    recommendation.indexes.extend(choice.selection.chosen.iter().map(|chosen| choice.advised(chosen, before, after)));
    let refused = refusals::in_order(choice.selection.refused.iter().filter(|(id, _)| choice.built[*id]));
    let words = refused.iter().map(|(id, refusal)| refusals::rejected(&choice.list[*id], refusal, choice.list, before));
    recommendation.rejected.splice(0..0, words);
}

impl Choice<'_> {
    /// Of the whole workload.
    fn weighted(&self, costs: &[f64]) -> f64 {
        self.subjects.iter().zip(costs).map(|(s, c)| s.weight * c).sum()
    }

    fn advised(&self, chosen: &Chosen, before: f64, after: f64) -> AdvisedIndex {
        let candidate = &self.list[chosen.id];
        let spec = &candidate.spec;
        let queries: Vec<ServedQuery> = chosen.serves.iter().map(|q| self.served(*q, before, after)).collect();
        let covered =
            |i: &&crate::model::catalog::Index| i.valid && !i.is_load_bearing() && (i.spec.is_covered_by(spec) || repeats(&i.spec, spec));
        let replaces = self.catalog.indexes_of(&spec.table).filter(covered).map(|i| i.name.clone());
        AdvisedIndex {
            write_cost: chosen.write_cost,
            build_seconds: build_time::seconds(spec, candidate.size_bytes, self.catalog),
            confidence: self.proof(chosen),
            reason: reason(&queries, &candidate.writes, chosen.benefit),
            queries,
            benefit: chosen.benefit,
            replaces: replaces.collect(),
            ..to_create(candidate, self.catalog)
        }
    }

    fn served(&self, query: usize, before: f64, after: f64) -> ServedQuery {
        let Selection { before: costs_before, after: costs_after, .. } = self.selection;
        let share = |cost: f64, all: f64| if all > 0.0 { self.subjects[query].weight * cost / all } else { 0.0 };
        ServedQuery {
            fingerprint: self.subjects[query].fingerprint.clone(),
            cost_before: costs_before[query],
            cost_after: costs_after[query],
            share_before: share(costs_before[query], before),
            share_after: share(costs_after[query], after),
            ..ServedQuery::default()
        }
    }

    /// What most of the gain was proved with.
    fn proof(&self, chosen: &Chosen) -> Proof {
        let gain = |q: &usize| self.subjects[*q].weight * (self.selection.before[*q] - self.selection.after[*q]);
        let generic = |q: &&usize| self.planned.get(**q).is_some_and(|p| p.is_generic());
        let unproved: f64 = chosen.serves.iter().filter(generic).map(gain).sum();
        if unproved > 0.5 * chosen.serves.iter().map(gain).sum::<f64>() { Proof::Generic } else { Proof::Statistics }
    }
}

/// What is the same whatever speaks for a candidate: its statements, size, writes and table.
pub(super) fn to_create(candidate: &Candidate, catalog: &Catalog) -> AdvisedIndex {
    let spec = &candidate.spec;
    let table = catalog.table(&spec.table);
    let partitioned = table.is_some_and(|t| t.kind == TableKind::Partitioned);
    let concurrently = if partitioned { "" } else { "CONCURRENTLY " };
    let name = spec.safe_name();
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
        least_size_bytes: least_size(candidate, table),
        write_cost: candidate.writes.cost,
        entries_per_second: candidate.writes.entries_per_second,
        wal_bytes_per_second: candidate.writes.wal_bytes_per_second,
        partitioned,
        owner: table.filter(|t| !t.ours).map(|t| t.owner.clone()),
        ..AdvisedIndex::default()
    }
}

/// The least that it may take, bytes, where one figure does not say it.
pub(super) fn least_size(candidate: &Candidate, table: Option<&Table>) -> Option<f64> {
    table.filter(|_| candidate.size_bytes.is_some()).and_then(|table| size::least(&candidate.spec, table))
}

/// Stable id of a change: 8 hex digits of its statement's hash.
pub(super) fn id_of(ddl: &str) -> String {
    format!("{:08x}", xxhash_rust::xxh3::xxh3_64(ddl.as_bytes()) as u32)
}

/// `3 queries use it: 41 % of the load falls to 2 %; the one that gains most costs 8420 → 12 per execution`.
fn reason(queries: &[ServedQuery], writes: &Writes, benefit: f64) -> String {
    let look_ups = queries.iter().filter(|q| q.fingerprint.starts_with("fk:")).count();
    let plain = queries.len() - look_ups;
    let mut parts = Vec::new();
    let mut users = Vec::new();
    if plain > 0 {
        users.push(plural(plain, "query", "queries"));
    }
    if look_ups > 0 {
        users.push(format!("{} of a foreign key", plural(look_ups, "look-up", "look-ups")));
    }
    let (share, left) = queries.iter().fold((0.0, 0.0), |(share, left), q| {
        let now = if q.cost_before > 0.0 { q.share_before * q.cost_after / q.cost_before } else { 0.0 };
        (share + q.share_before, left + now)
    });
    let verb = if queries.len() == 1 { "uses" } else { "use" };
    parts.push(format!("{} {verb} it: {} of today's load becomes {}", users.join(" and "), percent(share), refusals::of_load(left, 1.0)));
    let best = queries.iter().max_by(|a, b| (a.cost_before - a.cost_after).total_cmp(&(b.cost_before - b.cost_after)));
    if let Some(best) = best {
        let which = if queries.len() > 1 { "at best " } else { "" };
        parts.push(format!("{which}cost {} → {} per execution", count(best.cost_before), count(best.cost_after)));
    }
    if writes.cost > 0.0 {
        parts.push(in_words(writes, benefit));
    }
    parts.join("; ")
}

/// A candidate as its CREATE INDEX.
pub(super) fn ddl_of(candidate: &Candidate) -> String {
    candidate.spec.create_sql(&candidate.spec.safe_name(), true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(fingerprint: &str, cost: (f64, f64), share: f64) -> ServedQuery {
        ServedQuery {
            fingerprint: fingerprint.into(),
            cost_before: cost.0,
            cost_after: cost.1,
            share_before: share,
            ..ServedQuery::default()
        }
    }

    #[test]
    fn a_reason_tells_the_share_of_the_load() {
        let one = [served("a", (8420.0, 84.2), 0.4)];
        let none = Writes::default();
        assert_eq!(reason(&one, &none, 1.0), "1 query uses it: 40 % of today's load becomes 0.4 %; cost 8.4k → 84.2 per execution");
        let more = [served("a", (8420.0, 84.2), 0.4), served("fk:x", (10.0, 5.0), 0.1)];
        let writes = Writes { cost: 2.0, entries_per_second: Some(4.2), ..Writes::default() };
        assert_eq!(
            reason(&more, &writes, 100.0),
            "1 query and 1 look-up of a foreign key use it: 50 % of today's load becomes 5.4 %; at best cost 8.4k → 84.2 per execution; writes 4.2 entries/s, 2 % of what it saves"
        );
    }
}
