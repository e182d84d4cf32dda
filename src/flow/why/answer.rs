//! The answers, from trials: with the index beside the advice, and with it alone.

use super::{Question, Questions, plain};
use crate::candidates::FEWEST_ROWS;
use crate::candidates::writes::in_words;
use crate::flow::refusals::{further, named, noise, of_load, words};
use crate::flow::trial::Trials;
use crate::flow::wording::{Choice, ddl_of, least_size};
use crate::model::candidate::{Candidate, CandidateId, CandidateSet, Cost, QueryId};
use crate::model::failure::Failure;
use crate::model::report::{Rejected, ServedQuery, WhyNot};
use crate::model::text::one_line;
use crate::report::units::plural;
use crate::select::{Limits, Oracle, Target};
use std::collections::BTreeMap;

/// What the queries on one table cost.
type Plans = BTreeMap<QueryId, Cost>;

/// A candidate with the plans of all queries on its table.
struct Tried {
    id: CandidateId,
    beside: Plans,
    alone: Plans,
}

async fn plans(asks: Vec<(QueryId, CandidateSet)>, trials: &mut Trials<'_>) -> Result<Plans, Failure> {
    let queries: Vec<QueryId> = asks.iter().map(|(q, _)| *q).collect();
    Ok(queries.into_iter().zip(trials.plan_all(asks).await?).collect())
}

impl Questions {
    /// Tries what was asked for and says why it is not advised, or that it is. `targets`: by planned query, its weight.
    pub(in crate::flow) async fn answers(
        &self,
        trials: &mut Trials<'_>,
        choice: &Choice<'_>,
        targets: &[Target],
        limits: &Limits,
        rejected: &[Rejected],
    ) -> Result<Vec<WhyNot>, Failure> {
        let mut answers = Vec::new();
        for question in &self.asked {
            answers.push(match question {
                Question::Answered(answer) => answer.clone(),
                Question::Open { asked, candidates } => {
                    let bench = Bench { choice, targets, limits, rejected, own: self.own };
                    bench.answer(asked, candidates, trials).await?
                }
            });
        }
        Ok(answers)
    }
}

/// What the trials are held against.
struct Bench<'a> {
    choice: &'a Choice<'a>,
    targets: &'a [Target],
    limits: &'a Limits,
    rejected: &'a [Rejected],
    own: usize,
}

impl Bench<'_> {
    async fn answer(&self, asked: &str, candidates: &[CandidateId], trials: &mut Trials<'_>) -> Result<WhyNot, Failure> {
        // Of several that begin with the column an advised one is the answer.
        if let Some(id) = candidates.iter().find(|id| self.choice.selection.chosen.iter().any(|c| c.id == **id)) {
            let alone = self.alone(*id, trials).await?;
            return Ok(self.told(asked, &self.beside_advice(*id, alone, trials).await?, "advised", self.advised(*id)));
        }
        let Some((id, alone)) = self.best_alone(candidates, trials).await? else {
            let ddl = candidates.first().map(|id| ddl_of(self.candidate(*id)));
            let refused = self.rejected.iter().find(|r| Some(&r.ddl) == ddl.as_ref());
            let (code, reason) =
                refused.map_or(("not_buildable", "the server refuses it"), |r| (r.reason_code.as_str(), r.reason.as_str()));
            return Ok(WhyNot { ddl, ..plain(asked, code, reason.to_owned()) });
        };
        let tried = self.beside_advice(id, alone, trials).await?;
        let (code, mut reason) = self.verdict(&tried);
        if candidates.first() != Some(&id) {
            reason = format!("the best that begins with it is {}: {reason}", one_line(&self.candidate(id).spec.safe_name()));
        }
        Ok(self.told(asked, &tried, code, reason))
    }

    /// Of those that the engine has the one with which alone the workload is cheapest, and the plans with it.
    async fn best_alone(&self, candidates: &[CandidateId], trials: &mut Trials<'_>) -> Result<Option<(CandidateId, Plans)>, Failure> {
        let mut best: Option<(f64, CandidateId, Plans)> = None;
        for id in candidates.iter().copied().filter(|id| self.choice.built[*id]) {
            let alone = self.alone(id, trials).await?;
            let cost = self.with(&alone) + self.writes(id);
            if best.as_ref().is_none_or(|(least, ..)| cost < *least) {
                best = Some((cost, id, alone));
            }
        }
        Ok(best.map(|(_, id, alone)| (id, alone)))
    }

    fn candidate(&self, id: CandidateId) -> &Candidate {
        &self.choice.list[id]
    }

    fn writes(&self, id: CandidateId) -> f64 {
        self.candidate(id).writes.cost
    }

    /// Queries on the table of a candidate.
    fn queries(&self, id: CandidateId) -> impl Iterator<Item = QueryId> {
        let table = &self.candidate(id).spec.table;
        (0..self.choice.subjects.len()).filter(move |q| self.choice.subjects[*q].shape.tables.iter().any(|t| t.table == *table))
    }

    /// Existing indexes on the tables of a query: a question that left them out would hide them.
    fn existing(&self, query: QueryId) -> impl Iterator<Item = CandidateId> {
        self.targets[query].touching.iter().copied().filter(|id| self.candidate(*id).existing.is_some())
    }

    /// Plans every query on its table with it alone.
    async fn alone(&self, id: CandidateId, trials: &mut Trials<'_>) -> Result<Plans, Failure> {
        let with = |q: QueryId| self.existing(q).chain([id]).collect();
        plans(self.queries(id).map(|q| (q, with(q))).collect(), trials).await
    }

    /// Plans every query on its table with it beside the advice.
    async fn beside_advice(&self, id: CandidateId, alone: Plans, trials: &mut Trials<'_>) -> Result<Tried, Failure> {
        let selection = self.choice.selection;
        let chosen: CandidateSet = selection.chosen.iter().map(|c| c.id).collect();
        let stays = |q: QueryId| self.existing(q).filter(|id| !selection.dropped.contains(id));
        let with = |q: QueryId| chosen.intersection(&self.targets[q].touching).copied().chain(stays(q)).chain([id]).collect();
        let beside = plans(self.queries(id).map(|q| (q, with(q))).collect(), trials).await?;
        Ok(Tried { id, alone, beside })
    }

    fn sum(&self, cost: impl Fn(QueryId) -> f64) -> f64 {
        (0..self.choice.subjects.len()).map(|q| self.choice.subjects[q].weight * cost(q)).sum()
    }

    /// The workload with nothing but this index.
    fn with(&self, alone: &Plans) -> f64 {
        self.sum(|q| alone.get(&q).map_or(self.choice.selection.before[q], |cost| cost.total))
    }

    /// The workload with this index beside the advice.
    fn beside(&self, beside: &Plans) -> f64 {
        self.sum(|q| beside.get(&q).map_or(self.choice.selection.after[q], |cost| cost.total))
    }

    fn told(&self, asked: &str, tried: &Tried, code: &str, reason: String) -> WhyNot {
        let Tried { id, beside, alone } = tried;
        let before = self.sum(|q| self.choice.selection.before[q]);
        let with_it = self.with(alone);
        let share = |weight: f64, cost: f64, all: f64| if all > 0.0 { weight * cost / all } else { 0.0 };
        let query = |(q, cost): (&QueryId, &Cost)| {
            let (subject, today) = (self.choice.subjects[*q], self.choice.selection.before[*q]);
            ServedQuery {
                fingerprint: subject.fingerprint.clone(),
                cost_before: today,
                cost_after: cost.total,
                share_before: share(subject.weight, today, before),
                share_after: share(subject.weight, cost.total, with_it),
                ..ServedQuery::default()
            }
        };
        let used = alone.iter().filter(|(_, cost)| cost.used.contains(id));
        let used_by: Vec<String> = used.map(|(q, _)| self.choice.subjects[*q].fingerprint.clone()).collect();
        let mut queries: Vec<ServedQuery> = alone.iter().map(query).collect();
        // Those that use it first, then by their share of the load.
        let rank = |q: &ServedQuery| !used_by.contains(&q.fingerprint);
        queries
            .sort_by(|a, b| rank(a).cmp(&rank(b)).then(b.share_before.total_cmp(&a.share_before)).then(a.fingerprint.cmp(&b.fingerprint)));
        WhyNot {
            asked: asked.to_owned(),
            ddl: Some(ddl_of(self.candidate(*id))),
            reason_code: code.to_owned(),
            reason: if self.candidate(*id).spec.unique {
                format!("{reason}; that its values are unique is assumed, not checked")
            } else {
                reason
            },
            cost_with_advice: Some(self.sum(|q| self.choice.selection.after[q])),
            cost_with_it: Some(self.beside(beside)),
            cost_with_it_alone: Some(with_it),
            write_cost: self.writes(*id),
            size_bytes: self.candidate(*id).size_bytes,
            least_size_bytes: least_size(self.candidate(*id), self.choice.catalog.table(&self.candidate(*id).spec.table)),
            queries,
            used_by,
        }
    }

    fn advised(&self, id: CandidateId) -> String {
        format!("it is advised as {}", one_line(&self.candidate(id).spec.safe_name()))
    }

    /// Code and words for one that is not advised.
    fn verdict(&self, tried: &Tried) -> (&'static str, String) {
        let candidate = self.candidate(tried.id);
        if tried.alone.is_empty() {
            return ("no_query", format!("no query of the workload reads {}", candidate.spec.table));
        }
        let used = |plans: &Plans| plans.values().any(|cost| cost.used.contains(&tried.id));
        let before = self.sum(|q| self.choice.selection.before[q]);
        if !used(&tried.alone) {
            let small = self.choice.catalog.table(&candidate.spec.table).and_then(|t| t.rows).filter(|rows| *rows < FEWEST_ROWS);
            let small = small.map_or(String::new(), |rows| format!(": the table has only {}", plural(rows as usize, "row", "rows")));
            return ("not_used", format!("tried alone, the planner uses it for no query of the workload{small}"));
        }
        let mut chosen = self.choice.selection.chosen.iter().map(|c| c.id);
        if let Some(cover) = chosen.find(|id| candidate.spec.is_covered_by(&self.candidate(*id).spec)) {
            return ("covered", format!("{} does its work", named(self.candidate(cover))));
        }
        if !used(&tried.beside) {
            return ("dropped_for", format!("the planner prefers {} for the queries that it could serve", self.rivals(tried)));
        }
        // The selector weighed it already: its reason stands.
        if let Some((_, refusal)) = self.choice.selection.refused.iter().find(|(id, _)| *id == tried.id && tried.id < self.own) {
            return words(refusal, candidate, self.choice.list, before);
        }
        let gain = self.sum(|q| self.choice.selection.after[q]) - self.beside(&tried.beside);
        let saved = |(q, cost): (&QueryId, &Cost)| (self.choice.selection.after[*q], cost.total);
        let costs: Vec<(f64, f64)> = tried.beside.iter().map(saved).collect();
        let most = costs.iter().max_by(|a, b| (a.0 - a.1).total_cmp(&(b.0 - b.1)));
        let felt = costs.iter().any(|(without, with)| self.limits.is_felt(*with, *without));
        match most {
            Some((of, with)) if !felt && of > with => ("low_gain", noise(of - with, *of)),
            _ => self.worth(gain, candidate, before),
        }
    }

    /// What a gain beside the advice is worth.
    fn worth(&self, gain: f64, candidate: &Candidate, before: f64) -> (&'static str, String) {
        let (saved, writes) = (further(gain, before), candidate.writes.cost);
        if gain > 0.0 && gain <= writes {
            return ("write_cost", format!("writes would pay more than it saves beside the advice: {}", in_words(&candidate.writes, gain)));
        }
        let rest = self.sum(|q| self.choice.selection.after[q]);
        if gain - writes < self.limits.least_gain.max(self.limits.share_of_rest * rest) {
            return ("low_gain", format!("beside the advice it would save {saved}: too little for an index"));
        }
        ("pays", format!("it would pay: beside the advice it saves {saved}, and its writes cost {}", of_load(writes, before)))
    }

    /// Advised indexes in the plans of those queries that it serves when it is alone.
    fn rivals(&self, tried: &Tried) -> String {
        let served = tried.alone.iter().filter(|(_, cost)| cost.used.contains(&tried.id)).map(|(q, _)| q);
        let used: CandidateSet = served.filter_map(|q| tried.beside.get(q)).flat_map(|cost| cost.used.iter().copied()).collect();
        let names: Vec<String> = used.iter().map(|id| named(self.candidate(*id))).collect();
        if names.is_empty() { "another way".to_owned() } else { names.join(" and ") }
    }
}
