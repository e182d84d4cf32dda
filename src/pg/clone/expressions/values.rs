//! Typical values of a column, and what an expression makes of them.

use super::broken;
use crate::model::failure::Failure;
use crate::model::index_def::TableName;
use crate::model::text::quote_ident;
use crate::pg::session::Session;
use crate::pg::statements;
use crate::read::sql::tokens::{Kind, tokens};
use std::collections::HashMap;
use tokio_postgres::{Error, Row, Statement};

/// Values tried from one bound to the next.
const BETWEEN: i32 = 16;

/// The only column of an expression.
#[derive(Debug, Default)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) type_name: String,
    pub(super) null_frac: f64,
    /// Distinct values.
    pub(super) distinct: f64,
    pub(super) correlation: f64,
    pub(super) common: Vec<String>,
    pub(super) shares: Vec<f64>,
    pub(super) bounds: Vec<String>,
    /// Of the table.
    pub(super) rows: f64,
}

/// Reads columns; what it asks is parsed once.
pub(super) struct Reader<'s> {
    pub(super) planner: &'s Session,
    types: Statement,
    values: Statement,
}

impl<'s> Reader<'s> {
    pub(super) async fn over(planner: &'s Session) -> Result<Reader<'s>, Failure> {
        let types = planner.client.prepare(statements::CLONE_COLUMN_TYPES.sql).await.map_err(broken)?;
        let values = planner.client.prepare(statements::CLONE_COLUMN_VALUES.sql).await.map_err(broken)?;
        Ok(Reader { planner, types, values })
    }

    /// The only column of an expression; `None` where there are several, or nothing is known of it.
    pub(super) async fn column(&self, table: &TableName, sql: &str, rows: f64) -> Result<Option<Column>, Failure> {
        let columns = self.planner.client.query(&self.types, &[&table.schema, &table.name]).await.map_err(broken)?;
        let types: HashMap<String, String> =
            columns.iter().map(|row| Ok((row.try_get("name")?, row.try_get("type")?))).collect::<Result<_, Error>>().map_err(broken)?;
        let words = tokens(sql);
        let mut found: Vec<String> = words.iter().filter_map(|t| named(t.kind, t.text)).filter(|name| types.contains_key(name)).collect();
        found.sort();
        found.dedup();
        let [name] = found.as_slice() else { return Ok(None) };
        let row = self.planner.client.query_opt(&self.values, &[&table.schema, &table.name, name]).await.map_err(broken)?;
        row.map(|row| Column::read(&row, name, &types[name], rows)).transpose().map_err(broken)
    }
}

impl Column {
    fn read(row: &Row, name: &str, type_name: &str, rows: f64) -> Result<Column, Error> {
        let number = |column: &str| Ok(f64::from(row.try_get::<_, Option<f32>>(column)?.unwrap_or(0.0)));
        let distinct = number("n_distinct")?;
        let texts = |column: &str| Ok(row.try_get::<_, Option<Vec<String>>>(column)?.unwrap_or_default());
        let shares = row.try_get::<_, Option<Vec<f32>>>("shares")?.unwrap_or_default();
        Ok(Column {
            name: name.to_owned(),
            type_name: type_name.to_owned(),
            null_frac: number("null_frac")?,
            distinct: if distinct < 0.0 { -distinct * rows } else { distinct },
            correlation: number("correlation")?,
            common: texts("common")?,
            shares: shares.into_iter().map(f64::from).collect(),
            bounds: texts("bounds")?,
            rows,
        })
    }
}

/// The column that a word may name.
fn named(kind: Kind, text: &str) -> Option<String> {
    match kind {
        Kind::Word => Some(text.to_lowercase()),
        Kind::Quoted => Some(text.trim_matches('"').replace("\"\"", "\"")),
        _ => None,
    }
}

/// A result of the expression.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Outcome {
    pub(super) value: Option<String>,
    /// Its place in the order of all results.
    pub(super) rank: i64,
    pub(super) width: f64,
}

/// The expression of each value, in their order.
pub(super) async fn compute(planner: &Session, sql: &str, column: &Column, values: &[Option<String>]) -> Result<Vec<Outcome>, Error> {
    if values.is_empty() {
        return Ok(Vec::new());
    }
    let (name, type_name) = (quote_ident(&column.name), &column.type_name);
    // Names with a blank are ours.
    let text = format!(
        "SELECT \"the result\"::text AS result, pg_catalog.dense_rank() OVER (ORDER BY \"the result\") AS rank,
                pg_catalog.pg_column_size(\"the result\")::pg_catalog.float8 AS width
         FROM (SELECT ({sql}) AS \"the result\", \"the place\"
               FROM (SELECT v::{type_name} AS {name}, place AS \"the place\"
                     FROM pg_catalog.unnest($1::pg_catalog.text[]) WITH ORDINALITY AS u (v, place)) AS \"a row\") AS \"the results\"
         ORDER BY \"the place\""
    );
    let rows = planner.client.query(&text, &[&values]).await?;
    let read = |row: &Row| {
        let width = row.try_get::<_, Option<f64>>("width")?.unwrap_or(0.0);
        Ok(Outcome { value: row.try_get("result")?, rank: row.try_get("rank")?, width })
    };
    rows.iter().map(read).collect()
}

/// Values of a column, and next to each another one that the column may well have too.
#[derive(Default)]
pub(super) struct Spread {
    pub(super) values: Vec<String>,
    pub(super) next: Vec<String>,
    /// They lie between the bounds of the histogram, evenly by rows. Else they are the bounds.
    pub(super) is_between: bool,
}

/// Functions are often coarser than the bounds of a histogram are apart: so values between them are tried, where one can
/// calculate with them, and such as differ in their last letter only.
pub(super) async fn spread(planner: &Session, column: &Column) -> Spread {
    if let Some((between, next)) = steps(&column.type_name) {
        let bins = column.bounds.len().saturating_sub(1).max(1) as f64;
        let each = (column.distinct / bins).max(1.0);
        let type_name = &column.type_name;
        let text = format!(
            "SELECT m::text AS value, (m + {next})::{type_name}::text AS next
             FROM (SELECT DISTINCT ON (m) m, u, v, n
                   FROM (SELECT ({between})::{type_name} AS m, u, v, $2::pg_catalog.float8 AS n
                         FROM (SELECT v::{type_name} AS v, pg_catalog.lead(v::{type_name}) OVER (ORDER BY place) AS u
                               FROM pg_catalog.unnest($1::pg_catalog.text[]) WITH ORDINALITY AS t (v, place)) AS b
                         CROSS JOIN pg_catalog.generate_series(0, {BETWEEN} - 1) AS g (k)
                         WHERE u IS NOT NULL AND v::text !~ 'infinity|NaN' AND u::text !~ 'infinity|NaN') AS d
                   ORDER BY m) AS e
             ORDER BY m"
        );
        let Ok(rows) = planner.client.query(&text, &[&column.bounds, &each]).await else { return Spread::default() };
        let texts = |name: &str| rows.iter().filter_map(|row| row.try_get(name).ok()).collect::<Vec<String>>();
        return Spread { values: texts("value"), next: texts("next"), is_between: true };
    }
    let is_text = ["text", "character", "uuid", "citext", "name"].iter().any(|t| column.type_name.starts_with(t));
    let values: Vec<String> = column.bounds.iter().filter(|v| is_text && !v.is_empty()).cloned().collect();
    Spread { next: values.iter().map(|v| neighbour(v)).collect(), values, is_between: false }
}

/// How to calculate with a type: the value `k` of [`BETWEEN`] on the way from `v` to `u`, and the step from it to the next one
/// where there are `n` in all.
fn steps(type_name: &str) -> Option<(String, String)> {
    let way = format!("k / {BETWEEN}.0");
    match type_name {
        "smallint" | "integer" | "bigint" => Some((
            format!("pg_catalog.round(v + (u::pg_catalog.numeric - v) * {way})"),
            "greatest(1, pg_catalog.round((u::pg_catalog.numeric - v) / n::pg_catalog.numeric))".into(),
        )),
        "real" | "double precision" => Some((format!("v + (u - v) * ({way})::pg_catalog.float8"), "(u - v) / n".into())),
        "date" => Some((format!("v + ((u - v) * {way})::pg_catalog.int4"), "greatest(1, ((u - v) / n)::pg_catalog.int4)".into())),
        name if name.starts_with("numeric") => Some((
            format!("v + (u - v) * {way}"),
            "greatest((u - v) / n::pg_catalog.numeric, pg_catalog.power(10::pg_catalog.numeric, -pg_catalog.scale(v)))".into(),
        )),
        name if name.starts_with("timestamp") => Some((format!("v + (u - v) * ({way})"), "(u - v) / n".into())),
        _ => None,
    }
}

/// The same text with another last letter, one that a uuid and a number may have too.
fn neighbour(text: &str) -> String {
    let mut letters: Vec<char> = text.trim_end().chars().collect();
    if let Some(last) = letters.last_mut() {
        *last = if *last == '1' { '0' } else { '1' };
    }
    letters.into_iter().collect()
}
