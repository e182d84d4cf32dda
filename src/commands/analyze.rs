//! `advisor analyze`: what is slow, why, and which indexes cure it.

use super::{Command, Outcome};
use crate::cli::connection::ConnectionArgs;
use crate::flow::analyse::{Advice, Analysis, WhatIfChoice, analyse};
use crate::model::failure::Failure;
use crate::model::report::Severity;
use crate::rules::Thresholds;
use crate::{disk, term};
use clap::{ArgMatches, Args, FromArgMatches};
use std::path::PathBuf;

// The flags; a doc comment here would become the help text.
#[derive(Debug, Args)]
struct Options {
    /// Database, as --db takes it
    #[arg(value_name = "URL", conflicts_with = "db")]
    url: Option<String>,
    #[command(flatten)]
    connection: ConnectionArgs,
    /// Queries from .sql files (or folders of them), beside pg_stat_statements; `-- weight: N` before a statement weighs it
    #[arg(long, value_name = "FILE|DIR")]
    queries: Vec<PathBuf>,
    /// Plans from EXPLAIN output (or folders of it)
    #[arg(long, value_name = "FILE|DIR")]
    plans: Vec<PathBuf>,
    /// Really run SELECTs (once each, read only) whose functions are all immutable, stable or known to be harmless.
    /// READ ONLY alone does not stop functions with side effects, so anything else is reported as "not run: calls F".
    /// The server writes the parse tree of each into its log
    #[arg(long)]
    explain_analyze: bool,
    /// Plan at most this many queries, most total time first
    #[arg(long, value_name = "N", default_value_t = 500)]
    max_queries: usize,
    /// Engine for index trials
    #[arg(long, value_enum, default_value_t = WhatIfChoice::Auto)]
    what_if: WhatIfChoice,
    /// PostgreSQL server binaries for the clone
    #[arg(long, value_name = "DIR")]
    pg_bindir: Option<PathBuf>,
    /// Advise this schema although it belongs to a platform or extension
    #[arg(long = "schema", value_name = "NAME")]
    schemas: Vec<String>,
    /// Statistics younger than this many days cannot prove an index unused
    #[arg(long, value_name = "DAYS")]
    min_stats_age: Option<f64>,
    /// Adjust a rule's number, e.g. slow-query.warning_ms=500 (see `advisor rule --list`)
    #[arg(long, value_name = "RULE.KEY=N")]
    set: Vec<String>,
    /// Exit 1 at findings of this severity or worse
    #[arg(long, value_name = "LEVEL", default_value = "error", value_parser = ["info", "warning", "error", "never"])]
    fail_on: String,
    /// Exit 4 when this rule could not be judged
    #[arg(long, value_name = "RULE")]
    require: Vec<String>,
    /// Output format
    #[arg(long, default_value = "text", value_parser = ["text", "json"])]
    format: String,
    /// Write the report to this file
    #[arg(long, short = 'o', value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) static ENTRY: Command = Command {
    clap: || Options::augment_args(clap::Command::new("analyze")).about("Find what is slow, why, and which indexes cure it"),
    handles_signals: false,
    run: |matches| Box::pin(run(matches)),
};

async fn run(matches: ArgMatches) -> Outcome {
    let options = Options::from_arg_matches(&matches).map_err(|e| Failure::usage(e.to_string()))?;
    let analysis = Analysis {
        target: options.url.clone().or(options.connection.db.clone()),
        queries: options.queries.clone(),
        plans: options.plans.clone(),
        explain_analyze: options.explain_analyze,
        max_queries: options.max_queries,
        thresholds: Thresholds::default(),
        advice: Advice { what_if: options.what_if, pg_bindir: options.pg_bindir.clone(), schemas: options.schemas.clone() },
    };
    let report = analyse(&analysis).await?;
    let text = serde_json::to_string_pretty(&report).map_err(|e| Failure::usage(e.to_string()))?;
    match &options.output {
        Some(path) => disk::write_text(path, &text)?,
        None => term::print(&text),
    }
    let gate = match options.fail_on.as_str() {
        "info" => Some(Severity::Info),
        "warning" => Some(Severity::Warning),
        "error" => Some(Severity::Error),
        _ => None,
    };
    Ok(u8::from(gate.is_some_and(|g| report.findings.iter().any(|f| f.severity >= g))))
}
