//! DROP INDEX CONCURRENTLY waits twice; after the first look the index is of no use to plans, after the second it is
//! dead. Whatever ends it there, apply finishes the drop and rollback brings the index back.

use crate::harness::{Case, Fault, Next, Pin, Release, Work, all};

#[test]
fn a_drop_is_ended_in_either_wait() {
    let case = |work, pin, fault, next| Case { work, pin, fault, release: Release::During, next };
    all(&[
        case(Work::Drop, Pin::Reader, Fault::Kill, Next::Apply),
        case(Work::Drop, Pin::Reader, Fault::Cancel, Next::Rollback),
        case(Work::Drop, Pin::LateReader, Fault::KillAndTerminate, Next::Rollback),
        case(Work::Drop, Pin::LateReader, Fault::Term, Next::Apply),
        case(Work::Unbuild, Pin::Reader, Fault::TerminateWorker, Next::Apply),
        case(Work::Unbuild, Pin::LateReader, Fault::Cancel, Next::Rollback),
    ]);
}
