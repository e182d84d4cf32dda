//! `status`: the ledger against the catalog, builds that run, locks that are held, INVALID indexes.

use crate::model::ddl::IndexName;
use crate::model::failure::Failure;
use crate::model::index_def::TableName;
use crate::model::ledger::{Blocker, Entry, Motion, State, View, Worker};
use crate::model::text::one_line;
use crate::pg::build::{Build, Control};
use crate::pg::inventory::{HeldLock, InvalidIndex};
use crate::pg::ledger;
use schemars::JsonSchema;
use serde::Serialize;
use std::path::Path;

/// A live run asks its control connection several times a second: one silent for so long, seconds, has lost its client.
pub const SILENT_SECONDS: f64 = 60.0;

/// Everything that `status` shows.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct Status {
    /// Database.
    pub database: String,
    /// The ledger.
    pub ledger: LedgerPlace,
    /// Entries, oldest run first.
    pub entries: Vec<StatusEntry>,
    /// Builds and drops running now in this database.
    pub running: Vec<Running>,
    /// Advisory locks that advisors hold in this database.
    pub locks: Vec<Held>,
    /// INVALID indexes, ours and others'; those that refuse writes come first.
    pub invalid: Vec<Leftover>,
}

/// Where the ledger is.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct LedgerPlace {
    /// The file; null when it is schema `advisor`.
    pub file: Option<String>,
    /// False before the first apply.
    pub exists: bool,
    /// What else is to be known about it.
    pub remark: Option<String>,
}

/// One entry.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct StatusEntry {
    /// Id.
    pub id: String,
    /// Run.
    pub run: String,
    /// Its place in the run.
    pub position: i32,
    /// What it does.
    pub motion: Motion,
    /// Schema.
    pub schema: String,
    /// Index.
    pub index: String,
    /// Table.
    pub table: String,
    /// The entry that this one is a part of.
    pub part_of: Option<String>,
    /// Where it stands.
    pub state: State,
    /// True when what is there is our doing.
    pub owned: bool,
    /// Attempts begun.
    pub attempts: i32,
    /// The migration file that asked for it.
    pub file: Option<String>,
    /// Last change, RFC 3339 UTC.
    pub updated_at: String,
    /// How the catalog differs from what the ledger says; null when it does not.
    pub drift: Option<String>,
    /// Last error or remark.
    pub remark: Option<String>,
}

/// A build or drop that runs.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Running {
    /// Backend.
    pub pid: i32,
    /// Table; empty where the role may not see it.
    pub table: String,
    /// Index; empty until it is in the catalog.
    pub index: String,
    /// Phase.
    pub phase: String,
    /// True when an entry of the ledger recorded this backend.
    pub ours: bool,
    /// Its statement's age, seconds.
    pub seconds: Option<f64>,
    /// Whom it waits for.
    pub blockers: Vec<Blocker>,
}

/// An advisory lock of an advisor.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Held {
    /// Who holds it; `seconds` is the age of the session.
    pub holder: Blocker,
    /// The table; null for the lock under which the ledger is made, and for a table that is gone.
    pub table: Option<String>,
    /// Nothing was heard of the session for this long, seconds; null where the role may not see it.
    pub silent_seconds: Option<f64>,
    /// True when the session lives on without its client.
    pub dead: bool,
}

/// An INVALID index.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Leftover {
    /// Schema.
    pub schema: String,
    /// Name.
    pub index: String,
    /// Its table.
    pub table: String,
    /// Disk space, bytes.
    pub size_bytes: i64,
    /// True when every write maintains it already.
    pub maintained_by_writes: bool,
    /// True when it is UNIQUE too: it refuses duplicates although no query can use it.
    pub refuses_writes: bool,
    /// True when REINDEX CONCURRENTLY was cut short: the index it was for is there and valid.
    pub of_reindex: bool,
    /// True when the ledger says that it is ours.
    pub ours: bool,
    /// The entry to roll back, where it is ours: that clears it away; applying the same change again finishes it.
    pub entry: Option<String>,
    /// True while a backend builds it, or ours clears it away.
    pub building: bool,
}

/// Reads it; `file` names the ledger's file, where there is one.
pub async fn status(target: Option<&str>, file: Option<&Path>) -> Result<Status, Failure> {
    ledger::must_be_there(file)?;
    let mut control = Control::open(target, "status").await?;
    let remark = ledger::find(&mut control, file).await?;
    let exists = ledger::exists(&control).await?;
    let entries = if exists { ledger::entries(&control, None).await? } else { Vec::new() };
    let path = control.ledger.file().map(|path| path.to_string_lossy().into_owned());
    let mut status =
        Status { database: control.server.database.clone(), ledger: LedgerPlace { file: path, exists, remark }, ..Status::default() };
    let mut working = Vec::new();
    for entry in &entries {
        let view = control.look(&Entry { index: entry.index_now(&entries), ..entry.clone() }).await?;
        status.entries.push(of_entry(entry, &view, control.server.system));
        working.extend(entry.worker.filter(|_| under_way(entry) && view.worker_alive).map(|worker| (entry, worker)));
    }
    let builds = control.builds().await?;
    status.running = running(&control, &builds, &working).await?;
    status.locks = control.held_locks().await?.into_iter().map(held).collect();
    let all = control.invalid().await?;
    let busy: Vec<&str> = working.iter().map(|(entry, _)| entry.id.as_str()).collect();
    status.invalid = all.into_iter().map(|index| leftover(index, &entries, &builds, &busy)).collect();
    Ok(status)
}

fn under_way(entry: &Entry) -> bool {
    matches!(entry.state, State::Building | State::Dropping)
}

/// Builds by anybody, and what our own workers do that the server shows no progress of.
async fn running(control: &Control, builds: &[Build], working: &[(&Entry, Worker)]) -> Result<Vec<Running>, Failure> {
    let idle = |pid, table, index, phase, ours| Running { pid, table, index, phase, ours, seconds: None, blockers: Vec::new() };
    let ours = |pid: i32| working.iter().any(|(_, worker)| worker.pid == pid);
    let of_build = |b: &Build| idle(b.pid, b.table.to_string(), one_line(&b.index), b.phase.clone(), ours(b.pid));
    let unseen = working.iter().filter(|(_, worker)| builds.iter().all(|b| b.pid != worker.pid)).map(|(entry, worker)| {
        let phase =
            if entry.state == State::Dropping { "dropping" } else { "about to begin, waiting for the table's lock, or clearing away" };
        idle(worker.pid, entry.table.to_string(), one_line(&entry.index.name), phase.to_owned(), true)
    });
    let mut all: Vec<Running> = builds.iter().map(of_build).chain(unseen).collect();
    let ages = control.ages(&all.iter().map(|r| r.pid).collect::<Vec<_>>()).await?;
    for running in &mut all {
        running.seconds = ages.iter().find(|(pid, _)| *pid == running.pid).and_then(|(_, seconds)| *seconds);
        running.blockers = control.waiting_for(Worker { pid: running.pid, started: 0 }).await?;
    }
    Ok(all)
}

fn held(lock: HeldLock) -> Held {
    let dead = lock.who.application.starts_with("advisor/") && lock.silent_seconds.is_some_and(|s| s > SILENT_SECONDS);
    Held { table: lock.table.map(|t| t.to_string()), silent_seconds: lock.silent_seconds, dead, holder: lock.who }
}

/// `busy`: the entries whose worker is at work.
fn leftover(invalid: InvalidIndex, entries: &[Entry], builds: &[Build], busy: &[&str]) -> Leftover {
    let index = &invalid.index;
    // REINDEX took the name away from ours and gave it to a new index: the entry is about that one.
    let is_it = |e: &Entry| e.index == *index || (e.index_oid == Some(invalid.oid) && !of_reindex(&index.name));
    let entry = entries.iter().find(|e| e.owned && is_it(e) && e.state != State::RolledBack);
    Leftover {
        ours: entry.is_some(),
        entry: entry.map(|e| e.part_of.clone().unwrap_or_else(|| e.id.clone())),
        building: entry.is_some_and(|e| busy.contains(&e.id.as_str()))
            || builds.iter().any(|b| b.index == index.name && b.table.schema == index.schema),
        of_reindex: of_reindex(&index.name),
        maintained_by_writes: invalid.ready,
        refuses_writes: invalid.ready && invalid.unique,
        size_bytes: invalid.size_bytes,
        table: invalid.table,
        schema: invalid.index.schema,
        index: invalid.index.name,
    }
}

/// The names that REINDEX CONCURRENTLY gives: `_ccnew` while it builds, `_ccold` before it drops, a number where taken.
fn of_reindex(name: &str) -> bool {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    stem.ends_with("_ccnew") || stem.ends_with("_ccold")
}

fn of_entry(entry: &Entry, view: &View, system: Option<i64>) -> StatusEntry {
    StatusEntry {
        id: entry.id.clone(),
        run: entry.run.clone(),
        position: entry.position,
        motion: entry.motion,
        schema: entry.index.schema.clone(),
        index: entry.index.name.clone(),
        table: entry.table.name.clone(),
        part_of: entry.part_of.clone(),
        state: entry.state,
        owned: entry.owned,
        attempts: entry.attempt,
        file: entry.source.as_ref().map(|source| source.file.clone()),
        updated_at: entry.updated_at.clone(),
        drift: if entry.is_of_another_cluster(system) { Some(ELSEWHERE.to_owned()) } else { drift(entry, view) },
        remark: entry.error.clone(),
    }
}

/// True whatever was cut short: rollback undoes what a run had begun, be it an apply or a rollback.
const CUT_SHORT: &str = "cut short: the same command again finishes it, advisor rollback takes it back";

const ELSEWHERE: &str = "written in another cluster: its OIDs mean nothing here";

/// How the catalog differs from what the entry's state promises.
fn drift(entry: &Entry, view: &View) -> Option<String> {
    if under_way(entry) {
        return Some(if view.worker_alive { "running".into() } else { CUT_SHORT.into() });
    }
    let should_be_there = match (entry.motion, entry.state) {
        // What replaced a dropped index has its name.
        (Motion::Drop, State::Done) if entry.part_of.is_some() => return None,
        (Motion::Rename, State::Done) => return view.renamed.is_none().then(|| "missing".into()),
        (Motion::Create | Motion::CreateParent, State::Built | State::Verified | State::Done | State::Present) => true,
        (Motion::Drop, State::Done | State::Present) => false,
        _ => return None,
    };
    if let Some((name, _)) = view.moved.as_ref().filter(|(name, _)| should_be_there && !of_reindex(&name.name)) {
        return Some(renamed(name, view));
    }
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

/// Known by its OID under another name; something else may have taken the old one.
fn renamed(name: &IndexName, view: &View) -> String {
    let table = view.moved.as_ref().and_then(|(_, r)| r.definition.as_ref()).map(|d| &d.create.table);
    let on = table.map(|t: &TableName| format!(" on {t}")).unwrap_or_default();
    let taken = view.relation.as_ref().map(|r| format!("; a new {} has its name", r.kind)).unwrap_or_default();
    format!("renamed: it is {name}{on} now{taken}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ddl::CreateIndex;
    use crate::model::ledger::Definition;

    #[test]
    fn leftovers_of_reindex_are_known_by_name() {
        let known = ["a_ccnew", "a_ccold", "a_ccnew12"].map(of_reindex);
        assert_eq!((known, ["a", "a_ccnew_b", "a1"].map(of_reindex)), ([true; 3], [false; 3]));
    }

    #[test]
    fn what_reindex_left_of_ours_is_not_ours_to_take_back() {
        let create = CreateIndex {
            name: "i".into(),
            table: TableName::new("s", "t"),
            unique: false,
            body: "USING btree (a)".into(),
            tablespace: None,
            predicate: None,
        };
        let definition = Definition { create, extras: vec![], valid: true };
        let entry = Entry { state: State::Done, owned: true, index_oid: Some(100), ..Entry::planned("a", "1", Motion::Create, definition) };
        let left = |name: &str, oid| {
            let index = IndexName::new("s", name);
            let invalid = InvalidIndex { oid, index, table: "t".into(), ready: true, unique: false, size_bytes: 0 };
            leftover(invalid, std::slice::from_ref(&entry), &[], &[]).ours
        };
        assert_eq!([left("i_ccold", 100), left("i", 200), left("renamed", 100)], [false, true, true]);
    }

    #[test]
    fn a_session_is_dead_when_it_is_an_advisors_and_silent() {
        let lock = |application: &str, silent_seconds| HeldLock {
            who: Blocker { pid: 1, application: application.into(), role: "r".into(), state: "idle".into(), seconds: 90.0 },
            silent_seconds,
            table_oid: 5,
            table: None,
        };
        assert!(held(lock("advisor/0.1.0 apply", Some(61.0))).dead);
        assert!(!held(lock("advisor/0.1.0 apply", Some(0.4))).dead);
        assert!(!held(lock("advisor/0.1.0 apply", None)).dead, "unknown is not dead");
        assert!(!held(lock("other", Some(90.0))).dead);
    }
}
