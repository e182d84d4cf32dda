//! One change looked at before anything is done: what stands against it, and the entry as it would be planned.

use crate::apply::decide::{Preview, preview};
use crate::apply::preflight::{self, Surroundings};
use crate::flow::partitioned;
use crate::flow::replacing::{self, Replacement};
use crate::flow::wanted::Wanted;
use crate::model::ddl::Ddl;
use crate::model::failure::Failure;
use crate::model::ledger::{Definition, Entry, Motion, State};
use crate::pg::build::Control;
use crate::pg::ledger;

/// One change with what was found about it.
pub(in crate::flow) struct Planned {
    pub wanted: Wanted,
    pub entry: Option<Entry>,
    pub refused: Option<String>,
    pub hints: Vec<String>,
    pub notes: Vec<String>,
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

/// Looks at one change and says what apply would do about it.
pub(in crate::flow) async fn inspect(control: &Control, wanted: Wanted, run: &str, adopt: bool) -> Result<Planned, Failure> {
    if wanted.instead_of.is_some() {
        // Boxed, since it looks at both halves by this very function.
        return Box::pin(replacing::inspect(control, wanted, run, adopt)).await;
    }
    let mut planned =
        Planned { wanted, entry: None, refused: None, hints: Vec::new(), notes: Vec::new(), acts: false, recipe: Recipe::One };
    look_around(control, &mut planned, run).await?;
    if planned.refused.is_none() && planned.entry.as_ref().is_some_and(|e| e.motion == Motion::CreateParent) {
        partitioned::inspect(control, &mut planned).await?;
    }
    if let Some(entry) = planned.entry.as_ref().filter(|_| planned.refused.is_none()) {
        match preview(entry, &control.look(entry).await?, adopt) {
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
async fn look_around(control: &Control, planned: &mut Planned, run: &str) -> Result<(), Failure> {
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
                Ok(shape) => planned.entry = Some(entry(&planned.wanted, run, &around, definition, shape)),
                Err(error) => planned.refused = Some(format!("the server refuses the definition: {}", error.message)),
            }
        }
        (_, Some(relation), known) => {
            // A drop that was begun is judged by what it began with.
            let begun = known.filter(|e| e.state == State::Dropping).map(|e| e.definition);
            let definition = begun.or_else(|| relation.definition.clone());
            planned.entry = definition.map(|d| entry(&planned.wanted, run, &around, d.clone(), Some(d.create.shape())));
        }
        (_, None, Some(known)) => planned.entry = Some(known),
        (_, None, None) => planned.notes.push("it is not there: nothing to do".into()),
    }
    Ok(())
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
