//! How a verb is told which database.

use clap::Args;

/// Where to connect.
#[derive(Debug, Clone, Default, Args)]
pub struct ConnectionArgs {
    /// Database: a URL (postgresql://user@host/db) or key=value string; default: DATABASE_URL, then PG* variables
    #[arg(long = "db", short = 'd', value_name = "URL", global = false)]
    pub db: Option<String>,
}

/// Where to connect, named as an argument or by --db.
#[derive(Debug, Clone, Default, Args)]
pub struct DatabaseArgs {
    /// Database, as --db takes it
    #[arg(value_name = "URL", conflicts_with = "db")]
    url: Option<String>,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl DatabaseArgs {
    /// What the user named; `None` leaves it to the environment.
    pub fn target(&self) -> Option<&str> {
        self.url.as_deref().or(self.connection.db.as_deref())
    }

    /// The argument without a flag, where there is one.
    pub fn argument(&self) -> Option<&str> {
        self.url.as_deref()
    }
}
