//! Finding plans worth knowing: which candidates a query ever wants, what it does without them one by one.

use super::Oracle;
use super::change::Change;
use super::search::Search;
use super::set::Set;
use crate::model::candidate::{CandidateId, QueryId};
use std::collections::BTreeMap;

/// Rounds of peeling with all of a query's candidates, then without covering ones, then with single columns.
const PEELS: [(usize, usize); 3] = [(usize::MAX, 3), (3, 2), (1, 2)];
/// Pages of a look-up by a unique key, planner units.
const FEW_PAGES: f64 = 1.0;
/// More queries than this are not all looked at in depth…
const MANY: usize = 1000;
/// …but those that hold this share of what could be saved.
const NEARLY_ALL: f64 = 0.99;
/// Plans asked per query of those with one index less than its best plan uses.
const LESS: usize = 10;
/// A query is looked at again around a set while it could save this share of the whole.
const WORTH_LOOKING: f64 = 0.0005;
/// Indexes of a set that are tried without, largest first: theirs is the space that could be put to better use.
const SHAKEN: usize = 12;
/// Up to so many queries twice as many indexes are tried in each way, and once more around: their plans are few.
const FEW_QUERIES: usize = 40;
/// Candidates tried one by one beside a set, most hopeful first.
const HOPEFUL: usize = 12;

impl<O: Oracle> Search<'_, O> {
    /// All candidates that some plan wants, with their prefixes: per query, plan with all candidates that fit it, take out
    /// what the plan used, and plan again.
    pub(super) async fn peel(&mut self) -> Result<Set, O::Error> {
        let start = self.start.clone();
        self.must_know(&start).await?;
        let mut left: BTreeMap<QueryId, Set> = self.hopeful().into_iter().map(|q| (q, self.queries[q].own.clone())).collect();
        let everything: Vec<(QueryId, Set)> = left.iter().map(|(q, own)| (*q, self.part(*q, &own.union(&start)))).collect();
        self.ask(everything).await?;
        self.leave_the_tail(&mut left);
        let mut useful: Vec<CandidateId> = Vec::new();
        for (widest, rounds) in PEELS {
            let narrow = |id: &CandidateId| {
                let spec = &self.candidates[*id].spec;
                spec.keys.len() <= widest && (widest == usize::MAX || spec.include.is_empty())
            };
            let mut offers: BTreeMap<QueryId, Set> = left.iter().map(|(q, set)| (*q, set.iter().filter(narrow).collect())).collect();
            for _ in 0..rounds {
                let used = self.peel_once(&mut offers).await?;
                for (query, used) in used {
                    useful.extend(used.iter());
                    if let Some(left) = left.get_mut(&query) {
                        *left = left.minus(&used);
                    }
                }
            }
        }
        let useful: Set = useful.into_iter().collect();
        Ok(useful.union(&self.prefixes(&useful)))
    }

    /// What each query uses of its offer, which it is taken out of; a query that uses nothing leaves.
    async fn peel_once(&mut self, offers: &mut BTreeMap<QueryId, Set>) -> Result<Vec<(QueryId, Set)>, O::Error> {
        let start = self.start.clone();
        let asks: Vec<(QueryId, Set)> = offers.iter().map(|(q, offer)| (*q, self.part(*q, &offer.union(&start)))).collect();
        self.ask(asks.iter().cloned()).await?;
        let mut all = Vec::new();
        for (query, asked) in asks {
            let used = self.known(query, &asked).used.minus(&start);
            if used.is_empty() {
                offers.remove(&query);
            } else if let Some(offer) = offers.get_mut(&query) {
                *offer = offer.minus(&used);
                all.push((query, used));
            }
        }
        Ok(all)
    }

    /// Queries that an index could make cheaper by what counts. A look-up that reads a few pages can not.
    fn hopeful(&self) -> Vec<QueryId> {
        let whole = self.reads(&self.start);
        let counts = |query: &QueryId| {
            let cost = self.weighted(*query, &self.start);
            let enough = cost > self.queries[*query].weight * (self.limits.least_saving + FEW_PAGES);
            self.queries[*query].is_heavy && (!self.limits.tidy || enough || cost > whole * self.limits.share_of_workload)
        };
        self.ids().filter(counts).collect()
    }

    /// Of a great many queries only those are looked at further that hold nearly all of what indexes can save. The others
    /// are planned again in the end.
    fn leave_the_tail(&mut self, left: &mut BTreeMap<QueryId, Set>) {
        let saving = |query: &QueryId| self.weighted(*query, &self.start) - self.queries[*query].weight * self.floor(*query);
        let mut savings: Vec<(f64, QueryId)> = left.keys().map(|q| (saving(q), *q)).collect();
        savings.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        // Those without candidates of their own could save all that they cost, for all that is known.
        let light: f64 = self.ids().filter(|q| !self.queries[*q].is_heavy).map(|q| self.weighted(q, &self.start)).sum();
        let whole = light + savings.iter().map(|(saving, _)| saving).sum::<f64>();
        if self.queries.len() <= MANY || whole <= 0.0 {
            return;
        }
        let mut seen = 0.0;
        let mut tail = Vec::new();
        for (saving, query) in savings {
            if seen >= whole * NEARLY_ALL {
                tail.push(query);
            } else {
                seen += saving;
            }
        }
        self.looked_at = seen / whole;
        for query in tail {
            left.remove(&query);
        }
        for query in self.ids().filter(|q| !left.contains_key(q)).collect::<Vec<_>>() {
            self.set_aside(query);
        }
    }

    /// False for what is larger than all the space; an unknown size is, where space is counted.
    pub(super) fn may_fit(&self, id: CandidateId, bytes: f64) -> bool {
        bytes.is_infinite() || self.bytes(id) <= bytes
    }

    /// Candidates whose work another one in the set can do.
    fn prefixes(&self, set: &Set) -> Set {
        let covered = |id: &CandidateId| {
            let spec = &self.candidates[*id].spec;
            let mut wider = self.beside(*id).iter().filter(|u| set.contains(**u));
            !set.contains(*id) && wider.any(|u| spec.is_covered_by(&self.candidates[*u].spec))
        };
        (0..self.candidates.len()).filter(covered).filter(|id| !self.start.contains(*id)).collect()
    }

    /// What each single column does alone, where some plan of the query wanted one.
    pub(super) async fn singles(&mut self, useful: &Set) -> Result<(), O::Error> {
        let start = self.start.clone();
        let single = |id: &CandidateId| self.candidates[*id].spec.keys.len() == 1 && self.candidates[*id].spec.include.is_empty();
        let mut asks = Vec::new();
        for query in self.ids() {
            for id in self.queries[query].own.intersection(useful).iter().filter(single) {
                asks.push((query, self.part(query, &start.with(id))));
            }
        }
        self.ask(asks).await
    }

    /// What each query does with one index less than its best plan uses, and one less again.
    pub(super) async fn one_less(&mut self) -> Result<(), O::Error> {
        let start = self.start.clone();
        let best = |facts: &[super::facts::Fact]| facts.iter().min_by(|a, b| a.total.total_cmp(&b.total)).map(|f| f.used.union(&start));
        let mut front: Vec<(QueryId, Set)> = self.ids().filter_map(|q| Some((q, self.part(q, &best(self.facts.of(q))?)))).collect();
        let mut asked: BTreeMap<QueryId, usize> = BTreeMap::new();
        while !front.is_empty() {
            let mut asks = Vec::new();
            for (query, set) in std::mem::take(&mut front) {
                for id in set.iter() {
                    let count = asked.entry(query).or_default();
                    *count += 1;
                    if *count <= LESS {
                        asks.push((query, set.without(id)));
                    }
                }
            }
            self.ask(asks.iter().cloned()).await?;
            front = asks.into_iter().map(|(q, set)| (q, self.known(q, &set).used)).collect();
        }
        Ok(())
    }

    /// Queries that could gain much beyond what `set` gives them, most first.
    fn hungry(&self, set: &Set) -> Vec<QueryId> {
        let gain = |query: QueryId| self.weighted(query, set) - self.queries[query].weight * self.floor(query);
        let whole = self.reads(set);
        let mut hungry: Vec<(f64, QueryId)> = self.ids().map(|q| (gain(q), q)).filter(|(gain, _)| *gain > whole * WORTH_LOOKING).collect();
        hungry.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        hungry.into_iter().map(|(_, query)| query).collect()
    }

    /// How widely to look around a set.
    pub(super) fn breadth(&self) -> usize {
        if self.queries.len() <= FEW_QUERIES { 2 } else { 1 }
    }

    /// Learns what queries that want more would take beside `set`, of what would fit into `bytes` at all.
    pub(super) async fn look_around(&mut self, set: &Set, useful: &Set, bytes: f64) -> Result<(), O::Error> {
        let fits: Set = useful.iter().filter(|id| self.may_fit(*id, bytes)).collect();
        let mut offers: BTreeMap<QueryId, Set> = self.hungry(set).into_iter().map(|q| (q, self.part(q, &fits.union(set)))).collect();
        for _ in 0..2 {
            self.ask(offers.iter().map(|(q, offer)| (*q, offer.clone())).collect::<Vec<_>>()).await?;
            for (query, mut offer) in std::mem::take(&mut offers) {
                let used = self.known(query, &offer).used.minus(set);
                if !used.is_empty() {
                    offer = offer.minus(&used);
                    offers.insert(query, offer);
                }
            }
        }
        Ok(())
    }

    /// Learns what the queries that use an index of `set` do without it, or with a narrower one in its place.
    pub(super) async fn shake(&mut self, set: &Set, useful: &Set) -> Result<(), O::Error> {
        let mut asks = Vec::new();
        let mut large: Vec<CandidateId> = set.iter().collect();
        large.sort_by(|a, b| self.bytes(*b).total_cmp(&self.bytes(*a)).then(a.cmp(b)));
        for id in large.into_iter().take(SHAKEN * self.breadth()) {
            let users = self.of_candidate[id].iter().copied().filter(|q| self.known(*q, &self.part(*q, set)).used.contains(id));
            let users: Vec<QueryId> = users.collect();
            let without = set.without(id);
            let narrower = self.narrower(id, useful).filter(|n| !set.contains(*n)).map(|n| without.with(n));
            for smaller in std::iter::once(without.clone()).chain(narrower.take(2)) {
                asks.extend(users.iter().map(|q| (*q, self.part(*q, &smaller))));
            }
        }
        self.ask(asks).await
    }

    /// Useful candidates that could stand in for one with fewer columns.
    pub(super) fn narrower<'s>(&'s self, id: CandidateId, useful: &'s Set) -> impl Iterator<Item = CandidateId> + 's {
        let wide = &self.candidates[id].spec;
        self.beside(id).iter().copied().filter(|n| useful.contains(*n) && super::narrows(&self.candidates[*n].spec, wide))
    }

    /// Learns what the most hopeful candidates do beside `set`, one by one.
    pub(super) async fn additions(&mut self, set: &Set, useful: &Set, bytes: f64) -> Result<(), O::Error> {
        let mut hopes: Vec<(f64, CandidateId)> = Vec::new();
        for id in useful.minus(set).iter().filter(|id| self.may_fit(*id, bytes)) {
            let hope = |query: &QueryId| {
                let present = self.part_after(*query, set, Change::with(id));
                let least = self.facts.at_least(*query, &present);
                let most = self.facts.at_most(*query, &present).unwrap_or(f64::INFINITY);
                let here = self.weighted(*query, set);
                if most <= least { 0.0 } else { here - self.queries[*query].weight * least }
            };
            let hope: f64 = self.of_candidate[id].iter().filter(|q| self.queries[**q].own.contains(id)).map(hope).sum();
            hopes.push((hope / (self.bytes(id).min(1e15) + 1e6), id));
        }
        hopes.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut asks = Vec::new();
        for (hope, id) in hopes.into_iter().take(HOPEFUL * self.breadth()) {
            if hope > 0.0 {
                let queries = self.of_candidate[id].iter().filter(|q| self.queries[**q].own.contains(id));
                asks.extend(queries.map(|q| (*q, self.part_after(*q, set, Change::with(id)))));
            }
        }
        self.ask(asks).await
    }
}
