//! Names as a person writes them, without a schema.

use super::build::{Control, sql_error};
use super::statements::APPLY_SCHEMA_OF;
use crate::model::failure::{Failure, FailureKind};

/// Where the role's own search_path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The schema in which it finds a relation of that name.
    pub there: Option<String>,
    /// The schema in which it would make one; `None` where the path leads nowhere.
    pub own: Option<String>,
}

impl Control {
    /// Finds a name along the search_path that the role has here, as psql would.
    pub async fn schema_of(&self, name: &str) -> Result<Found, Failure> {
        let run = async |sql: &str| {
            let fail = |e| Failure::new(FailureKind::Connect, format!("looking for a name failed: {}", sql_error(&e).message));
            self.session.client.batch_execute(sql).await.map_err(fail)
        };
        // Only within this transaction: everything else is asked with pg_catalog alone.
        run("BEGIN").await?;
        run("SET LOCAL search_path TO DEFAULT").await?;
        let rows = self.rows(&APPLY_SCHEMA_OF, &[&name]).await;
        run("ROLLBACK").await?;
        let rows = rows?;
        Ok(rows.first().map_or(Found { there: None, own: None }, |row| Found { there: row.get("found"), own: row.get("own") }))
    }
}
