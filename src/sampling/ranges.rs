//! `column > $n`, both ends of a range, and rows of keyset pagination: ends that belong together are
//! moved together, so that no range is empty and no row stands at two places of its order.

use super::equal::{quantile, typical};
use super::{Case, Knob, Place};
use crate::model::catalog::ColumnStats;
use crate::model::query::{Op, RangeEnd};

/// One end of a range over times: place in the histogram, share of executions, words. Queries ask for what is recent.
const TIME_ENDS: [(f64, f64, &str); 2] = [(0.95, 0.8, "the recent end"), (0.05, 0.2, "the old end")];
/// One end of any other range.
const OTHER_ENDS: [(f64, f64, &str); 3] = [(0.5, 0.6, "a middle value"), (0.95, 0.2, "a high value"), (0.05, 0.2, "a low value")];
/// Both ends of a range over times.
const TIME_SPANS: [((f64, f64), f64, &str); 2] = [((0.95, 1.0), 0.8, "the recent end"), ((0.05, 1.0), 0.2, "a long span")];
/// Both ends of any other range.
const OTHER_SPANS: [((f64, f64), f64, &str); 2] = [((0.5, 0.55), 0.8, "a narrow span"), ((0.25, 0.75), 0.2, "a wide span")];
/// An interval taken from now: value, share of executions, a guess at the rows that pass.
const INTERVALS: [(&str, f64, f64, &str); 2] = [("1 day", 0.8, 0.01, "the recent end"), ("1 year", 0.2, 1.0, "a long span")];
/// Cases whose rows differ less than this many times have the same plan.
const DIFFERENT: f64 = 2.0;

/// The parameter with those that have to move with it: the other end of its range, or its row.
pub(super) fn group<'a>(place: Place<'a>, all: &[Place<'a>]) -> Vec<Place<'a>> {
    let usage = place.usage;
    if usage.op != Op::Range || is_interval(place) {
        return vec![place];
    }
    if usage.row.is_some() {
        return all.iter().filter(|p| p.usage.row == usage.row && p.usage.table == usage.table).copied().collect();
    }
    let opposite = |p: &&Place| {
        let other = p.usage;
        (&other.table, &other.column, &other.op) == (&usage.table, &usage.column, &usage.op)
            && other.end != usage.end
            && other.row.is_none()
            && !is_interval(**p)
    };
    std::iter::once(place).chain(all.iter().find(opposite).copied()).collect()
}

fn is_interval(place: Place) -> bool {
    place.kind.name == "interval" && place.column.category == "D"
}

/// One end, the other open.
pub(super) fn one_end(place: Place) -> Option<Knob> {
    if is_interval(place) {
        let case = |(value, share, passes, words): (&str, f64, f64, &str)| Case {
            values: vec![(place.usage.number, Some(value.to_owned()))],
            share,
            passes,
            label: format!("{words} of {}", place.name()),
            ..Case::default()
        };
        return Some(INTERVALS.into_iter().map(case).collect());
    }
    at_places(&[place])
}

/// Two ends of one range, or the members of a row.
pub(super) fn together(group: &[Place]) -> Option<Knob> {
    match group {
        [a, b] if a.usage.row.is_none() => span(*a, *b),
        _ => at_places(group),
    }
}

/// All at the same place of their columns' order; the first column says which places.
fn at_places(group: &[Place]) -> Option<Knob> {
    let first = group.first()?;
    let places: &[(f64, f64, &str)] = if first.column.category == "D" { &TIME_ENDS } else { &OTHER_ENDS };
    let case = |(at, share, words): &(f64, f64, &str)| {
        let value = |p: &Place| Some((p.usage.number, Some(p.folded(value_at(p.stats()?, *at)?))));
        Some(Case {
            values: group.iter().map(value).collect::<Option<Vec<_>>>()?,
            share: *share,
            passes: if first.usage.end == Some(RangeEnd::Upper) { *at } else { 1.0 - at },
            label: format!("{words} of {}", first.name()),
            ..Case::default()
        })
    };
    Some(different(places.iter().filter_map(case).collect()))
}

fn value_at(stats: &ColumnStats, at: f64) -> Option<String> {
    quantile(&stats.histogram, at).or_else(|| typical(stats))
}

fn span(a: Place, b: Place) -> Option<Knob> {
    let (low, high) = if a.usage.end == Some(RangeEnd::Upper) { (b, a) } else { (a, b) };
    let bounds = in_order(a.stats()?);
    let spans = if a.column.category == "D" { &TIME_SPANS } else { &OTHER_SPANS };
    let case = |((from, to), share, words): &((f64, f64), f64, &str)| {
        let (from_value, to_value) = two_bounds(&bounds, *from, *to)?;
        Some(Case {
            values: vec![(low.usage.number, Some(low.folded(from_value))), (high.usage.number, Some(high.folded(to_value)))],
            share: *share,
            passes: to - from,
            label: format!("{words} of {}", a.name()),
            ..Case::default()
        })
    };
    Some(different(spans.iter().filter_map(case).collect()))
}

/// The histogram; without one the common values, sorted as numbers where all are, else as texts (dates are written so
/// that they sort).
fn in_order(stats: &ColumnStats) -> Vec<String> {
    if stats.histogram.len() > 1 {
        return stats.histogram.clone();
    }
    let mut values = stats.common_values.clone();
    let number = |v: &str| v.parse::<f64>().unwrap_or(f64::NAN);
    match values.iter().all(|v| !number(v).is_nan()) {
        true => values.sort_by(|a, b| number(a).total_cmp(&number(b))),
        false => values.sort(),
    }
    values
}

/// Two different bounds near these places, the lower first; the same twice only where there is no other.
fn two_bounds(bounds: &[String], from: f64, to: f64) -> Option<(String, String)> {
    let last = bounds.len().checked_sub(1)?;
    let index = |at: f64| (last as f64 * at).round() as usize;
    let (mut low, mut high) = (index(from), index(to));
    while bounds[low] == bounds[high] && high < last {
        high += 1;
    }
    while bounds[low] == bounds[high] && low > 0 {
        low -= 1;
    }
    Some((bounds[low].clone(), bounds[high].clone()))
}

/// The first case, and those whose values and rows differ from it; the shares of the others go to the first.
fn different(cases: Vec<Case>) -> Knob {
    let Some(first) = cases.first().cloned() else { return cases };
    let differs = |c: &Case| c.values != first.values && (c.passes / first.passes).max(first.passes / c.passes) >= DIFFERENT;
    let mut kept: Knob = cases.into_iter().enumerate().filter(|(n, c)| *n == 0 || differs(c)).map(|(_, c)| c).collect();
    let others: f64 = kept.iter().skip(1).map(|c| c.share).sum();
    kept[0].share = 1.0 - others;
    kept
}
