//! The database of a setting: made once, kept under `target/tpc/`, found again by later runs.

use super::setting::Setting;
use super::{Outcome, broken, connect, run};
use advisor::model::failure::{Failure, FailureKind};
use advisor::model::text::{quote_ident, quote_literal};
use advisor::pg::server::Server;
use advisor::read::split::statements;
use advisor::{disk, term};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A query of the workload.
pub struct Query {
    /// `q01`…
    pub name: String,
    pub sql: String,
}

/// A loaded database with its workload.
pub struct Data {
    pub url: String,
    pub queries: Vec<Query>,
    /// The same queries as a file.
    pub workload: PathBuf,
}

/// Finds the setting's database on the server, or makes the data and loads it.
pub async fn ready(setting: &Setting, server: &Server, folder: &Path) -> Outcome<Data> {
    let texts = folder.join(setting.name).join("queries.sql");
    let admin = connect(&server.url("postgres")).await?;
    let judge = admin.query_opt("select from pg_available_extensions where name = 'hypopg'", &[]).await;
    if judge.map_err(broken)?.is_none() {
        return Err(missing(format!("PostgreSQL {} has no HypoPG to judge with", server.binaries().version)));
    }
    let there = admin.query_opt("select from pg_database where datname = $1", &[&setting.name]).await;
    if !texts.exists() || there.map_err(broken)?.is_none() {
        make(setting, folder)?;
        load(setting, server, &folder.join(setting.name)).await?;
    }
    let queries = queries(setting, &texts)?;
    let workload = folder.join(setting.name).join("workload.sql");
    disk::write_text(&workload, &queries.iter().map(|q| format!("-- {}\n{};\n\n", q.name, q.sql)).collect::<String>())?;
    let url = server.url(setting.name);
    Ok(Data { url, queries, workload })
}

/// Runs the script beside this file; its last line says why where it cannot.
fn make(setting: &Setting, folder: &Path) -> Outcome<()> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/tpc/make-data.py");
    let made = Command::new("python3").arg(script).arg(setting.name).arg(folder).stderr(Stdio::inherit()).output();
    let made = made.map_err(|e| missing(format!("cannot run python3: {e}")))?;
    let said = String::from_utf8_lossy(&made.stdout);
    let reason = said.lines().last().unwrap_or("make-data.py ended early");
    if made.status.success() { Ok(()) } else { Err(missing(reason)) }
}

/// Loads under another name and gives it the right one at the end: a load cut short is never taken for a whole one.
async fn load(setting: &Setting, server: &Server, from: &Path) -> Outcome<()> {
    term::note(&format!("tpc: loading {}", setting.name));
    let admin = server.url("postgres");
    let loading = format!("{}_loading", setting.name);
    for name in [setting.name, &loading] {
        run(&admin, &format!("drop database if exists {}", quote_ident(name))).await?;
    }
    run(&admin, &format!("create database {}", quote_ident(&loading))).await?;
    let url = server.url(&loading);
    let files: Vec<PathBuf> = disk::list(from)?.into_iter().filter(|f| f.extension().is_some_and(|e| e == "csv")).collect();
    run(&url, setting.tables).await?;
    run(&url, &files.iter().map(|file| copy(file)).collect::<String>()).await?;
    run(&url, &format!("set maintenance_work_mem = '512MB'; {}", setting.keys)).await?;
    // Once: each ANALYZE draws another sample, and costs follow it.
    run(&url, "vacuum analyze").await?;
    run(&url, "create extension hypopg").await?;
    // What the load wrote is not what the workload writes.
    run(&url, "select pg_stat_reset()").await?;
    run(&admin, &format!("alter database {} rename to {}; checkpoint", quote_ident(&loading), quote_ident(setting.name))).await?;
    for file in &files {
        std::fs::remove_file(file).map_err(|e| missing(format!("cannot remove {}: {e}", file.display())))?;
    }
    Ok(())
}

fn copy(file: &Path) -> String {
    let table = file.file_stem().unwrap_or_default().to_string_lossy();
    format!("copy {} from {} (format csv, header true);\n", quote_ident(&table), quote_literal(&file.to_string_lossy()))
}

/// The queries of the setting: each has its name as the comment before it.
fn queries(setting: &Setting, texts: &Path) -> Outcome<Vec<Query>> {
    let named = |piece: advisor::read::split::Piece| {
        let name = piece.comments.iter().find(|c| c.trim().starts_with('q'))?.trim().to_owned();
        let number: u32 = name[1..].parse().ok()?;
        (!setting.left_out.contains(&number)).then_some(Query { name, sql: piece.text })
    };
    Ok(statements(&disk::read_text(texts)?).into_iter().filter_map(named).collect())
}

fn missing(reason: impl Into<String>) -> Failure {
    Failure::new(FailureKind::Missing, reason)
}
