//! A plan for each query, on the analysed server: with values sampled from the statistics, else generic.

use crate::model::catalog::Catalog;
use crate::model::plan::Plan;
use crate::model::query::{PlanOrigin, Query, QueryPlan, QuerySource, Shape};
use crate::model::snapshot::Snapshot;
use crate::model::text::quote_ident;
use crate::pg::effects;
use crate::pg::explain::{self, Prepared};
use crate::pg::session::Session;
use crate::read::sql::{is_plannable, rewrite::explainable};
use crate::sampling::{self, Binding};
use indicatif::ProgressBar;

/// How a query is given to the planner, again and again.
pub(super) struct Planned {
    sql: String,
    search_path: String,
    /// Executions to plan for, or `None` for the generic plan.
    bindings: Option<Vec<Binding>>,
    prepared: Prepared,
    parameters: usize,
}

/// search_path as SET takes it.
fn path_sql(search_path: &[String]) -> String {
    search_path.iter().map(|s| quote_ident(s)).collect::<Vec<_>>().join(", ")
}

/// Lets the server parse the query and chooses its values; the error is why it cannot be planned.
pub(super) async fn prepare(
    session: &Session,
    text: &str,
    search_path: &[String],
    shape: Option<&Shape>,
    catalog: &Catalog,
) -> Result<Planned, String> {
    let (sql, search_path) = (explainable(text), path_sql(search_path));
    let prepared = in_transaction(session, &search_path, async || explain::prepare(&session.client, &sql, false).await).await?;
    let parameters = prepared.parameters.len();
    let bindings = sampling::bindings(shape, catalog, &prepared.parameters);
    Ok(Planned { sql, search_path, bindings, prepared, parameters })
}

/// Plans its typical execution with whatever indexes are there now.
pub(super) async fn plan(session: &Session, planned: &Planned) -> Result<QueryPlan, String> {
    let origin = if planned.bindings.is_some() { PlanOrigin::Custom } else { PlanOrigin::Generic };
    let plans = plan_some(session, planned, 1).await?;
    let plan = plans.into_iter().next().map(|(_, plan)| plan).ok_or("no plan")?;
    Ok(QueryPlan { origin, plan })
}

/// Plans each of its executions; with each plan its share of all executions.
pub(super) async fn plan_all(session: &Session, planned: &Planned) -> Result<Vec<(f64, Plan)>, String> {
    plan_some(session, planned, usize::MAX).await
}

async fn plan_some(session: &Session, planned: &Planned, most: usize) -> Result<Vec<(f64, Plan)>, String> {
    in_transaction(session, &planned.search_path, async || {
        let Some(bindings) = &planned.bindings else {
            let plan = explain::explain_generic(&session.client, &planned.sql, planned.parameters).await?;
            return Ok(vec![(1.0, plan)]);
        };
        let mut plans = Vec::new();
        for binding in bindings.iter().take(most) {
            plans.push((binding.weight, explain::explain(&session.client, &planned.prepared, &binding.values).await?));
        }
        Ok(plans)
    })
    .await
}

/// Runs a SELECT under EXPLAIN ANALYZE, if nothing it calls has effects.
pub(super) async fn run(
    session: &Session,
    text: &str,
    search_path: &[String],
    shape: Option<&Shape>,
    catalog: &Catalog,
) -> Result<Plan, String> {
    let (sql, search_path) = (explainable(text), path_sql(search_path));
    in_transaction(session, &search_path, async || {
        if let Some(objection) = effects::objection(session, &sql).await? {
            return Err(objection);
        }
        let prepared = explain::prepare(&session.client, &sql, true).await?;
        let bindings = sampling::bindings(shape, catalog, &prepared.parameters).unwrap_or_default();
        let typical = bindings.first().ok_or("no value is known for one of its parameters")?;
        explain::explain(&session.client, &prepared, &typical.values).await
    })
    .await
}

/// Forgets the values: plans of this query are generic from now on.
pub(super) fn make_generic(planned: &mut Planned) {
    planned.bindings = None;
}

/// Runs `work` in a READ ONLY transaction that sees names as the query's own role does.
async fn in_transaction<T>(session: &Session, search_path: &str, work: impl AsyncFnOnce() -> Result<T, String>) -> Result<T, String> {
    let describe = |e: tokio_postgres::Error| crate::pg::error::describe_without_values(&e);
    session.begin().await.map_err(describe)?;
    let path = session.client.query_one(crate::pg::statements::EXPLAIN_PATH.sql, &[&search_path]).await;
    let done = match path {
        Ok(_) => work().await,
        Err(error) => Err(describe(error)),
    };
    session.rollback().await.map_err(describe)?;
    done
}

/// Plans the first `most` queries of the workload that have a text and no plan yet.
pub(super) async fn plan_workload(session: &Session, snapshot: &mut Snapshot, most: usize, progress: &ProgressBar) {
    let catalog = std::mem::take(&mut snapshot.catalog);
    for query in snapshot.workload.iter_mut().take(most) {
        progress.inc(1);
        let is_ddl = query.source == QuerySource::PgStatStatements && !is_plannable(&query.text);
        if is_ddl || !query.plans.is_empty() {
            continue;
        }
        match plan_query(session, query, &catalog).await {
            Ok(plan) => query.plans.insert(0, plan),
            Err(reason) => query.not_planned = Some(format!("not planned: {reason}")),
        }
    }
    snapshot.catalog = catalog;
}

async fn plan_query(session: &Session, query: &Query, catalog: &Catalog) -> Result<QueryPlan, String> {
    let mut planned = prepare(session, &query.text, &query.search_path, query.shape(), catalog).await?;
    match plan(session, &planned).await {
        // A sampled value that the type refuses: the generic plan needs none.
        Err(_) if planned.bindings.is_some() && planned.parameters > 0 => {
            make_generic(&mut planned);
            plan(session, &planned).await
        }
        done => done,
    }
}
