//! Choosing a set of indexes for the whole workload (pure: the planner is asked through [`Oracle`],
//! which `flow/` implements over a real server and tests over a table of answers).
//!
//! 1. *Peel*: per query, plan with nothing, then with all candidates that fit it; take out what the
//!    plan used and plan again. Whatever no plan ever uses is refused here, at 2–6 plans a query.
//! 2. *Relax*: from the union of the best plans, drop or narrow the index that loses least, while
//!    that lowers the objective (weighted plan cost + what writes pay) or loses next to nothing.
//! 3. *Polish*: try every useful candidate that is out, then relax again.
//! 4. *Reorder*: of equally good orders of the same keys, the one with the choosiest key in front.
//! 5. *Verify*: plan every query afresh with the final set; an index that no plan uses goes, and so
//!    does one that makes a query dearer.
//!
//! The oracle is an async trait rather than a hand-written question-and-answer machine: the
//! compiler writes the machine, and the algorithm reads from top to bottom.

mod facts;

use crate::model::candidate::{Candidate, CandidateId, CandidateSet, Cost, QueryId};
use crate::model::index_def::IndexSpec;
use facts::Facts;
use std::collections::{BTreeMap, BTreeSet};

/// Answers what the planner would do.
#[allow(async_fn_in_trait, reason = "implemented in this crate only, never sent between threads")]
pub trait Oracle {
    /// Why a question could not be answered.
    type Error;

    /// Plans each query as if exactly the candidates in its set existed beside the real indexes; the
    /// answers in the order of the questions, which may be worked on side by side.
    async fn plan_all(&mut self, asks: Vec<(QueryId, CandidateSet)>) -> Result<Vec<Cost>, Self::Error>;
}

/// A query to be served.
#[derive(Debug, Clone)]
pub struct Target {
    /// Executions in the window, or the weight the user gave.
    pub weight: f64,
    /// Candidates on tables that it mentions.
    pub relevant: CandidateSet,
}

/// What is worth an index.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// An index must save this share of the whole workload…
    pub share_of_workload: f64,
    /// …or this share of some query that it serves.
    pub share_of_query: f64,
    /// And never less than this, planner units per window.
    pub least_gain: f64,
    /// A query may become this much dearer (planner noise), as a share.
    pub regression: f64,
    /// Most indexes to create; `None` for as many as pay.
    pub max_indexes: Option<usize>,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { share_of_workload: 0.005, share_of_query: 0.2, least_gain: 10.0, regression: 0.10, max_indexes: None }
    }
}

/// A chosen index with its part in the result.
#[derive(Debug, Clone, PartialEq)]
pub struct Chosen {
    /// Which.
    pub id: CandidateId,
    /// Its part in the fall of the total weighted cost: each query's gain, shared by the indexes of its plan.
    pub benefit: f64,
    /// What writes pay for it.
    pub write_cost: f64,
    /// Queries whose plan uses it.
    pub serves: BTreeSet<QueryId>,
}

/// Why a candidate is not in the set.
#[derive(Debug, Clone, PartialEq)]
pub enum Refusal {
    /// No plan ever used it.
    NotUsed,
    /// Another index of the set does its work.
    CoveredBy(CandidateId),
    /// It saves less than its writes cost.
    WriteCost {
        /// Gain, planner units per window.
        gain: f64,
        /// Write cost, planner units per window.
        cost: f64,
    },
    /// It would pay, but the set is full: space or number of indexes.
    OverBudget {
        /// Gain over the chosen set, planner units per window.
        gain: f64,
    },
    /// It was let go for another one, which serves the same queries better for its space.
    DroppedFor(CandidateId),
    /// It would save too little.
    LowGain {
        /// Gain over the chosen set, planner units per window.
        gain: f64,
    },
}

/// The answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Selection {
    /// Chosen, most benefit first.
    pub chosen: Vec<Chosen>,
    /// Refused, by candidate id.
    pub refused: Vec<(CandidateId, Refusal)>,
    /// Cost per execution today, by query.
    pub before: Vec<f64>,
    /// Cost per execution with the whole set, planned afresh, by query.
    pub after: Vec<f64>,
}

/// Rounds of peeling per query.
const PEELS: usize = 5;
/// Rounds of relax and polish.
const ROUNDS: usize = 3;

/// Chooses. Deterministic: the same answers give the same set, whatever the order of the input.
pub async fn select<O: Oracle>(
    oracle: &mut O,
    candidates: &[Candidate],
    targets: &[Target],
    limits: Limits,
) -> Result<Selection, O::Error> {
    let mut chooser = Chooser { oracle, candidates, targets, limits, facts: Facts::new(targets.len()) };
    let useful = chooser.peel().await?;
    let mut set = chooser.best_plans(&useful).await?;
    for _ in 0..ROUNDS {
        chooser.relax(&mut set, &useful).await?;
        if !chooser.polish(&mut set, &useful).await? {
            break;
        }
    }
    chooser.reorder(&mut set).await?;
    chooser.uncover(&mut set).await?;
    chooser.verify(&mut set).await?;
    chooser.explain(set, &useful).await
}

fn without(set: &CandidateSet, id: CandidateId) -> CandidateSet {
    set.iter().copied().filter(|i| *i != id).collect()
}

/// True when `narrow` has the leading key of `wide` and some of its others (in whatever order and direction) over the same rows.
/// Without the leading key, which finds the rows, what is left could only walk through the table in order.
fn narrows(narrow: &IndexSpec, wide: &IndexSpec) -> bool {
    let same_rows = narrow.table == wide.table && narrow.method == wide.method && narrow.predicate == wide.predicate;
    let leads = narrow.keys.first().map(|k| &k.expr) == wide.keys.first().map(|k| &k.expr);
    same_rows && leads && narrow.include.is_empty() && narrow.keys.iter().all(|k| wide.keys.iter().any(|w| w.expr == k.expr))
}

/// True when both have the same keys in whatever order over the same rows.
fn permutes_keys(a: &IndexSpec, b: &IndexSpec) -> bool {
    let same_rows = a.table == b.table && a.method == b.method && a.predicate == b.predicate && a.include == b.include;
    same_rows && a.keys.iter().all(|k| b.keys.iter().any(|w| w.expr == k.expr))
}

struct Chooser<'a, O: Oracle> {
    oracle: &'a mut O,
    candidates: &'a [Candidate],
    targets: &'a [Target],
    limits: Limits,
    facts: Facts,
}

impl<O: Oracle> Chooser<'_, O> {
    fn queries(&self) -> std::ops::Range<QueryId> {
        0..self.targets.len()
    }

    fn relevant(&self, query: QueryId, set: &CandidateSet) -> CandidateSet {
        set.intersection(&self.targets[query].relevant).copied().collect()
    }

    /// The plan of `query` with `set`, asked only where it does not follow from earlier answers.
    async fn plan(&mut self, query: QueryId, set: &CandidateSet) -> Result<Cost, O::Error> {
        let present = self.relevant(query, set);
        if self.facts.cost(query, &present).is_none() {
            self.ask(BTreeSet::from([(query, present.clone())])).await?;
        }
        Ok(self.facts.cost(query, &present).cloned().unwrap_or(Cost { total: 0.0, used: CandidateSet::new() }))
    }

    /// Plans every query with each of the sets, together, so that the questions can be worked on side by side.
    async fn prime(&mut self, sets: &[CandidateSet]) -> Result<(), O::Error> {
        let each = sets.iter().flat_map(|set| self.queries().map(move |query| (query, set)));
        let present = each.map(|(query, set)| (query, self.relevant(query, set)));
        let unknown = present.filter(|(query, present)| self.facts.cost(*query, present).is_none()).collect();
        self.ask(unknown).await
    }

    async fn ask(&mut self, asks: BTreeSet<(QueryId, CandidateSet)>) -> Result<(), O::Error> {
        if asks.is_empty() {
            return Ok(());
        }
        let asks: Vec<(QueryId, CandidateSet)> = asks.into_iter().collect();
        let costs = self.oracle.plan_all(asks.clone()).await?;
        for ((query, present), cost) in asks.into_iter().zip(costs) {
            self.facts.learn(query, present, cost);
        }
        Ok(())
    }

    fn write_cost(&self, id: CandidateId) -> f64 {
        self.candidates[id].writes.cost
    }

    /// Weighted cost of the workload plus what writes pay for the set.
    async fn objective(&mut self, set: &CandidateSet) -> Result<f64, O::Error> {
        self.prime(std::slice::from_ref(set)).await?;
        let mut sum = set.iter().map(|id| self.write_cost(*id)).sum();
        for query in self.queries() {
            sum += self.targets[query].weight * self.plan(query, set).await?.total;
        }
        Ok(sum)
    }

    /// All candidates that some plan wants, with their prefixes.
    async fn peel(&mut self) -> Result<CandidateSet, O::Error> {
        let mut useful = CandidateSet::new();
        self.prime(&[CandidateSet::new()]).await?;
        // What is left to offer to each query that still takes something.
        let mut left: BTreeMap<QueryId, CandidateSet> = self.queries().map(|q| (q, self.targets[q].relevant.clone())).collect();
        for round in 0..PEELS {
            // The last rounds see single-column candidates only: they are cheap and shared.
            if round == PEELS - 2 {
                left.values_mut().for_each(|offer| offer.retain(|id| self.candidates[*id].spec.keys.len() == 1));
            }
            let unknown = left.iter().filter(|(q, offer)| self.facts.cost(**q, offer).is_none()).map(|(q, offer)| (*q, offer.clone()));
            self.ask(unknown.collect()).await?;
            for (query, mut offer) in std::mem::take(&mut left) {
                let used = self.plan(query, &offer).await?.used;
                if !used.is_empty() {
                    offer.retain(|id| !used.contains(id));
                    left.insert(query, offer);
                    useful.extend(used);
                }
            }
        }
        let prefix_of_useful =
            |id: &CandidateId| useful.iter().any(|u| u != id && self.candidates[*id].spec.is_covered_by(&self.candidates[*u].spec));
        let prefixes: Vec<CandidateId> = (0..self.candidates.len()).filter(prefix_of_useful).collect();
        useful.extend(prefixes);
        Ok(useful)
    }

    /// What the plans use when everything useful is there.
    async fn best_plans(&mut self, useful: &CandidateSet) -> Result<CandidateSet, O::Error> {
        let mut set = CandidateSet::new();
        self.prime(std::slice::from_ref(useful)).await?;
        for query in self.queries() {
            set.extend(self.plan(query, useful).await?.used);
        }
        Ok(set)
    }

    /// Takes out or narrows, least loss first, until every index that stays is worth its place.
    async fn relax(&mut self, set: &mut CandidateSet, useful: &CandidateSet) -> Result<(), O::Error> {
        loop {
            let here = self.objective(set).await?;
            let mut best: Option<(f64, CandidateSet)> = None;
            let smaller_sets: Vec<CandidateSet> = set.iter().flat_map(|id| self.smaller_sets(set, useful, *id)).collect();
            self.prime(&smaller_sets).await?;
            for smaller in smaller_sets {
                let loss = self.objective(&smaller).await? - here;
                let acceptable = loss <= 0.0 || !self.is_worth(set, &smaller, loss).await?;
                if acceptable && best.as_ref().is_none_or(|(least, _)| loss < *least) {
                    best = Some((loss, smaller));
                }
            }
            match best {
                Some((_, smaller)) => *set = smaller,
                None => return Ok(()),
            }
        }
    }

    /// The set without `id`, and with `id` replaced by each narrower useful index.
    fn smaller_sets(&self, set: &CandidateSet, useful: &CandidateSet, id: CandidateId) -> Vec<CandidateSet> {
        let without = without(set, id);
        let spec = &self.candidates[id].spec;
        let narrower = useful.iter().filter(|u| !set.contains(u) && self.candidates[**u].spec.keys.len() < spec.keys.len());
        let replaced: Vec<CandidateSet> =
            narrower.filter(|u| narrows(&self.candidates[**u].spec, spec)).map(|u| without.iter().copied().chain([*u]).collect()).collect();
        std::iter::once(without).chain(replaced).collect()
    }

    /// True when what `larger` has over `smaller` gains enough: of the workload, or of one query.
    async fn is_worth(&mut self, larger: &CandidateSet, smaller: &CandidateSet, gain: f64) -> Result<bool, O::Error> {
        if gain < self.limits.least_gain {
            return Ok(false);
        }
        let mut whole = 0.0;
        for query in self.queries() {
            whole += self.targets[query].weight * self.plan(query, &CandidateSet::new()).await?.total;
        }
        if gain >= whole * self.limits.share_of_workload {
            return Ok(true);
        }
        for query in self.queries() {
            let (with, without) = (self.plan(query, larger).await?.total, self.plan(query, smaller).await?.total);
            if without > 0.0
                && (without - with) / without >= self.limits.share_of_query
                && self.targets[query].weight * (without - with) >= self.limits.least_gain
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Adds every useful candidate that is worth it; true when something changed.
    async fn polish(&mut self, set: &mut CandidateSet, useful: &CandidateSet) -> Result<bool, O::Error> {
        let mut changed = false;
        for id in useful.difference(&set.clone()).copied().collect::<Vec<_>>() {
            let larger: CandidateSet = set.iter().copied().chain([id]).collect();
            let gain = self.objective(set).await? - self.objective(&larger).await?;
            if gain > 0.0 && self.is_worth(&larger, set, gain).await? {
                *set = larger;
                changed = true;
            }
        }
        Ok(changed)
    }

    /// Of two indexes with the same keys in another order that do as well, takes the one offered first: its leading key is the choosier.
    async fn reorder(&mut self, set: &mut CandidateSet) -> Result<(), O::Error> {
        for id in set.clone() {
            let spec = &self.candidates[id].spec;
            let permutes = |o: &CandidateId| {
                let other = &self.candidates[*o].spec;
                other.keys.len() == spec.keys.len() && permutes_keys(other, spec)
            };
            for other in (0..id).filter(permutes).collect::<Vec<_>>() {
                let swapped: CandidateSet = without(set, id).into_iter().chain([other]).collect();
                let loss = self.objective(&swapped).await? - self.objective(set).await?;
                if swapped.len() == set.len() && (loss <= 0.0 || !self.is_worth(set, &swapped, loss).await?) {
                    *set = swapped;
                    break;
                }
            }
        }
        Ok(())
    }

    /// No index beside one that can do its work: of such a pair the one goes that is missed less.
    async fn uncover(&mut self, set: &mut CandidateSet) -> Result<(), O::Error> {
        loop {
            let covers = |a: CandidateId, b: CandidateId| a != b && self.candidates[a].spec.repeats(&self.candidates[b].spec);
            let pair = set.iter().find_map(|a| set.iter().find(|b| covers(*a, **b)).map(|b| (*a, *b)));
            let Some((narrow, wide)) = pair else { return Ok(()) };
            let (with_wide, with_narrow) = (without(set, narrow), without(set, wide));
            *set = if self.objective(&with_wide).await? <= self.objective(&with_narrow).await? { with_wide } else { with_narrow };
        }
    }

    /// Plans all afresh; drops what no plan uses and what makes a query dearer, until neither is left.
    async fn verify(&mut self, set: &mut CandidateSet) -> Result<(), O::Error> {
        loop {
            self.replan(set).await?;
            let mut used = CandidateSet::new();
            let mut culprits = CandidateSet::new();
            for query in self.queries() {
                let (before, after) = (self.plan(query, &CandidateSet::new()).await?, self.plan(query, set).await?);
                if after.total > before.total * (1.0 + self.limits.regression) {
                    culprits.extend(after.used.iter().copied());
                }
                used.extend(after.used);
            }
            let unused: Vec<CandidateId> = set.difference(&used).copied().collect();
            match (unused.is_empty(), self.least_missed(set, &culprits).await?) {
                (false, _) => set.retain(|id| used.contains(id)),
                (true, Some(culprit)) => {
                    set.remove(&culprit);
                }
                (true, None) => return Ok(()),
            }
        }
    }

    /// Asks again for the final set, past all inference.
    async fn replan(&mut self, set: &CandidateSet) -> Result<(), O::Error> {
        self.facts = Facts::new(self.targets.len());
        let both = |query| [(query, CandidateSet::new()), (query, self.relevant(query, set))];
        let asks = self.queries().flat_map(both).collect();
        self.ask(asks).await
    }

    async fn least_missed(&mut self, set: &CandidateSet, culprits: &CandidateSet) -> Result<Option<CandidateId>, O::Error> {
        let mut least: Option<(f64, CandidateId)> = None;
        for id in culprits {
            let without: CandidateSet = set.iter().copied().filter(|i| i != id).collect();
            let loss = self.objective(&without).await?;
            if least.is_none_or(|(l, _)| loss < l) {
                least = Some((loss, *id));
            }
        }
        Ok(least.map(|(_, id)| id))
    }

    /// Puts the reasons to the choice.
    async fn explain(mut self, set: CandidateSet, useful: &CandidateSet) -> Result<Selection, O::Error> {
        let here = self.objective(&set).await?;
        let mut selection = Selection::default();
        for query in self.queries() {
            selection.before.push(self.plan(query, &CandidateSet::new()).await?.total);
            selection.after.push(self.plan(query, &set).await?.total);
        }
        for id in &set {
            let write_cost = self.write_cost(*id);
            let (mut serves, mut benefit) = (BTreeSet::new(), 0.0);
            for query in self.queries() {
                let used = self.plan(query, &set).await?.used;
                if used.contains(id) {
                    serves.insert(query);
                    benefit += self.targets[query].weight * (selection.before[query] - selection.after[query]) / used.len() as f64;
                }
            }
            selection.chosen.push(Chosen { id: *id, benefit, write_cost, serves });
        }
        selection.chosen.sort_by(|a, b| b.benefit.total_cmp(&a.benefit).then(a.id.cmp(&b.id)));
        for id in (0..self.candidates.len()).filter(|id| !set.contains(id)) {
            let refusal = self.refusal(id, &set, useful, here).await?;
            selection.refused.push((id, refusal));
        }
        Ok(selection)
    }

    async fn refusal(&mut self, id: CandidateId, set: &CandidateSet, useful: &CandidateSet, here: f64) -> Result<Refusal, O::Error> {
        let spec = &self.candidates[id].spec;
        if let Some(cover) = set.iter().find(|c| spec.is_covered_by(&self.candidates[**c].spec)) {
            return Ok(Refusal::CoveredBy(*cover));
        }
        if !useful.contains(&id) {
            return Ok(Refusal::NotUsed);
        }
        let larger: CandidateSet = set.iter().copied().chain([id]).collect();
        let cost = self.write_cost(id);
        let gain = here - self.objective(&larger).await? + cost;
        Ok(if gain > 0.0 && gain <= cost { Refusal::WriteCost { gain, cost } } else { Refusal::LowGain { gain: gain.max(0.0) } })
    }
}

#[cfg(test)]
mod tests;
