//! Texts in a collation's order: only the server knows it.

use super::session::Session;
use super::statements::SORT_TEXTS;
use crate::model::text::{quote_ident, quote_qualified};
use tokio_postgres::Error;

/// What the statement names for the database's own collation, and what another is put for.
const OWN: &str = "collate \"default\"";

/// Texts sorted under a collation, given as its schema (`None`: the server's own ones) and name;
/// `None` is the database's collation. One catalog-free statement, no table is read.
pub async fn sort(session: &Session, collation: Option<(Option<&str>, &str)>, texts: &[String]) -> Result<Vec<String>, Error> {
    let sql = match collation {
        None => SORT_TEXTS.sql.to_owned(),
        Some((schema, name)) => {
            let name = schema.map_or_else(|| quote_ident(name), |schema| quote_qualified(schema, name));
            SORT_TEXTS.sql.replace(OWN, &format!("collate {name}"))
        }
    };
    session.client.query(&sql, &[&texts]).await?.iter().map(|row| row.try_get("value")).collect()
}
