//! What a person allows a build or drop.

use super::amounts;
use crate::apply::watch::Limits;
use clap::Args;
use std::time::Duration;

/// Limits of each statement; by default it may take as long as it takes.
#[derive(Debug, Clone, Args)]
pub struct WatchArgs {
    /// Give a build or drop up when it waits this long for other sessions (30s, 10m)
    #[arg(long, value_name = "DURATION", value_parser = amounts::duration)]
    max_wait: Option<Duration>,
    /// Give it up when it takes this long in all
    #[arg(long, value_name = "DURATION", value_parser = amounts::duration)]
    max_duration: Option<Duration>,
    /// Begin nothing, and give up what runs, while a standby's replay is this far behind (100MB)
    #[arg(long, value_name = "SIZE", value_parser = amounts::bytes)]
    max_replication_lag: Option<f64>,
    /// After so long without a word a session counts as dead, on either side
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = lease)]
    lease: Duration,
    /// End an earlier advisor's session that is silent for longer than the lease and holds a lock
    #[arg(long)]
    take_over: bool,
}

/// Less, and a short pause of the network would end a run that is well.
fn lease(text: &str) -> Result<Duration, String> {
    let lease = amounts::duration(text)?;
    if lease < Duration::from_secs(1) { Err("a lease is 1s or longer".to_owned()) } else { Ok(lease) }
}

impl WatchArgs {
    /// As the watchdog takes them.
    pub fn limits(&self) -> Limits {
        Limits {
            max_wait: self.max_wait,
            max_duration: self.max_duration,
            max_lag: self.max_replication_lag.map(|bytes| bytes as i64),
            lease: self.lease,
            take_over: self.take_over,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_no_shorter_than_it_says() {
        assert_eq!(lease("1s"), Ok(Duration::from_secs(1)));
        assert!(lease("900ms").unwrap_err().contains("1s or longer"));
        assert!(lease("1").is_err());
    }
}
