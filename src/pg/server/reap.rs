//! What a killed run left behind: a folder whose owner is gone, and perhaps its server.

use super::account::{self, Account};
use super::folder::{Folder, PREFIX, parents};
use super::process;
use nix::unistd::{Pid, geteuid};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A run that died between creating its folder and claiming it leaves an empty folder; after this
/// long nobody is about to claim it.
const EMPTY_FOLDER_AGE: Duration = Duration::from_secs(600);

/// Stops servers and removes folders of runs that were killed; returns the folders removed.
/// Never touches the folder of a living owner or of another user, a symbolic link, or a process
/// that is not a postgres on that very data directory.
pub fn reap() -> Vec<PathBuf> {
    let account = account::unprivileged().ok().flatten();
    parents().iter().flat_map(|parent| candidates(parent, account.as_ref())).filter_map(remove).collect()
}

/// Real folders with our prefix that belong to us, or to the account root hands over to.
fn candidates(parent: &Path, account: Option<&Account>) -> Vec<PathBuf> {
    let ours = |uid: u32| uid == geteuid().as_raw() || account.is_some_and(|account| account.uid == uid);
    let Ok(entries) = std::fs::read_dir(parent) else { return Vec::new() };
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX))
        .filter(|entry| entry.path().symlink_metadata().is_ok_and(|meta| meta.is_dir() && ours(meta.uid())))
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found
}

fn remove(path: PathBuf) -> Option<PathBuf> {
    let Some(folder) = Folder::take_abandoned(path.clone()) else {
        // `remove_dir` succeeds on an empty folder alone.
        return (age(&path)? > EMPTY_FOLDER_AGE && std::fs::remove_dir(&path).is_ok()).then_some(path);
    };
    if let Some(pid) = postmaster(&folder.data(), path.symlink_metadata().ok()?.uid()) {
        process::end_orphan(pid);
    }
    drop(folder);
    Some(path)
}

fn age(path: &Path) -> Option<Duration> {
    path.symlink_metadata().ok()?.modified().ok()?.elapsed().ok()
}

/// The postgres that runs on `data` as user `uid`: as its postmaster.pid claims and its command line confirms.
fn postmaster(data: &Path, uid: u32) -> Option<Pid> {
    let claim = std::fs::read_to_string(data.join("postmaster.pid")).ok()?;
    let mut lines = claim.lines();
    let pid: i32 = lines.next()?.trim().parse().ok()?;
    // Zero and negative numbers would mean process groups.
    let claimed = pid > 1 && lines.next().is_some_and(|line| Path::new(line) == data);
    (claimed && is_postgres_on(pid, uid, data)).then(|| Pid::from_raw(pid))
}

fn is_postgres_on(pid: i32, uid: u32, data: &Path) -> bool {
    let data = data.to_string_lossy();
    if Path::new("/proc/self").exists() {
        let proc = PathBuf::from(format!("/proc/{pid}"));
        let words = std::fs::read(proc.join("cmdline")).unwrap_or_default();
        let words: Vec<_> = words.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
        let same_user = proc.metadata().is_ok_and(|meta| meta.uid() == uid);
        return same_user && words.first().is_some_and(|word| word.ends_with("postgres")) && words.contains(&data);
    }
    let ps = std::process::Command::new("ps").args(["-ww", "-o", "uid=,command=", "-p", &pid.to_string()]).output();
    let line = ps.map(|out| String::from_utf8_lossy(&out.stdout).trim().to_owned()).unwrap_or_default();
    let Some((owner, command)) = line.split_once(char::is_whitespace) else { return false };
    owner == uid.to_string() && command.contains("postgres") && command.contains(&format!("-D {data}"))
}
