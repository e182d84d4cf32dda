//! A step from one set to another: what it does to the queries that can notice it. The rest of the set, however large, is
//! not looked at.

use super::Oracle;
use super::search::Search;
use super::set::Set;
use crate::model::candidate::{CandidateId, QueryId};

/// At most one index goes and at most one comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Change {
    /// Goes.
    pub(super) out: Option<CandidateId>,
    /// Comes.
    pub(super) into: Option<CandidateId>,
}

impl Change {
    /// One goes.
    pub(super) fn without(out: CandidateId) -> Change {
        Change { out: Some(out), into: None }
    }

    /// One comes.
    pub(super) fn with(into: CandidateId) -> Change {
        Change { out: None, into: Some(into) }
    }

    /// One takes the place of another.
    pub(super) fn swap(out: CandidateId, into: CandidateId) -> Change {
        Change { out: Some(out), into: Some(into) }
    }

    /// The set behind the step.
    pub(super) fn of(self, set: &Set) -> Set {
        self.of_part(set.clone(), |_| true)
    }

    /// The same step of a part, which `takes` only some.
    fn of_part(self, mut part: Set, takes: impl Fn(CandidateId) -> bool) -> Set {
        if let Some(out) = self.out {
            part.remove(out);
        }
        if let Some(into) = self.into.filter(|id| takes(*id)) {
            part.insert(into);
        }
        part
    }
}

impl<O: Oracle> Search<'_, O> {
    /// Queries that a change can matter to, in order.
    pub(super) fn touched(&self, change: Change) -> Vec<QueryId> {
        let mut queries: Vec<QueryId> =
            [change.out, change.into].into_iter().flatten().flat_map(|id| self.of_candidate[id].iter().copied()).collect();
        queries.sort_unstable();
        queries.dedup();
        queries
    }

    /// The part of the changed set that is relevant to a query.
    pub(super) fn part_after(&self, query: QueryId, set: &Set, change: Change) -> Set {
        let here = self.part(query, set);
        change.of_part(here, |id| self.queries[query].relevant.contains(id))
    }

    /// Asks for every plan that these changes of `set` need.
    pub(super) async fn prime_changes(&mut self, set: &Set, changes: &[Change]) -> Result<(), O::Error> {
        let mut asks = Vec::new();
        for change in changes {
            for query in self.touched(*change) {
                asks.push((query, self.part_after(query, set, *change)));
                asks.push((query, self.part(query, set)));
            }
        }
        self.ask(asks).await
    }

    /// By how much the reads become dearer by a change of `set`; [`Search::prime_changes`] has asked for the plans.
    pub(super) fn reads_rise(&self, set: &Set, change: Change) -> f64 {
        self.touched(change).into_iter().map(|q| self.weighted_after(q, set, change) - self.weighted(q, set)).sum()
    }

    /// By how much the objective rises; [`Search::prime_changes`] has asked for the plans.
    pub(super) fn rise(&self, set: &Set, change: Change) -> f64 {
        self.reads_rise(set, change) + self.writes_rise(set, change)
    }

    /// By how much the objective rises.
    pub(super) async fn change(&mut self, set: &Set, change: Change) -> Result<f64, O::Error> {
        self.prime_changes(set, &[change]).await?;
        Ok(self.rise(set, change))
    }

    /// Weighted cost of one query with the changed set.
    pub(super) fn weighted_after(&self, query: QueryId, set: &Set, change: Change) -> f64 {
        self.weighted_part(query, &self.part_after(query, set, change))
    }

    /// True where what would go exists already.
    pub(super) fn is_there(&self, change: Change) -> bool {
        change.out.is_some_and(|id| self.candidates[id].existing.is_some())
    }

    /// True when what `set` has over the changed set gains enough: of `rest`, which is what the workload costs with the advice, or
    /// of one query, and more than building it costs. Both have been asked for.
    pub(super) fn is_worth(&self, set: &Set, change: Change, gain: f64, rest: f64) -> bool {
        self.is_worth_by(set, change, gain, rest, |query| self.weighted_after(query, set, change))
    }

    /// True when what is known already shows that the changed set is worse by enough, if further indexes never make a plan dearer.
    pub(super) fn must_stay(&self, set: &Set, change: Change, rest: f64) -> bool {
        let at_least = |query: QueryId| self.queries[query].weight * self.facts.at_least(query, &self.part_after(query, set, change));
        let reads: f64 = self.touched(change).into_iter().map(|q| at_least(q) - self.weighted(q, set)).sum();
        let loss = reads + self.writes_rise(set, change);
        loss > 0.0 && self.is_worth_by(set, change, loss, rest, at_least)
    }

    /// [`Search::is_worth`], by what each query costs with the changed set.
    fn is_worth_by(&self, set: &Set, change: Change, gain: f64, rest: f64, after: impl Fn(QueryId) -> f64) -> bool {
        let build = |id: Option<CandidateId>| id.map_or(0.0, |id| self.candidates[id].build_cost);
        if gain < self.limits.least_gain || gain < build(change.out) - build(change.into) {
            return false;
        }
        // A little of each of many executions is planner noise all the same. What is there stays for it.
        let there = self.is_there(change);
        let felt = |query: QueryId| {
            let weight = self.queries[query].weight;
            weight > 0.0 && self.limits.is_felt(self.weighted(query, set) / weight, after(query) / weight)
        };
        let touched = self.touched(change);
        // Of what remains: a giant query that is cured hides nothing, and once the advice is applied the bar is where it was.
        if gain >= rest * self.limits.share_of_rest && (there || touched.iter().any(|query| felt(*query))) {
            return true;
        }
        let great = |query: QueryId| {
            let (with, without) = (self.weighted(query, set), after(query));
            let saved = without - with;
            saved >= self.limits.least_gain
                && saved >= self.limits.least_saving * self.queries[query].weight
                && saved >= without * self.limits.share_of_query
        };
        touched.into_iter().any(great)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_a_part_is_the_part_of_the_change() {
        let (set, relevant): (Set, Set) = ([1, 2, 5].into_iter().collect(), [2, 3, 5].into_iter().collect());
        for change in [Change::without(5), Change::without(1), Change::with(3), Change::with(4), Change::swap(2, 3), Change::swap(1, 4)] {
            let part = change.of_part(set.intersection(&relevant), |id| relevant.contains(id));
            assert_eq!(part, change.of(&set).intersection(&relevant), "{change:?}");
        }
    }
}
