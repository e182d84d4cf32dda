//! A report's advice to files on disk.

use crate::disk;
use crate::migrate::formats::{FORMATS, File};
use crate::migrate::{self, Options};
use crate::model::failure::{Failure, FailureKind};
use crate::model::index_def::TableName;
use crate::model::report::Report;
use crate::model::step::Member;
use crate::model::text::one_line;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where and how files are written.
#[derive(Debug, Clone)]
pub struct WriteOptions {
    /// Folder; made when missing.
    pub folder: PathBuf,
    /// Name of a format.
    pub format: String,
    /// With a check for an index that may be there already.
    pub after_apply: bool,
    /// Ids to write; empty means all.
    pub only: Vec<String>,
    /// Digits in front of every name; they order these files behind earlier ones.
    pub stamp: String,
    /// Partitions of the partitioned tables among the advice.
    pub members: BTreeMap<TableName, Vec<Member>>,
}

/// Partitioned tables that the advice is about: the caller finds their partitions.
pub fn partitioned_tables(report: &Report, only: &[String]) -> Vec<TableName> {
    let mut tables: Vec<TableName> = report
        .recommendation
        .indexes
        .iter()
        .filter(|a| a.partitioned && wanted(only, &a.id))
        .map(|a| TableName::new(&a.schema, &a.table))
        .collect();
    tables.sort();
    tables.dedup();
    tables
}

/// Writes the files of a report's advice and names them in order. Nothing is written when any
/// advice cannot be written or a different file of one of the names is there.
pub fn write_files(report: &Report, options: &WriteOptions) -> Result<Vec<PathBuf>, Failure> {
    let files = render(report, options)?;
    let fail = |e: std::io::Error| Failure::usage(format!("cannot write to {}: {e}", options.folder.display()));
    std::fs::create_dir_all(&options.folder).map_err(fail)?;
    let paths: Vec<PathBuf> = files.iter().map(|f| options.folder.join(&f.name)).collect();
    for (path, file) in paths.iter().zip(&files) {
        refuse_other_content(path, file)?;
    }
    for (path, file) in paths.iter().zip(&files) {
        if !path.exists() {
            disk::write_text(path, &file.text)?;
        }
    }
    Ok(paths)
}

fn render(report: &Report, options: &WriteOptions) -> Result<Vec<File>, Failure> {
    let format = FORMATS.iter().find(|f| f.name == options.format).ok_or_else(|| {
        let known: Vec<&str> = FORMATS.iter().map(|f| f.name).collect();
        Failure::usage(format!("unknown format {}", options.format)).hint(format!("known formats: {}", known.join(", ")))
    })?;
    if options.stamp.is_empty() || options.stamp.len() > 20 || !options.stamp.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Failure::usage("the stamp must be 1 to 20 digits, like 20260131120000"));
    }
    for id in &options.only {
        known_id(report, id)?;
    }
    let how = Options { after_apply: options.after_apply };
    let mut steps = Vec::new();
    for advice in report.recommendation.indexes.iter().filter(|a| wanted(&options.only, &a.id)) {
        let members = options.members.get(&TableName::new(&advice.schema, &advice.table));
        steps.extend(migrate::steps(advice, members.map(Vec::as_slice), &how).map_err(refused)?);
    }
    for advice in report.recommendation.statistics.iter().filter(|a| wanted(&options.only, &a.id)) {
        steps.push(migrate::statistics_step(advice, &how).map_err(refused)?);
    }
    Ok((format.files)(&steps, &options.stamp))
}

fn refused(what: String) -> Failure {
    let needs_catalog = what.contains("does not hold its partitions");
    let failure = Failure::new(if needs_catalog { FailureKind::Missing } else { FailureKind::Usage }, what);
    if needs_catalog { failure.hint("advisor generate --report FILE --db URL reads them from the database") } else { failure }
}

fn wanted(only: &[String], id: &str) -> bool {
    only.is_empty() || only.iter().any(|o| o == id)
}

fn known_id(report: &Report, id: &str) -> Result<(), Failure> {
    let advice = &report.recommendation;
    let ids = advice.indexes.iter().map(|a| &a.id).chain(advice.statistics.iter().map(|a| &a.id));
    let ids: Vec<String> = ids.map(|id| one_line(id)).collect();
    if ids.iter().any(|known| known == id) {
        return Ok(());
    }
    Err(Failure::usage(format!("the report has no advice {id}")).hint(format!("it has: {}", ids.join(", "))))
}

fn refuse_other_content(path: &Path, file: &File) -> Result<(), Failure> {
    match std::fs::read(path) {
        Ok(old) if old != file.text.as_bytes() => Err(Failure::usage(format!("{} exists with other content", path.display()))
            .hint("give another --output folder or --stamp; nothing was written")),
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Failure::usage(format!("cannot read {}: {e}", path.display()))),
        _ => Ok(()),
    }
}
