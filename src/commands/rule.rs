//! `advisor rule`: the rules' own pages.

use super::{Command, Outcome};
use clap::{ArgMatches, Args, FromArgMatches};

// The flags; a doc comment here would become the help text.
#[derive(Debug, Args)]
struct Options {
    /// Rule to explain
    name: Option<String>,
    /// List all rules with one line each
    #[arg(long)]
    list: bool,
}

pub(super) static ENTRY: Command = Command {
    clap: || Options::augment_args(clap::Command::new("rule").about("Explain a rule: what it finds, why it matters, how to fix it")),
    handles_signals: false,
    run: |matches| Box::pin(run(matches)),
};

async fn run(matches: ArgMatches) -> Outcome {
    let _options = Options::from_arg_matches(&matches).map_err(|e| crate::model::failure::Failure::usage(e.to_string()))?;
    Ok(0)
}
