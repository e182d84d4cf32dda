//! Files given to apply: reports, and SQL that `generate` wrote or a person.

use super::{Asked, ForPsql, Wanted, of_report};
use crate::disk;
use crate::migrate;
use crate::model::ddl::Ddl;
use crate::model::failure::Failure;
use crate::model::ledger::Source;
use crate::model::text::one_line;
use crate::read::{index_ddl, saved_report, split, statistics_ddl};
use std::path::{Path, PathBuf};

/// A file and its statements.
struct Input {
    path: PathBuf,
    text: String,
    pieces: Vec<split::Piece>,
}

/// What each file asks for, in order; the files of a partitioned table's index are one change, in the place of the first.
pub(super) fn read(paths: &[PathBuf]) -> Result<Vec<Asked>, Failure> {
    let mut inputs = Vec::new();
    for path in paths {
        let files = if path.is_dir() { of_folder(path)? } else { vec![path.clone()] };
        inputs.extend(files.into_iter().map(Input::read).collect::<Result<Vec<_>, _>>()?);
    }
    let whole: Vec<String> = inputs.iter().filter(|i| i.makes_parent()).filter_map(Input::id).collect();
    let mut asked = Vec::new();
    let mut done: Vec<String> = Vec::new();
    for input in &inputs {
        match input.id().filter(|id| whole.contains(id)) {
            Some(id) if done.contains(&id) => {}
            Some(id) => {
                let files: Vec<&Input> = inputs.iter().filter(|i| i.id().as_ref() == Some(&id)).collect();
                asked.push(of_partitioned(&id, &files)?);
                done.push(id);
            }
            None => asked.push(input.asked()?),
        }
    }
    Ok(asked)
}

/// The migration files of a folder, by name.
fn of_folder(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let fail = |e: std::io::Error| Failure::usage(format!("cannot read {}: {e}", path.display()));
    let mut files: Vec<PathBuf> = Vec::new();
    for file in std::fs::read_dir(path).map_err(fail)? {
        let file = file.map_err(fail)?.path();
        if file.to_string_lossy().ends_with(".up.sql") {
            files.push(file);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(Failure::usage(format!("{} holds no .up.sql file", path.display())).hint("advisor generate --report FILE writes them"));
    }
    Ok(files)
}

impl Input {
    fn read(path: PathBuf) -> Result<Input, Failure> {
        let text = disk::read_text(&path)?;
        let pieces = if is_report(&text) { Vec::new() } else { split::statements(&text) };
        Ok(Input { path, text, pieces })
    }

    /// The advice that the file says it is of.
    fn id(&self) -> Option<String> {
        self.pieces.first().and_then(named_id)
    }

    fn makes_parent(&self) -> bool {
        self.pieces.iter().any(|piece| index_ddl::parent(&piece.text).is_some())
    }

    fn asked(&self) -> Result<Asked, Failure> {
        let (path, pieces) = (&self.path, &self.pieces);
        if is_report(&self.text) {
            let refused =
                |why| Failure::usage(format!("cannot use {}: {why}", path.display())).hint("advisor analyze --format json writes a report");
            return of_report(&saved_report::read(&self.text).map_err(refused)?);
        }
        if let (Some(create), Some(first)) = (statistics_ddl::file(&self.text), pieces.first()) {
            let how = format!("extended statistics: psql -v ON_ERROR_STOP=1 -f {}", path.display());
            let for_psql = vec![ForPsql { id: named_id(first).unwrap_or_else(|| create.id()), sql: one_line(&create.sql()), how }];
            return Ok(Asked { for_psql, ..Asked::default() });
        }
        let ddl = index_ddl::file(&self.text).map_err(|refused| not_ours(path, &refused))?;
        let (source, edited) = (source(path, pieces), edited(pieces));
        let one = |(ddl, piece): (Ddl, &split::Piece)| Wanted {
            source: Some(source.clone()),
            remarks: edited.iter().cloned().collect(),
            ..wanted(named_id(piece).unwrap_or_else(|| ddl.id()), ddl, format!("from {}", path.display()))
        };
        Ok(Asked { changes: ddl.into_iter().zip(pieces).map(one).collect(), ..Asked::default() })
    }
}

fn is_report(text: &str) -> bool {
    text.trim_start().starts_with('{')
}

fn not_ours(path: &Path, refused: &index_ddl::Refused) -> Failure {
    let (statement, line, what) = (refused.statement, refused.line, &refused.what);
    let [create, drop] = index_ddl::FORMS;
    Failure::usage(format!("statement {statement} of {} (line {line}) is none that apply takes: {what}", path.display()))
        .hint(format!("it takes {create}"))
        .hint(format!("and {drop}"))
        .hint("of a partitioned table's index give all files of generate, best their folder; --after-apply files are for psql -f")
}

/// The files of one index on a partitioned table: apply does by itself what they say, step by step.
fn of_partitioned(id: &str, files: &[&Input]) -> Result<Asked, Failure> {
    let statements: Vec<Vec<&str>> = files.iter().map(|file| file.pieces.iter().map(|piece| piece.text.as_str()).collect()).collect();
    let folder = files.first().map(|file| file.path.clone()).unwrap_or_default();
    let Some(create) = migrate::reread(&statements) else {
        let what = format!("the files of advice {id} (partitioned table, from {}) are not all as generate wrote them", folder.display());
        return Err(Failure::usage(what)
            .hint("apply the report instead: advisor apply REPORT makes the whole index")
            .hint("or write them anew with advisor generate, and give their whole folder"));
    };
    let pieces: Vec<split::Piece> = files.iter().flat_map(|file| file.pieces.clone()).collect();
    let reason = format!("from {} and {} files behind it", folder.display(), files.len().saturating_sub(1));
    let source = Some(source(&folder, &pieces));
    Ok(Asked { changes: vec![Wanted { source, ..wanted(id.to_owned(), Ddl::Create(create), reason) }], ..Asked::default() })
}

fn source(path: &Path, pieces: &[split::Piece]) -> Source {
    let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Source { file, checksum: checksum(pieces) }
}

fn checksum(pieces: &[split::Piece]) -> String {
    Source::checksum(pieces.iter().map(|piece| piece.text.as_str()))
}

/// Files of `generate` carry the checksum of their statements; one written by hand carries none.
fn edited(pieces: &[split::Piece]) -> Option<String> {
    let now = checksum(pieces);
    let written = pieces.iter().flat_map(|piece| &piece.comments).find_map(|comment| {
        let word = comment.strip_prefix("Checksum ")?.split([' ', '.']).next()?;
        (word.len() == now.len() && word.bytes().all(|b| b.is_ascii_hexdigit())).then(|| word.to_owned())
    })?;
    (written != now).then(|| format!("the file was edited since it was generated (checksum {written}, now {now})"))
}

fn wanted(id: String, ddl: Ddl, reason: String) -> Wanted {
    let table = if let Ddl::Create(create) = &ddl { Some(create.table.clone()) } else { None };
    Wanted { id, ddl, table, reason, targets: Vec::new(), instead_of: None, size_bytes: None, source: None, remarks: Vec::new() }
}

/// Files of `generate` carry the advice's id, so that a report and its files mean the same entry.
fn named_id(piece: &split::Piece) -> Option<String> {
    let named = |comment: &String| {
        let id = comment.strip_prefix("Advice ")?.split('.').next()?;
        (!id.is_empty() && id.len() <= 16 && id.bytes().all(|b| b.is_ascii_hexdigit())).then(|| id.to_owned())
    };
    piece.comments.iter().find_map(named)
}
