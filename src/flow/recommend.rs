//! Index advice: candidates, trials on an engine, the selector's choice, put into the report's words.

use super::plans::{self, Planned};
use super::trial::{Engine, Trials};
use crate::candidates::size::indexed_rows;
use crate::candidates::{self, Wanted};
use crate::model::candidate::{Candidate, CandidateId, CandidateSet};
use crate::model::catalog::{Catalog, ForeignKey, TableKind};
use crate::model::ddl::IndexName;
use crate::model::failure::Failure;
use crate::model::query::{PlanOrigin, Query, Shape};
use crate::model::report::{Action, AdvisedIndex, Recommendation, Rejected, ServedQuery};
use crate::model::snapshot::{Problem, Snapshot};
use crate::model::text::{one_line, quote_ident};
use crate::pg::clone::{CloneDb, export};
use crate::pg::hypopg::Hypopg;
use crate::pg::server;
use crate::pg::session::{Purpose, Session};
use crate::read::{plan_shape, sql};
use crate::select::{self, Limits, Refusal, Selection, Target};
use crate::term;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Which engine the user wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum WhatIfChoice {
    /// HypoPG where it is installed, else a clone in a server of our own.
    Auto,
    /// A clone in a server of our own.
    Clone,
    /// The HypoPG extension.
    Hypopg,
    /// No trials: no advice.
    None,
}

/// How advice is found.
#[derive(Debug, Clone)]
pub struct Advice {
    /// Engine.
    pub what_if: WhatIfChoice,
    /// Server binaries for the clone.
    pub pg_bindir: Option<PathBuf>,
    /// Platform schemas to advise all the same.
    pub schemas: Vec<String>,
}

/// A query that takes part in the choice.
struct Subject {
    fingerprint: String,
    text: String,
    search_path: Vec<String>,
    shape: Shape,
    weight: f64,
}

/// Advice to create, and what it leans on.
pub(super) struct Advised {
    /// Indexes to create.
    pub(super) recommendation: Recommendation,
    /// Existing indexes that plans of the workload use, today or beside the advised ones: none of them is to be dropped as unused.
    pub(super) in_use: BTreeSet<IndexName>,
}

/// Finds, tries and chooses. What prevents advice is a problem in the snapshot, not a failure.
pub(super) async fn recommend(
    session: &Session,
    target: Option<&str>,
    snapshot: &mut Snapshot,
    advice: &Advice,
) -> Result<Advised, Failure> {
    let mut in_use = in_todays_plans(snapshot);
    let subjects = subjects(snapshot);
    let wanted: Vec<Wanted> = subjects.iter().enumerate().map(|(id, s)| Wanted { id, shape: &s.shape }).collect();
    let found = candidates::find(&snapshot.catalog, &snapshot.workload, &wanted, &advice.schemas);
    let mut recommendation = Recommendation { rejected: found.rejected, ..Recommendation::default() };
    if found.list.is_empty() || advice.what_if == WhatIfChoice::None {
        return Ok(Advised { recommendation, in_use });
    }
    let mut engine = match start_engine(session, target, snapshot, advice).await {
        Ok(engine) => engine,
        Err(failure) => {
            let message = std::iter::once(failure.message).chain(failure.hints).collect::<Vec<_>>().join("; ");
            snapshot.problems.push(Problem { source: "what-if".into(), message: format!("no index advice: {message}") });
            return Ok(Advised { recommendation, in_use });
        }
    };
    let (list, refused) = admit(&mut engine, found.list, snapshot).await?;
    recommendation.rejected.extend(refused);
    let (subjects, planned) = prepare_all(&engine, subjects, snapshot).await;
    let targets = targets(&subjects, &list);
    let progress = term::progress(0);
    progress.set_message("Trying indexes");
    let mut trials = Trials {
        engine: &mut engine,
        planned: &planned,
        calls: 0,
        progress: progress.clone(),
        first_cost: BTreeMap::new(),
        failed: BTreeMap::new(),
    };
    let selection = select::select(&mut trials, &list, &targets, Limits::default()).await?;
    for (id, target) in targets.iter().enumerate() {
        let present = selection.chosen.iter().map(|c| c.id).filter(|c| target.relevant.contains(c)).collect();
        in_use.extend(trials.existing(id, &present).await?);
    }
    progress.finish_and_clear();
    recommendation.optimizer_calls = trials.calls;
    for (query, reason) in std::mem::take(&mut trials.failed) {
        snapshot.problems.push(Problem { source: subjects[query].fingerprint.clone(), message: format!("not tried further: {reason}") });
    }
    recommendation.what_if = engine.what_if();
    fill(&mut recommendation, &subjects, &list, &selection, &snapshot.catalog);
    Ok(Advised { recommendation, in_use })
}

/// Indexes in the plans that we have of the database as it is. A plan without schemas counts for every index of the name.
fn in_todays_plans(snapshot: &Snapshot) -> BTreeSet<IndexName> {
    let nodes = snapshot.workload.iter().flat_map(|q| &q.plans).flat_map(|p| p.plan.root.walk());
    let names: BTreeSet<&str> = nodes.filter_map(|n| n.index_name.as_deref()).collect();
    let used = snapshot.catalog.indexes.iter().filter(|i| names.contains(i.name.as_str()));
    used.map(|i| IndexName::new(&i.spec.table.schema, &i.name)).collect()
}

/// Queries with a plan of ours, and the look-ups of foreign keys whose parents lose rows.
fn subjects(snapshot: &Snapshot) -> Vec<Subject> {
    let from_query = |query: &Query| {
        query.plans.iter().find(|p| p.origin != PlanOrigin::Given)?;
        Some(Subject {
            fingerprint: query.fingerprint.clone(),
            text: query.text.clone(),
            search_path: query.search_path.clone(),
            shape: whole_shape(query, &snapshot.catalog).filter(|s| !s.tables.is_empty())?,
            weight: query.weight,
        })
    };
    let from_key = |key: &ForeignKey| foreign_key_look_up(key, snapshot);
    snapshot.workload.iter().filter_map(from_query).chain(snapshot.catalog.foreign_keys.iter().filter_map(from_key)).collect()
}

/// The SQL's own shape, unless it names views or could not be read: then the plan's.
fn whole_shape(query: &Query, catalog: &Catalog) -> Option<Shape> {
    let is_view = |shape: &Shape| shape.tables.iter().any(|t| catalog.table(&t.table).is_some_and(|t| t.kind == TableKind::View));
    match query.shape() {
        Some(shape) if !is_view(shape) => Some(shape.clone()),
        _ => plan_shape::shape(query.plan()?, catalog),
    }
}

/// What the server asks of the child for each deleted parent row; weight: deleted rows in the window.
fn foreign_key_look_up(key: &ForeignKey, snapshot: &Snapshot) -> Option<Subject> {
    let parent = snapshot.catalog.table(&key.parent)?;
    let deletes = |q: &&Query| {
        q.shape().is_some_and(|s| {
            s.kind == crate::model::query::StatementKind::Delete && s.tables.iter().any(|t| t.written && t.table == key.parent)
        })
    };
    let in_window: f64 = snapshot.workload.iter().filter(deletes).map(|q| q.figures.as_ref().map_or(q.weight, |f| f.rows)).sum();
    let ever = parent.usage.as_ref().is_some_and(|u| u.deleted_rows > 0.0);
    if in_window == 0.0 && !ever {
        return None;
    }
    let only = if snapshot.catalog.table(&key.child)?.kind == TableKind::Partitioned { "" } else { "ONLY " };
    let columns: Vec<String> = key.child_columns.iter().enumerate().map(|(n, c)| format!("{} = ${}", quote_ident(c), n + 1)).collect();
    let text = format!("SELECT 1 FROM {only}{} x WHERE {} FOR KEY SHARE OF x", key.child.quoted(), columns.join(" AND "));
    match sql::read(&text, &snapshot.catalog, &[]) {
        crate::model::query::Reading::Understood(shape) => {
            Some(Subject { fingerprint: format!("fk:{}", key.name), text, search_path: Vec::new(), shape, weight: in_window.max(1.0) })
        }
        crate::model::query::Reading::Opaque(_) => None,
    }
}

async fn start_engine(session: &Session, target: Option<&str>, snapshot: &mut Snapshot, advice: &Advice) -> Result<Engine, Failure> {
    let hypopg = snapshot.catalog.extension("hypopg").map(|e| e.schema.clone());
    match (advice.what_if, hypopg) {
        // Behind a pooler hypothetical indexes would lie in a backend that others share.
        (WhatIfChoice::Hypopg, Some(_)) if session.behind_pooler => Err(Failure::new(
            crate::model::failure::FailureKind::Missing,
            "HypoPG needs a connection of its own, and a pooler stands in between",
        )
        .hint("connect past the pooler, or use --what-if clone")),
        (WhatIfChoice::Auto | WhatIfChoice::Hypopg, Some(schema)) if !session.behind_pooler => {
            let trial = Session::open(target, &Purpose::reading("trial")).await?;
            Ok(Engine::Hypopg(Box::new(Hypopg::enter(trial, &schema).await?)))
        }
        (WhatIfChoice::Hypopg, None) => {
            Err(Failure::new(crate::model::failure::FailureKind::Missing, "the extension hypopg is not installed in this database")
                .hint("create extension hypopg, or use --what-if clone"))
        }
        _ => {
            let major = snapshot.server.as_ref().map_or(0, |s| s.major());
            let binaries = match &advice.pg_bindir {
                Some(_) => server::find(advice.pg_bindir.as_deref())?,
                None => server::find_major(major).or_else(|_| server::find(None))?,
            };
            if binaries.major != major {
                let message = format!("planned by PostgreSQL {} in place of {major}: costs may differ", binaries.major);
                snapshot.problems.push(Problem { source: "what-if clone".into(), message });
            }
            let progress = term::progress(0);
            progress.set_message("Copying schema and statistics");
            let clone = async {
                let export = export::export(session).await.map_err(|e| Failure::new(crate::model::failure::FailureKind::Connect, e))?;
                CloneDb::build(&binaries, export, &snapshot.settings).await
            };
            let clone = clone.await;
            progress.finish_and_clear();
            let mut clone = clone?;
            snapshot.problems.append(&mut clone.problems);
            Ok(Engine::Clone(Box::new(clone)))
        }
    }
}

/// Builds the candidates on the engine; those it refuses leave the list with the reason.
async fn admit(engine: &mut Engine, list: Vec<Candidate>, snapshot: &Snapshot) -> Result<(Vec<Candidate>, Vec<Rejected>), Failure> {
    let refused = engine.add_candidates(&list).await?;
    let rows = |c: &Candidate| snapshot.catalog.table(&c.spec.table).and_then(|t| indexed_rows(&c.spec, t)).unwrap_or(0.0);
    if let Engine::Clone(clone) = engine {
        let sizes: Vec<(CandidateId, f64, f64)> =
            list.iter().enumerate().map(|(id, c)| (id, c.size_bytes.unwrap_or(0.0), rows(c))).collect();
        clone.stretch(&sizes).await?;
    }
    let rejected = refused.iter().map(|(id, reason)| Rejected {
        ddl: ddl_of(&list[*id]),
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
async fn prepare_all(engine: &Engine, subjects: Vec<Subject>, snapshot: &mut Snapshot) -> (Vec<Subject>, Vec<Planned>) {
    let (mut kept, mut planned) = (Vec::new(), Vec::new());
    for subject in subjects {
        match prepare_one(engine.planner(), &subject, &snapshot.catalog).await {
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
    let mut planned = plans::prepare(planner, &subject.text, &subject.search_path, Some(&subject.shape), catalog).await?;
    if plans::plan_all(planner, &planned).await.is_err() {
        plans::make_generic(&mut planned);
        plans::plan(planner, &planned).await?;
    }
    Ok(planned)
}

/// Each query with the candidates on its tables (those that the engine has).
fn targets(subjects: &[Subject], list: &[Candidate]) -> Vec<Target> {
    let fits = |s: &Subject, c: &Candidate| !c.from_queries.is_empty() && s.shape.tables.iter().any(|t| t.table == c.spec.table);
    let relevant = |s: &Subject| (0..list.len()).filter(|id| fits(s, &list[*id])).collect::<CandidateSet>();
    subjects.iter().map(|s| Target { weight: s.weight, relevant: relevant(s) }).collect()
}

fn fill(recommendation: &mut Recommendation, subjects: &[Subject], list: &[Candidate], selection: &Selection, catalog: &Catalog) {
    let weighted = |costs: &[f64]| subjects.iter().zip(costs).map(|(s, c)| s.weight * c).sum::<f64>();
    recommendation.cost_before = Some(weighted(&selection.before));
    recommendation.cost_after = Some(weighted(&selection.after));
    for chosen in &selection.chosen {
        recommendation.indexes.push(advised(chosen, subjects, &list[chosen.id], selection, catalog));
    }
    let refused = selection.refused.iter().filter(|(id, _)| !list[*id].from_queries.is_empty());
    recommendation.rejected.extend(refused.map(|(id, refusal)| rejected(&list[*id], refusal, list)));
}

fn advised(chosen: &select::Chosen, subjects: &[Subject], candidate: &Candidate, selection: &Selection, catalog: &Catalog) -> AdvisedIndex {
    let spec = &candidate.spec;
    let table = catalog.table(&spec.table);
    let partitioned = table.is_some_and(|t| t.kind == TableKind::Partitioned);
    let name = spec.safe_name();
    let concurrently = if partitioned { "" } else { "CONCURRENTLY " };
    let queries: Vec<ServedQuery> = chosen
        .serves
        .iter()
        .map(|q| ServedQuery {
            fingerprint: subjects[*q].fingerprint.clone(),
            cost_before: selection.before[*q],
            cost_after: selection.after[*q],
        })
        .collect();
    let replaces =
        catalog.indexes_of(&spec.table).filter(|i| i.valid && !i.is_load_bearing() && i.spec.is_covered_by(spec)).map(|i| i.name.clone());
    let ddl = spec.create_sql(&name, !partitioned);
    AdvisedIndex {
        id: id_of(&ddl),
        action: Action::Create,
        schema: spec.table.schema.clone(),
        table: spec.table.name.clone(),
        undo: vec![format!("DROP INDEX {concurrently}{}.{}", quote_ident(&spec.table.schema), quote_ident(&name))],
        name,
        ddl,
        size_bytes: candidate.size_bytes,
        write_cost: chosen.write_cost,
        reason: reason(&queries, chosen, candidate),
        queries,
        benefit: chosen.benefit,
        replaces: replaces.collect(),
        partitioned,
        owner: table.filter(|t| !t.ours).map(|t| t.owner.clone()),
    }
}

/// Stable id of a change: 8 hex digits of its statement's hash.
pub(super) fn id_of(ddl: &str) -> String {
    format!("{:08x}", xxhash_rust::xxh3::xxh3_64(ddl.as_bytes()) as u32)
}

fn reason(queries: &[ServedQuery], chosen: &select::Chosen, candidate: &Candidate) -> String {
    let look_ups = queries.iter().filter(|q| q.fingerprint.starts_with("fk:")).count();
    let plain = queries.len() - look_ups;
    let mut parts = Vec::new();
    if plain > 0 {
        parts.push(format!(
            "{plain} {} of the workload use{} it",
            if plain == 1 { "query" } else { "queries" },
            if plain == 1 { "s" } else { "" }
        ));
    }
    if look_ups > 0 {
        parts.push("a DELETE on the parent table looks up rows by it".to_owned());
    }
    let best = queries.iter().max_by(|a, b| (a.cost_before - a.cost_after).total_cmp(&(b.cost_before - b.cost_after)));
    if let Some(best) = best {
        parts.push(format!("cost {:.0} → {:.0} per execution", best.cost_before, best.cost_after));
    }
    if candidate.written_rows > 0.0 {
        parts.push(format!("writes pay {:.0} of the {:.0} gained", chosen.write_cost, chosen.benefit));
    }
    parts.join("; ")
}

fn ddl_of(candidate: &Candidate) -> String {
    candidate.spec.create_sql(&candidate.spec.safe_name(), true)
}

fn rejected(candidate: &Candidate, refusal: &Refusal, list: &[Candidate]) -> Rejected {
    let (code, reason) = match refusal {
        Refusal::NotUsed => ("not_used", "the planner never chose it".to_owned()),
        Refusal::CoveredBy(id) => ("covered", format!("{} does its work", one_line(&list[*id].spec.safe_name()))),
        Refusal::WriteCost { gain, cost } => ("write_cost", format!("writes would pay {cost:.0} for a gain of {gain:.0}")),
        Refusal::LowGain { gain } => ("low_gain", format!("beside the advised indexes it would gain only {gain:.0}")),
    };
    Rejected { ddl: ddl_of(candidate), reason_code: code.into(), reason }
}
