//! The last step of a replacement: the new index takes the name that the old one left. The server
//! renames at once or not at all; whose the name is then, the OID says.

use super::{Case, Here, Move, here, needs_you};
use crate::apply::machine::Ending;
use crate::model::ledger::{Change, Relation, State};

impl Case<'_> {
    pub(super) fn rename(&mut self) -> Move {
        match (self.state, self.ours(self.view.relation.as_ref()), self.ours(self.view.renamed.as_ref())) {
            (Some(State::Done), _, Here::Valid) => self.reached("it has its name already"),
            (Some(State::Building | State::Dropping), Here::Absent, Here::Valid) => self.to(State::Done, None),
            (Some(State::Failed), ..) if self.memory.acted || self.memory.interrupted => self.gave_up(),
            (Some(State::RolledBack), ..) if self.memory.attempts > 0 => self.taken_back_meanwhile(),
            (_, Here::Other(what), _) => self.refuse(what),
            (_, Here::Invalid, _) => self.refuse("it is INVALID".into()),
            (_, Here::Absent, _) => self.refuse("it is not there: renamed or dropped meanwhile".into()),
            (Some(State::Building), Here::Valid, _) if self.memory.error.is_some() || self.memory.interrupted => {
                self.take_back(State::Failed)
            }
            (Some(State::Building), Here::Valid, Here::Absent) => self.send_briefly(self.entry.up_sql()),
            (Some(State::Dropping), Here::Valid, _) => self.to(State::RolledBack, None),
            (_, Here::Valid, Here::Other(_) | Here::Valid | Here::Invalid) => {
                let name = self.entry.rename_to.as_deref().unwrap_or_default();
                self.refuse(format!("the name it is to get, {name}, is taken"))
            }
            (Some(State::Planned), Here::Valid, Here::Absent) => {
                let index_oid = self.view.relation.as_ref().map(|r| r.oid);
                match self.begin(State::Building) {
                    Move::Record(change) => Move::Record(Change { index_oid, ..change }),
                    other => other,
                }
            }
            (_, Here::Valid, Here::Absent) => Move::Plan,
        }
    }

    pub(super) fn unrename(&mut self) -> Move {
        match (self.state, self.ours(self.view.relation.as_ref()), self.ours(self.view.renamed.as_ref())) {
            (None, ..) => Move::End(Ending::Already("nothing was applied".into())),
            (Some(State::RolledBack), ..) => self.reached("it was rolled back before"),
            (Some(State::Planned | State::Failed | State::Present), ..) => {
                self.to(State::RolledBack, Some("nothing had been renamed".into()))
            }
            (Some(_), Here::Valid | Here::Invalid, _) => self.to(State::RolledBack, None),
            (Some(State::Dropping), _, Here::Valid | Here::Invalid) => self.name_back(),
            (Some(_), _, Here::Valid | Here::Invalid) => self.begin(State::Dropping),
            (Some(_), _, Here::Absent) => self.to(State::RolledBack, Some("it was gone already".into())),
            (Some(_), _, Here::Other(what)) => self.refuse(what),
        }
    }

    fn name_back(&self) -> Move {
        match (&self.memory.error, self.memory.interrupted) {
            (_, true) => Move::End(Ending::Interrupted),
            (Some(error), _) => {
                let message = format!("{} could not get its old name back: {}", self.entry.index, error.message);
                needs_you(message, vec!["run the command again to finish".into()])
            }
            (None, _) => self
                .entry
                .down_sql()
                .into_iter()
                .next()
                .map_or_else(|| self.refuse("it has no old name".into()), |sql| self.send_briefly(sql)),
        }
    }

    /// What stands there, if it is the very index that was built; another equal one is not it, unless ours is no more: REINDEX
    /// builds anew.
    fn ours(&self, relation: Option<&Relation>) -> Here {
        let lives = |oid: u32| {
            let named = [&self.view.relation, &self.view.renamed].into_iter().flatten().any(|r| r.oid == oid);
            named || self.view.moved.is_some()
        };
        let is_another = self.entry.index_oid.zip(relation).is_some_and(|(oid, relation)| oid != relation.oid && lives(oid));
        if is_another { Here::Other("another index has its name".into()) } else { here(self.entry, relation) }
    }
}
