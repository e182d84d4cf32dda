//! An EXPLAIN tree. Units are in the field names; what EXPLAIN did not print is `None`.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One EXPLAIN output: the tree and what stands below it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The top node.
    pub root: PlanNode,
    /// `Planning Time`, milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planning_ms: Option<f64>,
    /// `Execution Time`, milliseconds; present only with ANALYZE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_ms: Option<f64>,
    /// `JIT` total time, milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jit_ms: Option<f64>,
    /// Triggers that fired, foreign keys among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub triggers: Vec<TriggerTime>,
    /// `Query Text`, where the source prints it (auto_explain).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query_text: Option<String>,
    /// Whatever else EXPLAIN printed of the whole plan, by its label: `Settings`, `Planning` (buffers), `JIT`…
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extra: BTreeMap<String, String>,
}

/// Time spent in one trigger during EXPLAIN ANALYZE.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TriggerTime {
    /// Trigger name, or the constraint's for a foreign key.
    pub name: String,
    /// Constraint behind the trigger, where EXPLAIN names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub constraint: Option<String>,
    /// The table it fired on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relation: Option<String>,
    /// Total time, milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_ms: Option<f64>,
    /// How often it fired.
    pub calls: f64,
}

/// What really happened in a node, per loop as EXPLAIN prints it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Actual {
    /// Time to the first row, milliseconds per loop; `None` with TIMING OFF.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub startup_ms: Option<f64>,
    /// Time to the last row, milliseconds per loop; `None` with TIMING OFF.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_ms: Option<f64>,
    /// Rows per loop (a fraction since PostgreSQL 18).
    pub rows: f64,
    /// How often the node ran; 0 means "never executed".
    pub loops: f64,
}

/// One node of the tree.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PlanNode {
    /// Node type as JSON names it, without `Parallel`: `Seq Scan`, `Hash Join` is `Hash Join` in text and `Hash Join` here.
    pub node_type: String,
    /// `Parallel Aware`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub parallel_aware: bool,
    /// `Inner`, `Left`, `Semi`, `Anti`…
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub join_type: Option<String>,
    /// `Outer`, `Inner`, `SubPlan`, `InitPlan`, `Member`…
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_relationship: Option<String>,
    /// `SubPlan 1`, `InitPlan 1 (returns $0)`, `CTE x`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subplan_name: Option<String>,
    /// Table scanned or written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relation: Option<String>,
    /// Its schema; only with VERBOSE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// Alias in the query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// Index used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index_name: Option<String>,
    /// Cost before the first row, planner units; `None` with COSTS OFF.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub startup_cost: Option<f64>,
    /// Cost to the last row, planner units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_cost: Option<f64>,
    /// Estimated rows per loop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_rows: Option<f64>,
    /// Estimated row width, bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_width_bytes: Option<f64>,
    /// ANALYZE figures; `None` without ANALYZE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actual: Option<Actual>,
    /// Conditions by EXPLAIN's own label: `Filter`, `Index Cond`, `Recheck Cond`, `Hash Cond`, `Merge Cond`, `Join Filter`, `One-Time Filter`, `TID Cond`, `Order By`…
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub conditions: BTreeMap<String, String>,
    /// `Rows Removed by Filter`, per loop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_removed_by_filter: Option<f64>,
    /// `Rows Removed by Join Filter`, per loop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_removed_by_join_filter: Option<f64>,
    /// `Rows Removed by Index Recheck`, per loop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_removed_by_index_recheck: Option<f64>,
    /// `Sort Key`, in order, directions included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sort_keys: Vec<String>,
    /// `Presorted Key` of an Incremental Sort.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub presorted_keys: Vec<String>,
    /// `Group Key`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub group_keys: Vec<String>,
    /// `Sort Method`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort_method: Option<String>,
    /// Sort space, kilobytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort_space_kb: Option<f64>,
    /// True when the sort went to disk.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sort_on_disk: bool,
    /// Batches of a Hash or hashed Aggregate; more than 1 means it spilled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash_batches: Option<f64>,
    /// `Disk Usage` of a hashed Aggregate, kilobytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_usage_kb: Option<f64>,
    /// `Peak Memory Usage` / `Memory Usage`, kilobytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_kb: Option<f64>,
    /// `Heap Fetches` of an Index Only Scan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heap_fetches: Option<f64>,
    /// Lossy heap blocks of a Bitmap Heap Scan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lossy_heap_blocks: Option<f64>,
    /// Exact heap blocks of a Bitmap Heap Scan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exact_heap_blocks: Option<f64>,
    /// `Workers Planned`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workers_planned: Option<f64>,
    /// `Workers Launched`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workers_launched: Option<f64>,
    /// Buffer counters of the node and all below it, where printed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buffers: Option<Buffers>,
    /// Whatever else EXPLAIN printed of this node, by its label.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extra: BTreeMap<String, String>,
    /// Children in EXPLAIN's order (InitPlans and SubPlans among them).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<PlanNode>,
}

/// `Buffers:` counters, in blocks (8 kB), all loops together.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Buffers {
    /// Found in shared_buffers.
    pub shared_hit_blocks: f64,
    /// Read from the operating system.
    pub shared_read_blocks: f64,
    /// Made dirty.
    pub shared_dirtied_blocks: f64,
    /// Written by this backend.
    pub shared_written_blocks: f64,
    /// Temporary files read.
    pub temp_read_blocks: f64,
    /// Temporary files written.
    pub temp_written_blocks: f64,
}

impl PlanNode {
    /// The node and all below it, parents first.
    pub fn walk(&self) -> impl Iterator<Item = &PlanNode> {
        let mut stack = vec![self];
        std::iter::from_fn(move || {
            let node = stack.pop()?;
            stack.extend(node.children.iter().rev());
            Some(node)
        })
    }

    /// A condition by EXPLAIN's label.
    pub fn condition(&self, label: &str) -> Option<&str> {
        self.conditions.get(label).map(String::as_str)
    }

    /// Rows out of this node over all loops, when ANALYZE ran.
    pub fn actual_rows_total(&self) -> Option<f64> {
        self.actual.as_ref().map(|a| a.rows * a.loops)
    }
}
