//! Which candidates matter to which query.

use super::subjects::Subject;
use crate::model::candidate::{Candidate, CandidateId, CandidateSet};
use crate::model::index_def::{IndexSpec, KeyExpr, TableName};
use crate::select::Target;
use std::collections::{BTreeMap, BTreeSet};

/// Each planned query with its candidates, of those that the engine has. `of` is its place among all subjects, by which
/// the candidates know it.
pub(super) fn targets(subjects: &[&Subject], of: &[usize], list: &[Candidate], built: &[bool]) -> Vec<Target> {
    let mut on_table: BTreeMap<&TableName, Vec<CandidateId>> = BTreeMap::new();
    let mut from: BTreeMap<usize, CandidateSet> = BTreeMap::new();
    for (id, candidate) in list.iter().enumerate().filter(|(id, _)| built[*id]) {
        on_table.entry(&candidate.spec.table).or_default().push(id);
        for query in &candidate.from_queries {
            from.entry(*query).or_default().insert(id);
        }
    }
    let target = |(subject, place): (&&Subject, &usize)| {
        let tables: BTreeSet<&TableName> = subject.shape.tables.iter().map(|t| &t.table).collect();
        let touching: CandidateSet = tables.iter().filter_map(|t| on_table.get(t)).flatten().copied().collect();
        let own = from.get(place).cloned().unwrap_or_default();
        let begins: BTreeSet<Beginning> = own.iter().filter_map(|id| beginning(&list[*id].spec)).collect();
        let alike = |id: &&CandidateId| list[**id].existing.is_some() || beginning(&list[**id].spec).is_some_and(|b| begins.contains(&b));
        let relevant = touching.iter().filter(alike).chain(&own).copied().collect();
        Target { weight: subject.weight, is_heavy: true, own, relevant, touching }
    };
    subjects.iter().zip(of).map(target).collect()
}

/// Table, method, first key: indexes that begin alike find rows alike.
type Beginning<'a> = (&'a TableName, &'a str, &'a KeyExpr);

fn beginning(spec: &IndexSpec) -> Option<Beginning<'_>> {
    Some((&spec.table, spec.method.as_str(), &spec.keys.first()?.expr))
}
