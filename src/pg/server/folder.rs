//! The temporary folder of one server, and the lock that says its owner lives.
//!
//! `advisor-pg-XXXXXX/` holds `owner` (our process id, for people), `data/`, `log` and the socket.
//! While we live we hold an exclusive `flock` on `owner`. The kernel lets go of it however we die,
//! so a reader needs no process start times and cannot be fooled by a reused process id, another
//! pid namespace or a restart.

use super::account::Account;
use crate::model::failure::{Failure, FailureKind};
use nix::fcntl::{Flock, FlockArg, OFlag};
use std::fs::{File, OpenOptions, Permissions};
use std::io::{Error, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How the folders' names begin.
pub(super) const PREFIX: &str = "advisor-pg-";
/// The socket's port: only part of a file name, since nothing listens on the network.
pub(super) const PORT: u16 = 5432;
/// `sockaddr_un.sun_path` holds 104 bytes on macOS and BSD (108 on Linux), the final zero included.
const SOCKET_PATH_BYTES: usize = 103;
const OWNER: &str = "owner";

/// A folder that is deleted when dropped.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    lock: Option<Flock<File>>,
}

impl Folder {
    /// Creates an empty one, mode 0700, owned by `account` where there is one.
    pub fn create(account: Option<&Account>) -> Result<Self, Failure> {
        let parent = choose_parent(&parents(), account)?;
        let fail = |e: Error| Failure::new(FailureKind::Missing, format!("cannot create a server folder in {}: {e}", parent.display()));
        let mut builder = tempfile::Builder::new();
        let path =
            builder.prefix(PREFIX).rand_bytes(6).permissions(Permissions::from_mode(0o700)).tempdir_in(&parent).map_err(fail)?.keep();
        let mut folder = Folder { path, lock: None };
        folder.lock = Some(folder.claim().map_err(fail)?);
        if let Some(account) = account {
            std::os::unix::fs::chown(&folder.path, Some(account.uid), Some(account.gid)).map_err(fail)?;
        }
        Ok(folder)
    }

    /// The folder of a dead owner, now ours; `None` when the owner lives or it is not such a folder.
    pub fn take_abandoned(path: PathBuf) -> Option<Self> {
        let file = OpenOptions::new().read(true).custom_flags(OFlag::O_NOFOLLOW.bits()).open(path.join(OWNER)).ok()?;
        let lock = Flock::lock(file, FlockArg::LockExclusiveNonblock).ok()?;
        Some(Folder { path, lock: Some(lock) })
    }

    /// Locks the owner file before it gets its name, so nobody ever sees it unlocked while we live.
    fn claim(&self) -> Result<Flock<File>, Error> {
        let unnamed = self.path.join("owner.new");
        let mut file = File::create(&unnamed)?;
        writeln!(file, "{}", std::process::id())?;
        let lock = Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(_, error)| Error::from(error))?;
        std::fs::rename(unnamed, self.path.join(OWNER))?;
        Ok(lock)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The cluster's data directory.
    pub fn data(&self) -> PathBuf {
        self.path.join("data")
    }

    /// Makes `kept` the data directory, created where it is missing. Only a link to it lies here, so deleting this
    /// folder leaves it alone, and a server that was orphaned on it is found as any other.
    pub fn keep_data_in(&self, kept: &Path, account: Option<&Account>) -> Result<(), Failure> {
        let fail = |e: Error| Failure::new(FailureKind::Missing, format!("cannot keep a data directory in {}: {e}", kept.display()));
        std::fs::create_dir_all(kept).map_err(fail)?;
        let kept = kept.canonicalize().map_err(fail)?;
        let is_empty = std::fs::read_dir(&kept).map_err(fail)?.next().is_none();
        if is_empty {
            std::fs::set_permissions(&kept, Permissions::from_mode(0o700)).map_err(fail)?;
        }
        if let Some(account) = account {
            if is_empty {
                std::os::unix::fs::chown(&kept, Some(account.uid), Some(account.gid)).map_err(fail)?;
            }
            if !account.can_enter(&kept) {
                let message = format!("user {} cannot enter {}", account.name, kept.display());
                return Err(Failure::new(FailureKind::Missing, message).hint("name a folder that it can enter, e.g. below /var/tmp"));
            }
        }
        std::os::unix::fs::symlink(&kept, self.data()).map_err(fail)
    }

    /// What the server writes to standard error.
    pub fn log(&self) -> PathBuf {
        self.path.join("log")
    }

    /// Leaves the folder for good: later runs do not remove it either.
    pub fn keep(mut self) -> PathBuf {
        let _ = std::fs::remove_file(self.path.join(OWNER));
        self.lock = None;
        std::mem::take(&mut self.path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.path.as_os_str().is_empty() {
            return;
        }
        // A process that is just ending may still write a file: then the folder is not empty yet.
        empty_databases(&self.data().join("base"));
        for _ in 0..40 {
            match std::fs::remove_dir_all(&self.path) {
                Ok(()) => return,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
                Err(_) => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    }
}

/// Removes the databases' folders side by side: of a thousand tables each has ten thousand files, and who removes one waits for
/// the disk most of the time. What stays is removed with the rest.
fn empty_databases(base: &Path) {
    // A data directory that is kept is a link, and nothing in it goes.
    let is_ours = base.parent().is_some_and(|data| data.symlink_metadata().is_ok_and(|m| m.is_dir()));
    let Some(databases) = std::fs::read_dir(base).ok().filter(|_| is_ours) else { return };
    std::thread::scope(|scope| {
        for database in databases.flatten() {
            scope.spawn(move || std::fs::remove_dir_all(database.path()));
        }
    });
}

/// Where folders may be: the temporary folder, then /tmp. Symbolic links resolved, since the
/// server writes resolved paths.
pub(super) fn parents() -> Vec<PathBuf> {
    let mut parents: Vec<PathBuf> = [std::env::temp_dir(), PathBuf::from("/tmp")].iter().filter_map(|p| p.canonicalize().ok()).collect();
    parents.dedup();
    parents
}

/// The first with a short enough socket path that the server's account can reach.
fn choose_parent(parents: &[PathBuf], account: Option<&Account>) -> Result<PathBuf, Failure> {
    let mut reasons = Vec::new();
    for parent in parents {
        let socket = parent.join(format!("{PREFIX}XXXXXX/.s.PGSQL.{PORT}"));
        if socket.as_os_str().as_bytes().len() > SOCKET_PATH_BYTES {
            reasons.push(format!("{} is too long for a unix socket", parent.display()));
        } else if let Some(account) = account.filter(|account| !account.can_enter(parent)) {
            reasons.push(format!("user {} cannot enter {}", account.name, parent.display()));
        } else {
            return Ok(parent.clone());
        }
    }
    let why = if reasons.is_empty() { "there is none".to_owned() } else { reasons.join("; ") };
    Err(Failure::new(FailureKind::Missing, format!("no temporary folder for a server: {why}"))
        .hint("set TMPDIR to a short path, e.g. TMPDIR=/tmp"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_temporary_folder_gives_way_to_a_short_one() {
        let long = PathBuf::from(format!("/tmp/{}", "x".repeat(90)));
        assert_eq!(choose_parent(&[long.clone(), "/tmp".into()], None), Ok("/tmp".into()));
        let failure = choose_parent(&[long], None).unwrap_err();
        assert!(failure.message.contains("too long for a unix socket"), "{failure}");
    }

    #[test]
    fn a_living_owner_keeps_its_folder_and_a_dropped_one_is_gone() {
        let folder = Folder::create(None).unwrap();
        let path = folder.path().to_owned();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        assert!(Folder::take_abandoned(path.clone()).is_none());
        drop(folder);
        assert!(!path.exists());
    }
}
