//! `advisor snapshot`: schema, statistics and workload of a database in one file, for an analysis without it.

use super::{Command, Outcome};
use crate::cli::connection::DatabaseArgs;
use crate::cli::output::AnswerFormat;
use crate::flow::snapshot::{TakeOptions, open, take};
use crate::model::failure::Failure;
use crate::model::index_def::TableName;
use crate::model::text::one_line;
use crate::read::snapshot_file;
use crate::redact::Keep;
use crate::report::Style;
use crate::report::snapshot::{json, text};
use crate::report::units::bytes;
use crate::{disk, term};
use clap::{ArgMatches, Args, FromArgMatches, Subcommand};
use std::path::PathBuf;

// The flags; a doc comment here would become the help text.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
struct Options {
    #[command(subcommand)]
    show: Option<Show>,
    #[command(flatten)]
    database: DatabaseArgs,
    /// Write the snapshot to this file
    #[arg(long, short = 'o', value_name = "FILE", required = true)]
    output: Option<PathBuf>,
    /// Do not ask for the least and greatest value of each index (two index look-ups each, 0.2 s at most)
    #[arg(long)]
    no_endpoints: bool,
    /// Keep values as they are: all of them, or those of these tables (SCHEMA.TABLE,…). Without it values become pseudonyms
    #[arg(long, value_name = "TABLES", num_args = 0..=1, require_equals = true, value_delimiter = ',')]
    with_values: Option<Vec<String>>,
    /// Plan at most this many queries on the server, for the self-check, most total time first
    #[arg(long, value_name = "N", default_value_t = 500)]
    max_queries: usize,
}

#[derive(Debug, Subcommand)]
enum Show {
    /// Say what is in a snapshot file
    Show {
        /// The file
        file: PathBuf,
        /// How to write the answer
        #[arg(long, value_enum, default_value_t = AnswerFormat::Text)]
        format: AnswerFormat,
    },
}

pub(super) static ENTRY: Command = Command {
    clap: || {
        Options::augment_args(clap::Command::new("snapshot"))
            .about("Write schema, statistics and workload into a file that analyze reads in place of the database")
            .after_help("Only catalog reads, plain EXPLAIN and one look at each end of an index are sent; no row is read otherwise.")
    },
    handles_signals: false,
    run: |matches| Box::pin(run(matches)),
};

async fn run(matches: ArgMatches) -> Outcome {
    let options = Options::from_arg_matches(&matches).map_err(|e| Failure::usage(e.to_string()))?;
    let style = Style { width: term::width(), ..Style::default() };
    if let Some(Show::Show { file, format }) = options.show {
        let snapshot = open(&file)?;
        term::print(&match format {
            AnswerFormat::Text => text(&snapshot, &style),
            AnswerFormat::Json => json(&snapshot),
        });
        return Ok(0);
    }
    let path = options.output.ok_or_else(|| Failure::usage("--output FILE is missing"))?;
    // Before the server is asked for anything.
    if path.is_dir() {
        return Err(Failure::usage(format!("{} is a folder; --output names a file", path.display())).hint("--output production.snapshot"));
    }
    let target = options.database.target().map(str::to_owned);
    let taken = take(&TakeOptions { target, endpoints: !options.no_endpoints, max_queries: options.max_queries, keep: keep(options.with_values) }).await?;
    let file = snapshot_file::write(&taken).map_err(|e| Failure::usage(format!("cannot write the snapshot: {e}")))?;
    disk::write_bytes(&path, &file)?;
    term::print(&text(&taken, &style));
    let name = one_line(&path.display().to_string());
    term::note(&format!("{} written to {name}; analyze it with `advisor analyze --snapshot {name}`", bytes(file.len() as f64)));
    Ok(0)
}

fn keep(with_values: Option<Vec<String>>) -> Keep {
    let table = |name: &String| match name.split_once('.') {
        Some((schema, table)) => TableName::new(schema, table),
        None => TableName::new("public", name),
    };
    match with_values {
        None => Keep::Nothing,
        Some(names) if names.is_empty() => Keep::Everything,
        Some(names) => Keep::Tables(names.iter().map(table).collect()),
    }
}
