//! The what-if engines behind one interface: choosing one, starting it, showing it candidates.

use super::parsed::{MOST_PARSED, Parsed};
use super::plans::Planned;
use super::trial::Answer;
use crate::model::blueprint::Blueprint;
use crate::model::candidate::{Candidate, CandidateId, QueryId, Unbuilt, View};
use crate::model::failure::{Failure, FailureKind};
use crate::model::plan::Plan;
use crate::model::report::WhatIf;
use crate::model::restrictions::Restrictions;
use crate::model::snapshot::{Problem, Snapshot};
use crate::pg::blueprint;
use crate::pg::clone::{CloneDb, Lane, Question, Turns};
use crate::pg::explain::{self, Call};
use crate::pg::hypopg::Hypopg;
use crate::pg::server::{self, Binaries};
use crate::pg::session::{Purpose, Session};
use crate::select::Limits;
use crate::term;
use futures_util::future::try_join_all;
use std::cell::Cell;
use std::path::PathBuf;
use std::time::Duration;

/// Which engine the user wants.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum WhatIfChoice {
    /// A clone, unless it cannot be made or plans otherwise than the server and HypoPG is installed.
    #[default]
    Auto,
    /// A clone in a server of our own.
    Clone,
    /// The HypoPG extension.
    Hypopg,
    /// No trials: no advice.
    None,
}

/// How advice is found.
#[derive(Debug, Clone, Default)]
pub struct Advice {
    /// Engine.
    pub what_if: WhatIfChoice,
    /// Server binaries for the clone.
    pub pg_bindir: Option<PathBuf>,
    /// What may be advised.
    pub allowed: Restrictions,
    /// What is worth an index, and how much of it there may be.
    pub limits: Limits,
    /// What the user allows a query to get dearer, as a share: then it holds for every drop too.
    pub max_regression: Option<f64>,
    /// Spaces to choose for, bytes, smallest first; empty for as much as pays. The last is the advice, the others make the frontier.
    pub budgets: Vec<f64>,
    /// More of them, as shares of the heap of the advised tables: bytes once the catalog is read.
    pub budget_shares: Vec<f64>,
    /// When to stop looking for a better set; `None` to end by itself.
    pub time_limit: Option<Duration>,
    /// Choose as published comparisons do: space as they count it, and the planner's costs as they are, bets included.
    pub as_published: bool,
    /// Questions "why not this index?": a CREATE INDEX, or `table.column`.
    pub why: Vec<String>,
}

/// An engine with all candidates in it.
pub(super) enum Engine {
    /// Real empty indexes in our own server.
    Clone(Box<CloneDb>),
    /// HypoPG on the analysed server.
    Hypopg(Box<Hypopg>),
}

impl Engine {
    /// Which it is, for the report.
    pub(super) fn what_if(&self) -> WhatIf {
        match self {
            Engine::Clone(_) => WhatIf::Clone,
            Engine::Hypopg(_) => WhatIf::Hypopg,
        }
    }

    /// Makes it ready to plan without any candidate.
    pub(super) async fn open(&mut self) -> Result<(), Failure> {
        match self {
            Engine::Clone(clone) => clone.open_lanes(1, &[]).await,
            Engine::Hypopg(_) => Ok(()),
        }
    }

    /// A connection on which queries can be planned as they are now.
    pub(super) fn planner(&self) -> Result<&Session, Failure> {
        match self {
            Engine::Clone(clone) => {
                clone.planner(0).ok_or_else(|| Failure::new(FailureKind::Bug, "the what-if clone has no database to plan in"))
            }
            Engine::Hypopg(hypopg) => Ok(hypopg.planner()),
        }
    }

    /// The connection of each lane: queries can be planned on them side by side as they are now.
    pub(super) fn planners(&self) -> Result<Vec<&Session>, Failure> {
        let all: Vec<&Session> = match self {
            Engine::Clone(clone) => (0..clone.lanes()).filter_map(|lane| clone.planner(lane)).collect(),
            Engine::Hypopg(hypopg) => vec![hypopg.planner()],
        };
        if all.is_empty() { self.planner().map(|one| vec![one]) } else { Ok(all) }
    }

    /// How many questions are answered side by side.
    pub(super) fn lanes(&self) -> usize {
        match self {
            Engine::Clone(clone) => clone.lanes(),
            Engine::Hypopg(_) => 1,
        }
    }

    /// Builds the candidates, with their bytes and rows; those that the server refuses come back with its reason.
    pub(super) async fn add_candidates(
        &mut self,
        candidates: &[Candidate],
        sizes: &[(CandidateId, f64, f64)],
    ) -> Result<Vec<(CandidateId, Unbuilt)>, Failure> {
        match self {
            Engine::Clone(clone) => {
                let refused = clone.add_candidates(candidates).await?;
                clone.open_lanes(lanes(candidates.len()), sizes).await?;
                Ok(refused)
            }
            Engine::Hypopg(hypopg) => hypopg.add_candidates(candidates).await,
        }
    }

    /// True when it can plan as if an existing index were gone.
    pub(super) fn can_hide(&self) -> bool {
        matches!(self, Engine::Clone(_))
    }

    /// Plans each query with what its view shows, in as many lanes as there are.
    pub(super) async fn answers(
        &mut self,
        planned: &[Planned],
        parsed: &mut [Parsed],
        asks: &[(QueryId, View)],
    ) -> Result<Vec<Answer>, Failure> {
        // Where a lane cannot keep all queries parsed, it takes questions that stand together: they are about the same query, or
        // the same table, whose indexes it need not turn round again.
        let most = if planned.len() > MOST_PARSED { AT_ONCE } else { 1 };
        let next = Cell::new(0);
        let take = || {
            let left = &asks[next.get()..];
            let run = left.len().min(most);
            let first = next.replace(next.get() + run);
            (run > 0).then(|| (first, &left[..run]))
        };
        let mut answers: Vec<(usize, Answer)> = match self {
            Engine::Clone(clone) => {
                let (lanes, turns) = clone.work();
                let work = lanes.iter_mut().zip(parsed).map(async |(lane, parsed)| {
                    let mut done = Vec::new();
                    while let Some((first, asks)) = take() {
                        done.extend((first..).zip(on_lane(lane, turns, parsed, planned, asks).await?));
                    }
                    Ok::<_, Failure>(done)
                });
                try_join_all(work).await?.into_iter().flatten().collect()
            }
            Engine::Hypopg(hypopg) => {
                let parsed = parsed.first_mut().ok_or_else(|| Failure::new(FailureKind::Bug, "no lane"))?;
                let mut done = Vec::new();
                for (n, (query, view)) in asks.iter().enumerate() {
                    done.push((n, on_hypopg(hypopg, parsed, *query, &planned[*query], view).await?));
                }
                done
            }
        };
        answers.sort_by_key(|(n, _)| *n);
        Ok(answers.into_iter().map(|(_, answer)| answer).collect())
    }

    /// The candidate behind an index in a plan.
    pub(super) fn candidate(&self, schema: &str, index: &str) -> Option<CandidateId> {
        match self {
            Engine::Clone(clone) => clone.candidate(schema, index),
            Engine::Hypopg(hypopg) => hypopg.candidate(index),
        }
    }
}

/// One database per core, where there is enough to try: each takes a third of a second to make.
fn lanes(candidates: usize) -> usize {
    const WORTH_A_LANE: usize = 20;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    cores.min(MOST_LANES).min(1 + candidates / WORTH_A_LANE)
}

/// Questions that a lane takes together.
const AT_ONCE: usize = 8;

/// Planning is all that a lane does; beyond this the client is the bottleneck.
const MOST_LANES: usize = 8;

/// Answers in the order of the questions. Those that need nothing parsed before are sent together.
async fn on_lane(
    lane: &mut Lane,
    turns: Turns<'_>,
    parsed: &mut Parsed,
    planned: &[Planned],
    asks: &[(QueryId, View)],
) -> Result<Vec<Answer>, Failure> {
    let anywhere = asks.iter().map(|(query, view)| {
        let planned = &planned[*query];
        planned.calls_anywhere().map(|calls| Question { view, ground: planned.ground(), calls })
    });
    if let Some(questions) = anywhere.collect::<Option<Vec<_>>>() {
        let plans = lane.explain(turns, &questions).await?;
        return asks.iter().zip(plans).map(|((query, _), plans)| answer(lane.session(), &planned[*query], plans)).collect();
    }
    let mut answers = Vec::with_capacity(asks.len());
    for (query, view) in asks {
        let planned = &planned[*query];
        let calls = match calls(lane.session(), parsed, *query, planned).await {
            Ok(calls) => calls,
            Err(reason) => {
                answers.push(alive(lane.session(), reason).map(Err)?);
                continue;
            }
        };
        let plans = lane.explain(turns, &[Question { view, ground: planned.ground(), calls }]).await?;
        for plans in plans {
            answers.push(answer(lane.session(), planned, plans)?);
        }
    }
    Ok(answers)
}

async fn on_hypopg(hypopg: &mut Hypopg, parsed: &mut Parsed, query: QueryId, planned: &Planned, view: &View) -> Result<Answer, Failure> {
    if !view.hidden.is_empty() {
        return Ok(Err("HypoPG cannot hide an existing index".into()));
    }
    hypopg.show(&view.present).await?;
    let calls = match calls(hypopg.planner(), parsed, query, planned).await {
        Ok(calls) => calls,
        Err(reason) => return alive(hypopg.planner(), reason).map(Err),
    };
    let mut plans = explain::explain(hypopg.planner(), planned.ground(), &calls).await;
    plans.iter_mut().flatten().for_each(|plan| hypopg.name_candidates(plan));
    answer(hypopg.planner(), planned, plans)
}

/// What to plan, parsed on this connection where that is worth while.
async fn calls<'a>(session: &Session, parsed: &'a mut Parsed, query: QueryId, planned: &'a Planned) -> Result<Vec<Call<'a>>, String> {
    match planned.calls_anywhere() {
        Some(calls) => Ok(calls),
        None => Ok(planned.calls(parsed.of(session, query, planned).await?)),
    }
}

fn answer(session: &Session, planned: &Planned, plans: Result<Vec<Plan>, String>) -> Result<Answer, Failure> {
    match plans {
        Ok(plans) => Ok(Ok(planned.weighted(plans))),
        Err(reason) => alive(session, reason).map(Err),
    }
}

/// The reason why one query failed, unless the server went away under it.
fn alive(session: &Session, reason: String) -> Result<String, Failure> {
    if session.closed() { Err(Failure::new(FailureKind::Connect, format!("the what-if server is gone: {reason}"))) } else { Ok(reason) }
}

/// Where trials can be made.
pub(super) enum Place<'a> {
    /// On the analysed server, or on a copy of it.
    Live {
        /// The analysis' own connection.
        session: &'a Session,
        /// How the user named the database: for a connection of the trials' own.
        target: Option<&'a str>,
    },
    /// On a copy that is already there: the database is not.
    Offline(Box<Engine>),
}

/// Starts the engine that the user wants, or the best that is to be had.
pub(super) async fn start(place: Place<'_>, snapshot: &mut Snapshot, advice: &Advice) -> Result<Engine, Failure> {
    let (session, target) = match place {
        Place::Offline(engine) => return Ok(*engine),
        Place::Live { session, target } => (session, target),
    };
    match advice.what_if {
        WhatIfChoice::Hypopg => start_hypopg(session, target, snapshot).await,
        WhatIfChoice::Auto => match start_clone(session, snapshot, advice).await {
            // No server on this machine, or none that starts: the second best, where that is to be had.
            Err(failure) => start_hypopg(session, target, snapshot).await.map_err(|_| failure),
            started => started,
        },
        WhatIfChoice::Clone | WhatIfChoice::None => start_clone(session, snapshot, advice).await,
    }
}

/// HypoPG over a connection of its own.
pub(super) async fn start_hypopg(session: &Session, target: Option<&str>, snapshot: &Snapshot) -> Result<Engine, Failure> {
    let Some(extension) = snapshot.catalog.extension("hypopg") else {
        return Err(Failure::new(FailureKind::Missing, "the extension hypopg is not installed in this database")
            .hint("create extension hypopg, or use --what-if clone"));
    };
    // Behind a pooler hypothetical indexes would lie in a backend that others share.
    if session.behind_pooler {
        return Err(Failure::new(FailureKind::Missing, "HypoPG needs a connection of its own, and a pooler stands in between")
            .hint("connect past the pooler, or use --what-if clone"));
    }
    let trial = Session::open(target, &Purpose::reading("trial")).await?;
    Ok(Engine::Hypopg(Box::new(Hypopg::enter(trial, &extension.schema).await?)))
}

async fn start_clone(session: &Session, snapshot: &mut Snapshot, advice: &Advice) -> Result<Engine, Failure> {
    // Whether there is a server at all is known at once; reading the schema takes longer.
    let binaries = binaries(snapshot, advice)?;
    let progress = term::progress(0);
    progress.set_message("Reading schema and statistics");
    let read = blueprint::read(session, &blueprint::Options::default()).await;
    progress.finish_and_clear();
    build_clone(&binaries, read?.0, false, snapshot).await
}

/// A server of our own with this schema and these statistics, whose values may be pseudonyms.
pub(super) async fn build_clone(
    binaries: &Binaries,
    mut blueprint: Blueprint,
    has_pseudonyms: bool,
    snapshot: &mut Snapshot,
) -> Result<Engine, Failure> {
    let progress = term::progress(0);
    progress.set_message("Copying schema and statistics");
    let may_differ = blueprint.problems.drain(..).map(|p| Problem { source: WHAT_IF_CLONE.into(), message: p.message });
    snapshot.problems.extend(may_differ);
    let built = CloneDb::build(binaries, blueprint, &snapshot.settings).await;
    progress.finish_and_clear();
    let mut clone = built?;
    clone.has_pseudonyms = has_pseudonyms;
    snapshot.problems.append(&mut clone.problems);
    Ok(Engine::Clone(Box::new(clone)))
}

/// The server for the clone: of the analysed one's major where one is installed, else the nearest, newer before older.
pub(super) fn binaries(snapshot: &mut Snapshot, advice: &Advice) -> Result<Binaries, Failure> {
    let major = snapshot.server.as_ref().map_or(0, |s| s.major());
    let nearest = || server::find_all().into_iter().min_by_key(|b| (b.major.abs_diff(major), std::cmp::Reverse(b.major)));
    let binaries = match &advice.pg_bindir {
        Some(_) => server::find(advice.pg_bindir.as_deref())?,
        None => match server::find_major(major).ok().or_else(nearest) {
            Some(binaries) => binaries,
            None => server::find(None)?,
        },
    };
    if binaries.major != major {
        let message = format!(
            "planned by PostgreSQL {} in place of {major}: costs may differ by 10 % and more; install PostgreSQL {major} or name it with --pg-bindir",
            binaries.major
        );
        snapshot.problems.push(Problem { source: WHAT_IF_CLONE.into(), message });
    }
    Ok(binaries)
}

/// Source of the problems that may explain why the clone plans otherwise.
pub(super) const WHAT_IF_CLONE: &str = "what-if clone";
