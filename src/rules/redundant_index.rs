//! `redundant-index`: another index begins with all that this one has.

use super::context::{Evidences, about_index};
use super::duplicate_index::{comparable, drop_sql, is_same};
use super::words::bytes;
use super::{Context, Rule, Threshold};
use crate::model::catalog::Index;
use crate::model::report::{Confidence, Finding, Fix, Severity};
use crate::model::snapshot::Evidence;
use crate::model::text::one_line;

pub(super) static ENTRY: Rule = Rule {
    name: "redundant-index",
    summary: "An index whose keys another index begins with",
    thresholds: &[Threshold { key: "warning_mb", default: 10.0, meaning: "size for warning, MB; below it is info" }],
    needs: &[Evidence::Catalog],
    unready: None,
    doc: include_str!("redundant_index/doc.md"),
    fires_sql: include_str!("redundant_index/fires.sql"),
    quiet_sql: include_str!("redundant_index/quiet.sql"),
    check,
};

fn check(context: &Context) -> Vec<Finding> {
    let indexes: Vec<&Index> = comparable(context).collect();
    let mut findings = Vec::new();
    for index in indexes.iter().filter(|i| !i.is_load_bearing()) {
        let wider = indexes.iter().filter(|other| covers(other, index));
        // The smallest that will do is what plans will use instead.
        if let Some(kept) = wider.min_by(|a, b| (a.size_bytes, &a.name).cmp(&(b.size_bytes, &b.name))) {
            findings.push(finding(context, index, kept));
        }
    }
    findings
}

fn covers(wide: &Index, narrow: &Index) -> bool {
    if wide.oid == narrow.oid || is_same(&wide.spec, &narrow.spec) || !narrow.spec.is_covered_by(&wide.spec) {
        return false;
    }
    // A partial index is small on purpose: the whole one does not take its place. Nor does a B-tree
    // that of a hash index, which is small on wide values: whether it is needed, trials tell.
    if narrow.spec.predicate != wide.spec.predicate || narrow.spec.method != wide.spec.method {
        return false;
    }
    // Each covers the other when they differ in direction alone: then what is needed stays, what is used, the first by name.
    let worth = |i: &Index| (i.is_load_bearing(), i.scans as u64);
    !wide.spec.is_covered_by(&narrow.spec) || (worth(wide), &narrow.name) > (worth(narrow), &wide.name)
}

fn finding(context: &Context, index: &Index, kept: &Index) -> Finding {
    let size = index.size_bytes as f64;
    let severity = if size >= context.threshold("warning_mb") * 1024.0 * 1024.0 { Severity::Warning } else { Severity::Info };
    let (name, kept_name) = (one_line(&index.name), one_line(&kept.name));
    let message =
        format!("{name} on {} ({}) is the beginning of {kept_name}, which serves the same conditions", index.spec.table, bytes(size));
    let evidence = Evidences::new()
        .with("size_bytes", size)
        .with("scans", index.scans)
        .with("covered_by", kept_name.as_str())
        .with("covering_size_bytes", kept.size_bytes as f64);
    let fix = Fix { text: format!("drop {name}; {kept_name} takes over"), sql: drop_sql(index) };
    context.finding((severity, Confidence::Confirmed), about_index(index), message, evidence, fix)
}
