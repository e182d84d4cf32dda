//! What apply is asked to do: a report, a folder of migration files, or files, read by the strict grammar.

mod files;

use crate::disk;
use crate::migrate;
use crate::model::ddl::Ddl;
use crate::model::failure::Failure;
use crate::model::index_def::TableName;
use crate::model::ledger::{Source, TargetQuery};
use crate::model::report::{AdvisedIndex, AdvisedStatistics, Report};
use crate::model::text::one_line;
use crate::read::saved_report;
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
    /// The queries that the index is for, where a report names them.
    pub targets: Vec<TargetQuery>,
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
    fn add(&mut self, more: Asked) -> Result<(), Failure> {
        for wanted in more.changes {
            match self.changes.iter().find(|w| w.id == wanted.id) {
                None => self.changes.push(wanted),
                Some(known) if known.ddl == wanted.ddl => {}
                Some(known) => return Err(two_of_one_id(known, &wanted)),
            }
        }
        for left in more.for_psql {
            if !self.for_psql.iter().any(|l| l.id == left.id) {
                self.for_psql.push(left);
            }
        }
        Ok(())
    }

    fn ids(&self) -> impl Iterator<Item = &String> {
        self.changes.iter().map(|w| &w.id).chain(self.for_psql.iter().map(|l| &l.id))
    }
}

/// An id is the name of one change: in the ledger, and for rollback.
fn two_of_one_id(one: &Wanted, other: &Wanted) -> Failure {
    let id = one_line(&one.id);
    let (one, other) = (one_line(&one.ddl.sql()), one_line(&other.ddl.sql()));
    Failure::usage(format!("two changes have the id {id}: {one}; {other}"))
        .hint("the files of a partitioned table's index belong together: give their folder, or the report")
        .hint(format!("of others delete the line `-- Advice {id} …`: then each is a change of its own"))
}

/// Reads all of them in order; an id that comes twice counts once.
pub fn read(paths: &[PathBuf], only: &[String]) -> Result<Asked, Failure> {
    let mut all = Asked::default();
    for part in files::read(paths)? {
        all.add(part)?;
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
        changes: advice.indexes.iter().map(|index| of_advice(index, report)).collect::<Result<_, _>>()?,
        for_psql: advice.statistics.iter().map(of_statistics).collect(),
    })
}

fn of_statistics(advice: &AdvisedStatistics) -> ForPsql {
    let how = "extended statistics: `advisor generate` writes the file, run that with psql";
    ForPsql { id: one_line(&advice.id), sql: one_line(&advice.ddl), how: how.into() }
}

fn of_advice(advice: &AdvisedIndex, report: &Report) -> Result<Wanted, Failure> {
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
        targets: targets(advice, report),
        instead_of: None,
        source: None,
        remarks: Vec::new(),
        size_bytes: advice.size_bytes,
    })
}

/// The queries that an advised index serves, with their texts; the look-up of a foreign key has none.
fn targets(advice: &AdvisedIndex, report: &Report) -> Vec<TargetQuery> {
    let text_of = |fingerprint: &str| report.queries.iter().find(|q| q.fingerprint == fingerprint).map(|q| q.text.clone());
    let target = |fingerprint: &String| Some(TargetQuery { fingerprint: fingerprint.clone(), text: text_of(fingerprint)? });
    advice.queries.iter().filter_map(|q| target(&q.fingerprint)).collect()
}

/// Lends the queries of a report to changes that came from its migration files.
pub fn lend_queries(asked: &mut Asked, path: &Path) -> Result<(), Failure> {
    let refused =
        |why| Failure::usage(format!("cannot use {}: {why}", path.display())).hint("advisor analyze --format json writes a report");
    let report = saved_report::read(&disk::read_text(path)?).map_err(refused)?;
    for wanted in asked.changes.iter_mut().filter(|w| w.targets.is_empty()) {
        let advice = report.recommendation.indexes.iter().find(|advice| advice.id == wanted.id);
        wanted.targets = advice.map(|advice| targets(advice, &report)).unwrap_or_default();
    }
    Ok(())
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
        assert!(
            refused.message.contains("statement 2 of") && refused.message.ends_with("(line 2) is none that apply takes: DROP TABLE t"),
            "{}",
            refused.message
        );
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
