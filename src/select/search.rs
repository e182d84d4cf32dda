//! The state of one search: what was asked, and costs of sets that follow.

use super::facts::{Fact, Facts};
use super::set::Set;
use super::{Limits, Oracle, Target};
use crate::model::candidate::{Candidate, CandidateId, CandidateSet, QueryId};
use crate::model::index_def::TableName;
use std::collections::HashMap;

/// While searching, a cost known to this share is known; the verified costs are exact.
const TOLERANCE: f64 = 1e-3;

/// Questions between two looks at the clock.
const AT_ONCE: usize = 64;
/// The same of a great many queries, which must be small ones: the lanes wait for each other at each look.
const MANY_AT_ONCE: usize = 512;
/// More queries than this are a great many.
const MANY: usize = 1000;

/// A query with the candidates that matter to it.
pub(super) struct Asked {
    pub(super) weight: f64,
    /// Candidates were derived from it.
    pub(super) is_heavy: bool,
    /// Derived from it.
    pub(super) own: Set,
    /// Looked at in its plans.
    pub(super) relevant: Set,
    /// On its tables.
    touching: Set,
}

/// Questions asked through one oracle, their answers, and what follows.
pub(super) struct Search<'a, O: Oracle> {
    pub(super) oracle: &'a mut O,
    pub(super) candidates: &'a [Candidate],
    pub(super) limits: Limits,
    pub(super) queries: Vec<Asked>,
    /// By candidate: queries that it is relevant to.
    pub(super) of_candidate: Vec<Vec<QueryId>>,
    /// By candidate: number of its table.
    pub(super) table_of: Vec<usize>,
    /// By table: its candidates in order.
    pub(super) on_table: Vec<Vec<CandidateId>>,
    /// Some candidate ends HOT updates.
    pub(super) any_ends_hot: bool,
    /// By query: its place among all; of a great many, those on the same tables stand side by side.
    place: Vec<usize>,
    pub(super) facts: Facts,
    /// Indexes that exist and may go.
    pub(super) start: Set,
    /// Share of what indexes could save that is in queries which were looked at in depth.
    pub(super) looked_at: f64,
    /// The time is over: what is not known yet is taken at the cost of the best plan that is known to be possible.
    pub(super) hurried: bool,
    /// By query: the least cost seen with any candidates, per execution; empty while the search goes on.
    pub(super) floors: Vec<f64>,
}

impl<'a, O: Oracle> Search<'a, O> {
    pub(super) fn new(oracle: &'a mut O, candidates: &'a [Candidate], targets: &[Target], limits: Limits) -> Self {
        let there = targets.iter().flat_map(|t| t.touching.iter().copied());
        let start: Set = there.filter(|id| candidates[*id].existing.is_some()).collect();
        let asked = |t: &Target| {
            let touching = Set::from(&t.touching);
            let here = start.intersection(&touching);
            Asked {
                weight: t.weight,
                is_heavy: t.is_heavy,
                own: Set::from(&t.own),
                relevant: Set::from(&t.relevant).union(&here),
                touching,
            }
        };
        let queries: Vec<Asked> = targets.iter().map(asked).collect();
        let facts = Facts::new(queries.len(), TOLERANCE);
        let (table_of, on_table) = by_table(candidates);
        let place = if queries.len() > MANY { by_tables(&queries, &table_of) } else { (0..queries.len()).collect() };
        let mut search = Search {
            oracle,
            candidates,
            limits,
            queries,
            of_candidate: Vec::new(),
            table_of,
            on_table,
            any_ends_hot: candidates.iter().any(|c| !c.hot.ends.is_empty()),
            place,
            facts,
            start,
            looked_at: 1.0,
            hurried: false,
            floors: Vec::new(),
        };
        search.index();
        search
    }

    fn index(&mut self) {
        self.of_candidate = vec![Vec::new(); self.candidates.len()];
        for (query, asked) in self.queries.iter().enumerate() {
            asked.relevant.iter().for_each(|id| self.of_candidate[id].push(query));
        }
    }

    /// Forgets all answers; from here on every candidate on its tables is part of a query's plans, as it would be when built.
    pub(super) fn start_afresh(&mut self) {
        self.floors = self.ids().map(|query| self.floor(query)).collect();
        let today: Vec<(QueryId, Option<Fact>)> =
            self.ids().map(|q| (q, self.facts.find(q, &self.part(q, &self.start)).cloned())).collect();
        self.facts = Facts::new(self.queries.len(), 0.0);
        self.queries.iter_mut().for_each(|q| q.relevant = q.touching.clone());
        self.index();
        for (query, fact) in today {
            // With nothing added there is nothing that could be left out: today's plan is what it was.
            if let Some(fact) = fact.filter(|f| f.available == self.part(query, &self.start)) {
                self.facts.learn(query, fact);
            }
        }
    }

    /// Leaves a query out of the search: no candidate is relevant to it until all is planned afresh.
    pub(super) fn set_aside(&mut self, query: QueryId) {
        let relevant = std::mem::take(&mut self.queries[query].relevant);
        relevant.iter().for_each(|id| self.of_candidate[id].retain(|q| *q != query));
        self.queries[query].relevant = self.queries[query].touching.intersection(&self.start);
    }

    pub(super) fn ids(&self) -> std::ops::Range<QueryId> {
        0..self.queries.len()
    }

    /// The least cost of a query that was seen, per execution.
    pub(super) fn floor(&self, query: QueryId) -> f64 {
        self.facts.of(query).iter().map(|fact| fact.total).min_by(f64::total_cmp).unwrap_or(0.0)
    }

    /// The part of a set that is relevant to a query.
    pub(super) fn part(&self, query: QueryId, set: &Set) -> Set {
        set.intersection(&self.queries[query].relevant)
    }

    /// Asks what is not known yet, until the time is over.
    pub(super) async fn ask(&mut self, asks: impl IntoIterator<Item = (QueryId, Set)>) -> Result<(), O::Error> {
        let unknown = |(query, set): &(QueryId, Set)| self.facts.find(*query, set).is_none();
        let mut asks: Vec<(QueryId, Set)> = asks.into_iter().filter(unknown).collect();
        asks.sort_unstable_by(|a, b| self.place[a.0].cmp(&self.place[b.0]).then_with(|| a.cmp(b)));
        asks.dedup();
        for some in asks.chunks(if self.queries.len() > MANY { MANY_AT_ONCE } else { AT_ONCE }) {
            self.hurried |= self.oracle.is_late();
            if self.hurried {
                break;
            }
            self.ask_now(some).await?;
        }
        Ok(())
    }

    /// Asks, whatever the time.
    async fn ask_now(&mut self, asks: &[(QueryId, Set)]) -> Result<(), O::Error> {
        if asks.is_empty() {
            return Ok(());
        }
        let questions = asks.iter().map(|(query, set)| (*query, CandidateSet::from(set))).collect();
        let costs = self.oracle.plan_all(questions).await?;
        for ((query, available), cost) in asks.iter().zip(costs) {
            self.facts.learn(*query, Fact { available: available.clone(), used: Set::from(&cost.used), total: cost.total });
        }
        Ok(())
    }

    /// Plans every query with the set, however late it is: today's costs, and the verified ones.
    pub(super) async fn must_know(&mut self, set: &Set) -> Result<(), O::Error> {
        let part = |query| (query, self.part(query, set));
        let mut asks: Vec<(QueryId, Set)> = self.ids().map(part).filter(|(q, set)| self.facts.find(*q, set).is_none()).collect();
        asks.sort_by_key(|(query, _)| self.place[*query]);
        self.ask_now(&asks).await
    }

    /// A plan that has been asked for; `present` is the query's part of the set.
    fn fact(&self, query: QueryId, present: &Set) -> Option<&Fact> {
        let possible = || self.facts.best_possible(query, present).filter(|_| self.hurried);
        self.facts.find(query, present).or_else(possible)
    }

    /// The same, with nothing used at no cost where it was never asked for.
    pub(super) fn known(&self, query: QueryId, present: &Set) -> Fact {
        let none = || Fact { available: present.clone(), used: Set::default(), total: 0.0 };
        self.fact(query, present).cloned().unwrap_or_else(none)
    }

    /// Weighted cost of one query with a set whose plan has been asked for.
    pub(super) fn weighted(&self, query: QueryId, set: &Set) -> f64 {
        self.weighted_part(query, &self.part(query, set))
    }

    /// The same, of the part of a set that is relevant to it.
    pub(super) fn weighted_part(&self, query: QueryId, present: &Set) -> f64 {
        self.queries[query].weight * self.fact(query, present).map_or(0.0, |fact| fact.total)
    }

    /// Weighted cost of all queries with a set whose plans have been asked for.
    pub(super) fn reads(&self, set: &Set) -> f64 {
        self.ids().map(|query| self.weighted(query, set)).sum()
    }

    /// Plans every query with the set.
    pub(super) async fn prime(&mut self, set: &Set) -> Result<(), O::Error> {
        let asks: Vec<(QueryId, Set)> = self.ids().map(|query| (query, self.part(query, set))).collect();
        self.ask(asks).await
    }

    /// Weighted cost of the workload and what writes pay for the set.
    pub(super) async fn objective(&mut self, set: &Set) -> Result<f64, O::Error> {
        self.prime(set).await?;
        let writes: f64 = set.iter().map(|id| self.candidates[id].writes.cost).sum();
        Ok(writes + self.reads(set))
    }

    /// Candidates on the table of one, itself among them, in order.
    pub(super) fn beside(&self, id: CandidateId) -> &[CandidateId] {
        &self.on_table[self.table_of[id]]
    }

    /// Bytes that an index takes, by assumption where that is all there is; one of which nothing is known never fits where space
    /// is counted.
    pub(super) fn bytes(&self, id: CandidateId) -> f64 {
        let candidate = &self.candidates[id];
        candidate.size_bytes.or(candidate.assumed_bytes).unwrap_or(f64::INFINITY)
    }
}

/// By query its place when all are in the order of their tables. A planner that is asked about the same tables again and again
/// has what it must know of them at hand.
fn by_tables(queries: &[Asked], table_of: &[usize]) -> Vec<usize> {
    let tables = |query: &Asked| -> Vec<usize> {
        let mut tables: Vec<usize> = query.touching.iter().map(|id| table_of[id]).collect();
        tables.sort_unstable();
        tables.dedup();
        tables
    };
    let mut order: Vec<(Vec<usize>, QueryId)> = queries.iter().map(tables).zip(0..).collect();
    order.sort_unstable();
    let mut place = vec![0; queries.len()];
    order.into_iter().enumerate().for_each(|(n, (_, query))| place[query] = n);
    place
}

/// By candidate the number of its table, and by table its candidates.
fn by_table(candidates: &[Candidate]) -> (Vec<usize>, Vec<Vec<CandidateId>>) {
    let mut numbers: HashMap<&TableName, usize> = HashMap::new();
    let mut on_table: Vec<Vec<CandidateId>> = Vec::new();
    let mut table_of = Vec::with_capacity(candidates.len());
    for (id, candidate) in candidates.iter().enumerate() {
        let number = *numbers.entry(&candidate.spec.table).or_insert(on_table.len());
        if number == on_table.len() {
            on_table.push(Vec::new());
        }
        on_table[number].push(id);
        table_of.push(number);
    }
    (table_of, on_table)
}
