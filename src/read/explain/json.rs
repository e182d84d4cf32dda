//! `EXPLAIN (FORMAT JSON)`, wherever in the input it stands.

use super::Reading;
use super::labels::{is_condition, is_key_list, put_blocks, put_extra, put_keys, put_number};
use crate::model::plan::{Actual, Plan, PlanNode, TriggerTime};
use serde_json::{Map, Value};

/// Every plan of every JSON document in the input, and the input without these documents.
pub(super) fn read(input: &str) -> (Reading, String) {
    let mut reading = Reading::default();
    let (mut at, mut copied) = (0, 0);
    let mut rest = String::new();
    while let Some(start) = next_start(input, at) {
        let mut values = serde_json::Deserializer::from_str(&input[start..]).into_iter::<Value>();
        match values.next() {
            Some(Ok(value)) => {
                // A node alone counts only where no document around it was broken: its parents would be lost unsaid.
                let before = reading.plans.len();
                collect(&value, reading.problems.is_empty(), &mut reading.plans);
                at = start + values.byte_offset().max(1);
                if reading.plans.len() > before {
                    rest.push_str(&input[copied..start]);
                    rest.push_str("\nQUERY PLAN\n");
                    copied = at;
                }
            }
            Some(Err(error)) => {
                if reading.problems.is_empty() && input[start..].contains("\"Plan\"") {
                    let line = error.line() + input[..start].matches('\n').count();
                    reading.problems.push(broken(&error, line));
                }
                // At its depth limit or at the end the reader took all for JSON: no other document begins in there.
                if error.is_eof() || is_too_deep(&error) {
                    break;
                }
                at = start + 1;
            }
            None => break,
        }
    }
    rest.push_str(&input[copied..]);
    (reading, rest)
}

fn broken(error: &serde_json::Error, line: usize) -> String {
    if error.is_eof() {
        format!("the JSON plan is cut off at line {line}: pass the whole output")
    } else if is_too_deep(error) {
        format!("the JSON plan is nested too deeply (line {line}): use EXPLAIN without FORMAT JSON")
    } else {
        format!("the JSON plan is broken at line {line}, column {}: {error}", error.column())
    }
}

fn is_too_deep(error: &serde_json::Error) -> bool {
    error.to_string().starts_with("recursion limit")
}

/// Where the next `[{`, `{"` begins, at or behind `from`.
fn next_start(input: &str, from: usize) -> Option<usize> {
    let rest = input.get(from..)?;
    rest.char_indices().filter(|(_, c)| matches!(c, '[' | '{')).map(|(i, _)| from + i).find(|&i| {
        let wanted = if input.as_bytes()[i] == b'[' { '{' } else { '"' };
        input[i + 1..].trim_start().starts_with(wanted)
    })
}

fn collect(value: &Value, lone_nodes: bool, plans: &mut Vec<Plan>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, lone_nodes, plans)),
        Value::Object(map) => match map.get("Plan") {
            Some(Value::Object(root)) if root.contains_key("Node Type") => plans.push(plan(map, root)),
            _ if lone_nodes && map.contains_key("Node Type") => plans.push(Plan { root: node(map), ..Plan::default() }),
            _ => map.values().filter(|v| v.is_object() || v.is_array()).for_each(|v| collect(v, false, plans)),
        },
        _ => {}
    }
}

fn plan(map: &Map<String, Value>, root: &Map<String, Value>) -> Plan {
    let number = |label: &str| map.get(label).and_then(Value::as_f64);
    let mut plan = Plan {
        root: node(root),
        planning_ms: number("Planning Time"),
        execution_ms: number("Execution Time").or_else(|| number("Total Runtime")),
        jit_ms: map.get("JIT").and_then(|j| j.pointer("/Timing/Total")).and_then(Value::as_f64),
        triggers: map.get("Triggers").and_then(Value::as_array).into_iter().flatten().map(trigger).collect(),
        query_text: map.get("Query Text").and_then(Value::as_str).map(str::to_owned),
        ..Plan::default()
    };
    let known = ["Plan", "Planning Time", "Execution Time", "Total Runtime", "JIT", "Triggers", "Query Text"];
    plan.extra.extend(map.iter().filter(|(k, _)| !known.contains(&k.as_str())).map(|(k, v)| (k.clone(), plain(v))));
    plan
}

fn trigger(value: &Value) -> TriggerTime {
    let text = |label: &str| value.get(label).and_then(Value::as_str).map(str::to_owned);
    let constraint = text("Constraint Name");
    TriggerTime {
        name: constraint.clone().or_else(|| text("Trigger Name")).unwrap_or_default(),
        constraint,
        relation: text("Relation"),
        time_ms: value.get("Time").and_then(Value::as_f64),
        calls: value.get("Calls").and_then(Value::as_f64).unwrap_or_default(),
    }
}

fn node(map: &Map<String, Value>) -> PlanNode {
    let mut node = PlanNode::default();
    let number = |label: &str| map.get(label).and_then(Value::as_f64);
    if let Some(loops) = number("Actual Loops") {
        let ran = |label: &str| if loops > 0.0 { number(label) } else { None };
        let (startup_ms, total_ms) = (ran("Actual Startup Time"), ran("Actual Total Time"));
        node.actual = Some(Actual { startup_ms, total_ms, rows: number("Actual Rows").unwrap_or_default(), loops });
    }
    for (label, value) in map {
        match value {
            Value::String(text) => put_text(&mut node, label, text),
            Value::Number(n) => put_figure(&mut node, label, n.as_f64().unwrap_or_default()),
            Value::Bool(true) if label == "Parallel Aware" => node.parallel_aware = true,
            Value::Bool(true) => put_extra(&mut node, label, "true"),
            Value::Bool(false) | Value::Null => {}
            Value::Array(items) if label == "Plans" => {
                node.children = items.iter().filter_map(Value::as_object).map(self::node).collect();
            }
            Value::Array(items) => put_list(&mut node, label, items),
            Value::Object(_) => put_compound(&mut node, label, value),
        }
    }
    node
}

fn put_text(node: &mut PlanNode, label: &str, text: &str) {
    let field = match label {
        "Node Type" => {
            // Some tools that rewrite plans merge the two.
            let serial = text.strip_prefix("Parallel ");
            node.parallel_aware |= serial.is_some();
            node.node_type = serial.unwrap_or(text).to_owned();
            return;
        }
        "Sort Space Type" => {
            node.sort_on_disk |= text == "Disk";
            return;
        }
        // What text leaves out because it is the usual case.
        "Scan Direction" if text != "Backward" => return,
        "Operation" if text == "Select" => return,
        "Join Type" => &mut node.join_type,
        "Parent Relationship" => &mut node.parent_relationship,
        "Subplan Name" => &mut node.subplan_name,
        "Relation Name" => &mut node.relation,
        "Schema" => &mut node.schema,
        "Alias" => &mut node.alias,
        "Index Name" => &mut node.index_name,
        "Sort Method" => &mut node.sort_method,
        _ if is_condition(label) => {
            node.conditions.insert(label.to_owned(), text.to_owned());
            return;
        }
        _ => return put_extra(node, label, text),
    };
    *field = Some(text.to_owned());
}

fn put_figure(node: &mut PlanNode, label: &str, value: f64) {
    match label {
        "Startup Cost" => node.startup_cost = Some(value),
        "Total Cost" => node.total_cost = Some(value),
        "Plan Rows" => node.plan_rows = Some(value),
        "Plan Width" => node.plan_width_bytes = Some(value),
        "Actual Startup Time" | "Actual Total Time" | "Actual Rows" | "Actual Loops" => {}
        _ if put_number(node, label, value) || put_blocks(node, label, value) => {}
        // JSON prints every counter; text only those that counted something.
        _ if value != 0.0 => put_extra(node, label, &value.to_string()),
        _ => {}
    }
}

fn put_list(node: &mut PlanNode, label: &str, items: &[Value]) {
    if label == "Workers" {
        node.sort_on_disk |= items.iter().any(|w| w.get("Sort Space Type").and_then(Value::as_str) == Some("Disk"));
    }
    if label == "Grouping Sets" {
        return items.iter().filter_map(Value::as_object).for_each(|set| put_grouping_set(node, set));
    }
    let texts: Vec<String> = items.iter().map(plain).collect();
    if is_key_list(label) {
        put_keys(node, label, texts);
    } else if !texts.is_empty() {
        put_extra(node, label, &texts.join(", "));
    }
}

/// One member of `Grouping Sets`, as text prints it: a `Sort Key`, then a `Group Key` or `Hash Key` for each list.
fn put_grouping_set(node: &mut PlanNode, set: &Map<String, Value>) {
    for (label, value) in set {
        let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
        let lists: Vec<&[Value]> = match items.first() {
            Some(Value::Array(_)) => items.iter().map(|list| list.as_array().map(Vec::as_slice).unwrap_or_default()).collect(),
            _ => vec![items],
        };
        for list in lists {
            let keys = if list.is_empty() { vec!["()".to_owned()] } else { list.iter().map(plain).collect() };
            put_keys(node, label.trim_end_matches('s'), keys);
        }
    }
}

/// Incremental Sort's groups and whatever later versions add.
fn put_compound(node: &mut PlanNode, label: &str, value: &Value) {
    node.sort_on_disk |= value.get("Sort Space Disk").is_some();
    put_extra(node, label, &plain(value));
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
