//! The report: findings, recommendation, what could not be judged. These types *are* the JSON
//! contract; `advisor schema` prints the schema derived from them. Additions keep the version.

use super::snapshot::{Problem, Server, Window};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `schema_version` of the report.
pub const REPORT_VERSION: u32 = 1;

/// What `advisor analyze` has to say.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Version of this document; additive changes keep it.
    pub schema_version: u32,
    /// Version of advisor that wrote it.
    pub advisor_version: String,
    /// The server; null where only plan files were read.
    pub server: Option<Server>,
    /// What the workload's figures cover; null without pg_stat_statements.
    pub window: Option<Window>,
    /// Queries, most total time first.
    pub queries: Vec<ReportQuery>,
    /// Findings, worst first.
    pub findings: Vec<Finding>,
    /// Index advice.
    pub recommendation: Recommendation,
    /// Rules that could not be judged, with the cure.
    pub not_judged: Vec<NotJudged>,
    /// What went wrong and did not stop the run.
    pub problems: Vec<Problem>,
}

/// A query of the workload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReportQuery {
    /// Hash of our own normalised text; never queryid, which differs by major.
    pub fingerprint: String,
    /// Normalised text: no literal values.
    pub text: String,
    /// Where it came from.
    pub source: super::query::QuerySource,
    /// Executions in the window; null where the source has no counters.
    pub calls: Option<f64>,
    /// Total execution time, ms.
    pub total_ms: Option<f64>,
    /// Mean execution time, ms.
    pub mean_ms: Option<f64>,
    /// Rows, all calls.
    pub rows: Option<f64>,
}

/// How bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Costs something.
    Warning,
    /// Costs a lot, or is broken.
    Error,
}

/// How sure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// The evidence proves it.
    Confirmed,
    /// The evidence fits; what would disprove it is in the message.
    Suspected,
}

/// What a finding is about; the parts that apply are set.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Subject {
    /// Schema.
    pub schema: Option<String>,
    /// Table.
    pub table: Option<String>,
    /// Index.
    pub index: Option<String>,
    /// Fingerprint of a query.
    pub query: Option<String>,
}

/// A number or a text; the unit is in the key (`rows`, `total_ms`, `size_bytes`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Value {
    /// Number.
    Number(f64),
    /// Text.
    Text(String),
}

impl From<f64> for Value {
    fn from(n: f64) -> Self {
        Value::Number(n)
    }
}

impl From<&str> for Value {
    fn from(s: &str) -> Self {
        Value::Text(s.to_owned())
    }
}

impl From<String> for Value {
    fn from(s: String) -> Self {
        Value::Text(s)
    }
}

/// What to do about it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fix {
    /// In words.
    pub text: String,
    /// As SQL, where SQL does it.
    pub sql: Option<String>,
}

/// One problem found by one rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// Rule's name, kebab-case.
    pub rule: String,
    /// How bad.
    pub severity: Severity,
    /// How sure.
    pub confidence: Confidence,
    /// What it is about.
    pub subject: Subject,
    /// One sentence.
    pub message: String,
    /// Numbers behind it, unit in the name.
    pub evidence: BTreeMap<String, Value>,
    /// The cure.
    pub fix: Fix,
    /// Stable across runs: hash of rule and subject.
    pub fingerprint: String,
}

/// Which what-if engine gave the costs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhatIf {
    /// Real empty indexes in our own server, on a copy of schema and statistics.
    Clone,
    /// The HypoPG extension on the analysed server.
    Hypopg,
    /// No trial was possible: no recommendation.
    #[default]
    None,
}

/// How the engine's plans compare with production's own, for today's indexes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Fidelity {
    /// Queries planned on both sides.
    pub compared: u64,
    /// Plans with the same steps and exactly the same costs, rows and widths in each.
    pub equal: u64,
    /// Plans with the same steps.
    pub same_shape: u64,
    /// Middle distance of the total cost, as a share of production's.
    pub median_cost_error: f64,
    /// Largest distance of the total cost, as a share of production's.
    pub worst_cost_error: f64,
    /// What is known to differ, where not all plans are equal.
    pub causes: Vec<String>,
}

/// The set of index changes for the whole workload. Costs are planner units × weight.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Recommendation {
    /// Engine.
    pub what_if: WhatIf,
    /// How far the engine plans as production does; null where it was not compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fidelity: Option<Fidelity>,
    /// EXPLAINs it took.
    pub optimizer_calls: u64,
    /// Weighted workload cost today; null without trials.
    pub cost_before: Option<f64>,
    /// With all advice in place, planned afresh.
    pub cost_after: Option<f64>,
    /// What to create and drop.
    pub indexes: Vec<AdvisedIndex>,
    /// Space that the advised indexes take, less what dropping gives back, bytes; null where a size is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<f64>,
    /// Space that the user allows, bytes; null without a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_bytes: Option<f64>,
    /// By how much the best set of the candidates could be cheaper at most, as a share of `cost_after`, if the planner never
    /// gets dearer by a further index; null where it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<f64>,
    /// Share of what indexes could save that is in queries which were looked at in depth, 0–1; the others were planned with the
    /// advice alone. Null where all were looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked_at: Option<f64>,
    /// What less space buys, least space first, where several budgets were asked for; the last is the advice itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frontier: Vec<FrontierPoint>,
    /// Extended statistics to create.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub statistics: Vec<AdvisedStatistics>,
    /// Answers to `--why`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub why: Vec<WhyNot>,
    /// What was considered and refused.
    pub rejected: Vec<Rejected>,
}

/// Create or drop.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// CREATE INDEX CONCURRENTLY.
    #[default]
    Create,
    /// DROP INDEX CONCURRENTLY.
    Drop,
}

/// One advised index change.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AdvisedIndex {
    /// Stable id: 8 hex digits of the definition's hash.
    pub id: String,
    /// Create or drop.
    pub action: Action,
    /// Index name.
    pub name: String,
    /// Schema.
    pub schema: String,
    /// Table.
    pub table: String,
    /// One statement. For a partitioned table the form for the whole table (its recipe is in the files).
    pub ddl: String,
    /// Statements that undo it, in order.
    pub undo: Vec<String>,
    /// Estimated (create) or real (drop) size, bytes; null where not known.
    pub size_bytes: Option<f64>,
    /// The least that it may be, bytes, where statistics do not tell how far its columns follow from each other: `size_bytes` is
    /// then the most. Null where one figure says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub least_size_bytes: Option<f64>,
    /// What writes of the window pay for it, in the same weighted planner units.
    pub write_cost: f64,
    /// Index entries that writes make because of it, per second; null where the window's length is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entries_per_second: Option<f64>,
    /// WAL that writes make because of it, bytes per second; null where the window's length is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wal_bytes_per_second: Option<f64>,
    /// Seconds that the build takes, shortest and longest; null where the size is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build_seconds: Option<(f64, f64)>,
    /// What the gain was proved with.
    #[serde(default)]
    pub confidence: Proof,
    /// Queries it serves.
    pub queries: Vec<ServedQuery>,
    /// Fall in total weighted cost (write cost not deducted).
    pub benefit: f64,
    /// Why, in a sentence.
    pub reason: String,
    /// Existing indexes it makes needless.
    pub replaces: Vec<String>,
    /// True when the table is partitioned: `apply` refuses it, the files hold the recipe.
    pub partitioned: bool,
    /// Owner of the table, when it is not us.
    pub owner: Option<String>,
}

/// What an advised change was proved with, weakest last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// The planner chose it for values from the real statistics or the queries' own constants.
    #[default]
    Statistics,
    /// The planner chose it in a generic plan: no values could be bound.
    Generic,
    /// No trial was possible: the advice rests on what is known of such indexes.
    Assumed,
}

/// The best set for a budget.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FrontierPoint {
    /// Space allowed, bytes; null for as much as pays.
    pub budget_bytes: Option<f64>,
    /// Space taken, bytes.
    pub size_bytes: f64,
    /// Weighted workload cost with the set, planned afresh.
    pub cost_after: f64,
    /// The set as CREATE INDEX and DROP INDEX.
    pub ddl: Vec<String>,
}

/// Extended statistics to create: columns of one table whose values hang together.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AdvisedStatistics {
    /// Stable id: 8 hex digits of the statement's hash.
    pub id: String,
    /// Name.
    pub name: String,
    /// Schema.
    pub schema: String,
    /// Table.
    pub table: String,
    /// CREATE STATISTICS.
    pub ddl: String,
    /// What must run afterwards for it to have effect: ANALYZE of the columns.
    pub then: String,
    /// Statements that undo it, in order.
    pub undo: Vec<String>,
    /// Rows that the planner expects today.
    pub estimated_rows: f64,
    /// Rows that there really were.
    pub actual_rows: f64,
    /// Fingerprints of the queries whose estimate is wrong.
    pub queries: Vec<String>,
    /// Why, in a sentence.
    pub reason: String,
}

/// The answer to "why not this index?".
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WhyNot {
    /// What the user asked for, as written.
    pub asked: String,
    /// The index as CREATE INDEX; null where the question names none that could be.
    pub ddl: Option<String>,
    /// Machine-readable: the codes of `rejected`, `advised`, `exists`, `pays`, `unknown_table`, `unknown_column`, `no_query`,
    /// `not_tried`.
    pub reason_code: String,
    /// In words.
    pub reason: String,
    /// Weighted workload cost with the advice; null without trials.
    pub cost_with_advice: Option<f64>,
    /// The same with this index beside the advice.
    pub cost_with_it: Option<f64>,
    /// The same with this index and none of the advice.
    #[serde(default)]
    pub cost_with_it_alone: Option<f64>,
    /// What writes of the window would pay for it, in the same weighted planner units.
    #[serde(default)]
    pub write_cost: f64,
    /// Its estimated size, bytes; null where not known.
    #[serde(default)]
    pub size_bytes: Option<f64>,
    /// The least that it may be, as for an advised index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub least_size_bytes: Option<f64>,
    /// Fingerprints of the queries whose plan uses it when it is alone.
    #[serde(default)]
    pub used_by: Vec<String>,
    /// Queries on its table with their costs: today, and with this index alone.
    pub queries: Vec<ServedQuery>,
}

/// A query that an advised index serves, at planner cost per execution.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServedQuery {
    /// Fingerprint; `fk:NAME` for the look-up of a parent's DELETE or key UPDATE.
    pub fingerprint: String,
    /// Cost per execution today.
    pub cost_before: f64,
    /// Cost per execution with all advice.
    pub cost_after: f64,
    /// Share of the weighted workload cost today, 0–1.
    #[serde(default)]
    pub share_before: f64,
    /// Share of the weighted workload cost with all advice, 0–1.
    #[serde(default)]
    pub share_after: f64,
    /// Executions whose plan uses the index, where others do without it; empty where all use it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub used_for: Vec<Execution>,
    /// Executions whose plan does without it, where others use it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_used_for: Vec<Execution>,
    /// True where every query that the index serves does without it for the most common value of one and the same
    /// column, and only for that: an index without the rows of that value may do.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial_may_do: bool,
}

/// Executions of a query that ask for the same kind of values.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Execution {
    /// For what, in words without any value: `a rare value of orders.status`.
    pub asks_for: String,
    /// Share of all executions, assumed from the statistics, 0–1.
    pub share: f64,
}

/// A candidate that was refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Rejected {
    /// As CREATE INDEX.
    pub ddl: String,
    /// Machine-readable: `not_used`, `covered`, `write_cost`, `too_small`, `low_gain`, `over_budget`, `dropped_for`, `build_cost`, `regression`, `not_owned`, `platform`, `not_buildable`, `exists`, `not_indexable`, `not_analyzed`, `missed` (a drop).
    pub reason_code: String,
    /// In words.
    pub reason: String,
}

/// A rule that had no evidence to judge by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotJudged {
    /// Rule's name.
    pub rule: String,
    /// Why.
    pub reason: String,
    /// Statement that cures it, if one does.
    pub fix_sql: Option<String>,
}

impl Finding {
    /// The stable fingerprint of rule and subject.
    pub fn fingerprint_of(rule: &str, subject: &Subject) -> String {
        let part = |p: &Option<String>| p.as_deref().unwrap_or("\u{0}").to_owned();
        let text = [rule.to_owned(), part(&subject.schema), part(&subject.table), part(&subject.index), part(&subject.query)].join("\u{1}");
        format!("{:016x}", xxhash_rust::xxh3::xxh3_64(text.as_bytes()))
    }
}
