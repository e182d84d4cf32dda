//! One connection to a server, opened for a purpose.

use super::conninfo::{self, ConnInfo, Endpoint, Place, Surroundings, TargetSession};
use super::dial::{DialError, Dialled, Route, dial};
use super::error::{describe, sqlstate};
use super::refusal;
use super::statements;
use super::wire::{BackendKey, Wire};
use crate::model::failure::{Failure, FailureKind};
use crate::model::text::{one_line, quote_literal};
use std::sync::Mutex;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_postgres::{AsyncMessage, Client, Connection, SimpleQueryMessage};
use tokio_postgres_rustls::MakeRustlsConnect;

/// What a connection is for: decides its settings.
#[derive(Debug, Clone)]
pub struct Purpose {
    /// application_name, e.g. `advisor/0.1.0 analyze`.
    pub application_name: String,
    /// `default_transaction_read_only`.
    pub read_only: bool,
    /// statement_timeout; zero means none.
    pub statement_timeout: Duration,
    /// lock_timeout; zero means none.
    pub lock_timeout: Duration,
}

impl Purpose {
    /// Reading: read-only, 30 s per statement, 2 s for a lock.
    pub fn reading(verb: &str) -> Self {
        Purpose {
            application_name: format!("advisor/{} {verb}", env!("CARGO_PKG_VERSION")),
            read_only: true,
            statement_timeout: Duration::from_secs(30),
            lock_timeout: Duration::from_secs(2),
        }
    }

    /// Name and value of each setting, as pg_settings shows it (milliseconds).
    fn settings(&self) -> [(&'static str, String); 3] {
        [
            ("default_transaction_read_only", if self.read_only { "on" } else { "off" }.to_owned()),
            ("lock_timeout", self.lock_timeout.as_millis().to_string()),
            ("statement_timeout", self.statement_timeout.as_millis().to_string()),
        ]
    }
}

/// An open connection; its driver task runs in the background until this is dropped.
pub struct Session {
    /// The driver's client.
    pub client: Client,
    /// Remarks from connecting: ignored parameters, unencrypted connection…
    pub notes: Vec<String>,
    /// TLS between us and what we are connected to.
    pub encrypted: bool,
    /// The connection stays on this machine: a Unix socket or a loopback address.
    pub local: bool,
    /// Host name or socket folder.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Role we logged in as.
    pub user: String,
    /// Database.
    pub database: String,
    /// Backend that answered first.
    pub backend_pid: i32,
    /// The process id that the start-up announced differs from the backend's: something stands in
    /// between. `false` proves nothing.
    pub behind_pooler: bool,
    /// pg_is_in_recovery() on arrival.
    pub is_standby: bool,
    /// Settings that a pooler did not take: [`Session::begin`] sets them for each transaction.
    pending: Vec<(&'static str, String)>,
    read_only: bool,
    canceller: Canceller,
    notices: Notices,
}

/// Remarks of the server, in order of arrival.
type Notices = Mutex<UnboundedReceiver<String>>;

/// Asks the server to stop what a session runs; can be sent from anywhere while the session waits.
#[derive(Clone)]
pub struct Canceller {
    route: Route,
    key: Option<BackendKey>,
}

/// Longest wait for a cancel request to be taken.
const CANCEL_PATIENCE: Duration = Duration::from_secs(10);

impl Canceller {
    /// Sends the request over a connection of its own, with TLS when the session has it. That it
    /// arrived says nothing about what it stopped.
    pub async fn cancel(&self) -> Result<(), Failure> {
        let lost = |why: String| Failure::new(FailureKind::Connect, format!("the cancel request was not delivered: {}", one_line(&why)));
        let key = self.key.ok_or_else(|| lost("the server named no key for it".to_owned()))?;
        let sent = tokio::time::timeout(CANCEL_PATIENCE, self.route.cancel(key)).await;
        sent.unwrap_or(Err(DialError::Timeout(CANCEL_PATIENCE))).map_err(|error| lost(error.to_string()))
    }
}

impl Session {
    /// Opens a connection. `target` is a URL or key/value string, or `None` for DATABASE_URL, then PG* variables.
    pub async fn open(target: Option<&str>, purpose: &Purpose) -> Result<Session, Failure> {
        Session::open_with(&conninfo::resolve(target, &Surroundings::of_process())?, purpose).await
    }

    /// Opens a connection with settings already resolved: the first server that is reachable and
    /// of the wanted kind.
    pub async fn open_with(info: &ConnInfo, purpose: &Purpose) -> Result<Session, Failure> {
        let tls = MakeRustlsConnect::new(super::tls::client_config(&info.tls)?);
        let mut endpoints: Vec<&Endpoint> = info.endpoints.iter().collect();
        if info.shuffle {
            shuffle(&mut endpoints);
        }
        // prefer-standby takes two rounds: standbys only, then any.
        let rounds: &[TargetSession] = match info.target {
            TargetSession::PreferStandby => &[TargetSession::Standby, TargetSession::Any],
            ref one => std::slice::from_ref(one),
        };
        let mut last = None;
        for wanted in rounds {
            for endpoint in &endpoints {
                match enter(info, endpoint, &tls, purpose, *wanted).await {
                    Ok(session) => return Ok(session),
                    Err(Refused { failure, try_next: false }) => return Err(failure),
                    Err(Refused { failure, .. }) => last = Some(failure),
                }
            }
        }
        Err(last.unwrap_or_else(|| Failure::usage("no server to connect to")))
    }

    /// Begins a transaction under the purpose's settings, also behind a pooler, where nothing may
    /// be set for the session: the next client of the backend would inherit it.
    pub async fn begin(&self) -> Result<(), tokio_postgres::Error> {
        let mut text = String::from(if self.read_only { "START TRANSACTION READ ONLY" } else { "START TRANSACTION READ WRITE" });
        for (name, value) in &self.pending {
            text.push_str(&format!("; SET LOCAL {name} = {}", quote_literal(value)));
        }
        self.client.batch_execute(&text).await
    }

    /// Ends the transaction of [`Session::begin`], keeping nothing.
    pub async fn rollback(&self) -> Result<(), tokio_postgres::Error> {
        self.client.batch_execute("ROLLBACK").await
    }

    /// Asks the server to stop the running statement.
    pub async fn cancel(&self) -> Result<(), Failure> {
        self.canceller.cancel().await
    }

    /// A handle that cancels from another task.
    pub fn canceller(&self) -> Canceller {
        self.canceller.clone()
    }

    /// What the server remarked since the last call: the detail where there is one, else the message.
    pub fn take_notices(&self) -> Vec<String> {
        let Ok(mut waiting) = self.notices.lock() else { return Vec::new() };
        std::iter::from_fn(|| waiting.try_recv().ok()).collect()
    }

    /// True once the connection is gone.
    pub fn closed(&self) -> bool {
        self.client.is_closed()
    }
}

/// Random order without a generator of our own: the standard library's hash keys are random.
fn shuffle(endpoints: &mut [&Endpoint]) {
    use std::hash::BuildHasher;
    let keys = std::hash::RandomState::new();
    endpoints.sort_by_cached_key(|endpoint| keys.hash_one(format!("{:?} {}", endpoint.place, endpoint.port)));
}

/// Why a server was not entered, and whether another of the list may be.
struct Refused {
    failure: Failure,
    try_next: bool,
}

async fn enter(
    info: &ConnInfo,
    endpoint: &Endpoint,
    tls: &MakeRustlsConnect,
    purpose: &Purpose,
    wanted: TargetSession,
) -> Result<Session, Refused> {
    let dialled = match dial(info, endpoint, tls, &driver_config(info, endpoint, purpose, true)).await {
        Err(error) if refuses_options(&error) => dial(info, endpoint, tls, &driver_config(info, endpoint, purpose, false)).await,
        result => result,
    };
    let dialled = dialled.map_err(|error| Refused {
        failure: refusal::explain(&error, info, endpoint),
        // As in libpq: who is refused by one server is not tried on the next; 57P03 is "not yet".
        try_next: !matches!(&error, DialError::Startup(e) if sqlstate(e).is_some_and(|code| code != "57P03")),
    })?;
    let failed = |failure| Refused { failure, try_next: true };
    let (mut session, arrived) = arrive(info, endpoint, purpose, dialled).await.map_err(failed)?;
    if let Some(mismatch) = mismatch(wanted, &arrived) {
        let message = format!("{}:{} is not what target_session_attrs asks for: {mismatch}", session.host, session.port);
        return Err(failed(Failure::new(FailureKind::Connect, message).hint("name the right server, or target_session_attrs=any")));
    }
    settle(&mut session).await.map_err(failed)?;
    Ok(session)
}

/// A pooler that knows no `options`, or not ours: PgBouncer says so in a protocol violation.
fn refuses_options(error: &DialError) -> bool {
    matches!(error, DialError::Startup(e) if e.as_db_error().is_some_and(|db| db.message().contains("startup parameter")))
}

fn driver_config(info: &ConnInfo, endpoint: &Endpoint, purpose: &Purpose, with_options: bool) -> tokio_postgres::Config {
    let mut config = tokio_postgres::Config::new();
    config.user(&info.user).dbname(&info.database).application_name(&purpose.application_name);
    if let Some(password) = &endpoint.password {
        config.password(password.reveal());
    }
    if with_options {
        // Our own come last: the last one counts.
        let mut options = info.options.clone().unwrap_or_default();
        let judged_later = matches!(info.target, TargetSession::ReadWrite | TargetSession::ReadOnly);
        for (name, value) in purpose.settings() {
            if !(judged_later && name == "default_transaction_read_only") {
                options.push_str(&format!(" -c {name}={value}"));
            }
        }
        config.options(options.trim());
    }
    config
}

/// What the first statement told.
struct Arrived {
    is_standby: bool,
    read_only: bool,
}

/// Runs the connection in the background; what the server remarks (NOTICE, LOG…) waits to be read.
fn drive(mut connection: Connection<Wire, Wire>) -> Notices {
    let (sender, receiver) = unbounded_channel();
    tokio::spawn(async move {
        while let Some(Ok(message)) = std::future::poll_fn(|cx| connection.poll_message(cx)).await {
            if let AsyncMessage::Notice(notice) = message {
                // Nobody has to listen.
                let _ = sender.send(notice.detail().unwrap_or(notice.message()).to_owned());
            }
        }
    });
    Mutex::new(receiver)
}

/// Starts the driver task and asks who answers and what is in force.
async fn arrive(info: &ConnInfo, endpoint: &Endpoint, purpose: &Purpose, dialled: Dialled) -> Result<(Session, Arrived), Failure> {
    let Dialled { client, connection, route, encrypted, key } = dialled;
    let notices = drive(connection);
    let startup = |error| refusal::explain(&DialError::Startup(error), info, endpoint);
    let messages = client.simple_query(statements::ARRIVED.sql).await.map_err(startup)?;
    let row = messages.iter().find_map(|m| if let SimpleQueryMessage::Row(row) = m { Some(row) } else { None });
    let value = |column: &str| row.and_then(|r| r.try_get(column).ok().flatten()).unwrap_or_default();
    let backend_pid = value("backend_pid").parse().unwrap_or_default();
    let pending: Vec<_> = purpose.settings().into_iter().filter(|(name, wanted)| value(name) != wanted).collect();
    let is_standby = value("is_standby") == "t";
    let arrived = Arrived { is_standby, read_only: is_standby || value("default_transaction_read_only") == "on" };
    let mut notes = info.notes.clone();
    let local = is_local(&endpoint.place);
    if !encrypted && !local {
        notes.push(format!("the connection to {} is not encrypted; sslmode=require insists on TLS", one_line(&endpoint.host())));
    }
    let session = Session {
        canceller: Canceller { route, key },
        client,
        notes,
        encrypted,
        local,
        host: endpoint.host(),
        port: endpoint.port,
        user: info.user.clone(),
        database: info.database.clone(),
        backend_pid,
        // None announced (some proxies): nothing to compare.
        behind_pooler: key.is_some_and(|key| key.pid != backend_pid),
        is_standby,
        pending,
        read_only: purpose.read_only,
        notices,
    };
    Ok((session, arrived))
}

fn is_local(place: &Place) -> bool {
    match place {
        Place::Socket(_) => true,
        Place::Tcp { address: Some(ip), .. } => ip.is_loopback(),
        Place::Tcp { host, .. } => host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback()),
    }
}

fn mismatch(wanted: TargetSession, arrived: &Arrived) -> Option<&'static str> {
    match wanted {
        TargetSession::Any | TargetSession::PreferStandby => None,
        TargetSession::ReadWrite => arrived.read_only.then_some("its sessions are read-only"),
        TargetSession::ReadOnly => (!arrived.read_only).then_some("its sessions can write"),
        TargetSession::Primary => arrived.is_standby.then_some("it is a standby"),
        TargetSession::Standby => (!arrived.is_standby).then_some("it is a primary"),
    }
}

/// Sets what `options` did not: for the session where it is ours alone, else per transaction.
async fn settle(session: &mut Session) -> Result<(), Failure> {
    if session.pending.is_empty() {
        return Ok(());
    }
    if session.behind_pooler {
        session.notes.push(
            "a connection pooler stands in between: settings hold per transaction, and nothing can be set for the session".to_owned(),
        );
        return Ok(());
    }
    for (name, value) in std::mem::take(&mut session.pending) {
        let statement = format!("SET {name} = {}", quote_literal(&value));
        session
            .client
            .batch_execute(&statement)
            .await
            .map_err(|error| Failure::new(FailureKind::Connect, format!("the server refused {name} = {value}: {}", describe(&error))))?;
    }
    Ok(())
}
