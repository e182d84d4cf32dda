//! What apply is asked to do: a report, a folder of migration files, or files, read by the strict grammar.

use crate::disk;
use crate::migrate;
use crate::model::ddl::Ddl;
use crate::model::failure::Failure;
use crate::model::index_def::TableName;
use crate::model::ledger::Source;
use crate::model::report::{AdvisedIndex, AdvisedStatistics, Report};
use crate::model::text::one_line;
use crate::read::{index_ddl, saved_report, split, statistics_ddl};
use std::path::{Path, PathBuf};

/// One index change to make.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// Advice id, or a hash of the statement.
    pub id: String,
    /// The statement; on a partitioned table it means the whole recipe.
    pub ddl: Ddl,
    /// Table, where the report names it.
    pub table: Option<TableName>,
    /// Why.
    pub reason: String,
    /// Of a build: the drop of an index of the same name, whose place it takes.
    pub instead_of: Option<Box<Wanted>>,
    /// The migration file it stands in.
    pub source: Option<Source>,
    /// What is to be said of it beside its reason.
    pub remarks: Vec<String>,
    /// Size by the report, bytes.
    pub size_bytes: Option<f64>,
}

/// Advice that is no index: apply leaves it to psql.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForPsql {
    /// Advice id.
    pub id: String,
    /// The statement.
    pub sql: String,
    /// How to run it, in a sentence.
    pub how: String,
}

/// All that apply is asked to do.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Asked {
    /// Index changes, in order.
    pub changes: Vec<Wanted>,
    /// What is left to psql.
    pub for_psql: Vec<ForPsql>,
}

impl Asked {
    fn add(&mut self, more: Asked) {
        for wanted in more.changes {
            if !self.changes.iter().any(|w| w.id == wanted.id) {
                self.changes.push(wanted);
            }
        }
        for left in more.for_psql {
            if !self.for_psql.iter().any(|l| l.id == left.id) {
                self.for_psql.push(left);
            }
        }
    }

    fn ids(&self) -> impl Iterator<Item = &String> {
        self.changes.iter().map(|w| &w.id).chain(self.for_psql.iter().map(|l| &l.id))
    }
}

/// Reads all of them in order; an id that comes twice counts once.
pub fn read(paths: &[PathBuf], only: &[String]) -> Result<Asked, Failure> {
    let mut all = Asked::default();
    for path in paths {
        all.add(read_path(path)?);
    }
    for id in only {
        if !all.ids().any(|known| known == id) {
            let known: Vec<String> = all.ids().map(|id| one_line(id)).collect();
            return Err(Failure::usage(format!("no change has the id {}", one_line(id))).hint(format!("there are: {}", known.join(", "))));
        }
    }
    let asked_for = |id: &String| only.is_empty() || only.contains(id);
    all.changes.retain(|w| asked_for(&w.id));
    all.for_psql.retain(|l| asked_for(&l.id));
    Ok(all)
}

/// The changes of a report.
pub fn of_report(report: &Report) -> Result<Asked, Failure> {
    let advice = &report.recommendation;
    Ok(Asked {
        changes: advice.indexes.iter().map(of_advice).collect::<Result<_, _>>()?,
        for_psql: advice.statistics.iter().map(of_statistics).collect(),
    })
}

fn of_statistics(advice: &AdvisedStatistics) -> ForPsql {
    let how = "extended statistics: `advisor generate` writes the file, run that with psql";
    ForPsql { id: one_line(&advice.id), sql: one_line(&advice.ddl), how: how.into() }
}

fn of_advice(advice: &AdvisedIndex) -> Result<Wanted, Failure> {
    let ddl = migrate::read(advice).map_err(|what| Failure::usage(format!("advice {}: {what}", one_line(&advice.id))))?;
    if advice.id.is_empty() || !advice.id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
        return Err(Failure::usage(format!("advice id {} is not made of letters, digits, - and _", one_line(&advice.id))));
    }
    let table = TableName::new(&advice.schema, &advice.table);
    Ok(Wanted {
        id: advice.id.clone(),
        ddl,
        table: Some(table),
        reason: advice.reason.clone(),
        instead_of: None,
        source: None,
        remarks: Vec::new(),
        size_bytes: advice.size_bytes,
    })
}

fn read_path(path: &Path) -> Result<Asked, Failure> {
    if !path.is_dir() {
        return read_file(path);
    }
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
    let mut all = Asked::default();
    for file in &files {
        all.add(read_file(file)?);
    }
    Ok(all)
}

fn read_file(path: &Path) -> Result<Asked, Failure> {
    let text = disk::read_text(path)?;
    if text.trim_start().starts_with('{') {
        let refused =
            |why| Failure::usage(format!("cannot use {}: {why}", path.display())).hint("advisor analyze --format json writes a report");
        let report = saved_report::read(&text).map_err(refused)?;
        return of_report(&report);
    }
    let pieces = split::statements(&text);
    if let (Some(create), Some(first)) = (statistics_ddl::file(&text), pieces.first()) {
        let how = format!("extended statistics: psql -v ON_ERROR_STOP=1 -f {}", path.display());
        let for_psql = vec![ForPsql { id: named_id(first).unwrap_or_else(|| create.id()), sql: one_line(&create.sql()), how }];
        return Ok(Asked { for_psql, ..Asked::default() });
    }
    let ddl = index_ddl::file(&text).map_err(|refused| {
        let (statement, line, what) = (refused.statement, refused.line, refused.what);
        let only = "apply runs only CREATE INDEX CONCURRENTLY and DROP INDEX CONCURRENTLY";
        Failure::usage(format!("{only}; statement {statement} of {} (line {line}) is: {what}", path.display()))
            .hint("files for partitioned tables and --after-apply files are for psql -v ON_ERROR_STOP=1 -f")
    })?;
    let (source, edited) = (source(path, &pieces), edited(&pieces));
    let one = |(ddl, piece): (Ddl, &split::Piece)| Wanted {
        source: Some(source.clone()),
        remarks: edited.iter().cloned().collect(),
        ..of_statement(path, ddl, piece)
    };
    Ok(Asked { changes: ddl.into_iter().zip(&pieces).map(one).collect(), ..Asked::default() })
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

/// Files of `generate` carry the advice's id, so that a report and its files mean the same entry.
fn of_statement(path: &Path, ddl: Ddl, piece: &split::Piece) -> Wanted {
    let id = named_id(piece).unwrap_or_else(|| ddl.id());
    let table = if let Ddl::Create(create) = &ddl { Some(create.table.clone()) } else { None };
    let reason = format!("from {}", path.display());
    Wanted { id, ddl, table, reason, instead_of: None, size_bytes: None, source: None, remarks: Vec::new() }
}

fn named_id(piece: &split::Piece) -> Option<String> {
    let named = |comment: &String| {
        let id = comment.strip_prefix("Advice ")?.split('.').next()?;
        (!id.is_empty() && id.len() <= 16 && id.bytes().all(|b| b.is_ascii_hexdigit())).then(|| id.to_owned())
    };
    piece.comments.iter().find_map(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_by_the_grammar_and_refused_by_statement() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("2_b.up.sql", "-- Advice 0123abcd. Lock: x.\nDROP INDEX CONCURRENTLY s.b;");
        write("1_a.up.sql", "CREATE INDEX CONCURRENTLY a ON s.t USING btree (x);");
        write("1_a.down.sql", "DROP INDEX CONCURRENTLY s.a;");
        let all = read(&[folder.path().to_owned()], &[]).unwrap().changes;
        assert_eq!(all.iter().map(|w| w.ddl.index().name).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(all[1].id, "0123abcd");
        assert_eq!(read(&[folder.path().to_owned()], &["0123abcd".into()]).unwrap().changes.len(), 1);
        assert!(read(&[folder.path().to_owned()], &["nope".into()]).is_err());
        write("3_c.up.sql", "CREATE INDEX CONCURRENTLY c ON s.t USING btree (x);\nDROP TABLE t;");
        let refused = read(&[folder.path().to_owned()], &[]).unwrap_err();
        assert!(refused.message.contains("statement 2 of") && refused.message.contains("(line 2) is: DROP TABLE t"), "{}", refused.message);
    }

    #[test]
    fn a_file_says_whether_it_was_edited() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("1_a.up.sql");
        let statement = "CREATE INDEX CONCURRENTLY \"a\" ON \"s\".\"t\" USING btree (\"x\")";
        let checksum = Source::checksum([statement]);
        let of = |header: &str, body: &str| {
            std::fs::write(&path, format!("{header}{body};\n")).unwrap();
            read(&[folder.path().to_owned()], &[]).unwrap().changes.remove(0)
        };
        let header = format!("-- Create index s.a.\r\n-- Advice 0123abcd. Lock: x.\n-- Checksum {checksum} of the statements below: x.\n");
        let whole = of(&header, statement);
        assert_eq!((whole.remarks.len(), whole.source), (0, Some(Source { file: "1_a.up.sql".into(), checksum: checksum.clone() })));
        assert_eq!(of(&format!("{header}-- a word more\r\n"), &format!("{statement}\r\n")).remarks.len(), 0, "comments and line ends");
        let edited = of(&header, &statement.replace("\"x\"", "\"y\""));
        assert!(edited.remarks[0].contains(&format!("edited since it was generated (checksum {checksum}, now ")), "{edited:?}");
        assert_eq!((edited.id.as_str(), of("", statement).remarks.len()), ("0123abcd", 0), "written by hand");
    }

    #[test]
    fn statistics_are_left_to_psql_and_end_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let sql = "CREATE STATISTICS \"s\".\"n\" (mcv) ON \"a\", \"b\" FROM \"s\".\"t\"";
        let file = format!("-- Advice 0123abcd. Lock: x.\n{sql};\nANALYZE \"s\".\"t\" (\"a\", \"b\");\n");
        std::fs::write(folder.path().join("1_n.up.sql"), &file).unwrap();
        let asked = read(&[folder.path().to_owned()], &["0123abcd".into()]).unwrap();
        assert_eq!((asked.changes.len(), asked.for_psql[0].sql.as_str()), (0, sql));
        assert!(asked.for_psql[0].how.contains("1_n.up.sql"), "{asked:?}");
        std::fs::write(folder.path().join("1_n.up.sql"), file + "DROP TABLE s.t;").unwrap();
        assert!(read(&[folder.path().to_owned()], &[]).is_err(), "only what we write ourselves is passed on");
    }
}
