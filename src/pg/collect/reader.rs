//! Sends our statements inside the open transaction; a part that fails is undone to its savepoint.

use crate::model::blueprint::Taking;
use crate::model::snapshot::Problem;
use crate::pg::error::describe;
use crate::pg::statements::Statement;
use std::cell::Cell;
use std::time::Instant;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Row};

/// The open transaction and what went wrong in it.
pub(super) struct Reader<'a> {
    client: &'a Client,
    /// Parts that failed, by source.
    pub(super) problems: Vec<Problem>,
    asked: Cell<Taking>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(client: &'a Client) -> Self {
        Reader { client, problems: Vec::new(), asked: Cell::default() }
    }

    /// All rows. Unnamed statements with declared types: one round trip, and no prepared
    /// statement is left behind on a pooled connection.
    pub(super) async fn rows(&self, statement: &Statement, parameters: &[(&(dyn ToSql + Sync), Type)]) -> Result<Vec<Row>, Error> {
        self.timed(self.client.query_typed(statement.sql, parameters)).await
    }

    /// The only row.
    pub(super) async fn row(&self, statement: &Statement) -> Result<Row, Error> {
        self.timed(self.client.query_one(statement.sql, &[])).await
    }

    /// Waits for one statement's answer, and counts both.
    async fn timed<T>(&self, answer: impl Future<Output = T>) -> T {
        let start = Instant::now();
        let answer = answer.await;
        let mut asked = self.asked.get();
        asked += Taking { statements: 1, server_ms: start.elapsed().as_secs_f64() * 1000.0 };
        self.asked.set(asked);
        answer
    }

    /// What was asked so far.
    pub(super) fn taking(&self) -> Taking {
        self.asked.get()
    }

    /// Rows of a part that may fail, each turned into a value.
    pub(super) async fn attempt<T>(
        &self,
        statement: &Statement,
        parameters: &[(&(dyn ToSql + Sync), Type)],
        mut read: impl FnMut(&Row) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        self.client.batch_execute("SAVEPOINT part").await?;
        match self.rows(statement, parameters).await {
            Ok(rows) => {
                self.client.batch_execute("RELEASE SAVEPOINT part").await?;
                rows.iter().map(&mut read).collect()
            }
            Err(error) => {
                self.client.batch_execute("ROLLBACK TO SAVEPOINT part").await?;
                Err(error)
            }
        }
    }

    /// The same, where a failure is a problem and no rows.
    pub(super) async fn part<T>(&mut self, statement: &Statement, read: impl FnMut(&Row) -> Result<T, Error>) -> Option<Vec<T>> {
        match self.attempt(statement, &[], read).await {
            Ok(values) => Some(values),
            Err(error) => {
                self.problem(statement.name, describe(&error));
                None
            }
        }
    }

    /// Notes a problem.
    pub(super) fn problem(&mut self, source: &str, message: impl Into<String>) {
        self.problems.push(Problem { source: source.to_owned(), message: message.into() });
    }
}
