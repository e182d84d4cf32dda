//! When an index may be taken back without a person: only on proof, and never where another query has come to need it.

use super::verdict::{Choice, Counts, Evidence, verdict};
use crate::model::ledger::{Motion, State};
use serde::Serialize;

/// Whether to take a change back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Revert {
    /// Nothing speaks for it.
    No,
    /// Yes, and why.
    Yes(String),
    /// Something speaks for it, but not without a person: what and why not.
    NotAlone(String),
}

/// Decides. `standbys` stream from this server: their scans are not in its counters.
pub fn revert(evidence: &Evidence, standbys: u32) -> Revert {
    let counts = Counts::of(evidence);
    if !counts.window_over {
        return Revert::No;
    }
    let Some(why) = why(&counts) else { return Revert::No };
    match never(&counts, standbys) {
        Some(not) => Revert::NotAlone(format!("{why}; not taken back without you: {not}")),
        None => Revert::Yes(why),
    }
}

fn why(counts: &Counts) -> Option<String> {
    if counts.unused() {
        return Some("no query that it is for would use it, and nothing has scanned it".to_owned());
    }
    let worse = counts.cost_up().is_some() || counts.writes_up_beyond_doubt();
    (worse && counts.broken.is_none()).then(|| verdict(counts).reasons.into_iter().next().unwrap_or_default())
}

fn never(counts: &Counts, standbys: u32) -> Option<String> {
    let entry = counts.evidence.entry;
    let scanned = counts.scans.is_none_or(|scans| scans > 0.0);
    let target_ran = counts.deltas.iter().any(|d| d.target && d.after.calls > 0.0);
    let refused = match () {
        () if entry.motion == Motion::Drop => "building a dropped index again needs space and time",
        () if entry.motion != Motion::Create || entry.part_of.is_some() || counts.evidence.parts => "it is part of several steps",
        () if entry.definition.create.unique => "it is UNIQUE: it may be there for what it forbids",
        () if entry.state != State::Done || !entry.owned => "it is not in force, or not ours",
        () if counts.choices(false).any(|c| c == Choice::Uses) => "other queries have come to use it",
        () if entry.targets.is_empty() => "it is not known which queries it is for",
        () if scanned && counts.choices(false).any(|c| c == Choice::Unknown) => "a query that could not be planned may use it",
        () if scanned && !(target_ran && counts.choices(true).any(|c| c == Choice::Uses)) => "something else scans it",
        () if !scanned && standbys > 0 => "a standby may use it: its scans are counted there",
        () => return None,
    };
    Some(refused.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::verdict::{Finding, Window, judge};
    use crate::model::ddl::CreateIndex;
    use crate::model::index_def::TableName;
    use crate::model::ledger::{Definition, Entry, TargetQuery};
    use crate::model::sample::{Counted, Sample};

    const WINDOW: Window = Window { min_calls: 30.0, min_seconds: 1800.0, max_seconds: 259_200.0 };

    fn entry() -> Entry {
        let create = CreateIndex {
            name: "i".into(),
            table: TableName::new("s", "t"),
            unique: false,
            body: "USING btree (a)".into(),
            tablespace: None,
            predicate: None,
        };
        let planned = Entry::planned("i", "1", Motion::Create, Definition { create, extras: vec![], valid: true });
        let targets = vec![TargetQuery { fingerprint: "read".into(), text: String::new() }];
        Entry { state: State::Done, owned: true, targets, ..planned }
    }

    /// Calls, blocks per call and mean time of the read, then of the write.
    fn sample(read: [f64; 3], write: [f64; 3], scans: f64) -> Sample {
        let counted = |name: &str, writes: bool, [calls, blocks, ms]: [f64; 3]| Counted {
            row: name.into(),
            fingerprint: name.into(),
            writes,
            calls,
            blocks: calls * blocks,
            total_ms: calls * ms,
            rows: 0.0,
        };
        let statements = vec![counted("read", false, read), counted("write", true, write)];
        Sample { statements, usage_seconds: Some(1e9), index_scans: Some(scans), ..Sample::default() }
    }

    /// Since the change: 200 reads and 200 writes at this cost, where before either was 10 blocks in 10 ms.
    fn told(entry: &Entry, read: [f64; 2], write: [f64; 2], scans: f64, plans: &[(&str, Choice)], seconds: f64) -> (Finding, Revert) {
        let (before, after) =
            (sample([200.0, 10.0, 10.0], [200.0, 10.0, 10.0], 0.0), sample([200.0, 10.0, 10.0], [200.0, 10.0, 10.0], 0.0));
        let both = |[blocks, ms]: [f64; 2]| [400.0, (10.0 + blocks) / 2.0, (10.0 + ms) / 2.0];
        let now = sample(both(read), both(write), scans);
        let plans: Vec<(String, Choice)> = plans.iter().map(|(name, choice)| ((*name).to_owned(), *choice)).collect();
        let evidence = Evidence { entry, parts: false, before: &before, after: &after, now: &now, seconds, plans: &plans, window: WINDOW };
        (judge(&evidence).finding, revert(&evidence, 0))
    }

    const HOUR: f64 = 3600.0;
    const USES: [(&str, Choice); 2] = [("read", Choice::Uses), ("write", Choice::DoesNot)];

    #[test]
    fn findings_follow_blocks_then_time() {
        let entry = entry();
        let found = |read, write| told(&entry, read, write, 9.0, &USES, HOUR).0;
        assert_eq!(found([2.0, 3.0], [10.0, 10.0]), Finding::Better);
        assert_eq!(found([10.0, 5.0], [10.0, 10.0]), Finding::Better, "as many blocks, half the time");
        assert_eq!(found([10.0, 9.0], [10.0, 10.0]), Finding::Kept, "time varies by itself");
        assert_eq!(found([2.0, 15.0], [10.0, 5.0]), Finding::Kept, "fewer blocks, but slower");
        assert_eq!(found([20.0, 20.0], [10.0, 10.0]), Finding::Worse);
        assert_eq!(found([10.0, 10.0], [10.0, 15.0]), Finding::Worse, "writes");
        assert_eq!(told(&entry, [2.0, 3.0], [10.0, 10.0], 9.0, &USES, 60.0).0, Finding::Undecided, "too early");
    }

    #[test]
    fn only_proof_takes_an_index_back() {
        let whole = entry();
        let yes = |entry: &Entry, read, write, scans, plans: &[(&str, Choice)], seconds| {
            matches!(told(entry, read, write, scans, plans, seconds).1, Revert::Yes(_))
        };
        let none = [("read", Choice::DoesNot), ("write", Choice::DoesNot)];
        let same = [10.0, 10.0];
        assert!(yes(&whole, same, same, 0.0, &none, HOUR), "(a)");
        assert!(!yes(&whole, same, same, 0.0, &none, 60.0), "its window is open");
        assert!(!yes(&whole, same, same, 0.0, &USES, HOUR), "the planner would use it");
        assert!(!yes(&whole, same, same, 0.0, &[("read", Choice::Unknown)], HOUR), "doubt is no proof");
        assert!(yes(&whole, [15.0, 15.0], same, 9.0, &USES, HOUR), "(b)");
        assert!(!yes(&whole, [10.0, 15.0], same, 9.0, &USES, HOUR), "time alone is no proof");
        assert!(yes(&whole, same, [10.0, 13.0], 9.0, &USES, HOUR), "(c)");
        assert!(!yes(&whole, [5.0, 5.0], [10.0, 13.0], 9.0, &USES, HOUR), "what reads gain is worth it");
        let doubtful = told(&whole, [10.0, 8.5], [10.0, 13.0], 9.0, &USES, HOUR);
        assert_eq!(doubtful, (Finding::Worse, Revert::No), "the gain may have come by itself, or not");
        let others = [("read", Choice::Uses), ("other", Choice::Uses)];
        assert!(!yes(&whole, [15.0, 15.0], same, 9.0, &others, HOUR), "others use it");
        let mut unique = entry();
        unique.definition.create.unique = true;
        let parts = [Entry { motion: Motion::CreateParent, ..entry() }, Entry { part_of: Some("x".into()), ..entry() }, unique];
        let not_ours = Entry { owned: false, ..entry() };
        for kept in parts.iter().chain([&not_ours, &Entry { motion: Motion::Drop, ..entry() }]) {
            assert!(!yes(kept, [15.0, 15.0], same, 0.0, &none, HOUR), "{kept:?}");
        }
    }

    #[test]
    fn a_standby_may_use_what_the_primary_does_not() {
        let entry = entry();
        let one = sample([200.0, 10.0, 10.0], [200.0, 10.0, 10.0], 0.0);
        let plans = [("read".to_owned(), Choice::DoesNot)];
        let evidence = Evidence {
            entry: &entry,
            parts: false,
            before: &one,
            after: &one,
            now: &one,
            seconds: 300_000.0,
            plans: &plans,
            window: WINDOW,
        };
        assert!(matches!(revert(&evidence, 0), Revert::Yes(_)));
        assert!(matches!(revert(&evidence, 1), Revert::NotAlone(_)));
    }

    #[test]
    fn counters_younger_than_the_change_prove_nothing() {
        let entry = entry();
        let one = sample([200.0, 10.0, 10.0], [200.0, 10.0, 10.0], 0.0);
        let now = Sample { usage_seconds: Some(10.0), ..one.clone() };
        let plans = [("read".to_owned(), Choice::DoesNot)];
        let evidence = Evidence {
            entry: &entry,
            parts: false,
            before: &one,
            after: &one,
            now: &now,
            seconds: 300_000.0,
            plans: &plans,
            window: WINDOW,
        };
        assert_eq!((judge(&evidence).finding, revert(&evidence, 0)), (Finding::Undecided, Revert::No));
    }
}
