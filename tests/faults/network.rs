//! The network is cut and neither side hears of it: packets are swallowed, connections stay half open.

use crate::harness::{Next, Pin, Trial, Work, finish};
use crate::scratch::Scratch;
use crate::scratch::bench::signal;
use crate::support::proxy::Proxy;
use std::process::Child;

/// Seconds after which a silent session counts as dead; 60 by default.
const LEASE: [&str; 2] = ["--lease", "2s"];

fn through(proxy: &Proxy, server: &Scratch, work: Work) -> Trial {
    work.trial_via(server, Some(proxy))
}

fn start(trial: &Trial, next: Next, more: &[&str]) -> Child {
    trial.command(next, &[&LEASE, more].concat()).spawn().unwrap()
}

/// The tool's machine is gone without a word: its sessions live on at the server, and with them its lock. The next
/// run, from elsewhere, waits for the lease or is told to take over.
fn the_machine_vanishes(server: &Scratch, work: Work, pin: Pin, next: Next, more: &[&str]) {
    let what = format!("the machine vanishes: {work:?} {pin:?} {next:?} {more:?}");
    let proxy = Proxy::start(&server.at("postgres").host);
    let mut trial = through(&proxy, server, work);
    let (mut child, held) = pin.catch(&trial.bench.database, || start(&trial, trial.first, &[]));
    proxy.cut();
    signal(&child, "KILL");
    child.wait().unwrap();
    trial.bench.database.address = None;
    assert_eq!(trial.bench.database.rows(SESSIONS), ["2"], "{what}: the server has not heard of it");
    held.commit();
    let end = finish(start(&trial, next, more));
    assert!(end.1.contains("waiting for another advisor on t: ") || !more.is_empty(), "{what}: {}", end.1);
    // What does not work and holds no lock stays until the server misses the machine: a real one, not this proxy.
    trial.bench.database.sql(IDLE_WORKERS);
    trial.ends_well(&what, next, end);
}

/// The tool lives; it notices that nothing is answered and connects again once that works.
fn the_line_is_cut_and_heals(server: &Scratch, work: Work, pin: Pin, next: Next) {
    let what = format!("cut and healed: {work:?} {pin:?} {next:?}");
    let proxy = Proxy::start(&server.at("postgres").host);
    let trial = through(&proxy, server, work);
    let (child, held) = pin.catch(&trial.bench.database, || start(&trial, trial.first, &[]));
    proxy.cut();
    std::thread::sleep(std::time::Duration::from_millis(1500));
    proxy.heal();
    held.commit();
    let end = finish(child);
    trial.bench.database.sql(IDLE_WORKERS);
    trial.was_honest(&what, &[0, 5], &end);
    trial.ends_well(&what, next, finish(start(&trial, next, &[])));
}

const SESSIONS: &str = "select count(*) from pg_stat_activity where datname = current_database() and application_name like 'advisor/%'";

const IDLE_WORKERS: &str = "select pg_terminate_backend(pid) from pg_stat_activity
  where datname = current_database() and application_name like 'advisor/% worker' and state = 'idle'";

#[test]
fn a_cut_line_locks_nobody_out_and_loses_nothing() {
    let server = Scratch::start();
    std::thread::scope(|scope| {
        scope.spawn(|| the_machine_vanishes(&server, Work::Build, Pin::Snapshot, Next::Apply, &[]));
        scope.spawn(|| the_machine_vanishes(&server, Work::Build, Pin::Writer, Next::Rollback, &["--take-over"]));
        scope.spawn(|| the_line_is_cut_and_heals(&server, Work::Build, Pin::Scan, Next::Rollback));
    });
}

#[test]
#[ignore = "full matrix: make test-faults"]
fn the_line_is_cut_in_every_phase() {
    let server = Scratch::start();
    let builds = Pin::OF_BUILDS.map(|pin| (Work::Build, pin));
    let drops = Pin::OF_DROPS.map(|pin| (Work::Drop, pin));
    for (work, pin) in builds.into_iter().chain(drops) {
        for next in [Next::Apply, Next::Rollback] {
            std::thread::scope(|scope| {
                scope.spawn(|| the_machine_vanishes(&server, work, pin, next, &[]));
                scope.spawn(|| the_machine_vanishes(&server, work, pin, next, &["--take-over"]));
                scope.spawn(|| the_line_is_cut_and_heals(&server, work, pin, next));
            });
        }
    }
}
