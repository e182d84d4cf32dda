//! Statistics out of the results that an expression has for typical values.

use super::values::{Column, Outcome};
use crate::model::blueprint::{ColumnStatistics, Slot};
use std::collections::BTreeMap;

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
pub(super) fn describe(
    of: &Column,
    null: &[Outcome],
    common: &[Outcome],
    others: &[Outcome],
    apart: Option<f64>,
) -> Option<ColumnStatistics> {
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
