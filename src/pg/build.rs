//! The two connections of apply. Control reads, locks, records and cancels, and never runs DDL on
//! a user's table; the worker runs DDL and nothing else, one statement per message.

use super::session::{Purpose, Session};
use super::statements::*;
use crate::model::ddl::{CreateIndex, Ddl, IndexName};
use crate::model::failure::{Failure, FailureKind};
use crate::model::index_def::TableName;
use crate::model::ledger::{
    Blocker, Builder, Definition, Entry, Holder, Motion, Part, Progress, Relation, ServerState, SqlError, Target, View, Worker,
};
use crate::model::step::Member;
use crate::model::text::{one_line, quote_ident};
use crate::read::index_ddl;
use postgres_types::ToSql;
use std::time::Duration;
use tokio_postgres::Row;

/// First half of our advisory keys: "advr". The second is the table's OID.
pub(super) const ADVISORY_CLASS: i32 = 0x6164_7672;

/// So that the server notices within half a minute that our machine is gone, and ends our sessions.
const KEEPALIVES: [&str; 3] = ["SET tcp_keepalives_idle = 10", "SET tcp_keepalives_interval = 5", "SET tcp_keepalives_count = 3"];

/// The control connection.
pub struct Control {
    pub(super) session: Session,
    /// Our own backend.
    pub me: Worker,
    /// The server.
    pub server: ServerState,
    /// Where the ledger is; [`super::ledger::find`] sets it.
    pub ledger: super::ledger::Place,
}

/// The driver's error: SQLSTATE, message and detail on one line.
pub fn sql_error(error: &tokio_postgres::Error) -> SqlError {
    match error.as_db_error() {
        Some(db) => {
            let detail = db.detail().map(|d| format!(" ({d})")).unwrap_or_default();
            SqlError { code: Some(db.code().code().to_owned()), message: one_line(&format!("{}{detail}", db.message())) }
        }
        None => SqlError { code: None, message: one_line(&error.to_string()) },
    }
}

impl Control {
    /// Opens it; definitions will print with every name qualified.
    pub async fn open(target: Option<&str>, verb: &str) -> Result<Control, Failure> {
        let purpose = Purpose {
            application_name: format!("advisor/{} {verb}", env!("CARGO_PKG_VERSION")),
            read_only: false,
            statement_timeout: Duration::from_secs(10),
            lock_timeout: Duration::from_secs(2),
        };
        let session = Session::open(target, &purpose).await?;
        if session.behind_pooler || super::preflight::changes_backend(&session, target, &purpose).await? {
            let what = "a connection pooler stands in between: it would hand our locks and settings to others";
            return Err(Failure::new(FailureKind::Missing, what).hint("give the server's own address with --db"));
        }
        for set in ["SET search_path = pg_catalog", "SET statement_timeout = '10s'", "SET lock_timeout = '2s'"].iter().chain(&KEEPALIVES) {
            session.client.batch_execute(set).await.map_err(|e| lost(&sql_error(&e)))?;
        }
        let row = session.client.query_one(APPLY_WORKER.sql, &[]).await.map_err(|e| lost(&sql_error(&e)))?;
        let me = own(&row);
        let mut control = Control { session, me, server: ServerState::default(), ledger: super::ledger::Place::default() };
        let row = control.rows(&APPLY_SERVER, &[]).await?;
        let row = row.first().ok_or_else(|| Failure::new(FailureKind::Connect, "the server does not say what it is"))?;
        control.server = ServerState {
            version_num: row.get("version_num"),
            version: row.get("version"),
            database: row.get("database"),
            is_standby: row.get("is_standby"),
            read_only: row.get("read_only"),
            role: row.get("role"),
            blind_to: row.get("blind_to"),
            system: None,
        };
        control.rows(&APPLY_DURABLE, &[]).await?;
        // Only a role that was kept from it on purpose may not ask; then the identity stays unknown.
        let system = control.session.client.query(APPLY_SYSTEM.sql, &[]).await.unwrap_or_default();
        control.server.system = system.first().map(|row| row.get("system"));
        Ok(control)
    }

    /// Remarks from connecting.
    pub fn notes(&self) -> &[String] {
        &self.session.notes
    }

    /// From now on the server ends this session when nothing was heard of it for so long (14+): its
    /// lock would keep every later run out.
    pub async fn lease(&self, silence: Duration) -> Result<(), Failure> {
        if self.server.version_num < 140_000 {
            return Ok(());
        }
        let lease = format!("SET idle_session_timeout = '{}ms'", silence.as_millis());
        self.session.client.batch_execute(&lease).await.map_err(|e| lost(&sql_error(&e)))
    }

    /// True while the server answers on this connection, within so long.
    pub async fn answers(&self, patience: Duration) -> bool {
        matches!(tokio::time::timeout(patience, self.session.client.batch_execute("")).await, Ok(Ok(())))
    }

    /// Rows of a fixed statement.
    pub(super) async fn rows(&self, statement: &Statement, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Failure> {
        self.session.client.query(statement.sql, parameters).await.map_err(|e| {
            let error = sql_error(&e);
            Failure::new(FailureKind::Connect, format!("{} failed: {}", statement.name, error.message))
        })
    }

    /// A table by name.
    pub async fn target(&self, table: &TableName) -> Result<Option<Target>, Failure> {
        let rows = self.rows(&APPLY_TABLE, &[&table.schema, &table.name]).await?;
        Ok(rows.first().map(|row| Target {
            oid: row.get("oid"),
            kind: row.get("kind"),
            persistence: row.get("persistence"),
            owner: row.get("owner"),
            ours: row.get("ours"),
            may_create: row.get("may_create"),
            frozen_age: row.get("frozen_age"),
            freeze_max_age: row.get("freeze_max_age"),
        }))
    }

    /// Whatever has an index's name.
    pub async fn relation(&self, index: &IndexName) -> Result<Option<Relation>, Failure> {
        let rows = self.rows(&APPLY_RELATION, &[&index.schema, &index.name, &None::<u32>]).await?;
        Ok(rows.first().map(|row| relation(index, row)))
    }

    /// The relation of an OID, with its name.
    pub async fn relation_of(&self, oid: u32) -> Result<Option<(IndexName, Relation)>, Failure> {
        let rows = self.rows(&APPLY_RELATION, &[&"", &"", &Some(oid)]).await?;
        Ok(rows.first().map(|row| {
            let index = IndexName::new(row.get::<_, String>("schema"), row.get::<_, String>("name"));
            let relation = relation(&index, row);
            (index, relation)
        }))
    }

    /// How this server prints a definition, learnt on an empty temporary twin of the table that is
    /// rolled back: it also finds a wrong operator class, a mutable expression or a missing column
    /// before anything is built. `None` without the right to make one.
    pub async fn shape(&self, create: &CreateIndex) -> Result<Option<String>, SqlError> {
        let begin = ["BEGIN", "SET LOCAL search_path TO DEFAULT"];
        for sql in begin {
            self.session.client.batch_execute(sql).await.map_err(|e| sql_error(&e))?;
        }
        let found = self.twin(create).await;
        self.session.client.batch_execute("ROLLBACK").await.map_err(|e| sql_error(&e))?;
        found
    }

    async fn twin(&self, create: &CreateIndex) -> Result<Option<String>, SqlError> {
        let copy = format!("CREATE TEMPORARY TABLE advisor_twin (LIKE {})", create.table.quoted());
        match self.session.client.batch_execute(&copy).await.map_err(|e| sql_error(&e)) {
            Err(error) if error.code.as_deref() == Some("42501") => return Ok(None),
            other => other?,
        }
        let index = format!("{} {TAG}", create.sql_for_twin("advisor_twin_idx", "pg_temp.advisor_twin"));
        self.session.client.batch_execute(&index).await.map_err(|e| sql_error(&e))?;
        self.session.client.batch_execute("SET LOCAL search_path = pg_catalog").await.map_err(|e| sql_error(&e))?;
        let row = self.session.client.query_one(APPLY_TWIN.sql, &[]).await.map_err(|e| sql_error(&e))?;
        Ok(row.get::<_, Option<String>>("definition").as_deref().and_then(index_ddl::definition).map(|d| d.shape()))
    }

    /// Ledger and catalog of one entry, now.
    pub async fn look(&self, wanted: &Entry) -> Result<View, Failure> {
        // Before the first apply there is no ledger, and a plan is shown all the same.
        let entry = if super::ledger::exists(self).await? { super::ledger::entries(self, Some(&wanted.id)).await?.pop() } else { None };
        // Asked before the catalog: a build that ends in between is then seen as it ended, not as a carcass.
        let worker_alive = match entry.as_ref().filter(|e| e.state.is_under_way()).and_then(|e| e.worker) {
            Some(worker) => self.life(worker).await? != Life::Gone,
            None => false,
        };
        let (relation, builder) = self.relation_and_builder(&wanted.index).await?;
        let known = entry.as_ref().and_then(|e| e.index_oid).filter(|oid| relation.as_ref().is_none_or(|r| r.oid != *oid));
        Ok(View {
            moved: if let Some(oid) = known { self.relation_of(oid).await? } else { None },
            builder,
            twin: self.twin_of(wanted, relation.as_ref()).await?,
            parts: if wanted.motion == Motion::CreateParent { self.parts(wanted, relation.as_ref()).await? } else { Vec::new() },
            renamed: match &wanted.rename_to {
                Some(name) => self.relation(&IndexName::new(&wanted.index.schema, name)).await?,
                None => None,
            },
            relation,
            worker_alive,
            table_oid: self.target(&wanted.table).await?.map(|t| t.oid),
            entry,
        })
    }

    /// Whatever has an index's name, and who builds it now.
    async fn relation_and_builder(&self, index: &IndexName) -> Result<(Option<Relation>, Option<Builder>), Failure> {
        let relation = self.relation(index).await?;
        let Some(unfinished) = relation.as_ref().filter(|r| r.table_oid.is_some() && !r.valid) else { return Ok((relation, None)) };
        match self.builder(unfinished.oid).await? {
            // It may just have been finished.
            None => Ok((self.relation(index).await?, None)),
            builder => Ok((relation, builder)),
        }
    }

    /// Another usable index of the table: of a build, one with the same shape; of a drop, one that guards the same.
    async fn twin_of(&self, wanted: &Entry, relation: Option<&Relation>) -> Result<Option<IndexName>, Failure> {
        let going = relation.and_then(|r| r.definition.as_ref()).map(|d| &d.create);
        if wanted.motion == Motion::Rename || (wanted.motion == Motion::Drop && !going.is_some_and(|g| g.unique)) {
            return Ok(None);
        }
        let rows = self.rows(&APPLY_SIBLINGS, &[&wanted.table_oid]).await?;
        let fits = |row: &&Row| {
            let other = index_ddl::definition(row.get("definition")).filter(|_| row.get::<_, &str>("name") != wanted.index.name);
            other.is_some_and(|other| match wanted.motion {
                Motion::Drop => row.get("immediate") && going.is_some_and(|going| other.guards_like(going)),
                _ => Some(other.shape()) == wanted.shape,
            })
        };
        Ok(rows.iter().find(fits).map(|row| IndexName::new(row.get::<_, String>("schema"), row.get::<_, String>("name"))))
    }

    /// The partitions right below an entry's table, with their indexes that are attached to its index or are to be.
    pub async fn parts(&self, entry: &Entry, index: Option<&Relation>) -> Result<Vec<Part>, Failure> {
        let mut parts: Vec<Part> = Vec::new();
        for row in self.rows(&APPLY_PARTS, &[&entry.table_oid, &index.map(|i| i.oid).unwrap_or_default()]).await? {
            let table = TableName::new(row.get::<_, String>("schema"), row.get::<_, String>("name"));
            if parts.last().is_none_or(|p| p.table != table) {
                parts.push(Part { table: table.clone(), attached: None, own: None });
            }
            let (Some(part), Some(name)) = (parts.last_mut(), row.get::<_, Option<String>>("index_name")) else { continue };
            let found = (IndexName::new(&table.schema, name), row.get::<_, Option<bool>>("valid") == Some(true));
            if found.0 == entry.definition.create.on_partition(&table).index() {
                part.own = Some(found.clone());
            }
            if row.get("attached") {
                part.attached = Some(found);
            }
        }
        Ok(parts)
    }

    /// Everything below a partitioned table, top down.
    pub async fn members(&self, table: &TableName) -> Result<Vec<Member>, Failure> {
        super::partitions::members(&self.session.client, table).await
    }

    /// What this very backend is about.
    pub async fn life(&self, worker: Worker) -> Result<Life, Failure> {
        let rows = self.rows(&APPLY_BACKEND, &[&worker.pid]).await?;
        Ok(rows.first().map_or(Life::Gone, |row| match (row.get::<_, Option<i64>>("started"), row.get("working"), row.get("advisor")) {
            (Some(started), true, _) if started == worker.started => Life::Working,
            (Some(started), false, _) if started == worker.started => Life::Idle,
            (None, _, true) => Life::Hidden,
            _ => Life::Gone,
        }))
    }

    /// Cancels what it runs, if it is still the same backend.
    pub async fn cancel(&self, worker: Worker) -> Result<(), Failure> {
        self.signal(&APPLY_CANCEL, worker).await
    }

    /// Tries a table's advisory lock; never waits.
    pub async fn try_lock(&self, table_oid: u32) -> Result<bool, Failure> {
        let rows = self.rows(&APPLY_TRY_LOCK, &[&ADVISORY_CLASS, &table_oid.cast_signed()]).await?;
        Ok(rows.first().is_some_and(|row| row.get("locked")))
    }

    /// Gives it back.
    pub async fn unlock(&self, table_oid: u32) -> Result<(), Failure> {
        self.rows(&APPLY_UNLOCK, &[&ADVISORY_CLASS, &table_oid.cast_signed()]).await.map(|_| ())
    }

    /// Who holds it.
    pub async fn lock_holder(&self, table_oid: u32) -> Result<Option<Holder>, Failure> {
        let rows = self.rows(&APPLY_LOCK_HOLDER, &[&i64::from(ADVISORY_CLASS), &i64::from(table_oid)]).await?;
        Ok(rows.first().map(|row| Holder {
            worker: Worker { pid: row.get("pid"), started: row.get("started") },
            who: blocker(row),
            advisor: row.get("advisor"),
            silent_seconds: row.get("silent"),
        }))
    }

    /// Ends a session that calls itself an advisor, if it is still the same backend.
    pub async fn end(&self, worker: Worker) -> Result<(), Failure> {
        self.signal(&APPLY_END, worker).await
    }

    async fn signal(&self, statement: &Statement, worker: Worker) -> Result<(), Failure> {
        let signalled = self.session.client.query(statement.sql, &[&worker.pid, &worker.started]).await;
        signalled.map(|_| ()).map_err(|e| {
            let (error, role) = (sql_error(&e), &self.server.role);
            let failure =
                Failure::new(FailureKind::ApplyNeedsYou, format!("process {} could not be stopped: {}", worker.pid, error.message));
            let denied = error.code.as_deref() == Some("42501");
            let cure = format!("run the command again as the role that began it, or: GRANT pg_signal_backend TO {};", quote_ident(role));
            if denied { failure.hint(cure) } else { failure }
        })
    }

    /// Who builds an index now.
    async fn builder(&self, index_oid: u32) -> Result<Option<Builder>, Failure> {
        let rows = self.rows(&APPLY_BUILDER, &[&index_oid]).await?;
        Ok(rows.first().map(|row| Builder { pid: row.get("pid"), sure: row.get("sure") }))
    }

    /// How far the slowest standby's replay is behind, bytes; `None` without a standby, or without the right to see it.
    pub async fn lag(&self) -> Result<Option<i64>, Failure> {
        Ok(self.rows(&APPLY_LAG, &[]).await?.first().and_then(|row| row.get("lag")))
    }

    /// Progress of a worker's build; `None` while it waits for the table's lock, and for drops.
    pub async fn progress(&self, worker: Worker) -> Result<Option<Progress>, Failure> {
        let rows = self.rows(&APPLY_PROGRESS, &[&worker.pid]).await?;
        let number = |row: &Row, name: &str| row.get::<_, Option<i64>>(name).unwrap_or(0);
        Ok(rows.first().map(|row| Progress {
            phase: row.get::<_, Option<String>>("phase").unwrap_or_default(),
            index_oid: row.get("index_oid"),
            lockers_total: number(row, "lockers_total"),
            lockers_done: number(row, "lockers_done"),
            blocks_total: number(row, "blocks_total"),
            blocks_done: number(row, "blocks_done"),
            tuples_total: number(row, "tuples_total"),
            tuples_done: number(row, "tuples_done"),
        }))
    }

    /// Whom a worker waits for now, oldest first.
    pub async fn waiting_for(&self, worker: Worker) -> Result<Vec<Blocker>, Failure> {
        Ok(self.rows(&APPLY_WAITING_FOR, &[&worker.pid]).await?.iter().map(blocker).collect())
    }

    /// Builds that run in this database.
    pub async fn builds(&self) -> Result<Vec<Build>, Failure> {
        let build = |row: &Row| Build {
            pid: row.get("pid"),
            table_oid: row.get("table_oid"),
            table: TableName::new(row.get::<_, String>("table_schema"), row.get::<_, String>("table_name")),
            index: row.get("index_name"),
            phase: row.get("phase"),
        };
        Ok(self.rows(&APPLY_BUILDS, &[]).await?.iter().map(build).collect())
    }
}

/// A build that runs, ours or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// Backend.
    pub pid: i32,
    /// Table, where we may see it.
    pub table_oid: Option<u32>,
    /// Table's name; empty where we may not see it.
    pub table: TableName,
    /// Index; empty before it is in the catalog.
    pub index: String,
    /// Phase.
    pub phase: String,
}

fn lost(error: &SqlError) -> Failure {
    Failure::new(FailureKind::Connect, format!("the connection broke: {}", error.message))
}

pub(super) fn blocker(row: &Row) -> Blocker {
    Blocker {
        pid: row.get("pid"),
        application: row.get("application"),
        role: row.get("role"),
        state: row.get("state"),
        seconds: row.get("seconds"),
    }
}

fn relation(index: &IndexName, row: &Row) -> Relation {
    let valid = ["valid", "ready", "live"].iter().all(|c| row.get::<_, Option<bool>>(*c) == Some(true));
    let create = row.get::<_, Option<&str>>("definition").and_then(index_ddl::definition);
    let definition = create.map(|create| {
        let comment = row.get::<_, Option<String>>("comment").map(|text| Ddl::Comment(index.clone(), text));
        let columns: Vec<i16> = row.get("statistics_columns");
        let targets: Vec<i32> = row.get("statistics_targets");
        let statistics = columns.into_iter().zip(targets).map(|(column, target)| Ddl::Statistics(index.clone(), column, target));
        let create = CreateIndex { tablespace: row.get("tablespace"), ..create };
        Definition { create, extras: comment.into_iter().chain(statistics).collect(), valid }
    });
    let kind = match row.get::<_, &str>("kind") {
        "i" | "I" => "index that cannot be read",
        "r" | "p" => "table",
        "v" => "view",
        "m" => "materialized view",
        "S" => "sequence",
        "c" => "type",
        _ => "relation",
    };
    Relation {
        oid: row.get("oid"),
        kind,
        table_oid: row.get("table_oid"),
        definition,
        valid,
        needed: row.get("needed"),
        partitioned: row.get("partitioned"),
    }
}

/// Our own backend. A role that switched away from its login may not see when it started: such a role is refused.
fn own(row: &Row) -> Worker {
    Worker { pid: row.get("pid"), started: row.get::<_, Option<i64>>("started").unwrap_or_default() }
}

/// What a backend is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// It is not there; its process id may be another's by now.
    Gone,
    /// It is there and does nothing.
    Idle,
    /// It works on something.
    Working,
    /// A session of that process id calls itself an advisor, and this role may not see more.
    Hidden,
}

/// The worker connection.
pub struct WorkerSession {
    session: Session,
    /// How a later run knows it.
    pub worker: Worker,
}

impl WorkerSession {
    /// Opens it with every timeout off, whatever role and database say: the watching is ours.
    pub async fn open(target: Option<&str>, verb: &str, version_num: i32) -> Result<WorkerSession, SqlError> {
        let purpose = Purpose {
            application_name: format!("advisor/{} {verb} worker", env!("CARGO_PKG_VERSION")),
            read_only: false,
            statement_timeout: Duration::ZERO,
            lock_timeout: Duration::ZERO,
        };
        let opened = Session::open(target, &purpose).await;
        let session = opened.map_err(|f| SqlError { code: None, message: f.message })?;
        // A build that outlives us is found and finished by the next run; one that dies with us is work lost.
        let timeouts = [
            (0, "lock_timeout"),
            (0, "statement_timeout"),
            (140_000, "idle_session_timeout"),
            (140_000, "client_connection_check_interval"),
            (170_000, "transaction_timeout"),
        ];
        for (_, timeout) in timeouts.iter().filter(|(since, _)| version_num >= *since) {
            session.client.batch_execute(&format!("SET {timeout} = 0")).await.map_err(|e| sql_error(&e))?;
        }
        for set in KEEPALIVES {
            session.client.batch_execute(set).await.map_err(|e| sql_error(&e))?;
        }
        let row = session.client.query_one(APPLY_WORKER.sql, &[]).await.map_err(|e| sql_error(&e))?;
        let worker = own(&row);
        Ok(WorkerSession { session, worker })
    }

    /// Runs one statement, in a message of its own and outside a transaction block.
    pub async fn execute(&self, sql: &str) -> Result<(), SqlError> {
        self.session.client.batch_execute(&format!("{sql} {TAG}")).await.map_err(|e| sql_error(&e))
    }
}
