//! What a rule sees: the snapshot, its thresholds, and questions that several rules ask.

use super::{Rule, Thresholds};
use crate::model::catalog::{Catalog, Index, Table, TableKind};
use crate::model::index_def::TableName;
use crate::model::plan::PlanNode;
use crate::model::query::{Block, Condition, Figures, Op, Query, Rhs, Shape, TableRef};
use crate::model::report::{Confidence, Finding, Fix, Severity, Subject, Value};
use crate::model::snapshot::Snapshot;
use std::collections::BTreeMap;

/// The snapshot in the eyes of one rule.
pub struct Context<'a> {
    /// What is known.
    pub snapshot: &'a Snapshot,
    thresholds: &'a Thresholds,
    rule: &'a Rule,
}

impl<'a> Context<'a> {
    /// The eyes of `rule`.
    pub fn new(snapshot: &'a Snapshot, thresholds: &'a Thresholds, rule: &'a Rule) -> Self {
        Context { snapshot, thresholds, rule }
    }

    /// The catalog.
    pub fn catalog(&self) -> &'a Catalog {
        &self.snapshot.catalog
    }

    /// One of the rule's own thresholds.
    pub fn threshold(&self, key: &str) -> f64 {
        let value = self.thresholds.get(self.rule.name, key);
        debug_assert!(value.is_some(), "{} does not define {key}", self.rule.name);
        value.unwrap_or(f64::INFINITY)
    }

    /// Queries with figures, index DDL left out.
    pub fn measured(&self) -> impl Iterator<Item = (&'a Query, &'a Figures)> {
        self.snapshot.workload.iter().filter(|q| !is_ddl(q)).filter_map(|q| Some((q, q.figures.as_ref().filter(|f| f.calls > 0.0)?)))
    }

    /// Queries with figures that we understood.
    pub fn understood(&self) -> impl Iterator<Item = (&'a Query, &'a Figures, &'a Shape)> {
        self.measured().filter_map(|(q, f)| Some((q, f, q.shape()?)))
    }

    /// The table, where advice on it is wanted: not of a platform, with rows of its own.
    pub fn advisable(&self, name: &TableName) -> Option<&'a Table> {
        let advised = |t: &&Table| !t.platform && !matches!(t.kind, TableKind::View | TableKind::Foreign);
        self.catalog().table(name).filter(advised)
    }

    /// False where all tables of a query belong to a platform.
    pub fn is_advised(&self, query: &Query) -> bool {
        let platform = |name: &TableName| self.catalog().table(name).is_some_and(|t| t.platform);
        query.shape().is_none_or(|s| s.tables.is_empty() || !s.tables.iter().all(|t| platform(&t.table)))
    }

    /// The table a plan node scans. Without VERBOSE a plan has no schema: then the query's own references tell.
    pub fn scanned(&self, node: &PlanNode, query: &Query) -> Option<&'a Table> {
        let name = node.relation.as_deref()?;
        let schema = node.schema.clone().or_else(|| {
            let known = query.shape()?.tables.iter().find(|t| t.table.name == name)?;
            Some(known.table.schema.clone())
        });
        match schema {
            Some(schema) => self.advisable(&TableName::new(schema, name)),
            None => {
                let mut same = self.catalog().tables.iter().filter(|t| t.name == name);
                let only = same.next().filter(|_| same.next().is_none())?;
                self.advisable(&only.table_name())
            }
        }
    }

    /// A finding of this rule.
    pub fn finding(&self, level: (Severity, Confidence), subject: Subject, message: String, evidence: Evidences, fix: Fix) -> Finding {
        Finding {
            rule: self.rule.name.to_owned(),
            severity: level.0,
            confidence: level.1,
            fingerprint: Finding::fingerprint_of(self.rule.name, &subject),
            subject,
            message,
            evidence: evidence.0,
            fix,
        }
    }
}

/// Evidence in the making.
#[derive(Debug, Default)]
pub struct Evidences(BTreeMap<String, Value>);

impl Evidences {
    /// Nothing yet.
    pub fn new() -> Self {
        Evidences::default()
    }

    /// Adds a number or text; the unit is in the key. Numbers are cut to six digits behind the point.
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        let value = match value.into() {
            Value::Number(n) if n.is_finite() => Value::Number((n * 1e6).round() / 1e6),
            Value::Number(_) => return self,
            text => text,
        };
        self.0.insert(key.to_owned(), value);
        self
    }

    /// Adds a query's counters.
    pub fn with_figures(self, figures: &Figures) -> Self {
        self.with("calls", figures.calls).with("mean_ms", figures.mean_ms()).with("total_ms", figures.total_ms)
    }
}

/// Subjects.
pub(super) fn about_query(query: &Query) -> Subject {
    Subject { query: Some(query.fingerprint.clone()), ..Subject::default() }
}

pub(super) fn about_table(table: &TableName) -> Subject {
    Subject { schema: Some(table.schema.clone()), table: Some(table.name.clone()), ..Subject::default() }
}

pub(super) fn about_index(index: &Index) -> Subject {
    Subject { index: Some(index.name.clone()), ..about_table(&index.spec.table) }
}

/// CREATE INDEX, DROP INDEX, REINDEX: kept in the workload, no business of the query rules.
fn is_ddl(query: &Query) -> bool {
    let first = query.normalized.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
    matches!(first.as_str(), "create" | "drop" | "reindex")
}

/// The statement's own blocks: the outermost, and the arms of a set operation at the top.
pub(super) fn outer_blocks(shape: &Shape) -> impl Iterator<Item = &Block> {
    shape.blocks.iter().filter(|b| b.depth == 0)
}

/// Columns compared `= $n` or `= constant`, each of which must hold.
pub(super) fn equal_columns(reference: &TableRef) -> impl Iterator<Item = &str> {
    let given = |c: &&Condition| c.op == Op::Eq && matches!(c.rhs, Rhs::Parameter(_) | Rhs::Constant(_) | Rhs::Expression);
    reference.conditions.iter().filter(given).filter_map(|c| match &c.key {
        crate::model::index_def::KeyExpr::Column(name) => Some(name.as_str()),
        crate::model::index_def::KeyExpr::Expression(_) => None,
    })
}

/// True when the equalities pin one row: they cover a unique index.
pub(super) fn pins_one_row(catalog: &Catalog, reference: &TableRef) -> bool {
    let equal: Vec<&str> = equal_columns(reference).collect();
    let pinned = |i: &Index| i.spec.keys.iter().all(|k| k.column_name().is_some_and(|c| equal.contains(&c)));
    catalog.indexes_of(&reference.table).any(|i| i.spec.unique && i.valid && i.spec.predicate.is_none() && pinned(i))
}

/// True when a list of values bounds the result: `= any($1)`, the batch form.
pub(super) fn is_batch(shape: &Shape) -> bool {
    shape.tables.iter().any(|t| t.conditions.iter().any(|c| c.op == Op::In && !matches!(c.rhs, Rhs::Subquery)))
}
