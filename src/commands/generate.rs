//! `advisor generate`: advice to migration files.

use super::{Command, Outcome};
use crate::cli::connection::ConnectionArgs;
use crate::flow::analyse::{Analysis, analyse};
use crate::flow::generate::{WriteOptions, partitioned_tables, write_files};
use crate::migrate::formats::FORMATS;
use crate::model::failure::Failure;
use crate::model::report::Report;
use crate::pg::session::{Purpose, Session};
use crate::read::saved_report;
use crate::{disk, pg, term};
use clap::{ArgMatches, Args, FromArgMatches};
use std::collections::BTreeMap;
use std::path::PathBuf;

// The flags; a doc comment here would become the help text.
#[derive(Debug, Args)]
struct Options {
    /// Report written by `advisor analyze --format json`, `-` for standard input; without it the database is analysed now
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Folder to write to
    #[arg(long, short, value_name = "DIR", default_value = "migrations")]
    output: PathBuf,
    /// Migration tool
    #[arg(long, default_value = "plain", value_parser = clap::builder::PossibleValuesParser::new(FORMATS.iter().map(|f| f.name)))]
    format: String,
    /// For a database where `advisor apply` may have built the indexes: files that check instead of failing
    #[arg(long)]
    after_apply: bool,
    /// Only the advice with these ids
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    only: Vec<String>,
    /// Digits in front of the file names [default: the time, UTC]
    #[arg(long, value_name = "DIGITS")]
    stamp: Option<String>,
    #[command(flatten)]
    connection: ConnectionArgs,
}

pub(super) static ENTRY: Command = Command {
    handles_signals: false,
    clap: || {
        Options::augment_args(clap::Command::new("generate")).about("Write migration files: one pair per index, up and down").after_help(
            "Nothing is changed. With --report the database is read only for the partitions of a partitioned table, and only with --db.\n\
             Apply the files with psql -v ON_ERROR_STOP=1 -f, never with -1; or give them to `advisor apply`.",
        )
    },
    run: |matches| Box::pin(run(matches)),
};

async fn run(matches: ArgMatches) -> Outcome {
    let options = Options::from_arg_matches(&matches).map_err(|e| Failure::usage(e.to_string()))?;
    let target = options.connection.db;
    let live = options.report.is_none();
    let report = match &options.report {
        Some(path) => read_report(path)?,
        None => analyse(&Analysis::of(target.clone())).await?,
    };
    let mut members = BTreeMap::new();
    let partitioned = partitioned_tables(&report, &options.only);
    if (live || target.is_some()) && !partitioned.is_empty() {
        let session = Session::open(target.as_deref(), &Purpose::reading("generate")).await?;
        for table in partitioned {
            members.insert(table.clone(), pg::partitions::members(&session.client, &table).await?);
        }
    }
    let written = write_files(
        &report,
        &WriteOptions {
            folder: options.output,
            format: options.format,
            after_apply: options.after_apply,
            only: options.only,
            stamp: options.stamp.unwrap_or_else(|| jiff::Timestamp::now().strftime("%Y%m%d%H%M%S").to_string()),
            members,
        },
    )?;
    if written.is_empty() {
        term::note("the report advises nothing: no file written");
    }
    term::print(&written.iter().map(|path| format!("{}\n", path.display())).collect::<String>());
    Ok(0)
}

fn read_report(path: &std::path::Path) -> Result<Report, Failure> {
    let text = disk::read_text(path)?;
    let refused = |why| {
        Failure::usage(format!("cannot use {}: {why}", path.display())).hint("write a report: advisor analyze --format json --output report.json")
    };
    saved_report::read(&text).map_err(refused)
}
