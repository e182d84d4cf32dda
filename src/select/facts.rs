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
}

impl Facts {
    /// No answers yet for `queries` queries.
    pub fn new(queries: usize, tolerance: f64) -> Self {
        Facts { tolerance, answers: vec![Vec::new(); queries] }
    }

    /// How many answers there are.
    pub fn len(&self) -> usize {
        self.answers.iter().map(Vec::len).sum()
    }

    /// Notes an answer.
    pub fn learn(&mut self, query: QueryId, fact: Fact) {
        self.answers[query].push(fact);
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

    /// The cost that `query` has at least with `present`, if further indexes never make a plan dearer.
    pub fn at_least(&self, query: QueryId, present: &Set) -> f64 {
        let larger = self.answers[query].iter().filter(|fact| present.is_subset(&fact.available));
        let floor = self.answers[query].iter().map(|fact| fact.total).min_by(f64::total_cmp).unwrap_or(0.0);
        larger.map(|fact| fact.total).max_by(f64::total_cmp).unwrap_or(floor)
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
}
