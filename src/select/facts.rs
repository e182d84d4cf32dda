//! What the planner has answered so far, and what follows from it without asking again.

use crate::model::candidate::{CandidateSet, Cost, QueryId};

/// Answers per query: the set that was present, and the plan's cost and indexes.
#[derive(Debug, Default)]
pub struct Facts {
    answers: Vec<Vec<(CandidateSet, Cost)>>,
}

impl Facts {
    /// No answers yet for `queries` queries.
    pub fn new(queries: usize) -> Self {
        Facts { answers: vec![Vec::new(); queries] }
    }

    /// Notes an answer.
    pub fn learn(&mut self, query: QueryId, present: CandidateSet, cost: Cost) {
        self.answers[query].push((present, cost));
    }

    /// The cost of `query` with `present`, where it follows from an answer: the same set, or a
    /// larger set whose plan uses only what is present (that plan stays the best one).
    pub fn cost(&self, query: QueryId, present: &CandidateSet) -> Option<&Cost> {
        let follows = |(available, cost): &&(CandidateSet, Cost)| {
            available == present || (cost.used.is_subset(present) && present.is_subset(available))
        };
        self.answers[query].iter().find(follows).map(|(_, cost)| cost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_stays_best_when_only_unused_candidates_go() {
        let mut facts = Facts::new(1);
        facts.learn(0, [1, 2, 3].into(), Cost { total: 5.0, used: [2].into() });
        assert_eq!(facts.cost(0, &[2].into()).map(|c| c.total), Some(5.0));
        assert_eq!(facts.cost(0, &[2, 3].into()).map(|c| c.total), Some(5.0));
        assert_eq!(facts.cost(0, &[1].into()), None);
        assert_eq!(facts.cost(0, &[2, 4].into()), None);
    }
}
