//! Every statement under `sql/` keeps its promise on every server at hand: parameters and columns
//! as `pg::statements` says, one statement per file, header and ORDER BY in place.

mod support;

use advisor::pg::statements::{ALL, LEDGER_CREATE_EVENTS, LEDGER_CREATE_SAMPLES, LEDGER_CREATE_SCHEMA, LEDGER_CREATE_TABLE, Statement};
use std::collections::BTreeSet;
use std::path::Path;

/// Statements that need something this test does not set up are contracts of other tests.
const SET_UP_HERE: &[&str] = &["pg_stat_statements", "pageinspect", "amcheck", "ledger", "byte casts"];

#[test]
fn every_file_has_a_row_and_a_header() {
    let mut files = BTreeSet::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql");
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.insert(path.strip_prefix(&root).unwrap().with_extension("").to_str().unwrap().to_owned());
            }
        }
    }
    let rows: BTreeSet<String> = ALL.iter().map(|s| s.name.to_owned()).collect();
    // The demo's other files are scripts, not statements: they only ever run on our own server, in tests/demo.rs.
    files.retain(|name| !name.starts_with("demo/") || rows.contains(name));
    assert_eq!(files, rows, "files under sql/ and rows in pg/statements.rs");
}

#[test]
fn every_text_follows_the_rules_of_the_house() {
    for statement in ALL {
        let text = statement.sql.strip_suffix("/* advisor */").unwrap_or_else(|| panic!("{}: no tag", statement.name));
        for label in ["-- purpose: ", "-- reads:   ", "-- locks:   "] {
            assert!(text.lines().take(6).any(|l| l.starts_with(label)), "{}: no `{label}`", statement.name);
        }
        let code: String = text.lines().map(|l| format!("{}\n", l.split("-- ").next().unwrap_or(""))).collect();
        assert!(!code.contains(';'), "{}: one statement, no semicolon", statement.name);
        let reads = ["select", "with"].iter().any(|k| code.trim_start().to_lowercase().starts_with(k));
        assert!(!reads || code.contains("order by"), "{}: no order by", statement.name);
    }
}

#[tokio::test]
async fn every_statement_keeps_its_promise() {
    for server in support::servers() {
        let bindir = &server.binaries.dir;
        let client = support::connect(&server.database("sql_contract")).await;
        // In a schema of its own, as managed services have it.
        client
            .batch_execute(
                "create schema \"Ext\"; create extension pg_stat_statements schema \"Ext\"; \
                 create extension pageinspect schema \"Ext\"; create extension amcheck schema \"Ext\"; set search_path = \"Ext\"",
            )
            .await
            .unwrap();
        for kind in ["pg_ndistinct", "pg_dependencies", "pg_mcv_list"] {
            client.batch_execute(&format!("create cast (bytea as {kind}) without function")).await.unwrap();
        }
        for statement in [&LEDGER_CREATE_SCHEMA, &LEDGER_CREATE_TABLE, &LEDGER_CREATE_EVENTS, &LEDGER_CREATE_SAMPLES] {
            client.batch_execute(statement.sql).await.unwrap();
        }
        let major: i32 = client.query_one("select current_setting('server_version_num')::int / 10000", &[]).await.unwrap().get(0);
        let extension: String =
            client.query_one("select extversion from pg_extension where extname = 'pg_stat_statements'", &[]).await.unwrap().get(0);
        let mut prepared = 0;
        for statement in ALL.iter().filter(|s| applies(s, major as u32, &extension)) {
            keeps(&client, statement, bindir).await;
            prepared += 1;
        }
        assert!(prepared >= 18, "only {prepared} statements apply to {}", bindir.display());
    }
}

fn applies(statement: &Statement, major: u32, extension: &str) -> bool {
    let minor = |v: &str| v.rsplit('.').next().and_then(|m| m.parse::<u32>().ok()).unwrap();
    let wants = statement.name.split(".ext").nth(1).map_or(0, minor);
    (statement.since_major..=statement.until_major).contains(&major)
        && statement.needs.is_none_or(|n| SET_UP_HERE.contains(&n))
        && wants <= minor(extension)
}

async fn keeps(client: &tokio_postgres::Client, statement: &Statement, bindir: &Path) {
    let at = format!("{} on {}", statement.name, bindir.display());
    let prepared = client.prepare(statement.sql).await.unwrap_or_else(|e| panic!("{at}: {:?}", e.as_db_error()));
    let parameters: Vec<&str> = prepared.params().iter().map(|t| t.name()).collect();
    let columns: Vec<&str> = prepared.columns().iter().map(|c| c.name()).collect();
    assert_eq!(parameters, statement.parameters, "parameters of {at}");
    assert_eq!(columns, statement.columns, "columns of {at}");
    if parameters.is_empty() && !matches!(statement.name.split('/').next(), Some("apply" | "ledger")) {
        client.query(&prepared, &[]).await.unwrap_or_else(|e| panic!("{at}: {:?}", e.as_db_error()));
    }
}
