//! Is a built index sound? Extension amcheck knows; and can every snapshot use it? pg_index knows.

use super::build::sql_error;
use super::session::Session;
use super::statements::{APPLY_AMCHECK, APPLY_INDEX_USE, EXTENSIONS, SEARCH_PATH};
use tokio_postgres::Error;

/// What came of checking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Soundness {
    /// Every row of the table is in it, in order.
    Sound,
    /// It was not checked; why.
    NotChecked(String),
    /// It is damaged; what the server says.
    Damaged(String),
}

/// SQLSTATE class of damage: data_corrupted and index_corrupted.
const DAMAGE: &str = "XX00";

/// Checks a B-tree against its table. Reads both whole.
pub async fn check(session: &Session, index_oid: u32) -> Soundness {
    let checked = check_in_transaction(session, index_oid).await;
    // The transaction held nothing but settings; a lost connection shows at the next statement.
    let ended = session.rollback().await;
    match checked.and_then(|found| ended.map(|()| found)) {
        Ok(found) => found,
        Err(error) => {
            let error = sql_error(&error);
            let damaged = error.code.as_deref().is_some_and(|code| code.starts_with(DAMAGE) && code != "XX000");
            if damaged { Soundness::Damaged(error.message) } else { Soundness::NotChecked(error.message) }
        }
    }
}

async fn check_in_transaction(session: &Session, index_oid: u32) -> Result<Soundness, Error> {
    session.begin().await?;
    let use_of_it = session.client.query(APPLY_INDEX_USE.sql, &[&index_oid]).await?;
    if use_of_it.first().is_none_or(|row| row.get::<_, &str>("method") != "btree") {
        return Ok(Soundness::NotChecked("amcheck knows B-trees only".into()));
    }
    let extensions = session.client.query(EXTENSIONS.sql, &[]).await?;
    let Some(amcheck) = extensions.iter().find(|row| row.get::<_, &str>("name") == "amcheck") else {
        return Ok(Soundness::NotChecked("extension amcheck is not in this database: create extension amcheck".into()));
    };
    session.client.query(SEARCH_PATH.sql, &[&amcheck.get::<_, String>("schema")]).await?;
    // It reads the whole table: no limit of ours fits every size.
    session.client.batch_execute("SET LOCAL statement_timeout = 0").await?;
    session.client.query(APPLY_AMCHECK.sql, &[&index_oid]).await.map(|_| Soundness::Sound)
}

/// True while snapshots older than the index cannot use it (pg_index.indcheckxmin).
pub async fn too_young_for_some(session: &Session, index_oid: u32) -> bool {
    let rows = session.client.query(APPLY_INDEX_USE.sql, &[&index_oid]).await.unwrap_or_default();
    rows.first().is_some_and(|row| row.get("young"))
}
