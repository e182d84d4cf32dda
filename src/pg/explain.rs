//! EXPLAIN of texts that others wrote. Always through the extended protocol, which refuses a
//! second statement, and inside a READ ONLY transaction of the session's role.

use super::error::describe_without_values as describe;
use super::session::Session;
use super::value::{JsonText, TextValue};
use crate::model::plan::Plan;
use crate::model::query::ParameterType;
use crate::model::text::{quote_ident, quote_literal};
use crate::read;
use futures_util::future::{join, join_all};
use postgres_types::{Kind, ToSql, Type};
use std::collections::BTreeMap;
use tokio_postgres::{Client, Statement};

/// Options of every EXPLAIN: VERBOSE names schemas, SETTINGS are not needed.
const PLAIN: &str = "EXPLAIN (FORMAT JSON, VERBOSE)";
/// Options of a real run.
const ANALYZE: &str = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON, VERBOSE)";

/// A user's text, parsed by the server behind our EXPLAIN.
pub struct Prepared {
    sql: String,
    types: Vec<Type>,
    /// `None` where it is parsed again each time: a connection keeps no more than it is asked for often.
    kept: Option<Statement>,
    /// Types of its parameters.
    pub parameters: Vec<ParameterType>,
}

/// Parses `sql` behind EXPLAIN; nothing is planned yet. `analyze` runs it when executed: the
/// caller has made sure that this is harmless.
pub async fn prepare(client: &Client, sql: &str, analyze: bool) -> Result<Prepared, String> {
    let options = if analyze { ANALYZE } else { PLAIN };
    let sql = format!("{options} {sql}");
    let statement = client.prepare(&sql).await.map_err(|e| describe(&e))?;
    let types = statement.params().to_vec();
    let parameters = types.iter().map(parameter_type).collect();
    Ok(Prepared { sql, types, kept: Some(statement), parameters })
}

impl Prepared {
    /// The same, good for any connection to a copy of the database: each call sends the text again with the types found here.
    pub fn anywhere(self) -> Prepared {
        Prepared { kept: None, ..self }
    }
}

fn parameter_type(kind: &Type) -> ParameterType {
    match kind.kind() {
        Kind::Array(element) => ParameterType { array: true, ..parameter_type(element) },
        Kind::Domain(base) => parameter_type(base),
        Kind::Enum(labels) => ParameterType { name: kind.name().into(), labels: labels.clone(), array: false },
        _ => ParameterType { name: kind.name().into(), ..ParameterType::default() },
    }
}

/// Under what a query is planned: as the role that runs it would have it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ground {
    /// Schemas in which its names resolve.
    pub search_path: Vec<String>,
    /// Role whose row-level security applies; `None` for the session's own.
    pub role: Option<String>,
    /// Planner settings of that role, beside the session's.
    pub settings: BTreeMap<String, String>,
}

impl Ground {
    /// Opens a READ ONLY transaction on this ground: one message.
    fn begin_sql(&self, session: &Session) -> String {
        let path = self.search_path.iter().map(|s| quote_ident(s)).collect::<Vec<_>>().join(", ");
        let mut sql = session.begin_planning_sql();
        sql += &format!("; SET LOCAL search_path = {}", if path.is_empty() { "''" } else { &path });
        for (name, value) in &self.settings {
            sql += &format!("; SET LOCAL {} = {}", quote_ident(name), quote_literal(value));
        }
        if let Some(role) = &self.role {
            sql += &format!("; SET LOCAL ROLE {}", quote_ident(role));
        }
        sql
    }
}

/// What is to be planned.
#[derive(Clone, Copy)]
pub enum Call<'a> {
    /// A parsed query with these values (`None` is NULL): a custom plan, as if the values stood in the text.
    Custom(&'a Prepared, &'a [Option<String>]),
    /// A text with this many parameters that nobody can give a value.
    Generic(&'a str, usize),
}

impl Call<'_> {
    /// True where only the generic plan can be had.
    pub fn is_generic(&self) -> bool {
        matches!(self, Call::Generic(..))
    }
}

/// Parses `sql` on its ground; nothing is planned yet.
pub async fn prepare_on(session: &Session, ground: &Ground, sql: &str) -> Result<Prepared, String> {
    on(session, ground, async || prepare(&session.client, sql, false).await).await
}

/// Parses each text on its ground, in one trip to the server and back.
pub async fn prepare_all(session: &Session, ground: &Ground, texts: &[&str]) -> Result<Vec<Prepared>, String> {
    let begin = ground.begin_sql(session);
    let parse = join_all(texts.iter().map(|sql| prepare(&session.client, sql, false)));
    let (begun, (parsed, ended)) = join(session.client.batch_execute(&begin), join(parse, session.rollback())).await;
    begun.map_err(|e| describe(&e))?;
    ended.map_err(|e| describe(&e))?;
    parsed.into_iter().collect()
}

/// Runs `work` in a READ ONLY transaction on the given ground.
pub async fn on<T>(session: &Session, ground: &Ground, work: impl AsyncFnOnce() -> Result<T, String>) -> Result<T, String> {
    let done = match session.client.batch_execute(&ground.begin_sql(session)).await {
        Ok(()) => work().await,
        Err(error) => Err(describe(&error)),
    };
    session.rollback().await.map_err(|e| describe(&e))?;
    done
}

/// Plans each call on the given ground. Unless one is generic, all statements are sent before the first answer is awaited: one
/// trip to the server and back, however many calls there are.
pub async fn explain(session: &Session, ground: &Ground, calls: &[Call<'_>]) -> Result<Vec<Plan>, String> {
    let begin = ground.begin_sql(session);
    let begin = session.client.batch_execute(&begin);
    let (begun, (plans, ended)) = if calls.iter().any(Call::is_generic) {
        let begun = begin.await;
        (begun, (one_by_one(session, calls).await, session.rollback().await))
    } else {
        let asks = join_all(calls.iter().map(|call| explain_one(session, *call)));
        join(begin, join(asks, session.rollback())).await
    };
    begun.map_err(|e| describe(&e))?;
    ended.map_err(|e| describe(&e))?;
    plans.into_iter().collect()
}

/// A generic plan takes a setting of the transaction, which is why what follows it must wait.
async fn one_by_one(session: &Session, calls: &[Call<'_>]) -> Vec<Result<Plan, String>> {
    let mut plans = Vec::with_capacity(calls.len());
    for call in calls {
        plans.push(explain_one(session, *call).await);
    }
    plans
}

async fn explain_one(session: &Session, call: Call<'_>) -> Result<Plan, String> {
    match call {
        Call::Custom(prepared, values) => explain_custom(&session.client, prepared, values).await,
        Call::Generic(sql, parameters) => explain_generic(&session.client, sql, parameters).await,
    }
}

/// Plans with these values, inside an open transaction; where the statement was prepared to be analyzed, it also runs.
pub async fn explain_custom(client: &Client, prepared: &Prepared, values: &[Option<String>]) -> Result<Plan, String> {
    let bound: Vec<TextValue> = values.iter().map(|v| TextValue(v.clone())).collect();
    let parameters: Vec<&(dyn ToSql + Sync)> = bound.iter().map(|v| v as _).collect();
    let row = match &prepared.kept {
        Some(statement) => client.query_one(statement, &parameters).await,
        None => {
            let typed: Vec<(&(dyn ToSql + Sync), Type)> = parameters.into_iter().zip(prepared.types.iter().cloned()).collect();
            client.query_typed_one(&prepared.sql, &typed).await
        }
    };
    let row = row.map_err(|e| describe(&e))?;
    plan_of(&row)
}

/// The generic plan. Works on every major: a server-side PREPARE, forced generic, explained with
/// NULLs that a generic plan never looks at.
async fn explain_generic(client: &Client, sql: &str, parameters: usize) -> Result<Plan, String> {
    let say = |e: tokio_postgres::Error| describe(&e);
    client.execute("SET LOCAL plan_cache_mode = force_generic_plan", &[]).await.map_err(say)?;
    client.execute(&format!("PREPARE advisor_generic AS {sql}"), &[]).await.map_err(say)?;
    let nulls = vec!["NULL"; parameters].join(", ");
    let arguments = if parameters == 0 { String::new() } else { format!("({nulls})") };
    client.execute("SAVEPOINT generic", &[]).await.map_err(say)?;
    let explained = client.query_one(&format!("{PLAIN} EXECUTE advisor_generic{arguments}"), &[]).await;
    // The prepared statement outlives the transaction: it must go even when planning failed.
    client.execute("ROLLBACK TO SAVEPOINT generic", &[]).await.map_err(say)?;
    client.execute("DEALLOCATE advisor_generic", &[]).await.map_err(say)?;
    plan_of(&explained.map_err(say)?)
}

fn plan_of(row: &tokio_postgres::Row) -> Result<Plan, String> {
    let json: JsonText<'_> = row.try_get(0).map_err(|e| describe(&e))?;
    let mut reading = read::explain::read_bare(json.0);
    match reading.plans.pop() {
        Some(plan) => Ok(plan),
        None => Err(reading.problems.pop().unwrap_or_else(|| "the server's plan could not be read".into())),
    }
}
