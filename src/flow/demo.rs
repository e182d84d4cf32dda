//! The demo: the whole job on a database of our own, measured.

use super::again::Again;
use super::analyse::{Analysis, analyse};
use super::apply::{ApplyOptions, apply};
use super::generate::{WriteOptions, write_files};
use super::rollback::{RollbackOptions, Which, rollback};
use super::wanted;
use crate::apply::watch::Limits;
use crate::disk;
use crate::model::failure::{Failure, FailureKind};
use crate::model::report::{Action, Report};
use crate::pg::demo::{self, WorkloadRun};
use crate::pg::error::describe;
use crate::pg::server::{self, Server, ServerOptions};
use crate::pg::session::{Purpose, Session};
use crate::pg::statements::{DEMO_BLOCKS, DEMO_UNREAD, INDEX_CATALOG};
use crate::report::{self, Style, demo::Row, demo::Totals};
use crate::rules::Thresholds;
use crate::term;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The same requests in both runs.
const SEED: u64 = 20_260_101;

/// What the demo may be told.
#[derive(Debug, Clone)]
pub struct DemoOptions {
    /// Server binaries.
    pub pg_bindir: Option<PathBuf>,
    /// Leave the server running and say how to reach it.
    pub keep: bool,
    /// How to write for people.
    pub style: Style,
}

/// Builds, measures, advises, applies, measures again, rolls back.
pub async fn demo(options: &DemoOptions) -> Result<u8, Failure> {
    let started = Instant::now();
    let server = start(options).await?;
    let folder = tempfile::Builder::new()
        .prefix("advisor-demo-")
        .tempdir()
        .map_err(|e| Failure::new(FailureKind::Missing, format!("no temporary folder: {e}")))?;
    let url = server.url("app");
    build(&server, &url).await?;
    let untouched = indexes(&url).await?;

    let before = measured_run(&url, "The app's workload, as it is today").await?;
    let report = advise(&url, folder.path(), options).await?;
    make_changes(&url, folder.path(), &report).await?;
    let after = measured_run(&url, "The same workload again").await?;
    let totals = totals(&before, &after);
    term::print(&format!("\n{}", report::demo::render(&rows(&before, &after), &totals, &options.style)));

    say_what_was_read(&url, &report).await?;

    step("advisor rollback --all --yes");
    let all = RollbackOptions {
        again: Again::default(),
        target: Some(url.clone()),
        yes: true,
        dry_run: false,
        ledger: None,
        which: Which::All,
        limits: Limits::default(),
    };
    rollback(&all).await?;
    compare(&untouched, &indexes(&url).await?)?;
    term::print(&format!("\n{}The whole demo took {:.0} s.\n", report::demo::summary(&totals), started.elapsed().as_secs_f64()));
    leave(server, folder, options.keep, &url);
    Ok(0)
}

fn step(command: &str) {
    let bold = anstyle::Style::new().bold();
    term::print(&format!("\n{bold}$ {command}{bold:#}\n"));
}

async fn start(options: &DemoOptions) -> Result<Server, Failure> {
    let binaries = server::find(options.pg_bindir.as_deref())?;
    term::print(&format!("Starting PostgreSQL {} from {} in a temporary folder\n", binaries.version, binaries.dir.display()));
    let settings = [("shared_buffers", "256MB"), ("track_io_timing", "on"), ("pg_stat_statements.track_planning", "on"), ("jit", "off")];
    let options = ServerOptions {
        preload: vec!["pg_stat_statements".into()],
        settings: settings.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
        label: "demo".into(),
        ..ServerOptions::default()
    };
    Server::start(&binaries, &options).await
}

async fn build(server: &Server, url: &str) -> Result<(), Failure> {
    let session = Session::open(Some(&server.url("postgres")), &writing("demo")).await?;
    session.client.batch_execute("CREATE DATABASE app").await.map_err(broken)?;
    let bar = term::progress(1);
    let built = demo::build(url, &show(&bar)).await?;
    bar.finish_and_clear();
    let (rows, tables, seconds) = (report::units::count(built.rows as f64), built.tables, built.took.as_secs_f64());
    term::print(&format!("Built an app's database: {rows} rows in {tables} tables, {seconds:.0} s\n"));
    Ok(())
}

fn show(bar: &indicatif::ProgressBar) -> impl Fn(u64, u64, &str) + '_ {
    |done, total, what| {
        bar.set_length(total);
        bar.set_position(done);
        bar.set_message(what.to_owned());
    }
}

/// One run of the workload with the blocks that it touched.
struct Measured {
    run: WorkloadRun,
    blocks: f64,
}

async fn measured_run(url: &str, title: &str) -> Result<Measured, Failure> {
    let session = Session::open(Some(url), &writing("demo")).await?;
    session.client.batch_execute("select pg_stat_statements_reset()").await.map_err(broken)?;
    let bar = term::progress(1);
    let run = demo::run_workload(url, SEED, demo::Pace::Concurrent, &show(&bar)).await?;
    bar.finish_and_clear();
    let blocks = session.client.query_one(DEMO_BLOCKS.sql, &[]).await.and_then(|row| row.try_get("blocks")).map_err(broken)?;
    let requests: usize = run.endpoints.iter().map(|e| e.requests).sum();
    let (seconds, blocks_text) = (run.wall.as_secs_f64(), report::units::count(blocks));
    term::print(&format!("\n{title}: {requests} requests in {seconds:.1} s, {blocks_text} blocks touched\n"));
    Ok(Measured { run, blocks })
}

/// `advisor analyze`, shown in full and kept as JSON.
async fn advise(url: &str, folder: &Path, options: &DemoOptions) -> Result<Report, Failure> {
    step("advisor analyze --min-stats-age 0 --format json --output report.json");
    let mut thresholds = Thresholds::default();
    // The demo's statistics are a minute old; on production, two weeks are asked for.
    thresholds.set("unused-index.min_stats_age_days", 0.0)?;
    let mut analysis = Analysis { thresholds, ..Analysis::of(Some(url.to_owned())) };
    analysis.advice.pg_bindir.clone_from(&options.pg_bindir);
    let report = analyse(&analysis).await?;
    for (format, style) in [("text", Some(options.style)), ("json", None)] {
        let Some(format) = report::format(format) else { continue };
        match style {
            Some(style) => term::print(&(format.render)(&report, &style)),
            None => disk::write_text(&folder.join("report.json"), &(format.render)(&report, &Style::default()))?,
        }
    }
    Ok(report)
}

/// `advisor generate` and `advisor apply`.
async fn make_changes(url: &str, folder: &Path, report: &Report) -> Result<(), Failure> {
    step("advisor generate --report report.json --output migrations");
    let files = write_files(
        report,
        &WriteOptions {
            folder: folder.join("migrations"),
            format: "plain".into(),
            after_apply: false,
            only: Vec::new(),
            stamp: "20260101000000".into(),
            members: BTreeMap::new(),
        },
    )?;
    term::print(&files.iter().filter_map(|f| f.file_name()).map(|f| format!("  {}\n", f.to_string_lossy())).collect::<String>());
    step("advisor apply report.json --drops --yes");
    apply(wanted::of_report(report)?, &ApplyOptions { target: Some(url.to_owned()), yes: true, drops: true, ..ApplyOptions::default() })
        .await?;
    // Statistics of the new expression indexes; autovacuum would do it within a minute.
    let session = Session::open(Some(url), &writing("demo")).await?;
    for index in report.recommendation.indexes.iter().filter(|i| i.action == Action::Create) {
        let table = crate::model::text::quote_qualified(&index.schema, &index.table);
        session.client.batch_execute(&format!("ANALYZE {table}")).await.map_err(broken)?;
    }
    Ok(())
}

fn rows(before: &Measured, after: &Measured) -> Vec<Row> {
    let pairs = before.run.endpoints.iter().zip(&after.run.endpoints);
    pairs
        .map(|(b, a)| Row {
            endpoint: b.endpoint.into(),
            requests: b.requests,
            total_ms: [b.total_ms, a.total_ms],
            p95_ms: [b.p95_ms, a.p95_ms],
        })
        .collect()
}

fn totals(before: &Measured, after: &Measured) -> Totals {
    let ms = |measured: &Measured| measured.run.wall.as_secs_f64() * 1000.0;
    Totals { wall_ms: [ms(before), ms(after)], blocks: [before.blocks, after.blocks] }
}

/// Proof that the advice is used: the counters of the new indexes after the second run.
async fn say_what_was_read(url: &str, report: &Report) -> Result<(), Failure> {
    let advised: Vec<&str> = report.recommendation.indexes.iter().filter(|i| i.action == Action::Create).map(|i| i.name.as_str()).collect();
    let session = Session::open(Some(url), &Purpose::reading("demo")).await?;
    let rows = session.client.query(DEMO_UNREAD.sql, &[&advised]).await.map_err(broken)?;
    let unread: Vec<String> = rows.iter().map(|r| r.try_get("name")).collect::<Result<_, _>>().map_err(broken)?;
    let mut text = format!("{} of {} advised indexes were read by the second run", advised.len() - unread.len(), advised.len());
    if !unread.is_empty() {
        text.push_str(&format!("; not read: {}", unread.join(", ")));
    }
    term::print(&format!("{text}\n"));
    Ok(())
}

/// Every index by name: its state as text, and whether it is valid.
async fn indexes(url: &str) -> Result<BTreeMap<String, (String, bool)>, Failure> {
    let session = Session::open(Some(url), &Purpose::reading("demo")).await?;
    let rows = session.client.query(INDEX_CATALOG.sql, &[]).await.map_err(broken)?;
    rows.iter().map(|r| Ok((r.try_get("index")?, (r.try_get("state")?, r.try_get("valid")?)))).collect::<Result<_, _>>().map_err(broken)
}

/// After the rollback all is as before, but for INVALID indexes that were dropped.
fn compare(before: &BTreeMap<String, (String, bool)>, after: &BTreeMap<String, (String, bool)>) -> Result<(), Failure> {
    let lost: Vec<&String> =
        before.iter().filter(|(name, (_, valid))| !valid && !after.contains_key(*name)).map(|(name, _)| name).collect();
    let expected: BTreeMap<_, _> = before.iter().filter(|(name, _)| !lost.contains(name)).collect();
    if expected != after.iter().collect() {
        return Err(Failure::new(FailureKind::Bug, "after the rollback the catalog differs from the one before"));
    }
    let mut text = format!("The catalog is as before: {} indexes, every one as it was", expected.len());
    if !lost.is_empty() {
        text.push_str(&format!(" ({} was INVALID and stays dropped)", lost.iter().map(|n| n.as_str()).collect::<Vec<_>>().join(", ")));
    }
    term::print(&format!("\n{text}.\n"));
    Ok(())
}

fn leave(server: Server, folder: tempfile::TempDir, keep: bool, url: &str) {
    if !keep {
        return;
    }
    let (kept, files) = (server.keep(), folder.keep());
    term::print(&format!("\nThe server stays: {url}\nReport and migrations: {}\nTo end it: {}\n", files.display(), kept.stop_command));
}

fn writing(verb: &str) -> Purpose {
    Purpose { read_only: false, statement_timeout: Duration::from_secs(300), ..Purpose::reading(verb) }
}

fn broken(error: tokio_postgres::Error) -> Failure {
    Failure::new(FailureKind::Bug, format!("the demo failed: {}", describe(&error)))
}
