//! `unbounded-result`: a list without LIMIT grows with its table.

use super::context::{Evidences, about_query, is_batch, outer_blocks, pins_one_row};
use super::words::{count, label};
use super::{Context, Rule, Threshold};
use crate::model::query::{Shape, StatementKind};
use crate::model::report::{Confidence, Finding, Fix, Severity};
use crate::model::snapshot::Evidence;

pub(super) static ENTRY: Rule = Rule {
    name: "unbounded-result",
    summary: "A list without LIMIT that returns more as its table grows",
    thresholds: &[
        Threshold { key: "min_rows", default: 1000.0, meaning: "rows per call" },
        Threshold { key: "min_calls", default: 5.0, meaning: "calls in the window for warning; below it is info (exports)" },
        Threshold { key: "error_rows", default: 100_000.0, meaning: "rows per call for error" },
    ],
    needs: &[Evidence::Workload, Evidence::QueryTexts],
    unready: None,
    doc: include_str!("unbounded_result/doc.md"),
    fires_sql: include_str!("unbounded_result/fires.sql"),
    quiet_sql: include_str!("unbounded_result/quiet.sql"),
    check,
};

fn check(context: &Context) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (query, figures, shape) in context.understood() {
        let rows = figures.rows_per_call();
        if rows < context.threshold("min_rows") || !is_unbounded(context, shape) || !context.is_advised(query) {
            continue;
        }
        let severity = match (figures.calls >= context.threshold("min_calls"), rows >= context.threshold("error_rows")) {
            (false, _) => Severity::Info,
            (true, false) => Severity::Warning,
            (true, true) => Severity::Error,
        };
        let message = format!("returns {} rows per call, without a LIMIT: {}", count(rows), label(query));
        let evidence = Evidences::new().with_figures(figures).with("rows_per_call", rows);
        let text = "LIMIT with pages by key; for exports a cursor or COPY, which need not hold all rows in memory";
        let fix = Fix { text: text.into(), sql: None };
        findings.push(context.finding((severity, Confidence::Confirmed), about_query(query), message, evidence, fix));
    }
    findings
}

/// A SELECT over tables whose size nothing bounds: no LIMIT, aggregate, unique key or list of keys.
fn is_unbounded(context: &Context, shape: &Shape) -> bool {
    shape.kind == StatementKind::Select
        && !shape.tables.is_empty()
        && !is_batch(shape)
        && outer_blocks(shape).all(|b| b.limit.is_none() && !b.aggregate)
        && !shape.tables.iter().any(|t| shape.tables.len() == 1 && pins_one_row(context.catalog(), t))
}
