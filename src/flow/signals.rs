//! Ctrl-C, SIGTERM and SIGHUP, counted: the first asks to stop and clean up, the second to leave at once.

use crate::model::failure::{Failure, FailureKind};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Listens from its making on; until then the signals end the process as usual.
pub(super) struct Signals(watch::Receiver<u32>);

impl Signals {
    pub(super) fn listen() -> Result<Signals, Failure> {
        let fail = |e: std::io::Error| Failure::new(FailureKind::Missing, format!("cannot listen to signals: {e}"));
        let (sender, receiver) = watch::channel(0);
        for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
            let mut stream = signal(kind).map_err(fail)?;
            let sender = sender.clone();
            tokio::spawn(async move {
                while stream.recv().await.is_some() {
                    sender.send_modify(|count| *count += 1);
                }
            });
        }
        Ok(Signals(receiver))
    }

    /// How many have come.
    pub(super) fn count(&self) -> u32 {
        *self.0.borrow()
    }

    /// Waits until one more than `seen` has come.
    pub(super) async fn more_than(&self, seen: u32) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|count| *count > seen).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
