//! `full-scan`: a plan reads a large table whole to keep a few rows.

use super::context::{Evidences, about_table};
use super::words::{count, label};
use super::{Context, Rule, Threshold};
use crate::model::catalog::Table;
use crate::model::plan::PlanNode;
use crate::model::query::Query;
use crate::model::report::{Confidence, Finding, Fix, Severity, Subject};
use crate::model::snapshot::Evidence;
use std::collections::BTreeMap;

pub(super) static ENTRY: Rule = Rule {
    name: "full-scan",
    summary: "A plan reads a large table whole to keep a few of its rows",
    thresholds: &[
        Threshold { key: "min_rows", default: 10_000.0, meaning: "rows read by the scan" },
        Threshold { key: "max_share", default: 0.05, meaning: "largest share of the rows read that the filter keeps, 0 to 1" },
        Threshold { key: "min_calls", default: 10.0, meaning: "calls in the window for warning; below it is info" },
    ],
    needs: &[Evidence::Plans, Evidence::QueryTexts],
    unready: None,
    doc: include_str!("full_scan/doc.md"),
    fires_sql: include_str!("full_scan/fires.sql"),
    quiet_sql: include_str!("full_scan/quiet.sql"),
    check,
};

/// A sequential scan with a filter, as far as its plan tells.
struct Scan<'a> {
    node: &'a PlanNode,
    /// How many processes share its estimate.
    sharers: f64,
    /// Share of it that a LIMIT above lets run, 0 to 1.
    run_share: f64,
}

fn check(context: &Context) -> Vec<Finding> {
    let mut findings = Vec::new();
    for query in &context.snapshot.workload {
        let Some(plan) = query.plan() else { continue };
        let mut scans = Vec::new();
        filtered_scans(&plan.root, 1.0, 1.0, &mut scans);
        // One finding per table, however often a plan scans it (self-joins, UNION arms).
        let mut worst: BTreeMap<(&str, &str), Finding> = BTreeMap::new();
        for scan in scans {
            let Some(table) = context.scanned(scan.node, query) else { continue };
            if let Some(finding) = judge(context, query, table, &scan) {
                worst.entry((&table.schema, &table.name)).or_insert(finding);
            }
        }
        findings.extend(worst.into_values());
    }
    findings
}

fn filtered_scans<'a>(node: &'a PlanNode, sharers: f64, run_share: f64, found: &mut Vec<Scan<'a>>) {
    if node.node_type == "Seq Scan" && node.condition("Filter").is_some() {
        found.push(Scan { node, sharers, run_share });
    }
    // A leader helps fewer workers: the planner's own formula.
    let sharers = node.workers_planned.map_or(sharers, |w| w + (1.0 - 0.3 * w).max(0.0));
    for child in &node.children {
        let estimate = |n: &PlanNode| n.plan_rows.filter(|r| *r > 0.0);
        let run_share = match node.node_type.as_str() {
            "Limit" => estimate(node).zip(estimate(child)).map_or(1.0, |(out, all)| (out / all).min(1.0)),
            // These hand rows through as they come; everything else reads its input whole or starts anew.
            "Gather" | "Result" | "Subquery Scan" | "LockRows" | "ProjectSet" | "Append" => run_share,
            _ => 1.0,
        };
        found_in(child, sharers, run_share, found);
    }
}

fn found_in<'a>(child: &'a PlanNode, sharers: f64, run_share: f64, found: &mut Vec<Scan<'a>>) {
    let sharers = if child.parallel_aware || child.node_type != "Seq Scan" { sharers } else { 1.0 };
    filtered_scans(child, sharers, run_share, found);
}

fn judge(context: &Context, query: &Query, table: &Table, scan: &Scan) -> Option<Finding> {
    let actual = scan.node.actual_rows_total().zip(scan.node.actual.as_ref().map(|a| a.loops.max(1.0)));
    let (read, kept) = match actual {
        Some((kept, loops)) => (kept + scan.node.rows_removed_by_filter.unwrap_or(0.0) * loops, kept),
        None => (table.rows? * scan.run_share, scan.node.plan_rows? * scan.sharers * scan.run_share),
    };
    if read < context.threshold("min_rows") || kept > read * context.threshold("max_share") {
        return None;
    }
    let calls = query.figures.as_ref().map_or(query.weight, |f| f.calls);
    let severity = if calls >= context.threshold("min_calls") || query.figures.is_none() { Severity::Warning } else { Severity::Info };
    // An estimate alone may be wrong; the blocks that were really touched confirm it.
    let blocks = table.size_bytes as f64 / 8192.0;
    let touched = query.figures.as_ref().is_some_and(|f| f.blocks_per_call() >= blocks * 0.5 && blocks > 0.0);
    let confidence = if actual.is_some() || touched { Confidence::Confirmed } else { Confidence::Suspected };
    let message = format!(
        "reads {} rows of {} to keep {}{}: {}",
        count(read),
        table.table_name(),
        count(kept),
        filtered_by(query, table),
        label(query)
    );
    let mut evidence = Evidences::new().with("rows_read", read).with("rows_kept", kept).with("table_bytes", table.size_bytes as f64);
    if let Some(figures) = &query.figures {
        evidence = evidence.with_figures(figures).with("blocks_per_call", figures.blocks_per_call());
    }
    let fix = Fix { text: "an index that begins with the filtered columns; the index advice tries which one pays".into(), sql: None };
    let subject = Subject { query: Some(query.fingerprint.clone()), ..about_table(&table.table_name()) };
    Some(context.finding((severity, confidence), subject, message, evidence, fix))
}

/// ` (filter on a, b)`: columns only, for the plan's own filter holds values.
fn filtered_by(query: &Query, table: &Table) -> String {
    let name = table.table_name();
    let mut columns: Vec<&str> = Vec::new();
    for reference in query.shape().iter().flat_map(|s| &s.tables).filter(|t| t.table == name) {
        let arms = reference.or_arms.iter().flatten();
        for column in reference.conditions.iter().chain(arms).flat_map(|c| &c.columns) {
            if !columns.contains(&column.as_str()) {
                columns.push(column);
            }
        }
    }
    if columns.is_empty() { String::new() } else { format!(" (filter on {})", crate::model::text::one_line(&columns.join(", "))) }
}
