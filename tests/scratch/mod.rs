//! Databases of the shared server, and what the tests of generate and apply ask of them through psql.
#![allow(dead_code, missing_docs)]

pub mod bench;

use crate::support::{Shared, server};
use advisor::model::index_def::{IndexSpec, TableName};
use advisor::model::report::{Action, AdvisedIndex, AdvisedStatistics, Report};
use advisor::model::statistics_ddl::CreateStatistics;
use advisor::model::step::Member;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Every index outside schema `advisor`, all that "equal catalogs" means, one text per index.
const CATALOG: &str = "
select concat_ws(' | ', n.nspname, c.relname, t.relname, pg_get_indexdef(i.indexrelid), pg_get_userbyid(c.relowner), s.spcname,
  c.reloptions::text, obj_description(c.oid, 'pg_class'),
  (select string_agg(a.attnum || '=' || coalesce(nullif(a.attstattarget, -1)::text, ''), ',' order by a.attnum) from pg_attribute a where a.attrelid = c.oid),
  i.indisvalid, i.indisready, i.indislive, k.conname, i.indisreplident, i.indisclustered, h.inhparent::regclass)
from pg_index i join pg_class c on c.oid = i.indexrelid join pg_class t on t.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace
left join pg_tablespace s on s.oid = c.reltablespace left join pg_constraint k on k.conindid = c.oid and k.contype in ('p', 'u', 'x')
left join pg_inherits h on h.inhrelid = c.oid
where n.nspname not in ('advisor', 'pg_catalog', 'pg_toast') order by n.nspname, c.relname";

/// The server that the tests of this binary share.
pub struct Scratch {
    folder: PathBuf,
    server: Shared,
}

impl Scratch {
    pub fn start() -> Scratch {
        Scratch::on(server())
    }

    /// On a server of the test's own.
    pub fn on(server: Shared) -> Scratch {
        Scratch { folder: server.socket_folder(), server }
    }

    /// A tablespace in the server's own folder, which goes with it.
    pub fn tablespace(&self, name: &str) -> String {
        use std::os::unix::fs::{MetadataExt, chown};
        let folder = self.folder.join(name);
        std::fs::create_dir(&folder).expect("folder");
        let owner = std::fs::metadata(&self.folder).expect("the server's folder");
        chown(&folder, Some(owner.uid()), Some(owner.gid())).expect("chown");
        self.at("postgres").sql(&format!("create tablespace {name} location '{}'", folder.display()));
        name.to_owned()
    }

    /// A new database; its name must be new to this test binary.
    pub fn database(&self, name: &str) -> Database {
        self.server.database(name);
        self.at(name)
    }

    pub fn drop_database(&self, name: &str) {
        self.at("postgres").sql(&format!("drop database \"{name}\" with (force)"));
    }

    pub fn at(&self, name: &str) -> Database {
        Database {
            name: name.to_owned(),
            host: self.folder.clone(),
            port: port_of(&self.server.url(name)),
            role: "postgres".into(),
            address: None,
        }
    }
}

fn port_of(url: &str) -> u16 {
    let config: tokio_postgres::Config = url.parse().expect("our own URL");
    config.get_ports().first().copied().unwrap_or(5432)
}

#[derive(Clone)]
pub struct Database {
    pub name: String,
    pub host: PathBuf,
    pub port: u16,
    pub role: String,
    /// How the advisor reaches it, where not as psql does.
    pub address: Option<String>,
}

impl Database {
    pub fn url(&self) -> String {
        format!("host={} port={} dbname={} user={}", self.host.display(), self.port, self.name, self.role)
    }

    pub fn address(&self) -> String {
        self.address.clone().unwrap_or_else(|| self.url())
    }

    pub fn as_role(&self, role: &str) -> Database {
        Database { role: role.into(), ..self.clone() }
    }

    pub fn psql(&self) -> Command {
        let mut command = Command::new("psql");
        command.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", &self.url()]).env("PGOPTIONS", "");
        command
    }

    /// Runs statements one by one; panics when one fails.
    pub fn sql(&self, sql: &str) {
        let output = self.psql().args(["-c", sql]).output().expect("psql");
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
    }

    pub fn rows(&self, sql: &str) -> Vec<String> {
        let output = self.psql().args(["-R", "\u{1}", "-c", sql]).output().expect("psql");
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8_lossy(&output.stdout).trim_end_matches(['\n', '\u{1}']).to_owned();
        if text.is_empty() { Vec::new() } else { text.split('\u{1}').map(str::to_owned).collect() }
    }

    pub fn catalog(&self) -> Vec<String> {
        self.rows(CATALOG)
    }

    pub fn psql_file(&self, file: &Path) -> Result<(), String> {
        let output = self.psql().arg("-f").arg(file).output().expect("psql");
        if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
    }

    pub fn members(&self, table: &str) -> Vec<Member> {
        let runtime = tokio::runtime::Runtime::new().expect("runtime");
        runtime.block_on(async {
            let purpose = advisor::pg::session::Purpose::reading("test");
            let session = advisor::pg::session::Session::open(Some(&self.url()), &purpose).await.expect("connect");
            advisor::pg::partitions::members(&session.client, &TableName::new("public", table)).await.expect("partitions")
        })
    }
}

pub fn report_of(indexes: Vec<AdvisedIndex>) -> Report {
    let mut report = Report { schema_version: 1, ..Report::default() };
    report.recommendation.indexes = indexes;
    report
}

pub fn create_advice(spec: &IndexSpec, name: &str) -> AdvisedIndex {
    AdvisedIndex {
        id: format!("{:08x}", xxhash_rust::xxh3::xxh3_64(spec.create_sql(name, true).as_bytes()) as u32),
        action: Action::Create,
        name: name.into(),
        schema: spec.table.schema.clone(),
        table: spec.table.name.clone(),
        ddl: spec.create_sql(name, true),
        undo: vec![],
        size_bytes: None,
        write_cost: 0.0,
        queries: vec![],
        benefit: 1.0,
        reason: "a reason".into(),
        replaces: vec![],
        partitioned: false,
        owner: None,
        ..AdvisedIndex::default()
    }
}

/// Advice of dependencies and common values of `a` and `b` of a table in schema public.
pub fn statistics_advice(table: &str, name: &str) -> AdvisedStatistics {
    let create = CreateStatistics {
        schema: "public".into(),
        name: name.into(),
        kinds: vec!["dependencies".into(), "mcv".into()],
        columns: vec!["a".into(), "b".into()],
        table: TableName::new("public", table),
    };
    AdvisedStatistics {
        id: create.id(),
        name: name.into(),
        schema: "public".into(),
        table: table.into(),
        ddl: create.sql(),
        then: create.analyze_sql(),
        undo: vec![create.drop_sql()],
        ..AdvisedStatistics::default()
    }
}

/// A session that holds something open until it is dropped.
pub struct Held {
    child: std::process::Child,
    stdin: Option<std::process::ChildStdin>,
    stdout: std::io::BufReader<std::process::ChildStdout>,
}

impl Database {
    pub fn hold(&self, sql: &str) -> Held {
        let mut child = self.psql().stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("psql");
        let stdin = child.stdin.take();
        let stdout = std::io::BufReader::new(child.stdout.take().expect("stdout"));
        let mut held = Held { child, stdin, stdout };
        held.say(sql);
        held
    }

    /// Waits until a query returns a row.
    pub fn until(&self, sql: &str) {
        for _ in 0..200 {
            if !self.rows(sql).is_empty() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!(
            "never: {sql}; activity: {:?}",
            self.rows("select application_name, state, wait_event, query from pg_stat_activity where datname is not null")
        );
    }
}

impl Held {
    /// Runs statements and returns when they are done.
    pub fn say(&mut self, sql: &str) {
        use std::io::{BufRead, Write};
        let stdin = self.stdin.as_mut().expect("open");
        writeln!(stdin, "{sql};\n\\echo said").expect("write");
        let mut line = String::new();
        while line.trim() != "said" {
            line.clear();
            assert!(self.stdout.read_line(&mut line).expect("read") > 0, "psql ended: {sql}");
        }
    }
}

impl Held {
    /// Ends its transaction, if it is in one, and the session.
    pub fn commit(mut self) {
        self.say("set client_min_messages = error; commit");
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.stdin = None;
        let _ = self.child.wait();
    }
}
