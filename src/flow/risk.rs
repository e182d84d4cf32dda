//! Plans that bet: a LIMIT over rows that come in some order, most of which a filter or a join throws away, ends as soon as
//! enough have passed. The planner takes those that pass to be spread evenly over the walk, and charges the part of it that
//! this makes. Often they are not: who left a year ago has nothing among the newest rows.
//!
//! Measured as the share of the whole walk beyond what the planner expects, until the tenth row of one owner is met in a
//! table of 50,000 to 200,000 rows: -0.01 where owners have nothing to do with the order, 0.01 for bursts of activity, 0.22
//! where half of the owners have stopped at some time. Which of these an app is like cannot be seen in a plan.

use crate::model::plan::{Plan, PlanNode};

/// Share of the rest of the walk that a bet is charged: the middle between owners that stop and those that do not.
const SHARE: f64 = 0.1;
/// No more than so many times what the LIMIT costs: a filter that most rows pass is walked for a moment only.
const MOST_TIMES: f64 = 5.0;
/// A join that keeps a larger part of the rows than this is no filter.
const KEPT: f64 = 0.5;

/// What a plan's bets may cost beyond its own cost, planner units; 0 for a plan without bets.
pub(super) fn surcharge(plan: &Plan) -> f64 {
    of_node(&plan.root, 1.0)
}

/// `times`: how often the node runs, by the rows outside.
fn of_node(node: &PlanNode, times: f64) -> f64 {
    let own = if node.node_type == "Limit" { of_limit(node).unwrap_or(0.0) * times } else { 0.0 };
    let outer_rows = outer(node).and_then(|o| o.plan_rows).unwrap_or(1.0).max(1.0);
    let repeated = |child: &PlanNode| node.node_type == "Nested Loop" && child.parent_relationship.as_deref() == Some("Inner");
    let below = |child: &PlanNode| of_node(child, if repeated(child) { times * outer_rows } else { times });
    own + node.children.iter().map(below).sum::<f64>()
}

fn of_limit(limit: &PlanNode) -> Option<f64> {
    let below = outer(limit)?;
    let (until_enough, whole) = (limit.total_cost?, below.total_cost?);
    let rest = (whole - until_enough).max(0.0);
    is_bet(below, false).then(|| (SHARE * rest).min(MOST_TIMES * until_enough))
}

/// True when rows stream up from a scan that no condition bounds, and are filtered on their way.
fn is_bet(node: &PlanNode, filtered: bool) -> bool {
    let filtered = filtered || node.condition("Filter").is_some() || is_thinned(node);
    match node.node_type.as_str() {
        "Index Scan" | "Index Only Scan" => filtered && !is_bounded(node),
        "Seq Scan" => filtered,
        "Append" | "Merge Append" => node.children.iter().any(|child| is_bet(child, filtered)),
        // Everything below has run before the first row comes out.
        "Sort" | "Hash" | "Materialize" | "Aggregate" | "SetOp" | "ModifyTable" => false,
        _ => outer(node).is_some_and(|child| is_bet(child, filtered)),
    }
}

/// A join that drops most of its outer rows.
fn is_thinned(node: &PlanNode) -> bool {
    let is_join = matches!(node.node_type.as_str(), "Nested Loop" | "Hash Join" | "Merge Join");
    let rows = outer(node).and_then(|o| Some((node.plan_rows?, o.plan_rows?)));
    is_join && rows.is_some_and(|(kept, of)| kept < KEPT * of)
}

/// The child whose rows are passed on.
fn outer(node: &PlanNode) -> Option<&PlanNode> {
    let aside = |n: &&PlanNode| matches!(n.parent_relationship.as_deref(), Some("InitPlan" | "SubPlan" | "Inner"));
    node.children.iter().find(|n| !aside(n))
}

/// An Index Cond that leaves rows out; `min(x)` asks for `x IS NOT NULL` alone.
fn is_bounded(scan: &PlanNode) -> bool {
    scan.condition("Index Cond").is_some_and(|c| !c.ends_with(" IS NOT NULL)") || c.contains(" AND "))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The surcharge of a LIMIT of cost 60 over a plan of cost 3,060.
    fn of(below: &str) -> f64 {
        let json = format!(
            r#"[{{"Plan": {{"Node Type": "Limit", "Startup Cost": 0.7, "Total Cost": 60.0, "Plan Rows": 10, "Plan Width": 8, "Plans": [{below}]}}}}]"#
        );
        let read = crate::read::explain::read(&json);
        surcharge(read.plans.first().expect("a plan"))
    }

    fn node(node_type: &str, rows: u32, more: &str, children: &[String]) -> String {
        let children = if children.is_empty() { String::new() } else { format!(r#", "Plans": [{}]"#, children.join(",")) };
        let costs = r#""Startup Cost": 0.7, "Total Cost": 3060.0, "Plan Width": 8, "Parent Relationship": "Outer""#;
        format!(r#"{{"Node Type": "{node_type}", {costs}, "Plan Rows": {rows}{more}{children}}}"#)
    }

    fn walk(more: &str) -> String {
        node("Index Scan", 50000, &format!(r#", "Index Name": "conversations_updated_at_idx"{more}"#), &[])
    }

    fn probe() -> String {
        node("Index Only Scan", 1, r#", "Index Cond": "((conversation_id = c.id) AND (user_id = 1))""#, &[]).replace("Outer", "Inner")
    }

    #[test]
    fn a_walk_in_order_that_a_join_or_filter_thins_is_a_bet() {
        let join = |rows, from: String| node("Nested Loop", rows, r#", "Join Type": "Inner""#, &[from, probe()]);
        let bet = 0.1 * 3000.0;
        assert_eq!(of(&join(5040, walk(""))), bet);
        assert_eq!(of(&walk(r#", "Filter": "(user_id = 1)""#)), bet);
        assert_eq!(of(&walk(r#", "Filter": "(user_id = 1)", "Index Cond": "(at IS NOT NULL)""#)), bet);
        assert_eq!(of(&node("Seq Scan", 40, r#", "Filter": "(user_id = 1)""#, &[])), bet);
        assert_eq!(of(&node("Incremental Sort", 5040, "", &[join(5040, walk(""))])), bet);
        assert_eq!(of(&node("Merge Append", 500, "", &[walk(r#", "Filter": "(user_id = 1)""#).replace("Outer", "Member")])), bet);
    }

    #[test]
    fn what_is_bounded_sorted_or_passes_most_rows_is_none() {
        let join = |rows, from: String| node("Nested Loop", rows, r#", "Join Type": "Inner""#, &[from, probe()]);
        assert_eq!(of(&walk("")), 0.0);
        assert_eq!(of(&walk(r#", "Index Cond": "(user_id = 1)""#)), 0.0);
        assert_eq!(of(&join(48000, walk(""))), 0.0, "each row has its partner");
        assert_eq!(of(&join(10, walk(r#", "Index Cond": "(user_id = 1)""#))), 0.0);
        assert_eq!(of(&node("Sort", 5040, "", &[join(5040, walk(""))])), 0.0);
    }

    #[test]
    fn a_bet_is_charged_as_often_as_it_runs_and_within_reason() {
        let limit = |cost: f64| {
            let below = walk(r#", "Filter": "(kind = 1)""#);
            format!(
                r#"{{"Node Type": "Limit", "Startup Cost": 0.1, "Total Cost": {cost}, "Plan Rows": 1, "Plan Width": 8, "Parent Relationship": "Inner", "Plans": [{below}]}}"#
            )
        };
        let outer = node("Seq Scan", 7, "", &[]);
        assert!((of(&node("Nested Loop", 7, "", &[outer.clone(), limit(60.0)])) - 7.0 * 300.0).abs() < 1e-6);
        assert!((of(&node("Nested Loop", 7, "", &[outer, limit(1.0)])) - 7.0 * 5.0).abs() < 1e-6);
    }
}
