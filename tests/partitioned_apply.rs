//! Partitioned tables: the whole recipe by the real binary on a real server, cut short in each of its
//! phases, with partitions that come and go meanwhile; the catalog afterwards equals the one before.

mod scratch;
mod support;

use advisor::model::index_def::{IndexSpec, KeySpec, TableName};
use advisor::model::report::AdvisedIndex;
use scratch::bench::{Bench, answer, signal};
use scratch::{Scratch, create_advice};

const PARTS: &str = "
create table p (a int not null, b int) partition by range (a);
create table p1 partition of p for values from (0) to (100);
create table \"p 2\" partition of p for values from (100) to (200) partition by range (b);
create table p21 partition of \"p 2\" for values from (0) to (100);
create table p22 partition of \"p 2\" for values from (100) to (200);
create table p3 partition of p for values from (200) to (300);
insert into p select g % 300, g % 200 from generate_series(1, 3000) g;
create table other (x int)";

/// Advice for `p (b)`, under the name `p_b`.
fn on_p() -> AdvisedIndex {
    let spec = IndexSpec::btree(TableName::new("public", "p"), vec![KeySpec::column("b")]);
    AdvisedIndex { partitioned: true, ddl: spec.create_sql("p_b", false), ..create_advice(&spec, "p_b") }
}

fn parts(server: &Scratch, name: &str) -> (Bench, Vec<String>) {
    let bench = Bench::with_tables(server, name, PARTS, vec![on_p()]);
    let before = bench.database.catalog();
    (bench, before)
}

/// How many indexes hang on the parent's, all of them valid.
fn joined(bench: &Bench) -> String {
    bench
        .database
        .rows(
            "select count(*) || ' ' || bool_and(indisvalid) from pg_index where indexrelid in (select relid from pg_partition_tree('p_b'))",
        )
        .concat()
}

fn goes_back(bench: &Bench, before: &[String]) {
    let (code, text) = bench.run(&["rollback", "--last", "--yes"]);
    assert_eq!(code, 0, "{text}");
    assert_eq!(bench.database.catalog(), before, "{text}");
    assert!(bench.states().iter().all(|s| s == "rolled_back"), "{:?}", bench.states());
    let (code, text) = bench.rollback();
    assert!(code == 0 && text.contains("Nothing to roll back"), "{text}");
    bench.is_clean();
}

#[test]
fn all_levels_are_built_joined_and_go_back() {
    let server = Scratch::start();
    let (bench, before) = parts(&server, "levels");
    let (code, text) = bench.run(&["apply", bench.report(), "--dry-run"]);
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(code == 0 && words.contains("ON ONLY") && words.contains("then 4 partitions one by one"), "{text}");
    assert_eq!(bench.database.catalog(), before);
    let (code, text) = bench.apply(&[]);
    assert_eq!(code, 0, "{text}");
    // Two parents, four partitions.
    assert_eq!(joined(&bench), "6 true", "{text}");
    assert_eq!(bench.states(), ["done"; 6]);
    let (code, text) = bench.apply(&[]);
    assert!(code == 0 && text.contains("Nothing to do."), "{text}");
    let (code, text) = bench.run(&["status", "--format", "json"]);
    assert!(code == 0 && !text.contains("\"drift\": \""), "{text}");
    let leaf = bench.database.rows("select id from advisor.ledger where table_name = 'p1'").concat();
    let (code, text) = bench.run(&["rollback", &leaf, "--yes"]);
    let whole = format!("advisor rollback --db '{}' {}", bench.database.address(), on_p().id);
    assert!(code == 6 && text.contains(&whole), "an attached one does not go alone: {text}");
    goes_back(&bench, &before);
    assert_eq!(bench.apply(&[]).0, 0, "and forth again");
    let (code, text) = bench.run(&["rollback", &on_p().id, "--yes"]);
    assert_eq!((code, bench.database.catalog() == before), (0, true), "by its id all of it goes: {text}");
    bench.is_clean();
}

#[test]
fn a_rollback_between_two_partitions_is_not_undone() {
    let server = Scratch::start();
    let (bench, before) = parts(&server, "between");
    let reader = bench.database.hold("begin isolation level repeatable read; select count(*) from other");
    let child = bench.start_apply();
    bench.until_phase("waiting for old snapshots");
    let back = bench.start(&["rollback", &on_p().id, "--yes"]);
    bench.database.until(&format!("select 1 from advisor.ledger where id = '{}' and state = 'dropping'", on_p().id));
    reader.commit();
    let (code, text) = answer(child.wait_with_output().unwrap());
    assert!(code == 6 && text.contains("another run took it back meanwhile"), "{code} {text}");
    let (code, text) = answer(back.wait_with_output().unwrap());
    assert_eq!((code, bench.database.catalog() == before), (0, true), "{text}");
    bench.is_clean();
}

#[test]
fn the_files_of_generate_and_apply_mean_the_same_indexes() {
    let server = Scratch::start();
    let (bench, _) = parts(&server, "same_names");
    assert_eq!(bench.apply(&[]).0, 0);
    let applied = bench.database.catalog();
    assert_eq!(bench.rollback().0, 0);
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().to_str().unwrap();
    let (code, text) = bench.run(&["generate", "--report", bench.report(), "--output", output, "--stamp", "1"]);
    assert_eq!(code, 0, "{text}");
    let mut files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|f| f.unwrap().path()).collect();
    files.retain(|f| f.to_string_lossy().ends_with(".up.sql"));
    files.sort();
    for file in files {
        bench.database.psql_file(&file).unwrap();
    }
    assert_eq!(bench.database.catalog(), applied);
}

#[test]
fn a_file_that_names_the_partitioned_table_means_the_recipe() {
    let server = Scratch::start();
    let (bench, before) = parts(&server, "by_file");
    let file = tempfile::Builder::new().suffix(".sql").tempfile().unwrap();
    std::fs::write(file.path(), "CREATE INDEX CONCURRENTLY p_b ON public.p USING btree (b);").unwrap();
    let (code, text) = bench.run(&["apply", file.path().to_str().unwrap(), "--yes"]);
    assert_eq!((code, joined(&bench)), (0, "6 true".to_owned()), "{text}");
    goes_back(&bench, &before);
}

#[test]
fn killed_while_the_parent_waits_for_a_writer() {
    let server = Scratch::start();
    for (name, next) in [("parent_apply", "apply"), ("parent_back", "rollback")] {
        let (bench, before) = parts(&server, name);
        // Writes to the parent hold ROW EXCLUSIVE on it.
        let mut writer = bench.database.hold("begin; insert into p values (5, 5)");
        let mut child = bench.start_apply();
        bench.database.until("select 1 from pg_stat_activity where datname = current_database() and query like 'CREATE INDEX%ONLY%' and wait_event_type = 'Lock'");
        signal(&child, "KILL");
        child.wait().unwrap();
        writer.say("rollback");
        drop(writer);
        if next == "apply" {
            let (code, text) = bench.apply(&[]);
            assert_eq!((code, joined(&bench)), (0, "6 true".to_owned()), "{text}");
        }
        goes_back(&bench, &before);
    }
}

#[test]
fn killed_while_a_partition_is_built() {
    let server = Scratch::start();
    for (name, next) in [("leaf_apply", "apply"), ("leaf_back", "rollback")] {
        let (bench, before) = parts(&server, name);
        let reader = bench.database.hold("begin isolation level repeatable read; select count(*) from other");
        let mut child = bench.start_apply();
        bench.until_phase("waiting for old snapshots");
        signal(&child, "KILL");
        child.wait().unwrap();
        drop(reader);
        if next == "apply" {
            let (code, text) = bench.apply(&[]);
            assert_eq!((code, joined(&bench)), (0, "6 true".to_owned()), "{text}");
            assert_eq!(bench.database.rows("select count(distinct run) from advisor.ledger"), ["1"], "one run, one rollback");
        }
        goes_back(&bench, &before);
    }
}

/// A query of a partition holds ACCESS SHARE on its indexes, which an ATTACH waits for.
#[test]
fn killed_while_an_index_is_attached() {
    let server = Scratch::start();
    for (name, next) in [("attach_apply", "apply"), ("attach_back", "rollback")] {
        let (bench, before) = parts(&server, name);
        let mut writer = bench.database.hold("begin; lock table p3 in row exclusive mode");
        let mut child = bench.start_apply();
        // The last one's build: the others are there, none of the top's own is attached.
        bench.database.until("select 1 from pg_stat_progress_create_index where relid = 'p3'::regclass");
        let mut reader = bench.database.hold("begin; select count(*) from p1");
        writer.say("commit");
        bench.database.until(
            "select 1 from pg_stat_activity where datname = current_database() and query like 'ALTER INDEX%ATTACH%' and wait_event_type = 'Lock'",
        );
        signal(&child, "KILL");
        child.wait().unwrap();
        reader.say("commit");
        drop((reader, writer));
        if next == "apply" {
            let (code, text) = bench.apply(&[]);
            assert_eq!((code, joined(&bench)), (0, "6 true".to_owned()), "{text}");
        }
        goes_back(&bench, &before);
    }
}

/// A run ended right before and right after each of its effects, then the next one.
#[test]
fn killed_at_any_point() {
    let server = Scratch::start();
    let tables = "create table p (a int, b int) partition by range (a); create table p1 partition of p for values from (0) to (9);
        create table p2 partition of p for values from (9) to (20) partition by range (b);
        create table p21 partition of p2 for values from (0) to (9); insert into p select 1, 1";
    let bench = Bench::with_tables(&server, "anywhere", tables, vec![on_p()]);
    let before = bench.database.catalog();
    for point in (1..).step_by(scratch::bench::stride()) {
        for verb in ["apply", "rollback"] {
            if verb == "rollback" {
                assert_eq!(bench.apply(&[]).0, 0);
            }
            let arguments = if verb == "apply" { vec!["apply", bench.report(), "--yes"] } else { vec!["rollback", "--all", "--yes"] };
            let survived = bench.command(&arguments).env("ADVISOR_KILL_AT", point.to_string()).status().unwrap().code().is_some();
            if point % 2 == 0 {
                let (code, text) = bench.apply(&[]);
                assert_eq!((code, joined(&bench)), (0, "4 true".to_owned()), "after a kill of {verb} at {point}: {text}");
            }
            let (code, text) = bench.rollback();
            assert_eq!(code, 0, "after a kill of {verb} at {point}: {text}");
            assert_eq!(bench.database.catalog(), before, "after a kill of {verb} at {point}: {text}");
            if verb == "apply" && survived {
                return bench.is_clean();
            }
        }
    }
}

#[test]
fn a_reader_of_one_partition_holds_the_rollback_up_but_nobody_for_long() {
    let server = Scratch::start();
    let (bench, before) = parts(&server, "reader");
    assert_eq!(bench.apply(&[]).0, 0);
    let mut reader = bench.database.hold("begin; select count(*) from p3");
    let child = bench.command(&["rollback", "--last", "--yes"]).spawn().unwrap();
    bench.database.until(
        "select 1 from pg_stat_activity where datname = current_database() and query like 'DROP INDEX%' and wait_event_type = 'Lock'",
    );
    let since = std::time::Instant::now();
    bench
        .database
        .sql("set lock_timeout = '5s'; insert into p values (5, 5); delete from p where a = 5 and b = 5; select count(*) from p3");
    assert!(since.elapsed() < std::time::Duration::from_secs(4), "who queues behind a try waits for its end only: {:?}", since.elapsed());
    std::thread::sleep(std::time::Duration::from_millis(3500));
    reader.say("commit");
    let (code, text) = answer(child.wait_with_output().unwrap());
    assert!(code == 0 && text.contains("the lock was not had within 2 s, trying again: process"), "{code} {text}");
    assert_eq!(bench.database.catalog(), before);
    drop(reader);
    bench.is_clean();
}

#[test]
fn a_rollback_killed_while_it_waits_is_finished_by_the_next() {
    let server = Scratch::start();
    for (name, next) in [("back_back", "rollback"), ("back_apply", "apply")] {
        let (bench, before) = parts(&server, name);
        assert_eq!(bench.apply(&[]).0, 0);
        let mut reader = bench.database.hold("begin; select count(*) from p3");
        let mut child = bench.command(&["rollback", "--last", "--yes"]).spawn().unwrap();
        bench.database.until(
            "select 1 from pg_stat_activity where datname = current_database() and query like 'DROP INDEX%' and wait_event_type = 'Lock'",
        );
        signal(&child, "KILL");
        child.wait().unwrap();
        // The orphan's try ends by itself: its lock_timeout is the server's.
        bench.database.until("select 1 where not exists (select from pg_stat_activity where datname = current_database() and query like 'DROP INDEX%' and wait_event_type = 'Lock')");
        reader.say("commit");
        drop(reader);
        if next == "apply" {
            let (code, text) = bench.apply(&[]);
            assert_eq!((code, joined(&bench)), (0, "6 true".to_owned()), "what was not dropped is kept: {text}");
        }
        goes_back(&bench, &before);
    }
}

#[test]
fn what_falls_with_it_and_is_not_ours_is_named() {
    let server = Scratch::start();
    let (bench, _) = parts(&server, "strangers");
    assert_eq!(bench.apply(&[]).0, 0);
    let dry_run = || {
        let (_, text) = bench.run(&["rollback", &on_p().id, "--dry-run"]);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert!(!dry_run().contains("drops too"));
    bench.database.sql("create table p4 partition of p for values from (300) to (400)");
    bench.database.sql("create table p5 (a int not null, b int); create index mine on p5 (b)");
    bench.database.sql("alter table p attach partition p5 for values from (400) to (500)");
    let text = dry_run();
    assert!(text.contains("or somebody attached: p4_b_idx, mine"), "{text}");
}

#[test]
fn partitions_that_come_and_go_meanwhile() {
    let server = Scratch::start();
    let (bench, _) = parts(&server, "changing");
    // A write through p1 would lock p as well; this holds up only the first partition's build.
    let mut writer = bench.database.hold("begin; lock table p1 in row exclusive mode");
    let child = bench.start_apply();
    bench.until_phase("waiting for writers before build");
    bench.database.sql("create table p4 partition of p for values from (300) to (400)");
    bench.database.sql("create table p5 (a int not null, b int); insert into p5 values (450, 1)");
    bench.database.sql("alter table p attach partition p5 for values from (400) to (500)");
    bench.database.sql("alter table p detach partition p3");
    bench.database.sql("drop table p22");
    writer.say("commit");
    let (code, text) = answer(child.wait_with_output().unwrap());
    assert_eq!(code, 0, "{text}");
    assert_eq!(joined(&bench), "6 true", "p, p 2, p1, p21, p4, p5: {text}");
    assert!(bench.database.rows("select 1 from pg_index where indrelid = 'p3'::regclass").is_empty(), "{text}");
    drop(writer);
    bench.is_clean();
    let (code, text) = bench.apply(&[]);
    assert!(code == 0 && text.contains("Nothing to do."), "{text}");
    assert_eq!(bench.rollback().0, 0);
    assert_eq!(
        bench.database.rows("select indexrelid::regclass from pg_index where indrelid in (select relid from pg_partition_tree('p'))"),
        [""; 0]
    );
    bench.is_clean();
}

#[test]
fn one_detached_after_it_was_built_ends_its_entry() {
    let server = Scratch::start();
    let (bench, _) = parts(&server, "detached");
    let before = bench.database.catalog();
    // The last partition's build is held up; the first one's index is there, not attached yet.
    let mut writer = bench.database.hold("begin; lock table p3 in row exclusive mode");
    let child = bench.start_apply();
    bench.until_phase("waiting for writers before build");
    bench.database.until("select 1 from pg_index where indrelid = 'p1'::regclass and indisvalid");
    bench.database.sql("alter table p detach partition p1");
    writer.say("commit");
    let (code, text) = answer(child.wait_with_output().unwrap());
    assert!(code == 0 && text.contains("p1 left p meanwhile"), "{code} {text}");
    assert!(bench.database.rows("select 1 from pg_index where indrelid = 'p1'::regclass").is_empty());
    assert_eq!(joined(&bench), "5 true", "{text}");
    drop(writer);
    goes_back(&bench, &before);
}

#[test]
fn an_equal_index_of_a_partition_stays_its_own() {
    let server = Scratch::start();
    let bench = Bench::with_tables(&server, "own", &format!("{PARTS}; create index mine on p1 (b)"), vec![on_p()]);
    let before = bench.database.catalog();
    let (code, text) = bench.apply(&[]);
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(code == 0 && words.contains("partition p1 has an equal index of its own, mine"), "{code} {text}");
    assert_eq!(joined(&bench), "6 true", "{text}");
    goes_back(&bench, &before);
}

#[test]
fn what_cannot_be_indexed_is_refused_by_name() {
    let server = Scratch::start();
    let bench = Bench::with_tables(
        &server,
        "foreign_part",
        &format!(
            "{PARTS}; create extension file_fdw; create server files foreign data wrapper file_fdw;
          create foreign table abroad partition of p for values from (900) to (1000) server files options (filename '/dev/null')"
        ),
        vec![on_p()],
    );
    let (code, text) = bench.apply(&[]);
    assert!(code == 6 && text.contains("partition abroad is a foreign table"), "{code} {text}");
    let (bench, before) = parts(&server, "stranger");
    bench.database.sql("create index p_b on only p (a)");
    let taken = bench.database.catalog();
    let (code, text) = bench.apply(&[]);
    assert!(code == 6 && text.contains("defined otherwise"), "{code} {text}");
    assert_eq!(bench.database.catalog(), taken);
    bench.database.sql("drop index p_b; create index p_b on only p (b)");
    let (code, text) = bench.apply(&[]);
    assert!(code == 6 && text.contains("advisor did not make it"), "{code} {text}");
    bench.database.sql("drop index p_b");
    assert_eq!(bench.database.catalog(), before);
}

#[test]
fn a_failing_partition_leaves_the_rest_for_the_next_run() {
    let server = Scratch::start();
    let spec = IndexSpec { unique: true, ..IndexSpec::btree(TableName::new("public", "q"), vec![KeySpec::column("a")]) };
    let advice = AdvisedIndex { partitioned: true, ddl: spec.create_sql("q_a", false), ..create_advice(&spec, "q_a") };
    let tables = "create table q (a int) partition by list (a); create table q1 partition of q for values in (1);
        create table q2 partition of q for values in (2); insert into q values (1), (2), (2)";
    let bench = Bench::with_tables(&server, "dup_part", tables, vec![advice]);
    let before = bench.database.catalog();
    let (code, text) = bench.apply(&[]);
    assert!(code == 6 && text.contains("is duplicated") && text.contains("takes back what was built"), "{code} {text}");
    goes_back(&bench, &before);
    bench.apply(&[]);
    bench.database.sql("delete from q where ctid = '(0,2)' and a = 2");
    let (code, text) = bench.apply(&[]);
    assert_eq!(code, 0, "{text}");
    assert!(!bench.database.rows("select 1 from pg_index where indexrelid = 'q_a'::regclass and indisvalid").is_empty());
    goes_back(&bench, &before);
}

#[test]
fn the_files_of_generate_are_one_change() {
    let server = Scratch::start();
    let (bench, before) = parts(&server, "part_files");
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let (code, text) = bench.run(&["generate", "--report", bench.report(), "--output", out, "--stamp", "1"]);
    assert_eq!(code, 0, "{text}");
    let (code, text) = bench.run(&["apply", out, "--yes"]);
    assert_eq!((code, joined(&bench)), (0, "6 true".to_owned()), "{text}");
    let (code, text) = bench.apply(&[]);
    assert!(code == 0 && text.contains("Nothing to do."), "the report means the same entry: {text}");
    let (code, text) = bench.run(&["status"]);
    assert!(code == 0 && text.matches("    part    create  done").count() == 5, "{text}");
    goes_back(&bench, &before);

    let mut files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|f| f.unwrap().path()).collect();
    files.retain(|f| f.to_string_lossy().ends_with(".up.sql"));
    files.sort();
    let attach = files.iter().find(|f| f.to_string_lossy().contains("attach_")).unwrap();
    std::fs::write(attach, std::fs::read_to_string(attach).unwrap() + "drop table other;\n").unwrap();
    let (code, text) = bench.run(&["apply", out, "--yes"]);
    assert!(code == 2 && text.contains("are not all as generate wrote them") && text.contains("advisor apply REPORT"), "{code} {text}");
    let (code, text) = bench.run(&["apply", attach.to_str().unwrap(), "--yes"]);
    assert!(code == 2 && text.contains("give all files of generate"), "{code} {text}");
    assert_eq!(bench.database.catalog(), before);
}

#[test]
fn room_is_asked_for_all_partitions_together() {
    let server = Scratch::start();
    let (bench, before) = parts(&server, "part_room");
    bench.database.sql("create table p9 partition of p for values from (900) to (1000); analyze p");
    let size = |more: &[&str]| {
        let (_, text) = bench.run(&[&["apply", bench.report(), "--dry-run", "--format", "json"], more].concat());
        let end = text.rfind('}').unwrap();
        let plan: serde_json::Value = serde_json::from_str(&text[..=end]).unwrap_or_else(|e| panic!("{e}: {text}"));
        (plan["changes"][0]["size_bytes"].as_f64().unwrap(), plan["changes"][0]["verdict"].as_str().unwrap().to_owned())
    };
    let (all, verdict) = size(&[]);
    assert!(all > 4.0 * 8192.0 && verdict == "makes", "an empty partition's index is known to be small: {all}");
    assert_eq!(size(&["--free-bytes", &format!("{}B", (0.7 * all) as u64)]).1, "refused");
    assert_eq!(size(&["--free-bytes", &format!("{}B", (3.0 * all) as u64)]).1, "makes");
    let (code, text) = bench.apply(&["--free-bytes", "9kB"]);
    assert!(code == 6 && text.contains("it does not fit"), "{code} {text}");
    assert_eq!(bench.database.catalog(), before);
}
