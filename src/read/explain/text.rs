//! EXPLAIN's text format: indentation is the tree, `Label: value` lines belong to the node above.

use super::Reading;
use super::frames::Line;
use super::labels::{is_condition, is_key_list, number, put_buffers_line, put_extra, put_keys, put_number};
use super::node_line;
use crate::model::plan::{Plan, PlanNode, TriggerTime};

/// Lines of the whole plan, whatever their indentation.
const PLAN_LABELS: &[&str] = &["Planning", "Planning Time", "Planning time", "Execution Time", "Execution time", "Total runtime", "JIT"];
const PLAN_EXTRAS: &[&str] = &["Settings", "Query Identifier", "Serialization"];

/// Every plan in the lines.
pub(super) fn read(lines: &[Line]) -> Reading {
    let mut reader = Reader::default();
    let mut lines = lines.iter().peekable();
    while let Some(line) = lines.next() {
        match lines.next_if(|next| is_wrapped(&line.text, &next.text)) {
            Some(rest) => reader.take(&Line { text: format!("{} {}", line.text, rest.text.trim_start()), ..line.clone() }),
            None => reader.take(line),
        }
    }
    reader.finish();
    reader.reading
}

/// `LOG:  duration: 12.500 ms  plan:`, with which auto_explain begins.
fn is_log_head(text: &str) -> bool {
    text.contains("duration: ") && text.ends_with("plan:")
}

/// True when a terminal broke a node's line within its figures.
fn is_wrapped(line: &str, next: &str) -> bool {
    let open = line.rfind("  (cost=").into_iter().chain(line.rfind(" (actual ")).max();
    open.is_some_and(|at| !line[at..].contains(')'))
        && !next.trim_start().starts_with("->")
        && next.find(')').is_some_and(|close| !next[..close].contains('('))
}

/// A node being read, with where it stands.
struct Open {
    node: PlanNode,
    /// Column of the node's name; what belongs to it is further right.
    column: usize,
}

/// What a line that is not a node adds to.
#[derive(Default, PartialEq)]
enum Block {
    #[default]
    None,
    /// Details of one parallel worker: further right than this column.
    Worker(usize),
    /// Below `JIT:` or `Planning:`.
    Trailer(usize, String),
    /// A query text that goes on.
    QueryText,
    /// A value whose quotes are still open: label and text so far.
    Open(String, String),
}

#[derive(Default)]
struct Reader {
    reading: Reading,
    /// From the root to the node read last; its first is the root.
    path: Vec<Open>,
    plan: Plan,
    /// `SubPlan 1`, `CTE x`: names the next node at this column or further right.
    label: Option<(usize, String)>,
    block: Block,
    /// `duration: 1.2 ms  plan:` of auto_explain.
    duration_ms: Option<f64>,
}

impl Reader {
    fn take(&mut self, line: &Line) {
        let text = line.text.trim_start();
        let column = line.text.chars().count() - text.chars().count();
        let text = text.trim_end();
        if text.is_empty() {
            return;
        }
        if line.starts_result || is_log_head(text) || text.starts_with("Query Text: ") {
            self.finish();
        }
        let arrow = text.strip_prefix("->").map(str::trim_start);
        let in_quotes = matches!(self.block, Block::Open(..));
        if let Some(name) = arrow.filter(|n| !in_quotes || n.contains("(cost=") || n.contains("(actual ")) {
            self.node(name, column, column + 4, line.number);
        } else if self.continues_value(&line.text) {
        } else if self.starts_plan(text, column) {
            self.finish();
            self.node(text, column, column, line.number);
        } else if !self.path.is_empty() {
            self.detail(text, column);
        } else {
            self.before_plan(text);
        }
    }

    fn starts_plan(&self, text: &str, column: usize) -> bool {
        node_line::is_root(text) && self.path.first().is_none_or(|root| column <= root.column)
    }

    /// Lines before the first node: the query, when auto_explain prints it.
    fn before_plan(&mut self, text: &str) {
        if let Some(query) = text.strip_prefix("Query Text: ") {
            self.plan.query_text = Some(query.to_owned());
            self.block = Block::QueryText;
        } else if is_log_head(text) {
            self.duration_ms = text.split("duration: ").nth(1).and_then(|rest| number(rest.split(' ').next()?));
            self.block = Block::None;
        } else if let (Block::QueryText, Some(query)) = (&self.block, &mut self.plan.query_text) {
            query.push('\n');
            query.push_str(text);
        }
    }

    fn node(&mut self, text: &str, edge: usize, column: usize, number: usize) {
        let (mut node, whole) = node_line::read(text);
        if !whole {
            self.reading.problems.push(format!("line {number} is cut short: its figures may be missing"));
        }
        self.block = Block::None;
        let keep = if self.path.is_empty() { 0 } else { self.path.iter().rposition(|o| o.column < edge).map_or(1, |i| i + 1) };
        self.close_to(keep);
        if let Some((_, name)) = self.label.take().filter(|(at, _)| *at <= edge) {
            let kind = if name.starts_with("SubPlan") { "SubPlan" } else { "InitPlan" };
            (node.parent_relationship, node.subplan_name) = (Some(kind.to_owned()), Some(name));
        }
        self.path.push(Open { node, column });
    }

    /// Hangs finished nodes on their parents until `keep` are open.
    fn close_to(&mut self, keep: usize) {
        while self.path.len() > keep.max(1) {
            let Some(done) = self.path.pop() else { return };
            if let Some(parent) = self.path.last_mut() {
                parent.node.children.push(done.node);
            }
        }
    }

    fn finish(&mut self) {
        self.close_value();
        self.close_to(1);
        if let Some(root) = self.path.pop() {
            let mut plan = std::mem::take(&mut self.plan);
            plan.root = root.node;
            relate(&mut plan.root);
            if plan.root.actual.is_some() {
                plan.execution_ms = plan.execution_ms.or(self.duration_ms);
            }
            self.reading.plans.push(plan);
            (self.plan, self.duration_ms, self.label, self.block) = Default::default();
        }
    }

    /// A line that is neither a node nor the start of another plan.
    fn detail(&mut self, text: &str, column: usize) {
        match &self.block {
            Block::Worker(at) if column > *at => return self.worker(text),
            Block::Trailer(at, name) if column > *at => {
                let name = name.clone();
                return self.trailer(&name, text);
            }
            _ => self.block = Block::None,
        }
        let is_label = ["InitPlan", "SubPlan", "CTE "].iter().any(|l| text.starts_with(l)) && !text.contains(": ");
        if is_label {
            self.close_to(self.path.iter().rposition(|o| o.column < column).map_or(1, |i| i + 1));
            self.label = Some((column, text.to_owned()));
        } else if text.starts_with("Worker ") {
            self.block = Block::Worker(column);
            self.worker(text);
        } else if let Some(rest) = text.strip_prefix("Trigger ") {
            self.plan.triggers.extend(trigger(rest));
        } else {
            let (label, value) = text.split_once(':').unwrap_or((text, ""));
            let root = self.path.first().map_or(0, |r| r.column);
            if PLAN_LABELS.contains(&label) || (PLAN_EXTRAS.contains(&label) && column <= root) {
                self.plan_line(label, value.trim(), column);
            } else {
                self.attribute(label, value.trim(), column);
            }
        }
    }

    /// Only one thing of a worker's matters: whether its sort went to disk.
    fn worker(&mut self, text: &str) {
        if let Some(open) = self.path.last_mut() {
            open.node.sort_on_disk |= text.contains("Sort Method: external") && text.contains("Disk: ");
            put_extra(&mut open.node, "Workers", text);
        }
    }

    fn plan_line(&mut self, label: &str, value: &str, column: usize) {
        let ms = value.split(' ').next().and_then(number);
        match label {
            "Planning Time" | "Planning time" => self.plan.planning_ms = ms,
            "Execution Time" | "Execution time" | "Total runtime" => self.plan.execution_ms = ms,
            "JIT" | "Planning" => self.block = Block::Trailer(column, label.to_owned()),
            _ => self.plan_extra(label, value),
        }
    }

    fn trailer(&mut self, name: &str, text: &str) {
        if let Some(timing) = text.strip_prefix("Timing: ").filter(|_| name == "JIT") {
            let total = timing.rsplit("Total ").next().and_then(|t| t.split(' ').next());
            self.plan.jit_ms = total.and_then(number);
        } else {
            self.plan_extra(name, text);
        }
    }

    fn plan_extra(&mut self, label: &str, value: &str) {
        let slot = self.plan.extra.entry(label.to_owned()).or_default();
        if !slot.is_empty() {
            slot.push_str("; ");
        }
        slot.push_str(value);
    }

    fn attribute(&mut self, label: &str, value: &str, column: usize) {
        // What belongs to a node stands further right than its name. Where indentation was lost, labels go to
        // the last node; anything else there is not EXPLAIN's.
        match self.path.iter().rposition(|o| o.column < column) {
            Some(owner) => self.close_to(owner + 1),
            None if value.is_empty() => return,
            None => {}
        }
        if quotes_open(value) {
            self.block = Block::Open(label.to_owned(), value.to_owned());
        } else if let Some(open) = self.path.last_mut() {
            put_attribute(&mut open.node, label, value);
        }
    }

    /// Adds the line to a value whose quotes are open; false when there is none.
    fn continues_value(&mut self, line: &str) -> bool {
        let Block::Open(_, value) = &mut self.block else { return false };
        value.push('\n');
        value.push_str(line);
        if !quotes_open(value) {
            self.close_value();
        }
        true
    }

    fn close_value(&mut self) {
        if let Block::Open(label, value) = std::mem::take(&mut self.block)
            && let Some(open) = self.path.last_mut()
        {
            put_attribute(&mut open.node, &label, &value);
        }
    }
}

/// True when a string literal or quoted name is still open at the end.
fn quotes_open(value: &str) -> bool {
    let mut open = None;
    for c in value.chars().filter(|c| matches!(c, '\'' | '"')) {
        open = match open {
            None => Some(c),
            Some(q) if q == c => None,
            other => other,
        };
    }
    open.is_some()
}

fn put_attribute(node: &mut PlanNode, label: &str, value: &str) {
    if is_key_list(label) {
        put_keys(node, label, split_keys(value));
    } else if is_condition(label) {
        node.conditions.insert(label.to_owned(), value.to_owned());
    } else if label == "Buffers" {
        put_buffers_line(node, value);
    } else if label == "Heap Blocks" {
        for (key, count) in value.split_whitespace().filter_map(|w| w.split_once('=')) {
            let name = if key == "lossy" { "Lossy Heap Blocks" } else { "Exact Heap Blocks" };
            put_number(node, name, number(count).unwrap_or_default());
        }
    } else if value.is_empty() {
        put_extra(node, if node.node_type == "ModifyTable" { "Target Tables" } else { "Notes" }, label);
    } else if label.ends_with("Groups") {
        // Incremental Sort: one line of figures for each kind of group.
        node.sort_on_disk |= value.contains(" Disk: ");
        put_extra(node, label, value);
    } else {
        put_segments(node, label, value);
    }
}

/// `Batches: 1  Memory Usage: 9kB`: several labels on one line, two spaces between.
fn put_segments(node: &mut PlanNode, label: &str, value: &str) {
    let mut parts = value.split("  ");
    let mut segments = vec![(label, parts.next().unwrap_or_default())];
    for part in parts {
        match part.split_once(": ") {
            Some(segment) => segments.push(segment),
            // Not a list of labels after all: an expression with spaces in it.
            None => return put_extra(node, label, value),
        }
    }
    for (label, value) in segments {
        let figure = number(value.split(' ').next().unwrap_or_default().trim_end_matches("kB"));
        match (label, figure) {
            ("Sort Method", _) => node.sort_method = Some(value.to_owned()),
            ("Memory" | "Disk", Some(kb)) if node.sort_method.is_some() => {
                node.sort_space_kb = Some(kb);
                node.sort_on_disk |= label == "Disk";
            }
            (_, Some(number)) if put_number(node, label, number) => {}
            // As in JSON: a counter that counted nothing is not kept.
            (_, Some(0.0)) => {}
            _ => put_extra(node, label, value),
        }
    }
}

/// Splits at commas outside parentheses, brackets and quotes.
fn split_keys(value: &str) -> Vec<String> {
    let mut keys = vec![String::new()];
    let (mut depth, mut quote) = (0_i32, None);
    for c in value.chars() {
        match (c, quote) {
            ('\'' | '"', None) => quote = Some(c),
            (_, Some(q)) if q == c => quote = None,
            ('(' | '[', None) => depth += 1,
            (')' | ']', None) => depth -= 1,
            (',', None) if depth <= 0 => {
                keys.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(key) = keys.last_mut() {
            key.push(c);
        }
    }
    keys.iter().map(|k| k.trim().to_owned()).filter(|k| !k.is_empty()).collect()
}

/// `for constraint fk on t: time=1.2 calls=3`, `name on t: calls=3`.
fn trigger(text: &str) -> Option<TriggerTime> {
    let (head, figures) = text.rsplit_once(": ")?;
    let figure = |name: &str| figures.split_whitespace().find_map(|w| number(w.strip_prefix(name)?));
    let (head, relation) = match head.rsplit_once(" on ") {
        Some((head, relation)) => (head, Some(relation.to_owned())),
        None => (head, None),
    };
    let constraint = head.split_once("for constraint ").map(|(_, name)| name.to_owned());
    let name = constraint.clone().unwrap_or_else(|| head.to_owned());
    Some(TriggerTime { name, constraint, relation, time_ms: figure("time="), calls: figure("calls=").unwrap_or_default() })
}

/// Gives children the relationship that JSON names and text shows by order only.
fn relate(root: &mut PlanNode) {
    let mut pending = vec![root];
    while let Some(node) = pending.pop() {
        let kind = node.node_type.clone();
        let plain = node.children.iter().filter(|c| c.parent_relationship.is_none()).count();
        let mut seen = 0;
        for child in node.children.iter_mut().filter(|c| c.parent_relationship.is_none()) {
            seen += 1;
            child.parent_relationship = Some(relationship(&kind, seen, plain).to_owned());
        }
        pending.extend(node.children.iter_mut());
    }
}

fn relationship(parent: &str, nth: usize, of: usize) -> &'static str {
    match parent {
        "Append" | "Merge Append" | "BitmapAnd" | "BitmapOr" => "Member",
        "Subquery Scan" => "Subquery",
        "Custom Scan" if of > 1 => "children",
        "Custom Scan" => "child",
        _ if nth == 1 => "Outer",
        _ => "Inner",
    }
}
