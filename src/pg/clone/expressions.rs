//! Statistics of candidates' expressions, as ANALYZE would gather them once the index is there: without them the planner guesses
//! that `lower(email) = …` leaves one row of 200, and so does `extract(year from published) = …`.
//!
//! The expression is computed of the typical values that the statistics have of its column, by the role without rights; each
//! stands for its share of the rows. No row of a table is read: there are none.

use super::{Member, broken, statistics};
use crate::model::blueprint::{ColumnStatistics, Slot};
use crate::model::candidate::{Candidate, CandidateId};
use crate::model::failure::Failure;
use crate::model::index_def::{KeyExpr, TableName};
use crate::model::text::{one_line, quote_ident};
use crate::pg::error::describe_without_values;
use crate::pg::session::Session;
use crate::pg::statements;
use crate::read::sql::tokens::{Kind, tokens};
use std::collections::{BTreeMap, HashMap};
use tokio_postgres::{Error, Row};

/// Access methods by whose expressions the planner knows how many rows a comparison leaves.
const METHODS: [&str; 2] = ["btree", "hash"];
/// Values tried from one bound to the next.
const BETWEEN: i32 = 16;
/// Bounds of a histogram: as many as ANALYZE keeps by default.
const MOST_BOUNDS: usize = 101;
/// Values in the list of common ones.
const MOST_COMMON: usize = 100;
/// From this share of the rows on, a number of distinct values is said as a share, so that it grows with the table.
const GROWING: f64 = 0.1;
/// Results that are this many times as frequent as the mean are common.
const COMMON: f64 = 2.0;
/// So few results are all common.
const FEW: usize = 50;
/// Values that give one result, on average, from which on it is known how many results there are.
const REPEATED: f64 = 3.0;

/// A candidate's key that is an expression.
struct Key {
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
    let wanted: Vec<&Member> = members.iter().filter(has_expression).collect();
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    statistics::pin_formats(&[admin, planner]).await?;
    let mut known: HashMap<(&TableName, String), Computed> = HashMap::new();
    let (mut all, mut failing) = (Vec::new(), BTreeMap::new());
    for member in wanted {
        let table_rows = rows.get(&member.table).copied().unwrap_or(0.0);
        for key in keys(planner, member).await? {
            let place = (&member.table, key.sql.clone());
            if !known.contains_key(&place) {
                let found = of_expression(planner, &member.table, &key.sql, table_rows).await?;
                known.insert(place.clone(), found);
            }
            match known.get(&place) {
                Some(Computed::Statistics(found)) => {
                    let (schema, relation) = (member.name.schema.clone(), member.name.name.clone());
                    all.push(ColumnStatistics { schema, relation, column: key.name, ..found.clone() });
                }
                // The rows of a partial index may be just those for which it does not.
                Some(Computed::Fails(why)) if candidates[member.candidate].spec.predicate.is_none() => {
                    failing.insert(member.candidate, why.clone());
                }
                _ => {}
            }
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

async fn keys(planner: &Session, member: &Member) -> Result<Vec<Key>, Failure> {
    let rows = planner.client.query(statements::CLONE_EXPRESSION_KEYS.sql, &[&member.oid]).await.map_err(broken)?;
    let key = |row: &Row| Ok(Key { sql: row.try_get("expression")?, name: row.try_get("name")? });
    rows.iter().map(key).collect::<Result<_, Error>>().map_err(broken)
}

/// Computes an expression, as the server printed it, of typical values of its only column.
async fn of_expression(planner: &Session, table: &TableName, sql: &str, rows: f64) -> Result<Computed, Failure> {
    let Some(column) = Column::of(planner, table, sql, rows).await? else { return Ok(Computed::Unknown) };
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

/// The only column of an expression.
#[derive(Debug, Default)]
struct Column {
    name: String,
    type_name: String,
    null_frac: f64,
    /// Distinct values.
    distinct: f64,
    correlation: f64,
    common: Vec<String>,
    shares: Vec<f64>,
    bounds: Vec<String>,
    /// Of the table.
    rows: f64,
}

impl Column {
    /// `None` where there are several, or nothing is known of it.
    async fn of(planner: &Session, table: &TableName, sql: &str, rows: f64) -> Result<Option<Column>, Failure> {
        let columns = planner.client.query(statements::CLONE_COLUMN_TYPES.sql, &[&table.schema, &table.name]).await.map_err(broken)?;
        let types: HashMap<String, String> =
            columns.iter().map(|row| Ok((row.try_get("name")?, row.try_get("type")?))).collect::<Result<_, Error>>().map_err(broken)?;
        let words = tokens(sql);
        let mut found: Vec<String> = words.iter().filter_map(|t| named(t.kind, t.text)).filter(|name| types.contains_key(name)).collect();
        found.sort();
        found.dedup();
        let [name] = found.as_slice() else { return Ok(None) };
        let row =
            planner.client.query_opt(statements::CLONE_COLUMN_VALUES.sql, &[&table.schema, &table.name, name]).await.map_err(broken)?;
        row.map(|row| Column::read(&row, name, &types[name], rows)).transpose().map_err(broken)
    }

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
struct Outcome {
    value: Option<String>,
    /// Its place in the order of all results.
    rank: i64,
    width: f64,
}

/// The expression of each value, in their order.
async fn compute(planner: &Session, sql: &str, column: &Column, values: &[Option<String>]) -> Result<Vec<Outcome>, Error> {
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
struct Spread {
    values: Vec<String>,
    next: Vec<String>,
    /// They lie between the bounds of the histogram, evenly by rows. Else they are the bounds.
    is_between: bool,
}

/// Functions are often coarser than the bounds of a histogram are apart: so values between them are tried, where one can
/// calculate with them, and such as differ in their last letter only.
async fn spread(planner: &Session, column: &Column) -> Spread {
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

/// What gives one result.
#[derive(Debug, Clone, Default)]
struct Group {
    value: String,
    rank: i64,
    /// Share of the rows by common values, and where that is known.
    share: f64,
    /// How many of the other values give it, and the first and last of them.
    times: f64,
    places: Option<(usize, usize)>,
    width: f64,
}

/// Statistics of the results: of NULL, of the common values, and of others, each of which stands for as many rows. `apart` is the
/// share of neighbouring values whose results differ.
fn describe(of: &Column, null: &[Outcome], common: &[Outcome], others: &[Outcome], apart: Option<f64>) -> Option<ColumnStatistics> {
    let each = if others.is_empty() { 0.0 } else { (1.0 - of.null_frac - of.shares.iter().sum::<f64>()).max(0.0) / others.len() as f64 };
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    let mut nothing = 0.0;
    let known = null.iter().map(|o| (o, of.null_frac, None)).chain(common.iter().zip(&of.shares).map(|(o, share)| (o, *share, None)));
    for (outcome, share, place) in known.chain(others.iter().enumerate().map(|(place, o)| (o, each, Some(place)))) {
        let Some(value) = &outcome.value else {
            nothing += share;
            continue;
        };
        let group = groups.entry(value.clone()).or_default();
        group.value.clone_from(value);
        group.width = outcome.width;
        match place {
            Some(place) => {
                group.rank = outcome.rank;
                group.times += 1.0;
                group.places = Some((group.places.map_or(place, |(first, _)| first), place));
            }
            None => group.share += share,
        }
    }
    let nothing = if null.is_empty() { nothing + of.null_frac } else { nothing };
    let distinct = distinct(&groups, of, apart)?;
    let share = |g: &Group| g.share + each * g.times;
    let mut by_share: Vec<&Group> = groups.values().collect();
    by_share.sort_by(|a, b| share(b).total_cmp(&share(a)).then(a.value.cmp(&b.value)));
    let mean = others.len() as f64 / groups.values().filter(|g| g.times > 0.0).count().max(1) as f64;
    let is_common = |g: &Group| g.share > 0.0 || (g.times > 1.0 && (by_share.len() <= FEW || g.times >= COMMON * mean));
    let (mut most, mut rest): (Vec<&Group>, Vec<&Group>) = by_share.iter().partition(|g| is_common(g));
    rest.extend(most.split_off(most.len().min(MOST_COMMON)).into_iter().filter(|g| g.times > 0.0));
    rest.sort_by_key(|g| g.rank);
    let texts = |list: Vec<&Group>| list.into_iter().map(|g| g.value.clone()).collect::<Vec<String>>();
    let mut slots = Vec::new();
    if !most.is_empty() {
        let numbers = Some(most.iter().map(|g| share(g) as f32).collect());
        slots.push(Slot { kind: Slot::COMMON, numbers, values: Some(texts(most)), ..Slot::default() });
    }
    if rest.len() > 1 {
        let step = rest.len().div_ceil(MOST_BOUNDS);
        slots.push(Slot { kind: Slot::HISTOGRAM, values: Some(texts(rest.into_iter().step_by(step).collect())), ..Slot::default() });
    }
    let present: f64 = by_share.iter().map(|g| share(g)).sum::<f64>().max(f64::MIN_POSITIVE);
    let shares: Vec<f64> = by_share.iter().map(|g| share(g) / present).collect();
    let correlation = correlation(&by_share, &shares, distinct, of) as f32;
    slots.push(Slot { kind: Slot::CORRELATION, numbers: Some(vec![correlation]), ..Slot::default() });
    let width = by_share.iter().map(|g| g.width * share(g)).sum::<f64>() / present;
    let n_distinct = if distinct > GROWING * of.rows { -(distinct / of.rows.max(1.0)).min(1.0) } else { distinct } as f32;
    let (null_frac, avg_width) = (nothing.min(1.0) as f32, width.round() as i32);
    Some(ColumnStatistics { null_frac, avg_width, n_distinct, slots, ..ColumnStatistics::default() })
}

/// How many different results there are, where that can be told. Values that give each result several times have met all of them,
/// or nearly all: by Haas and Stokes, as ANALYZE does it. Where hardly two give the same, the results are as many as the column's
/// values, less those that give the same as their neighbour.
fn distinct(groups: &BTreeMap<String, Group>, of: &Column, apart: Option<f64>) -> Option<f64> {
    let met: Vec<f64> = groups.values().map(|g| g.times).filter(|times| *times > 0.0).collect();
    let (seen, once) = (met.iter().sum::<f64>(), met.iter().filter(|times| **times == 1.0).count() as f64);
    let (found, by_common) = (met.len() as f64, (groups.len() - met.len()) as f64);
    let most = of.distinct.max(groups.len() as f64);
    let estimate = match (seen >= REPEATED * found, apart) {
        _ if groups.is_empty() => return None,
        (true, _) => seen * found / (seen - once + once * seen / of.rows.max(seen)),
        (false, Some(apart)) => of.distinct * apart - by_common,
        (false, None) => return None,
    };
    Some((estimate.max(found) + by_common).min(most))
}

/// How far the results follow the rows' order. The column's correlation, where they rise or fall with it; and rows of equal
/// results count in the order in which they stand, which makes it `Σ s²` for shares `s` in no order at all, and `2 Σ s³ - 1` where
/// the results fall from the first row to the last.
fn correlation(groups: &[&Group], shares: &[f64], distinct: f64, of: &Column) -> f64 {
    let mut in_order: Vec<&&Group> = groups.iter().filter(|g| g.times > 0.0).collect();
    in_order.sort_by_key(|g| g.rank);
    let places: Vec<(usize, usize)> = in_order.into_iter().filter_map(|g| g.places).collect();
    let rises = places.windows(2).all(|pair| pair[0].1 < pair[1].0);
    let falls = places.windows(2).all(|pair| pair[1].1 < pair[0].0);
    let own = match (places.len() > 1, rises, falls) {
        (true, true, _) => of.correlation,
        (true, _, true) => -of.correlation,
        _ => 0.0,
    };
    // Each of those that were seen stands for as many others as there are more.
    let stands_for = (distinct / groups.len().max(1) as f64).max(1.0);
    let power = |n: i32| shares.iter().map(|s| (s / stands_for).powi(n) * stands_for).sum::<f64>();
    let (in_order, none) = (if own < 0.0 { 2.0 * power(3) - 1.0 } else { 1.0 }, power(2));
    own.abs() * in_order + (1.0 - own.abs()) * none
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many values give each result, one result behind the other.
    fn outcomes(list: &[(&str, usize)]) -> Vec<Outcome> {
        let one = |(rank, (value, times)): (usize, &(&str, usize))| {
            vec![Outcome { value: Some((*value).into()), rank: rank as i64, width: 4.0 }; *times]
        };
        list.iter().enumerate().flat_map(one).collect()
    }

    fn slot(of: &ColumnStatistics, kind: i16) -> Option<&Slot> {
        of.slots.iter().find(|s| s.kind == kind)
    }

    fn correlated(of: &ColumnStatistics) -> f32 {
        slot(of, Slot::CORRELATION).and_then(|s| s.numbers.clone()).map_or(0.0, |n| n[0])
    }

    #[test]
    fn a_year_is_as_common_as_the_days_in_it() {
        let of = Column { null_frac: 0.1, distinct: 900.0, correlation: 0.99, rows: 1e6, shares: vec![0.05], ..Column::default() };
        let (common, others) = (outcomes(&[("2022", 1)]), outcomes(&[("2022", 10), ("2023", 60), ("2024", 30)]));
        let null = [Outcome::default()];
        let found = describe(&of, &null, &common, &others, Some(0.01)).expect("statistics");
        assert_eq!((found.n_distinct, found.null_frac, found.avg_width), (3.0, 0.1, 4));
        let list = slot(&found, Slot::COMMON).expect("common");
        assert_eq!(list.values.as_deref(), Some(&["2023".to_owned(), "2024".into(), "2022".into()][..]));
        let sum: f32 = list.numbers.iter().flatten().sum();
        assert!((sum - 0.9).abs() < 1e-5 && slot(&found, Slot::HISTOGRAM).is_none(), "{found:?}");
        assert!((0.99..1.0).contains(&correlated(&found)), "{found:?}");
        let falling = Column { distinct: 900.0, correlation: -1.0, rows: 1e6, ..Column::default() };
        let falling = describe(&falling, &[], &[], &outcomes(&[("2023", 50), ("2024", 50)]), None).expect("statistics");
        assert!((correlated(&falling) + 0.5).abs() < 1e-5, "two halves, each in the order of its rows: {falling:?}");
    }

    #[test]
    fn results_that_nobody_met_twice_are_counted_by_neighbours() {
        let of = Column { distinct: 1e6, correlation: 0.5, rows: 1e6, ..Column::default() };
        let list = outcomes(&[("a", 1), ("b", 1), ("c", 1)]);
        let statistics = |apart| describe(&of, &[], &[], &list, apart);
        let found = statistics(Some(1.0)).expect("statistics");
        assert_eq!((found.n_distinct, slot(&found, Slot::COMMON)), (-1.0, None));
        assert_eq!(slot(&found, Slot::HISTOGRAM).and_then(|s| s.values.as_ref()).map(Vec::len), Some(3));
        assert_eq!(statistics(Some(0.01)).map(|s| s.n_distinct), Some(10_000.0));
        assert_eq!(statistics(None), None, "as many as values, or as few as were seen: nobody knows");
    }

    #[test]
    fn nothing_becomes_something_and_the_other_way_round() {
        let of = Column { null_frac: 0.2, distinct: 100.0, rows: 1e4, ..Column::default() };
        let others = [outcomes(&[("x", 4)]), vec![Outcome::default(); 4]].concat();
        let found = describe(&of, &[Outcome::default()], &[], &others, None).expect("statistics");
        assert_eq!((found.n_distinct, found.null_frac), (1.0, 0.6));
        let zero = Outcome { value: Some("0".into()), ..Outcome::default() };
        let coalesced = describe(&of, &[zero], &[], &outcomes(&[("7", 5)]), None).expect("statistics");
        assert_eq!((coalesced.n_distinct, coalesced.null_frac), (2.0, 0.0));
        assert_eq!(slot(&coalesced, Slot::COMMON).and_then(|s| s.numbers.clone()), Some(vec![0.8, 0.2]));
        assert!(describe(&of, &[Outcome::default()], &[], &[Outcome::default()], None).is_none(), "nothing to tell of");
    }
}
