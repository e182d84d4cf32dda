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

/// Which values of an attribute some rows have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Values {
    /// Any.
    Any,
    /// Those that are not common.
    Rare,
    /// One value of this width, bytes.
    One(f64),
    /// NULL.
    Null,
}

/// A column or expression of an index.
#[derive(Debug, Clone)]
pub(super) struct Attribute {
    /// Widths of values, bytes, each as often as it is met; one where all are equal.
    widths: Vec<f64>,
    /// The same of those that are not among the most common ones.
    rare_widths: Vec<f64>,
    /// Boundary at which it begins; 1 where a short value needs none.
    alignment: f64,
    varies: bool,
    /// Share of NULLs.
    pub(super) null_frac: f64,
    /// Distinct values in the whole table, NULL not among them.
    pub(super) distinct: f64,
    /// Shares of the rows that the most common values have, and their widths where these differ.
    pub(super) common: Vec<(f64, Option<f64>)>,
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
            rare_widths: vec![UNKNOWN_WIDTH],
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
        let width_of = width_of(column).filter(|_| varies);
        let common_width = |n: usize| width_of.zip(stats.common_values.get(n)).map(|(width_of, value)| width_of(value));
        let common = stats.common_freqs.iter().enumerate().map(|(n, share)| (*share, common_width(n))).collect();
        let (widths, rare_widths) = width_of.map_or_else(|| (vec![width], vec![width]), |width_of| widths(stats, width_of));
        (width <= COMPRESSED).then(|| Attribute {
            widths,
            rare_widths,
            alignment: alignment(column, width),
            varies,
            null_frac: stats.null_frac.clamp(0.0, 1.0),
            distinct: stats.distinct(rows).max(1.0),
            common,
            deduplicates: !container && !column.ambiguous && !NOT_DEDUPLICATED.iter().any(|t| column.type_name.starts_with(t)),
        })
    }

    /// An expression over a column with values of a fixed width, so many of them distinct.
    pub(super) fn fixed(width: f64, distinct: f64, null_frac: f64) -> Attribute {
        Attribute {
            widths: vec![width],
            rare_widths: vec![width],
            alignment: width.min(8.0),
            varies: false,
            null_frac,
            distinct,
            common: Vec::new(),
            deduplicates: true,
        }
    }

    /// Numbers of this width that do not share tuples, however many are alike.
    pub(super) fn number(width: f64, null_frac: f64) -> Attribute {
        let alignment = if width < 8.0 { 1.0 } else { 8.0 };
        Attribute { alignment, deduplicates: false, ..Attribute::fixed(width, 1.0, null_frac) }
    }

    /// Widths of such values; none where they take no room.
    fn widths_of<'a>(&'a self, values: &'a Values) -> &'a [f64] {
        match values {
            Values::Any => &self.widths,
            Values::Rare => &self.rare_widths,
            Values::One(width) => std::slice::from_ref(width),
            Values::Null => &[],
        }
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
    // Also a domain over one.
    column.category == "S"
        || ["text", "character varying", "character(", "varchar"].iter().any(|t| column.type_name.starts_with(t))
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

/// How wide a value is by its text, where that tells: of other types all are alike as a rule (addresses, bit strings).
fn width_of(column: &Column) -> Option<fn(&str) -> f64> {
    match () {
        () if is_text(column) => Some(|text| text.len() as f64 + 1.0),
        () if column.type_name.starts_with("numeric") => Some(numeric_width),
        () => None,
    }
}

/// Widths of all values and of those that are not common, with the mean that the statistics have.
fn widths(stats: &ColumnStats, width_of: fn(&str) -> f64) -> (Vec<f64>, Vec<f64>) {
    let widths = |values: &[String]| -> Vec<f64> { values.iter().map(|v| width_of(v)).collect() };
    let (common, rare) = (widths(&stats.common_values), widths(&stats.histogram));
    if common.is_empty() && rare.is_empty() {
        return (vec![stats.avg_width_bytes], vec![stats.avg_width_bytes]);
    }
    let mut all = by_share(&common, &stats.common_freqs, &rare, 1.0 - stats.null_frac);
    let mean = all.iter().sum::<f64>() / all.len() as f64;
    // The statistics have the mean without what stands behind its point.
    let more = if mean.floor() == stats.avg_width_bytes { 0.0 } else { stats.avg_width_bytes + 0.5 - mean };
    let put_right = |widths: &mut Vec<f64>| widths.iter_mut().for_each(|w| *w = (*w + more).round().max(1.0));
    let mut rare = if rare.is_empty() { all.clone() } else { by_share(&[], &[], &rare, 1.0) };
    put_right(&mut all);
    put_right(&mut rare);
    (all, rare)
}

/// So many widths, of common values as often as these are met, of the others spread over their range.
fn by_share(common: &[f64], shares: &[f64], rare: &[f64], sum: f64) -> Vec<f64> {
    let listed: f64 = if rare.is_empty() { shares.iter().sum() } else { sum };
    let mut next = common.iter().zip(shares).peekable();
    let mut passed = 0.0;
    let common_share: f64 = common.iter().zip(shares).map(|(_, share)| share).sum();
    let one = |sample: usize| {
        let at = (sample as f64 + 0.5) / SAMPLES as f64 * listed;
        while let Some((_, share)) = next.next_if(|(_, share)| passed + **share < at) {
            passed += share;
        }
        let among_rare = ((at - common_share) / (listed - common_share) * rare.len() as f64) as usize;
        next.peek().map_or_else(|| rare.get(among_rare).or(common.last()).copied().unwrap_or(UNKNOWN_WIDTH), |(width, _)| **width)
    };
    (0..SAMPLES).map(one).collect()
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

/// The tuple of a row that has such values.
pub(super) fn tuple_bytes(attributes: &[Attribute], values: &[Values]) -> TupleBytes {
    // The bitmap of NULLs is as wide as the header.
    let header = if values.contains(&Values::Null) { 16.0 } else { 8.0 };
    let widths = || attributes.iter().zip(values).map(|(a, values)| (a, a.widths_of(values)));
    let is_even = widths().all(|(_, widths)| widths.len() <= 1);
    let samples = if is_even { 1 } else { SAMPLES };
    let one = |sample: usize| {
        let present = widths().enumerate().filter(|(_, (_, widths))| !widths.is_empty());
        let end = present.fold(0.0, |end: f64, (place, (attribute, widths))| {
            // Another stride for each attribute, lest wide meets wide.
            let width = widths[(sample * (2 * place + 1) + place) % widths.len()];
            let boundary = if attribute.varies && width <= SHORT { 1.0 } else { attribute.alignment };
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
