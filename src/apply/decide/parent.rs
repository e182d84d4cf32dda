//! The index of a partitioned table: made on the parent alone, in force once every partition's index
//! is attached. The partitions' indexes are entries of their own, built as any other; here they are
//! only joined, and not before all of one level are there: until then each can still be taken back
//! without blocking anybody.

use super::{Case, Here, Move, needs_you};
use crate::apply::machine::Ending;
use crate::model::ledger::{Change, Part, State};

/// Usable, whether attached already or about to be.
fn is_ready(part: &Part) -> bool {
    part.attached.is_some() || part.own.as_ref().is_some_and(|(_, valid)| *valid)
}

impl Case<'_> {
    pub(super) fn create_parent(&mut self) -> Move {
        match (self.state, self.here.clone()) {
            (Some(State::Building), Here::Absent) => self.parent_is_missing(),
            (Some(State::Building), Here::Valid | Here::Invalid) if self.somebody_was_first() => self.not_built_by_us(),
            (Some(State::Building), Here::Valid | Here::Invalid) => {
                let index_oid = self.relation.as_ref().map(|r| r.oid);
                Move::Record(Change { index_oid, ..Change::new(State::Building, State::Built) })
            }
            (Some(State::Dropping), Here::Absent) => self.to(State::RolledBack, None),
            // DROP INDEX is all or nothing: what is there was never touched.
            (Some(State::Dropping), Here::Valid | Here::Invalid) => self.to(State::Built, None),
            (Some(State::Failed), _) if self.memory.acted || self.memory.interrupted => self.gave_up(),
            (Some(State::RolledBack), _) if self.memory.attempts > 0 => self.taken_back_meanwhile(),
            (Some(State::Done), Here::Valid) => self.reached("it was built before"),
            (Some(State::Verified), Here::Valid) => self.to(State::Done, None),
            (Some(State::Built), Here::Valid) => self.to(State::Verified, None),
            (Some(State::Built), Here::Invalid) => self.attach(),
            (Some(State::Verified | State::Done), Here::Invalid) => self.to(State::Built, None),
            (Some(State::Built | State::Verified), Here::Absent) => self.begin(State::Building),
            (Some(State::Building), Here::Other(_)) if self.somebody_was_first() => self.take_back(State::Failed),
            (_, Here::Other(what)) => self.refuse(what),
            (_, Here::Valid) => self.present("it was there before; rollback keeps it".into()),
            (Some(State::Planned), Here::Absent) if self.twin().is_none() => self.begin(State::Building),
            (_, Here::Absent) => self.planned_or_twin(),
            (_, Here::Invalid) => needs_you(
                format!("an index {} that is not complete is there, and advisor did not make it", self.entry.index),
                vec![format!("{};", self.entry.index.drop_parent_sql())],
            ),
        }
    }

    /// Nothing is half done: CREATE INDEX ON ONLY is all or nothing.
    fn parent_is_missing(&mut self) -> Move {
        let sql = self.entry.up_sql();
        match (&self.memory.error, self.memory.interrupted) {
            _ if self.memory.held_back => self.not_begun_after_all(),
            (Some(_), false) if self.worth_retrying() => self.begin(State::Building),
            (Some(_), _) | (None, true) => self.take_back(State::Failed),
            (None, false) if self.memory.sent.as_deref() == Some(&sql) => self.vanished(),
            (None, false) => self.send_briefly(sql),
        }
    }

    /// The next partition's index joins, once all of this level are ready; the last one makes ours valid.
    fn attach(&mut self) -> Move {
        let parts = &self.view.parts;
        if let Some(part) = parts.iter().find(|p| !is_ready(p)) {
            return Move::End(Ending::Waits(format!("partition {} has no usable index yet", part.table)));
        }
        if let Some((index, _)) = parts.iter().filter_map(|p| p.attached.as_ref()).find(|(_, valid)| !valid) {
            let hint = format!("REINDEX INDEX CONCURRENTLY {};", index.quoted());
            return needs_you(format!("index {index} is attached to {}, but INVALID", self.entry.index), vec![hint]);
        }
        let missing = parts.iter().filter(|p| p.attached.is_none()).find_map(|p| p.own.as_ref());
        // All are attached, yet ours is not valid: attaching one again makes the server count anew.
        let Some((child, _)) = missing.or(parts.iter().find_map(|p| p.attached.as_ref())) else {
            // Its partitions are all gone: made anew on an empty table it is valid at once.
            return self.send_drop();
        };
        let sql = self.entry.index.attach_sql(child);
        if self.memory.sent.as_deref() != Some(&sql) {
            return if self.memory.interrupted { Move::End(Ending::Interrupted) } else { self.send_briefly(sql) };
        }
        if self.memory.interrupted {
            return Move::End(Ending::Interrupted);
        }
        let why = self.memory.error.as_ref().map_or("the server did not say why", |e| &e.message);
        needs_you(format!("{child} could not be attached to {}: {why}", self.entry.index), vec!["run the command again to go on".into()])
    }
}
