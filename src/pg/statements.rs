//! Every fixed statement we send, with the parameters and columns it promises.
//! The text lives under `sql/`, one statement per file; `tests/sql_contract.rs` prepares each on
//! each available server and compares. Variants are separate files chosen by version.

/// One SQL file and its promise.
#[derive(Debug)]
pub struct Statement {
    /// Path below `sql/`, without `.sql`.
    pub name: &'static str,
    /// The text.
    pub sql: &'static str,
    /// First server major it is valid on.
    pub since_major: u32,
    /// Last server major it is valid on.
    pub until_major: u32,
    /// Parameter types, as pg_type names.
    pub parameters: &'static [&'static str],
    /// Column names in order.
    pub columns: &'static [&'static str],
    /// Extension or schema it needs on the server (`pg_stat_statements`, `hypopg`, `ledger`), if any.
    pub needs: Option<&'static str>,
}

/// Declares a statement constant and the list of all.
macro_rules! statements {
    ($($(#[$meta:meta])* $constant:ident = $path:literal, $since:literal..=$until:literal, $needs:expr, [$($parameter:literal),*] -> [$($column:literal),* $(,)?];)*) => {
        $($(#[$meta])* pub static $constant: Statement = Statement {
            name: $path,
            sql: include_str!(concat!("../../sql/", $path, ".sql")),
            since_major: $since,
            until_major: $until,
            parameters: &[$($parameter),*],
            columns: &[$($column),*],
            needs: $needs,
        };)*
        /// All of them.
        pub static ALL: &[&Statement] = &[$(&$constant),*];
    };
}

statements! {
    /// Version, database, recovery state.
    SERVER = "collect/server", 13..=99, None, [] -> ["version_num", "version", "database", "is_standby"];
    /// Every table below a partitioned one, top down.
    PARTITIONS = "apply/partitions", 13..=99, None, ["text", "text"] -> ["schema", "name", "parent_schema", "parent", "level", "is_leaf"];
    /// What this server can do.
    APPLY_SERVER = "apply/server", 13..=99, None, [] -> ["version_num", "version", "database", "is_standby", "read_only", "role"];
    /// A table to be indexed.
    APPLY_TABLE = "apply/table", 13..=99, None, ["text", "text"] -> ["oid", "kind", "persistence", "owner", "ours", "may_create", "frozen_age", "freeze_max_age", "size_bytes"];
    /// What has a name now.
    APPLY_RELATION = "apply/relation", 13..=99, None, ["text", "text"] -> ["oid", "kind", "table_oid", "table_schema", "table_name", "definition", "valid", "ready", "live", "tablespace", "comment", "statistics_columns", "statistics_targets", "needed"];
    /// Usable indexes of a table.
    APPLY_SIBLINGS = "apply/siblings", 13..=99, None, ["oid"] -> ["schema", "name", "definition"];
    /// The twin's index as printed.
    APPLY_TWIN = "apply/twin_definition", 13..=99, None, [] -> ["definition"];
    /// A backend by process id.
    APPLY_BACKEND = "apply/backend", 13..=99, None, ["int4"] -> ["started", "working"];
    /// Progress of a build.
    APPLY_PROGRESS = "apply/progress", 13..=99, None, ["int4"] -> ["phase", "lockers_total", "lockers_done", "blocks_total", "blocks_done", "tuples_total", "tuples_done"];
    /// Whom a backend waits for.
    APPLY_WAITING_FOR = "apply/waiting_for", 13..=99, None, ["int4"] -> ["pid", "application", "role", "state", "seconds"];
    /// Who would hold a build up.
    APPLY_WOULD_BLOCK = "apply/would_block", 13..=99, None, ["oid"] -> ["pid", "application", "role", "state", "seconds"];
    /// Builds that run now.
    APPLY_BUILDS = "apply/builds", 13..=99, None, [] -> ["pid", "table_oid", "table_schema", "table_name", "index_name", "phase"];
    /// INVALID indexes.
    APPLY_INVALID = "apply/invalid", 13..=99, None, [] -> ["oid", "schema", "name", "ready"];
    /// Try an advisory lock.
    APPLY_TRY_LOCK = "apply/try_lock", 13..=99, None, ["int4", "int4"] -> ["locked"];
    /// Give it back.
    APPLY_UNLOCK = "apply/unlock", 13..=99, None, ["int4", "int4"] -> ["unlocked"];
    /// Who holds it.
    APPLY_LOCK_HOLDER = "apply/lock_holder", 13..=99, None, ["int8", "int8"] -> ["pid", "application", "role", "state", "seconds"];
    /// Cancel a worker of ours.
    APPLY_CANCEL = "apply/cancel", 13..=99, None, ["int4", "int8"] -> ["cancelled"];
    /// Whether the ledger is there.
    LEDGER_EXISTS = "ledger/exists", 13..=99, None, [] -> ["name", "ours", "owner"];
    /// The ledger's schema.
    LEDGER_CREATE_SCHEMA = "ledger/create_schema", 13..=99, None, [] -> [];
    /// The ledger's rows.
    LEDGER_CREATE_TABLE = "ledger/create_table", 13..=99, Some("ledger"), [] -> [];
    /// The ledger's history.
    LEDGER_CREATE_EVENTS = "ledger/create_events", 13..=99, Some("ledger"), [] -> [];
    /// Entries.
    LEDGER_ENTRIES = "ledger/entries", 13..=99, Some("ledger"), ["text"] -> ["id", "run", "position", "action", "schema_name", "index_name", "table_name", "table_oid", "index_oid", "shape", "definition", "up_sql", "down_sql", "state", "owned", "attempt", "worker_pid", "worker_start", "error", "updated_at"];
    /// Record an intent.
    LEDGER_PLAN = "ledger/plan", 13..=99, Some("ledger"), ["text", "text", "int4", "text", "text", "text", "text", "oid", "text", "jsonb", "text", "_text", "text", "_text", "text"] -> ["id"];
    /// Record a change of state.
    LEDGER_MOVE = "ledger/move", 13..=99, Some("ledger"), ["text", "text", "text", "bool", "oid", "int4", "int8", "int4", "text"] -> ["id"];
    /// Our own backend.
    APPLY_WORKER = "apply/worker", 13..=99, None, [] -> ["pid", "started"];
}
