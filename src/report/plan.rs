//! What is wrong with a plan: the tree with where time or cost goes, then remarks, worst first.

mod checks;
mod label;
mod tree;

pub use checks::{CHECKS, Check, Remark, remarks};

use super::Style;
use super::paint::{BOLD, DIM, GOOD, WARN, columns, fold, heading, paint, safe};
use super::units::{count, duration, percent, plural};
use crate::model::plan::{Plan, PlanNode};
use crate::model::text::ellipsis;
use tree::{Seen, Tree};

/// A way to write plans: its name behind `--format`, and the writer of plans and problems.
pub type PlanFormat = (&'static str, fn(&[Plan], &[String], &Style) -> String);

/// Every way to write plans, the default one first.
pub static PLAN_FORMATS: &[PlanFormat] = &[("text", text), ("json", json)];

/// Plans and remarks as a document: `{plans: [{plan, remarks}], problems}`.
fn json(plans: &[Plan], problems: &[String], _style: &Style) -> String {
    let plans: Vec<_> = plans.iter().map(|plan| serde_json::json!({"plan": plan, "remarks": remarks(plan)})).collect();
    format!("{:#}\n", serde_json::json!({"plans": plans, "problems": problems}))
}

fn text(plans: &[Plan], problems: &[String], style: &Style) -> String {
    let style = Style { width: style.width.clamp(50, 200), ..*style };
    let mut out = String::new();
    for (at, plan) in plans.iter().enumerate() {
        if plans.len() > 1 {
            let gap = if at > 0 { "\n" } else { "" };
            out.push_str(&format!("{gap}{}\n", paint(BOLD, format!("Plan {} of {}", at + 1, plans.len()))));
        }
        out.push_str(&one(plan, &style));
    }
    for problem in problems {
        out.push_str(&format!("{} {}\n", paint(WARN, "!"), fold(problem, style.width, 2)));
    }
    out
}

fn one(plan: &Plan, style: &Style) -> String {
    let tree = Tree::of(plan);
    let remarks = remarks(plan);
    let mut out = String::new();
    if let Some(query) = &plan.query_text {
        out.push_str(&format!("{}\n", safe(query, style.width)));
    }
    out.push_str(&format!("{}\n\n", verdict(plan, &tree, remarks.len())));
    out.push_str(&nodes(&tree, &remarks, style));
    out.push_str(&told(&remarks, style));
    out
}

/// `ran in 1.2 s, planned in 0.3 ms · 4 remarks`, or that nothing was measured.
fn verdict(plan: &Plan, tree: &Tree, remarks: usize) -> String {
    let mut parts = Vec::new();
    match (tree.timed(), plan.root.actual.is_some()) {
        (true, _) => parts.push(format!("ran in {}", duration(tree.run_ms()))),
        (false, true) => parts.push("ran, but times were not measured (TIMING OFF)".to_owned()),
        (false, false) => parts.push("not run: estimates only".to_owned()),
    }
    parts.extend(plan.planning_ms.map(|ms| format!("planned in {}", duration(ms))));
    parts.extend(plan.jit_ms.map(|ms| format!("compiled in {}", duration(ms))));
    let triggers: f64 = plan.triggers.iter().filter_map(|t| t.time_ms).sum();
    if triggers > 0.0 {
        parts.push(format!("triggers took {}", duration(triggers)));
    }
    let nothing = if plan.root.actual.is_some() { "nothing stands out" } else { "nothing stands out in the estimates" };
    let found = if remarks == 0 { paint(GOOD, nothing) } else { paint(WARN, plural(remarks, "remark", "remarks")) };
    let hint = match plan.root.actual {
        Some(_) => String::new(),
        None => format!("\n{}", paint(DIM, "EXPLAIN (ANALYZE, BUFFERS) shows what really happens, and where the time goes")),
    };
    format!("{} {} {found}{hint}", parts.join(", "), paint(DIM, "·"))
}

/// The tree: figures to the left, nodes indented.
fn nodes(tree: &Tree, remarks: &[Remark], style: &Style) -> String {
    let columns_shown = Columns::of(tree);
    let mut out = columns_shown.header();
    for (at, seen) in tree.seen.iter().enumerate() {
        let left = columns_shown.row(seen);
        let indent = "  ".repeat(seen.depth);
        let marks: String = remarks.iter().enumerate().filter(|(_, r)| r.node == Some(at)).map(|(n, _)| format!(" [{}]", n + 1)).collect();
        let loops = if seen.loops() > 1.0 { format!(" ×{}", count(seen.loops())) } else { String::new() };
        let room = style.width.saturating_sub(columns(&left) + indent.len()).max(24);
        let name = ellipsis(&label::name(seen.node), room.saturating_sub(columns(&loops) + marks.len()));
        let name = if seen.share >= 0.2 { paint(BOLD, name) } else { name };
        out.push_str(&format!("{left}{indent}{name}{}{}\n", paint(DIM, loops), paint(WARN, marks)));
        let below = " ".repeat(columns(&left) + indent.len() + 2);
        for detail in label::details(seen.node) {
            out.push_str(&format!("{below}{}\n", paint(DIM, safe(&detail, room.saturating_sub(2)))));
        }
    }
    out
}

/// Which figures the plan has: EXPLAIN leaves out costs, times or both when told to.
struct Columns {
    timed: bool,
    costs: bool,
    ran: bool,
}

impl Columns {
    fn of(tree: &Tree) -> Self {
        let root = &tree.plan.root;
        Columns { timed: tree.timed(), costs: root.total_cost.is_some(), ran: root.actual.is_some() }
    }

    fn header(&self) -> String {
        let own = if self.timed { "self" } else { "cost" };
        let header = self.join(own, "share", "rows", "expected");
        if header.is_empty() { header } else { format!("{}\n", paint(DIM, header.trim_end())) }
    }

    fn row(&self, seen: &Seen) -> String {
        let never = self.ran && !seen.ran();
        let own = match (never, self.timed) {
            (true, _) => "never".to_owned(),
            (false, true) => duration(seen.own),
            (false, false) => count(seen.own),
        };
        // Shares are rough: no decimals.
        let share = if never { String::new() } else { percent((seen.share * 100.0).round() / 100.0) };
        let rows = seen.rows().filter(|_| !never).map_or("–".to_owned(), count);
        self.join(&own, &share, &rows, &seen.expected_rows().map_or("–".to_owned(), count))
    }

    fn join(&self, own: &str, share: &str, rows: &str, expected: &str) -> String {
        let mut out = String::new();
        if self.timed || self.costs {
            out.push_str(&format!("{own:>8}  {share:>6}  "));
        }
        if self.ran {
            out.push_str(&format!("{rows:>7}  "));
        }
        if self.costs {
            out.push_str(&format!("{expected:>8}  "));
        }
        out
    }
}

fn told(remarks: &[Remark], style: &Style) -> String {
    if remarks.is_empty() {
        return String::new();
    }
    let mut out = heading("What stands out");
    for (at, remark) in remarks.iter().enumerate() {
        let mark = format!("[{}]", at + 1);
        let head = format!("{}:", remark.check);
        let folded = fold(&format!("{head} {}", remark.message), style.width, 4);
        let body = folded.strip_prefix(&head).map_or(folded.clone(), |rest| paint(BOLD, &head) + rest);
        out.push_str(&format!("{:<3} {body}\n", paint(WARN, mark)));
        out.push_str(&format!("    {} {}\n", paint(GOOD, "try:"), fold(&remark.advice, style.width, 9)));
    }
    out
}

/// Nodes that are read from a table directly.
fn is_scan(node: &PlanNode) -> bool {
    matches!(
        node.node_type.as_str(),
        "Seq Scan" | "Index Scan" | "Index Only Scan" | "Bitmap Heap Scan" | "Sample Scan" | "Tid Scan" | "Tid Range Scan" | "Foreign Scan"
    )
}

#[cfg(test)]
mod tests;
