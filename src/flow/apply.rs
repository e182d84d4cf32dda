//! `apply`: look at every change, show the plan, ask, then one machine per change.

use super::runner::Runner;
use super::wanted::{Asked, ForPsql, Wanted};
use crate::apply::decide::{Preview, preview};
use crate::apply::machine::{Answer, Ending, Goal};
use crate::apply::preflight::{self, Surroundings};
use crate::model::ddl::{CreateIndex, Ddl};
use crate::model::failure::{Failure, FailureKind};
use crate::model::ledger::{Definition, Entry, State};
use crate::model::report::Action;
use crate::model::text::{one_line, squeeze};
use crate::pg::build::Control;
use crate::pg::ledger;
use crate::report::fold;
use crate::signals::Signals;
use crate::term;

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
}

/// One change with what was found about it.
struct Planned {
    wanted: Wanted,
    entry: Option<Entry>,
    refused: Option<String>,
    hints: Vec<String>,
    notes: Vec<String>,
    /// False when there is nothing to do.
    acts: bool,
}

/// Makes the changes. 0 when all is as wanted (or the person declined); the failure says what is left.
pub async fn apply(asked: Asked, options: &ApplyOptions) -> Result<u8, Failure> {
    let control = open(options.target.as_deref(), "apply").await?;
    let run = run_name();
    let mut plan = Vec::new();
    for (at, wanted) in asked.changes.into_iter().enumerate() {
        plan.push(inspect(&control, wanted, &run, at).await?);
    }
    // Builds before drops: what replaces an index is there before it goes.
    plan.sort_by_key(|p| !p.is_create());
    show(&control, &plan, &asked.for_psql, options);
    let chosen: Vec<&Planned> = plan.iter().filter(|p| p.refused.is_none() && (options.drops || p.is_create())).collect();
    let acts = chosen.iter().filter(|p| p.acts).count();
    if options.dry_run || acts == 0 {
        return refusals(&plan, 0);
    }
    if !agreed(options.yes, &format!("Make {acts} change{}?", plural(acts)))? {
        term::note("nothing was changed");
        return Ok(0);
    }
    let signals = Signals::count_from_now();
    control.lease().await?;
    let mut runner = Runner { control: &control, target: options.target.as_deref(), verb: "apply", signals: &signals, worker: None };
    make_ledger(&runner).await?;
    for (done, planned) in chosen.iter().enumerate() {
        let Some(entry) = &planned.entry else { continue };
        let ending = runner.run(Goal::Apply, entry).await?;
        report(entry, Goal::Apply, ending, chosen.len() - done - 1)?;
    }
    term::print("advisor rollback --last takes this run back.\n");
    refusals(&plan, acts)
}

/// Opens control on a server that can build.
pub(super) async fn open(target: Option<&str>, verb: &str) -> Result<Control, Failure> {
    let control = Control::open(target, verb).await?;
    control.notes().iter().for_each(|note| term::note(note));
    match preflight::refuse_server(&control.server) {
        Some((what, hint)) => Err(Failure::new(FailureKind::Missing, what).hint(hint)),
        None => Ok(control),
    }
}

/// Asks, unless told not to; without anybody to ask it is a usage error.
pub(super) fn agreed(yes: bool, question: &str) -> Result<bool, Failure> {
    if yes {
        return Ok(true);
    }
    if !term::can_ask() {
        return Err(Failure::usage("there is no terminal to ask on").hint("--yes goes ahead without asking, --dry-run only shows the plan"));
    }
    Ok(term::ask(question))
}

/// The ledger, made under the lock on the whole database: two first runs at once would collide.
async fn make_ledger(runner: &Runner<'_>) -> Result<(), Failure> {
    if ledger::exists(runner.control).await? {
        return Ok(());
    }
    if let Answer::Failed(error) = runner.lock(ledger::WHOLE_DATABASE, "the ledger").await? {
        return Err(Failure::new(FailureKind::ApplyFailed, error.message));
    }
    if !ledger::exists(runner.control).await? {
        ledger::create(runner.control).await?;
    }
    runner.control.unlock(ledger::WHOLE_DATABASE).await
}

/// Sorts by time; the process id tells two runs of one second apart.
fn run_name() -> String {
    format!("{}-{}", jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ"), std::process::id())
}

async fn inspect(control: &Control, wanted: Wanted, run: &str, at: usize) -> Result<Planned, Failure> {
    let mut planned = Planned { refused: wanted.refused.clone(), wanted, entry: None, hints: Vec::new(), notes: Vec::new(), acts: false };
    if planned.refused.is_none() {
        look_around(control, &mut planned, run, at).await?;
    }
    if let Some(entry) = planned.entry.as_ref().filter(|_| planned.refused.is_none()) {
        match preview(entry, &control.look(entry).await?) {
            Preview::Acts(remark) => {
                planned.acts = true;
                planned.notes.extend(remark);
            }
            Preview::Nothing(why) => planned.notes = vec![format!("nothing to do: {why}")],
            Preview::Refused(message, hints) => (planned.refused, planned.hints) = (Some(message), hints),
        }
    }
    Ok(planned)
}

/// The table and whatever has the index's name: refusals, notes, and the entry as it would be planned.
async fn look_around(control: &Control, planned: &mut Planned, run: &str, at: usize) -> Result<(), Failure> {
    let relation = control.relation(&planned.wanted.ddl.index()).await?;
    let of_relation = relation.as_ref().and_then(|r| r.definition.as_ref()).map(|d| d.create.table.clone());
    let table = match &planned.wanted.ddl {
        Ddl::Create(create) => Some(create.table.clone()),
        _ => of_relation.or(planned.wanted.table.clone()),
    };
    let target = if let Some(table) = &table { control.target(table).await? } else { None };
    let around = Surroundings {
        blockers: if let Some(target) = &target { control.would_block(target.oid).await? } else { Vec::new() },
        builds: control
            .builds()
            .await?
            .iter()
            .filter(|b| target.as_ref().is_some_and(|t| b.table_oid == Some(t.oid)))
            .map(|b| b.pid)
            .collect(),
        target,
        relation,
    };
    planned.refused = preflight::refuse_step(&planned.wanted.ddl, &around);
    planned.notes = preflight::notes(&planned.wanted.ddl, &around);
    if planned.refused.is_some() {
        return Ok(());
    }
    let known = known_entry(control, &planned.wanted.id).await?;
    match (&planned.wanted.ddl, &around.relation, known) {
        (Ddl::Create(create), ..) => {
            let definition = Definition { create: create.clone(), extras: Vec::new(), valid: true };
            match control.shape(create).await {
                Ok(shape) => planned.entry = Some(entry(&planned.wanted, run, at, &around, definition, shape)),
                Err(error) => planned.refused = Some(format!("the server refuses the definition: {}", error.message)),
            }
        }
        (_, Some(relation), known) => {
            // A drop that was begun is judged by what it began with.
            let begun = known.filter(|e| e.state == State::Dropping).map(|e| e.definition);
            let definition = begun.or_else(|| relation.definition.clone());
            planned.entry = definition.map(|d| entry(&planned.wanted, run, at, &around, d.clone(), Some(d.create.shape())));
        }
        (_, None, Some(known)) => planned.entry = Some(known),
        (_, None, None) => planned.notes.push("it is not there: nothing to do".into()),
    }
    Ok(())
}

async fn known_entry(control: &Control, id: &str) -> Result<Option<Entry>, Failure> {
    if ledger::exists(control).await? { Ok(ledger::entries(control, Some(id)).await?.pop()) } else { Ok(None) }
}

fn entry(wanted: &Wanted, run: &str, at: usize, around: &Surroundings, definition: Definition, shape: Option<String>) -> Entry {
    let CreateIndex { table, .. } = &definition.create;
    Entry {
        id: wanted.id.clone(),
        run: run.to_owned(),
        position: i32::try_from(at).unwrap_or(i32::MAX).saturating_add(1),
        action: if matches!(wanted.ddl, Ddl::Create(_)) { Action::Create } else { Action::Drop },
        index: wanted.ddl.index(),
        table: table.clone(),
        table_oid: around.target.as_ref().map(|t| t.oid).unwrap_or_default(),
        index_oid: None,
        shape,
        definition,
        state: State::Planned,
        owned: false,
        attempt: 0,
        worker: None,
        error: None,
        updated_at: String::new(),
    }
}

impl Planned {
    fn is_create(&self) -> bool {
        matches!(self.wanted.ddl, Ddl::Create(_))
    }

    fn lines(&self) -> String {
        let (width, indent) = (term::width(), self.wanted.id.len() + 4);
        let mut lines = format!("  {}  {}\n", self.wanted.id, fold(&self.wanted.ddl.sql(), width, indent));
        let reason = (!self.wanted.reason.is_empty()).then(|| squeeze(&self.wanted.reason));
        for line in reason.iter().chain(&self.notes).chain(self.refused.iter()).chain(&self.hints) {
            lines.push_str(&format!("{:indent$}{}\n", "", fold(line, width, indent)));
        }
        lines
    }
}

fn show(control: &Control, plan: &[Planned], for_psql: &[ForPsql], options: &ApplyOptions) {
    let part = |title: &str, keep: &dyn Fn(&Planned) -> bool| {
        let lines: String = plan.iter().filter(|p| keep(p)).map(Planned::lines).collect();
        if lines.is_empty() { String::new() } else { format!("{title}\n{lines}") }
    };
    let drops = if options.drops { "Drop, without blocking the table:" } else { "Left alone, since --drops was not given:" };
    let text = [
        format!("Database {}, PostgreSQL {}\n", one_line(&control.server.database), control.server.version),
        part("Create, without blocking reads or writes:", &|p| p.refused.is_none() && p.is_create()),
        part(drops, &|p| p.refused.is_none() && !p.is_create()),
        part("Refused:", &|p| p.refused.is_some()),
        left_to_psql(for_psql),
    ];
    term::print(&text.concat());
    if plan.iter().all(|p| !p.acts && p.refused.is_none()) {
        term::print("Nothing to do.\n");
    }
}

/// They are no refusal: nobody expects apply to do more than indexes.
fn left_to_psql(all: &[ForPsql]) -> String {
    let lines = |left: &ForPsql| {
        let (width, indent) = (term::width(), left.id.len() + 4);
        format!("  {}  {}\n{:indent$}{}\n", left.id, fold(&left.sql, width, indent), "", fold(&left.how, width, indent))
    };
    let shown: String = all.iter().map(lines).collect();
    if shown.is_empty() { shown } else { format!("Left to psql, since apply changes indexes only:\n{shown}") }
}

/// Refused changes are a failure of their own, after the others were made.
fn refusals(plan: &[Planned], made: usize) -> Result<u8, Failure> {
    let refused: Vec<&Planned> = plan.iter().filter(|p| p.refused.is_some()).collect();
    let Some(first) = refused.first() else { return Ok(0) };
    let message = format!("{} change{} refused; {made} made", refused.len(), if refused.len() == 1 { " was" } else { "s were" });
    let hints = first.refused.iter().chain(&first.hints).map(|h| one_line(h)).collect();
    Err(Failure { kind: FailureKind::ApplyNeedsYou, message, hints })
}

pub(super) fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// One line for what went well; a failure for what did not.
pub(super) fn report(entry: &Entry, goal: Goal, ending: Ending, left: usize) -> Result<(), Failure> {
    let index = &entry.index;
    let left =
        if left == 0 { String::new() } else { format!("; {left} later change{} not begun", if left == 1 { " was" } else { "s were" }) };
    match ending {
        Ending::Reached => {
            let word = match (entry.action, goal) {
                (Action::Create, Goal::Apply) => "built",
                (Action::Drop, Goal::Apply) => "dropped",
                (Action::Create, Goal::Rollback) => "rolled back: dropped",
                (Action::Drop, Goal::Rollback) => "rolled back: built again",
            };
            term::print(&format!("{}  {index}  {word}\n", entry.id));
            Ok(())
        }
        Ending::Already(why) => {
            term::print(&format!("{}  {index}  nothing to do: {}\n", entry.id, squeeze(&why)));
            Ok(())
        }
        Ending::Failed(message) => Err(Failure::new(FailureKind::ApplyFailed, format!("{index}: {message}; nothing of it is left{left}"))),
        Ending::NeedsYou(message, hints) => Err(Failure {
            kind: FailureKind::ApplyNeedsYou,
            message: format!("{message}{left}"),
            hints: hints.iter().map(|h| one_line(h)).collect(),
        }),
        Ending::Interrupted => Err(Failure::new(FailureKind::Interrupted, format!("stopped at {index}{left}"))
            .hint("advisor status shows where everything stands")),
    }
}
