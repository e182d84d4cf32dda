//! The reasons of a choice: what each chosen index does, why each other candidate is not in the set.

use super::change::Change;
use super::master::Room;
use super::search::Search;
use super::set::Set;
use super::{Chosen, Limits, Oracle, Refusal, Selection};
use crate::model::candidate::{CandidateId, QueryId};
use std::collections::BTreeSet;

impl<O: Oracle> Search<'_, O> {
    /// Why each candidate that is not in the set is not. Asks nothing: what the search has learned must do.
    pub(super) fn refusals(&self, set: &Set, room: Room, useful: &Set) -> Vec<(CandidateId, Refusal)> {
        let offered = |id: &CandidateId| !self.of_candidate[*id].is_empty() && self.candidates[*id].existing.is_none();
        let new = |id: &CandidateId| !set.contains(*id) && offered(id);
        (0..self.candidates.len()).filter(new).map(|id| (id, self.refusal(id, set, room, useful))).collect()
    }

    fn refusal(&self, id: CandidateId, set: &Set, room: Room, useful: &Set) -> Refusal {
        let candidate = &self.candidates[id];
        if let Some(cover) =
            self.beside(id).iter().copied().find(|c| set.contains(*c) && candidate.spec.is_covered_by(&self.candidates[*c].spec))
        {
            return Refusal::CoveredBy(cover);
        }
        if !useful.contains(id) {
            return Refusal::NotUsed;
        }
        // Per execution: without it, and with it at most.
        let costs = |query: &QueryId| {
            let without = self.known(*query, &self.part(*query, set)).total;
            let most = self.facts.at_most(*query, &self.part_after(*query, set, Change::with(id)));
            (self.queries[*query].weight, without, most.unwrap_or(without).min(without))
        };
        let costs: Vec<(f64, f64, f64)> = self.of_candidate[id].iter().map(costs).collect();
        let gain: f64 = costs.iter().map(|(weight, without, with)| weight * (without - with)).sum();
        let (writes, build) = (self.writes_beside(id, set), candidate.build_cost);
        let rival = self.rival(id, set).filter(|_| gain <= writes.max(self.limits.least_gain));
        let left = gain - writes;
        match rival {
            Some(rival) => Refusal::DroppedFor(rival),
            None if gain > 0.0 && left <= 0.0 => Refusal::WriteCost { gain, cost: writes },
            None if left > self.limits.least_gain && left < build => Refusal::BuildCost { gain: left, cost: build },
            None if left >= self.limits.least_gain && !self.fits(&set.with(id), room) => Refusal::OverBudget { gain: left },
            None => noise(&costs, &self.limits).filter(|_| left >= self.limits.least_gain).unwrap_or(Refusal::LowGain { gain: left }),
        }
    }

    /// The index of the set that serves a query which would have taken `id` without it.
    fn rival(&self, id: CandidateId, set: &Set) -> Option<CandidateId> {
        let wanted = |q: &&QueryId| self.facts.of(**q).iter().any(|fact| fact.used.contains(id));
        let served = |q: &QueryId| self.known(*q, &self.part(*q, set)).used;
        let same_table = |r: &CandidateId| self.candidates[*r].spec.table == self.candidates[id].spec.table;
        let rivals = self.of_candidate[id].iter().filter(wanted).flat_map(|q| served(q).iter().collect::<Vec<_>>());
        rivals.into_iter().find(same_table)
    }

    /// The verified set with the part of each index in the result.
    pub(super) async fn selection(
        &mut self,
        set: &Set,
        room: Room,
        mut refused: Vec<(CandidateId, Refusal)>,
        blamed: Vec<(CandidateId, Refusal)>,
    ) -> Result<Selection, O::Error> {
        let start = self.start.clone();
        self.must_know(&start).await?;
        self.must_know(set).await?;
        let cost = |set: &Set| self.ids().map(|q| self.known(q, &self.part(q, set)).total).collect::<Vec<f64>>();
        let (before, after) = (cost(&start), cost(set));
        let chosen = set.minus(&start);
        refused.extend(blamed);
        let listed: BTreeSet<CandidateId> = refused.iter().map(|(id, _)| *id).collect();
        let offered = |id: &CandidateId| !self.of_candidate[*id].is_empty() && !start.contains(*id);
        let gone = (0..self.candidates.len()).filter(offered).filter(|id| !listed.contains(id) && !chosen.contains(*id));
        refused.extend(gone.map(|id| (id, Refusal::NotUsed)));
        refused.sort_by_key(|(id, _)| *id);
        let mut selection = Selection {
            budget: room.bytes.is_finite().then(|| room.bytes - start.iter().map(|id| self.bytes(id)).sum::<f64>()),
            size_bytes: self.space(&chosen) - self.space(&start.minus(set)),
            looked_at: self.looked_at,
            gap: (!room.is_tight()).then(|| self.gap(set)),
            dropped: start.minus(set).iter().collect(),
            chosen: chosen.iter().map(|id| self.part_of(id, set, &before, &after)).collect(),
            refused,
            before,
            after,
        };
        selection.chosen.sort_by(|a, b| b.benefit.total_cmp(&a.benefit).then(a.id.cmp(&b.id)));
        Ok(selection)
    }

    /// How far a verified set is from the sum of what each query could cost with all of its candidates: no set is better.
    fn gap(&self, set: &Set) -> f64 {
        let cost = self.reads(set);
        let floor: f64 = self.ids().map(|q| self.queries[q].weight * self.floors[q]).sum();
        if cost > 0.0 { (1.0 - floor / cost).max(0.0) } else { 0.0 }
    }

    fn space(&self, set: &Set) -> f64 {
        set.iter().map(|id| self.bytes(id)).filter(|bytes| bytes.is_finite()).sum()
    }

    fn part_of(&self, id: CandidateId, set: &Set, before: &[f64], after: &[f64]) -> Chosen {
        let (mut serves, mut benefit) = (BTreeSet::new(), 0.0);
        for query in self.of_candidate[id].iter().copied() {
            let used = self.known(query, &self.part(query, set)).used.minus(&self.start);
            if used.contains(id) {
                serves.insert(query);
                benefit += self.queries[query].weight * (before[query] - after[query]) / used.len() as f64;
            }
        }
        Chosen { id, benefit, write_cost: self.writes_beside(id, set), serves }
    }
}

/// The refusal where no query would feel it; weight, cost without and with it, by query.
fn noise(costs: &[(f64, f64, f64)], limits: &Limits) -> Option<Refusal> {
    let (_, of, with) = costs.iter().max_by(|a, b| (a.1 - a.2).total_cmp(&(b.1 - b.2)))?;
    let felt = costs.iter().any(|(_, without, with)| limits.is_felt(*with, *without));
    (!felt && of > with).then_some(Refusal::Noise { saved: of - with, of: *of })
}
