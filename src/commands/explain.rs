//! `advisor explain`: what is wrong with a plan that someone pasted.

use super::{Command, Outcome};
use crate::model::failure::Failure;
use crate::model::text::one_line;
use crate::read::explain;
use crate::report::Style;
use crate::report::plan::PLAN_FORMATS;
use crate::{disk, term};
use clap::builder::PossibleValuesParser;
use clap::{ArgMatches, Args, FromArgMatches};
use std::path::{Path, PathBuf};

// The flags; a doc comment here would become the help text.
#[derive(Debug, Args)]
struct Options {
    /// Output of EXPLAIN [ANALYZE], text or JSON; - or nothing is standard input
    file: Option<PathBuf>,
    /// How to write it
    #[arg(long, default_value = PLAN_FORMATS[0].0, value_parser = PossibleValuesParser::new(PLAN_FORMATS.iter().map(|f| f.0)))]
    format: String,
}

pub(super) static ENTRY: Command = Command {
    clap: || Options::augment_args(clap::Command::new("explain").about("Read EXPLAIN output and say what is wrong with the plan")),
    handles_signals: false,
    run: |matches| Box::pin(run(matches)),
};

async fn run(matches: ArgMatches) -> Outcome {
    let options = Options::from_arg_matches(&matches).map_err(|e| Failure::usage(e.to_string()))?;
    let path = match &options.file {
        Some(path) => path.as_path(),
        None if term::input_is_terminal() => return Err(no_input()),
        None => Path::new("-"),
    };
    let reading = explain::read(&disk::read_text(path)?);
    if reading.plans.is_empty() {
        let why = reading.problems.first().map(|p| one_line(p)).unwrap_or_else(|| "no EXPLAIN output found".to_owned());
        let failure = Failure::usage(format!("{}: {why}", source(path)));
        return Err(failure.hint("psql -XAt -c 'EXPLAIN (ANALYZE, BUFFERS) SELECT …' | advisor explain"));
    }
    let style = Style { width: term::width(), ..Style::default() };
    let write = PLAN_FORMATS.iter().find(|(name, _)| *name == options.format).map_or(PLAN_FORMATS[0].1, |(_, write)| *write);
    term::print(&write(&reading.plans, &reading.problems, &style));
    Ok(0)
}

fn source(path: &Path) -> String {
    if path == Path::new("-") { "standard input".to_owned() } else { one_line(&path.display().to_string()) }
}

fn no_input() -> Failure {
    Failure::usage("nothing to read: pass a file, or EXPLAIN output on standard input")
        .hint("advisor explain plan.txt")
        .hint("psql -XAt -c 'EXPLAIN (ANALYZE, BUFFERS) SELECT …' | advisor explain")
}
