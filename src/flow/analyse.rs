//! The analysis: read, plan, judge, recommend, report.

use super::cures;
use super::drops;
use super::engine::Place;
use super::inputs;
use super::limits;
use super::offline;
use super::plans;
use super::recommend;
use super::snapshot;
use super::why;
use crate::candidates;
use crate::model::failure::Failure;
use crate::model::query::Query;
use crate::model::report::{REPORT_VERSION, Recommendation, Report, ReportQuery};
use crate::model::snapshot::{Evidence, Gap, Problem, Snapshot};
use crate::model::text::quote_ident;
use crate::pg::collect::{CollectOptions, collect};
use crate::pg::session::{Purpose, Session};
use crate::pg::statements::OWN_PATH;
use crate::read::sql::read_workload;

use crate::rules::{self, Thresholds};
use crate::term;
use std::path::{Path, PathBuf};

pub use super::engine::{Advice, WhatIfChoice};

/// Queries that get a plan unless the user wants more: beyond, the time is in the first ones.
pub const MOST_QUERIES: usize = 5000;

/// What to analyse and how.
#[derive(Debug, Clone)]
pub struct Analysis {
    /// Database, as the user named it; `None` for the environment's.
    pub target: Option<String>,
    /// .sql files and folders.
    pub queries: Vec<PathBuf>,
    /// EXPLAIN outputs.
    pub plans: Vec<PathBuf>,
    /// A snapshot file in place of the database; `target` is then a test database, of which only the queries count.
    pub snapshot: Option<PathBuf>,
    /// Report only findings about queries that the snapshot does not know.
    pub only_new: bool,
    /// Run SELECTs that are proved harmless.
    pub explain_analyze: bool,
    /// Most queries that get a plan.
    pub max_queries: usize,
    /// Adjusted numbers.
    pub thresholds: Thresholds,
    /// How advice is found.
    pub advice: Advice,
}

impl Analysis {
    /// The analysis that `advisor analyze` makes when it is told nothing but the database.
    pub fn of(target: Option<String>) -> Analysis {
        Analysis {
            target,
            queries: Vec::new(),
            plans: Vec::new(),
            snapshot: None,
            only_new: false,
            explain_analyze: false,
            max_queries: MOST_QUERIES,
            thresholds: Thresholds::default(),
            advice: Advice::default(),
        }
    }
}

/// Analyses a live database; where none is named, the plans that were handed to us.
pub async fn analyse(analysis: &Analysis) -> Result<Report, Failure> {
    why::check(&analysis.advice.why)?;
    if let Some(path) = &analysis.snapshot {
        return analyse_file(path, analysis).await;
    }
    if offline::applies(analysis) {
        if !analysis.advice.why.is_empty() {
            return Err(Failure::usage("--why tries an index, and plans alone are no database to try it on")
                .hint("name the database with --db, or a snapshot with --snapshot"));
        }
        let snapshot = offline::read(analysis)?;
        let judgement = rules::judge(&snapshot, &analysis.thresholds);
        return Ok(report(snapshot, judgement, Recommendation::default()));
    }
    let session = Session::open(analysis.target.as_deref(), &Purpose::reading("analyze")).await?;
    for note in &session.notes {
        term::note(&format!("note: {note}"));
    }
    let snapshot = read(&session, analysis).await?;
    let place = Place::Live { session: &session, target: analysis.target.as_deref() };
    judge_and_advise(snapshot, place, analysis).await
}

/// Analyses a database that is not there.
async fn analyse_file(path: &Path, analysis: &Analysis) -> Result<Report, Failure> {
    if analysis.explain_analyze {
        return Err(Failure::usage("--explain-analyze runs queries, and in a snapshot there are no rows to run them on")
            .hint("leave it out, or analyze the database itself with --db"));
    }
    let snapshot::Offline { mut snapshot, engine, fidelity, known } = snapshot::stand_in(path, analysis).await?;
    say_what_has_no_plan(&mut snapshot, analysis.max_queries);
    let mut report = judge_and_advise(snapshot, Place::Offline(Box::new(engine)), analysis).await?;
    report.recommendation.fidelity = fidelity;
    if analysis.only_new {
        report.findings.retain(|f| f.subject.query.as_ref().is_some_and(|query| !known.contains(query)));
    }
    Ok(report)
}

async fn judge_and_advise(mut snapshot: Snapshot, place: Place<'_>, analysis: &Analysis) -> Result<Report, Failure> {
    let advice = limits::settled(&analysis.advice, &snapshot.catalog)?;
    let mut judgement = rules::judge(&snapshot, &analysis.thresholds);
    let recommend::Advised { mut recommendation, in_use, given_up, settled } = recommend::recommend(place, &mut snapshot, &advice).await;
    recommendation.statistics = candidates::statistics::advise(&snapshot, &advice.allowed);
    cures::adopt(&mut judgement.findings, &recommendation.indexes);
    let of = drops::Use { in_use, given_up, bearable: advice.max_regression };
    let drops = drops::drops(&judgement.findings, &snapshot.catalog, &of, &recommendation.indexes);
    judgement.findings.retain(|finding| !of.disproves(finding));
    if let Err(failure) = drops::tried(drops, settled, &mut recommendation).await {
        snapshot.problems.push(Problem { source: "what-if".into(), message: failure.message });
    }
    Ok(report(snapshot, judgement, recommendation))
}

/// Reads the database and its workload, understands the queries and plans them.
pub async fn read(session: &Session, analysis: &Analysis) -> Result<Snapshot, Failure> {
    let progress = term::progress(0);
    progress.set_message("Reading catalog, statistics and workload");
    let mut snapshot = collect(session, &CollectOptions { schemas: analysis.advice.allowed.schemas.clone() }).await?;
    let path = own_path(session).await?;
    inputs::add_queries(&mut snapshot, &analysis.queries, &path)?;
    inputs::add_plans(&mut snapshot, &analysis.plans, &path)?;
    read_workload(&mut snapshot);
    progress.finish_and_clear();
    let planned = snapshot.workload.len().min(analysis.max_queries);
    let progress = term::progress(planned as u64);
    progress.set_message("Planning queries");
    plans::plan_workload(session, &mut snapshot, analysis.max_queries, &progress).await;
    if analysis.explain_analyze {
        progress.set_position(0);
        progress.set_message("Running harmless queries");
        super::explain_analyze::run_workload(session, &mut snapshot, analysis.max_queries, &progress).await?;
    }
    progress.finish_and_clear();
    snapshot.gaps.extend(forbidden_plans(&snapshot, &session.user));
    say_what_has_no_plan(&mut snapshot, analysis.max_queries);
    Ok(snapshot)
}

pub(super) async fn own_path(session: &Session) -> Result<Vec<String>, Failure> {
    let fail = |e| Failure::new(crate::model::failure::FailureKind::Connect, crate::pg::error::describe(&e));
    session.client.query_one(OWN_PATH.sql, &[]).await.and_then(|row| row.try_get("schemas")).map_err(fail)
}

/// Queries that our role may not even EXPLAIN are a gap with a cure, where reading the tables is what it lacks.
fn forbidden_plans(snapshot: &Snapshot, role: &str) -> Option<Gap> {
    const DENIED: &str = "(42501)";
    let denied = snapshot.workload.iter().filter(|q| q.not_planned.as_ref().is_some_and(|r| r.contains(DENIED))).count();
    let unreadable = snapshot.gaps.iter().find(|g| g.evidence == Evidence::ColumnStatistics);
    (denied > 0).then(|| Gap {
        evidence: Evidence::Plans,
        reason: format!("{denied} queries could not be planned: role {} lacks the rights that they need", quote_ident(role)),
        fix_sql: unreadable.and_then(|gap| gap.fix_sql.clone()),
    })
}

/// A query without a plan is named, with the reason.
fn say_what_has_no_plan(snapshot: &mut Snapshot, most: usize) {
    let left = snapshot.workload.iter().skip(most).filter(|q| q.figures.is_some()).count();
    if left > 0 {
        let message = format!("{left} queries with the least total time were not planned; --max-queries raises the limit of {most}");
        snapshot.problems.push(Problem { source: "plans".into(), message });
    }
    let reason = |q: &Query| q.not_planned.as_ref().map(|r| Problem { source: q.fingerprint.clone(), message: r.clone() });
    let reasons: Vec<Problem> = snapshot.workload.iter().filter_map(reason).collect();
    snapshot.problems.extend(reasons);
}

fn report(snapshot: Snapshot, judgement: rules::Judgement, recommendation: Recommendation) -> Report {
    let query = |q: &Query| ReportQuery {
        fingerprint: q.fingerprint.clone(),
        text: q.normalized.clone(),
        source: q.source,
        calls: q.figures.as_ref().map(|f| f.calls),
        total_ms: q.figures.as_ref().map(|f| f.total_ms),
        mean_ms: q.figures.as_ref().map(|f| f.mean_ms()),
        rows: q.figures.as_ref().map(|f| f.rows),
    };
    let mut problems = snapshot.problems;
    problems.sort();
    problems.dedup();
    Report {
        schema_version: REPORT_VERSION,
        advisor_version: env!("CARGO_PKG_VERSION").into(),
        server: snapshot.server,
        window: snapshot.window,
        queries: snapshot.workload.iter().map(query).collect(),
        findings: judgement.findings,
        recommendation,
        not_judged: judgement.not_judged,
        problems,
    }
}
