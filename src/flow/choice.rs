//! Does the planner choose an index, now that it is there? Each query is planned again: with values sampled from the
//! statistics, and without any, as a prepared statement is.

use super::measure::Reading;
use super::plans;
use crate::apply::verdict::Choice;
use crate::model::ledger::TargetQuery;
use crate::model::plan::Plan;
use crate::model::query::{Query, QuerySource};
use crate::pg::explain::{self, Ground};
use crate::pg::session::Session;
use crate::read::sql::{is_plannable, normalize::normalize, read};

/// Most texts of a query, and executions of each, that are planned.
const MOST: usize = 8;

/// What one query does about an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chosen {
    pub fingerprint: String,
    /// Without literal values.
    pub text: String,
    pub choice: Choice,
    /// Where it does not: how it reads the table instead; where it is not known: why.
    pub instead: String,
}

/// Plans the queries that the index is for. The workload knows their roles and search paths; the report's text stands in.
pub(super) async fn targets(session: &Session, reading: &Reading, all: &[TargetQuery], names: &[&str], table: &str) -> Vec<Chosen> {
    let mut chosen = Vec::with_capacity(all.len());
    for target in all {
        let known = reading.snapshot.workload.iter().find(|q| q.fingerprint == target.fingerprint && is_plannable(&q.text));
        let query = match known {
            Some(query) => query.clone(),
            None => from_text(session, reading, target).await,
        };
        chosen.push(Chosen { fingerprint: target.fingerprint.clone(), ..one(session, reading, &query, names, table).await });
    }
    chosen
}

/// A query of which there is only the text: its names resolve as ours do.
async fn from_text(session: &Session, reading: &Reading, target: &TargetQuery) -> Query {
    let path = super::analyse::own_path(session).await.unwrap_or_default();
    let mut query = Query::new(QuerySource::File, &target.text, &path);
    query.normalized = normalize(&target.text).text;
    query.reading = read(&target.text, &reading.snapshot.catalog, &path);
    query
}

/// Plans one query; it uses the index if any of its executions does.
pub(super) async fn one(session: &Session, reading: &Reading, query: &Query, names: &[&str], table: &str) -> Chosen {
    let catalog = &reading.snapshot.catalog;
    let mut query = query.clone();
    query.plan_role = plans::plan_role(&query, catalog);
    let mut planned = all_plans(session, reading, &query).await;
    if planned.is_err() && query.plan_role.take().is_some() {
        planned = all_plans(session, reading, &query).await;
    }
    let (choice, instead) = match planned {
        Ok(all) if all.iter().any(|plan| uses(plan, names)) => (Choice::Uses, String::new()),
        Ok(all) => (Choice::DoesNot, all.first().map(|plan| way(plan, table)).unwrap_or_default()),
        Err(reason) => (Choice::Unknown, reason),
    };
    Chosen { fingerprint: query.fingerprint.clone(), text: query.normalized.clone(), choice, instead }
}

async fn all_plans(session: &Session, reading: &Reading, query: &Query) -> Result<Vec<Plan>, String> {
    let ground: Ground = plans::ground(query);
    let (planned, known) = plans::prepare(session, &query.texts(), ground, &reading.snapshot.catalog, MOST).await?;
    let mut all = match known {
        Some(plans) => plans,
        None => {
            let parsed = planned.parse(session).await?;
            explain::explain(session, planned.ground(), &planned.calls(&parsed)).await?
        }
    };
    // A text whose parameters cannot be typed alone has no generic plan; its others suffice.
    all.extend(explain::explain(session, planned.ground(), &planned.generic_calls()).await.unwrap_or_default());
    Ok(all)
}

fn uses(plan: &Plan, names: &[&str]) -> bool {
    plan.root.walk().any(|node| node.index_name.as_deref().is_some_and(|name| names.contains(&name)))
}

/// How a plan reads a table: `Seq Scan`, `Index Scan using t_pkey`.
fn way(plan: &Plan, table: &str) -> String {
    let node = plan.root.walk().find(|node| node.relation.as_deref() == Some(table));
    let using = |name: &String| format!(" using {name}");
    node.map(|n| format!("{}{}", n.node_type, n.index_name.as_ref().map(using).unwrap_or_default())).unwrap_or_default()
}
