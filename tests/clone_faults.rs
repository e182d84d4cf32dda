//! What happens to an analysis when its clone's disk fills up or somebody presses Ctrl-C: a clear
//! message, the exit code by the table, and nothing left behind.

mod support;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Many tables, so that copying them takes a while.
async fn database(name: &str) -> String {
    let url = support::database(name);
    let client = support::connect(&url).await;
    let tables: String = (0..300)
        .map(|n| format!("create table t{n} (id int primary key, a int, b text, c timestamptz); create index on t{n} (a, c);"))
        .collect();
    client.batch_execute(&tables).await.expect("schema");
    client.batch_execute("insert into t1 select g, g, 'x', now() from generate_series(1, 50000) g; analyze").await.expect("rows");
    url
}

fn snapshot(url: &str, folder: &Path) -> String {
    let file = folder.join("s.snapshot").to_str().expect("path").to_owned();
    let taken = Command::new(env!("CARGO_BIN_EXE_advisor")).args(["snapshot", url, "-o", &file]).output().expect("run advisor");
    assert!(taken.status.success(), "{}", String::from_utf8_lossy(&taken.stderr));
    file
}

fn left_in(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).expect("folder").map(|e| e.expect("entry").file_name().to_string_lossy().into_owned());
    names.filter(|n| n.starts_with("advisor")).collect()
}

/// A folder that anybody may write to, short enough for a socket.
fn open_folder() -> tempfile::TempDir {
    let folder = tempfile::Builder::new().prefix("f").tempdir_in("/tmp").expect("folder");
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777)).expect("mode");
    folder
}

#[tokio::test]
async fn ctrl_c_in_the_middle_leaves_nothing() {
    let folder = open_folder();
    let file = snapshot(&database("faults_interrupted").await, folder.path());
    let mut run = Command::new(env!("CARGO_BIN_EXE_advisor"))
        .args(["analyze", "--snapshot", &file])
        .env("TMPDIR", folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("run advisor");
    let start = Instant::now();
    // The server is up and the copy has begun.
    while !left_in(folder.path()).iter().any(|n| folder.path().join(n).join("data/postmaster.pid").exists()) {
        assert!(start.elapsed() < Duration::from_secs(30) && run.try_wait().expect("wait").is_none(), "no server was started");
        std::thread::sleep(Duration::from_millis(5));
    }
    let pid = nix::unistd::Pid::from_raw(run.id().try_into().expect("a process id"));
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).expect("signal");
    assert_eq!(run.wait().expect("wait").code(), Some(130));
    assert_eq!(left_in(folder.path()), Vec::<String>::new());
}

#[tokio::test]
async fn a_full_disk_is_named_and_cleaned_up() {
    let home = tempfile::tempdir().expect("folder");
    let file = snapshot(&database("faults_disk").await, home.path());
    let small = open_folder();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=48m,mode=777", "none"]).arg(small.path()).output();
    if !mounted.is_ok_and(|m| m.status.success()) {
        eprintln!("skipped: a full disk, no small file system can be mounted here");
        return;
    }
    let run = Command::new(env!("CARGO_BIN_EXE_advisor"))
        .args(["analyze", "--snapshot", &file])
        .env("TMPDIR", small.path())
        .output()
        .expect("run");
    let left = left_in(small.path());
    let unmounted = Command::new("umount").arg("-l").arg(small.path()).status().expect("umount");
    let message = String::from_utf8_lossy(&run.stderr);
    assert_eq!(run.status.code(), Some(4), "{message}");
    assert!(message.contains("free space in the temporary folder"), "{message}");
    assert!(left.is_empty() && unmounted.success(), "{left:?}");
}

#[tokio::test]
async fn a_view_made_to_fill_all_memory_fills_its_share() {
    use advisor::model::blueprint::{Blueprint, Object, ObjectKind};
    use advisor::pg::clone::CloneDb;
    use advisor::pg::explain::{Ground, prepare_on};
    let object = |kind, name: String, ddl: String| Object { kind, name, ddl };
    let mut objects = vec![object(ObjectKind::Table, "table public.w0".into(), "create table public.w0 (a int)".into())];
    for n in 1..=60 {
        let ddl = format!("create view public.w{n} as select x.a from public.w{} x join public.w{} y on x.a = y.a", n - 1, n - 1);
        objects.push(object(ObjectKind::View, format!("view public.w{n}"), ddl));
    }
    let mut blueprint = Blueprint { objects, ..Blueprint::default() };
    blueprint.locale = advisor::model::blueprint::Locale {
        encoding: "UTF8".into(),
        collate: "C".into(),
        ctype: "C".into(),
        provider: "c".into(),
        ..Default::default()
    };
    let mut clone = CloneDb::build(&support::server().binaries, blueprint, &Default::default()).await.expect("clone");
    clone.open_lanes(1, &[]).await.expect("lane");
    let lane = clone.planner(0).expect("lane");
    let ground = Ground { search_path: vec!["public".into()], ..Ground::default() };
    let refused = prepare_on(lane, &ground, "select * from w60").await;
    let plan = match refused {
        Ok(prepared) => {
            advisor::pg::explain::explain(lane, &ground, &[advisor::pg::explain::Call::Custom(&prepared, &[])]).await.map(|_| ())
        }
        Err(reason) => Err(reason),
    };
    assert!(plan.as_ref().is_err_and(|e| e.contains("out of memory")), "{plan:?}");
    prepare_on(lane, &ground, "select * from w1").await.expect("the server lives on");
}
