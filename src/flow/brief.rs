//! Statements that take a lock which others queue behind, readers and writers alike: waiting long for
//! it would itself be an outage, so they wait shortly and try again.

use super::runner::{Runner, who};
use crate::apply::machine::Answer;
use crate::model::failure::Failure;
use crate::model::ledger::{Entry, SqlError};
use crate::term;
use std::time::{Duration, Instant};

/// How long one try may hold up those who queue behind it.
const TRY: &str = "SET lock_timeout = '2s'";

/// How long the queue may flow between two tries.
const PAUSE: Duration = Duration::from_secs(1);

/// How often it is looked at whom a try waits for.
const LOOK: Duration = Duration::from_millis(400);

/// How long it is tried.
const PATIENCE: Duration = Duration::from_secs(600);

/// SQLSTATE of a lock that was not had in time.
const LOCK_NOT_AVAILABLE: &str = "55P03";

impl Runner<'_> {
    /// Runs the statement, in tries of two seconds with pauses between them.
    pub(super) async fn send_briefly(&self, entry: &Entry, sql: &str) -> Result<Answer, Failure> {
        if let failed @ Answer::Failed(_) = self.set(TRY).await {
            return Ok(failed);
        }
        let answer = self.in_tries(entry, sql).await?;
        Ok(match self.set("SET lock_timeout = 0").await {
            // The statement went through; the connection is not needed for anything that matters.
            failed @ Answer::Failed(_) if answer != Answer::Done => failed,
            _ => answer,
        })
    }

    async fn in_tries(&self, entry: &Entry, sql: &str) -> Result<Answer, Failure> {
        let since = Instant::now();
        let mut told = String::new();
        loop {
            let (answer, holders) = self.one_try(entry, sql).await?;
            let Answer::Failed(error) = &answer else { return Ok(answer) };
            if error.code.as_deref() != Some(LOCK_NOT_AVAILABLE) || self.signals.count() > 0 {
                return Ok(answer);
            }
            if since.elapsed() > PATIENCE {
                let message = format!("the lock could not be had within {} s{holders}", PATIENCE.as_secs());
                return Ok(Answer::Failed(SqlError { code: error.code.clone(), message }));
            }
            if told != holders {
                term::note(&format!("{}: the lock was not had within 2 s, trying again{holders}", entry.index));
                told = holders;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// What came of it, and whom it waited for.
    async fn one_try(&self, entry: &Entry, sql: &str) -> Result<(Answer, String), Failure> {
        let mut holders = String::new();
        let mut sending = std::pin::pin!(self.send(entry, sql));
        loop {
            tokio::select! {
                biased;
                answer = &mut sending => return Ok((answer?, holders)),
                () = tokio::time::sleep(LOOK) => {
                    let Some(session) = &self.worker else { continue };
                    let found = self.control.waiting_for(session.worker).await?;
                    let names: Vec<String> = found.iter().take(3).map(who).collect();
                    if !names.is_empty() {
                        holders = format!(": {}", names.join("; "));
                    }
                }
            }
        }
    }

    async fn set(&self, sql: &str) -> Answer {
        match &self.worker {
            Some(session) => session.execute(sql).await.map_or_else(Answer::Failed, |()| Answer::Done),
            None => Answer::Failed(SqlError { code: None, message: "the worker's connection is gone".into() }),
        }
    }
}
