//! Every fault that `apply` and `rollback` must survive, on real servers: once each by default, the full
//! matrix with `make test-faults`.

mod cancel;
mod harness;
mod kill;
#[path = "../scratch/mod.rs"]
mod scratch;
#[path = "../support/mod.rs"]
mod support;
