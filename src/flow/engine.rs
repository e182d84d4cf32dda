//! The what-if engines behind one interface: choosing one, starting it, showing it candidates.

use super::trial::indexes;
use crate::model::candidate::{Candidate, CandidateId, CandidateSet};
use crate::model::failure::{Failure, FailureKind};
use crate::model::plan::Plan;
use crate::model::report::WhatIf;
use crate::model::snapshot::{Problem, Snapshot};
use crate::pg::blueprint;
use crate::pg::clone::CloneDb;
use crate::pg::hypopg::Hypopg;
use crate::pg::server;
use crate::pg::session::{Purpose, Session};
use crate::term;
use std::collections::BTreeMap;
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

    /// The session on which it plans.
    pub(super) fn planner(&self) -> &Session {
        match self {
            Engine::Clone(clone) => clone.planner(),
            Engine::Hypopg(hypopg) => hypopg.planner(),
        }
    }

    /// Builds the candidates; those that the server refuses come back with its reason.
    pub(super) async fn add_candidates(&mut self, candidates: &[Candidate]) -> Result<Vec<(CandidateId, String)>, Failure> {
        match self {
            Engine::Clone(clone) => clone.add_candidates(candidates).await,
            Engine::Hypopg(hypopg) => hypopg.add_candidates(candidates).await,
        }
    }

    /// Makes exactly these candidates visible to the planner.
    pub(super) async fn show(&mut self, set: &CandidateSet) -> Result<(), Failure> {
        match self {
            Engine::Clone(clone) => clone.show(set).await,
            Engine::Hypopg(hypopg) => hypopg.show(set).await,
        }
    }

    /// Candidates in a plan.
    pub(super) fn used(&self, plan: &Plan) -> CandidateSet {
        let of = |(schema, index): (&str, &str)| match self {
            Engine::Clone(clone) => clone.candidate(schema, index),
            Engine::Hypopg(hypopg) => hypopg.candidate(index),
        };
        indexes(plan).into_iter().filter_map(of).collect()
    }
}

/// Starts the engine that the user wants, or the best that is to be had.
pub(super) async fn start(session: &Session, target: Option<&str>, snapshot: &mut Snapshot, advice: &Advice) -> Result<Engine, Failure> {
    let hypopg = snapshot.catalog.extension("hypopg").map(|e| e.schema.clone());
    match (advice.what_if, hypopg) {
        // Behind a pooler hypothetical indexes would lie in a backend that others share.
        (WhatIfChoice::Hypopg, Some(_)) if session.behind_pooler => {
            Err(Failure::new(FailureKind::Missing, "HypoPG needs a connection of its own, and a pooler stands in between")
                .hint("connect past the pooler, or use --what-if clone"))
        }
        (WhatIfChoice::Auto | WhatIfChoice::Hypopg, Some(schema)) if !session.behind_pooler => {
            let trial = Session::open(target, &Purpose::reading("trial")).await?;
            Ok(Engine::Hypopg(Box::new(Hypopg::enter(trial, &schema).await?)))
        }
        (WhatIfChoice::Hypopg, None) => Err(Failure::new(FailureKind::Missing, "the extension hypopg is not installed in this database")
            .hint("create extension hypopg, or use --what-if clone")),
        _ => start_clone(session, snapshot, advice).await,
    }
}

/// A server of our own with the database's schema and statistics, of its major where one is installed.
async fn start_clone(session: &Session, snapshot: &mut Snapshot, advice: &Advice) -> Result<Engine, Failure> {
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
    let copied = copy(session, &binaries, &snapshot.settings).await;
    progress.finish_and_clear();
    let mut clone = copied?;
    snapshot.problems.append(&mut clone.problems);
    Ok(Engine::Clone(Box::new(clone)))
}

async fn copy(session: &Session, binaries: &server::Binaries, settings: &BTreeMap<String, String>) -> Result<CloneDb, Failure> {
    CloneDb::build(binaries, blueprint::read(session).await?, settings).await
}
