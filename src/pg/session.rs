//! One connection to a server, opened for a purpose.

mod enter;

use super::conninfo::{self, ConnInfo, Endpoint, Surroundings, TargetSession};
use super::dial::{DialError, Route};
use super::wire::BackendKey;
use crate::model::failure::{Failure, FailureKind};
use crate::model::text::{one_line, quote_literal};
use std::sync::Mutex;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_postgres::Client;
use tokio_postgres_rustls::MakeRustlsConnect;

/// What a connection is for: decides its settings.
#[derive(Debug, Clone)]
pub struct Purpose {
    /// application_name, e.g. `advisor/0.1.0 analyze`.
    pub application_name: String,
    /// `default_transaction_read_only`; false leaves what role and database say.
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
    fn settings(&self) -> Vec<(&'static str, String)> {
        let read_only = self.read_only.then(|| ("default_transaction_read_only", "on".to_owned()));
        let timeouts = [("lock_timeout", self.lock_timeout), ("statement_timeout", self.statement_timeout)];
        read_only.into_iter().chain(timeouts.map(|(name, limit)| (name, limit.as_millis().to_string()))).collect()
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
    /// The process id that the start-up announced is the backend's: nothing stands in between. `false`
    /// beside a false [`Session::behind_pooler`] means that none was announced.
    pub proven_direct: bool,
    /// pg_is_in_recovery() on arrival.
    pub is_standby: bool,
    /// Settings that a pooler did not take: [`Session::begin`] sets them for each transaction.
    pending: Vec<(&'static str, String)>,
    read_only: bool,
    canceller: Canceller,
    /// Its role may set `track_counts`.
    may_stop_counting: bool,
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

/// READ ONLY whatever the purpose: only for looking.
const SNAPSHOT: &str = "START TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL idle_in_transaction_session_timeout = '60s'";

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
                match enter::enter(info, endpoint, &tls, purpose, *wanted).await {
                    Ok(session) => return Ok(session),
                    Err(enter::Refused { failure, try_next: false }) => return Err(failure),
                    Err(enter::Refused { failure, .. }) => last = Some(failure),
                }
            }
        }
        Err(last.unwrap_or_else(|| Failure::usage("no server to connect to")))
    }

    /// Begins a transaction under the purpose's settings, also behind a pooler, where nothing may
    /// be set for the session: the next client of the backend would inherit it.
    pub async fn begin(&self) -> Result<(), tokio_postgres::Error> {
        self.client.batch_execute(&self.begin_sql()).await
    }

    /// What [`Session::begin`] sends, for a caller who has more to say in the same message.
    pub fn begin_sql(&self) -> String {
        let begin = if self.read_only { "START TRANSACTION READ ONLY" } else { "START TRANSACTION" };
        std::iter::once(begin.to_owned()).chain(self.pending_sql()).collect::<Vec<_>>().join("; ")
    }

    /// The same to plan in. Planning reads the ends of indexes, and the server counts that as a scan: an index that nobody uses would
    /// look used the next time. Where the role may, it is not counted.
    pub fn begin_planning_sql(&self) -> String {
        let quiet = if self.may_stop_counting && self.read_only { "; SET LOCAL track_counts = off" } else { "" };
        self.begin_sql() + quiet
    }

    fn pending_sql(&self) -> impl Iterator<Item = String> {
        self.pending.iter().map(|(name, value)| format!("SET LOCAL {name} = {}", quote_literal(value)))
    }

    /// Begins a transaction in which all statements see one moment. It ends by itself when we are
    /// stopped in the middle of it: its snapshot keeps vacuum from cleaning up.
    pub async fn begin_snapshot(&self) -> Result<(), tokio_postgres::Error> {
        self.client.batch_execute(SNAPSHOT).await?;
        self.set_local().await
    }

    /// For a transaction that the caller began otherwise: sets in it what a pooler did not take for
    /// the session. Does nothing where there is no pooler.
    pub async fn set_local(&self) -> Result<(), tokio_postgres::Error> {
        let text: Vec<String> = self.pending_sql().collect();
        if text.is_empty() { Ok(()) } else { self.client.batch_execute(&text.join("; ")).await }
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
