//! Statistics of candidates' expressions, as ANALYZE would gather them once the index is there: without them the planner guesses
//! that `lower(email) = …` leaves one row of 200, and so does `extract(year from published) = …`.
//!
//! The expression is computed of the typical values that the statistics have of its column, by the role without rights; each
//! stands for its share of the rows. No row of a table is read: there are none.

mod describe;
mod values;

use super::{Member, broken, statistics};
use crate::model::blueprint::ColumnStatistics;
use crate::model::candidate::{Candidate, CandidateId};
use crate::model::failure::Failure;
use crate::model::index_def::{KeyExpr, TableName};
use crate::model::text::one_line;
use crate::pg::error::describe_without_values;
use crate::pg::session::Session;
use crate::pg::statements;
use describe::describe;
use futures_util::future::try_join_all;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use tokio_postgres::{Error, Row};
use values::{Reader, compute, spread};

/// Access methods by whose expressions the planner knows how many rows a comparison leaves.
const METHODS: [&str; 2] = ["btree", "hash"];

/// A candidate's key that is an expression.
struct Key {
    /// Oid of the index.
    index: u32,
    /// As the server prints it.
    sql: String,
    /// The index column that holds it.
    name: String,
}

/// Writes them for all `members`; what cannot be told is left to the planner's guess. Returns the candidates whose expression
/// fails for a value that its column has, with the reason: they cannot be built.
pub(super) async fn write(
    admin: &Session,
    planner: &Session,
    members: &[Member],
    candidates: &[Candidate],
    rows: &HashMap<TableName, f64>,
) -> Result<Vec<(CandidateId, String)>, Failure> {
    let has_expression = |m: &&Member| {
        let spec = &candidates[m.candidate].spec;
        m.has_storage && METHODS.contains(&spec.method.as_str()) && spec.keys.iter().any(|k| matches!(k.expr, KeyExpr::Expression(_)))
    };
    let wanted: HashMap<u32, &Member> = members.iter().filter(has_expression).map(|m| (m.oid, m)).collect();
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    statistics::pin_formats(&[admin, planner]).await?;
    let keys = keys(planner, &wanted).await?;
    let known = all_of(planner, keys.iter().map(|key| (&wanted[&key.index].table, key.sql.as_str())), rows).await?;
    let (mut all, mut failing) = (Vec::new(), BTreeMap::new());
    for key in &keys {
        let member = wanted[&key.index];
        match known.get(&(&member.table, key.sql.as_str())) {
            Some(Computed::Statistics(found)) => {
                let (schema, relation) = (member.name.schema.clone(), member.name.name.clone());
                all.push(ColumnStatistics { schema, relation, column: key.name.clone(), ..found.clone() });
            }
            // The rows of a partial index may be just those for which it does not.
            Some(Computed::Fails(why)) if candidates[member.candidate].spec.predicate.is_none() => {
                failing.insert(member.candidate, why.clone());
            }
            _ => {}
        }
    }
    // One that cannot be written is left to the planner's guess too.
    statistics::write(admin, &all).await?;
    Ok(failing.into_iter().collect())
}

/// What became of an expression.
enum Computed {
    Statistics(ColumnStatistics),
    /// Several columns, nothing known of them, or too little to tell how many results there are.
    Unknown,
    /// It fails for a value that the column has.
    Fails(String),
}

async fn keys(planner: &Session, of: &HashMap<u32, &Member>) -> Result<Vec<Key>, Failure> {
    let oids: Vec<u32> = of.keys().copied().collect();
    let rows = planner.client.query(statements::CLONE_EXPRESSION_KEYS.sql, &[&oids]).await.map_err(broken)?;
    let key = |row: &Row| Ok(Key { index: row.try_get("oid")?, sql: row.try_get("expression")?, name: row.try_get("name")? });
    rows.iter().map(key).collect::<Result<_, Error>>().map_err(broken)
}

/// Each expression once; the server works on one while we look at another.
async fn all_of<'k>(
    planner: &Session,
    places: impl Iterator<Item = (&'k TableName, &'k str)>,
    rows: &HashMap<TableName, f64>,
) -> Result<HashMap<(&'k TableName, &'k str), Computed>, Failure> {
    let places: BTreeSet<(&TableName, &str)> = places.collect();
    let reader = Reader::over(planner).await?;
    let all = places.iter().map(async |(table, sql)| {
        let found = of_expression(&reader, table, sql, rows.get(table).copied().unwrap_or(0.0)).await?;
        Ok(((*table, *sql), found))
    });
    try_join_all(all).await.map(|all| all.into_iter().collect())
}

/// Computes an expression, as the server printed it, of typical values of its only column.
async fn of_expression(reader: &Reader<'_>, table: &TableName, sql: &str, rows: f64) -> Result<Computed, Failure> {
    let Some(column) = reader.column(table, sql, rows).await? else { return Ok(Computed::Unknown) };
    let planner = reader.planner;
    let has_null = column.null_frac > 0.0;
    let real = has_null.then_some(None).into_iter().chain(column.common.iter().chain(&column.bounds).map(|v| Some(v.clone())));
    let real: Vec<Option<String>> = real.collect();
    let results = match compute(planner, sql, &column, &real).await {
        Ok(results) => results,
        Err(error) if is_of_a_value(&error) => {
            let why = describe_without_values(&error);
            return Ok(Computed::Fails(format!("the expression fails for a value of {}: {why}", one_line(&column.name))));
        }
        Err(_) => return Ok(Computed::Unknown),
    };
    let (null, rest) = results.split_at(usize::from(has_null));
    let (common, bounds) = rest.split_at(column.common.len());
    // Values that nobody has seen may fail: then the bounds must do.
    let spread = spread(planner, &column).await;
    let tried: Vec<Option<String>> = spread.values.iter().chain(&spread.next).map(|v| Some(v.clone())).collect();
    let tried = compute(planner, sql, &column, &tried).await.unwrap_or_default();
    let (values, next) = tried.split_at(tried.len() / 2);
    let apart = values.iter().zip(next).filter(|(a, b)| a.value != b.value).count() as f64 / (values.len() as f64).max(1.0);
    let apart = Some(apart).filter(|_| !values.is_empty());
    let between = if spread.is_between { values } else { bounds };
    Ok(describe(&column, null, common, if between.is_empty() { bounds } else { between }, apart)
        .map_or(Computed::Unknown, Computed::Statistics))
}

/// True for an error of the value that was put in: a cast, a division by zero, a function that raises.
fn is_of_a_value(error: &Error) -> bool {
    error.code().is_some_and(|code| code.code().starts_with("22") || code.code() == "P0001")
}
