//! How the analysis grows with the workload: N distinct statements over N / 10 tables, of which no row exists. A snapshot is taken
//! of small tables, its sizes are set to those of a large database, and the built `advisor` analyses the file:
//! seconds, most memory of its own process, planner calls, and what it says of the rest. Deterministic.
//! `cargo bench --bench scale -- 1000 3000` runs these sizes; without a number 1,000, 3,000 and 10,000. Ends with 1
//! when 10,000 take more than 60 s or 500 MB.

mod app;

use advisor::disk;
use advisor::flow::snapshot::{TakeOptions, take};
use advisor::model::failure::Failure;
use advisor::model::report::Report;
use advisor::pg::server::{Server, ServerOptions, find};
use advisor::read::snapshot_file;
use advisor::redact::Keep;
use advisor::term;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

const SIZES: [usize; 3] = [1_000, 3_000, 10_000];
/// For the largest size.
const MOST_SECONDS: f64 = 60.0;
const MOST_MEGABYTES: f64 = 500.0;

type Outcome<T> = Result<T, Failure>;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            term::failure(&failure);
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Outcome<bool> {
    let asked: Vec<usize> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    let server = Server::start(&find(None)?, &ServerOptions { label: "advisor bench".into(), ..ServerOptions::default() }).await?;
    let folder = tempfile::tempdir().map_err(|e| Failure::usage(e.to_string()))?;
    let mut fine = true;
    for size in if asked.is_empty() { SIZES.to_vec() } else { asked } {
        let file = folder.path().join(format!("{size}.snapshot"));
        write_snapshot(&server, size, &file).await?;
        let ran = analyse(&file, size, folder.path())?;
        print(size, &ran);
        fine &= size != SIZES[2] || (ran.seconds <= MOST_SECONDS && ran.megabytes.is_none_or(|m| m <= MOST_MEGABYTES));
    }
    Ok(fine)
}

/// Small tables in a real server, read as production would be; then the sizes and the workload of a large one.
async fn write_snapshot(server: &Server, size: usize, file: &Path) -> Outcome<()> {
    let tables = size / 10;
    let name = format!("scale_{size}");
    run_sql(&server.url("postgres"), &format!("create database {name}")).await?;
    let url = server.url(&name);
    run_sql(&url, &app::schema(tables)).await?;
    run_sql(&url, "vacuum analyze").await?;
    let options = TakeOptions { target: Some(url), endpoints: false, max_queries: 0, keep: Keep::Everything };
    let mut snapshot = take(&options).await?;
    app::grow(&mut snapshot, tables);
    app::add_workload(&mut snapshot.snapshot, size);
    disk::write_bytes(file, &snapshot_file::write(&snapshot).map_err(Failure::usage)?)
}

/// One run of the built command.
struct Ran {
    seconds: f64,
    /// Most memory of the process itself; unknown where there is no /proc.
    megabytes: Option<f64>,
    report: Report,
}

fn analyse(file: &Path, size: usize, folder: &Path) -> Outcome<Ran> {
    let output = folder.join("report.json");
    let mut command = Command::new(env!("CARGO_BIN_EXE_advisor"));
    command.args(["analyze", "--fail-on", "never", "--quiet", "--format", "json", "--max-queries", &size.to_string(), "--snapshot"]);
    let start = Instant::now();
    let mut child =
        command.arg(file).arg("--output").arg(&output).stdin(Stdio::null()).spawn().map_err(|e| Failure::usage(e.to_string()))?;
    let mut megabytes = None;
    let status = loop {
        if let Some(status) = child.try_wait().map_err(|e| Failure::usage(e.to_string()))? {
            break status;
        }
        megabytes = most_memory(child.id()).or(megabytes);
        std::thread::sleep(Duration::from_millis(20));
    };
    let seconds = start.elapsed().as_secs_f64();
    if !status.success() {
        return Err(Failure::usage(format!("advisor analyze ended with {status}")));
    }
    let report = serde_json::from_str(&disk::read_text(&output)?).map_err(|e| Failure::usage(e.to_string()))?;
    Ok(Ran { seconds, megabytes, report })
}

/// The high-water mark of a process' resident memory so far, MB.
fn most_memory(pid: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<f64>().ok().map(|kilobytes| kilobytes * 1024.0 / 1e6)
}

fn print(size: usize, ran: &Ran) {
    let advice = &ran.report.recommendation;
    let fall = match (advice.cost_before, advice.cost_after) {
        (Some(before), Some(after)) => format!("cost {:.4} of before", after / before),
        _ => "no advice".to_owned(),
    };
    let memory = ran.megabytes.map_or("memory unknown".to_owned(), |m| format!("{m:.0} MB"));
    term::print(&format!(
        "scale      {size:>6} statements, {:>5} tables  {:>7.1} s  {memory:>8}  {:>7} planner calls  {:>5} indexes  {fall}\n",
        size / 10,
        ran.seconds,
        advice.optimizer_calls,
        advice.indexes.len()
    ));
    // Of the whole, not of one query.
    let whole = ran.report.problems.iter().filter(|p| !p.source.chars().all(|c| c.is_ascii_hexdigit()));
    term::print(&whole.map(|p| format!("           {}: {}\n", p.source, p.message)).collect::<String>());
    let single = ran.report.problems.iter().filter(|p| p.source.chars().all(|c| c.is_ascii_hexdigit())).collect::<Vec<_>>();
    if let Some(first) = single.first() {
        term::print(&format!("           {} queries have a problem, the first: {}\n", single.len(), first.message));
    }
}

async fn run_sql(url: &str, sql: &str) -> Outcome<()> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.map_err(broken)?;
    tokio::spawn(connection);
    client.batch_execute(sql).await.map_err(broken)
}

fn broken(error: tokio_postgres::Error) -> Failure {
    Failure::usage(advisor::pg::error::describe(&error))
}
