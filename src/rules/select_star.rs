//! `select-star`: whole rows are fetched where that costs.

use super::context::{Evidences, about_query, outer_blocks};
use super::words::{bytes, label};
use super::{Context, Rule, Threshold};
use crate::model::catalog::Table;
use crate::model::query::{Query, Shape, StatementKind};
use crate::model::report::{Confidence, Finding, Fix, Severity};
use crate::model::snapshot::Evidence;

pub(super) static ENTRY: Rule = Rule {
    name: "select-star",
    summary: "SELECT * where whole rows are expensive: wide rows, many rows, values stored out of line",
    thresholds: &[
        Threshold { key: "min_kb_per_call", default: 100.0, meaning: "kB fetched per call" },
        Threshold { key: "min_mb_per_second", default: 1.0, meaning: "MB fetched per second over the window" },
        Threshold { key: "min_toast_bytes_per_row", default: 2000.0, meaning: "bytes per row stored out of line (TOAST)" },
        Threshold { key: "min_calls", default: 10.0, meaning: "calls in the window" },
    ],
    needs: &[Evidence::Workload, Evidence::QueryTexts],
    unready: None,
    doc: include_str!("select_star/doc.md"),
    fires_sql: include_str!("select_star/fires.sql"),
    quiet_sql: include_str!("select_star/quiet.sql"),
    check,
};

fn check(context: &Context) -> Vec<Finding> {
    let window_seconds = context.snapshot.window.as_ref().map_or(f64::INFINITY, |w| w.seconds.max(1.0));
    let mut findings = Vec::new();
    for (query, figures, shape) in context.understood() {
        let starred = shape.kind == StatementKind::Select && outer_blocks(shape).any(|b| b.star);
        if !starred || figures.calls < context.threshold("min_calls") || !context.is_advised(query) {
            continue;
        }
        let tables: Vec<&Table> = starred_tables(context, shape);
        let toast_bytes = tables.iter().map(|t| toast_bytes_per_row(t)).fold(0.0, f64::max);
        let row_bytes = row_bytes(&tables, query);
        let call_bytes = row_bytes * figures.rows_per_call();
        let second_bytes = call_bytes * figures.calls / window_seconds;
        let much = call_bytes >= context.threshold("min_kb_per_call") * 1024.0
            || second_bytes >= context.threshold("min_mb_per_second") * 1024.0 * 1024.0;
        let out_of_line = toast_bytes >= context.threshold("min_toast_bytes_per_row");
        if !much && !out_of_line {
            continue;
        }
        let why = if out_of_line {
            format!("each row has {} stored out of line, and all of it is read", bytes(toast_bytes))
        } else {
            format!("rows are {} wide", bytes(row_bytes))
        };
        let message = format!("SELECT * fetches {} per call; {why}: {}", bytes(call_bytes), label(query));
        let evidence = Evidences::new()
            .with_figures(figures)
            .with("rows_per_call", figures.rows_per_call())
            .with("row_bytes", row_bytes)
            .with("bytes_per_call", call_bytes)
            .with("bytes_per_second", second_bytes)
            .with("toast_bytes_per_row", toast_bytes);
        let text = "name the columns that are used: wide ones stay where they are, and an index that holds the rest may answer alone";
        let severity = if much { Severity::Warning } else { Severity::Info };
        let fix = Fix { text: text.into(), sql: None };
        findings.push(context.finding((severity, Confidence::Confirmed), about_query(query), message, evidence, fix));
    }
    findings
}

/// Tables whose whole rows go into the result.
fn starred_tables<'a>(context: &Context<'a>, shape: &Shape) -> Vec<&'a Table> {
    let whole = shape.tables.iter().filter(|t| t.needs_all && shape.blocks.get(t.block).is_some_and(|b| b.depth == 0));
    whole.filter_map(|t| context.catalog().table(&t.table)).collect()
}

fn toast_bytes_per_row(table: &Table) -> f64 {
    match table.rows {
        Some(rows) if rows >= 1.0 => table.toast_bytes as f64 / rows,
        _ => 0.0,
    }
}

/// Width of a result row: the columns' statistics (a value out of line counts there as its pointer), else the plan's estimate.
fn row_bytes(tables: &[&Table], query: &Query) -> f64 {
    let columns = |t: &Table| -> f64 { t.columns.iter().filter_map(|c| Some(c.stats.as_ref()?.avg_width_bytes)).sum() };
    let known: f64 = tables.iter().map(|t| columns(t) + toast_bytes_per_row(t)).sum();
    if known > 0.0 { known } else { query.plan().and_then(|p| p.root.plan_width_bytes).unwrap_or(0.0) }
}
