//! Statements sent one behind the other without waiting for each answer.

use crate::model::blueprint::Object;
use crate::model::failure::{Failure, FailureKind};
use crate::pg::clone::broken;
use crate::pg::error::describe;
use crate::pg::session::Session;
use futures_util::future::join_all;
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

/// So many statements are under way at once.
const UNDER_WAY: usize = 64;

/// An object that was not rebuilt, and why.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) object: Object,
    pub(super) error: String,
    /// It took too long: trying it again would take as long.
    pub(super) timed_out: bool,
}

/// Runs all in order, then again what failed, as long as that helps. Only a lost connection or a full disk is a failure.
pub(super) async fn run_all(session: &Session, mut objects: Vec<Object>) -> Result<Vec<Failed>, Failure> {
    let mut given_up = Vec::new();
    loop {
        let before = objects.len();
        let (slow, failed): (Vec<Failed>, Vec<Failed>) = run_once(session, objects).await?.into_iter().partition(|f| f.timed_out);
        given_up.extend(slow);
        if failed.is_empty() || failed.len() == before {
            given_up.extend(failed);
            return Ok(given_up);
        }
        objects = failed.into_iter().map(|f| f.object).collect();
    }
}

async fn run_once(session: &Session, objects: Vec<Object>) -> Result<Vec<Failed>, Failure> {
    let mut errors = Vec::with_capacity(objects.len());
    for chunk in objects.chunks(UNDER_WAY) {
        // One statement per message, by the extended protocol: the text comes from another server. Each is sent when its
        // future is first polled, so the server gets them in this order.
        let sent = chunk.iter().map(|o| session.client.execute_typed(&o.ddl, &[]));
        errors.extend(join_all(sent).await.into_iter().map(Result::err));
        if session.closed() || errors.iter().flatten().any(is_disk_full) {
            let (telling, others): (Vec<Error>, Vec<Error>) = errors.into_iter().flatten().partition(is_disk_full);
            return Err(telling.into_iter().chain(others).next().map_or_else(gone, broken));
        }
    }
    let outcomes = objects.into_iter().zip(errors);
    let failed = |object, e: Error| Failed { object, error: describe(&e), timed_out: e.code() == Some(&SqlState::QUERY_CANCELED) };
    Ok(outcomes.filter_map(|(object, error)| error.map(|e| failed(object, e))).collect())
}

/// No object's fault: the server stops soon after.
fn is_disk_full(error: &Error) -> bool {
    error.code() == Some(&SqlState::DISK_FULL)
}

fn gone() -> Failure {
    Failure::new(FailureKind::Connect, "the server of the what-if clone is gone")
}
