//! Orders in which one table reference can give its rows: ORDER BY, windows, min() and max(), GROUP BY, DISTINCT.

use super::key;
use crate::model::catalog::Table;
use crate::model::index_def::{KeyExpr, KeySpec};
use crate::model::query::{Op, OrderKey, Rhs, Shape};

/// Orders asked for, each as far as the reference alone can give it from the front.
pub fn orders(shape: &Shape, table_ref: usize, table: &Table) -> Vec<Vec<KeySpec>> {
    let lists = shape.blocks.iter().flat_map(|b| std::iter::once(&b.order).chain(&b.orders));
    collect(lists.map(|keys| forwards(leading(shape, table_ref, table, keys))))
}

/// Groupings, keys in the order of the block's ORDER BY as far as that goes.
pub fn groups(shape: &Shape, table_ref: usize, table: &Table) -> Vec<Vec<KeySpec>> {
    let of = |block: &crate::model::query::Block| {
        let grouped = leading(shape, table_ref, table, &block.group);
        let ordered = forwards(leading(shape, table_ref, table, &block.order));
        let mut keys: Vec<KeySpec> = ordered.into_iter().take_while(|o| grouped.iter().any(|g| g.expr == o.expr)).collect();
        let rest: Vec<KeySpec> = grouped.into_iter().filter(|g| keys.iter().all(|k| k.expr != g.expr)).collect();
        keys.extend(rest);
        keys
    };
    collect(shape.blocks.iter().map(of))
}

fn collect(lists: impl Iterator<Item = Vec<KeySpec>>) -> Vec<Vec<KeySpec>> {
    let mut out: Vec<Vec<KeySpec>> = Vec::new();
    for list in lists.filter(|l| !l.is_empty()) {
        if !out.contains(&list) {
            out.push(list);
        }
    }
    out
}

/// The first keys of a list that are this reference's own, or equal to a column of it by a join.
fn leading(shape: &Shape, table_ref: usize, table: &Table, keys: &[OrderKey]) -> Vec<KeySpec> {
    let mut out: Vec<KeySpec> = Vec::new();
    for order in keys {
        let Some(own) = own(shape, table_ref, order).and_then(|o| key::of_order(&o, table)) else { break };
        if out.iter().all(|k| k.expr != own.expr) {
            out.push(own);
        }
    }
    out
}

fn own(shape: &Shape, table_ref: usize, order: &OrderKey) -> Option<OrderKey> {
    if order.table_ref == table_ref {
        return Some(order.clone());
    }
    let KeyExpr::Column(name) = &order.key else { return None };
    let equal = shape.tables[table_ref].conditions.iter().find(|c| {
        c.op == Op::Eq && matches!(&c.rhs, Rhs::Column { table_ref: other, column } if *other == order.table_ref && column == name)
    })?;
    Some(OrderKey { table_ref, key: equal.key.clone(), ..order.clone() })
}

/// An index is read both ways: of two opposite orders the one is written that begins ascending.
fn forwards(mut keys: Vec<KeySpec>) -> Vec<KeySpec> {
    if keys.first().is_some_and(|k| k.descending) {
        for key in &mut keys {
            key.descending = !key.descending;
            key.nulls_first = !key.nulls_first;
        }
    }
    keys
}
