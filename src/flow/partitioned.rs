//! The recipe for a partitioned table, step by step and from the catalog as it is: the index on the
//! parents alone from the top down, each partition's concurrently, then each joins from the bottom
//! up. A partition that comes meanwhile gets the index by itself; one that leaves ends its entry.

use super::apply::words::Fact;
use super::apply::{Planned, Recipe, known_entry, plural, report};
use super::runner::Runner;
use crate::apply::machine::{Ending, Goal};
use crate::model::failure::{Failure, FailureKind};
use crate::model::ledger::{Definition, Entry, Motion, State, Target};
use crate::model::step::Member;
use crate::model::text::one_line;
use crate::pg::build::Control;
use crate::pg::ledger;
use crate::term;
use xxhash_rust::xxh3::xxh3_64;

/// How often the partitions may change under our hands.
const MOST_ROUNDS: usize = 20;

/// The entries of one index on a partitioned table.
pub(super) struct Group {
    /// Parents' indexes, the top's first.
    pub parents: Vec<Entry>,
    /// Partitions' indexes.
    pub leaves: Vec<Entry>,
}

impl Group {
    /// As the catalog has the partitions now. Positions are such that rollback, going backwards,
    /// meets the top first: what is attached falls with it.
    pub async fn read(control: &Control, top: &Entry) -> Result<Group, Failure> {
        let top = begun(control, top).await?;
        let members = control.members(&top.table).await?;
        let depth = depth(&members);
        let mut group = Group { parents: vec![top.clone()], leaves: Vec::new() };
        for member in &members {
            let entry = Entry { table_oid: member.oid, ..member_entry(&top, member, depth) };
            if member.leaf { group.leaves.push(entry) } else { group.parents.push(entry) }
        }
        Ok(group)
    }

    /// The entry of the index that this one is to join.
    async fn above<'a>(&'a self, control: &Control, leaf: &Entry) -> Result<Option<&'a Entry>, Failure> {
        for parent in &self.parents {
            let parts = control.look(parent).await?.parts;
            if parts.iter().any(|p| p.table == leaf.table && p.attached.is_none()) {
                return Ok(Some(parent));
            }
        }
        Ok(None)
    }
}

/// How many levels lie below the top.
pub(super) fn depth(members: &[Member]) -> i32 {
    members.iter().map(|m| m.level).max().unwrap_or_default()
}

/// What a run of before began goes on under that run, so that one rollback takes all of it.
pub(super) async fn begun(control: &Control, entry: &Entry) -> Result<Entry, Failure> {
    let known = if ledger::exists(control).await? { ledger::entries(control, Some(&entry.id)).await?.pop() } else { None };
    let goes_on = |e: &Entry, is_there: bool| match e.state {
        State::Planned | State::Failed | State::RolledBack | State::Present => false,
        State::Done => is_there,
        State::Building | State::Built | State::Verified | State::Dropping => true,
    };
    let is_there = control.relation(&entry.index).await?.is_some();
    let known = known.filter(|e| goes_on(e, is_there));
    Ok(known.map_or_else(|| entry.clone(), |k| Entry { run: k.run, position: k.position, ..entry.clone() }))
}

fn member_entry(top: &Entry, member: &Member, depth: i32) -> Entry {
    let definition = top.definition.create.on_partition(&member.table);
    let hash = xxh3_64(member.table.quoted().as_bytes()) as u32;
    Entry {
        id: format!("{}-{hash:08x}", top.id),
        position: top.position - if member.leaf { depth } else { member.level },
        motion: if member.leaf { Motion::Create } else { Motion::CreateParent },
        index: definition.index(),
        table: member.table.clone(),
        definition: Definition { create: definition, ..top.definition.clone() },
        part_of: Some(top.id.clone()),
        ..top.clone()
    }
}

/// All of it, to the end.
pub(super) async fn apply(runner: &mut Runner, top: &Entry, left: usize) -> Result<(), Failure> {
    finish_parts(runner, top, left).await?;
    for round in 0..MOST_ROUNDS {
        if round > 0 {
            still_wanted(runner, top).await?;
        }
        let group = runner.line.ask(async |c| Group::read(c, top).await).await?;
        for parent in &group.parents {
            match runner.run(Goal::Apply, parent).await? {
                Ending::Waits(_) => {}
                ending @ (Ending::Reached | Ending::Already(_)) if parent.part_of.is_none() => {
                    return close(runner, parent, ending, left).await;
                }
                Ending::Reached | Ending::Already(_) => {}
                ending => return report(parent, Goal::Apply, ending, left),
            }
        }
        for leaf in &group.leaves {
            still_wanted(runner, top).await?;
            build(runner, &group, leaf, left).await?;
        }
        still_wanted(runner, top).await?;
        for parent in group.parents.iter().rev() {
            match runner.run(Goal::Apply, parent).await? {
                Ending::Waits(_) => {}
                ending if parent.part_of.is_none() => return close(runner, parent, ending, left).await,
                Ending::Already(_) => {}
                ending => report(parent, Goal::Apply, ending, left)?,
            }
        }
    }
    let what = format!("the partitions of {} keep changing", top.table);
    Err(Failure::new(FailureKind::ApplyNeedsYou, what).hint("run the command again once they rest"))
}

/// Each entry has the table's lock for itself only: between two of them a rollback may have taken all of it back.
async fn still_wanted(runner: &mut Runner, top: &Entry) -> Result<(), Failure> {
    let known = runner.line.ask(async |c| known_entry(c, &top.id).await).await?;
    if known.is_none_or(|e| !matches!(e.state, State::RolledBack | State::Dropping)) {
        return Ok(());
    }
    let what = format!("{}: another run took it back meanwhile", top.index);
    let hint = format!("advisor rollback {} takes back what was built since", one_line(&top.id));
    Err(Failure::new(FailureKind::ApplyNeedsYou, what).hint(hint))
}

/// What an earlier run built and had no time to record: attached, it would never be asked for again.
async fn finish_parts(runner: &mut Runner, top: &Entry, left: usize) -> Result<(), Failure> {
    for entry in runner.line.ask(async |c| ledger::entries(c, None).await).await? {
        let cut_short = entry.part_of.as_deref() == Some(&top.id) && entry.motion == Motion::Create && entry.state.is_under_way();
        if cut_short && runner.line.ask(async |c| c.relation(&entry.index).await).await?.is_some_and(|r| r.valid) {
            let ending = runner.run(Goal::Apply, &entry).await?;
            report(&entry, Goal::Apply, ending, left)?;
        }
    }
    Ok(())
}

/// One partition's index, unless the partition has it by now or is gone.
async fn build(runner: &mut Runner, group: &Group, leaf: &Entry, left: usize) -> Result<(), Failure> {
    if runner.line.ask(async |c| group.above(c, leaf).await).await?.is_none() {
        return Ok(());
    }
    match runner.run(Goal::Apply, leaf).await? {
        Ending::Failed(why) if runner.line.ask(async |c| group.above(c, leaf).await).await?.is_none() => {
            term::note(&format!("{} is no partition any more ({why}): it is left out", leaf.table));
            Ok(())
        }
        Ending::Failed(why) => {
            let message = format!("{}: {why}; nothing of it is left, the other partitions' indexes wait for the next run", leaf.index);
            let back = format!("advisor rollback {} takes back what was built", leaf.part_of.as_deref().unwrap_or(&leaf.id));
            Err(Failure::new(FailureKind::ApplyNeedsYou, message).hint("run the command again to go on").hint(back))
        }
        Ending::Already(_) => Ok(()),
        ending => report(leaf, Goal::Apply, ending, left),
    }
}

/// The top has come to its end: what was built for partitions that left meanwhile is taken back.
async fn close(runner: &mut Runner, top: &Entry, ending: Ending, left: usize) -> Result<(), Failure> {
    let done = matches!(ending, Ending::Reached);
    report(top, Goal::Apply, ending, left)?;
    if !done {
        return Ok(());
    }
    for entry in runner.line.ask(async |c| ledger::entries(c, None).await).await? {
        let ours = entry.part_of.as_deref() == Some(&top.id) && entry.state != State::RolledBack;
        if ours && !runner.line.ask(async |c| is_attached(c, &entry).await).await? {
            term::note(&format!("{} left {} meanwhile: its index goes too", entry.table, top.table));
            let ending = runner.run(Goal::Rollback, &entry).await?;
            report(&entry, Goal::Rollback, ending, left)?;
        }
    }
    Ok(())
}

async fn is_attached(control: &Control, entry: &Entry) -> Result<bool, Failure> {
    // A partition's index that joined another is needed by it.
    Ok(control.relation(&entry.index).await?.is_some_and(|r| r.needed.is_some()))
}

/// What the recipe will do, for the plan; refuses what has a partition that cannot be indexed.
pub(super) async fn inspect(control: &Control, planned: &mut Planned) -> Result<(), Failure> {
    let Some(top) = planned.entry.clone() else { return Ok(()) };
    let members = control.members(&top.table).await?;
    for member in &members {
        let Some(target) = control.target(&member.table).await? else { continue };
        if let Some(why) = refuse(&target) {
            planned.refused = Some(format!("partition {} {why}", member.table));
            return Ok(());
        }
    }
    planned.recipe = Recipe::Partitions(depth(&members));
    let group = Group::read(control, &top).await?;
    planned.facts.extend(notes(&top, group.leaves.len()).map(|text| Fact { topic: "recipe", text }));
    for leaf in &group.leaves {
        let view = control.look(leaf).await?;
        if let (None, Some(twin)) = (&view.relation, &view.twin) {
            let text = format!("partition {} has an equal index of its own, {twin}: it stays, ours is built beside it", leaf.table);
            planned.facts.push(Fact { topic: "recipe", text });
        }
    }
    Ok(())
}

/// The entries of the partitions that hold rows.
pub(super) async fn leaves(control: &Control, top: &Entry) -> Result<Vec<Entry>, Failure> {
    Group::read(control, top).await.map(|group| group.leaves)
}

fn refuse(target: &Target) -> Option<String> {
    match target.kind.as_str() {
        "f" => Some("is a foreign table: it cannot be indexed, and an index of the whole table needs one on each partition".into()),
        _ if !target.ours => Some(format!("belongs to role {}: run as that role or a member of it", one_line(&target.owner))),
        _ if !target.may_create => Some("is in a schema where this role may not create".into()),
        _ => None,
    }
}

fn notes(top: &Entry, leaves: usize) -> [String; 3] {
    [
        format!(
            "{} is partitioned: first its own index alone ({}), under SHARE for a moment, tried for 2 s at a time since writers queue behind it",
            top.table,
            top.up_sql()
        ),
        format!("then {leaves} partition{} one by one without blocking anybody; the last one attached makes it valid", plural(leaves)),
        "new partitions get it by themselves from the first step on; rollback drops all of it at once: ACCESS EXCLUSIVE on the table and \
         every partition for a moment, tried for 2 s at a time"
            .to_owned(),
    ]
}
