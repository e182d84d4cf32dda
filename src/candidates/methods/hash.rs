//! Hash indexes: they keep four bytes of a value, whatever its width.

use super::spec;
use crate::model::catalog::Table;
use crate::model::index_def::{IndexSpec, KeyExpr, KeySpec};
use crate::model::query::{Condition, Op, Shape};

/// Average width from which a B-tree of the same key is clearly larger, bytes.
const WIDE: f64 = 32.0;

/// One per wide column that the query compares for equality and does nothing else with.
pub(super) fn offers(shape: &Shape, table_ref: usize, table: &Table) -> Vec<IndexSpec> {
    let this = &shape.tables[table_ref];
    let block = &shape.blocks[this.block];
    let conditions = || this.conditions.iter().chain(this.or_arms.iter().flatten());
    let is_equality = |c: &Condition| matches!(c.op, Op::Eq | Op::In);
    let sorted = |key: &KeyExpr| block.order.iter().chain(&block.group).any(|k| k.table_ref == table_ref && k.key == *key);
    let mut all: Vec<IndexSpec> = Vec::new();
    for condition in conditions().filter(|c| is_equality(c)) {
        let KeyExpr::Column(name) = &condition.key else { continue };
        let wide = table.column(name).and_then(|c| c.stats.as_ref()).is_some_and(|s| s.avg_width_bytes > WIDE);
        let only_equal = conditions().filter(|c| c.key == condition.key).all(is_equality) && !sorted(&condition.key);
        let offer = spec(table, "hash", vec![KeySpec::column(name.as_str())]);
        if wide && only_equal && !all.contains(&offer) {
            all.push(offer);
        }
    }
    all
}
