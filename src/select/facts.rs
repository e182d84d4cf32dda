//! What the planner has answered so far, and what follows from it without asking again.

use super::set::Set;
use crate::model::candidate::QueryId;

/// One answer: with `available` present, the plan costs `total` and uses `used`.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// What was there.
    pub available: Set,
    /// What the plan uses of it.
    pub used: Set,
    /// Cost of the plan, planner units per execution.
    pub total: f64,
}

/// Answers by query.
#[derive(Debug, Default)]
pub struct Facts {
    /// How far apart the bounds of a cost may be for it to count as known, as a share.
    tolerance: f64,
    answers: Vec<Vec<Fact>>,
    /// Beside each answer: the cheapest of it and of those with a part of its indexes. Where an index that was added led the
    /// planner to a dearer plan, it is this that sets with fewer indexes cost at least.
    floors: Vec<Vec<f64>>,
}

impl Facts {
    /// No answers yet for `queries` queries.
    pub fn new(queries: usize, tolerance: f64) -> Self {
        Facts { tolerance, answers: vec![Vec::new(); queries], floors: vec![Vec::new(); queries] }
    }

    /// How many answers there are.
    pub fn len(&self) -> usize {
        self.answers.iter().map(Vec::len).sum()
    }

    /// Notes an answer.
    pub fn learn(&mut self, query: QueryId, fact: Fact) {
        let mut floor = fact.total;
        for (other, least) in self.answers[query].iter().zip(&mut self.floors[query]) {
            if other.available.is_subset(&fact.available) {
                floor = floor.min(*least);
            } else if fact.available.is_subset(&other.available) {
                *least = least.min(fact.total);
            }
        }
        self.answers[query].push(fact);
        self.floors[query].push(floor);
    }

    /// The answer for `query` with `present`, where it follows from one that we have: the same set, or a
    /// larger set whose plan uses only what is present (that plan stays the best one), or a possible plan that costs
    /// next to nothing more than one with a larger set.
    pub fn find(&self, query: QueryId, present: &Set) -> Option<&Fact> {
        if let Some(exact) = self.answers[query].iter().find(|fact| fact.available == *present) {
            return Some(exact);
        }
        let (mut possible, mut least): (Option<&Fact>, f64) = (None, f64::NEG_INFINITY);
        for fact in &self.answers[query] {
            let (can_be, larger) = (fact.used.is_subset(present), present.is_subset(&fact.available));
            match (can_be, larger) {
                (true, true) => return Some(fact),
                (true, false) if possible.is_none_or(|p| fact.total < p.total) => possible = Some(fact),
                (false, true) => least = least.max(fact.total),
                _ => {}
            }
        }
        possible.filter(|fact| fact.total <= least * (1.0 + self.tolerance))
    }

    /// Every answer for a query, oldest first.
    pub fn of(&self, query: QueryId) -> &[Fact] {
        &self.answers[query]
    }

    /// The cheapest plan that is known to be possible for `query` with `present`: its indexes are there.
    pub fn best_possible(&self, query: QueryId, present: &Set) -> Option<&Fact> {
        let possible = self.answers[query].iter().filter(|fact| fact.used.is_subset(present));
        possible.min_by(|a, b| a.total.total_cmp(&b.total))
    }

    /// The cost that `query` has at most with `present`.
    pub fn at_most(&self, query: QueryId, present: &Set) -> Option<f64> {
        self.best_possible(query, present).map(|fact| fact.total)
    }

    /// The cost that `query` has at least with `present`, if further indexes never make a plan dearer but where they are known to.
    pub fn at_least(&self, query: QueryId, present: &Set) -> f64 {
        let all = || self.answers[query].iter().zip(&self.floors[query]);
        let larger = all().filter(|(fact, _)| present.is_subset(&fact.available)).map(|(_, floor)| *floor);
        larger.max_by(f64::total_cmp).unwrap_or_else(|| all().map(|(_, floor)| *floor).min_by(f64::total_cmp).unwrap_or(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(ids: &[usize]) -> Set {
        ids.iter().copied().collect()
    }

    #[test]
    fn a_plan_stays_best_when_only_unused_candidates_go() {
        let mut facts = Facts::new(1, 0.0);
        facts.learn(0, Fact { available: set(&[1, 2, 3]), used: set(&[2]), total: 5.0 });
        assert_eq!(facts.find(0, &set(&[2])).map(|f| f.total), Some(5.0));
        assert_eq!(facts.find(0, &set(&[2, 3])).map(|f| f.total), Some(5.0));
        assert_eq!(facts.find(0, &set(&[1])), None);
        assert_eq!(facts.find(0, &set(&[2, 4])), None);
        assert_eq!(facts.at_most(0, &set(&[2, 4])), Some(5.0));
        assert_eq!((facts.at_most(0, &set(&[4])), facts.at_least(0, &set(&[1]))), (None, 5.0));
    }

    #[test]
    fn bounds_that_meet_are_an_answer() {
        let mut facts = Facts::new(1, 0.01);
        facts.learn(0, Fact { available: set(&[1, 2, 3]), used: set(&[3]), total: 100.0 });
        facts.learn(0, Fact { available: set(&[1]), used: set(&[1]), total: 100.5 });
        assert_eq!(facts.find(0, &set(&[1, 2])).map(|f| f.total), Some(100.5));
        facts.learn(0, Fact { available: set(&[2]), used: set(&[2]), total: 300.0 });
        assert_eq!(facts.find(0, &set(&[2])).map(|f| f.total), Some(300.0));
    }

    #[test]
    fn a_plan_that_a_further_index_made_dearer_bounds_nothing() {
        let mut facts = Facts::new(1, 0.0);
        let fact = |available: &[usize], total| Fact { available: set(available), used: set(available), total };
        facts.learn(0, fact(&[1, 2, 3, 4], 50.0));
        assert_eq!(facts.at_least(0, &set(&[1, 2])), 50.0);
        facts.learn(0, fact(&[1, 2, 3], 20.0));
        assert_eq!((facts.at_least(0, &set(&[1, 2])), facts.at_least(0, &set(&[1, 4]))), (20.0, 20.0));
        facts.learn(0, fact(&[1, 2, 5], 30.0));
        assert_eq!(facts.at_least(0, &set(&[1, 2])), 30.0, "that one is not known to be dearer than with less");
    }
}
