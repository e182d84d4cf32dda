//! Somebody drops or renames what a run works on, while it does.

use crate::harness::{Next, Pin, Trial, Work, finish};
use crate::scratch::Scratch;

/// The run waits for the table's lock while the session in front of it changes the table itself.
fn table_goes(trial: &Trial, how: &str) -> (i32, String) {
    let (child, mut holder) = Pin::TableLock.catch(&trial.bench.database, || trial.start(Next::Apply));
    holder.say(how);
    holder.commit();
    finish(child)
}

#[test]
fn a_table_that_is_dropped_or_renamed_meanwhile_ends_the_run_cleanly() {
    let server = Scratch::start();
    for how in ["drop table t", "alter table t rename to elsewhere"] {
        let trial = Work::Build.trial(&server);
        let (code, text) = table_goes(&trial, how);
        assert!([5, 6].contains(&code), "{how}: {code} {text}");
        trial.bench.is_clean();
        let after = trial.bench.database.catalog();
        let (code, text) = trial.bench.rollback();
        assert_eq!((code, trial.bench.database.catalog()), (0, after), "{how}: {text}");
        trial.bench.is_clean();
    }
}

/// The build goes on under the other name. What it built is known by its OID: nothing is built a second time, and the
/// report says where it is. It has its name again, or not, when it is taken back.
fn renamed_meanwhile(server: &Scratch, pin: Pin, new_name: &str, name_again: bool) {
    let what = format!("renamed to {new_name} in {pin:?}");
    let trial = Work::Build.trial(server);
    let database = &trial.bench.database;
    let (child, held) = pin.catch(database, || trial.start(Next::Apply));
    database.until("select 1 from advisor.ledger where index_oid = 't_gate'::regclass");
    database.sql(&format!("alter index t_gate rename to \"{new_name}\""));
    held.commit();
    let (code, text) = finish(child);
    assert!(code == 6 && text.contains(new_name), "{what}: {code} {text}");
    assert!(database.rows("select 1 from pg_index where not indisvalid").is_empty(), "{what}: it was built all the same");
    let catalog = database.catalog();
    let (code, text) = finish(trial.start(Next::Apply));
    assert_eq!((code, database.catalog()), (6, catalog), "{what}, again: {text}");
    if name_again {
        database.sql(&format!("alter index \"{new_name}\" rename to t_gate"));
        trial.ends_well(&what, Next::Apply, finish(trial.start(Next::Apply)));
    }
    trial.ends_well(&what, Next::Rollback, finish(trial.start(Next::Rollback)));
}

#[test]
fn an_index_renamed_while_it_is_built_is_still_known() {
    let server = Scratch::start();
    renamed_meanwhile(&server, Pin::Snapshot, "other_name", true);
    renamed_meanwhile(&server, Pin::Writer, "other_name", false);
}

#[test]
fn a_schema_renamed_while_its_index_is_built_loses_nothing() {
    let server = Scratch::start();
    let trial = Work::Build.trial(&server);
    let database = &trial.bench.database;
    let before = database.catalog();
    let (child, held) = Pin::Snapshot.catch(database, || trial.start(Next::Apply));
    database.until("select 1 from advisor.ledger where index_oid = 't_gate'::regclass");
    database.sql("alter schema public rename to moved; create schema public");
    held.commit();
    let (code, text) = finish(child);
    assert_eq!(code, 6, "{text}");
    assert!(database.rows("select 1 from pg_index where not indisvalid").is_empty());
    database.sql("drop schema public; alter schema moved rename to public");
    trial.ends_well("a schema renamed", Next::Apply, finish(trial.start(Next::Apply)));
    trial.ends_well("a schema renamed", Next::Rollback, finish(trial.start(Next::Rollback)));
    assert_eq!(database.catalog(), before);
}

#[test]
#[ignore = "full matrix: make test-faults"]
fn an_index_renamed_in_every_phase_is_still_known() {
    let server = Scratch::start();
    for pin in &Pin::OF_BUILDS[1..] {
        renamed_meanwhile(&server, *pin, "new one", true);
        renamed_meanwhile(&server, *pin, "new one", false);
    }
}
