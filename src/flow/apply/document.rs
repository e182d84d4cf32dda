//! The plan as data: what `--dry-run --format json` prints, and what the text is made of.

use super::plan::Planned;
use super::site::Site;
use super::words::{self, Fact, InTheWay};
use crate::flow::wanted::ForPsql;
use crate::model::preflight::Directness;
use crate::model::text::{one_line, squeeze};
use crate::pg::build::Control;
use schemars::JsonSchema;
use serde::Serialize;

/// What apply would do. Sizes are bytes; what is not known is null.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Plan {
    /// Grows when a field changes its meaning or goes; new fields may come at any time.
    pub schema_version: u32,
    /// Database.
    pub database: String,
    /// server_version.
    pub version: String,
    /// Our role.
    pub role: String,
    /// True when it is proven that no pooler stands in between.
    pub direct: bool,
    /// Free bytes where the data directory is, or as --free-bytes has it, before any change.
    pub free_bytes: Option<f64>,
    /// Standbys that receive WAL.
    pub standbys: i64,
    /// How far the slowest is behind.
    pub lag_bytes: Option<i64>,
    /// Replication slots that keep WAL for nobody.
    pub idle_slots: Vec<String>,
    /// What holds for all changes, in words.
    pub server: Vec<Fact>,
    /// Who would hold changes up now, oldest first.
    pub in_the_way: Vec<InTheWay>,
    /// The changes in the order in which they would be made.
    pub changes: Vec<Change>,
    /// What apply leaves to psql.
    pub left_to_psql: Vec<LeftToPsql>,
}

/// Create or drop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// CREATE INDEX CONCURRENTLY.
    Create,
    /// DROP INDEX CONCURRENTLY.
    Drop,
}

/// What apply would do about a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Make it (a drop: with --drops).
    Makes,
    /// It is as wanted.
    NothingToDo,
    /// It cannot be made.
    Refused,
}

/// One change.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Change {
    /// Advice id.
    pub id: String,
    /// Create or drop.
    pub action: Action,
    /// Schema of the index.
    pub schema: String,
    /// Name of the index.
    pub index: String,
    /// The statement.
    pub sql: String,
    /// Why it is advised.
    pub reason: Option<String>,
    /// What apply would do.
    pub verdict: Verdict,
    /// Why it is refused.
    pub refused: Option<String>,
    /// What to do about that.
    pub hints: Vec<String>,
    /// Expected size of the index.
    pub size_bytes: Option<f64>,
    /// Temporary files at most.
    pub temp_bytes: Option<f64>,
    /// WAL.
    pub wal_bytes: Option<f64>,
    /// Seconds, shortest and longest, without waiting for others.
    pub seconds: Option<(f64, f64)>,
    /// All that is worth knowing, in words: cost, room, whom it waits for.
    pub facts: Vec<Fact>,
}

/// Advice that is no index.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct LeftToPsql {
    /// Advice id.
    pub id: String,
    /// The statement.
    pub sql: String,
    /// How to run it.
    pub how: String,
}

/// The plan of these changes.
pub(super) fn plan(control: &Control, site: &Site, changes: &[Planned], for_psql: &[ForPsql]) -> Plan {
    let (server, premises) = (&control.server, &site.premises);
    let ledger = Fact { topic: "ledger", text: control.ledger.to_string() };
    let builds = changes.iter().any(|p| p.acts && p.is_create());
    Plan {
        schema_version: 1,
        database: one_line(&server.database),
        version: one_line(&server.version),
        role: one_line(&server.role),
        direct: premises.direct == Directness::Proven,
        free_bytes: site.free_bytes,
        standbys: premises.standbys,
        lag_bytes: premises.lag_bytes,
        idle_slots: premises.idle_slots.iter().map(|s| one_line(s)).collect(),
        server: words::of_server(server, premises, builds.then_some(site.free_bytes)).into_iter().chain([ledger]).collect(),
        in_the_way: words::in_the_way(changes.iter().flat_map(|p| &p.waits)),
        changes: changes.iter().map(change).collect(),
        left_to_psql: for_psql
            .iter()
            .map(|left| LeftToPsql { id: left.id.clone(), sql: left.sql.clone(), how: left.how.clone() })
            .collect(),
    }
}

fn change(planned: &Planned) -> Change {
    let (wanted, index) = (&planned.wanted, planned.wanted.ddl.index());
    Change {
        id: wanted.id.clone(),
        action: if planned.is_create() { Action::Create } else { Action::Drop },
        schema: one_line(&index.schema),
        index: one_line(&index.name),
        sql: one_line(&wanted.ddl.sql()),
        reason: (!wanted.reason.is_empty()).then(|| squeeze(&wanted.reason)),
        verdict: match (planned.refused.is_some(), planned.acts) {
            (true, _) => Verdict::Refused,
            (false, true) => Verdict::Makes,
            (false, false) => Verdict::NothingToDo,
        },
        refused: planned.refused.as_deref().map(one_line),
        hints: planned.hints.iter().map(|h| one_line(h)).collect(),
        size_bytes: planned.cost.size_bytes,
        temp_bytes: planned.cost.temp_bytes,
        wal_bytes: planned.cost.wal_bytes,
        seconds: planned.cost.seconds,
        facts: planned.facts.clone(),
    }
}
