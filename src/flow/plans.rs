//! A plan for each query, on the analysed server: with its own constants or values sampled from the statistics, else generic.

use crate::model::catalog::{Catalog, RowSecurity, Table};
use crate::model::plan::Plan;
use crate::model::query::{PlanOrigin, Query, QueryPlan, QuerySource, QueryText};
use crate::model::snapshot::{Problem, Snapshot};
use crate::model::text::quote_ident;
use crate::pg::effects;
use crate::pg::explain::{self, Call, Ground, Prepared};
use crate::pg::planner_settings::is_planner_setting;
use crate::pg::session::Session;
use crate::read::sql::{is_plannable, rewrite::explainable, untyped::as_numbers, wrapped::foreign_placeholder};
use crate::sampling::{self, Binding};
use indicatif::ProgressBar;
use std::collections::BTreeSet;

/// How a query is given to the planner, again and again, on whatever connection.
pub(super) struct Planned {
    ground: Ground,
    texts: Vec<Text>,
    /// What to plan, the typical execution first.
    executions: Vec<Binding>,
    /// Why the server refuses a text that is left out; its executions count to the others.
    pub(super) refused: Option<String>,
}

/// A text as the planner gets it.
struct Text {
    sql: String,
    parameters: usize,
    /// There are parameters that nobody can give a value: only its generic plan can be had.
    generic: bool,
    /// As some connection parsed it, with nothing kept there; its values are planned by this on every connection.
    parsed: Option<Prepared>,
}

/// The texts of a query as one connection parsed them; `None` for those of which only the generic plan is asked.
pub(super) type Texts = Vec<Option<Prepared>>;

impl Planned {
    /// Under what it is planned.
    pub(super) fn ground(&self) -> &Ground {
        &self.ground
    }

    /// Parses its texts on a connection.
    pub(super) async fn parse(&self, session: &Session) -> Result<Texts, String> {
        let custom: Vec<&str> = self.texts.iter().filter(|text| !text.generic).map(|text| text.sql.as_str()).collect();
        let mut parsed = explain::prepare_all(session, &self.ground, &custom).await?.into_iter();
        Ok(self.texts.iter().map(|text| if text.generic { None } else { parsed.next() }).collect())
    }

    /// A call for each execution that needs nothing parsed before; `None` where it is worth while to keep the texts parsed.
    pub(super) fn calls_anywhere(&self) -> Option<Vec<Call<'_>>> {
        self.executions
            .iter()
            .map(|execution| match self.texts.get(execution.text)? {
                text if text.generic => Some(Call::Generic(&text.sql, text.parameters)),
                text => text.parsed.as_ref().map(|prepared| Call::Custom(prepared, &execution.values)),
            })
            .collect()
    }

    /// A call for each execution.
    pub(super) fn calls<'a>(&'a self, parsed: &'a Texts) -> Vec<Call<'a>> {
        let call = |execution: &'a Binding| match parsed.get(execution.text)? {
            Some(prepared) => Some(Call::Custom(prepared, &execution.values)),
            None => self.texts.get(execution.text).map(|text| Call::Generic(&text.sql, text.parameters)),
        };
        self.executions.iter().filter_map(call).collect()
    }

    /// A call for the generic plan of each text that has parameters.
    pub(super) fn generic_calls(&self) -> Vec<Call<'_>> {
        self.texts.iter().filter(|t| t.parameters > 0 && !t.generic).map(|t| Call::Generic(&t.sql, t.parameters)).collect()
    }

    /// Each plan with its share of all executions.
    pub(super) fn weighted(&self, plans: Vec<Plan>) -> Vec<(f64, Plan)> {
        self.executions.iter().map(|e| e.weight).zip(plans).collect()
    }

    /// Its executions.
    pub(super) fn executions(&self) -> &[Binding] {
        &self.executions
    }

    /// True where it is planned without values for its parameters.
    pub(super) fn is_generic(&self) -> bool {
        self.texts.iter().any(|text| text.generic)
    }

    /// Takes a text in, whose share is that of its executions together.
    fn add(&mut self, text: Text, bindings: Vec<Binding>, share: f64) {
        let number = self.texts.len();
        self.texts.push(text);
        let whole: f64 = bindings.iter().map(|b| b.weight).sum();
        self.executions.extend(bindings.into_iter().map(|b| Binding { text: number, weight: b.weight / whole * share, ..b }));
    }

    /// Leaves executions that the planner treats like others out, and texts that none is left of. `plans` are those of the
    /// executions, without candidates.
    fn merge_equal(&mut self, plans: &[Plan]) {
        let whole: f64 = self.executions.iter().map(|e| e.weight).sum();
        self.executions = sampling::merge_equal(std::mem::take(&mut self.executions), plans);
        let used: BTreeSet<usize> = self.executions.iter().map(|e| e.text).collect();
        for execution in &mut self.executions {
            // A text that could not be planned left its share to the others.
            execution.weight /= if whole > 0.0 { whole } else { 1.0 };
            execution.text = used.range(..execution.text).count();
        }
        let mut number = 0..;
        self.texts.retain(|_| number.next().is_some_and(|n| used.contains(&n)));
    }
}

/// Lets the server parse the texts of a query, the most frequent first, and plans each execution once; the error is why none
/// can be planned. The plans are there where each execution stands for itself alone. At most `most` texts, and as many executions of each, are considered.
pub(super) async fn prepare(
    session: &Session,
    texts: &[QueryText],
    ground: Ground,
    catalog: &Catalog,
    most: usize,
) -> Result<(Planned, Option<Vec<Plan>>), String> {
    let mut planned = Planned { ground, texts: Vec::new(), executions: Vec::new(), refused: None };
    let mut plans = Vec::new();
    for (number, text) in texts.iter().take(most).enumerate() {
        match plan_text(session, text, &planned.ground, catalog, most).await {
            Ok((parsed, mut bindings, own)) => {
                if texts.len() > 1 && parsed.parameters == 0 {
                    bindings = vec![sampling::of_text(number, text.shape(), texts[0].shape(), catalog)];
                }
                planned.add(parsed, bindings, text.share);
                plans.extend(own);
            }
            Err(reason) => {
                planned.refused.get_or_insert(reason);
            }
        }
    }
    if planned.texts.is_empty() {
        return Err(planned.refused.unwrap_or_else(|| "it has no text".into()));
    }
    let before: Vec<Vec<Option<String>>> = planned.executions.iter().map(|e| e.values.clone()).collect();
    planned.merge_equal(&plans);
    let alone = plans.len() == before.len() && planned.executions.iter().map(|e| &e.values).eq(&before);
    Ok((planned, alone.then_some(plans)))
}

/// SQLSTATEs of a text whose parameters have no type or the wrong one: undefined and ambiguous function, indeterminate type.
const UNTYPED: [&str; 3] = ["(42883)", "(42725)", "(42P18)"];

/// A text as the server can parse it, and what it says of it.
async fn parsed(session: &Session, text: &str, ground: &Ground) -> Result<(String, Prepared), String> {
    let sql = explainable(text);
    let refused = match explain::prepare_on(session, ground, &sql).await {
        Ok(prepared) => return Ok((sql, prepared)),
        Err(reason) => reason,
    };
    if UNTYPED.iter().any(|code| refused.contains(code)) {
        for typed in as_numbers(&sql) {
            if let Ok(prepared) = explain::prepare_on(session, ground, &typed).await {
                return Ok((typed, prepared));
            }
        }
    }
    Err(refused)
}

/// One text with values chosen for its parameters, at most `most` executions, and their plans; where the server refuses a
/// value, with the typical ones alone, and at last without any.
async fn plan_text(
    session: &Session,
    text: &QueryText,
    ground: &Ground,
    catalog: &Catalog,
    most: usize,
) -> Result<(Text, Vec<Binding>, Vec<Plan>), String> {
    let (sql, prepared) = parsed(session, &text.text, ground).await?;
    let parameters = prepared.parameters.len();
    let all = sampling::bindings(text.shape(), catalog, &prepared.parameters).unwrap_or_default();
    let mut tries = vec![&all[..all.len().min(most)], &all[..all.len().min(1)]];
    tries.dedup();
    for bindings in tries.into_iter().filter(|bindings| !bindings.is_empty()) {
        let calls: Vec<Call> = bindings.iter().map(|b| Call::Custom(&prepared, &b.values)).collect();
        match explain::explain(session, ground, &calls).await {
            Ok(plans) => {
                // One of so many that no connection keeps them all.
                let parsed = (most == 1).then(|| prepared.anywhere());
                return Ok((Text { sql, parameters, generic: false, parsed }, bindings.to_vec(), plans));
            }
            Err(reason) if parameters == 0 => return Err(reason),
            Err(_) => {}
        }
    }
    let plans = explain::explain(session, ground, &[Call::Generic(&sql, parameters)]).await?;
    let any = Binding { weight: 1.0, label: "any values".into(), ..Binding::default() };
    Ok((Text { sql, parameters, generic: true, parsed: None }, vec![any], plans))
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
            Err(reason) => {
                let foreign = reason.starts_with("syntax error") && foreign_placeholder(&query.text);
                let hint = if foreign { "; parameters are written $1, $2" } else { "" };
                query.not_planned = Some(format!("not planned: {reason}{hint}"));
            }
        }
    }
    snapshot.catalog = catalog;
}

/// Plans its typical execution with whatever indexes are there now.
async fn plan_query(session: &Session, query: &Query, catalog: &Catalog) -> Result<QueryPlan, String> {
    let (text, _, plans) = plan_text(session, &query.chief_text(), &ground(query), catalog, 1).await?;
    let origin = if text.generic { PlanOrigin::Generic } else { PlanOrigin::Custom };
    let plan = plans.into_iter().next().ok_or("no plan")?;
    Ok(QueryPlan { origin, plan })
}
