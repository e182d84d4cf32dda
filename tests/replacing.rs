//! An index replaced by another of its name without a moment in which the table has neither, cut
//! short anywhere; and which UNIQUE indexes may be dropped. The catalog afterwards equals the one before.

mod scratch;
mod support;

use advisor::model::index_def::{IndexSpec, KeySpec, TableName};
use advisor::model::report::{Action, AdvisedIndex};
use scratch::bench::{Bench, answer, signal};
use scratch::{Scratch, create_advice};

const TABLE: &str = "create table t (id int primary key, a int, b int); insert into t select g, g % 10, g from generate_series(1, 1000) g;
create index t_a on t (a) with (fillfactor = 80); comment on index t_a is 'it''s old'; create table other (x int)";

fn on_t(columns: &[&str], name: &str) -> AdvisedIndex {
    create_advice(&IndexSpec::btree(TableName::new("public", "t"), columns.iter().map(|c| KeySpec::column(*c)).collect()), name)
}

fn drop_of(name: &str) -> AdvisedIndex {
    let ddl = format!("DROP INDEX CONCURRENTLY \"public\".\"{name}\"");
    AdvisedIndex { action: Action::Drop, ddl, id: format!("d-{name}"), ..on_t(&["a"], name) }
}

fn replace() -> Vec<AdvisedIndex> {
    vec![drop_of("t_a"), on_t(&["a", "b"], "t_a")]
}

fn definition(bench: &Bench) -> String {
    bench.database.rows("select pg_get_indexdef(to_regclass('t_a'))").concat()
}

const NEW: &str = "CREATE INDEX t_a ON public.t USING btree (a, b)";

fn goes_back(bench: &Bench, before: &[String]) {
    let (code, text) = bench.rollback();
    assert_eq!(code, 0, "{text}");
    assert_eq!(bench.database.catalog(), before, "{text}");
    bench.is_clean();
}

#[test]
fn the_new_one_is_there_before_the_old_one_goes() {
    let server = Scratch::start();
    let bench = Bench::with_tables(&server, "replaced", TABLE, replace());
    let before = bench.database.catalog();
    let (code, text) = bench.apply(&[]);
    assert!(code == 6 && text.contains("--drops replaces it"), "{code} {text}");
    assert_eq!(bench.database.catalog(), before);
    // The drop of the old one waits for a reader: both are there.
    let mut reader = bench.database.hold("begin; select count(*) from t");
    let child = bench.start(&["apply", bench.report(), "--yes", "--drops"]);
    bench.database.until(
        "select 1 from pg_stat_activity where datname = current_database() and query like 'DROP INDEX%' and wait_event_type = 'Lock'",
    );
    assert_eq!(bench.database.rows("select count(*) from pg_index where indrelid = 't'::regclass and indisready").concat(), "3");
    reader.say("commit");
    let (code, text) = answer(child.wait_with_output().unwrap());
    assert_eq!((code, definition(&bench).as_str()), (0, NEW), "{text}");
    assert_eq!(bench.database.catalog().len(), before.len());
    assert_eq!(bench.states(), ["done"; 3]);
    let (code, text) = bench.apply(&["--drops"]);
    assert!(code == 0 && text.contains("Nothing to do."), "{text}");
    let (code, text) = bench.run(&["status", "--format", "json"]);
    assert!(code == 0 && !text.contains("\"drift\": \""), "{text}");
    let (code, text) = bench.run(&["rollback", "d-t_a", "--yes"]);
    let whole = format!("advisor rollback --db '{}' {}", bench.database.address(), replace()[1].id);
    assert!(code == 2 && text.contains(&whole), "{code} {text}");
    let (code, text) = bench.run(&["rollback", &replace()[1].id, "--yes"]);
    assert_eq!((code, bench.database.catalog()), (0, before.clone()), "{text}");
    assert_eq!(bench.apply(&["--drops"]).0, 0, "and forth again");
    bench.database.sql("reindex index concurrently t_a");
    goes_back(&bench, &before);
}

/// Between the build and the drop another run takes the table's lock and takes the new index back.
#[test]
fn the_old_one_stays_when_the_new_one_is_taken_back_meanwhile() {
    let server = Scratch::start();
    let bench = Bench::with_tables(&server, "back", TABLE, replace());
    let reader = bench.database.hold("begin isolation level repeatable read; select count(*) from other");
    let child = bench.start(&["apply", bench.report(), "--yes", "--drops"]);
    bench.until_phase("waiting for old snapshots");
    // In line for the lock, as a rollback would be; it gets it when the build is done.
    let database = bench.database.clone();
    let back = std::thread::spawn(move || {
        let mut session = database.hold("select pg_advisory_lock(x'61647672'::int, 't'::regclass::oid::int)");
        std::thread::sleep(std::time::Duration::from_millis(500));
        let new = "select format('drop index %I', index_name) from advisor.ledger where motion = 'create'";
        session.say(&format!("do $$ begin execute ({new}); end $$"));
        session.say("update advisor.ledger set state = 'rolled_back' where motion = 'create'");
    });
    bench.database.until("select 1 from pg_locks where locktype = 'advisory' and not granted");
    reader.commit();
    back.join().unwrap();
    let (code, text) = answer(child.wait_with_output().unwrap());
    assert!(code == 6 && text.contains("taken back meanwhile"), "{code} {text}");
    assert_eq!(definition(&bench), "CREATE INDEX t_a ON public.t USING btree (a) WITH (fillfactor='80')", "{text}");
}

#[test]
fn a_longest_name_leaves_room_for_the_other() {
    let server = Scratch::start();
    let long = "ä".repeat(31);
    let bench = Bench::with_tables(
        &server,
        "longest",
        &format!("{TABLE}; create index \"{long}\" on t (b)"),
        vec![AdvisedIndex { id: "d-long".into(), ..drop_of(&long) }, on_t(&["b", "a"], &long)],
    );
    let before = bench.database.catalog();
    let (code, text) = bench.apply(&["--drops"]);
    assert_eq!(code, 0, "{text}");
    goes_back(&bench, &before);
}

#[test]
fn killed_in_each_phase() {
    let server = Scratch::start();
    let pins = [
        (
            "build",
            "begin isolation level repeatable read; select count(*) from other",
            "select 1 from pg_stat_progress_create_index where datname = current_database() and phase = 'waiting for old snapshots'",
        ),
        (
            "drop",
            "begin; select count(*) from t",
            "select 1 from pg_stat_activity where datname = current_database() and query like 'DROP INDEX%' and wait_event_type = 'Lock'",
        ),
    ];
    for (phase, pin, seen) in pins {
        for next in ["apply", "rollback"] {
            let bench = Bench::with_tables(&server, &format!("{phase}_{next}"), TABLE, replace());
            let before = bench.database.catalog();
            let blocker = bench.database.hold(pin);
            let mut child = bench.start(&["apply", bench.report(), "--yes", "--drops"]);
            bench.database.until(seen);
            signal(&child, "KILL");
            child.wait().unwrap();
            drop(blocker);
            if next == "apply" {
                let (code, text) = bench.apply(&["--drops"]);
                assert_eq!((code, definition(&bench).as_str()), (0, NEW), "{phase}: {text}");
                assert_eq!(bench.database.rows("select count(distinct run) from advisor.ledger"), ["1"], "one run, one rollback");
            }
            goes_back(&bench, &before);
        }
    }
}

#[test]
fn killed_at_any_point() {
    let server = Scratch::start();
    let bench = Bench::with_tables(&server, "anywhere", TABLE, replace());
    let before = bench.database.catalog();
    for point in (1..).step_by(scratch::bench::stride()) {
        for verb in ["apply", "rollback"] {
            if verb == "rollback" {
                assert_eq!(bench.apply(&["--drops"]).0, 0);
            }
            let arguments =
                if verb == "apply" { vec!["apply", bench.report(), "--yes", "--drops"] } else { vec!["rollback", "--all", "--yes"] };
            let survived = bench.command(&arguments).env("ADVISOR_KILL_AT", point.to_string()).status().unwrap().code().is_some();
            assert!(
                !bench
                    .database
                    .rows("select 1 from pg_index where indrelid = 't'::regclass and not indisprimary and indisready")
                    .is_empty()
            );
            if point % 2 == 0 {
                let (code, text) = bench.apply(&["--drops"]);
                assert_eq!((code, definition(&bench).as_str()), (0, NEW), "after a kill of {verb} at {point}: {text}");
            }
            let (code, text) = bench.rollback();
            assert_eq!((code, bench.database.catalog()), (0, before.clone()), "after a kill of {verb} at {point}: {text}");
            if verb == "apply" && survived {
                return bench.is_clean();
            }
        }
    }
}

#[test]
fn a_unique_index_goes_only_where_another_guards_the_same() {
    let server = Scratch::start();
    let tables = format!("{TABLE}; create unique index u1 on t (id, b); create unique index u2 on t (id, b) include (a); create unique index u3 on t (b) where a < 5;
        create unique index u4 on t (b, id); create table d (x int not null, unique (x) deferrable); create unique index d1 on d (x)");
    let on_d = AdvisedIndex { table: "d".into(), ..drop_of("d1") };
    let bench = Bench::with_tables(&server, "guards", &tables, vec![drop_of("u1"), drop_of("u2"), drop_of("u3"), drop_of("u4"), on_d]);
    let before = bench.database.catalog();
    let (code, text) = bench.apply(&["--drops"]);
    let left = bench.database.rows(
        "select c.relname from pg_index i join pg_class c on c.oid = i.indexrelid where indisunique and relname ~ '^[ud][0-9]' order by 1",
    );
    assert_eq!(
        (code, left.as_slice()),
        (6, ["d1", "u2", "u3", "u4"].map(str::to_owned).as_slice()),
        "one of two equal ones goes, then the other stays: {text}"
    );
    assert!(text.contains("it is UNIQUE: it guards the data"), "{text}");
    goes_back(&bench, &before);
}
