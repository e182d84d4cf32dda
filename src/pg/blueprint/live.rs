//! The live connection, and what it was asked: the user is told.

use crate::model::blueprint::Taking;
use crate::pg::statements::Statement;
use futures_util::future::{join, join_all};
use postgres_types::ToSql;
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;
use tokio_postgres::{Client, Error, Row, SimpleQueryMessage};

/// Questions on the wire at once: enough to hide the way there and back.
const AT_ONCE: usize = 64;

/// A client that counts.
pub(super) struct Live<'a> {
    client: &'a Client,
    statements: AtomicU64,
    micros: AtomicU64,
}

impl Deref for Live<'_> {
    type Target = Client;

    fn deref(&self) -> &Client {
        self.client
    }
}

impl<'a> Live<'a> {
    /// Nothing asked yet.
    pub(super) fn new(client: &'a Client) -> Self {
        Live { client, statements: AtomicU64::new(0), micros: AtomicU64::new(0) }
    }

    /// What was asked so far.
    pub(super) fn taking(&self) -> Taking {
        Taking { statements: self.statements.load(Relaxed), server_ms: self.micros.load(Relaxed) as f64 / 1000.0 }
    }

    /// Waits, and notes how long.
    pub(super) async fn timed<T>(&self, answer: impl Future<Output = T>) -> T {
        let start = Instant::now();
        let answer = answer.await;
        self.micros.fetch_add(start.elapsed().as_micros() as u64, Relaxed);
        answer
    }

    /// Rows of one of our statements.
    pub(super) async fn query(&self, statement: &Statement, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Error> {
        self.statements.fetch_add(1, Relaxed);
        self.timed(self.client.query(statement.sql, parameters)).await
    }

    /// The only row of one of them.
    pub(super) async fn row(&self, statement: &Statement) -> Result<Row, Error> {
        self.statements.fetch_add(1, Relaxed);
        self.timed(self.client.query_one(statement.sql, &[])).await
    }

    /// As [`Live::query`]; the inner error is the server's refusal, and the transaction goes on.
    pub(super) async fn attempt(&self, statement: &Statement) -> Result<Result<Vec<Row>, Error>, Error> {
        self.command("SAVEPOINT advisor_attempt").await?;
        match self.query(statement, &[]).await {
            Ok(rows) => self.command("RELEASE SAVEPOINT advisor_attempt").await.map(|()| Ok(rows)),
            Err(refusal) => self.command("ROLLBACK TO SAVEPOINT advisor_attempt").await.map(|()| Err(refusal)),
        }
    }

    /// One or more commands without an answer.
    pub(super) async fn command(&self, text: &str) -> Result<(), Error> {
        self.timed(self.client.batch_execute(text)).await
    }

    /// The first column of the first row of each text's answer; `None` where the server refused it, or
    /// has none. Each is undone by itself, so that one that fails leaves the others alone.
    pub(super) async fn ask_all(&self, texts: &[String]) -> Result<Vec<Option<String>>, Error> {
        self.command("SAVEPOINT advisor_question").await?;
        let mut answers = Vec::with_capacity(texts.len());
        for chunk in texts.chunks(AT_ONCE) {
            self.statements.fetch_add(chunk.len() as u64, Relaxed);
            // Both of a pair are polled in this order, so that is their order on the wire.
            let pairs = chunk.iter().map(|text| {
                let undo = self.client.batch_execute("ROLLBACK TO SAVEPOINT advisor_question");
                join(self.client.simple_query(text), undo)
            });
            for (answer, undone) in self.timed(join_all(pairs)).await {
                undone?;
                answers.push(answer.ok().and_then(first));
            }
        }
        Ok(answers)
    }
}

fn first(messages: Vec<SimpleQueryMessage>) -> Option<String> {
    messages.into_iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    })
}
