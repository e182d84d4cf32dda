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
    let worse = counts.cost_up().is_some() || counts.writes_up().is_some();
    (worse && counts.broken.is_none()).then(|| verdict(counts).reasons.into_iter().next().unwrap_or_default())
}

fn never(counts: &Counts, standbys: u32) -> Option<String> {
    let entry = counts.evidence.entry;
    let scanned = counts.scans.is_none_or(|scans| scans > 0.0);
    let target_ran = counts.deltas.iter().any(|d| d.target && d.after.calls > 0.0);
    let refused = match () {
        () if entry.motion == Motion::Drop => "building a dropped index again needs space and time",
        () if entry.motion != Motion::Create || entry.part_of.is_some() => "it is part of several steps",
        () if entry.definition.create.unique => "it is UNIQUE: it may be there for what it forbids",
        () if entry.state != State::Done || !entry.owned => "it is not in force, or not ours",
        () if counts.choices(false).any(|c| c == Choice::Uses) => "other queries have come to use it",
        () if scanned && counts.choices(false).any(|c| c == Choice::Unknown) => "a query that could not be planned may use it",
        () if scanned && !target_ran => "something else scans it",
        () if !scanned && standbys > 0 => "a standby may use it: its scans are counted there",
        () => return None,
    };
    Some(refused.to_owned())
}
