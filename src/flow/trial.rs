//! Trials: the selector's questions answered by planning on the engine.

use super::direction::Walk;
use super::engine::Engine;
use super::parsed::Parsed;
use super::plans::Planned;
use super::seen::Seen;
use crate::model::candidate::{Candidate, CandidateId, CandidateSet, Cost, QueryId, View};
use crate::model::ddl::IndexName;
use crate::model::failure::Failure;
use crate::model::plan::Plan;
use crate::select::{Oracle, Target};
use indicatif::ProgressBar;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The plans of a query's executions, each with its share, or why it could not be planned.
pub(super) type Answer = Result<Vec<(f64, Plan)>, String>;

/// What was seen of the plans of a query's executions, or why it could not be planned.
type Sight = Result<Vec<Seen>, String>;

/// Most plan trees held at once: what is seen of them is kept.
pub(super) const TREES: usize = 1000;

/// Answers by planning on the engine.
pub(super) struct Trials<'a> {
    engine: &'a mut Engine,
    planned: &'a [Planned],
    parsed: Vec<Parsed>,
    /// EXPLAINs so far.
    pub(super) calls: u64,
    progress: ProgressBar,
    /// Cost of each query's first plan.
    first_cost: BTreeMap<QueryId, f64>,
    /// By query: candidates that are existing indexes on its tables. One that a question leaves out is hidden.
    existing: Vec<BTreeMap<CandidateId, IndexName>>,
    /// Charge plans that bet for what a lost bet costs.
    cautious: bool,
    /// When the search must end.
    deadline: Option<Instant>,
    /// By query: the last question, with what was seen. Today's plans come from parsing the queries; those of the choice are asked
    /// for when it is verified, and again when it is put into words.
    latest: Vec<Option<(View, Sight)>>,
    /// Queries that stopped being plannable, with the reason: one bad query ends nothing.
    pub(super) failed: BTreeMap<QueryId, String>,
}

/// What plans use.
pub(super) struct InUse {
    /// Real indexes.
    pub(super) real: Vec<IndexName>,
    /// Candidates, by query and execution.
    pub(super) used: Vec<Vec<CandidateSet>>,
    /// How each candidate is walked through. A bitmap has no direction, so its scans are not among them.
    pub(super) walks: BTreeMap<CandidateId, Vec<Walk>>,
}

impl<'a> Trials<'a> {
    /// Nothing asked yet.
    pub(super) fn new(engine: &'a mut Engine, planned: &'a [Planned], progress: ProgressBar) -> Self {
        let parsed = (0..engine.lanes()).map(|_| Parsed::default()).collect();
        let (first_cost, failed, existing) = Default::default();
        let latest = vec![None; planned.len()];
        Trials { engine, planned, parsed, calls: 0, progress, first_cost, existing, cautious: false, deadline: None, latest, failed }
    }

    /// Starts with the plans that the queries had when they were parsed, with the indexes that exist.
    pub(super) fn from(mut self, plain: Vec<Option<Vec<Seen>>>) -> Self {
        self.calls += plain.iter().flatten().map(|seen| seen.len() as u64).sum::<u64>();
        self.latest = plain.into_iter().map(|seen| Some((View::default(), Ok(seen?)))).collect();
        self
    }

    /// Tells which of the candidates exist, and which of these are on the tables of each query.
    pub(super) fn of(mut self, list: &[Candidate], targets: &[Target]) -> Self {
        let existing = |id: &CandidateId| Some((*id, list[*id].existing.clone()?));
        self.existing = targets.iter().map(|t| t.touching.iter().filter_map(existing).collect()).collect();
        self
    }

    /// Charges plans that bet for what a lost bet costs, beside what the planner says.
    pub(super) fn cautious(mut self, cautious: bool) -> Self {
        self.cautious = cautious;
        self
    }

    /// Ends the search after this time.
    pub(super) fn until(mut self, limit: Option<Duration>) -> Self {
        self.deadline = limit.map(|limit| Instant::now() + limit);
        self
    }

    /// What the planner is to see of a set in which existing indexes are members too.
    fn view(&self, query: QueryId, set: CandidateSet) -> View {
        let Some(existing) = self.existing.get(query) else { return View::with(set) };
        let hidden = existing.iter().filter(|(id, _)| !set.contains(id)).map(|(_, name)| name.clone()).collect();
        View { present: set.into_iter().filter(|id| !existing.contains_key(id)).collect(), hidden }
    }

    /// Members of the set that a plan uses.
    fn used(&self, query: QueryId, seen: &Seen) -> CandidateSet {
        let mut used = self.candidates(seen);
        if let Some(existing) = self.existing.get(query) {
            used.extend(existing.iter().filter(|(_, name)| seen.indexes.contains(name)).map(|(id, _)| *id));
        }
        used
    }

    /// Candidates that a plan uses.
    fn candidates(&self, seen: &Seen) -> CandidateSet {
        seen.indexes.iter().filter_map(|i| self.engine.candidate(&i.schema, &i.name)).collect()
    }

    /// Plans each query with what its view shows.
    pub(super) async fn answers(&mut self, asks: &[(QueryId, View)]) -> Result<Vec<Answer>, Failure> {
        let answers = self.engine.answers(self.planned, &mut self.parsed, asks).await?;
        self.calls += answers.iter().flatten().map(|plans| plans.len() as u64).sum::<u64>();
        self.progress.inc(asks.len() as u64);
        Ok(answers)
    }

    /// What is seen of each query's plans with what its view shows. The last question about a query is not asked again.
    async fn see(&mut self, asks: Vec<(QueryId, View)>) -> Result<Vec<Sight>, Failure> {
        let latest = |(query, view): &(QueryId, View)| self.latest[*query].as_ref().filter(|(known, _)| known == view);
        let mut known: Vec<Option<Sight>> = asks.iter().map(|ask| latest(ask).map(|(_, seen)| seen.clone())).collect();
        let open: Vec<usize> = (0..asks.len()).filter(|n| known[*n].is_none()).collect();
        for open in open.chunks(TREES) {
            let questions: Vec<(QueryId, View)> = open.iter().map(|n| asks[*n].clone()).collect();
            for (n, answer) in open.iter().zip(self.answers(&questions).await?) {
                let seen = answer.map(|plans| Seen::all(&plans));
                self.latest[asks[*n].0] = Some((asks[*n].1.clone(), seen.clone()));
                known[*n] = Some(seen);
            }
        }
        Ok(known.into_iter().flatten().collect())
    }

    /// What plans of the queries use beside the candidates in their sets. `weights` are the queries'.
    pub(super) async fn in_use(&mut self, sets: Vec<CandidateSet>, weights: &[f64]) -> Result<InUse, Failure> {
        let asks: Vec<(QueryId, View)> = sets.into_iter().enumerate().map(|(query, set)| (query, self.view(query, set))).collect();
        let answers = self.see(asks).await?;
        let real = answers.iter().flatten().flatten().flat_map(|seen| seen.indexes.iter().cloned()).collect();
        let mut walks: BTreeMap<CandidateId, Vec<Walk>> = BTreeMap::new();
        for (query, answer) in answers.iter().enumerate() {
            let weight = weights.get(query).copied().unwrap_or(1.0);
            for (index, walk) in answer.iter().flatten().flat_map(|seen| &seen.walks) {
                if let Some(id) = self.engine.candidate(&index.schema, &index.name) {
                    walks.entry(id).or_default().push(Walk { weight: walk.weight * weight, ..walk.clone() });
                }
            }
        }
        let used = |answer: &Sight| answer.iter().flatten().map(|seen| self.candidates(seen)).collect();
        Ok(InUse { real, used: answers.iter().map(used).collect(), walks })
    }

    /// The weighted cost of an answer and the candidates in it.
    fn cost(&mut self, query: QueryId, answer: Sight) -> Cost {
        match answer {
            Ok(plans) => {
                let total = plans.iter().map(|seen| seen.weighted(self.cautious)).sum();
                self.first_cost.entry(query).or_insert(total);
                Cost { total, used: plans.iter().flat_map(|seen| self.used(query, seen)).collect() }
            }
            Err(reason) => {
                // The same cost for every set: this query has no say from here on.
                self.failed.entry(query).or_insert(reason);
                Cost { total: self.first_cost.get(&query).copied().unwrap_or(0.0), used: CandidateSet::new() }
            }
        }
    }
}

/// Schema and name of each index in a plan. A Bitmap Index Scan names no schema; the heap scan above it does.
pub(super) fn indexes(plan: &Plan) -> Vec<(&str, &str)> {
    let mut schema = "public";
    let mut found = Vec::new();
    for node in plan.root.walk() {
        schema = node.schema.as_deref().unwrap_or(schema);
        found.extend(node.index_name.as_deref().map(|index| (schema, index)));
    }
    found
}

impl Oracle for Trials<'_> {
    type Error = Failure;

    async fn plan_all(&mut self, asks: Vec<(QueryId, CandidateSet)>) -> Result<Vec<Cost>, Failure> {
        let asks: Vec<(QueryId, View)> = asks.into_iter().map(|(query, set)| (query, self.view(query, set))).collect();
        let queries: Vec<QueryId> = asks.iter().map(|(query, _)| *query).collect();
        let answers = self.see(asks).await?;
        Ok(queries.into_iter().zip(answers).map(|(query, answer)| self.cost(query, answer)).collect())
    }

    fn is_late(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    fn improved(&mut self, relative_cost: f64) {
        self.progress.set_message(format!("Trying indexes: workload at {:.1} % of today's cost", 100.0 * relative_cost));
    }
}
