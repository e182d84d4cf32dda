//! `advisor doctor`: is this server ready for us, and what would help?

use super::{Command, Outcome};
use crate::cli::connection::DatabaseArgs;
use crate::cli::output::AnswerFormat;
use crate::flow::doctor::examine;
use crate::model::failure::Failure;
use crate::report::Style;
use crate::report::doctor::{json, text};
use crate::term;
use clap::{ArgMatches, Args, FromArgMatches};

// The flags; a doc comment here would become the help text.
#[derive(Debug, Args)]
struct Options {
    #[command(flatten)]
    database: DatabaseArgs,
    /// How to write the answer
    #[arg(long, value_enum, default_value_t = AnswerFormat::Text)]
    format: AnswerFormat,
}

pub(super) static ENTRY: Command = Command {
    clap: || {
        Options::augment_args(clap::Command::new("doctor"))
            .about("Check connection, version, extensions, privileges and settings, and say what to do")
            .after_help("Nothing is changed. Exit code: 0 checked, whatever was found; 3 not reachable; 4 analyze could do nothing here.")
    },
    handles_signals: false,
    run: |matches| Box::pin(run(matches)),
};

/// Exit 4 when analyze could do nothing here; attention and lesser problems are 0.
const NOTHING_TO_ANALYSE: u8 = 4;

async fn run(matches: ArgMatches) -> Outcome {
    let options = Options::from_arg_matches(&matches).map_err(|e| Failure::usage(e.to_string()))?;
    let (diagnosis, notes) = examine(options.database.target()).await?;
    for note in notes {
        term::note(&format!("note: {note}"));
    }
    term::print(&match options.format {
        AnswerFormat::Text => text(&diagnosis, &Style { width: term::width(), ..Style::default() }),
        AnswerFormat::Json => json(&diagnosis),
    });
    Ok(if diagnosis.checks.iter().any(|check| check.stops_analysis) { NOTHING_TO_ANALYSE } else { 0 })
}
