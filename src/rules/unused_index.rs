//! `unused-index`: an index no plan has read since the counters began.

use super::context::{Evidences, about_index};
use super::duplicate_index::{comparable, drop_sql};
use super::words::{bytes, count, duration, short};
use super::{Context, Rule, Threshold};
use crate::model::catalog::{Index, TableUsage};
use crate::model::report::{Confidence, Finding, Fix, Severity};
use crate::model::snapshot::Evidence;
use crate::model::text::one_line;

const DAY_SECONDS: f64 = 86_400.0;

pub(super) static ENTRY: Rule = Rule {
    name: "unused-index",
    summary: "An index that no plan has read since the counters began",
    thresholds: &[
        Threshold { key: "min_stats_age_days", default: 14.0, meaning: "age of the usage counters, days; `--min-stats-age` sets it too" },
        Threshold { key: "min_size_mb", default: 1.0, meaning: "size, MB" },
        Threshold { key: "warning_mb", default: 100.0, meaning: "size for warning, MB" },
        Threshold { key: "warning_writes", default: 10_000.0, meaning: "rows written to the table since then for warning" },
    ],
    needs: &[Evidence::Catalog, Evidence::Standbys],
    unready: Some(unready),
    doc: include_str!("unused_index/doc.md"),
    fires_sql: include_str!("unused_index/fires.sql"),
    quiet_sql: include_str!("unused_index/quiet.sql"),
    check,
};

fn unready(context: &Context) -> Option<String> {
    let wanted = context.threshold("min_stats_age_days");
    match context.snapshot.usage_age_seconds.map(|s| s / DAY_SECONDS) {
        None => Some("the age of the index usage counters is not known".into()),
        Some(days) if days < wanted => {
            Some(format!("index usage is counted for {} only; {} days are wanted (--min-stats-age)", duration(days * DAY_SECONDS * 1000.0), short(wanted)))
        }
        Some(_) => None,
    }
}

fn check(context: &Context) -> Vec<Finding> {
    // Another node may use what this one does not.
    if context.snapshot.gaps.iter().any(|g| g.evidence == Evidence::Standbys) {
        return Vec::new();
    }
    let least = context.threshold("min_size_mb") * 1024.0 * 1024.0;
    let unused = comparable(context).filter(|i| i.scans == 0.0 && !i.is_load_bearing() && i.size_bytes as f64 >= least);
    unused.filter(|i| !is_only_one_for_foreign_key(context, i)).map(|index| finding(context, index)).collect()
}

/// Deletes of a parent are rare and would each read the whole table without it.
fn is_only_one_for_foreign_key(context: &Context, index: &Index) -> bool {
    let catalog = context.catalog();
    let keys = catalog.foreign_keys.iter().filter(|key| key.child == index.spec.table && index.serves(key));
    keys.into_iter().any(|key| !catalog.indexes_of(&key.child).any(|other| other.oid != index.oid && other.serves(key)))
}

fn finding(context: &Context, index: &Index) -> Finding {
    let usage = context.catalog().table(&index.spec.table).and_then(|t| t.usage.as_ref());
    let writes = usage.map_or(0.0, writes);
    let days = context.snapshot.usage_age_seconds.unwrap_or(0.0) / DAY_SECONDS;
    let size = index.size_bytes as f64;
    let costly = size >= context.threshold("warning_mb") * 1024.0 * 1024.0 || writes >= context.threshold("warning_writes");
    let severity = if costly { Severity::Warning } else { Severity::Info };
    let message = format!(
        "{} on {} ({}) was not read once in {}, and {} rows were written to its table; a job that runs less often would disprove it",
        one_line(&index.name),
        index.spec.table,
        bytes(size),
        duration(days * DAY_SECONDS * 1000.0),
        count(writes)
    );
    let evidence =
        Evidences::new().with("size_bytes", size).with("scans", index.scans).with("written_rows", writes).with("counted_days", days);
    let fix = Fix { text: "drop it; its definition is kept for the way back".into(), sql: drop_sql(index) };
    context.finding((severity, Confidence::Suspected), about_index(index), message, evidence, fix)
}

/// Writes that had to write into every index: HOT updates do not.
fn writes(usage: &TableUsage) -> f64 {
    usage.inserted_rows + (usage.updated_rows - usage.hot_updated_rows).max(0.0)
}
