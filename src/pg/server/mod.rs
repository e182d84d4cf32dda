//! A PostgreSQL of our own: a throw-away cluster on a unix socket in a temporary folder. It serves
//! the demo, the tests and the what-if clone.
//!
//! ```text
//! find.rs      where the server binaries are
//! start.rs     initdb, start, wait until it answers; stop and delete on Drop
//! folder.rs    the temporary folder, and the lock that says its owner lives
//! process.rs   starting and ending the server's processes
//! reap.rs      what a killed run left behind
//! account.rs   the unprivileged account that root hands over to
//! ```
//!
//! Why not a crate: `pgtemp` takes only binaries on PATH (Debian and Red Hat keep them elsewhere)
//! and leaves the server running after a SIGKILL; `postgresql_embedded` downloads its own server
//! and brings an HTTP and a second TLS stack. Both start with `pg_ctl`, which some packages of
//! server binaries leave out; `initdb` and `postgres` are all we need.
//!
//! How it ends: `Drop` stops the server and deletes the folder, so a normal exit, an error and a
//! panic need nothing more, and [`crate::signals`] turns SIGINT, SIGTERM and SIGHUP into dropping.
//! SIGKILL leaves both; the next [`Server::start`] finds and removes them. Not `PR_SET_PDEATHSIG`:
//! it exists on Linux alone and fires when the *thread* that started the server ends, which in an
//! asynchronous runtime is any time.

mod account;
mod find;
mod folder;
mod process;
mod reap;
mod start;

pub use find::{Binaries, find, find_all, find_major};
pub use reap::reap;
pub use start::{Kept, Server, ServerOptions};
