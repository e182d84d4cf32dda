//! The advisor under the terms of the comparison: plain B-trees, no writes, only space is scarce.

use super::Outcome;
use super::data::Data;
use super::setting::Setting;
use advisor::flow::analyse::{Advice, Analysis, WhatIfChoice, analyse};
use advisor::model::report::{Action, FrontierPoint, Recommendation};
use advisor::model::restrictions::{Kind, Restrictions};
use advisor::select::Limits;
use advisor::term;
use std::time::{Duration, Instant};

/// How the advisor is to be run.
#[derive(Clone, Copy)]
pub struct Terms {
    pub engine: WhatIfChoice,
    /// INCLUDE, partial, expressions and other methods too: more than the published algorithms look at.
    pub all_kinds: bool,
}

/// One run's answers.
pub struct Answers {
    /// A set for each budget, least space first.
    pub points: Vec<FrontierPoint>,
    /// Cost without advice as the advisor sees it.
    pub cost_before: f64,
    /// EXPLAINs for all of them.
    pub calls: u64,
    pub took: Duration,
}

/// Asks for all budgets of the setting at once.
pub async fn advise(setting: &Setting, data: &Data, terms: Terms) -> Outcome<Answers> {
    let start = Instant::now();
    let analysis =
        Analysis { queries: vec![data.workload.clone()], advice: advice(setting, terms), ..Analysis::of(Some(data.url.clone())) };
    let report = analyse(&analysis).await?;
    for problem in &report.problems {
        term::note(&format!("tpc: {}: {}", problem.source, problem.message));
    }
    let took = start.elapsed();
    let advised = report.recommendation;
    Ok(Answers { cost_before: advised.cost_before.unwrap_or(f64::NAN), calls: advised.optimizer_calls, took, points: points(advised) })
}

fn advice(setting: &Setting, terms: Terms) -> Advice {
    let kinds = (!terms.all_kinds).then(|| [Kind::Btree].into());
    Advice {
        what_if: terms.engine,
        allowed: Restrictions { kinds, prefixes_of_unique: true, ..Restrictions::default() },
        // The published algorithms know no threshold and no taste: the sum of costs and the space are all that counts.
        limits: Limits {
            share_of_workload: 0.0,
            share_of_query: 0.0,
            least_gain: 0.0,
            regression: f64::INFINITY,
            tidy: false,
            ..Limits::default()
        },
        budgets: setting.best.iter().map(|b| b.budget_mb * 1e6).collect(),
        as_published: true,
        ..Advice::default()
    }
}

/// Its set for each budget; a single one where it gives no more.
fn points(advised: Recommendation) -> Vec<FrontierPoint> {
    if !advised.frontier.is_empty() {
        return advised.frontier;
    }
    let created = || advised.indexes.iter().filter(|i| i.action == Action::Create);
    vec![FrontierPoint {
        budget_bytes: advised.budget_bytes,
        size_bytes: created().filter_map(|i| i.size_bytes).sum(),
        cost_after: advised.cost_after.unwrap_or(f64::NAN),
        ddl: created().map(|i| i.ddl.clone()).collect(),
    }]
}
