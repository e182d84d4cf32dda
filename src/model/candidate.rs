//! A candidate: an index that does not exist, and what a trial says of it.

use super::ddl::IndexName;
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

/// What a trial lets the planner see: real indexes, less some, and candidates.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct View {
    /// Candidates that are there.
    pub present: CandidateSet,
    /// Existing indexes that are not, as if they had been dropped.
    pub hidden: BTreeSet<IndexName>,
}

impl View {
    /// The real indexes and these candidates.
    pub fn with(present: CandidateSet) -> View {
        View { present, hidden: BTreeSet::new() }
    }

    /// The real indexes without these.
    pub fn without(hidden: impl IntoIterator<Item = IndexName>) -> View {
        View { present: CandidateSet::new(), hidden: hidden.into_iter().collect() }
    }
}

/// One planner answer: a query with a set of candidates present.
#[derive(Debug, Clone, PartialEq)]
pub struct Cost {
    /// Total cost of the plan, planner units.
    pub total: f64,
    /// Candidates in the plan.
    pub used: CandidateSet,
}
