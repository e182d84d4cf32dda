//! Did a change help? Blocks per call first, for they do not depend on what else the server did, then mean time.

use super::delta::{Delta, Ratio, deltas, ratio};
use crate::model::amount::{duration, plural};
use crate::model::ledger::{Entry, Motion};
use crate::model::sample::{RowCounters, Sample};
use serde::Serialize;
use std::collections::BTreeSet;

/// Blocks per call must change by this share to be worth naming.
const BLOCKS: f64 = 0.10;
/// Mean time varies by itself: it must change by this share.
const TIME: f64 = 0.20;
/// Above it, the cost of the table's queries together has become worse.
const COST: f64 = 1.10;
/// Calls on either side before writes, or all queries together, may speak against an index.
pub const CALLS_AGAINST: f64 = 100.0;
/// So many of the table's queries, those with the most time, are its cost.
const TOP: usize = 20;

/// When a verdict may fall.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    /// Calls of each query that the index is for, on both sides.
    pub min_calls: f64,
    /// Not before, seconds after the change.
    pub min_seconds: f64,
    /// Not waited longer, seconds after the change.
    pub max_seconds: f64,
}

/// What is known of a query's plan now that the index is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// It uses the index.
    Uses,
    /// It does not.
    DoesNot,
    /// It could not be planned.
    Unknown,
}

/// All that a verdict rests on.
pub struct Evidence<'a> {
    /// The change.
    pub entry: &'a Entry,
    /// Other entries are parts of it: partitions, or the steps of a replacement.
    pub parts: bool,
    /// Counted just before it.
    pub before: &'a Sample,
    /// Counted right after it.
    pub after: &'a Sample,
    /// Counted now.
    pub now: &'a Sample,
    /// Seconds since the change.
    pub seconds: f64,
    /// Plans of the table's queries, by fingerprint.
    pub plans: &'a [(String, Choice)],
    /// When to judge.
    pub window: Window,
}

/// What a change was good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// Its queries are cheaper.
    Better,
    /// No difference worth naming.
    Kept,
    /// The table's queries, or its writes, are dearer.
    Worse,
    /// Nothing has used the index, and nothing it is for would.
    Unused,
    /// What is known does not suffice.
    Undecided,
}

impl Finding {
    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Finding::Better => "better",
            Finding::Kept => "kept",
            Finding::Worse => "worse",
            Finding::Unused => "unused",
            Finding::Undecided => "undecided",
        }
    }
}

/// The verdict on one change.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// In a word.
    pub finding: Finding,
    /// Why, with numbers.
    pub reasons: Vec<String>,
    /// What is missing for a better one.
    pub missing: Vec<String>,
    /// Seconds after the change when it is worth asking again; `None` when waiting changes nothing.
    pub ask_again_after_seconds: Option<f64>,
    /// The queries that the change is for, together; of a drop, all that read.
    pub reads: Option<Ratio>,
    /// The writes, together.
    pub writes: Option<Ratio>,
    /// The table's top queries, together.
    pub cost: Option<Ratio>,
    /// Scans of the index since the change.
    pub index_scans: Option<f64>,
    /// Share of updates that were HOT, before and since.
    pub hot_share: [Option<f64>; 2],
    /// The observation window is over.
    pub window_over: bool,
    /// Every query of the table.
    pub queries: Vec<Delta>,
}

/// The evidence, counted.
pub(super) struct Counts<'a> {
    pub evidence: &'a Evidence<'a>,
    pub deltas: Vec<Delta>,
    pub scans: Option<f64>,
    pub window_over: bool,
    /// Why nothing can be compared.
    pub broken: Option<String>,
}

impl<'a> Counts<'a> {
    pub fn of(evidence: &'a Evidence<'a>) -> Counts<'a> {
        let targets: BTreeSet<&str> = evidence.entry.targets.iter().map(|t| t.fingerprint.as_str()).collect();
        let deltas = deltas(evidence.before, evidence.after, evidence.now, &targets);
        let window = &evidence.window;
        // Without a query to wait for only the clock ends the window.
        let enough = deltas.iter().filter(|d| d.target && d.after.calls >= window.min_calls).count();
        let over = evidence.seconds >= window.max_seconds
            || (evidence.seconds >= window.min_seconds && !targets.is_empty() && enough == targets.len());
        // Counters younger than the change have forgotten scans.
        let whole = evidence.now.usage_seconds.is_some_and(|age| age >= evidence.seconds);
        let scans = evidence.now.index_scans.filter(|_| whole).map(|now| now - evidence.after.index_scans.unwrap_or_default());
        Counts { evidence, deltas, scans, window_over: over, broken: broken(evidence) }
    }

    fn early(&self) -> bool {
        self.evidence.seconds < self.evidence.window.min_seconds
    }

    /// True where the index is for queries that we know.
    pub fn has_targets(&self) -> bool {
        !self.evidence.entry.targets.is_empty()
    }

    /// What the change is for: its queries, else all that read.
    fn is_read(&self, delta: &Delta) -> bool {
        if self.has_targets() { delta.target } else { !delta.writes }
    }

    pub fn reads(&self) -> Option<Ratio> {
        let calls = self.evidence.window.min_calls;
        ratio(self.deltas.iter().filter(|d| self.is_read(d) && d.comparable(calls)))
    }

    pub fn writes(&self) -> Option<Ratio> {
        ratio(self.deltas.iter().filter(|d| d.writes && !d.target && d.comparable(CALLS_AGAINST)))
    }

    pub fn cost(&self) -> Option<Ratio> {
        ratio(self.deltas.iter().filter(|d| d.comparable(CALLS_AGAINST)).take(TOP))
    }

    /// Plans of the queries that the index is for.
    pub fn choices(&self, of_targets: bool) -> impl Iterator<Item = Choice> {
        let is_target = |fingerprint: &str| self.evidence.entry.targets.iter().any(|t| t.fingerprint == fingerprint);
        self.evidence.plans.iter().filter(move |(fingerprint, _)| is_target(fingerprint) == of_targets).map(|(_, choice)| *choice)
    }

    /// Nothing has used it, and nothing that it is for would: neither does doubt count as no.
    pub fn unused(&self) -> bool {
        self.evidence.entry.motion != Motion::Drop && self.scans == Some(0.0) && self.choices(true).all(|c| c == Choice::DoesNot)
    }

    /// Cost up, and blocks with it.
    pub fn cost_up(&self) -> Option<Ratio> {
        self.cost().filter(|c| c.time > COST && c.blocks > 1.0)
    }

    /// Writes dearer, and nothing gained: fewer blocks, or else so much less time that it does not come by itself.
    pub fn writes_up(&self) -> Option<Ratio> {
        let gain = |reads: Ratio| 1.0 - reads.blocks > BLOCKS || (reads.blocks - 1.0 <= BLOCKS && 1.0 - reads.time > TIME);
        self.writes().filter(|w| w.time > 1.0 + TIME && self.reads().is_some_and(|reads| !gain(reads)))
    }

    /// The same, where time that may have come by itself counts as gained too.
    pub fn writes_up_beyond_doubt(&self) -> bool {
        self.writes_up().is_some() && self.reads().is_some_and(|reads| 1.0 - reads.time < BLOCKS)
    }
}

/// Counters that went back were reset: the two sides are not of one count.
fn broken(evidence: &Evidence) -> Option<String> {
    let (after, now) = (evidence.after, evidence.now);
    let unreadable = [evidence.before, after, now].into_iter().find_map(|s| s.unreadable.clone());
    if let Some(reason) = unreadable {
        return Some(reason);
    }
    if after.counted_since != now.counted_since {
        return Some(format!("pg_stat_statements was reset at {}, after the change", now.counted_since));
    }
    let meanwhile = evidence.before.counted_since != after.counted_since;
    meanwhile.then(|| format!("pg_stat_statements was reset at {}, while the change was made", after.counted_since))
}

/// Judges one change.
pub fn judge(evidence: &Evidence) -> Verdict {
    verdict(&Counts::of(evidence))
}

pub(super) fn verdict(counts: &Counts) -> Verdict {
    let (finding, mut reasons) = found(counts);
    reasons.extend(beside(counts));
    let missing = if counts.broken.is_some() { Vec::new() } else { missing(counts) };
    let (before, after, now) = (counts.evidence.before.rows, counts.evidence.after.rows, counts.evidence.now.rows);
    let since = RowCounters { updated: now.updated - after.updated, hot_updated: now.hot_updated - after.hot_updated, ..now };
    Verdict {
        finding,
        reasons,
        missing,
        ask_again_after_seconds: again(counts, finding),
        reads: counts.reads(),
        writes: counts.writes(),
        cost: counts.cost(),
        index_scans: counts.scans,
        hot_share: [hot(before), hot(since)],
        window_over: counts.window_over,
        queries: counts.deltas.clone(),
    }
}

fn hot(rows: RowCounters) -> Option<f64> {
    (rows.updated > 0.0 && rows.hot_updated >= 0.0).then(|| rows.hot_updated / rows.updated)
}

fn found(counts: &Counts) -> (Finding, Vec<String>) {
    if counts.unused() && counts.window_over {
        let whose = if counts.has_targets() { "none of the queries it is for would use it" } else { "no queries are known that it is for" };
        return (Finding::Unused, vec![format!("not one scan of it since it was built, and {whose}")]);
    }
    if let Some(why) = &counts.broken {
        return (Finding::Undecided, vec![why.clone()]);
    }
    if counts.early() {
        return (Finding::Undecided, Vec::new());
    }
    if let Some(up) = counts.cost_up() {
        return (Finding::Worse, vec![format!("the table's queries together: {}", words(up))]);
    }
    if let Some(up) = counts.writes_up() {
        let reads = counts.reads().map(|r| format!("; what it is for: {}", words(r))).unwrap_or_default();
        return (Finding::Worse, vec![format!("writes: {}{reads}", words(up))]);
    }
    let Some(reads) = counts.reads() else { return (Finding::Undecided, Vec::new()) };
    let whose = if counts.has_targets() { "its queries together" } else { "what reads the table, together" };
    let finding = match (reads.blocks - 1.0, reads.time - 1.0) {
        (blocks, time) if blocks < -BLOCKS && time < BLOCKS => Finding::Better,
        (blocks, time) if blocks > BLOCKS && time > BLOCKS => Finding::Worse,
        (blocks, time) if blocks.abs() <= BLOCKS && time < -TIME => Finding::Better,
        (blocks, time) if blocks.abs() <= BLOCKS && time > TIME => Finding::Worse,
        _ => Finding::Kept,
    };
    (finding, vec![format!("{whose}: {}", words(reads))])
}

/// What else is worth saying, whatever the finding.
fn beside(counts: &Counts) -> Vec<String> {
    let scans = match counts.scans {
        _ if counts.evidence.entry.motion == Motion::Drop => None,
        None => Some("how often it was scanned is not known: the usage counters are younger than the change".to_owned()),
        Some(0.0) if counts.unused() && counts.window_over => None,
        Some(0.0) => Some("no scan of the index yet".to_owned()),
        Some(1.0) => Some("1 scan of the index".to_owned()),
        Some(n) => Some(format!("{n:.0} scans of the index")),
    };
    let known = counts.broken.is_none() && counts.writes_up().is_none();
    let writes = counts.writes().filter(|_| known).map(|w| format!("writes: {}", words(w)));
    scans.into_iter().chain(writes).collect()
}

fn time(seconds: f64) -> String {
    duration(seconds * 1000.0)
}

fn calls(count: f64) -> String {
    plural(count as usize, "call", "calls")
}

/// What keeps queries from being compared.
fn missing(counts: &Counts) -> Vec<String> {
    let (evidence, wanted) = (counts.evidence, counts.evidence.window.min_calls);
    let mut missing = Vec::new();
    if counts.early() {
        let least = evidence.window.min_seconds;
        let left = (least - evidence.seconds).ceil();
        missing.push(format!("{} more of load: nothing is judged before {} after the change", time(left), time(least)));
    }
    for target in &evidence.entry.targets {
        let id = &target.fingerprint;
        missing.extend(match counts.deltas.iter().find(|d| d.fingerprint == *id) {
            Some(d) if d.forgotten => Some(format!("query {id}: pg_stat_statements forgot it in between")),
            Some(d) if d.before.calls < wanted => {
                Some(format!("query {id}: {} before the change, {wanted:.0} are wanted", calls(d.before.calls)))
            }
            Some(d) if d.after.calls < wanted => Some(format!("query {id}: {} since, {wanted:.0} are wanted", calls(d.after.calls))),
            Some(_) => None,
            None => Some(format!("query {id}: pg_stat_statements has not seen it")),
        });
    }
    if !counts.has_targets() && counts.reads().is_none() {
        missing.push(format!("no query of the table has {} before the change and since", calls(wanted)));
    }
    missing
}

/// When the window ends, or enough calls will have come at the rate seen.
fn again(counts: &Counts, finding: Finding) -> Option<f64> {
    let (seconds, window) = (counts.evidence.seconds, counts.evidence.window);
    if finding != Finding::Undecided || counts.broken.is_some() || seconds >= window.max_seconds {
        return None;
    }
    let reads = counts.deltas.iter().filter(|d| counts.is_read(d) && !d.forgotten && d.before.calls >= window.min_calls);
    // Too early to see a rate: at the end of the shortest window there will be one.
    let latest = if counts.early() { window.min_seconds } else { window.max_seconds };
    let known = reads.filter(|d| d.after.calls > 0.0).map(|d| seconds * window.min_calls / d.after.calls);
    let soonest =
        known.fold(None, |least: Option<f64>, at| Some(least.map_or(at, |least| least.min(at)))).unwrap_or(latest).min(window.max_seconds);
    Some(soonest.max(window.min_seconds).max(seconds))
}

/// Both changes in words.
fn words(ratio: Ratio) -> String {
    let change = |ratio: f64| match (ratio - 1.0) * 100.0 {
        percent if percent.abs() < 0.5 => "unchanged".to_owned(),
        percent if ratio >= 10.0 => format!("× {:.0}", percent / 100.0 + 1.0),
        percent if percent < -99.0 => format!("−{:.1} %", -percent),
        percent => format!("{}{:.0} %", if percent < 0.0 { '−' } else { '+' }, percent.abs()),
    };
    format!("blocks per call {}, mean time {}", change(ratio.blocks), change(ratio.time))
}
