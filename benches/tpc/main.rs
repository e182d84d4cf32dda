//! Index selection on TPC-H and TPC-DS beside what published algorithms reach there. One run of the advisor answers
//! four budgets; the server itself, with HypoPG's indexes in a fresh session, says what each answer is worth.
//!
//! ```text
//! cargo bench --bench tpc                        both benchmarks
//! cargo bench --bench tpc -- tpch                one of them
//! cargo bench --bench tpc -- tpch sets/a.sql     and what these CREATE INDEX statements are worth, from wherever they are
//! cargo bench --bench tpc -- tpch clone          the advisor plans on its clone in place of HypoPG
//! cargo bench --bench tpc -- tpch all-kinds      with INCLUDE, partial, expression and other indexes
//! ```
//!
//! The first run makes 3 GB of data with generators from PyPI and keeps the loaded server's data under `target/tpc/`
//! (or in `ADVISOR_TPC_DIR`); what is not to be had is skipped by name.

mod advise;
mod arbiter;
mod data;
mod setting;

use advise::{Answers, Terms};
use advisor::flow::analyse::WhatIfChoice;
use advisor::model::failure::{Failure, FailureKind};
use advisor::model::text::squeeze;
use advisor::pg::server::{Binaries, Server, ServerOptions, find, find_major};
use advisor::read::split::statements;
use advisor::{disk, signals, term};
use arbiter::{Arbiter, Verdict};
use setting::{Published, SETTINGS, Setting};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub type Outcome<T> = Result<T, Failure>;

#[tokio::main]
async fn main() -> ExitCode {
    // Cargo hands over flags of its own.
    let words: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let mut wanted: Vec<&Setting> = SETTINGS.iter().filter(|s| words.iter().any(|w| s.name.contains(w.as_str()))).collect();
    if words.is_empty() {
        wanted = SETTINGS.iter().collect();
    }
    if wanted.is_empty() {
        return ExitCode::SUCCESS;
    }
    match signals::until_interrupted(bench(&wanted, &words)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            term::failure(&failure);
            ExitCode::from(failure.kind.exit_code())
        }
    }
}

async fn bench(wanted: &[&Setting], words: &[String]) -> Outcome<()> {
    let said = |word: &str| words.iter().any(|w| w == word);
    let engine = if said("clone") { WhatIfChoice::Clone } else { WhatIfChoice::Hypopg };
    let terms = Terms { engine, all_kinds: said("all-kinds") };
    let sets: Vec<PathBuf> = words.iter().filter(|w| w.ends_with(".sql")).map(PathBuf::from).collect();
    let folder =
        std::env::var_os("ADVISOR_TPC_DIR").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tpc"), PathBuf::from);
    let binaries = binaries()?;
    let options = ServerOptions {
        // Statistics must stay as the load left them.
        settings: vec![("autovacuum".into(), "off".into())],
        label: "advisor bench".into(),
        data_dir: Some(folder.join(format!("pg{}", binaries.major))),
        ..ServerOptions::default()
    };
    let server = Server::start(&binaries, &options).await;
    for setting in wanted {
        let done = match &server {
            Ok(server) => one(setting, server, &folder, terms, &sets).await,
            Err(failure) => Err(failure.clone()),
        };
        match done {
            Err(failure) if failure.kind == FailureKind::Missing => {
                let reason = [vec![failure.message], failure.hints].concat().join("; ");
                term::print(&format!("skipped: {}, {reason}\n", setting.name));
            }
            done => done?,
        }
    }
    Ok(())
}

/// PostgreSQL 15 is what the published figures were repeated on; another one serves where it is named or alone.
fn binaries() -> Outcome<Binaries> {
    match std::env::var_os("ADVISOR_PG_BINDIR") {
        Some(_) => find(None),
        None => find_major(15).or_else(|_| find(None)),
    }
}

async fn one(setting: &Setting, server: &Server, folder: &Path, terms: Terms, sets: &[PathBuf]) -> Outcome<()> {
    let data = data::ready(setting, server, folder).await?;
    let arbiter = Arbiter::on(&data.url, &data.queries).await?;
    term::print(&format!(
        "\n{}: PostgreSQL {}, {} queries, {:.0} MB of heap, cost without advice {:.0}\n{HEADING}",
        setting.name,
        server.binaries().version,
        data.queries.len(),
        heap_mb(&data.url).await?,
        arbiter.base()
    ));
    for file in sets {
        let ddl: Vec<String> = statements(&disk::read_text(file)?).into_iter().map(|p| p.text).collect();
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        row(&name, None, &arbiter.judge(&ddl).await?, None);
    }
    if sets.is_empty() {
        let answers = advise::advise(setting, &data, terms).await?;
        print_answers(setting, &arbiter, &answers).await?;
    }
    Ok(())
}

async fn print_answers(setting: &Setting, arbiter: &Arbiter<'_>, answers: &Answers) -> Outcome<()> {
    for point in &answers.points {
        let published = setting.best.iter().find(|p| point.budget_bytes.is_some_and(|bytes| (bytes / 1e6 - p.budget_mb).abs() < 1.0));
        let budget = point.budget_bytes.map_or("none".to_owned(), |bytes| format!("{:.0} MB", bytes / 1e6));
        let own = (point.size_bytes / 1e6, point.cost_after / answers.cost_before);
        row(&budget, Some(own), &arbiter.judge(&point.ddl).await?, published);
    }
    term::print(&format!("{} optimizer calls, {:.1} s for all budgets\n", answers.calls, answers.took.as_secs_f64()));
    Ok(())
}

const HEADING: &str = "budget        indexes       MB    cost   geo.mean   dearer query   own: MB    cost   best published, its calls\n";

fn row(budget: &str, own: Option<(f64, f64)>, verdict: &Verdict, published: Option<&Published>) {
    let own = own.map_or_else(String::new, |(mb, cost)| format!("{mb:8.1}  {cost:6.4}"));
    let published =
        published.map_or_else(String::new, |p| format!("{:.4} {} ({:+.4}), {}", p.cost, p.algorithm, verdict.relative - p.cost, p.calls));
    let worst = verdict.dearest.as_ref().map_or("none".to_owned(), |(query, relation)| format!("{query} {relation:.3}"));
    let line = format!(
        "{budget:<12}  {:>7}  {:7.1}  {:6.4}     {:6.4}   {worst:<13}  {own:16}   {published}",
        verdict.indexes, verdict.size_mb, verdict.relative, verdict.geometric_mean
    );
    term::print(&format!("{}\n", line.trim_end()));
    for refused in &verdict.refused {
        term::print(&format!("  refused: {}\n", squeeze(refused)));
    }
}

async fn heap_mb(url: &str) -> Outcome<f64> {
    const SQL: &str = "select sum(pg_relation_size(c.oid))::float8 / 1e6 from pg_class c
        where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace";
    Ok(connect(url).await?.query_one(SQL, &[]).await.map_err(broken)?.get(0))
}

/// A connection without any setting of the advisor's.
pub async fn connect(url: &str) -> Outcome<tokio_postgres::Client> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.map_err(broken)?;
    tokio::spawn(connection);
    Ok(client)
}

/// Runs statements one by one: some, VACUUM among them, refuse to share a transaction with others.
pub async fn run(url: &str, sql: &str) -> Outcome<()> {
    let client = connect(url).await?;
    for piece in statements(sql) {
        client.batch_execute(&piece.text).await.map_err(broken)?;
    }
    Ok(())
}

pub fn broken(error: tokio_postgres::Error) -> Failure {
    Failure::usage(advisor::pg::error::describe(&error))
}
