//! A candidate: an index that does not exist, and what a trial says of it.

use super::index_def::IndexSpec;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Position in the list of candidates of one run.
pub type CandidateId = usize;

/// Position in the list of planned queries of one run.
pub type QueryId = usize;

/// A set of candidates.
pub type CandidateSet = BTreeSet<CandidateId>;

/// An index that could exist.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// Its definition.
    pub spec: IndexSpec,
    /// Estimated size, bytes; `None` where there is no basis for an estimate.
    pub size_bytes: Option<f64>,
    /// Rows written per execution window that this index would have to follow.
    pub written_rows: f64,
    /// Queries it was derived from.
    pub from_queries: BTreeSet<QueryId>,
}

/// One planner answer: a query with a set of candidates present.
#[derive(Debug, Clone, PartialEq)]
pub struct Cost {
    /// Total cost of the plan, planner units.
    pub total: f64,
    /// Candidates in the plan.
    pub used: CandidateSet,
}
