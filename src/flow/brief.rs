//! Statements that take a lock which others queue behind, readers and writers alike: waiting long for
//! it would itself be an outage, so they wait shortly and try again.

use super::lifeline::TICK;
use super::runner::Runner;
use crate::apply::machine::Answer;
use crate::model::failure::Failure;
use crate::model::ledger::{Entry, SqlError};
use crate::term;
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// How long one try may hold up those who queue behind it. Not lock_timeout, which counts for each
/// lock anew: a parent's index takes one on every partition, and keeps those that it has.
const TRY: Duration = Duration::from_secs(2);

/// How long the queue may flow between two tries.
const PAUSE: Duration = Duration::from_secs(1);

/// How long it is tried where nobody said how long (`--max-wait`).
const PATIENCE: Duration = Duration::from_secs(600);

/// SQLSTATE of a statement that was cancelled, by its timeout or by somebody.
const CANCELED: &str = "57014";

impl Runner {
    /// Runs the statement, in tries of two seconds with pauses between them.
    pub(super) async fn send_briefly(&mut self, entry: &Entry, sql: &str) -> Result<Answer, Failure> {
        let answer = self.in_tries(entry, sql).await?;
        // Where this fails the connection is gone, which the next statement finds out.
        self.set("SET statement_timeout = 0").await;
        Ok(answer)
    }

    async fn in_tries(&mut self, entry: &Entry, sql: &str) -> Result<Answer, Failure> {
        let (since, patience) = (Instant::now(), self.line.limits.max_wait.unwrap_or(PATIENCE));
        let (mut told, mut limit) = (None, TRY);
        loop {
            self.waited_for = None;
            if let failed @ Answer::Failed(_) = self.set(&format!("SET statement_timeout = '{}ms'", limit.as_millis())).await {
                return Ok(failed);
            }
            let began = Instant::now();
            let answer = self.send(entry, sql).await?;
            let Answer::Failed(error) = &answer else { return Ok(answer) };
            // Sooner than its time somebody else cancelled it, and means it.
            let in_time = began.elapsed() + TICK < limit;
            if error.code.as_deref() != Some(CANCELED) || self.stopped_by_us || in_time {
                return Ok(answer);
            }
            // It had all locks and was at work: so many partitions take longer.
            if self.waited_for.is_none() {
                limit *= 2;
            }
            let holder = self.waited_for.take().map(|who| format!(": {who}")).unwrap_or_default();
            if since.elapsed() > patience {
                let message = format!("the lock could not be had within {} s{holder}", patience.as_secs());
                return Ok(Answer::Failed(SqlError { code: error.code.clone(), message }));
            }
            if told.as_ref() != Some(&holder) {
                term::note(&format!("{}: the lock was not had within 2 s, trying again{holder}", entry.index));
                told = Some(holder);
            }
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                () = self.line.signals.more_than(0) => return Ok(answer),
            }
        }
    }

    async fn set(&self, sql: &str) -> Answer {
        let failed = |message: &str| Answer::Failed(SqlError { code: None, message: message.to_owned() });
        let Some(session) = &self.worker else { return failed("the worker's connection is gone") };
        match timeout(self.line.limits.patience(), session.execute(sql)).await {
            Ok(done) => done.map_or_else(Answer::Failed, |()| Answer::Done),
            Err(_) => failed("no answer on the worker's connection"),
        }
    }
}
