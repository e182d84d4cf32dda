//! The unprivileged account: `initdb` and `postgres` refuse to run as root.

use crate::model::failure::{Failure, FailureKind};
use nix::unistd::{User, geteuid};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// An account that root hands the server over to.
#[derive(Debug, Clone)]
pub(super) struct Account {
    /// Its name, to be shown.
    pub name: String,
    /// User id.
    pub uid: u32,
    /// Primary group id.
    pub gid: u32,
}

/// `None` when we are an ordinary user ourselves; as root `postgres`, else `nobody`.
pub(super) fn unprivileged() -> Result<Option<Account>, Failure> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    ["postgres", "nobody"].iter().find_map(|name| User::from_name(name).ok().flatten()).map(|user| Some(Account::of(user))).ok_or_else(
        || {
            Failure::new(FailureKind::Missing, "a PostgreSQL server refuses to run as root, and there is no user postgres or nobody")
                .hint("run as an ordinary user")
        },
    )
}

impl Account {
    fn of(user: User) -> Self {
        Account { name: user.name, uid: user.uid.as_raw(), gid: user.gid.as_raw() }
    }

    /// Makes `command` run as this account. The standard library drops root's other groups too.
    pub fn take_over(&self, command: &mut Command) {
        command.uid(self.uid).gid(self.gid);
    }

    /// True when the account may pass through every folder down to `path`.
    pub fn can_enter(&self, path: &Path) -> bool {
        path.ancestors().all(|folder| {
            std::fs::metadata(folder).is_ok_and(|meta| {
                let bit = match (meta.uid() == self.uid, meta.gid() == self.gid) {
                    (true, _) => 0o100,
                    (false, true) => 0o010,
                    (false, false) => 0o001,
                };
                meta.mode() & bit != 0
            })
        })
    }
}
