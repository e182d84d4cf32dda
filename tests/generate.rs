//! Generated files run by a real psql on a real server: exactly what was advised, nothing else.

mod scratch;
mod support;

use advisor::flow::generate::{WriteOptions, write_files};
use advisor::model::index_def::{IndexSpec, KeySpec, TableName};
use advisor::model::report::{Action, AdvisedIndex, Report};
use advisor::model::text::quote_ident;
use scratch::{Scratch, report_of};
use std::path::{Path, PathBuf};

const HOSTILE: &[&str] = &[
    "x\n; drop table t; --",
    "x\"; drop table t; --",
    "\\! touch /tmp/owned\n\\q",
    "a' || 'b",
    "*/ drop table t; /*",
    "ü😀$$x$$ USING :HOST :'x'",
];

fn options(folder: &Path) -> WriteOptions {
    WriteOptions {
        folder: folder.to_owned(),
        format: "plain".into(),
        after_apply: false,
        only: vec![],
        stamp: "20260101000000".into(),
        members: Default::default(),
    }
}

fn advice(spec: &IndexSpec, name: &str) -> AdvisedIndex {
    scratch::create_advice(spec, name)
}

#[test]
fn hostile_names_make_exactly_one_index_each_and_leave_no_trace() {
    let server = Scratch::start();
    for (at, name) in HOSTILE.iter().enumerate() {
        let database = server.database(&format!("h{at}"));
        database.sql(&format!("create table t (a int); create schema {q}; create table {q}.{q} ({q} text)", q = quote_ident(name)));
        let spec = IndexSpec::btree(TableName::new(*name, *name), vec![KeySpec::column(*name)]);
        let index = format!("i{name}");
        let before = database.catalog();
        for after_apply in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let how = WriteOptions { after_apply, ..options(folder.path()) };
            let files = write_files(&report_of(vec![advice(&spec, &index)]), &how).unwrap();
            assert_eq!(files.len(), 2);
            database.psql_file(&files[0]).unwrap();
            let made: Vec<String> = database.catalog().into_iter().filter(|row| !before.contains(row)).collect();
            assert_eq!(made.len(), 1, "{name:?} {made:?}");
            assert_eq!(database.rows("select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"), ["t"]);
            database.psql_file(&files[1]).unwrap();
            assert_eq!(database.catalog(), before, "{name:?}");
        }
    }
}

#[test]
fn the_check_of_after_apply_accepts_its_index_and_refuses_others() {
    let server = Scratch::start();
    let database = server.database("checked");
    database.sql("create schema s; create table s.t (a int, b varchar)");
    let mut spec = IndexSpec::btree(TableName::new("s", "t"), vec![KeySpec::expression("lower(b)"), KeySpec::column("a")]);
    spec.predicate = Some("a > 3".into());
    let folder = tempfile::tempdir().unwrap();
    let files = write_files(&report_of(vec![advice(&spec, "i")]), &WriteOptions { after_apply: true, ..options(folder.path()) }).unwrap();
    let up = || database.psql_file(&files[0]);
    up().unwrap();
    up().unwrap();
    for other in ["s.t (a)", "s.t (lower(b), a) where a > 4", "s.t using hash (a)"] {
        database.sql(&format!("drop index s.i; create index i on {other}"));
        assert!(up().unwrap_err().contains("missing, invalid or different"), "{other}");
    }
    database.sql("drop index s.i; create table s.u (like s.t); create index i on s.u (lower(b), a) where a > 3");
    assert!(up().is_err());
    database.sql("drop index s.i; create index i on s.t (lower(b), a) where a > 3; update pg_index set indisvalid = false where indexrelid = 's.i'::regclass");
    assert!(up().is_err());
}

#[test]
fn a_dropped_index_comes_back_whole() {
    let server = Scratch::start();
    let database = server.database("back");
    database.sql(
        "create table t (a int, b text); create index i on t (a desc, (lower(b))) with (fillfactor = 70) where a > 0;
         comment on index i is 'it''s'; alter index i alter column 2 set statistics 77",
    );
    let before = database.catalog();
    let undo = vec![
        "CREATE INDEX CONCURRENTLY \"i\" ON \"public\".\"t\" USING btree (a DESC, lower(b)) WITH (fillfactor='70') WHERE (a > 0)"
            .to_owned(),
        "COMMENT ON INDEX \"public\".\"i\" IS 'it''s'".into(),
        "ALTER INDEX \"public\".\"i\" ALTER COLUMN 2 SET STATISTICS 77".into(),
    ];
    let drop = AdvisedIndex {
        action: Action::Drop,
        ddl: "DROP INDEX CONCURRENTLY \"public\".\"i\"".into(),
        undo,
        ..advice(&IndexSpec::btree(TableName::new("public", "t"), vec![KeySpec::column("a")]), "i")
    };
    let folder = tempfile::tempdir().unwrap();
    let files = write_files(&report_of(vec![drop]), &options(folder.path())).unwrap();
    database.psql_file(&files[0]).unwrap();
    assert_eq!(database.catalog().len(), 0);
    database.psql_file(&files[1]).unwrap();
    assert_eq!(database.catalog(), before);
}

#[test]
fn the_recipe_of_a_partitioned_table_ends_valid_and_goes_back() {
    let server = Scratch::start();
    let database = server.database("parts");
    database.sql(
        "create table p (a int, b int) partition by range (a); create table p1 partition of p for values from (0) to (10);
         create table \"p 2\" partition of p for values from (10) to (20) partition by range (b);
         create table p21 partition of \"p 2\" for values from (0) to (10); insert into p select 5, 5; insert into p select 15, 5",
    );
    let before = database.catalog();
    let spec = IndexSpec::btree(TableName::new("public", "p"), vec![KeySpec::column("b")]);
    let advice = AdvisedIndex { partitioned: true, ddl: spec.create_sql("i", false), ..advice(&spec, "i") };
    let members = database.members("p");
    let folder = tempfile::tempdir().unwrap();
    let how = WriteOptions { members: [(spec.table.clone(), members)].into(), ..options(folder.path()) };
    let files = write_files(&report_of(vec![advice]), &how).unwrap();
    let (up, mut down): (Vec<&PathBuf>, Vec<&PathBuf>) = files.iter().partition(|f| f.to_string_lossy().ends_with(".up.sql"));
    up.iter().for_each(|f| database.psql_file(f).unwrap());
    assert_eq!(
        database.rows("select count(*) from pg_index where indisvalid and indexrelid in (select relid from pg_partition_tree('i'))"),
        ["4"]
    );
    down.reverse();
    down.iter().for_each(|f| database.psql_file(f).unwrap());
    assert_eq!(database.catalog(), before);
}

#[test]
fn a_different_file_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let spec = |column: &str| IndexSpec::btree(TableName::new("s", "t"), vec![KeySpec::column(column)]);
    let report = |column| -> Report { report_of(vec![advice(&spec(column), "i")]) };
    let first = write_files(&report("a"), &options(folder.path())).unwrap();
    assert_eq!(write_files(&report("a"), &options(folder.path())).unwrap(), first);
    let failure = write_files(&report("b"), &options(folder.path())).unwrap_err();
    assert_eq!(failure.kind.exit_code(), 2);
    assert!(std::fs::read_to_string(&first[0]).unwrap().contains("(\"a\")"));
}

#[test]
fn statistics_get_files_of_their_own_that_psql_runs_twice() {
    let server = Scratch::start();
    let database = server.database("together");
    database.sql("create table \"t\"\"x\" (a int, b int); insert into \"t\"\"x\" select g % 10, g % 10 from generate_series(1, 1000) g");
    let mut report = report_of(vec![]);
    report.recommendation.statistics = vec![scratch::statistics_advice("t\"x", "a;b")];
    let (made, filled) = ("select stxname, stxkind from pg_statistic_ext", "select count(*) from pg_statistic_ext_data");
    for after_apply in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let files = write_files(&report, &WriteOptions { after_apply, ..options(folder.path()) }).unwrap();
        let names: Vec<String> = files.iter().map(|f| f.file_name().unwrap().to_string_lossy().into_owned()).collect();
        assert_eq!(names, ["20260101000000_01_a_b.up.sql", "20260101000000_01_a_b.down.sql"]);
        database.psql_file(&files[0]).unwrap();
        assert_eq!((database.rows(made), database.rows(filled)), (vec!["a;b|{f,m}".to_owned()], vec!["1".to_owned()]));
        assert_eq!(database.psql_file(&files[0]).is_ok(), after_apply);
        database.psql_file(&files[1]).unwrap();
        assert_eq!(database.rows(made), [""; 0]);
    }
    report.recommendation.statistics[0].ddl = "DROP TABLE \"t\"\"x\"".into();
    assert!(write_files(&report, &options(tempfile::tempdir().unwrap().path())).is_err());
}
