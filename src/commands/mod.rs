//! Floor 4: one verb per file, its flags included. Commands never import each other.

use crate::model::failure::Failure;
use clap::ArgMatches;
use std::future::Future;
use std::pin::Pin;

/// The exit code of a run that did what was asked (0, or 1 for findings), or why it did not.
pub type Outcome = Result<u8, Failure>;

/// A verb.
pub struct Command {
    /// Its name and flags.
    pub clap: fn() -> clap::Command,
    /// True when the verb ends in good order at a signal by itself; the others are dropped where they stand.
    pub handles_signals: bool,
    /// Runs it.
    pub run: fn(ArgMatches) -> Pin<Box<dyn Future<Output = Outcome>>>,
}

crate::registry! {
    /// Every verb, in the order of `--help`.
    pub COMMANDS: Command = [demo, analyze, snapshot, explain, generate, apply, verify, rollback, status, doctor, rule, schema]
}

/// The whole command line.
pub fn command_line() -> clap::Command {
    clap::Command::new("advisor")
        .version(env!("CARGO_PKG_VERSION"))
        .about("An index and query advisor for PostgreSQL")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .max_term_width(100)
        .args(crate::cli::output::global_args())
        .subcommands(COMMANDS.iter().map(|c| (c.clap)()))
}

/// Parses the arguments and runs the verb.
pub async fn run(args: Vec<std::ffi::OsString>) -> Outcome {
    let matches = match command_line().try_get_matches_from(args) {
        Ok(matches) => matches,
        Err(error) => {
            let code = if error.use_stderr() { 2 } else { 0 };
            // clap prints its own help and usage errors, styled.
            let _ = error.print();
            return Ok(code);
        }
    };
    crate::cli::output::apply(&matches);
    let (name, sub) = matches.subcommand().ok_or_else(|| Failure::usage("no command given"))?;
    let command = COMMANDS.iter().find(|c| (c.clap)().get_name() == name).ok_or_else(|| Failure::usage("unknown command"))?;
    let work = (command.run)(sub.clone());
    if command.handles_signals { work.await } else { crate::signals::until_interrupted(work).await }
}
