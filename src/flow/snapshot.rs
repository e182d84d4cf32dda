//! `advisor snapshot`: a database into a file, and the analysis of one without the database.

use super::analyse::Analysis;
use super::engine::{self, Engine};
use super::{inputs, plans, self_check};
use crate::disk;
use crate::model::blueprint::{Blueprint, Taking};
use crate::model::failure::{Failure, FailureKind};
use crate::model::plan::Plan;
use crate::model::query::{Query, QuerySource};
use crate::model::redaction::Redaction;
use crate::model::report::Fidelity;
use crate::model::snapshot::{Evidence, Gap, Problem, Snapshot};
use crate::model::snapshot_file::{FILE_VERSION, FORMAT, KnownPlan, SnapshotFile};
use crate::pg::blueprint;
use crate::pg::collate;
use crate::pg::collect::{CollectOptions, collect, collect_counted};
use crate::pg::session::{Purpose, Session};
use crate::read::snapshot_file;
use crate::read::sql::{normalize, read_workload};
use crate::redact::{self, Dictionary, Keep};
use crate::term;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Instant;

/// How a snapshot is taken.
#[derive(Debug, Clone)]
pub struct TakeOptions {
    /// Database, as the user named it; `None` for the environment's.
    pub target: Option<String>,
    /// Ask for the least and greatest value of each index.
    pub endpoints: bool,
    /// Most queries that get a plan, for the self-check.
    pub max_queries: usize,
    /// Whose values go into the file as they are.
    pub keep: Keep,
}

/// Reads the database. Only catalog reads, plain EXPLAIN and one look at each end of an index are sent.
pub async fn take(options: &TakeOptions) -> Result<SnapshotFile, Failure> {
    let session = Session::open(options.target.as_deref(), &Purpose::reading("snapshot")).await?;
    session.notes.iter().for_each(|note| term::note(&format!("note: {note}")));
    let progress = term::progress(0);
    progress.set_message("Reading catalog, statistics and workload");
    let (mut snapshot, mut taking) = collect_counted(&session, &CollectOptions::default()).await?;
    read_workload(&mut snapshot);
    progress.finish_and_clear();
    let start = Instant::now();
    let production_plans = known_plans(&session, &mut snapshot, options.max_queries).await;
    // Each is parsed once and planned once.
    taking += Taking { statements: 2 * production_plans.len() as u64, server_ms: start.elapsed().as_secs_f64() * 1000.0 };
    let progress = term::progress(0);
    progress.set_message("Reading schema and statistics");
    let read = blueprint::read(&session, &blueprint::Options { endpoints: options.endpoints }).await;
    progress.finish_and_clear();
    let (mut blueprint, asked) = read?;
    taking += asked;
    forget_the_moment(&mut snapshot);
    let redaction = redact(&session, &mut blueprint, &mut snapshot, &options.keep).await?;
    Ok(SnapshotFile {
        format: FORMAT.into(),
        version: FILE_VERSION,
        advisor_version: env!("CARGO_PKG_VERSION").into(),
        taken_at: snapshot.window.as_ref().map_or_else(|| jiff::Timestamp::now().to_string(), |w| w.to.clone()),
        taking,
        redaction,
        snapshot,
        blueprint,
        production_plans,
    })
}

/// What the server plans today; the plans themselves hold values and are not kept.
async fn known_plans(session: &Session, snapshot: &mut Snapshot, most: usize) -> Vec<KnownPlan> {
    let progress = term::progress(snapshot.workload.len().min(most) as u64);
    progress.set_message("Planning queries");
    let roles: Vec<Option<String>> = snapshot.workload.iter().map(|q| plans::plan_role(q, &snapshot.catalog)).collect();
    plans::plan_workload(session, snapshot, most, &progress).await;
    progress.finish_and_clear();
    // We may not be able to act as a role here, and a clone can: then there is no plan of production's to compare with.
    for (query, role) in snapshot.workload.iter_mut().zip(roles).filter(|(query, role)| query.plan_role != *role) {
        query.plan_role = role;
        query.plans.clear();
    }
    let known = self_check::plans_of(snapshot).into_iter().map(|(fingerprint, nodes)| KnownPlan { fingerprint, nodes }).collect();
    for query in &mut snapshot.workload {
        query.plans.clear();
        query.not_planned = None;
    }
    known
}

/// Takes the values out; the server says how texts are ordered.
async fn redact(session: &Session, blueprint: &mut Blueprint, snapshot: &mut Snapshot, keep: &Keep) -> Result<Redaction, Failure> {
    check_kept(snapshot, keep)?;
    let values = redact::collect(blueprint, snapshot, keep);
    let mut sorted = Vec::new();
    for (order, texts) in values.texts_by_collation() {
        let collation = order.collation.as_ref().map(|c| (c.schema.as_deref(), c.name.as_str()));
        let texts = collate::sort(session, collation, &texts).await.map_err(|why| {
            Failure::new(FailureKind::Connect, format!("cannot redact: the server did not sort the values: {why}"))
                .hint("run the same command again, or keep all values with --with-values")
        })?;
        sorted.push((order, texts));
    }
    // Random and forgotten: nobody can turn the pseudonyms back, us included.
    let seed = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), snapshot.workload.len());
    Ok(redact::redact(blueprint, snapshot, Dictionary::new(&values, sorted, seed), keep))
}

/// A misspelt table would be redacted in silence.
fn check_kept(snapshot: &Snapshot, keep: &Keep) -> Result<(), Failure> {
    let Keep::Tables(tables) = keep else { return Ok(()) };
    match tables.iter().find(|name| snapshot.catalog.table(name).is_none()) {
        Some(unknown) => Err(Failure::usage(format!("--with-values names {unknown}, and there is no such table"))
            .hint("write SCHEMA.TABLE, or TABLE for one in public; several with commas between")),
        None => Ok(()),
    }
}

/// What was true for an instant only has no meaning in a file.
fn forget_the_moment(snapshot: &mut Snapshot) {
    snapshot.sessions.clear();
    snapshot.sessions_visible = false;
    snapshot.gaps.retain(|gap| gap.evidence != Evidence::Sessions);
    let reason = "a snapshot file holds no sessions".to_owned();
    snapshot.gaps.push(Gap { evidence: Evidence::Sessions, reason, fix_sql: None });
}

/// Reads a file that [`take`] wrote.
pub fn open(path: &Path) -> Result<SnapshotFile, Failure> {
    let hint = "write one with `advisor snapshot --output FILE`";
    let refuse = |why: String| Failure::usage(format!("cannot use {} as a snapshot: {why}", path.display())).hint(hint);
    snapshot_file::read(&disk::read_bytes(path)?).map_err(refuse)
}

/// A database that is not there: its snapshot with every query planned on a copy.
pub(super) struct Offline {
    /// Catalog and workload, planned.
    pub(super) snapshot: Snapshot,
    /// The copy.
    pub(super) engine: Engine,
    /// How far its plans are production's own.
    pub(super) fidelity: Option<Fidelity>,
    /// Queries that production knows, by fingerprint.
    pub(super) known: BTreeSet<String>,
}

/// Builds the copy and plans the workload of the file, of the user's files and of the database that they name.
pub(super) async fn stand_in(path: &Path, analysis: &Analysis) -> Result<Offline, Failure> {
    let file = open(path)?;
    let mut snapshot = file.snapshot;
    let known: BTreeSet<String> = snapshot.workload.iter().map(|q| q.fingerprint.clone()).collect();
    let search_path = common_path(&snapshot);
    if let Some(target) = &analysis.target {
        add_workload_of(target, &mut snapshot, &known).await?;
    }
    inputs::add_queries(&mut snapshot, &analysis.queries, &search_path)?;
    inputs::add_plans(&mut snapshot, &analysis.plans, &search_path)?;
    if !file.redaction.everything_kept {
        forget_constants(&mut snapshot);
    }
    read_workload(&mut snapshot);
    let binaries = engine::binaries(&mut snapshot, &analysis.advice)?;
    let mut engine = engine::build_clone(&binaries, file.blueprint, !file.redaction.everything_kept, &mut snapshot).await?;
    engine.open().await?;
    let progress = term::progress(snapshot.workload.len().min(analysis.max_queries) as u64);
    progress.set_message("Planning queries");
    plans::plan_workload(engine.planner()?, &mut snapshot, analysis.max_queries, &progress).await;
    progress.finish_and_clear();
    let production: BTreeMap<_, _> = file.production_plans.into_iter().map(|p| (p.fingerprint, p.nodes)).collect();
    let here: BTreeMap<String, &Plan> = snapshot.workload.iter().filter_map(|q| Some((q.fingerprint.clone(), q.plan()?))).collect();
    let mut causes = self_check::causes(&snapshot);
    if !file.redaction.everything_kept {
        causes.push("the snapshot is redacted: `advisor snapshot show` lists what has no pseudonyms; --with-values keeps it".into());
    }
    let fidelity = self_check::compare(&production, &here, causes);
    Ok(Offline { snapshot, engine, fidelity, known })
}

/// Constants of the user's files mean nothing among pseudonyms: they become parameters, with values sampled from these.
fn forget_constants(snapshot: &mut Snapshot) {
    for query in snapshot.workload.iter_mut().filter(|q| q.source == QuerySource::File) {
        query.text = normalize::normalize(&query.text).text;
    }
}

/// Queries of a test database that production does not know. Its times and counts say nothing of production.
async fn add_workload_of(target: &str, snapshot: &mut Snapshot, known: &BTreeSet<String>) -> Result<(), Failure> {
    let session = Session::open(Some(target), &Purpose::reading("analyze")).await?;
    let mut test = collect(&session, &CollectOptions::default()).await?;
    read_workload(&mut test);
    snapshot.problems.extend(
        test.gaps
            .iter()
            .filter(|g| g.evidence == Evidence::Workload)
            .map(|gap| Problem { source: "test database".into(), message: format!("its queries could not be read: {}", gap.reason) }),
    );
    let new = test.workload.into_iter().filter(|q| !known.contains(&q.fingerprint));
    snapshot.workload.extend(new.map(|q| Query { figures: None, weight: 1.0, source: QuerySource::PgStatStatements, ..q }));
    Ok(())
}

/// In which most of production's queries are resolved; files say nothing of it.
fn common_path(snapshot: &Snapshot) -> Vec<String> {
    let mut votes: BTreeMap<&[String], usize> = BTreeMap::new();
    snapshot.workload.iter().for_each(|q| *votes.entry(&q.search_path).or_default() += 1);
    votes.into_iter().max_by_key(|(_, n)| *n).map_or_else(|| vec!["public".into()], |(path, _)| path.to_vec())
}
