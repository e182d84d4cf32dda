//! The engine after the choice: what drops do to the queries beside what was chosen.

use super::recommend::Bench;
use super::seen::Seen;
use super::trial::{TREES, Trials};
use crate::model::candidate::{CandidateSet, QueryId, View};
use crate::model::ddl::IndexName;
use crate::model::failure::Failure;
use crate::model::index_def::TableName;
use crate::select::Target;
use crate::term;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Indexes to be gone, with their tables.
pub(super) type Gone = BTreeMap<IndexName, TableName>;

/// An engine on which a set of candidates was chosen: more can be tried beside it.
pub(super) struct Settled {
    bench: Bench,
    targets: Vec<Target>,
    /// Tables of each planned query.
    tables: Vec<BTreeSet<TableName>>,
    chosen: CandidateSet,
    /// Existing indexes that the choice counts on being gone.
    given_up: Gone,
    /// What the choice says that an execution of each query costs with the advice.
    after: Vec<f64>,
    /// The same by query and what is gone that it could read.
    known: HashMap<(QueryId, BTreeSet<IndexName>), f64>,
    /// Plans that bet are charged for what a lost bet costs.
    cautious: bool,
}

impl Settled {
    /// What was chosen and given up for `targets`, on these tables each.
    pub(super) fn new(
        bench: Bench,
        cautious: bool,
        (targets, tables): (Vec<Target>, Vec<BTreeSet<TableName>>),
        (chosen, given_up): (CandidateSet, Gone),
        after: Vec<f64>,
    ) -> Settled {
        let mut settled = Settled { bench, targets, tables, chosen, given_up, after, known: HashMap::new(), cautious };
        let known = settled.after.iter().enumerate().map(|(query, cost)| ((query, settled.hidden(query, &settled.given_up)), *cost));
        settled.known = known.collect();
        settled
    }

    /// What an execution of each query on `table` costs with the advice, planner units, for each of several sets of indexes that
    /// are gone besides; `None` where the engine cannot tell.
    pub(super) async fn costs_without<const N: usize>(
        &mut self,
        table: &TableName,
        gone: [&Gone; N],
    ) -> Result<Option<Vec<[f64; N]>>, Failure> {
        let queries: Vec<QueryId> = (0..self.targets.len()).filter(|q| self.tables[*q].contains(table)).collect();
        for gone in gone {
            if !self.learn(&queries, gone).await? {
                return Ok(None);
            }
        }
        Ok(Some(queries.into_iter().map(|query| gone.map(|gone| self.cost(query, gone))).collect()))
    }

    /// The weighted cost of the workload with the advice when `gone` are dropped; `None` where that is what the choice says already,
    /// or the engine cannot tell.
    pub(super) async fn cost_without(&mut self, gone: &Gone) -> Result<Option<f64>, Failure> {
        let queries: Vec<QueryId> = (0..self.targets.len()).collect();
        if self.given_up == *gone || !self.learn(&queries, gone).await? {
            return Ok(None);
        }
        Ok(Some(queries.into_iter().map(|query| self.targets[query].weight * self.cost(query, gone)).sum()))
    }

    /// What is gone on a query's tables: what it cannot read matters nothing to it.
    fn hidden(&self, query: QueryId, gone: &Gone) -> BTreeSet<IndexName> {
        gone.iter().filter(|(_, table)| self.tables[query].contains(table)).map(|(name, _)| name.clone()).collect()
    }

    fn cost(&self, query: QueryId, gone: &Gone) -> f64 {
        self.known.get(&(query, self.hidden(query, gone))).copied().unwrap_or(self.after[query])
    }

    /// Plans the queries without these, where that is not known; false where the engine cannot tell. A query that cannot be planned
    /// stays at what it cost: it has no say.
    async fn learn(&mut self, queries: &[QueryId], gone: &Gone) -> Result<bool, Failure> {
        let keys = queries.iter().map(|query| (*query, self.hidden(*query, gone)));
        let open: Vec<(QueryId, BTreeSet<IndexName>)> = keys.filter(|key| !self.known.contains_key(key)).collect();
        if open.iter().any(|(_, hidden)| !hidden.is_empty()) && !self.bench.engine.can_hide() {
            return Ok(false);
        }
        let with = |query: QueryId| self.chosen.intersection(&self.targets[query].touching).copied().collect();
        let mut trials = Trials::new(&mut self.bench.engine, &self.bench.planned, term::progress(0));
        for open in open.chunks(TREES) {
            let view = |query: QueryId, hidden: &BTreeSet<IndexName>| View { hidden: hidden.clone(), ..View::with(with(query)) };
            let asks: Vec<(QueryId, View)> = open.iter().map(|(query, hidden)| (*query, view(*query, hidden))).collect();
            for (key, answer) in open.iter().zip(trials.answers(&asks).await?) {
                let weighted = |plans: Vec<_>| Seen::all(&plans).iter().map(|seen| seen.weighted(self.cautious)).sum();
                self.known.insert(key.clone(), answer.map_or(self.after[key.0], weighted));
            }
        }
        Ok(true)
    }
}
