//! A real PgBouncer in between: it is recognised, nothing of ours leaks to its other clients, and
//! reading still works. Skipped by name where PgBouncer is not installed.

use advisor::pg::error::sqlstate;
use advisor::pg::session::{Purpose, Session};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

mod support;

/// A running PgBouncer; dropping it stops it.
struct Pooler {
    process: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn find_pgbouncer() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    folders.map(|folder| folder.join("pgbouncer")).find(|file| file.is_file())
}

/// One backend for all clients, so that whatever leaks is seen. `None`, said by name, without PgBouncer.
fn start(test: &str, settings: &str) -> Option<Pooler> {
    let Some(program) = find_pgbouncer() else {
        eprintln!("skipped: {test}: pgbouncer is not installed");
        return None;
    };
    let socket_folder = support::server().socket_folder();
    let port = TcpListener::bind("127.0.0.1:0").expect("listen").local_addr().expect("address").port();
    // Root hands over to the account of the server, which may enter its socket's folder.
    let owner = std::fs::metadata(&socket_folder).expect("socket folder").uid();
    let account = nix::unistd::User::from_uid(owner.into()).expect("account").expect("account").name;
    let user = if nix::unistd::geteuid().is_root() { format!("user = {account}") } else { String::new() };
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("pgbouncer.ini");
    let text = format!(
        "[databases]\n* = host={} port=5432 user=postgres pool_size=1\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
         unix_socket_dir =\nauth_type = any\n{user}\n{settings}\n",
        socket_folder.display()
    );
    std::fs::write(&file, text).expect("write");
    let process = Command::new(program).arg("-q").arg(&file).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("run pgbouncer");
    let mut pooler = Pooler { process, port, _folder: folder };
    for _ in 0..200 {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Some(pooler);
        }
        assert!(pooler.process.try_wait().expect("status").is_none(), "pgbouncer ended at once");
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("pgbouncer does not answer");
}

impl Pooler {
    fn url(&self, database: &str) -> String {
        format!("postgresql://postgres@127.0.0.1:{}/{database}", self.port)
    }
}

async fn show(client: &tokio_postgres::Client, name: &str) -> String {
    let rows = client.simple_query(&format!("show {name}")).await.expect("show");
    let row = rows.iter().find_map(|m| if let tokio_postgres::SimpleQueryMessage::Row(row) = m { row.get(0) } else { None });
    row.expect("a value").to_owned()
}

#[tokio::test]
async fn a_pooler_is_recognised_and_no_setting_leaks_to_its_clients() {
    // 1.18 refuses `options`, newer ones single settings in it; told to, all swallow it silently.
    for (name, settings) in [
        ("transaction", "pool_mode = transaction"),
        ("session", "pool_mode = session"),
        ("swallowing", "pool_mode = transaction\nignore_startup_parameters = options"),
    ] {
        let Some(pooler) = start("a_pooler_is_recognised_and_no_setting_leaks_to_its_clients", settings) else { return };
        support::database(&format!("pooler_{name}"));
        let url = pooler.url(&format!("pooler_{name}"));
        // The user's own options go the way of ours.
        for url in [&url, &format!("{url}?options=-c%20work_mem%3D1MB")] {
            let session = Session::open(Some(url), &Purpose::reading("test")).await.expect("connect");
            assert!(session.behind_pooler, "{name}");
        }
        let session = Session::open(Some(&url), &Purpose::reading("test")).await.expect("connect");
        assert!(session.notes.iter().any(|note| note.contains("pooler")), "{name}: {:?}", session.notes);

        session.begin().await.expect("begin");
        assert_eq!(show(&session.client, "statement_timeout").await, "30s", "{name}");
        let refused = session.client.batch_execute("create table t ()").await.expect_err("read-only");
        assert_eq!(sqlstate(&refused), Some("25006"), "{name}");
        session.rollback().await.expect("rollback");
        drop(session);

        let other = support::connect(&url).await;
        for (setting, value) in [("default_transaction_read_only", "off"), ("statement_timeout", "0"), ("lock_timeout", "0")] {
            assert_eq!(show(&other, setting).await, value, "{name}: {setting} of another client");
        }
    }
}

#[tokio::test]
async fn a_statement_is_cancelled_through_a_pooler() {
    let Some(pooler) = start("a_statement_is_cancelled_through_a_pooler", "pool_mode = transaction") else { return };
    support::database("pooler_cancel");
    let session = Session::open(Some(&pooler.url("pooler_cancel")), &Purpose::reading("test")).await.expect("connect");
    let cancel = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        session.cancel().await.expect("cancel");
    };
    let (stopped, ()) = tokio::join!(session.client.batch_execute("select pg_sleep(20)"), cancel);
    let error = stopped.expect_err("cancelled");
    assert_eq!(sqlstate(&error), Some("57014"), "{error:?}");
}

#[test]
fn the_doctor_sees_the_pooler_and_still_gets_all_answers() {
    let Some(pooler) = start("the_doctor_sees_the_pooler_and_still_gets_all_answers", "pool_mode = transaction") else { return };
    support::database("pooler_doctor");
    let mut command = Command::new(env!("CARGO_BIN_EXE_advisor"));
    let output = command.args(["doctor", "--format", "json", "--db", &pooler.url("pooler_doctor")]).output().expect("run advisor");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let diagnosis: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(diagnosis["connection"]["pooler"], true);
    let checks = diagnosis["checks"].as_array().expect("checks");
    let states =
        |topic: &str| checks.iter().filter(|c| c["topic"] == topic).map(|c| c["state"].as_str().expect("state")).collect::<Vec<_>>();
    assert_eq!(states("connection"), ["ok", "ok", "problem"]);
    assert_eq!(states("server"), ["ok", "ok"], "no question failed");
}
