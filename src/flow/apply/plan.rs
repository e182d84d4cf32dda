//! One change looked at before anything is done: what stands against it, and the entry as it would be planned.

use super::ApplyOptions;
use super::cures;
use super::provenance;
use super::site::Site;
use super::words::{self, Fact};
use crate::apply::decide::{Preview, preview};
use crate::apply::preflight::obstacles::{Effect, in_the_way};
use crate::apply::preflight::remarks::remarks;
use crate::apply::preflight::{self, Surroundings};
use crate::flow::partitioned;
use crate::flow::replacing::{self, Replacement};
use crate::flow::wanted::Wanted;
use crate::model::ddl::{Ddl, IndexName};
use crate::model::failure::Failure;
use crate::model::ledger::{Definition, Entry, Motion, SqlError, State};
use crate::model::preflight::{Cost, Obstacle};
use crate::model::text::one_line;
use crate::pg::build::Control;
use crate::pg::ledger;

/// One change with what was found about it.
pub(in crate::flow) struct Planned {
    pub wanted: Wanted,
    pub entry: Option<Entry>,
    pub refused: Option<String>,
    pub hints: Vec<String>,
    pub facts: Vec<Fact>,
    /// What a build costs.
    pub cost: Cost,
    /// Whom it would wait for.
    pub waits: Vec<(Effect, Obstacle)>,
    /// False when there is nothing to do.
    pub acts: bool,
    /// What it takes.
    pub recipe: Recipe,
}

/// What a change takes.
#[derive(Debug, Clone)]
pub(in crate::flow) enum Recipe {
    /// Its own statement.
    One,
    /// An index on a partitioned table with this many levels below it.
    Partitions(i32),
    /// A build under another name, the drop of the old index, and the rename; only the rename where the rest is done.
    Replace(Box<Replacement>),
}

/// What all changes are looked at with.
pub(in crate::flow) struct Inspection<'a> {
    pub control: &'a Control,
    pub site: Site,
    /// Name of this run.
    pub run: String,
    pub options: &'a ApplyOptions,
}

/// Looks at one change and says what apply would do about it, and of what it refuses, what a person can do.
pub(in crate::flow) async fn inspect(with: &mut Inspection<'_>, wanted: Wanted) -> Result<Planned, Failure> {
    let mut planned = look(with, wanted).await?;
    if let (Some(why), Ddl::Drop(index), true) = (&planned.refused, &planned.wanted.ddl, planned.hints.is_empty()) {
        let relation = with.control.relation(index).await?;
        let table = relation.and_then(|r| r.definition).map(|definition| definition.create.table);
        planned.hints = cures::of_drop(why, index, table.as_ref());
    }
    Ok(planned)
}

async fn look(with: &mut Inspection<'_>, wanted: Wanted) -> Result<Planned, Failure> {
    if wanted.instead_of.is_some() {
        // Boxed, since it looks at both halves by this very function.
        return Box::pin(replacing::inspect(with, wanted)).await;
    }
    let control = with.control;
    let mut planned = Planned {
        wanted,
        entry: None,
        refused: None,
        hints: Vec::new(),
        facts: Vec::new(),
        cost: Cost::default(),
        waits: Vec::new(),
        acts: false,
        recipe: Recipe::One,
    };
    let mut around = with.site.around(control, &planned.wanted).await?;
    planned.refused = preflight::refuse_step(&planned.wanted.ddl, &around);
    if planned.refused.is_none() && locked_away(&around) {
        refuse_locked(&mut planned, &around);
    }
    if planned.refused.is_none() {
        find_entry(with, &mut planned, &around).await?;
    }
    if planned.refused.is_none() && planned.entry.as_ref().is_some_and(|e| e.motion == Motion::CreateParent) {
        partitioned::inspect(control, &mut planned).await?;
    }
    let origin = if planned.refused.is_none() { provenance::complete(control, &mut planned).await? } else { Vec::new() };
    let Some(entry) = planned.entry.clone().filter(|_| planned.refused.is_none()) else { return Ok(planned) };
    match preview(&entry, &control.look(&entry).await?, with.options.adopt_invalid) {
        Preview::Nothing(why) => planned.facts = vec![Fact { topic: NOTHING, text: why }],
        Preview::Refused(message, hints) => (planned.refused, planned.hints) = (Some(message), hints),
        Preview::Acts(remark) => {
            planned.acts = true;
            planned.facts.extend(remark.map(|text| Fact { topic: "earlier run", text }));
            describe(with, &mut planned, &entry, &mut around).await?;
        }
    }
    planned.facts.extend(origin.into_iter().map(|text| Fact { topic: "origin", text: one_line(&text) }));
    Ok(planned)
}

/// The topic of what is as wanted already.
pub(super) const NOTHING: &str = "nothing to do";

/// Cost, room, remarks and who is in the way of a change that will be made.
async fn describe(with: &mut Inspection<'_>, planned: &mut Planned, entry: &Entry, around: &mut Surroundings) -> Result<(), Failure> {
    let site = &mut with.site;
    if planned.is_create() {
        if entry.motion == Motion::CreateParent {
            site.price_all(with.control, &partitioned::leaves(with.control, entry).await?, around).await?;
        } else {
            site.price(with.control, entry, planned.wanted.size_bytes, around).await?;
        }
        let room = site.occupy(around);
        planned.cost = around.cost.clone();
        planned.refused = words::no_room(&room);
        if planned.refused.is_some() {
            planned.hints.push("make room, or name another tablespace; --free-bytes SIZE says what is free if that is wrong".into());
            planned.acts = false;
            return Ok(());
        }
        planned.facts.extend(words::of_cost(&around.cost, &room, &site.premises));
    }
    let entries = if ledger::exists(with.control).await? { ledger::entries(with.control, None).await? } else { Vec::new() };
    let ours = |index: &IndexName| {
        let entry = entries.iter().find(|e| e.owned && e.state != State::RolledBack && e.index == *index)?;
        Some(one_line(entry.part_of.as_ref().unwrap_or(&entry.id)))
    };
    let remarks = remarks(&planned.wanted.ddl, around, &site.premises);
    planned.facts.extend(remarks.iter().map(|remark| words::of_remark(remark, &ours)));
    // A drop that is not made waits for nobody.
    if planned.is_create() || with.options.drops {
        wait(planned, entry.motion, around);
    }
    Ok(())
}

/// Who is in the way of it.
fn wait(planned: &mut Planned, motion: Motion, around: &Surroundings) {
    planned.waits = in_the_way(motion, &around.obstacles).into_iter().map(|(effect, who)| (effect, who.clone())).collect();
    planned.facts.extend(words::of_waits(&planned.waits));
}

/// The entry as it would be planned, or why the server would refuse it.
async fn find_entry(with: &Inspection<'_>, planned: &mut Planned, around: &Surroundings) -> Result<(), Failure> {
    let (control, run) = (with.control, with.run.as_str());
    let known = known_entry(control, &planned.wanted.id).await?;
    match (&planned.wanted.ddl, &around.relation, known) {
        (Ddl::Create(create), ..) => {
            let definition = Definition { create: create.clone(), extras: Vec::new(), valid: true };
            match control.shape(create).await {
                Ok(shape) => planned.entry = Some(entry(&planned.wanted, run, around, definition, shape)),
                Err(error) => refuse_definition(planned, around, &error),
            }
        }
        (_, Some(relation), known) => {
            // A drop that was begun is judged by what it began with.
            let begun = known.filter(|e| e.state == State::Dropping).map(|e| e.definition);
            let definition = begun.or_else(|| relation.definition.clone());
            planned.entry = definition.map(|d| entry(&planned.wanted, run, around, d.clone(), Some(d.create.shape())));
        }
        (_, None, Some(known)) => planned.entry = Some(known),
        (_, None, None) => planned.facts.push(Fact { topic: NOTHING, text: "it is not there".into() }),
    }
    Ok(())
}

/// Somebody lets nobody look at the table, and not just for a moment.
fn locked_away(around: &Surroundings) -> bool {
    around.obstacles.iter().any(|o| o.seconds >= 1.0 && o.modes.iter().any(|mode| mode == "AccessExclusiveLock"))
}

fn refuse_locked(planned: &mut Planned, around: &Surroundings) {
    planned.refused = Some("its table is locked by somebody who lets nobody look at it: run the command again when that is over".into());
    wait(planned, Motion::Create, around);
}

fn refuse_definition(planned: &mut Planned, around: &Surroundings, error: &SqlError) {
    if error.code.as_deref() == Some("55P03") {
        refuse_locked(planned, around);
    } else {
        planned.refused = Some(format!("the server refuses the definition: {}", error.message));
    }
}

pub(in crate::flow) async fn known_entry(control: &Control, id: &str) -> Result<Option<Entry>, Failure> {
    if ledger::exists(control).await? { Ok(ledger::entries(control, Some(id)).await?.pop()) } else { Ok(None) }
}

fn entry(wanted: &Wanted, run: &str, around: &Surroundings, definition: Definition, shape: Option<String>) -> Entry {
    let partitioned = around.target.as_ref().is_some_and(|t| t.kind == "p");
    let motion = match wanted.ddl {
        Ddl::Create(_) if partitioned => Motion::CreateParent,
        Ddl::Create(_) => Motion::Create,
        _ => Motion::Drop,
    };
    // What is dropped is known by its OID from the start, what is built once it is in the catalog.
    let index_oid = around.relation.as_ref().filter(|_| motion == Motion::Drop).map(|r| r.oid);
    Entry {
        table_oid: around.target.as_ref().map(|t| t.oid).unwrap_or_default(),
        index_oid,
        shape,
        targets: wanted.targets.clone(),
        ..Entry::planned(&wanted.id, run, motion, definition)
    }
}

impl Planned {
    /// Gives its entries their places in the run, from `first`; says how many it takes.
    pub fn place(&mut self, first: i32) -> i32 {
        let (own, taken) = match &mut self.recipe {
            Recipe::One => (first, 1),
            // The top's index comes last, so that rollback, going backwards, meets it first.
            Recipe::Partitions(depth) => (first + *depth, *depth + 1),
            Recipe::Replace(_) => (first, 3),
        };
        self.entry.iter_mut().for_each(|e| e.position = own);
        taken
    }

    /// True for a build.
    pub fn is_create(&self) -> bool {
        matches!(self.wanted.ddl, Ddl::Create(_))
    }
}
