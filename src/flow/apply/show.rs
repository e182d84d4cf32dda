//! The plan and its outcome in words.

use super::{ApplyOptions, Planned};
use crate::apply::machine::{Ending, Goal};
use crate::flow::wanted::ForPsql;
use crate::model::failure::{Failure, FailureKind};
use crate::model::ledger::{Entry, Motion};
use crate::model::text::{one_line, squeeze};
use crate::pg::build::Control;
use crate::report::fold;
use crate::term;

fn lines(planned: &Planned) -> String {
    let (width, indent) = (term::width(), planned.wanted.id.len() + 4);
    let mut lines = format!("  {}  {}\n", planned.wanted.id, fold(&planned.wanted.ddl.sql(), width, indent));
    let reason = (!planned.wanted.reason.is_empty()).then(|| squeeze(&planned.wanted.reason));
    for line in reason.iter().chain(&planned.notes).chain(planned.refused.iter()).chain(&planned.hints) {
        lines.push_str(&format!("{:indent$}{}\n", "", fold(line, width, indent)));
    }
    lines
}

/// Prints the plan.
pub(super) fn show(control: &Control, plan: &[Planned], for_psql: &[ForPsql], options: &ApplyOptions) {
    let part = |title: &str, keep: &dyn Fn(&Planned) -> bool| {
        let lines: String = plan.iter().filter(|p| keep(p)).map(lines).collect();
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
pub(super) fn refusals(plan: &[Planned], made: usize) -> Result<u8, Failure> {
    let refused: Vec<&Planned> = plan.iter().filter(|p| p.refused.is_some()).collect();
    let Some(first) = refused.first() else { return Ok(0) };
    let message = format!("{} change{} refused; {made} made", refused.len(), if refused.len() == 1 { " was" } else { "s were" });
    let hints = first.refused.iter().chain(&first.hints).map(|h| one_line(h)).collect();
    Err(Failure { kind: FailureKind::ApplyNeedsYou, message, hints })
}

pub(in crate::flow) fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// One line for what went well; a failure for what did not.
pub(in crate::flow) fn report(entry: &Entry, goal: Goal, ending: Ending, left: usize) -> Result<(), Failure> {
    let index = &entry.index;
    let left =
        if left == 0 { String::new() } else { format!("; {left} later change{} not begun", if left == 1 { " was" } else { "s were" }) };
    match ending {
        Ending::Reached => {
            let word = match (entry.motion, goal) {
                (Motion::Create | Motion::CreateParent, Goal::Apply) => "built",
                (Motion::Drop, Goal::Apply) => "dropped",
                (Motion::Create | Motion::CreateParent, Goal::Rollback) => "rolled back: dropped",
                (Motion::Drop, Goal::Rollback) => "rolled back: built again",
                (Motion::Rename, Goal::Apply) => "renamed to",
                (Motion::Rename, Goal::Rollback) => "rolled back: has its old name",
            };
            let to =
                entry.rename_to.as_ref().map(|name| format!(" {}", one_line(name))).filter(|_| goal == Goal::Apply).unwrap_or_default();
            term::print(&format!("{}  {index}  {word}{to}\n", entry.id));
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
        Ending::Waits(what) => {
            Err(Failure::new(FailureKind::ApplyNeedsYou, format!("{index}: {what}{left}")).hint("run the command again to go on"))
        }
        Ending::Interrupted => Err(Failure::new(FailureKind::Interrupted, format!("stopped at {index}{left}"))
            .hint("advisor status shows where everything stands")),
    }
}
