//! What a careful engineer would leave out again.

use super::master::Room;
use super::search::Search;
use super::set::Set;
use super::{Oracle, permutes_keys};
use crate::model::candidate::{CandidateId, QueryId};
use std::collections::BTreeSet;

impl<O: Oracle> Search<'_, O> {
    /// Drops and narrows what is not worth its place, and leaves no index beside one that does its work.
    pub(super) async fn tidy(&mut self, set: &mut Set, room: Room, useful: &Set) -> Result<(), O::Error> {
        self.relax(set, useful).await?;
        self.fill(set, room, useful).await?;
        self.reorder(set).await?;
        self.uncover(set).await
    }

    /// Takes out or narrows, least loss first, until every index that stays is worth its place.
    async fn relax(&mut self, set: &mut Set, useful: &Set) -> Result<(), O::Error> {
        loop {
            let smaller: Vec<Set> = set.iter().flat_map(|id| self.smaller_sets(set, useful, id)).collect();
            self.prime_changes(set, &smaller).await?;
            let mut losses: Vec<(f64, Set)> = Vec::new();
            for other in smaller {
                let loss = self.rise(set, &other);
                if loss <= 0.0 || !self.is_worth(set, &other, loss) {
                    losses.push((loss, other));
                }
            }
            losses.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(&b.1)));
            // Changes that no query sees together are made in one go.
            let (mut seen, mut now) = (BTreeSet::<QueryId>::new(), set.clone());
            for (_, other) in &losses {
                let touched = self.touched(set, other);
                let apart = touched.iter().all(|q| !seen.contains(q));
                if apart && set.minus(other).is_subset(&now) {
                    now = now.minus(&set.minus(other)).union(&other.minus(set));
                    seen.extend(touched);
                }
            }
            if now == *set {
                return Ok(());
            }
            *set = now;
        }
    }

    /// The set without `id`, and with `id` replaced by each narrower useful index. What exists is not narrowed.
    fn smaller_sets(&self, set: &Set, useful: &Set, id: CandidateId) -> Vec<Set> {
        let without = set.without(id);
        let narrower = self.narrower(id, useful).filter(|n| !set.contains(*n) && self.candidates[id].existing.is_none());
        std::iter::once(without.clone()).chain(narrower.map(|n| without.with(n))).collect()
    }

    /// True when what `larger` has over `smaller` gains enough: of the workload, or of one query. Both have been asked for.
    pub(super) fn is_worth(&self, larger: &Set, smaller: &Set, gain: f64) -> bool {
        if gain < self.limits.least_gain {
            return false;
        }
        let whole: f64 = self.ids().map(|q| self.weighted(q, &self.start)).sum();
        let great = |query: QueryId| {
            let (with, without) = (self.weighted(query, larger), self.weighted(query, smaller));
            without > 0.0 && (without - with) / without >= self.limits.share_of_query && without - with >= self.limits.least_gain
        };
        gain >= whole * self.limits.share_of_workload || self.touched(larger, smaller).into_iter().any(great)
    }

    /// Adds every useful candidate that is worth it and fits, as far as the planner's answers say so already.
    async fn fill(&mut self, set: &mut Set, room: Room, useful: &Set) -> Result<(), O::Error> {
        self.additions(set, useful, room.bytes).await?;
        for id in useful.minus(set).iter() {
            let larger = set.with(id);
            let gain = |q: &QueryId| {
                let most = self.facts.at_most(*q, &self.part(*q, &larger)).unwrap_or(f64::INFINITY);
                (self.weighted(*q, set) - self.queries[*q].weight * most).max(0.0)
            };
            let hoped: f64 = self.of_candidate[id].iter().map(gain).sum::<f64>() - self.candidates[id].writes.cost;
            if hoped <= self.limits.least_gain || !self.fits(&larger, room) {
                continue;
            }
            let gain = -self.change(set, &larger).await?;
            if gain > 0.0 && self.is_worth(&larger, set, gain) {
                *set = larger;
            }
        }
        Ok(())
    }

    /// True when a set is within the space and number allowed.
    pub(super) fn fits(&self, set: &Set, room: Room) -> bool {
        let bytes: f64 = set.iter().map(|id| self.bytes(id)).sum();
        let new = set.iter().filter(|id| self.candidates[*id].existing.is_none()).count();
        // Without a limit an unknown size is no obstacle.
        (room.bytes.is_infinite() || bytes <= room.bytes) && new <= room.indexes
    }

    /// Of two indexes with the same keys in another order that do as well, takes the one offered first: its leading key is the choosier.
    async fn reorder(&mut self, set: &mut Set) -> Result<(), O::Error> {
        for id in set.clone().iter() {
            let spec = &self.candidates[id].spec;
            let permutes = |o: &CandidateId| permutes_keys(&self.candidates[*o].spec, spec) && !set.contains(*o);
            for other in (0..id).filter(permutes).collect::<Vec<_>>() {
                let swapped = set.without(id).with(other);
                let loss = self.change(set, &swapped).await?;
                if loss <= 0.0 || !self.is_worth(set, &swapped, loss) {
                    *set = swapped;
                    break;
                }
            }
        }
        Ok(())
    }

    /// No index beside one that can do its work: of such a pair the one goes that is missed less.
    async fn uncover(&mut self, set: &mut Set) -> Result<(), O::Error> {
        loop {
            let covers = |a: CandidateId, b: CandidateId| a != b && self.candidates[a].spec.repeats(&self.candidates[b].spec);
            let pair = set.iter().find_map(|a| set.iter().find(|b| covers(a, *b)).map(|b| (a, b)));
            let Some((narrow, wide)) = pair else { return Ok(()) };
            let (with_wide, with_narrow) = (set.without(narrow), set.without(wide));
            *set = if self.change(&with_narrow, &with_wide).await? <= 0.0 { with_wide } else { with_narrow };
        }
    }
}
