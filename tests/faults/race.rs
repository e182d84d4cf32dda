//! Others at work on the same table: more advisors, a foreign build, waits that hold a snapshot.

use crate::harness::{Next, Pin, Work, finish, fresh};
use crate::scratch::bench::{Bench, on_t, signal};
use crate::scratch::{Database, Scratch};
use crate::support::own;
use advisor::model::index_def::KeySpec;
use advisor::pg::server::ServerOptions;
use std::process::{Child, Stdio};
use std::time::Duration;

/// Each index is built once, by whomever, and the ledger is made once.
#[test]
fn four_advisors_at_once_build_once() {
    let server = Scratch::start();
    let bench = Bench::new(&server, &fresh(), vec![on_t("t_a", KeySpec::column("a")), on_t("t_b", KeySpec::column("b"))]);
    let before = bench.database.catalog();
    let runs: Vec<Child> = (0..4).map(|_| bench.start_apply()).collect();
    for run in runs {
        let (code, text) = finish(run);
        assert_eq!(code, 0, "{text}");
    }
    assert_eq!(bench.states(), ["done", "done"]);
    assert_eq!(bench.database.rows("select sum(attempt) from advisor.ledger"), ["2"]);
    bench.is_clean();
    let back: Vec<Child> = (0..3).map(|_| bench.command(&["rollback", "--all", "--yes"]).spawn().unwrap()).collect();
    for run in back {
        let (code, text) = finish(run);
        assert_eq!(code, 0, "{text}");
    }
    assert_eq!(bench.database.catalog(), before);
    bench.is_clean();
}

/// One advisor is killed at its work while another waits for the table: the other finishes it.
#[test]
fn the_next_in_line_finishes_what_a_killed_one_began() {
    let server = Scratch::start();
    let trial = Work::Build.trial(&server);
    let (mut child, held) = Pin::Writer.catch(&trial.bench.database, || trial.start(Next::Apply));
    let waiting = trial.start(Next::Apply);
    trial.bench.database.until(
        "select 1 from pg_stat_activity where datname = current_database() and application_name like 'advisor/%' having count(*) = 3",
    );
    signal(&child, "KILL");
    child.wait().unwrap();
    held.commit();
    let end = finish(waiting);
    trial.ends_well("next in line", Next::Apply, end);
    let builds = "select 1 from advisor.ledger_event where from_state <> 'building' and to_state = 'building'";
    assert_eq!(trial.bench.database.rows(builds), ["1"], "it is not built a second time");
}

/// A build by somebody else, through psql.
fn foreign_build(database: &Database) -> Child {
    let mut psql = database.psql();
    psql.env("PGOPTIONS", "-c deadlock_timeout=20s").stdout(Stdio::piped()).stderr(Stdio::piped());
    psql.args(["-c", "create index concurrently theirs on t (b)"]).spawn().unwrap()
}

#[test]
fn a_foreign_build_that_came_first_is_waited_for() {
    let server = Scratch::start();
    let trial = Work::Build.trial(&server);
    let database = &trial.bench.database;
    let (foreign, held) = Pin::Writer.catch(database, || foreign_build(database));
    let child = trial.start(Next::Apply);
    std::thread::sleep(Duration::from_millis(1200));
    held.commit();
    assert!(foreign.wait_with_output().unwrap().status.success(), "it is not made a victim");
    let (code, text) = finish(child);
    assert!(code == 0 && text.contains("builds an index on the table"), "{code} {text}");
    database.sql("drop index concurrently theirs");
    trial.ends_well("after a foreign build", Next::Rollback, finish(trial.start(Next::Rollback)));
}

/// Somebody else makes the very index that we are asked for, in one transaction or concurrently: it is theirs, and stays.
#[test]
fn the_same_index_made_by_somebody_else_meanwhile_stays_theirs() {
    let server = Scratch::start();
    for concurrently in [false, true] {
        let bench = Bench::new(&server, &fresh(), vec![on_t("t_a", KeySpec::column("a"))]);
        let database = &bench.database;
        let (code, text) = if concurrently {
            let theirs = || {
                let mut psql = database.psql();
                psql.args(["-qc", "create index concurrently t_a on t (a)"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
            };
            let (foreign, held) = Pin::Writer.catch(database, theirs);
            let (code, text) = bench.apply(&[]);
            assert!(code == 6 && text.contains("builds"), "{code} {text}");
            held.commit();
            assert!(foreign.wait_with_output().unwrap().status.success());
            bench.apply(&[])
        } else {
            let held = database.hold("begin; create index t_a on t (a)");
            let child = bench.start_apply();
            database.until("select 1 from pg_stat_activity where datname = current_database() and application_name like '%worker' and wait_event = 'relation'");
            held.commit();
            finish(child)
        };
        assert_eq!(code, 0, "{text}");
        assert!(concurrently || bench.states() == ["present"], "{text}");
        let theirs = database.catalog();
        assert_eq!(bench.rollback().0, 0);
        assert_eq!(database.catalog(), theirs);
        bench.is_clean();
    }
}

/// The foreign build queues behind ours while holding what ours waits for: a deadlock that one of the two loses,
/// here ours, because its patience is shorter.
#[test]
fn a_deadlock_with_a_foreign_build_is_tried_again() {
    let server = Scratch::start();
    let trial = Work::Build.trial(&server);
    let database = &trial.bench.database;
    database.sql(&format!("alter role postgres in database {} set deadlock_timeout = '100ms'", database.name));
    let (child, held) = Pin::Writer.catch(database, || trial.start(Next::Apply));
    let foreign = foreign_build(database);
    database
        .until("select 1 from pg_stat_activity where datname = current_database() and query like '%theirs%' and wait_event = 'relation'");
    held.commit();
    assert!(foreign.wait_with_output().unwrap().status.success());
    let end = finish(child);
    database.sql("drop index concurrently theirs");
    trial.was_honest("a deadlock", &[0], &end);
    assert_ne!(database.rows("select attempt from advisor.ledger"), ["1"], "it did lose once");
    trial.ends_well("after a deadlock", Next::Rollback, finish(trial.start(Next::Rollback)));
}

/// A session that waits in pg_advisory_lock() holds a snapshot: a build cannot become valid before it ends.
#[test]
fn a_session_waiting_for_an_advisory_lock_is_named() {
    let server = Scratch::start();
    let trial = Work::Build.trial(&server);
    let database = &trial.bench.database;
    let holder = database.hold("select pg_advisory_lock(1)");
    let mut waiter = database.psql().args(["-c", "select pg_advisory_lock(1)"]).stdout(Stdio::null()).spawn().unwrap();
    let waiting = "select pid from pg_stat_activity where datname = current_database() and wait_event = 'advisory'";
    database.until(waiting);
    let pid = database.rows(waiting).concat();
    let child = trial.start(Next::Apply);
    database
        .until("select 1 from pg_stat_progress_create_index where datname = current_database() and phase = 'waiting for old snapshots'");
    std::thread::sleep(Duration::from_millis(1200));
    holder.commit();
    waiter.wait().unwrap();
    let (code, text) = finish(child);
    assert!(code == 0 && text.contains(&format!("process {pid}")), "{pid} is named: {code} {text}");
    trial.ends_well("after an advisory lock", Next::Rollback, finish(trial.start(Next::Rollback)));
}

/// A prepared transaction belongs to no process: it is named by its own name.
#[test]
fn a_prepared_transaction_is_named() {
    let settings = vec![("max_prepared_transactions".into(), "2".into())];
    let (server, shared) = own(ServerOptions { settings, label: "advisor race test".into(), ..ServerOptions::default() });
    let trial = Work::Build.trial(&Scratch::on(shared));
    let database = &trial.bench.database;
    database.hold("begin; insert into t values (-1, 1, 'x'); prepare transaction 'left behind'").commit();
    let child = trial.start(Next::Apply);
    database.until("select 1 from pg_stat_progress_create_index where phase = 'waiting for writers before build'");
    std::thread::sleep(Duration::from_millis(1200));
    database.sql("commit prepared 'left behind'");
    let (code, text) = finish(child);
    assert!(code == 0 && text.contains("left behind"), "{code} {text}");
    trial.ends_well("after a prepared transaction", Next::Rollback, finish(trial.start(Next::Rollback)));
    server.stop();
}
