//! How a verb is told which database.

use clap::Args;

/// Where to connect.
#[derive(Debug, Clone, Default, Args)]
pub struct ConnectionArgs {
    /// Database: a URL (postgresql://user@host/db) or key=value string; default: DATABASE_URL, then PG* variables
    #[arg(long = "db", short = 'd', value_name = "URL", global = false)]
    pub db: Option<String>,
}
