//! Proof after the build and `verify`, by the real binary on a real server: what the counters say of a good, a useless and a
//! harmful index, and when one is taken back.

mod scratch;
mod support;

use advisor::model::index_def::{IndexSpec, KeySpec, TableName};
use advisor::model::query::QuerySource;
use advisor::model::report::{AdvisedIndex, Report, ReportQuery, ServedQuery};
use advisor::read::sql::normalize::normalize;
use scratch::{Database, Scratch, create_advice, report_of};
use serde_json::Value;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::RwLock;

/// Forgetting all counters forgets those of the other tests' databases too.
static COUNTERS: RwLock<()> = RwLock::new(());

const BY_A: &str = "select count(*), max(b) from t where a = 1";
/// A verdict at once: tests do not wait for days.
const AT_ONCE: [&str; 4] = ["--min-window", "1s", "--max-window", "2s"];

struct Bench {
    database: Database,
    report: tempfile::NamedTempFile,
}

impl Bench {
    /// Table t with 20,000 rows, and a report of one index for these queries.
    fn new(server: &Scratch, name: &str, spec: &IndexSpec, queries: &[&str]) -> Bench {
        let database = server.database(name);
        database.sql("create extension pg_stat_statements");
        database.sql("create table t (id int primary key, a int, b text)");
        database.sql("insert into t select g, g % 1000, repeat('x', 60) from generate_series(1, 20000) g");
        database.sql("vacuum analyze t");
        let mut report = tempfile::NamedTempFile::new().unwrap();
        serde_json::to_writer(&mut report, &report_for(create_advice(spec, "new_index"), queries)).unwrap();
        report.flush().unwrap();
        Bench { database, report }
    }

    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_advisor"));
        command.args(arguments).args(["--db", &self.database.url()]).stdin(Stdio::null());
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
    }

    fn apply(&self, more: &[&str]) -> (i32, String, String) {
        self.run(&[&["apply", self.report.path().to_str().unwrap(), "--yes"], more].concat())
    }

    /// Exit code and the only entry.
    fn verify(&self, more: &[&str]) -> (i32, Value) {
        let (code, out, error) = self.run(&[&["verify", "--format", "json"], more].concat());
        let json: Value = serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {out}{error}"));
        (code, json["entries"][0].clone())
    }

    fn times(&self, count: usize, sql: &str) {
        let each: String = std::iter::repeat_n(format!("{sql};\n"), count).collect();
        let mut held = self.database.hold("select 1");
        held.say(&each);
    }

    /// A load on both sides of `apply`.
    fn around_apply(&self, load: &[(usize, &str)]) {
        load.iter().for_each(|(count, sql)| self.times(*count, sql));
        let (code, out, error) = self.apply(&[]);
        assert_eq!(code, 0, "{out}{error}");
        load.iter().for_each(|(count, sql)| self.times(*count, sql));
        std::thread::sleep(std::time::Duration::from_millis(2100));
    }

    fn has_index(&self) -> bool {
        !self.database.rows("select 1 from pg_class where relname = 'new_index'").is_empty()
    }
}

fn report_for(mut advice: AdvisedIndex, queries: &[&str]) -> Report {
    let fingerprint = |sql: &&str| normalize(sql).fingerprint;
    advice.queries = queries.iter().map(|q| ServedQuery { fingerprint: fingerprint(q), ..ServedQuery::default() }).collect();
    let query = |sql: &&str| ReportQuery {
        fingerprint: fingerprint(sql),
        text: normalize(sql).text,
        source: QuerySource::PgStatStatements,
        calls: None,
        total_ms: None,
        mean_ms: None,
        rows: None,
    };
    Report { queries: queries.iter().map(query).collect(), ..report_of(vec![advice]) }
}

fn on(keys: &[&str]) -> IndexSpec {
    IndexSpec::btree(TableName::new("public", "t"), keys.iter().map(|k| KeySpec::column(*k)).collect())
}

#[test]
fn a_good_index_is_better_and_is_never_taken_back() {
    let _counters = COUNTERS.read().unwrap();
    let bench = Bench::new(&Scratch::start(), "good", &on(&["a"]), &[BY_A]);
    bench.around_apply(&[(40, BY_A)]);
    let (code, early) = bench.verify(&[]);
    assert_eq!((code, early["finding"].as_str()), (0, Some("undecided")), "{early}");
    assert!(early["missing"].to_string().contains("more of load") && early["ask_again_at"].is_string(), "{early}");
    let (code, few) = bench.verify(&[&AT_ONCE[..2], &["--min-calls", "50"]].concat());
    assert_eq!((code, few["finding"].as_str()), (0, Some("undecided")), "{few}");
    assert!(few["missing"].to_string().contains("40 calls before the change, 50 are wanted"), "{few}");
    let (code, judged) = bench.verify(&[&AT_ONCE[..], &["--auto-revert", "--yes"]].concat());
    assert_eq!((code, judged["finding"].as_str(), judged["revert"].as_str()), (0, Some("better"), Some("no")), "{judged}");
    assert!(judged["reads"]["blocks"].as_f64().unwrap() < 0.5 && judged["index_scans"].as_f64().unwrap() >= 40.0, "{judged}");
    assert!(bench.has_index());
}

#[test]
fn a_useless_index_is_named_and_taken_back_only_after_its_window() {
    let _counters = COUNTERS.read().unwrap();
    // Its column is no use for the query.
    let bench = Bench::new(&Scratch::start(), "useless", &on(&["b", "a"]), &[BY_A.replace("a = 1", "id = 1").as_str()]);
    let catalog = bench.database.catalog();
    bench.times(40, "select count(*), max(b) from t where id = 1");
    let (code, out, error) = bench.apply(&[]);
    assert_eq!(code, 0, "not being used is no failure: {out}{error}");
    assert!(out.contains("does not use it: ") && out.contains("the planner takes Index Scan using t_pkey"), "{out}");
    let open = ["--min-window", "1s", "--auto-revert", "--yes"];
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let (code, judged) = bench.verify(&open);
    assert_eq!((code, judged["finding"].as_str(), bench.has_index()), (0, Some("undecided"), true), "its query has not run: {judged}");
    bench.times(40, "select count(*), max(b) from t where id = 1");
    let (code, judged) = bench.verify(&["--min-window", "1s"]);
    assert_eq!((code, judged["finding"].as_str(), bench.has_index()), (1, Some("unused"), true), "{judged}");
    let (code, judged) = bench.verify(&open);
    assert_eq!((code, judged["reverted"].as_bool(), bench.has_index()), (0, Some(true), false), "{judged}");
    assert_eq!(bench.database.catalog(), catalog);
    assert_eq!(bench.database.rows("select state from advisor.ledger"), ["rolled_back"]);
}

#[test]
fn an_index_that_makes_writes_slow_is_worse_but_stays_where_others_use_it() {
    let _counters = COUNTERS.read().unwrap();
    let spec = IndexSpec::btree(TableName::new("public", "t"), vec![KeySpec::expression("slow(b)")]);
    let read = "select count(*) from t";
    let bench = Bench::new(&Scratch::start(), "slow_writes", &spec, &[read]);
    bench.database.sql("truncate t");
    bench.database.sql("insert into t select g, 1, 'x' from generate_series(1, 100) g");
    bench.database.sql(
        "create function slow(text) returns text language sql immutable as $$ select max(md5($1 || g)) from generate_series(1, 1000) g $$",
    );
    let write = "insert into t select max(id) + 1, 1, 'x' from t";
    bench.times(40, read);
    bench.times(1, "insert into t select g, 1, 'x' from generate_series(300, 1300) g");
    bench.around_apply(&[(120, write)]);
    bench.times(40, read);
    bench.times(1, "select count(*) from t where slow(b) = 'none'");
    let (code, judged) = bench.verify(&[&AT_ONCE[..], &["--auto-revert", "--yes"]].concat());
    assert_eq!((code, judged["finding"].as_str(), bench.has_index()), (1, Some("worse"), true), "{judged}");
    assert!(judged["writes"]["time"].as_f64().unwrap() > 1.2, "{judged}");
    assert!(judged["revert"]["yes"].is_null(), "another query has come to use it: {judged}");
}

#[test]
fn counters_that_were_reset_decide_nothing() {
    let _counters = COUNTERS.write().unwrap();
    let bench = Bench::new(&Scratch::start(), "reset", &on(&["a"]), &[BY_A]);
    bench.around_apply(&[(40, BY_A)]);
    bench.database.sql("select pg_stat_statements_reset(0, (select oid from pg_database where datname = current_database()), 0)");
    let (code, judged) = bench.verify(&AT_ONCE);
    assert_eq!((code, judged["finding"].as_str()), (0, Some("undecided")), "{judged}");
    assert!(judged["missing"].to_string().contains("forgot it in between"), "{judged}");
    bench.database.sql("select pg_stat_statements_reset()");
    bench.times(40, BY_A);
    let (code, judged) = bench.verify(&[&AT_ONCE[..], &["--auto-revert", "--yes"]].concat());
    assert_eq!((code, judged["finding"].as_str(), bench.has_index()), (0, Some("undecided"), true), "{judged}");
    assert!(judged["reasons"].to_string().contains("pg_stat_statements was reset at"), "{judged}");
}

#[test]
fn queries_come_from_a_report_also_for_migration_files() {
    let _counters = COUNTERS.read().unwrap();
    let bench = Bench::new(&Scratch::start(), "lent", &on(&["a"]), &[BY_A]);
    let folder = tempfile::tempdir().unwrap();
    let (folder, report) = (folder.path().to_str().unwrap(), bench.report.path().to_str().unwrap());
    let (code, out, error) = bench.run(&["generate", "--report", report, "--output", folder]);
    assert_eq!(code, 0, "{out}{error}");
    let (code, out, error) = bench.run(&["apply", folder, "--report", report, "--yes"]);
    assert!(code == 0 && out.contains("its query uses it"), "{out}{error}");
    let (_, judged) = bench.verify(&["--since", "2020-01-01"]);
    assert_eq!((judged["plans"][0]["target"].as_bool(), judged["plans"][0]["uses"].as_bool()), (Some(true), Some(true)), "{judged}");
    let (code, out, _) = bench.run(&["verify", "--since", "2999-01-01"]);
    assert!(code == 0 && out.contains("Nothing to verify"), "{out}");
    assert_eq!(bench.run(&["verify", "--since", "yesterday"]).0, 2);
    assert_eq!(bench.run(&["verify", "nope"]).0, 2);
}

#[test]
fn a_sound_index_stays_and_a_damaged_one_goes_at_once() {
    let _counters = COUNTERS.read().unwrap();
    let bench = Bench::new(&Scratch::start(), "amcheck", &on(&["a"]), &[BY_A]);
    let (code, out, _) = bench.apply(&["--amcheck"]);
    assert!(code == 0 && out.contains("not checked: extension amcheck is not in this database"), "{out}");
    bench.run(&["rollback", "--all", "--yes"]);
    bench.database.sql("create schema ext; create extension amcheck schema ext");
    let (code, out, _) = bench.apply(&["--amcheck"]);
    assert!(code == 0 && out.contains("amcheck: sound"), "{out}");
    bench.run(&["rollback", "--all", "--yes"]);
    // What the extension says of a broken one, without breaking one.
    bench.database.sql(
        "create or replace function ext.bt_index_check(index regclass, heapallindexed boolean) returns void language plpgsql as \
         $$ begin raise exception 'item order invariant violated' using errcode = 'XX002'; end $$",
    );
    let (code, out, error) = bench.apply(&["--amcheck"]);
    assert!(code == 5 && error.contains("item order invariant violated"), "{out}{error}");
    assert!(!bench.has_index());
    assert_eq!(bench.database.rows("select state from advisor.ledger"), ["rolled_back"]);
}
