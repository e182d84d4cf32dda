//! EXPLAIN of texts that others wrote. Always through the extended protocol, which refuses a
//! second statement, and inside a READ ONLY transaction of the session's role.

use super::error::describe_without_values as describe;
use super::value::TextValue;
use crate::model::plan::Plan;
use crate::model::query::ParameterType;
use crate::read;
use postgres_types::{Kind, ToSql, Type};
use tokio_postgres::{Client, Statement};

/// Options of every EXPLAIN: VERBOSE names schemas, SETTINGS are not needed.
const PLAIN: &str = "EXPLAIN (FORMAT JSON, VERBOSE)";
/// Options of a real run.
const ANALYZE: &str = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON, VERBOSE)";

/// A user's text, parsed by the server behind our EXPLAIN.
pub struct Prepared {
    statement: Statement,
    /// Types of its parameters.
    pub parameters: Vec<ParameterType>,
}

/// Parses `sql` behind EXPLAIN; nothing is planned yet. `analyze` runs it when executed: the
/// caller has made sure that this is harmless.
pub async fn prepare(client: &Client, sql: &str, analyze: bool) -> Result<Prepared, String> {
    let options = if analyze { ANALYZE } else { PLAIN };
    let statement = client.prepare(&format!("{options} {sql}")).await.map_err(|e| describe(&e))?;
    let parameters = statement.params().iter().map(parameter_type).collect();
    Ok(Prepared { statement, parameters })
}

fn parameter_type(kind: &Type) -> ParameterType {
    match kind.kind() {
        Kind::Array(element) => ParameterType { array: true, ..parameter_type(element) },
        Kind::Domain(base) => parameter_type(base),
        Kind::Enum(labels) => ParameterType { name: kind.name().into(), labels: labels.clone(), array: false },
        _ => ParameterType { name: kind.name().into(), ..ParameterType::default() },
    }
}

/// Plans with these values: a custom plan, as if the values stood in the text.
pub async fn explain(client: &Client, prepared: &Prepared, values: &[String]) -> Result<Plan, String> {
    let bound: Vec<TextValue> = values.iter().map(|v| TextValue(Some(v.clone()))).collect();
    let parameters: Vec<&(dyn ToSql + Sync)> = bound.iter().map(|v| v as _).collect();
    let row = client.query_one(&prepared.statement, &parameters).await.map_err(|e| describe(&e))?;
    plan_of(&row)
}

/// The generic plan, for texts whose parameters nobody can give a value. Works on every major:
/// a server-side PREPARE, forced generic, explained with NULLs that a generic plan never looks at.
pub async fn explain_generic(client: &Client, sql: &str, parameters: usize) -> Result<Plan, String> {
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
    let json: serde_json::Value = row.try_get(0).map_err(|e| describe(&e))?;
    let mut reading = read::explain::read(&json.to_string());
    match reading.plans.pop() {
        Some(plan) => Ok(plan),
        None => Err(reading.problems.pop().unwrap_or_else(|| "the server's plan could not be read".into())),
    }
}
