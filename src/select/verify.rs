//! The last word: every query planned afresh with the whole set.

use super::change::Change;
use super::master::Room;
use super::search::Search;
use super::set::Set;
use super::{Oracle, Refusal};
use crate::model::candidate::{CandidateId, QueryId};

impl<O: Oracle> Search<'_, O> {
    /// Puts back what a query misses, drops what no plan uses and what makes a query dearer, until none is left. Returns what went,
    /// unless for being unused, with the reason.
    pub(super) async fn verify(&mut self, set: &mut Set, room: Room) -> Result<Vec<(CandidateId, Refusal)>, O::Error> {
        let start = self.start.clone();
        let mut blamed = Vec::new();
        loop {
            self.must_know(&start).await?;
            self.must_know(set).await?;
            let missed = self.missed(set);
            if !missed.is_empty() {
                *set = set.union(&missed);
                self.make_room(set, room, &mut blamed).await?;
                continue;
            }
            let (mut used, mut culprits, mut worst) = (Vec::new(), Vec::new(), 0.0f64);
            for query in self.ids() {
                let (before, after) = (self.weighted(query, &start), self.weighted(query, set));
                let plan = self.known(query, &self.part(query, set)).used;
                if after > before * (1.0 + self.limits.regression) && after - before >= self.limits.least_gain {
                    culprits.extend(plan.iter());
                    worst = worst.max(if before > 0.0 { after / before - 1.0 } else { 0.0 });
                }
                used.extend(plan.iter());
            }
            let (used, culprits): (Set, Set) = (used.into_iter().collect(), culprits.into_iter().collect());
            // An existing index is not there for the plans that we know alone: that none uses it is no reason to drop it.
            let idle = set.minus(&used).minus(&start);
            if !idle.is_empty() {
                *set = set.minus(&idle);
                continue;
            }
            if !self.fits(set, room) && !set.minus(&start).is_empty() {
                self.make_room(set, room, &mut blamed).await?;
                continue;
            }
            match self.least_missed(set, &culprits.minus(&start)).await? {
                Some(culprit) => {
                    *set = set.without(culprit);
                    blamed.push((culprit, Refusal::Regression { share: worst }));
                }
                None => return Ok(blamed),
            }
        }
    }

    /// Existing indexes of the plans of today of those queries that are dearer by the limit, and felt to be, because they are gone.
    fn missed(&self, set: &Set) -> Set {
        let gone = self.start.minus(set);
        let of = |query: QueryId| {
            let (today, then) = (self.known(query, &self.part(query, &self.start)), self.known(query, &self.part(query, set)));
            let dearer = then.total > today.total * (1.0 + self.limits.regression);
            let more = then.total - today.total;
            let matters = more >= self.limits.least_saving && more * self.queries[query].weight >= self.limits.least_gain;
            if dearer && matters { today.used.intersection(&gone) } else { Set::default() }
        };
        self.ids().flat_map(|query| of(query).iter().collect::<Vec<_>>()).collect()
    }

    /// Lets new indexes go, least missed first, until the others fit.
    async fn make_room(&mut self, set: &mut Set, room: Room, blamed: &mut Vec<(CandidateId, Refusal)>) -> Result<(), O::Error> {
        while !self.fits(set, room) {
            self.must_know(set).await?;
            let Some(least) = self.least_missed(set, &set.minus(&self.start)).await? else { return Ok(()) };
            let gain = self.change(set, Change::without(least)).await?;
            *set = set.without(least);
            blamed.push((least, Refusal::OverBudget { gain }));
        }
        Ok(())
    }

    async fn least_missed(&mut self, set: &Set, culprits: &Set) -> Result<Option<CandidateId>, O::Error> {
        let mut least: Option<(f64, CandidateId)> = None;
        for id in culprits.iter() {
            let loss = self.change(set, Change::without(id)).await?;
            if least.is_none_or(|(l, _)| loss < l) {
                least = Some((loss, id));
            }
        }
        Ok(least.map(|(_, id)| id))
    }
}
