//! The strict grammar of the CREATE STATISTICS statements that we write ourselves, and of their files:
//! as with indexes, a report's text is read and written anew, never passed on.

use super::index_ddl::{Cursor, beginning};
use super::split::statements;
use crate::model::index_def::TableName;
use crate::model::statistics_ddl::{CreateStatistics, KINDS};

/// Reads one statement; the error says what it is instead.
pub fn statement(sql: &str) -> Result<CreateStatistics, String> {
    let mut cursor = Cursor::new(sql)?;
    create(&mut cursor).filter(|_| cursor.at_end()).ok_or_else(|| beginning(sql))
}

/// What a file creates that holds such a statement and its ANALYZE, and nothing else.
pub fn file(sql: &str) -> Option<CreateStatistics> {
    let pieces = statements(sql);
    let [first, then] = pieces.as_slice() else { return None };
    statement(&first.text).ok().filter(|create| create.analyze_sql() == then.text.trim())
}

fn create(cursor: &mut Cursor<'_>) -> Option<CreateStatistics> {
    if !cursor.words(&["CREATE", "STATISTICS"]) {
        return None;
    }
    cursor.words(&["IF", "NOT", "EXISTS"]);
    let (schema, name) = cursor.qualified("statistics object").ok()?;
    let kinds = kinds(cursor)?;
    let columns = if cursor.words(&["ON"]) { names(cursor)? } else { return None };
    let table = if cursor.words(&["FROM"]) { cursor.qualified("table").ok()? } else { return None };
    let known = kinds.iter().all(|kind| KINDS.contains(&kind.as_str()));
    let of_columns = CreateStatistics { schema, name, kinds, columns, table: TableName { schema: table.0, name: table.1 } };
    (known && of_columns.columns.len() > 1).then_some(of_columns)
}

fn kinds(cursor: &mut Cursor<'_>) -> Option<Vec<String>> {
    let kinds = if cursor.symbol('(') { names(cursor)? } else { return None };
    cursor.symbol(')').then_some(kinds)
}

/// Names with commas between them.
fn names(cursor: &mut Cursor<'_>) -> Option<Vec<String>> {
    let mut names = vec![cursor.name()?];
    while cursor.symbol(',') {
        names.push(cursor.name()?);
    }
    Some(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SQL: &str = "CREATE STATISTICS \"s\".\"n\"\"x\" (dependencies, mcv) ON \"a;\", \"B\" FROM \"s\".\"t\"";

    #[test]
    fn our_own_statement_is_read_and_written_again() {
        let read = statement(SQL).unwrap();
        assert_eq!((read.sql().as_str(), read.name.as_str(), read.columns[0].as_str()), (SQL, "n\"x", "a;"));
        assert_eq!(statement(&read.sql_if_not_exists()), Ok(read.clone()));
        assert_eq!(
            (read.analyze_sql().as_str(), read.drop_sql().as_str()),
            ("ANALYZE \"s\".\"t\" (\"a;\", \"B\")", "DROP STATISTICS \"s\".\"n\"\"x\"")
        );
        assert_eq!(file(&format!("-- why\n{SQL};\n{};\n", read.analyze_sql())), Some(read));
    }

    #[test]
    fn anything_else_is_refused() {
        for bad in [
            "drop statistics s.n",
            "create statistics n (mcv) on a, b from s.t",
            "create statistics s.n on a, b from s.t",
            "create statistics s.n (mcv) on a from s.t",
            "create statistics s.n (mcv) on a, lower(b) from s.t",
            "create statistics s.n (histogram) on a, b from s.t",
            "create statistics s.n (mcv) on a, b from s.t where a > 1",
            "create statistics s.n (mcv) on a, b from s.t; drop table t",
            "create statistics s.n (mcv) on a, b from s.t \\! ls",
        ] {
            assert!(statement(bad).is_err(), "{bad}");
        }
        for bad in [format!("{SQL};"), format!("{SQL}; DROP TABLE t;"), format!("{SQL}; ANALYZE \"s\".\"t\" (\"a;\", \"B\"); DROP TABLE t")]
        {
            assert_eq!(file(&bad), None, "{bad}");
        }
    }
}
