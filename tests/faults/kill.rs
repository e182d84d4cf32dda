//! The tool is killed; its backend goes on, or is ended too.

use crate::harness::{Case, Fault, Next, Pin, Release, Work, all, matrix};

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
