//! How many: LIMIT and OFFSET, and the elements of `= ANY($n)`.

use super::{Case, Knob, Place};
use crate::model::catalog::ColumnStats;
use crate::model::query::{Amount, Shape};

/// `LIMIT $n`: rows, share of executions, words. A page, and the whole result for an export.
const LIMITS: [(u32, f64, &str); 2] = [(20, 0.9, "a small LIMIT"), (1000, 0.1, "a large LIMIT")];
/// OFFSET assumed for `OFFSET $n`.
const TYPICAL_OFFSET: u32 = 100;
/// `= ANY($n)`: elements, share of executions, words. Ten is what the planner itself assumes.
const LISTS: [(usize, f64, &str); 3] = [(10, 0.6, "some values"), (1, 0.2, "a single value"), (100, 0.2, "many values")];

/// LIMIT and OFFSET parameters.
pub(super) fn knobs(shape: &Shape) -> Vec<Knob> {
    let numbers = |of: fn(&crate::model::query::Block) -> Option<Amount>| {
        let mut numbers: Vec<u32> =
            shape.blocks.iter().filter_map(of).filter_map(|a| if let Amount::Parameter(n) = a { Some(n) } else { None }).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    };
    let limits = numbers(|b| b.limit);
    let offsets =
        numbers(|b| b.offset).into_iter().filter(|n| !limits.contains(n)).map(|n| vec![amount(n, TYPICAL_OFFSET, 1.0, "an OFFSET")]);
    let limits = limits.iter().map(|n| LIMITS.iter().map(|(rows, share, words)| amount(*n, *rows, *share, words)).collect());
    limits.chain(offsets).collect()
}

fn amount(number: u32, rows: u32, share: f64, words: &str) -> Case {
    Case { values: vec![(number, Some(rows.to_string()))], share, passes: f64::from(rows), label: words.to_owned(), ..Case::default() }
}

/// Lists of several lengths, as far as statistics have that many values.
pub(super) fn list(place: Place) -> Option<Knob> {
    let stats = place.stats()?;
    let mut cases: Knob = Vec::new();
    for (length, share, words) in LISTS {
        let values = several(stats, length);
        let length = values.len() as f64;
        if values.is_empty() {
            return None;
        }
        // Too few values for a longer list: its executions are those of the typical one.
        if let Some(same) = cases.iter().position(|c| c.passes == length) {
            cases[same].share += share;
            continue;
        }
        let values = values.into_iter().map(|v| place.folded(v)).collect::<Vec<_>>();
        cases.push(Case {
            values: vec![(place.usage.number, Some(array_literal(&values)))],
            share,
            passes: length,
            label: format!("{words} of {}", place.name()),
            ..Case::default()
        });
    }
    Some(cases)
}

/// Up to `most` different values, spread over the histogram, else the common ones.
pub(super) fn several(stats: &ColumnStats, most: usize) -> Vec<String> {
    let pool = if stats.histogram.len() >= most { &stats.histogram } else { &stats.common_values };
    let pool = if pool.is_empty() { &stats.histogram } else { pool };
    // A single value from the middle: the ends of a histogram are unlike the rest.
    let start = if most == 1 { pool.len() / 2 } else { 0 };
    let step = (pool.len() / most.max(1)).max(1);
    pool.iter().skip(start).step_by(step).take(most).cloned().collect()
}

pub(super) fn array_literal(values: &[String]) -> String {
    let quoted: Vec<String> = values.iter().map(|v| format!("\"{}\"", v.replace('\\', "\\\\").replace('"', "\\\""))).collect();
    format!("{{{}}}", quoted.join(","))
}
