//! `duplicate-index`: two indexes with one definition.

use super::context::{Evidences, about_index};
use super::words::bytes;
use super::{Context, Rule};
use crate::model::catalog::Index;
use crate::model::index_def::{IndexSpec, TableName};
use crate::model::report::{Confidence, Finding, Fix, Severity};
use crate::model::snapshot::Evidence;
use crate::model::text::{one_line, quote_qualified};
use std::collections::HashMap;

pub(super) static ENTRY: Rule = Rule {
    name: "duplicate-index",
    summary: "Two indexes with the same definition: one is only written",
    thresholds: &[],
    needs: &[Evidence::Catalog],
    unready: None,
    doc: include_str!("duplicate_index/doc.md"),
    fires_sql: include_str!("duplicate_index/fires.sql"),
    quiet_sql: include_str!("duplicate_index/quiet.sql"),
    check,
};

fn check(context: &Context) -> Vec<Finding> {
    let indexes: Vec<&Index> = comparable(context).collect();
    let mut on_table: HashMap<&TableName, Vec<&Index>> = HashMap::new();
    for index in &indexes {
        on_table.entry(&index.spec.table).or_default().push(index);
    }
    let mut findings = Vec::new();
    for index in &indexes {
        let twins = on_table[&index.spec.table].iter().filter(|other| other.oid != index.oid && is_same(&index.spec, &other.spec));
        let Some(kept) = twins.filter(|other| worth(other) > worth(index)).max_by(|a, b| worth(a).cmp(&worth(b))) else { continue };
        if is_pinned(index) || (index.spec.unique && !kept.spec.unique) {
            continue;
        }
        findings.push(finding(context, index, kept));
    }
    findings
}

/// Indexes that plans can use and that stand for themselves.
pub(super) fn comparable<'a>(context: &Context<'a>) -> impl Iterator<Item = &'a Index> {
    let indexes = context.catalog().indexes.iter();
    indexes.filter(|i| i.valid && i.ready && i.live && !i.partition && context.advisable(&i.spec.table).is_some())
}

/// True when something other than plans and uniqueness needs it.
fn is_pinned(index: &Index) -> bool {
    index.primary
        || index.exclusion
        || index.constraint.is_some()
        || index.needed_by_foreign_key
        || index.replica_identity
        || index.clustered
}

/// The same definition; uniqueness apart.
pub(super) fn is_same(a: &IndexSpec, b: &IndexSpec) -> bool {
    IndexSpec { unique: false, ..a.clone() } == IndexSpec { unique: false, ..b.clone() }
}

/// Which of two to keep: what is needed, then what is used, then the first by name.
fn worth(index: &Index) -> (bool, bool, bool, u64, std::cmp::Reverse<&str>) {
    (index.primary, is_pinned(index), index.spec.unique, index.scans as u64, std::cmp::Reverse(index.name.as_str()))
}

fn finding(context: &Context, index: &Index, kept: &Index) -> Finding {
    let (name, kept_name) = (one_line(&index.name), one_line(&kept.name));
    let message = format!(
        "{name} on {} has the same definition as {kept_name}: {} written at every change and never needed",
        index.spec.table,
        bytes(index.size_bytes as f64)
    );
    let evidence = Evidences::new()
        .with("size_bytes", index.size_bytes as f64)
        .with("scans", index.scans)
        .with("kept_index", kept_name.as_str())
        .with("kept_scans", kept.scans);
    let fix = Fix { text: format!("drop {name}, keep {kept_name}"), sql: drop_sql(index) };
    context.finding((Severity::Warning, Confidence::Confirmed), about_index(index), message, evidence, fix)
}

/// The statement that drops an index without blocking; a partitioned one cannot be dropped so.
pub(super) fn drop_sql(index: &Index) -> Option<String> {
    let name = quote_qualified(&index.spec.table.schema, &index.name);
    (!index.partitioned).then(|| format!("DROP INDEX CONCURRENTLY {name}"))
}
