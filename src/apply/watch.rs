//! The watchdog: a build or drop is given up by us, who know its phase, never by lock_timeout or
//! statement_timeout, which count every wait alike.

use crate::model::amount::duration;
use crate::model::text::one_line;
use std::time::Duration;

/// What a person allows one statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// Longest wait for other sessions at a stretch.
    pub max_wait: Option<Duration>,
    /// Longest time in all.
    pub max_duration: Option<Duration>,
    /// Replay of the slowest standby, bytes behind.
    pub max_lag: Option<i64>,
    /// After so long without a word a session is dead: the server ends ours, we give the server up.
    pub lease: Duration,
    /// A silent advisor's session that holds a lock is ended.
    pub take_over: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { max_wait: None, max_duration: None, max_lag: None, lease: Duration::from_secs(60), take_over: false }
    }
}

impl Limits {
    /// How long an answer on the control connection may take.
    pub fn patience(&self) -> Duration {
        (self.lease / 4).max(Duration::from_secs(1))
    }
}

/// What is seen of a running statement.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Seen {
    /// Since it was sent.
    pub elapsed: Duration,
    /// Whom it waits for, in words; `None` while it works.
    pub waiting: Option<String>,
    /// Replay of the slowest standby, bytes behind.
    pub lag: Option<i64>,
}

/// Watches one statement.
#[derive(Debug)]
pub struct Watchdog<'a> {
    limits: &'a Limits,
    waits_since: Option<Duration>,
}

impl<'a> Watchdog<'a> {
    /// For a statement about to be sent.
    pub fn new(limits: &'a Limits) -> Self {
        Watchdog { limits, waits_since: None }
    }

    /// Why the statement is to be cancelled now, if so.
    pub fn judge(&mut self, seen: &Seen) -> Option<String> {
        self.waits_since = seen.waiting.as_ref().map(|_| self.waits_since.unwrap_or(seen.elapsed));
        let waited = self.waits_since.map_or(Duration::ZERO, |since| seen.elapsed.saturating_sub(since));
        let over = |limit: Option<Duration>, value: Duration| limit.filter(|limit| value > *limit);
        if let Some(limit) = over(self.limits.max_wait, waited) {
            let whom = seen.waiting.as_deref().map(one_line).unwrap_or_default();
            return Some(format!("gave up after waiting {} for {whom} (--max-wait)", time(limit)));
        }
        if let Some(limit) = over(self.limits.max_duration, seen.elapsed) {
            return Some(format!("gave up after {} (--max-duration)", time(limit)));
        }
        too_far_behind(self.limits, seen.lag).map(|why| format!("gave up: {why}"))
    }
}

/// Why nothing is to be started now for a standby's sake.
pub fn too_far_behind(limits: &Limits, lag: Option<i64>) -> Option<String> {
    let (limit, lag) = limits.max_lag.zip(lag)?;
    (lag > limit).then(|| format!("a standby is {:.0} MB behind (--max-replication-lag)", lag as f64 / 1e6))
}

fn time(limit: Duration) -> String {
    duration(limit.as_secs_f64() * 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(elapsed: u64, waiting: bool) -> Seen {
        Seen { elapsed: Duration::from_secs(elapsed), waiting: waiting.then(|| "process 7".to_owned()), lag: None }
    }

    #[test]
    fn only_waiting_at_a_stretch_counts_as_waiting() {
        let limits = Limits { max_wait: Some(Duration::from_secs(10)), ..Limits::default() };
        let mut dog = Watchdog::new(&limits);
        for (elapsed, waiting, stop) in
            [(0, true, false), (9, true, false), (10, false, false), (100, true, false), (110, true, false), (111, true, true)]
        {
            let why = dog.judge(&seen(elapsed, waiting));
            assert_eq!(why.is_some(), stop, "{elapsed} s: {why:?}");
            assert!(why.is_none_or(|w| w.contains("process 7") && w.contains("10 s")));
        }
    }

    #[test]
    fn time_and_lag_have_limits_of_their_own() {
        let limits = Limits { max_duration: Some(Duration::from_secs(60)), max_lag: Some(1_000_000), ..Limits::default() };
        assert_eq!(Watchdog::new(&limits).judge(&seen(60, false)), None);
        assert!(Watchdog::new(&limits).judge(&seen(61, false)).is_some());
        let behind = |lag| Seen { lag: Some(lag), ..seen(1, false) };
        assert_eq!(Watchdog::new(&limits).judge(&behind(1_000_000)), None);
        assert!(Watchdog::new(&limits).judge(&behind(2_000_000)).is_some_and(|w| w.contains("2 MB behind")));
        assert_eq!(Watchdog::new(&Limits::default()).judge(&behind(i64::MAX)), None, "no limit unless asked for");
    }
}
