//! Every fault that `apply` and `rollback` must survive, on real servers: once each by default, the full
//! matrix with `make test-faults`.

mod cancel;
mod data;
mod disk;
mod drops;
mod harness;
mod identity;
mod kill;
mod load;
mod names;
mod network;
mod race;
#[path = "../scratch/mod.rs"]
mod scratch;
mod server;
#[path = "../support/mod.rs"]
mod support;
mod timeouts;
