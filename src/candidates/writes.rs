//! What the writes of the workload pay for an index.

use crate::model::candidate::Writes;
use crate::model::index_def::{IndexSpec, KeyExpr};
use crate::model::query::{Query, StatementKind};

/// Cost of following one written row through one index, planner units.
const ENTRY_COST: f64 = 1.0;

/// Of the index `spec` on a table that has `others` beside it.
pub fn writes(workload: &[Query], spec: &IndexSpec, others: usize) -> Writes {
    let entries = written_rows(workload, spec, others);
    Writes { entries, cost: entries * ENTRY_COST, ..Writes::default() }
}

/// Index entries that the workload writes because of this index: one per inserted or deleted row; per
/// row whose UPDATE assigns one of its columns one here and, the HOT update being lost, one in each
/// of the table's `others` indexes.
fn written_rows(workload: &[Query], spec: &IndexSpec, others: usize) -> f64 {
    let entries = |q: &Query| {
        let rows = q.figures.as_ref().map_or(q.weight, |f| f.rows);
        let shape = q.shape()?;
        let target = shape.tables.iter().find(|t| t.written && t.table == spec.table)?;
        match shape.kind {
            StatementKind::Update if !assigns(&target.assigned, spec) => None,
            StatementKind::Update => Some(rows * (1 + others) as f64),
            _ => Some(rows),
        }
    };
    // An empty sum of floats is -0.0.
    workload.iter().filter_map(entries).sum::<f64>() + 0.0
}

fn assigns(assigned: &[String], spec: &IndexSpec) -> bool {
    let in_text = |c: &String, text: &str| text.contains(c.as_str());
    assigned.iter().any(|c| {
        spec.include.contains(c)
            || spec.predicate.as_deref().is_some_and(|p| in_text(c, p))
            || spec.keys.iter().any(|k| match &k.expr {
                KeyExpr::Column(name) => name == c,
                KeyExpr::Expression(sql) => in_text(c, sql),
            })
    })
}
