//! One entry's way through apply or rollback, as questions and answers.
//!
//! The machine holds no plan of its own: after every effect it looks again and [`decide`]s from
//! what is true, so a run that was killed anywhere and one that never stopped take the same path.

use super::decide::{Move, decide};
use crate::model::ledger::{Change, Entry, SqlError, View, Worker};

/// What lost for no fault of its own is tried again this often.
const MOST_LOST: u32 = 3;

/// Where an entry is to be brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// The change is in force.
    Apply,
    /// The change is taken back.
    Rollback,
}

/// What the machine wants done or known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// Take the table's advisory lock.
    Lock,
    /// Read ledger and catalog.
    Look,
    /// Wait until an earlier run's worker is finished; cancel it first where told.
    Settle {
        /// The worker.
        worker: Worker,
        /// Cancel it.
        cancel: bool,
    },
    /// Write the intent, planned.
    Plan(Box<Entry>),
    /// Write a change of state.
    Record(Change),
    /// Wait until nobody else builds on the table and no standby is too far behind.
    Calm,
    /// Open a connection for DDL.
    OpenWorker,
    /// Run one statement on it.
    Send(String),
    /// The same for one that others queue behind while it waits for a lock: in short tries.
    SendBriefly(String),
    /// Nothing more.
    End(Ending),
}

/// What came of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Lock, Settle, Plan, Record, Calm, Send: done.
    Done,
    /// Look.
    View(Box<View>),
    /// OpenWorker.
    Worker(Worker),
    /// Plan, Record: somebody else moved the entry. Send: others were at work on the table, and it was not sent.
    Stale,
    /// Lock: another session holds it for too long; Calm: it does not come; Send: the statement failed.
    Failed(SqlError),
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// The goal was reached by this run.
    Reached,
    /// It was so already; why, for people.
    Already(String),
    /// It failed and left nothing.
    Failed(String),
    /// A person has to look; message and what to do.
    NeedsYou(String, Vec<String>),
    /// Nothing is wrong, but other entries come first; what is waited for.
    Waits(String),
    /// Stopped on request; nothing is left half done.
    Interrupted,
}

/// What one run remembers between looks.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    /// Our open worker.
    pub worker: Option<Worker>,
    /// Why the last build, or another statement that is no drop, failed.
    pub error: Option<SqlError>,
    /// The statement of [`Memory::error`].
    pub failed: Option<String>,
    /// Why the last drop failed.
    pub drop_error: Option<SqlError>,
    /// Statements that lost for no fault of their own and were tried again.
    pub lost: u32,
    /// Builds this run began.
    pub attempts: u32,
    /// The last statement sent.
    pub sent: Option<String>,
    /// The table was found calm since the last attempt.
    pub calm: bool,
    /// A CREATE INDEX was not sent, for others at work on the table.
    pub held_back: bool,
    /// A CREATE INDEX of this attempt went out.
    pub created: bool,
    /// What had the index's name when this attempt was begun, or was about to be.
    pub found: Option<u32>,
    /// This run sent a statement.
    pub acted: bool,
    /// Looks taken; a bound, so that a fault of ours cannot circle for ever.
    pub looks: u32,
    /// The index that the last DROP INDEX was sent for, and the one that it is known to have dropped.
    pub dropping: Option<u32>,
    /// See [`Memory::dropping`].
    pub dropped: Option<u32>,
    /// A person asked to stop.
    pub interrupted: bool,
    /// The control connection was lost since the last statement was sent: the server may have restarted.
    pub reconnected: bool,
    /// An INVALID index of the wanted definition that others left may be dropped and built anew.
    pub adopt: bool,
}

impl Memory {
    /// True where this run tried and failed, or was told to stop.
    pub(super) fn gave_up(&self) -> bool {
        self.interrupted || self.error.is_some() || self.drop_error.is_some()
    }

    /// What lost a deadlock against a foreign build, or lost the server, is tried again. A build is an
    /// attempt of its own and counts for itself.
    fn forgive_what_was_lost(&mut self) {
        let builds = self.failed.as_deref().is_some_and(is_create);
        let (reconnected, again) = (self.reconnected, self.lost < MOST_LOST && !self.interrupted);
        let lost = |error: &SqlError| again && (error.code.as_deref() == Some("40P01") || (reconnected && error.broke_connection()));
        let mut forgiven = self.drop_error.take_if(|error| lost(error)).is_some();
        if !builds && self.error.take_if(|error| lost(error)).is_some() {
            forgiven = true;
            self.sent = None;
        }
        if forgiven {
            self.lost += 1;
            self.reconnected = false;
        }
    }
}

/// True for a statement that makes an index.
pub fn is_create(sql: &str) -> bool {
    sql.starts_with("CREATE ")
}

/// The machine.
#[derive(Debug)]
pub struct Machine {
    goal: Goal,
    wanted: Entry,
    memory: Memory,
    next: Ask,
}

impl Machine {
    /// `wanted` is the entry as it would be planned.
    pub fn new(goal: Goal, wanted: Entry) -> Self {
        Machine { goal, wanted, memory: Memory::default(), next: Ask::Lock }
    }

    /// The same, allowed to take over an INVALID index of the wanted definition that others left.
    pub fn adopting(mut self, adopt: bool) -> Self {
        self.memory.adopt = adopt;
        self
    }

    /// The question to answer next; the same until [`Machine::tell`].
    pub fn next(&self) -> &Ask {
        &self.next
    }

    /// A person asked to stop: nothing new is begun, what was begun is cleaned up.
    pub fn interrupt(&mut self) {
        self.memory.interrupted = true;
    }

    /// The control connection was lost and is there again: what failed meanwhile failed for that reason.
    pub fn reconnected(&mut self) {
        self.memory.reconnected = true;
    }

    /// Answers the question. After [`Ask::End`] nothing changes any more.
    pub fn tell(&mut self, answer: Answer) {
        self.next = match (std::mem::replace(&mut self.next, Ask::Look), answer) {
            (Ask::End(ending), _) => Ask::End(ending),
            (Ask::Lock, Answer::Failed(error)) => Ask::End(Ending::Failed(error.message)),
            (Ask::Look, Answer::View(view)) => self.decided(&view),
            (Ask::OpenWorker, Answer::Worker(worker)) => {
                self.memory.worker = Some(worker);
                Ask::Look
            }
            (Ask::Calm, Answer::Failed(error)) if self.memory.found.is_some() => {
                Ask::End(Ending::NeedsYou(error.message, vec!["run the command again".into(), "advisor status".into()]))
            }
            (Ask::Calm, Answer::Failed(error)) => Ask::End(Ending::Failed(error.message)),
            (Ask::Calm, Answer::Done) => {
                self.memory.calm = true;
                Ask::Look
            }
            (Ask::OpenWorker, Answer::Failed(error)) => Ask::End(Ending::NeedsYou(error.message, vec!["run the command again".into()])),
            (Ask::Send(sql) | Ask::SendBriefly(sql), Answer::Failed(error)) => self.failed(sql, error),
            // What it was decided on may have changed.
            (Ask::Send(sql) | Ask::SendBriefly(sql), Answer::Stale) => {
                self.memory.held_back = is_create(&sql);
                Ask::Look
            }
            (Ask::Send(sql) | Ask::SendBriefly(sql), _) => {
                if sql.starts_with("DROP INDEX") {
                    self.memory.dropped = self.memory.dropping;
                }
                self.went_out(sql);
                Ask::Look
            }
            (Ask::Plan(_) | Ask::Record(_), Answer::Failed(error)) => {
                Ask::End(Ending::NeedsYou(format!("the ledger cannot be written: {}", error.message), vec!["run the command again".into()]))
            }
            // Somebody else moved the entry, or a wait is over: the next look tells.
            _ => Ask::Look,
        };
    }

    /// A broken connection may have left the statement running: the worker is not ours to use any more.
    fn failed(&mut self, sql: String, error: SqlError) -> Ask {
        if error.broke_connection() {
            self.memory.worker = None;
        }
        if sql.starts_with("DROP INDEX") {
            self.memory.drop_error = Some(error);
        } else {
            (self.memory.error, self.memory.failed) = (Some(error), Some(sql.clone()));
        }
        self.went_out(sql);
        Ask::Look
    }

    fn went_out(&mut self, sql: String) {
        self.memory.acted = true;
        self.memory.created |= is_create(&sql);
        self.memory.sent = Some(sql);
    }

    fn decided(&mut self, view: &View) -> Ask {
        self.memory.forgive_what_was_lost();
        match decide(self.goal, &self.wanted, view, &mut self.memory) {
            Move::Settle(worker, cancel) => Ask::Settle { worker, cancel },
            Move::Plan => Ask::Plan(Box::new(self.wanted.clone())),
            Move::Record(change) => Ask::Record(change),
            Move::Calm => Ask::Calm,
            Move::OpenWorker => Ask::OpenWorker,
            Move::Send(sql) => Ask::Send(sql),
            Move::SendBriefly(sql) => Ask::SendBriefly(sql),
            Move::End(ending) => Ask::End(ending),
        }
    }
}
