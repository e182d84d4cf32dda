//! `rollback`: choose entries of the ledger, show what taking them back means, ask, then one machine each.

use super::again::Again;
use super::apply::provenance::other_cluster;
use super::apply::{agreed, open, plural, report};
use super::lifeline::Lifeline;
use super::runner::Runner;
use crate::apply::decide::Preview;
use crate::apply::machine::Goal;
use crate::apply::outlook::outlook;
use crate::apply::watch::Limits;
use crate::model::ddl::IndexName;
use crate::model::failure::{Failure, FailureKind};
use crate::model::index_def::TableName;
use crate::model::ledger::{Entry, Motion, State};
use crate::model::text::one_line;
use crate::pg::build::Control;
use crate::pg::ledger;
use crate::report::fold;
use crate::term;
use std::path::PathBuf;

/// Which entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// These ids, in this order.
    Ids(Vec<String>),
    /// The last run that is not wholly rolled back.
    Last,
    /// All that was applied after this entry, or after this run; it stays itself.
    After(String),
    /// Everything.
    All,
}

/// How rollback behaves.
#[derive(Debug, Clone)]
pub struct RollbackOptions {
    /// Database.
    pub target: Option<String>,
    /// Do not ask.
    pub yes: bool,
    /// Show only.
    pub dry_run: bool,
    /// The ledger's file, where one was named.
    pub ledger: Option<PathBuf>,
    /// Which entries.
    pub which: Which,
    /// What one statement may take.
    pub limits: Limits,
    /// What the next command is to be given too.
    pub again: Again,
}

/// Takes them back, newest first.
pub async fn rollback(options: &RollbackOptions) -> Result<u8, Failure> {
    take_back(options).await.map_err(|failure| options.again.complete(failure))
}

async fn take_back(options: &RollbackOptions) -> Result<u8, Failure> {
    ledger::must_be_there(options.ledger.as_deref())?;
    let control = open(options.target.as_deref(), options.ledger.as_deref(), "rollback").await?;
    let all = if ledger::exists(&control).await? { ledger::entries(&control, None).await? } else { Vec::new() };
    let chosen = choose(all, &options.which)?;
    if let Some((what, hints)) = chosen.iter().find_map(|entry| other_cluster(entry, control.server.system)) {
        return Err(Failure { kind: FailureKind::ApplyNeedsYou, message: what, hints });
    }
    if chosen.is_empty() {
        term::print("Nothing to roll back.\n");
        return Ok(0);
    }
    let mut listed = Vec::new();
    for entry in &chosen {
        listed.push(Listed::of(&control, entry, &chosen).await?);
    }
    let text = listed.iter().map(|one| one.text(term::width(), &options.again)).collect::<String>();
    term::print(&format!("Roll back:\n{text}"));
    if options.dry_run {
        return refusals(&listed);
    }
    if !agreed(
        options.yes,
        &format!("Take back {} change{}?", chosen.len(), plural(chosen.len())),
        "--dry-run only shows what would be done",
    )? {
        term::note("nothing was changed");
        return Ok(0);
    }
    let place = control.ledger.to_string();
    let line = Lifeline::new(control, options.target.as_deref(), "rollback", &options.limits).await?;
    let mut runner = Runner::new(line, options.target.as_deref(), "rollback");
    for (done, entry) in chosen.iter().enumerate() {
        let ending = runner.run(Goal::Rollback, entry).await?;
        report(entry, Goal::Rollback, ending, chosen.len() - done - 1)?;
    }
    term::note(&format!("the ledger in {place} stays, as the record of what was done"));
    Ok(0)
}

fn choose(mut all: Vec<Entry>, which: &Which) -> Result<Vec<Entry>, Failure> {
    if let Which::Ids(ids) = which {
        let mut chosen: Vec<Entry> = Vec::new();
        for id in ids {
            let asked = all.iter().find(|e| e.id == *id).ok_or_else(|| unknown(id))?;
            refuse_alone(asked, &all)?;
            // Backwards: what falls with a later step comes after it.
            let whole = all.iter().rev().filter(|e| e.id == *id || e.part_of.as_deref() == Some(id));
            chosen.extend(whole.filter(|e| !ids_of(&chosen).contains(&&e.id)).cloned().collect::<Vec<_>>());
        }
        return Ok(chosen);
    }
    if let Which::After(kept) = which {
        all = after(all, kept)?;
    }
    all.retain(|e| e.state != State::RolledBack);
    if *which == Which::Last {
        let last = all.iter().map(|e| e.run.clone()).max();
        all.retain(|e| Some(&e.run) == last.as_ref());
    }
    all.reverse();
    Ok(all)
}

/// What was planned after the entry or run `kept`. What an entry is made of stays with it.
fn after(mut all: Vec<Entry>, kept: &str) -> Result<Vec<Entry>, Failure> {
    if all.iter().any(|e| e.run == kept) {
        all.retain(|e| e.run.as_str() > kept);
        return Ok(all);
    }
    let last = all.iter().find(|e| e.id == kept).ok_or_else(|| unknown(kept))?;
    if let Some(whole) = &last.part_of {
        let (id, whole) = (one_line(kept), one_line(whole));
        return Err(
            Failure::usage(format!("entry {id} is a part of {whole}")).hint(format!("advisor rollback --to {whole} keeps it whole"))
        );
    }
    let (run, position) = (last.run.clone(), last.position);
    let wholes: Vec<(String, Option<String>)> = all.iter().map(|e| (e.id.clone(), e.part_of.clone())).collect();
    all.retain(|e| (&e.run, e.position) > (&run, position) && !is_part(&wholes, &e.id, kept));
    Ok(all)
}

/// True when an entry belongs, over any number of levels, to `whole`.
fn is_part(wholes: &[(String, Option<String>)], id: &str, whole: &str) -> bool {
    let above = |id: &str| wholes.iter().find(|(known, _)| known == id).and_then(|(_, above)| above.clone());
    // A bound, so that a ledger that somebody edited into a circle ends.
    std::iter::successors(above(id), |id| above(id)).take(wholes.len()).any(|id| id == whole)
}

fn ids_of(entries: &[Entry]) -> Vec<&String> {
    entries.iter().map(|e| &e.id).collect()
}

/// A step of a replacement goes back only with the others: alone it would leave the table without an
/// index. A partition's index may go alone until it is attached, which the catalog tells later.
fn refuse_alone(asked: &Entry, all: &[Entry]) -> Result<(), Failure> {
    let Some(whole) = &asked.part_of else { return Ok(()) };
    let replaces = all.iter().any(|e| e.motion == Motion::Rename && e.part_of.as_ref() == Some(whole));
    if !replaces || asked.state == State::RolledBack {
        return Ok(());
    }
    let what = format!("{} is one step of the replacement {}", one_line(&asked.id), one_line(whole));
    Err(Failure::new(FailureKind::Usage, what).hint(format!("advisor rollback {} takes all of it back", one_line(whole))))
}

fn unknown(id: &str) -> Failure {
    Failure::new(FailureKind::Usage, format!("the ledger has no entry {}", one_line(id))).hint("advisor status lists them")
}

/// One entry of the list, with what the database says of it now.
struct Listed<'a> {
    entry: &'a Entry,
    /// Its index as it is called now, where that is another name.
    renamed: Option<IndexName>,
    /// `None` for a step that depends on those before it.
    outlook: Option<Preview>,
    /// A part whose whole goes back too, and stands beside it.
    follows: bool,
    /// Indexes of partitions that fall with it and are not advisor's.
    others: Vec<IndexName>,
}

impl Listed<'_> {
    /// Looks it up in the database. The steps of a replacement, and partitions' indexes, are another thing once those before
    /// them went back: they are shown as the ledger has them.
    async fn of<'a>(control: &Control, entry: &'a Entry, all: &[Entry]) -> Result<Listed<'a>, Failure> {
        let whole = entry.motion == Motion::CreateParent || all.iter().all(|e| e.part_of.as_ref() != Some(&entry.id));
        let follows = entry.part_of.as_ref().is_some_and(|id| all.iter().any(|e| e.id == *id));
        if entry.state == State::RolledBack || follows || !whole {
            return Ok(Listed { entry, renamed: None, outlook: None, follows, others: Vec::new() });
        }
        let view = control.look(entry).await?;
        let renamed = view.moved.as_ref().map(|(name, _)| name.clone());
        let mut others = Vec::new();
        let of_it = |e: &&Entry| e.id == entry.id || e.part_of.as_ref() == Some(&entry.id);
        for parent in all.iter().filter(|e| e.motion == Motion::CreateParent).filter(of_it) {
            let own = |table: &TableName| parent.definition.create.on_partition(table).index();
            let attached = control.look(parent).await?.parts.into_iter().filter_map(|p| Some((p.table, p.attached?.0)));
            others.extend(attached.filter(|(table, index)| own(table) != *index).map(|(_, index)| index));
        }
        Ok(Listed { entry, renamed, outlook: Some(outlook(entry, &view)), follows, others })
    }

    /// What falls with it and nobody can build again from the ledger.
    fn more(&self) -> Option<String> {
        const MOST: usize = 5;
        let named = self.others.iter().take(MOST).map(|i| one_line(&i.to_string())).collect::<Vec<_>>().join(", ");
        let rest = if self.others.len() > MOST { format!(" and {} more", self.others.len() - MOST) } else { String::new() };
        let what = "drops too what the server made for newer partitions, or somebody attached";
        (!self.others.is_empty()).then(|| format!("{what}: {named}{rest}"))
    }

    fn refused(&self) -> Option<(&String, &Vec<String>)> {
        match &self.outlook {
            Some(Preview::Refused(what, hints)) => Some((what, hints)),
            _ => None,
        }
    }

    fn text(&self, width: usize, again: &Again) -> String {
        let id = if self.follows { "  part".to_owned() } else { one_line(&self.entry.id) };
        let indent = 4 + id.len().max("0123abcd".len());
        let now = self.renamed.as_ref().map(|name| format!(", now called {name}")).unwrap_or_default();
        let lines = match &self.outlook {
            Some(Preview::Refused(what, hints)) => [vec![format!("refused: {what}")], hints.clone()].concat(),
            Some(Preview::Nothing(why)) => vec![format!("nothing to do: {why}")],
            Some(Preview::Acts(remark)) => std::iter::once(self.what()).chain(self.more()).chain(remark.clone()).collect(),
            None => vec![self.what()],
        };
        let lines: String = lines.iter().map(|line| format!("{:indent$}{}\n", "", fold(&again.says(line), width, indent))).collect();
        format!("  {id:<8}  {}\n{lines}", fold(&format!("{}{now}", self.entry.index), width, indent))
    }

    /// As the ledger has it, under the index's name of now.
    fn what(&self) -> String {
        let entry = &Entry { index: self.renamed.clone().unwrap_or_else(|| self.entry.index.clone()), ..self.entry.clone() };
        match (entry.state, entry.motion) {
            (State::RolledBack, _) => "is rolled back already".to_owned(),
            (State::Planned | State::Failed, _) => "nothing was done: close the entry".to_owned(),
            (State::Present, _) => "keep: it was so before".to_owned(),
            (_, Motion::CreateParent) if !self.follows => {
                let sql = entry.down_sql().concat();
                format!("{sql}, with the index of every partition: ACCESS EXCLUSIVE on all of them for a moment")
            }
            (_, Motion::CreateParent) => format!("falls with it, or {} where it was not attached", entry.down_sql().concat()),
            (_, Motion::Create) if self.follows => {
                format!("falls with it, or {} where it was not attached", entry.index.drop_sql())
            }
            (_, Motion::Drop) if !entry.definition.valid => "stays dropped: it was INVALID".to_owned(),
            (_, _) => entry.down_sql().join("; "),
        }
    }
}

/// What cannot be taken back as things are: a failure of its own, as with apply.
fn refusals(listed: &[Listed]) -> Result<u8, Failure> {
    let refused: Vec<_> = listed.iter().filter_map(Listed::refused).collect();
    let Some((what, hints)) = refused.first() else { return Ok(0) };
    let message = format!("{} change{} cannot be taken back as things are", refused.len(), plural(refused.len()));
    Err(Failure { kind: FailureKind::ApplyNeedsYou, message, hints: std::iter::once(*what).chain(*hints).map(|h| one_line(h)).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ddl::CreateIndex;
    use crate::model::index_def::TableName;
    use crate::model::ledger::Definition;

    fn entry(id: &str, run: &str, position: i32, state: State) -> Entry {
        let table = TableName::new("s", "t");
        let create = CreateIndex {
            name: id.into(),
            table: table.clone(),
            unique: false,
            body: "USING btree (a)".into(),
            tablespace: None,
            predicate: None,
        };
        let definition = Definition { create, extras: vec![], valid: true };
        Entry { position, state, owned: true, attempt: 1, ..Entry::planned(id, run, Motion::Create, definition) }
    }

    #[test]
    fn last_is_the_last_run_in_reverse() {
        let all = || {
            vec![
                entry("a", "1", 1, State::Done),
                entry("b", "2", 1, State::Done),
                entry("c", "2", 2, State::Done),
                entry("d", "3", 1, State::RolledBack),
            ]
        };
        let ids = |which: &Which| choose(all(), which).unwrap().iter().map(|e| e.id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(&Which::Last), ["c", "b"]);
        assert_eq!(ids(&Which::All), ["c", "b", "a"]);
        assert_eq!(ids(&Which::Ids(vec!["b".into(), "a".into()])), ["b", "a"]);
        assert!(choose(all(), &Which::Ids(vec!["x".into()])).is_err());
    }

    #[test]
    fn to_keeps_the_entry_or_run_and_its_parts() {
        let part = |id: &str, position, of: &str| Entry { part_of: Some(of.into()), ..entry(id, "2", position, State::Done) };
        let all = vec![
            entry("a", "1", 1, State::Done),
            entry("b", "2", 1, State::Done),
            part("b1", 2, "b"),
            part("b2", 3, "b1"),
            entry("c", "2", 4, State::Done),
            entry("d", "3", 1, State::Done),
            entry("e", "4", 1, State::RolledBack),
        ];
        let back =
            |kept: &str| choose(all.clone(), &Which::After(kept.into())).map(|some| some.into_iter().map(|e| e.id).collect::<Vec<_>>());
        assert_eq!(back("b").unwrap(), ["d", "c"]);
        assert_eq!(back("a").unwrap(), ["d", "c", "b2", "b1", "b"]);
        assert_eq!(back("2").unwrap(), ["d"], "a run stays whole");
        assert_eq!(back("d").unwrap(), [""; 0]);
        assert!(back("b1").unwrap_err().message.contains("is a part of b"));
        assert!(back("x").unwrap_err().message.contains("no entry x"));
    }
}
