//! What can be said of an expression without statistics of its own.

use super::attribute::Attribute;
use crate::model::catalog::{Column, Table};

/// Functions whose result is about as wide and as distinct as their argument.
const LIKE_ARGUMENT: [&str; 6] = ["lower", "upper", "trim", "btrim", "initcap", "reverse"];
/// Units of date_trunc, seconds.
const UNITS: [(&str, f64); 7] = [
    ("second", 1.0),
    ("minute", 60.0),
    ("hour", 3600.0),
    ("day", 86_400.0),
    ("week", 604_800.0),
    ("month", 2_629_800.0),
    ("year", 31_557_600.0),
];
const DAY: f64 = 86_400.0;

/// The expression as an attribute; `None` where its width or its distinct values are not known.
pub(super) fn attribute(sql: &str, table: &Table) -> Option<Attribute> {
    let sql = bare(sql);
    let rows = table.rows?;
    let time = |column: &Column, width: f64, seconds: f64| {
        let own = Attribute::of_column(column, rows)?;
        let steps = (span(column)? / seconds).ceil() + 1.0;
        Some(Attribute::fixed(width, own.distinct.min(steps), own.null_frac))
    };
    let number = |width: f64, of: &Column| Some(Attribute::number(width, of.stats.as_ref()?.null_frac));
    if let Some(date) = sql.strip_suffix("::date") {
        return time(column(date, table)?, 4.0, DAY);
    }
    let (name, arguments) = sql.strip_suffix(')')?.split_once('(')?;
    match name.trim().to_lowercase().as_str() {
        // Of a range `lower` is its bound.
        name if LIKE_ARGUMENT.contains(&name) => {
            Attribute::of_column(column(arguments, table).filter(|c| !c.type_name.contains("range"))?, rows)
        }
        // Numbers, which do not share tuples: how many there are does not matter. An extracted field is a numeric since 14, of up to
        // four digits as a rule: three bytes of header and two for them.
        "extract" => number(5.0, column(arguments.rsplit(' ').next()?, table)?),
        "date_part" => number(8.0, column(arguments.rsplit(',').next()?, table)?),
        "date" => time(column(arguments, table)?, 4.0, DAY),
        "date_trunc" => {
            let (unit, rest) = arguments.split_once(',')?;
            let unit = unit.trim().trim_end_matches("::text").trim_matches('\'');
            let (_, seconds) = UNITS.iter().find(|(name, _)| *name == unit)?;
            time(column(rest.split(',').next()?, table)?, 8.0, *seconds)
        }
        _ => None,
    }
}

/// Without the parentheses around it.
fn bare(sql: &str) -> &str {
    let mut sql = sql.trim();
    while let Some(inner) = sql.strip_prefix('(').and_then(|s| s.strip_suffix(')')).filter(|s| is_balanced(s)) {
        sql = inner.trim();
    }
    sql
}

fn is_balanced(sql: &str) -> bool {
    let mut depth = 0i32;
    sql.chars().all(|c| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        depth >= 0
    }) && depth == 0
}

/// The column that an argument is, casts between text types and time zones left out.
fn column<'t>(sql: &str, table: &'t Table) -> Option<&'t Column> {
    let mut sql = bare(sql);
    for cast in ["::text", "::character varying", "::timestamp without time zone", "::timestamp"] {
        sql = bare(sql.strip_suffix(cast).unwrap_or(sql));
    }
    let end = sql.to_ascii_lowercase().find(" at time zone ").unwrap_or(sql.len());
    let sql = bare(&sql[..end]);
    table.column(sql.trim_matches('"'))
}

/// Seconds between the first and the last value of a column of times.
fn span(column: &Column) -> Option<f64> {
    let values = || column.stats.iter().flat_map(|s| s.histogram.iter().chain(&s.common_values)).filter_map(|v| seconds(v));
    let (least, most) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
    (least <= most).then_some(most - least)
}

/// `2024-03-01 12:30:00+00` in seconds since some day; time zones do not matter for a distance of days.
fn seconds(text: &str) -> Option<f64> {
    let (date, time) = text.split_once([' ', 'T']).unwrap_or((text, "00:00:00"));
    let mut parts = date.splitn(3, '-').map(|p| p.parse::<f64>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let mut clock = time.split(':').map(|p| p.get(..2).and_then(|p| p.parse::<f64>().ok()).unwrap_or(0.0));
    let (hour, minute, second) = (clock.next()?, clock.next().unwrap_or(0.0), clock.next().unwrap_or(0.0));
    Some(((year * 365.25 + (month - 1.0) * 30.4375 + day) * 24.0 + hour) * 3600.0 + minute * 60.0 + second)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::catalog::ColumnStats;

    #[test]
    fn known_functions_and_unknown_ones() {
        let column = |name: &str, type_name: &str, histogram: &[&str]| Column {
            name: name.into(),
            type_name: type_name.into(),
            stats: Some(ColumnStats {
                n_distinct: -1.0,
                avg_width_bytes: 8.0,
                histogram: histogram.iter().map(|h| (*h).to_owned()).collect(),
                ..ColumnStats::default()
            }),
            ..Column::default()
        };
        let columns = vec![
            column("email", "text", &["a@b.example", "b@b.example"]),
            column("at", "timestamp with time zone", &["2024-01-01 00:00:00+00", "2024-01-31 12:00:00+00"]),
        ];
        let table = Table { rows: Some(1e5), columns, ..Table::default() };
        let distinct = |sql: &str| attribute(sql, &table).map(|a| a.distinct);
        assert_eq!(distinct("lower((email)::text)"), Some(1e5));
        assert_eq!(distinct("date_trunc('day'::text, at)"), Some(32.0));
        assert_eq!(distinct("date_trunc('hour'::text, (at AT TIME ZONE 'UTC'::text))"), Some(733.0));
        assert_eq!(distinct("((at AT TIME ZONE 'UTC'::text))::date"), Some(32.0));
        assert_eq!(distinct("(payload ->> 'kind'::text)"), None);
        assert_eq!(distinct("md5(email)"), None);
    }
}
