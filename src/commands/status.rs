//! `advisor status`: what apply did and how it stands.

use super::{Command, Outcome};
use crate::cli::connection::ConnectionArgs;
use crate::flow::status::{Status, StatusEntry, status};
use crate::model::failure::{Failure, FailureKind};
use crate::model::index_def::TableName;
use crate::model::ledger::Motion;
use crate::model::text::squeeze;
use crate::{report, term};
use clap::{ArgMatches, Args, FromArgMatches};


// The flags; a doc comment here would become the help text.
#[derive(Debug, Args)]
struct Options {
    /// How to print it
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = ["text", "json"])]
    format: String,
    #[command(flatten)]
    connection: ConnectionArgs,
}

pub(super) static ENTRY: Command = Command {
    handles_signals: false,
    clap: || {
        Options::augment_args(clap::Command::new("status"))
            .about("Show what apply did, whether the database still agrees, running builds and INVALID leftovers")
    },
    run: |matches| Box::pin(run(matches)),
};

async fn run(matches: ArgMatches) -> Outcome {
    let options = Options::from_arg_matches(&matches).map_err(|e| Failure::usage(e.to_string()))?;
    let status = status(options.connection.db.as_deref()).await?;
    let text = match options.format.as_str() {
        "json" => serde_json::to_string_pretty(&status).map(|json| json + "\n").map_err(|e| Failure::new(FailureKind::Bug, e.to_string()))?,
        _ => text(&status),
    };
    term::print(&text);
    Ok(0)
}

fn text(status: &Status) -> String {
    let mut out = String::new();
    if status.entries.is_empty() {
        out.push_str("The ledger is empty: apply has changed nothing here.\n");
    } else {
        out.push_str(&entries(status));
    }
    for build in &status.running {
        let whose = if build.ours { "ours" } else { "not ours" };
        out.push_str(&format!("running: {} on {}, {} (process {}, {whose})\n", build.index, build.table, build.phase, build.pid));
    }
    for leftover in status.invalid.iter().filter(|l| !l.building) {
        let index = TableName::new(&leftover.schema, &leftover.index);
        let cost = if leftover.maintained_by_writes { ", every write maintains it" } else { "" };
        let cure = if leftover.ours { "the next apply or rollback clears it" } else { "not ours: DROP INDEX CONCURRENTLY removes it" };
        out.push_str(&format!("invalid: {index}{cost}; {cure}\n"));
    }
    out
}

fn entries(status: &Status) -> String {
    let row = |entry: &StatusEntry| {
        let motion = match entry.motion {
            Motion::Create | Motion::CreateParent => "create",
            Motion::Drop => "drop",
            Motion::Rename => "rename",
        };
        let now = entry.drift.clone().or_else(|| entry.remark.as_deref().map(squeeze)).unwrap_or_else(|| "as recorded".into());
        vec![
            entry.id.clone(),
            motion.to_owned(),
            TableName::new(&entry.schema, &entry.index).to_string(),
            entry.state.name().to_owned(),
            entry.updated_at.chars().take("2026-01-01T00:00".len()).collect::<String>().replace('T', " "),
            now,
        ]
    };
    let rows: Vec<Vec<String>> = status.entries.iter().map(row).collect();
    report::grid(&["id", "change", "index", "state", "when (UTC)", "now"], &rows, term::width())
}
