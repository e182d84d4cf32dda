//! Asks a server what `doctor` wants to know. A question that fails is a problem in the answer.

use super::error::describe;
use super::session::Session;
use super::statements::{self as sql, Statement};
use crate::model::doctor::{Build, ConnectionFacts, ExtensionFacts, Facts, InvalidIndex, RightsFacts, RoleSetting};
use crate::model::snapshot::{Problem, Server};
use crate::model::text::one_line;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Error, Row};

/// Settings that the judgement looks at.
const SETTINGS: &[&str] = &[
    "autovacuum",
    "compute_query_id",
    "idle_in_transaction_session_timeout",
    "log_line_prefix",
    "log_lock_waits",
    "log_min_duration_statement",
    "pg_stat_statements.max",
    "pg_stat_statements.track",
    "pg_stat_statements.track_planning",
    "shared_preload_libraries",
    "track_activities",
    "track_counts",
    "track_io_timing",
];

/// All facts of one session.
pub async fn examine(session: &Session) -> Facts {
    let mut asker = Asker { session, problems: Vec::new() };
    let mut facts = Facts { connection: connection(session), ..Facts::default() };
    if let Some(server) = asker.ask(&sql::SERVER, server).await.and_then(first) {
        facts.server = server;
    }
    if let Some(row) = asker.ask(&sql::DOCTOR_CONNECTION, Ok).await.and_then(first) {
        facts.connection.superuser = row.try_get("superuser").unwrap_or_default();
        facts.connection.tls_version = row.try_get("tls_version").unwrap_or_default();
        facts.connection.tls_cipher = row.try_get("tls_cipher").unwrap_or_default();
    }
    facts.extensions = asker.ask(&sql::DOCTOR_EXTENSIONS, extension).await;
    facts.rights = asker.ask(&sql::DOCTOR_RIGHTS, rights).await.and_then(first);
    let closed = asker.ask(&sql::DOCTOR_CLOSED_SCHEMAS, |row| row.try_get("schema")).await;
    if let (Some(rights), Some(closed)) = (&mut facts.rights, closed) {
        rights.closed_schemas = closed;
    }
    let names: &(dyn ToSql + Sync) = &SETTINGS;
    let settings =
        asker.ask_with(&sql::SETTINGS, &[(names, Type::TEXT_ARRAY)], |row| Ok((row.try_get("name")?, row.try_get("value")?))).await;
    facts.settings =
        settings.unwrap_or_default().into_iter().filter_map(|(name, value): (String, Option<String>)| Some((name, value?))).collect();
    facts.role_settings = asker.ask(&sql::DOCTOR_ROLE_SETTINGS, role_setting).await.unwrap_or_default();
    facts.invalid_indexes = asker.ask(&sql::DOCTOR_INVALID_INDEXES, invalid_index).await.unwrap_or_default();
    facts.builds = asker.ask(&sql::DOCTOR_BUILDS, build).await.unwrap_or_default();
    facts.problems = asker.problems;
    facts
}

struct Asker<'a> {
    session: &'a Session,
    problems: Vec<Problem>,
}

impl Asker<'_> {
    async fn ask<T>(&mut self, statement: &Statement, read: impl FnMut(Row) -> Result<T, Error>) -> Option<Vec<T>> {
        self.ask_with(statement, &[], read).await
    }

    /// Each question in a transaction of its own: one that fails leaves the others alone.
    async fn ask_with<T>(
        &mut self,
        statement: &Statement,
        parameters: &[(&(dyn ToSql + Sync), Type)],
        read: impl FnMut(Row) -> Result<T, Error>,
    ) -> Option<Vec<T>> {
        let answer = self.rows(statement, parameters).await.and_then(|rows| rows.into_iter().map(read).collect());
        answer.map_err(|error| self.problems.push(Problem { source: statement.name.to_owned(), message: describe(&error) })).ok()
    }

    async fn rows(&self, statement: &Statement, parameters: &[(&(dyn ToSql + Sync), Type)]) -> Result<Vec<Row>, Error> {
        self.session.begin().await?;
        // Unnamed: a pooler may give the next transaction to another backend.
        let rows = self.session.client.query_typed(statement.sql, parameters).await;
        self.session.rollback().await?;
        rows
    }
}

fn first<T>(values: Vec<T>) -> Option<T> {
    values.into_iter().next()
}

fn connection(session: &Session) -> ConnectionFacts {
    ConnectionFacts {
        host: one_line(&session.host),
        port: session.port,
        user: session.user.clone(),
        encrypted: session.encrypted,
        local: session.local,
        pooler: session.behind_pooler,
        ..ConnectionFacts::default()
    }
}

fn server(row: Row) -> Result<Server, Error> {
    Ok(Server {
        version_num: row.try_get::<_, i32>("version_num")?.unsigned_abs(),
        version: row.try_get("version")?,
        database: row.try_get("database")?,
        is_standby: row.try_get("is_standby")?,
    })
}

fn extension(row: Row) -> Result<ExtensionFacts, Error> {
    Ok(ExtensionFacts {
        name: row.try_get("name")?,
        available: row.try_get("available_version")?,
        installed: row.try_get("installed_version")?,
        schema: row.try_get("schema")?,
    })
}

fn rights(row: Row) -> Result<RightsFacts, Error> {
    let count = |name| Ok::<_, Error>(row.try_get::<_, i64>(name)?.unsigned_abs());
    Ok(RightsFacts {
        reads_all_stats: row.try_get("reads_all_stats")?,
        creates_schemas: row.try_get("creates_schemas")?,
        ledger_usable: row.try_get("ledger_usable")?,
        tables: count("tables")?,
        readable_tables: count("readable_tables")?,
        own_tables: count("own_tables")?,
        other_owners: row.try_get::<_, Option<Vec<String>>>("other_owners")?.unwrap_or_default(),
        closed_schemas: Vec::new(),
    })
}

fn role_setting(row: Row) -> Result<RoleSetting, Error> {
    Ok(RoleSetting {
        name: row.try_get("name")?,
        value: row.try_get("value")?,
        for_role: row.try_get("for_role")?,
        for_database: row.try_get("for_database")?,
    })
}

fn invalid_index(row: Row) -> Result<InvalidIndex, Error> {
    Ok(InvalidIndex {
        schema: row.try_get("schema")?,
        table: row.try_get("table_name")?,
        name: row.try_get("name")?,
        partitioned: row.try_get("partitioned")?,
        building: row.try_get("building")?,
    })
}

fn build(row: Row) -> Result<Build, Error> {
    let (schema, table): (Option<String>, Option<String>) = (row.try_get("schema")?, row.try_get("table_name")?);
    Ok(Build {
        pid: row.try_get("pid")?,
        command: row.try_get("command")?,
        phase: row.try_get("phase")?,
        table: schema.zip(table).map(|(schema, table)| one_line(&format!("{schema}.{table}"))),
    })
}
