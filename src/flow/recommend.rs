//! Index advice: candidates, trials on an engine, the selector's choice.

use super::assumed;
use super::costs;
use super::direction;
use super::engine::{self, Advice, Engine, Place, WhatIfChoice};
use super::executions;
use super::frontier;
use super::plans::{self, Planned};
use super::seen::Seen;
use super::self_check;
use super::settled::Settled;
use super::subjects::{self, Subject};
use super::targets::targets;
use super::trial::{Answer, InUse, Trials};
use super::why::Questions;
use super::wording;
use crate::candidates::{self, Wanted};
use crate::candidates::{existing, size};
use crate::model::candidate::{Candidate, CandidateId, CandidateSet, View};
use crate::model::ddl::IndexName;
use crate::model::failure::Failure;
use crate::model::plan::Plan;
use crate::model::report::{Fidelity, Recommendation, Rejected};
use crate::model::snapshot::{Problem, Snapshot};
use crate::select;
use crate::term;
use futures_util::future::join_all;
use std::cell::Cell;
use std::collections::BTreeSet;

/// Advice to create, and what it leans on.
pub(super) struct Advised {
    /// Indexes to create.
    pub(super) recommendation: Recommendation,
    /// Existing indexes that plans of the workload use, today or beside the advised ones: none of them is to be dropped as unused.
    pub(super) in_use: BTreeSet<IndexName>,
    /// Existing indexes that the choice gives up: what they take is spent on others already.
    pub(super) given_up: BTreeSet<IndexName>,
    /// The engine with the choice made, where there was one.
    pub(super) settled: Option<Settled>,
}

/// Finds, tries and chooses. What prevents advice is a problem in the snapshot, not a failure.
pub(super) async fn recommend(place: Place<'_>, snapshot: &mut Snapshot, advice: &Advice) -> Advised {
    let mut advised =
        Advised { recommendation: Recommendation::default(), in_use: in_todays_plans(snapshot), given_up: BTreeSet::new(), settled: None };
    if let Err(failure) = advise(place, snapshot, advice, &mut advised).await {
        let message = std::iter::once(failure.message).chain(failure.hints).collect::<Vec<_>>().join("; ");
        snapshot.problems.push(Problem { source: "what-if".into(), message: format!("no index advice: {message}") });
    }
    advised
}

async fn advise(place: Place<'_>, snapshot: &mut Snapshot, advice: &Advice, advised: &mut Advised) -> Result<(), Failure> {
    let subjects = subjects::subjects(snapshot);
    let heavy = subjects::heavy(&subjects);
    let asking = subjects.iter().enumerate().filter(|(id, _)| heavy[*id]);
    let wanted: Vec<Wanted> = asking.flat_map(|(id, s)| s.shapes().map(move |shape| Wanted { id, shape })).collect();
    let mut found = candidates::find(snapshot, &wanted, &advice.allowed);
    let questions = Questions::put(&advice.why, snapshot, &mut found.list);
    advised.recommendation.rejected = found.rejected;
    advised.recommendation.indexes = assumed::advised(&found.assumed, &subjects, snapshot);
    advised.recommendation.why = questions.untried(&found.list);
    costs::add_build_costs(&mut found.list, &subjects, snapshot);
    // Behind all that are to be built: these are there already. A drop is tried, also where there is nothing to build.
    found.list.extend(existing::droppable(snapshot, existing::Idle::default()));
    if found.list.is_empty() || subjects.is_empty() || advice.what_if == WhatIfChoice::None {
        return Ok(());
    }
    let live = match place {
        Place::Live { session, target } => Some((session, target)),
        Place::Offline(_) => None,
    };
    let mut bench = Bench::set(engine::start(place, snapshot, advice).await?, &found.list, &subjects, snapshot).await?;
    if let Some((session, target)) = live.filter(|_| matches!(bench.engine, Engine::Clone(_))) {
        let fidelity = bench.check(&subjects, snapshot).await?;
        let doubtful = fidelity.as_ref().is_some_and(|f| !self_check::is_enough(f));
        if let (true, WhatIfChoice::Auto, Ok(hypopg)) = (doubtful, advice.what_if, engine::start_hypopg(session, target, snapshot).await) {
            let equal = fidelity.as_ref().map_or(0, |f| f.equal);
            let message = format!("only {equal} of {} plans are the server's own: HypoPG is used in its place", bench.planned.len());
            snapshot.problems.push(Problem { source: engine::WHAT_IF_CLONE.into(), message });
            bench = Bench::set(hypopg, &found.list, &subjects, snapshot).await?;
        } else {
            advised.recommendation.fidelity = fidelity;
        }
    }
    snapshot.problems.append(&mut bench.problems);
    if advice.as_published {
        let size = |c: &Candidate| snapshot.catalog.table(&c.spec.table).and_then(|t| size::published::bytes(&c.spec, t));
        found.list.iter_mut().for_each(|candidate| candidate.size_bytes = size(candidate));
    }
    bench.choose(&mut found.list, &questions, (&subjects, &heavy), snapshot, advice, advised).await
}

/// An engine with the candidates built in it and the queries that it can plan.
pub(super) struct Bench {
    pub(super) engine: Engine,
    /// By position: candidates that the engine has.
    built: Vec<bool>,
    refused: Vec<Rejected>,
    /// By position among the subjects; `None` for one that cannot be planned here.
    pub(super) planned: Vec<Planned>,
    /// By planned query: its plans with the indexes that exist, where they are known from parsing it.
    plain: Vec<Option<Vec<Seen>>>,
    /// Position among the subjects of each planned query.
    of: Vec<usize>,
    problems: Vec<Problem>,
}

impl Bench {
    /// Builds the candidates and parses the queries, planning each once; one that fails leaves the choice with a problem.
    async fn set(mut engine: Engine, list: &[Candidate], subjects: &[Subject], snapshot: &Snapshot) -> Result<Bench, Failure> {
        let rows = |c: &Candidate| snapshot.catalog.table(&c.spec.table).and_then(|t| size::rows(&c.spec, t)).unwrap_or(0.0);
        // To plan with it an index must have some size, also where we would not name one.
        let assumed = |c: &Candidate| snapshot.catalog.table(&c.spec.table).and_then(|t| size::assumed(&c.spec, t));
        let bytes = |c: &Candidate| c.size_bytes.or_else(|| assumed(c)).unwrap_or(0.0);
        let sizes: Vec<(CandidateId, f64, f64)> = list.iter().enumerate().map(|(id, c)| (id, bytes(c), rows(c))).collect();
        let new = list.iter().take_while(|c| c.existing.is_none()).count();
        let refusals = engine.add_candidates(&list[..new], &sizes[..new]).await?;
        let is_built = |id: usize| if id < new { refusals.iter().all(|(refused, _)| *refused != id) } else { engine.can_hide() };
        let built = (0..list.len()).map(is_built).collect();
        let refused = refusals.iter().map(|(id, why)| Rejected {
            ddl: wording::ddl_of(&list[*id]),
            reason_code: why.code().into(),
            reason: why.reason(),
        });
        let refused = refused.collect();
        let (planned, plain, of, problems) = Default::default();
        let mut bench = Bench { engine, built, refused, planned, plain, of, problems };
        // Of a great many queries the typical values only: the plans of one more query tell more than those of rare values.
        let most = if subjects.len() > subjects::MANY { 1 } else { usize::MAX };
        let next = Cell::new(0);
        let take = || subjects.get(next.get()).map(|subject| (next.replace(next.get() + 1), subject));
        let work = bench.engine.planners()?.into_iter().map(async |session| {
            let mut done = Vec::new();
            while let Some((n, subject)) = take() {
                let prepared = plans::prepare(session, &subject.texts, subject.ground.clone(), &snapshot.catalog, most).await;
                done.push((
                    n,
                    prepared.map(|(planned, plans)| {
                        let plain = plans.map(|plans| Seen::all(&planned.weighted(plans)));
                        (planned, plain)
                    }),
                ));
            }
            done
        });
        let mut prepared: Vec<_> = join_all(work.collect::<Vec<_>>()).await.into_iter().flatten().collect();
        prepared.sort_by_key(|(n, _)| *n);
        for (n, prepared) in prepared {
            let subject = &subjects[n];
            match prepared {
                Ok((planned, plain)) => {
                    let left_out = |reason| format!("some of its constants are not part of the index advice: {reason}");
                    bench.tell(subject, planned.refused.as_deref().map(left_out));
                    bench.of.push(n);
                    bench.plain.push(plain);
                    bench.planned.push(planned);
                }
                Err(reason) => bench.tell(subject, Some(format!("not part of the index advice: {reason}"))),
            }
        }
        Ok(bench)
    }

    /// Says it of a query in the report.
    fn tell(&mut self, subject: &Subject, message: Option<String>) {
        let source = &subject.fingerprint;
        self.problems.extend(message.map(|message| Problem { source: source.clone(), message }));
    }

    /// Compares the engine's plans of typical executions with those that the analysed server made.
    async fn check(&mut self, subjects: &[Subject], snapshot: &Snapshot) -> Result<Option<Fidelity>, Failure> {
        let mut trials = Trials::new(&mut self.engine, &self.planned, term::progress(0));
        let asks: Vec<(usize, View)> = (0..self.planned.len()).map(|query| (query, View::default())).collect();
        let answers = trials.answers(&asks).await?;
        let typical = |answer: &'_ Answer| answer.as_ref().ok().and_then(|plans| plans.first().map(|(_, plan)| plan.clone()));
        let here: Vec<(String, Plan)> =
            self.of.iter().zip(&answers).filter_map(|(n, answer)| Some((subjects[*n].fingerprint.clone(), typical(answer)?))).collect();
        let here = here.iter().map(|(query, plan)| (query.clone(), plan)).collect();
        Ok(self_check::compare(&self_check::plans_of(snapshot), &here, self_check::causes(snapshot)))
    }

    /// Lets the selector choose and puts its answer into words.
    async fn choose(
        mut self,
        list: &mut [Candidate],
        questions: &Questions,
        (subjects, heavy): (&[Subject], &[bool]),
        snapshot: &mut Snapshot,
        advice: &Advice,
        advised: &mut Advised,
    ) -> Result<(), Failure> {
        advised.recommendation.rejected.append(&mut self.refused);
        let subjects: Vec<&Subject> = self.of.iter().map(|n| &subjects[*n]).collect();
        // What is only asked about is tried, and never chosen.
        let offered: Vec<bool> =
            (0..list.len()).map(|id| self.built[id] && (id < questions.own() || list[id].existing.is_some())).collect();
        let mut targets = targets(&subjects, &self.of, list, &offered);
        targets.iter_mut().zip(&self.of).for_each(|(target, subject)| target.is_heavy = heavy[*subject]);
        let progress = term::progress(0);
        progress.set_message("Trying indexes");
        let mut trials = Trials::new(&mut self.engine, &self.planned, progress.clone())
            .from(std::mem::take(&mut self.plain))
            .of(list, &targets)
            .until(advice.time_limit)
            .cautious(!advice.as_published);
        let selections = select::select(&mut trials, list, &targets, advice.limits, &advice.budgets).await?;
        let selection = selections.last().cloned().unwrap_or_default();
        let chosen: CandidateSet = selection.chosen.iter().map(|c| c.id).collect();
        advised.given_up = selection.dropped.iter().filter_map(|id| list[*id].existing.clone()).collect();
        let stays = |id: &usize| list[*id].existing.is_some() && !selection.dropped.contains(id);
        let standing: CandidateSet = (0..list.len()).filter(stays).chain(chosen.iter().copied()).collect();
        let sets = targets.iter().map(|t| standing.intersection(&t.touching).copied().collect()).collect();
        let weights: Vec<f64> = targets.iter().map(|t| t.weight).collect();
        let InUse { real, used, walks } = trials.in_use(sets, &weights).await?;
        advised.in_use.extend(real);
        for (id, walks) in walks.iter().filter(|(id, _)| chosen.contains(id)) {
            list[*id].spec = direction::turned(&list[*id].spec, walks).unwrap_or_else(|| list[*id].spec.clone());
        }
        costs::add_costs_beside(list, &chosen, snapshot);
        let list = &*list;
        frontier::tell(&mut advised.recommendation, &selections, &subjects, list);
        let (planned, built, catalog) = (&self.planned, &self.built, &snapshot.catalog);
        let choice = wording::Choice { subjects: &subjects, planned, list, built, selection: &selection, catalog };
        advised.recommendation.why =
            questions.answers(&mut trials, &choice, &targets, &advice.limits, &advised.recommendation.rejected).await?;
        wording::fill(&mut advised.recommendation, &choice);
        progress.finish_and_clear();
        advised.recommendation.optimizer_calls = trials.calls;
        for (query, reason) in std::mem::take(&mut trials.failed) {
            let message = format!("not tried further: {reason}");
            snapshot.problems.push(Problem { source: subjects[query].fingerprint.clone(), message });
        }
        advised.recommendation.what_if = self.engine.what_if();
        executions::tell(&mut advised.recommendation, list, &selection, &self.planned, &used);
        let tables = subjects.iter().map(|s| s.shape.tables.iter().map(|t| t.table.clone()).collect()).collect();
        let given_up =
            selection.dropped.iter().filter_map(|id| Some((list[*id].existing.clone()?, list[*id].spec.table.clone()))).collect();
        advised.settled = Some(Settled::new(self, !advice.as_published, (targets, tables), (chosen, given_up), selection.after));
        Ok(())
    }
}

/// Indexes in the plans that we have of the database as it is. A plan without schemas counts for every index of the name.
fn in_todays_plans(snapshot: &Snapshot) -> BTreeSet<IndexName> {
    let nodes = snapshot.workload.iter().flat_map(|q| &q.plans).flat_map(|p| p.plan.root.walk());
    let names: BTreeSet<&str> = nodes.filter_map(|n| n.index_name.as_deref()).collect();
    let used = snapshot.catalog.indexes.iter().filter(|i| names.contains(i.name.as_str()));
    used.map(|i| IndexName::new(&i.spec.table.schema, &i.name)).collect()
}
