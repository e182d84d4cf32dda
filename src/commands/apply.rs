//! `advisor apply`: make the changes of a report or of migration files.

use super::{Command, Outcome};
use crate::cli::amounts::bytes;
use crate::cli::connection::ConnectionArgs;
use crate::cli::ledger::LedgerArgs;
use crate::cli::watch::WatchArgs;
use crate::flow::again::Again;
use crate::flow::apply::{ApplyOptions, apply};
use crate::flow::wanted;
use crate::model::failure::Failure;
use clap::{ArgMatches, Args, FromArgMatches};
use std::path::PathBuf;

// The flags; a doc comment here would become the help text.
#[derive(Debug, Args)]
struct Options {
    /// A report (JSON), a folder of .up.sql files, or files; `-` is standard input
    #[arg(required = true, value_name = "REPORT|DIR|FILE")]
    inputs: Vec<PathBuf>,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Show the plan and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Drop indexes too; without it only creates are made
    #[arg(long)]
    drops: bool,
    /// Only the changes with these ids
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    only: Vec<String>,
    /// Drop INVALID indexes of a wanted definition that others left, and build them anew
    #[arg(long)]
    adopt_invalid: bool,
    /// Check every built B-tree with the extension amcheck: reads index and table whole
    #[arg(long)]
    amcheck: bool,
    /// The report that migration files were written from: it knows the queries that their indexes are for
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Free space on the server where indexes and temporary files go: 20GB, 500MiB. Builds that do not fit are refused
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    free_bytes: Option<f64>,
    /// How to print the plan of --dry-run
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = ["text", "json"], requires_if("json", "dry_run"))]
    format: String,
    #[command(flatten)]
    watch: WatchArgs,
    #[command(flatten)]
    ledger: LedgerArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

pub(super) static ENTRY: Command = Command {
    handles_signals: true,
    clap: || {
        Options::augment_args(clap::Command::new("apply"))
            .about("Build (and drop) indexes without blocking, recorded so that it can be rolled back")
            .after_help(
                "A file may hold CREATE INDEX CONCURRENTLY and DROP INDEX CONCURRENTLY, or what generate wrote; anything else is refused.\n\
                 What is run: those two; on partitioned tables CREATE INDEX ON ONLY and ALTER INDEX ATTACH PARTITION, and DROP INDEX to take \
                 it back; ALTER INDEX RENAME where one index replaces another of its name; COMMENT ON INDEX and ALTER INDEX SET STATISTICS \
                 to bring a dropped index back as it was; ANALYZE after an index on an expression; and the ledger's own schema.\n\
                 Every step is written to the ledger before it acts: schema advisor of the database, or a file where the role may not make it. A run that was \
                 stopped or killed is finished or cleaned up by the next one. A dropped INVALID index does not come back.\n\
                 Exit codes: 0 done or declined, 5 a step failed and left nothing, 6 it needs you, 130 stopped.",
            )
    },
    run: |matches| Box::pin(run(matches)),
};

async fn run(matches: ArgMatches) -> Outcome {
    let options = Options::from_arg_matches(&matches).map_err(|e| Failure::usage(e.to_string()))?;
    let mut wanted = wanted::read(&options.inputs, &options.only)?;
    if let Some(report) = &options.report {
        wanted::lend_queries(&mut wanted, report)?;
    }
    let how = ApplyOptions {
        limits: options.watch.limits(),
        again: Again::new(options.connection.db.as_deref(), options.ledger.ledger.as_deref()),
        target: options.connection.db,
        yes: options.yes,
        dry_run: options.dry_run,
        drops: options.drops,
        ledger: options.ledger.ledger,
        adopt_invalid: options.adopt_invalid,
        amcheck: options.amcheck,
        free_bytes: options.free_bytes,
        json: options.format == "json",
    };
    apply(wanted, &how).await
}
