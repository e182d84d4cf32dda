//! `advisor status`: what apply did and how it stands.

use super::{Command, Outcome};
use crate::apply::preflight::blocker;
use crate::cli::connection::ConnectionArgs;
use crate::cli::ledger::LedgerArgs;
use crate::flow::status::{Held, Leftover, Running, Status, StatusEntry, status};
use crate::model::ddl::IndexName;
use crate::model::failure::{Failure, FailureKind};
use crate::model::index_def::TableName;
use crate::model::ledger::{Motion, State};
use crate::model::text::{one_line, squeeze};
use crate::report::fold;
use crate::report::units::{bytes, duration};
use crate::term;
use clap::{ArgMatches, Args, FromArgMatches};

/// Where an entry's index begins: behind id, change and state.
const INDEX_COLUMN: usize = 33;

// The flags; a doc comment here would become the help text.
#[derive(Debug, Args)]
struct Options {
    /// How to print it
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = ["text", "json"])]
    format: String,
    #[command(flatten)]
    ledger: LedgerArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

pub(super) static ENTRY: Command = Command {
    handles_signals: false,
    clap: || {
        Options::augment_args(clap::Command::new("status"))
            .about("Show what apply did, whether the database still agrees, running builds, locks held and INVALID leftovers")
    },
    run: |matches| Box::pin(run(matches)),
};

async fn run(matches: ArgMatches) -> Outcome {
    let options = Options::from_arg_matches(&matches).map_err(|e| Failure::usage(e.to_string()))?;
    let status = status(options.connection.db.as_deref(), options.ledger.ledger.as_deref()).await?;
    let text = match options.format.as_str() {
        "json" => serde_json::to_string_pretty(&status).map(|json| json + "\n").map_err(|e| Failure::new(FailureKind::Bug, e.to_string()))?,
        _ => text(&status, term::width()),
    };
    term::print(&text);
    Ok(0)
}

fn text(status: &Status, width: usize) -> String {
    let place = status.ledger.file.as_ref().map_or("schema advisor".to_owned(), |file| format!("file {}", one_line(file)));
    let mut out = format!("Database {}, ledger in {place}\n", one_line(&status.database));
    out.extend(status.ledger.remark.as_ref().map(|remark| item(remark, width)));
    let (urgent, others): (Vec<&Leftover>, Vec<&Leftover>) = status.invalid.iter().filter(|l| !l.building).partition(|l| l.refuses_writes);
    out.extend(urgent.iter().map(|left| item(&leftover(left), width)));
    if status.entries.is_empty() {
        out.push_str("The ledger is empty: apply has changed nothing here.\n");
    }
    let entries = in_order(&status.entries);
    for (at, entry) in entries.iter().enumerate() {
        if at == 0 || entries[at - 1].run != entry.run {
            out.push_str(&format!("\nRun {}\n", one_line(&entry.run)));
        }
        out.push_str(&of_entry(entry, width));
    }
    let found = [
        section("Running", status.running.iter().map(running)),
        section("Locks held by advisors", status.locks.iter().map(lock)),
        section("INVALID indexes", others.into_iter().map(leftover)),
    ];
    for (title, lines) in found.into_iter().filter(|(_, lines)| !lines.is_empty()) {
        out.push_str(&format!("\n{title}\n"));
        out.extend(lines.iter().map(|line| item(line, width)));
    }
    out
}

fn section(title: &'static str, lines: impl Iterator<Item = String>) -> (&'static str, Vec<String>) {
    (title, lines.collect())
}

fn item(text: &str, width: usize) -> String {
    format!("  {}\n", fold(text, width, 4))
}

/// As they were asked for, each with its parts behind it, by their tables.
fn in_order(entries: &[StatusEntry]) -> Vec<&StatusEntry> {
    let whole = |entry: &StatusEntry| entry.part_of.as_ref().and_then(|id| entries.iter().find(|e| e.id == *id && e.run == entry.run));
    let place = |entry: &&StatusEntry| {
        let first = whole(entry).unwrap_or(entry);
        let part = whole(entry).is_some();
        // The steps of a replacement in their order, partitions by name.
        let step = if entry.motion == Motion::Create || entry.motion == Motion::CreateParent { 0 } else { entry.position };
        (first.run.clone(), first.position, first.id.clone(), part, step, entry.table.clone())
    };
    let mut ordered: Vec<&StatusEntry> = entries.iter().collect();
    ordered.sort_by_cached_key(place);
    ordered
}

fn of_entry(entry: &StatusEntry, width: usize) -> String {
    let change = match entry.motion {
        Motion::Create | Motion::CreateParent => "create",
        Motion::Drop => "drop",
        Motion::Rename => "rename",
    };
    // A part goes back with its whole, whose id stands above it.
    let id = if entry.part_of.is_some() { "  part".to_owned() } else { one_line(&entry.id) };
    let front = format!("  {id:<8}  {change:<6}  {:<11}  ", entry.state.name());
    let index = format!("{} on {}", TableName::new(&entry.schema, &entry.index), one_line(&entry.table));
    let now = entry.drift.clone().or_else(|| entry.remark.as_deref().map(squeeze));
    let when: String = entry.updated_at.chars().take("2026-01-01T00:00".len()).collect::<String>().replace('T', " ");
    let indent = " ".repeat(INDEX_COLUMN);
    if entry.part_of.is_some() && now.is_none() {
        return format!("{front}{}\n", fold(&index, width, INDEX_COLUMN));
    }
    let as_it_should = if entry.state == State::Done { "in force" } else { "as recorded" };
    let last = format!("{when} UTC: {}", now.unwrap_or_else(|| as_it_should.into()));
    format!("{front}{}\n{indent}{}\n", fold(&index, width, INDEX_COLUMN), fold(&last, width, INDEX_COLUMN))
}

fn seconds(seconds: f64) -> String {
    duration(seconds.round() * 1000.0)
}

fn running(build: &Running) -> String {
    let whose = if build.ours { "ours" } else { "not ours" };
    let index = if build.index.is_empty() { String::new() } else { format!("index {} ", build.index) };
    let table = if build.table.is_empty() { "a table that this role may not see".to_owned() } else { build.table.clone() };
    let age = build.seconds.map(|s| format!(", for {}", seconds(s))).unwrap_or_default();
    let phase = if build.phase.is_empty() { String::new() } else { format!(", {}", one_line(&build.phase)) };
    let waits: Vec<String> = build.blockers.iter().map(blocker).collect();
    let waits = if waits.is_empty() { String::new() } else { format!("; waits for {}", waits.join("; ")) };
    format!("{index}on {table}{phase}{age} (process {}, {whose}){waits}", build.pid)
}

fn lock(held: &Held) -> String {
    let what = held.table.as_deref().unwrap_or("the ledger, or a table that is gone");
    let holder = &held.holder;
    let who = format!("process {} \"{}\" of role {}", holder.pid, one_line(&holder.application), one_line(&holder.role));
    let age = seconds(holder.seconds);
    match held.silent_seconds.filter(|_| held.dead) {
        Some(silent) => format!(
            "{what}: {who}, for {age}; silent for {}: its client is gone. The next apply or rollback with --take-over ends it",
            seconds(silent)
        ),
        None => format!("{what}: {who}, for {age}"),
    }
}

fn leftover(left: &Leftover) -> String {
    let index = TableName::new(&left.schema, &left.index);
    let cost = match (left.refuses_writes, left.maintained_by_writes) {
        (true, _) => ": UNIQUE, it REFUSES WRITES of duplicates",
        (_, true) => ": every write maintains it",
        _ => ": no write maintains it",
    };
    let size = bytes(left.size_bytes as f64);
    let origin = if left.of_reindex { "; REINDEX CONCURRENTLY left it" } else { "" };
    let cure = match &left.entry {
        Some(entry) => {
            let id = one_line(entry);
            format!("ours, entry {id}: advisor rollback {id} clears it away, applying the same change again finishes it")
        }
        None => format!("not ours: {}; removes it", one_line(&IndexName::new(&left.schema, &left.index).drop_sql())),
    };
    format!("invalid: {index} on {}{cost}, {size}{origin}; {cure}", one_line(&left.table))
}
