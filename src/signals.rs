//! Floor 2b: the one place that listens for signals. SIGINT, SIGTERM and SIGHUP end a verb by
//! dropping its future, so everything it holds cleans up in `Drop`; nothing runs in a handler.

use crate::model::failure::{Failure, FailureKind};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// Runs `work`, or drops it at the first SIGINT, SIGTERM or SIGHUP and fails with [`FailureKind::Interrupted`].
pub async fn until_interrupted<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::select! {
        biased;
        name = interrupted() => Err(Failure::new(FailureKind::Interrupted, format!("interrupted by {name}"))),
        done = work => done,
    }
}

/// Resolves at the first SIGINT, SIGTERM or SIGHUP after it is first polled; says which.
/// From then on these signals no longer end the process by themselves.
pub async fn interrupted() -> &'static str {
    let mut interrupt = listen(SignalKind::interrupt());
    let mut terminate = listen(SignalKind::terminate());
    let mut hangup = if hangup_is_ignored() { None } else { listen(SignalKind::hangup()) };
    tokio::select! {
        () = received(&mut interrupt) => "SIGINT",
        () = received(&mut terminate) => "SIGTERM",
        () = received(&mut hangup) => "SIGHUP",
    }
}

/// SIGINT, SIGTERM and SIGHUP, counted, for a verb that cleans up itself: the first asks it to stop,
/// the second to leave at once.
pub struct Signals(watch::Receiver<u32>);

impl Signals {
    /// From now on these signals no longer end the process by themselves.
    pub fn count_from_now() -> Signals {
        let (sender, receiver) = watch::channel(0);
        let hangup = if hangup_is_ignored() { None } else { listen(SignalKind::hangup()) };
        for stream in [listen(SignalKind::interrupt()), listen(SignalKind::terminate()), hangup] {
            let sender = sender.clone();
            tokio::spawn(async move {
                let mut stream = stream;
                loop {
                    received(&mut stream).await;
                    sender.send_modify(|count| *count += 1);
                }
            });
        }
        Signals(receiver)
    }

    /// How many have come.
    pub fn count(&self) -> u32 {
        *self.0.borrow()
    }

    /// Waits until more than `seen` have come.
    pub async fn more_than(&self, seen: u32) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|count| *count > seen).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// `None` where the system refuses to register: then that signal keeps its default action.
fn listen(kind: SignalKind) -> Option<Signal> {
    signal(kind).ok()
}

async fn received(signal: &mut Option<Signal>) {
    let arrived = match signal {
        Some(signal) => signal.recv().await.is_some(),
        None => false,
    };
    if !arrived {
        std::future::pending().await
    }
}

/// Under `nohup` SIGHUP is ignored on purpose; listening would undo that.
pub fn hangup_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}
