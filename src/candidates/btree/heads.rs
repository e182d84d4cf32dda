//! Key lists worth trying: which columns, in which order. Every list serves some way of reading the reference.

use super::roles::Roles;
use crate::model::index_def::KeySpec;
use std::slice::from_ref;

/// Most key columns of a list; covering columns come on top.
const MOST_KEYS: usize = 6;

/// Of a role with more columns than this the first alone are combined with others: twenty conditions make no thousand lists.
const MOST_COMBINED: usize = 4;

/// Key lists without repetitions, the plainer before the richer.
#[derive(Default)]
pub struct Heads {
    /// The lists.
    pub lists: Vec<Vec<KeySpec>>,
}

impl Heads {
    /// Adds the parts one behind the other; a column that came before is not repeated.
    fn add<const N: usize>(&mut self, parts: [&[KeySpec]; N]) {
        let mut keys: Vec<KeySpec> = Vec::new();
        for key in parts.into_iter().flatten() {
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

/// Every list worth trying.
pub fn all(roles: &Roles) -> Vec<Vec<KeySpec>> {
    let mut out = Heads::default();
    let singles: Vec<&KeySpec> = roles.equal.iter().chain(&roles.range).chain(&roles.join).chain(&roles.optional).collect();
    singles.iter().for_each(|k| out.add([from_ref(*k)]));
    pairs(roles, &mut out);
    whole(roles, &mut out);
    for n in 3..roles.equal.len() {
        out.add([&roles.equal[..n]]);
    }
    out.lists
}

/// The lists by which a reference is read in the end: those worth covering.
pub fn chief(roles: &Roles) -> Vec<Vec<KeySpec>> {
    let mut out = Heads::default();
    whole(roles, &mut out);
    out.lists
}

fn pairs(roles: &Roles, out: &mut Heads) {
    let first = |list: &'_ [KeySpec]| list.iter().take(MOST_COMBINED).cloned().collect::<Vec<_>>();
    let (equal, join, range) = (first(&roles.equal), first(&roles.join), first(&roles.range));
    for a in equal.iter().chain(&join) {
        for b in equal.iter().chain(&range).chain(&join) {
            out.add([from_ref(a), from_ref(b)]);
        }
    }
}

fn whole(roles: &Roles, out: &mut Heads) {
    let Roles { equal, range, join, optional, listed, .. } = roles;
    out.add([equal.as_slice()]);
    out.add([&equal[..equal.len().min(1)]]);
    for r in range.iter().take(MOST_COMBINED) {
        out.add([equal, from_ref(r)]);
    }
    for j in join.iter().take(MOST_COMBINED) {
        out.add([from_ref(j), equal]);
        out.add([equal, from_ref(j)]);
        for r in range.iter().take(MOST_COMBINED) {
            out.add([from_ref(j), equal, from_ref(r)]);
        }
    }
    for p in optional {
        out.add([equal, from_ref(p)]);
    }
    let ones: Vec<KeySpec> = equal.iter().filter(|k| !listed.contains(k)).cloned().collect();
    for tail in roles.orders.iter().chain(&roles.groups) {
        out.add([tail.as_slice()]);
        out.add([equal, tail]);
        // A list of values breaks the order of what stands behind it.
        out.add([&ones, tail]);
        out.add([&ones, tail, equal]);
        equal.iter().take(MOST_COMBINED).for_each(|e| out.add([from_ref(e), tail]));
        (2..ones.len().min(MOST_COMBINED)).for_each(|n| out.add([&ones[..n], tail]));
        optional.iter().for_each(|p| out.add([equal, from_ref(p), tail]));
        join.iter().take(MOST_COMBINED).for_each(|j| {
            out.add([from_ref(j), tail]);
            out.add([from_ref(j), equal, tail]);
        });
    }
    for arm in &roles.arms {
        out.add([arm.as_slice()]);
        out.add([equal, arm]);
        roles.orders.iter().for_each(|tail| out.add([arm, tail]));
    }
}
