//! `verify`: did the changes in force help? Counters of now against those kept beside the ledger.

use super::again::Again;
use super::apply::provenance::other_cluster;
use super::apply::{agreed, open, plural, report};
use super::choice::{self, Chosen};
use super::lifeline::Lifeline;
use super::measure::{Reading, index_of};
use super::proof::leaves;
use super::runner::Runner;
use crate::apply::machine::{Ending, Goal};
use crate::apply::revert::{Revert, revert};
use crate::apply::verdict::{Choice, Evidence, Finding, Verdict, Window, judge};
use crate::apply::watch::Limits;
use crate::model::failure::{Failure, FailureKind};
use crate::model::ledger::{Entry, Motion, State};
use crate::model::sample::{Moment, Sample};
use crate::model::text::one_line;
use crate::pg::build::Control;
use crate::pg::ledger;
use crate::pg::session::{Purpose, Session};
use crate::term;
use jiff::Timestamp;
use serde::Serialize;
use std::path::PathBuf;

/// Most queries of a table, beside those that its index is for, that are planned again.
const MOST_OTHERS: usize = 100;

/// How verify behaves.
#[derive(Debug, Clone)]
pub struct VerifyOptions {
    /// Database.
    pub target: Option<String>,
    /// The ledger's file, where one was named.
    pub ledger: Option<PathBuf>,
    /// Only these entries; empty means all in force.
    pub ids: Vec<String>,
    /// Only entries of this run, or moment, and later ones.
    pub since: Option<String>,
    /// When a verdict may fall.
    pub window: Window,
    /// What the next command is to be given too.
    pub again: Again,
}

/// All verdicts.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Verification {
    /// The server's clock, RFC 3339 UTC; left out where nothing was to be judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken_at: Option<String>,
    /// Oldest run first.
    pub entries: Vec<Judged>,
}

/// One change and what it was good for.
#[derive(Debug, Clone, Serialize)]
pub struct Judged {
    /// Id.
    pub id: String,
    /// Run.
    pub run: String,
    /// What was done.
    pub motion: Motion,
    /// Schema.
    pub schema: String,
    /// Index.
    pub index: String,
    /// Table.
    pub table: String,
    /// Counted from here on, RFC 3339 UTC.
    pub since: String,
    /// How long, seconds.
    pub seconds: f64,
    /// The verdict.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// When it is worth asking again, RFC 3339 UTC.
    pub ask_again_at: Option<String>,
    /// Queries of the table and whether they use the index.
    pub plans: Vec<Planned>,
    /// Whether it may be taken back without a person.
    pub revert: Revert,
    /// It was, by this run.
    pub reverted: bool,
    #[serde(skip)]
    entry: Entry,
}

/// A query planned again.
#[derive(Debug, Clone, Serialize)]
pub struct Planned {
    /// Query.
    pub fingerprint: String,
    /// Without literal values.
    pub text: String,
    /// The index is for it.
    pub target: bool,
    /// True when a plan uses the index; null where it could not be planned.
    pub uses: Option<bool>,
}

/// Judges what is in force.
pub async fn verify(options: &VerifyOptions) -> Result<Verification, Failure> {
    look(options).await.map_err(|failure| options.again.complete(failure))
}

async fn look(options: &VerifyOptions) -> Result<Verification, Failure> {
    ledger::must_be_there(options.ledger.as_deref())?;
    let mut control = Control::open(options.target.as_deref(), "verify").await?;
    ledger::find(&mut control, options.ledger.as_deref()).await?.iter().for_each(|remark| term::note(remark));
    let all = if ledger::exists(&control).await? { ledger::entries(&control, None).await? } else { Vec::new() };
    let chosen = choose(&all, options)?;
    if let Some((message, hints)) = chosen.iter().find_map(|entry| other_cluster(entry, control.server.system)) {
        return Err(Failure { kind: FailureKind::ApplyNeedsYou, message, hints });
    }
    if chosen.is_empty() {
        return Ok(Verification::default());
    }
    let session = Session::open(options.target.as_deref(), &Purpose::reading("verify")).await?;
    let reading = Reading::take(&session).await?;
    let mut verification = Verification::default();
    for entry in chosen {
        let leaves = leaves(&all, entry);
        let parts = all.iter().any(|e| e.part_of.as_deref() == Some(&entry.id));
        let now = reading.sample(entry, &leaves);
        let (before, after) = kept(&control, entry, &now).await?;
        let plans = plans(&session, &reading, entry, &leaves).await;
        let judged = one(options, (entry, parts), [&before, &after, &now], &plans, reading.snapshot.standbys);
        verification.entries.push(if there(&reading, entry) { judged } else { gone(judged) });
        verification.taken_at = Some(now.taken_at);
    }
    Ok(verification)
}

fn choose<'a>(all: &'a [Entry], options: &VerifyOptions) -> Result<Vec<&'a Entry>, Failure> {
    for id in &options.ids {
        let Some(entry) = all.iter().find(|e| e.id == *id) else {
            return Err(Failure::usage(format!("the ledger has no entry {}", one_line(id))).hint("advisor status lists them"));
        };
        if entry.state != State::Done {
            let (id, state) = (one_line(id), entry.state.name());
            return Err(
                Failure::usage(format!("entry {id} is not in force: it is {state}")).hint("advisor status shows where everything stands")
            );
        }
    }
    let since = options.since.as_deref().map(|text| first_run(all, text)).transpose()?;
    let wanted = |e: &&Entry| {
        let whole = e.state == State::Done && e.part_of.is_none() && e.motion != Motion::Rename;
        whole && (options.ids.is_empty() || options.ids.contains(&e.id)) && since.as_ref().is_none_or(|since| e.run >= *since)
    };
    Ok(all.iter().filter(wanted).collect())
}

/// Names of runs begin with their time: the least name that a run of then, or this run, has.
fn first_run(all: &[Entry], text: &str) -> Result<String, Failure> {
    if all.iter().any(|e| e.run == text) {
        return Ok(text.to_owned());
    }
    let date = || text.parse::<jiff::civil::Date>().ok().map(|date| date.at(0, 0, 0, 0));
    let local = || text.parse::<jiff::civil::DateTime>().ok().or_else(date);
    let utc = || local()?.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    let moment = text.parse::<Timestamp>().ok().or_else(utc);
    moment.map(|t| t.strftime("%Y%m%dT%H%M%SZ").to_string()).ok_or_else(|| {
        Failure::usage(format!("--since {}: neither a run of the ledger nor a time", one_line(text)))
            .hint("write 2026-01-31, 2026-01-31T08:00:00Z (UTC), or a run as advisor status --format json names it")
    })
}

/// The samples of an entry. Where a run was cut short before it counted, counting begins now; where nothing was counted
/// before the change, only its scans can be judged.
async fn kept(control: &Control, entry: &Entry, now: &Sample) -> Result<(Sample, Sample), Failure> {
    let samples = ledger::samples(control, &entry.id).await?;
    let of = |wanted: Moment| samples.iter().find(|(moment, _)| *moment == wanted).map(|(_, sample)| sample.clone());
    match (of(Moment::Before), of(Moment::After)) {
        (Some(before), Some(after)) => Ok((before, after)),
        (Some(before), None) => {
            ledger::sample_put(control, &entry.id, Moment::After, now).await?;
            Ok((before, now.clone()))
        }
        _ => {
            let nothing = Sample {
                taken_at: entry.updated_at.clone(),
                unreadable: Some("nothing was counted before the change, so there is nothing to compare with".into()),
                index_scans: Some(0.0),
                ..Sample::default()
            };
            Ok((nothing.clone(), nothing))
        }
    }
}

/// Plans of the queries that the index is for, then of the others that name the table.
async fn plans(session: &Session, reading: &Reading, entry: &Entry, leaves: &[&Entry]) -> Vec<Chosen> {
    let index = index_of(&reading.snapshot.catalog, entry);
    let Some(index) = index.filter(|_| entry.motion != Motion::Drop) else { return Vec::new() };
    let of_leaves = leaves.iter().map(|leaf| leaf.index.name.as_str());
    let names: Vec<&str> = std::iter::once(index.name.as_str()).chain(of_leaves).collect();
    let mut plans = choice::targets(session, reading, &entry.targets, &names, &entry.table.name).await;
    let is_target = |fingerprint: &str| entry.targets.iter().any(|t| t.fingerprint == fingerprint);
    for query in reading.queries(&entry.table).filter(|q| !is_target(&q.fingerprint)).take(MOST_OTHERS) {
        plans.push(choice::one(session, reading, query, &names, &entry.table.name).await);
    }
    plans
}

fn one(
    options: &VerifyOptions,
    (entry, parts): (&Entry, bool),
    [before, after, now]: [&Sample; 3],
    plans: &[Chosen],
    standbys: u32,
) -> Judged {
    let seconds = seconds_between(&after.taken_at, &now.taken_at);
    let choices: Vec<(String, Choice)> = plans.iter().map(|p| (p.fingerprint.clone(), p.choice)).collect();
    let evidence = Evidence { entry, parts, before, after, now, seconds, plans: &choices, window: options.window };
    let verdict = judge(&evidence);
    let planned = |p: &Chosen| Planned {
        fingerprint: p.fingerprint.clone(),
        text: p.text.clone(),
        target: entry.targets.iter().any(|t| t.fingerprint == p.fingerprint),
        uses: match p.choice {
            Choice::Uses => Some(true),
            Choice::DoesNot => Some(false),
            Choice::Unknown => None,
        },
    };
    Judged {
        id: entry.id.clone(),
        run: entry.run.clone(),
        motion: entry.motion,
        schema: entry.index.schema.clone(),
        index: entry.index.name.clone(),
        table: entry.table.name.clone(),
        since: after.taken_at.clone(),
        seconds,
        ask_again_at: verdict.ask_again_after_seconds.and_then(|s| later(&after.taken_at, s)),
        revert: revert(&evidence, standbys),
        verdict,
        plans: plans.iter().map(planned).collect(),
        reverted: false,
        entry: entry.clone(),
    }
}

fn there(reading: &Reading, entry: &Entry) -> bool {
    (entry.motion == Motion::Drop) != index_of(&reading.snapshot.catalog, entry).is_some_and(|index| index.valid)
}

/// What was undone behind our back is not judged.
fn gone(judged: Judged) -> Judged {
    let reason = "the database is not as the ledger says: status shows how".to_owned();
    let verdict = Verdict { finding: Finding::Undecided, reasons: vec![reason], missing: Vec::new(), ..judged.verdict };
    Judged { verdict, ask_again_at: None, revert: Revert::No, ..judged }
}

fn seconds_between(from: &str, to: &str) -> f64 {
    let read = |text: &str| text.parse::<Timestamp>().ok().map(|t| t.as_second() as f64);
    read(from).zip(read(to)).map_or(0.0, |(from, to)| (to - from).max(0.0))
}

fn later(from: &str, seconds: f64) -> Option<String> {
    let from: Timestamp = from.parse().ok()?;
    let then = from.checked_add(jiff::SignedDuration::from_secs(seconds.ceil() as i64)).ok()?;
    Some(then.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// Takes back what may be taken back without a person, newest first; asks once unless `yes`. Says so on standard error.
pub async fn take_back(verification: &mut Verification, options: &VerifyOptions, yes: bool, limits: &Limits) -> Result<(), Failure> {
    let proven = |judged: &&mut Judged| matches!(judged.revert, Revert::Yes(_));
    let mut chosen: Vec<&mut Judged> = verification.entries.iter_mut().filter(proven).collect();
    chosen.reverse();
    if chosen.is_empty() {
        return Ok(());
    }
    if !agreed(yes, &format!("Take back {} change{}?", chosen.len(), plural(chosen.len())), "without --auto-revert nothing is changed")? {
        term::note("nothing was changed");
        return Ok(());
    }
    let target = options.target.as_deref();
    let control = open(target, options.ledger.as_deref(), "rollback").await?;
    let mut runner = Runner::new(Lifeline::new(control, target, "rollback", limits).await?, target, "rollback");
    let count = chosen.len();
    for (done, judged) in chosen.into_iter().enumerate() {
        match runner.run(Goal::Rollback, &judged.entry).await? {
            Ending::Reached | Ending::Already(_) => {
                judged.reverted = true;
                term::note(&format!("{} {} was taken back", judged.id, judged.entry.index));
            }
            other => report(&judged.entry, Goal::Rollback, other, count - done - 1)?,
        }
    }
    Ok(())
}
