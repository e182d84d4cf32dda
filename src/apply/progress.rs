//! One honest bar for a build: phases weighted as measured, never backwards, never full before the
//! index is valid. Waiting for others has no weight: the bar stands and says for whom.

use crate::model::ledger::Progress;

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
}

impl Bar {
    /// For an index of this method.
    pub fn new(method: &str, partial: bool) -> Self {
        let weights = match (method, partial) {
            ("brin", _) | (_, true) => MOSTLY_VALIDATION,
            ("btree", false) => BTREE,
            _ => OTHER,
        };
        Bar { weights, shown: 0.0 }
    }

    /// The running maximum; `None` progress means that the build has not begun: it waits for a lock.
    pub fn show(&mut self, progress: Option<&Progress>) -> Shown {
        let Some(progress) = progress else {
            return Shown { percent: self.shown, text: "waiting for the table's lock".into(), waiting: true };
        };
        let fraction = |done: i64, total: i64| if total > 0 { (done as f64 / total as f64).clamp(0.0, 1.0) } else { 0.0 };
        // Counters keep the values of earlier phases: only the one that belongs to the phase is read.
        let blocks = fraction(progress.blocks_done, progress.blocks_total);
        let tuples = fraction(progress.tuples_done, progress.tuples_total);
        let (before, part, inside, waiting) = match progress.phase.as_str() {
            "initializing" | "waiting for writers before build" => (0, 0.0, 0.0, progress.phase.starts_with('w')),
            "building index: scanning table" | "building index" => (0, self.weights[0], blocks, false),
            "building index: sorting live tuples" => (1, self.weights[1], 0.0, false),
            "building index: loading tuples in tree" => (2, self.weights[2], tuples, false),
            "waiting for writers before validation" => (3, 0.0, 0.0, true),
            "index validation: scanning index" => (3, self.weights[3], blocks, false),
            "index validation: sorting tuples" => (4, self.weights[4], 0.0, false),
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
        Shown { percent: self.shown, text, waiting }
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
        for progress in [
            at("waiting for writers before build", (0, 0)),
            at("building index: scanning table", (50, 100)),
            at("building index: scanning table", (100, 100)),
            at("building index: sorting live tuples", (100, 100)),
            at("waiting for writers before validation", (100, 100)),
            at("index validation: scanning index", (0, 10)),
            at("index validation: scanning table", (10, 10)),
            at("waiting for old snapshots", (10, 10)),
        ] {
            let shown = bar.show(Some(&progress));
            assert!(shown.percent >= last && shown.percent < 100.0, "{progress:?}");
            assert_eq!(shown.waiting, progress.phase.starts_with("waiting"));
            last = shown.percent;
        }
        assert!(last > 95.0);
        assert_eq!(bar.show(None).percent, last);
    }
}
