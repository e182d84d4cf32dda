//! The tool is asked to stop, its statement is cancelled, or its connections are ended.

use crate::harness::{Case, Fault, Next, Pin, Release, Work, all, matrix};

#[test]
fn stopped_while_building() {
    let case = |pin, fault, next| Case { work: Work::Build, pin, fault, release: Release::During, next };
    all(&[
        case(Pin::TableLock, Fault::Interrupt, Next::Rollback),
        case(Pin::Writer, Fault::Term, Next::Apply),
        case(Pin::Scan, Fault::Cancel, Next::Rollback),
        case(Pin::LateWriter, Fault::TerminateWorker, Next::Apply),
        case(Pin::Validation, Fault::TerminateControl, Next::Apply),
        case(Pin::Snapshot, Fault::TerminateBoth, Next::Rollback),
    ]);
}

#[test]
#[ignore = "full matrix: make test-faults"]
fn stopped_in_every_phase_of_a_build() {
    all(&matrix(&[Work::Build, Work::Undrop], &Fault::SURVIVED, &[Release::During]));
}

#[test]
#[ignore = "full matrix: make test-faults"]
fn stopped_in_every_phase_of_a_drop() {
    all(&matrix(&[Work::Drop, Work::Unbuild], &Fault::SURVIVED, &[Release::During]));
}
