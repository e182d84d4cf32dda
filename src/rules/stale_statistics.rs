//! `stale-statistics`: the planner plans for a table that has changed since.

use super::context::{Evidences, about_table};
use super::words::count;
use super::{Context, Rule, Threshold};
use crate::model::catalog::{Table, TableKind, TableUsage};
use crate::model::report::{Confidence, Finding, Fix, Severity};
use crate::model::snapshot::Evidence;

pub(super) static ENTRY: Rule = Rule {
    name: "stale-statistics",
    summary: "Planner statistics that are missing or older than much of the table",
    thresholds: &[
        Threshold { key: "min_modified_rows", default: 10_000.0, meaning: "rows changed since the last ANALYZE" },
        Threshold { key: "min_modified_share", default: 0.2, meaning: "share of the rows that this must be, 0 to 1" },
        Threshold { key: "min_rows", default: 1000.0, meaning: "rows of a table that was never analyzed" },
    ],
    needs: &[Evidence::Catalog],
    unready: None,
    doc: include_str!("stale_statistics/doc.md"),
    fires_sql: include_str!("stale_statistics/fires.sql"),
    quiet_sql: include_str!("stale_statistics/quiet.sql"),
    check,
};

fn check(context: &Context) -> Vec<Finding> {
    let stored = |t: &&Table| matches!(t.kind, TableKind::Table | TableKind::MaterializedView) && !t.platform;
    context.catalog().tables.iter().filter(stored).filter_map(|t| judge(context, t, t.usage.as_ref()?)).collect()
}

fn judge(context: &Context, table: &Table, usage: &TableUsage) -> Option<Finding> {
    let rows = usage.live_rows.max(table.rows.unwrap_or(0.0));
    let modified = usage.modified_rows;
    let name = table.table_name();
    let message = if is_never_analyzed(context, table, usage) && rows >= context.threshold("min_rows") {
        format!("{name} was never analyzed: the planner guesses about its {} rows", count(rows))
    } else if modified >= context.threshold("min_modified_rows")
        && modified >= rows * context.threshold("min_modified_share")
        && !counters_lag(table, usage)
    {
        format!("{} rows of {name} changed since the last ANALYZE; it has {}", count(modified), count(rows))
    } else {
        return None;
    };
    let mut evidence = Evidences::new().with("rows", rows).with("modified_rows", modified);
    if let Some(seconds) = usage.analyzed_seconds_ago {
        evidence = evidence.with("analyzed_seconds_ago", seconds);
    }
    let off = context.snapshot.settings.get("autovacuum").is_some_and(|v| v == "off");
    let text = if off {
        "analyze it, and turn autovacuum on: it is off"
    } else {
        "analyze it; if this returns, lower autovacuum_analyze_scale_factor for the table"
    };
    let fix = Fix { text: text.into(), sql: Some(format!("ANALYZE {}", name.quoted())) };
    Some(context.finding((Severity::Warning, Confidence::Confirmed), about_table(&name), message, evidence, fix))
}

/// A load and its ANALYZE in one session: the session's own counters arrive after ANALYZE (and VACUUM,
/// which makes live rows count twice) has reset them. Then all rows ever inserted count as changed,
/// and yet ANALYZE has seen as many as were ever inserted.
fn counters_lag(table: &Table, usage: &TableUsage) -> bool {
    let Some(rows) = table.rows else { return false };
    let near = |n: f64| (rows - n).abs() <= rows * 0.05;
    let only_inserts = usage.updated_rows + usage.deleted_rows <= rows * 0.05;
    only_inserts && near(usage.inserted_rows) && near(usage.modified_rows) && table.columns.iter().any(|c| c.stats.is_some())
}

/// No row count, or (CREATE INDEX and VACUUM leave one) no statistics of any column although we may read them.
/// Counters alone do not tell: a crash resets them.
fn is_never_analyzed(context: &Context, table: &Table, usage: &TableUsage) -> bool {
    let hidden = context.snapshot.gaps.iter().any(|g| g.evidence == Evidence::ColumnStatistics);
    let no_statistics = !hidden && !table.columns.is_empty() && table.columns.iter().all(|c| c.stats.is_none());
    usage.analyzed_seconds_ago.is_none() && (table.rows.is_none() || no_statistics)
}
