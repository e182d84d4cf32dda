//! Statistics of candidates' expressions, as ANALYZE would gather them once the index is there: without them the planner guesses
//! that `lower(email) = …` leaves one row of 200, and so does `extract(year from published) = …`.
//!
//! The expression is computed of the typical values that the statistics have of its column, by the role without rights; each
//! stands for its share of the rows. No row of a table is read: there are none.

use super::{Member, broken, statistics};
use crate::model::blueprint::{ColumnStatistics, Slot};
use crate::model::candidate::Candidate;
use crate::model::failure::Failure;
use crate::model::index_def::{KeyExpr, TableName};
use crate::model::text::quote_ident;
use crate::pg::session::Session;
use crate::pg::statements;
use crate::read::sql::tokens::{Kind, tokens};
use std::collections::HashMap;
use tokio_postgres::{Error, Row};

/// Access methods by whose expressions the planner knows how many rows a comparison leaves.
const METHODS: [&str; 2] = ["btree", "hash"];
/// Bounds of a histogram: as many as ANALYZE keeps by default.
const MOST_BOUNDS: usize = 101;
/// Moments tried from one bound to the next.
const BETWEEN: i32 = 32;
/// Values in the list of common ones.
const MOST_COMMON: usize = 100;
/// From this share of the rows on, a number of distinct values is said as a share, so that it grows with the table.
const GROWING: f64 = 0.1;

/// A candidate's key that is an expression.
struct Key {
    /// As the server prints it.
    sql: String,
    /// The index column that holds it.
    name: String,
}

/// Writes them for all `members`; what cannot be told is left to the planner's guess.
pub(super) async fn write(
    admin: &Session,
    planner: &Session,
    members: &[Member],
    candidates: &[Candidate],
    rows: &HashMap<TableName, f64>,
) -> Result<(), Failure> {
    let has_expression = |m: &&Member| {
        let spec = &candidates[m.candidate].spec;
        m.has_storage && METHODS.contains(&spec.method.as_str()) && spec.keys.iter().any(|k| matches!(k.expr, KeyExpr::Expression(_)))
    };
    let wanted: Vec<&Member> = members.iter().filter(has_expression).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    statistics::pin_formats(&[admin, planner]).await?;
    let mut known: HashMap<(&TableName, String), Option<ColumnStatistics>> = HashMap::new();
    let mut all = Vec::new();
    for member in wanted {
        let table_rows = rows.get(&member.table).copied().unwrap_or(0.0);
        for key in keys(planner, member).await? {
            let place = (&member.table, key.sql.clone());
            if !known.contains_key(&place) {
                let found = of_expression(planner, &member.table, &key.sql, table_rows).await?;
                known.insert(place.clone(), found);
            }
            if let Some(Some(found)) = known.get(&place) {
                let (schema, relation) = (member.name.schema.clone(), member.name.name.clone());
                all.push(ColumnStatistics { schema, relation, column: key.name, ..found.clone() });
            }
        }
    }
    // One that cannot be written is left to the planner's guess too.
    statistics::write(admin, &all).await.map(drop)
}

async fn keys(planner: &Session, member: &Member) -> Result<Vec<Key>, Failure> {
    let rows = planner.client.query(statements::CLONE_EXPRESSION_KEYS.sql, &[&member.oid]).await.map_err(broken)?;
    let key = |row: &Row| Ok(Key { sql: row.try_get("expression")?, name: row.try_get("name")? });
    rows.iter().map(key).collect::<Result<_, Error>>().map_err(broken)
}

/// What an expression makes of typical values of its only column; `None` where it has several, nothing is known of it, or the
/// expression fails for one of them.
async fn of_expression(planner: &Session, table: &TableName, sql: &str, rows: f64) -> Result<Option<ColumnStatistics>, Failure> {
    let columns = planner.client.query(statements::CLONE_COLUMN_TYPES.sql, &[&table.schema, &table.name]).await.map_err(broken)?;
    let types: HashMap<String, String> =
        columns.iter().map(|row| Ok((row.try_get("name")?, row.try_get("type")?))).collect::<Result<_, Error>>().map_err(broken)?;
    let words = tokens(sql);
    let mut named: Vec<(String, &String)> =
        words.iter().filter_map(|t| named(t.kind, t.text)).filter_map(|n| types.get_key_value(&n)).map(|(n, t)| (n.clone(), t)).collect();
    named.sort();
    named.dedup();
    let [(column, type_name)] = named.as_slice() else { return Ok(None) };
    let text = computed(sql, column, type_name);
    let Ok(answer) = planner.client.query(&text, &[&table.schema, &table.name, column]).await else { return Ok(None) };
    let read = answer.iter().map(Outcome::read).collect::<Result<Vec<_>, Error>>();
    let Some(first) = answer.first() else { return Ok(None) };
    let column = Of::read(first, rows).map_err(broken)?;
    read.map(|outcomes| describe(&outcomes, &column)).map_err(broken)
}

/// The column that a word may name.
fn named(kind: Kind, text: &str) -> Option<String> {
    match kind {
        Kind::Word => Some(text.to_lowercase()),
        Kind::Quoted => Some(text.trim_matches('"').replace("\"\"", "\"")),
        _ => None,
    }
}

/// A query that computes the expression, as the server printed it, of the column's values and groups what is alike, in the
/// order of the results. Names with a blank are ours.
fn computed(sql: &str, column: &str, type_name: &str) -> String {
    let column = quote_ident(column);
    let spread = spread(type_name);
    format!(
        "WITH \"the statistics\" AS MATERIALIZED (
           SELECT null_frac, n_distinct, correlation, most_common_vals::text::text[] AS common, most_common_freqs AS shares,
                  histogram_bounds::text::text[] AS bounds
           FROM pg_catalog.pg_stats WHERE schemaname = $1 AND tablename = $2 AND attname = $3 AND NOT inherited),
         \"the values\" AS (
           SELECT v, share::pg_catalog.float8 AS share, NULL::pg_catalog.int8 AS place
           FROM \"the statistics\" CROSS JOIN LATERAL ROWS FROM (pg_catalog.unnest(common), pg_catalog.unnest(shares)) AS c (v, share)
           UNION ALL
           {spread}),
         \"the results\" AS (
           SELECT ({sql}) AS \"the result\", \"the share\", \"the place\"
           FROM (SELECT v::{type_name} AS {column}, share AS \"the share\", place AS \"the place\" FROM \"the values\") AS \"a row\")
         SELECT r.\"the result\"::text AS result, pg_catalog.sum(r.\"the share\") AS share, pg_catalog.count(r.\"the place\") AS times,
                pg_catalog.min(r.\"the place\") AS first, pg_catalog.max(r.\"the place\") AS last,
                pg_catalog.avg(pg_catalog.pg_column_size(r.\"the result\"))::pg_catalog.float8 AS width,
                s.null_frac, s.n_distinct, s.correlation
         FROM \"the results\" r CROSS JOIN \"the statistics\" s
         GROUP BY r.\"the result\", s.null_frac, s.n_distinct, s.correlation
         ORDER BY r.\"the result\""
    )
}

/// Values that stand for those that are not common: the histogram's bounds; of a time also moments between them, since functions
/// of time are often coarser than the bounds are apart.
fn spread(type_name: &str) -> String {
    let bounds = "FROM \"the statistics\" CROSS JOIN LATERAL pg_catalog.unnest(bounds) WITH ORDINALITY AS b (v, place)";
    let step = match type_name {
        "date" => format!("((u - v) * k / {BETWEEN})"),
        name if name.starts_with("timestamp") => format!("((u - v) * (k / {BETWEEN}.0))"),
        _ => return format!("SELECT v, 0, place {bounds}"),
    };
    format!(
        "SELECT m::text, 0, pg_catalog.row_number() OVER (ORDER BY m)
         FROM (SELECT DISTINCT v + {step} AS m
               FROM (SELECT v::{type_name} AS v, pg_catalog.lead(v::{type_name}) OVER (ORDER BY place) AS u {bounds}) AS b
               CROSS JOIN pg_catalog.generate_series(0, {BETWEEN} - 1) AS g (k)
               WHERE u IS NOT NULL AND pg_catalog.isfinite(v) AND pg_catalog.isfinite(u)) AS d"
    )
}

/// What is known of the column.
#[derive(Debug, Default)]
struct Of {
    null_frac: f64,
    /// Distinct values.
    distinct: f64,
    correlation: Option<f32>,
    rows: f64,
}

impl Of {
    fn read(row: &Row, rows: f64) -> Result<Of, Error> {
        let distinct = f64::from(row.try_get::<_, f32>("n_distinct")?);
        let distinct = if distinct < 0.0 { -distinct * rows } else { distinct };
        Ok(Of { null_frac: row.try_get::<_, f32>("null_frac")?.into(), distinct, correlation: row.try_get("correlation")?, rows })
    }
}

/// A result of the expression; they come in its order, NULL last.
#[derive(Debug, Clone, Default)]
struct Outcome {
    value: Option<String>,
    /// Share of the rows by the common values that give it, 0–1.
    share: f64,
    /// Bounds of the histogram that give it: each stands for as many of the other rows.
    times: f64,
    /// The first and last of these.
    places: Option<(i64, i64)>,
    width: f64,
}

impl Outcome {
    fn read(row: &Row) -> Result<Outcome, Error> {
        let (first, last): (Option<i64>, Option<i64>) = (row.try_get("first")?, row.try_get("last")?);
        Ok(Outcome {
            value: row.try_get("result")?,
            share: row.try_get::<_, Option<f64>>("share")?.unwrap_or(0.0),
            times: row.try_get::<_, i64>("times")? as f64,
            places: first.zip(last),
            width: row.try_get::<_, Option<f64>>("width")?.unwrap_or(0.0),
        })
    }
}

/// Statistics of the results: what comes of several values is common, the others share the rest.
fn describe(outcomes: &[Outcome], of: &Of) -> Option<ColumnStatistics> {
    let bounds: f64 = outcomes.iter().map(|o| o.times).sum();
    let listed: f64 = outcomes.iter().map(|o| o.share).sum();
    let each = if bounds > 0.0 { (1.0 - of.null_frac - listed).max(0.0) / bounds } else { 0.0 };
    let share = |o: &Outcome| o.share + each * o.times;
    let nothing: f64 = outcomes.iter().filter(|o| o.value.is_none()).map(share).sum();
    let present: Vec<&Outcome> = outcomes.iter().filter(|o| o.value.is_some()).collect();
    let (common, rare): (Vec<&Outcome>, Vec<&Outcome>) = present.iter().partition(|o| o.share > 0.0 || o.times > 1.0);
    let distinct = distinct(&present, of)?;
    let width =
        present.iter().map(|o| o.width * share(o)).sum::<f64>() / present.iter().map(|o| share(o)).sum::<f64>().max(f64::MIN_POSITIVE);
    let mut slots = Vec::new();
    let mut most: Vec<(f64, &&Outcome)> = common.iter().map(|o| (share(o), o)).collect();
    most.sort_by(|a, b| b.0.total_cmp(&a.0));
    // What is left out joins the others.
    let others: Vec<&Outcome> =
        present.iter().copied().filter(|o| !most.iter().take(MOST_COMMON).any(|(_, c)| c.value == o.value)).collect();
    most.truncate(MOST_COMMON);
    let texts = |list: Vec<&Outcome>| list.into_iter().filter_map(|o| o.value.clone()).collect::<Vec<String>>();
    if !most.is_empty() {
        let numbers = Some(most.iter().map(|(share, _)| *share as f32).collect());
        slots.push(Slot { kind: Slot::COMMON, numbers, values: Some(texts(most.iter().map(|(_, o)| **o).collect())), ..Slot::default() });
    }
    if others.len() > 1 && !rare.is_empty() {
        let step = others.len().div_ceil(MOST_BOUNDS).max(1);
        slots.push(Slot { kind: Slot::HISTOGRAM, values: Some(texts(others.into_iter().step_by(step).collect())), ..Slot::default() });
    }
    let shares: Vec<f64> = present.iter().map(|o| share(o)).collect();
    let correlation = correlation(&present, &shares, distinct, of) as f32;
    slots.push(Slot { kind: Slot::CORRELATION, numbers: Some(vec![correlation]), ..Slot::default() });
    let null_frac = (of.null_frac + nothing).min(1.0) as f32;
    let n_distinct = if distinct > GROWING * of.rows { -(distinct / of.rows.max(1.0)).min(1.0) } else { distinct } as f32;
    Some(ColumnStatistics { null_frac, avg_width: width.round() as i32, n_distinct, slots, ..ColumnStatistics::default() })
}

/// How many different results there are: no more than values of the column, which is how many there are where no two of the
/// histogram's bounds give the same; else by Haas and Stokes, as ANALYZE does it.
fn distinct(present: &[&Outcome], of: &Of) -> Option<f64> {
    let met: Vec<f64> = present.iter().map(|o| o.times).filter(|times| *times > 0.0).collect();
    let (seen, once) = (met.iter().sum::<f64>(), met.iter().filter(|times| **times == 1.0).count() as f64);
    let by_common = (present.len() - met.len()) as f64;
    let found = met.len() as f64;
    let estimate = match () {
        () if present.is_empty() => return None,
        () if once == 0.0 => found,
        () if once == seen => of.distinct - by_common,
        () => seen * found / (seen - once + once * seen / of.rows.max(seen)),
    };
    Some((estimate.max(found) + by_common).min(of.distinct.max(present.len() as f64)))
}

/// How far the results follow the rows' order. The column's correlation, where they rise or fall with it; and rows of equal
/// results count in the order in which they stand, which makes it `Σ s²` for shares `s` in no order at all, and `2 Σ s³ - 1` where
/// the results fall from the first row to the last.
fn correlation(present: &[&Outcome], shares: &[f64], distinct: f64, of: &Of) -> f64 {
    let places: Vec<(i64, i64)> = present.iter().filter_map(|o| o.places).collect();
    let rises = places.windows(2).all(|pair| pair[0].1 < pair[1].0);
    let falls = places.windows(2).all(|pair| pair[1].1 < pair[0].0);
    let own = match (places.len() > 1, rises, falls) {
        (true, true, _) => f64::from(of.correlation.unwrap_or(0.0)),
        (true, _, true) => -f64::from(of.correlation.unwrap_or(0.0)),
        _ => 0.0,
    };
    let all: f64 = shares.iter().sum::<f64>().max(f64::MIN_POSITIVE);
    // Each of those that were seen stands for as many others as there are more.
    let stands_for = (distinct / present.len().max(1) as f64).max(1.0);
    let power = |n: i32| shares.iter().map(|s| (s / all / stands_for).powi(n) * stands_for).sum::<f64>();
    let (in_order, none) = (if own < 0.0 { 2.0 * power(3) - 1.0 } else { 1.0 }, power(2));
    own.abs() * in_order + (1.0 - own.abs()) * none
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(list: &[(&str, f64, f64)]) -> Vec<Outcome> {
        let mut place = 0;
        let one = |(value, share, times): &(&str, f64, f64)| {
            let first = place + 1;
            place += *times as i64;
            let places = (*times > 0.0).then_some((first, place));
            Outcome { value: Some((*value).into()), share: *share, times: *times, places, width: 4.0 }
        };
        list.iter().map(one).collect()
    }

    fn slot(of: &ColumnStatistics, kind: i16) -> Option<&Slot> {
        of.slots.iter().find(|s| s.kind == kind)
    }

    #[test]
    fn a_year_is_as_common_as_the_days_in_it() {
        let of = Of { null_frac: 0.1, distinct: 900.0, correlation: Some(0.99), rows: 1e6 };
        let found = describe(&outcomes(&[("2022", 0.05, 10.0), ("2023", 0.0, 60.0), ("2024", 0.0, 30.0)]), &of).expect("statistics");
        assert_eq!((found.n_distinct, found.null_frac, found.avg_width), (3.0, 0.1, 4));
        let common = slot(&found, Slot::COMMON).expect("common");
        assert_eq!(common.values.as_deref(), Some(&["2023".to_owned(), "2024".into(), "2022".into()][..]));
        let sum: f32 = common.numbers.iter().flatten().sum();
        assert!((sum - 0.9).abs() < 1e-5 && slot(&found, Slot::HISTOGRAM).is_none(), "{found:?}");
        let correlation = |of: &ColumnStatistics| slot(of, Slot::CORRELATION).and_then(|s| s.numbers.clone()).map_or(0.0, |n| n[0]);
        assert!((0.99..1.0).contains(&correlation(&found)), "{found:?}");
        let falling =
            describe(&outcomes(&[("2023", 0.0, 50.0), ("2024", 0.0, 50.0)]), &Of { correlation: Some(-1.0), ..of }).expect("statistics");
        assert!((correlation(&falling) + 0.5).abs() < 1e-5, "two halves, each in the order of its rows: {falling:?}");
    }

    #[test]
    fn what_keeps_values_apart_has_as_many() {
        let of = Of { distinct: 1e6, correlation: Some(0.5), rows: 1e6, ..Of::default() };
        let mut list = outcomes(&[("a", 0.0, 1.0), ("b", 0.0, 1.0), ("c", 0.0, 1.0)]);
        list.swap(0, 2);
        let found = describe(&list, &of).expect("statistics");
        assert_eq!((found.n_distinct, slot(&found, Slot::COMMON)), (-1.0, None));
        assert_eq!(slot(&found, Slot::HISTOGRAM).and_then(|s| s.values.as_ref()).map(Vec::len), Some(3));
    }

    #[test]
    fn results_that_are_not_there_are_null() {
        let of = Of { distinct: 100.0, rows: 1e4, ..Of::default() };
        let mut list = outcomes(&[("x", 0.0, 2.0)]);
        list.push(Outcome { times: 6.0, ..Outcome::default() });
        let found = describe(&list, &of).expect("statistics");
        assert_eq!((found.n_distinct, found.null_frac), (1.0, 0.75));
        assert!(describe(&[Outcome { times: 6.0, ..Outcome::default() }], &of).is_none(), "nothing to tell of");
    }
}
