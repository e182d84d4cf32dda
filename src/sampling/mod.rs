//! Values for parameters, sampled from the planner's statistics (pure): a plan made with a typical
//! value shows what really runs, a generic plan hides the best indexes.
//!
//! Values leave this module only as bound parameters of an EXPLAIN on the server they came from
//! (or on its clone); they never enter a report.

use crate::model::catalog::{Catalog, Column, ColumnStats};
use crate::model::query::{Amount, Op, ParameterType, ParameterUse, Shape};

/// LIMIT assumed for `LIMIT $n`.
const TYPICAL_LIMIT: &str = "20";
/// OFFSET assumed for `OFFSET $n`.
const TYPICAL_OFFSET: &str = "100";
/// Elements of an array for `= ANY($n)`: what the planner itself assumes.
const TYPICAL_LIST: usize = 10;
/// Most common values that cover this share of a column speak for it; else a histogram does.
const COMMON_SHARE: f64 = 0.5;
/// Where in the histogram a bound of a time column falls: queries ask for what is recent.
const RECENT: f64 = 0.95;

/// Least and greatest weight of the execution that asks for the most common values.
const COMMON_WEIGHT: (f64, f64) = (0.1, 0.5);

/// One execution: a value per parameter, as text, and its share of all executions.
#[derive(Debug, Clone, PartialEq)]
pub struct Binding {
    /// `$1`, `$2`…
    pub values: Vec<String>,
    /// Share, all bindings of a query together 1.
    pub weight: f64,
}

/// The executions to plan for: the typical one first, then the one that asks for the most common
/// values, where that is another. `None` when some parameter has no value to offer (then only a
/// generic plan is honest: a NULL would prune everything).
pub fn bindings(shape: Option<&Shape>, catalog: &Catalog, types: &[ParameterType]) -> Option<Vec<Binding>> {
    let values =
        |common: bool| (1..).zip(types).map(|(number, kind)| value(number, kind, shape, catalog, common)).collect::<Option<Vec<_>>>();
    let (typical, common) = (values(false)?, values(true)?);
    if typical == common {
        return Some(vec![Binding { values: typical, weight: 1.0 }]);
    }
    let share = shape.map_or(0.0, |s| common_share(s, catalog)).clamp(COMMON_WEIGHT.0, COMMON_WEIGHT.1);
    Some(vec![Binding { values: typical, weight: 1.0 - share }, Binding { values: common, weight: share }])
}

/// The largest share of rows that common values have in any compared column.
fn common_share(shape: &Shape, catalog: &Catalog) -> f64 {
    let of = |u: &ParameterUse| Some(catalog.table(&u.table)?.column(&u.column)?.stats.as_ref()?.common_freqs.iter().sum());
    shape.parameter_uses.iter().filter_map(of).fold(0.0, f64::max)
}

fn value(number: u32, kind: &ParameterType, shape: Option<&Shape>, catalog: &Catalog, common: bool) -> Option<String> {
    let Some(shape) = shape else { return default_value(kind) };
    if let Some(amount) = typical_amount(number, shape) {
        return Some(amount.to_owned());
    }
    let sampled = shape.parameter_uses.iter().find(|u| u.number == number).and_then(|u| from_column(u, kind, catalog, common));
    sampled.or_else(|| default_value(kind))
}

fn typical_amount(number: u32, shape: &Shape) -> Option<&'static str> {
    let is = |amount: Option<Amount>| amount == Some(Amount::Parameter(number));
    let limit = shape.blocks.iter().any(|b| is(b.limit)).then_some(TYPICAL_LIMIT);
    limit.or_else(|| shape.blocks.iter().any(|b| is(b.offset)).then_some(TYPICAL_OFFSET))
}

fn from_column(usage: &ParameterUse, kind: &ParameterType, catalog: &Catalog, common: bool) -> Option<String> {
    let column = catalog.table(&usage.table)?.column(&usage.column)?;
    let stats = column.stats.as_ref()?;
    if kind.array {
        return Some(array_literal(&several(stats)));
    }
    let most_common = stats.common_values.first().filter(|_| common && usage.op == Op::Eq).cloned();
    let typical = match most_common {
        Some(value) => value,
        None => typical(stats, usage, column)?,
    };
    Some(match usage.op {
        Op::Like | Op::Pattern => format!("%{}%", inner_part(&typical)),
        _ if usage.wrapped_in.as_deref() == Some("upper") => typical.to_uppercase(),
        _ if usage.wrapped_in.is_some() => typical.to_lowercase(),
        _ => typical,
    })
}

/// The value that a typical execution asks for.
fn typical(stats: &ColumnStats, usage: &ParameterUse, column: &Column) -> Option<String> {
    let common: f64 = stats.common_freqs.iter().sum();
    if usage.op == Op::Range && !stats.histogram.is_empty() {
        let at = if column.category == "D" { RECENT } else { 0.5 };
        return quantile(&stats.histogram, at);
    }
    if common >= COMMON_SHARE || stats.histogram.is_empty() {
        return weighted_median(stats, common);
    }
    quantile(&stats.histogram, 0.5)
}

fn quantile(bounds: &[String], at: f64) -> Option<String> {
    let last = bounds.len().checked_sub(1)?;
    bounds.get((last as f64 * at).round() as usize).cloned()
}

/// The common value at which half of the rows that have a common value are passed.
fn weighted_median(stats: &ColumnStats, common: f64) -> Option<String> {
    let mut passed = 0.0;
    let half = stats.common_freqs.iter().position(|f| {
        passed += f;
        passed >= common / 2.0
    })?;
    stats.common_values.get(half).cloned()
}

/// Up to [`TYPICAL_LIST`] different values, spread over the histogram, else the common ones.
fn several(stats: &ColumnStats) -> Vec<String> {
    let pool = if stats.histogram.len() >= TYPICAL_LIST { &stats.histogram } else { &stats.common_values };
    let step = (pool.len() / TYPICAL_LIST).max(1);
    pool.iter().step_by(step).take(TYPICAL_LIST).cloned().collect()
}

fn array_literal(values: &[String]) -> String {
    let quoted: Vec<String> = values.iter().map(|v| format!("\"{}\"", v.replace('\\', "\\\\").replace('"', "\\\""))).collect();
    format!("{{{}}}", quoted.join(","))
}

/// A few characters from the middle, without pattern signs: what someone would search for.
fn inner_part(text: &str) -> String {
    let plain: Vec<char> = text.chars().filter(|c| c.is_alphanumeric()).collect();
    let start = plain.len().saturating_sub(5) / 2;
    plain.iter().skip(start).take(5).collect()
}

/// A value that its type accepts, where no statistics tell a better one.
fn default_value(kind: &ParameterType) -> Option<String> {
    if kind.array {
        return default_scalar(kind).map(|v| array_literal(&[v]));
    }
    default_scalar(kind)
}

fn default_scalar(kind: &ParameterType) -> Option<String> {
    if let Some(label) = kind.labels.first() {
        return Some(label.clone());
    }
    let value = match kind.name.as_str() {
        "int2" | "int4" | "int8" | "numeric" | "float4" | "float8" | "oid" => "1",
        "bool" => "true",
        "text" | "varchar" | "bpchar" | "name" | "unknown" | "citext" => "a",
        "uuid" => "00000000-0000-0000-0000-000000000000",
        "timestamp" | "timestamptz" | "date" => "now",
        "time" | "timetz" => "12:00",
        "interval" => "1 day",
        "json" | "jsonb" => "{}",
        "bytea" => "\\x00",
        "inet" | "cidr" => "127.0.0.1",
        "tsquery" => "a",
        _ => return None,
    };
    Some(value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::catalog::Table;
    use crate::model::query::Reading;

    fn catalog() -> Catalog {
        let column = |name: &str, category: &str, stats: ColumnStats| Column {
            name: name.into(),
            category: category.into(),
            stats: Some(stats),
            ..Column::default()
        };
        let texts = |v: &[&str]| v.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        let hundred: Vec<String> = (0..=100).map(|n| n.to_string()).collect();
        let table = Table {
            schema: "public".into(),
            name: "t".into(),
            columns: vec![
                column(
                    "status",
                    "S",
                    ColumnStats { common_values: texts(&["done", "new"]), common_freqs: vec![0.9, 0.1], ..ColumnStats::default() },
                ),
                column(
                    "user_id",
                    "N",
                    ColumnStats {
                        common_values: texts(&["7"]),
                        common_freqs: vec![0.01],
                        histogram: hundred.clone(),
                        ..ColumnStats::default()
                    },
                ),
                column("at", "D", ColumnStats { histogram: hundred, ..ColumnStats::default() }),
            ],
            ..Table::default()
        };
        Catalog { tables: vec![table], ..Catalog::default() }
    }

    fn sample(sql: &str, types: &[&str]) -> Option<Vec<String>> {
        let catalog = catalog();
        let Reading::Understood(shape) = crate::read::sql::read(sql, &catalog, &["public".to_owned()]) else { panic!() };
        let kinds: Vec<ParameterType> = types
            .iter()
            .map(|t| ParameterType { name: t.trim_start_matches('_').into(), array: t.starts_with('_'), labels: vec![] })
            .collect();
        bindings(Some(&shape), &catalog, &kinds).map(|b| b[0].values.clone())
    }

    #[test]
    fn typical_values_of_each_kind() {
        assert_eq!(
            sample("select 1 from t where status = $1 and user_id = $2 and at > $3 limit $4", &["text", "int8", "timestamptz", "int8"])
                .unwrap(),
            ["done", "50", "95", "20"]
        );
        assert_eq!(sample("select 1 from t where status ilike $1", &["text"]).unwrap(), ["%done%"]);
        assert_eq!(
            sample("select 1 from t where user_id = any($1)", &["_int8"]).unwrap()[0],
            "{\"0\",\"10\",\"20\",\"30\",\"40\",\"50\",\"60\",\"70\",\"80\",\"90\"}"
        );
    }

    #[test]
    fn the_most_common_value_is_a_second_execution() {
        let catalog = catalog();
        let Reading::Understood(shape) = crate::read::sql::read("select 1 from t where user_id = $1", &catalog, &["public".to_owned()])
        else {
            panic!()
        };
        let kind = ParameterType { name: "int8".into(), ..ParameterType::default() };
        let both = bindings(Some(&shape), &catalog, &[kind]).unwrap();
        assert_eq!(both, [Binding { values: vec!["50".into()], weight: 0.9 }, Binding { values: vec!["7".into()], weight: 0.1 }]);
    }

    #[test]
    fn a_type_nobody_knows_leaves_only_the_generic_plan() {
        assert_eq!(sample("select 1 from t where status = $1", &["text"]).map(|v| v.len()), Some(1));
        assert_eq!(sample("select $1", &["geometry"]), None);
    }
}
