//! How a verb is told which ledger.

use clap::Args;
use std::path::PathBuf;

/// Where the ledger is.
#[derive(Debug, Clone, Default, Args)]
pub struct LedgerArgs {
    /// Keep the ledger in this file; default: schema advisor of the database, or, where the role may not make it, a file
    /// under $XDG_STATE_HOME/advisor
    #[arg(long, value_name = "FILE")]
    pub ledger: Option<PathBuf>,
}
