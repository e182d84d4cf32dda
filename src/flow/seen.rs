//! What is kept of a plan when it was looked at: a tree is a hundred times larger.

use super::direction::Walk;
use super::risk;
use super::trial::indexes;
use crate::model::ddl::IndexName;
use crate::model::plan::Plan;

/// The plan of one execution.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    /// Of all executions of its query.
    pub(super) share: f64,
    /// Planner units.
    pub(super) cost: f64,
    /// What its bets may cost beyond that, planner units.
    pub(super) bets: f64,
    /// Indexes in it, real ones and candidates.
    pub(super) indexes: Vec<IndexName>,
    /// Its scans of indexes in their order; the weight is the share. A bitmap has no direction, so its scans are not among them.
    pub(super) walks: Vec<(IndexName, Walk)>,
}

impl Seen {
    /// Looks at a plan that this share of the executions has.
    pub(super) fn of(share: f64, plan: &Plan) -> Seen {
        let walks = plan.root.walk().filter_map(|node| {
            let index = IndexName::new(node.schema.as_deref()?, node.index_name.as_deref()?);
            Some((index, Walk::of(node, share)))
        });
        Seen {
            share,
            cost: plan.root.total_cost.unwrap_or(0.0),
            bets: risk::surcharge(plan),
            indexes: indexes(plan).into_iter().map(|(schema, index)| IndexName::new(schema, index)).collect(),
            walks: walks.collect(),
        }
    }

    /// Its part of what an execution costs on average, planner units; with what a lost bet costs, where one is `cautious`.
    pub(super) fn weighted(&self, cautious: bool) -> f64 {
        self.share * (self.cost + if cautious { self.bets } else { 0.0 })
    }

    /// Looks at the plans of a query's executions, each with its share.
    pub(super) fn all(plans: &[(f64, Plan)]) -> Vec<Seen> {
        plans.iter().map(|(share, plan)| Seen::of(*share, plan)).collect()
    }
}
