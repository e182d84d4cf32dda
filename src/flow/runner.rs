//! Carries one machine's questions to the server and its answers back.

use super::apply::site::stopped;
use super::display::Display;
use super::kill_point::point;
use super::lifeline::{Lifeline, TICK};
use crate::apply::machine::{Answer, Ask, Ending, Goal, Machine, is_create};
use crate::apply::watch::{Seen, Watchdog, too_far_behind};
use crate::model::failure::{Failure, FailureKind};
use crate::model::ledger::{Change, Entry, Motion, SqlError, State, Worker};
use crate::model::text::quote_ident;
use crate::pg::build::{Life, WorkerSession};
use crate::pg::ledger;
use crate::term;
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout};

/// Replication lag is asked for this often while something runs.
const LAG_EVERY: Duration = Duration::from_secs(2);

/// Everything a run needs beside the machine.
pub(super) struct Runner {
    /// The control connection.
    pub(super) line: Lifeline,
    target: Option<String>,
    verb: &'static str,
    pub(super) worker: Option<WorkerSession>,
    /// Whom the last statement that waited was last seen waiting for.
    pub(super) waited_for: Option<String>,
    /// INVALID indexes of the wanted definition that others left are dropped and built anew.
    adopt: bool,
    /// Free bytes, where a person knows them.
    room: Option<f64>,
    /// Requests to stop that the machine knows of.
    told_signals: u32,
    /// The last statement was cancelled by us.
    pub(super) stopped_by_us: bool,
}

impl Runner {
    /// A run on this connection.
    pub(super) fn new(line: Lifeline, target: Option<&str>, verb: &'static str) -> Runner {
        Runner {
            line,
            target: target.map(str::to_owned),
            verb,
            worker: None,
            waited_for: None,
            adopt: false,
            room: None,
            told_signals: 0,
            stopped_by_us: false,
        }
    }

    /// The same, allowed to take over what others left.
    pub(super) fn adopting(mut self, adopt: bool) -> Runner {
        self.adopt = adopt;
        self
    }

    /// The same, told how much is free.
    pub(super) fn with_room(mut self, room: Option<f64>) -> Runner {
        self.room = room;
        self
    }

    /// One entry to its goal. An error means that we lost sight of it; the ledger knows the rest.
    pub(super) async fn run(&mut self, goal: Goal, entry: &Entry) -> Result<Ending, Failure> {
        let mut machine = Machine::new(goal, entry.clone()).adopting(self.adopt);
        let mut reopened = self.line.reopened;
        let ending = loop {
            self.told_signals = self.line.signals.count();
            if self.told_signals > 0 {
                machine.interrupt();
            }
            let answer = match machine.next().clone() {
                Ask::End(ending) => break ending,
                Ask::Lock => match self.line.lock(entry.table_oid, &entry.table.to_string()).await? {
                    None => Answer::Done,
                    Some(busy) => Answer::Failed(SqlError { code: None, message: busy }),
                },
                Ask::Look => Answer::View(Box::new(self.line.ask(async |c| c.look(entry).await).await?)),
                Ask::Settle { worker, cancel } => self.settle(entry, worker, cancel).await?,
                Ask::Plan(entry) => self.line.write(async |c| ledger::plan(c, &entry).await).await?,
                Ask::Record(change) => self.line.write(async |c| ledger::record(c, &entry.id, &change).await).await?,
                Ask::Calm => self.wait_for_calm(entry, entry.motion != Motion::Rename).await?,
                Ask::OpenWorker => match self.stopped(goal, entry).await? {
                    Some(why) => Answer::Failed(SqlError { code: None, message: format!("{}: {why}", entry.index) }),
                    None => self.open_worker(goal, entry).await?,
                },
                Ask::Send(sql) => self.send(entry, &sql).await?,
                Ask::SendBriefly(sql) => self.send_briefly(entry, &sql).await?,
            };
            if self.line.reopened > reopened {
                reopened = self.line.reopened;
                machine.reconnected();
            }
            machine.tell(answer);
        };
        self.line.unlock().await?;
        Ok(ending)
    }

    async fn settle(&mut self, entry: &Entry, worker: Worker, cancel: bool) -> Result<Answer, Failure> {
        let what = if cancel { "cancelling" } else { "waiting for" };
        term::note(&format!("{what} an earlier run's work on {} (process {})", entry.index, worker.pid));
        let mut display = Display::new(entry);
        let limits = self.line.limits.clone();
        let mut watchdog = Watchdog::new(&limits);
        while self.line.signals.count() == 0 {
            match self.line.ask(async |c| c.life(worker).await).await? {
                Life::Gone => break,
                Life::Hidden => return Err(hidden(entry, worker, &self.line.control().server.role)),
                // Behind a dead network its session lives on, and a statement may still be on its way to it.
                Life::Idle => self.line.ask(async |c| c.end(worker).await).await?,
                Life::Working => {
                    let seen = self.look_at(&mut display, worker).await?;
                    if cancel || watchdog.judge(&seen).is_some() {
                        self.line.ask(async |c| c.cancel(worker).await).await?;
                    }
                }
            }
            sleep(TICK).await;
        }
        Ok(Answer::Done)
    }

    /// What preflight found may have changed since: it is asked again under the lock, before anything is begun.
    async fn stopped(&mut self, goal: Goal, entry: &Entry) -> Result<Option<String>, Failure> {
        let room = self.room;
        if goal == Goal::Apply { self.line.ask(async |c| stopped(c, entry, room).await).await } else { Ok(None) }
    }

    async fn open_worker(&mut self, goal: Goal, entry: &Entry) -> Result<Answer, Failure> {
        let failed = |message: &str| Ok(Answer::Failed(SqlError { code: None, message: message.to_owned() }));
        let mut reopened = self.line.reopened;
        let session = loop {
            point();
            let opening = WorkerSession::open(self.target.as_deref(), self.verb, self.line.control().server.version_num);
            let opened = timeout(self.line.limits.lease, opening).await;
            point();
            let error = match opened {
                Ok(Ok(session)) => break session,
                Ok(Err(error)) => error,
                Err(_) => SqlError { code: None, message: "no answer to a new connection".into() },
            };
            // The server may be restarting: then the control connection is opened again, which waits for it.
            self.line.ask(async |c| c.life(c.me).await).await?;
            if self.line.reopened == reopened {
                return Ok(Answer::Failed(error));
            }
            reopened = self.line.reopened;
        };
        let worker = session.worker;
        // An address may stand for several servers.
        if self.line.ask(async |c| c.life(worker).await).await? == Life::Gone {
            return failed("the second connection reached another server than the first; name one server with --db");
        }
        // A definition without a tablespace is in the database's own, whatever the role would choose for a new index.
        if (goal, entry.motion) == (Goal::Rollback, Motion::Drop)
            && let Err(error) = session.execute("SET default_tablespace = ''").await
        {
            return Ok(Answer::Failed(error));
        }
        self.worker = Some(session);
        Ok(Answer::Worker(worker))
    }

    /// Runs the statement with a live display. The first signal or the watchdog cancels it (a
    /// clean-up is left to finish), the second signal leaves at once.
    pub(super) async fn send(&mut self, entry: &Entry, sql: &str) -> Result<Answer, Failure> {
        let Some(session) = self.worker.take() else {
            return Ok(Answer::Failed(SqlError { code: None, message: "the worker's connection is gone".into() }));
        };
        // Of a build it must be certain whether it went out; anything else may wait with its intent on record.
        let held_back = if is_create(sql) {
            self.disturbed(entry, false).await?.map(|_| Answer::Stale)
        } else {
            Some(self.wait_for_calm(entry, false).await?).filter(|answer| *answer != Answer::Done)
        };
        if let Some(answer) = held_back {
            self.worker = Some(session);
            return Ok(answer);
        }
        point();
        let result = self.attend(entry, &session, sql).await;
        point();
        self.worker = Some(session);
        Ok(result?.map_or_else(Answer::Failed, |()| Answer::Done))
    }

    /// Why it is no time to begin: two builds on one table would deadlock, and the loser could be the
    /// other one; a standby that is far behind would fall further.
    async fn disturbed(&mut self, entry: &Entry, replays: bool) -> Result<Option<String>, Failure> {
        let builds = self.line.ask(async |c| c.builds().await).await?;
        if let Some(build) = builds.iter().find(|b| b.table_oid == Some(entry.table_oid)) {
            return Ok(Some(format!("process {} builds an index on the table", build.pid)));
        }
        let gated = replays && self.line.limits.max_lag.is_some();
        let lag = if gated { self.line.ask(async |c| c.lag().await).await? } else { None };
        Ok(too_far_behind(&self.line.limits, lag))
    }

    /// Waits for such a time. Where it did wait it is to be looked again: what was waited for may have
    /// changed everything.
    async fn wait_for_calm(&mut self, entry: &Entry, replays: bool) -> Result<Answer, Failure> {
        let since = Instant::now();
        let mut told = false;
        while let Some(why) = self.disturbed(entry, replays).await? {
            if self.line.signals.count() > self.told_signals {
                return if self.told_signals > 0 { Err(left_at_once()) } else { Ok(Answer::Stale) };
            }
            if self.line.limits.max_wait.is_some_and(|limit| since.elapsed() > limit) {
                return Ok(Answer::Failed(SqlError { code: Some("57014".into()), message: format!("not begun: {why} (--max-wait)") }));
            }
            if !told {
                term::note(&format!("{}: waiting: {why}", entry.index));
                told = true;
            }
            sleep(TICK).await;
        }
        Ok(if told { Answer::Stale } else { Answer::Done })
    }

    async fn attend(&mut self, entry: &Entry, session: &WorkerSession, sql: &str) -> Result<Result<(), SqlError>, Failure> {
        let (limits, worker) = (self.line.limits.clone(), session.worker);
        let (mut watchdog, mut display) = (Watchdog::new(&limits), Display::new(entry));
        let told = self.told_signals;
        self.stopped_by_us = false;
        let mut given_up: Option<String> = None;
        let mut signalled = false;
        let mut silent: Option<Instant> = None;
        let mut known_oid = !is_create(sql);
        let mut running = std::pin::pin!(session.execute(sql));
        loop {
            tokio::select! {
                biased;
                result = &mut running => return Ok(result.map_err(|error| explained(error, given_up))),
                () = self.line.signals.more_than(told + u32::from(signalled)) => {
                    if signalled || told > 0 {
                        return Err(left_at_once());
                    }
                    signalled = true;
                    term::note("stopping: waiting for the server to let go; once more leaves at once");
                }
                () = sleep(TICK) => {}
            }
            // Again and again: the first may have come before the statement did.
            if signalled || given_up.is_some() {
                self.stopped_by_us = true;
                self.line.ask(async |c| c.cancel(worker).await).await?;
            }
            let seen = self.look_at(&mut display, worker).await?;
            if !known_oid {
                known_oid = self.learn_oid(entry, worker).await?;
            }
            if let Some(why) = watchdog.judge(&seen).filter(|_| given_up.is_none()) {
                term::note(&format!("{}: {why}", entry.index));
                given_up = Some(why);
                continue;
            }
            // The backend is done, and no answer comes: the network swallowed it.
            silent = match self.line.ask(async |c| c.life(worker).await).await? {
                Life::Working | Life::Hidden => None,
                Life::Idle | Life::Gone => Some(silent.unwrap_or_else(Instant::now)),
            };
            if silent.is_some_and(|since| since.elapsed() > limits.patience()) {
                return Ok(Err(SqlError { code: None, message: "the server is done, but its answer does not come".into() }));
            }
        }
    }

    /// Shows how far a worker is.
    async fn look_at(&mut self, display: &mut Display, worker: Worker) -> Result<Seen, Failure> {
        let progress = self.line.ask(async |c| c.progress(worker).await).await?;
        let waits = progress.as_ref().is_none_or(|p| p.phase.starts_with("waiting"));
        let blockers = if waits { self.line.ask(async |c| c.waiting_for(worker).await).await? } else { Vec::new() };
        let waiting = display.show(progress.as_ref(), &blockers);
        self.waited_for = waiting.clone().or(self.waited_for.take());
        // Only a build has progress and makes others replay it; a drop, a clean-up among them, is not held up for them.
        let ask_lag = progress.is_some()
            && self.line.limits.max_lag.is_some()
            && display.elapsed().as_millis() % LAG_EVERY.as_millis() < TICK.as_millis();
        let lag = if ask_lag { self.line.ask(async |c| c.lag().await).await? } else { None };
        Ok(Seen { elapsed: display.elapsed(), waiting, lag })
    }

    /// Records which index it is as soon as the server tells: its name may be changed while it is built.
    async fn learn_oid(&mut self, entry: &Entry, worker: Worker) -> Result<bool, Failure> {
        let progress = self.line.ask(async |c| c.progress(worker).await).await?;
        let Some(oid) = progress.and_then(|p| p.index_oid) else { return Ok(false) };
        let change = Change { index_oid: Some(oid), ..Change::new(State::Building, State::Building) };
        self.line.write(async |c| ledger::record(c, &entry.id, &change).await).await?;
        Ok(true)
    }
}

fn left_at_once() -> Failure {
    Failure::new(FailureKind::Interrupted, "left at once: the server may still be working")
        .hint("advisor status shows what is left; the next run cleans up")
}

/// Its process is there and calls itself an advisor; whether it is the same one we may not see.
fn hidden(entry: &Entry, worker: Worker, role: &str) -> Failure {
    let what = format!("process {} may still work on {}: its state is hidden from role {role}", worker.pid, entry.index);
    Failure::new(FailureKind::ApplyNeedsYou, what)
        .hint("run the command again as the role that began it, or when that process is gone")
        .hint(format!("or: GRANT pg_read_all_stats TO {};", quote_ident(role)))
}

/// The server only knows that it was cancelled; we know why.
fn explained(error: SqlError, given_up: Option<String>) -> SqlError {
    match given_up {
        Some(why) if error.code.as_deref() == Some("57014") => SqlError { message: why, ..error },
        _ => error,
    }
}
