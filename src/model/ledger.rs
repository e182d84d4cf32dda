//! What `apply` intends and owns (the ledger), and what the catalog says (a view). Facts come from
//! the catalog alone; the ledger only says whose an index is and what was under way.

use super::ddl::{CreateIndex, Ddl, IndexName};
use super::index_def::TableName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

/// What apply does about an index; rollback does the opposite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Motion {
    /// CREATE INDEX CONCURRENTLY.
    Create,
    /// DROP INDEX CONCURRENTLY.
    Drop,
    /// CREATE INDEX ON ONLY a partitioned table: in force once every partition's index is attached.
    CreateParent,
    /// ALTER INDEX … RENAME TO [`Entry::rename_to`].
    Rename,
}

impl Motion {
    /// All of them.
    pub const ALL: [Motion; 4] = [Motion::Create, Motion::Drop, Motion::CreateParent, Motion::Rename];

    /// As the ledger spells it.
    pub fn name(self) -> &'static str {
        match self {
            Motion::Create => "create",
            Motion::Drop => "drop",
            Motion::CreateParent => "create_parent",
            Motion::Rename => "rename",
        }
    }

    /// By its spelling.
    pub fn by_name(name: &str) -> Option<Motion> {
        Motion::ALL.into_iter().find(|m| m.name() == name)
    }
}

/// Where an entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Intended; nothing was done.
    Planned,
    /// A CREATE INDEX of ours may be running or have left something.
    Building,
    /// The index is there and valid.
    Built,
    /// Its definition was compared, and comment and statistics targets restored.
    Verified,
    /// The change is in force.
    Done,
    /// The database was as wanted before we came: not ours.
    Present,
    /// The attempt failed and left nothing.
    Failed,
    /// A DROP INDEX of ours may be running or be half done.
    Dropping,
    /// The change was taken back.
    RolledBack,
}

impl State {
    /// All of them.
    pub const ALL: [State; 9] = [
        State::Planned,
        State::Building,
        State::Built,
        State::Verified,
        State::Done,
        State::Present,
        State::Failed,
        State::Dropping,
        State::RolledBack,
    ];

    /// A statement of ours may be running, or have left something half done.
    pub fn is_under_way(self) -> bool {
        matches!(self, State::Building | State::Built | State::Verified | State::Dropping)
    }

    /// As the ledger spells it.
    pub fn name(self) -> &'static str {
        match self {
            State::Planned => "planned",
            State::Building => "building",
            State::Built => "built",
            State::Verified => "verified",
            State::Done => "done",
            State::Present => "present",
            State::Failed => "failed",
            State::Dropping => "dropping",
            State::RolledBack => "rolled_back",
        }
    }

    /// By its spelling.
    pub fn by_name(name: &str) -> Option<State> {
        State::ALL.into_iter().find(|s| s.name() == name)
    }
}

/// A backend that runs our DDL; the start time tells it from a later one of the same process id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worker {
    /// Process id.
    pub pid: i32,
    /// backend_start, microseconds since 1970.
    pub started: i64,
}

/// An index whole: what brings it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    /// How it is created. Of an index to be dropped: as the server printed it.
    pub create: CreateIndex,
    /// Comment and statistics targets, restored after creating.
    pub extras: Vec<Ddl>,
    /// False for an index that was INVALID when it was dropped: it does not come back.
    pub valid: bool,
}

impl Definition {
    /// The ledger entry that its comment names, where a ledger file's run built it.
    pub fn mark(&self) -> Option<&str> {
        self.extras.iter().find_map(|extra| match extra {
            Ddl::Comment(_, text) => text.strip_prefix(MARK),
            _ => None,
        })
    }
}

/// A query that an index is for, to be planned again once it is there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TargetQuery {
    /// The report's fingerprint.
    pub fingerprint: String,
    /// Its text, without literal values where the report had none.
    pub text: String,
}

/// The file that asked for an entry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Source {
    /// Its name, without folders.
    pub file: String,
    /// Hash of its statements, 16 hex digits.
    pub checksum: String,
}

impl Source {
    /// The checksum of a file's statements: 16 hex digits that comments, blank lines and line ends do not change.
    pub fn checksum<'a>(statements: impl IntoIterator<Item = &'a str>) -> String {
        let text: String = statements.into_iter().map(|sql| format!("{};\n", sql.trim())).collect();
        format!("{:016x}", xxh3_64(text.as_bytes()))
    }
}

/// How the comment on an index begins that names its entry in a ledger file.
const MARK: &str = "advisor:";

/// One row of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Id of the advice.
    pub id: String,
    /// The run that planned it; sorts by time.
    pub run: String,
    /// Its place in the run, from 1.
    pub position: i32,
    /// What apply does.
    pub motion: Motion,
    /// Index.
    pub index: IndexName,
    /// Table.
    pub table: TableName,
    /// pg_class.oid of the table when planned.
    pub table_oid: u32,
    /// pg_class.oid of the index that we built.
    pub index_oid: Option<u32>,
    /// The definition as this server prints it ([`CreateIndex::shape`]).
    pub shape: Option<String>,
    /// The index whole.
    pub definition: Definition,
    /// Where it stands.
    pub state: State,
    /// True from the moment that what is there may be our doing.
    pub owned: bool,
    /// Builds and drops begun.
    pub attempt: i32,
    /// Who runs, or ran, the DDL.
    pub worker: Option<Worker>,
    /// The last error.
    pub error: Option<String>,
    /// Of a step of a recipe (a partition's index, the parts of a replacement): the entry asked for.
    pub part_of: Option<String>,
    /// Of a rename: the new name, in the same schema; [`Entry::index`] has the old one.
    pub rename_to: Option<String>,
    /// What the index is for, where the report said so.
    pub targets: Vec<TargetQuery>,
    /// The migration file, where one asked for it.
    pub source: Option<Source>,
    /// pg_control_system().system_identifier of the cluster it was planned in: OIDs mean nothing elsewhere.
    pub system: Option<i64>,
    /// Last change, RFC 3339 UTC.
    pub updated_at: String,
}

impl Entry {
    /// A new entry, planned; nothing is known of it but what is wanted.
    pub fn planned(id: &str, run: &str, motion: Motion, definition: Definition) -> Entry {
        Entry {
            id: id.to_owned(),
            run: run.to_owned(),
            position: 1,
            motion,
            index: definition.create.index(),
            table: definition.create.table.clone(),
            table_oid: 0,
            index_oid: None,
            shape: None,
            definition,
            state: State::Planned,
            owned: false,
            attempt: 0,
            worker: None,
            error: None,
            part_of: None,
            rename_to: None,
            targets: Vec::new(),
            source: None,
            system: None,
            updated_at: String::new(),
        }
    }

    /// Asks for the mark: a comment on the index that names this entry, for a machine that does not have the
    /// ledger's file. Only what we build is marked: an index dropped and rebuilt keeps the comment it had.
    pub fn add_mark(&mut self) {
        let mark = Ddl::Comment(self.index.clone(), format!("{MARK}{}", self.id));
        if matches!(self.motion, Motion::Create | Motion::CreateParent) && !self.definition.extras.contains(&mark) {
            self.definition.extras.push(mark);
        }
    }

    /// True when what it owns is in another cluster: its OIDs mean nothing in the one with this system identifier.
    pub fn is_of_another_cluster(&self, system: Option<i64>) -> bool {
        let closed = matches!(self.state, State::RolledBack | State::Present);
        self.owned && !closed && self.system.zip(system).is_some_and(|(then, now)| then != now)
    }

    /// Its index as it is called now: a build that replaced another index has that one's name in the end.
    pub fn index_now(&self, all: &[Entry]) -> IndexName {
        let renamed = |e: &&Entry| e.motion == Motion::Rename && e.state == State::Done && e.part_of.as_ref() == Some(&self.id);
        let name = all.iter().find(renamed).and_then(|e| e.rename_to.as_ref());
        name.map_or_else(|| self.index.clone(), |name| IndexName::new(&self.index.schema, name))
    }

    /// The statement of apply.
    pub fn up_sql(&self) -> String {
        match self.motion {
            Motion::Create => self.definition.create.sql(),
            Motion::Drop => self.index.drop_sql(),
            Motion::CreateParent => self.definition.create.sql_on_only(),
            Motion::Rename => self.index.rename_sql(self.rename_to.as_deref().unwrap_or_default()),
        }
    }

    /// The statements of rollback.
    pub fn down_sql(&self) -> Vec<String> {
        match self.motion {
            Motion::Create => vec![self.index.drop_sql()],
            Motion::Drop if !self.definition.valid => Vec::new(),
            Motion::Drop => std::iter::once(self.definition.create.sql()).chain(self.definition.extras.iter().map(Ddl::sql)).collect(),
            Motion::CreateParent => vec![self.index.drop_parent_sql()],
            Motion::Rename => {
                let renamed = IndexName::new(&self.index.schema, self.rename_to.clone().unwrap_or_default());
                vec![renamed.rename_sql(&self.index.name)]
            }
        }
    }
}

/// A compare-and-set change of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// State it must be in.
    pub from: State,
    /// State it gets.
    pub to: State,
    /// New ownership, where it changes.
    pub owned: Option<bool>,
    /// The built index, once known.
    pub index_oid: Option<u32>,
    /// Who is about to run DDL.
    pub worker: Option<Worker>,
    /// True when this begins another attempt.
    pub attempt: bool,
    /// Error or remark; clears the old one when `None`.
    pub detail: Option<String>,
}

impl Change {
    /// A bare change of state.
    pub fn new(from: State, to: State) -> Self {
        Change { from, to, owned: None, index_oid: None, worker: None, attempt: false, detail: None }
    }
}

/// A relation that has the index's name now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// pg_class.oid.
    pub oid: u32,
    /// `index`, `table`, `view`…
    pub kind: &'static str,
    /// For an index, its table.
    pub table_oid: Option<u32>,
    /// For an index, whole, where we can read its definition.
    pub definition: Option<Definition>,
    /// indisvalid ∧ indisready ∧ indislive.
    pub valid: bool,
    /// Why it must not be dropped, if so.
    pub needed: Option<String>,
    /// The index of a partitioned table: it holds nothing itself and cannot be dropped concurrently.
    pub partitioned: bool,
}

/// A partition right below a partitioned table, as far as one index of that table is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The partition; it may be partitioned itself.
    pub table: TableName,
    /// Its index that is attached to that index, and whether it is valid.
    pub attached: Option<(IndexName, bool)>,
    /// Its index of the name that the recipe gives it, and whether it is valid.
    pub own: Option<(IndexName, bool)>,
}

/// A backend that builds an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Builder {
    /// The backend.
    pub pid: i32,
    /// It is this index; otherwise one on the same table, which one is hidden from this role.
    pub sure: bool,
}

/// What is true now of one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// The ledger's row.
    pub entry: Option<Entry>,
    /// The relation of that name.
    pub relation: Option<Relation>,
    /// The index that the ledger recorded, where it has another name by now.
    pub moved: Option<(IndexName, Relation)>,
    /// Who builds the index of that name now, whoever sent it.
    pub builder: Option<Builder>,
    /// Another index of the table that is equal and usable; of a UNIQUE index to be dropped: one that guards the same.
    pub twin: Option<IndexName>,
    /// Of the index of a partitioned table: the partitions right below.
    pub parts: Vec<Part>,
    /// Of a rename: the relation of the new name.
    pub renamed: Option<Relation>,
    /// True while the recorded worker still works.
    pub worker_alive: bool,
    /// pg_class.oid of the table; `None` when it is gone.
    pub table_oid: Option<u32>,
}

/// An error of the server or the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlError {
    /// SQLSTATE; `None` when the connection broke.
    pub code: Option<String>,
    /// Message and detail, one line.
    pub message: String,
}

impl SqlError {
    /// True when the connection is gone with it.
    pub fn broke_connection(&self) -> bool {
        self.code.as_deref().is_none_or(|code| code.starts_with("57P") || code.starts_with("08"))
    }
}

/// Somebody whom a build waits for, or would.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Blocker {
    /// Process id; 0 for a prepared transaction.
    pub pid: i32,
    /// application_name.
    pub application: String,
    /// Role.
    pub role: String,
    /// State, or what it holds.
    pub state: String,
    /// Age of its transaction, seconds.
    pub seconds: f64,
}

/// The session that holds an advisory lock of ours.
#[derive(Debug, Clone, PartialEq)]
pub struct Holder {
    /// Its process, and since when.
    pub worker: Worker,
    /// Who it is.
    pub who: Blocker,
    /// True when it calls itself an advisor.
    pub advisor: bool,
    /// Nothing was heard of it for this long, seconds: a live run asks several times a second.
    pub silent_seconds: f64,
}

/// A row of pg_stat_progress_create_index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// Phase; empty without the right to see it.
    pub phase: String,
    /// The index, once it is in the catalog and where we may see it.
    pub index_oid: Option<u32>,
    /// Sessions to wait for.
    pub lockers_total: i64,
    /// Of these done.
    pub lockers_done: i64,
    /// Blocks of the phase.
    pub blocks_total: i64,
    /// Of these done.
    pub blocks_done: i64,
    /// Tuples of the phase.
    pub tuples_total: i64,
    /// Of these done.
    pub tuples_done: i64,
}

/// A table to be indexed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// pg_class.oid.
    pub oid: u32,
    /// relkind.
    pub kind: String,
    /// relpersistence.
    pub persistence: String,
    /// Owner.
    pub owner: String,
    /// Our role is the owner, directly or through membership.
    pub ours: bool,
    /// CREATE on its schema.
    pub may_create: bool,
    /// Age of relfrozenxid, transactions.
    pub frozen_age: Option<i64>,
    /// autovacuum_freeze_max_age.
    pub freeze_max_age: i64,
}

/// The server, as far as building goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerState {
    /// server_version_num.
    pub version_num: i32,
    /// server_version.
    pub version: String,
    /// Database.
    pub database: String,
    /// pg_is_in_recovery().
    pub is_standby: bool,
    /// default_transaction_read_only.
    pub read_only: bool,
    /// Our role.
    pub role: String,
    /// The login, where our role can neither see nor cancel the login's sessions.
    pub blind_to: Option<String>,
    /// pg_control_system().system_identifier; `None` where the role may not read it.
    pub system: Option<i64>,
}
