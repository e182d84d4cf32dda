//! A database of the clone on which queries are planned. Two backends that turn the same index
//! round would block each other: so each has a database of its own.

use super::{Turns, broken};
use crate::model::candidate::View;
use crate::model::failure::Failure;
use crate::model::plan::Plan;
use crate::pg::explain::{self, Call, Ground};
use crate::pg::session::Session;
use crate::pg::statements::CLONE_TOGGLE;
use futures_util::future::{join, try_join_all};
use postgres_types::ToSql;
use std::collections::BTreeSet;

/// One worker database and the connection that plans in it.
pub struct Lane {
    session: Session,
    toggle: tokio_postgres::Statement,
    /// Indexes by oid that are not as they were made: candidates that are seen, existing ones that are not.
    turned: BTreeSet<u32>,
}

/// What to plan, under what, and what the planner is to see.
pub struct Question<'a> {
    /// Which indexes there are.
    pub view: &'a View,
    /// Search path, role and settings.
    pub ground: &'a Ground,
    /// The executions.
    pub calls: Vec<Call<'a>>,
}

impl Lane {
    /// Plans over `session`, in whose database every candidate is hidden.
    pub(super) async fn enter(session: Session) -> Result<Lane, Failure> {
        let toggle = session.client.prepare(CLONE_TOGGLE.sql).await.map_err(broken)?;
        Ok(Lane { session, toggle, turned: BTreeSet::new() })
    }

    /// Its connection.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Plans each question with what its view shows: one trip to the server and back for all of them, so that the server
    /// plans one while we read another. The inner errors are the queries' own.
    pub async fn explain(&mut self, turns: Turns<'_>, questions: &[Question<'_>]) -> Result<Vec<Result<Vec<Plan>, String>>, Failure> {
        let mut turned = std::mem::take(&mut self.turned);
        let mut trips = Vec::with_capacity(questions.len());
        for question in questions {
            let next = turns.of(question.view);
            let changed: Vec<u32> = next.symmetric_difference(&turned).copied().collect();
            turned = next;
            trips.push(trip(&self.session, &self.toggle, changed, question));
        }
        // A generic plan is asked for in several steps, between which nothing else may be sent.
        let plans = if questions.iter().any(|question| question.calls.iter().any(Call::is_generic)) {
            one_by_one(trips).await?
        } else {
            // All are polled in this order, so that is their order on the wire, and none waits for the one before.
            try_join_all(trips).await?
        };
        self.turned = turned;
        Ok(plans)
    }

    /// Shows what the view shows, and plans nothing.
    pub async fn show(&mut self, turns: Turns<'_>, view: &View) -> Result<(), Failure> {
        let turned = turns.of(view);
        let changed: Vec<u32> = turned.symmetric_difference(&self.turned).copied().collect();
        self.session.client.execute(&self.toggle, &[&changed]).await.map_err(broken)?;
        self.turned = turned;
        Ok(())
    }
}

/// Turns what changed, then plans.
async fn trip(
    session: &Session,
    toggle: &tokio_postgres::Statement,
    changed: Vec<u32>,
    question: &Question<'_>,
) -> Result<Result<Vec<Plan>, String>, Failure> {
    let plans = explain::explain(session, question.ground, &question.calls);
    if changed.is_empty() {
        return Ok(plans.await);
    }
    let changed: [&(dyn ToSql + Sync); 1] = [&changed];
    // Both are polled in this order, so that is their order on the wire, and the second need not wait for the first.
    let (done, plans) = join(session.client.execute(toggle, &changed), plans).await;
    done.map_err(broken)?;
    Ok(plans)
}

async fn one_by_one<T>(trips: Vec<impl Future<Output = Result<T, Failure>>>) -> Result<Vec<T>, Failure> {
    let mut done = Vec::with_capacity(trips.len());
    for trip in trips {
        done.push(trip.await?);
    }
    Ok(done)
}
