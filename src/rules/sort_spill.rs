//! `sort-spill`: sorts and hashes that do not fit into work_mem go through temporary files.

use super::context::{Evidences, about_query};
use super::words::{bytes, label};
use super::{Context, Rule, Threshold};
use crate::model::plan::PlanNode;
use crate::model::query::Query;
use crate::model::report::{Confidence, Finding, Fix, Severity};
use crate::model::snapshot::Evidence;
use crate::model::text::quote_ident;

const BLOCK_BYTES: f64 = 8192.0;
const MB: f64 = 1024.0 * 1024.0;
/// Beyond this, more memory per sort is no cure.
const MOST_WORK_MEM_MB: f64 = 256.0;

pub(super) static ENTRY: Rule = Rule {
    name: "sort-spill",
    summary: "A sort or hash that does not fit into work_mem and goes through temporary files",
    thresholds: &[
        Threshold { key: "min_mb_per_call", default: 1.0, meaning: "MB written to temporary files per call" },
        Threshold { key: "warning_mb_per_call", default: 8.0, meaning: "MB per call for warning; below it is info" },
    ],
    needs: &[Evidence::Workload, Evidence::QueryTexts],
    unready: None,
    doc: include_str!("sort_spill/doc.md"),
    fires_sql: include_str!("sort_spill/fires.sql"),
    quiet_sql: include_str!("sort_spill/quiet.sql"),
    check,
};

fn check(context: &Context) -> Vec<Finding> {
    let queries = context.snapshot.workload.iter().filter(|q| context.is_advised(q));
    queries.filter_map(|query| judge(context, query)).collect()
}

fn judge(context: &Context, query: &Query) -> Option<Finding> {
    let measured = context.measured().find(|(q, _)| std::ptr::eq(*q, query)).map(|(_, f)| f.temp_written_blocks / f.calls * BLOCK_BYTES);
    let planned = query.plans.iter().flat_map(|p| p.plan.root.walk()).map(spilled_bytes).fold(0.0, f64::max);
    let spilled = measured.unwrap_or(0.0).max(planned);
    if spilled < context.threshold("min_mb_per_call") * MB {
        return None;
    }
    let severity = if spilled >= context.threshold("warning_mb_per_call") * MB { Severity::Warning } else { Severity::Info };
    let mut evidence = Evidences::new().with("spilled_bytes_per_call", spilled);
    if let Some(figures) = &query.figures {
        evidence = evidence.with_figures(figures);
    }
    if let Some(work_mem) = context.snapshot.settings.get("work_mem") {
        evidence = evidence.with("work_mem", work_mem.as_str());
    }
    let message = format!("writes {} to temporary files per call: {}", bytes(spilled), label(query));
    let level = (severity, Confidence::Confirmed);
    Some(context.finding(level, about_query(query), message, evidence, fix(query, spilled)))
}

/// What a node of a plan that was really run wrote to disk, bytes.
fn spilled_bytes(node: &PlanNode) -> f64 {
    let sort = if node.sort_on_disk { node.sort_space_kb.unwrap_or(0.0) } else { 0.0 };
    let hash = if node.hash_batches.is_some_and(|b| b > 1.0) {
        node.disk_usage_kb.unwrap_or_else(|| node.memory_kb.unwrap_or(0.0) * node.hash_batches.unwrap_or(1.0))
    } else {
        node.disk_usage_kb.unwrap_or(0.0)
    };
    sort.max(hash) * 1024.0
}

/// An index that gives the order is the first cure; memory the second: in memory a sort needs more than on disk.
fn fix(query: &Query, spilled: f64) -> Fix {
    let needed_mb = 2f64.powf((spilled * 1.5 / MB).log2().ceil()).max(8.0);
    let order = "an index that gives the order makes the sort go away";
    if needed_mb > MOST_WORK_MEM_MB {
        return Fix { text: format!("{order}; it is too large for work_mem"), sql: None };
    }
    let sql = query.role.as_ref().map(|role| format!("alter role {} set work_mem = '{needed_mb}MB'", quote_ident(role)));
    Fix { text: format!("{order}; else work_mem of {needed_mb} MB for the role that runs it, if concurrency × that fits"), sql }
}
