//! Numbers and names in messages.

use crate::model::query::Query;
use crate::model::text::{ellipsis, squeeze};

/// `1234567.8` as `1 234 568`.
pub(super) fn count(n: f64) -> String {
    let digits = format!("{:.0}", n.max(0.0));
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(c);
    }
    out
}

/// One digit behind the point below ten, none above: `0.5`, `12`.
pub(super) fn short(n: f64) -> String {
    if n.abs() < 10.0 && n.fract() != 0.0 { format!("{n:.1}") } else { count(n) }
}

/// `3.4 MB`.
pub(super) fn bytes(n: f64) -> String {
    let units = ["bytes", "kB", "MB", "GB", "TB"];
    let power = (0..units.len() - 1).take_while(|i| n >= 1024f64.powi(*i as i32 + 1)).count();
    format!("{} {}", short(n / 1024f64.powi(power as i32)), units[power])
}

/// `450 ms`, `3.2 s`, `2 min`, `14 days`.
pub(super) fn duration(ms: f64) -> String {
    match ms {
        ms if ms < 1_000.0 => format!("{} ms", short(ms)),
        ms if ms < 120_000.0 => format!("{} s", short(ms / 1_000.0)),
        ms if ms < 7_200_000.0 => format!("{} min", short(ms / 60_000.0)),
        ms if ms < 172_800_000.0 => format!("{} h", short(ms / 3_600_000.0)),
        ms => format!("{} days", short(ms / 86_400_000.0)),
    }
}

/// The beginning of a query's normalised text, on one line.
pub(super) fn label(query: &Query) -> String {
    ellipsis(&squeeze(&query.normalized), 80)
}

/// The nearest name, if it is near: at most a third of its letters differ.
pub fn did_you_mean<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    names.map(|name| (distance(wrong, name), name)).filter(|(d, name)| *d <= name.len().div_ceil(3)).min().map(|(_, name)| name)
}

/// Levenshtein distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replace = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replace.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!([count(0.0), count(999.6), count(1_234_567.8)], ["0", "1 000", "1 234 568"]);
        assert_eq!([bytes(900.0), bytes(1536.0), bytes(20.0 * 1024.0 * 1024.0)], ["900 bytes", "1.5 kB", "20 MB"]);
        assert_eq!([duration(0.5), duration(1500.0), duration(180_000.0)], ["0.5 ms", "1.5 s", "3 min"]);
    }

    #[test]
    fn a_near_name_is_offered_and_a_far_one_not() {
        let names = ["full-scan", "slow-query"];
        assert_eq!(did_you_mean("fullscan", names.into_iter()), Some("full-scan"));
        assert_eq!(did_you_mean("banana", names.into_iter()), None);
    }
}
