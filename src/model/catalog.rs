//! What the catalog says of one database: tables with statistics, indexes with usage, foreign keys.

use super::index_def::{IndexSpec, TableName};
use serde::{Deserialize, Serialize};

/// All relations that can matter to advice. Sorted by name, so two reads of one database agree.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Catalog {
    /// Tables, partitioned tables, partitions, materialized and foreign tables; views too (no size).
    pub tables: Vec<Table>,
    /// Every index on them, invalid ones included.
    pub indexes: Vec<Index>,
    /// Foreign keys.
    pub foreign_keys: Vec<ForeignKey>,
    /// Extensions by name with their version and schema.
    pub extensions: Vec<Extension>,
    /// Operator classes outside of pg_catalog (those of extensions), B-tree and hash left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operator_classes: Vec<OperatorClass>,
    /// Extended statistics.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub statistics_objects: Vec<StatisticsObject>,
}

/// What CREATE STATISTICS made. Expressions are left out: no advice of ours has any.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StatisticsObject {
    /// Schema.
    pub schema: String,
    /// Name.
    pub name: String,
    /// Table.
    pub table: TableName,
    /// Columns in the table's order.
    pub columns: Vec<String>,
    /// stxkind: `d` ndistinct, `f` dependencies, `m` mcv, `e` expressions.
    pub kinds: String,
}

/// An operator class: what an index of one access method over one type can find.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct OperatorClass {
    /// Schema it lives in.
    pub schema: String,
    /// `gin_trgm_ops`…
    pub name: String,
    /// Access method.
    pub method: String,
    /// format_type() of its input type.
    pub type_name: String,
    /// True where an index on that type has it without naming it.
    pub default: bool,
    /// Operators with that type on the left by which it finds rows.
    pub searches: Vec<String>,
    /// Operators by which it returns rows in order: distances.
    pub orders: Vec<String>,
}

/// An installed extension.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Extension {
    /// `pg_trgm`…
    pub name: String,
    /// Installed version.
    pub version: String,
    /// Schema its objects live in.
    pub schema: String,
}

/// What kind of relation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TableKind {
    /// relkind `r`.
    #[default]
    Table,
    /// relkind `p`: a partitioned parent.
    Partitioned,
    /// relkind `m`.
    MaterializedView,
    /// relkind `f`.
    Foreign,
    /// relkind `v`.
    View,
}

/// Row-level security of a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowSecurity {
    /// Off: nobody is held back.
    #[default]
    Off,
    /// On for all but the owner.
    On,
    /// On for the owner too (FORCE).
    Forced,
}

/// A relation with its statistics.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// pg_class.oid; differs between databases, never part of a comparison.
    pub oid: u32,
    /// Schema.
    pub schema: String,
    /// Name.
    pub name: String,
    /// Kind.
    pub kind: TableKind,
    /// Owner's name.
    pub owner: String,
    /// True when our role owns it (directly or through membership), so may index it.
    pub ours: bool,
    /// True in a schema that belongs to a platform or extension (auth, cron…): read, not advised.
    pub platform: bool,
    /// Row-level security: which roles it spares.
    #[serde(default)]
    pub row_security: RowSecurity,
    /// reltuples; `None` where never analyzed (-1) and not empty.
    pub rows: Option<f64>,
    /// Heap size, bytes.
    pub size_bytes: u64,
    /// TOAST size, bytes.
    pub toast_bytes: u64,
    /// Columns in attribute order.
    pub columns: Vec<Column>,
    /// Sets of columns, by number, with how many combinations of their values there are (CREATE STATISTICS).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub distinct_together: Vec<(Vec<i16>, f64)>,
    /// Activity counters; `None` for kinds without.
    pub usage: Option<TableUsage>,
    /// Partitioned parent, where this is a partition.
    pub partition_of: Option<TableName>,
    /// Parents by plain inheritance.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inherits: Vec<TableName>,
}

impl Table {
    /// Schema and name.
    pub fn table_name(&self) -> TableName {
        TableName::new(&self.schema, &self.name)
    }

    /// Column by name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|c| c.name == name)
    }
}

/// A column and its planner statistics.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// Attribute number.
    pub number: i16,
    /// Name.
    pub name: String,
    /// format_type(): `character varying(40)`, `timestamp with time zone`, …
    pub type_name: String,
    /// Type category of pg_type (`N`umeric, `S`tring, `D`ate…), domains resolved.
    pub category: String,
    /// Declared NOT NULL.
    pub not_null: bool,
    /// Sorts by bytes (collation C or POSIX, or the builtin provider's): `LIKE 'x%'` is then a range of any B-tree.
    #[serde(default)]
    pub sorts_by_bytes: bool,
    /// pg_type.typlen: bytes, -1 for a length that varies; 0 where it was not read.
    #[serde(default)]
    pub length: i16,
    /// pg_type.typalign: `c`har, `s`hort, `i`nt or `d`ouble; `None` where it was not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alignment: Option<char>,
    /// Its collation takes different texts for equal (it is not deterministic).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ambiguous: bool,
    /// pg_stats; `None` where never analyzed or not readable by us.
    pub stats: Option<ColumnStats>,
}

/// pg_stats of one column.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ColumnStats {
    /// Share of NULLs, 0–1.
    pub null_frac: f64,
    /// Average width, bytes.
    pub avg_width_bytes: f64,
    /// n_distinct as pg_stats has it: > 0 a count, < 0 minus the share of rows.
    pub n_distinct: f64,
    /// Physical order, -1 to 1.
    pub correlation: Option<f64>,
    /// Most common values as text, with `common_freqs`. Values: they stay out of reports.
    pub common_values: Vec<String>,
    /// Frequencies of `common_values`.
    pub common_freqs: Vec<f64>,
    /// Histogram bounds as text.
    pub histogram: Vec<String>,
    /// Of an array or tsvector: shares of the rows that have each of the most common elements (the elements themselves are
    /// not read).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub element_freqs: Vec<f64>,
    /// Of an array: distinct elements of a row, on average.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elements_per_row: Option<f64>,
}

impl ColumnStats {
    /// Distinct values for a table of `rows` rows.
    pub fn distinct(&self, rows: f64) -> f64 {
        if self.n_distinct >= 0.0 { self.n_distinct } else { -self.n_distinct * rows }
    }
}

/// pg_stat_user_tables.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TableUsage {
    /// Sequential scans.
    pub seq_scans: f64,
    /// Rows they read.
    pub seq_rows: f64,
    /// Index scans.
    pub index_scans: f64,
    /// Rows inserted.
    pub inserted_rows: f64,
    /// Rows updated.
    pub updated_rows: f64,
    /// Of these HOT.
    pub hot_updated_rows: f64,
    /// Rows deleted.
    pub deleted_rows: f64,
    /// Live rows by the statistics collector.
    pub live_rows: f64,
    /// Dead rows.
    pub dead_rows: f64,
    /// Rows changed since the last analyze.
    pub modified_rows: f64,
    /// Seconds since the last (auto)analyze; `None` = never.
    pub analyzed_seconds_ago: Option<f64>,
    /// Seconds since the last (auto)vacuum; `None` = never.
    pub vacuumed_seconds_ago: Option<f64>,
}

/// An index that exists.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Index {
    /// pg_class.oid.
    pub oid: u32,
    /// Name (its schema is the table's).
    pub name: String,
    /// The definition, comparable with a candidate's.
    pub spec: IndexSpec,
    /// pg_get_indexdef().
    pub definition: String,
    /// indisvalid.
    pub valid: bool,
    /// indisready.
    pub ready: bool,
    /// indislive.
    pub live: bool,
    /// PRIMARY KEY.
    pub primary: bool,
    /// Exclusion constraint.
    pub exclusion: bool,
    /// Constraint it backs, if any.
    pub constraint: Option<String>,
    /// A foreign key elsewhere needs it (unique target).
    pub needed_by_foreign_key: bool,
    /// Replica identity.
    pub replica_identity: bool,
    /// CLUSTER order.
    pub clustered: bool,
    /// True when it is a partition of a partitioned index.
    pub partition: bool,
    /// True for a partitioned table's own (storage-less) index.
    pub partitioned: bool,
    /// Size, bytes.
    pub size_bytes: u64,
    /// idx_scan on this node.
    pub scans: f64,
    /// Owner.
    pub owner: String,
    /// Tablespace, where not the default.
    pub tablespace: Option<String>,
    /// COMMENT ON INDEX.
    pub comment: Option<String>,
    /// Statistics targets of expression keys, `(key number, target)`.
    pub statistics_targets: Vec<(i16, i32)>,
    /// True while some session builds it right now (pg_stat_progress_create_index).
    pub building: bool,
}

impl Index {
    /// True when something other than plans needs it: it must not be dropped.
    pub fn is_load_bearing(&self) -> bool {
        self.primary
            || self.exclusion
            || self.constraint.is_some()
            || self.needed_by_foreign_key
            || self.replica_identity
            || self.clustered
            || self.partition
            || self.spec.unique
    }

    /// True when it finds the child rows of one foreign key: its first columns are the key's, in any
    /// order, and no predicate hides rows (`IS NOT NULL` on the key hides none).
    pub fn serves(&self, key: &ForeignKey) -> bool {
        let first = self.spec.keys.iter().take(key.child_columns.len());
        let first: Option<Vec<&str>> = first.map(|k| k.column_name()).collect();
        let covers = first.is_some_and(|f| f.len() == key.child_columns.len() && key.child_columns.iter().all(|c| f.contains(&c.as_str())));
        let harmless =
            |p: &str| key.child_columns.iter().any(|c| p.trim_matches(['(', ')']).replace('"', "") == format!("{c} IS NOT NULL"));
        let method = self.spec.method == "btree" || (self.spec.method == "hash" && key.child_columns.len() == 1);
        self.valid && method && covers && self.spec.predicate.as_deref().is_none_or(harmless)
    }
}

/// A foreign key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ForeignKey {
    /// Constraint name.
    pub name: String,
    /// Referencing table.
    pub child: TableName,
    /// Referencing columns in key order.
    pub child_columns: Vec<String>,
    /// Referenced table.
    pub parent: TableName,
    /// Referenced columns in key order.
    pub parent_columns: Vec<String>,
    /// confdeltype: `a` no action, `c` cascade, `n` set null…
    pub on_delete: char,
}

impl Catalog {
    /// Table by schema and name.
    pub fn table(&self, name: &TableName) -> Option<&Table> {
        let wanted = (name.schema.as_str(), name.name.as_str());
        let of = |t: &Table| (t.schema.as_str(), t.name.as_str()).cmp(&wanted);
        match self.tables.binary_search_by(of) {
            Ok(place) => self.tables.get(place),
            // Pseudonyms, and a list put together by hand, may stand in another order.
            Err(_) => self.tables.iter().find(|t| of(t).is_eq()),
        }
    }

    /// Indexes of a table.
    pub fn indexes_of<'a>(&'a self, name: &'a TableName) -> impl Iterator<Item = &'a Index> {
        self.indexes.iter().filter(move |i| &i.spec.table == name)
    }

    /// Installed extension by name.
    pub fn extension(&self, name: &str) -> Option<&Extension> {
        self.extensions.iter().find(|e| e.name == name)
    }
}
