//! B-trees from the roles of a table reference.

mod cover;
mod heads;
mod key;
pub mod merge;
mod order;
mod partial;
pub mod roles;
pub mod taste;

use crate::model::catalog::{Column, Table};
use crate::model::index_def::{IndexSpec, KeySpec};
use crate::model::query::Shape;
use roles::Roles;
use taste::Taste;

/// Every B-tree that may serve one table reference of a query: whole ones before partial ones, each kind before the
/// same with more columns.
pub fn offers(shape: &Shape, table_ref: usize, table: &Table, taste: &Taste) -> Vec<IndexSpec> {
    let roles = roles::roles(shape, table_ref, table);
    if taste.finds_one_row(&roles, table) {
        return Vec::new();
    }
    let roles = taste.without_idle(roles, &shape.tables[table_ref].conditions, table);
    let plain = IndexSpec::btree(table.table_name(), Vec::new());
    let needed = cover::needed(shape, table_ref, table);
    let with = |keys: Vec<KeySpec>, over: &IndexSpec| IndexSpec { keys, ..over.clone() };
    let mut out: Vec<IndexSpec> = heads::all(&roles).into_iter().map(|keys| with(keys, &plain)).collect();
    for predicate in &roles.partial {
        let over = IndexSpec { predicate: Some(predicate.sql.clone()), ..plain.clone() };
        let heads = partial_heads(&roles, predicate, needed.as_deref(), table, taste);
        out.extend(heads.into_iter().map(|keys| with(keys, &over)));
    }
    if let Some(needed) = needed {
        let heads = |roles: &Roles| covering_heads(roles).into_iter().filter(|head| taste.may_cover(head, roles)).collect::<Vec<_>>();
        out.extend(heads(&roles).iter().flat_map(|head| cover::forms(head, &needed, &plain, taste)));
        for predicate in &roles.partial {
            let over = IndexSpec { predicate: Some(predicate.sql.clone()), ..plain.clone() };
            let rest = partial::rest(&roles, predicate);
            let left: Vec<_> = needed.iter().filter(|c| !predicate.fixed.contains(&c.name)).copied().collect();
            let covered = heads(&rest).into_iter().flat_map(|head| cover::forms(&head, &left, &over, taste));
            out.extend(covered.filter(|spec| !spec.include.is_empty()));
        }
    }
    let mut seen = std::collections::HashSet::new();
    let tasteless = |spec: &IndexSpec| taste.leads_with_flag(spec, &roles, table) || taste.repeats_unique(spec, shape, table_ref, table);
    out.retain(|spec| !tasteless(spec) && seen.insert(spec.clone()));
    out
}

/// Keys inside a predicate; where nothing is left to look up by, what the query needs, or the column that it is about.
fn partial_heads(
    roles: &Roles,
    predicate: &partial::Predicate,
    needed: Option<&[&Column]>,
    table: &Table,
    taste: &Taste,
) -> Vec<Vec<KeySpec>> {
    let lists = heads::chief(&partial::rest(roles, predicate));
    if !lists.is_empty() {
        return lists;
    }
    let left = needed.unwrap_or_default().iter().filter(|c| !predicate.fixed.contains(&c.name) && key::is_ordered(c));
    let left: Vec<&Column> = left.copied().collect();
    let all: Vec<KeySpec> = left.iter().filter(|_| taste.may_follow(&left)).map(|c| KeySpec::column(&c.name)).collect();
    let first = predicate.fixed.first().map(KeySpec::column);
    let any = || table.columns.iter().find(|c| c.not_null && key::is_ordered(c)).map(|c| KeySpec::column(&c.name));
    let one = first.or_else(any).map(|k| vec![k]);
    one.into_iter().chain((!all.is_empty()).then_some(all)).collect()
}

/// Heads worth a covering index: the chief ones, and each single column that leads one of them.
fn covering_heads(roles: &Roles) -> Vec<Vec<KeySpec>> {
    let mut lists = heads::chief(roles);
    lists.iter_mut().for_each(|l| l.truncate(3));
    let singles: Vec<Vec<KeySpec>> = roles.range.iter().chain(&roles.join).map(|k| vec![k.clone()]).collect();
    lists.extend(singles);
    let mut seen = std::collections::HashSet::new();
    lists.retain(|l| seen.insert(l.clone()));
    lists
}

#[cfg(test)]
mod tests;
