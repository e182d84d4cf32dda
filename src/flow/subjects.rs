//! Which queries take part in the choice of indexes, and with which weight.

use super::plans::ground;
use crate::model::catalog::{Catalog, ForeignKey, TableKind};
use crate::model::index_def::TableName;
use crate::model::query::{PlanOrigin, Query, QueryText, Shape, StatementKind, TableRef};
use crate::model::snapshot::Snapshot;
use crate::model::text::quote_ident;
use crate::pg::explain::Ground;
use crate::read::{plan_shape, sql};
use std::collections::BTreeSet;

/// A query that takes part in the choice.
pub(super) struct Subject {
    /// The query's, or `fk:NAME`.
    pub(super) fingerprint: String,
    /// To be planned, the most frequent first.
    pub(super) texts: Vec<QueryText>,
    /// Under what it is planned.
    pub(super) ground: Ground,
    /// From its SQL or from its plan.
    pub(super) shape: Shape,
    /// Those of its further texts. A constant that not all have is none that an index may be for.
    pub(super) other_shapes: Vec<Shape>,
    /// Executions in the window.
    pub(super) weight: f64,
    /// Of the plan that it has today, planner units; `None` where it has none yet.
    pub(super) cost: Option<f64>,
}

/// Queries with a plan of ours, and the look-ups of foreign keys whose parents lose rows.
pub(super) fn subjects(snapshot: &Snapshot) -> Vec<Subject> {
    let from_query = |query: &Query| {
        let today = query.plans.iter().find(|p| p.origin != PlanOrigin::Given)?;
        let mut shapes = shapes(query, &snapshot.catalog)?.into_iter();
        Some(Subject {
            fingerprint: query.fingerprint.clone(),
            texts: query.texts(),
            ground: ground(query),
            shape: shapes.next()?,
            other_shapes: shapes.collect(),
            weight: query.weight,
            cost: today.plan.root.total_cost,
        })
    };
    let from_key = |key: &ForeignKey| foreign_key_look_up(key, snapshot);
    snapshot.workload.iter().filter_map(from_query).chain(snapshot.catalog.foreign_keys.iter().filter_map(from_key)).collect()
}

/// By subject: false for those of a great many that together cost next to nothing. No index is made up for them; they may still
/// use those that others get.
pub(super) fn heavy(subjects: &[Subject]) -> Vec<bool> {
    let mut heavy = vec![true; subjects.len()];
    if subjects.len() <= MANY {
        return heavy;
    }
    let mut costs: Vec<(f64, usize)> = subjects.iter().enumerate().filter_map(|(n, s)| Some((s.weight * s.cost?, n))).collect();
    costs.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
    let whole: f64 = costs.iter().map(|(cost, _)| cost).sum();
    let mut seen = 0.0;
    for (cost, subject) in costs {
        seen += cost;
        heavy[subject] = seen > whole * NEXT_TO_NOTHING;
    }
    heavy
}

/// More queries than this are a great many.
pub(super) const MANY: usize = 1000;
/// Share of what the workload costs today.
const NEXT_TO_NOTHING: f64 = 0.005;

impl Subject {
    /// Of all its texts.
    pub(super) fn shapes(&self) -> impl Iterator<Item = &Shape> {
        std::iter::once(&self.shape).chain(&self.other_shapes)
    }
}

/// What candidates are made of: the shapes of all texts, the most frequent first, without constants that only some have.
fn shapes(query: &Query, catalog: &Catalog) -> Option<Vec<Shape>> {
    let is_view = |shape: &Shape| shape.tables.iter().any(|t| catalog.table(&t.table).is_some_and(|t| t.kind == TableKind::View));
    let mut shapes: Vec<Shape> = match query.shape() {
        Some(shape) if !is_view(shape) => std::iter::once(shape).chain(query.others.iter().filter_map(QueryText::shape)).cloned().collect(),
        // A plan is of one text: which of its constants the others have is not known.
        _ => vec![plan_shape::shape(query.plan()?, catalog)?],
    };
    if !query.others.is_empty() {
        keep_common_constants(&mut shapes);
    }
    shapes.retain(|shape| !shape.tables.is_empty());
    Some(shapes.into_iter().map(|shape| with_children(shape, catalog)).collect())
}

/// Takes the conditions out of consideration as predicates of partial indexes that not every shape has on the same table.
fn keep_common_constants(shapes: &mut [Shape]) {
    let predicates = |shape: &Shape| -> Vec<BTreeSet<String>> {
        shape.tables.iter().map(|t| t.conditions.iter().filter_map(|c| c.predicate.clone()).collect()).collect()
    };
    let all: Vec<Vec<BTreeSet<String>>> = shapes.iter().map(predicates).collect();
    let is_common =
        |number: usize, sql: &String| all.len() > 1 && all.iter().all(|tables| tables.get(number).is_some_and(|t| t.contains(sql)));
    for (number, table) in shapes.iter_mut().flat_map(|s| s.tables.iter_mut().enumerate()) {
        for condition in &mut table.conditions {
            condition.predicate = condition.predicate.take().filter(|sql| is_common(number, sql));
        }
    }
}

/// By plain inheritance a query of the parent reads the children too, each through indexes of its own.
fn with_children(mut shape: Shape, catalog: &Catalog) -> Shape {
    let mut at = 0;
    while let Some(parent) = shape.tables.get(at).cloned() {
        let children = catalog.tables.iter().filter(|t| t.inherits.contains(&parent.table));
        let names: Vec<TableName> = children.map(|t| t.table_name()).filter(|name| !is_read(&shape, name, &parent)).collect();
        shape.tables.extend(names.into_iter().map(|table| TableRef { table, ..parent.clone() }));
        at += 1;
    }
    shape
}

/// A DELETE of the parent, or an UPDATE of the columns referred to. An upsert finds its row by them and leaves them as they are.
fn loses_key(kind: StatementKind, target: &TableRef, key: &ForeignKey) -> bool {
    let changes = || target.assigned.iter().any(|c| key.parent_columns.contains(c));
    target.table == key.parent && (kind == StatementKind::Delete || (kind != StatementKind::Insert && changes()))
}

/// True when the children of this reference are among the shape's references already.
fn is_read(shape: &Shape, child: &TableName, parent: &TableRef) -> bool {
    shape.tables.iter().any(|t| t.table == *child && t.alias == parent.alias && t.block == parent.block)
}

/// What the server asks of the child for each parent row that is deleted or gets another key; weight: such rows in the window.
fn foreign_key_look_up(key: &ForeignKey, snapshot: &Snapshot) -> Option<Subject> {
    let parent = snapshot.catalog.table(&key.parent)?;
    let loses_keys = |q: &&Query| q.shape().is_some_and(|s| s.tables.iter().any(|t| t.written && loses_key(s.kind, t, key)));
    let in_window: f64 = snapshot.workload.iter().filter(loses_keys).map(|q| q.figures.as_ref().map_or(q.weight, |f| f.rows)).sum();
    let ever = parent.usage.as_ref().is_some_and(|u| u.deleted_rows > 0.0);
    if in_window == 0.0 && !ever {
        return None;
    }
    let only = if snapshot.catalog.table(&key.child)?.kind == TableKind::Partitioned { "" } else { "ONLY " };
    let columns: Vec<String> = key.child_columns.iter().enumerate().map(|(n, c)| format!("{} = ${}", quote_ident(c), n + 1)).collect();
    let text = format!("SELECT 1 FROM {only}{} x WHERE {} FOR KEY SHARE OF x", key.child.quoted(), columns.join(" AND "));
    let reading = sql::read(&text, &snapshot.catalog, &[]);
    Some(Subject {
        fingerprint: format!("fk:{}", key.name),
        shape: reading.shape()?.clone(),
        texts: vec![QueryText { text, share: 1.0, reading }],
        ground: Ground::default(),
        other_shapes: Vec::new(),
        weight: in_window.max(1.0),
        cost: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn costing(cost: Option<f64>) -> Subject {
        let (fingerprint, texts, ground, shape, other_shapes) = Default::default();
        Subject { fingerprint, texts, ground, shape, other_shapes, weight: 1.0, cost }
    }

    #[test]
    fn of_a_great_many_those_that_cost_next_to_nothing_together_are_light() {
        // 1,000 cost 1 each, one costs a million, of one nothing is known.
        let mut subjects: Vec<Subject> = (0..MANY).map(|_| costing(Some(1.0))).collect();
        assert!(heavy(&subjects).iter().all(|heavy| *heavy), "not a great many");
        subjects.extend([costing(Some(1e6)), costing(None)]);
        let heavy = heavy(&subjects);
        assert_eq!((heavy.iter().filter(|heavy| **heavy).count(), heavy[MANY], heavy[MANY + 1]), (2, true, true));
    }
}
