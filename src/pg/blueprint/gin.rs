//! Counters of GIN indexes: in their first pages, which few roles may read. Where they are unknown
//! the planner of the clone guesses them from the index's size.

use super::live::Live;
use crate::model::blueprint::{Blueprint, GinCounters};
use crate::pg::ginpage;
use crate::pg::statements;
use std::collections::HashMap;
use tokio_postgres::{Error, Row};

/// Fills GIN counters, where the server lets us see them.
pub(super) async fn read(live: &Live<'_>, blueprint: &mut Blueprint) -> Result<(), Error> {
    let pageinspect = blueprint.extensions.iter().find(|e| e.name == "pageinspect").map(|e| e.schema.clone());
    let mut rows = None;
    if let Some(schema) = pageinspect {
        live.query(&statements::SEARCH_PATH, &[&schema]).await?;
        rows = live.attempt(&statements::BLUEPRINT_GIN_PAGES).await?.ok();
        live.query(&statements::SEARCH_PATH, &[&""]).await?;
    }
    if rows.is_none() {
        rows = live.attempt(&statements::BLUEPRINT_GIN_FILE).await?.ok();
    }
    let mut counters: HashMap<(String, String), GinCounters> = HashMap::new();
    for row in rows.unwrap_or_default() {
        if let Some(read) = page(&row)? {
            counters.insert((row.try_get("schema")?, row.try_get("name")?), read);
        }
    }
    for relation in &mut blueprint.relations {
        relation.gin = counters.get(&(relation.schema.clone(), relation.name.clone())).copied();
    }
    Ok(())
}

fn page(row: &Row) -> Result<Option<GinCounters>, Error> {
    let page: Option<Vec<u8>> = row.try_get("page")?;
    Ok(page.as_deref().and_then(ginpage::read))
}
