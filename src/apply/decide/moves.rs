//! How a move is put: records with their detail, statements only once the ledger knows who runs them, endings.

use super::{Case, Move};
use crate::apply::machine::Ending;
use crate::model::ddl::IndexName;
use crate::model::ledger::{Change, Entry, Motion, SqlError, State};
use crate::model::text::one_line;

impl Case<'_> {
    pub(super) fn from(&self) -> State {
        self.state.unwrap_or(State::Planned)
    }

    pub(super) fn to(&self, to: State, detail: Option<String>) -> Move {
        Move::Record(Change { detail, ..Change::new(self.from(), to) })
    }

    /// An attempt is over and nothing of it is left.
    pub(super) fn take_back(&self, to: State) -> Move {
        let error = self.memory.error.as_ref().or(self.memory.drop_error.as_ref()).map(describe);
        let owned = if to == State::Failed { Some(false) } else { None };
        let detail = Some(error.unwrap_or_else(|| "interrupted".to_owned()));
        Move::Record(Change { owned, detail, ..Change::new(self.from(), to) })
    }

    /// Commits the intent and the worker before the first statement of an attempt.
    pub(super) fn begin(&mut self, to: State) -> Move {
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
    pub(super) fn send(&self, sql: String) -> Move {
        match self.memory.worker {
            None => Move::OpenWorker,
            Some(worker) if self.entry.worker != Some(worker) => {
                Move::Record(Change { worker: Some(worker), attempt: true, ..Change::new(self.from(), self.from()) })
            }
            Some(_) => Move::Send(sql),
        }
    }

    /// The same for a statement that others queue behind.
    pub(super) fn send_briefly(&self, sql: String) -> Move {
        match self.send(sql) {
            Move::Send(sql) => Move::SendBriefly(sql),
            other => other,
        }
    }

    pub(super) fn send_drop(&mut self) -> Move {
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

    pub(super) fn refuse(&self, what: String) -> Move {
        let whole = self.entry.part_of.as_ref().map(|id| format!("advisor rollback {} takes back all that it is part of", one_line(id)));
        needs_you(format!("{}: {what}", self.entry.index), whole.into_iter().collect())
    }

    pub(super) fn reached(&self, before: &str) -> Move {
        let remark = self.view.entry.as_ref().and_then(|e| e.error.clone());
        Move::End(if self.memory.acted { Ending::Reached } else { Ending::Already(remark.unwrap_or_else(|| before.to_owned())) })
    }

    pub(super) fn gave_up(&self) -> Move {
        let message = self.memory.error.as_ref().or(self.memory.drop_error.as_ref()).map(|e| e.message.clone());
        let recorded = || self.view.entry.as_ref().and_then(|e| e.error.clone()).unwrap_or_default();
        Move::End(if self.memory.interrupted { Ending::Interrupted } else { Ending::Failed(message.unwrap_or_else(recorded)) })
    }

    pub(super) fn taken_back_meanwhile(&self) -> Move {
        Move::End(Ending::Failed("another run took it back meanwhile".into()))
    }

    pub(super) fn vanished(&self) -> Move {
        let message = format!("index {} was built, but is not there under its name: renamed or dropped meanwhile", self.entry.index);
        needs_you(message, vec!["advisor status".into()])
    }
}

pub(super) fn needs_you(message: String, hints: Vec<String>) -> Move {
    Move::End(Ending::NeedsYou(message, hints))
}

pub(super) fn renamed(entry: &Entry, name: &IndexName) -> Move {
    let back = format!("{};", name.rename_sql(&entry.index.name));
    let hints =
        vec![format!("give it its name back and run the command again: {back}"), format!("or: advisor rollback {}", one_line(&entry.id))];
    needs_you(format!("index {} that a run of advisor began is called {name} now", entry.index), hints)
}

/// SQLSTATE and message.
fn describe(error: &SqlError) -> String {
    match &error.code {
        Some(code) => format!("{code}: {}", error.message),
        None => error.message.clone(),
    }
}
