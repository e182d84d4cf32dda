//! One throw-away cluster per server version and test binary, started at first use. Statics are not
//! dropped, so `atexit` stops them; after a kill the next start of any server cleans up.

// Each test binary uses its own part of this module.
#![allow(dead_code)]

pub mod proxy;

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

    /// The folder of its unix socket.
    pub fn socket_folder(&self) -> std::path::PathBuf {
        let config: tokio_postgres::Config = self.url("postgres").parse().expect("our own URL");
        match config.get_hosts() {
            [tokio_postgres::config::Host::Unix(folder)] => folder.clone(),
            other => panic!("not one socket: {other:?}"),
        }
    }

    /// Creates an empty database; its name (plain ASCII) must be new. Returns its URL.
    pub fn database(&self, name: &str) -> String {
        let url = self.url("postgres");
        let create = format!("create database {}", quote_ident(name));
        in_own_runtime(async move { connect(&url).await.batch_execute(&create).await.expect("create database") });
        self.url(name)
    }
}

/// The server that users would get, with pg_stat_statements loaded.
pub fn server() -> Shared {
    static DEFAULT: LazyLock<Shared> = LazyLock::new(|| launch(found()));
    DEFAULT.clone()
}

fn found() -> Binaries {
    find(None).unwrap_or_else(|f| panic!("the tests need a PostgreSQL server: {f} {:?}", f.hints))
}

/// [`server`] and one for each folder in ADVISOR_TEST_PG_BINDIRS (separated by colons).
pub fn servers() -> Vec<Shared> {
    static ALL: LazyLock<Vec<Shared>> = LazyLock::new(|| {
        let list = std::env::var_os("ADVISOR_TEST_PG_BINDIRS").unwrap_or_default();
        let dirs = std::env::split_paths(&list).filter(|dir| dir != Path::new(""));
        let mut all = vec![server()];
        for dir in dirs {
            let binaries = find(Some(&dir)).unwrap_or_else(|f| panic!("ADVISOR_TEST_PG_BINDIRS: {f}"));
            if all.iter().all(|known| known.binaries.dir != binaries.dir) {
                all.push(launch(binaries));
            }
        }
        all
    });
    ALL.clone()
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

/// A server that belongs to one test, which may do to it what it likes.
pub fn own(options: ServerOptions) -> (Server, Shared) {
    own_of(found(), options)
}

fn own_of(binaries: Binaries, options: ServerOptions) -> (Server, Shared) {
    let wanted = binaries.clone();
    let server = in_own_runtime(async move { Server::start(&wanted, &options).await });
    let server = server.unwrap_or_else(|f| panic!("{f}\n{}", f.hints.join("\n")));
    let pattern = server.url("DATABASE").replace("DATABASE", "{}");
    (server, Shared { pattern, binaries })
}

/// A server of its own with more settings; they win over ours.
pub fn server_with(settings: &[(&str, &str)]) -> Shared {
    launch_with(server().binaries, settings)
}

fn launch(binaries: Binaries) -> Shared {
    launch_with(binaries, &[])
}

fn launch_with(binaries: Binaries, more: &[(&str, &str)]) -> Shared {
    let options = ServerOptions {
        preload: vec!["pg_stat_statements".into()],
        settings: [("max_connections", "200")].iter().chain(more).map(|(name, value)| (name.to_string(), value.to_string())).collect(),
        label: "advisor test".into(),
        ..ServerOptions::default()
    };
    let (server, shared) = own_of(binaries, options);
    let mut running = RUNNING.lock().expect("no start failed before");
    if running.is_empty() {
        at_exit(stop);
    }
    running.push(server);
    shared
}

/// A test may itself run in a runtime, and runtimes do not nest.
pub fn in_own_runtime<T: Send>(work: impl Future<Output = T> + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime").block_on(work));
        thread.join().expect("no panic")
    })
}

extern "C" fn stop() {
    if let Ok(mut running) = RUNNING.lock() {
        running.clear();
    }
}

/// Has `callback` called when the test binary ends: statics are not dropped.
pub fn at_exit(callback: extern "C" fn()) {
    unsafe extern "C" {
        fn atexit(callback: extern "C" fn()) -> i32;
    }
    // SAFETY: the C library's own function with its declared signature; our callbacks do not unwind.
    unsafe { atexit(callback) };
}
