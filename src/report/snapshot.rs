//! What is in a snapshot file, in plain words and as JSON. Never a value.

use super::Style;
use super::paint::{BOLD, DIM, WARN, fold, paint, safe};
use super::units::{bytes, count, duration, plural};
use crate::model::snapshot::Evidence;
use crate::model::snapshot_file::SnapshotFile;
use serde_json::json;

/// For a terminal.
pub fn text(file: &SnapshotFile, style: &Style) -> String {
    let server = file.snapshot.server.as_ref();
    let database = server.map_or_else(|| "unknown database".into(), |s| safe(&s.database, 60));
    let version =
        server.map_or_else(String::new, |s| format!(" on PostgreSQL {}", safe(s.version.split(' ').next().unwrap_or_default(), 30)));
    let mut out = format!("{}\n", paint(BOLD, format!("snapshot of {database}{version}, taken {}", safe(&file.taken_at, 40))));
    for (what, figure) in facts(file) {
        out.push_str(&format!("  {what:<12} {}\n", fold(&figure, style.width, 15)));
    }
    out.push_str(&format!("  {:<12} {}\n", "values", fold(values(file), style.width, 15)));
    for line in file.redaction.lines() {
        out.push_str(&format!("    {}\n", paint(DIM, fold(&line, style.width, 6))));
    }
    let gaps = file.snapshot.gaps.iter().filter(|gap| gap.evidence != Evidence::Sessions).map(|gap| &gap.reason);
    for problem in file.blueprint.problems.iter().map(|problem| &problem.message).chain(gaps) {
        out.push_str(&format!("  {} {}\n", paint(WARN, "!"), fold(&safe(problem, 500), style.width, 4)));
    }
    out.push_str(&paint(DIM, format!("  written by advisor {}, file version {}\n", safe(&file.advisor_version, 20), file.version)));
    out
}

/// Name and contents of each part.
fn facts(file: &SnapshotFile) -> Vec<(&'static str, String)> {
    let (catalog, blueprint) = (&file.snapshot.catalog, &file.blueprint);
    let size: i64 = blueprint.relations.iter().map(|r| r.blocks.max(0)).sum();
    let heights = blueprint.relations.iter().filter(|r| r.height.is_some()).count();
    let ends = blueprint.relations.iter().filter(|r| r.ends.is_some()).count();
    let calls: f64 = file.snapshot.workload.iter().filter_map(|q| q.figures.as_ref()).map(|f| f.calls).fold(0.0, |sum, calls| sum + calls);
    vec![
        (
            "schema",
            format!(
                "{}, {}, {} in all",
                plural(catalog.tables.len(), "table", "tables"),
                plural(catalog.indexes.len(), "index", "indexes"),
                bytes(size as f64 * 8192.0)
            ),
        ),
        (
            "statistics",
            format!(
                "{}, {}; {} and {} of B-trees",
                plural(blueprint.statistics.len(), "column", "columns"),
                plural(blueprint.extended.len(), "extended object", "extended objects"),
                plural(heights, "height", "heights"),
                plural(ends, "pair of ends", "pairs of ends")
            ),
        ),
        ("workload", format!("{}, {} calls", plural(file.snapshot.workload.len(), "query", "queries"), count(calls))),
        (
            "plans",
            format!("the costs of {} as the server has them, for the self-check", plural(file.production_plans.len(), "plan", "plans")),
        ),
        (
            "cost",
            format!(
                "{} sent, the server worked {} at most",
                plural(file.taking.statements as usize, "statement", "statements"),
                duration(file.taking.server_ms)
            ),
        ),
    ]
}

/// Whether values are in it, in a word that nobody overlooks.
fn values(file: &SnapshotFile) -> &'static str {
    match (file.redaction.everything_kept, file.redaction.kept_tables.is_empty()) {
        (true, _) => "the real ones are in this file: handle it as the database itself",
        (false, true) => "redacted: pseudonyms in the same order",
        (false, false) => "redacted but for some tables: handle it as those tables themselves",
    }
}

/// For programs: counts, no contents.
pub fn json(file: &SnapshotFile) -> String {
    let facts: serde_json::Map<String, serde_json::Value> = facts(file).into_iter().map(|(k, v)| (k.to_owned(), v.into())).collect();
    let document = json!({
        "format": file.format,
        "version": file.version,
        "advisor_version": file.advisor_version,
        "taken_at": file.taken_at,
        "server": file.snapshot.server,
        "window": file.snapshot.window,
        "tables": file.snapshot.catalog.tables.len(),
        "indexes": file.snapshot.catalog.indexes.len(),
        "queries": file.snapshot.workload.len(),
        "statistics": file.blueprint.statistics.len(),
        "statements_sent": file.taking.statements,
        "server_ms": file.taking.server_ms,
        "facts": facts,
        "redaction": file.redaction,
        "problems": file.blueprint.problems,
        "gaps": file.snapshot.gaps,
    });
    format!("{document:#}\n")
}
