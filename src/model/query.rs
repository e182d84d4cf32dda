//! What ran: one normalised query with its figures, what we understood of it, and its plans.

use super::index_def::{KeyExpr, TableName};
use super::plan::Plan;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where a query came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum QuerySource {
    /// The pg_stat_statements extension.
    PgStatStatements,
    /// A .sql file (`--queries`).
    File,
    /// An EXPLAIN output (`--plans`).
    Plan,
}

/// One query of the workload: everything with the same fingerprint, role and database together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Query {
    /// Hash of our own normalised text (literals, IN-list lengths, comments, keyword case removed).
    pub fingerprint: String,
    /// Text as the source had it; literal values may be inside unless the source normalises. Of several the most frequent.
    pub text: String,
    /// Further texts of it, which differ in their constants, the most frequent first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<QueryText>,
    /// Normalised text, safe to show: no literal is in it.
    pub normalized: String,
    /// Source.
    pub source: QuerySource,
    /// Role that ran it, where known.
    pub role: Option<String>,
    /// search_path in which its names resolve, `$user` replaced, in order; pg_catalog not listed.
    pub search_path: Vec<String>,
    /// Planner settings that its role has and a plain session has not, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub planner_settings: BTreeMap<String, String>,
    /// Role as which it is planned: that which ran it, where row-level security holds that back and we may act as it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_role: Option<String>,
    /// Times and counters; `None` where the source has none.
    pub figures: Option<Figures>,
    /// Weight for advice: calls in the window, or `-- weight: N`, or 1.
    pub weight: f64,
    /// What we understood of the SQL.
    pub reading: Reading,
    /// Plans, the one planned by us first.
    pub plans: Vec<QueryPlan>,
    /// Why there is no plan, where there is none.
    pub not_planned: Option<String>,
}

impl Query {
    /// A text not read yet, without figures.
    pub fn new(source: QuerySource, text: impl Into<String>, search_path: &[String]) -> Query {
        Query {
            fingerprint: String::new(),
            text: text.into(),
            others: Vec::new(),
            normalized: String::new(),
            source,
            role: None,
            search_path: search_path.to_vec(),
            planner_settings: BTreeMap::new(),
            plan_role: None,
            figures: None,
            weight: 1.0,
            reading: Reading::Opaque("not read".into()),
            plans: Vec::new(),
            not_planned: None,
        }
    }
}

/// One text of a query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QueryText {
    /// As the source had it.
    pub text: String,
    /// Share of the query's executions.
    pub share: f64,
    /// What we understood of it.
    pub reading: Reading,
}

impl QueryText {
    /// The shape, where the SQL was understood.
    pub fn shape(&self) -> Option<&Shape> {
        self.reading.shape()
    }
}

/// Counters over the window. Times in milliseconds, blocks of 8 kB.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Executions.
    pub calls: f64,
    /// Sum of execution time, ms.
    pub total_ms: f64,
    /// Shortest, ms.
    pub min_ms: f64,
    /// Longest, ms.
    pub max_ms: f64,
    /// Standard deviation, ms.
    pub stddev_ms: f64,
    /// Sum of planning time, ms; 0 when track_planning is off.
    pub plan_ms: f64,
    /// Rows returned or changed, all calls.
    pub rows: f64,
    /// Blocks found in shared_buffers.
    pub shared_hit_blocks: f64,
    /// Blocks read.
    pub shared_read_blocks: f64,
    /// Temporary blocks written (sorts, hashes that spilled).
    pub temp_written_blocks: f64,
    /// WAL bytes written; 0 before extension version 1.8.
    pub wal_bytes: f64,
}

impl Figures {
    /// Mean execution time, ms; 0 without calls.
    pub fn mean_ms(&self) -> f64 {
        if self.calls > 0.0 { self.total_ms / self.calls } else { 0.0 }
    }

    /// Rows per call; 0 without calls.
    pub fn rows_per_call(&self) -> f64 {
        if self.calls > 0.0 { self.rows / self.calls } else { 0.0 }
    }

    /// Blocks touched per call; 0 without calls.
    pub fn blocks_per_call(&self) -> f64 {
        if self.calls > 0.0 { (self.shared_hit_blocks + self.shared_read_blocks) / self.calls } else { 0.0 }
    }

    /// Adds another row of the same fingerprint (another role, queryid or database user).
    pub fn add(&mut self, other: &Figures) {
        let calls = self.calls + other.calls;
        if calls > 0.0 {
            // Pooled standard deviation from the two means and deviations.
            let mean = (self.total_ms + other.total_ms) / calls;
            let part = |f: &Figures| f.calls * (f.stddev_ms.powi(2) + (f.mean_ms() - mean).powi(2));
            self.stddev_ms = ((part(self) + part(other)) / calls).sqrt();
        }
        self.min_ms = if self.calls == 0.0 { other.min_ms } else { self.min_ms.min(other.min_ms) };
        self.max_ms = self.max_ms.max(other.max_ms);
        self.calls = calls;
        self.total_ms += other.total_ms;
        self.plan_ms += other.plan_ms;
        self.rows += other.rows;
        self.shared_hit_blocks += other.shared_hit_blocks;
        self.shared_read_blocks += other.shared_read_blocks;
        self.temp_written_blocks += other.temp_written_blocks;
        self.wal_bytes += other.wal_bytes;
    }
}

/// A plan and how it was come by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QueryPlan {
    /// How.
    pub origin: PlanOrigin,
    /// The tree.
    pub plan: Plan,
}

/// How a plan was come by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanOrigin {
    /// EXPLAIN with the query's own constants or with values sampled from the statistics.
    Custom,
    /// EXPLAIN of the generic plan: no values could be bound.
    Generic,
    /// EXPLAIN ANALYZE by us.
    Analyzed,
    /// Handed to us (`--plans`, `advisor explain`).
    Given,
}

/// Understood, or kept with the reason why not. Never lost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reading {
    /// Parsed and resolved.
    Understood(Shape),
    /// Not understood, with the reason.
    Opaque(String),
}

impl Reading {
    /// The shape, where the SQL was understood.
    pub fn shape(&self) -> Option<&Shape> {
        match self {
            Reading::Understood(shape) => Some(shape),
            Reading::Opaque(_) => None,
        }
    }
}

impl Query {
    /// The shape, where the SQL was understood.
    pub fn shape(&self) -> Option<&Shape> {
        self.reading.shape()
    }

    /// The most frequent text alone, as if it were the only one.
    pub fn chief_text(&self) -> QueryText {
        QueryText { text: self.text.clone(), share: 1.0, reading: self.reading.clone() }
    }

    /// All texts with their shares, the most frequent first.
    pub fn texts(&self) -> Vec<QueryText> {
        let others: f64 = self.others.iter().map(|o| o.share).sum();
        let chief = QueryText { share: 1.0 - others, ..self.chief_text() };
        std::iter::once(chief).chain(self.others.iter().cloned()).collect()
    }

    /// The best plan we have: really run, else custom, else any.
    pub fn plan(&self) -> Option<&Plan> {
        let rank = |o: PlanOrigin| match o {
            PlanOrigin::Analyzed => 0,
            PlanOrigin::Given => 1,
            PlanOrigin::Custom => 2,
            PlanOrigin::Generic => 3,
        };
        self.plans.iter().min_by_key(|p| rank(p.origin)).map(|p| &p.plan)
    }
}

/// What a statement does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatementKind {
    /// SELECT, VALUES, TABLE (also WITH … SELECT), without a data-changing CTE.
    #[default]
    Select,
    /// INSERT.
    Insert,
    /// UPDATE.
    Update,
    /// DELETE.
    Delete,
    /// MERGE.
    Merge,
    /// Anything else.
    Other,
}

/// A statement's structure with its names resolved against the catalog.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Shape {
    /// What it does.
    pub kind: StatementKind,
    /// Every query block, outermost first; subqueries, CTEs and set-operation arms are blocks of their own.
    pub blocks: Vec<Block>,
    /// Every base-table reference of every block.
    pub tables: Vec<TableRef>,
    /// Highest parameter number.
    pub parameters: u32,
    /// FOR UPDATE / SHARE anywhere.
    pub locking: bool,
    /// SKIP LOCKED anywhere.
    pub skip_locked: bool,
    /// What each parameter is compared with, where known: sampling takes values from there.
    pub parameter_uses: Vec<ParameterUse>,
    /// Comparisons by operators that other access methods than B-trees serve.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub searches: Vec<Search>,
}

/// A comparison by an operator that no B-tree serves: containment, overlap, patterns, text search, distance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Search {
    /// Index into `Shape::tables`.
    pub table_ref: usize,
    /// Column or expression on that table: the operator's left side.
    pub key: KeyExpr,
    /// Columns of the table inside the key.
    pub columns: Vec<String>,
    /// Type of the key as SQL, where it is an expression that tells; a column's is in the catalog.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_type: Option<String>,
    /// The operator with the key on its left: `@>`, `&&`, `~~` for LIKE, `~~*` for ILIKE, `<->`…
    pub operator: String,
    /// True in ORDER BY: the nearest rows first.
    pub orders: bool,
    /// Of a constant pattern: the longest run of letters and digits that every match has; `None` where it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub literal_run: Option<usize>,
}

/// Where a parameter's value can be sampled from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ParameterUse {
    /// n of `$n`.
    pub number: u32,
    /// Table of the column, resolved.
    pub table: TableName,
    /// Column.
    pub column: String,
    /// How it is compared.
    pub op: Op,
    /// Function around the column, lower-case name (`lower(handle) = $1`).
    pub wrapped_in: Option<String>,
    /// Which end of a range it is; `None` for other comparisons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<RangeEnd>,
    /// First parameter of the row that it stands in: `(created_at, id) < ($1, $2)`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<u32>,
    /// What a NULL in its place asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub null: Option<NullAsks>,
}

/// Which end of a range a parameter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RangeEnd {
    /// `column > $n`, `column >= $n`.
    Lower,
    /// `column < $n`, `column <= $n`.
    Upper,
}

/// What a NULL in a parameter's place asks for, where that is no mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NullAsks {
    /// `column IS NOT DISTINCT FROM $n`: rows without a value.
    Nulls,
    /// `$n IS NULL OR column = $n`: all rows.
    Everything,
}

/// One SELECT (or the target part of an UPDATE/DELETE).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Block {
    /// Nesting depth; 0 is the statement itself.
    pub depth: u32,
    /// `SELECT *` (or `t.*`) in the target list.
    pub star: bool,
    /// DISTINCT or DISTINCT ON.
    pub distinct: bool,
    /// Aggregates or GROUP BY.
    pub aggregate: bool,
    /// `count(*) OVER ()`-like window over everything.
    pub count_over: bool,
    /// The target list has nothing but constants (`select 1 from …`).
    pub constant_target: bool,
    /// UNION, INTERSECT, EXCEPT above it.
    pub set_operation: bool,
    /// LIMIT / FETCH FIRST.
    pub limit: Option<Amount>,
    /// OFFSET.
    pub offset: Option<Amount>,
    /// ORDER BY, resolved to base columns where possible; empty without ORDER BY.
    pub order: Vec<OrderKey>,
    /// True when there is an ORDER BY key that no single index column can give.
    pub order_opaque: bool,
    /// GROUP BY columns (or DISTINCT's), resolved.
    pub group: Vec<OrderKey>,
    /// Further orders in which rows would be welcome: a window's PARTITION BY and ORDER BY, the column of `min()` or `max()`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub orders: Vec<Vec<OrderKey>>,
    /// Indexes into `Shape::tables`: the references in this block's FROM.
    pub table_refs: Vec<usize>,
    /// The FROM list has something other than base tables (subquery, function, VALUES).
    pub derived_tables: bool,
    /// EXISTS / IN-subquery or scalar subquery inside this block's expressions.
    pub subqueries: bool,
}

/// A LIMIT or OFFSET.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Amount {
    /// A number in the text.
    Literal(f64),
    /// `$n`.
    Parameter(u32),
    /// Anything else.
    Expression,
}

/// An ordering or grouping key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderKey {
    /// Index into `Shape::tables`.
    pub table_ref: usize,
    /// Column or expression on that table.
    pub key: KeyExpr,
    /// DESC.
    pub descending: bool,
    /// NULLS FIRST, defaults applied.
    pub nulls_first: bool,
}

/// One mention of a base table.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TableRef {
    /// Resolved name.
    pub table: TableName,
    /// Alias, or the name.
    pub alias: String,
    /// Block it stands in, index into `Shape::blocks`.
    pub block: usize,
    /// True for the target of INSERT/UPDATE/DELETE.
    pub written: bool,
    /// Conditions on it that stand in an AND chain (WHERE, ON): each must hold.
    pub conditions: Vec<Condition>,
    /// Conditions in arms of an OR: `Vec` of arms, each an AND chain, for every OR whose arms are all on this table.
    pub or_arms: Vec<Vec<Condition>>,
    /// Conditions of some executions only: `$1 IS NULL OR column = $1`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub optional: Vec<Condition>,
    /// Columns of it that the statement needs anywhere; empty with `needs_all`.
    pub needed: Vec<String>,
    /// The whole row is needed (`*`).
    pub needs_all: bool,
    /// Columns that an UPDATE assigns, or an INSERT … ON CONFLICT DO UPDATE or MERGE to rows that are there; else empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assigned: Vec<String>,
    /// On the nullable side of an outer join (LEFT JOIN's right side…).
    pub nullable: bool,
}

/// `key op something`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    /// Column or expression on the table.
    pub key: KeyExpr,
    /// Columns of the table inside the key.
    pub columns: Vec<String>,
    /// Operator class of the comparison.
    pub op: Op,
    /// The other side.
    pub rhs: Rhs,
    /// The whole condition as SQL over the table's own quoted columns, where the rest of it is constants: what a
    /// partial index may have as its predicate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicate: Option<String>,
}

impl Condition {
    /// A condition that no partial index can be about.
    pub fn new(key: KeyExpr, columns: Vec<String>, op: Op, rhs: Rhs) -> Condition {
        Condition { key, columns, op, rhs, predicate: None }
    }
}

/// What a comparison is to an index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// `=`, `IS TRUE`, a bare boolean.
    Eq,
    /// `IN (…)`, `= ANY(…)`.
    In,
    /// `<`, `<=`, `>`, `>=`, BETWEEN.
    Range,
    /// `IS NULL`.
    IsNull,
    /// `IS NOT NULL`.
    IsNotNull,
    /// `LIKE` (case-sensitive).
    Like,
    /// `ILIKE`, `~*`, `~`.
    Pattern,
    /// `<>`, `NOT IN`: a predicate at most, never a look-up.
    NotEq,
    /// Any other operator, as written: `@>`, `&&`, `@@`, `<->`…
    Other(String),
}

/// The other side of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rhs {
    /// A constant, as SQL text.
    Constant(String),
    /// `$n` (possibly cast or wrapped in a function).
    Parameter(u32),
    /// A column of another reference (index into `Shape::tables`): a join.
    Column {
        /// Reference.
        table_ref: usize,
        /// Its column.
        column: String,
    },
    /// An uncorrelated subquery's result.
    Subquery,
    /// Anything else that does not depend on this table (now(), expressions).
    Expression,
    /// No other side (IS NULL…).
    None,
}

/// A parameter's type as the server inferred it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ParameterType {
    /// pg_type name: `int8`, `text`, `_uuid` is `uuid` with `array`.
    pub name: String,
    /// An array of `name`.
    pub array: bool,
    /// Labels of an enum.
    pub labels: Vec<String>,
}
