//! The control connection of a run, opened again when it breaks: the server restarts, the network
//! is cut, somebody ends our session. Nothing is lost by it: the ledger and the catalog are asked anew.

use super::kill_point::point;
use crate::apply::machine::Answer;
use crate::apply::preflight::{self, blocker};
use crate::apply::watch::Limits;
use crate::model::failure::{Failure, FailureKind};
use crate::model::ledger::{Holder, SqlError};
use crate::pg::build::Control;
use crate::signals::Signals;
use crate::term;
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout};

/// How often a wait is looked at.
pub(super) const TICK: Duration = Duration::from_millis(200);

/// How long a run waits for another advisor on the same table.
const LOCK_WAIT: Duration = Duration::from_secs(600);

/// A server that restarts or a network that heals is waited for so many leases.
const LEASES_TO_REOPEN: u32 = 10;

/// A question that breaks connection after connection is not asked for ever.
const MOST_REOPENS: u32 = 3;

/// The control connection with all that is needed to open it again.
pub(super) struct Lifeline {
    control: Control,
    target: Option<String>,
    verb: &'static str,
    /// What a person allows.
    pub(super) limits: Limits,
    /// Requests to stop.
    pub(super) signals: Signals,
    /// The lock held: table and its name.
    held: Option<(u32, String)>,
    /// Times it was opened again.
    pub(super) reopened: u32,
}

impl Lifeline {
    /// From here on the server ends a silent session, and signals are counted.
    pub(super) async fn new(control: Control, target: Option<&str>, verb: &'static str, limits: &Limits) -> Result<Lifeline, Failure> {
        let signals = Signals::count_from_now();
        control.lease(limits.lease).await?;
        Ok(Lifeline { control, target: target.map(str::to_owned), verb, limits: limits.clone(), signals, held: None, reopened: 0 })
    }

    /// The connection as it is now.
    pub(super) fn control(&self) -> &Control {
        &self.control
    }

    /// Asks; when the connection is gone, on a new one again.
    pub(super) async fn ask<T>(&mut self, question: impl AsyncFn(&Control) -> Result<T, Failure>) -> Result<T, Failure> {
        for _ in 0..=MOST_REOPENS {
            match timeout(self.limits.patience(), question(&self.control)).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(failure)) if self.control.answers(self.limits.patience()).await => return Err(lost_sight(failure)),
                _ => self.reopen().await?,
            }
        }
        let what = format!("the server does not answer within {} s, on {MOST_REOPENS} new connections", self.limits.patience().as_secs());
        Err(lost_sight(Failure::new(FailureKind::ApplyNeedsYou, what)))
    }

    /// Writes to the ledger. When the connection is gone it may have been written or not: that is
    /// [`Answer::Stale`], and the next look tells.
    pub(super) async fn write(&mut self, change: impl AsyncFn(&Control) -> Result<bool, SqlError>) -> Result<Answer, Failure> {
        point();
        let written = timeout(self.limits.patience(), change(&self.control)).await;
        point();
        match written {
            Ok(Ok(true)) => Ok(Answer::Done),
            Ok(Ok(false)) => Ok(Answer::Stale),
            Ok(Err(error)) if self.control.answers(self.limits.patience()).await => Ok(Answer::Failed(error)),
            _ => self.reopen().await.map(|()| Answer::Stale),
        }
    }

    async fn reopen(&mut self) -> Result<(), Failure> {
        let patience = self.limits.lease * LEASES_TO_REOPEN;
        term::note(&format!("the connection to the server is lost; trying again for {} s", patience.as_secs()));
        let (since, seen) = (Instant::now(), self.signals.count());
        let mut pause = TICK;
        let fresh = loop {
            let why = match timeout(self.limits.patience(), self.fresh()).await {
                Ok(Ok(control)) => break control,
                Ok(Err(failure)) if failure.kind == FailureKind::ApplyNeedsYou => return Err(failure),
                Ok(Err(failure)) => failure.message,
                Err(_) => "no answer".to_owned(),
            };
            if since.elapsed() > patience || self.signals.count() > seen {
                return Err(lost_sight(Failure::new(FailureKind::ApplyNeedsYou, format!("the server is out of reach: {why}"))));
            }
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(2));
        };
        // Our own old session may live on behind a dead network, and with it the lock.
        fresh.end(self.control.me).await.map_err(lost_sight)?;
        self.control = fresh;
        self.reopened += 1;
        term::note("connected again");
        if let Some((oid, what)) = self.held.take()
            && let Some(busy) = Box::pin(self.lock(oid, &what)).await?
        {
            return Err(lost_sight(Failure::new(FailureKind::ApplyNeedsYou, busy)));
        }
        Ok(())
    }

    /// A new connection to the same cluster, able to build.
    async fn fresh(&self) -> Result<Control, Failure> {
        let mut control = Control::open(self.target.as_deref(), self.verb).await?;
        let stranger = control.server.system.zip(self.control.server.system).is_some_and(|(now, then)| now != then);
        if stranger {
            return Err(Failure::new(FailureKind::ApplyNeedsYou, "another cluster answers now at the same address")
                .hint("name the right server with --db and run the command again"));
        }
        if let Some((what, _)) = preflight::refuse_server(&control.server) {
            return Err(Failure::new(FailureKind::Connect, what));
        }
        control.lease(self.limits.lease).await?;
        control.ledger = self.control.ledger.clone();
        Ok(control)
    }

    /// Takes the advisory lock of a table (or the whole database) by polling; says who holds it when
    /// it takes too long, or when a person asked to stop.
    pub(super) async fn lock(&mut self, table_oid: u32, what: &str) -> Result<Option<String>, Failure> {
        let since = Instant::now();
        let limit = self.limits.max_wait.unwrap_or(LOCK_WAIT);
        let mut told = false;
        point();
        while !self.ask(async |c| c.try_lock(table_oid).await).await? {
            let Some(holder) = self.ask(async |c| c.lock_holder(table_oid).await).await? else {
                sleep(TICK).await;
                continue;
            };
            let dead = holder.advisor && holder.silent_seconds > self.limits.lease.as_secs_f64();
            if dead && self.limits.take_over {
                term::note(&format!("ending {}: it is silent for {:.0} s", blocker(&holder.who), holder.silent_seconds));
                self.ask(async |c| c.end(holder.worker).await).await?;
            } else if since.elapsed() > limit || self.signals.count() > 0 {
                return Ok(Some(busy(what, &holder, dead)));
            } else if !told {
                term::note(&format!("waiting for {}", busy(what, &holder, dead)));
                told = true;
            }
            sleep(TICK).await;
        }
        point();
        self.held = Some((table_oid, what.to_owned()));
        Ok(None)
    }

    /// Gives back the lock that is held, if any.
    pub(super) async fn unlock(&mut self) -> Result<(), Failure> {
        match self.held.take() {
            Some((oid, _)) => self.ask(async |c| c.unlock(oid).await).await,
            None => Ok(()),
        }
    }
}

fn busy(what: &str, holder: &Holder, dead: bool) -> String {
    let cure = if dead { "; it is silent: --take-over ends it" } else { "" };
    format!("another advisor on {what}: {}{cure}", blocker(&holder.who))
}

/// An error that leaves us without knowledge of what the server does; the ledger has it.
pub(super) fn lost_sight(failure: Failure) -> Failure {
    let failure = Failure { kind: FailureKind::ApplyNeedsYou, ..failure };
    if failure.hints.is_empty() { failure.hint("run the command again: it finds what is left and finishes it") } else { failure }
}
