//! How wide a column or expression is inside an index tuple.

use super::align;
use super::expression;
use crate::model::catalog::{Column, ColumnStats, Table};
use crate::model::index_def::{IndexSpec, KeyExpr};

/// Types whose equal values may differ in bytes: the server does not let them share a tuple. Containers neither.
const NOT_DEDUPLICATED: [&str; 9] = ["numeric", "json", "real", "double precision", "interval", "tsvector", "tsquery", "citext", "hstore"];
/// Longest value with a header of one byte; a longer one is aligned.
const SHORT: f64 = 127.0;
/// From this width on the server tries to compress a value, and nobody knows by how much.
const COMPRESSED: f64 = 508.0;
/// Width assumed where it is unknown, bytes.
const UNKNOWN_WIDTH: f64 = 16.0;
/// Tuples that are looked at for the mean.
const SAMPLES: usize = 64;

/// A column or expression of an index.
#[derive(Debug, Clone)]
pub(super) struct Attribute {
    /// Widths of typical values, bytes; one where all are equal.
    widths: Vec<f64>,
    /// Boundary at which it begins; 1 where a short value needs none.
    alignment: f64,
    varies: bool,
    /// Share of NULLs.
    pub(super) null_frac: f64,
    /// Distinct values in the whole table, NULL not among them.
    pub(super) distinct: f64,
    /// Shares of the rows that the most common values have.
    pub(super) common: Vec<f64>,
    /// Equal values may share a tuple.
    pub(super) deduplicates: bool,
}

impl Attribute {
    /// Keys and INCLUDE columns in order; `None` where one is not known.
    pub(super) fn all_of(spec: &IndexSpec, table: &Table) -> Option<Vec<Attribute>> {
        each(spec, table).collect()
    }

    /// The same, something assumed for what is not known.
    pub(super) fn some_of(spec: &IndexSpec, table: &Table) -> Vec<Attribute> {
        let unknown = Attribute {
            widths: vec![UNKNOWN_WIDTH],
            alignment: 1.0,
            varies: true,
            null_frac: 0.0,
            distinct: table.rows.unwrap_or(0.0),
            common: Vec::new(),
            deduplicates: true,
        };
        each(spec, table).map(|a| a.unwrap_or_else(|| unknown.clone())).collect()
    }

    pub(super) fn of_column(column: &Column, rows: f64) -> Option<Attribute> {
        let stats = column.stats.as_ref()?;
        let varies = if column.length == 0 { is_text(column) || column.type_name.starts_with("numeric") } else { column.length < 0 };
        let width = if column.length > 0 { f64::from(column.length) } else { stats.avg_width_bytes };
        let container = column.type_name.ends_with("[]") || column.type_name.contains("range");
        (width <= COMPRESSED).then(|| Attribute {
            widths: if varies { widths(column, stats) } else { vec![width] },
            alignment: alignment(column, width),
            varies,
            null_frac: stats.null_frac.clamp(0.0, 1.0),
            distinct: stats.distinct(rows).max(1.0),
            common: stats.common_freqs.clone(),
            deduplicates: !container && !column.ambiguous && !NOT_DEDUPLICATED.iter().any(|t| column.type_name.starts_with(t)),
        })
    }

    /// An expression over a column with values of a fixed width, so many of them distinct.
    pub(super) fn fixed(width: f64, distinct: f64, null_frac: f64) -> Attribute {
        let varies = false;
        Attribute { widths: vec![width], alignment: width.min(8.0), varies, null_frac, distinct, common: Vec::new(), deduplicates: true }
    }

    fn width(&self, sample: usize, place: usize) -> f64 {
        // Another stride for each attribute, lest wide meets wide.
        self.widths[(sample * (2 * place + 1) + place) % self.widths.len()]
    }
}

fn each(spec: &IndexSpec, table: &Table) -> impl Iterator<Item = Option<Attribute>> {
    let rows = table.rows.unwrap_or(0.0);
    let column = move |name: &str| Attribute::of_column(table.column(name)?, rows);
    let keys = spec.keys.iter().map(move |k| match &k.expr {
        KeyExpr::Column(name) => column(name),
        KeyExpr::Expression(sql) => expression::attribute(sql, table),
    });
    keys.chain(spec.include.iter().map(move |c| column(c)))
}

fn is_text(column: &Column) -> bool {
    ["text", "character varying", "character(", "varchar"].iter().any(|t| column.type_name.starts_with(t))
        || column.type_name == "character"
}

fn alignment(column: &Column, width: f64) -> f64 {
    match column.alignment {
        Some('c') => 1.0,
        Some('s') => 2.0,
        Some('d') => 8.0,
        Some(_) => 4.0,
        None if is_text(column) => 4.0,
        None => [8.0, 4.0, 2.0].into_iter().find(|a| width >= *a).unwrap_or(1.0),
    }
}

/// Widths of typical values with the mean that the statistics have.
fn widths(column: &Column, stats: &ColumnStats) -> Vec<f64> {
    let width: Option<fn(&str) -> f64> = match () {
        () if is_text(column) => Some(|text| text.len() as f64 + 1.0),
        () if column.type_name.starts_with("numeric") => Some(numeric_width),
        () => None,
    };
    let values = if stats.histogram.is_empty() { &stats.common_values } else { &stats.histogram };
    let Some(width) = width.filter(|_| !values.is_empty()) else {
        // As a rule they are all alike: addresses, bit strings.
        return vec![stats.avg_width_bytes];
    };
    let mut found: Vec<f64> = values.iter().step_by((values.len() / SAMPLES).max(1)).map(|v| width(v)).collect();
    let mean = found.iter().sum::<f64>() / found.len() as f64;
    // The statistics have the mean without what stands behind its point.
    let more = if mean.floor() == stats.avg_width_bytes { 0.0 } else { stats.avg_width_bytes + 0.5 - mean };
    found.iter_mut().for_each(|w| *w = (*w + more).round().max(1.0));
    found
}

/// A header of three bytes, then two for each group of four digits, counted from the point; outer groups of zeros are not stored.
fn numeric_width(text: &str) -> f64 {
    let (whole, part) = text.trim_start_matches('-').split_once('.').unwrap_or((text.trim_start_matches('-'), ""));
    let padded = format!("{}{whole}{part}{}", "0".repeat((4 - whole.len() % 4) % 4), "0".repeat((4 - part.len() % 4) % 4));
    let groups: Vec<&[u8]> = padded.as_bytes().chunks(4).collect();
    let stored = |group: &&[u8]| group.iter().any(|c| *c != b'0');
    match (groups.iter().position(&stored), groups.iter().rposition(stored)) {
        (Some(first), Some(last)) => 3.0 + 2.0 * (last - first + 1) as f64,
        _ => 3.0,
    }
}

/// Width of a tuple.
pub(super) struct TupleBytes {
    /// On average.
    pub(super) mean: f64,
    /// All alike.
    pub(super) is_even: bool,
}

/// The tuple of a row in which some attributes are NULL.
pub(super) fn tuple_bytes(attributes: &[Attribute], nulls: &[bool]) -> TupleBytes {
    let is_null = |place: usize| nulls.get(place).copied().unwrap_or(false);
    let present: Vec<(usize, &Attribute)> = attributes.iter().enumerate().filter(|(place, _)| !is_null(*place)).collect();
    // The bitmap of NULLs is as wide as the header.
    let header = if nulls.contains(&true) { 16.0 } else { 8.0 };
    let is_even = present.iter().all(|(_, a)| a.widths.len() == 1);
    let samples = if is_even { 1 } else { SAMPLES };
    let one = |sample: usize| {
        let end = present.iter().fold(0.0, |end: f64, (place, a)| {
            let width = a.width(sample, *place);
            let boundary = if a.varies && width <= SHORT { 1.0 } else { a.alignment };
            (end / boundary).ceil() * boundary + width
        });
        align(header + end)
    };
    TupleBytes { mean: (0..samples).map(one).sum::<f64>() / samples as f64, is_even }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numerics_are_as_wide_as_the_server_stores_them() {
        // pg_column_size(x::numeric) of a value read from a table, as PostgreSQL 15 has it.
        for (text, bytes) in [("0", 3.0), ("7", 5.0), ("-12345.67", 9.0), ("10000", 5.0), ("0.0001", 5.0), ("99.95", 7.0)] {
            assert_eq!(numeric_width(text), bytes, "{text}");
        }
    }
}
