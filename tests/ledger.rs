//! The ledger's place, where changes come from, `rollback --to`, and what `status` shows: by the real binary on a real server.

mod scratch;
mod support;

use advisor::flow::generate::{WriteOptions, write_files};
use advisor::model::index_def::{IndexSpec, KeySpec, TableName};
use advisor::model::report::AdvisedIndex;
use scratch::{Database, Scratch, create_advice, report_of};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

const TABLE: &str =
    "create table t (id int primary key, a int, b text, c int); insert into t select g, g % 10, g, g from generate_series(1, 1000) g";

/// A database, a state folder of its own, and the binary with both.
struct Bench {
    database: Database,
    state: tempfile::TempDir,
}

impl Bench {
    fn new(server: &Scratch, name: &str) -> Bench {
        let database = server.database(name);
        database.sql(TABLE);
        Bench { database, state: tempfile::tempdir().unwrap() }
    }

    /// As a role that owns the table and may make no schema.
    fn poor(server: &Scratch, name: &str) -> Bench {
        let bench = Bench::new(server, name);
        let db = &bench.database;
        db.sql(&format!("create role {name}_app login; grant create on schema public to {name}_app; alter table t owner to {name}_app"));
        Bench { database: db.as_role(&format!("{name}_app")), state: bench.state }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_advisor"));
        command.args(arguments).args(["--db", &self.database.url()]).env("XDG_STATE_HOME", self.state.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, arguments: &[&str]) -> (i32, String) {
        answer(self.command(arguments).output().unwrap())
    }

    fn apply(&self, input: &Path, more: &[&str]) -> (i32, String) {
        self.run(&[&["apply", input.to_str().unwrap(), "--yes"], more].concat())
    }

    fn status(&self, more: &[&str]) -> serde_json::Value {
        let output = self.command(&[&["status", "--format", "json"], more].concat()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The state of every entry.
    fn states(&self) -> Vec<String> {
        let status = self.status(&[]);
        status["entries"].as_array().unwrap().iter().map(|e| e["state"].as_str().unwrap().to_owned()).collect()
    }

    fn files(&self) -> Vec<PathBuf> {
        let read = std::fs::read_dir(self.state.path().join("advisor"));
        let mut files: Vec<PathBuf> = read.map(|r| r.map(|e| e.unwrap().path()).collect()).unwrap_or_default();
        files.retain(|path| path.extension().is_some_and(|e| e == "json"));
        files
    }

    /// A report or migration file beside the state.
    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.state.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn report(&self, name: &str, advice: Vec<AdvisedIndex>) -> PathBuf {
        self.write(name, &serde_json::to_string(&report_of(advice)).unwrap())
    }
}

fn answer(output: Output) -> (i32, String) {
    let text = [output.stdout, output.stderr].iter().map(|b| String::from_utf8_lossy(b).into_owned()).collect();
    (output.status.code().unwrap_or(-1), text)
}

/// Folded lines as one.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn on_t(name: &str, column: &str) -> AdvisedIndex {
    create_advice(&IndexSpec::btree(TableName::new("public", "t"), vec![KeySpec::column(column)]), name)
}

#[test]
fn without_the_right_to_make_a_schema_the_ledger_is_a_file_and_the_index_is_marked() {
    let server = Scratch::start();
    let bench = Bench::poor(&server, "poor");
    let before = bench.database.catalog();
    let report = bench.report("r.json", vec![on_t("t_a", "a"), on_t("t_b", "b")]);
    let (code, text) = bench.apply(&report, &["--dry-run"]);
    assert!(
        code == 0 && text.split_whitespace().collect::<Vec<_>>().join(" ").contains("ledger file ") && bench.files().is_empty(),
        "{text}"
    );
    let (code, text) = bench.apply(&report, &[]);
    assert_eq!(code, 0, "{text}");
    assert_eq!(bench.files().len(), 1);
    assert!(bench.database.rows("select 1 from pg_namespace where nspname = 'advisor'").is_empty());
    let mark = format!("advisor:{}", on_t("t_a", "a").id);
    assert_eq!(bench.database.rows("select obj_description('t_a'::regclass, 'pg_class')"), [mark]);
    let (code, text) = bench.apply(&report, &[]);
    assert!(code == 0 && text.contains("Nothing to do."), "{text}");
    assert_eq!(bench.states(), ["done", "done"]);
    assert!(bench.status(&[])["ledger"]["file"].as_str().unwrap().starts_with(bench.state.path().to_str().unwrap()));

    // Another machine, without the file: nothing of it is dropped, and it says why.
    let elsewhere = Bench { database: bench.database.clone(), state: tempfile::tempdir().unwrap() };
    let (code, text) = elsewhere.apply(&report, &[]);
    assert!(code == 0 && flat(&text).contains("recorded in a ledger file of another machine"), "{text}");
    assert!(elsewhere.run(&["rollback", "--all", "--yes"]).1.contains("Nothing to roll back"));

    // Once the schema could be made, the file that is there stays the ledger.
    let admin = bench.database.as_role("postgres");
    admin.sql("grant create on database poor to poor_app");
    let (code, text) = bench.run(&["rollback", "--all", "--yes"]);
    assert!(code == 0 && text.contains("the ledger in file "), "{text}");
    assert_eq!((bench.database.catalog(), bench.states()), (before, vec!["rolled_back".to_owned(); 2]));

    // A ledger of strangers is not read, and does not hide the file.
    admin.sql("create schema advisor; create table advisor.ledger (x int); create table advisor.ledger_event (x int)");
    assert_eq!(bench.states(), ["rolled_back"; 2]);
    let (code, text) = elsewhere.run(&["status"]);
    assert!(code == 4 && text.contains("belongs to role postgres") && text.contains("--ledger FILE"), "{code} {text}");
}

#[test]
fn a_file_ledger_survives_a_kill_and_runs_at_once() {
    let server = Scratch::start();
    let bench = Bench::poor(&server, "poorkill");
    let before = bench.database.catalog();
    let report = bench.report("r.json", vec![on_t("t_a", "a"), on_t("t_b", "b")]);
    let start = || bench.command(&["apply", report.to_str().unwrap(), "--yes"]).spawn().unwrap();
    let reader = bench.database.hold("begin isolation level repeatable read; select 1");
    let mut child = start();
    bench.database.until("select 1 from pg_index where indisready and not indisvalid");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(bench.states(), ["building"]);
    let orphan = bench.database.rows("select oid from pg_class where relname = 't_a'");
    let runs: Vec<Child> = (0..3).map(|_| start()).collect();
    drop(reader);
    for run in runs {
        let (code, text) = answer(run.wait_with_output().unwrap());
        assert_eq!(code, 0, "{text}");
    }
    assert_eq!(bench.states(), ["done", "done"]);
    assert_eq!(bench.database.rows("select oid from pg_class where relname = 't_a'"), orphan, "the orphan was waited for");
    assert_eq!(bench.status(&[])["entries"][1]["attempts"], 1, "one of three built the other");
    assert_eq!(bench.run(&["rollback", "--all", "--yes"]).0, 0);
    assert_eq!(bench.database.catalog(), before);
}

#[test]
fn a_file_that_was_named_is_used_and_one_of_another_database_refused() {
    let server = Scratch::start();
    let (bench, other) = (Bench::new(&server, "named"), Bench::new(&server, "othernamed"));
    let report = bench.report("r.json", vec![on_t("t_a", "a")]);
    let file = bench.state.path().join("mine.json");
    let named = ["--ledger", file.to_str().unwrap()];
    let (code, text) = bench.apply(&report, &named);
    assert!(code == 0 && file.exists() && text.contains("mine.json"), "{text}");
    let way_back = text.lines().find(|l| l.starts_with("advisor rollback --db ")).unwrap_or_else(|| panic!("{text}"));
    assert!(way_back.ends_with(&format!("--ledger {} --last takes this run back.", file.display())), "{way_back}");
    let (code, text) = bench.apply(&report, &named);
    assert!(code == 0 && !text.contains("takes this run back"), "nothing was changed: {text}");
    for verb in [&["status"][..], &["rollback", "--all", "--yes"], &["verify"]] {
        let (code, text) = bench.run(&[verb, &["--ledger", "/nowhere/typo.json"]].concat());
        assert!(code == 2 && text.contains("there is no ledger file /nowhere/typo.json"), "{code} {text}");
    }
    assert!(bench.database.rows("select 1 from pg_namespace where nspname = 'advisor'").is_empty());
    let (code, text) = other.apply(&report, &named);
    assert!(code == 4 && text.contains("it is of database named") && text.contains("--ledger FILE"), "{code} {text}");
    assert_eq!(other.database.rows("select 1 from pg_class where relname = 't_a'").len(), 0);
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, &whole[..100]).unwrap();
    let (code, text) = bench.run(&[&["rollback", "--all", "--yes"][..], &named].concat());
    assert!(code == 4 && text.contains("not readable"), "{code} {text}");
    assert_eq!(std::fs::read(&file).unwrap(), &whole[..100], "it is left as it is");
    std::fs::write(&file, &whole).unwrap();
    assert_eq!(bench.run(&[&["rollback", "--all", "--yes"][..], &named].concat()).0, 0);
    assert!(bench.database.rows("select 1 from pg_class where relname = 't_a'").is_empty());
}

#[test]
fn entries_of_another_cluster_are_refused() {
    let server = Scratch::start();
    let bench = Bench::new(&server, "dumped");
    let report = bench.report("r.json", vec![on_t("t_a", "a")]);
    assert_eq!(bench.apply(&report, &[]).0, 0);
    let here = "system = (select system_identifier from pg_control_system())";
    assert_eq!(bench.database.rows(&format!("select count(*) from advisor.ledger where {here}")), ["1"]);
    bench.database.sql("update advisor.ledger set system = 12345");
    let before = bench.database.catalog();
    for arguments in [vec!["rollback", "--all", "--yes"], vec!["apply", report.to_str().unwrap(), "--yes"]] {
        let (code, text) = bench.run(&arguments);
        assert!(code == 6 && text.contains("written in another cluster (12345") && text.contains("DROP SCHEMA advisor"), "{code} {text}");
    }
    assert!(bench.run(&["status"]).1.contains("written in another cluster"));
    assert_eq!(bench.database.catalog(), before);
    bench.database.sql(&format!("update advisor.ledger set {here}"));
    assert_eq!(bench.run(&["rollback", "--all", "--yes"]).0, 0);
}

#[test]
fn four_first_runs_at_once_make_one_ledger() {
    let server = Scratch::start();
    let bench = Bench::new(&server, "race");
    let inputs: Vec<PathBuf> = ["a", "b", "c", "id"].iter().map(|c| bench.report(c, vec![on_t(&format!("t_x{c}"), c)])).collect();
    let runs: Vec<Child> = inputs.iter().map(|i| bench.command(&["apply", i.to_str().unwrap(), "--yes"]).spawn().unwrap()).collect();
    for run in runs {
        let (code, text) = answer(run.wait_with_output().unwrap());
        assert_eq!(code, 0, "{text}");
    }
    assert_eq!(bench.database.rows("select count(*) from advisor.ledger where state = 'done' and attempt = 1"), ["4"]);
}

#[test]
fn generated_files_carry_a_checksum_and_an_edit_is_told_or_refused() {
    let server = Scratch::start();
    let bench = Bench::new(&server, "files");
    let folder = bench.state.path().join("migrations");
    let how = WriteOptions {
        folder: folder.clone(),
        format: "plain".into(),
        after_apply: false,
        only: vec![],
        stamp: "20260101000000".into(),
        members: Default::default(),
    };
    let files = write_files(&report_of(vec![on_t("t_a", "a")]), &how).unwrap();
    let generated = std::fs::read_to_string(&files[0]).unwrap();
    let (code, text) = bench.apply(&folder, &["--dry-run"]);
    assert!(code == 0 && !text.contains("edited"), "{text}");
    let edited = generated.replace("(\"a\")", "(\"b\")");
    std::fs::write(&files[0], &edited).unwrap();
    let (code, text) = bench.apply(&folder, &["--dry-run"]);
    assert!(code == 0 && flat(&text).contains("was edited since it was generated"), "{text}");

    std::fs::write(&files[0], &generated).unwrap();
    assert_eq!(bench.apply(&folder, &[]).0, 0);
    let name = files[0].file_name().unwrap().to_str().unwrap();
    let recorded = bench.database.rows("select source ->> 'file' || ' ' || (source ->> 'checksum') from advisor.ledger");
    let checksum = generated.lines().find_map(|l| l.strip_prefix("-- Checksum ")).unwrap().split(' ').next().unwrap();
    assert_eq!(recorded, [format!("{name} {checksum}")]);
    std::fs::write(&files[0], &edited).unwrap();
    let before = bench.database.catalog();
    let (code, text) = bench.apply(&folder, &[]);
    assert!(code == 6 && text.contains("was applied as another statement") && text.contains("advisor rollback "), "{code} {text}");
    assert_eq!(bench.database.catalog(), before);

    // The same statement in a file that says more is a note, and nothing to do.
    std::fs::write(&files[0], format!("{generated}CREATE INDEX CONCURRENTLY t_c ON public.t USING btree (c);\n")).unwrap();
    let (code, text) = bench.apply(&folder, &["--dry-run"]);
    assert!(code == 0 && flat(&text).contains("differs from what was applied as") && text.contains("t_c"), "{code} {text}");
    // Taken back, the id is free for the new statement.
    assert_eq!(bench.run(&["rollback", "--all", "--yes"]).0, 0);
    std::fs::write(&files[0], &edited).unwrap();
    assert_eq!(bench.apply(&folder, &[]).0, 0);
    assert!(bench.database.rows("select pg_get_indexdef('t_a'::regclass)")[0].ends_with("(b)"));
}

#[test]
fn files_written_by_hand_need_no_header_and_hold_only_index_statements() {
    let server = Scratch::start();
    let bench = Bench::new(&server, "hand");
    let good = bench.write("hand.sql", "-- mine\ncreate index concurrently t_a on public.t using btree (a);\n");
    let (code, text) = bench.apply(&good, &[]);
    assert!(code == 0 && !text.contains("edited"), "{text}");
    assert_eq!(bench.database.rows("select source ->> 'file' from advisor.ledger"), ["hand.sql"]);
    for (bad, line) in [
        ("create index concurrently t_b on public.t using btree (b);\n\ncreate index t_c on public.t using btree (c);", 3),
        ("-- a\nalter table t add d int;", 2),
    ] {
        let bad = bench.write("bad.sql", bad);
        let (code, text) = bench.apply(&bad, &[]);
        assert!(code == 2 && text.contains(&format!("(line {line})")), "{code} {text}");
    }
    assert_eq!(bench.states(), ["done"]);
}

#[test]
fn rollback_to_keeps_what_came_before() {
    let server = Scratch::start();
    let bench = Bench::new(&server, "to");
    let advice = [on_t("t_a", "a"), on_t("t_b", "b"), on_t("t_c", "c")];
    let ids: Vec<String> = advice.iter().map(|a| a.id.clone()).collect();
    let one = bench.report("1.json", advice[..2].to_vec());
    let two = bench.report("2.json", advice[2..].to_vec());
    assert_eq!(bench.apply(&one, &[]).0, 0);
    // Runs are ordered by their second.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert_eq!(bench.apply(&two, &[]).0, 0);
    let (code, text) = bench.run(&["rollback", "--to", &ids[0], "--dry-run"]);
    assert!(code == 0 && text.find("t_c") < text.find("t_b") && text.contains("t_c") && !text.contains("t_a"), "{text}");
    assert_eq!(bench.states(), ["done"; 3]);
    let run = bench.status(&[])["entries"][0]["run"].as_str().unwrap().to_owned();
    let (code, text) = bench.run(&["rollback", "--to", &run, "--yes"]);
    assert!(code == 0 && !text.contains("t_b"), "{text}");
    assert_eq!(bench.states(), ["done", "done", "rolled_back"]);
    assert_eq!(bench.run(&["rollback", "--to", &ids[0], "--yes"]).0, 0);
    assert_eq!(bench.states(), ["done", "rolled_back", "rolled_back"]);
    let (code, text) = bench.run(&["rollback", "--to", "nope", "--yes"]);
    assert!(code == 2 && text.contains("no entry nope"), "{code} {text}");
    assert!(bench.run(&["rollback", "--to", &ids[0], "--yes"]).1.contains("Nothing to roll back"));
}

#[test]
fn status_names_locks_blockers_leftovers_and_renamed_indexes() {
    let server = Scratch::start();
    let bench = Bench::new(&server, "shown");
    let db = &bench.database;
    let report = bench.report("r.json", vec![on_t("t_a", "a")]);
    let reader = db.hold("set application_name = 'etl'; begin isolation level repeatable read; select 1");
    let child = bench.command(&["apply", report.to_str().unwrap(), "--yes"]).spawn().unwrap();
    db.until("select 1 from pg_stat_progress_create_index where datname = current_database() and phase = 'waiting for old snapshots'");
    let status = bench.status(&[]);
    let (running, lock) = (&status["running"][0], &status["locks"][0]);
    assert!(running["ours"] == true && running["table"] == "t" && running["blockers"][0]["application"] == "etl", "{status}");
    assert!(running["seconds"].as_f64().unwrap() >= 0.0 && lock["table"] == "t" && lock["dead"] == false, "{status}");
    let (_, text) = bench.run(&["status"]);
    assert!(text.contains("Locks held by advisors\n  t: process ") && text.contains("waits for process"), "{text}");
    drop(reader);
    assert_eq!(answer(child.wait_with_output().unwrap()).0, 0);

    db.sql("alter index t_a rename to t_z; create unique index u_t_b on t (b); create index t_c_ccnew on t (c); create index t_c on t (c)");
    db.sql("update pg_index set indisvalid = false where indexrelid in ('u_t_b'::regclass, 't_c_ccnew'::regclass)");
    let status = bench.status(&[]);
    assert_eq!(status["entries"][0]["drift"], "renamed: it is t_z on t now", "{status}");
    let left: Vec<(&str, bool, bool)> = status["invalid"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| (l["index"].as_str().unwrap(), l["refuses_writes"] == true, l["of_reindex"] == true))
        .collect();
    assert_eq!(left, [("u_t_b", true, false), ("t_c_ccnew", false, true)]);
    assert!(status["locks"].as_array().unwrap().is_empty() && status["running"].as_array().unwrap().is_empty());
    let (_, text) = answer(bench.command(&["status"]).env("COLUMNS", "80").output().unwrap());
    assert!(
        flat(&text).contains("UNIQUE, it REFUSES WRITES of duplicates") && flat(&text).contains("REINDEX CONCURRENTLY left it"),
        "{text}"
    );
    assert!(text.find("u_t_b") < text.find("Run ") && text.find("Run ") < text.find("t_c_ccnew"), "what hurts comes first: {text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}
