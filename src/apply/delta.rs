//! What the counters say of the time before a change and of the time since.

use crate::model::sample::{Counted, Sample};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Counters of one side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, JsonSchema)]
pub struct Side {
    /// Executions.
    pub calls: f64,
    /// Shared blocks per call.
    pub blocks_per_call: f64,
    /// Mean execution time, ms.
    pub mean_ms: f64,
}

/// One query of the table, before and since.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Delta {
    /// The query.
    pub fingerprint: String,
    /// It writes the table.
    pub writes: bool,
    /// The index is for it.
    pub target: bool,
    /// Up to the change.
    pub before: Side,
    /// Since the change.
    pub after: Side,
    /// pg_stat_statements forgot it in between: its counters since mean nothing.
    pub forgotten: bool,
}

impl Delta {
    /// Enough calls on both sides, and none of them lost.
    pub fn comparable(&self, calls: f64) -> bool {
        !self.forgotten && self.before.calls >= calls && self.after.calls >= calls
    }
}

/// Sums of one fingerprint.
#[derive(Clone, Copy, Default)]
struct Sums {
    calls: f64,
    blocks: f64,
    ms: f64,
}

impl Sums {
    fn add(&mut self, row: &Counted) {
        self.calls += row.calls;
        self.blocks += row.blocks;
        self.ms += row.total_ms;
    }

    fn side(self) -> Side {
        let per_call = |sum: f64| if self.calls > 0.0 { sum / self.calls } else { 0.0 };
        Side { calls: self.calls, blocks_per_call: per_call(self.blocks), mean_ms: per_call(self.ms) }
    }
}

fn sums(sample: &Sample) -> BTreeMap<&str, Sums> {
    let mut sums: BTreeMap<&str, Sums> = BTreeMap::new();
    for row in &sample.statements {
        sums.entry(&row.fingerprint).or_default().add(row);
    }
    sums
}

/// Every query of the table. `before` counts from the last reset to the change, `after` is where counting on begins.
/// The most time since comes first.
pub fn deltas(before: &Sample, after: &Sample, now: &Sample, targets: &BTreeSet<&str>) -> Vec<Delta> {
    let (was, base, is) = (sums(before), sums(after), sums(now));
    let lost = lost(after, now);
    let writes: BTreeMap<&str, bool> =
        before.statements.iter().chain(&now.statements).map(|s| (s.fingerprint.as_str(), s.writes)).collect();
    let delta = |(fingerprint, writes): (&str, bool)| {
        let (base, is) = (base.get(fingerprint).copied().unwrap_or_default(), is.get(fingerprint).copied().unwrap_or_default());
        let since = Sums { calls: is.calls - base.calls, blocks: is.blocks - base.blocks, ms: is.ms - base.ms };
        let forgotten = lost.contains(fingerprint);
        Delta {
            fingerprint: fingerprint.to_owned(),
            writes,
            target: targets.contains(fingerprint),
            before: was.get(fingerprint).copied().unwrap_or_default().side(),
            after: if forgotten { Side::default() } else { since.side() },
            forgotten,
        }
    };
    let mut deltas: Vec<Delta> = writes.into_iter().map(delta).collect();
    let spent = |d: &Delta| d.after.calls * d.after.mean_ms;
    deltas.sort_by(|a, b| spent(b).total_cmp(&spent(a)).then_with(|| a.fingerprint.cmp(&b.fingerprint)));
    deltas
}

/// Queries of which a row is gone, or counts from nothing again: counters never fall by themselves.
fn lost<'a>(after: &'a Sample, now: &Sample) -> BTreeSet<&'a str> {
    let rows: BTreeMap<&str, &Counted> = now.statements.iter().map(|s| (s.row.as_str(), s)).collect();
    let fell = |then: &&Counted| {
        rows.get(then.row.as_str()).is_none_or(|now| now.calls < then.calls || now.total_ms < then.total_ms || now.blocks < then.blocks)
    };
    after.statements.iter().filter(fell).map(|s| s.fingerprint.as_str()).collect()
}

/// Several queries together: calls since the change, each at its cost before and at its cost since.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, JsonSchema)]
pub struct Ratio {
    /// Blocks since, per block before; 1 when nothing changed.
    pub blocks: f64,
    /// Time since, per time before.
    pub time: f64,
}

/// The change of `all`, weighted by their calls since; `None` for no query.
pub fn ratio<'a>(all: impl IntoIterator<Item = &'a Delta>) -> Option<Ratio> {
    let (mut blocks, mut time, mut any) = ((0.0, 0.0), (0.0, 0.0), false);
    for Delta { before, after, .. } in all {
        blocks = (blocks.0 + after.calls * before.blocks_per_call, blocks.1 + after.calls * after.blocks_per_call);
        time = (time.0 + after.calls * before.mean_ms, time.1 + after.calls * after.mean_ms);
        any = true;
    }
    let share = |(before, after): (f64, f64)| if before > 0.0 { after / before } else { 1.0 };
    any.then(|| Ratio { blocks: share(blocks), time: share(time) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(rows: &[(&str, f64, f64, f64)]) -> Sample {
        let counted = |(row, calls, blocks, total_ms): &(&str, f64, f64, f64)| Counted {
            row: (*row).into(),
            fingerprint: row[..1].into(),
            calls: *calls,
            blocks: *blocks,
            total_ms: *total_ms,
            ..Counted::default()
        };
        Sample { statements: rows.iter().map(counted).collect(), ..Sample::default() }
    }

    #[test]
    fn sides_are_apart_and_weighted_by_calls_since() {
        let before = sample(&[("a1", 10.0, 1000.0, 50.0), ("b1", 5.0, 5.0, 5.0)]);
        let after = sample(&[("a1", 20.0, 2000.0, 100.0), ("b1", 5.0, 5.0, 5.0)]);
        let now = sample(&[("a1", 50.0, 2300.0, 130.0), ("a2", 10.0, 100.0, 10.0), ("b1", 6.0, 6.0, 7.0)]);
        let found = deltas(&before, &after, &now, &["a"].into());
        assert_eq!(found[0].before, Side { calls: 10.0, blocks_per_call: 100.0, mean_ms: 5.0 });
        assert_eq!(found[0].after, Side { calls: 40.0, blocks_per_call: 10.0, mean_ms: 1.0 });
        assert!(found[0].target && !found[1].target && !found[0].forgotten && found[0].comparable(10.0) && !found[1].comparable(2.0));
        let ratio = ratio(&found).unwrap();
        assert!((ratio.blocks - 401.0 / 4001.0).abs() < 1e-9 && (ratio.time - 42.0 / 201.0).abs() < 1e-9, "{ratio:?}");
    }

    #[test]
    fn a_row_that_fell_or_went_makes_its_query_forgotten() {
        let after = sample(&[("a1", 10.0, 10.0, 10.0), ("b1", 10.0, 10.0, 10.0), ("c1", 10.0, 10.0, 10.0), ("c2", 1.0, 1.0, 1.0)]);
        let now = sample(&[("a1", 12.0, 12.0, 9.0), ("b1", 10.0, 10.0, 10.0), ("c1", 900.0, 900.0, 900.0)]);
        let found: BTreeMap<String, bool> =
            deltas(&after, &after, &now, &BTreeSet::new()).into_iter().map(|d| (d.fingerprint, d.forgotten)).collect();
        assert_eq!(found.into_iter().collect::<Vec<_>>(), [("a".into(), true), ("b".into(), false), ("c".into(), true)]);
    }
}
