//! The answers, from trials: with the index beside the advice, and with it alone.

use super::{Question, Questions, plain};
use crate::candidates::FEWEST_ROWS;
use crate::flow::refusals::{further, of_load, words};
use crate::flow::trial::Trials;
use crate::flow::wording::{Choice, ddl_of};
use crate::model::candidate::{Candidate, CandidateId, CandidateSet, Cost, QueryId};
use crate::model::failure::Failure;
use crate::model::report::{Rejected, ServedQuery, WhyNot};
use crate::model::text::one_line;
use crate::report::units::plural;
use crate::select::{Limits, Oracle, Target};
use std::collections::BTreeMap;

/// The plans of all queries on the candidate's table.
struct Tried {
    id: CandidateId,
    beside: BTreeMap<QueryId, Cost>,
    alone: BTreeMap<QueryId, Cost>,
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
            return Ok(self.told(asked, &self.trial(*id, trials).await?, "advised", self.advised(*id)));
        }
        let built: Vec<CandidateId> = candidates.iter().copied().filter(|id| self.choice.built[*id]).collect();
        let (Some(first), false) = (candidates.first(), built.is_empty()) else {
            let ddl = candidates.first().map(|id| ddl_of(self.candidate(*id)));
            let refused = self.rejected.iter().find(|r| Some(&r.ddl) == ddl.as_ref());
            let reason = refused.map_or("the server refuses it", |r| r.reason.as_str()).to_owned();
            return Ok(WhyNot { ddl, ..plain(asked, "not_buildable", reason) });
        };
        let mut best: Option<Tried> = None;
        for id in built {
            let tried = self.trial(id, trials).await?;
            let cheaper = |best: &Tried| self.with(&tried.alone) + self.writes(id) < self.with(&best.alone) + self.writes(best.id);
            if best.as_ref().is_none_or(cheaper) {
                best = Some(tried);
            }
        }
        let Some(tried) = best else { return Ok(plain(asked, "not_tried", "nothing could be tried".to_owned())) };
        let (code, mut reason) = self.verdict(&tried);
        if tried.id != *first {
            reason = format!("the best that begins with it is {}: {reason}", one_line(&self.candidate(tried.id).spec.safe_name()));
        }
        Ok(self.told(asked, &tried, code, reason))
    }

    fn candidate(&self, id: CandidateId) -> &Candidate {
        &self.choice.list[id]
    }

    fn writes(&self, id: CandidateId) -> f64 {
        self.candidate(id).writes.cost
    }

    /// Plans every query on its table with it alone and beside the advice.
    async fn trial(&self, id: CandidateId, trials: &mut Trials<'_>) -> Result<Tried, Failure> {
        let table = &self.candidate(id).spec.table;
        let on_it = |q: &QueryId| self.choice.subjects[*q].shape.tables.iter().any(|t| t.table == *table);
        let queries: Vec<QueryId> = (0..self.choice.subjects.len()).filter(on_it).collect();
        let advice: CandidateSet = self.choice.selection.chosen.iter().map(|c| c.id).collect();
        let alone = CandidateSet::from([id]);
        let beside = |q: &QueryId| advice.intersection(&self.targets[*q].relevant).chain(&alone).copied().collect::<CandidateSet>();
        let asks = queries.iter().map(|q| (*q, alone.clone())).chain(queries.iter().map(|q| (*q, beside(q)))).collect();
        let mut costs = trials.plan_all(asks).await?;
        let rest = costs.split_off(queries.len().min(costs.len()));
        Ok(Tried { id, alone: queries.iter().copied().zip(costs).collect(), beside: queries.iter().copied().zip(rest).collect() })
    }

    fn sum(&self, cost: impl Fn(QueryId) -> f64) -> f64 {
        (0..self.choice.subjects.len()).map(|q| self.choice.subjects[q].weight * cost(q)).sum()
    }

    /// The workload with nothing but this index.
    fn with(&self, alone: &BTreeMap<QueryId, Cost>) -> f64 {
        self.sum(|q| alone.get(&q).map_or(self.choice.selection.before[q], |cost| cost.total))
    }

    /// The workload with this index beside the advice.
    fn beside(&self, beside: &BTreeMap<QueryId, Cost>) -> f64 {
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
        let mut queries: Vec<ServedQuery> = alone.iter().map(query).collect();
        queries.sort_by(|a, b| b.share_before.total_cmp(&a.share_before).then_with(|| a.fingerprint.cmp(&b.fingerprint)));
        WhyNot {
            asked: asked.to_owned(),
            ddl: Some(ddl_of(self.candidate(*id))),
            reason_code: code.to_owned(),
            reason,
            cost_with_advice: Some(self.sum(|q| self.choice.selection.after[q])),
            cost_with_it: Some(self.beside(beside)),
            cost_with_it_alone: Some(with_it),
            write_cost: self.writes(*id),
            size_bytes: self.candidate(*id).size_bytes,
            queries,
            used_by: used.map(|(q, _)| self.choice.subjects[*q].fingerprint.clone()).collect(),
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
        let used = |plans: &BTreeMap<QueryId, Cost>| plans.values().any(|cost| cost.used.contains(&tried.id));
        let before = self.sum(|q| self.choice.selection.before[q]);
        if !used(&tried.alone) {
            let small = self.choice.catalog.table(&candidate.spec.table).and_then(|t| t.rows).filter(|rows| *rows < FEWEST_ROWS);
            let small = small.map_or(String::new(), |rows| format!(": the table has only {}", plural(rows as usize, "row", "rows")));
            return ("not_used", format!("tried alone, the planner uses it for no query of the workload{small}"));
        }
        let chosen = self.choice.selection.chosen.iter().map(|c| c.id);
        if let Some(cover) = chosen.clone().find(|id| candidate.spec.is_covered_by(&self.candidate(*id).spec)) {
            return ("covered", format!("the advised {} does its work", one_line(&self.candidate(cover).spec.safe_name())));
        }
        if !used(&tried.beside) {
            return ("dropped_for", format!("the planner prefers {} for the queries that it could serve", self.rivals(tried)));
        }
        // The selector weighed it already: its reason stands.
        if let Some((_, refusal)) = self.choice.selection.refused.iter().find(|(id, _)| *id == tried.id && tried.id < self.own) {
            return words(refusal, self.choice.list, before);
        }
        let gain = self.sum(|q| self.choice.selection.after[q]) - self.beside(&tried.beside);
        self.worth(gain, self.writes(tried.id), before)
    }

    /// What a gain beside the advice is worth.
    fn worth(&self, gain: f64, writes: f64, before: f64) -> (&'static str, String) {
        let (saved, paid) = (further(gain, before), of_load(writes, before));
        if gain <= writes {
            return ("write_cost", format!("beside the advice it would save {saved}, and its writes would cost {paid}"));
        }
        if gain - writes < self.limits.least_gain.max(self.limits.share_of_workload * before) {
            return ("low_gain", format!("beside the advice it would save {saved}: too little for an index"));
        }
        ("pays", format!("it would pay: beside the advice it saves {saved}, and its writes cost {paid}"))
    }

    /// Advised indexes in the plans of those queries that it serves when it is alone.
    fn rivals(&self, tried: &Tried) -> String {
        let served = tried.alone.iter().filter(|(_, cost)| cost.used.contains(&tried.id)).map(|(q, _)| q);
        let used: CandidateSet = served.filter_map(|q| tried.beside.get(q)).flat_map(|cost| cost.used.iter().copied()).collect();
        let names: Vec<String> = used.iter().map(|id| one_line(&self.candidate(*id).spec.safe_name())).collect();
        match names.as_slice() {
            [] => "another way".to_owned(),
            [one] => format!("the advised {one}"),
            several => format!("the advised {}", several.join(" and ")),
        }
    }
}
