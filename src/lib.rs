//! `advisor`: an index and query advisor for PostgreSQL.
//!
//! The map. Arrows mean "may import" and go only down; modules on one floor do not import each
//! other (`tests/tidy.rs` holds these walls).
//!
//! ```text
//!  5  src/main.rs       parse, run, turn a Failure into an exit code
//!  4  src/commands/     one verb per file, its flags included    src/cli/  shared flags
//!  3  src/flow/         loops that carry questions and answers between 2a and 2b
//!  2a src/rules/ src/sampling/ src/candidates/ src/select/ src/migrate/ src/apply/ src/report/ src/redact/    pure, no IO
//!  2b src/pg/ src/disk.rs src/term.rs src/signals.rs                               the only IO
//!  1  src/read/         text -> model: SQL, EXPLAIN; never fails, reports problems
//!  0  src/model/        plain data, imports nothing of ours
//! ```
//!
//! `registry.rs` (a macro) stands beside the floors.

#![warn(missing_docs)]

#[cfg(not(unix))]
compile_error!("advisor runs on Linux, macOS and other Unix systems; on Windows use WSL");

mod registry;

pub mod model;
pub mod read;

pub mod apply;
pub mod candidates;
pub mod migrate;
pub mod redact;
pub mod report;
pub mod rules;
pub mod sampling;
pub mod select;

pub mod disk;
pub mod pg;
pub mod signals;
pub mod term;

pub mod flow;

pub mod cli;
pub mod commands;
