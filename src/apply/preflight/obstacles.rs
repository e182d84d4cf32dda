//! Who would hold a build or a drop up, and where in its way.

use crate::model::ledger::Motion;
use crate::model::preflight::{Obstacle, Work};

/// What cannot happen before somebody is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Nothing begins: its lock conflicts with ours.
    Begin,
    /// The table is not read: it may have written what a build would miss.
    Read,
    /// The index does not become valid: it may still need rows that are gone.
    Valid,
    /// The index does not go: it may be reading it.
    Gone,
}

/// Locks that conflict with SHARE UPDATE EXCLUSIVE, which builds and drops hold from beginning to end.
const STOPS_BEGIN: [&str; 5] = ["ShareUpdateExclusiveLock", "ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"];

/// Younger transactions are over before a build would meet them, seconds.
const YOUNG: f64 = 1.0;

/// Where somebody would hold this motion up; `None` where not at all.
pub fn effect(motion: Motion, obstacle: &Obstacle) -> Option<Effect> {
    let holds = |mode: &str| obstacle.modes.iter().any(|m| m == mode);
    if STOPS_BEGIN.iter().any(|mode| holds(mode)) {
        return Some(Effect::Begin);
    }
    match motion {
        Motion::Create if holds("RowExclusiveLock") => Some(Effect::Read),
        Motion::Create if obstacle.snapshot => Some(Effect::Valid),
        // On the partitioned table itself a plain SHARE lock is taken: it waits for writers.
        Motion::CreateParent if holds("RowExclusiveLock") => Some(Effect::Begin),
        Motion::Drop if !obstacle.modes.is_empty() => Some(Effect::Gone),
        _ => None,
    }
}

/// Those worth naming, by how early they are in the way, then oldest first. What has just begun is left out, unless it does
/// not end by itself.
pub fn in_the_way(motion: Motion, obstacles: &[Obstacle]) -> Vec<(Effect, &Obstacle)> {
    let lasts = |o: &Obstacle| o.seconds >= YOUNG || o.pid == 0 || o.work != Work::Transaction;
    let mut all: Vec<(Effect, &Obstacle)> = obstacles.iter().filter(|o| lasts(o)).filter_map(|o| Some((effect(motion, o)?, o))).collect();
    all.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.seconds.total_cmp(&a.1.seconds)).then(a.1.pid.cmp(&b.1.pid)));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn obstacle(modes: &[&str], snapshot: bool, seconds: f64) -> Obstacle {
        Obstacle {
            pid: 7,
            gid: None,
            role: "r".into(),
            application: String::new(),
            state: "active".into(),
            modes: modes.iter().map(|m| (*m).to_owned()).collect(),
            snapshot,
            work: Work::Transaction,
            seconds,
            query: String::new(),
        }
    }

    #[test]
    fn a_build_waits_for_writers_and_snapshots_a_drop_for_readers() {
        let reader = obstacle(&["AccessShareLock"], false, 9.0);
        let writer = obstacle(&["RowExclusiveLock"], true, 9.0);
        let snapshot = obstacle(&[], true, 9.0);
        let vacuum = obstacle(&["ShareUpdateExclusiveLock"], false, 9.0);
        for (found, create, drop) in [
            (&reader, None, Some(Effect::Gone)),
            (&writer, Some(Effect::Read), Some(Effect::Gone)),
            (&snapshot, Some(Effect::Valid), None),
            (&vacuum, Some(Effect::Begin), Some(Effect::Begin)),
        ] {
            assert_eq!((effect(Motion::Create, found), effect(Motion::Drop, found)), (create, drop), "{found:?}");
            assert_eq!(effect(Motion::Rename, found), (found == &vacuum).then_some(Effect::Begin));
        }
    }

    #[test]
    fn the_young_are_left_out_unless_they_stay() {
        let young = obstacle(&["RowExclusiveLock"], false, 0.2);
        let old = obstacle(&[], true, 300.0);
        let prepared = Obstacle { pid: 0, gid: Some("g".into()), ..young.clone() };
        let vacuum = Obstacle { work: Work::Vacuum, modes: vec!["ShareUpdateExclusiveLock".into()], ..young.clone() };
        let all = [young, old.clone(), prepared.clone(), vacuum.clone()];
        let named = in_the_way(Motion::Create, &all);
        assert_eq!(named, [(Effect::Begin, &vacuum), (Effect::Read, &prepared), (Effect::Valid, &old)]);
    }
}
