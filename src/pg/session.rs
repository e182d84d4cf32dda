//! One connection to a server, opened for a purpose.

use crate::model::failure::{Failure, FailureKind};
use std::time::Duration;

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
}

/// An open connection; its driver task runs in the background until this is dropped.
pub struct Session {
    /// The driver's client.
    pub client: tokio_postgres::Client,
    /// Remarks from connecting: ignored parameters, unencrypted connection…
    pub notes: Vec<String>,
}

impl Session {
    /// Opens a connection. `target` is a URL or key/value string, or `None` for DATABASE_URL, then PG* variables.
    pub async fn open(target: Option<&str>, purpose: &Purpose) -> Result<Session, Failure> {
        let fail = |e: tokio_postgres::Error| Failure::new(FailureKind::Connect, e.to_string());
        let mut config: tokio_postgres::Config = target.unwrap_or_default().parse().map_err(fail)?;
        config.application_name(&purpose.application_name);
        let (client, connection) = config.connect(tokio_postgres::NoTls).await.map_err(fail)?;
        tokio::spawn(connection);
        Ok(Session { client, notes: Vec::new() })
    }
}
