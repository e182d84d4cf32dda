//! One honest bar for a build: phases weighted as measured, never backwards, never full before the
//! index is valid. Waiting for others has no weight: the bar stands and says for whom.

use crate::model::ledger::Progress;
use std::time::Duration;

/// Weights of scan, sort, load, validation's scan, sort and table scan; percent of the wall time.
const BTREE: [f64; 6] = [45.0, 17.0, 15.0, 6.0, 10.0, 7.0];
/// Methods that build in one phase without counters.
const OTHER: [f64; 6] = [90.0, 0.0, 0.0, 2.0, 3.0, 5.0];
/// BRIN and selective partial indexes: validation reads the whole table.
const MOSTLY_VALIDATION: [f64; 6] = [30.0, 0.0, 0.0, 5.0, 5.0, 60.0];

/// The bar.
#[derive(Debug)]
pub struct Bar {
    weights: [f64; 6],
    shown: f64,
    phase: String,
    /// When the phase began, and the last look, since the statement was sent.
    phase_since: Duration,
    last: Duration,
    /// Time spent working, not waiting.
    worked: Duration,
}

/// What to show now.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// 0 to 99.
    pub percent: f64,
    /// Phase in words.
    pub text: String,
    /// True while it waits for other sessions.
    pub waiting: bool,
    /// What is left, at least and at most; `None` where nothing can be said: while it waits, at the
    /// beginning, and in phases without a counter.
    pub left: Option<(Duration, Duration)>,
}

/// What is left is said from here on: percent of the work, and time worked.
const ENOUGH: (f64, Duration) = (5.0, Duration::from_secs(5));

/// Phases differ from their measured shares by about this much.
const LEFT_RANGE: (f64, f64) = (0.6, 1.7);

impl Bar {
    /// For an index of this method.
    pub fn new(method: &str, partial: bool) -> Self {
        let weights = match (method, partial) {
            ("brin", _) | (_, true) => MOSTLY_VALIDATION,
            ("btree", false) => BTREE,
            _ => OTHER,
        };
        Bar { weights, shown: 0.0, phase: String::new(), phase_since: Duration::ZERO, last: Duration::ZERO, worked: Duration::ZERO }
    }

    /// The running maximum, `elapsed` since the statement was sent; `None` progress means that the
    /// build has not begun: it waits for a lock.
    pub fn show(&mut self, progress: Option<&Progress>, elapsed: Duration) -> Shown {
        let since_last = elapsed.saturating_sub(std::mem::replace(&mut self.last, elapsed));
        let Some(progress) = progress else {
            return Shown { percent: self.shown, text: "waiting for the table's lock".into(), waiting: true, left: None };
        };
        if progress.phase != self.phase {
            (self.phase, self.phase_since) = (progress.phase.clone(), elapsed);
        }
        let fraction = |done: i64, total: i64| if total > 0 { (done as f64 / total as f64).clamp(0.0, 1.0) } else { 0.0 };
        // Counters keep the values of earlier phases: only the one that belongs to the phase is read.
        let blocks = fraction(progress.blocks_done, progress.blocks_total);
        let tuples = fraction(progress.tuples_done, progress.tuples_total);
        let (before, part, inside, waiting) = match progress.phase.as_str() {
            "initializing" | "waiting for writers before build" => (0, 0.0, 0.0, progress.phase.starts_with('w')),
            "building index: scanning table" | "building index" => (0, self.weights[0], blocks, false),
            "building index: sorting live tuples" => (1, self.weights[1], self.uncounted(1), false),
            "building index: loading tuples in tree" => (2, self.weights[2], tuples, false),
            "waiting for writers before validation" => (3, 0.0, 0.0, true),
            "index validation: scanning index" => (3, self.weights[3], blocks, false),
            "index validation: sorting tuples" => (4, self.weights[4], self.uncounted(4), false),
            "index validation: scanning table" => (5, self.weights[5], blocks, false),
            "waiting for old snapshots" => (6, 0.0, 0.0, true),
            _ => (0, 0.0, 0.0, false),
        };
        let reached = self.weights[..before].iter().sum::<f64>() + part * inside;
        self.shown = self.shown.max(reached).min(99.0);
        let text = match progress.phase.as_str() {
            "waiting for old snapshots" => "built; waiting to become visible".to_owned(),
            "" => "building".to_owned(),
            phase => phase.to_owned(),
        };
        if !waiting {
            self.worked += since_last;
        }
        let counted = !waiting && inside > 0.0 && !progress.phase.contains("sorting");
        Shown { percent: self.shown, text, waiting, left: self.left().filter(|_| counted) }
    }

    /// A phase without a counter: towards its end, ever slower, by how long earlier phases took.
    fn uncounted(&self, phase: usize) -> f64 {
        let before: f64 = self.weights[..phase].iter().sum();
        let expected = self.worked.as_secs_f64() * self.weights[phase] / before.max(1.0);
        let inside = self.last.saturating_sub(self.phase_since).as_secs_f64();
        if expected > 0.0 { 1.0 - (-inside / expected).exp() } else { 0.0 }
    }

    fn left(&self) -> Option<(Duration, Duration)> {
        let enough = self.shown >= ENOUGH.0 && self.worked >= ENOUGH.1;
        let left = self.worked.as_secs_f64() * (100.0 - self.shown) / self.shown.max(1.0);
        enough.then(|| (Duration::from_secs_f64(left * LEFT_RANGE.0), Duration::from_secs_f64(left * LEFT_RANGE.1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(phase: &str, blocks: (i64, i64)) -> Progress {
        Progress { phase: phase.into(), blocks_done: blocks.0, blocks_total: blocks.1, ..Progress::default() }
    }

    #[test]
    fn the_bar_never_goes_back_and_is_never_full() {
        let mut bar = Bar::new("btree", false);
        let mut last = 0.0;
        for (second, progress) in [
            at("waiting for writers before build", (0, 0)),
            at("building index: scanning table", (50, 100)),
            at("building index: scanning table", (100, 100)),
            at("building index: sorting live tuples", (100, 100)),
            at("waiting for writers before validation", (100, 100)),
            at("index validation: scanning index", (0, 10)),
            at("index validation: scanning table", (10, 10)),
            at("waiting for old snapshots", (10, 10)),
        ]
        .into_iter()
        .enumerate()
        {
            let shown = bar.show(Some(&progress), Duration::from_secs(10 * second as u64));
            assert!(shown.percent >= last && shown.percent < 100.0, "{progress:?}");
            assert_eq!(shown.waiting, progress.phase.starts_with("waiting"));
            last = shown.percent;
        }
        assert!(last > 95.0);
        assert_eq!(bar.show(None, Duration::from_secs(900)).percent, last);
    }

    #[test]
    fn what_is_left_is_a_range_and_never_said_too_early_or_while_waiting() {
        let mut bar = Bar::new("btree", false);
        let left = |bar: &mut Bar, phase, blocks, second| bar.show(Some(&at(phase, blocks)), Duration::from_secs(second)).left;
        let scan = "building index: scanning table";
        assert_eq!(left(&mut bar, scan, (1, 100), 1), None, "too early");
        let (least, most) = left(&mut bar, scan, (50, 100), 10).expect("a range");
        // 22.5 % in 10 s leaves about 34 s.
        assert!(least < Duration::from_secs(34) && most > Duration::from_secs(34), "{least:?} {most:?}");
        assert_eq!(left(&mut bar, "building index: sorting live tuples", (100, 100), 20), None);
        assert_eq!(left(&mut bar, "waiting for writers before validation", (100, 100), 900), None);
        let (_, later) = left(&mut bar, "index validation: scanning table", (5, 10), 910).expect("a range");
        assert!(later < Duration::from_secs(60), "waiting is no work: {later:?}");
    }

    #[test]
    fn a_phase_without_a_counter_creeps_within_its_share() {
        let mut bar = Bar::new("btree", false);
        bar.show(Some(&at("building index: scanning table", (100, 100))), Duration::from_secs(45));
        let mut percent =
            |second| bar.show(Some(&at("building index: sorting live tuples", (100, 100))), Duration::from_secs(second)).percent;
        let (begin, middle, late) = (percent(46), percent(60), percent(4000));
        assert!(begin < middle && middle < late && late <= 62.0, "{begin} {middle} {late}");
    }
}
