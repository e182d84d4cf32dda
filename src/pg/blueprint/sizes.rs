//! What the planner takes for the size of tables and indexes.

use super::live::Live;
use crate::model::blueprint::{Blueprint, Relation};
use crate::pg::statements;
use tokio_postgres::Error;

/// Fills relations.
pub(super) async fn read(live: &Live<'_>, blueprint: &mut Blueprint) -> Result<(), Error> {
    for row in live.query(&statements::BLUEPRINT_RELATIONS, &[]).await? {
        blueprint.relations.push(Relation {
            schema: row.try_get("schema")?,
            name: row.try_get("name")?,
            pages: row.try_get("pages")?,
            rows: row.try_get::<_, f64>("rows")? as f32,
            visible_pages: row.try_get("visible_pages")?,
            blocks: row.try_get("blocks")?,
            ..Relation::default()
        });
    }
    Ok(())
}
