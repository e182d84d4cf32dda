//! The reconcile table: from ledger and catalog to the next move, for each action and goal.
//!
//! A build and a drop are the same two motions whether apply or rollback asks for them: undoing a
//! drop builds, undoing a create drops. Nothing is dropped that is not owned (or asked to be
//! dropped), of equal definition and on the recorded table.

mod facts;
mod moves;
mod parent;
mod preview;
mod rename;
#[cfg(test)]
mod tests;

pub use preview::{Preview, preview};

use super::machine::{Ending, Goal, Memory};
use crate::model::ddl::Ddl;
use crate::model::ledger::{Builder, Change, Entry, Motion, Relation, State, View, Worker};
use crate::model::text::one_line;
use facts::{Here, here, is_left_by_reindex};
use moves::{needs_you, renamed};

/// The next thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Move {
    /// Wait for (or cancel) an earlier run's worker.
    Settle(Worker, bool),
    /// Insert the entry, planned.
    Plan,
    /// Change its state.
    Record(Change),
    /// Wait until nobody else builds on the table.
    Calm,
    /// Open a connection for DDL.
    OpenWorker,
    /// Run one statement.
    Send(String),
    /// Run one statement that others queue behind while it waits: in short tries.
    SendBriefly(String),
    /// Stop.
    End(Ending),
}

struct Case<'a> {
    entry: &'a Entry,
    state: Option<State>,
    here: Here,
    relation: Option<Relation>,
    view: &'a View,
    memory: &'a mut Memory,
    /// State once the goal is reached.
    goal: State,
    /// State when a build failed and left nothing.
    fallback: State,
}

/// More looks than any path needs, retries included; each partition to be attached takes one more.
const MOST_LOOKS: usize = 60;

/// Decides; `wanted` is the entry as this run would plan it (for rollback, the ledger's own).
pub fn decide(goal: Goal, wanted: &Entry, view: &View, memory: &mut Memory) -> Move {
    memory.looks += 1;
    if memory.looks as usize > MOST_LOOKS + view.parts.len() {
        return needs_you(format!("{} does not come to rest: something else changes it", wanted.index), vec!["advisor status".into()]);
    }
    if view.entry.as_ref().is_some_and(|e| (&e.index, &e.table, e.motion) != (&wanted.index, &wanted.table, wanted.motion)) {
        return needs_you(format!("the ledger holds another index under id {}", one_line(&wanted.id)), vec!["advisor status".into()]);
    }
    let state = view.entry.as_ref().map(|e| e.state);
    let begun = state.is_some_and(State::is_under_way);
    // What was begun is judged by what it was begun for; anything else by what is wanted now.
    let entry = view.entry.as_ref().filter(|_| begun || goal == Goal::Rollback).unwrap_or(wanted);
    let mut entry = entry.clone();
    let mut relation = view.relation.clone();
    // An index is itself by its OID: under another name it is taken back there, and apply leaves it to a person.
    if let Some((name, there)) = view.moved.as_ref().filter(|(name, _)| entry.motion != Motion::Rename && !is_left_by_reindex(name)) {
        match (goal, state) {
            (Goal::Rollback, _) => (entry.index, relation) = (name.clone(), Some(there.clone())),
            (Goal::Apply, Some(State::Done)) if entry.motion != Motion::Drop => {
                return Move::End(Ending::Already(format!("it was built before and is called {name} now")));
            }
            (Goal::Apply, _) if begun || entry.motion == Motion::Drop => return renamed(&entry, name),
            (Goal::Apply, _) => {}
        }
    }
    if let Some(worker) = entry.worker.filter(|w| begun && view.worker_alive && memory.worker != Some(*w)) {
        // What leads to the goal is let go on: hours of building may be in it.
        let builds = state != Some(State::Dropping);
        let against = goal == Goal::Rollback && builds == (entry.motion != Motion::Drop);
        return if memory.interrupted { Move::End(Ending::Interrupted) } else { Move::Settle(worker, against) };
    }
    let fallback = if entry.motion == Motion::Drop { State::Done } else { State::Failed };
    let final_state = if goal == Goal::Apply { State::Done } else { State::RolledBack };
    let mut case =
        Case { state, here: here(&entry, relation.as_ref()), entry: &entry, relation, view, memory, goal: final_state, fallback };
    // A planned row of another run was never begun: planned anew, so that its definition is of now.
    if goal == Goal::Apply && state == Some(State::Planned) && view.entry.as_ref().is_some_and(|e| e.run != wanted.run) {
        return Move::Plan;
    }
    if let Some(end) = case.not_ours_to_touch() {
        return end;
    }
    match (entry.motion, goal) {
        (Motion::Create, Goal::Apply) => case.create(),
        (Motion::Create, Goal::Rollback) => case.uncreate(),
        (Motion::Drop, Goal::Apply) => case.drop(),
        (Motion::Drop, Goal::Rollback) => case.undrop(),
        (Motion::CreateParent, Goal::Apply) => case.create_parent(),
        (Motion::CreateParent, Goal::Rollback) => case.uncreate(),
        (Motion::Rename, Goal::Apply) => case.rename(),
        (Motion::Rename, Goal::Rollback) => case.unrename(),
    }
}

impl Case<'_> {
    fn create(&mut self) -> Move {
        match (self.state, self.here.clone()) {
            (Some(State::Building), _) => self.building(),
            (Some(State::Built | State::Verified), _) => self.built(),
            (Some(State::Failed), _) if self.memory.acted || self.memory.interrupted => self.gave_up(),
            (Some(State::RolledBack), _) if self.memory.attempts > 0 => self.taken_back_meanwhile(),
            (Some(State::Dropping), Here::Absent) => self.to(State::RolledBack, None),
            // A drop makes an index useless before it goes: what is valid was never touched.
            (Some(State::Dropping), Here::Valid) => self.to(State::Built, None),
            (Some(State::Dropping), Here::Invalid) => self.send_drop(),
            (Some(State::Done), Here::Valid) => self.reached("it was built before"),
            (Some(State::Done), Here::Invalid) => self.begin(State::Building),
            (_, Here::Other(what)) => self.refuse(what),
            (Some(State::Planned), Here::Absent) if self.twin().is_none() => self.begin(State::Building),
            (_, Here::Valid) => self.present("it was there before; rollback keeps it".into()),
            (_, Here::Absent) => self.planned_or_twin(),
            (state, Here::Invalid) => self.strange_carcass(state),
        }
    }

    /// An INVALID index of our definition that no entry of ours left.
    fn strange_carcass(&mut self, state: Option<State>) -> Move {
        let index = &self.entry.index;
        match state {
            Some(State::Planned) if self.memory.adopt => self.begin(State::Building),
            _ if self.memory.adopt => Move::Plan,
            _ => needs_you(
                format!("an INVALID index {index} is there that advisor did not leave"),
                vec!["--adopt-invalid drops it and builds it anew".into(), format!("or by hand: {};", index.drop_sql())],
            ),
        }
    }

    fn uncreate(&mut self) -> Move {
        match (self.state, self.here.clone()) {
            (None, _) => Move::End(Ending::Already("nothing was applied".into())),
            (Some(State::RolledBack), _) => self.reached("it was rolled back before"),
            (Some(State::Done), _) if self.memory.attempts > 0 => {
                Move::End(Ending::Failed("another run applied it again meanwhile".into()))
            }
            (Some(State::Planned | State::Failed), _) => self.to(State::RolledBack, Some("nothing had been built".into())),
            (Some(State::Present), _) => self.to(State::RolledBack, Some("kept: it was there before".into())),
            (Some(State::Dropping), Here::Absent) => self.to(State::RolledBack, None),
            (Some(_), Here::Absent) => self.to(State::RolledBack, Some("it was gone already".into())),
            (Some(State::Dropping), _) if self.is_another_than_dropped() => {
                self.to(State::RolledBack, Some("another index has its name by now: it stays".into()))
            }
            (Some(State::Building), Here::Other(_)) if !self.is_recorded() => {
                self.to(State::RolledBack, Some("nothing had been built: another index has its name, and stays".into()))
            }
            (Some(_), Here::Other(what)) => self.refuse(what),
            (Some(state), _) => match self.needed() {
                Some(why) => self.refuse(why),
                None if state == State::Dropping => self.send_drop(),
                None => self.begin(State::Dropping),
            },
        }
    }

    fn drop(&mut self) -> Move {
        match (self.state, self.here.clone()) {
            (Some(State::Dropping | State::Building | State::Built | State::Verified), Here::Absent) => self.to(State::Done, None),
            (Some(State::Done), Here::Absent) => self.reached("it was dropped before"),
            (Some(State::Failed), _) if self.memory.acted || self.memory.interrupted => self.gave_up(),
            (Some(State::RolledBack), _) if self.memory.attempts > 0 => self.taken_back_meanwhile(),
            (_, Here::Absent) => self.present("it was gone already".into()),
            (Some(State::Dropping), _) if self.is_another_than_dropped() => self.to(State::Done, None),
            (_, Here::Other(what)) => self.refuse(what),
            (Some(State::Dropping), Here::Valid) if self.memory.drop_error.is_some() || self.memory.interrupted => {
                self.take_back(State::Failed)
            }
            (state, Here::Valid) if self.kept().is_some() => self.keep(state),
            (Some(State::Dropping), _) => self.send_drop(),
            (state, _) => match (self.needed(), state) {
                (Some(why), _) => self.refuse(why),
                (None, Some(State::Planned | State::Building | State::Built | State::Verified)) => self.begin(State::Dropping),
                (None, _) => Move::Plan,
            },
        }
    }

    fn keep(&self, state: Option<State>) -> Move {
        let why = self.kept().unwrap_or_default();
        match state {
            Some(State::Dropping) => {
                Move::Record(Change { owned: Some(false), detail: Some(why), ..Change::new(self.from(), State::Failed) })
            }
            _ => needs_you(format!("{}: {why}", self.entry.index), vec!["analyze again if it still looks needless".into()]),
        }
    }

    fn undrop(&mut self) -> Move {
        let whole = self.entry.definition.valid;
        match (self.state, self.here.clone()) {
            (None, _) => Move::End(Ending::Already("nothing was applied".into())),
            (Some(State::RolledBack), _) => self.reached("it was rolled back before"),
            (Some(State::Planned | State::Failed | State::Present), _) => {
                self.to(State::RolledBack, Some("nothing had been dropped".into()))
            }
            (Some(State::Building), _) => self.building(),
            (Some(State::Built | State::Verified), _) => self.built(),
            (Some(State::Done), _) if self.memory.gave_up() => self.gave_up(),
            (Some(_), Here::Valid) => self.to(State::RolledBack, Some("it is there".into())),
            (Some(_), Here::Other(what)) => self.refuse(what),
            (Some(_), Here::Absent | Here::Invalid) if whole => self.begin(State::Building),
            (Some(_), _) => self.to(State::RolledBack, Some("it was INVALID: it is not built again".into())),
        }
    }

    /// A build of ours is recorded: find out how far it came, finish it or clear it away.
    fn building(&mut self) -> Move {
        match self.here.clone() {
            Here::Valid | Here::Invalid if self.somebody_was_first() => self.not_built_by_us(),
            Here::Valid => {
                let index_oid = self.relation.as_ref().map(|r| r.oid);
                Move::Record(Change { index_oid, ..Change::new(State::Building, State::Built) })
            }
            Here::Invalid => self.send_drop(),
            Here::Other(_) if self.somebody_was_first() => self.take_back(self.fallback),
            Here::Other(what) => self.refuse(what),
            Here::Absent if self.memory.held_back => self.not_begun_after_all(),
            Here::Absent if self.memory.error.is_some() && !self.worth_retrying() => self.take_back(self.fallback),
            Here::Absent if self.memory.interrupted => self.take_back(self.fallback),
            Here::Absent if self.memory.error.is_some() => self.begin(State::Building),
            Here::Absent if self.memory.sent.as_deref() == Some(&self.entry.definition.create.sql()) => self.vanished(),
            Here::Absent => self.send(self.entry.definition.create.sql()),
        }
    }

    /// The intent is taken off the record while others are waited for: whatever they build would pass for ours.
    fn not_begun_after_all(&mut self) -> Move {
        (self.memory.held_back, self.memory.calm) = (false, false);
        let (to, owned) = if self.entry.motion == Motion::Drop { (self.fallback, None) } else { (State::Planned, Some(false)) };
        Move::Record(Change { owned, ..Change::new(self.from(), to) })
    }

    fn not_built_by_us(&self) -> Move {
        let to = match (self.entry.motion, &self.here) {
            (Motion::Drop, _) => self.fallback,
            (_, Here::Valid) => State::Present,
            (_, _) => State::Failed,
        };
        let detail = Some("somebody else built it meanwhile: rollback keeps it".to_owned());
        Move::Record(Change { owned: Some(false), detail, ..Change::new(self.from(), to) })
    }

    /// What somebody else builds right now, or on a table that took the place of ours, is left alone.
    fn not_ours_to_touch(&self) -> Option<Move> {
        let index = &self.entry.index;
        let builder = self.view.builder.filter(|b| self.here == Here::Invalid && self.memory.worker.is_none_or(|w| w.pid != b.pid));
        if let Some(Builder { pid, sure }) = builder {
            if sure && self.state == Some(State::Building) && !self.is_recorded() {
                return Some(self.not_built_by_us());
            }
            let what = if sure { format!("index {index}") } else { format!("an index of table {}", self.entry.table) };
            let message = format!("{index}: process {pid} builds {what} now");
            return Some(needs_you(message, vec!["run the command again when it is done".into()]));
        }
        let replaced = self.view.table_oid.is_some_and(|oid| oid != self.entry.table_oid);
        let begun = matches!(self.state, Some(State::Building | State::Built | State::Verified | State::Dropping | State::Done));
        if replaced && begun && self.here == Here::Absent && self.goal_builds() {
            let what = format!("table {} is another one than when {index} was planned", self.entry.table);
            return Some(needs_you(what, vec!["analyze again: what was right for the old table may not be for this one".into()]));
        }
        None
    }

    /// The index is there: restore what hangs on it, then close.
    fn built(&mut self) -> Move {
        match self.here.clone() {
            Here::Other(what) => self.refuse(what),
            Here::Absent | Here::Invalid => self.begin(State::Building),
            Here::Valid if self.state == Some(State::Verified) => self.to(self.goal, None),
            Here::Valid => {
                let there = self.relation.as_ref().and_then(|r| r.definition.as_ref()).map(|d| d.extras.as_slice()).unwrap_or_default();
                let tried = |extra: &Ddl| self.memory.error.as_ref().filter(|_| self.memory.sent.as_deref() == Some(&extra.sql()));
                let missing = self.entry.definition.extras.iter().find(|e| !there.contains(e));
                match (missing, missing.and_then(tried)) {
                    (Some(extra), Some(error)) => {
                        needs_you(format!("index {} is built, but: {}", self.entry.index, error.message), vec![format!("{};", extra.sql())])
                    }
                    (Some(_), None) if self.memory.interrupted => Move::End(Ending::Interrupted),
                    (Some(extra), None) => self.send(extra.sql()),
                    (None, _) => self.analyze().map_or_else(|| self.to(State::Verified, None), |sql| self.send(sql)),
                }
            }
        }
    }

    fn planned_or_twin(&mut self) -> Move {
        match self.twin() {
            Some(twin) => self.present(format!("index {twin} is equal; nothing was built")),
            None => Move::Plan,
        }
    }

    fn present(&mut self, why: String) -> Move {
        if self.entry.part_of.is_some() {
            let what =
                "it is there, and advisor did not build it: attached, it would be dropped with the rest on rollback; give it another name";
            return self.refuse(what.into());
        }
        match self.state {
            Some(State::Present) => Move::End(Ending::Already(why)),
            Some(State::Planned) => self.to(State::Present, Some(why)),
            _ => Move::Plan,
        }
    }
}
