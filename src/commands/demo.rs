//! `advisor demo`: the whole job on a database of our own.

use super::{Command, Outcome};
use crate::flow::demo::{DemoOptions, demo};
use crate::model::failure::Failure;
use crate::report::Style;
use crate::term;
use clap::{ArgMatches, Args, FromArgMatches};
use std::path::PathBuf;

// The flags; a doc comment here would become the help text.
#[derive(Debug, Args)]
struct Options {
    /// PostgreSQL server binaries to start
    #[arg(long, value_name = "DIR")]
    pg_bindir: Option<PathBuf>,
    /// Leave the server running and say how to connect to it
    #[arg(long)]
    keep: bool,
}

pub(super) static ENTRY: Command = Command {
    clap: || {
        Options::augment_args(clap::Command::new("demo"))
            .about("Show the whole job on a throw-away server: analyze, generate, apply, measure, roll back")
            .after_help("Needs the PostgreSQL server binaries on this machine. Touches no other database, leaves nothing behind; takes half a minute to two.")
    },
    handles_signals: false,
    run: |matches| Box::pin(run(matches)),
};

async fn run(matches: ArgMatches) -> Outcome {
    let options = Options::from_arg_matches(&matches).map_err(|e| Failure::usage(e.to_string()))?;
    demo(&DemoOptions { pg_bindir: options.pg_bindir, keep: options.keep, style: Style { width: term::width(), verbose: false } }).await
}
