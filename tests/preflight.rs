//! What `apply --dry-run` says before anything is done, and what apply asks once more just before it
//! begins: on a real server with real sessions in the way.

mod scratch;
mod support;

use scratch::{Database, Scratch};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

/// A server that knows prepared transactions and standbys.
fn server() -> Scratch {
    static SERVER: LazyLock<support::Shared> = LazyLock::new(|| {
        support::server_with(&[
            ("max_prepared_transactions", "5"),
            ("wal_level", "replica"),
            ("max_wal_senders", "4"),
            ("max_replication_slots", "4"),
        ])
    });
    Scratch::on(SERVER.clone())
}

const TABLE: &str = "create table t (id int primary key, a int, b text, c int); \
    insert into t select g, g % 100, md5(g::text), g from generate_series(1, 50000) g; create table other (x int); analyze t";

fn table(name: &str) -> Database {
    let database = server().database(name);
    for sql in TABLE.split("; ") {
        database.sql(sql);
    }
    database
}

/// Files of index statements, run by the binary.
fn command(database: &Database, sql: &str, arguments: &[&str]) -> (tempfile::NamedTempFile, Command) {
    let mut file = tempfile::Builder::new().suffix(".sql").tempfile().unwrap();
    file.write_all(sql.as_bytes()).unwrap();
    file.flush().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_advisor"));
    command.arg("apply").arg(file.path()).args(["--db", &database.url()]).args(arguments);
    command.env("COLUMNS", "80").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    (file, command)
}

fn answer(output: &Output) -> (i32, String) {
    let text = [&output.stdout, &output.stderr].iter().map(|b| String::from_utf8_lossy(b).into_owned()).collect();
    (output.status.code().unwrap_or(-1), text)
}

/// The text of a dry run, folded lines joined again.
fn dry_run(database: &Database, sql: &str, arguments: &[&str]) -> (i32, String) {
    let (_file, mut command) = command(database, sql, &[&["--dry-run"], arguments].concat());
    let output = command.output().unwrap();
    let (code, text) = answer(&output);
    let page = String::from_utf8_lossy(&output.stdout);
    // A word is not broken.
    let long: Vec<&str> = page.lines().filter(|l| l.chars().count() > 80 && l.trim().contains(' ') && !l.contains("/tmp")).collect();
    assert!(long.is_empty(), "wider than the terminal: {long:#?}");
    (code, text.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn json(database: &Database, sql: &str, arguments: &[&str]) -> Value {
    let (_file, mut command) = command(database, sql, &[&["--dry-run", "--format", "json"], arguments].concat());
    let output = command.output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {:?}", answer(&output)))
}

fn topic(change: &Value, topic: &str) -> String {
    let facts = change["facts"].as_array().unwrap();
    facts.iter().filter(|f| f["topic"] == topic).map(|f| f["text"].as_str().unwrap()).collect::<Vec<_>>().join("\n")
}

const ON_A: &str = "CREATE INDEX CONCURRENTLY t_a ON public.t USING btree (a);";

#[test]
fn everybody_in_the_way_is_named_once_with_what_ends_it() {
    let database = table("blockers");
    let before = database.catalog();
    let prepared = "begin; insert into t values (-1, 1, 'p', 1); prepare transaction 'it''s ours'";
    database.hold(prepared);
    let _writer = database.hold("set application_name = 'etl'; begin; update t set a = 7 where b = 'secret'");
    let snapshot = database.hold("begin isolation level repeatable read; select count(*) from other");
    let _ddl = database.hold("begin; lock table t in share update exclusive mode");
    let _reader = database.hold("begin; select 1 from t where id = 1");
    std::thread::sleep(Duration::from_millis(1200));

    let (code, text) = dry_run(&database, ON_A, &[]);
    assert_eq!(code, 0, "{text}");
    for said in [
        "\"etl\" of role postgres, idle in transaction for",
        "ran last: update t set a = $1 where b = $2",
        "(which wrote to it) to read the table",
        "(which holds a snapshot) to become valid",
        "(whose lock admits no other) to begin",
        "prepared transaction 'it''s ours' of role postgres",
        "COMMIT PREPARED 'it''s ours' or ROLLBACK PREPARED 'it''s ours'",
        "select pg_terminate_backend(",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    assert!(!text.contains("secret"), "no constants: {text}");
    assert_eq!(text.matches("of role postgres").count(), 4, "each once, the reader not at all: {text}");

    let plan = json(&database, &format!("{ON_A}\nDROP INDEX CONCURRENTLY public.t_c;"), &["--drops"]);
    assert_eq!(plan["in_the_way"].as_array().unwrap().len(), 4, "{plan:#}");
    database.sql("create index t_c on other (x)");
    let plan = json(&database, "DROP INDEX CONCURRENTLY public.t_c;", &["--drops"]);
    assert_eq!(plan["in_the_way"].as_array().unwrap().len(), 1, "a drop waits for whoever read the table: {plan:#}");
    assert!(topic(&plan["changes"][0], "waits for").contains("(which uses the table) to go"), "{plan:#}");
    let plan = json(&database, "DROP INDEX CONCURRENTLY public.t_c;", &[]);
    assert_eq!(plan["in_the_way"].as_array().unwrap().len(), 0, "a drop that is not made waits for nobody: {plan:#}");
    // It holds on to the table of the index too.
    drop(snapshot);
    database.sql("drop index t_c");
    database.sql("rollback prepared 'it''s ours'");
    assert_eq!(database.catalog(), before, "looking changes nothing");
}

#[test]
fn what_exists_already_is_compared_by_what_it_is() {
    let database = table("covering");
    database.sql("create index t_ab on t (a, b)");
    database.sql("create index t_c_part on t (c, a) where a > 10");
    database.sql("create unique index t_bad on t (a) where false");
    database.sql("insert into t values (-1, 5, 'x', 1)");
    let broken = database.psql().args(["-c", "create unique index concurrently t_broken on t (a)"]).output().unwrap();
    assert!(!broken.status.success());
    let plan = json(
        &database,
        "CREATE INDEX CONCURRENTLY n1 ON public.t USING btree (a);
         CREATE INDEX CONCURRENTLY n2 ON public.t USING btree (a, b);
         CREATE INDEX CONCURRENTLY n3 ON public.t USING btree (b);
         CREATE INDEX CONCURRENTLY n4 ON public.t USING btree (a DESC, b DESC);
         CREATE INDEX CONCURRENTLY n5 ON public.t USING btree (a DESC);
         CREATE INDEX CONCURRENTLY n6 ON public.t USING btree (c);
         CREATE INDEX CONCURRENTLY n7 ON public.t USING btree (c) WHERE a > 10;
         CREATE INDEX CONCURRENTLY n8 ON public.t USING btree (a text_ops);
         CREATE INDEX CONCURRENTLY t_ab ON public.t USING btree (c, b);
         CREATE INDEX CONCURRENTLY other ON public.t USING btree (c, b, a);",
        &[],
    );
    let of = |name: &str| plan["changes"].as_array().unwrap().iter().find(|c| c["index"] == name).unwrap();
    let covered: Vec<(&str, String)> = ["n1", "n3", "n5", "n6", "n7"].map(|n| (n, topic(of(n), "covered by"))).to_vec();
    for (name, by) in &covered {
        let wide = match *name {
            "n1" | "n5" => "t_ab:",
            "n7" => "t_c_part:",
            _ => "",
        };
        assert_eq!(by.is_empty(), wide.is_empty(), "{covered:#?}");
        assert!(by.starts_with(wide), "{covered:#?}");
    }
    assert!(topic(of("n2"), "nothing to do").contains("t_ab is equal"), "{}", of("n2"));
    assert_eq!(of("n4")["verdict"], "makes", "reversed, it is not equal: {}", of("n4"));
    assert!(of("n8")["refused"].as_str().unwrap().contains("the server refuses the definition"), "{}", of("n8"));
    assert!(of("t_ab")["refused"].as_str().unwrap().contains("defined otherwise"), "{}", of("t_ab"));
    assert!(of("other")["refused"].as_str().unwrap().contains("taken by a table"), "{}", of("other"));
    assert!(topic(of("n3"), "leftover").contains("t_broken is INVALID") && topic(of("n3"), "leftover").contains("DROP INDEX CONCURRENTLY"));
}

#[test]
fn rights_are_asked_for_before_the_server_refuses() {
    let database = table("rights");
    let place = server().tablespace("preflight_place");
    for sql in [
        "create role builder login",
        "create schema closed",
        "create table closed.t (a int)",
        "alter table closed.t owner to builder",
        "grant usage on schema closed to builder",
        "create table mine (a int)",
        "alter table mine owner to builder",
        "grant create on schema public to builder",
    ] {
        database.sql(sql);
    }
    let builder = database.as_role("builder");
    let on = |table: &str, more: &str| format!("CREATE INDEX CONCURRENTLY i ON {table} USING btree (a){more};");
    for (sql, why) in [
        (ON_A.to_owned(), "t belongs to role postgres"),
        (on("closed.t", ""), "no CREATE on its schema: GRANT CREATE ON SCHEMA \"closed\" TO \"builder\""),
        (on("public.mine", &format!(" TABLESPACE {place}")), "GRANT CREATE ON TABLESPACE \"preflight_place\" TO \"builder\""),
        (on("public.mine", " TABLESPACE nowhere"), "there is no tablespace nowhere"),
        (on("pg_catalog.pg_stat_activity", ""), "is not a table"),
    ] {
        let (code, text) = dry_run(&builder, &sql, &[]);
        assert!(code == 6 && text.contains(why), "{why}: {code} {text}");
    }
    let (code, text) = dry_run(&builder, &on("public.mine", ""), &[]);
    assert!(code == 0 && text.contains("GRANT pg_read_all_stats TO \"builder\""), "what cannot be seen is said: {code} {text}");
    assert!(text.contains("free space unknown"), "the folder is a secret too: {text}");
    database.sql("alter role builder set default_tablespace = 'preflight_place'");
    let (code, text) = dry_run(&builder, &on("public.mine", ""), &[]);
    assert!(code == 6 && text.contains("no CREATE on tablespace preflight_place"), "{code} {text}");
    database.sql(&format!("grant create on tablespace {place} to builder"));
    assert_eq!(dry_run(&builder, &on("public.mine", ""), &[]).0, 0);
}

#[test]
fn sizes_are_those_that_are_built() {
    let database = table("sizes");
    database.sql("create unlogged table u (a int)");
    database.sql("insert into u select generate_series(1, 50000)");
    database.sql("create table never (a int) with (autovacuum_enabled = off)");
    database.sql("insert into never select generate_series(1, 1000)");
    let sql = "CREATE INDEX CONCURRENTLY t_id_b ON public.t USING btree (id, b);
        CREATE INDEX CONCURRENTLY t_low ON public.t USING btree (a);
        CREATE INDEX CONCURRENTLY t_hash ON public.t USING hash (b);
        CREATE INDEX CONCURRENTLY u_a ON public.u USING btree (a);
        CREATE INDEX CONCURRENTLY never_a ON public.never USING btree (a);";
    database.sql("analyze u");
    let plan = json(&database, sql, &[]);
    assert!(plan["free_bytes"].as_f64().unwrap() > 1e6 && plan["direct"] == true, "{plan:#}");
    let (_file, mut apply) = command(&database, sql, &["--yes"]);
    let (code, text) = answer(&apply.output().unwrap());
    assert_eq!(code, 0, "{text}");
    let built: Vec<f64> = ["t_id_b", "t_low", "t_hash", "u_a"]
        .iter()
        .map(|index| database.rows(&format!("select pg_relation_size('{index}')"))[0].parse().unwrap())
        .collect();
    for (change, built) in plan["changes"].as_array().unwrap().iter().zip(&built) {
        let told = change["size_bytes"].as_f64().unwrap();
        assert!((told / built - 1.0).abs() < 0.15, "{}: {told} told, {built} built", change["index"]);
        assert!(change["seconds"][0].as_f64().unwrap() < change["seconds"][1].as_f64().unwrap());
    }
    let of = |n: usize| &plan["changes"][n];
    assert!(of(0)["wal_bytes"].as_f64().unwrap() > 1e6 && of(3)["wal_bytes"] == 0.0, "{plan:#}");
    assert!(of(4)["size_bytes"].is_null() && topic(of(4), "statistics").contains("ANALYZE"), "{plan:#}");
}

#[test]
fn what_does_not_fit_is_refused_and_what_barely_fits_is_said() {
    let database = table("room");
    let two = "CREATE INDEX CONCURRENTLY t_id_b ON public.t USING btree (id, b);
        CREATE INDEX CONCURRENTLY t_c_b ON public.t USING btree (c, b);";
    let size = json(&database, two, &[])["changes"][0]["size_bytes"].as_f64().unwrap();
    let free = |share: f64| format!("{}B", (size * share) as u64);
    let verdicts = |free: &str| -> Vec<String> {
        let plan = json(&database, two, &["--free-bytes", free]);
        let changes = plan["changes"].as_array().unwrap();
        changes.iter().map(|c| format!("{} {}", c["verdict"].as_str().unwrap(), topic(c, "space").split(':').next().unwrap())).collect()
    };
    assert_eq!(verdicts(&free(3.0)), ["makes ", "makes "]);
    assert_eq!(verdicts(&free(2.05)), ["makes ", "makes tight"]);
    assert_eq!(verdicts(&free(1.5)), ["makes ", "refused "], "the first one's room is gone for the second");
    assert_eq!(verdicts(&free(0.5)), ["refused ", "refused "]);
    let (_file, mut apply) = command(&database, two, &["--yes", "--free-bytes", &free(0.5)]);
    let (code, text) = answer(&apply.output().unwrap());
    assert!(code == 6 && text.contains("it does not fit"), "{code} {text}");
    assert!(database.rows("select 1 from pg_class where relname in ('t_id_b', 't_c_b')").is_empty());

    database.sql("alter database room set maintenance_work_mem = '1MB'");
    database.sql("alter database room set temp_file_limit = '1MB'");
    let plan = json(&database, two, &[]);
    assert!(plan["changes"][0]["temp_bytes"].as_f64().unwrap() > size, "{plan:#}");
    assert!(topic(&plan["changes"][0], "limit").contains("temp_file_limit is 1 MB"), "{plan:#}");
}

#[test]
fn rights_that_went_after_the_plan_are_noticed_under_the_lock() {
    let database = table("recheck");
    for sql in [
        "create role recheck_owner login",
        "grant create on database recheck to recheck_owner",
        "grant create on schema public to recheck_owner",
        "alter table t owner to recheck_owner",
    ] {
        database.sql(sql);
    }
    let owner = database.as_role("recheck_owner");
    // As another advisor would: "advr" and the table's OID.
    let lock = database.hold("select pg_advisory_lock(1633973874, 't'::regclass::oid::int)");
    let (_file, mut apply) = command(&owner, ON_A, &["--yes"]);
    let child = apply.spawn().unwrap();
    database.until("select 1 from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'advisor'");
    database.sql("revoke create on schema public from recheck_owner, public");
    drop(lock);
    let (code, text) = answer(&child.wait_with_output().unwrap());
    assert!(code == 6 && text.contains("no CREATE on its schema"), "{code} {text}");
    assert!(database.rows("select 1 from pg_class where relname = 't_a'").is_empty());
    database.sql("grant create on schema public to recheck_owner");
    let (_file, mut apply) = command(&owner, ON_A, &["--yes"]);
    assert_eq!(apply.output().unwrap().status.code(), Some(0));
}

#[test]
fn a_table_that_nobody_may_look_at_is_said_so() {
    let database = table("locked");
    let _holder = database.hold("begin; lock table t in access exclusive mode");
    std::thread::sleep(Duration::from_millis(1100));
    let since = std::time::Instant::now();
    let (code, text) = dry_run(&database, ON_A, &[]);
    assert!(code == 6 && text.contains("lets nobody look at it"), "{code} {text}");
    assert!(since.elapsed() < Duration::from_secs(8), "{:?}", since.elapsed());
    assert!(text.contains("ran last: lock table t in access exclusive mode"), "{text}");
}

/// Forwards to a server, leaving out the message by which it announces its process id.
fn without_key(connect: impl Fn() -> Box<dyn Duplex> + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (client, server) = (client.unwrap(), connect());
            let (mut from, mut to) = (client.try_clone().unwrap(), server.again());
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut from, &mut to);
                to.end();
            });
            std::thread::spawn(move || forward(server, client));
        }
    });
    port
}

/// Server to client, message by message; the answer to a request for TLS or GSS is a bare `N`.
fn forward(mut server: Box<dyn Duplex>, mut client: TcpStream) {
    let mut tag = [0u8; 1];
    while server.read_exact(&mut tag).is_ok() {
        let mut message = tag.to_vec();
        if tag != *b"N" {
            let mut length = [0u8; 4];
            if server.read_exact(&mut length).is_err() {
                return;
            }
            let mut body = vec![0; u32::from_be_bytes(length) as usize - 4];
            if server.read_exact(&mut body).is_err() {
                return;
            }
            message.extend(length.iter().chain(&body));
        }
        if tag != *b"K" && client.write_all(&message).is_err() {
            return;
        }
    }
}

trait Duplex: Read + Write + Send {
    fn again(&self) -> Box<dyn Duplex>;
    fn end(&self);
}

impl Duplex for TcpStream {
    fn again(&self) -> Box<dyn Duplex> {
        Box::new(self.try_clone().unwrap())
    }
    fn end(&self) {
        let _ = self.shutdown(std::net::Shutdown::Both);
    }
}

impl Duplex for UnixStream {
    fn again(&self) -> Box<dyn Duplex> {
        Box::new(self.try_clone().unwrap())
    }
    fn end(&self) {
        let _ = self.shutdown(std::net::Shutdown::Both);
    }
}

#[test]
fn without_an_announced_process_id_it_is_not_proven() {
    let database = table("keyless");
    let socket = database.host.join(format!(".s.PGSQL.{}", database.port));
    let port = without_key(move || Box::new(UnixStream::connect(&socket).unwrap()));
    let through = Database { host: PathBuf::from("127.0.0.1"), port, ..database };
    let (code, text) = dry_run(&Database { name: "keyless sslmode=disable".into(), ..through }, ON_A, &[]);
    assert!(code == 0 && text.contains("not proven to be direct"), "{code} {text}");
}

#[test]
fn a_pooler_that_announces_none_gives_itself_away() {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    let Some(program) = folders.map(|f| f.join("pgbouncer")).find(|f| f.is_file()) else {
        eprintln!("skipped: a_pooler_that_announces_none_gives_itself_away: pgbouncer is not installed");
        return;
    };
    for (name, size) in [("hidden_pool", 5), ("hidden_single", 1)] {
        let database = table(name);
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        use std::os::unix::fs::MetadataExt;
        let owner = std::fs::metadata(&database.host).unwrap().uid();
        let account = nix::unistd::User::from_uid(owner.into()).unwrap().unwrap().name;
        let user = if nix::unistd::geteuid().is_root() { format!("user = {account}") } else { String::new() };
        let text = format!(
            "[databases]\n* = host={} port={} user=postgres pool_size={size}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = any\n{user}\npool_mode = transaction\n",
            database.host.display(),
            database.port
        );
        let file = folder.path().join("pgbouncer.ini");
        std::fs::write(&file, text).unwrap();
        let mut process = Command::new(&program).arg("-q").arg(&file).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::sleep(Duration::from_millis(20));
        }
        let hidden = without_key(move || Box::new(TcpStream::connect(("127.0.0.1", port)).unwrap()));
        let through = Database { host: PathBuf::from("127.0.0.1"), port: hidden, name: format!("{name} sslmode=disable"), ..database };
        let (code, text) = dry_run(&through, ON_A, &[]);
        process.kill().unwrap();
        process.wait().unwrap();
        assert!(code == 4 && text.contains("a connection pooler stands in between"), "{name}: {code} {text}");
    }
}

/// A standby of the server, ended with this.
struct Standby {
    process: std::process::Child,
    folder: tempfile::TempDir,
}

impl Drop for Standby {
    fn drop(&mut self) {
        // Immediate: nothing of it is kept.
        let _ = Command::new("kill").args(["-QUIT", &self.process.id().to_string()]).status();
        let _ = self.process.wait();
    }
}

fn standby(of: &Database) -> Standby {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
    use std::os::unix::process::CommandExt;
    let owner = std::fs::metadata(&of.host).unwrap();
    let folder = tempfile::tempdir().unwrap();
    chown(folder.path(), Some(owner.uid()), Some(owner.gid())).unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let bin = support::server().binaries.dir;
    let own = |program: &str| {
        let mut command = Command::new(bin.join(program));
        if nix::unistd::geteuid().is_root() {
            command.uid(owner.uid()).gid(owner.gid());
        }
        command.current_dir(folder.path()).stdin(Stdio::null()).stdout(Stdio::null());
        command
    };
    let data = folder.path().join("data");
    let copied = own("pg_basebackup").args(["-R", "-X", "stream", "-c", "fast", "-D"]).arg(&data).args(["-d", &of.url()]).output().unwrap();
    assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
    let log = std::fs::File::create(folder.path().join("log")).unwrap();
    let mut start = own("postgres");
    start.arg("-D").arg(&data).args(["-c", &format!("unix_socket_directories={}", folder.path().display()), "-c", "listen_addresses="]);
    // A standby must allow as much as its primary.
    start.args(["-c", "max_connections=200", "-c", "max_wal_senders=4", "-c", "hot_standby=on"]);
    let process = start.stderr(log).spawn().unwrap();
    Standby { process, folder }
}

#[test]
fn standbys_and_slots_are_counted_and_a_standby_is_refused() {
    if !support::server().binaries.dir.join("pg_basebackup").is_file() {
        eprintln!("skipped: standbys_and_slots_are_counted_and_a_standby_is_refused: there is no pg_basebackup");
        return;
    }
    // Of its own: the other tests put tablespaces on theirs, which a copy on the same machine cannot have.
    let shared = support::server_with(&[("wal_level", "replica"), ("max_wal_senders", "4"), ("max_replication_slots", "4")]);
    let database = Scratch::on(shared).database("standbys");
    database.sql("create table t (a int)");
    let standby = standby(&database);
    let replica = Database { host: standby.folder.path().to_owned(), ..database.clone() };
    database.until("select 1 from pg_stat_replication where state = 'streaming'");
    for _ in 0..200 {
        if replica.psql().args(["-c", "select 1"]).output().unwrap().status.success() {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let (code, text) = dry_run(&replica, ON_A, &[]);
    assert!(code == 4 && text.contains("this server is a standby"), "{code} {text}");
    database.sql("select pg_create_physical_replication_slot('for''gotten', true)".replace("''", "_").as_str());
    let (code, text) = dry_run(&database, ON_A, &[]);
    assert!(code == 0 && text.contains("replication 1 standby, "), "{code} {text}");
    assert!(text.contains("nobody reads replication slot for_gotten"), "{text}");
    database.sql("create index t_a on t (a)");
    let plan = json(&database, "DROP INDEX CONCURRENTLY public.t_a;", &["--drops"]);
    assert!(topic(&plan["changes"][0], "standbys").contains("may be cancelled"), "{plan:#}");
    assert_eq!((plan["standbys"].as_i64(), plan["idle_slots"][0].as_str()), (Some(1), Some("for_gotten")));
}
