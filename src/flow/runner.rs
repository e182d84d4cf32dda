//! Carries one machine's questions to the server and its answers back.

use crate::apply::machine::{Answer, Ask, Ending, Goal, Machine};
use crate::apply::preflight::blocker;
use crate::apply::progress::Bar;
use crate::model::failure::{Failure, FailureKind};
use crate::model::ledger::{Entry, SqlError, Worker};
use crate::pg::build::{Control, WorkerSession};
use crate::pg::ledger;
use crate::signals::Signals;
use crate::term;
use std::time::{Duration, Instant};

/// How often a wait or a build is looked at.
const TICK: Duration = Duration::from_millis(200);

/// How long a run waits for another advisor on the same table.
const LOCK_WAIT: Duration = Duration::from_secs(600);

/// Everything a run needs beside the machine.
pub(super) struct Runner<'a> {
    pub control: &'a Control,
    pub target: Option<&'a str>,
    pub verb: &'a str,
    pub signals: &'a Signals,
    pub worker: Option<WorkerSession>,
}

impl Runner<'_> {
    /// One entry to its goal. An error means that we lost sight of it; the ledger knows the rest.
    pub(super) async fn run(&mut self, goal: Goal, entry: &Entry) -> Result<Ending, Failure> {
        let mut machine = Machine::new(goal, entry.clone());
        let mut locked = false;
        let ending = loop {
            if self.signals.count() > 0 {
                machine.interrupt();
            }
            let answer = match machine.next().clone() {
                Ask::End(ending) => break ending,
                Ask::Lock => match self.lock(entry.table_oid, &entry.table.to_string()).await? {
                    Answer::Done => {
                        locked = true;
                        Answer::Done
                    }
                    busy => busy,
                },
                Ask::Look => Answer::View(Box::new(self.control.look(entry).await.map_err(lost_sight)?)),
                Ask::Settle { worker, cancel } => self.settle(entry, worker, cancel).await?,
                Ask::Plan(entry) => written(ledger::plan(self.control, &entry).await),
                Ask::Record(change) => written(ledger::record(self.control, &entry.id, &change).await),
                Ask::OpenWorker => self.open_worker().await,
                Ask::Send(sql) => self.send(entry, &sql).await?,
                Ask::SendBriefly(sql) => self.send_briefly(entry, &sql).await?,
            };
            machine.tell(answer);
        };
        if locked {
            self.control.unlock(entry.table_oid).await.map_err(lost_sight)?;
        }
        Ok(ending)
    }

    /// Polls the advisory lock of a table (or the whole database).
    pub(super) async fn lock(&self, table_oid: u32, what: &str) -> Result<Answer, Failure> {
        let since = Instant::now();
        let mut told = false;
        while !self.control.try_lock(table_oid).await? {
            let holder = self.control.lock_holder(table_oid).await?.map(|b| blocker(&b)).unwrap_or_default();
            if !told {
                term::note(&format!("waiting for another advisor on {what}: {holder}"));
                told = true;
            }
            if since.elapsed() > LOCK_WAIT || self.signals.count() > 0 {
                let message = format!("another advisor works on {what}: {holder}");
                return Ok(Answer::Failed(SqlError { code: None, message }));
            }
            tokio::time::sleep(TICK).await;
        }
        Ok(Answer::Done)
    }

    async fn settle(&self, entry: &Entry, worker: Worker, cancel: bool) -> Result<Answer, Failure> {
        let what = if cancel { "cancelling" } else { "waiting for" };
        term::note(&format!("{what} an earlier run's work on {} (process {})", entry.index, worker.pid));
        let mut display = Display::new(entry);
        while self.control.is_working(worker).await.map_err(lost_sight)? && self.signals.count() == 0 {
            if cancel {
                self.control.cancel(worker).await.map_err(lost_sight)?;
            }
            display.tick(self.control, worker).await?;
            tokio::time::sleep(TICK).await;
        }
        Ok(Answer::Done)
    }

    async fn open_worker(&mut self) -> Answer {
        match WorkerSession::open(self.target, self.verb, self.control.server.version_num).await {
            Ok(session) => {
                let worker = session.worker;
                self.worker = Some(session);
                Answer::Worker(worker)
            }
            Err(error) => Answer::Failed(error),
        }
    }

    /// Runs the statement with a live display. The first signal cancels it (a clean-up is left to
    /// finish), the second leaves at once.
    pub(super) async fn send(&self, entry: &Entry, sql: &str) -> Result<Answer, Failure> {
        let Some(session) = &self.worker else {
            return Ok(Answer::Failed(SqlError { code: None, message: "the worker's connection is gone".into() }));
        };
        let seen = self.signals.count();
        let mut cancelled = false;
        let mut display = Display::new(entry);
        let mut running = std::pin::pin!(session.execute(sql));
        loop {
            tokio::select! {
                biased;
                result = &mut running => return Ok(result.map_or_else(Answer::Failed, |()| Answer::Done)),
                () = self.signals.more_than(seen + u32::from(cancelled)) => {
                    if cancelled || seen > 0 {
                        return Err(Failure::new(FailureKind::Interrupted, "left at once: the server may still be working")
                            .hint("advisor status shows what is left; the next run cleans up"));
                    }
                    cancelled = true;
                    term::note("stopping: waiting for the server to let go; once more leaves at once");
                    self.control.cancel(session.worker).await.map_err(lost_sight)?;
                }
                () = tokio::time::sleep(TICK) => display.tick(self.control, session.worker).await?,
            }
        }
    }
}

fn written(result: Result<bool, SqlError>) -> Answer {
    match result {
        Ok(true) => Answer::Done,
        Ok(false) => Answer::Stale,
        Err(error) => Answer::Failed(error),
    }
}

fn lost_sight(failure: Failure) -> Failure {
    Failure { kind: FailureKind::ApplyNeedsYou, ..failure }.hint("run the command again: it finds what is left and finishes it")
}

/// The bar of one statement, or plain lines where nobody watches.
struct Display {
    bar: Bar,
    shown: indicatif::ProgressBar,
    name: String,
    last: String,
    ticks: u64,
}

impl Display {
    fn new(entry: &Entry) -> Display {
        let create = &entry.definition.create;
        let method = create.body.split_whitespace().nth(1).unwrap_or_default();
        Display {
            bar: Bar::new(method, create.predicate.is_some()),
            shown: term::progress(100),
            name: entry.index.to_string(),
            last: String::new(),
            ticks: 0,
        }
    }

    async fn tick(&mut self, control: &Control, worker: Worker) -> Result<(), Failure> {
        let progress = control.progress(worker).await.map_err(lost_sight)?;
        let mut shown = self.bar.show(progress.as_ref());
        self.ticks += 1;
        if shown.waiting {
            let waiting = control.waiting_for(worker).await.map_err(lost_sight)?;
            match waiting.first() {
                Some(first) if waiting.len() > 1 => shown.text = format!("{}: {} and {} more", shown.text, who(first), waiting.len() - 1),
                Some(first) => shown.text = format!("{}: {}", shown.text, who(first)),
                // No progress row and nobody to wait for: a drop, or a build about to begin.
                None if progress.is_none() => shown.text = "working".into(),
                None => {}
            }
        }
        self.shown.set_position(shown.percent as u64);
        self.shown.set_message(crate::model::text::ellipsis(&format!("{} {}", self.name, shown.text), 70));
        // Without a terminal: a line per change of phase, once it lasts.
        if self.shown.is_hidden() && shown.text != self.last && self.ticks > 3 {
            term::note(&format!("{}: {:.0}% {}", self.name, shown.percent, shown.text));
            self.last = shown.text;
        }
        Ok(())
    }
}

/// Without the age, so that a waiting line does not change every second.
pub(super) fn who(b: &crate::model::ledger::Blocker) -> String {
    let text = blocker(b);
    text.rsplit_once(", for ").map_or(text.clone(), |(front, _)| front.to_owned())
}

impl Drop for Display {
    fn drop(&mut self) {
        self.shown.finish_and_clear();
    }
}
