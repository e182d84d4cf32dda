//! A node in words, as the text format of EXPLAIN words it.

use crate::model::plan::PlanNode;
use crate::model::text::one_line;

/// `Parallel Index Scan using i on s.t a`.
pub(super) fn name(node: &PlanNode) -> String {
    let extra = |label: &str| node.extra.get(label).map(String::as_str);
    let kind = match (node.node_type.as_str(), node.join_type.as_deref()) {
        ("Nested Loop", Some(join)) if join != "Inner" => format!("Nested Loop {join} Join"),
        (join @ ("Hash Join" | "Merge Join"), Some(kind)) if kind != "Inner" => format!("{} {kind} Join", join.trim_end_matches(" Join")),
        ("ModifyTable", _) => extra("Operation").unwrap_or("Modify").to_owned(),
        ("Aggregate", _) => aggregate(extra("Strategy"), extra("Partial Mode")),
        ("Custom Scan", _) => format!("Custom Scan ({})", extra("Custom Plan Provider").unwrap_or("unknown")),
        (kind, _) if extra("Scan Direction").is_some() => format!("{kind} Backward"),
        (kind, _) => kind.to_owned(),
    };
    let mut out = match &node.subplan_name {
        Some(label) => format!("{label}: "),
        None => String::new(),
    };
    if node.parallel_aware {
        out.push_str("Parallel ");
    }
    out.push_str(&kind);
    match (&node.index_name, node.node_type.as_str()) {
        (Some(index), "Bitmap Index Scan") => out.push_str(&format!(" on {index}")),
        (Some(index), _) => out.push_str(&format!(" using {index}")),
        (None, _) => {}
    }
    out.push_str(&target(node));
    one_line(&out)
}

fn aggregate(strategy: Option<&str>, mode: Option<&str>) -> String {
    let mode = mode.filter(|m| *m != "Simple").map(|m| format!("{m} ")).unwrap_or_default();
    let kind = match strategy {
        Some("Hashed") => "HashAggregate",
        Some("Sorted") => "GroupAggregate",
        Some("Mixed") => "MixedAggregate",
        _ => "Aggregate",
    };
    format!("{mode}{kind}")
}

/// ` on schema.table alias`, or nothing.
fn target(node: &PlanNode) -> String {
    let named = ["CTE Name", "Function Name", "Table Function Name", "Tuplestore Name"].iter().find_map(|l| node.extra.get(*l));
    let Some(object) = node.relation.as_ref().or(named) else {
        return match &node.alias {
            Some(alias) => format!(" on {alias}"),
            None => String::new(),
        };
    };
    let schema = node.schema.as_ref().filter(|s| *s != "public" && *s != "pg_catalog").map(|s| format!("{s}.")).unwrap_or_default();
    let alias = node.alias.as_ref().filter(|a| *a != object).map(|a| format!(" {a}")).unwrap_or_default();
    format!(" on {schema}{object}{alias}")
}

/// The relation a scan reads, as people call it.
pub(super) fn relation(node: &PlanNode) -> String {
    one_line(node.relation.as_deref().or(node.alias.as_deref()).unwrap_or("the relation"))
}

/// Lines below the name: conditions, keys, where it went to disk.
pub(super) fn details(node: &PlanNode) -> Vec<String> {
    // What finds rows before what refuses them.
    let (finds, refuses): (Vec<_>, Vec<_>) = node.conditions.iter().partition(|(label, _)| label.ends_with("Cond"));
    let mut out: Vec<String> = finds.into_iter().chain(refuses).map(|(label, text)| format!("{label}: {text}")).collect();
    let lists = [("Sort Key", &node.sort_keys), ("Presorted Key", &node.presorted_keys), ("Group Key", &node.group_keys)];
    out.extend(lists.iter().filter(|(_, keys)| !keys.is_empty()).map(|(label, keys)| format!("{label}: {}", keys.join(", "))));
    out
}
