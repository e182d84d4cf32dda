//! The tool is killed; its backend goes on, or is ended too.

use crate::harness::{Case, Fault, Next, Pin, Release, Work, all, each, finish, matrix};
use crate::scratch::Scratch;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

const BOTH: [Release; 2] = [Release::Before, Release::During];

#[test]
fn killed_while_building() {
    let case = |pin, fault, release, next| Case { work: Work::Build, pin, fault, release, next };
    all(&[
        case(Pin::TableLock, Fault::Kill, Release::Before, Next::Apply),
        case(Pin::Writer, Fault::Kill, Release::During, Next::Rollback),
        case(Pin::Scan, Fault::KillAndTerminate, Release::During, Next::Apply),
        case(Pin::LateWriter, Fault::KillAndCancel, Release::Before, Next::Rollback),
        case(Pin::Validation, Fault::Kill, Release::Before, Next::Apply),
        case(Pin::Snapshot, Fault::KillAndTerminate, Release::Before, Next::Apply),
    ]);
}

#[test]
#[ignore = "full matrix: make test-faults"]
fn killed_in_every_phase_of_a_build() {
    all(&matrix(&[Work::Build, Work::Undrop], &Fault::DEADLY, &BOTH));
}

#[test]
#[ignore = "full matrix: make test-faults"]
fn killed_in_every_phase_of_a_drop() {
    all(&matrix(&[Work::Drop, Work::Unbuild], &Fault::DEADLY, &BOTH));
}

/// More points than any run has: one right before and one right after each of its effects.
const MOST_POINTS: usize = 80;

/// The work killed at this point, then the next command. False when it has fewer points.
fn killed_at(server: &Scratch, work: Work, point: usize, next: Next) -> bool {
    let what = format!("{work:?} killed at point {point}, then {next:?}");
    let trial = work.trial(server);
    let mut command = trial.command(trial.first, &[]);
    let end = finish(command.env("ADVISOR_KILL_AT", point.to_string()).spawn().unwrap());
    trial.was_honest(&what, &[-1, 0], &end);
    trial.ends_well(&what, next, finish(trial.start(next)));
    server.drop_database(&trial.bench.database.name);
    end.0 == -1
}

/// At every point, until one is beyond the end. `next` says what follows at a point.
fn killed_everywhere(work: Work, next: impl Fn(usize) -> Vec<Next> + Sync) {
    let server = Scratch::start();
    let end = AtomicUsize::new(MOST_POINTS);
    let points: Vec<usize> = (1..MOST_POINTS).collect();
    each(&points, |&point| {
        for next in next(point) {
            if point < end.load(SeqCst) && !killed_at(&server, work, point, next) {
                end.fetch_min(point, SeqCst);
            }
        }
    });
    let end = end.into_inner();
    assert!((11..MOST_POINTS).contains(&end), "{work:?} has {end} points");
}

/// Before one effect and after the next: the points of an effect follow one another.
#[test]
fn killed_before_or_after_every_effect() {
    killed_everywhere(Work::Build, |point| match point % 8 {
        1 | 4 => vec![Next::Apply],
        5 | 0 => vec![Next::Rollback],
        _ => Vec::new(),
    });
}

#[test]
#[ignore = "full matrix: make test-faults"]
fn killed_before_and_after_every_effect_of_all_work() {
    for work in [Work::Build, Work::Drop, Work::Unbuild, Work::Undrop] {
        killed_everywhere(work, |_| vec![Next::Apply, Next::Rollback]);
    }
}
