//! Connect, ask, judge.

use crate::model::doctor::Diagnosis;
use crate::model::failure::Failure;
use crate::pg::checkup;
use crate::pg::session::{Purpose, Session};
use crate::report::doctor::diagnose;

/// The diagnosis, and what connecting remarked.
pub async fn examine(target: Option<&str>) -> Result<(Diagnosis, Vec<String>), Failure> {
    let session = Session::open(target, &Purpose::reading("doctor")).await?;
    let facts = checkup::examine(&session).await;
    Ok((diagnose(&facts), session.notes))
}
