//! Every fixed statement we send, with the parameters and columns it promises.
//! The text lives under `sql/`, one statement per file; `tests/sql_contract.rs` prepares each on
//! each available server and compares. Variants are separate files chosen by version.

/// What tells our statements from the workload's, also after pg_stat_statements stored them: it
/// keeps comments at the end (PostgreSQL 18 cuts leading ones).
pub const TAG: &str = "/* advisor */";

/// One SQL file and its promise.
#[derive(Debug)]
pub struct Statement {
    /// Path below `sql/`, without `.sql`.
    pub name: &'static str,
    /// The text, with the tag `/* advisor */` at its end.
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
            // The tag tells our own rows in pg_stat_statements from the application's. At the end, for
            // PostgreSQL 18 stores a text without what stands before its first keyword.
            sql: concat!(include_str!(concat!("../../sql/", $path, ".sql")), "/* advisor */"),
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
    /// On arrival: which backend, standby or not, our settings as pg_settings has them (ms).
    ARRIVED = "session/arrived", 13..=99, None, [] -> ["backend_pid", "is_standby", "is_superuser", "version_num", "default_transaction_read_only", "lock_timeout", "statement_timeout"];
    /// May this role set track_counts, which is a superuser's?
    MAY_STOP_COUNTING = "session/may_stop_counting", 15..=99, None, [] -> ["may"];
    /// Version, database, recovery state.
    SERVER = "collect/server", 13..=99, None, [] -> ["version_num", "version", "database", "is_standby"];
    /// Role, rights, default search_path.
    RIGHTS = "collect/rights", 13..=99, None, [] -> ["role", "reads_all_stats", "default_search_path"];
    /// How values are written, for this transaction.
    FORMATS = "collect/formats", 13..=99, None, [] -> ["value"];
    /// Reach an extension's schema, for this transaction.
    SEARCH_PATH = "collect/search_path", 13..=99, None, ["text"] -> ["value"];
    /// Extensions.
    EXTENSIONS = "collect/extensions", 13..=99, None, [] -> ["name", "version", "schema"];
    /// Operator classes of extensions.
    OPERATOR_CLASSES = "collect/operator_classes", 13..=99, None, [] -> [
        "schema", "name", "method", "type_name", "is_default", "searches", "orders",
    ];
    /// Relations.
    TABLES = "collect/tables", 13..=99, None, [] -> [
        "oid", "schema", "name", "kind", "owner", "ours", "from_extension", "row_security", "row_security_forced", "rows", "pages", "toast_oid", "statistics_readable",
        "parent_schema", "parent_name", "inherits", "seq_scans", "seq_rows", "index_scans", "inserted_rows", "updated_rows", "hot_updated_rows",
        "deleted_rows", "live_rows", "dead_rows", "modified_rows", "analyzed_seconds_ago", "vacuumed_seconds_ago",
    ];
    /// Sizes of what has storage.
    SIZES = "collect/sizes", 13..=99, None, [] -> ["oid", "size_bytes"];
    /// Columns.
    COLUMNS = "collect/columns", 13..=99, None, [] -> [
        "table_oid", "number", "name", "type_name", "category", "not_null", "sorts_by_bytes", "length", "alignment", "deterministic",
    ];
    /// pg_stats.
    COLUMN_STATISTICS = "collect/column_statistics", 13..=99, None, [] -> [
        "table_oid", "column_name", "null_frac", "avg_width_bytes", "n_distinct", "correlation", "common_values", "common_freqs", "histogram",
        "element_freqs", "elements_per_row",
    ];
    /// Extended statistics: distinct combinations.
    DISTINCT_TOGETHER = "collect/distinct_together", 13..=99, None, [] -> ["table_oid", "combinations"];
    /// Indexes.
    INDEXES = "collect/indexes", 13..=99, None, [] -> [
        "oid", "schema", "table_name", "name", "method", "is_unique", "predicate", "options", "definition", "valid", "ready", "live", "is_primary",
        "exclusion", "constraint_name", "needed_by_foreign_key", "replica_identity", "clustered", "partition", "partitioned", "pages",
        "scans", "owner", "tablespace", "comment", "building",
    ];
    /// Keys and INCLUDE columns of indexes.
    INDEX_KEYS = "collect/index_keys", 13..=99, None, [] -> [
        "index_oid", "place", "included", "column_name", "expression", "opclass", "collation", "descending", "nulls_first",
        "statistics_target",
    ];
    /// Extended statistics.
    STATISTICS_OBJECTS = "collect/statistics_objects", 13..=99, None, [] -> ["schema", "name", "table_schema", "table_name", "columns", "kinds"];
    /// Foreign keys.
    FOREIGN_KEYS = "collect/foreign_keys", 13..=99, None, [] -> [
        "name", "child_schema", "child_name", "parent_schema", "parent_name", "on_delete", "child_columns", "parent_columns",
    ];
    /// Other sessions.
    SESSIONS = "collect/sessions", 13..=99, None, [] -> [
        "pid", "role", "application", "state", "state_seconds", "transaction_seconds", "holds_snapshot", "hidden",
    ];
    /// Standbys.
    STANDBYS = "collect/standbys", 13..=99, None, [] -> ["standbys"];
    /// Settings by name.
    SETTINGS = "collect/settings", 13..=99, None, ["_text"] -> ["name", "value"];
    /// Age of the counters.
    COUNTERS = "collect/counters", 13..=99, None, [] -> ["now_utc", "since_utc", "age_seconds", "longest_seconds"];
    /// Settings of roles.
    ROLE_SETTINGS = "collect/role_settings", 13..=99, None, ["_text"] -> ["role", "in_database", "name", "value"];
    /// Window of pg_stat_statements, extension 1.9 and later.
    PGSS_INFO_1_9 = "collect/pgss_info.ext1.9", 13..=99, Some("pg_stat_statements"), [] -> ["since_utc", "age_seconds", "evictions"];
    /// Workload, extension 1.8.
    PGSS_1_8 = "collect/pgss.ext1.8", 13..=99, Some("pg_stat_statements"), [] -> [
        "role", "sees_all_rows", "query", "hidden", "calls", "total_ms", "min_ms", "max_ms", "stddev_ms", "plan_ms", "rows", "shared_hit_blocks",
        "shared_read_blocks", "temp_written_blocks", "wal_bytes",
    ];
    /// Workload, extension 1.9 and later.
    PGSS_1_9 = "collect/pgss.ext1.9", 13..=99, Some("pg_stat_statements"), [] -> [
        "role", "sees_all_rows", "query", "hidden", "calls", "total_ms", "min_ms", "max_ms", "stddev_ms", "plan_ms", "rows", "shared_hit_blocks",
        "shared_read_blocks", "temp_written_blocks", "wal_bytes",
    ];
    /// Who we are and how the server sees the connection.
    DOCTOR_CONNECTION = "doctor/connection", 13..=99, None, [] -> ["role", "superuser", "tls_version", "tls_cipher"];
    /// Extensions that help.
    DOCTOR_EXTENSIONS = "doctor/extensions", 13..=99, None, [] -> ["name", "available_version", "installed_version", "schema"];
    /// What our role may read and change.
    DOCTOR_RIGHTS = "doctor/rights", 13..=99, None, [] -> [
        "reads_all_stats", "creates_schemas", "ledger_usable", "tables", "readable_tables", "own_tables", "other_owners",
    ];
    /// Schemas with tables of ours where we may not create.
    DOCTOR_CLOSED_SCHEMAS = "doctor/closed_schemas", 13..=99, None, [] -> ["schema"];
    /// Timeouts of our role and database.
    DOCTOR_ROLE_SETTINGS = "doctor/role_settings", 13..=99, None, [] -> ["name", "value", "for_role", "for_database"];
    /// Invalid indexes.
    DOCTOR_INVALID_INDEXES = "doctor/invalid_indexes", 13..=99, None, [] -> ["schema", "table_name", "name", "partitioned", "building"];
    /// Index builds that run now.
    DOCTOR_BUILDS = "doctor/builds", 13..=99, None, [] -> ["pid", "command", "phase", "schema", "table_name"];
    /// Clone: schemas as DDL.
    BLUEPRINT_SCHEMAS = "blueprint/schemas", 13..=99, None, [] -> ["object", "ddl"];
    /// Clone: collations as DDL.
    BLUEPRINT_COLLATIONS = "blueprint/collations", 13..=99, None, [] -> ["object", "ddl"];
    /// Clone: enums as DDL.
    BLUEPRINT_ENUMS = "blueprint/enums", 13..=99, None, [] -> ["object", "ddl"];
    /// Clone: composites, ranges and domains as DDL.
    BLUEPRINT_TYPES = "blueprint/types", 13..=99, None, [] -> ["object", "ddl"];
    /// Clone: sequences as DDL.
    BLUEPRINT_SEQUENCES = "blueprint/sequences", 13..=99, None, [] -> ["object", "ddl"];
    /// Clone: functions as DDL.
    BLUEPRINT_FUNCTIONS = "blueprint/functions", 13..=99, None, [] -> ["object", "ddl"];
    /// Clone: aggregates as DDL.
    BLUEPRINT_AGGREGATES = "blueprint/aggregates", 13..=99, None, [] -> ["object", "ddl"];
    /// Clone: operators as DDL.
    BLUEPRINT_OPERATORS = "blueprint/operators", 13..=99, None, [] -> ["object", "ddl"];
    /// Clone: casts as DDL.
    BLUEPRINT_CASTS = "blueprint/casts", 13..=99, None, [] -> ["object", "ddl"];
    /// Clone: text search dictionaries and configurations as DDL.
    BLUEPRINT_TEXT_SEARCH = "blueprint/text_search", 13..=99, None, [] -> ["object", "ddl"];
    /// Clone: tables as DDL.
    BLUEPRINT_TABLES = "blueprint/tables", 13..=99, None, [] -> ["object", "ddl"];
    /// Clone: defaults and identity as DDL.
    BLUEPRINT_DEFAULTS = "blueprint/defaults", 13..=99, None, [] -> ["object", "ddl"];
    /// Clone: partitions and inheritance as DDL.
    BLUEPRINT_INHERITANCE = "blueprint/inheritance", 13..=99, None, [] -> ["object", "ddl"];
    /// Clone: CHECK constraints of domains as DDL.
    BLUEPRINT_DOMAIN_CHECKS = "blueprint/domain_checks", 13..=99, None, [] -> ["object", "ddl"];
    /// Clone: CHECK constraints of tables as DDL.
    BLUEPRINT_CHECKS = "blueprint/checks", 13..=99, None, [] -> ["object", "ddl"];
    /// Clone: indexes and the constraints they back as DDL.
    BLUEPRINT_INDEXES = "blueprint/indexes", 13..=99, None, [] -> ["object", "ddl"];
    /// Clone: attachments of indexes as DDL.
    BLUEPRINT_ATTACHMENTS = "blueprint/attachments", 13..=99, None, [] -> ["object", "ddl"];
    /// Clone: foreign keys as DDL.
    BLUEPRINT_FOREIGN_KEYS = "blueprint/foreign_keys", 13..=99, None, [] -> ["object", "ddl"];
    /// Clone: views as DDL.
    BLUEPRINT_VIEWS = "blueprint/views", 13..=99, None, [] -> ["object", "ddl"];
    /// Clone: rules as DDL.
    BLUEPRINT_RULES = "blueprint/rules", 13..=99, None, [] -> ["object", "ddl"];
    /// Clone: CREATE STATISTICS as DDL.
    BLUEPRINT_STATISTICS_OBJECTS = "blueprint/statistics_objects", 13..=99, None, [] -> ["object", "ddl"];
    /// Clone: row-level security as DDL.
    BLUEPRINT_POLICIES = "blueprint/policies", 13..=99, None, [] -> ["object", "ddl"];
    /// Clone: encoding and locale.
    BLUEPRINT_DATABASE = "blueprint/database", 13..=99, None, [] -> ["encoding", "collate", "ctype", "provider", "locale", "icu_rules"];
    /// Clone: roles.
    BLUEPRINT_ROLES = "blueprint/roles", 13..=99, None, [] -> ["name", "bypasses_row_security", "member_of", "total"];
    /// Clone: types that extensions brought.
    BLUEPRINT_EXTENSION_TYPES = "blueprint/extension_types", 13..=99, None, [] -> ["extension", "schema", "name"];
    /// Clone: what is not rebuilt.
    BLUEPRINT_LEFT_OUT = "blueprint/left_out", 13..=99, None, [] -> ["what", "names"];
    /// Clone: sizes of relations.
    BLUEPRINT_RELATIONS = "blueprint/relations", 13..=99, None, [] -> ["schema", "name", "pages", "rows", "visible_pages", "blocks"];
    /// Clone: column statistics, from pg_stats.
    BLUEPRINT_STATISTICS = "blueprint/statistics", 13..=99, None, [] -> [
        "schema", "relation", "column", "inherited", "null_frac", "avg_width", "n_distinct", "common_values", "common_freqs", "histogram",
        "correlation", "common_elements", "element_freqs", "element_counts", "range_lengths", "range_empty_frac", "range_bounds",
    ];
    /// Clone: column statistics, from pg_statistic.
    BLUEPRINT_STATISTICS_FULL = "blueprint/statistics_full", 13..=99, None, [] -> [
        "schema", "relation", "column", "inherited", "null_frac", "avg_width", "n_distinct", "kind", "operator", "collation", "numbers",
        "value_type", "values",
    ];
    /// Clone: which statistics we may read.
    BLUEPRINT_MAY_READ_STATISTICS = "blueprint/may_read_statistics", 13..=99, None, [] -> ["columns", "extended"];
    /// Clone: extended statistics.
    BLUEPRINT_EXTENDED = "blueprint/extended", 13..=99, None, [] -> [
        "schema", "name", "inherited", "numbers", "names", "distinct_bytes", "dependency_bytes",
    ];
    /// Clone: their most common combinations.
    BLUEPRINT_EXTENDED_ITEMS = "blueprint/extended_items", 13..=99, None, [] -> [
        "schema", "name", "inherited", "values", "frequency", "base_frequency",
    ];
    /// Clone: their expressions.
    BLUEPRINT_EXTENDED_EXPRESSIONS = "blueprint/extended_expressions", 14..=99, None, [] -> [
        "schema", "name", "inherited", "expression", "null_frac", "avg_width", "n_distinct", "kind", "operator", "collation", "numbers",
        "value_type", "values",
    ];
    /// Clone: extended statistics, from the view.
    BLUEPRINT_EXTENDED_SHOWN = "blueprint/extended_shown", 13..=99, None, [] -> [
        "schema", "name", "inherited", "numbers", "names", "distinct_bytes", "dependency_bytes",
    ];
    /// Clone: their most common combinations, from the view.
    BLUEPRINT_EXTENDED_ITEMS_SHOWN = "blueprint/extended_items_shown", 13..=99, None, [] -> [
        "schema", "name", "inherited", "values", "frequency", "base_frequency",
    ];
    /// Clone: their expressions, from the view.
    BLUEPRINT_EXTENDED_EXPRESSIONS_SHOWN = "blueprint/extended_expressions_shown", 14..=99, None, [] -> [
        "schema", "name", "inherited", "expression", "null_frac", "avg_width", "n_distinct", "common_values", "common_freqs", "histogram",
        "correlation", "common_elements", "element_freqs", "element_counts", "range_lengths", "range_empty_frac", "range_bounds",
    ];
    /// Clone: B-trees that may be looked into.
    BLUEPRINT_TREES = "blueprint/trees", 13..=99, None, [] -> [
        "schema", "name", "table_schema", "table_name", "blocks", "predicate", "order_by", "leading",
    ];
    /// Clone: first pages of GIN indexes, from the files.
    BLUEPRINT_GIN_FILE = "blueprint/gin_file", 13..=99, None, [] -> ["schema", "name", "page"];
    /// Clone: first pages of GIN indexes, from the server's memory.
    BLUEPRINT_GIN_PAGES = "blueprint/gin_pages", 13..=99, Some("pageinspect"), [] -> ["schema", "name", "page"];
    /// Clone: writes statistics.
    CLONE_PUT_STATISTICS = "clone/put_statistics", 13..=99, None,
        ["_int4", "_text", "_text", "_text", "_bool", "_float4", "_int4", "_float4", "_int4", "_int4", "_int2", "_text", "_text", "_text", "_text"]
        -> ["place", "reduced"];
    /// Clone: where relations lie, and what their first pages need.
    CLONE_FILES = "clone/files", 13..=99, None, ["_text", "_text"] -> [
        "place", "oid", "path", "method", "table_oid", "table_path", "leading", "descending", "columns", "key_widths", "key_distinct",
    ];
    /// Clone: writes page and row counts.
    CLONE_PUT_SIZES = "clone/put_sizes", 13..=99, None, ["_oid", "_int4", "_float4", "_int4"] -> [];
    /// Clone: columns that lead a B-tree.
    CLONE_LEADING = "clone/leading", 13..=99, None, ["_text", "_text"] -> [
        "place", "table_oid", "leading", "type_oid", "type_name", "length",
    ];
    /// Clone: statistics objects, without expressions.
    CLONE_STATISTICS_OBJECTS_13 = "clone/statistics_objects.pg13", 13..=13, None, [] -> [
        "oid", "schema", "name", "table_schema", "table_name", "numbers", "names", "expressions", "kinds",
    ];
    /// Clone: statistics objects.
    CLONE_STATISTICS_OBJECTS_14 = "clone/statistics_objects.pg14", 14..=99, None, [] -> [
        "oid", "schema", "name", "table_schema", "table_name", "numbers", "names", "expressions", "kinds",
    ];
    /// Clone: writes extended statistics.
    CLONE_PUT_EXTENDED_13 = "clone/put_extended.pg13", 13..=13, Some("byte casts"), ["oid", "bytea", "bytea", "bytea", "bool", "oid"] -> [];
    /// Clone: writes extended statistics, with expressions.
    CLONE_PUT_EXTENDED_14 = "clone/put_extended.pg14", 14..=14, Some("byte casts"), ["oid", "bytea", "bytea", "bytea", "bool", "oid"] -> [];
    /// Clone: writes extended statistics, own and inherited.
    CLONE_PUT_EXTENDED_15 = "clone/put_extended.pg15", 15..=99, Some("byte casts"), ["oid", "bytea", "bytea", "bytea", "bool", "oid"] -> [];
    /// Clone: a list that the server made for us.
    CLONE_MADE_LIST = "clone/made_list", 13..=99, None, ["oid"] -> ["list"];
    /// Clone: its items.
    CLONE_MADE_ITEMS = "clone/made_items", 13..=99, None, ["oid"] -> ["values"];
    /// Clone: clears a scratch table's statistics.
    CLONE_FORGET_COLUMNS = "clone/forget_columns", 13..=99, None, ["oid"] -> [];
    /// Clone: a table of ours.
    CLONE_TABLE_OID = "clone/table_oid", 13..=99, None, ["text", "text"] -> ["oid"];
    /// Clone: where a table of ours lies.
    CLONE_TABLE_PATH = "clone/table_path", 13..=99, None, ["text", "text"] -> ["path"];
    /// Clone: every index under its root.
    CLONE_INDEX_TREE = "clone/index_tree", 13..=99, None, [] -> ["oid", "root_schema", "root_name", "schema", "name", "table_schema", "table_name", "has_storage"];
    /// Clone: candidates that exist already.
    CLONE_TWINS = "clone/twins", 13..=99, None, ["_oid"] -> ["oid", "name"];
    /// Clone: keys of indexes that are expressions.
    CLONE_EXPRESSION_KEYS = "clone/expression_keys", 13..=99, None, ["_oid"] -> ["oid", "expression", "name"];
    /// Clone: what the statistics know of a column's values.
    CLONE_COLUMN_VALUES = "clone/column_values", 13..=99, None, ["text", "text", "text"]
        -> ["null_frac", "n_distinct", "correlation", "common", "shares", "bounds"];
    /// Clone: columns of a table with their types.
    CLONE_COLUMN_TYPES = "clone/column_types", 13..=99, None, ["text", "text"] -> ["name", "type"];
    /// Clone: shows indexes to the planner, or hides them.
    CLONE_TOGGLE = "clone/toggle", 13..=99, None, ["_oid"] -> [];
    /// Texts sorted; another collation is put in by `pg::collate`.
    SORT_TEXTS = "redact/sort_texts", 13..=99, None, ["_text"] -> ["value"];
    /// A hypothetical index.
    HYPOPG_CREATE = "hypopg/create", 13..=99, Some("hypopg"), ["text"] -> ["oid"];
    /// Forgets one.
    HYPOPG_DROP = "hypopg/drop", 13..=99, Some("hypopg"), ["oid"] -> ["dropped"];
    /// Every table below a partitioned one, top down.
    PARTITIONS = "apply/partitions", 13..=99, None, ["text", "text"] -> ["oid", "schema", "name", "parent_schema", "parent", "level", "is_leaf"];
    /// search_path for one transaction.
    EXPLAIN_PATH = "explain/path", 13..=99, None, ["text"] -> ["value"];
    /// The session's own search_path.
    OWN_PATH = "explain/own_path", 13..=99, None, [] -> ["schemas"];
    /// Why a query that calls, coerces to and reads these must not be run.
    VOLATILE = "explain/volatile", 13..=99, None, ["_oid", "_oid", "_oid", "_oid"] -> ["reason"];
    /// What this server can do.
    APPLY_SERVER = "apply/server", 13..=99, None, [] -> ["version_num", "version", "database", "is_standby", "read_only", "role", "blind_to"];
    /// Which cluster this is.
    APPLY_SYSTEM = "apply/system", 13..=99, None, [] -> ["system"];
    /// Durable commits.
    APPLY_DURABLE = "apply/durable", 13..=99, None, [] -> ["durable"];
    /// A table to be indexed.
    APPLY_TABLE = "apply/table", 13..=99, None, ["text", "text"] -> ["oid", "kind", "persistence", "owner", "ours", "may_create", "frozen_age", "freeze_max_age"];
    /// What has a name now.
    APPLY_RELATION = "apply/relation", 13..=99, None, ["text", "text", "oid"] -> ["oid", "schema", "name", "kind", "table_oid", "table_schema", "table_name", "definition", "valid", "ready", "live", "tablespace", "partitioned", "comment", "statistics_columns", "statistics_targets", "needed"];
    /// Usable indexes of a table.
    APPLY_SIBLINGS = "apply/siblings", 13..=99, None, ["oid"] -> ["schema", "name", "immediate", "definition"];
    /// Partitions right below a table with their indexes.
    APPLY_PARTS = "apply/parts", 13..=99, None, ["oid", "oid"] -> ["schema", "name", "index_name", "valid", "attached"];
    /// The twin's index as printed.
    APPLY_TWIN = "apply/twin_definition", 13..=99, None, [] -> ["definition"];
    /// Where the role's search_path leads.
    APPLY_SCHEMA_OF = "apply/schema_of", 13..=99, None, ["text"] -> ["found", "own"];
    /// A backend by process id.
    APPLY_BACKEND = "apply/backend", 13..=99, None, ["int4"] -> ["started", "working", "advisor"];
    /// Progress of a build.
    APPLY_PROGRESS = "apply/progress", 13..=99, None, ["int4"] -> ["phase", "index_oid", "lockers_total", "lockers_done", "blocks_total", "blocks_done", "tuples_total", "tuples_done"];
    /// Whom a backend waits for.
    APPLY_WAITING_FOR = "apply/waiting_for", 13..=99, None, ["int4"] -> ["pid", "application", "role", "state", "seconds"];
    /// What builds are paid with, and who hears of them.
    APPLY_PREMISES = "apply/premises", 13..=99, None, [] -> [
        "wal_level", "maintenance_work_mem", "workers", "temp_file_limit", "data_directory", "temp_tablespace", "standbys", "lag_bytes",
        "lag_seconds", "idle_slots", "kept_bytes", "reads_all_stats",
    ];
    /// Who would hold a build or a drop up.
    APPLY_OBSTACLES = "apply/obstacles", 13..=99, None, ["oid"] -> [
        "pid", "gid", "role", "application", "state", "modes", "snapshot", "work", "seconds", "query",
    ];
    /// Columns of one table with their statistics.
    APPLY_COLUMNS = "apply/columns", 13..=99, None, ["oid"] -> [
        "table_oid", "number", "name", "type_name", "category", "not_null", "sorts_by_bytes", "length", "alignment", "deterministic",
        "column_name", "null_frac", "avg_width_bytes", "n_distinct", "correlation", "common_values", "common_freqs", "histogram",
        "element_freqs", "elements_per_row",
    ];
    /// How large a table is.
    APPLY_HEAP = "apply/heap", 13..=99, None, ["oid"] -> ["rows", "pages", "size_bytes", "toast_bytes"];
    /// Every index of a table, usable or not.
    APPLY_INDEXES_OF = "apply/indexes_of", 13..=99, None, ["oid"] -> ["schema", "name", "definition", "usable", "building"];
    /// Where a new index would lie.
    APPLY_TABLESPACE = "apply/tablespace", 13..=99, None, ["text"] -> ["name", "may_create", "folder"];
    /// Builds that run now.
    APPLY_BUILDS = "apply/builds", 13..=99, None, [] -> ["pid", "table_oid", "table_schema", "table_name", "index_name", "phase"];
    /// INVALID indexes.
    APPLY_INVALID = "apply/invalid", 13..=99, None, [] -> ["oid", "schema", "name", "table_name", "ready", "unique", "size_bytes"];
    /// Advisory locks of ours.
    APPLY_LOCKS = "apply/locks", 13..=99, None, ["int8"] -> ["pid", "application", "role", "state", "seconds", "silent_seconds", "table_oid", "table_schema", "table_name"];
    /// How long backends work.
    APPLY_AGES = "apply/ages", 13..=99, None, ["_int4"] -> ["pid", "seconds"];
    /// Try an advisory lock.
    APPLY_TRY_LOCK = "apply/try_lock", 13..=99, None, ["int4", "int4"] -> ["locked"];
    /// Give it back.
    APPLY_UNLOCK = "apply/unlock", 13..=99, None, ["int4", "int4"] -> ["unlocked"];
    /// Who holds it.
    APPLY_LOCK_HOLDER = "apply/lock_holder", 13..=99, None, ["int8", "int8"] -> ["pid", "started", "application", "advisor", "silent", "role", "state", "seconds"];
    /// End a dead advisor's session.
    APPLY_END = "apply/end", 13..=99, None, ["int4", "int8"] -> ["ended"];
    /// Who builds an index.
    APPLY_BUILDER = "apply/builder", 13..=99, None, ["oid"] -> ["pid", "sure"];
    /// Replication lag.
    APPLY_LAG = "apply/lag", 13..=99, None, [] -> ["lag"];
    /// Cancel a worker of ours.
    APPLY_CANCEL = "apply/cancel", 13..=99, None, ["int4", "int8"] -> ["cancelled"];
    /// Whether the ledger is there.
    LEDGER_EXISTS = "ledger/exists", 13..=99, None, [] -> ["name", "ours", "owner"];
    /// Where it may be.
    LEDGER_PLACE = "ledger/place", 13..=99, None, [] -> ["database_oid", "may_create"];
    /// The ledger's schema.
    LEDGER_CREATE_SCHEMA = "ledger/create_schema", 13..=99, None, [] -> [];
    /// The ledger's rows.
    LEDGER_CREATE_TABLE = "ledger/create_table", 13..=99, Some("ledger"), [] -> [];
    /// The ledger's history.
    LEDGER_CREATE_EVENTS = "ledger/create_events", 13..=99, Some("ledger"), [] -> [];
    /// Is an index sound?
    APPLY_AMCHECK = "apply/amcheck", 13..=99, Some("amcheck"), ["oid"] -> ["nothing"];
    /// May every snapshot use an index?
    APPLY_INDEX_USE = "apply/index_use", 13..=99, None, ["oid"] -> ["young", "method"];
    /// What was counted before and after.
    LEDGER_CREATE_SAMPLES = "ledger/create_samples", 13..=99, Some("ledger"), [] -> [];
    /// Keeps a sample.
    LEDGER_SAMPLE_PUT = "ledger/sample_put", 13..=99, Some("ledger"), ["text", "text", "jsonb"] -> ["moment"];
    /// Samples of an entry.
    LEDGER_SAMPLES = "ledger/samples", 13..=99, Some("ledger"), ["text"] -> ["moment", "sample"];
    /// Entries.
    LEDGER_ENTRIES = "ledger/entries", 13..=99, Some("ledger"), ["text"] -> ["id", "run", "position", "motion", "schema_name", "index_name", "table_name", "table_oid", "index_oid", "shape", "definition", "up_sql", "down_sql", "state", "owned", "attempt", "worker_pid", "worker_start", "error", "part_of", "rename_to", "targets", "source", "system", "updated_at"];
    /// Record an intent.
    LEDGER_PLAN = "ledger/plan", 13..=99, Some("ledger"), ["text", "text", "int4", "text", "text", "text", "text", "oid", "text", "jsonb", "text", "_text", "text", "_text", "text", "text", "text", "jsonb", "jsonb", "int8", "oid"] -> ["id"];
    /// Record a change of state.
    LEDGER_MOVE = "ledger/move", 13..=99, Some("ledger"), ["text", "text", "text", "bool", "oid", "int4", "int8", "int4", "text"] -> ["id"];
    /// Our own backend.
    APPLY_WORKER = "apply/worker", 13..=99, None, [] -> ["pid", "started"];
    /// Blocks that the demo's workload touched.
    DEMO_BLOCKS = "demo/blocks", 13..=99, Some("pg_stat_statements"), [] -> ["blocks"];
    /// Every index with all that a rollback must restore.
    INDEX_CATALOG = "demo/index_catalog", 13..=99, None, [] -> ["index", "state", "valid"];
    /// Advised indexes that the demo's workload did not read.
    DEMO_UNREAD = "demo/unread", 13..=99, None, ["_text"] -> ["name"];
}
