//! A database with a table and a report, and the binary that applies it and takes it back.

use super::{Database, Scratch, create_advice, report_of};
use advisor::model::index_def::{IndexSpec, KeySpec, TableName};
use advisor::model::report::{Action, AdvisedIndex};
use advisor::model::text::quote_ident;
use std::io::Write;
use std::process::{Child, Command, Output, Stdio};

const PLAN: &str = "create table t (id int primary key, a int, b text); insert into t select g, g % 10, g::text from generate_series(1, 1000) g; create table other (x int)";

/// A database with table t and a report, run by the binary.
pub struct Bench {
    pub database: Database,
    pub report: tempfile::NamedTempFile,
}

impl Bench {
    pub fn new(server: &Scratch, name: &str, advice: Vec<AdvisedIndex>) -> Bench {
        Bench::with_tables(server, name, PLAN, advice)
    }

    pub fn with_tables(server: &Scratch, name: &str, tables: &str, advice: Vec<AdvisedIndex>) -> Bench {
        let database = server.database(name);
        database.sql(tables);
        Bench { database, report: report_file(advice) }
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_advisor"));
        command.args(arguments).args(["--db", &self.database.address()]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> (i32, String) {
        answer(self.command(arguments).output().unwrap())
    }

    pub fn report(&self) -> &str {
        self.report.path().to_str().unwrap()
    }

    pub fn apply(&self, more: &[&str]) -> (i32, String) {
        self.run(&[&["apply", self.report(), "--yes"], more].concat())
    }

    pub fn start_apply(&self) -> Child {
        self.start(&["apply", self.report(), "--yes"])
    }

    pub fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).spawn().unwrap()
    }

    pub fn rollback(&self) -> (i32, String) {
        self.run(&["rollback", "--all", "--yes"])
    }

    pub fn states(&self) -> Vec<String> {
        self.database.rows("select state from advisor.ledger order by run, position, id")
    }

    /// No INVALID index, no advisory lock, no backend of ours, and a second run changes nothing.
    pub fn is_clean(&self) {
        assert!(self.database.rows("select 1 from pg_index where not indisvalid").is_empty());
        let here = "(select oid from pg_database where datname = current_database())";
        self.database.until(&format!("select 1 where not exists (select from pg_locks where locktype = 'advisory' and database = {here})"));
        self.database.until(&format!(
            "select 1 where not exists (select from pg_stat_activity where application_name like 'advisor/%' and datid = {here})"
        ));
    }

    /// Waits until an entry of the ledger, which the run may still have to make, is so.
    pub fn until_recorded(&self, what: &str) {
        self.database.until("select 1 where to_regclass('advisor.ledger_event') is not null");
        self.database.until(&format!("select 1 from advisor.ledger where {what}"));
    }

    /// Waits until the worker's build of this database waits, in this phase.
    pub fn until_phase(&self, phase: &str) {
        self.database
            .until(&format!("select 1 from pg_stat_progress_create_index where datname = current_database() and phase = '{phase}'"));
    }
}

pub fn answer(output: Output) -> (i32, String) {
    let text = [output.stdout, output.stderr].iter().map(|b| String::from_utf8_lossy(b).into_owned()).collect();
    (output.status.code().unwrap_or(-1), text)
}

pub fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap().success());
}

pub fn report_file(advice: Vec<AdvisedIndex>) -> tempfile::NamedTempFile {
    let mut report = tempfile::NamedTempFile::new().unwrap();
    serde_json::to_writer(&mut report, &report_of(advice)).unwrap();
    report.flush().unwrap();
    report
}

pub fn on_t(name: &str, key: KeySpec) -> AdvisedIndex {
    create_advice(&IndexSpec::btree(TableName::new("public", "t"), vec![key]), name)
}

pub fn plain() -> Vec<AdvisedIndex> {
    vec![on_t("t_a", KeySpec::column("a"))]
}

pub fn drop_of(name: &str) -> AdvisedIndex {
    AdvisedIndex {
        action: Action::Drop,
        ddl: format!("DROP INDEX CONCURRENTLY \"public\".{}", quote_ident(name)),
        ..on_t(name, KeySpec::column("a"))
    }
}

pub fn unique() -> Vec<AdvisedIndex> {
    let spec = IndexSpec { unique: true, ..IndexSpec::btree(TableName::new("public", "t"), vec![KeySpec::column("a")]) };
    vec![create_advice(&spec, "t_u")]
}

/// Kills at every point take minutes; here every some of them, with ADVISOR_TEST_EVERY_POINT set all.
pub fn stride() -> usize {
    if std::env::var_os("ADVISOR_TEST_EVERY_POINT").is_some() { 1 } else { 13 }
}
