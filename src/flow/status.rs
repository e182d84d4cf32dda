//! `status`: the ledger against the catalog, builds that run, INVALID indexes.

use crate::model::failure::Failure;
use crate::model::ledger::{Entry, Motion, State, View};
use crate::model::text::one_line;
use crate::pg::build::Control;
use crate::pg::ledger;
use serde::Serialize;

/// Everything that `status` shows.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Status {
    /// Entries, oldest run first.
    pub entries: Vec<StatusEntry>,
    /// Builds running now in this database.
    pub running: Vec<Running>,
    /// INVALID indexes, ours and others'.
    pub invalid: Vec<Leftover>,
}

/// One entry.
#[derive(Debug, Clone, Serialize)]
pub struct StatusEntry {
    /// Id.
    pub id: String,
    /// Run.
    pub run: String,
    /// What it does.
    pub motion: Motion,
    /// Schema.
    pub schema: String,
    /// Index.
    pub index: String,
    /// Table.
    pub table: String,
    /// Where it stands.
    pub state: State,
    /// True when what is there is our doing.
    pub owned: bool,
    /// Attempts begun.
    pub attempts: i32,
    /// Last change, RFC 3339 UTC.
    pub updated_at: String,
    /// How the catalog differs from what the ledger says; null when it does not.
    pub drift: Option<String>,
    /// Last error or remark.
    pub remark: Option<String>,
}

/// A build that runs.
#[derive(Debug, Clone, Serialize)]
pub struct Running {
    /// Backend.
    pub pid: i32,
    /// Table.
    pub table: String,
    /// Index; empty until it is in the catalog.
    pub index: String,
    /// Phase.
    pub phase: String,
    /// True when an entry of the ledger recorded this backend.
    pub ours: bool,
}

/// An INVALID index.
#[derive(Debug, Clone, Serialize)]
pub struct Leftover {
    /// Schema.
    pub schema: String,
    /// Name.
    pub index: String,
    /// True when every write maintains it already.
    pub maintained_by_writes: bool,
    /// True when the ledger says that it is ours: the next apply or rollback clears it.
    pub ours: bool,
    /// True while a backend builds it.
    pub building: bool,
}

/// Reads it.
pub async fn status(target: Option<&str>) -> Result<Status, Failure> {
    let control = Control::open(target, "status").await?;
    let entries = if ledger::exists(&control).await? { ledger::entries(&control, None).await? } else { Vec::new() };
    let mut status = Status::default();
    for entry in &entries {
        let view = control.look(&Entry { index: entry.index_now(&entries), ..entry.clone() }).await?;
        status.entries.push(of_entry(entry, &view));
    }
    let builds = control.builds().await?;
    let under_way = |e: &&Entry| matches!(e.state, State::Building | State::Dropping);
    for build in &builds {
        let ours = entries.iter().filter(under_way).any(|e| e.worker.is_some_and(|w| w.pid == build.pid));
        let (table, index) = (build.table.to_string(), one_line(&build.index));
        status.running.push(Running { pid: build.pid, table, index, phase: build.phase.clone(), ours });
    }
    for (_, index, ready) in control.invalid().await? {
        let ours = entries.iter().any(|e| e.owned && e.index == index && e.state != State::RolledBack);
        let building = builds.iter().any(|b| b.index == index.name && b.table.schema == index.schema);
        status.invalid.push(Leftover { schema: index.schema, index: index.name, maintained_by_writes: ready, ours, building });
    }
    Ok(status)
}

fn of_entry(entry: &Entry, view: &View) -> StatusEntry {
    StatusEntry {
        id: entry.id.clone(),
        run: entry.run.clone(),
        motion: entry.motion,
        schema: entry.index.schema.clone(),
        index: entry.index.name.clone(),
        table: entry.table.name.clone(),
        state: entry.state,
        owned: entry.owned,
        attempts: entry.attempt,
        updated_at: entry.updated_at.clone(),
        drift: drift(entry, view),
        remark: entry.error.clone(),
    }
}

/// How the catalog differs from what the entry's state promises.
fn drift(entry: &Entry, view: &View) -> Option<String> {
    if matches!(entry.state, State::Building | State::Dropping) {
        return Some(if view.worker_alive { "running".into() } else { "cut short: run the command again to finish".into() });
    }
    let should_be_there = match (entry.motion, entry.state) {
        // What replaced a dropped index has its name.
        (Motion::Drop, State::Done) if entry.part_of.is_some() => return None,
        (Motion::Rename, State::Done) => return view.renamed.is_none().then(|| "missing".into()),
        (Motion::Create | Motion::CreateParent, State::Built | State::Verified | State::Done | State::Present) => true,
        (Motion::Drop, State::Done | State::Present) => false,
        _ => return None,
    };
    let Some(relation) = &view.relation else {
        let kept_twin = entry.state == State::Present && view.twin.is_some();
        return (should_be_there && !kept_twin).then(|| "missing".into());
    };
    if !should_be_there {
        return Some("it is there again".into());
    }
    let shape = relation.definition.as_ref().map(|d| d.create.shape());
    match () {
        () if relation.table_oid != Some(entry.table_oid) => Some("on another table".into()),
        () if entry.shape.is_some() && entry.shape != shape => Some("changed".into()),
        () if !relation.valid => Some("invalid".into()),
        () => None,
    }
}
