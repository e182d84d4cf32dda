//! The machine against a model catalog: every state, faults at every statement and every record,
//! and the property that apply and rollback together are the identity.

use super::machine::{Answer, Ask, Ending, Goal, Machine};
use crate::model::ddl::{CreateIndex, Ddl, IndexName};
use crate::model::index_def::TableName;
use crate::model::ledger::{Builder, Definition, Entry, Motion, Relation, SqlError, State, View, Worker};
use proptest::prelude::*;

/// What happens to the statement with this number.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    /// It fails and leaves a carcass (a create) or the index (a drop).
    Fails,
    /// It deadlocks.
    Deadlock,
    /// The run ends before it is answered; the server finishes it.
    KilledServerFinishes,
    /// The run ends before it is answered; the server is cut short.
    KilledServerStops,
    /// A person asked to stop while it ran: the server cancelled it.
    Cancelled,
    /// Somebody else made an index of the same name and definition first; whether it is valid.
    SomebodyFirst(bool),
    /// Somebody else made another index of the same name first.
    NameTaken,
    /// It is not sent, for somebody else at work on the table; whether that makes a valid index of the name.
    HeldBack(bool),
    /// It is done, and at once somebody else makes an index of the same name and definition.
    SomebodyAfter,
}

#[derive(Debug, Clone, PartialEq)]
struct World {
    index: Option<(Definition, bool, u32)>,
    entry: Option<Entry>,
    alive: Option<(Worker, String)>,
    /// Who builds an index of that name now.
    builder: Option<Builder>,
    /// The table's OID now.
    table: u32,
    clock: u32,
}

#[derive(Debug, PartialEq)]
enum End {
    Of(Ending),
    Killed,
}

fn create() -> CreateIndex {
    CreateIndex {
        name: "i".into(),
        table: TableName::new("s", "t"),
        unique: false,
        body: "USING btree (a)".into(),
        tablespace: None,
        predicate: None,
    }
}

fn wanted(motion: Motion, extras: Vec<Ddl>, valid: bool) -> Entry {
    let definition = Definition { create: create(), extras, valid };
    Entry { table_oid: 7, shape: Some(create().shape()), ..Entry::planned("0123abcd", "1", motion, definition) }
}

impl World {
    fn new(index: Option<Definition>) -> World {
        World { index: index.map(|d| (d.clone(), d.valid, 50)), entry: None, alive: None, builder: None, table: 7, clock: 100 }
    }

    fn catalog(&self) -> Option<(Definition, bool)> {
        self.index.as_ref().map(|(d, v, _)| (d.clone(), *v))
    }

    fn view(&self) -> View {
        let relation = self.index.as_ref().map(|(definition, valid, oid)| Relation {
            oid: *oid,
            kind: "index",
            table_oid: Some(7),
            definition: Some(definition.clone()),
            valid: *valid,
            needed: None,
            partitioned: false,
        });
        let worker_alive = self.alive.as_ref().is_some_and(|(w, _)| self.entry.as_ref().and_then(|e| e.worker) == Some(*w));
        View {
            entry: self.entry.clone(),
            relation,
            moved: None,
            builder: self.builder,
            twin: None,
            parts: Vec::new(),
            renamed: None,
            worker_alive,
            table_oid: Some(self.table),
        }
    }

    /// An index that is not ours.
    fn foreign(&mut self, valid: bool) {
        self.clock += 1;
        self.index = Some((Definition { create: create(), extras: vec![], valid: true }, valid, self.clock));
    }

    /// An index of the name that is defined otherwise.
    fn another(&mut self) {
        self.foreign(true);
        if let Some(index) = &mut self.index {
            index.0.create.body = "USING btree (b)".into();
        }
    }

    /// The server's side of a statement.
    fn execute(&mut self, sql: &str, finishes: bool) -> Result<(), SqlError> {
        self.clock += 1;
        if sql.starts_with("DROP INDEX") {
            if finishes {
                assert!(self.index.take().is_some(), "dropped what is not there");
            } else if let Some(index) = &mut self.index {
                index.1 = false;
            }
        } else if sql.starts_with("CREATE INDEX") {
            assert!(self.index.is_none(), "created over another");
            self.index = Some((Definition { create: create(), extras: vec![], valid: true }, finishes, self.clock));
        } else if finishes && let Some(index) = &mut self.index {
            index.0.extras.push(crate::read::index_ddl::statement(sql).expect("our own statement"));
        }
        if finishes { Ok(()) } else { Err(SqlError { code: Some("57014".into()), message: "canceled".into() }) }
    }

    /// One run; `fault` at the statement, or the kill at the record, with that number.
    fn run(&mut self, goal: Goal, wanted: &Entry, fault: Option<(usize, Fault)>, killed_at_record: Option<usize>) -> End {
        let goal_entry = if goal == Goal::Rollback { self.entry.clone().unwrap_or_else(|| wanted.clone()) } else { wanted.clone() };
        let mut machine = Machine::new(goal, goal_entry);
        let (mut statements, mut records) = (0, 0);
        for _ in 0..200 {
            let answer = match machine.next().clone() {
                Ask::End(ending) => return End::Of(ending),
                Ask::Lock | Ask::Calm => Answer::Done,
                Ask::Look => Answer::View(Box::new(self.view())),
                Ask::OpenWorker => {
                    self.clock += 1;
                    Answer::Worker(Worker { pid: self.clock as i32, started: 1 })
                }
                Ask::Settle { cancel, .. } => {
                    let (_, sql) = self.alive.take().expect("a worker");
                    let _ = self.execute(&sql, !cancel);
                    Answer::Done
                }
                ask @ (Ask::Plan(_) | Ask::Record(_)) => {
                    records += 1;
                    if killed_at_record == Some(records) {
                        return End::Killed;
                    }
                    self.write(ask)
                }
                Ask::Send(sql) | Ask::SendBriefly(sql) => {
                    statements += 1;
                    assert!(self.entry.as_ref().is_some_and(|e| e.owned), "acted before it was recorded");
                    let fault = fault.filter(|(at, _)| *at == statements).map(|(_, f)| f);
                    match self.send(&sql, fault, &mut machine) {
                        Some(answer) => answer,
                        None => return End::Killed,
                    }
                }
            };
            machine.tell(answer);
        }
        panic!("does not end");
    }

    fn write(&mut self, ask: Ask) -> Answer {
        match ask {
            Ask::Plan(entry) => self.entry = Some(*entry),
            Ask::Record(change) => {
                let entry = self.entry.as_mut().expect("planned");
                if entry.state != change.from {
                    return Answer::Stale;
                }
                entry.state = change.to;
                entry.owned = change.owned.unwrap_or(entry.owned);
                entry.index_oid = change.index_oid.or(entry.index_oid);
                entry.worker = change.worker.or(entry.worker);
                entry.error = change.detail;
            }
            _ => {}
        }
        Answer::Done
    }

    fn send(&mut self, sql: &str, fault: Option<Fault>, machine: &mut Machine) -> Option<Answer> {
        let worker = self.entry.as_ref().and_then(|e| e.worker).expect("recorded worker");
        match fault {
            None => Some(self.execute(sql, true).map_or_else(Answer::Failed, |()| Answer::Done)),
            Some(Fault::Fails) => self.execute(sql, false).err().map(Answer::Failed),
            Some(Fault::Deadlock) => {
                let _ = self.execute(sql, false);
                Some(Answer::Failed(SqlError { code: Some("40P01".into()), message: "deadlock detected".into() }))
            }
            Some(Fault::Cancelled) => {
                machine.interrupt();
                self.execute(sql, false).err().map(Answer::Failed)
            }
            Some(Fault::SomebodyFirst(valid)) => {
                self.foreign(valid);
                Some(Answer::Failed(SqlError { code: Some("42P07".into()), message: "already exists".into() }))
            }
            Some(Fault::NameTaken) => {
                self.another();
                Some(Answer::Failed(SqlError { code: Some("42P07".into()), message: "already exists".into() }))
            }
            Some(Fault::HeldBack(makes)) => {
                match &mut self.index {
                    Some(index) => index.1 |= makes,
                    None if makes => self.foreign(true),
                    None => {}
                }
                Some(Answer::Stale)
            }
            Some(Fault::SomebodyAfter) => {
                let done = self.execute(sql, true);
                self.foreign(true);
                Some(done.map_or_else(Answer::Failed, |()| Answer::Done))
            }
            Some(Fault::KilledServerFinishes) => {
                self.alive = Some((worker, sql.to_owned()));
                None
            }
            Some(Fault::KilledServerStops) => {
                let _ = self.execute(sql, false);
                None
            }
        }
    }
}

fn extras() -> Vec<Ddl> {
    let index = IndexName::new("s", "i");
    vec![Ddl::Comment(index.clone(), "it's".into()), Ddl::Statistics(index, 1, 9)]
}

fn create_world() -> (World, Entry) {
    (World::new(None), wanted(Motion::Create, vec![], true))
}

fn drop_world() -> (World, Entry) {
    let definition = Definition { create: create(), extras: extras(), valid: true };
    (World::new(Some(definition)), wanted(Motion::Drop, extras(), true))
}

const REACHED: End = End::Of(Ending::Reached);

#[test]
fn a_create_is_built_and_rolled_back() {
    let (mut world, entry) = create_world();
    assert_eq!(world.run(Goal::Apply, &entry, None, None), REACHED);
    assert_eq!(world.entry.as_ref().map(|e| (e.state, e.owned)), Some((State::Done, true)));
    assert!(matches!(world.run(Goal::Apply, &entry, None, None), End::Of(Ending::Already(_))));
    assert_eq!(world.run(Goal::Rollback, &entry, None, None), REACHED);
    assert_eq!((world.catalog(), world.entry.as_ref().map(|e| e.state)), (None, Some(State::RolledBack)));
}

#[test]
fn a_failed_build_leaves_nothing_and_says_why() {
    let (mut world, entry) = create_world();
    let end = world.run(Goal::Apply, &entry, Some((1, Fault::Fails)), None);
    assert_eq!(end, End::Of(Ending::Failed("canceled".into())));
    assert_eq!((world.catalog(), world.entry.as_ref().map(|e| (e.state, e.owned))), (None, Some((State::Failed, false))));
    assert_eq!(world.run(Goal::Apply, &entry, None, None), REACHED);
}

#[test]
fn a_deadlock_is_tried_again_and_a_stop_is_clean() {
    let (mut world, entry) = create_world();
    assert_eq!(world.run(Goal::Apply, &entry, Some((1, Fault::Deadlock)), None), REACHED);
    let (mut world, entry) = create_world();
    assert_eq!(world.run(Goal::Apply, &entry, Some((1, Fault::Cancelled)), None), End::Of(Ending::Interrupted));
    assert_eq!(world.catalog(), None);
}

#[test]
fn a_carcass_that_cannot_be_dropped_needs_a_person() {
    let (mut world, entry) = create_world();
    world.run(Goal::Apply, &entry, Some((1, Fault::KilledServerStops)), None);
    let end = world.run(Goal::Apply, &entry, Some((1, Fault::Fails)), None);
    assert!(matches!(end, End::Of(Ending::NeedsYou(..))), "{end:?}");
    assert_eq!(world.run(Goal::Apply, &entry, None, None), REACHED);
}

#[test]
fn what_was_there_before_is_kept() {
    let (_, entry) = create_world();
    let mut world = World::new(Some(entry.definition.clone()));
    let before = world.catalog();
    assert!(matches!(world.run(Goal::Apply, &entry, None, None), End::Of(Ending::Already(_))));
    assert_eq!(world.entry.as_ref().map(|e| (e.state, e.owned)), Some((State::Present, false)));
    world.run(Goal::Rollback, &entry, None, None);
    assert_eq!(world.catalog(), before);
}

#[test]
fn a_foreign_carcass_or_other_definition_is_refused_untouched() {
    let (_, entry) = create_world();
    let carcass = World::new(Some(Definition { valid: false, ..entry.definition.clone() }));
    let mut other = entry.definition.clone();
    other.create.body = "USING btree (b)".into();
    for mut world in [carcass, World::new(Some(other))] {
        let before = world.catalog();
        assert!(matches!(world.run(Goal::Apply, &entry, None, None), End::Of(Ending::NeedsYou(..))));
        assert_eq!((world.catalog(), &world.entry), (before, &None));
    }
}

#[test]
fn what_somebody_else_built_first_is_never_dropped() {
    for (valid, state) in [(true, State::Present), (false, State::Failed)] {
        let (mut world, entry) = create_world();
        let end = world.run(Goal::Apply, &entry, Some((1, Fault::SomebodyFirst(valid))), None);
        let recorded = world.entry.as_ref().map(|e| (e.state, e.owned));
        assert_eq!((recorded, world.index.as_ref().map(|i| i.1)), (Some((state, false)), Some(valid)), "{end:?}");
        let before = world.catalog();
        world.run(Goal::Rollback, &entry, None, None);
        assert_eq!((world.catalog(), world.entry.as_ref().map(|e| e.state)), (before, Some(State::RolledBack)));
    }
    let (mut world, entry) = drop_world();
    world.run(Goal::Apply, &entry, None, None);
    assert!(matches!(world.run(Goal::Rollback, &entry, Some((1, Fault::SomebodyFirst(true))), None), End::Of(Ending::Failed(_))));
    assert_eq!(world.entry.as_ref().map(|e| e.state), Some(State::Done));
    world.run(Goal::Rollback, &entry, None, None);
    assert_eq!((world.index.is_some(), world.entry.as_ref().map(|e| e.state)), (true, Some(State::RolledBack)));
}

#[test]
fn a_name_that_another_index_took_ends_the_entry() {
    let (mut world, entry) = create_world();
    world.run(Goal::Apply, &entry, Some((1, Fault::NameTaken)), None);
    let before = world.catalog();
    assert_eq!(world.entry.as_ref().map(|e| (e.state, e.owned)), Some((State::Failed, false)));
    assert!(matches!(world.run(Goal::Rollback, &entry, None, None), End::Of(_)));
    assert_eq!((world.catalog(), world.entry.as_ref().map(|e| e.state)), (before.clone(), Some(State::RolledBack)));
    // The same when a run ended before it could know.
    let (mut world, entry) = create_world();
    world.run(Goal::Apply, &entry, Some((1, Fault::KilledServerStops)), None);
    world.another();
    let before = world.catalog();
    world.run(Goal::Rollback, &entry, None, None);
    assert_eq!((world.catalog(), world.entry.as_ref().map(|e| e.state)), (before, Some(State::RolledBack)));
}

#[test]
fn half_dropped_it_is_known_again_without_a_definition_to_compare() {
    let (mut world, entry) = create_world();
    let entry = Entry { shape: None, ..entry };
    world.run(Goal::Apply, &entry, Some((1, Fault::KilledServerStops)), None);
    world.run(Goal::Rollback, &entry, Some((1, Fault::KilledServerStops)), None);
    assert_eq!((world.run(Goal::Rollback, &entry, None, None), world.catalog()), (REACHED, None));
}

#[test]
fn a_rollback_lets_the_work_of_the_one_before_go_on() {
    let definition = Definition { create: create(), extras: vec![], valid: true };
    let dropped = || {
        let mut world = World::new(Some(definition.clone()));
        world.run(Goal::Apply, &wanted(Motion::Drop, vec![], true), None, None);
        (world, wanted(Motion::Drop, vec![], true))
    };
    let created = || {
        let (mut world, entry) = create_world();
        world.run(Goal::Apply, &entry, None, None);
        (world, entry)
    };
    for (mut world, entry) in [dropped(), created()] {
        world.run(Goal::Rollback, &entry, Some((1, Fault::KilledServerFinishes)), None);
        // Cancelled, it would need a statement, and that would fail.
        let end = world.run(Goal::Rollback, &entry, Some((1, Fault::Fails)), None);
        let there = entry.motion == Motion::Drop;
        assert_eq!((world.index.is_some(), world.entry.as_ref().map(|e| e.state)), (there, Some(State::RolledBack)), "{end:?}");
    }
}

#[test]
fn what_was_held_back_is_not_taken_for_done() {
    let (mut world, entry) = create_world();
    assert_eq!(world.run(Goal::Apply, &entry, Some((1, Fault::HeldBack(false))), None), REACHED);
    let (mut world, entry) = create_world();
    world.run(Goal::Apply, &entry, Some((1, Fault::HeldBack(true))), None);
    assert_eq!(world.entry.as_ref().map(|e| (e.state, e.owned)), Some((State::Present, false)));
    world.run(Goal::Rollback, &entry, None, None);
    assert!(world.index.is_some());
    // Killed right after: the intent is off the record before others are waited for again.
    let (mut world, entry) = create_world();
    world.run(Goal::Apply, &entry, Some((1, Fault::HeldBack(false))), Some(4));
    assert_eq!(world.entry.as_ref().map(|e| (e.state, e.owned)), Some((State::Planned, false)));
}

#[test]
fn an_invalid_index_that_was_repaired_is_not_dropped() {
    let definition = Definition { create: create(), extras: vec![], valid: false };
    let (mut world, entry) = (World::new(Some(definition)), wanted(Motion::Drop, vec![], false));
    let end = world.run(Goal::Apply, &entry, Some((1, Fault::HeldBack(true))), None);
    assert!(matches!(&end, End::Of(Ending::NeedsYou(why, _)) if why.contains("repaired")), "{end:?}");
    world.run(Goal::Rollback, &entry, None, None);
    assert_eq!(world.index.as_ref().map(|i| i.1), Some(true));
}

#[test]
fn a_rollback_that_never_dropped_is_undone_without_a_build() {
    let (mut world, entry) = create_world();
    world.run(Goal::Apply, &entry, None, None);
    let oid = world.index.as_ref().map(|i| i.2);
    world.entry.as_mut().expect("applied").state = State::Dropping;
    world.run(Goal::Apply, &entry, None, None);
    assert_eq!((world.index.as_ref().map(|i| i.2), world.entry.as_ref().map(|e| e.state)), (oid, Some(State::Done)));
}

#[test]
fn an_index_made_after_our_drop_stays() {
    let (mut world, entry) = create_world();
    world.run(Goal::Apply, &entry, None, None);
    let end = world.run(Goal::Rollback, &entry, Some((1, Fault::SomebodyAfter)), None);
    assert_eq!(world.entry.as_ref().map(|e| e.state), Some(State::RolledBack), "{end:?}");
    assert!(world.index.is_some());
    world.run(Goal::Rollback, &entry, None, None);
    assert!(world.index.is_some());
    // Of another definition, found by a later run.
    let (mut world, entry) = create_world();
    world.run(Goal::Apply, &entry, None, None);
    assert_eq!(world.run(Goal::Rollback, &entry, Some((1, Fault::KilledServerFinishes)), None), End::Killed);
    let (_, sql) = world.alive.take().expect("at work");
    world.execute(&sql, true).expect("dropped");
    world.foreign(true);
    world.index.as_mut().expect("foreign").0.create.body = "USING btree (b)".into();
    world.run(Goal::Rollback, &entry, None, None);
    assert_eq!((world.index.is_some(), world.entry.as_ref().map(|e| e.state)), (true, Some(State::RolledBack)));
}

#[test]
fn a_build_of_somebody_else_is_waited_for() {
    let (mut world, entry) = create_world();
    world.run(Goal::Apply, &entry, Some((1, Fault::KilledServerStops)), None);
    let before = world.catalog();
    (world.alive, world.builder) = (None, Some(Builder { pid: 4711, sure: true }));
    let mut unknown = world.clone();
    let oid = world.index.as_ref().map(|i| i.2);
    world.entry.as_mut().expect("planned").index_oid = oid;
    for goal in [Goal::Apply, Goal::Rollback] {
        let end = world.run(goal, &entry, None, None);
        assert!(matches!(&end, End::Of(Ending::NeedsYou(what, _)) if what.contains("process 4711")), "{end:?}");
        assert_eq!(world.catalog(), before);
    }
    world.builder = None;
    assert_eq!(world.run(Goal::Apply, &entry, None, None), REACHED);
    // What they build is hidden: they are waited for, and ours stays ours.
    let mut hidden = unknown.clone();
    hidden.builder = Some(Builder { pid: 4711, sure: false });
    let end = hidden.run(Goal::Rollback, &entry, None, None);
    assert!(matches!(&end, End::Of(Ending::NeedsYou(what, _)) if what.contains("an index of table")), "{end:?}");
    hidden.builder = None;
    assert_eq!((hidden.run(Goal::Rollback, &entry, None, None), hidden.catalog()), (REACHED, None));
    // Not known to be ours: it is theirs, also once they are done.
    unknown.run(Goal::Apply, &entry, None, None);
    (unknown.builder, unknown.index.as_mut().expect("there").1) = (None, true);
    unknown.run(Goal::Apply, &entry, None, None);
    unknown.run(Goal::Rollback, &entry, None, None);
    assert!(unknown.index.is_some());
}

#[test]
fn nothing_is_built_on_a_table_that_took_the_place_of_ours() {
    let (mut world, entry) = create_world();
    world.run(Goal::Apply, &entry, Some((1, Fault::KilledServerStops)), None);
    (world.index, world.table) = (None, 8);
    assert_eq!(world.entry.as_ref().map(|e| e.state), Some(State::Building));
    let end = world.run(Goal::Apply, &entry, None, None);
    assert!(matches!(&end, End::Of(Ending::NeedsYou(what, _)) if what.contains("another one")), "{end:?}");
    world.run(Goal::Rollback, &entry, None, None);
    assert_eq!(world.entry.as_ref().map(|e| e.state), Some(State::RolledBack));
}

#[test]
fn an_index_changed_after_it_was_built_is_not_dropped() {
    let (mut world, entry) = create_world();
    world.run(Goal::Apply, &entry, None, None);
    if let Some(index) = &mut world.index {
        index.0.create.body = "USING btree (b)".into();
    }
    assert!(matches!(world.run(Goal::Rollback, &entry, None, None), End::Of(Ending::NeedsYou(..))));
    assert!(world.index.is_some());
}

#[test]
fn a_dropped_invalid_index_does_not_come_back() {
    let definition = Definition { create: create(), extras: vec![], valid: false };
    let (mut world, entry) = (World::new(Some(definition)), wanted(Motion::Drop, vec![], false));
    assert_eq!(world.run(Goal::Apply, &entry, None, None), REACHED);
    assert!(matches!(world.run(Goal::Rollback, &entry, None, None), End::Of(Ending::Already(_))));
    assert_eq!((world.catalog(), world.entry.as_ref().map(|e| e.state)), (None, Some(State::RolledBack)));
}

fn fault() -> impl Strategy<Value = Option<(usize, Fault)>> {
    let kinds = [Fault::Fails, Fault::Deadlock, Fault::KilledServerFinishes, Fault::KilledServerStops, Fault::Cancelled];
    prop_oneof![Just(None), (1usize..5, proptest::sample::select(kinds.to_vec())).prop_map(Some)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    /// Any runs with any faults, then an undisturbed apply and rollback: the catalog is as before.
    #[test]
    fn apply_then_rollback_is_the_identity(
        drops in any::<bool>(),
        runs in proptest::collection::vec((any::<bool>(), fault(), proptest::option::of(1usize..8)), 0..6),
        last_apply in any::<bool>(),
    ) {
        let (mut world, entry) = if drops { drop_world() } else { create_world() };
        let before = world.catalog();
        for (apply, fault, kill) in runs {
            let goal = if apply { Goal::Apply } else { Goal::Rollback };
            world.run(goal, &entry, fault, kill);
        }
        if last_apply {
            world.run(Goal::Apply, &entry, None, None);
            prop_assert_eq!(world.catalog().is_some(), !drops);
            prop_assert_eq!(world.entry.as_ref().map(|e| e.state), Some(State::Done));
        }
        world.run(Goal::Rollback, &entry, None, None);
        prop_assert_eq!(world.catalog(), before);
        prop_assert!(world.entry.as_ref().is_none_or(|e| e.state == State::RolledBack));
        let settled = world.clone();
        world.run(Goal::Rollback, &entry, None, None);
        prop_assert_eq!(world, settled);
    }
}
