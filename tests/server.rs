//! A PostgreSQL of our own comes, answers, and leaves nothing behind, however the run ends.
//!
//! The ways to end are tried on a second process: this test binary again, with a variable that
//! says what to do. Each has a temporary folder of its own, which must be empty afterwards.

mod support;

use advisor::model::failure::FailureKind;
use advisor::pg::server::{Binaries, Server, ServerOptions, find, find_all, find_major, reap};
use advisor::signals;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, geteuid};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

const ROLE: &str = "ADVISOR_TEST_VICTIM";

/// What the second process does; without the variable, nothing.
#[test]
fn victim() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let outcome = runtime.block_on(signals::until_interrupted(async {
        let server = Server::start(&find(None)?, &ServerOptions::default()).await?;
        let one: i32 = support::connect(&server.url("postgres")).await.query_one("select 1", &[]).await.unwrap().get(0);
        assert_eq!(one, 1);
        println!("\nfolder {}", server.socket_dir().display());
        match role.as_str() {
            "panic" => panic!("on purpose"),
            "exit" => server.stop(),
            "kill-previous" => drop(server),
            _ => std::future::pending().await,
        }
        Ok(())
    }));
    match outcome {
        Ok(()) => {}
        Err(failure) if failure.kind == FailureKind::Interrupted => std::process::exit(130),
        Err(failure) => panic!("{failure}: {:?}", failure.hints),
    }
}

/// A second process with a temporary folder of its own.
struct Victim {
    child: Child,
    folder: PathBuf,
    // Kept open: the second process prints until its end.
    _output: BufReader<ChildStdout>,
}

impl Victim {
    fn start(role: &str, tmp: &Path, user: Option<&User>) -> Victim {
        Victim::start_program(&std::env::current_exe().unwrap(), role, tmp, user)
    }

    fn start_program(program: &Path, role: &str, tmp: &Path, user: Option<&User>) -> Victim {
        let mut command = Command::new(program);
        command.args(["--exact", "victim", "--nocapture"]).env(ROLE, role).env("TMPDIR", tmp).current_dir("/");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        if let Some(user) = user {
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        let mut child = command.spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let folder = output.by_ref().lines().map_while(Result::ok).find_map(|line| line.strip_prefix("folder ").map(PathBuf::from));
        Victim { child, folder: folder.expect("the second process starts a server"), _output: output }
    }

    fn end(mut self, signal: Signal) -> ExitStatus {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
        self.child.wait().unwrap()
    }
}

/// A temporary folder that the server's account can enter.
fn temporary_folder() -> tempfile::TempDir {
    let tmp = tempfile::Builder::new().prefix("t").tempdir_in("/tmp").unwrap();
    std::fs::set_permissions(tmp.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    tmp
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// Processes whose command line names the folder.
fn processes(folder: &Path) -> Vec<String> {
    let out = Command::new("ps").args(["-ww", "-A", "-o", "pid=,command="]).output().unwrap();
    let needle = format!("-D {}", folder.join("data").display());
    String::from_utf8_lossy(&out.stdout).lines().filter(|line| line.contains(&needle)).map(str::to_owned).collect()
}

/// A child of the postmaster has its title until it sets its own: one is what must be seen within a moment.
fn has_one_postmaster(folder: &Path) -> bool {
    let start = Instant::now();
    while processes(folder).len() != 1 {
        if start.elapsed() > Duration::from_secs(10) {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    true
}

fn nothing_is_left(folder: &Path, tmp: &Path) {
    assert_eq!(processes(folder), Vec::<String>::new());
    assert_eq!(entries(tmp), Vec::<PathBuf>::new());
}

fn binaries() -> Binaries {
    find(None).unwrap_or_else(|f| panic!("{f} {:?}", f.hints))
}

#[test]
fn a_server_answers_and_is_gone_after_stop_and_after_panic() {
    for role in ["exit", "panic"] {
        let tmp = temporary_folder();
        let mut victim = Victim::start(role, tmp.path(), None);
        assert!(victim.folder.starts_with(tmp.path().canonicalize().unwrap()), "TMPDIR is used");
        assert_eq!(victim.child.wait().unwrap().success(), role == "exit");
        nothing_is_left(&victim.folder, tmp.path());
    }
}

#[test]
fn signals_end_the_run_and_its_server() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        if signal == Signal::SIGHUP && advisor::signals::hangup_is_ignored() {
            eprintln!("skipped: the end by SIGHUP, the tests themselves run under nohup");
            continue;
        }
        let tmp = temporary_folder();
        let victim = Victim::start("wait", tmp.path(), None);
        assert!(has_one_postmaster(&victim.folder), "one postmaster while it runs");
        let folder = victim.folder.clone();
        assert_eq!(victim.end(signal).code(), Some(130), "{signal}");
        nothing_is_left(&folder, tmp.path());
    }
}

#[test]
fn a_signal_during_initdb_leaves_nothing() {
    let tmp = temporary_folder();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "victim", "--nocapture"]).env(ROLE, "wait").env("TMPDIR", tmp.path());
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    while entries(tmp.path()).iter().all(|folder| !folder.join("data").exists()) {
        assert!(start.elapsed() < Duration::from_secs(60), "initdb begins");
        std::thread::sleep(Duration::from_millis(5));
    }
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGTERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(entries(tmp.path()), Vec::<PathBuf>::new());
}

#[test]
fn after_a_sigkill_the_next_run_cleans_up() {
    let tmp = temporary_folder();
    let killed = Victim::start("wait", tmp.path(), None);
    let living = Victim::start("wait", tmp.path(), None);
    let (dead_folder, live_folder) = (killed.folder.clone(), living.folder.clone());
    killed.end(Signal::SIGKILL);
    assert!(has_one_postmaster(&dead_folder), "the server outlives a killed owner");
    Victim::start("exit", tmp.path(), None).child.wait().unwrap();
    assert_eq!(processes(&dead_folder), Vec::<String>::new());
    assert!(!dead_folder.exists());
    assert!(has_one_postmaster(&live_folder), "the server of a living owner stays");
    assert!(live_folder.join("owner").exists());
    living.end(Signal::SIGINT);
    nothing_is_left(&live_folder, tmp.path());
}

#[test]
fn cleaning_up_touches_nothing_that_is_not_a_dead_run_of_ours() {
    let tmp = temporary_folder();
    let make = |name: &str, owned: bool| {
        let folder = tmp.path().join(name);
        std::fs::create_dir_all(folder.join("data")).unwrap();
        if owned {
            std::fs::write(folder.join("owner"), "1\n").unwrap();
        }
        folder
    };
    let elsewhere = make("elsewhere", true);
    let link = tmp.path().join("advisor-pg-linked");
    symlink(&elsewhere, &link).unwrap();
    let no_owner_file = make("advisor-pg-noowner", false);
    let dead = make("advisor-pg-dead00", true);
    // The process it claims exists and is no postgres on that folder: a reused process id.
    let mut bystander = Command::new("sleep").arg("60").spawn().unwrap();
    std::fs::write(dead.join("data/postmaster.pid"), format!("{}\n{}\n", bystander.id(), dead.join("data").display())).unwrap();
    let foreign = geteuid().is_root().then(|| {
        let folder = make("advisor-pg-other0", true);
        chown(&folder, Some(12345), Some(12345)).unwrap();
        folder
    });

    Victim::start("exit", tmp.path(), None).child.wait().unwrap();

    assert!(bystander.try_wait().unwrap().is_none(), "the bystander lives");
    bystander.kill().unwrap();
    bystander.wait().unwrap();
    assert!(!dead.exists());
    assert!(link.symlink_metadata().is_ok() && elsewhere.join("data").exists() && no_owner_file.exists());
    assert!(foreign.is_none_or(|folder| folder.exists()));
}

#[test]
fn it_works_as_an_ordinary_user_too() {
    if !geteuid().is_root() {
        println!("skipped: we are an ordinary user already, every other test shows it");
        return;
    }
    let user = User::from_name("nobody").unwrap().expect("user nobody");
    let tmp = temporary_folder();
    let programs = temporary_folder();
    let program = programs.path().join("victim");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let killed = Victim::start_program(&program, "wait", tmp.path(), Some(&user));
    let dead_folder = killed.folder.clone();
    killed.end(Signal::SIGKILL);
    let victim = Victim::start_program(&program, "wait", tmp.path(), Some(&user));
    assert!(!dead_folder.exists());
    let folder = victim.folder.clone();
    assert_eq!(victim.end(Signal::SIGTERM).code(), Some(130));
    nothing_is_left(&folder, tmp.path());
}

#[tokio::test]
async fn settings_reach_the_server_and_bad_ones_show_its_log() {
    let options = ServerOptions {
        preload: vec!["pg_stat_statements".into()],
        settings: vec![("work_mem".into(), "7MB".into())],
        ..Default::default()
    };
    let server = Server::start(&binaries(), &options).await.unwrap();
    assert_eq!(server.account().is_some(), geteuid().is_root());
    let client = support::connect(&server.url("postgres")).await;
    let row = client
        .query_one("select current_setting('work_mem'), current_setting('listen_addresses'), current_setting('fsync')", &[])
        .await
        .unwrap();
    assert_eq!((row.get::<_, &str>(0), row.get::<_, &str>(1), row.get::<_, &str>(2)), ("7MB", "", "off"));
    client.batch_execute("create extension pg_stat_statements").await.unwrap();
    server.stop();

    let options = ServerOptions { preload: vec!["no_such_library".into()], ..Default::default() };
    let failure = Server::start(&binaries(), &options).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Missing);
    assert!(failure.hints.iter().any(|hint| hint.starts_with("log: ") && hint.contains("no_such_library")), "{:?}", failure.hints);
    assert!(failure.hints.iter().any(|hint| hint.contains("install the package that holds no_such_library")), "{:?}", failure.hints);
}

#[tokio::test]
async fn a_kept_server_lives_on_until_its_stop_command() {
    let server = Server::start(&binaries(), &ServerOptions::default()).await.unwrap();
    let url = server.url("postgres");
    let kept = server.keep();
    assert!(!reap().contains(&kept.folder));
    let one: i32 = support::connect(&url).await.query_one("select 1", &[]).await.unwrap().get(0);
    assert_eq!(one, 1);
    assert!(Command::new("sh").args(["-c", &kept.stop_command]).status().unwrap().success());
    assert!(!kept.folder.exists());
    assert_eq!(processes(&kept.folder), Vec::<String>::new());
}

#[tokio::test]
async fn a_data_directory_can_outlive_its_server() {
    let tmp = temporary_folder();
    let options = ServerOptions { data_dir: Some(tmp.path().join("deep/data")), ..Default::default() };
    let first = Server::start(&binaries(), &options).await.unwrap();
    support::connect(&first.url("postgres")).await.batch_execute("create table kept as select 42 as n").await.unwrap();
    let folder = first.socket_dir().to_owned();
    first.stop();
    assert!(!folder.exists() && tmp.path().join("deep/data/PG_VERSION").exists());

    let second = Server::start(&binaries(), &options).await.unwrap();
    let n: i32 = support::connect(&second.url("postgres")).await.query_one("select n from kept", &[]).await.unwrap().get(0);
    assert_eq!(n, 42);
    let busy = Server::start(&binaries(), &options).await.unwrap_err();
    assert!(busy.hints.iter().any(|hint| hint.contains("postmaster.pid")), "{:?}", busy.hints);
    let still: i32 = support::connect(&second.url("postgres")).await.query_one("select n from kept", &[]).await.unwrap().get(0);
    assert_eq!(still, 42, "the second comer left it alone");
}

#[tokio::test]
async fn tests_share_one_server_and_have_databases_of_their_own() {
    for server in support::servers() {
        let client = support::connect(&server.database("shared_one")).await;
        let row =
            client.query_one("select current_database()::text, current_setting('server_version_num')::int / 10000", &[]).await.unwrap();
        assert_eq!((row.get::<_, &str>(0), row.get::<_, i32>(1)), ("shared_one", i32::try_from(server.binaries.major).unwrap()));
    }
}

#[test]
fn every_server_on_this_machine_is_listed_once() {
    let all = find_all();
    assert!(!all.is_empty() || std::env::var_os("ADVISOR_PG_BINDIR").is_some());
    for (i, one) in all.iter().enumerate() {
        assert_eq!(find_major(one.major).map(|found| found.major), Ok(one.major));
        assert!(one.dir.join("initdb").exists() && one.major >= 9, "{one:?}");
        assert!(all[..i].iter().all(|other| other.dir != one.dir), "{one:?} twice");
    }
    assert!(find_major(4).unwrap_err().message.contains("no PostgreSQL 4 server"));
}
