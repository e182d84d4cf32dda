//! `rollback`: choose entries of the ledger, show what taking them back means, ask, then one machine each.

use super::apply::provenance::other_cluster;
use super::apply::{agreed, open, plural, report};
use super::lifeline::Lifeline;
use super::runner::Runner;
use crate::apply::machine::Goal;
use crate::apply::watch::Limits;
use crate::model::failure::{Failure, FailureKind};
use crate::model::ledger::{Entry, Motion, State};
use crate::model::text::one_line;
use crate::pg::ledger;
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
}

/// Takes them back, newest first.
pub async fn rollback(options: &RollbackOptions) -> Result<u8, Failure> {
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
    term::print(&format!("Roll back:\n{}", chosen.iter().map(line).collect::<String>()));
    if options.dry_run {
        return Ok(0);
    }
    if !agreed(options.yes, &format!("Take back {} change{}?", chosen.len(), plural(chosen.len())))? {
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

fn line(entry: &Entry) -> String {
    let (id, index) = (&entry.id, &entry.index);
    let what = match (entry.state, entry.motion) {
        (State::RolledBack, _) => "is rolled back already".to_owned(),
        (State::Planned | State::Failed, _) => "nothing was done: close the entry".to_owned(),
        (State::Present, _) => "keep: it was so before".to_owned(),
        (_, Motion::CreateParent) => {
            let sql = entry.down_sql().concat();
            format!("{}, with the index of every partition: ACCESS EXCLUSIVE on all of them for a moment", one_line(&sql))
        }
        (_, Motion::Create) if entry.part_of.is_some() => {
            format!("falls with that, or {} where it was not attached", entry.index.drop_sql())
        }
        (_, Motion::Drop) if !entry.definition.valid => "stays dropped: it was INVALID".to_owned(),
        (_, _) => entry.down_sql().iter().map(|sql| one_line(sql)).collect::<Vec<_>>().join("; "),
    };
    format!("  {id}  {index}  {what}\n")
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
