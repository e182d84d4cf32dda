//! `advisor analyze`: what is slow, why, and which indexes cure it.

use super::{Command, Outcome};
use crate::cli::advice::AdviceArgs;
use crate::cli::connection::DatabaseArgs;
use crate::flow::analyse::{MOST_QUERIES, Analysis, WhatIfChoice, analyse};
use crate::model::failure::{Failure, FailureKind};
use crate::model::report::{Report, Severity};
use crate::report::{self, Style};
use crate::rules::{self, Thresholds};
use crate::{disk, term};
use clap::builder::PossibleValuesParser;
use clap::{ArgMatches, Args, FromArgMatches};
use std::path::PathBuf;

// The flags; a doc comment here would become the help text.
#[derive(Debug, Args)]
struct Options {
    #[command(flatten)]
    database: DatabaseArgs,
    /// Queries from .sql files (or folders of them), beside pg_stat_statements; `-- weight: N` before a statement weighs it
    #[arg(long, value_name = "FILE|DIR")]
    queries: Vec<PathBuf>,
    /// Plans from EXPLAIN output (or folders of it)
    #[arg(long, value_name = "FILE|DIR")]
    plans: Vec<PathBuf>,
    /// Analyze this snapshot file instead of a database; with --db, the queries of that (test) database are judged by it too
    #[arg(long, value_name = "FILE")]
    snapshot: Option<PathBuf>,
    /// With --snapshot: report only findings about queries that it does not know
    #[arg(long, requires = "snapshot")]
    only_new: bool,
    /// Really run SELECTs (once each, read only) whose functions are all immutable, stable or known to be harmless.
    /// READ ONLY alone does not stop functions with side effects, so anything else is reported as "not run: calls F".
    /// The server writes the parse tree of each, values included, into its log
    #[arg(long)]
    explain_analyze: bool,
    /// Plan at most this many queries, most total time first
    #[arg(long, value_name = "N", default_value_t = MOST_QUERIES)]
    max_queries: usize,
    /// Statistics younger than this many days cannot prove an index unused
    #[arg(long, value_name = "DAYS")]
    min_stats_age: Option<f64>,
    /// Adjust a rule's number, e.g. slow-query.warning_ms=500 (`advisor rule NAME` lists them)
    #[arg(long, value_name = "RULE.KEY=N")]
    set: Vec<String>,
    /// Exit 1 at findings of this severity or worse
    #[arg(long, value_name = "LEVEL", default_value = "error", value_parser = ["info", "warning", "error", "never"])]
    fail_on: String,
    /// Exit 4 when this rule could not be judged
    #[arg(long, value_name = "RULE")]
    require: Vec<String>,
    /// Output format
    #[arg(long, default_value = report::FORMATS[0].name, value_parser = PossibleValuesParser::new(report::FORMATS.iter().map(|f| f.name)))]
    format: String,
    /// Show everything: all evidence, all refused candidates, all queries
    #[arg(long, short = 'v')]
    verbose: bool,
    /// Write the report to this file
    #[arg(long, short = 'o', value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten, next_help_heading = "Advice")]
    advice: AdviceArgs,
}

pub(super) static ENTRY: Command = Command {
    clap: || Options::augment_args(clap::Command::new("analyze")).about("Find what is slow, why, and which indexes cure it"),
    handles_signals: false,
    run: |matches| Box::pin(run(matches)),
};

async fn run(matches: ArgMatches) -> Outcome {
    let options = Options::from_arg_matches(&matches).map_err(|e| Failure::usage(e.to_string()))?;
    if options.snapshot.is_some() && options.advice.what_if() == WhatIfChoice::Hypopg {
        return Err(Failure::usage("--what-if hypopg tries indexes on the database itself, and a snapshot is none")
            .hint("leave it out: a snapshot is planned on a clone"));
    }
    if let Some(file) = options.database.argument().filter(|url| std::path::Path::new(url).is_file()) {
        return Err(Failure::usage(format!("{file} is a file, and a database is wanted here")).hint(format!("advisor analyze --snapshot {file}")));
    }
    let analysis = Analysis {
        target: options.database.target().map(str::to_owned),
        queries: options.queries.clone(),
        plans: options.plans.clone(),
        snapshot: options.snapshot.clone(),
        only_new: options.only_new,
        explain_analyze: options.explain_analyze,
        max_queries: options.max_queries,
        thresholds: thresholds(&options)?,
        advice: options.advice.advice(),
    };
    let report = analyse(&analysis).await?;
    let format = report::format(&options.format).ok_or_else(|| Failure::usage("unknown format"))?;
    let style = Style { width: if options.output.is_some() { 100 } else { term::width() }, verbose: options.verbose };
    let text = (format.render)(&report, &style);
    match &options.output {
        Some(path) => {
            disk::write_text(path, &term::strip_colour(&text))?;
            term::note(&format!("report written to {}", path.display()));
        }
        None => term::print(&text),
    }
    required(&options.require, &report)?;
    Ok(u8::from(gate(&options.fail_on).is_some_and(|g| report.findings.iter().any(|f| f.severity >= g))))
}

/// `--set`, and `--min-stats-age` as the short way to one of them. Names in --require are checked as well.
fn thresholds(options: &Options) -> Result<Thresholds, Failure> {
    let mut thresholds = Thresholds::parse(&options.set)?;
    if let Some(days) = options.min_stats_age {
        thresholds.set("unused-index.min_stats_age_days", days)?;
    }
    options.require.iter().try_for_each(|name| rules::find(name).map(|_| ()))?;
    Ok(thresholds)
}

/// The severity from which on findings fail the run; `None` for `never`.
fn gate(fail_on: &str) -> Option<Severity> {
    [("info", Severity::Info), ("warning", Severity::Warning), ("error", Severity::Error)].into_iter().find(|(name, _)| *name == fail_on).map(|(_, s)| s)
}

/// A rule that the user requires but that had no evidence is exit 4, with the cure.
fn required(rules: &[String], report: &Report) -> Result<(), Failure> {
    let Some(gap) = report.not_judged.iter().find(|n| rules.contains(&n.rule)) else { return Ok(()) };
    let failure = Failure::new(FailureKind::Missing, format!("{} could not be judged: {}", gap.rule, gap.reason));
    Err(gap.fix_sql.iter().fold(failure, |f, sql| f.hint(sql.clone())))
}
