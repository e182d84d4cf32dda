//! Reads a live database into a [`Blueprint`]: catalog reads, plain EXPLAINs and probes of index
//! ends, in one READ ONLY, REPEATABLE READ transaction.
//!
//! ```text
//! objects.rs       the schema as statements
//! sizes.rs         pages, rows, file lengths
//! statistics.rs    pg_statistic, or pg_stats where our role may not read it
//! extended.rs      the data of CREATE STATISTICS objects
//! gin.rs           counters of GIN indexes
//! trees.rs         B-trees: heights, least and greatest values
//! live.rs          the connection, with what it was asked
//! ```

mod extended;
mod gin;
mod live;
mod objects;
mod sizes;
mod statistics;
mod trees;

use crate::model::blueprint::{Blueprint, Taking};
use crate::model::failure::{Failure, FailureKind};
use crate::pg::error::describe;
use crate::pg::session::Session;
use crate::pg::statements;
use live::Live;
use tokio_postgres::Error;

/// What is read, beyond the catalog.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Least and greatest value of indexed columns: two probes of an index's ends per column.
    pub endpoints: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options { endpoints: true }
    }
}

/// Reads it all, and says what was asked for it. Only a lost connection ends it; what our role may
/// not read is a problem of the blueprint.
pub async fn read(live: &Session, options: &Options) -> Result<(Blueprint, Taking), Failure> {
    let fail = |e: Error| Failure::new(FailureKind::Connect, format!("cannot read the schema: {}", describe(&e)));
    live.begin_snapshot().await.map_err(fail)?;
    let asked = Live::new(&live.client);
    let blueprint = read_all(&asked, options).await;
    let ended = live.rollback().await;
    let blueprint = blueprint.map_err(fail)?;
    ended.map_err(fail)?;
    Ok((blueprint, asked.taking()))
}

async fn read_all(live: &Live<'_>, options: &Options) -> Result<Blueprint, Error> {
    // Values as text must mean the same elsewhere, and every name must come out qualified.
    live.query(&statements::FORMATS, &[]).await?;
    live.query(&statements::SEARCH_PATH, &[&""]).await?;
    let mut blueprint = Blueprint::default();
    objects::read(live, &mut blueprint).await?;
    sizes::read(live, &mut blueprint).await?;
    statistics::read(live, &mut blueprint).await?;
    extended::read(live, &mut blueprint).await?;
    gin::read(live, &mut blueprint).await?;
    trees::read(live, &mut blueprint, options).await?;
    Ok(blueprint)
}
