//! What writes pay for an index beside others: an update that is HOT no more writes an entry in every index of its table, so
//! that the index which ends it, and the new ones beside that, cost more together than each alone.

use super::Oracle;
use super::change::Change;
use super::search::Search;
use super::set::Set;
use crate::model::candidate::{Candidate, CandidateId};
use std::collections::BTreeMap;

impl<O: Oracle> Search<'_, O> {
    /// By how much writes become dearer by a change of `set`.
    pub(super) fn writes_rise(&self, set: &Set, change: Change) -> f64 {
        let alone = |id: Option<CandidateId>| id.map_or(0.0, |id| self.candidates[id].writes.cost);
        let more = if self.any_ends_hot { self.together(change, &change.of(set)) - self.together(change, set) } else { 0.0 };
        alone(change.into) - alone(change.out) + more
    }

    /// What writes pay for an index of the set, or one that comes to it.
    pub(super) fn writes_beside(&self, id: CandidateId, set: &Set) -> f64 {
        if self.any_ends_hot { self.writes_rise(&set.without(id), Change::with(id)) } else { self.candidates[id].writes.cost }
    }

    /// What a set's new indexes on the tables of a change cost together beyond what each costs alone.
    fn together(&self, change: Change, set: &Set) -> f64 {
        let mut tables: Vec<usize> = [change.out, change.into].into_iter().flatten().map(|id| self.table_of[id]).collect();
        tables.dedup();
        let new = |id: &CandidateId| set.contains(*id) && self.candidates[*id].existing.is_none();
        let of_table =
            |table: usize| cost(&self.on_table[table].iter().copied().filter(new).map(|id| &self.candidates[id]).collect::<Vec<_>>());
        tables.into_iter().map(of_table).sum()
    }
}

/// What updates that some of these end cost in the others: each has counted its own entries and those of the indexes that exist.
fn cost(beside: &[&Candidate]) -> f64 {
    let ended: BTreeMap<usize, f64> = beside.iter().flat_map(|c| c.hot.ends.iter().copied()).collect();
    let others = |update: usize| beside.iter().filter(|c| !c.hot.ends(update)).map(|c| c.hot.share).sum::<f64>();
    ended.into_iter().map(|(update, cost)| cost * others(update)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::candidate::Hot;
    use crate::model::index_def::{IndexSpec, KeySpec, TableName};

    #[test]
    fn the_end_of_hot_is_paid_in_each_further_index() {
        let candidate = |ends: &[(usize, f64)], share: f64| {
            let spec = IndexSpec::btree(TableName::new("s", "t"), vec![KeySpec::column("a")]);
            Candidate { hot: Hot { ends: ends.to_vec(), share }, ..Candidate::new(spec) }
        };
        let (ends, other, partial) = (candidate(&[(0, 50.0), (2, 7.0)], 1.0), candidate(&[], 1.0), candidate(&[(2, 7.0)], 0.1));
        assert_eq!(cost(&[&ends]), 0.0);
        assert_eq!(cost(&[&other, &partial]), 7.0);
        assert_eq!(cost(&[&ends, &other, &partial]), 50.0 * 1.1 + 7.0, "what two of them end is paid by the third alone");
    }
}
