//! The parent of partitions and the rename against a model catalog, with an end at every effect.

use crate::apply::machine::{Answer, Ask, Ending, Goal, Machine};
use crate::model::ddl::{CreateIndex, IndexName};
use crate::model::index_def::TableName;
use crate::model::ledger::{Definition, Entry, Motion, Part, Relation, SqlError, State, View, Worker};

fn create(name: &str) -> CreateIndex {
    CreateIndex {
        name: name.into(),
        table: TableName::new("s", "t"),
        unique: false,
        body: "USING btree (a)".into(),
        tablespace: None,
        predicate: None,
    }
}

fn wanted(motion: Motion) -> Entry {
    let definition = Definition { create: create("i"), extras: vec![], valid: true };
    Entry { table_oid: 7, shape: Some(create("i").shape()), ..Entry::planned("0123abcd", "1", motion, definition) }
}

/// One index by its name, the partitions of its table, the ledger's row.
#[derive(Debug, Clone)]
struct World {
    name: Option<&'static str>,
    parts: Vec<Part>,
    entry: Option<Entry>,
    /// The recorded index under another name.
    moved: Option<(IndexName, Relation)>,
    workers: i32,
    fails: Option<&'static str>,
}

fn part(name: &str, built: bool) -> Part {
    let own = built.then(|| (create("i").on_partition(&TableName::new("s", name)).index(), true));
    Part { table: TableName::new("s", name), attached: None, own }
}

impl World {
    fn parent(parts: Vec<Part>) -> World {
        World { name: None, parts, entry: None, moved: None, workers: 0, fails: None }
    }

    fn relation(&self, name: &str, parent: bool) -> Option<Relation> {
        let valid = !parent || self.parts.iter().all(|p| p.attached.is_some());
        self.name.filter(|n| *n == name).map(|n| Relation {
            oid: 50,
            kind: "index",
            table_oid: Some(7),
            definition: Some(Definition { create: create(n), extras: vec![], valid }),
            valid,
            needed: None,
            partitioned: parent,
        })
    }

    fn view(&self, wanted: &Entry) -> View {
        let parent = wanted.motion == Motion::CreateParent;
        View {
            entry: self.entry.clone(),
            relation: self.relation("i", parent),
            moved: self.moved.clone(),
            builder: None,
            twin: None,
            parts: self.parts.clone(),
            renamed: self.relation("j", parent),
            worker_alive: false,
            table_oid: Some(7),
        }
    }

    fn execute(&mut self, sql: &str) -> Answer {
        if let Some(code) = self.fails.take() {
            return Answer::Failed(SqlError { code: Some(code.into()), message: "no lock".into() });
        }
        match sql {
            "CREATE INDEX \"i\" ON ONLY \"s\".\"t\" USING btree (a)" => self.name = Some("i"),
            "DROP INDEX \"s\".\"i\"" => {
                self.name = None;
                for part in self.parts.iter_mut().filter(|p| p.attached.is_some()) {
                    (part.attached, part.own) = (None, None);
                }
            }
            "ALTER INDEX \"s\".\"i\" RENAME TO \"j\"" => self.name = Some("j"),
            "ALTER INDEX \"s\".\"j\" RENAME TO \"i\"" => self.name = Some("i"),
            other => {
                let attached = |p: &&mut Part| p.own.as_ref().is_some_and(|(own, _)| other == IndexName::new("s", "i").attach_sql(own));
                let part = self.parts.iter_mut().find(attached).unwrap_or_else(|| panic!("unknown: {other}"));
                part.attached = part.own.clone();
            }
        }
        Answer::Done
    }

    /// One run, ended after this many effects.
    fn run(&mut self, goal: Goal, wanted: &Entry, effects: usize) -> Option<Ending> {
        let wanted = self.entry.as_ref().filter(|_| goal == Goal::Rollback).unwrap_or(wanted).clone();
        let mut machine = Machine::new(goal, wanted.clone());
        for _ in 0..=effects {
            loop {
                let answer = match machine.next().clone() {
                    Ask::End(ending) => return Some(ending),
                    Ask::Look => Answer::View(Box::new(self.view(&wanted))),
                    Ask::OpenWorker => {
                        self.workers += 1;
                        Answer::Worker(Worker { pid: self.workers, started: 1 })
                    }
                    Ask::Lock | Ask::Calm | Ask::Settle { .. } => Answer::Done,
                    Ask::Send(sql) => panic!("others queue behind it: {sql}"),
                    Ask::SendBriefly(_) | Ask::Plan(_) | Ask::Record(_) => break,
                };
                machine.tell(answer);
            }
            let answer = match machine.next().clone() {
                Ask::SendBriefly(sql) => self.execute(&sql),
                Ask::Plan(entry) => {
                    self.entry = Some(*entry);
                    Answer::Done
                }
                Ask::Record(change) => {
                    let entry = self.entry.as_mut().expect("planned");
                    assert_eq!(entry.state, change.from);
                    entry.state = change.to;
                    entry.owned = change.owned.unwrap_or(entry.owned);
                    entry.worker = change.worker.or(entry.worker);
                    entry.index_oid = change.index_oid.or(entry.index_oid);
                    Answer::Done
                }
                _ => Answer::Done,
            };
            machine.tell(answer);
        }
        None
    }

    fn state(&self) -> Option<State> {
        self.entry.as_ref().map(|e| e.state)
    }
}

const ALL: usize = 100;

#[test]
fn a_parent_waits_for_its_partitions_and_then_joins_them() {
    let entry = wanted(Motion::CreateParent);
    let mut world = World::parent(vec![part("p1", true), part("p2", false)]);
    assert!(matches!(world.run(Goal::Apply, &entry, ALL), Some(Ending::Waits(what)) if what.contains("p2")));
    assert!(world.parts[0].attached.is_none(), "until all are there each can still go alone");
    world.parts[1] = part("p2", true);
    assert_eq!(world.run(Goal::Apply, &entry, ALL), Some(Ending::Reached));
    assert_eq!((world.state(), world.parts.iter().all(|p| p.attached.is_some())), (Some(State::Done), true));
    assert_eq!(world.run(Goal::Rollback, &entry, ALL), Some(Ending::Reached));
    assert_eq!((world.name, world.state()), (None, Some(State::RolledBack)));
}

#[test]
fn a_lock_that_is_never_had_leaves_nothing_or_all() {
    let entry = wanted(Motion::CreateParent);
    let mut world = World { fails: Some("55P03"), ..World::parent(vec![part("p1", true)]) };
    assert_eq!(world.run(Goal::Apply, &entry, ALL), Some(Ending::Failed("no lock".into())));
    assert_eq!((world.name, world.state()), (None, Some(State::Failed)));
    world.run(Goal::Apply, &entry, ALL);
    world.fails = Some("55P03");
    assert!(matches!(world.run(Goal::Rollback, &entry, ALL), Some(Ending::NeedsYou(..))));
    assert_eq!((world.name, world.state()), (Some("i"), Some(State::Dropping)));
    world.run(Goal::Apply, &entry, ALL);
    assert_eq!((world.name, world.state()), (Some("i"), Some(State::Done)), "a drop that never happened is taken off the record");
}

#[test]
fn an_invalid_part_and_a_foreign_parent_need_a_person() {
    let entry = wanted(Motion::CreateParent);
    let mut broken = part("p1", true);
    broken.attached = broken.own.clone().map(|(name, _)| (name, false));
    let mut world = World::parent(vec![part("p0", true), broken]);
    assert!(matches!(world.run(Goal::Apply, &entry, ALL), Some(Ending::NeedsYou(_, hints)) if hints[0].starts_with("REINDEX")));
    let mut stranger = World { name: Some("i"), ..World::parent(vec![part("p1", false)]) };
    assert!(matches!(stranger.run(Goal::Apply, &entry, ALL), Some(Ending::NeedsYou(..))));
    assert_eq!(stranger.state(), None);
}

#[test]
fn ended_anywhere_the_next_run_finishes() {
    for motion in [Motion::CreateParent, Motion::Rename] {
        let entry = Entry { rename_to: (motion == Motion::Rename).then(|| "j".into()), ..wanted(motion) };
        let renames = motion == Motion::Rename;
        let (before, after) = if renames { (Some("i"), Some("j")) } else { (None, Some("i")) };
        let parts = if renames { vec![] } else { vec![part("p1", true), part("p2", true)] };
        for (first, effects) in (0..14).flat_map(|n| [(Goal::Apply, n), (Goal::Rollback, n)]) {
            let mut world = World { name: before, ..World::parent(parts.clone()) };
            if first == Goal::Rollback {
                world.run(Goal::Apply, &entry, ALL);
            }
            world.run(first, &entry, effects);
            let mut back = world.clone();
            back.run(Goal::Rollback, &entry, ALL);
            assert_eq!(back.name, before, "{motion:?} {first:?} {effects}");
            assert!(back.state().is_none_or(|s| s == State::RolledBack), "{motion:?} {first:?} {effects}: {back:?}");
            // A partition's index that fell with the parent is built again by its own entry.
            world.parts.iter_mut().filter(|p| p.own.is_none()).for_each(|p| *p = part(&p.table.name, true));
            world.run(Goal::Apply, &entry, ALL);
            assert_eq!((world.name, world.state()), (after, Some(State::Done)), "{motion:?} {first:?} {effects}");
        }
    }
}

#[test]
fn a_taken_name_or_another_index_is_not_renamed() {
    let entry = Entry { rename_to: Some("j".into()), ..wanted(Motion::Rename) };
    let mut world = World { name: Some("i"), ..World::parent(vec![]) };
    world.run(Goal::Apply, &entry, ALL);
    if let Some(entry) = &mut world.entry {
        entry.index_oid = Some(51);
    }
    let mut lives = world.clone();
    lives.moved = Some((IndexName::new("s", "elsewhere"), world.relation("j", false).expect("renamed")));
    assert!(matches!(lives.run(Goal::Rollback, &entry, ALL), Some(Ending::NeedsYou(..))), "an equal index of another OID is not ours");
    assert_eq!(world.run(Goal::Rollback, &entry, ALL), Some(Ending::Reached), "unless ours is no more: REINDEX built it anew");
    assert_eq!(world.name, Some("i"));
    let mut gone = World::parent(vec![]);
    assert!(matches!(gone.run(Goal::Apply, &entry, ALL), Some(Ending::NeedsYou(..))));
}
