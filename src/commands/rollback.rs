//! `advisor rollback`: take changes back.

use super::{Command, Outcome};
use crate::cli::connection::ConnectionArgs;
use crate::cli::ledger::LedgerArgs;
use crate::cli::watch::WatchArgs;
use crate::flow::again::Again;
use crate::flow::rollback::{RollbackOptions, Which, rollback};
use crate::model::failure::Failure;
use clap::{ArgMatches, Args, FromArgMatches};

// The flags; a doc comment here would become the help text.
#[derive(Debug, Args)]
#[group(id = "which", required = true, multiple = false)]
struct Chosen {
    /// Entries of the ledger
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// The last run, its steps in reverse
    #[arg(long)]
    last: bool,
    /// All that was applied after this entry or run, which itself stays
    #[arg(long, value_name = "ID|RUN")]
    to: Option<String>,
    /// Everything in the ledger, newest first
    #[arg(long)]
    all: bool,
}

#[derive(Debug, Args)]
struct Options {
    #[command(flatten)]
    chosen: Chosen,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Show what would be done and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    ledger: LedgerArgs,
    #[command(flatten)]
    watch: WatchArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

pub(super) static ENTRY: Command = Command {
    handles_signals: true,
    clap: || {
        Options::augment_args(clap::Command::new("rollback"))
            .about("Take back what apply did: drop what it built, build what it dropped")
            .after_help(
                "Only what the ledger says is ours is dropped, and only while its definition is unchanged. What was there \
                 before apply is kept. The ledger itself stays.",
            )
    },
    run: |matches| Box::pin(run(matches)),
};

async fn run(matches: ArgMatches) -> Outcome {
    let options = Options::from_arg_matches(&matches).map_err(|e| Failure::usage(e.to_string()))?;
    let which = match options.chosen {
        Chosen { last: true, .. } => Which::Last,
        Chosen { all: true, .. } => Which::All,
        Chosen { to: Some(last_kept), .. } => Which::After(last_kept),
        Chosen { ids, .. } => Which::Ids(ids),
    };
    let how = RollbackOptions {
        again: Again::new(options.connection.db.as_deref(), options.ledger.ledger.as_deref()),
        target: options.connection.db,
        yes: options.yes,
        dry_run: options.dry_run,
        ledger: options.ledger.ledger,
        which,
        limits: options.watch.limits(),
    };
    rollback(&how).await
}
