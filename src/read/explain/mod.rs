//! EXPLAIN output to [`Plan`]s: text and JSON, bare or in whatever psql, a spreadsheet or a log
//! put around it. Never fails: what cannot be read is a problem that says why.
//!
//! `frames` takes the wrapping off, `json` and `text` find the plans, `node_line` reads a node's
//! first line, `labels` knows where each thing that EXPLAIN prints belongs. Both formats end in the
//! same tree: the text format's `Hash Left Join` becomes JSON's `Hash Join` with join type `Left`.

mod frames;
mod json;
mod labels;
mod node_line;
mod text;

use crate::model::plan::{Plan, PlanNode};

/// Deepest nesting kept, in nodes. Deeper nodes hang on the deepest level kept, so none is lost.
/// A plan is stored inside a snapshot, and JSON readers commonly stop at 128 levels, two per node.
pub const MAX_DEPTH: usize = 55;

/// Which EXPLAIN to run instead, for formats that are not read.
const INSTEAD: &str = "use EXPLAIN (FORMAT JSON) or leave FORMAT out (the text format)";

/// What was found in an input.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// The plans, in the order of the input.
    pub plans: Vec<Plan>,
    /// What could not be read, and why; one line each.
    pub problems: Vec<String>,
}

/// Reads every plan in `input`.
pub fn read(input: &str) -> Reading {
    let mut reading = Reading::default();
    let lines = frames::unwrap(input);
    let joined = lines.iter().map(|l| l.text.as_str()).collect::<Vec<_>>().join("\n");
    let found = if input.contains("Node Type") { read_json(input, &joined) } else { Reading::default() };
    let cut_json = found.problems.first().cloned();
    if !found.plans.is_empty() {
        reading = found;
    }
    if reading.plans.is_empty() {
        reading = text::read(&lines);
    }
    if reading.plans.is_empty() && input.contains("\\n") {
        reading = escaped(input);
    }
    if reading.plans.is_empty() {
        reading.problems.insert(0, cut_json.unwrap_or_else(|| why_nothing(&joined)));
    }
    for plan in &mut reading.plans {
        if flatten_below(&mut plan.root, 1) {
            reading.problems.push(format!("the plan is nested deeper than {MAX_DEPTH} nodes: what is deeper is shown on that level"));
        }
    }
    reading
}

/// Frames are taken off line by line, which could hurt a JSON string; so the untouched input goes first.
fn read_json(input: &str, unwrapped: &str) -> Reading {
    let mut found = json::read(input);
    for change in [|text: &str| text.to_owned(), |text: &str| text.replace("\"\"", "\"")] {
        if found.plans.is_empty() || !found.problems.is_empty() {
            found = better(found, json::read(&change(unwrapped)));
        }
    }
    found
}

/// Plans inside a JSON string, as structured logs carry them: escapes undone, at most as deep as such logs nest.
fn escaped(input: &str) -> Reading {
    let mut input = input.to_owned();
    for _ in 0..3 {
        input = ["\\n", "\\t", "\\\"", "\\\\"].iter().zip(["\n", "\t", "\"", "\\"]).fold(input, |text, (from, to)| text.replace(from, to));
        let reading = text::read(&frames::unwrap(&input));
        if !reading.plans.is_empty() {
            return reading;
        }
    }
    Reading::default()
}

/// The reading with more plans; the earlier one when equal, for it changed less of the input.
fn better(first: Reading, second: Reading) -> Reading {
    if second.plans.len() > first.plans.len() || (first.plans.is_empty() && first.problems.is_empty()) { second } else { first }
}

/// Why an input held no plan.
fn why_nothing(text: &str) -> String {
    let has = |s: &str| text.contains(s);
    if text.trim().is_empty() {
        "no EXPLAIN output found: the input is empty".into()
    } else if has("<explain") || (has("<Plan>") && has("<Node-Type>")) {
        format!("this is EXPLAIN (FORMAT XML) output, which is not read: {INSTEAD}")
    } else if text.lines().any(|l| l.trim_start().trim_start_matches("- ").starts_with("Node Type: ")) {
        format!("this is EXPLAIN (FORMAT YAML) output, which is not read: {INSTEAD}")
    } else if text.trim_start().to_ascii_lowercase().starts_with("explain") {
        "no EXPLAIN output found: this is the EXPLAIN command itself; run it and pass what it prints".into()
    } else {
        "no EXPLAIN output found: expected lines like `Seq Scan on t  (cost=0.00..35.50 rows=10 width=4)`, or JSON with a \"Plan\"".into()
    }
}

/// Moves nodes below [`MAX_DEPTH`] up to it; true when there were any.
fn flatten_below(node: &mut PlanNode, depth: usize) -> bool {
    if depth + 1 < MAX_DEPTH {
        return node.children.iter_mut().fold(false, |cut, child| flatten_below(child, depth + 1) | cut);
    }
    let mut cut = false;
    let mut pending: Vec<PlanNode> = std::mem::take(&mut node.children).into_iter().rev().collect();
    while let Some(mut child) = pending.pop() {
        cut |= !child.children.is_empty();
        pending.extend(std::mem::take(&mut child.children).into_iter().rev());
        node.children.push(child);
    }
    cut
}

#[cfg(test)]
mod tests;
