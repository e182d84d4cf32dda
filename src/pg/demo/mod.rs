//! The demo's database and its app: one and a half million rows built in seconds, and a workload
//! that talks to it as a backend does. Only ever run against a server of our own.
//!
//! ```text
//! build.rs      runs the scripts under sql/demo/
//! endpoints.rs  the app's endpoints: which statements, in which order, how often
//! app.rs        one session of the app: prepared statements, parameters
//! workload.rs   the requests dealt to sessions, and their times
//! chance.rs     the same numbers for the same seed, everywhere
//! ```

mod app;
mod build;
mod chance;
mod endpoints;
mod workload;

pub use build::{BuildSummary, build};
pub use workload::{EndpointTimes, Pace, WorkloadRun, run_workload};

use crate::model::failure::{Failure, FailureKind};

/// Told after each step: steps done, steps in all, what is done now.
pub type Progress<'a> = dyn Fn(u64, u64, &str) + 'a;

/// A plain connection as an app would open it; its driver runs until the client is dropped.
async fn connect(url: &str, application_name: &str) -> Result<tokio_postgres::Client, Failure> {
    let refused = |error: tokio_postgres::Error| failed("connecting to our own server", &error);
    let mut config: tokio_postgres::Config = url.parse().map_err(refused)?;
    let (client, connection) = config.application_name(application_name).connect(tokio_postgres::NoTls).await.map_err(refused)?;
    tokio::spawn(connection);
    Ok(client)
}

/// The demo's statements are ours: that one fails is a bug, unless the machine ran out of something.
fn failed(what: &str, error: &tokio_postgres::Error) -> Failure {
    let Some(server) = error.as_db_error() else {
        return Failure::new(FailureKind::Connect, format!("{what}: {error}"));
    };
    // Classes 53 and 58: no disk, no memory, an input/output error.
    let starved = matches!(server.code().code().get(..2), Some("53" | "58"));
    let kind = if starved { FailureKind::Missing } else { FailureKind::Bug };
    Failure::new(kind, format!("{what}: {} ({})", crate::model::text::one_line(server.message()), server.code().code()))
}
