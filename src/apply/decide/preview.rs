//! What a plan says before anything is done.

use super::{Move, decide};
use crate::apply::machine::{Ending, Goal, Memory};
use crate::model::ledger::{Entry, Motion, State, View};

/// What apply will do about a change, for the plan; nothing is decided by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Preview {
    /// It will act; with a remark where an earlier run left work.
    Acts(Option<String>),
    /// There is nothing to do, and why.
    Nothing(String),
    /// It cannot, and what to do.
    Refused(String, Vec<String>),
}

/// The first moves of [`decide`], in words.
pub fn preview(wanted: &Entry, view: &View, adopt: bool) -> Preview {
    let mut view = view.clone();
    let memory = || Memory { adopt, ..Memory::default() };
    let mut first = decide(Goal::Apply, wanted, &view, &mut memory());
    if first == Move::Plan {
        view.entry = Some(wanted.clone());
        first = decide(Goal::Apply, wanted, &view, &mut memory());
    }
    match first {
        Move::End(Ending::NeedsYou(message, hints)) => Preview::Refused(message, hints),
        Move::End(Ending::Already(why)) => Preview::Nothing(why),
        Move::End(Ending::Waits(_)) => Preview::Acts(Some("an earlier run was cut short: it is finished".into())),
        Move::Record(change) if change.to == State::Present => Preview::Nothing(change.detail.unwrap_or_default()),
        Move::Settle(worker, _) => Preview::Acts(Some(format!("an earlier run's work on it still goes on (process {})", worker.pid))),
        _ if view.entry.as_ref().is_some_and(|e| !e.owned)
            && view.relation.as_ref().is_some_and(|r| !r.valid)
            && wanted.motion == Motion::Create =>
        {
            Preview::Acts(Some("the INVALID index that is there is dropped first".into()))
        }
        _ if view.entry.as_ref().is_some_and(|e| matches!(e.state, State::Building | State::Dropping)) => {
            Preview::Acts(Some("an earlier run was cut short: it is finished".into()))
        }
        _ => Preview::Acts(None),
    }
}
