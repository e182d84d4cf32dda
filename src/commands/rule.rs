//! `advisor rule`: the rules' own pages.

use super::{Command, Outcome};
use crate::model::failure::Failure;
use crate::rules::{self, RULES};
use crate::term;
use clap::{ArgMatches, Args, FromArgMatches};

// The flags; a doc comment here would become the help text.
#[derive(Debug, Args)]
struct Options {
    /// Rule to explain
    name: Option<String>,
    /// List all rules with one line each
    #[arg(long, conflicts_with = "name")]
    list: bool,
}

pub(super) static ENTRY: Command = Command {
    clap: || Options::augment_args(clap::Command::new("rule").about("Explain a rule: what it finds, why it matters, how to fix it")),
    handles_signals: false,
    run: |matches| Box::pin(run(matches)),
};

async fn run(matches: ArgMatches) -> Outcome {
    let options = Options::from_arg_matches(&matches).map_err(|e| Failure::usage(e.to_string()))?;
    match options.name {
        Some(name) => term::print(&rules::find(&name)?.page()),
        // Without a name there is nothing to explain but the choice.
        None => term::print(&list()),
    }
    Ok(0)
}

/// One line per rule.
fn list() -> String {
    let width = RULES.iter().map(|r| r.name.len()).max().unwrap_or(0);
    RULES.iter().map(|r| format!("{:width$}  {}\n", r.name, r.summary)).collect()
}
