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
        (false, false) => parts.push("not run: estimates only. EXPLAIN (ANALYZE, BUFFERS) shows rows and times".to_owned()),
    }
    parts.extend(plan.planning_ms.map(|ms| format!("planned in {}", duration(ms))));
    parts.extend(plan.jit_ms.map(|ms| format!("compiled in {}", duration(ms))));
    let triggers: f64 = plan.triggers.iter().filter_map(|t| t.time_ms).sum();
    if triggers > 0.0 {
        parts.push(format!("triggers took {}", duration(triggers)));
    }
    let found = if remarks == 0 { paint(GOOD, "nothing stands out") } else { paint(WARN, plural(remarks, "remark", "remarks")) };
    format!("{} {} {found}", parts.join(", "), paint(DIM, "·"))
}

/// The tree: figures to the left, nodes indented.
fn nodes(tree: &Tree, remarks: &[Remark], style: &Style) -> String {
    let ran = tree.plan.root.actual.is_some();
    let costs = tree.plan.root.total_cost.is_some();
    let (what, share) = if tree.timed() { ("self", "share") } else { ("cost", "share") };
    let figures = ran || costs;
    let mut out = String::new();
    if figures {
        let rows = if ran { format!("{:>7}  {:>7}", "rows", "guess") } else { format!("{:>7}", "guess") };
        out.push_str(&format!("{}\n", paint(DIM, format!("{what:>8}  {share:>6}  {rows}"))));
    }
    for (at, seen) in tree.seen.iter().enumerate() {
        let left = if figures { row_figures(seen, tree, ran) + "  " } else { String::new() };
        let indent = "  ".repeat(seen.depth);
        let marks: String = remarks.iter().enumerate().filter(|(_, r)| r.node == Some(at)).map(|(n, _)| format!(" [{}]", n + 1)).collect();
        let room = style.width.saturating_sub(columns(&left) + indent.len()).max(24);
        let name = ellipsis(&label::name(seen.node), room.saturating_sub(marks.len()));
        let name = if seen.share >= 0.2 { paint(BOLD, name) } else { name };
        let loops = seen.node.actual.as_ref().map_or(0.0, |a| a.loops);
        let times = if loops > 1.0 { paint(DIM, format!(" ×{}", count(loops))) } else { String::new() };
        out.push_str(&format!("{left}{indent}{name}{times}{}\n", paint(WARN, marks)));
        let below = " ".repeat(columns(&left) + indent.len() + 2);
        for detail in label::details(seen.node) {
            out.push_str(&format!("{below}{}\n", paint(DIM, safe(&detail, room.saturating_sub(2)))));
        }
    }
    out
}

/// Own time or cost, share, rows, expected rows, in columns.
fn row_figures(seen: &Seen, tree: &Tree, ran: bool) -> String {
    let own = match (tree.timed(), seen.own) {
        (true, own) => duration(own),
        (false, own) if seen.node.total_cost.is_some() => count(own),
        _ => String::new(),
    };
    let guess = seen.expected_rows().map_or("–".to_owned(), count);
    let share = percent(seen.share.round_to_percent());
    match (ran, seen.rows()) {
        (true, Some(rows)) if seen.ran() => format!("{own:>8}  {share:>6}  {:>7}  {guess:>7}", count(rows)),
        (true, _) => format!("{:>8}  {:>6}  {:>7}  {guess:>7}", "never", "", "–"),
        (false, _) => format!("{own:>8}  {share:>6}  {guess:>7}"),
    }
}

/// Shares are rough: no decimals.
trait Rough {
    fn round_to_percent(self) -> f64;
}

impl Rough for f64 {
    fn round_to_percent(self) -> f64 {
        (self * 100.0).round() / 100.0
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
