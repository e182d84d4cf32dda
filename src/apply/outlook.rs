//! What rollback will do about an entry, for its list; nothing is decided by it.

use super::decide::{Move, Preview, decide};
use super::machine::{Ending, Goal, Memory};
use crate::model::ledger::{Entry, State, View};

/// The first move of rollback, in words.
pub fn outlook(entry: &Entry, view: &View) -> Preview {
    match decide(Goal::Rollback, entry, view, &mut Memory::default()) {
        Move::End(Ending::NeedsYou(message, hints)) => Preview::Refused(message, hints),
        Move::End(Ending::Already(why)) => Preview::Nothing(why),
        Move::Record(change) if change.to == State::RolledBack => {
            Preview::Nothing(change.detail.unwrap_or_else(|| "it is gone already".into()))
        }
        Move::Settle(worker, cancel) => {
            let what = if cancel { "it is cancelled first" } else { "it is waited for" };
            Preview::Acts(Some(format!("work on it still goes on (process {}): {what}", worker.pid)))
        }
        _ => Preview::Acts(None),
    }
}
