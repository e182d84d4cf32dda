//! Starting and ending the server's processes.

use super::account::Account;
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A fast shutdown (SIGINT) writes what is only in memory to files first.
const FAST_PATIENCE: Duration = Duration::from_secs(60);
/// After SIGQUIT a postmaster gives its children 5 s before it kills them; this is a little more.
const QUIT_PATIENCE: Duration = Duration::from_secs(7);
const POLL: Duration = Duration::from_millis(10);

/// A command in its own process group, so that a terminal's Ctrl-C reaches only us, as `account`
/// where there is one, with nothing of our environment that would lead the server astray.
pub(super) fn command(program: &Path, folder: &Path, account: Option<&Account>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).process_group(0).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("PG") || text.starts_with("LC_") || text == "LANG" || text == "LANGUAGE" {
            command.env_remove(&name);
        }
    }
    command.env("LC_ALL", "C");
    if let Some(account) = account {
        account.take_over(&mut command);
    }
    command
}

/// The same program under a limit on the memory of its own that each of its processes may take. A server whose
/// planner is given a statement made to fill all memory then says "out of memory" and lives on.
pub(super) fn limited(program: &Path, folder: &Path, account: Option<&Account>, megabytes: u32) -> Command {
    let mut command = command(Path::new("/bin/sh"), folder, account);
    // Nothing of the program's goes through the shell's hands but as arguments.
    command.arg("-c").arg("ulimit -d \"$0\" 2>/dev/null; exec \"$@\"").arg((u64::from(megabytes) * 1024).to_string()).arg(program);
    command
}

/// A child that is ended when dropped.
#[derive(Debug)]
pub(super) struct Process {
    child: Option<Child>,
    saves: bool,
}

impl Process {
    /// Takes charge of `child`, which leads its own process group.
    pub fn new(child: Child) -> Self {
        Process { child: Some(child), saves: false }
    }

    /// What it has in memory is worth writing before it ends.
    pub fn saving(mut self) -> Self {
        self.saves = true;
        self
    }

    /// Its exit status once it has ended by itself.
    pub fn ended(&mut self) -> Option<std::process::ExitStatus> {
        self.child.as_mut().and_then(|child| child.try_wait().ok().flatten())
    }

    /// Its process id.
    pub fn id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Lets it live on after us.
    pub fn keep(mut self) {
        self.child = None;
    }
}

impl Drop for Process {
    /// Immediate shutdown: what a throw-away server would still write is deleted next anyway. One that saves comes
    /// to it only when the fast one takes too long.
    fn drop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let Ok(pid) = i32::try_from(child.id()).map(Pid::from_raw) else { return };
        if matches!(child.try_wait(), Ok(Some(_))) {
            return;
        }
        let fast = self.saves.then_some((Signal::SIGINT, FAST_PATIENCE));
        for (signal, patience) in fast.into_iter().chain([(Signal::SIGQUIT, QUIT_PATIENCE)]) {
            let _ = kill(pid, signal);
            if wait_until(patience, || !matches!(child.try_wait(), Ok(None))) {
                return;
            }
        }
        let _ = killpg(pid, Signal::SIGKILL);
        let _ = child.wait();
    }
}

/// Ends a postmaster that is not our child.
pub(super) fn end_orphan(pid: Pid) {
    let _ = kill(pid, Signal::SIGQUIT);
    let gone = || kill(pid, None) == Err(Errno::ESRCH);
    if !wait_until(QUIT_PATIENCE, gone) {
        let _ = kill(pid, Signal::SIGKILL);
        wait_until(QUIT_PATIENCE, gone);
    }
}

fn wait_until(patience: Duration, mut done: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    loop {
        if done() {
            return true;
        }
        if start.elapsed() > patience {
            return false;
        }
        std::thread::sleep(POLL);
    }
}
