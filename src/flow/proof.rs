//! After a build: is the index sound, and do the queries that it is for use it? Before and after: what the server
//! counted, kept beside the ledger for `verify`. Nothing here ends a run but damage: what cannot be read is a note.

use super::choice::{self, Chosen};
use super::lifeline::Lifeline;
use super::measure::Reading;
use crate::apply::verdict::Choice;
use crate::model::catalog::Table;
use crate::model::failure::{Failure, FailureKind};
use crate::model::ledger::{Entry, Motion, State};
use crate::model::sample::Moment;
use crate::model::text::{ellipsis, one_line};
use crate::pg::amcheck::{self, Soundness};
use crate::pg::ledger;
use crate::pg::session::{Purpose, Session};
use crate::report::units::{bytes, percent};
use crate::term;
use tokio::time::timeout;

/// Below it the planner often reads the whole table, bytes.
const SMALL: u64 = 256 << 10;
/// Share of a table's rows that may change before its statistics are called stale.
const STALE: f64 = 0.2;

/// What one run proves.
pub(super) struct Proof {
    target: Option<String>,
    /// Check each built B-tree with amcheck.
    amcheck: bool,
    /// Counters and catalog from before the first change.
    first: Option<Reading>,
    /// Ids that are in force by this run.
    made: Vec<String>,
}

impl Proof {
    /// Reads the counters before anything is done, and keeps a sample for every entry of the run.
    pub async fn begin(target: Option<&str>, amcheck: bool, line: &mut Lifeline, entries: &[&Entry]) -> Result<Proof, Failure> {
        let mut proof = Proof { target: target.map(str::to_owned), amcheck, first: None, made: Vec::new() };
        proof.first = proof.read(line).await;
        if let Some(reading) = &proof.first {
            for entry in entries {
                keep_before(line, reading, entry).await?;
            }
        }
        Ok(proof)
    }

    /// A session for reading; without one the run goes on.
    async fn session(&self, line: &Lifeline) -> Option<Session> {
        let purpose = Purpose::reading("apply");
        let opened = timeout(line.limits.lease, Session::open(self.target.as_deref(), &purpose)).await;
        opened.ok()?.ok()
    }

    async fn read(&self, line: &Lifeline) -> Option<Reading> {
        let session = self.session(line).await?;
        let read = timeout(line.limits.lease, Reading::take(&session)).await;
        let read = read.unwrap_or_else(|_| Err(Failure::new(FailureKind::Connect, "no answer")));
        if let Err(failure) = &read {
            term::note(&format!("the counters could not be read, so that advisor verify will not know this change: {}", failure.message));
        }
        read.ok()
    }

    /// Called for each entry that the run brought to its goal. How the index is damaged, where it is: it has to go again.
    pub async fn reached(&mut self, line: &mut Lifeline, entry: &Entry) -> Result<Option<String>, Failure> {
        self.made.push(entry.id.clone());
        if entry.motion == Motion::Drop || entry.motion == Motion::Rename {
            return Ok(None);
        }
        let all = line.ask(async |c| ledger::entries(c, None).await).await?;
        let built = all.iter().find(|e| e.id == entry.id).and_then(|e| e.index_oid);
        let (Some(session), Some(oid)) = (self.session(line).await, built) else {
            term::note(&format!("{}: whether its queries use it was not looked at: no connection for it", entry.index));
            return Ok(None);
        };
        let leaves = leaves(&all, entry);
        if self.amcheck {
            // An index of a partitioned table has its pages in those of the partitions.
            let of_leaves = || leaves.iter().filter_map(|leaf| leaf.index_oid).collect();
            let oids: Vec<u32> = if entry.motion == Motion::CreateParent { of_leaves() } else { vec![oid] };
            if let Some(damage) = check(&session, entry, &oids).await {
                return Ok(Some(damage));
            }
        }
        // What replaced another index has that one's name by now.
        let names: Vec<String> = std::iter::once(entry).chain(leaves).map(|e| e.index_now(&all).name).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        self.say_who_uses(line, &session, entry, oid, &names).await;
        Ok(None)
    }

    async fn say_who_uses(&self, line: &Lifeline, session: &Session, entry: &Entry, oid: u32, names: &[&str]) {
        let Some(reading) = &self.first else { return };
        if entry.targets.is_empty() {
            return said(entry, "no queries are known that it is for: --report FILE names them");
        }
        let planning = choice::targets(session, reading, &entry.targets, names, &entry.table.name);
        let Ok(chosen) = timeout(line.limits.lease, planning).await else {
            return said(entry, "planning its queries again took too long; advisor verify does it later");
        };
        let using = chosen.iter().filter(|c| c.choice == Choice::Uses).count();
        if let Some(words) = who_uses(using, chosen.len()) {
            said(entry, &words);
        }
        let young = amcheck::too_young_for_some(session, oid).await;
        for not in chosen.iter().filter(|c| c.choice != Choice::Uses) {
            said(entry, &not_used(not, reading.snapshot.catalog.table(&entry.table), young));
        }
    }

    /// Keeps a sample for every entry that is in force by this run. The changes are made: nothing here can undo that.
    pub async fn end(&self, line: &mut Lifeline) {
        if let Err(failure) = self.keep_after(line).await {
            term::note(&format!("the counters were not kept; advisor verify counts from its first call on: {}", failure.message));
        }
    }

    async fn keep_after(&self, line: &mut Lifeline) -> Result<(), Failure> {
        if self.first.is_none() || self.made.is_empty() {
            return Ok(());
        }
        let Some(reading) = self.read(line).await else { return Ok(()) };
        let all = line.ask(async |c| ledger::entries(c, None).await).await?;
        for entry in all.iter().filter(|e| self.made.contains(&e.id)) {
            let sample = reading.sample(entry, &leaves(&all, entry));
            line.ask(async |c| ledger::sample_put(c, &entry.id, Moment::After, &sample).await).await?;
        }
        Ok(())
    }
}

/// The entries that build the indexes of a partitioned table's partitions.
pub(super) fn leaves<'a>(all: &'a [Entry], whole: &Entry) -> Vec<&'a Entry> {
    all.iter().filter(|e| e.motion == Motion::Create && e.part_of.as_deref() == Some(&whole.id)).collect()
}

/// Checks indexes and says what came of it, once for all; the first damage ends it.
async fn check(session: &Session, entry: &Entry, oids: &[u32]) -> Option<String> {
    let mut unchecked = None;
    for oid in oids {
        match amcheck::check(session, *oid).await {
            Soundness::Sound => {}
            Soundness::NotChecked(why) => unchecked = Some(why),
            Soundness::Damaged(what) => return Some(what),
        }
    }
    match unchecked {
        Some(why) => said(entry, &format!("amcheck: not checked: {why}")),
        None => said(entry, "amcheck: sound, and every row of the table is in it"),
    }
    None
}

/// A change that an earlier run began keeps the sample from before it.
async fn keep_before(line: &mut Lifeline, reading: &Reading, entry: &Entry) -> Result<(), Failure> {
    let known = line.ask(async |c| ledger::entries(c, Some(&entry.id)).await).await?.pop();
    let begun = known.is_some_and(|e| matches!(e.state, State::Building | State::Built | State::Verified | State::Done | State::Dropping));
    if begun && !line.ask(async |c| ledger::samples(c, &entry.id).await).await?.is_empty() {
        return Ok(());
    }
    let sample = reading.sample(entry, &[]);
    line.ask(async |c| ledger::sample_put(c, &entry.id, Moment::Before, &sample).await).await
}

fn who_uses(using: usize, of: usize) -> Option<String> {
    match (using, of) {
        (0, _) => None,
        (1, 1) => Some("planned again: its query uses it".into()),
        (using, of) if using == of => Some(format!("planned again: its {of} queries use it")),
        (using, of) => Some(format!("planned again: {using} of its {of} queries use it")),
    }
}

/// One line below that of the entry.
fn said(entry: &Entry, text: &str) {
    term::print(&format!("{:width$}{}\n", "", one_line(text), width = entry.id.len() + 2));
}

/// Why a query goes without the index, as far as can be seen.
fn not_used(query: &Chosen, table: Option<&Table>, young: bool) -> String {
    let text = ellipsis(&one_line(&query.text), 60);
    if query.choice == Choice::Unknown {
        return format!("built, but query {} could not be planned ({}): {text}", query.fingerprint, query.instead);
    }
    let mut reasons = Vec::new();
    if !query.instead.is_empty() {
        reasons.push(format!("the planner takes {}", query.instead));
    }
    if young {
        reasons.push("snapshots older than the index cannot use it (indcheckxmin)".into());
    }
    if let Some(small) = table.filter(|t| t.size_bytes < SMALL) {
        reasons.push(format!("the table is small ({})", bytes(small.size_bytes as f64)));
    }
    reasons.extend(table.and_then(stale));
    let why = if reasons.is_empty() { String::new() } else { format!("; {}", reasons.join(", ")) };
    format!("built, but query {} does not use it: {text}{why}", query.fingerprint)
}

fn stale(table: &Table) -> Option<String> {
    let (rows, usage) = (table.rows, table.usage.as_ref()?);
    if usage.analyzed_seconds_ago.is_none() && rows.is_none_or(|rows| rows <= 0.0) {
        return Some("the table was never analyzed".into());
    }
    let share = usage.modified_rows / rows?.max(1.0);
    (share > STALE).then(|| format!("its statistics are stale: {} of its rows changed since the last ANALYZE", percent(share)))
}
