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
}
