//! Debug builds only: `ADVISOR_KILL_AT=N` ends the process, as SIGKILL would, at the N-th point.
//! There is one right before and one right after each effect of a run (a lock, a write to the
//! ledger, a connection, a statement), so the tests can stop a run anywhere.

use std::sync::atomic::{AtomicU32, Ordering};

static PASSED: AtomicU32 = AtomicU32::new(0);

/// Passes a point.
pub(super) fn point() {
    let passed = PASSED.fetch_add(1, Ordering::Relaxed) + 1;
    let wanted = std::env::var("ADVISOR_KILL_AT").ok().and_then(|n| n.parse().ok());
    if cfg!(debug_assertions) && wanted == Some(passed) {
        let _ = nix::sys::signal::kill(nix::unistd::Pid::this(), nix::sys::signal::Signal::SIGKILL);
    }
}
