//! A candidate: an index that does not exist, and what a trial says of it.

use super::blueprint::GinCounters;
use super::ddl::IndexName;
use super::index_def::IndexSpec;
use super::text::one_line;
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
    /// What it counts for where space is limited and its size is not known, bytes: a working figure, never shown as its size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assumed_bytes: Option<f64>,
    /// What the writes of the window pay for it.
    pub writes: Writes,
    /// What it has to do with updates that are HOT today.
    #[serde(default, skip_serializing_if = "Hot::is_nothing")]
    pub hot: Hot,
    /// What building it costs once, planner units; 0 where the workload was not counted over a time, so that no gain can be held
    /// against it.
    pub build_cost: f64,
    /// Queries it was derived from.
    pub from_queries: BTreeSet<QueryId>,
    /// Its name, where it is an index that exists and may be dropped: the choice is then whether it stays.
    pub existing: Option<IndexName>,
    /// Of a GIN index: how its pages divide, by which the planner charges a search; `None` where there is no basis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gin: Option<GinCounters>,
    /// Its predicate is about a literal value, no NULL and no boolean: useless as soon as the app asks for another value.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bold: bool,
}

impl Candidate {
    /// A candidate of which nothing is known but its definition.
    pub fn new(spec: IndexSpec) -> Candidate {
        Candidate {
            spec,
            size_bytes: None,
            assumed_bytes: None,
            writes: Writes::default(),
            hot: Hot::default(),
            build_cost: 0.0,
            from_queries: BTreeSet::new(),
            existing: None,
            gin: None,
            bold: false,
        }
    }
}

/// Why an engine does not have a candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unbuilt {
    /// The server refuses it, for this reason.
    Refused(String),
    /// Its build would fail, for this reason.
    Fails(String),
    /// An index of this name is the same, in the server's own words for it.
    Exists(String),
}

impl Unbuilt {
    /// Reason code of a refusal.
    pub fn code(&self) -> &'static str {
        match self {
            Unbuilt::Refused(_) | Unbuilt::Fails(_) => "not_buildable",
            Unbuilt::Exists(_) => "exists",
        }
    }

    /// In words; names are as they are in the catalog.
    pub fn reason(&self) -> String {
        match self {
            Unbuilt::Refused(why) => format!("the server refuses it: {why}"),
            Unbuilt::Fails(why) => format!("its build would fail: {why}"),
            Unbuilt::Exists(name) => format!("{} is there already", one_line(name)),
        }
    }
}

/// What an index costs those who write to its table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Writes {
    /// All of it, planner units per window: the unit of the gains.
    pub cost: f64,
    /// Entries written in this index per window.
    pub entries: f64,
    /// Updates per window that are HOT today and would not be any more: each writes an entry in every index of the table.
    pub hot_lost: f64,
    /// `entries`, and those that the lost HOT updates write in other indexes, per second; `None` where the window's length is unknown.
    pub entries_per_second: Option<f64>,
    /// WAL that they cause, bytes per second; `None` where the window's length is unknown.
    pub wal_bytes_per_second: Option<f64>,
}

/// What an index has to do with updates that are HOT today: those that are so no more write an entry in every index of the table,
/// in the other advised ones too.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Hot {
    /// Updates that it ends, by number among those of the table, with what they cost in one further index of all rows, planner units
    /// per window.
    pub ends: Vec<(usize, f64)>,
    /// Share of the table's rows that it has entries of, 0–1.
    pub share: f64,
}

impl Hot {
    fn is_nothing(&self) -> bool {
        *self == Hot::default()
    }

    /// True where updates of this number are HOT no more because of it.
    pub fn ends(&self, update: usize) -> bool {
        self.ends.iter().any(|(ended, _)| *ended == update)
    }
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
