//! The server goes away under a run: one of its processes dies, or it stops at once and comes back.

use crate::harness::{Next, Pin, Work, finish};
use crate::scratch::{Database, Scratch};
use crate::support::own;
use crate::support::proxy::Proxy;
use advisor::pg::server::{Server, ServerOptions};
use std::path::PathBuf;
use std::time::Duration;

/// A server that is crashed and comes back at the same address.
struct Cluster {
    data: tempfile::TempDir,
    server: Option<Server>,
    scratch: Scratch,
    proxy: Proxy,
}

impl Cluster {
    fn start() -> Cluster {
        let data = tempfile::Builder::new().permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755)).tempdir().unwrap();
        let (server, shared) = own(options(data.path().join("data")));
        let proxy = Proxy::start(server.socket_dir());
        Cluster { data, server: Some(server), scratch: Scratch::on(shared), proxy }
    }

    /// Immediate shutdown, as after a failure of power.
    fn stop(&mut self) {
        let server = self.server.take().unwrap();
        let pid = std::fs::read_to_string(server.data_dir().join("postmaster.pid")).unwrap().lines().next().unwrap().to_owned();
        kill("QUIT", &pid);
        while std::path::Path::new(&format!("/proc/{pid}/stat")).exists() && !is_zombie(&pid) {
            std::thread::sleep(Duration::from_millis(20));
        }
        server.stop();
    }

    fn start_again(&mut self) {
        let (server, shared) = own(options(self.data.path().join("data")));
        self.proxy.lead_to(server.socket_dir());
        self.server = Some(server);
        self.scratch = Scratch::on(shared);
    }
}

fn options(data: PathBuf) -> ServerOptions {
    ServerOptions { data_dir: Some(data), label: "advisor crash test".into(), ..ServerOptions::default() }
}

fn is_zombie(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") Z "))
}

fn kill(signal: &str, pid: &str) {
    assert!(std::process::Command::new("kill").args([&format!("-{signal}"), pid]).status().unwrap().success());
}

/// The whole cluster starts anew when one of its processes dies; everybody's connections are gone.
fn a_backend_dies(cluster: &Cluster, work: Work, pin: Pin, next: Next) {
    let what = format!("a backend dies: {work:?} {pin:?} {next:?}");
    let trial = work.trial(&cluster.scratch);
    let database = &trial.bench.database;
    let (child, held) = pin.catch(database, || trial.start(trial.first));
    let worker = database.rows("select pid from pg_stat_activity where datname = current_database() and application_name like '%worker'");
    kill("KILL", &worker[0]);
    drop(held);
    let end = finish(child);
    until_up(database);
    trial.was_honest(&what, CODES, &end);
    trial.ends_well(&what, next, finish(trial.start(next)));
}

/// Stops at once, stays away for a moment and comes back: the run finds it again by itself.
fn the_server_restarts(cluster: &mut Cluster, work: Work, pin: Pin, next: Next) {
    let what = format!("the server restarts: {work:?} {pin:?} {next:?}");
    let mut trial = work.trial_via(&cluster.scratch, Some(&cluster.proxy));
    let (child, held) = pin.catch(&trial.bench.database, || trial.start(trial.first));
    cluster.stop();
    drop(held);
    std::thread::sleep(Duration::from_millis(500));
    cluster.start_again();
    trial.bench.database.host = cluster.scratch.at("postgres").host;
    let end = finish(child);
    trial.was_honest(&what, CODES, &end);
    trial.ends_well(&what, next, finish(trial.start(next)));
}

/// Whatever became of it: the run lived through it.
const CODES: &[i32] = &[0, 5];

fn until_up(database: &Database) {
    for _ in 0..600 {
        if database.psql().args(["-c", "select 1"]).output().unwrap().status.success() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("the server does not come back");
}

#[test]
fn a_run_outlives_its_server() {
    let mut cluster = Cluster::start();
    a_backend_dies(&cluster, Work::Build, Pin::Snapshot, Next::Apply);
    the_server_restarts(&mut cluster, Work::Build, Pin::Scan, Next::Rollback);
}

#[test]
#[ignore = "full matrix: make test-faults"]
fn a_run_outlives_its_server_in_every_phase() {
    let mut cluster = Cluster::start();
    let builds = Pin::OF_BUILDS.map(|pin| (Work::Build, pin));
    let drops = Pin::OF_DROPS.map(|pin| (Work::Drop, pin));
    let back = [(Work::Undrop, Pin::Snapshot), (Work::Unbuild, Pin::LateReader)];
    for (work, pin) in builds.into_iter().chain(drops).chain(back) {
        for next in [Next::Apply, Next::Rollback] {
            a_backend_dies(&cluster, work, pin, next);
            the_server_restarts(&mut cluster, work, pin, next);
        }
    }
}
