//! Trials: the selector's questions answered by planning on the engine.

use super::engine::Engine;
use super::plans::{self, Planned};
use crate::model::candidate::{CandidateSet, Cost, QueryId};
use crate::model::ddl::IndexName;
use crate::model::failure::{Failure, FailureKind};
use crate::model::plan::Plan;
use crate::select::Oracle;
use indicatif::ProgressBar;
use std::collections::BTreeMap;

/// Answers by planning on the engine.
pub(super) struct Trials<'a> {
    pub(super) engine: &'a mut Engine,
    pub(super) planned: &'a [Planned],
    pub(super) calls: u64,
    pub(super) progress: ProgressBar,
    /// Cost of each query's first plan.
    pub(super) first_cost: BTreeMap<QueryId, f64>,
    /// Queries that stopped being plannable, with the reason: one bad query ends nothing.
    pub(super) failed: BTreeMap<QueryId, String>,
}

impl Trials<'_> {
    /// Real indexes that plans of `query` use beside the candidates in `present`.
    pub(super) async fn existing(&mut self, query: QueryId, present: &CandidateSet) -> Result<Vec<IndexName>, Failure> {
        self.engine.show(present).await?;
        self.calls += 1;
        let plans = plans::plan_all(self.engine.planner(), &self.planned[query]).await.unwrap_or_default();
        let used =
            |(_, plan): &(f64, Plan)| indexes(plan).into_iter().map(|(schema, index)| IndexName::new(schema, index)).collect::<Vec<_>>();
        Ok(plans.iter().flat_map(used).collect())
    }
}

/// Schema and name of each index in a plan. A Bitmap Index Scan names no schema; the heap scan above it does.
pub(super) fn indexes(plan: &Plan) -> Vec<(&str, &str)> {
    let mut schema = "public";
    let mut found = Vec::new();
    for node in plan.root.walk() {
        schema = node.schema.as_deref().unwrap_or(schema);
        found.extend(node.index_name.as_deref().map(|index| (schema, index)));
    }
    found
}

impl Oracle for Trials<'_> {
    type Error = Failure;

    async fn plan(&mut self, query: QueryId, present: &CandidateSet) -> Result<Cost, Failure> {
        self.engine.show(present).await?;
        self.calls += 1;
        self.progress.inc(1);
        match plans::plan_all(self.engine.planner(), &self.planned[query]).await {
            Ok(plans) => {
                let total = plans.iter().map(|(share, plan)| share * plan.root.total_cost.unwrap_or(0.0)).sum();
                self.first_cost.entry(query).or_insert(total);
                Ok(Cost { total, used: plans.iter().flat_map(|(_, plan)| self.engine.used(plan)).collect() })
            }
            Err(reason) if self.engine.planner().closed() => {
                Err(Failure::new(FailureKind::Connect, format!("the what-if server is gone: {reason}")))
            }
            Err(reason) => {
                // The same cost for every set: this query has no say from here on.
                self.failed.entry(query).or_insert(reason);
                Ok(Cost { total: self.first_cost.get(&query).copied().unwrap_or(0.0), used: CandidateSet::new() })
            }
        }
    }
}
