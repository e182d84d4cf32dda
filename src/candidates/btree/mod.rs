//! B-trees from the roles of a table reference.

pub mod roles;

use crate::model::catalog::Table;
use crate::model::index_def::{IndexSpec, KeySpec};
use crate::model::query::Shape;
use roles::{Predicate, Roles};

/// Most key columns of a candidate.
const MOST_KEYS: usize = 5;

/// Every B-tree that may serve one table reference of a query, whole ones before partial ones.
pub fn offers(shape: &Shape, table_ref: usize, table: &Table) -> Vec<IndexSpec> {
    let roles = roles::roles(shape, table_ref, table);
    let whole = heads(&roles).into_iter().map(|keys| IndexSpec::btree(table.table_name(), keys));
    whole.chain(partial(&roles, table)).collect()
}

/// The same keys over the few rows that meet a predicate, its column left out of them.
fn partial(roles: &Roles, table: &Table) -> Vec<IndexSpec> {
    let one = |predicate: &Predicate| {
        let others = |keys: &[KeySpec]| keys.iter().filter(|k| k.column_name() != Some(&predicate.column)).cloned().collect();
        let rest = Roles {
            equal: others(&roles.equal),
            range: others(&roles.range),
            join: others(&roles.join),
            order: roles.order.clone(),
            ..Roles::default()
        };
        let sql = predicate.sql.clone();
        heads(&rest).into_iter().map(move |keys| IndexSpec { predicate: Some(sql.clone()), ..IndexSpec::btree(table.table_name(), keys) })
    };
    roles.partial.iter().flat_map(one).collect()
}

/// The key lists worth trying for one reference, without repetitions, at most [`MOST_KEYS`] wide.
fn heads(roles: &Roles) -> Vec<Vec<KeySpec>> {
    let Roles { equal, range, join, order, group, arms, partial: _ } = roles;
    let mut out = Heads::default();
    let singles = equal.iter().chain(range).chain(join);
    singles.clone().for_each(|k| out.add([std::slice::from_ref(k)]));
    for a in equal.iter().chain(join) {
        for b in singles.clone() {
            out.add([std::slice::from_ref(a), std::slice::from_ref(b)]);
        }
    }
    out.add([equal]);
    for j in join {
        let j = std::slice::from_ref(j);
        out.add([j, equal]);
        out.add([equal, j]);
        out.add([j, order]);
        for r in range {
            out.add([j, equal, std::slice::from_ref(r)]);
        }
    }
    range.iter().for_each(|r| out.add([equal, std::slice::from_ref(r)]));
    for tail in [order, group] {
        out.add([tail]);
        out.add([equal, tail]);
        equal.iter().for_each(|e| out.add([std::slice::from_ref(e), tail]));
        join.iter().for_each(|j| out.add([std::slice::from_ref(j), equal, tail]));
    }
    arms.iter().for_each(|arm| out.add([arm]));
    out.lists
}

#[derive(Default)]
struct Heads {
    lists: Vec<Vec<KeySpec>>,
}

impl Heads {
    /// Adds the parts one behind the other; a column that came before is not repeated.
    fn add<'a>(&mut self, parts: impl IntoIterator<Item = &'a (impl AsRef<[KeySpec]> + ?Sized + 'a)>) {
        let mut keys: Vec<KeySpec> = Vec::new();
        for key in parts.into_iter().flat_map(|p| p.as_ref()) {
            if keys.iter().all(|k| k.expr != key.expr) {
                keys.push(key.clone());
            }
        }
        keys.truncate(MOST_KEYS);
        if !keys.is_empty() && !self.lists.contains(&keys) {
            self.lists.push(keys);
        }
    }
}
