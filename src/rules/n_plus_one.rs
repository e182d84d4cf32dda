//! `n-plus-one`: a list is loaded, then one query per row of it.
//!
//! Calls, rows and times do not tell such a query from an innocent key look-up; arithmetic does: a
//! query over the other end of a foreign key returned as many rows as the look-up had calls.

mod links;
mod score;
#[cfg(test)]
mod tests;

use super::context::{Evidences, about_table};
use super::words::{count, duration, label, short};
use super::{Context, Rule, Threshold};
use crate::model::index_def::TableName;
use crate::model::query::Query;
use crate::model::report::{Confidence, Finding, Fix, Severity, Subject};
use crate::model::snapshot::Evidence;
use links::Link;
use score::{Match, Workload, best_match};
use std::collections::{BTreeSet, HashMap};

pub(super) static ENTRY: Rule = Rule {
    name: "n-plus-one",
    summary: "A list is loaded, then one query more for each of its rows",
    thresholds: &[
        Threshold { key: "min_score", default: 70.0, meaning: "score from which a pair is suspected, 0 to 100" },
        Threshold { key: "min_calls", default: 50.0, meaning: "calls of the repeated query in the window" },
        Threshold { key: "min_list_rows", default: 3.0, meaning: "rows per call from which a query is a list" },
        Threshold { key: "round_trip_ms", default: 0.5, meaning: "time on the network per query, ms" },
    ],
    needs: &[Evidence::Workload, Evidence::QueryTexts],
    unready: None,
    doc: include_str!("n_plus_one/doc.md"),
    fires_sql: include_str!("n_plus_one/fires.sql"),
    quiet_sql: include_str!("n_plus_one/quiet.sql"),
    check,
};

fn check(context: &Context) -> Vec<Finding> {
    let links = links::all(context.catalog());
    let mut of_table: HashMap<&TableName, Vec<&Link>> = HashMap::new();
    for link in &links {
        for end in BTreeSet::from([&link.child, &link.parent]) {
            of_table.entry(end).or_default().push(link);
        }
    }
    let workload = Workload::new(context);
    let mut findings = Vec::new();
    for (query, figures, shape) in context.understood() {
        if figures.calls < context.threshold("min_calls") {
            continue;
        }
        let Some(look_up) = score::look_up(context, query, shape, figures) else { continue };
        let links = of_table.get(&look_up.reference.table).map(Vec::as_slice).unwrap_or_default();
        let found = best_match(&workload, links, &look_up);
        findings.extend(found.filter(|m| m.score >= context.threshold("min_score")).map(|m| finding(context, query, &look_up, &m)));
    }
    findings
}

fn finding(context: &Context, query: &Query, look_up: &score::LookUp, found: &Match) -> Finding {
    let figures = look_up.figures;
    let saved = figures.calls - found.list_calls;
    let message = format!(
        "ran {} times, {} per row of a list over {} ({} rows in {} calls); score {}: {}",
        count(figures.calls),
        short((found.ratio * 100.0).round() / 100.0),
        found.link.other(look_up.child_side(found.link)),
        count(found.list_rows),
        count(found.list_calls),
        found.score,
        label(query)
    );
    let evidence = Evidences::new()
        .with_figures(figures)
        .with("rows_per_call", figures.rows_per_call())
        .with("list_calls", found.list_calls)
        .with("list_rows", found.list_rows)
        .with("calls_per_list_row", found.ratio)
        .with("list_query", found.list.fingerprint.as_str())
        .with("list_text", label(found.list))
        .with("foreign_key", crate::model::text::one_line(&found.link.name))
        .with("score", found.score)
        .with("saved_calls", saved)
        .with("round_trips_ms", saved * context.threshold("round_trip_ms"));
    let fix = Fix { text: fix_text(context, look_up, found, saved), sql: None };
    let subject = Subject { query: Some(query.fingerprint.clone()), ..about_table(&look_up.reference.table) };
    context.finding((Severity::Warning, Confidence::Suspected), subject, message, evidence, fix)
}

fn fix_text(context: &Context, look_up: &score::LookUp, found: &Match, saved: f64) -> String {
    let column = crate::model::text::one_line(&found.columns.join(", "));
    let form = if look_up.aggregate {
        format!("count for all rows at once: WHERE {column} = ANY($1) GROUP BY {column}")
    } else {
        format!("load all at once: WHERE {column} = ANY($1), or a JOIN in the list's own query")
    };
    format!(
        "{form}; ORMs call it includes, select_related, prefetch_related, selectinload, preload; saves {} round trips ({} at {} each). \
         Not seen: application code",
        count(saved),
        duration(saved * context.threshold("round_trip_ms")),
        duration(context.threshold("round_trip_ms"))
    )
}

impl Link {
    /// The table at the other end.
    fn other(&self, child_side: bool) -> &crate::model::index_def::TableName {
        if child_side { &self.parent } else { &self.child }
    }
}
