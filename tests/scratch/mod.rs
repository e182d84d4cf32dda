//! A throw-away cluster for one test binary: unix socket, trust, pg_stat_statements loaded.
#![allow(dead_code)]

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A running server; stopped and deleted when dropped.
pub struct Cluster {
    folder: tempfile::TempDir,
    bindir: PathBuf,
}

/// The binaries to test with: `ADVISOR_PG_BINDIR`, or the newest of the distribution's.
pub fn bindir() -> PathBuf {
    if let Some(dir) = std::env::var_os("ADVISOR_PG_BINDIR") {
        return dir.into();
    }
    let installed = std::fs::read_dir("/usr/lib/postgresql").expect("no PostgreSQL found: set ADVISOR_PG_BINDIR");
    let mut dirs: Vec<PathBuf> = installed.filter_map(|e| Some(e.ok()?.path().join("bin"))).collect();
    dirs.sort();
    dirs.pop().expect("no PostgreSQL found: set ADVISOR_PG_BINDIR")
}

/// All binaries to test with: `ADVISOR_TEST_PG_BINDIRS` (separated by colons) besides [`bindir`].
pub fn bindirs() -> Vec<PathBuf> {
    let mut dirs = vec![bindir()];
    if let Some(list) = std::env::var_os("ADVISOR_TEST_PG_BINDIRS") {
        dirs.extend(std::env::split_paths(&list).filter(|d| !d.as_os_str().is_empty()));
    }
    dirs.dedup();
    dirs
}

impl Cluster {
    pub fn start(bindir: &Path) -> Cluster {
        let folder = tempfile::Builder::new().prefix("advisor-test-").tempdir().expect("temporary folder");
        let cluster = Cluster { folder, bindir: bindir.to_owned() };
        let data = cluster.data();
        if let Some(user) = unprivileged() {
            nix::unistd::chown(cluster.folder.path(), Some(user.uid), Some(user.gid)).expect("chown");
        }
        cluster.run(cluster.tool("initdb").args(["-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync", "-D"]).arg(&data));
        let options = format!(
            "-c listen_addresses='' -k {} -c shared_preload_libraries=pg_stat_statements -c fsync=off -c autovacuum=off \
             -c pg_stat_statements.track=all -c wal_level=minimal -c max_wal_senders=0",
            cluster.folder.path().display()
        );
        let log = cluster.folder.path().join("log");
        cluster.run(cluster.tool("pg_ctl").arg("-w").arg("-l").arg(log).arg("-o").arg(options).arg("-D").arg(&data).arg("start"));
        cluster
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn tool(&self, name: &str) -> Command {
        let mut command = Command::new(self.bindir.join(name));
        command.stdin(Stdio::null()).stdout(Stdio::null()).current_dir("/");
        if let Some(user) = unprivileged() {
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        command
    }

    fn run(&self, command: &mut Command) {
        let status = command.status().unwrap_or_else(|e| panic!("{command:?}: {e}"));
        assert!(status.success(), "{command:?}: {status}");
    }

    /// A connection as `role` to `database`.
    pub async fn connect_as(&self, role: &str, database: &str) -> tokio_postgres::Client {
        let (client, connection) = tokio_postgres::Config::new()
            .host_path(self.folder.path())
            .user(role)
            .dbname(database)
            .connect(tokio_postgres::NoTls)
            .await
            .unwrap_or_else(|e| panic!("cannot connect as {role} to {database}: {e:?}"));
        tokio::spawn(connection);
        client
    }

    /// A connection as superuser.
    pub async fn connect(&self, database: &str) -> tokio_postgres::Client {
        self.connect_as("postgres", database).await
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let mut stop = self.tool("pg_ctl");
        let _ = stop.args(["-m", "immediate", "-w", "stop", "-D"]).arg(self.data()).status();
    }
}

/// The server refuses to run as root.
fn unprivileged() -> Option<nix::unistd::User> {
    if !nix::unistd::Uid::effective().is_root() {
        return None;
    }
    let user = |name| nix::unistd::User::from_name(name).ok().flatten();
    Some(user("postgres").or_else(|| user("nobody")).expect("a user to run the server"))
}
