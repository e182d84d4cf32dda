//! What `advisor doctor` asks a server, and what it answers.

use super::snapshot::{Problem, Server};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Everything asked; the judgement works on this alone.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// The server.
    pub server: Server,
    /// The connection.
    pub connection: ConnectionFacts,
    /// hypopg, pg_stat_statements, pg_trgm; `None` when the question failed (see `problems`).
    pub extensions: Option<Vec<ExtensionFacts>>,
    /// What our role may do; `None` when the question failed.
    pub rights: Option<RightsFacts>,
    /// Settings as SHOW prints them; what the server does not know or hides is absent.
    pub settings: BTreeMap<String, String>,
    /// Timeouts of our role and database.
    pub role_settings: Vec<RoleSetting>,
    /// Indexes that no plan may use.
    pub invalid_indexes: Vec<InvalidIndex>,
    /// Index builds that run now.
    pub builds: Vec<Build>,
    /// Questions that failed.
    pub problems: Vec<Problem>,
}

/// How we are connected.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConnectionFacts {
    /// Host name or socket folder.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Role.
    pub user: String,
    /// Superuser?
    pub superuser: bool,
    /// TLS between us and what we are connected to.
    pub encrypted: bool,
    /// The connection stays on this machine (Unix socket or loopback address).
    pub local: bool,
    /// TLS version as the server sees it; null without TLS at the server.
    pub tls_version: Option<String>,
    /// TLS cipher as the server sees it.
    pub tls_cipher: Option<String>,
    /// Proven: something stands between us and the server. `false` proves nothing.
    pub pooler: bool,
}

/// An extension on the server and in the database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExtensionFacts {
    /// Name.
    pub name: String,
    /// Version the server's files offer; `None` when they are not installed.
    pub available: Option<String>,
    /// Version in this database; `None` when not created.
    pub installed: Option<String>,
    /// Schema of its objects.
    pub schema: Option<String>,
}

/// What our role may do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RightsFacts {
    /// pg_read_all_stats, also through pg_monitor.
    pub reads_all_stats: bool,
    /// CREATE on the database.
    pub creates_schemas: bool,
    /// USAGE and CREATE on schema `advisor`; `None` when there is none.
    pub ledger_usable: Option<bool>,
    /// Tables, partitioned tables and materialized views outside the system's schemas.
    pub tables: u64,
    /// Of these with SELECT on a column.
    pub readable_tables: u64,
    /// Of these owned by us.
    pub own_tables: u64,
    /// Owners of the others.
    pub other_owners: Vec<String>,
    /// Schemas with tables of ours where we may not create.
    pub closed_schemas: Vec<String>,
}

/// A setting of ALTER ROLE or ALTER DATABASE.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoleSetting {
    /// statement_timeout…
    pub name: String,
    /// As written there.
    pub value: String,
    /// Set for our role.
    pub for_role: bool,
    /// Set for this database.
    pub for_database: bool,
}

/// An index that no plan may use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InvalidIndex {
    /// Schema.
    pub schema: String,
    /// Table.
    pub table: String,
    /// Name.
    pub name: String,
    /// A partitioned index: invalid until every partition has its own.
    pub partitioned: bool,
    /// Some session builds it right now.
    pub building: bool,
}

/// A running index build.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Build {
    /// Backend.
    pub pid: i32,
    /// `CREATE INDEX CONCURRENTLY`…; `None` where hidden from us.
    pub command: Option<String>,
    /// As pg_stat_progress_create_index has it.
    pub phase: Option<String>,
    /// `schema.table`.
    pub table: Option<String>,
}

/// How a check ended; ordered from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    /// Nothing to do.
    Ok,
    /// Works; could be better.
    Attention,
    /// Some part of advisor's work is not possible or not right.
    Problem,
}

/// What to do about a check.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Remedy {
    /// In words.
    pub text: String,
    /// Statements, each to be sent alone and in this order; a step outside SQL is a `--` comment.
    pub sql: Vec<String>,
}

/// One line of the doctor's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    /// `connection`, `server`, `extensions`, `privileges`, `settings`, `indexes`.
    pub topic: String,
    /// How it ended.
    pub state: CheckState,
    /// What was found, one line.
    pub message: String,
    /// What to do; empty where there is nothing to do.
    pub fix: Remedy,
    /// `analyze` can do nothing until this is cured.
    pub stops_analysis: bool,
}

/// The doctor's answer; these types are its JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Diagnosis {
    /// Version of this document; additive changes keep it.
    pub schema_version: u32,
    /// Version of advisor that wrote it.
    pub advisor_version: String,
    /// The server.
    pub server: Server,
    /// The connection.
    pub connection: ConnectionFacts,
    /// All checks, by topic.
    pub checks: Vec<Check>,
}
