//! The ledger as two tables in schema `advisor`.

use super::PLANNABLE;
use crate::model::ddl::IndexName;
use crate::model::failure::{Failure, FailureKind};
use crate::model::index_def::TableName;
use crate::model::ledger::{Change, Definition, Entry, Motion, SqlError, State, Worker};
use crate::model::text::{one_line, quote_ident};
use crate::pg::build::{Control, sql_error};
use crate::pg::statements::{
    LEDGER_CREATE_EVENTS, LEDGER_CREATE_SCHEMA, LEDGER_CREATE_TABLE, LEDGER_ENTRIES, LEDGER_EXISTS, LEDGER_MOVE, LEDGER_PLAN, Statement,
};
use tokio_postgres::Row;

/// Two first runs at once: unique_violation, duplicate_table, duplicate_schema. The next try finds what the other made.
const RACED: [&str; 3] = ["23505", "42P07", "42P06"];

/// How often a statement of [`create`] is tried.
const TRIES: usize = 5;

/// True when the ledger is there. A ledger of strangers is refused: it says what we may drop.
pub async fn exists(control: &Control) -> Result<bool, Failure> {
    let rows = control.rows(&LEDGER_EXISTS, &[]).await?;
    if let Some(row) = rows.iter().find(|row| !row.get::<_, bool>("ours")) {
        let owner = one_line(&row.get::<_, String>("owner"));
        return Err(Failure::new(FailureKind::Missing, format!("the ledger advisor.ledger belongs to role {owner}"))
            .hint(format!("run as {owner}, or be made a member of it; or keep a ledger of your own with --ledger FILE")));
    }
    Ok(rows.len() == 2)
}

/// Makes schema and tables.
pub async fn create(control: &Control) -> Result<(), Failure> {
    for statement in [&LEDGER_CREATE_SCHEMA, &LEDGER_CREATE_TABLE, &LEDGER_CREATE_EVENTS] {
        match make(control, statement).await {
            // Asked for even where the schema is there already: whether it is, the next statement tells.
            Err(error) if statement.name == LEDGER_CREATE_SCHEMA.name && error.code.as_deref() == Some("42501") => {}
            made => made.map_err(|error| cannot_create(control, statement, error))?,
        }
    }
    Ok(())
}

async fn make(control: &Control, statement: &Statement) -> Result<(), SqlError> {
    for _ in 1..TRIES {
        match control.session.client.batch_execute(statement.sql).await.map_err(|e| sql_error(&e)) {
            Err(error) if error.code.as_deref().is_some_and(|code| RACED.contains(&code)) => {}
            done => return done,
        }
    }
    control.session.client.batch_execute(statement.sql).await.map_err(|e| sql_error(&e))
}

fn cannot_create(control: &Control, statement: &Statement, error: SqlError) -> Failure {
    let failure = Failure::new(FailureKind::Missing, format!("cannot make the ledger ({}): {}", statement.name, error.message));
    let (database, role) = (quote_ident(&control.server.database), quote_ident(&control.server.role));
    failure.hint(format!("GRANT CREATE ON DATABASE {database} TO {role}; or keep it in a file: --ledger FILE"))
}

/// All entries, oldest run first; one when an id is given.
pub async fn entries(control: &Control, id: Option<&str>) -> Result<Vec<Entry>, Failure> {
    let rows = control.rows(&LEDGER_ENTRIES, &[&id]).await?;
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Entry, Failure> {
    let id: String = row.get("id");
    let broken = |what: &str| Failure::new(FailureKind::ApplyNeedsYou, format!("ledger entry {} has an unknown {what}", one_line(&id)));
    let state = State::by_name(&row.get::<_, String>("state")).ok_or_else(|| broken("state"))?;
    let definition: Definition = serde_json::from_value(row.get("definition")).map_err(|_| broken("definition"))?;
    let motion = Motion::by_name(row.get("motion")).ok_or_else(|| broken("motion"))?;
    let json = |column: &str| row.get::<_, Option<serde_json::Value>>(column).unwrap_or_default();
    let schema: String = row.get("schema_name");
    let worker = row.get::<_, Option<i32>>("worker_pid").zip(row.get::<_, Option<i64>>("worker_start"));
    Ok(Entry {
        run: row.get("run"),
        position: row.get("position"),
        motion,
        index: IndexName::new(&schema, row.get::<_, String>("index_name")),
        table: TableName::new(&schema, row.get::<_, String>("table_name")),
        table_oid: row.get("table_oid"),
        index_oid: row.get("index_oid"),
        shape: row.get("shape"),
        definition,
        state,
        owned: row.get("owned"),
        attempt: row.get("attempt"),
        worker: worker.map(|(pid, started)| Worker { pid, started }),
        error: row.get("error"),
        part_of: row.get("part_of"),
        rename_to: row.get("rename_to"),
        targets: serde_json::from_value(json("targets")).map_err(|_| broken("list of queries"))?,
        source: serde_json::from_value(json("source")).map_err(|_| broken("source"))?,
        system: row.get("system"),
        updated_at: row.get("updated_at"),
        id,
    })
}

/// Inserts or renews an entry, planned. False when the row may not be planned now.
pub async fn plan(control: &Control, entry: &Entry) -> Result<bool, SqlError> {
    let json = |value: serde_json::Result<serde_json::Value>| value.map_err(|e| SqlError { code: None, message: e.to_string() });
    let definition = json(serde_json::to_value(&entry.definition))?;
    let targets = json(serde_json::to_value(&entry.targets))?;
    let source = entry.source.as_ref().map(|s| json(serde_json::to_value(s))).transpose()?;
    let states: Vec<&str> = PLANNABLE.iter().map(|s| s.name()).collect();
    let version = env!("CARGO_PKG_VERSION");
    let (up, down) = (entry.up_sql(), entry.down_sql());
    let parameters: &[&(dyn postgres_types::ToSql + Sync)] = &[
        &entry.id,
        &entry.run,
        &entry.position,
        &entry.motion.name(),
        &entry.index.schema,
        &entry.index.name,
        &entry.table.name,
        &entry.table_oid,
        &entry.shape,
        &definition,
        &up,
        &down,
        &version,
        &states,
        &None::<String>,
        &entry.part_of,
        &entry.rename_to,
        &targets,
        &source,
        &entry.system,
        &entry.index_oid,
    ];
    control.session.client.query(LEDGER_PLAN.sql, parameters).await.map(|rows| rows.len() == 1).map_err(|e| sql_error(&e))
}

/// Compare-and-set. False when the entry is in another state by now.
pub async fn record(control: &Control, id: &str, change: &Change) -> Result<bool, SqlError> {
    let parameters: &[&(dyn postgres_types::ToSql + Sync)] = &[
        &id,
        &change.from.name(),
        &change.to.name(),
        &change.owned,
        &change.index_oid,
        &change.worker.map(|w| w.pid),
        &change.worker.map(|w| w.started),
        &i32::from(change.attempt),
        &change.detail,
    ];
    control.session.client.query(LEDGER_MOVE.sql, parameters).await.map(|rows| rows.len() == 1).map_err(|e| sql_error(&e))
}
