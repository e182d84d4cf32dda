//! An index is replaced by another definition under its name, and the table is never without one:
//! the new index is built under a name for the time being, the old one dropped, the new one renamed.

use super::apply::words::Fact;
use super::apply::{Inspection, Planned, Recipe, inspect as inspect_one, known_entry, report};
use super::partitioned::begun;
use super::runner::Runner;
use super::wanted::Wanted;
use crate::apply::decide::{Preview, preview};
use crate::apply::machine::Goal;
use crate::model::ddl::{CreateIndex, Ddl};
use crate::model::failure::{Failure, FailureKind};
use crate::model::ledger::{Entry, Motion, Relation, State};
use crate::pg::build::Control;

/// The steps after the build.
#[derive(Debug, Clone)]
pub(super) struct Replacement {
    /// The drop of the old index; `None` once only the name is left to be settled.
    drop: Option<Entry>,
    rename: Entry,
}

/// Puts the drop of an index and the build of another of its name together.
pub(super) fn pair(mut changes: Vec<Wanted>) -> Vec<Wanted> {
    let is_create = |w: &Wanted| matches!(w.ddl, Ddl::Create(_));
    let mut paired = Vec::new();
    while !changes.is_empty() {
        let mut wanted = changes.remove(0);
        let partner = changes.iter().position(|w| is_create(w) != is_create(&wanted) && w.ddl.index() == wanted.ddl.index());
        if let Some(at) = partner {
            let mut other = changes.remove(at);
            if is_create(&other) {
                std::mem::swap(&mut other, &mut wanted);
            }
            wanted.instead_of = Some(Box::new(other));
        }
        paired.push(wanted);
    }
    paired
}

/// Without leave to drop, the name stays taken.
pub(super) fn refuse_without_drops(planned: &mut Planned) {
    if planned.acts && matches!(planned.recipe, Recipe::Replace(_)) {
        planned.refused = Some("an index of that name is there: replacing it drops the old one".into());
        planned.hints = vec!["--drops replaces it: built under another name, the old one dropped, then renamed".into()];
    }
}

/// Looks at both halves.
pub(super) async fn inspect(with: &mut Inspection<'_>, wanted: Wanted) -> Result<Planned, Failure> {
    let control = with.control;
    let alone = Wanted { instead_of: None, ..wanted.clone() };
    let (Ddl::Create(create), Some(old)) = (&wanted.ddl, &wanted.instead_of) else { return inspect_one(with, alone).await };
    let there = control.relation(&create.index()).await?;
    let temporary = Wanted { ddl: Ddl::Create(create.under_temporary_name()), ..alone.clone() };
    let mut planned = inspect_one(with, temporary).await?;
    let Some(entry) = planned.entry.clone() else { return Ok(Planned { wanted, ..planned }) };
    let rename = rename_of(&begun(control, &entry).await?, create);
    let known = known_entry(control, &rename.id).await?;
    if there.as_ref().is_some_and(|r| is_new(r, &entry, known.as_ref())) {
        // A rename that was begun is finished; otherwise there is nothing to replace.
        let begun = known.filter(|k| k.owned && k.state != State::RolledBack);
        return match begun {
            Some(known) => finishing(control, planned, wanted, Entry { index_oid: known.index_oid, ..rename }).await,
            None => inspect_one(with, alone).await,
        };
    }
    let drop = inspect_one(with, (**old).clone()).await?;
    planned.wanted = wanted.clone();
    match drop.entry {
        _ if drop.refused.is_some() => (planned.refused, planned.hints) = (drop.refused, drop.hints),
        Some(drop) if drop.table != create.table => {
            planned.refused = Some(format!("index {} is on another table, {}", drop.index, drop.table))
        }
        Some(_) if !planned.acts && !is_built(control, &entry).await? => {
            planned.refused.get_or_insert_with(|| {
                format!("{}; drop {} alone", planned.facts.iter().map(|f| f.text.as_str()).collect::<Vec<_>>().join("; "), create.index())
            });
        }
        Some(drop) => {
            let drop = Entry { run: rename.run.clone(), position: rename.position - 1, part_of: Some(entry.id.clone()), ..drop };
            planned.facts.push(note(create, &entry));
            planned.acts = true;
            planned.recipe = Recipe::Replace(Box::new(Replacement { drop: Some(drop), rename }));
        }
        None => return inspect_one(with, alone).await,
    }
    Ok(planned)
}

/// True when what has the name is the new index already.
fn is_new(there: &Relation, entry: &Entry, rename: Option<&Entry>) -> bool {
    let shape = there.definition.as_ref().map(|d| d.create.shape());
    let renamed = rename.is_some_and(|r| r.index_oid == Some(there.oid));
    there.valid && there.table_oid == Some(entry.table_oid) && (renamed || (shape.is_some() && shape == entry.shape))
}

async fn finishing(control: &Control, planned: Planned, wanted: Wanted, rename: Entry) -> Result<Planned, Failure> {
    let (acts, facts, refused, hints) = match preview(&rename, &control.look(&rename).await?, false) {
        Preview::Acts(remark) => (true, remark.into_iter().map(|text| Fact { topic: "earlier run", text }).collect(), None, Vec::new()),
        Preview::Nothing(why) => {
            (false, vec![Fact { topic: "nothing to do", text: format!("it was replaced before; {why}") }], None, Vec::new())
        }
        Preview::Refused(message, hints) => (false, Vec::new(), Some(message), hints),
    };
    let recipe = Recipe::Replace(Box::new(Replacement { drop: None, rename }));
    Ok(Planned { wanted, acts, facts, refused, hints, recipe, ..planned })
}

fn rename_of(new: &Entry, create: &CreateIndex) -> Entry {
    Entry {
        id: format!("{}-name", new.id),
        position: new.position + 2,
        motion: Motion::Rename,
        part_of: Some(new.id.clone()),
        rename_to: Some(create.name.clone()),
        targets: Vec::new(),
        ..new.clone()
    }
}

fn note(create: &CreateIndex, new: &Entry) -> Fact {
    let text = format!(
        "takes the place of the index of that name: built as {}, then the old one is dropped, then renamed to {}",
        new.index,
        create.index()
    );
    Fact { topic: "replaces", text }
}

/// True when the new index is there and ours.
async fn is_built(control: &Control, new: &Entry) -> Result<bool, Failure> {
    Ok(known_entry(control, &new.id).await?.is_some_and(|e| e.owned && e.state == State::Done))
}

/// Build, drop, rename; each only once the one before is done.
pub(super) async fn apply(runner: &mut Runner, new: &Entry, replacement: &Replacement, left: usize) -> Result<(), Failure> {
    let new = runner.line.ask(async |c| begun(c, new).await).await?;
    let mut rename = Entry { run: new.run.clone(), position: new.position + 2, ..replacement.rename.clone() };
    if let Some(drop) = &replacement.drop {
        let drop = Entry { run: new.run.clone(), position: new.position + 1, ..drop.clone() };
        report(&new, Goal::Apply, runner.run(Goal::Apply, &new).await?, left)?;
        if !runner.line.ask(async |c| is_built(c, &new).await).await? {
            let what = format!("index {} is not ours: {} is not dropped for it", new.index, drop.index);
            return Err(Failure::new(FailureKind::ApplyNeedsYou, what).hint("advisor status"));
        }
        report(&drop, Goal::Apply, runner.run(Goal::Apply, &drop).await?, left)?;
        let built = runner.line.ask(async |c| known_entry(c, &new.id).await).await?;
        rename.index_oid = built.and_then(|b| b.index_oid);
    }
    report(&rename, Goal::Apply, runner.run(Goal::Apply, &rename).await?, left)
}
