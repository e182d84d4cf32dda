//! Published problems and the indexes that cured them: does the advice name one of those? The cases lie outside the
//! repository (`known-answers.json` in the folder ADVISOR_CORPORA); each gets data that make the problem real (`facts.rs`),
//! its query comes from a file, and `verdict.rs` compares. Ends with 1 below 18 of the 20 cases that have an answer, or when a trap
//! gets an index. `cargo bench --bench known_answers -- mastodon` runs the cases whose name holds the word.

mod data;
mod facts;
mod verdict;

use advisor::flow::analyse::{Analysis, analyse};
use advisor::model::failure::Failure;
use advisor::model::index_def::{IndexSpec, KeyExpr};
use advisor::model::query::{Op, Query, QuerySource};
use advisor::model::report::{Action, AdvisedIndex, Report};
use advisor::model::snapshot::Snapshot;
use advisor::model::text::quote_ident;
use advisor::pg::collect::{CollectOptions, collect};
use advisor::pg::server::{Server, ServerOptions, find};
use advisor::pg::session::{Purpose, Session};
use advisor::read::sql::read_workload;
use advisor::{disk, term};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;
use tokio_postgres::Client;

/// Of the cases with an answer, so many must be met.
const WANTED: (usize, usize) = (18, 20);
/// How often the query of a case runs: it was worth somebody's while.
const WEIGHT: u32 = 1000;

type Outcome<T> = Result<T, Failure>;

/// A case as its file has it.
#[derive(Deserialize)]
struct Case {
    id: String,
    kind: String,
    ddl: String,
    query: String,
    accept: Vec<String>,
}

/// What became of a case.
#[derive(Default)]
struct Verdict {
    met: bool,
    advised: Vec<String>,
    seconds: f64,
    refused: Vec<String>,
    problems: Vec<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(code) => code,
        Err(failure) => {
            term::failure(&failure);
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Outcome<ExitCode> {
    let words: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let Some(folder) = std::env::var_os("ADVISOR_CORPORA").map(PathBuf::from) else {
        term::print("skipped: known answers, ADVISOR_CORPORA is not set\n");
        return Ok(ExitCode::SUCCESS);
    };
    let cases: Vec<Case> =
        serde_json::from_str(&disk::read_text(&folder.join("known-answers.json"))?).map_err(|e| Failure::usage(e.to_string()))?;
    let wanted = |case: &&Case| words.is_empty() || words.iter().any(|w| case.id.contains(w.as_str()));
    let server = Server::start(&find(None)?, &ServerOptions { label: "advisor bench".into(), ..ServerOptions::default() }).await?;
    let (mut answered, mut met, mut trapped) = (0, 0, 0);
    for (number, case) in cases.iter().filter(wanted).enumerate() {
        let verdict =
            judge(&server, number, case).await.unwrap_or_else(|failure| Verdict { problems: vec![failure.message], ..Verdict::default() });
        term::print(&shown(case, &verdict));
        let has_answer = !case.accept.is_empty();
        answered += usize::from(has_answer);
        met += usize::from(has_answer && verdict.met);
        trapped += usize::from(!has_answer && !verdict.met);
    }
    term::print(&format!("\nknown answers: {met} of {answered} met, {trapped} of the others wrong\n"));
    // A part of the cases is held to the same share.
    let enough = met * WANTED.1 >= answered * WANTED.0 && trapped == 0;
    Ok(if enough { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn shown(case: &Case, verdict: &Verdict) -> String {
    let mut text = format!(
        "{:<7} {:<24} {:<28} {:>5.1} s  {:>3} refused\n",
        if verdict.met { "met" } else { "MISSED" },
        case.id,
        case.kind,
        verdict.seconds,
        verdict.refused.len()
    );
    text.extend(verdict.advised.iter().map(|ddl| format!("          {ddl}\n")));
    if !verdict.met {
        text.extend(verdict.refused.iter().map(|refused| format!("          refused {refused}\n")));
        text.extend(verdict.problems.iter().map(|problem| format!("          problem: {problem}\n")));
    }
    text
}

/// Loads the case, asks for advice, compares.
async fn judge(server: &Server, number: usize, case: &Case) -> Outcome<Verdict> {
    let admin = connect(&server.url("postgres")).await?;
    let (loaded, shape) = (format!("case_{number}"), format!("shape_{number}"));
    for name in [&loaded, &shape] {
        run_sql(&admin, &format!("create database {}", quote_ident(name))).await?;
        run_sql(&connect(&server.url(name)).await?, &case.ddl).await?;
    }
    data::fill(&connect(&server.url(&loaded)).await?, facts::of(&case.id)).await?;
    let start = Instant::now();
    let report = advice(&server.url(&loaded), &case.query).await?;
    let seconds = start.elapsed().as_secs_f64();
    let met = is_met(case, &report, &server.url(&shape)).await?;
    run_sql(&admin, &format!("drop database {} with (force)", quote_ident(&loaded))).await?;
    Ok(Verdict {
        met,
        advised: report.recommendation.indexes.iter().map(|i| format!("{}: {}", i.ddl, i.reason)).collect(),
        seconds,
        refused: report.recommendation.rejected.iter().map(|r| format!("{}: {}", r.ddl, r.reason)).collect(),
        problems: report.problems.iter().map(|p| p.message.clone()).collect(),
    })
}

async fn advice(url: &str, query: &str) -> Outcome<Report> {
    let folder = tempfile::tempdir().map_err(|e| Failure::usage(e.to_string()))?;
    let file: &Path = &folder.path().join("query.sql");
    disk::write_text(file, &format!("-- weight: {WEIGHT}\n{query};\n"))?;
    analyse(&Analysis { queries: vec![file.to_owned()], ..Analysis::of(Some(url.to_owned())) }).await
}

/// An accepted index; for a trap no index at all; for a case that is cured by dropping, the drop alone.
async fn is_met(case: &Case, report: &Report, shape_url: &str) -> Outcome<bool> {
    let of = |action| report.recommendation.indexes.iter().filter(move |i| i.action == action);
    let created: Vec<&AdvisedIndex> = of(Action::Create).collect();
    if case.accept.is_empty() {
        let drop_wanted = case.kind.starts_with("drop") && !of(Action::Drop).any(|i| is_redundant_one(&i.name));
        return Ok(created.is_empty() && !drop_wanted);
    }
    // In an empty database with the same tables the server writes both sides in its own way.
    let client = connect(shape_url).await?;
    let before = snapshot(shape_url).await?;
    let known = |name: &str| before.catalog.indexes.iter().any(|i| i.name == name);
    for ddl in &case.accept {
        run_sql(&client, ddl).await?;
    }
    let accepted: Vec<IndexSpec> =
        snapshot(shape_url).await?.catalog.indexes.into_iter().filter(|i| !known(&i.name)).map(|i| i.spec).collect();
    let served: Vec<&AdvisedIndex> = created.into_iter().filter(|i| !i.queries.is_empty()).collect();
    for index in &served {
        run_sql(&client, &index.ddl).await?;
    }
    let after = snapshot(shape_url).await?;
    let advised = after.catalog.indexes.iter().filter(|i| served.iter().any(|s| s.name == i.name));
    let fixed = compared_by_equality(after.clone(), &case.query);
    Ok(advised.into_iter().any(|ours| accepted.iter().any(|theirs| verdict::answers(&ours.spec, theirs, &fixed))))
}

/// The index that the case about dropping names as needless.
fn is_redundant_one(name: &str) -> bool {
    name == "ix__user__authority"
}

/// Keys that the query compares by equality.
fn compared_by_equality(mut snapshot: Snapshot, query: &str) -> BTreeSet<KeyExpr> {
    snapshot.workload = vec![Query::new(QuerySource::File, query, &["public".to_owned()])];
    read_workload(&mut snapshot);
    let shapes = snapshot.workload.iter().filter_map(Query::shape);
    let conditions = shapes.flat_map(|s| &s.tables).flat_map(|t| &t.conditions);
    conditions.filter(|c| c.op == Op::Eq).map(|c| c.key.clone()).collect()
}

async fn snapshot(url: &str) -> Outcome<Snapshot> {
    let session = Session::open(Some(url), &Purpose::reading("bench")).await?;
    collect(&session, &CollectOptions::default()).await
}

async fn connect(url: &str) -> Outcome<Client> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.map_err(broken)?;
    tokio::spawn(connection);
    Ok(client)
}

async fn run_sql(client: &Client, sql: &str) -> Outcome<()> {
    client.batch_execute(sql).await.map_err(|e| Failure::usage(format!("{sql}: {}", advisor::pg::error::describe(&e))))
}

fn broken(error: tokio_postgres::Error) -> Failure {
    Failure::usage(advisor::pg::error::describe(&error))
}
