//! What apply asks before it begins. A question that may not be asked leaves a gap, never an end.

use super::build::{Control, sql_error};
use super::collect::catalog::{column, column_statistics, distinct_together, planner_rows};
use super::session::{Purpose, Session};
use super::statements::{
    APPLY_COLUMNS, APPLY_HEAP, APPLY_INDEXES_OF, APPLY_OBSTACLES, APPLY_PREMISES, APPLY_TABLESPACE, ARRIVED, DISTINCT_TOGETHER, Statement,
};
use crate::model::catalog::{Column, Table};
use crate::model::ddl::{CreateIndex, IndexName};
use crate::model::failure::{Failure, FailureKind};
use crate::model::index_def::{IndexSpec, TableName};
use crate::model::preflight::{Directness, Obstacle, Premises, Sibling, Tablespace, Volume, Work};
use crate::model::text::squeeze;
use crate::read::sql::normalize::normalize;
use crate::read::{asked_index, index_ddl};
use std::time::Duration;
use tokio_postgres::{Row, SimpleQueryMessage};

/// Locked exclusively: who wants to know more waits for lock_timeout.
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// Transactions after which a backend that stayed is taken to stay.
const PROBES: usize = 3;

/// A backend of our own answers sooner.
const PATIENCE: Duration = Duration::from_secs(5);

impl Control {
    /// Our backend, where the connection stays on this machine; a tunnel's looks the same.
    pub fn local_backend(&self) -> Option<i32> {
        self.session.local.then_some(self.session.backend_pid)
    }

    /// What builds on this server are paid with. Free space is asked of the machine, not here.
    pub async fn premises(&self) -> Result<Premises, Failure> {
        let rows = self.rows(&APPLY_PREMISES, &[]).await?;
        let Some(row) = rows.first() else { return Ok(Premises::default()) };
        let folder: Option<String> = row.get("data_directory");
        let temp = self.tablespace(Some(row.get("temp_tablespace")), folder.as_deref()).await?;
        Ok(Premises {
            direct: if self.session.proven_direct { Directness::Proven } else { Directness::NotProven },
            wal_level: row.get("wal_level"),
            work_mem_bytes: row.get("maintenance_work_mem"),
            workers: row.get("workers"),
            temp_limit_bytes: row.get("temp_file_limit"),
            standbys: row.get("standbys"),
            lag_bytes: row.get("lag_bytes"),
            lag_seconds: row.get("lag_seconds"),
            idle_slots: row.get("idle_slots"),
            kept_bytes: row.get("kept_bytes"),
            sees_others: row.get("reads_all_stats"),
            temp: temp.map(|t| t.volume).unwrap_or_default(),
            data: Volume { name: "the data directory".into(), folder, ..Volume::default() },
        })
    }

    /// A tablespace by name, or the one that an index gets by default; `None` when there is none of that name.
    /// `data` is the data directory, where the server tells it.
    pub async fn tablespace(&self, name: Option<&str>, data: Option<&str>) -> Result<Option<Tablespace>, Failure> {
        let rows = self.rows(&APPLY_TABLESPACE, &[&name]).await?;
        Ok(rows.first().map(|row| {
            let folder: &str = row.get("folder");
            let folder = if folder.is_empty() { data } else { Some(folder) };
            let name: String = row.get("name");
            let volume = Volume { name: format!("tablespace {name}"), folder: folder.map(str::to_owned), ..Volume::default() };
            Tablespace { name, volume, may_create: row.get("may_create") }
        }))
    }

    /// Who would hold up a build or a drop on a table, oldest first.
    pub async fn obstacles(&self, table_oid: u32) -> Result<Vec<Obstacle>, Failure> {
        Ok(self.rows(&APPLY_OBSTACLES, &[&table_oid]).await?.iter().map(obstacle).collect())
    }

    /// The indexes of a table; none while it is locked exclusively.
    pub async fn siblings(&self, table_oid: u32) -> Result<Vec<Sibling>, Failure> {
        let sibling = |row: &Row| Sibling {
            index: IndexName::new(row.get::<_, String>("schema"), row.get::<_, String>("name")),
            spec: row.get::<_, Option<&str>>("definition").and_then(index_ddl::definition).and_then(|create| spec(&create)),
            usable: row.get("usable"),
            building: row.get("building"),
        };
        let rows = self.unless_locked(&APPLY_INDEXES_OF, table_oid).await?;
        Ok(rows.iter().flatten().map(sibling).collect())
    }

    /// Rows of a statement about one table; `None` while that is locked exclusively.
    async fn unless_locked(&self, statement: &Statement, oid: u32) -> Result<Option<Vec<Row>>, Failure> {
        match self.session.client.query(statement.sql, &[&oid]).await {
            Err(e) if sql_error(&e).code.as_deref() == Some(LOCK_NOT_AVAILABLE) => Ok(None),
            Err(_) => self.rows(statement, &[&oid]).await.map(Some),
            Ok(rows) => Ok(Some(rows)),
        }
    }

    /// One table with its size and its columns' statistics. Rows are as many as ANALYZE found, for the pages of now.
    /// `None` while it is locked exclusively.
    pub async fn table_statistics(&self, name: &TableName, oid: u32) -> Result<Option<Table>, Failure> {
        let rows = self.unless_locked(&APPLY_HEAP, oid).await?;
        let Some(heap) = rows.as_ref().and_then(|rows| rows.first()) else { return Ok(None) };
        let columns = self.rows(&APPLY_COLUMNS, &[&oid]).await?;
        let combinations = self.rows(&DISTINCT_TOGETHER, &[]).await?;
        let combinations = combinations.iter().filter_map(|row| distinct_together(row).ok()).filter(|(table, _)| *table == oid);
        let size_bytes = heap.get::<_, i64>("size_bytes").max(0).cast_unsigned();
        Ok(Some(Table {
            oid,
            schema: name.schema.clone(),
            name: name.name.clone(),
            rows: planner_rows(heap.get("rows"), heap.get::<_, i64>("pages").max(0).cast_unsigned(), size_bytes),
            size_bytes,
            toast_bytes: heap.get::<_, i64>("toast_bytes").max(0).cast_unsigned(),
            columns: columns.iter().filter_map(with_statistics).collect(),
            distinct_together: combinations.flat_map(|(_, counts)| counts).collect(),
            ..Table::default()
        }))
    }
}

/// A pooler that announces no process id gives itself away when another connection of ours keeps the backend that we
/// had: the next transaction runs elsewhere. Not asked where the start-up proved more.
pub(super) async fn changes_backend(session: &Session, target: Option<&str>, purpose: &Purpose) -> Result<bool, Failure> {
    if session.proven_direct {
        return Ok(false);
    }
    let lost = |e: tokio_postgres::Error| Failure::new(FailureKind::Connect, format!("the connection broke: {}", sql_error(&e).message));
    let other = Session::open(target, purpose).await?;
    for _ in 0..PROBES {
        other.client.batch_execute("BEGIN").await.map_err(lost)?;
        // With one backend for all there is none left for us.
        let Ok(rows) = tokio::time::timeout(PATIENCE, session.client.simple_query(ARRIVED.sql)).await else { return Ok(true) };
        let rows = rows.map_err(lost)?;
        other.client.batch_execute("ROLLBACK").await.map_err(lost)?;
        let pid = rows.iter().find_map(|m| if let SimpleQueryMessage::Row(row) = m { row.get("backend_pid") } else { None });
        if pid.and_then(|pid| pid.parse().ok()) != Some(session.backend_pid) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What an index is, from a definition that the server printed or a statement of ours.
pub fn spec(create: &CreateIndex) -> Option<IndexSpec> {
    // Where it lies is no part of what it is.
    match asked_index::read(&CreateIndex { tablespace: None, ..create.clone() }.sql()) {
        Ok(asked_index::AskedIndex::Index(spec)) => Some(*spec),
        _ => None,
    }
}

fn with_statistics(row: &Row) -> Option<Column> {
    let (_, column) = column(row).ok()?;
    Some(Column { stats: column_statistics(row).ok().map(|(_, stats)| stats), ..column })
}

fn obstacle(row: &Row) -> Obstacle {
    Obstacle {
        pid: row.get("pid"),
        gid: row.get("gid"),
        role: row.get("role"),
        application: row.get("application"),
        state: row.get("state"),
        modes: row.get("modes"),
        snapshot: row.get("snapshot"),
        work: match row.get("work") {
            "wraparound" => Work::Wraparound,
            "vacuum" => Work::Vacuum,
            "analyze" => Work::Analyze,
            "build" => Work::Build,
            _ => Work::Transaction,
        },
        seconds: row.get("seconds"),
        query: words(row.get("query")),
    }
}

/// The query without its constants: they are the application's data.
fn words(query: &str) -> String {
    if query.starts_with('<') || query.is_empty() {
        return String::new();
    }
    squeeze(&normalize(query).text).replace(" ;", ";")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_of_queries_are_not_shown() {
        assert_eq!(words("select  1 from t\n where mail = 'a@b.c'"), "select $1 from t where mail = $2");
        assert_eq!(words("<insufficient privilege>"), "");
    }
}
