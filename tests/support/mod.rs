//! Servers for the tests. [`server`] and [`servers`] are shared: one cluster per server version and
//! test binary, started at first use. Statics are not dropped, so `atexit` stops them; after a kill
//! the next start of any server cleans up. A test that changes roles, settings or statistics of the
//! whole cluster takes a [`Cluster`] of its own.

// Each test binary uses its own part of this module.
#![allow(dead_code)]

use advisor::model::text::quote_ident;
use advisor::pg::server::{Binaries, Server, ServerOptions, find};
use std::path::Path;
use std::sync::{LazyLock, Mutex};

static RUNNING: Mutex<Vec<Server>> = Mutex::new(Vec::new());

/// A running server that tests share.
#[derive(Debug, Clone)]
pub struct Shared {
    /// URL of a database, `{}` standing for its name.
    pattern: String,
    /// What it runs.
    pub binaries: Binaries,
}

impl Shared {
    /// URL of a database that exists.
    pub fn url(&self, database: &str) -> String {
        self.pattern.replace("{}", database)
    }

    /// Creates an empty database; its name (plain ASCII) must be new. Returns its URL.
    pub fn database(&self, name: &str) -> String {
        let url = self.url("postgres");
        let create = format!("create database {}", quote_ident(name));
        in_own_runtime(async move { connect(&url).await.batch_execute(&create).await.expect("create database") });
        self.url(name)
    }
}

/// The binaries that users would get.
pub fn binaries() -> Binaries {
    find(None).unwrap_or_else(|f| panic!("the tests need a PostgreSQL server: {f} {:?}", f.hints))
}

/// [`binaries`] and those of each folder in ADVISOR_TEST_PG_BINDIRS (separated by colons).
pub fn all_binaries() -> Vec<Binaries> {
    let list = std::env::var_os("ADVISOR_TEST_PG_BINDIRS").unwrap_or_default();
    let mut all = vec![binaries()];
    for dir in std::env::split_paths(&list).filter(|dir| dir != Path::new("")) {
        let binaries = find(Some(&dir)).unwrap_or_else(|f| panic!("ADVISOR_TEST_PG_BINDIRS: {f}"));
        if all.iter().all(|known| known.dir != binaries.dir) {
            all.push(binaries);
        }
    }
    all
}

/// A server of [`binaries`] with pg_stat_statements loaded.
pub fn server() -> Shared {
    static DEFAULT: LazyLock<Shared> = LazyLock::new(|| launch(binaries()));
    DEFAULT.clone()
}

/// [`server`] and one for each other of [`all_binaries`].
pub fn servers() -> Vec<Shared> {
    static OTHERS: LazyLock<Vec<Shared>> = LazyLock::new(|| all_binaries().into_iter().skip(1).map(launch).collect());
    std::iter::once(server()).chain(OTHERS.iter().cloned()).collect()
}

/// A server of one test alone: pg_stat_statements tracks nested statements too, and autovacuum,
/// which would change statistics under the test, is off. Dropping it stops it.
#[derive(Debug)]
pub struct Cluster(Server);

impl Cluster {
    /// Starts one.
    pub fn start(binaries: &Binaries) -> Cluster {
        Cluster(start(binaries, &[("autovacuum", "off"), ("pg_stat_statements.track", "all")]))
    }

    /// URL of a database that exists, as superuser.
    pub fn url(&self, database: &str) -> String {
        self.0.url(database)
    }

    /// A connection as `role` to `database`.
    pub async fn connect_as(&self, role: &str, database: &str) -> tokio_postgres::Client {
        let mut config: tokio_postgres::Config = self.url(database).parse().expect("our own URL");
        let connected = config.user(role).connect(tokio_postgres::NoTls).await;
        let (client, connection) = connected.unwrap_or_else(|e| panic!("cannot connect as {role} to {database}: {e:?}"));
        tokio::spawn(connection);
        client
    }

    /// A connection as superuser.
    pub async fn connect(&self, database: &str) -> tokio_postgres::Client {
        self.connect_as("postgres", database).await
    }
}

/// An empty database of its own on [`server`]; returns its URL.
pub fn database(name: &str) -> String {
    server().database(name)
}

/// A connection without any of the advisor's own settings.
pub async fn connect(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("connect");
    tokio::spawn(connection);
    client
}

fn start(binaries: &Binaries, settings: &[(&str, &str)]) -> Server {
    let options = ServerOptions {
        preload: vec!["pg_stat_statements".into()],
        settings: settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        label: "advisor test".into(),
        ..ServerOptions::default()
    };
    let server = in_own_runtime(async { Server::start(binaries, &options).await });
    server.unwrap_or_else(|f| panic!("{f}\n{}", f.hints.join("\n")))
}

fn launch(binaries: Binaries) -> Shared {
    let server = start(&binaries, &[("max_connections", "200")]);
    let pattern = server.url("DATABASE").replace("DATABASE", "{}");
    let mut running = RUNNING.lock().expect("no start failed before");
    if running.is_empty() {
        stop_at_exit();
    }
    running.push(server);
    Shared { pattern, binaries }
}

/// A test may itself run in a runtime, and runtimes do not nest.
fn in_own_runtime<T: Send>(work: impl Future<Output = T> + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime").block_on(work));
        thread.join().expect("no panic")
    })
}

fn stop_at_exit() {
    unsafe extern "C" {
        fn atexit(callback: extern "C" fn()) -> i32;
    }
    extern "C" fn stop() {
        if let Ok(mut running) = RUNNING.lock() {
            running.clear();
        }
    }
    // SAFETY: the C library's own function with its declared signature; `stop` does not unwind.
    unsafe { atexit(stop) };
}
