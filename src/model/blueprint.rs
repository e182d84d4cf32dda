//! All that the planner knows of a database and no row of it: schema as statements, statistics,
//! sizes. A clone is built of it; a snapshot file carries it.
//!
//! Everything here was written by others (a live database's catalog, a snapshot file): names and
//! values are untrusted.

use super::snapshot::Problem;
use serde::{Deserialize, Serialize};

/// What a clone is built of.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Blueprint {
    /// Encoding and locale of the database.
    pub locale: Locale,
    /// Extensions: their scripts need a superuser, so they are named and never carried as text.
    pub extensions: Vec<ExtensionName>,
    /// Types that those extensions brought, for where an extension is missing.
    #[serde(default)]
    pub extension_types: Vec<ExtensionType>,
    /// Roles that policies name, that own tables or that ran the workload.
    pub roles: Vec<Role>,
    /// Statements that rebuild the schema, in the order in which they are run.
    pub objects: Vec<Object>,
    /// Sizes of tables and indexes, by schema and name.
    pub relations: Vec<Relation>,
    /// Statistics of columns and of expression indexes.
    pub statistics: Vec<ColumnStatistics>,
    /// Data of CREATE STATISTICS objects.
    pub extended: Vec<ExtendedStatistics>,
    /// What could not be read, and what that costs.
    pub problems: Vec<Problem>,
}

/// pg_database: what decides how texts compare.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Locale {
    /// Encoding by name, e.g. `UTF8`.
    pub encoding: String,
    /// datcollate.
    pub collate: String,
    /// datctype.
    pub ctype: String,
    /// `c` (libc), `i` (ICU) or `b` (built in); `c` before PostgreSQL 15.
    pub provider: String,
    /// ICU or built-in locale, where the provider has one.
    pub locale: Option<String>,
    /// ICU rules (16 and later).
    pub icu_rules: Option<String>,
}

/// An installed extension.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExtensionName {
    /// Name.
    pub name: String,
    /// Its schema.
    pub schema: String,
}

/// A type that an extension brought.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExtensionType {
    /// The extension.
    pub extension: String,
    /// Schema of the type.
    pub schema: String,
    /// Its name.
    pub name: String,
}

/// A role, without any right.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Role {
    /// Name.
    pub name: String,
    /// Superusers and BYPASSRLS roles see every row.
    pub bypasses_row_security: bool,
    /// Roles that it is a member of.
    pub member_of: Vec<String>,
}

/// What an [`Object`] is: decides where its statement may hold constants, and when it is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectKind {
    /// CREATE SCHEMA.
    Schema,
    /// CREATE COLLATION.
    Collation,
    /// CREATE TYPE … AS ENUM: every literal is a label, in order.
    Enum,
    /// Domains, composites, ranges, and stubs of types that an extension would bring.
    Type,
    /// CREATE SEQUENCE.
    Sequence,
    /// Functions in SQL or PL/pgSQL.
    Function,
    /// CREATE AGGREGATE, OPERATOR, CAST, TEXT SEARCH CONFIGURATION….
    Helper,
    /// CREATE TABLE, columns only.
    Table,
    /// Defaults, generated columns, identity.
    Default,
    /// ATTACH PARTITION and INHERIT.
    Inheritance,
    /// CHECK constraints.
    Check,
    /// CREATE INDEX, and constraints that an index backs, in the order of their OIDs.
    Index,
    /// ALTER INDEX … ATTACH PARTITION, and SET of storage parameters where a constraint made the index.
    IndexAttachment,
    /// Foreign keys.
    ForeignKey,
    /// Views and materialized views' definitions.
    View,
    /// Rewrite rules other than views'.
    Rule,
    /// CREATE STATISTICS.
    Statistics,
    /// CREATE POLICY and ENABLE ROW LEVEL SECURITY.
    Policy,
}

/// One statement that rebuilds one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// What.
    pub kind: ObjectKind,
    /// `table s.t`, for messages; of an enum also how its type is written in expressions.
    pub name: String,
    /// The statement.
    pub ddl: String,
}

/// What the planner takes for a relation's size and shape.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Relation {
    /// Schema.
    pub schema: String,
    /// Name.
    pub name: String,
    /// pg_class.relpages.
    pub pages: i32,
    /// pg_class.reltuples.
    pub rows: f32,
    /// pg_class.relallvisible.
    pub visible_pages: i32,
    /// Length of the file, blocks of 8 kB: what the planner really goes by.
    pub blocks: i64,
    /// Of a B-tree: levels above the leaves. `None` where it could not be seen: then a formula tells.
    pub height: Option<u32>,
    /// Of a B-tree without predicate: least and greatest value of its leading column, as text.
    pub ends: Option<[String; 2]>,
    /// Of a GIN index: the counters of its first page.
    pub gin: Option<GinCounters>,
}

/// The counters of a GIN index's metapage, by which the planner charges a search.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct GinCounters {
    /// Pages of the pending list.
    pub pending_pages: u32,
    /// All pages.
    pub total_pages: u32,
    /// Pages of the entry tree.
    pub entry_pages: u32,
    /// Pages of posting trees.
    pub data_pages: u32,
    /// Entries.
    pub entries: i64,
}

impl GinCounters {
    /// The same division of an index of `pages`: of one partition, or of another size than was estimated.
    pub fn scaled_to(self, pages: u32) -> GinCounters {
        let factor = f64::from(pages) / f64::from(self.total_pages.max(1));
        let scaled = |n: u32| (f64::from(n) * factor) as u32;
        // The planner takes an index without entry pages for one that was never vacuumed.
        GinCounters {
            pending_pages: 0,
            total_pages: pages,
            entry_pages: scaled(self.entry_pages).max(1),
            data_pages: scaled(self.data_pages),
            entries: (self.entries as f64 * factor) as i64,
        }
    }
}

/// pg_statistic of one column or expression.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ColumnStatistics {
    /// Schema of the table or of the index.
    pub schema: String,
    /// Table, or index for an expression.
    pub relation: String,
    /// Column (an expression index names its columns `expr`, `lower`…).
    pub column: String,
    /// Of the whole inheritance tree.
    pub inherited: bool,
    /// Share of NULLs.
    pub null_frac: f32,
    /// Average width, bytes.
    pub avg_width: i32,
    /// As pg_stats.n_distinct.
    pub n_distinct: f32,
    /// What is known of the values.
    pub slots: Vec<Slot>,
}

/// One kind of statistics of a column, as pg_statistic has up to five.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Slot {
    /// stakind: 1 most common values, 2 histogram, 3 correlation, 4 most common elements, 5 element counts…
    pub kind: i16,
    /// staop as `regoperator`; `None` when read from pg_stats: then the type's default.
    pub operator: Option<String>,
    /// stacoll as `regcollation`; `None` when read from pg_stats: then the column's.
    pub collation: Option<String>,
    /// stanumbers.
    pub numbers: Option<Vec<f32>>,
    /// Type of `values`, qualified, where it cannot be told from the column's (expressions of indexes other than B-trees).
    pub value_type: Option<String>,
    /// stavalues, each as text.
    pub values: Option<Vec<String>>,
}

/// Kinds of a [`Slot`] that pg_stats shows.
impl Slot {
    /// Most common values, with frequencies.
    pub const COMMON: i16 = 1;
    /// Histogram bounds.
    pub const HISTOGRAM: i16 = 2;
    /// Physical order.
    pub const CORRELATION: i16 = 3;
    /// Most common elements.
    pub const ELEMENTS: i16 = 4;
    /// Histogram of the number of elements.
    pub const ELEMENT_COUNTS: i16 = 5;
    /// Histogram of the lengths of ranges; its number is the share of empty ones.
    pub const RANGE_LENGTHS: i16 = 6;
    /// Histogram of the bounds of ranges.
    pub const RANGE_BOUNDS: i16 = 7;
}

/// The data of one CREATE STATISTICS object.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ExtendedStatistics {
    /// Schema of the object.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Of the whole inheritance tree (15 and later).
    pub inherited: bool,
    /// Distinct combinations.
    pub distinct: Vec<(Vec<StatisticsKey>, f64)>,
    /// Functional dependencies: the last key follows from those before it, to this degree.
    pub dependencies: Vec<(Vec<StatisticsKey>, f64)>,
    /// Most common combinations.
    pub common: Vec<CommonCombination>,
    /// Types of the values in `common`, by dimension; empty where not read: then the columns' own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<String>,
    /// Statistics of its expressions, in order; place left empty.
    pub expressions: Vec<ColumnStatistics>,
}

/// A dimension of extended statistics.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatisticsKey {
    /// A column by name: attribute numbers differ after a dropped column.
    Column(String),
    /// An expression, counted from 1.
    Expression(i16),
}

/// One item of a multi-column most-common-values list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CommonCombination {
    /// A value per dimension, as text; `None` is NULL.
    pub values: Vec<Option<String>>,
    /// Its share of rows.
    pub frequency: f64,
    /// The share it would have were the columns independent.
    pub base_frequency: f64,
}

/// What reading cost the server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Taking {
    /// Statements sent.
    pub statements: u64,
    /// Time waited for their answers, ms: at most this the server worked.
    pub server_ms: f64,
}

impl std::ops::AddAssign for Taking {
    fn add_assign(&mut self, more: Taking) {
        self.statements += more.statements;
        self.server_ms += more.server_ms;
    }
}
