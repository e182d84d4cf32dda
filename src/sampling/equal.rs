//! `column = $n`: the most common value, a typical, a rare one, and one outside the list of common values.

use super::{Case, Knob, Place};
use crate::model::catalog::ColumnStats;

/// Most common values that cover this share of a column speak for it; else a histogram does.
const COMMON_SHARE: f64 = 0.5;
/// Two values of which one is this many times as frequent as the other may want different plans.
const DIFFERENT: f64 = 2.0;
/// Least share of the executions that ask for the most common value: what has most rows (the largest tenant, the author of
/// most posts) is also looked at most, and it is where a wrong plan hurts.
const LEAST_COMMON: f64 = 0.1;
/// A value that this share of the rows has makes its column skewed: an index without it is much smaller.
pub(super) const SKEW: f64 = 0.2;

/// A value with its share of the rows.
#[derive(Clone)]
struct Frequent {
    value: String,
    frequency: f64,
    /// Among the most common values.
    listed: bool,
    words: &'static str,
}

/// The cases of an equality.
pub(super) fn cases(place: Place) -> Option<Knob> {
    let stats = place.stats()?;
    let kept = chosen(stats, place)?;
    let shares = shares(&kept, stats, place);
    let top = stats.common_freqs.first().copied().filter(|f| *f >= SKEW);
    let case = |(value, share): (&Frequent, f64)| Case {
        values: vec![(place.usage.number, Some(place.folded(value.value.clone())))],
        share,
        passes: value.frequency,
        label: format!("{} of {}", value.words, place.name()),
        most_common_of: top.filter(|f| *f == value.frequency).map(|_| (place.usage.table.clone(), place.usage.column.clone())),
        ..Case::default()
    };
    Some(kept.iter().zip(shares).map(case).collect())
}

/// Where only one value makes sense (`<>`, operators of other kinds).
pub(super) fn only_typical(place: Place) -> Option<Knob> {
    let value = place.folded(typical(place.stats()?)?);
    Some(vec![Case {
        values: vec![(place.usage.number, Some(value))],
        share: 1.0,
        passes: 1.0,
        label: format!("a typical value of {}", place.name()),
        ..Case::default()
    }])
}

/// `column IN ($1, $2, …)`: each member another value.
pub(super) fn member(place: Place, all: &[Place]) -> Option<Knob> {
    let mates = |p: &&Place| (&p.usage.table, &p.usage.column, &p.usage.op) == (&place.usage.table, &place.usage.column, &place.usage.op);
    let before = all.iter().filter(mates).take_while(|p| p.usage.number != place.usage.number).count();
    let members = all.iter().filter(mates).count();
    let pool = super::amounts::several(place.stats()?, members);
    let value = pool.get(before % pool.len().max(1)).cloned();
    let mut cases = only_typical(place)?;
    if let (Some(value), true) = (value, members > 1) {
        cases[0].values[0].1 = Some(place.folded(value));
    }
    Some(cases)
}

/// Share of the executions that ask for a value which this share of the rows has.
pub(super) fn asked_for(frequency: f64, place: Place) -> f64 {
    (frequency + 1.0 / distinct(place)) / 2.0
}

fn distinct(place: Place) -> f64 {
    let Some(stats) = place.stats() else { return 1.0 };
    let seen = (stats.common_values.len() + stats.histogram.len()) as f64;
    stats.distinct(place.table.rows.unwrap_or(0.0)).max(seen).max(1.0)
}

/// The typical value first, then those that are much more or much less frequent than it and each other.
fn chosen(stats: &ColumnStats, place: Place) -> Option<Vec<Frequent>> {
    let listed = |n: usize, words| {
        Some(Frequent { value: stats.common_values.get(n)?.clone(), frequency: *stats.common_freqs.get(n)?, listed: true, words })
    };
    let unlisted = unlisted_value(stats, place).map(|value| Frequent {
        value,
        frequency: unlisted_frequency(stats, place),
        listed: false,
        words: if typical_listed(stats).is_none() { "a typical value" } else { "a rare value" },
    });
    let last = stats.common_values.len().saturating_sub(1);
    let typical = match typical_listed(stats) {
        Some(0) => listed(0, "the most common value")?,
        Some(n) => listed(n, "a usual value")?,
        None => unlisted.clone()?,
    };
    // Beside values outside the list its last one is not rare.
    let last_words = if unlisted.is_some() { "a fairly common value" } else { "a rare value" };
    let others = [listed(0, "the most common value"), listed(last, last_words), unlisted];
    let mut kept = vec![typical];
    for other in others.into_iter().flatten() {
        let different = |k: &Frequent| k.value != other.value && ratio(k.frequency, other.frequency) >= DIFFERENT;
        if kept.iter().all(different) {
            kept.push(other);
        }
    }
    Some(kept)
}

fn ratio(a: f64, b: f64) -> f64 {
    let (low, high) = (a.min(b).max(f64::MIN_POSITIVE), a.max(b));
    high / low
}

/// How many executions each chosen value stands for: every value counts to the chosen one whose frequency is nearest.
fn shares(kept: &[Frequent], stats: &ColumnStats, place: Place) -> Vec<f64> {
    let mut shares = vec![0.0; kept.len()];
    let nearest = |frequency: f64, listed: bool| {
        let same = (0..kept.len()).filter(|n| kept[*n].listed == listed);
        same.min_by(|a, b| ratio(kept[*a].frequency, frequency).total_cmp(&ratio(kept[*b].frequency, frequency))).unwrap_or(0)
    };
    for frequency in &stats.common_freqs {
        shares[nearest(*frequency, true)] += asked_for(*frequency, place);
    }
    let others = (distinct(place) - stats.common_values.len() as f64).max(0.0);
    shares[nearest(0.0, false)] += (rest(stats) + others / distinct(place)) / 2.0;
    let all: f64 = shares.iter().sum();
    let even = 1.0 / kept.len() as f64;
    shares.iter_mut().for_each(|s| *s = if all > 0.0 { *s / all } else { even });
    if let Some(top) = kept.iter().position(|k| Some(&k.value) == stats.common_values.first()).filter(|n| shares[*n] < LEAST_COMMON) {
        let others = 1.0 - shares[top];
        shares.iter_mut().for_each(|s| *s *= (1.0 - LEAST_COMMON) / others);
        shares[top] = LEAST_COMMON;
    }
    shares
}

/// Share of the rows whose value is neither listed nor NULL.
fn rest(stats: &ColumnStats) -> f64 {
    (1.0 - stats.null_frac - stats.common_freqs.iter().sum::<f64>()).clamp(0.0, 1.0)
}

fn unlisted_frequency(stats: &ColumnStats, place: Place) -> f64 {
    rest(stats) / (distinct(place) - stats.common_values.len() as f64).max(1.0)
}

/// From the histogram; without one, where the list is known to be incomplete, a value that the list does not have. Of a
/// complete list nobody asks for what no row has.
fn unlisted_value(stats: &ColumnStats, place: Place) -> Option<String> {
    if !stats.histogram.is_empty() {
        return quantile(&stats.histogram, 0.5);
    }
    let incomplete = stats.distinct(place.table.rows.unwrap_or(0.0)) > stats.common_values.len() as f64 && !stats.common_values.is_empty();
    incomplete.then(|| absent(stats, place)).flatten()
}

fn absent(stats: &ColumnStats, place: Place) -> Option<String> {
    let value = match place.column.category.as_str() {
        "N" => {
            let most = stats.common_values.iter().filter_map(|v| v.parse::<i64>().ok()).max()?;
            most.checked_add(1)?.to_string()
        }
        "S" => format!("{}~", stats.common_values.iter().max()?),
        _ => return None,
    };
    (!stats.common_values.contains(&value)).then_some(value)
}

/// The value that a typical execution asks for.
pub(super) fn typical(stats: &ColumnStats) -> Option<String> {
    match typical_listed(stats) {
        Some(n) => stats.common_values.get(n).cloned(),
        None => quantile(&stats.histogram, 0.5),
    }
}

/// The common value at which half of the rows that have a common value are passed; `None` where the histogram speaks.
fn typical_listed(stats: &ColumnStats) -> Option<usize> {
    let common: f64 = stats.common_freqs.iter().sum();
    if common < COMMON_SHARE && !stats.histogram.is_empty() {
        return None;
    }
    let mut passed = 0.0;
    stats.common_freqs.iter().position(|f| {
        passed += f;
        passed >= common / 2.0
    })
}

/// The bound below which this share of the histogram's rows lies.
pub(super) fn quantile(bounds: &[String], at: f64) -> Option<String> {
    let last = bounds.len().checked_sub(1)?;
    bounds.get((last as f64 * at).round() as usize).cloned()
}
