//! Statements sent one behind the other without waiting for each answer.

use crate::model::blueprint::Object;
use crate::model::failure::{Failure, FailureKind};
use crate::pg::error::describe;
use crate::pg::session::Session;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use tokio_postgres::Error;

/// So many statements are under way at once.
const UNDER_WAY: usize = 64;

/// An object that was not rebuilt, and why.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) object: Object,
    pub(super) error: String,
}

/// Runs all in order, then again what failed, as long as that helps. Only a lost connection is a failure.
pub(super) async fn run_all(session: &Session, mut objects: Vec<Object>) -> Result<Vec<Failed>, Failure> {
    loop {
        let before = objects.len();
        let failed = run_once(session, objects).await?;
        if failed.is_empty() || failed.len() == before {
            return Ok(failed);
        }
        objects = failed.into_iter().map(|f| f.object).collect();
    }
}

async fn run_once(session: &Session, objects: Vec<Object>) -> Result<Vec<Failed>, Failure> {
    let mut errors = Vec::with_capacity(objects.len());
    for chunk in objects.chunks(UNDER_WAY) {
        // One statement per message, by the extended protocol: the text comes from another server.
        let sent = chunk.iter().map(|o| Box::pin(session.client.execute_typed(&o.ddl, &[])) as Answer<'_>);
        errors.extend(in_order(sent.collect()).await.into_iter().map(Result::err));
        if session.closed() {
            return Err(Failure::new(FailureKind::Bug, "the what-if clone's server went away while the schema was rebuilt"));
        }
    }
    let outcomes = objects.into_iter().zip(errors);
    Ok(outcomes.filter_map(|(object, error)| error.map(|e| Failed { object, error: describe(&e) })).collect())
}

type Answer<'a> = Pin<Box<dyn Future<Output = Result<u64, Error>> + Send + 'a>>;

/// Waits for all. A statement is sent when its future is first polled: the server gets them in order.
async fn in_order(mut under_way: Vec<Answer<'_>>) -> Vec<Result<u64, Error>> {
    let mut answers: Vec<Option<Result<u64, Error>>> = under_way.iter().map(|_| None).collect();
    poll_fn(|context| {
        for (future, answer) in under_way.iter_mut().zip(&mut answers).filter(|(_, answer)| answer.is_none()) {
            if let Poll::Ready(outcome) = future.as_mut().poll(context) {
                *answer = Some(outcome);
            }
        }
        if answers.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    answers.into_iter().flatten().collect()
}
