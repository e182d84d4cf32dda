//! Builds the demo's database from the scripts under `sql/demo/`.

use super::{Progress, connect, failed};
use crate::model::failure::{Failure, FailureKind};
use std::time::{Duration, Instant};
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

/// What to say while it runs, and the script; each is one transaction.
const SCRIPTS: &[(&str, &str)] = &[
    ("creating tables", include_str!("../../../sql/demo/schema.sql")),
    ("loading users, profiles and followers", include_str!("../../../sql/demo/people.sql")),
    ("loading conversations and messages", include_str!("../../../sql/demo/talk.sql")),
    ("loading posts, likes and comments", include_str!("../../../sql/demo/feed.sql")),
    ("loading agents, updates and documents", include_str!("../../../sql/demo/work.sql")),
    ("adding primary and foreign keys", include_str!("../../../sql/demo/keys.sql")),
    ("building the app's own indexes", include_str!("../../../sql/demo/indexes.sql")),
];
const INVALID_INDEX: &str = include_str!("../../../sql/demo/invalid_index.sql");
const ROWS: &str = include_str!("../../../sql/demo/rows.sql");
const STEPS: u64 = SCRIPTS.len() as u64 + 2;

/// What was built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuildSummary {
    /// Number of tables.
    pub tables: i64,
    /// Rows in all of them, by the statistics.
    pub rows: i64,
    /// How long it took.
    pub took: Duration,
}

/// Builds the demo in the empty database at `url`, as superuser; pg_stat_statements must be preloaded.
pub async fn build(url: &str, progress: &Progress<'_>) -> Result<BuildSummary, Failure> {
    let start = Instant::now();
    let client = connect(url, "demo-build").await?;
    let mut done = 0;
    for (what, script) in SCRIPTS {
        progress(done, STEPS, what);
        client.batch_execute(&format!("begin;\n{script}\n;commit")).await.map_err(|e| failed(what, &e))?;
        done += 1;
    }
    progress(done, STEPS, "leaving an INVALID index behind");
    leave_invalid_index(&client).await?;
    progress(done + 1, STEPS, "vacuum and statistics");
    client.batch_execute("vacuum (analyze)").await.map_err(|e| failed("vacuum", &e))?;
    let row = client.query_one(ROWS, &[]).await.map_err(|e| failed("counting rows", &e))?;
    client.batch_execute("select pg_stat_statements_reset()").await.map_err(|e| failed("resetting statistics", &e))?;
    progress(STEPS, STEPS, "built");
    Ok(BuildSummary { tables: row.get(0), rows: row.get(1), took: start.elapsed() })
}

/// The build is meant to fail: two accounts share an address.
async fn leave_invalid_index(client: &Client) -> Result<(), Failure> {
    const WHAT: &str = "building the index that must fail";
    match client.batch_execute(INVALID_INDEX).await {
        Err(error) if error.code() == Some(&SqlState::UNIQUE_VIOLATION) => Ok(()),
        Err(error) => Err(failed(WHAT, &error)),
        Ok(()) => Err(Failure::new(FailureKind::Bug, format!("{WHAT}: it succeeded"))),
    }
}
