//! A set of candidates as a sorted list: small, cheap to compare, and iterated in one order on every machine.

use crate::model::candidate::{CandidateId, CandidateSet};

/// Sorted, without repetitions.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Set(Vec<u32>);

impl Set {
    /// Its members in order.
    pub fn iter(&self) -> impl Iterator<Item = CandidateId> + '_ {
        self.0.iter().map(|id| *id as CandidateId)
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True without members.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True for a member.
    pub fn contains(&self, id: CandidateId) -> bool {
        self.0.binary_search(&(id as u32)).is_ok()
    }

    /// Adds one.
    pub fn insert(&mut self, id: CandidateId) {
        if let Err(at) = self.0.binary_search(&(id as u32)) {
            self.0.insert(at, id as u32);
        }
    }

    /// Takes one out.
    pub fn remove(&mut self, id: CandidateId) {
        if let Ok(at) = self.0.binary_search(&(id as u32)) {
            self.0.remove(at);
        }
    }

    /// This and one more.
    pub fn with(&self, id: CandidateId) -> Set {
        let mut more = self.clone();
        more.insert(id);
        more
    }

    /// This without one.
    pub fn without(&self, id: CandidateId) -> Set {
        let mut less = self.clone();
        less.remove(id);
        less
    }

    /// Members of either.
    pub fn union(&self, other: &Set) -> Set {
        if other.is_empty() {
            return self.clone();
        }
        self.iter().chain(other.iter()).collect()
    }

    /// Members of both.
    pub fn intersection(&self, other: &Set) -> Set {
        // The shorter side is walked: of a query's candidates few are in the whole set, or the other way round.
        let (short, long) = if self.len() <= other.len() { (self, other) } else { (other, self) };
        Set(short.0.iter().copied().filter(|id| long.0.binary_search(id).is_ok()).collect())
    }

    /// Members of this one alone.
    pub fn minus(&self, other: &Set) -> Set {
        Set(self.0.iter().copied().filter(|id| other.0.binary_search(id).is_err()).collect())
    }

    /// True when `other` has every member.
    pub fn is_subset(&self, other: &Set) -> bool {
        self.len() <= other.len() && self.0.iter().all(|id| other.0.binary_search(id).is_ok())
    }
}

impl FromIterator<CandidateId> for Set {
    fn from_iter<I: IntoIterator<Item = CandidateId>>(ids: I) -> Set {
        let mut ids: Vec<u32> = ids.into_iter().map(|id| id as u32).collect();
        ids.sort_unstable();
        ids.dedup();
        Set(ids)
    }
}

impl From<&CandidateSet> for Set {
    fn from(set: &CandidateSet) -> Set {
        set.iter().copied().collect()
    }
}

impl From<&Set> for CandidateSet {
    fn from(set: &Set) -> CandidateSet {
        set.iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(ids: &[usize]) -> Set {
        ids.iter().copied().collect()
    }

    #[test]
    fn sets_behave_as_sets() {
        let (a, b) = (set(&[3, 1, 3]), set(&[1, 2]));
        assert_eq!((a.union(&b), a.intersection(&b), a.minus(&b)), (set(&[1, 2, 3]), set(&[1]), set(&[3])));
        assert!(set(&[1]).is_subset(&a) && !a.is_subset(&b) && set(&[]).is_subset(&b));
        assert_eq!((a.without(2), set(&[]).minus(&a), a.union(&set(&[]))), (a.clone(), set(&[]), a.clone()));
        assert_eq!((a.with(2), a.without(1), a.with(1)), (set(&[1, 2, 3]), set(&[3]), set(&[1, 3])));
    }
}
