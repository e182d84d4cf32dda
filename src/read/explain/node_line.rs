//! A node's first line in the text format: `->  Hash Left Join  (cost=… rows=… width=…) (actual …)`,
//! turned into what JSON says of the same node.

use super::labels::number;
use crate::model::plan::{Actual, PlanNode};

/// Node names without any table: how a line with COSTS OFF is known for a plan's first.
const NAMES: &[&str] = &[
    "Aggregate",
    "Append",
    "Bitmap Heap Scan",
    "Bitmap Index Scan",
    "BitmapAnd",
    "BitmapOr",
    "CTE Scan",
    "Custom Scan",
    "Delete",
    "Foreign Delete",
    "Foreign Insert",
    "Foreign Scan",
    "Foreign Update",
    "Function Scan",
    "Gather",
    "Gather Merge",
    "Group",
    "GroupAggregate",
    "Hash",
    "Hash Join",
    "HashAggregate",
    "HashSetOp",
    "Incremental Sort",
    "Index Only Scan",
    "Index Scan",
    "Insert",
    "Limit",
    "LockRows",
    "Materialize",
    "Memoize",
    "Merge",
    "Merge Append",
    "Merge Join",
    "MixedAggregate",
    "Named Tuplestore Scan",
    "Nested Loop",
    "ProjectSet",
    "Recursive Union",
    "Result",
    "Sample Scan",
    "Seq Scan",
    "SetOp",
    "Sort",
    "Subquery Scan",
    "Table Function Scan",
    "Tid Range Scan",
    "Tid Scan",
    "Unique",
    "Update",
    "Values Scan",
    "WindowAgg",
    "WorkTable Scan",
];

/// What stands in parentheses behind the name.
const FIGURES: &[&str] = &["(cost=", "(actual ", "(never executed)"];

/// True when the text can be a plan's first line (no arrow before it).
pub(super) fn is_root(text: &str) -> bool {
    let (head, figures) = split_figures(text);
    if !figures.is_empty() {
        return head.starts_with(|c: char| c.is_ascii_uppercase()) && !head.contains(": ");
    }
    let node = named(head);
    let plain = matches!(node.node_type.as_str(), "ModifyTable" | "Aggregate" | "Hash Join" | "Merge Join")
        || NAMES.contains(&node.node_type.as_str());
    let writes = node.node_type != "ModifyTable" || node.relation.is_some();
    plain && writes
}

/// Reads a node's line, arrow already off. The bool is false when the line is cut short.
pub(super) fn read(text: &str) -> (PlanNode, bool) {
    let (head, figures) = split_figures(text);
    let mut node = named(head);
    let mut whole = true;
    for part in figures.split_inclusive(')') {
        whole &= part.trim().is_empty() || part.ends_with(')');
        put_figures(&mut node, part.trim().trim_start_matches('(').trim_end_matches(')'));
    }
    (node, whole)
}

fn split_figures(text: &str) -> (&str, &str) {
    let at = FIGURES.iter().filter_map(|f| text.find(f)).min().unwrap_or(text.len());
    (text[..at].trim(), &text[at..])
}

fn put_figures(node: &mut PlanNode, part: &str) {
    if part == "never executed" {
        node.actual = Some(Actual::default());
        return;
    }
    let mut actual = part.starts_with("actual ").then(Actual::default);
    for (key, value) in part.trim_start_matches("actual ").split_whitespace().filter_map(|w| w.split_once('=')) {
        let (first, second) = value.split_once("..").unwrap_or((value, value));
        let (first, second) = (number(first), number(second));
        match (&mut actual, key) {
            (None, "cost") => (node.startup_cost, node.total_cost) = (first, second),
            (None, "rows") => node.plan_rows = first,
            (None, "width") => node.plan_width_bytes = first,
            (Some(a), "time") => (a.startup_ms, a.total_ms) = (first, second),
            (Some(a), "rows") => a.rows = first.unwrap_or_default(),
            (Some(a), "loops") => a.loops = first.unwrap_or_default(),
            _ => {}
        }
    }
    if actual.is_some() {
        node.actual = actual;
    }
}

/// The node that a name such as `Parallel Index Scan Backward using i on s.t a` describes.
fn named(head: &str) -> PlanNode {
    let mut node = PlanNode::default();
    let mut name = head;
    if let Some(rest) = name.strip_prefix("Parallel ") {
        (node.parallel_aware, name) = (true, rest);
    }
    if let Some(rest) = name.strip_prefix("Async ") {
        node.extra.insert("Async Capable".into(), "true".into());
        name = rest;
    }
    let (kind, target) = split_target(name);
    let kind = match kind.split_once(" using ") {
        Some((kind, index)) => {
            node.index_name = Some(identifiers(index).join("."));
            kind
        }
        None => kind,
    };
    put_kind(&mut node, kind.trim());
    if let Some(target) = target {
        put_target(&mut node, target);
    }
    node
}

/// Splits at the first ` on ` outside quotes and parentheses.
fn split_target(name: &str) -> (&str, Option<&str>) {
    let (mut quoted, mut depth) = (false, 0_i32);
    for (at, c) in name.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            ' ' if !quoted && depth <= 0 && name[at..].starts_with(" on ") => return (&name[..at], Some(&name[at + 4..])),
            _ => {}
        }
    }
    (name, None)
}

fn put_kind(node: &mut PlanNode, kind: &str) {
    let mut extra = |label: &str, value: &str| {
        node.extra.insert(label.to_owned(), value.to_owned());
    };
    let (mode, plain) = match kind.split_once(' ') {
        Some((mode @ ("Partial" | "Finalize"), rest)) => (mode, rest),
        _ => ("Simple", kind),
    };
    let aggregate = match plain {
        "Aggregate" => Some("Plain"),
        "GroupAggregate" => Some("Sorted"),
        "HashAggregate" => Some("Hashed"),
        "MixedAggregate" => Some("Mixed"),
        _ => None,
    };
    node.node_type = if let Some(strategy) = aggregate {
        extra("Strategy", strategy);
        extra("Partial Mode", mode);
        "Aggregate".into()
    } else if let Some((join, join_type)) = as_join(kind) {
        node.join_type = Some(join_type.to_owned());
        join.into()
    } else if matches!(kind, "Insert" | "Update" | "Delete" | "Merge") {
        extra("Operation", kind);
        "ModifyTable".into()
    } else if let Some(operation @ ("Insert" | "Update" | "Delete")) = kind.strip_prefix("Foreign ") {
        extra("Operation", operation);
        "Foreign Scan".into()
    } else if let Some(provider) = kind.strip_prefix("Custom Scan (") {
        extra("Custom Plan Provider", provider.trim_end_matches(')'));
        "Custom Scan".into()
    } else if let Some(command) = kind.strip_prefix("HashSetOp").or_else(|| kind.strip_prefix("SetOp")) {
        extra("Strategy", if kind.starts_with("Hash") { "Hashed" } else { "Sorted" });
        extra("Command", command.trim());
        "SetOp".into()
    } else if let Some(scan) = kind.strip_suffix(" Backward") {
        extra("Scan Direction", "Backward");
        scan.into()
    } else {
        kind.into()
    };
}

/// `Hash Right Anti Join` is a `Hash Join` of type `Right Anti`.
fn as_join(kind: &str) -> Option<(&'static str, &str)> {
    let (join, rest) = [("Nested Loop", "Nested Loop"), ("Hash", "Hash Join"), ("Merge", "Merge Join")]
        .iter()
        .find_map(|(text, json)| Some((*json, kind.strip_prefix(text)?)))?;
    match (join, rest) {
        ("Nested Loop", "") => Some((join, "Inner")),
        (_, " Join") => Some((join, "Inner")),
        _ => Some((join, rest.strip_suffix(" Join")?.strip_prefix(' ')?)),
    }
}

/// What a node reads or writes: `schema.table alias`, by kind of node.
fn put_target(node: &mut PlanNode, target: &str) {
    let mut words = words(target);
    let object = words.next().map(identifiers).unwrap_or_default();
    let alias = words.next().and_then(|w| identifiers(w).pop());
    let name = object.last().cloned();
    let schema = (object.len() > 1).then(|| object[0].clone());
    let named_by = match node.node_type.as_str() {
        "Bitmap Index Scan" => {
            node.index_name = name;
            return;
        }
        "Subquery Scan" | "Values Scan" => {
            node.alias = name;
            return;
        }
        "Function Scan" => "Function Name",
        "Table Function Scan" => "Table Function Name",
        "CTE Scan" | "WorkTable Scan" => "CTE Name",
        "Named Tuplestore Scan" => "Tuplestore Name",
        _ => {
            node.alias = alias.or_else(|| name.clone());
            (node.relation, node.schema) = (name, schema);
            return;
        }
    };
    node.alias = alias.or_else(|| name.clone());
    node.schema = schema;
    node.extra.extend(name.map(|n| (named_by.to_owned(), n)));
}

/// Words outside double quotes.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |c| {
        quoted ^= c == '"';
        c == ' ' && !quoted
    })
    .filter(|w| !w.is_empty())
}

/// `"My Schema".t` as its parts, unquoted.
fn identifiers(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut quoted = false;
    let mut chars = text.trim().chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                push(&mut parts, '"');
            }
            '"' => quoted = !quoted,
            '.' if !quoted => parts.push(String::new()),
            _ => push(&mut parts, c),
        }
    }
    parts
}

fn push(parts: &mut [String], c: char) {
    if let Some(last) = parts.last_mut() {
        last.push(c);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_names_become_the_names_of_json() {
        for (text, node_type, join) in [
            ("Hash Right Anti Join", "Hash Join", Some("Right Anti")),
            ("Nested Loop", "Nested Loop", Some("Inner")),
            ("Nested Loop Left Join", "Nested Loop", Some("Left")),
            ("Merge Join", "Merge Join", Some("Inner")),
            ("Hash", "Hash", None),
            ("Merge Append", "Merge Append", None),
            ("Merge on t", "ModifyTable", None),
            ("Partial HashAggregate", "Aggregate", None),
            ("HashSetOp Except All", "SetOp", None),
            ("Index Scan Backward using i on t", "Index Scan", None),
            ("Custom Scan (ChunkAppend) on x", "Custom Scan", None),
        ] {
            let node = named(text);
            assert_eq!((node.node_type.as_str(), node.join_type.as_deref()), (node_type, join), "{text}");
        }
    }

    #[test]
    fn quoted_names_are_read_as_names() {
        let node = named("Parallel Index Scan using \"my on idx\" on \"S.x\".\"Us\"\"ers\" \"u v\"");
        assert!(node.parallel_aware);
        assert_eq!(node.index_name.as_deref(), Some("my on idx"));
        assert_eq!((node.schema.as_deref(), node.relation.as_deref(), node.alias.as_deref()), (Some("S.x"), Some("Us\"ers"), Some("u v")));
    }

    #[test]
    fn figures() {
        let (node, whole) = read("Sort  (cost=1.00..2.50 rows=3 width=4) (actual time=0.1..0.2 rows=1.50 loops=2)");
        assert!(whole);
        assert_eq!((node.startup_cost, node.total_cost, node.plan_rows), (Some(1.0), Some(2.5), Some(3.0)));
        assert_eq!(node.actual, Some(Actual { startup_ms: Some(0.1), total_ms: Some(0.2), rows: 1.5, loops: 2.0 }));
        assert!(!read("Sort  (cost=1.00..2.50 rows=3").1);
        assert_eq!(read("Sort (never executed)").0.actual, Some(Actual::default()));
    }

    #[test]
    fn prose_and_sql_are_no_roots() {
        for text in ["Update t set a = 1", "INSERT 0 5000", "Insert", "Sorting is slow", "Temps : 47,201 ms", "SELECT 3"] {
            assert!(!is_root(text), "{text}");
        }
        for text in
            ["Sort", "Insert on t", "Hash Left Join", "Foreign Scan", "Finalize Aggregate", "ProjectSet", "Result (actual rows=1 loops=1)"]
        {
            assert!(is_root(text), "{text}");
        }
    }
}
