//! What is there and whose it is: the questions that the tables of `decide.rs` ask.

use super::Case;
use crate::model::ddl::IndexName;
use crate::model::ledger::{Entry, Motion, Relation, SqlError, State};
use crate::model::text::one_line;

/// What has the index's name, as far as this entry is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Here {
    Absent,
    Invalid,
    Valid,
    Other(String),
}

pub(super) fn here(entry: &Entry, relation: Option<&Relation>) -> Here {
    let Some(relation) = relation else { return Here::Absent };
    let Some(definition) = &relation.definition else {
        return Here::Other(format!("the name is taken by a {}", relation.kind));
    };
    if relation.table_oid != Some(entry.table_oid) {
        return Here::Other(format!("an index of that name is on another table, {}", definition.create.table));
    }
    let equal = match &entry.shape {
        Some(shape) => definition.create.shape() == *shape,
        // Without a shape to compare (no TEMP privilege) only what we ourselves put there is known.
        // It is recorded while it is built; earlier versions did not record it when dropping.
        None => {
            let unrecorded = entry.state == State::Building || (entry.state == State::Dropping && entry.index_oid.is_none());
            entry.index_oid == Some(relation.oid) || (entry.owned && unrecorded)
        }
    };
    match (equal, relation.valid) {
        (true, true) => Here::Valid,
        (true, false) => Here::Invalid,
        (false, _) => Here::Other(format!("an index of that name is defined otherwise: {}", one_line(&definition.create.sql()))),
    }
}

impl Case<'_> {
    /// True where the index that the name is of is the one that a run of ours was seen to make.
    pub(super) fn is_recorded(&self) -> bool {
        self.entry.index_oid.is_some() && self.entry.index_oid == self.relation.as_ref().map(|r| r.oid)
    }

    /// CREATE INDEX found the name taken, or never went out: what is there and was not when we began is not our doing.
    pub(super) fn somebody_was_first(&self) -> bool {
        let taken = self.memory.error.as_ref().is_some_and(is_taken);
        let unsent = self.memory.attempts > 0 && !self.memory.created && self.relation.as_ref().map(|r| r.oid) != self.memory.found;
        taken || unsent
    }

    /// True where reaching the goal means that the index is there.
    pub(super) fn goal_builds(&self) -> bool {
        (self.entry.motion == Motion::Drop) == (self.goal == State::RolledBack)
    }

    /// Our DROP INDEX went through, and an index of that name is there all the same. An equal one that a
    /// later run finds may be ours, built anew by REINDEX.
    pub(super) fn is_another_than_dropped(&self) -> bool {
        let there = self.relation.as_ref().map(|r| r.oid);
        let changed = matches!(self.here, Here::Other(_));
        let gone = self.memory.dropped.or(self.entry.index_oid.filter(|_| changed));
        gone.is_some_and(|oid| Some(oid) != there)
    }

    /// Two builds on one table deadlock, and either may lose: the loser tries again. So does a build
    /// that a restart of the server or a dead network ended.
    pub(super) fn worth_retrying(&self) -> bool {
        let Some(error) = &self.memory.error else { return false };
        let deadlock = error.code.as_deref() == Some("40P01");
        (deadlock || (self.memory.reconnected && error.broke_connection())) && self.memory.attempts < 3 && !self.memory.interrupted
    }

    /// An equal index that makes ours needless. A partition's own does not: attached, it would fall with the rest on rollback.
    pub(super) fn twin(&self) -> Option<&IndexName> {
        self.view.twin.as_ref().filter(|_| self.entry.part_of.is_none())
    }

    /// Why it stays though it was to be dropped: what was found of it is not so any more. A drop never makes an index valid.
    pub(super) fn kept(&self) -> Option<String> {
        let repaired = (!self.entry.definition.valid).then(|| "it was INVALID and is valid by now: somebody repaired it".to_owned());
        repaired.or_else(|| self.needed())
    }

    /// Why it must not be dropped. UNIQUE guards data, unless it came from us, never became valid, or another guards the same.
    pub(super) fn needed(&self) -> Option<String> {
        let relation = self.relation.as_ref()?;
        let drops = self.entry.motion == Motion::Drop;
        let unique = drops && self.view.twin.is_none() && relation.definition.as_ref().is_some_and(|d| d.create.unique && d.valid);
        let partitioned = drops && relation.partitioned;
        let what = unique.then_some("it is UNIQUE: it guards the data").or(partitioned.then_some("it is the index of a partitioned table"));
        relation.needed.clone().or_else(|| what.map(str::to_owned))
    }

    /// Without statistics the planner guesses at an expression and may leave its index aside. Not
    /// worth failing for, so it is tried once.
    pub(super) fn analyze(&self) -> Option<String> {
        let sql = format!("ANALYZE {}", self.entry.table.quoted());
        let wanted = self.entry.definition.create.has_expression() && !self.memory.interrupted;
        (wanted && self.memory.sent.as_deref() != Some(&sql)).then_some(sql)
    }
}

/// The name is taken; of two that take it at once the server finds only that its own catalog would hold it twice.
fn is_taken(error: &SqlError) -> bool {
    let twice = || error.message.contains("pg_class_relname_nsp_index");
    error.code.as_deref().is_some_and(|code| code == "42P07" || (code == "23505" && twice()))
}

/// REINDEX CONCURRENTLY gives the index's name to a new one and this to the old one, which it drops.
pub(super) fn is_left_by_reindex(name: &IndexName) -> bool {
    name.name.trim_end_matches(|c: char| c.is_ascii_digit()).ends_with("_ccold")
}
