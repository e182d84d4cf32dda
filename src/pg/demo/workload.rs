//! The workload: every endpoint's requests in a fixed random order, dealt to sessions.

use super::Progress;
use super::app::App;
use super::chance::Chance;
use super::endpoints::{ENDPOINTS, begin};
use crate::model::failure::Failure;
use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

/// Sessions that read, beside the one that writes.
const READERS: usize = 3;

/// How the sessions go about their requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// All at once, as in an app.
    Concurrent,
    /// One request at a time, the sessions by turns: what one writes has the same effect on what another reads in each run.
    InTurn,
}

/// One endpoint's times, as the app saw them.
#[derive(Debug, Clone, PartialEq)]
pub struct EndpointTimes {
    /// Method and path.
    pub endpoint: &'static str,
    /// Requests served.
    pub requests: usize,
    /// Sum over all requests, in milliseconds.
    pub total_ms: f64,
    /// 95 of 100 requests took at most this long, in milliseconds.
    pub p95_ms: f64,
}

/// One run of the whole workload.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkloadRun {
    /// From the first request to the last answer.
    pub wall: Duration,
    /// In the app's own order, every endpoint once.
    pub endpoints: Vec<EndpointTimes>,
}

/// Requests done so far and their times, shared by the sessions (all on one task).
struct Record<'a> {
    times_ms: RefCell<Vec<Vec<f64>>>,
    done: Cell<u64>,
    total: u64,
    progress: &'a Progress<'a>,
}

impl Record<'_> {
    fn add(&self, endpoint: usize, took: Duration) {
        self.times_ms.borrow_mut()[endpoint].push(took.as_secs_f64() * 1000.0);
        self.done.set(self.done.get() + 1);
        (self.progress)(self.done.get(), self.total, ENDPOINTS[endpoint].name);
    }
}

/// Runs the app's workload against the demo's database at `url`. The same seed gives the same
/// requests with the same parameters, each session in the same order, except for ids of new rows.
pub async fn run_workload(url: &str, seed: u64, pace: Pace, progress: &Progress<'_>) -> Result<WorkloadRun, Failure> {
    let [writes, a, b, c] = deal(seed);
    let total = [&writes, &a, &b, &c].iter().map(|requests| requests.len() as u64).sum();
    let record = Record { times_ms: RefCell::new(vec![Vec::new(); ENDPOINTS.len()]), done: Cell::new(0), total, progress };
    let (mut app_w, mut app_a, mut app_b, mut app_c) = tokio::try_join!(
        App::open(url, seed.wrapping_add(1)),
        App::open(url, seed.wrapping_add(2)),
        App::open(url, seed.wrapping_add(3)),
        App::open(url, seed.wrapping_add(4)),
    )?;
    let start = Instant::now();
    match pace {
        Pace::Concurrent => {
            tokio::try_join!(
                serve(&mut app_w, &writes, &record),
                serve(&mut app_a, &a, &record),
                serve(&mut app_b, &b, &record),
                serve(&mut app_c, &c, &record),
            )?;
        }
        Pace::InTurn => {
            let mut sessions = [(&mut app_w, &writes), (&mut app_a, &a), (&mut app_b, &b), (&mut app_c, &c)];
            for turn in 0..writes.len().max(a.len()) {
                for (app, requests) in &mut sessions {
                    serve(app, requests.get(turn..=turn).unwrap_or_default(), &record).await?;
                }
            }
        }
    }
    let wall = start.elapsed();
    let endpoints = record.times_ms.into_inner().into_iter().enumerate().map(|(endpoint, times)| summarise(endpoint, times)).collect();
    Ok(WorkloadRun { wall, endpoints })
}

async fn serve(app: &mut App, requests: &[usize], record: &Record<'_>) -> Result<(), Failure> {
    for &endpoint in requests {
        let start = Instant::now();
        begin(app).await?;
        (ENDPOINTS[endpoint].serve)(app).await?;
        record.add(endpoint, start.elapsed());
    }
    Ok(())
}

/// Which endpoint each session asks for, in order: first the writing session, then the reading ones.
fn deal(seed: u64) -> [Vec<usize>; READERS + 1] {
    let mut hands: [Vec<usize>; READERS + 1] = Default::default();
    let requests = |writes| ENDPOINTS.iter().enumerate().filter(move |(_, e)| e.writes == writes).flat_map(|(i, e)| vec![i; e.requests]);
    let mut reads: Vec<usize> = requests(false).collect();
    hands[0] = requests(true).collect();
    let mut chance = Chance::new(seed);
    chance.shuffle(&mut hands[0]);
    chance.shuffle(&mut reads);
    for (i, request) in reads.into_iter().enumerate() {
        hands[1 + i % READERS].push(request);
    }
    hands
}

fn summarise(endpoint: usize, mut times_ms: Vec<f64>) -> EndpointTimes {
    times_ms.sort_by(f64::total_cmp);
    // Nearest rank: the smallest time that at least 95 of 100 requests do not exceed.
    let rank = (times_ms.len() * 95).div_ceil(100).max(1) - 1;
    EndpointTimes {
        endpoint: ENDPOINTS[endpoint].name,
        requests: times_ms.len(),
        total_ms: times_ms.iter().sum(),
        p95_ms: times_ms.get(rank).copied().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_is_dealt_once_and_the_same_way_again() {
        let hands = deal(5);
        assert_eq!(hands, deal(5));
        assert_ne!(hands, deal(6));
        for (i, endpoint) in ENDPOINTS.iter().enumerate() {
            assert_eq!(hands.iter().flatten().filter(|request| **request == i).count(), endpoint.requests, "{}", endpoint.name);
        }
        assert!(hands[0].iter().all(|request| ENDPOINTS[*request].writes));
    }

    #[test]
    fn the_95th_percentile_is_a_measured_time() {
        let times = summarise(0, (1..=100).rev().map(f64::from).collect());
        assert_eq!((times.total_ms, times.p95_ms), (5050.0, 95.0));
        assert_eq!(summarise(0, vec![3.0]).p95_ms, 3.0);
    }
}
