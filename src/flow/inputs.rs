//! Workload from files: `--queries` (.sql) and `--plans` (EXPLAIN output).

use crate::disk;
use crate::model::failure::Failure;
use crate::model::query::{PlanOrigin, Query, QueryPlan, QuerySource};
use crate::model::snapshot::{Problem, Snapshot};
use crate::model::text::{one_line, quote_ident};
use crate::read::sql::wrapped;
use crate::read::{explain, split};
use std::path::{Path, PathBuf};

/// Adds every statement of the files; a statement that is no query is a problem, not an end.
pub(super) fn add_queries(snapshot: &mut Snapshot, paths: &[PathBuf], search_path: &[String]) -> Result<(), Failure> {
    for file in files(paths, &["sql"])? {
        let Some(text) = text_of(snapshot, &file, paths)? else { continue };
        let pieces = split::statements(&text);
        if pieces.is_empty() {
            snapshot.problems.push(problem(&file, "no statement in this file".into()));
        }
        for piece in pieces {
            let mut query = Query::new(QuerySource::File, "", search_path);
            match weight(&piece.comments) {
                Ok(weight) => query.weight = weight,
                Err(message) => snapshot.problems.push(problem(&file, format!("line {}: {message}", piece.line(&text)))),
            }
            query.text = wrapped::inner(&piece.text).to_owned();
            snapshot.workload.push(query);
        }
    }
    Ok(())
}

/// Adds every plan of the files; the query's text is the plan's own, where it holds one.
pub(super) fn add_plans(snapshot: &mut Snapshot, paths: &[PathBuf], search_path: &[String]) -> Result<(), Failure> {
    for file in files(paths, &["json", "txt", "text", "plan", "explain", "sql", "out"])? {
        let Some(text) = text_of(snapshot, &file, paths)? else { continue };
        let reading = explain::read(&text);
        snapshot.problems.extend(reading.problems.into_iter().map(|message| problem(&file, message)));
        for (number, plan) in reading.plans.into_iter().enumerate() {
            let mut query = Query::new(QuerySource::Plan, "", search_path);
            // Without the query's text, the file's name and place tell plans apart.
            query.text =
                plan.query_text.clone().unwrap_or_else(|| format!("plan {}", quote_ident(&format!("{}#{}", file.display(), number + 1))));
            query.plans.push(QueryPlan { origin: PlanOrigin::Given, plan });
            snapshot.workload.push(query);
        }
    }
    Ok(())
}

/// The text of a file. One that the user named must be readable; one found in a folder is left out with a problem.
fn text_of(snapshot: &mut Snapshot, file: &Path, named: &[PathBuf]) -> Result<Option<String>, Failure> {
    match disk::read_text(file) {
        Ok(text) => Ok(Some(text)),
        Err(failure) if named.iter().any(|n| n == file) => Err(failure),
        Err(failure) => {
            snapshot.problems.push(problem(file, failure.message));
            Ok(None)
        }
    }
}

fn problem(file: &Path, message: String) -> Problem {
    Problem { source: one_line(&file.display().to_string()), message }
}

/// `-- weight: 12.5` among the comments in front of a statement.
fn weight(comments: &[String]) -> Result<f64, String> {
    let text = comments.iter().find_map(|c| c.trim().strip_prefix("weight:")).map(str::trim);
    match text {
        None => Ok(1.0),
        Some(text) => text
            .parse()
            .ok()
            .filter(|w: &f64| w.is_finite() && *w > 0.0)
            .ok_or_else(|| format!("weight is not a positive number: {}", one_line(text))),
    }
}

/// The files themselves, and for a folder those in it with one of the endings, by name.
fn files(paths: &[PathBuf], endings: &[&str]) -> Result<Vec<PathBuf>, Failure> {
    let mut out = Vec::new();
    for path in paths {
        if !path.is_dir() {
            out.push(path.clone());
            continue;
        }
        let listed = disk::list(path)?;
        let fits = |p: &PathBuf| p.extension().and_then(|e| e.to_str()).is_some_and(|e| endings.contains(&e));
        let before = out.len();
        out.extend(listed.into_iter().filter(fits));
        if out.len() == before {
            let hint = format!("files ending in {} are read", endings.iter().map(|e| format!(".{e}")).collect::<Vec<_>>().join(", "));
            return Err(Failure::usage(format!("nothing to read in {}", path.display())).hint(hint));
        }
    }
    Ok(out)
}
