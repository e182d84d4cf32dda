//! What a careful engineer would leave out again.

use super::change::Change;
use super::master::Room;
use super::search::Search;
use super::set::Set;
use super::{Oracle, permutes_keys};
use crate::model::candidate::{CandidateId, QueryId};
use crate::model::index_def::KeySpec;
use crate::model::text::quote_ident;
use std::collections::BTreeSet;

/// An index that takes this share of another's space is smaller.
const SMALLER: f64 = 0.9;
/// Most smaller indexes tried in the place of one.
const STAND_INS: usize = 4;

impl<O: Oracle> Search<'_, O> {
    /// Drops and narrows what is not worth its place, and leaves no index beside one that does its work.
    pub(super) async fn tidy(&mut self, set: &mut Set, room: Room, useful: &Set) -> Result<(), O::Error> {
        self.relax(set, room, useful).await?;
        self.fill(set, room, useful).await?;
        self.reorder(set, room).await?;
        self.uncover(set).await
    }

    /// Takes out or narrows, least loss first, until every index that stays is worth its place.
    async fn relax(&mut self, set: &mut Set, room: Room, useful: &Set) -> Result<(), O::Error> {
        loop {
            let rest = self.reads(set);
            let smaller = set.iter().flat_map(|id| self.smaller_changes(set, useful, id));
            let smaller = smaller.filter(|change| change.into.is_none() || self.fits(&change.of(set), room));
            let smaller: Vec<Change> = smaller.filter(|change| !self.must_stay(set, *change, rest)).collect();
            self.prime_changes(set, &smaller).await?;
            let mut losses: Vec<(f64, Change)> = Vec::new();
            for change in smaller {
                let loss = self.rise(set, change);
                if loss <= 0.0 || !self.is_worth(set, change, loss, rest) {
                    losses.push((loss, change));
                }
            }
            losses.sort_by(|(a, x), (b, y)| a.total_cmp(b).then(y.out.cmp(&x.out)).then(x.into.cmp(&y.into)));
            // Changes that no query sees together are made in one go, nor writers where they pay for both.
            let (mut seen, mut tables, mut now) = (BTreeSet::<QueryId>::new(), BTreeSet::<usize>::new(), set.clone());
            for (_, change) in losses {
                let touched = self.touched(change);
                let table = change.out.map(|id| self.table_of[id]).filter(|_| self.any_ends_hot);
                let apart = touched.iter().all(|q| !seen.contains(q)) && table.is_none_or(|table| tables.insert(table));
                if apart && change.out.is_none_or(|out| now.contains(out)) {
                    now = change.of(&now);
                    seen.extend(touched);
                }
            }
            if now == *set {
                return Ok(());
            }
            *set = now;
        }
    }

    /// To be without `id`, and to have each smaller useful index that may do in its place, or one that exists and was to go for it.
    /// What exists is not replaced.
    fn smaller_changes(&self, set: &Set, useful: &Set, id: CandidateId) -> Vec<Change> {
        let mut instead: Vec<CandidateId> = Vec::new();
        if self.candidates[id].existing.is_none() {
            instead.extend(self.narrower(id, useful));
            instead.extend(self.smaller(id, set));
            instead.extend(self.beside(id).iter().copied().filter(|other| self.candidates[*other].existing.is_some()));
        }
        instead.sort_unstable();
        instead.dedup();
        instead.retain(|other| !set.contains(*other));
        std::iter::once(Change::without(id)).chain(instead.into_iter().map(|other| Change::swap(id, other))).collect()
    }

    /// Candidates of less space that plans of the queries served by `id` are known to use when it is not there, or that differ
    /// from it in holding fewer rows.
    fn smaller(&self, id: CandidateId, set: &Set) -> Vec<CandidateId> {
        let spec = &self.candidates[id].spec;
        let bolder = |other: CandidateId| self.candidates[other].bold && !self.candidates[id].bold;
        let fewer_bytes = |other: &CandidateId| *other != id && !bolder(*other) && self.bytes(*other) < self.bytes(id) * SMALLER;
        let same_keys = |other: &CandidateId| {
            let other = &self.candidates[*other].spec;
            other.table == spec.table && other.keys == spec.keys && other.method == spec.method && other.predicate.is_some()
        };
        let mut found: Vec<CandidateId> = Vec::new();
        for query in self.of_candidate[id].iter().copied() {
            if self.known(query, &self.part(query, set)).used.contains(id) {
                let used = self.facts.of(query).iter().flat_map(|fact| fact.used.iter());
                found.extend(used.filter(|other| self.candidates[*other].spec.table == spec.table).filter(&fewer_bytes));
                found.extend(self.queries[query].own.iter().filter(&same_keys).filter(&fewer_bytes));
            }
        }
        found.sort_by(|a, b| self.bytes(*a).total_cmp(&self.bytes(*b)).then(a.cmp(b)));
        found.dedup();
        found.truncate(STAND_INS);
        found
    }

    /// Adds every useful candidate that is worth it and fits, as far as the planner's answers say so already.
    async fn fill(&mut self, set: &mut Set, room: Room, useful: &Set) -> Result<(), O::Error> {
        self.additions(set, useful, room.bytes).await?;
        let mut rest = self.reads(set);
        for id in useful.minus(set).iter() {
            let addition = Change::with(id);
            let gain = |q: &QueryId| {
                let most = self.facts.at_most(*q, &self.part_after(*q, set, addition)).unwrap_or(f64::INFINITY);
                (self.weighted(*q, set) - self.queries[*q].weight * most).max(0.0)
            };
            let hoped: f64 = self.of_candidate[id].iter().map(gain).sum::<f64>() - self.writes_beside(id, set);
            if hoped <= self.limits.least_gain || !self.fits(&set.with(id), room) {
                continue;
            }
            let gain = -self.change(set, addition).await?;
            let then = rest + self.reads_rise(set, addition);
            let larger = set.with(id);
            if gain > 0.0 && self.is_worth(&larger, Change::without(id), gain, then) {
                *set = larger;
                rest = then;
            }
        }
        Ok(())
    }

    /// True when a set is within the space and number allowed.
    pub(super) fn fits(&self, set: &Set, room: Room) -> bool {
        if !room.is_tight() {
            return true;
        }
        let bytes: f64 = set.iter().map(|id| self.bytes(id)).sum();
        let new = set.iter().filter(|id| self.candidates[*id].existing.is_none()).count();
        // Without a limit an unknown size is no obstacle.
        (room.bytes.is_infinite() || bytes <= room.bytes) && new <= room.indexes
    }

    /// Of two indexes with the same keys in another order that do as well, takes the one offered first: its leading key is the choosier.
    async fn reorder(&mut self, set: &mut Set, room: Room) -> Result<(), O::Error> {
        let mut rest = self.reads(set);
        for id in set.clone().iter() {
            let spec = &self.candidates[id].spec;
            let permutes = |o: &CandidateId| permutes_keys(&self.candidates[*o].spec, spec) && !set.contains(*o);
            let plainer = self.plainer(id, set);
            let earlier = self.beside(id).iter().copied().filter(|o| *o < id);
            for other in earlier.filter(permutes).chain(plainer).collect::<Vec<_>>() {
                let swap = Change::swap(id, other);
                if !self.fits(&swap.of(set), room) {
                    continue;
                }
                let loss = self.change(set, swap).await?;
                if loss <= 0.0 || !self.is_worth(set, swap, loss, rest) {
                    rest += self.reads_rise(set, swap);
                    *set = swap.of(set);
                    break;
                }
            }
        }
        Ok(())
    }

    /// For an index whose predicate holds a value that the app may vary: those that serve its queries for every value.
    fn plainer(&self, id: CandidateId, set: &Set) -> Vec<CandidateId> {
        let spec = &self.candidates[id].spec;
        if !self.candidates[id].bold {
            return Vec::new();
        }
        let whole = |other: &CandidateId| {
            let other = &self.candidates[*other];
            let has = |k: &KeySpec| other.spec.keys.iter().any(|o| o.expr == k.expr);
            !other.bold
                && other.spec.table == spec.table
                && other.spec.method == spec.method
                && other.spec.predicate.is_none()
                && spec.keys.iter().all(has)
        };
        let offered = self.of_candidate[id].iter().flat_map(|q| self.queries[*q].own.iter()).filter(|o| !set.contains(*o)).filter(whole);
        let mut found: Vec<CandidateId> = offered.collect();
        found.sort_by_key(|o| (self.candidates[*o].spec.keys.len() + self.candidates[*o].spec.include.len(), *o));
        found.dedup();
        // The narrowest, and at last the narrowest of those that look up most of what the predicate holds.
        let predicate = spec.predicate.as_deref().unwrap_or_default();
        let held = |o: &&CandidateId| {
            let keys = self.candidates[**o].spec.keys.iter().filter_map(KeySpec::column_name);
            std::cmp::Reverse(keys.filter(|column| predicate.contains(&quote_ident(column))).count())
        };
        let whole = found.iter().min_by_key(held).copied().filter(|o| !found[..found.len().min(STAND_INS)].contains(o));
        found.truncate(STAND_INS);
        found.into_iter().chain(whole).collect()
    }

    /// No index beside one that can do its work: of such a pair the one goes that is missed less.
    async fn uncover(&mut self, set: &mut Set) -> Result<(), O::Error> {
        for narrow in set.clone().iter() {
            while let Some(wide) = self.repeated_by(narrow, set) {
                let with_narrow = set.without(wide);
                let wide_instead = self.change(&with_narrow, Change::swap(narrow, wide)).await? <= 0.0;
                set.remove(if wide_instead { narrow } else { wide });
            }
        }
        Ok(())
    }

    /// The first other index of the set that can do all that this one can, while both are in it.
    fn repeated_by(&self, narrow: CandidateId, set: &Set) -> Option<CandidateId> {
        let spec = &self.candidates[narrow].spec;
        let covers = |wide: &CandidateId| *wide != narrow && set.contains(*wide) && spec.repeats(&self.candidates[*wide].spec);
        self.beside(narrow).iter().copied().filter(|_| set.contains(narrow)).find(covers)
    }
}
