//! Reads a live database into a [`Blueprint`]: catalog reads in one READ ONLY, REPEATABLE READ
//! transaction.

mod numbers;
mod objects;

use crate::model::blueprint::Blueprint;
use crate::model::failure::{Failure, FailureKind};
use crate::pg::error::describe;
use crate::pg::session::Session;
use crate::pg::statements;
use tokio_postgres::{Client, Error};

/// Reads it all. Only a lost connection ends it; what our role may not read is a problem of the blueprint.
pub async fn read(live: &Session) -> Result<Blueprint, Failure> {
    let fail = |e: Error| Failure::new(FailureKind::Connect, format!("cannot read the schema: {}", describe(&e)));
    live.begin_snapshot().await.map_err(fail)?;
    let blueprint = read_all(&live.client).await;
    let ended = live.rollback().await;
    let blueprint = blueprint.map_err(fail)?;
    ended.map_err(fail)?;
    Ok(blueprint)
}

async fn read_all(live: &Client) -> Result<Blueprint, Error> {
    // Values as text must mean the same elsewhere, and every name must come out qualified.
    live.query(statements::FORMATS.sql, &[]).await?;
    live.query(statements::SEARCH_PATH.sql, &[&""]).await?;
    let mut blueprint = Blueprint::default();
    objects::read(live, &mut blueprint).await?;
    numbers::read(live, &mut blueprint).await?;
    Ok(blueprint)
}
