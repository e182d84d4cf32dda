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

/// Reads every plan in `input`: JSON first, then text.
pub fn read(input: &str) -> Reading {
    let lines = frames::unwrap(input);
    let joined = lines.iter().map(|l| l.text.as_str()).collect::<Vec<_>>().join("\n");
    let (mut reading, rest) = if input.contains("Node Type") { read_json(input, &joined) } else { Default::default() };
    if reading.plans.is_empty() {
        // What is wrong with broken JSON matters only if nothing else is there.
        let broken = std::mem::replace(&mut reading, text::read(&lines)).problems;
        if reading.plans.is_empty() && input.contains("\\n") {
            reading = escaped(input);
        }
        if reading.plans.is_empty() {
            reading.problems.insert(0, broken.into_iter().next().unwrap_or_else(|| why_nothing(&joined)));
        }
    } else if rest.contains("(cost=") || rest.contains("(actual ") {
        let text = text::read(&frames::unwrap(&rest));
        reading.plans.extend(text.plans);
    }
    flatten(&mut reading);
    reading
}

/// Reads one plan in JSON as the server sends it, with nothing around it: as [`read`], without looking for frames.
pub fn read_bare(json: &str) -> Reading {
    let (mut reading, _) = json::read(json);
    if reading.plans.len() != 1 || !reading.problems.is_empty() {
        return read(json);
    }
    flatten(&mut reading);
    reading
}

fn flatten(reading: &mut Reading) {
    for plan in &mut reading.plans {
        if flatten_below(&mut plan.root, 1) {
            reading.problems.push(format!("the plan is nested deeper than {MAX_DEPTH} nodes: what is deeper is shown on that level"));
        }
    }
}

/// Frames are taken off line by line, which could hurt a JSON string; so the untouched input goes first.
fn read_json(input: &str, unwrapped: &str) -> (Reading, String) {
    let mut found = json::read(input);
    for change in [|text: &str| text.to_owned(), |text: &str| text.replace("\"\"", "\"")] {
        if found.0.plans.is_empty() || !found.0.problems.is_empty() {
            let other = json::read(&change(unwrapped));
            // The earlier one when equal, for it changed less of the input.
            if other.0.plans.len() > found.0.plans.len() || (found.0.plans.is_empty() && found.0.problems.is_empty()) {
                found = other;
            }
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
