//! The plan and its outcome in words.

use super::Planned;
use super::document::{Action, Change, Plan, Verdict};
use super::plan::NOTHING;
use super::words::{Fact, InTheWay};
use crate::apply::machine::{Ending, Goal};
use crate::model::failure::{Failure, FailureKind};
use crate::model::ledger::{Entry, Motion};
use crate::model::text::{one_line, squeeze};
use crate::report::fold;
use crate::term;

/// Columns of a topic and the gap behind it.
const TOPIC: usize = 15;

/// So many sessions in the way are shown.
const SHOWN: usize = 8;

/// The plan for people, folded to a width.
pub(super) fn text(plan: &Plan, drops: bool, width: usize) -> String {
    // A file's name is told once.
    let file = plan.changes.first().and_then(|c| c.reason.as_ref()).filter(|r| r.starts_with("from "));
    let reason = file.filter(|r| plan.changes.iter().all(|c| c.reason.as_ref() == Some(r)));
    let part = |title: &str, keep: &dyn Fn(&Change) -> bool| {
        let lines: Vec<String> = plan.changes.iter().filter(|c| keep(c)).map(|c| change(c, reason.is_some(), width)).collect();
        if lines.is_empty() { String::new() } else { format!("\n{title}\n{}", lines.join("\n")) }
    };
    let refused = |c: &Change| c.verdict == Verdict::Refused;
    let of = |c: &Change, action: Action| !refused(c) && c.action == action;
    let title = if drops { "Drop, without blocking the table:" } else { "Left alone, since --drops was not given:" };
    let nothing = plan.changes.iter().all(|c| c.verdict == Verdict::NothingToDo);
    [
        fold(&format!("Database {}, PostgreSQL {}, role {}", plan.database, plan.version, plan.role), width, 2),
        "\n".into(),
        reason.map(|r| facts(&[Fact { topic: "changes", text: r.clone() }], width, 2)).unwrap_or_default(),
        facts(&plan.server, width, 2),
        in_the_way(&plan.in_the_way, width),
        part("Create, without blocking reads or writes:", &|c| of(c, Action::Create)),
        part(title, &|c| of(c, Action::Drop)),
        part("Refused:", &refused),
        left_to_psql(plan, width),
        if nothing { "\nNothing to do.\n".into() } else { String::new() },
    ]
    .concat()
}

/// Everybody in the way, each once; the changes say where.
fn in_the_way(all: &[InTheWay], width: usize) -> String {
    let lines = |one: &InTheWay| {
        let rest = one.query.iter().chain([&one.cure]).map(|line| format!("      {}\n", fold(line, width, 6)));
        format!("  {}\n{}", fold(&one.who, width, 6), rest.collect::<String>())
    };
    let mut shown: String = all.iter().take(SHOWN).map(lines).collect();
    if all.len() > SHOWN {
        shown.push_str(&format!("  and {} more\n", all.len() - SHOWN));
    }
    if shown.is_empty() { shown } else { format!("\nIn the way now:\n{shown}") }
}

fn change(change: &Change, told: bool, width: usize) -> String {
    let indent = change.id.len() + 4;
    let line = |text: &String| format!("{:indent$}{}\n", "", fold(text, width, indent));
    let mut text = format!("  {}  {}\n", change.id, fold(&change.sql, width, indent));
    text.extend(change.reason.iter().filter(|_| !told).chain(&change.refused).chain(&change.hints).map(line));
    text + &facts(&change.facts, width, indent)
}

/// One topic a line, aligned; a topic that goes on is not named again.
fn facts(facts: &[Fact], width: usize, indent: usize) -> String {
    let mut text = String::new();
    let mut before = "";
    for fact in facts {
        if fact.topic == NOTHING {
            text.push_str(&format!("{:indent$}{}\n", "", fold(&format!("{NOTHING}: {}", fact.text), width, indent)));
            continue;
        }
        let topic = if fact.topic == before { "" } else { fact.topic };
        text.push_str(&format!("{:indent$}{topic:TOPIC$}{}\n", "", fold(&fact.text, width, indent + TOPIC)));
        before = fact.topic;
    }
    text
}

/// They are no refusal: nobody expects apply to do more than indexes.
fn left_to_psql(plan: &Plan, width: usize) -> String {
    let lines = |left: &super::document::LeftToPsql| {
        let indent = left.id.len() + 4;
        format!("  {}  {}\n{:indent$}{}\n", left.id, fold(&left.sql, width, indent), "", fold(&left.how, width, indent))
    };
    let shown: Vec<String> = plan.left_to_psql.iter().map(lines).collect();
    if shown.is_empty() { String::new() } else { format!("\nLeft to psql, since apply changes indexes only:\n{}", shown.join("\n")) }
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
    let (id, index) = (one_line(&entry.id), &entry.index);
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
            term::print(&format!("{id}  {index}  {word}{to}\n"));
            Ok(())
        }
        Ending::Already(why) => {
            // What was attached fell with its whole, which went before it.
            let fell = goal == Goal::Rollback && entry.part_of.is_some() && entry.motion != Motion::Drop && why == "it was gone already";
            let why = if fell { "it fell with the index of the whole table".to_owned() } else { why };
            term::print(&format!("{id}  {index}  nothing to do: {}\n", squeeze(&why)));
            Ok(())
        }
        Ending::Failed(why) => {
            let (not, after) = (undone(entry.motion, goal), untouched(entry.motion, goal, &why));
            Err(Failure::new(FailureKind::ApplyFailed, format!("{index} {not}: {why}; {after}{left}")))
        }
        Ending::NeedsYou(message, hints) => Err(Failure {
            kind: FailureKind::ApplyNeedsYou,
            message: format!("{}{left}", what_first(entry, goal, message)),
            hints: hints.iter().map(|h| one_line(h)).collect(),
        }),
        Ending::Waits(what) => {
            Err(Failure::new(FailureKind::ApplyNeedsYou, format!("{index}: {what}{left}")).hint("run the command again to go on"))
        }
        Ending::Interrupted => Err(Failure::new(FailureKind::Interrupted, format!("stopped at {index}{left}"))
            .hint("advisor status shows where everything stands")),
    }
}

/// What did not come about.
fn undone(motion: Motion, goal: Goal) -> &'static str {
    match (motion, goal) {
        (Motion::Create | Motion::CreateParent, Goal::Apply) => "was not built",
        (Motion::Drop, Goal::Apply) => "was not dropped",
        (Motion::Rename, Goal::Apply) => "was not renamed",
        (Motion::Create | Motion::CreateParent, Goal::Rollback) => "was not taken back",
        (Motion::Drop, Goal::Rollback) => "was not built again",
        (Motion::Rename, Goal::Rollback) => "did not get its old name back",
    }
}

/// What a step that failed has left.
fn untouched(motion: Motion, goal: Goal, why: &str) -> &'static str {
    let builds = matches!((motion, goal), (Motion::Create | Motion::CreateParent, Goal::Apply) | (Motion::Drop, Goal::Rollback));
    match builds {
        // Kept out by another run: an earlier one may have left something.
        _ if why.starts_with("another advisor on ") => "nothing was begun",
        true => "nothing of it is left",
        false => "it is as it was",
    }
}

/// A build that was given up is told before the clean-up that did not go through either.
fn what_first(entry: &Entry, goal: Goal, message: String) -> String {
    let index = &entry.index;
    match message.strip_prefix(&format!("index {index} could not be dropped: ")) {
        Some(why) if (entry.motion, goal) == (Motion::Create, Goal::Apply) => {
            format!("{index} was not built, and what it left, INVALID, could not be dropped: {why}")
        }
        _ => message,
    }
}
