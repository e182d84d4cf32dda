//! A plan for each query, on the analysed server: with values sampled from the statistics, else generic.

use crate::model::catalog::{Catalog, RowSecurity, Table};
use crate::model::plan::Plan;
use crate::model::query::{PlanOrigin, Query, QueryPlan, QuerySource, Shape};
use crate::model::snapshot::{Problem, Snapshot};
use crate::model::text::quote_ident;
use crate::pg::effects;
use crate::pg::explain::{self, Call, Ground, Prepared};
use crate::pg::planner_settings::is_planner_setting;
use crate::pg::session::Session;
use crate::read::sql::{is_plannable, rewrite::explainable};
use crate::sampling::{self, Binding};
use indicatif::ProgressBar;

/// How a query is given to the planner, again and again, on whatever connection.
pub(super) struct Planned {
    sql: String,
    ground: Ground,
    /// Executions to plan for, or `None` for the generic plan.
    bindings: Option<Vec<Binding>>,
    /// The bindings' values.
    values: Vec<Vec<sampling::Value>>,
    parameters: usize,
}

impl Planned {
    /// Under what it is planned.
    pub(super) fn ground(&self) -> &Ground {
        &self.ground
    }

    /// Parses it on a connection; `None` where only the generic plan is asked for.
    pub(super) async fn parse(&self, session: &Session) -> Result<Option<Prepared>, String> {
        match self.bindings {
            Some(_) => explain::prepare_on(session, &self.ground, &self.sql).await.map(Some),
            None => Ok(None),
        }
    }

    /// All its executions, or only the typical one.
    pub(super) fn call<'a>(&'a self, parsed: Option<&'a Prepared>, most: usize) -> Call<'a> {
        match parsed.filter(|_| self.bindings.is_some()) {
            Some(prepared) => Call::Custom(prepared, &self.values[..self.values.len().min(most)]),
            None => Call::Generic(&self.sql, self.parameters),
        }
    }

    /// Each plan with its share of all executions.
    pub(super) fn weighted(&self, plans: Vec<Plan>) -> Vec<(f64, Plan)> {
        match &self.bindings {
            Some(bindings) => bindings.iter().map(|b| b.weight).zip(plans).collect(),
            None => plans.into_iter().map(|plan| (1.0, plan)).collect(),
        }
    }

    /// Its executions; empty where it is planned generically.
    pub(super) fn bindings(&self) -> &[Binding] {
        self.bindings.as_deref().unwrap_or_default()
    }

    /// Leaves out executions that the planner treats like another: `plans` are those of all of them, without candidates.
    pub(super) fn merge_equal(&mut self, plans: &[Plan]) {
        self.bindings = self.bindings.take().map(|bindings| sampling::merge_equal(bindings, plans));
        self.values = self.bindings().iter().map(|b| b.values.clone()).collect();
    }

    /// Leaves only the typical execution: one of the others has a value that the server refuses.
    pub(super) fn keep_typical(&mut self) {
        self.bindings.iter_mut().for_each(|bindings| bindings.truncate(1));
        self.bindings.iter_mut().flatten().for_each(|typical| typical.weight = 1.0);
        self.values.truncate(1);
    }

    /// Forgets the values: plans of this query are generic from now on.
    pub(super) fn make_generic(&mut self) {
        self.bindings = None;
        self.values.clear();
    }

    /// True when values were sampled for parameters.
    fn is_sampled(&self) -> bool {
        self.bindings.is_some() && self.parameters > 0
    }
}

/// Lets the server parse the query and chooses its values; the error is why it cannot be planned.
pub(super) async fn prepare(
    session: &Session,
    text: &str,
    ground: Ground,
    shape: Option<&Shape>,
    catalog: &Catalog,
) -> Result<(Planned, Prepared), String> {
    let sql = explainable(text);
    let prepared = explain::prepare_on(session, &ground, &sql).await?;
    let bindings = sampling::bindings(shape, catalog, &prepared.parameters);
    let values = bindings.iter().flatten().map(|b| b.values.clone()).collect();
    Ok((Planned { sql, ground, bindings, values, parameters: prepared.parameters.len() }, prepared))
}

/// The ground on which a query of the workload runs.
pub(super) fn ground(query: &Query) -> Ground {
    let settings = query.planner_settings.iter().filter(|(name, _)| is_planner_setting(name));
    Ground {
        search_path: query.search_path.clone(),
        role: query.plan_role.clone(),
        settings: settings.map(|(name, value)| (name.clone(), value.clone())).collect(),
    }
}

/// The role that ran it, where row-level security holds it back.
pub(super) fn plan_role(query: &Query, catalog: &Catalog) -> Option<String> {
    let role = query.plan_role.as_deref()?;
    let held_back = |table: &Table| match table.row_security {
        RowSecurity::Off => false,
        RowSecurity::On => table.owner != role,
        RowSecurity::Forced => true,
    };
    let tables = query.shape()?.tables.iter().filter_map(|t| catalog.table(&t.table));
    tables.into_iter().any(held_back).then(|| role.to_owned())
}

/// Runs a SELECT under EXPLAIN ANALYZE, if nothing it calls has effects.
pub(super) async fn run(session: &Session, query: &Query, catalog: &Catalog) -> Result<Plan, String> {
    let sql = explainable(&query.text);
    explain::on(session, &ground(query), async || {
        if let Some(objection) = effects::objection(session, &sql).await? {
            return Err(objection);
        }
        let prepared = explain::prepare(&session.client, &sql, true).await?;
        let bindings = sampling::bindings(query.shape(), catalog, &prepared.parameters).unwrap_or_default();
        let typical = bindings.first().ok_or("no value is known for one of its parameters")?;
        explain::explain_custom(&session.client, &prepared, &typical.values).await
    })
    .await
}

/// Plans the first `most` queries of the workload that have a text and no plan yet, and all that came without figures: the
/// user handed them to us.
pub(super) async fn plan_workload(session: &Session, snapshot: &mut Snapshot, most: usize, progress: &ProgressBar) {
    let catalog = std::mem::take(&mut snapshot.catalog);
    let wanted = |(n, query): &(usize, &mut Query)| *n < most || query.figures.is_none();
    for (_, query) in snapshot.workload.iter_mut().enumerate().filter(wanted) {
        progress.inc(1);
        let is_ddl = query.source == QuerySource::PgStatStatements && !is_plannable(&query.text);
        if is_ddl || !query.plans.is_empty() {
            continue;
        }
        query.plan_role = plan_role(query, &catalog);
        let mut planned = plan_query(session, query, &catalog).await;
        if let (Err(reason), Some(role)) = (&planned, &query.plan_role) {
            let message = format!("planned without row-level security: not possible as role {}: {reason}", quote_ident(role));
            let problem = Problem { source: query.fingerprint.clone(), message };
            query.plan_role = None;
            planned = plan_query(session, query, &catalog).await;
            snapshot.problems.extend(planned.is_ok().then_some(problem));
        }
        match planned {
            Ok(plan) => query.plans.insert(0, plan),
            Err(reason) => query.not_planned = Some(format!("not planned: {reason}")),
        }
    }
    snapshot.catalog = catalog;
}

async fn plan_query(session: &Session, query: &Query, catalog: &Catalog) -> Result<QueryPlan, String> {
    let (mut planned, parsed) = prepare(session, &query.text, ground(query), query.shape(), catalog).await?;
    match typical(session, &planned, Some(&parsed)).await {
        // A sampled value that the type refuses: the generic plan needs none.
        Err(_) if planned.is_sampled() => {
            planned.make_generic();
            typical(session, &planned, None).await
        }
        done => done,
    }
}

/// Plans its typical execution with whatever indexes are there now.
async fn typical(session: &Session, planned: &Planned, parsed: Option<&Prepared>) -> Result<QueryPlan, String> {
    let origin = if planned.bindings.is_some() { PlanOrigin::Custom } else { PlanOrigin::Generic };
    let plans = explain::explain(session, &planned.ground, planned.call(parsed, 1)).await?;
    let plan = plans.into_iter().next().ok_or("no plan")?;
    Ok(QueryPlan { origin, plan })
}
