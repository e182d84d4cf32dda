//! What `advisor snapshot` writes: all that an analysis needs of a database, to be had without it.

use super::blueprint::{Blueprint, Taking};
use super::plan::Plan;
use super::redaction::Redaction;
use super::snapshot::Snapshot;
use serde::{Deserialize, Serialize};

/// First field of the document.
pub const FORMAT: &str = "advisor snapshot";

/// Version of the document; a reader refuses a newer one.
pub const FILE_VERSION: u32 = 1;

/// The document. Written by whoever had it in hands: nothing in it is trusted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SnapshotFile {
    /// [`FORMAT`].
    pub format: String,
    /// [`FILE_VERSION`] when written.
    pub version: u32,
    /// Version of advisor that wrote it.
    pub advisor_version: String,
    /// When, RFC 3339 UTC.
    pub taken_at: String,
    /// What it cost the server.
    pub taking: Taking,
    /// What was done to its values.
    pub redaction: Redaction,
    /// Catalog, counters, workload.
    pub snapshot: Snapshot,
    /// Schema, statistics, sizes.
    pub blueprint: Blueprint,
    /// What the server itself planned for the workload's queries: a clone is checked against it.
    pub production_plans: Vec<KnownPlan>,
}

/// The numbers of a plan, without any value.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct KnownPlan {
    /// Of the query.
    pub fingerprint: String,
    /// Its nodes, top down.
    pub nodes: Vec<NodeNumbers>,
}

/// What two equal plan nodes have in common.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct NodeNumbers {
    /// Node type.
    pub node_type: String,
    /// Table, if any.
    pub relation: Option<String>,
    /// Index, if any.
    pub index: Option<String>,
    /// Cost before the first row, planner units.
    pub startup_cost: f64,
    /// Cost to the last row, planner units.
    pub total_cost: f64,
    /// Estimated rows.
    pub rows: f64,
    /// Estimated width, bytes.
    pub width: f64,
}

impl NodeNumbers {
    /// Those of each node of a plan.
    pub fn of(plan: &Plan) -> Vec<NodeNumbers> {
        let numbers = |n: &super::plan::PlanNode| NodeNumbers {
            node_type: n.node_type.clone(),
            relation: n.relation.clone(),
            index: n.index_name.clone(),
            startup_cost: n.startup_cost.unwrap_or_default(),
            total_cost: n.total_cost.unwrap_or_default(),
            rows: n.plan_rows.unwrap_or_default(),
            width: n.plan_width_bytes.unwrap_or_default(),
        };
        plan.root.walk().map(numbers).collect()
    }

    /// True when both are the same kind of step on the same table and index.
    pub fn same_step(&self, other: &NodeNumbers) -> bool {
        (&self.node_type, &self.relation, &self.index) == (&other.node_type, &other.relation, &other.index)
    }
}
