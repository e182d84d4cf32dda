//! A database of the clone on which queries are planned. Two backends that turn the same index
//! round would block each other: so each has a database of its own.

use super::{Turns, broken};
use crate::model::candidate::View;
use crate::model::failure::Failure;
use crate::model::plan::Plan;
use crate::pg::explain::{self, Call, Ground};
use crate::pg::session::Session;
use crate::pg::statements::CLONE_TOGGLE;
use futures_util::future::join;
use postgres_types::ToSql;
use std::collections::BTreeSet;

/// One worker database and the connection that plans in it.
pub struct Lane {
    session: Session,
    toggle: tokio_postgres::Statement,
    /// Indexes by oid that are not as they were made: candidates that are seen, existing ones that are not.
    turned: BTreeSet<u32>,
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

    /// Plans with what the view shows: one trip to the server and back for all of it. The inner error is the query's own.
    pub async fn explain(
        &mut self,
        turns: Turns<'_>,
        view: &View,
        ground: &Ground,
        calls: &[Call<'_>],
    ) -> Result<Result<Vec<Plan>, String>, Failure> {
        let turned = turns.of(view);
        let changed: Vec<u32> = turned.symmetric_difference(&self.turned).copied().collect();
        let plans = explain::explain(&self.session, ground, calls);
        let plans = if changed.is_empty() {
            plans.await
        } else {
            let changed: [&(dyn ToSql + Sync); 1] = [&changed];
            // Both are polled in this order, so that is their order on the wire, and the second need not wait for the first.
            let (done, plans) = join(self.session.client.execute(&self.toggle, &changed), plans).await;
            done.map_err(broken)?;
            plans
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
