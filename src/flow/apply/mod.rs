//! `apply`: look at every change, show the plan, ask, then one machine per change.

mod cures;
mod document;
mod names;
mod plan;
pub(super) mod provenance;
mod show;
pub(super) mod site;
pub(super) mod words;

use super::again::Again;
use super::lifeline::Lifeline;
use super::proof::Proof;
use super::runner::Runner;
use super::wanted::Asked;
use super::{partitioned, replacing};
use crate::apply::machine::{Ending, Goal};
use crate::apply::preflight;
use crate::apply::watch::Limits;
use crate::model::failure::{Failure, FailureKind};
use crate::model::ledger::{Entry, State};
use crate::model::text::one_line;
use crate::pg::build::Control;
use crate::pg::ledger;
use crate::term;
pub(super) use plan::{Inspection, Planned, Recipe, inspect, known_entry};
use show::refusals;
pub(super) use show::{plural, report};
use site::Site;
use std::path::{Path, PathBuf};

/// How apply behaves.
#[derive(Debug, Clone, Default)]
pub struct ApplyOptions {
    /// Database.
    pub target: Option<String>,
    /// Do not ask.
    pub yes: bool,
    /// Show the plan only.
    pub dry_run: bool,
    /// Drop too.
    pub drops: bool,
    /// The ledger's file, where one was named.
    pub ledger: Option<PathBuf>,
    /// INVALID indexes of a wanted definition that others left are dropped and built anew.
    pub adopt_invalid: bool,
    /// Check what is built with extension amcheck.
    pub amcheck: bool,
    /// What one statement may take.
    pub limits: Limits,
    /// Free bytes where indexes and temporary files go, where a person knows them.
    pub free_bytes: Option<f64>,
    /// The plan as JSON.
    pub json: bool,
    /// What the next command is to be given too.
    pub again: Again,
}

/// Makes the changes. 0 when all is as wanted (or the person declined); the failure says what is left.
pub async fn apply(asked: Asked, options: &ApplyOptions) -> Result<u8, Failure> {
    make(asked, options).await.map_err(|failure| options.again.complete(failure))
}

async fn make(mut asked: Asked, options: &ApplyOptions) -> Result<u8, Failure> {
    let control = open(options.target.as_deref(), options.ledger.as_deref(), "apply").await?;
    names::complete(&control, &mut asked.changes).await?;
    let site = Site::survey(&control, options.free_bytes).await?;
    let mut with = Inspection { control: &control, site, run: run_name(), options };
    let mut plan = Vec::new();
    for wanted in replacing::pair(asked.changes) {
        plan.push(inspect(&mut with, wanted).await?);
    }
    if !options.drops {
        plan.iter_mut().for_each(replacing::refuse_without_drops);
    }
    for planned in &mut plan {
        planned.facts.iter_mut().for_each(|fact| fact.text = options.again.says(&fact.text));
    }
    // Builds before drops: what replaces an index is there before it goes.
    plan.sort_by_key(|p| !p.is_create());
    plan.iter_mut().fold(1, |next, planned| next + planned.place(next));
    show(&document::plan(&control, &with.site, &plan, &asked.for_psql), options)?;
    let chosen: Vec<&Planned> = plan.iter().filter(|p| p.refused.is_none() && (options.drops || p.is_create())).collect();
    let acts = chosen.iter().filter(|p| p.acts).count();
    if options.dry_run || acts == 0 {
        return refusals(&plan, 0);
    }
    if !agreed(options.yes, &format!("Make {acts} change{}?", plural(acts)), "--dry-run only shows the plan")? {
        term::note("nothing was changed");
        return Ok(0);
    }
    let mut line = Lifeline::new(control, options.target.as_deref(), "apply", &options.limits).await?;
    make_ledger(&mut line).await?;
    let mut runner = Runner::new(line, options.target.as_deref(), "apply").adopting(options.adopt_invalid).with_room(options.free_bytes);
    let acting: Vec<&Entry> = chosen.iter().filter(|p| p.acts).filter_map(|p| p.entry.as_ref()).collect();
    let mut proof = Proof::begin(options.target.as_deref(), options.amcheck, &mut runner.line, &acting).await?;
    let mut changed: Vec<&Entry> = Vec::new();
    for (done, planned) in chosen.iter().enumerate() {
        let Some(entry) = &planned.entry else { continue };
        let left = chosen.len() - done - 1;
        let made = match &planned.recipe {
            Recipe::One => {
                let ending = runner.run(Goal::Apply, entry).await?;
                let made = ending == Ending::Reached;
                report(entry, Goal::Apply, ending, left)?;
                made
            }
            Recipe::Partitions(_) => partitioned::apply(&mut runner, entry, left).await.map(|()| planned.acts)?,
            Recipe::Replace(replacement) => replacing::apply(&mut runner, entry, replacement, left).await.map(|()| planned.acts)?,
        };
        changed.extend(made.then_some(entry));
        if made && let Some(damage) = proof.reached(&mut runner.line, entry).await? {
            return Err(damaged(&mut runner, entry, matches!(planned.recipe, Recipe::One), &damage).await?);
        }
    }
    proof.end(&mut runner.line).await;
    say_the_way_back(&mut runner.line, &changed, options).await?;
    refusals(&plan, acts)
}

/// The command that takes back what this run has done; none where others had done it all meanwhile.
async fn say_the_way_back(line: &mut Lifeline, changed: &[&Entry], options: &ApplyOptions) -> Result<(), Failure> {
    let all = line.ask(async |c| ledger::entries(c, None).await).await?;
    let in_force = |id: &str| all.iter().find(|e| e.id == id && e.owned && e.state == State::Done);
    let made: Vec<&Entry> = changed.iter().filter_map(|entry| in_force(&entry.id)).collect();
    let last = all.iter().filter(|e| e.state != State::RolledBack).map(|e| &e.run).max();
    let ids = made.iter().map(|e| one_line(&e.id)).collect::<Vec<_>>().join(" ");
    // What an earlier run began is closed under that run.
    let what = if made.iter().all(|e| Some(&e.run) == last) { "--last" } else { &ids };
    if !made.is_empty() {
        term::print(&format!("{} takes this run back.\n", options.again.says(&format!("advisor rollback {what}"))));
    }
    Ok(())
}

/// A damaged index must not answer queries: it goes at once, without a question. One of several steps leaves more to think of.
async fn damaged(runner: &mut Runner, entry: &Entry, alone: bool, damage: &str) -> Result<Failure, Failure> {
    let message = format!("{}: amcheck finds the built index damaged: {damage}", entry.index);
    let storage = "the table or the storage may be damaged too: check them before the next try";
    if !alone {
        let back = format!("advisor rollback {} takes it back", entry.id);
        return Ok(Failure::new(FailureKind::ApplyNeedsYou, message).hint(back).hint(storage));
    }
    let ending = runner.run(Goal::Rollback, entry).await?;
    report(entry, Goal::Rollback, ending, 0)?;
    Ok(Failure::new(FailureKind::ApplyFailed, format!("{message}; it was dropped again")).hint(storage))
}

/// Prints the plan.
fn show(plan: &document::Plan, options: &ApplyOptions) -> Result<(), Failure> {
    let text = if options.json {
        serde_json::to_string_pretty(plan).map(|json| json + "\n").map_err(|e| Failure::new(FailureKind::Bug, e.to_string()))?
    } else {
        show::text(plan, options.drops, term::width())
    };
    term::print(&text);
    Ok(())
}

/// Opens control on a server that can build, and finds the ledger.
pub(super) async fn open(target: Option<&str>, ledger: Option<&Path>, verb: &str) -> Result<Control, Failure> {
    let mut control = Control::open(target, verb).await?;
    if let Some(remark) = ledger::find(&mut control, ledger).await? {
        term::note(&remark);
    }
    control.notes().iter().for_each(|note| term::note(note));
    match preflight::refuse_server(&control.server) {
        Some((what, hint)) => Err(Failure::new(FailureKind::Missing, what).hint(hint)),
        None => Ok(control),
    }
}

/// Asks, unless told not to; without anybody to ask it is a usage error, and `look` says how to see without doing.
pub(super) fn agreed(yes: bool, question: &str, look: &str) -> Result<bool, Failure> {
    if yes {
        return Ok(true);
    }
    if !term::can_ask() {
        return Err(Failure::usage("there is no terminal to ask on").hint(format!("--yes goes ahead without asking; {look}")));
    }
    Ok(term::ask(question))
}

/// The ledger, made under the lock on the whole database: two first runs at once would collide.
async fn make_ledger(line: &mut Lifeline) -> Result<(), Failure> {
    if line.ask(async |c| ledger::exists(c).await).await? {
        return Ok(());
    }
    if let Some(busy) = line.lock(ledger::WHOLE_DATABASE, "the ledger").await? {
        return Err(Failure::new(FailureKind::ApplyFailed, busy));
    }
    if !line.ask(async |c| ledger::exists(c).await).await? {
        line.ask(async |c| ledger::create(c).await).await?;
    }
    line.unlock().await
}

/// Sorts by time; the process id tells two runs of one second apart.
fn run_name() -> String {
    format!("{}-{}", jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ"), std::process::id())
}
