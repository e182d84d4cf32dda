//! The reconcile table: from ledger and catalog to the next move, for each action and goal.
//!
//! A build and a drop are the same two motions whether apply or rollback asks for them: undoing a
//! drop builds, undoing a create drops. Nothing is dropped that is not owned (or asked to be
//! dropped), of equal definition and on the recorded table.

mod parent;
mod rename;
#[cfg(test)]
mod tests;

use super::machine::{Ending, Goal, Memory};
use crate::model::ddl::{Ddl, IndexName};
use crate::model::ledger::{Builder, Change, Entry, Motion, Relation, SqlError, State, View, Worker};
use crate::model::text::one_line;

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

/// What has the index's name, as far as this entry is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Here {
    Absent,
    Invalid,
    Valid,
    Other(String),
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

/// What apply will do about a change, for the plan; nothing is decided by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Preview {
    /// It will act; with a remark where an earlier run left work.
    Acts(Option<String>),
    /// There is nothing to do, and why.
    Nothing(String),
    /// It cannot, and what to do.
    Refused(String, Vec<String>),
}

/// The first moves of [`decide`], in words.
pub fn preview(wanted: &Entry, view: &View, adopt: bool) -> Preview {
    let mut view = view.clone();
    let memory = || Memory { adopt, ..Memory::default() };
    let mut first = decide(Goal::Apply, wanted, &view, &mut memory());
    if first == Move::Plan {
        view.entry = Some(wanted.clone());
        first = decide(Goal::Apply, wanted, &view, &mut memory());
    }
    match first {
        Move::End(Ending::NeedsYou(message, hints)) => Preview::Refused(message, hints),
        Move::End(Ending::Already(why)) => Preview::Nothing(why),
        Move::End(Ending::Waits(_)) => Preview::Acts(Some("an earlier run was cut short: it is finished".into())),
        Move::Record(change) if change.to == State::Present => Preview::Nothing(change.detail.unwrap_or_default()),
        Move::Settle(worker, _) => Preview::Acts(Some(format!("an earlier run's work on it still goes on (process {})", worker.pid))),
        _ if view.entry.as_ref().is_some_and(|e| !e.owned)
            && view.relation.as_ref().is_some_and(|r| !r.valid)
            && wanted.motion == Motion::Create =>
        {
            Preview::Acts(Some("the INVALID index that is there is dropped first".into()))
        }
        _ if view.entry.as_ref().is_some_and(|e| matches!(e.state, State::Building | State::Dropping)) => {
            Preview::Acts(Some("an earlier run was cut short: it is finished".into()))
        }
        _ => Preview::Acts(None),
    }
}

fn here(entry: &Entry, relation: Option<&Relation>) -> Here {
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

fn renamed(entry: &Entry, name: &IndexName) -> Move {
    let back = format!("{};", name.rename_sql(&entry.index.name));
    let hints =
        vec![format!("give it its name back and run the command again: {back}"), format!("or: advisor rollback {}", one_line(&entry.id))];
    needs_you(format!("index {} that a run of advisor began is called {name} now", entry.index), hints)
}

fn needs_you(message: String, hints: Vec<String>) -> Move {
    Move::End(Ending::NeedsYou(message, hints))
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

    /// Why it stays though it was to be dropped: what was found of it is not so any more. A drop never makes an index valid.
    fn kept(&self) -> Option<String> {
        let repaired = (!self.entry.definition.valid).then(|| "it was INVALID and is valid by now: somebody repaired it".to_owned());
        repaired.or_else(|| self.needed())
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

    /// True where the index that the name is of is the one that a run of ours was seen to make.
    fn is_recorded(&self) -> bool {
        self.entry.index_oid.is_some() && self.entry.index_oid == self.relation.as_ref().map(|r| r.oid)
    }

    /// CREATE INDEX found the name taken, or never went out: what is there and was not when we began is not our doing.
    fn somebody_was_first(&self) -> bool {
        let taken = self.memory.error.as_ref().is_some_and(is_taken);
        let unsent = self.memory.attempts > 0 && !self.memory.created && self.relation.as_ref().map(|r| r.oid) != self.memory.found;
        taken || unsent
    }

    /// The intent is taken off the record while others are waited for: whatever they build would pass for ours.
    fn not_begun_after_all(&mut self) -> Move {
        (self.memory.held_back, self.memory.calm) = (false, false);
        let (to, owned) = if self.entry.motion == Motion::Drop { (self.fallback, None) } else { (State::Planned, Some(false)) };
        Move::Record(Change { owned, ..Change::new(self.from(), to) })
    }

    fn taken_back_meanwhile(&self) -> Move {
        Move::End(Ending::Failed("another run took it back meanwhile".into()))
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

    /// True where reaching the goal means that the index is there.
    fn goal_builds(&self) -> bool {
        (self.entry.motion == Motion::Drop) == (self.goal == State::RolledBack)
    }

    /// Our DROP INDEX went through, and an index of that name is there all the same. An equal one that a
    /// later run finds may be ours, built anew by REINDEX.
    fn is_another_than_dropped(&self) -> bool {
        let there = self.relation.as_ref().map(|r| r.oid);
        let changed = matches!(self.here, Here::Other(_));
        let gone = self.memory.dropped.or(self.entry.index_oid.filter(|_| changed));
        gone.is_some_and(|oid| Some(oid) != there)
    }

    fn vanished(&self) -> Move {
        let message = format!("index {} was built, but is not there under its name: renamed or dropped meanwhile", self.entry.index);
        needs_you(message, vec!["advisor status".into()])
    }

    /// Two builds on one table deadlock, and either may lose: the loser tries again. So does a build
    /// that a restart of the server or a dead network ended.
    fn worth_retrying(&self) -> bool {
        let Some(error) = &self.memory.error else { return false };
        let deadlock = error.code.as_deref() == Some("40P01");
        (deadlock || (self.memory.reconnected && error.broke_connection())) && self.memory.attempts < 3 && !self.memory.interrupted
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

    /// Without statistics the planner guesses at an expression and may leave its index aside. Not
    /// worth failing for, so it is tried once.
    fn analyze(&self) -> Option<String> {
        let sql = format!("ANALYZE {}", self.entry.table.quoted());
        let wanted = self.entry.definition.create.has_expression() && !self.memory.interrupted;
        (wanted && self.memory.sent.as_deref() != Some(&sql)).then_some(sql)
    }

    /// An equal index that makes ours needless. A partition's own does not: attached, it would fall with the rest on rollback.
    fn twin(&self) -> Option<&IndexName> {
        self.view.twin.as_ref().filter(|_| self.entry.part_of.is_none())
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

    fn reached(&self, before: &str) -> Move {
        let remark = self.view.entry.as_ref().and_then(|e| e.error.clone());
        Move::End(if self.memory.acted { Ending::Reached } else { Ending::Already(remark.unwrap_or_else(|| before.to_owned())) })
    }

    fn gave_up(&self) -> Move {
        let message = self.memory.error.as_ref().or(self.memory.drop_error.as_ref()).map(|e| e.message.clone());
        let recorded = || self.view.entry.as_ref().and_then(|e| e.error.clone()).unwrap_or_default();
        Move::End(if self.memory.interrupted { Ending::Interrupted } else { Ending::Failed(message.unwrap_or_else(recorded)) })
    }

    fn refuse(&self, what: String) -> Move {
        let whole = self.entry.part_of.as_ref().map(|id| format!("advisor rollback {} takes back all that it is part of", one_line(id)));
        needs_you(format!("{}: {what}", self.entry.index), whole.into_iter().collect())
    }

    /// Why it must not be dropped. UNIQUE guards data, unless it came from us, never became valid, or another guards the same.
    fn needed(&self) -> Option<String> {
        let relation = self.relation.as_ref()?;
        let drops = self.entry.motion == Motion::Drop;
        let unique = drops && self.view.twin.is_none() && relation.definition.as_ref().is_some_and(|d| d.create.unique && d.valid);
        let partitioned = drops && relation.partitioned;
        let what = unique.then_some("it is UNIQUE: it guards the data").or(partitioned.then_some("it is the index of a partitioned table"));
        relation.needed.clone().or_else(|| what.map(str::to_owned))
    }

    fn from(&self) -> State {
        self.state.unwrap_or(State::Planned)
    }

    fn to(&self, to: State, detail: Option<String>) -> Move {
        Move::Record(Change { detail, ..Change::new(self.from(), to) })
    }

    /// An attempt is over and nothing of it is left.
    fn take_back(&self, to: State) -> Move {
        let error = self.memory.error.as_ref().or(self.memory.drop_error.as_ref()).map(describe);
        let owned = if to == State::Failed { Some(false) } else { None };
        let detail = Some(error.unwrap_or_else(|| "interrupted".to_owned()));
        Move::Record(Change { owned, detail, ..Change::new(self.from(), to) })
    }

    /// Commits the intent and the worker before the first statement of an attempt.
    fn begin(&mut self, to: State) -> Move {
        if self.memory.interrupted {
            return Move::End(Ending::Interrupted);
        }
        if to == State::Building && !self.memory.calm {
            self.memory.found = self.relation.as_ref().map(|r| r.oid);
            return Move::Calm;
        }
        let Some(worker) = self.memory.worker else { return Move::OpenWorker };
        self.memory.attempts += 1;
        (self.memory.calm, self.memory.held_back, self.memory.created) = (false, false, false);
        self.memory.found = self.relation.as_ref().map(|r| r.oid);
        self.memory.reconnected = false;
        self.memory.error = None;
        self.memory.sent = None;
        // Half dropped, it must be known again, also where there is no definition to compare.
        let index_oid = self.memory.found.filter(|_| to == State::Dropping);
        Move::Record(Change { owned: Some(true), worker: Some(worker), index_oid, attempt: true, ..Change::new(self.from(), to) })
    }

    /// One statement, once the ledger knows who runs it.
    fn send(&self, sql: String) -> Move {
        match self.memory.worker {
            None => Move::OpenWorker,
            Some(worker) if self.entry.worker != Some(worker) => {
                Move::Record(Change { worker: Some(worker), attempt: true, ..Change::new(self.from(), self.from()) })
            }
            Some(_) => Move::Send(sql),
        }
    }

    /// The same for a statement that others queue behind.
    fn send_briefly(&self, sql: String) -> Move {
        match self.send(sql) {
            Move::Send(sql) => Move::SendBriefly(sql),
            other => other,
        }
    }

    fn send_drop(&mut self) -> Move {
        self.memory.dropping = self.relation.as_ref().map(|r| r.oid);
        let parent = self.entry.motion == Motion::CreateParent;
        let sql = if parent { self.entry.index.drop_parent_sql() } else { self.entry.index.drop_sql() };
        let Some(error) = &self.memory.drop_error else { return if parent { self.send_briefly(sql) } else { self.send(sql) } };
        if self.memory.interrupted {
            return Move::End(Ending::Interrupted);
        }
        let message = format!("index {} could not be dropped: {}", self.entry.index, error.message);
        needs_you(message, vec!["run the command again to finish".into(), format!("or by hand: {sql};")])
    }
}

/// The name is taken; of two that take it at once the server finds only that its own catalog would hold it twice.
fn is_taken(error: &SqlError) -> bool {
    let twice = || error.message.contains("pg_class_relname_nsp_index");
    error.code.as_deref().is_some_and(|code| code == "42P07" || (code == "23505" && twice()))
}

/// REINDEX CONCURRENTLY gives the index's name to a new one and this to the old one, which it drops.
fn is_left_by_reindex(name: &IndexName) -> bool {
    name.name.trim_end_matches(|c: char| c.is_ascii_digit()).ends_with("_ccold")
}

/// SQLSTATE and message.
fn describe(error: &SqlError) -> String {
    match &error.code {
        Some(code) => format!("{code}: {}", error.message),
        None => error.message.clone(),
    }
}
