//! Connections to a real server with TLS and password log-in: every sslmode both ways, every way to be refused.

use advisor::model::failure::{Failure, FailureKind};
use advisor::pg::conninfo::{Surroundings, resolve};
use advisor::pg::error::sqlstate;
use advisor::pg::server::{Server, ServerOptions, find};
use advisor::pg::session::{Purpose, Session};
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

mod support;

const PASSWORD: &str = "s3cret: it's \\ here";

/// The server with its certificates.
struct Fixture {
    address: String,
    files: PathBuf,
}

static RUNNING: Mutex<Option<(Server, tempfile::TempDir)>> = Mutex::new(None);

static FIXTURE: LazyLock<Fixture> = LazyLock::new(|| {
    // An address of the loopback net that no other run uses: the port is the server's default.
    let pid = std::process::id();
    let address = format!("127.{}.{}.{}", 64 + (pid >> 16) % 64, (pid >> 8) % 256, 1 + pid % 254);
    let folder = tempfile::tempdir().expect("folder");
    let server_files = write_certificates(folder.path());
    let options = ServerOptions {
        settings: vec![("listen_addresses".into(), address.clone()), ("password_encryption".into(), "scram-sha-256".into())],
        label: "advisor connection test".into(),
        ..ServerOptions::default()
    };
    let server = support::in_own_runtime(async move {
        let server = Server::start(&find(None).expect("the tests need a PostgreSQL server"), &options).await.expect("start");
        prepare(&server.url("postgres"), server_files).await;
        server
    });
    let fixture = Fixture { address, files: folder.path().to_owned() };
    *RUNNING.lock().expect("lock") = Some((server, folder));
    support::at_exit(stop);
    fixture
});

extern "C" fn stop() {
    if let Ok(mut running) = RUNNING.lock() {
        running.take();
    }
}

/// Root, another root, client certificate into `folder`; the server's certificate and key are returned.
fn write_certificates(folder: &Path) -> [(&'static str, String); 3] {
    let authority = |name: &str| {
        let mut params = CertificateParams::new(Vec::new()).expect("params");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("key");
        (params.self_signed(&key).expect("certificate").pem(), Issuer::new(params, key))
    };
    let (root, issuer) = authority("advisor test root");
    let (wrong, _) = authority("another root");
    let signed = |names: &[&str], common_name: &str, usage| {
        let mut params = CertificateParams::new(names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>()).expect("params");
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate().expect("key");
        (params.signed_by(&key, &issuer).expect("certificate").pem(), key.serialize_pem())
    };
    let (server, server_key) = signed(&["db.test"], "db.test", ExtendedKeyUsagePurpose::ServerAuth);
    let (client, client_key) = signed(&[], "certuser", ExtendedKeyUsagePurpose::ClientAuth);
    for (name, text) in [("root.crt", &root), ("wrong.crt", &wrong), ("client.crt", &client), ("client.key", &client_key)] {
        std::fs::write(folder.join(name), text).expect("write");
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(folder.join(name), std::fs::Permissions::from_mode(0o600)).expect("mode");
    }
    [("server.crt", server), ("server.key", server_key), ("root.crt", root)]
}

/// Certificates and pg_hba.conf are written by the server itself: they must belong to its account.
async fn prepare(url: &str, files: [(&str, String); 3]) {
    let client = support::connect(url).await;
    let hba = "local all postgres trust\nhostssl all certuser all cert\nhostssl tlsonly all all scram-sha-256\n\
               hostnossl plainonly all all scram-sha-256\nhost both,nosuch,closed app,full,nosuch all scram-sha-256";
    for (name, text) in files.iter().map(|(n, t)| (*n, t.as_str())).chain([("pg_hba.conf", hba)]) {
        let lines = text.trim_end().replace('\'', "''");
        let copy = format!(
            "copy (select unnest(string_to_array('{lines}', E'\\n'))) to program 'umask 077; rm -f {name}; tr -d \"\\r\" > {name}'"
        );
        client.batch_execute(&copy).await.expect("write a file on the server");
    }
    let password = PASSWORD.replace('\'', "''");
    for statement in [
        "alter system set ssl = on",
        "alter system set ssl_ca_file = 'root.crt'",
        &format!("create role app login password E'{}'", password.replace('\\', "\\\\")),
        &format!("create role full login connection limit 0 password E'{}'", password.replace('\\', "\\\\")),
        "create role certuser login",
        "create database \"both\"",
        "create database tlsonly",
        "create database plainonly",
        "create database closed",
        "revoke connect on database closed from public",
        "select pg_reload_conf()",
    ] {
        client.batch_execute(statement).await.expect(statement);
    }
    for _ in 0..100 {
        let on: bool = client.query_one("select setting = 'on' from pg_settings where name = 'ssl'", &[]).await.expect("ssl").get(0);
        if on {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("ssl did not come on");
}

/// Opens with key/value settings on top of the fixture's; `ROOT`, `WRONG` … stand for files.
async fn open(settings: &str) -> Result<Session, Failure> {
    open_for(settings, &Purpose::reading("test")).await
}

async fn open_for(settings: &str, purpose: &Purpose) -> Result<Session, Failure> {
    let fixture = &*FIXTURE;
    let file = |name: &str| fixture.files.join(name).display().to_string();
    let password = PASSWORD.replace('\\', "\\\\").replace('\'', "\\'");
    let text = format!("host=db.test hostaddr={} user=app password='{password}' dbname=both {settings}", fixture.address)
        .replace("ROOT", &file("root.crt"))
        .replace("WRONG", &file("wrong.crt"))
        .replace("CLIENT.crt", &file("client.crt"))
        .replace("CLIENT.key", &file("client.key"));
    let around = Surroundings { variable: &|_| None, os_user: None };
    Session::open_with(&resolve(Some(&text), &around)?, purpose).await
}

async fn failure(settings: &str) -> Failure {
    let failure = open(settings).await.err().unwrap_or_else(|| panic!("{settings}: connected"));
    assert!(!format!("{failure:?}").contains("s3cret"), "{settings}: {failure:?}");
    failure
}

#[tokio::test]
async fn every_sslmode_connects_where_libpq_would() {
    for (settings, expected) in [
        ("sslmode=disable", Ok(false)),
        ("sslmode=allow", Ok(false)),
        ("sslmode=prefer", Ok(true)),
        ("", Ok(true)),
        ("sslmode=require", Ok(true)),
        ("sslmode=verify-ca sslrootcert=ROOT", Ok(true)),
        ("sslmode=verify-full sslrootcert=ROOT", Ok(true)),
        ("sslmode=verify-full sslrootcert=ROOT sslsni=0", Ok(true)),
        ("sslmode=require ssl_max_protocol_version=TLSv1.2", Ok(true)),
        ("sslmode=require ssl_min_protocol_version=TLSv1.3", Ok(true)),
        // Another root: only modes that check notice; require checks because the file exists.
        ("sslmode=prefer sslrootcert=WRONG", Ok(true)),
        ("sslmode=require sslrootcert=/no/such/file", Ok(true)),
        ("sslmode=require sslrootcert=WRONG", Err("not trusted")),
        ("sslmode=verify-ca sslrootcert=WRONG", Err("not trusted")),
        ("sslmode=verify-full sslrootcert=WRONG", Err("not trusted")),
        // Another name: only verify-full notices.
        ("host=other.test sslmode=require", Ok(true)),
        ("host=other.test sslmode=verify-ca sslrootcert=ROOT", Ok(true)),
        ("host=other.test sslmode=verify-full sslrootcert=ROOT", Err("another host")),
        ("host='' sslmode=verify-full sslrootcert=ROOT", Err("another host")),
        // A server that insists on TLS, one that refuses it.
        ("dbname=tlsonly sslmode=disable", Err("no pg_hba.conf entry")),
        ("dbname=tlsonly sslmode=allow", Ok(true)),
        ("dbname=tlsonly sslmode=prefer", Ok(true)),
        ("dbname=plainonly sslmode=allow", Ok(false)),
        ("dbname=plainonly sslmode=prefer", Ok(false)),
        ("dbname=plainonly sslmode=require", Err("SSL encryption")),
        // Channel binding needs TLS.
        ("channel_binding=require sslmode=require", Ok(true)),
        ("channel_binding=disable sslmode=require", Ok(true)),
        ("channel_binding=require sslmode=disable", Err("channel binding")),
        // Client certificates.
        ("user=certuser sslmode=require sslcert=CLIENT.crt sslkey=CLIENT.key", Ok(true)),
        ("user=certuser sslmode=require", Err("certificate")),
    ] {
        match (open(settings).await, expected) {
            (Ok(session), Ok(encrypted)) => {
                assert_eq!(session.encrypted, encrypted, "{settings}");
                let server: bool =
                    session.client.query_one("select ssl from pg_stat_ssl where pid = pg_backend_pid()", &[]).await.expect("ssl").get(0);
                assert_eq!(server, encrypted, "{settings}: what the server says");
            }
            (Err(failure), Err(part)) => {
                assert_eq!(failure.kind, FailureKind::Connect, "{settings}: {failure:?}");
                assert!(failure.message.contains(part) && !failure.hints.is_empty(), "{settings}: {failure:?}");
            }
            (Ok(_), Err(part)) => panic!("{settings}: connected, expected {part:?}"),
            (Err(failure), Ok(_)) => panic!("{settings}: {failure:?}"),
        }
    }
}

#[tokio::test]
async fn direct_tls_works_from_17_on_and_says_so_before() {
    let version: i32 = {
        let session = open("").await.expect("connect");
        session.client.query_one("select current_setting('server_version_num')::int", &[]).await.expect("version").get(0)
    };
    match open("sslmode=require sslnegotiation=direct").await {
        Ok(session) => assert!(version >= 170_000 && session.encrypted),
        Err(failure) => assert!(version < 170_000 && failure.hints.iter().any(|h| h.contains("PostgreSQL 17")), "{failure:?}"),
    }
}

#[tokio::test]
async fn refusals_say_what_why_and_what_next() {
    for (settings, message, hint) in [
        ("password=s3cret", "wrong password for user \"app\"", "PGPASSWORD"),
        ("password=''", "wants a password for user \"app\"", "PGPASSWORD"),
        ("user=nosuch", "wrong password for user \"nosuch\"", "PGPASSWORD"),
        ("dbname=nosuch", "database \"nosuch\" does not exist", "psql -h db.test"),
        ("dbname=closed", "may not connect to database \"closed\"", "GRANT CONNECT"),
        ("user=full", "no connection is free", "CONNECTION LIMIT"),
        ("user=stranger dbname=both", "does not let user \"stranger\"", "pg_hba.conf"),
        ("port=1", "no PostgreSQL listens at db.test:1", "pg_isready"),
        ("host=no-such-host.invalid hostaddr=''", "cannot resolve host \"no-such-host.invalid\"", "host name"),
        ("host=/no/such/folder hostaddr=''", "no PostgreSQL listens at /no/such/folder/.s.PGSQL.5432", "start the server"),
        ("options='-c nosuch=1'", "refused user \"app\"", "log"),
    ] {
        let failure = failure(settings).await;
        assert_eq!(failure.kind, FailureKind::Connect, "{settings}");
        assert!(failure.message.contains(message), "{settings}: {failure:?}");
        assert!(failure.hints.iter().any(|h| h.contains(hint)), "{settings}: {failure:?}");
    }
}

/// A listener that answers the first bytes with `answer` and then waits.
async fn fake_server(answer: &'static [u8]) -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("listen");
    let port = listener.local_addr().expect("address").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut buffer = [0; 1024];
                let _ = stream.read(&mut buffer).await;
                let _ = stream.write_all(answer).await;
                let _ = stream.read(&mut buffer).await;
                tokio::time::sleep(Duration::from_secs(30)).await;
            });
        }
    });
    port
}

#[tokio::test]
async fn servers_that_are_no_help_are_named() {
    let starting = b"E\0\0\0\x37SFATAL\0C57P03\0Mthe database system is starting up\0\0";
    for (answer, settings, message) in [
        (&b"N"[..], "sslmode=require", "offers no TLS"),
        (&starting[..], "sslmode=disable", "takes no connections yet: the database system is starting up (57P03)"),
        (&b""[..], "sslmode=disable connect_timeout=2", "within 2 s"),
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], "", "what answers there is no PostgreSQL"),
        (&b"S\x15\x03\x03\0\x02\x02\x28"[..], "sslmode=require", "TLS with"),
    ] {
        let port = fake_server(answer).await;
        let failure = failure(&format!("host=127.0.0.1 hostaddr='' port={port} {settings}")).await;
        assert!(failure.message.contains(message), "{settings}: {failure:?}");
    }
}

#[tokio::test]
async fn the_password_file_opens_the_door() {
    let home = tempfile::tempdir().expect("folder");
    let file = home.path().join(".pgpass");
    let password = PASSWORD.replace('\\', "\\\\").replace(':', "\\:");
    std::fs::write(&file, format!("db.test:5432:other:app:no\ndb.test:*:both:app:{password}\n")).expect("write");
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("mode");
    let home = home.path().display().to_string();
    let variable = |name: &str| match name {
        "HOME" => Some(home.clone()),
        "PGHOST" => Some("db.test".to_owned()),
        "PGHOSTADDR" => Some(FIXTURE.address.clone()),
        "DATABASE_URL" => Some("postgresql://app@/both".to_owned()),
        _ => None,
    };
    let info = resolve(None, &Surroundings { variable: &variable, os_user: None }).expect("resolve");
    let session = Session::open_with(&info, &Purpose::reading("test")).await.expect("connect");
    assert_eq!((session.user.as_str(), session.database.as_str(), session.port), ("app", "both", 5432));
}

#[tokio::test]
async fn several_hosts_are_tried_until_one_is_what_we_want() {
    let two = format!("host=127.0.0.1,db.test hostaddr=127.0.0.1,{} port=1,5432", FIXTURE.address);
    for (settings, expected) in [
        ("", None),
        ("load_balance_hosts=random", None),
        ("target_session_attrs=primary", None),
        ("target_session_attrs=read-write", None),
        ("target_session_attrs=prefer-standby", None),
        ("target_session_attrs=standby", Some("it is a primary")),
        ("target_session_attrs=read-only", Some("its sessions can write")),
        ("target_session_attrs=read-only options='-c default_transaction_read_only=on'", None),
        ("target_session_attrs=read-write options='-c default_transaction_read_only=on'", Some("its sessions are read-only")),
    ] {
        match (open(&format!("{two} {settings}")).await, expected) {
            (Ok(session), None) => assert_eq!(session.port, 5432, "{settings}"),
            (Err(failure), Some(part)) => assert!(failure.message.contains(part), "{settings}: {failure:?}"),
            (Ok(_), Some(part)) => panic!("{settings}: connected, expected {part:?}"),
            (Err(failure), None) => panic!("{settings}: {failure:?}"),
        }
    }
}

#[tokio::test]
async fn the_purpose_is_in_force_however_it_got_there() {
    let mut purpose = Purpose::reading("test");
    purpose.lock_timeout = Duration::ZERO;
    // read-write makes the read-only default wait until the server's own was seen: the SET path.
    for settings in ["", "options='-c statement_timeout=1s -c lock_timeout=1s'", "target_session_attrs=read-write"] {
        let session = open_for(settings, &purpose).await.expect("connect");
        let row = session
            .client
            .query_one(
                "select current_setting('default_transaction_read_only'), current_setting('statement_timeout'), \
                 current_setting('lock_timeout'), current_setting('application_name')",
                &[],
            )
            .await
            .expect("settings");
        let values: Vec<String> = (0..4).map(|i| row.get(i)).collect();
        assert_eq!(values, ["on", "30s", "0", concat!("advisor/", env!("CARGO_PKG_VERSION"), " test")], "{settings}");
        session.begin().await.expect("begin");
        let refused = session.client.batch_execute("create table t ()").await.expect_err("read-only");
        assert_eq!(sqlstate(&refused), Some("25006"));
        session.rollback().await.expect("rollback");
        assert!(!session.behind_pooler, "no pooler here");
    }
}

#[tokio::test]
async fn a_running_statement_is_cancelled_with_and_without_tls() {
    for settings in ["sslmode=disable", "sslmode=verify-full sslrootcert=ROOT"] {
        let session = open(settings).await.expect("connect");
        let canceller = session.canceller();
        let cancel = async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            canceller.cancel().await.expect("cancel");
        };
        let (stopped, ()) = tokio::join!(session.client.batch_execute("select pg_sleep(20)"), cancel);
        assert_eq!(sqlstate(&stopped.expect_err("cancelled")), Some("57014"), "{settings}");
        assert!(!session.closed());
    }
}

#[tokio::test]
async fn a_lost_connection_is_closed() {
    let session = open("").await.expect("connect");
    session.client.batch_execute("select pg_terminate_backend(pg_backend_pid())").await.expect_err("terminated");
    for _ in 0..100 {
        if session.closed() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("still open");
}

#[tokio::test]
async fn an_error_of_the_server_is_told_in_one_line_with_its_detail() {
    let session = open("").await.expect("connect");
    for statement in ["set default_transaction_read_only = off", "create temporary table t (\"a\nb\" int unique)"] {
        session.client.batch_execute(statement).await.expect(statement);
    }
    let error = session.client.batch_execute("insert into t values (1), (1)").await.expect_err("duplicate");
    assert_eq!(
        advisor::pg::error::describe(&error),
        "duplicate key value violates unique constraint \"t_a\\nb_key\" (23505); detail: Key (\"a\\nb\")=(1) already exists."
    );
    let typed = session.client.query("select $1::int", &[&"x"]).await.expect_err("the driver refuses the type");
    assert!(
        advisor::pg::error::describe(&typed).starts_with("error serializing parameter 0: "),
        "{}",
        advisor::pg::error::describe(&typed)
    );
    assert_eq!(sqlstate(&typed), None);
}

#[tokio::test]
async fn a_text_value_fits_every_type() {
    let session = open("").await.expect("connect");
    let value = |text: &str| advisor::pg::value::TextValue(Some(text.to_owned()));
    let row = session
        .client
        .query_one(
            "select ($1::int + 1)::text, $2::timestamptz is not null, $3::text[] = array['a', 'b'], $4::jsonb ->> 'k', $5::text is null",
            &[&value("41"), &value("2026-01-02"), &value("{a,b}"), &value("{\"k\": \"v\"}"), &advisor::pg::value::TextValue(None)],
        )
        .await
        .expect("values");
    assert_eq!((row.get(0), row.get(1), row.get(2), row.get(3), row.get(4)), ("42", true, true, "v", true));
    let bad = session.client.query("select $1::int", &[&value("x")]).await.expect_err("no number");
    assert_eq!(sqlstate(&bad), Some("22P02"));
}

#[tokio::test]
async fn a_writing_purpose_does_not_lift_a_guard() {
    let purpose = Purpose { read_only: false, ..Purpose::reading("test") };
    let session = open_for("options='-c default_transaction_read_only=on'", &purpose).await.expect("connect");
    let refused = session.client.batch_execute("create temporary table t (); create table t ()").await.expect_err("read-only");
    assert_eq!(sqlstate(&refused), Some("25006"));
    session.begin().await.expect("begin");
    let refused = session.client.batch_execute("create table t ()").await.expect_err("read-only");
    assert_eq!(sqlstate(&refused), Some("25006"));
}
