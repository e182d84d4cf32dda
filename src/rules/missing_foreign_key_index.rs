//! `missing-foreign-key-index`: no index finds a parent's children.

use super::context::{Evidences, about_table};
use super::words::count;
use super::{Context, Rule, Threshold};
use crate::model::catalog::{ForeignKey, Table, TableKind};
use crate::model::index_def::{IndexSpec, KeyExpr, KeySpec};
use crate::model::query::TableRef;
use crate::model::report::{Confidence, Finding, Fix, Severity, Subject};
use crate::model::snapshot::Evidence;
use crate::model::text::one_line;

pub(super) static ENTRY: Rule = Rule {
    name: "missing-foreign-key-index",
    summary: "A foreign key whose columns no index begins with",
    thresholds: &[Threshold { key: "min_rows", default: 10_000.0, meaning: "rows of the referencing table" }],
    needs: &[Evidence::Catalog],
    unready: None,
    doc: include_str!("missing_foreign_key_index/doc.md"),
    fires_sql: include_str!("missing_foreign_key_index/fires.sql"),
    quiet_sql: include_str!("missing_foreign_key_index/quiet.sql"),
    check,
};

fn check(context: &Context) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for key in &context.catalog().foreign_keys {
        let Some(child) = context.advisable(&key.child) else { continue };
        let rows = child.rows.or_else(|| Some(child.usage.as_ref()?.live_rows)).unwrap_or(0.0);
        if rows <= context.threshold("min_rows") || context.catalog().indexes_of(&key.child).any(|i| i.serves(key)) {
            continue;
        }
        let finding = finding(context, key, child, rows);
        // Two constraints on the same columns need one index.
        if !findings.iter().any(|f| f.fingerprint == finding.fingerprint) {
            findings.push(finding);
        }
    }
    findings
}

fn finding(context: &Context, key: &ForeignKey, child: &Table, rows: f64) -> Finding {
    let deleted = context.catalog().table(&key.parent).and_then(|p| p.usage.as_ref()).map_or(0.0, |u| u.deleted_rows);
    let used = context.snapshot.workload.iter().filter_map(|q| q.shape()).flat_map(|s| &s.tables).filter(|t| asks(t, key)).count() as f64;
    let severity = if deleted > 0.0 || used > 0.0 { Severity::Warning } else { Severity::Info };
    let columns = one_line(&key.child_columns.join(", "));
    let message = format!(
        "{} ({columns}) references {} and no index begins with it: each delete or key change there reads all {} rows",
        key.child,
        key.parent,
        count(rows)
    );
    let evidence = Evidences::new()
        .with("rows", rows)
        .with("table_bytes", child.size_bytes as f64)
        .with("parent_deleted_rows", deleted)
        .with("queries", used)
        .with("foreign_key", one_line(&key.name))
        .with("columns", columns);
    let spec = IndexSpec::btree(key.child.clone(), key.child_columns.iter().map(KeySpec::column).collect());
    let fix = if child.kind == TableKind::Partitioned {
        Fix { text: "an index on the partitioned table, built partition by partition".into(), sql: None }
    } else {
        Fix { text: "an index on the referencing columns".into(), sql: Some(spec.create_sql(&spec.safe_name(), true)) }
    };
    let mut finding = context.finding((severity, Confidence::Confirmed), about_table(&key.child), message, evidence, fix);
    // A table may have several: the missing index tells them apart.
    let missing = Subject { index: Some(spec.safe_name()), ..finding.subject.clone() };
    finding.fingerprint = Finding::fingerprint_of(&finding.rule, &missing);
    finding
}

/// True when a query looks children up by the key, or joins along it.
fn asks(reference: &TableRef, key: &ForeignKey) -> bool {
    let column = |c: &crate::model::query::Condition| match &c.key {
        KeyExpr::Column(name) => key.child_columns.contains(name),
        KeyExpr::Expression(_) => false,
    };
    reference.table == key.child && reference.conditions.iter().any(column)
}
