//! `deep-offset`: pages by OFFSET read and throw away all rows before the page.

use super::context::{Evidences, about_query};
use super::words::{count, label, short};
use super::{Context, Rule, Threshold};
use crate::model::query::{Amount, Figures, Query};
use crate::model::report::{Confidence, Finding, Fix, Severity};
use crate::model::snapshot::Evidence;

pub(super) static ENTRY: Rule = Rule {
    name: "deep-offset",
    summary: "Pages by OFFSET: all rows before the page are read and thrown away",
    thresholds: &[
        Threshold { key: "min_blocks_per_row", default: 5.0, meaning: "blocks touched per row returned" },
        Threshold { key: "min_blocks_per_call", default: 100.0, meaning: "blocks touched per call" },
        Threshold { key: "max_page_rows", default: 1000.0, meaning: "rows per call up to which a result is a page" },
        Threshold { key: "min_skipped_rows", default: 1000.0, meaning: "rows skipped, where a literal or a measured plan tells" },
        Threshold { key: "min_deviation", default: 0.3, meaning: "standard deviation by mean time that depth causes; below it is info" },
    ],
    needs: &[Evidence::Workload, Evidence::QueryTexts],
    unready: None,
    doc: include_str!("deep_offset/doc.md"),
    fires_sql: include_str!("deep_offset/fires.sql"),
    quiet_sql: include_str!("deep_offset/quiet.sql"),
    check,
};

fn check(context: &Context) -> Vec<Finding> {
    context.snapshot.workload.iter().filter_map(|query| judge(context, query)).collect()
}

fn judge(context: &Context, query: &Query) -> Option<Finding> {
    // An OFFSET without LIMIT is no page: `OFFSET 0` is a fence for the planner.
    let offset = query.shape()?.blocks.iter().find_map(|b| b.offset.filter(|_| b.limit.is_some()))?;
    if !context.is_advised(query) {
        return None;
    }
    let least = context.threshold("min_skipped_rows");
    let known = match offset {
        Amount::Literal(rows) => Some(rows),
        Amount::Parameter(_) | Amount::Expression => None,
    };
    let mut evidence = Evidences::new();
    if let Some(figures) = &query.figures {
        evidence = evidence.with_figures(figures).with("blocks_per_call", figures.blocks_per_call());
    }
    let (level, why) = if let Some(rows) = skipped_by_plan(query).filter(|rows| *rows >= least) {
        evidence = evidence.with("skipped_rows", rows);
        ((Severity::Warning, Confidence::Confirmed), format!("{} rows were read and skipped", count(rows)))
    } else if let Some(rows) = known.filter(|rows| *rows >= least) {
        evidence = evidence.with("skipped_rows", rows);
        ((Severity::Warning, Confidence::Confirmed), format!("skips {} rows", count(rows)))
    } else {
        let figures = query.figures.as_ref().filter(|f| known.is_none() && reads_too_much(context, f))?;
        let per_row = figures.blocks_per_call() / figures.rows_per_call().max(1.0);
        let deviation = figures.stddev_ms / figures.mean_ms().max(f64::MIN_POSITIVE);
        evidence = evidence.with("blocks_per_row", per_row).with("deviation", deviation);
        let severity = if deviation >= context.threshold("min_deviation") { Severity::Warning } else { Severity::Info };
        ((severity, Confidence::Suspected), format!("touches {} blocks per row returned", short(per_row)))
    };
    let message = format!("pages by OFFSET and {why}: {}", label(query));
    let text = "page by the last key seen: WHERE (sort_column, id) < ($1, $2) ORDER BY sort_column DESC, id DESC LIMIT $3, with an index on these columns";
    Some(context.finding(level, about_query(query), message, evidence, Fix { text: text.into(), sql: None }))
}

fn reads_too_much(context: &Context, figures: &Figures) -> bool {
    let rows = figures.rows_per_call();
    rows < context.threshold("max_page_rows")
        && figures.blocks_per_call() >= context.threshold("min_blocks_per_call")
        && figures.blocks_per_call() / rows.max(1.0) > context.threshold("min_blocks_per_row")
}

/// Rows that went into a LIMIT node and not out of it, where a plan was really run.
fn skipped_by_plan(query: &Query) -> Option<f64> {
    let plans = query.plans.iter().flat_map(|p| p.plan.root.walk());
    let skipped = plans.filter(|n| n.node_type == "Limit").filter_map(|n| {
        let into = n.children.first()?.actual_rows_total()?;
        Some(into - n.actual_rows_total()?)
    });
    skipped.max_by(f64::total_cmp)
}
