//! apply and rollback by the real binary on a real server: what is built, what is left after every
//! kind of end, and that the catalog afterwards equals the one before.

mod scratch;
mod support;

use advisor::model::index_def::{IndexSpec, KeySpec, TableName};
use advisor::model::report::AdvisedIndex;
use advisor::model::text::quote_ident;
use scratch::bench::{Bench, answer, drop_of, on_t, plain, report_file, signal, unique};
use scratch::{Scratch, create_advice, report_of};
use std::io::Write;
use std::process::{Child, Command, Stdio};

#[test]
fn create_then_rollback_leaves_the_catalog_as_it_was() {
    let server = Scratch::start();
    let bench = Bench::new(&server, "plain", vec![on_t("t_a", KeySpec::column("a")), on_t("t_lower", KeySpec::expression("lower(b)"))]);
    let before = bench.database.catalog();
    let (code, text) = bench.run(&["apply", bench.report(), "--dry-run"]);
    assert_eq!((code, bench.database.catalog() == before), (0, true), "{text}");
    let (code, text) = bench.apply(&[]);
    assert_eq!(code, 0, "{text}");
    assert_eq!(bench.database.catalog().len(), before.len() + 2);
    assert_eq!(bench.states(), ["done", "done"]);
    assert_eq!(bench.database.rows("select count(*) from pg_stats where tablename = 't_lower'"), ["1"], "the expression has statistics");
    let (code, text) = bench.apply(&[]);
    assert!(code == 0 && text.contains("Nothing to do."), "{text}");
    assert_eq!(bench.database.rows("select sum(attempt) from advisor.ledger"), ["2"]);
    let (code, text) = bench.run(&["rollback", "--last", "--yes"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.find("t_lower").unwrap() < text.find("t_a").unwrap(), "{text}");
    assert_eq!(bench.database.catalog(), before);
    assert_eq!(bench.states(), ["rolled_back", "rolled_back"]);
    let (code, text) = bench.rollback();
    assert!(code == 0 && text.contains("Nothing to roll back"), "{text}");
    bench.is_clean();
    let (code, text) = bench.apply(&[]);
    assert_eq!(code, 0, "a rolled back change can be made again: {text}");
}

#[test]
fn without_a_terminal_or_yes_nothing_is_changed() {
    let server = Scratch::start();
    let bench = Bench::new(&server, "ask", plain());
    let before = bench.database.catalog();
    let (code, text) = bench.run(&["apply", bench.report()]);
    assert!(code == 2 && text.contains("--yes"), "{code} {text}");
    assert_eq!(bench.database.catalog(), before);
    assert!(bench.database.rows("select 1 from pg_namespace where nspname = 'advisor'").is_empty());
    // With a terminal, answered no.
    let command = format!("{} apply {} --db '{}'", env!("CARGO_BIN_EXE_advisor"), bench.report(), bench.database.url());
    let mut child =
        Command::new("script").args(["-qec", &command, "/dev/null"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"n\n").unwrap();
    let (code, text) = answer(child.wait_with_output().unwrap());
    assert!(code == 0 && text.contains("nothing was changed"), "{code} {text}");
    assert_eq!(bench.database.catalog(), before);
}

#[test]
fn a_failing_build_leaves_nothing_and_exits_5() {
    let server = Scratch::start();
    let bench = Bench::new(&server, "dups", [unique(), plain()].concat());
    let before = bench.database.catalog();
    let (code, text) = bench.apply(&[]);
    assert!(code == 5 && text.contains("is duplicated") && text.contains("1 later change was not begun"), "{code} {text}");
    assert_eq!((bench.database.catalog(), bench.states()), (before, vec!["failed".to_owned()]));
    bench.is_clean();
}

#[test]
fn timeouts_of_the_role_do_not_touch_the_worker() {
    let server = Scratch::start();
    let bench = Bench::new(&server, "timeouts", plain());
    bench.database.sql("alter role postgres in database timeouts set lock_timeout = '50ms'; alter role postgres in database timeouts set statement_timeout = '300ms'");
    // Since version 14.
    let idle = bench.database.rows("select name from pg_settings where name = 'idle_session_timeout'").pop();
    if let Some(name) = &idle {
        bench.database.sql(&format!("alter role postgres in database timeouts set {name} = '1s'"));
    }
    let patient = idle.map_or(String::new(), |name| format!("set {name} = 0; "));
    let mut writer = bench.database.hold(&format!("set statement_timeout = 0; {patient}begin; insert into t values (5000, 1, 'x')"));
    let child = bench.start_apply();
    bench.until_phase("waiting for writers before build");
    std::thread::sleep(std::time::Duration::from_millis(1800));
    writer.say("commit");
    drop(writer);
    let (code, text) = answer(child.wait_with_output().unwrap());
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("waiting for writers before build: process"), "the blocker is named: {text}");
    bench.is_clean();
}

#[test]
fn a_cancelled_build_leaves_nothing() {
    let server = Scratch::start();
    let bench = Bench::new(&server, "cancelled", plain());
    let before = bench.database.catalog();
    let writer = bench.database.hold("begin; insert into t values (5000, 1, 'x')");
    let child = bench.start_apply();
    bench.until_phase("waiting for writers before build");
    bench.database.sql("select pg_cancel_backend(pid) from pg_stat_progress_create_index where datname = current_database()");
    // The carcass can only be dropped once the writer is gone.
    bench.database.until(
        "select 1 from pg_stat_activity where datname = current_database() and query like 'DROP INDEX%' and wait_event_type = 'Lock'",
    );
    drop(writer);
    let (code, text) = answer(child.wait_with_output().unwrap());
    assert!(code == 5 && text.contains("cancel"), "{code} {text}");
    assert_eq!(bench.database.catalog(), before);
    bench.is_clean();
    assert_eq!(bench.apply(&[]).0, 0);
}

#[test]
fn a_terminated_worker_is_replaced_to_clean_up() {
    let server = Scratch::start();
    let bench = Bench::new(&server, "terminated", plain());
    let before = bench.database.catalog();
    let reader = bench.database.hold("begin isolation level repeatable read; select count(*) from other");
    let child = bench.start_apply();
    bench.until_phase("waiting for old snapshots");
    bench.database.sql("select pg_terminate_backend(pid) from pg_stat_progress_create_index where datname = current_database()");
    let (code, text) = answer(child.wait_with_output().unwrap());
    assert!(code == 5 && text.contains("terminating connection"), "{code} {text}");
    assert_eq!((bench.database.catalog(), bench.states()), (before, vec!["failed".to_owned()]));
    drop(reader);
    bench.is_clean();
}

#[test]
fn a_run_that_loses_its_control_connection_opens_another_and_finishes() {
    let server = Scratch::start();
    let bench = Bench::new(&server, "headless", plain());
    let reader = bench.database.hold("begin isolation level repeatable read; select count(*) from other");
    let child = bench.start_apply();
    bench.until_phase("waiting for old snapshots");
    let control = "datname = current_database() and application_name like 'advisor/%' and application_name not like '%worker'";
    bench.database.sql(&format!("select pg_terminate_backend(pid) from pg_stat_activity where {control}"));
    bench.database.until(&format!("select 1 from pg_stat_activity where {control} and backend_start > now() - interval '1 minute'"));
    drop(reader);
    let (code, text) = answer(child.wait_with_output().unwrap());
    assert!(code == 0 && text.contains("connected again"), "{code} {text}");
    assert_eq!(
        (bench.states(), bench.database.rows("select attempt from advisor.ledger")),
        (vec!["done".to_owned()], vec!["1".to_owned()])
    );
    bench.is_clean();
}

#[test]
fn what_waits_too_long_is_given_up_with_the_blocker_named() {
    let server = Scratch::start();
    let bench = Bench::new(&server, "impatient", plain());
    let before = bench.database.catalog();
    let reader = bench.database.hold("set application_name = 'etl'; begin isolation level repeatable read; select count(*) from other");
    let (code, text) = bench.apply(&["--max-wait", "1s"]);
    assert!(code == 5 && text.contains("gave up after waiting 1 s for process") && text.contains("\"etl\""), "{code} {text}");
    assert_eq!((bench.database.catalog(), bench.states()), (before.clone(), vec!["failed".to_owned()]));
    bench.is_clean();
    drop(reader);
    // A writer blocks the clean-up too: what is left is known, and the next run finishes.
    let writer = bench.database.hold("begin; insert into t values (5000, 1, 'x')");
    let (code, text) = bench.apply(&["--max-duration", "1s"]);
    assert!(code == 6 && text.contains("could not be dropped: gave up after 1 s"), "{code} {text}");
    assert_eq!(bench.states(), ["building"]);
    drop(writer);
    let (code, text) = bench.rollback();
    assert_eq!(code, 0, "{text}");
    assert_eq!(bench.database.catalog(), before);
    bench.is_clean();
}

#[test]
fn a_strangers_carcass_is_adopted_only_on_demand_and_never_while_it_is_built() {
    let server = Scratch::start();
    let bench = Bench::new(&server, "adopt", plain());
    let before = bench.database.catalog();
    let reader = bench.database.hold("begin isolation level repeatable read; select count(*) from other");
    let mut stranger = bench.database.psql().args(["-c", "create index concurrently t_a on t (a)"]).stderr(Stdio::null()).spawn().unwrap();
    bench.until_phase("waiting for old snapshots");
    let (code, text) = bench.apply(&["--adopt-invalid"]);
    assert!(code == 6 && text.contains("builds index t_a now"), "{code} {text}");
    bench.database.sql("select pg_cancel_backend(pid) from pg_stat_progress_create_index where datname = current_database()");
    stranger.wait().unwrap();
    drop(reader);
    let (code, text) = bench.apply(&[]);
    assert!(code == 6 && text.contains("--adopt-invalid"), "{code} {text}");
    let (code, text) = bench.apply(&["--adopt-invalid"]);
    assert_eq!((code, bench.states()), (0, vec!["done".to_owned()]), "{text}");
    assert_eq!(bench.rollback().0, 0);
    assert_eq!(bench.database.catalog(), before);
    bench.is_clean();
}

#[test]
fn another_build_on_the_table_is_waited_for_before_ours_begins() {
    let server = Scratch::start();
    let bench = Bench::new(&server, "polite", plain());
    let reader = bench.database.hold("begin isolation level repeatable read; select count(*) from other");
    let stranger = bench.database.psql().args(["-c", "create index concurrently theirs on t (b)"]).spawn().unwrap();
    bench.until_phase("waiting for old snapshots");
    let child = bench.start_apply();
    bench.until_recorded("state = 'building'");
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert_eq!(bench.database.rows("select count(*) from pg_stat_progress_create_index where datname = current_database()"), ["1"]);
    drop(reader);
    assert!(stranger.wait_with_output().unwrap().status.success(), "theirs is not the victim of a deadlock");
    let (code, text) = answer(child.wait_with_output().unwrap());
    assert!(code == 0 && text.contains("builds an index on the table"), "{code} {text}");
    assert_eq!(bench.database.rows("select attempt from advisor.ledger"), ["1"]);
    bench.is_clean();
}

#[test]
fn an_index_renamed_while_it_is_built_is_known_by_its_oid() {
    let server = Scratch::start();
    for next in ["apply", "rollback"] {
        let bench = Bench::new(&server, &format!("renamed_{next}"), plain());
        let before = bench.database.catalog();
        let reader = bench.database.hold("begin isolation level repeatable read; select count(*) from other");
        let child = bench.start_apply();
        bench.until_recorded("index_oid is not null");
        bench.until_phase("waiting for old snapshots");
        bench.database.sql("alter index t_a rename to theirs");
        drop(reader);
        let (code, text) = answer(child.wait_with_output().unwrap());
        assert!(code == 6 && text.contains("is called theirs now"), "{code} {text}");
        if next == "apply" {
            assert_eq!(bench.apply(&[]).0, 6, "it is not built twice");
            bench.database.sql("alter index theirs rename to t_a");
            let (code, text) = bench.apply(&[]);
            assert_eq!((code, bench.states()), (0, vec!["done".to_owned()]), "{text}");
            bench.database.sql("alter index t_a rename to theirs");
            let (code, text) = bench.apply(&[]);
            assert!(code == 0 && text.contains("is called theirs now"), "{code} {text}");
        }
        let (code, text) = bench.rollback();
        assert_eq!(code, 0, "{text}");
        assert_eq!(bench.database.catalog(), before);
        bench.is_clean();
    }
}

#[test]
fn a_dead_advisors_lock_is_taken_over() {
    let server = Scratch::start();
    let bench = Bench::new(&server, "dead", plain());
    assert_eq!(bench.apply(&[]).0, 0);
    assert_eq!(bench.rollback().0, 0);
    // What a run leaves that the network swallowed: its session, silent, with the table's lock.
    let table = bench.database.rows("select 't'::regclass::oid::int8").pop().unwrap();
    let silent = bench.database.hold(&format!("set application_name = 'advisor/0 apply'; select pg_advisory_lock(1633973874, {table})"));
    std::thread::sleep(std::time::Duration::from_millis(1300));
    let (code, text) = bench.apply(&["--max-wait", "300ms", "--lease", "1s"]);
    assert!(code == 5 && text.contains("--take-over ends it"), "{code} {text}");
    let (code, text) = bench.apply(&["--take-over", "--lease", "1s"]);
    assert_eq!((code, bench.states()), (0, vec!["done".to_owned()]), "{text}");
    drop(silent);
    bench.is_clean();
}

#[test]
fn a_read_only_database_is_refused_before_anything() {
    let server = Scratch::start();
    let bench = Bench::new(&server, "readonly", plain());
    bench.database.sql("alter database readonly set default_transaction_read_only = on");
    let (code, text) = bench.apply(&[]);
    assert!(code == 4 && text.contains("default_transaction_read_only is on"), "{code} {text}");
}

#[test]
fn sigterm_while_waiting_cancels_cleans_up_and_exits_130() {
    let server = Scratch::start();
    let bench = Bench::new(&server, "term", plain());
    let before = bench.database.catalog();
    // A snapshot on another table: the build has done all its work and only waits to become visible.
    let reader = bench.database.hold("begin isolation level repeatable read; select count(*) from other");
    let child = bench.start_apply();
    bench.until_phase("waiting for old snapshots");
    signal(&child, "TERM");
    let (code, text) = answer(child.wait_with_output().unwrap());
    assert_eq!(code, 130, "{text}");
    assert_eq!((bench.database.catalog(), bench.states()), (before, vec!["failed".to_owned()]));
    drop(reader);
    bench.is_clean();
    assert_eq!(bench.apply(&[]).0, 0);
}

#[test]
fn a_second_signal_leaves_at_once_and_the_next_run_cleans_up() {
    let server = Scratch::start();
    let bench = Bench::new(&server, "twice", plain());
    let before = bench.database.catalog();
    let writer = bench.database.hold("begin; insert into t values (5000, 1, 'x')");
    let child = bench.start_apply();
    bench.until_phase("waiting for writers before build");
    signal(&child, "INT");
    // The clean-up waits for the writer too.
    bench.database.until("select 1 from pg_stat_activity where datname = current_database() and query like 'DROP INDEX%'");
    signal(&child, "INT");
    let (code, text) = answer(child.wait_with_output().unwrap());
    assert!(code == 130 && text.contains("left at once"), "{code} {text}");
    assert_eq!(bench.states(), ["building"]);
    drop(writer);
    let (code, text) = bench.rollback();
    assert_eq!(code, 0, "{text}");
    assert_eq!(bench.database.catalog(), before);
    bench.is_clean();
}

#[test]
fn after_a_kill_the_next_run_adopts_the_orphan() {
    let server = Scratch::start();
    let bench = Bench::new(&server, "killed", plain());
    let before = bench.database.catalog();
    let reader = bench.database.hold("begin isolation level repeatable read; select count(*) from other");
    let mut child = bench.start_apply();
    bench.until_phase("waiting for old snapshots");
    signal(&child, "KILL");
    child.wait().unwrap();
    let (code, text) = bench.run(&["status", "--format", "json"]);
    assert!(code == 0 && text.contains("\"drift\": \"running\"") && text.contains("\"ours\": true"), "{text}");
    let again = bench.start_apply();
    // It reads what was counted before it takes the table's lock and waits.
    let here = "database = (select oid from pg_database where datname = current_database())";
    bench.database.until(&format!("select 1 from pg_locks where locktype = 'advisory' and objid = 't'::regclass::oid and {here}"));
    std::thread::sleep(std::time::Duration::from_millis(700));
    drop(reader);
    let (code, text) = answer(again.wait_with_output().unwrap());
    assert!(code == 0 && text.contains("waiting for an earlier run's work"), "{code} {text}");
    assert_eq!(
        (bench.states(), bench.database.rows("select attempt from advisor.ledger")),
        (vec!["done".to_owned()], vec!["1".to_owned()])
    );
    assert_eq!(bench.rollback().0, 0);
    assert_eq!(bench.database.catalog(), before);
    bench.is_clean();
}

#[test]
fn after_a_kill_and_a_cancel_the_next_run_rebuilds_and_rollback_cleans() {
    let server = Scratch::start();
    for (name, next) in [("rebuild", "apply"), ("clean", "rollback")] {
        let bench = Bench::new(&server, name, plain());
        let before = bench.database.catalog();
        let reader = bench.database.hold("begin isolation level repeatable read; select count(*) from other");
        let mut child = bench.start_apply();
        bench.until_phase("waiting for old snapshots");
        signal(&child, "KILL");
        child.wait().unwrap();
        if next == "apply" {
            bench.database.sql("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name like '%worker'");
            bench.database.until("select 1 where not exists (select from pg_stat_activity where datname = current_database() and application_name like '%worker')");
            drop(reader);
            let (_, text) = bench.run(&["status"]);
            assert!(text.contains("cut short") && text.contains("invalid: t_a"), "{text}");
            let (code, text) = bench.apply(&[]);
            assert_eq!(
                (code, bench.states(), bench.database.rows("select 1 from advisor.ledger where attempt > 1").len() == 1),
                (0, vec!["done".to_owned()], true),
                "{text}"
            );
        } else {
            drop(reader);
        }
        let (code, text) = bench.rollback();
        assert_eq!(code, 0, "{text}");
        assert_eq!(bench.database.catalog(), before);
        bench.is_clean();
    }
}

#[test]
fn hostile_names_are_built_and_rolled_back() {
    let server = Scratch::start();
    let bench = Bench::new(&server, "hostile", vec![]);
    let name = "x\n; drop table t; --\"\u{202e}\u{1b}[2J";
    let q = quote_ident(name);
    bench.database.sql(&format!("create schema {q}; create table {q}.{q} ({q} text)"));
    let spec = IndexSpec::btree(TableName::new(name, name), vec![KeySpec::column(name)]);
    let bench = Bench { report: report_file(vec![create_advice(&spec, &format!("i{name}"))]), ..bench };
    let before = bench.database.catalog();
    let (code, text) = bench.apply(&[]);
    assert_eq!(code, 0, "{text}");
    let (_, status) = bench.run(&["status"]);
    for text in [&text, &status] {
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}') && !text.contains("\n; drop"), "{text:?}");
    }
    assert_eq!(bench.database.catalog().len(), before.len() + 1);
    assert_eq!(bench.rollback().0, 0);
    assert_eq!(bench.database.catalog(), before);
    assert_eq!(bench.database.rows("select count(*) from t"), ["1000"]);
}

#[test]
fn a_dropped_index_comes_back_with_all_that_hung_on_it() {
    let server = Scratch::start();
    let bench = Bench::new(&server, "dropped", vec![drop_of("old one"), drop_of("dead"), drop_of("plain")]);
    let space = server.tablespace("side");
    bench.database.sql(&format!(
        "create index \"old one\" on t (a desc, lower(b)) with (fillfactor = 60) tablespace {space} where a > 1;
         comment on index \"old one\" is E'it''s a \\\\ comment'; alter index \"old one\" alter column 2 set statistics 321;
         create index plain on t (b, a); create index dead on t (b); update pg_index set indisvalid = false where indexrelid = 'dead'::regclass"
    ));
    let before = bench.database.catalog();
    let (code, text) = bench.apply(&[]);
    assert!(code == 0 && text.contains("--drops was not given") && text.contains("INVALID: rollback does not build it again"), "{text}");
    assert_eq!(bench.database.catalog(), before);
    let (code, text) = bench.apply(&["--drops"]);
    assert_eq!(code, 0, "{text}");
    assert_eq!(bench.database.catalog().len(), 1, "the primary key alone: {text}");
    bench.database.sql(&format!("alter role postgres in database dropped set default_tablespace = {space}"));
    let (code, text) = bench.rollback();
    assert_eq!(code, 0, "{text}");
    let alive: Vec<String> = before.into_iter().filter(|row| !row.contains("| dead |")).collect();
    assert_eq!(bench.database.catalog(), alive);
    bench.is_clean();
}

#[test]
fn what_must_stay_is_not_dropped() {
    let server = Scratch::start();
    let bench = Bench::new(&server, "needed", ["t_pkey", "u", "ident", "clustered"].iter().map(|n| drop_of(n)).collect());
    bench.database.sql(
        "alter table t alter a set not null; create unique index u on t (b); create unique index ident on t (id, a);
         alter table t replica identity using index ident; create index clustered on t (a); cluster t using clustered",
    );
    let before = bench.database.catalog();
    let (code, text) = bench.apply(&["--drops"]);
    assert!(code == 6 && text.contains("4 changes were refused"), "{code} {text}");
    for why in ["primary key", "UNIQUE", "replica identity", "clustered"] {
        assert!(text.contains(why), "{why}: {text}");
    }
    assert_eq!(bench.database.catalog(), before);
}

#[test]
fn an_index_that_was_there_is_kept_and_strangers_are_refused() {
    let server = Scratch::start();
    for (name, sql, code, state) in [
        ("same", "create index t_a on t (a)", 0, "present done"),
        ("twin", "create index twin on t (a)", 0, "present done"),
        ("otherdef", "create index t_a on t (id, b)", 6, "done"),
        ("table_of_name", "create table t_a (x int)", 6, "done"),
        ("other_table", "alter table other add a int; create index t_a on other (a)", 6, "done"),
        ("carcass", "create index t_a on t (a); update pg_index set indisvalid = false where indexrelid = 't_a'::regclass", 6, "done"),
    ] {
        let bench = Bench::new(&server, name, [plain(), vec![on_t("t_b", KeySpec::column("b"))]].concat());
        bench.database.sql(sql);
        let before = bench.database.catalog();
        let (found, text) = bench.apply(&[]);
        assert_eq!(found, code, "{name}: {text}");
        assert_eq!(bench.states().join(" "), state, "{name}");
        assert_eq!(bench.rollback().0, 0);
        assert_eq!(bench.database.catalog(), before, "{name}");
        if name == "carcass" {
            assert!(text.contains("DROP INDEX CONCURRENTLY \"public\".\"t_a\";"), "{text}");
        }
    }
}

#[test]
fn an_index_changed_since_is_not_dropped_and_status_says_so() {
    let server = Scratch::start();
    let bench = Bench::new(&server, "drift", plain());
    assert_eq!(bench.apply(&[]).0, 0);
    bench.database.sql("drop index t_a");
    assert!(bench.run(&["status"]).1.contains("missing"));
    bench.database.sql("create index t_a on t (b)");
    assert!(bench.run(&["status"]).1.contains("changed"));
    let before = bench.database.catalog();
    let (code, text) = bench.rollback();
    assert!(code == 6 && text.contains("defined otherwise"), "{code} {text}");
    assert_eq!(bench.database.catalog(), before);
}

#[test]
fn two_runs_at_once_build_once() {
    let server = Scratch::start();
    let bench = Bench::new(&server, "two", vec![on_t("t_a", KeySpec::column("a")), on_t("t_b", KeySpec::column("b"))]);
    let runs: Vec<Child> = (0..3).map(|_| bench.start_apply()).collect();
    for run in runs {
        let (code, text) = answer(run.wait_with_output().unwrap());
        assert_eq!(code, 0, "{text}");
    }
    assert_eq!(
        (bench.states(), bench.database.rows("select sum(attempt) from advisor.ledger")),
        (vec!["done".to_owned(); 2], vec!["2".to_owned()])
    );
    bench.is_clean();
}

#[test]
fn rights_kinds_and_partitions_are_refused_by_name() {
    let server = Scratch::start();
    let table =
        |name: &str| create_advice(&IndexSpec::btree(TableName::new("public", name), vec![KeySpec::column("x")]), &format!("{name}_x"));
    let parted = AdvisedIndex {
        partitioned: true,
        ddl: "CREATE INDEX \"parted_x\" ON \"public\".\"parted\" USING btree (\"x\")".into(),
        ..table("parted")
    };
    let bench = Bench::new(&server, "rights", vec![parted, table("gone"), table("looks"), table("other")]);
    bench.database.sql("create table parted (x int) partition by range (x); create view looks as select 1 as x; create role weak login");
    let weak = Bench { database: bench.database.as_role("weak"), report: report_file(vec![table("other")]) };
    let (code, text) = weak.apply(&[]);
    assert!(code == 6 && text.contains("other belongs to role postgres"), "{code} {text}");
    let (code, text) = bench.apply(&[]);
    assert!(code == 6 && text.contains("2 changes were refused; 2 made"), "{code} {text}");
    for why in ["parted is partitioned: first its own index alone", "table gone does not exist", "looks is not a table"] {
        assert!(text.contains(why), "{why}: {text}");
    }
    let before = bench.database.catalog();
    bench.database.sql("create table mine (x int)");
    bench.database.sql("alter table mine owner to weak; grant create on schema public to weak");
    let weak = Bench { database: bench.database.as_role("weak"), report: report_file(vec![table("mine")]) };
    let (code, text) = weak.apply(&[]);
    assert!(code == 4 && text.contains("belongs to role postgres"), "a ledger of others is not believed: {code} {text}");
    assert_eq!(bench.database.catalog(), before);
}

#[test]
fn a_definition_that_the_server_refuses_is_found_before_anything_is_built() {
    let server = Scratch::start();
    let bench =
        Bench::new(&server, "wrongdef", vec![on_t("t_r", KeySpec::expression("a + random()")), on_t("t_n", KeySpec::column("nope"))]);
    let before = bench.database.catalog();
    let (code, text) = bench.apply(&[]);
    assert!(code == 6 && text.contains("IMMUTABLE") && text.contains("does not exist"), "{code} {text}");
    assert_eq!(bench.database.catalog(), before);
}

#[test]
fn files_of_generate_are_applied_and_other_files_refused() {
    let server = Scratch::start();
    let bench = Bench::new(&server, "files", plain());
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let (code, text) = bench.run(&["generate", "--report", bench.report(), "--output", out, "--stamp", "20260101000000"]);
    assert_eq!(code, 0, "{text}");
    let (code, text) = bench.run(&["apply", out, "--yes"]);
    assert_eq!((code, bench.states()), (0, vec!["done".to_owned()]), "{text}");
    let (code, text) = bench.apply(&[]);
    assert!(code == 0 && text.contains("it was built before"), "the report means the same entry: {text}");
    let bad = folder.path().join("bad.sql");
    std::fs::write(&bad, "create index concurrently x on public.t using btree (a);\ndrop table t;").unwrap();
    let (code, text) = bench.run(&["apply", bad.to_str().unwrap(), "--yes"]);
    assert!(code == 2 && text.contains("statement 2 of") && text.contains("drop table t"), "{code} {text}");
}

#[test]
fn an_interrupted_drop_is_finished_by_the_next_run_and_undone_by_rollback() {
    let server = Scratch::start();
    for next in ["apply", "rollback"] {
        let bench = Bench::new(&server, &format!("drop_{next}"), vec![drop_of("old")]);
        bench.database.sql("create index old on t (a)");
        let before = bench.database.catalog();
        let reader = bench.database.hold("begin; select count(*) from t");
        let mut child = bench.command(&["apply", bench.report(), "--yes", "--drops"]).spawn().unwrap();
        bench.database.until("select 1 from pg_index where indexrelid = 'old'::regclass and not indisvalid");
        signal(&child, "KILL");
        child.wait().unwrap();
        bench.database.sql(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name like '%worker'",
        );
        drop(reader);
        if next == "apply" {
            let (code, text) = bench.apply(&["--drops"]);
            assert_eq!((code, bench.states()), (0, vec!["done".to_owned()]), "{text}");
            assert_eq!(bench.database.catalog().len(), before.len() - 1);
        }
        let (code, text) = bench.rollback();
        assert_eq!(code, 0, "{text}");
        assert_eq!(bench.database.catalog(), before);
        bench.is_clean();
    }
}

#[test]
fn statistics_are_left_to_psql_and_hold_nothing_up() {
    let server = Scratch::start();
    let bench = Bench::new(&server, "left", vec![]);
    let mut report = report_of(plain());
    report.recommendation.statistics = vec![scratch::statistics_advice("t", "together")];
    let folder = tempfile::tempdir().unwrap();
    let (file, migrations) = (folder.path().join("report.json"), folder.path().join("migrations"));
    std::fs::write(&file, serde_json::to_string(&report).unwrap()).unwrap();
    let (file, migrations) = (file.to_str().unwrap(), migrations.to_str().unwrap());
    let (code, text) = bench.run(&["generate", "--report", file, "--output", migrations, "--stamp", "1"]);
    assert_eq!(code, 0, "{text}");
    for (input, how) in [(file, "`advisor generate` writes the file"), (migrations, "1_02_together.up.sql")] {
        let (code, text) = bench.run(&["apply", input, "--yes"]);
        assert_eq!(code, 0, "{text}");
        let left = text.split_once("Left to psql, since apply changes indexes only:").unwrap_or_else(|| panic!("{text}")).1;
        // Lines are folded where the terminal ends.
        let words = left.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("CREATE STATISTICS \"public\".\"together\"") && words.contains(how), "{text}");
    }
    assert_eq!(
        bench.database.rows("select indexrelid::regclass from pg_index where indrelid = 't'::regclass order by 1"),
        ["t_pkey", "t_a"]
    );
    assert_eq!(bench.database.rows("select stxname from pg_statistic_ext"), [""; 0]);
}

#[test]
fn files_by_hand_may_leave_schema_and_method_out() {
    let server = Scratch::start();
    let bench = Bench::new(&server, "byhand", vec![]);
    bench.database.sql("create schema app; create table app.t (a int, b int); create index old on app.t (b); alter database byhand set search_path = app, public");
    let before = bench.database.catalog();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "create index concurrently t_a on t (a);\ndrop index concurrently old;").unwrap();
    let apply = ["apply", file.path().to_str().unwrap(), "--yes", "--drops"];
    let (code, text) = bench.run(&apply);
    assert_eq!(code, 0, "{text}");
    assert_eq!(bench.database.rows("select indexrelid::regclass from pg_index where indrelid = 'app.t'::regclass"), ["t_a"]);
    let (code, text) = bench.run(&apply);
    assert!(code == 0 && text.contains("Nothing to do."), "what was dropped is known by the ledger: {text}");
    assert_eq!(bench.rollback().0, 0);
    assert_eq!(bench.database.catalog(), before);
    for (sql, why) in [
        ("create index concurrently if not exists x on t (a)", "leave IF NOT EXISTS out"),
        ("create index x on t (a)", "without CONCURRENTLY"),
        ("create index concurrently x on nowhere (a)", "table app.nowhere does not exist"),
        ("drop index concurrently t_pkey", "DROP CONSTRAINT \"t_pkey\""),
    ] {
        std::fs::write(file.path(), sql).unwrap();
        let (code, text) = bench.run(&["apply", file.path().to_str().unwrap(), "--dry-run"]);
        assert!((code == 2 || code == 6) && text.contains(why), "{code} {text}");
    }
}

#[test]
fn rollback_shows_what_the_database_says_now() {
    let server = Scratch::start();
    let bench = Bench::new(&server, "outlook", vec![on_t("t_a", KeySpec::column("a")), on_t("t_b", KeySpec::column("b")), drop_of("old")]);
    bench.database.sql("create index old on t (a, b)");
    assert_eq!(bench.apply(&["--drops"]).0, 0);
    bench.database.sql("alter index t_a rename to mine; drop index t_b; create table old (x int)");
    let before = bench.database.catalog();
    let (code, text) = bench.run(&["rollback", "--all", "--dry-run"]);
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("t_a, now called mine DROP INDEX CONCURRENTLY \"public\".\"mine\""), "{text}");
    assert!(words.contains("t_b nothing to do: it was gone already"), "{text}");
    assert!(words.contains("old refused: old: the name is taken by a table"), "{text}");
    assert!(code == 6 && words.contains("1 change cannot be taken back as things are"), "{code} {text}");
    assert_eq!(bench.database.catalog(), before);
    bench.database.sql("drop table old");
    let (code, text) = bench.run(&["rollback", "--all", "--dry-run"]);
    assert!(code == 0 && text.contains("CREATE INDEX CONCURRENTLY \"old\""), "{code} {text}");
}
