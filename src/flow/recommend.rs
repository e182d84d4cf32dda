//! Index advice: candidates, trials on an engine, the selector's choice.

use super::engine::{self, Advice, Engine, WhatIfChoice};
use super::plans::{self, Planned};
use super::subjects::{Subject, subjects};
use super::trial::Trials;
use super::wording;
use crate::candidates::size::indexed_rows;
use crate::candidates::{self, Wanted};
use crate::model::candidate::{Candidate, CandidateId, CandidateSet};
use crate::model::catalog::Catalog;
use crate::model::ddl::IndexName;
use crate::model::failure::Failure;
use crate::model::report::{Recommendation, Rejected};
use crate::model::snapshot::{Problem, Snapshot};
use crate::pg::explain;
use crate::pg::session::Session;
use crate::select::{self, Limits, Target};
use crate::term;
use std::collections::BTreeSet;

/// Advice to create, and what it leans on.
pub(super) struct Advised {
    /// Indexes to create.
    pub(super) recommendation: Recommendation,
    /// Existing indexes that plans of the workload use, today or beside the advised ones: none of them is to be dropped as unused.
    pub(super) in_use: BTreeSet<IndexName>,
}

/// Finds, tries and chooses. What prevents advice is a problem in the snapshot, not a failure.
pub(super) async fn recommend(session: &Session, target: Option<&str>, snapshot: &mut Snapshot, advice: &Advice) -> Advised {
    let mut advised = Advised { recommendation: Recommendation::default(), in_use: in_todays_plans(snapshot) };
    if let Err(failure) = advise(session, target, snapshot, advice, &mut advised).await {
        let message = std::iter::once(failure.message).chain(failure.hints).collect::<Vec<_>>().join("; ");
        snapshot.problems.push(Problem { source: "what-if".into(), message: format!("no index advice: {message}") });
    }
    advised
}

async fn advise(
    session: &Session,
    target: Option<&str>,
    snapshot: &mut Snapshot,
    advice: &Advice,
    advised: &mut Advised,
) -> Result<(), Failure> {
    let subjects = subjects(snapshot);
    let wanted: Vec<Wanted> = subjects.iter().enumerate().map(|(id, s)| Wanted { id, shape: &s.shape }).collect();
    let found = candidates::find(&snapshot.catalog, &snapshot.workload, &wanted, &advice.schemas);
    advised.recommendation.rejected = found.rejected;
    if found.list.is_empty() || advice.what_if == WhatIfChoice::None {
        return Ok(());
    }
    let mut engine = engine::start(session, target, snapshot, advice).await?;
    let (list, refused) = admit(&mut engine, found.list, snapshot).await?;
    advised.recommendation.rejected.extend(refused);
    let (subjects, planned) = prepare_all(engine.planner()?, subjects, snapshot).await;
    let targets = targets(&subjects, &list);
    let progress = term::progress(0);
    progress.set_message("Trying indexes");
    let mut trials = Trials::new(&mut engine, &planned, progress.clone());
    let selection = select::select(&mut trials, &list, &targets, Limits::default()).await?;
    let chosen: CandidateSet = selection.chosen.iter().map(|c| c.id).collect();
    let sets = targets.iter().map(|t| chosen.intersection(&t.relevant).copied().collect()).collect();
    advised.in_use.extend(trials.existing(sets).await?);
    progress.finish_and_clear();
    advised.recommendation.optimizer_calls = trials.calls;
    for (query, reason) in std::mem::take(&mut trials.failed) {
        snapshot.problems.push(Problem { source: subjects[query].fingerprint.clone(), message: format!("not tried further: {reason}") });
    }
    advised.recommendation.what_if = engine.what_if();
    wording::fill(&mut advised.recommendation, &subjects, &list, &selection, &snapshot.catalog);
    Ok(())
}

/// Indexes in the plans that we have of the database as it is. A plan without schemas counts for every index of the name.
fn in_todays_plans(snapshot: &Snapshot) -> BTreeSet<IndexName> {
    let nodes = snapshot.workload.iter().flat_map(|q| &q.plans).flat_map(|p| p.plan.root.walk());
    let names: BTreeSet<&str> = nodes.filter_map(|n| n.index_name.as_deref()).collect();
    let used = snapshot.catalog.indexes.iter().filter(|i| names.contains(i.name.as_str()));
    used.map(|i| IndexName::new(&i.spec.table.schema, &i.name)).collect()
}

/// Builds the candidates on the engine; those it refuses leave the list with the reason.
async fn admit(engine: &mut Engine, list: Vec<Candidate>, snapshot: &Snapshot) -> Result<(Vec<Candidate>, Vec<Rejected>), Failure> {
    let rows = |c: &Candidate| snapshot.catalog.table(&c.spec.table).and_then(|t| indexed_rows(&c.spec, t)).unwrap_or(0.0);
    let sizes: Vec<(CandidateId, f64, f64)> = list.iter().enumerate().map(|(id, c)| (id, c.size_bytes.unwrap_or(0.0), rows(c))).collect();
    let refused = engine.add_candidates(&list, &sizes).await?;
    let rejected = refused.iter().map(|(id, reason)| Rejected {
        ddl: wording::ddl_of(&list[*id]),
        reason_code: "not_buildable".into(),
        reason: format!("the server refuses it: {reason}"),
    });
    let rejected: Vec<Rejected> = rejected.collect();
    // Ids are positions: a refused candidate stays in the list, but no query may be planned with it.
    let mut list = list;
    for (id, _) in &refused {
        list[*id].from_queries.clear();
    }
    Ok((list, rejected))
}

/// Parses every query on the engine and plans it once; one that fails there leaves the choice with a problem.
async fn prepare_all(planner: &Session, subjects: Vec<Subject>, snapshot: &mut Snapshot) -> (Vec<Subject>, Vec<Planned>) {
    let (mut kept, mut planned) = (Vec::new(), Vec::new());
    for subject in subjects {
        match prepare_one(planner, &subject, &snapshot.catalog).await {
            Ok(ready) => {
                kept.push(subject);
                planned.push(ready);
            }
            Err(reason) => {
                snapshot.problems.push(Problem { source: subject.fingerprint, message: format!("not part of the index advice: {reason}") })
            }
        }
    }
    (kept, planned)
}

async fn prepare_one(planner: &Session, subject: &Subject, catalog: &Catalog) -> Result<Planned, String> {
    let (mut planned, parsed) = plans::prepare(planner, &subject.text, subject.ground.clone(), Some(&subject.shape), catalog).await?;
    if explain::explain(planner, planned.ground(), planned.call(Some(&parsed), usize::MAX)).await.is_err() {
        planned.make_generic();
        explain::explain(planner, planned.ground(), planned.call(None, 1)).await?;
    }
    Ok(planned)
}

/// Each query with the candidates on its tables (those that the engine has).
fn targets(subjects: &[Subject], list: &[Candidate]) -> Vec<Target> {
    let fits = |s: &Subject, c: &Candidate| !c.from_queries.is_empty() && s.shape.tables.iter().any(|t| t.table == c.spec.table);
    let relevant = |s: &Subject| (0..list.len()).filter(|id| fits(s, &list[*id])).collect::<CandidateSet>();
    subjects.iter().map(|s| Target { weight: s.weight, relevant: relevant(s) }).collect()
}
