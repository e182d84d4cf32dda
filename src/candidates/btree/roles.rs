//! What each column of one table reference does in its query: equality, range, join, order, group.

use super::key::{self, Use, use_of};
use super::order;
pub use super::partial::share_of;
use super::partial::{Predicate, predicates};
use crate::model::catalog::Table;
use crate::model::index_def::{KeyExpr, KeySpec};
use crate::model::query::{Condition, Op, Rhs, Shape};

/// Arms of ORs, and optional filters, that get candidates: a text made by a program may have thousands.
const MOST_ARMS: usize = 8;
/// Orders and groupings that get candidates.
const MOST_ORDERS: usize = 6;

/// The roles of one table reference, each list in a fixed order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Roles {
    /// Compared for equality with a constant, parameter or list; the choosiest first.
    pub equal: Vec<KeySpec>,
    /// Those of `equal` that have several values at once: rows behind them come in no order.
    pub listed: Vec<KeySpec>,
    /// Bounded on one or two sides, or by a pattern's prefix.
    pub range: Vec<KeySpec>,
    /// Compared for equality with another table's column.
    pub join: Vec<KeySpec>,
    /// Compared in some executions only.
    pub optional: Vec<KeySpec>,
    /// Orders wanted.
    pub orders: Vec<Vec<KeySpec>>,
    /// Groupings and DISTINCT.
    pub groups: Vec<Vec<KeySpec>>,
    /// Conditions on constants that few rows meet: each can be an index's predicate.
    pub partial: Vec<Predicate>,
    /// Arms of an OR, each with the keys that it can look up by.
    pub arms: Vec<Vec<KeySpec>>,
}

/// Reads the roles of one reference.
pub fn roles(shape: &Shape, table_ref: usize, table: &Table) -> Roles {
    let this = &shape.tables[table_ref];
    let mut roles = Roles::default();
    let implied = implied(shape, table_ref);
    for condition in this.conditions.iter().chain(&implied) {
        let (Some(as_), Some(key)) = (use_of(condition), key::of_condition(condition, table)) else { continue };
        match as_ {
            Use::Equal => push(&mut roles.equal, key),
            Use::Listed => {
                push(&mut roles.equal, key.clone());
                push(&mut roles.listed, key);
            }
            Use::Range => push(&mut roles.range, key),
            Use::Join => push(&mut roles.join, key),
        }
    }
    // One value is asked for beside the list: `x IN (1, 2) AND x = 1`.
    let once = |k: &KeySpec| this.conditions.iter().any(|c| c.key == k.expr && use_of(c) == Some(Use::Equal));
    roles.listed.retain(|k| !once(k));
    by_selectivity(&mut roles.equal, &this.conditions, table);
    for condition in &this.optional {
        if let Some(key) = use_of(condition).and_then(|_| key::of_condition(condition, table)) {
            push(&mut roles.optional, key);
        }
    }
    roles.partial = predicates(this.conditions.iter().chain(&implied), table);
    roles.arms = this.or_arms.iter().map(|arm| arm_keys(arm, table)).filter(|keys| !keys.is_empty()).collect();
    roles.orders = order::orders(shape, table_ref, table);
    roles.groups = order::groups(shape, table_ref, table);
    roles.arms.dedup();
    roles.arms.truncate(MOST_ARMS);
    roles.optional.truncate(MOST_ARMS);
    roles.orders.truncate(MOST_ORDERS);
    roles.groups.truncate(MOST_ORDERS);
    roles
}

/// Keys of an OR's arm, equalities first.
fn arm_keys(arm: &[Condition], table: &Table) -> Vec<KeySpec> {
    let mut keys = Vec::new();
    for wanted in [&[Use::Equal, Use::Listed, Use::Join][..], &[Use::Range]] {
        for condition in arm.iter().filter(|c| use_of(c).is_some_and(|u| wanted.contains(&u))) {
            if let Some(key) = key::of_condition(condition, table) {
                push(&mut keys, key);
            }
        }
    }
    keys
}

/// `a.x = b.y AND a.x = 5`: so is b.y.
fn implied(shape: &Shape, table_ref: usize) -> Vec<Condition> {
    let mut out = Vec::new();
    for join in &shape.tables[table_ref].conditions {
        let (Op::Eq, Rhs::Column { table_ref: other, column }) = (&join.op, &join.rhs) else { continue };
        let Some(there) = shape.tables.get(*other) else { continue };
        let value = |c: &&Condition| {
            matches!(c.op, Op::Eq | Op::In)
                && c.key == KeyExpr::Column(column.clone())
                && matches!(c.rhs, Rhs::Constant(_) | Rhs::Parameter(_) | Rhs::Expression)
        };
        let as_ours = |c: &Condition| Condition { key: join.key.clone(), columns: join.columns.clone(), predicate: None, ..c.clone() };
        out.extend(there.conditions.iter().filter(value).filter(|c| c.op == Op::Eq).map(as_ours));
    }
    out
}

fn push(list: &mut Vec<KeySpec>, key: KeySpec) {
    if list.iter().all(|k| k.expr != key.expr || k.opclass != key.opclass) {
        list.push(key);
    }
}

/// The condition that leaves fewest rows first; ties by the order of the columns in the table, then by text.
fn by_selectivity(keys: &mut [KeySpec], conditions: &[Condition], table: &Table) {
    let rank = |k: &KeySpec| {
        let column = k.column_name().and_then(|c| table.column(c));
        let condition = conditions.iter().find(|c| c.key == k.expr);
        let columns = condition.map(|c| c.columns.as_slice()).unwrap_or_default();
        let nulls = || column.and_then(|c| c.stats.as_ref()).map_or(1.0, |s| s.null_frac);
        let is_null = conditions.iter().any(|c| c.key == k.expr && c.op == Op::IsNull);
        let kept = if is_null { nulls() } else { distinct(&k.expr, columns, table).map_or(1.0, |d| 1.0 / d.max(1.0)) };
        (kept, column.map_or(i16::MAX, |c| c.number))
    };
    keys.sort_by(|a, b| {
        let ((ka, na), (kb, nb)) = (rank(a), rank(b));
        ka.total_cmp(&kb).then(na.cmp(&nb)).then_with(|| expr_text(a).cmp(expr_text(b)))
    });
}

/// Functions that take different values for different ones, or nearly so.
const KEEPS_APART: [&str; 6] = ["lower(", "upper(", "btrim(", "trim(", "md5(", "reverse("];

/// Distinct values of a key: those of its column, also where that is wrapped in a function that keeps values apart.
pub(super) fn distinct(key: &KeyExpr, columns: &[String], table: &Table) -> Option<f64> {
    let column = match (key, columns) {
        (KeyExpr::Column(name), _) => name,
        (KeyExpr::Expression(sql), [only]) if KEEPS_APART.iter().any(|f| sql.to_lowercase().starts_with(f)) => only,
        _ => return None,
    };
    table.column(column)?.stats.as_ref().map(|s| s.distinct(table.rows.unwrap_or(0.0)))
}

fn expr_text(key: &KeySpec) -> &str {
    match &key.expr {
        KeyExpr::Column(text) | KeyExpr::Expression(text) => text,
    }
}
