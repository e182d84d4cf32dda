//! A database of its own and a report, run by the real binary.
#![allow(dead_code, missing_docs)]

use crate::scratch::{Database, Scratch, report_of};
use advisor::model::report::AdvisedIndex;
use std::io::Write;
use std::process::{Child, Command, Output, Stdio};

pub struct Bench {
    pub database: Database,
    report: tempfile::NamedTempFile,
}

impl Bench {
    pub fn new(server: &Scratch, name: &str, tables: &str, advice: Vec<AdvisedIndex>) -> Bench {
        let database = server.database(name);
        database.sql(tables);
        let mut report = tempfile::NamedTempFile::new().unwrap();
        serde_json::to_writer(&mut report, &report_of(advice)).unwrap();
        report.flush().unwrap();
        Bench { database, report }
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_advisor"));
        command.args(arguments).args(["--db", &self.database.url()]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
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

    /// No INVALID index, no advisory lock, no backend of ours.
    pub fn is_clean(&self) {
        assert!(self.database.rows("select 1 from pg_index where not indisvalid").is_empty());
        let here = "(select oid from pg_database where datname = current_database())";
        self.database.until(&format!("select 1 where not exists (select from pg_locks where locktype = 'advisory' and database = {here})"));
        self.database.until(&format!(
            "select 1 where not exists (select from pg_stat_activity where application_name like 'advisor/%' and datid = {here})"
        ));
    }

    /// Waits until a build of this database is in this phase.
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

/// Kills at every point take minutes; here every some of them, with ADVISOR_TEST_EVERY_POINT set all.
pub fn stride() -> usize {
    if std::env::var_os("ADVISOR_TEST_EVERY_POINT").is_some() { 1 } else { 13 }
}
