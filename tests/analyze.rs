//! `advisor analyze` as its user runs it: the built binary on databases that nobody here knows.

mod support;

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A schema and a table whose names hurt wherever they are not quoted or escaped.
const HOSTILE: &str = "E\"x\n; drop table t; --\u{1b}[31m";

/// Runs the verb with no settings but the given ones.
fn analyze(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_advisor"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PG") || name == "DATABASE_URL" {
            command.env_remove(name);
        }
    }
    command.env("HOME", "/nonexistent").arg("analyze").args(arguments).output().expect("run advisor")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A JSON report, checked against the schema that `advisor schema` prints.
fn report(arguments: &[&str]) -> Value {
    let output = analyze(&[arguments, &["--format", "json", "--fail-on", "never"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let schema = Command::new(env!("CARGO_BIN_EXE_advisor")).arg("schema").output().expect("run advisor");
    let schema: Value = serde_json::from_slice(&schema.stdout).expect("the schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let errors: Vec<String> = validator.iter_errors(&report).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    report
}

fn texts<'a>(report: &'a Value, list: &str, field: &str) -> Vec<&'a str> {
    let found = report.pointer(list).and_then(Value::as_array).unwrap_or_else(|| panic!("no {list}"));
    found.iter().map(|item| item[field].as_str().unwrap_or_else(|| panic!("no {field} in {item}"))).collect()
}

fn created(report: &Value) -> Vec<&str> {
    let ddl = texts(report, "/recommendation/indexes", "ddl");
    ddl.into_iter().filter(|d| d.starts_with("CREATE")).collect()
}

/// A folder with one file in it.
fn file(name: &str, content: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join(name);
    std::fs::write(&path, content).expect("write");
    (folder, path)
}

fn path(path: &Path) -> &str {
    path.to_str().expect("plain path")
}

/// The URL with another role.
fn as_role(url: &str, role: &str) -> String {
    url.replace("postgresql://postgres@", &format!("postgresql://{role}@"))
}

fn quoted(name: &str) -> String {
    advisor::model::text::quote_ident(name)
}

#[tokio::test]
async fn hostile_names_are_advised_and_escaped_in_every_output() {
    let url = support::database("analyze_hostile");
    let client = support::connect(&url).await;
    let table = format!("{}.{}", quoted(HOSTILE), quoted(HOSTILE));
    let column = quoted("Spalte \"ü\"");
    client
        .batch_execute(&format!(
            "create schema {}; create table {table} ({column} int, b text); \
             insert into {table} select g % 5000, 'x' || g from generate_series(1, 40000) g; analyze {table};",
            quoted(HOSTILE)
        ))
        .await
        .expect("tables");
    let (_folder, queries) = file("q.sql", format!("select b from {table} where {column} = 77;").as_bytes());
    let found = report(&["--db", &url, "--queries", path(&queries)]);
    let [ddl] = created(&found)[..] else { panic!("{:?}", created(&found)) };
    let output = analyze(&["--db", &url, "--queries", path(&queries), "--verbose", "--fail-on", "never"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("drop table t"), "the table is named: {text}");
    assert!(!text.contains('\u{1b}'), "no escape code of the name reaches the terminal: {text:?}");
    assert!(!text.lines().any(|l| l.trim_start().starts_with("; drop table t")), "no line of the name's own: {text}");
    client.batch_execute(ddl).await.expect("the advice can be built as it is printed");
    assert_eq!(created(&report(&["--db", &url, "--queries", path(&queries)])), Vec::<&str>::new(), "what exists is not advised");
}

#[tokio::test]
async fn one_bad_query_never_stops_the_rest() {
    let url = support::database("analyze_bad");
    let client = support::connect(&url).await;
    client
        .batch_execute(
            "create table t (id int primary key, a int, b int); insert into t select g, g % 4000, g from generate_series(1, 40000) g; \
             create table never (a int); create view v as select a as x, b as y from t; analyze t;",
        )
        .await
        .expect("tables");
    let sql = "\\set x 1\nselect * from nosuch;\nselect * from t where b = 1 / 0;\nselekt 1;\nselect $1;\nvacuum t;\n\
               select 1 from never where a = 3;\n-- weight: none\ndeclare c cursor for select y from v where x = 5;\n\
               select * from t where a = :id;\nselect v.n from (values ($1, $2), ($3, $4)) v (id, n) join t on t.id = v.id;\nselect 'never closed";
    let (folder, queries) = file("q.sql", sql.as_bytes());
    std::fs::write(folder.path().join("binary.sql"), [0u8, 159, 146, 150]).expect("write");
    std::fs::write(folder.path().join("empty.sql"), "").expect("write");
    let found = report(&["--db", &url, "--queries", path(folder.path())]);
    let tail = created(&found).iter().map(|d| d.split(" ON ").nth(1).expect("a table").to_owned()).collect::<Vec<_>>();
    assert_eq!(tail, ["\"public\".\"t\" USING btree (\"a\")"], "through the view");
    let messages = texts(&found, "/problems", "message").join("\n");
    for part in [
        "\"nosuch\" does not exist",
        "division by zero",
        "syntax error",
        "parameters are written $1",
        "weight is not a positive number",
        "UTF-8",
        "no statement",
    ] {
        assert!(messages.contains(part), "{part} is missing: {messages}");
    }
    assert!(!messages.contains("operator does not exist"), "{messages}");
    assert!(texts(&found, "/recommendation/rejected", "reason_code").contains(&"too_small"), "an empty table gets nothing");
    assert_eq!(analyze(&["--db", &url, "--queries", path(&queries), "--what-if", "none"]).status.code(), Some(0));
    let missing = analyze(&["--db", &url, "--queries", "/nonexistent/q.sql"]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(stderr(&missing).contains("/nonexistent/q.sql"), "{}", stderr(&missing));
}

#[tokio::test]
async fn a_missing_extension_and_missing_rights_are_cured_by_the_printed_statements() {
    let url = support::database("analyze_rights");
    let client = support::connect(&url).await;
    client
        .batch_execute(
            "create table t (id int primary key, a int); insert into t select g, g % 5000 from generate_series(1, 40000) g; analyze t; \
             create role analyze_poor login",
        )
        .await
        .expect("tables");
    let bare = report(&["--db", &url]);
    let cure = cure(&bare, "slow-query");
    assert_eq!(cure, "create extension pg_stat_statements");
    // In a schema of its own: the printed cures must find their way there.
    client
        .batch_execute(
            "create schema \"Stats\"; create extension pg_stat_statements schema \"Stats\"; select \"Stats\".pg_stat_statements_reset()",
        )
        .await
        .expect("extension");
    for _ in 0..5 {
        client.query("select count(*) from t where a = 7", &[]).await.expect("query");
    }
    let poor = as_role(&url, "analyze_poor");
    let mut cures = Vec::new();
    let found = loop {
        let found = report(&["--db", &poor]);
        let Some(next) = found["not_judged"].as_array().expect("list").iter().find_map(|n| n["fix_sql"].as_str()) else { break found };
        assert!(cures.len() < 6, "{cures:?} never end");
        client.batch_execute(next).await.unwrap_or_else(|e| panic!("{next}: {e:?}"));
        cures.push(next.to_owned());
    };
    assert!(cures.contains(&"grant usage on schema \"Stats\" to \"analyze_poor\"".to_owned()), "{cures:?}");
    assert!(cures.contains(&"grant pg_read_all_stats to \"analyze_poor\"".to_owned()), "{cures:?}");
    assert_eq!(created(&found).len(), 1, "{found:#}");
    assert_eq!(found["recommendation"]["indexes"][0]["owner"], "postgres", "whose table it is");
}

fn cure(report: &Value, rule: &str) -> String {
    let entry = report["not_judged"].as_array().expect("list").iter().find(|n| n["rule"] == rule);
    entry.and_then(|n| n["fix_sql"].as_str()).unwrap_or_else(|| panic!("no cure for {rule}: {report}")).to_owned()
}

#[tokio::test]
async fn names_mean_what_they_mean_to_their_own_role_and_other_databases_are_left_out() {
    let url = support::database("analyze_path");
    let other = support::connect(&support::database("analyze_other")).await;
    let client = support::connect(&url).await;
    client
        .batch_execute(
            "create extension pg_stat_statements; create schema tenant; \
             create table public.items (id int, owner int); create table tenant.items (id int, owner int); \
             insert into public.items select g, g % 5000 from generate_series(1, 40000) g; insert into tenant.items select * from public.items; \
             analyze; create role analyze_tenant login; alter role analyze_tenant in database analyze_path set search_path = tenant; \
             grant usage on schema tenant to analyze_tenant; grant select on tenant.items to analyze_tenant; \
             select pg_stat_statements_reset()",
        )
        .await
        .expect("tables");
    other.batch_execute("create table elsewhere (a int); select count(*) from elsewhere where a = 1").await.expect("other");
    let tenant = support::connect(&as_role(&url, "analyze_tenant")).await;
    // Often enough that an index pays for its build.
    for _ in 0..50 {
        tenant.query("select id from items where owner = 9", &[]).await.expect("query");
    }
    let found = report(&["--db", &url]);
    assert_eq!(created(&found).len(), 1, "{found:#}");
    assert!(created(&found)[0].contains("\"tenant\".\"items\""), "{:?}", created(&found));
    assert!(!found.to_string().contains("elsewhere"), "statements of other databases stay there");
}

/// Everything that could run a function behind a SELECT's back; each leaves a trace in a sequence.
const TRAPS: &str = "
create sequence trace;
create table t (id int primary key, a int); insert into t select g, g from generate_series(1, 2000) g; analyze t;
create function touch(int) returns boolean language sql volatile as $$ select nextval('trace') > 0 $$;
create function touch2(int, int) returns boolean language sql volatile as $$ select nextval('trace') > 0 $$;
create function step(int, int) returns int language plpgsql volatile as $$ begin perform nextval('trace'); return 1; end $$;
create view seen as select a from t where touch(a);
create operator && (leftarg = int, rightarg = int, function = touch2);
create type wrapped as (v int);
create function wrap(int) returns wrapped language plpgsql volatile as $$ begin perform nextval('trace'); return row($1)::wrapped; end $$;
create cast (int as wrapped) with function wrap(int);
create aggregate total(int) (sfunc = step, stype = int);
create function stable_with_default(a int, b bigint default nextval('trace')) returns int language sql stable as $$ select a $$;
create domain checked as int check (touch(value));
create type pair as (c checked, d int);
create table guarded (id int); insert into guarded select g from generate_series(1, 2000) g; alter table guarded enable row level security;
create policy p on guarded using (touch(id));
create extension postgres_fdw;
create server far foreign data wrapper postgres_fdw options (host '/nonexistent', dbname 'x');
create table parted (id int) partition by list (id);
create foreign table parted_far partition of parted for values in (1) server far;
create role trap_reader login; grant select, insert, update on all tables in schema public to trap_reader; grant usage on sequence trace to trap_reader;
";

#[tokio::test]
async fn explain_analyze_runs_nothing_that_may_have_effects() {
    let url = support::database("analyze_traps");
    let client = support::connect(&url).await;
    client.batch_execute(TRAPS).await.expect("traps");
    let trapped = [
        ("select nextval('trace')", "calls pg_catalog.nextval"),
        ("select a from seen where a > 5", "calls public.touch"),
        ("select a from t where a && 1", "calls public.touch2"),
        ("select (a::wrapped).v from t limit 3", "calls public.wrap"),
        ("select total(a) from t", "calls public.step"),
        ("select stable_with_default(a) from t limit 3", "calls pg_catalog.nextval"),
        ("select a::checked from t limit 3", "calls public.touch"),
        ("select (jsonb_populate_record(null::pair, jsonb_build_object('c', a))).d from t limit 3", "calls public.touch"),
        ("select array[a]::checked[] from t limit 3", "calls public.touch"),
        ("select * from guarded where id > 1990", "calls public.touch"),
        ("select table_to_xml('seen'::regclass, true, true, '')", "calls pg_catalog.table_to_xml"),
        ("select count(*) from parted", "reads foreign table public.parted_far"),
        ("select a from t where id = 1 for update", "it locks rows"),
        ("with w as (insert into t values (-1, 1) returning a) select a from w", "it writes"),
        ("update t set a = 1 where id = 1", "it writes"),
    ];
    let harmless = "select count(*) as harmless from t where a > 10 and random() >= 0";
    let mut sql: String = trapped.iter().map(|(query, _)| format!("{query};\n")).collect();
    sql.push_str(harmless);
    let (_folder, queries) = file("q.sql", sql.as_bytes());
    let reader = as_role(&url, "trap_reader");
    let arguments = ["--queries", path(&queries), "--explain-analyze", "--what-if", "none"];
    let found = report(&[&["--db", &reader][..], &arguments].concat());
    let called: bool = client.query_one("select is_called from trace", &[]).await.expect("trace").get(0);
    assert!(!called, "something ran: {}", found["problems"]);
    let said = |query: &str| {
        let normal = advisor::read::sql::normalize::normalize(query).fingerprint;
        let problem = found["problems"].as_array().expect("list").iter().find(|p| p["source"] == normal.as_str());
        problem.map(|p| p["message"].as_str().expect("text").to_owned())
    };
    for (query, reason) in trapped {
        let message = said(query).unwrap_or_else(|| panic!("nothing is said of {query}"));
        assert!(message.contains(&format!("not run: {reason}")), "{query}: {message}");
    }
    assert_eq!(said(harmless), None, "random() is known to be harmless");
}

#[tokio::test]
async fn a_partitioned_parent_is_advised_and_applied_as_a_whole() {
    let url = support::database("analyze_parts");
    let client = support::connect(&url).await;
    client
        .batch_execute(
            "create table logs (at date, k int, v text) partition by range (at); \
             create table logs_a partition of logs for values from ('2020-01-01') to ('2021-01-01') partition by list (k); \
             create table logs_a1 partition of logs_a for values in (1, 2); create table logs_ad partition of logs_a default; \
             create table logs_d partition of logs default; \
             insert into logs select date '2020-01-01' + g % 700, g % 9, 'v' || g % 3000 from generate_series(1, 60000) g; analyze",
        )
        .await
        .expect("tables");
    let (folder, queries) = file("q.sql", b"select * from logs where v = 'v7'");
    let saved = folder.path().join("report.json");
    let output = analyze(&[&url, "--queries", path(&queries), "--format", "json", "--fail-on", "never", "--output", path(&saved)]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(output.stdout.is_empty(), "the report is in the file");
    let found: Value = serde_json::from_str(&std::fs::read_to_string(&saved).expect("the report")).expect("JSON");
    assert_eq!(created(&found).len(), 1, "one index on the parent, none on its partitions: {:?}", created(&found));
    assert_eq!(
        (&found["recommendation"]["indexes"][0]["table"], &found["recommendation"]["indexes"][0]["partitioned"]),
        (&"logs".into(), &true.into())
    );
    let apply = Command::new(env!("CARGO_BIN_EXE_advisor")).args(["apply", path(&saved), "--db", &url, "--yes"]).output().expect("apply");
    assert_eq!(apply.status.code(), Some(0), "{}", stderr(&apply));
    let valid = "select count(*) from pg_index where indisvalid and indrelid::regclass::text like 'logs%'";
    let indexes: i64 = client.query_one(valid, &[]).await.expect("count").get(0);
    assert_eq!(indexes, 5, "two parents and three leaves");
}

#[tokio::test]
async fn exit_codes_say_what_happened() {
    let url = support::database("analyze_exits");
    let client = support::connect(&url).await;
    client
        .batch_execute("create table t (a int, b int); insert into t select g, g from generate_series(1, 30000) g; analyze; create index x on t (a); create index y on t (a)")
        .await
        .expect("tables");
    let code = |arguments: &[&str]| analyze(&[&["--db", &url], arguments].concat()).status.code();
    assert_eq!(code(&["--fail-on", "warning"]), Some(1), "a duplicate index is a warning");
    assert_eq!(code(&["--fail-on", "error"]), Some(0));
    assert_eq!(code(&["--fail-on", "never"]), Some(0));
    assert_eq!(code(&["--fail-on", "sometimes"]), Some(2));
    assert_eq!(code(&["--require", "unused-index"]), Some(4));
    assert_eq!(code(&["--require", "no-such-rule"]), Some(2));
    assert_eq!(code(&["--set", "slow-query.nothing=1"]), Some(2));
    assert_eq!(code(&["--format", "sculpture"]), Some(2));
    assert_eq!(code(&["--output", "/nonexistent/folder/report"]), Some(2));
    let nobody = analyze(&["--db", "host=/nonexistent dbname=x user=x"]);
    assert_eq!(nobody.status.code(), Some(3), "{}", stderr(&nobody));
}

#[test]
fn plans_are_read_without_a_database_and_queries_are_not() {
    let plan = "Seq Scan on t  (cost=0.00..35811.00 rows=3 width=12) (actual time=0.1..90.5 rows=3 loops=1)\n  Filter: (a = 5)\n  Rows Removed by Filter: 1999997\nPlanning Time: 0.1 ms\nExecution Time: 90.9 ms\n";
    let (folder, file) = file("one.txt", plan.as_bytes());
    let found = report(&["--plans", path(folder.path())]);
    assert_eq!((&found["server"], &found["window"]), (&Value::Null, &Value::Null));
    assert_eq!(texts(&found, "/queries", "source"), ["plan"]);
    let rules = texts(&found, "/not_judged", "rule");
    for rule in ["duplicate-index", "unused-index", "missing-foreign-key-index", "idle-in-transaction", "full-scan"] {
        assert!(rules.contains(&rule), "{rule} is not among {rules:?}");
    }
    assert_eq!(rules.len(), rules.iter().collect::<std::collections::BTreeSet<_>>().len(), "each once: {rules:?}");
    for arguments in [&["--queries", path(&file)][..], &["--queries", path(&file), "--plans", path(&file)]] {
        let refused = analyze(arguments);
        assert_eq!(refused.status.code(), Some(2), "{}", stderr(&refused));
        assert!(stderr(&refused).contains("--db"), "{}", stderr(&refused));
    }
}

#[tokio::test]
async fn an_index_that_a_plan_uses_is_not_dropped_as_unused() {
    let url = support::database("analyze_drops");
    let client = support::connect(&url).await;
    client
        .batch_execute(
            "create table t (a int, b int, c int); insert into t select g, g, g from generate_series(1, 200000) g; \
             create index by_a on t (a); create index by_b on t (b); analyze t",
        )
        .await
        .expect("tables");
    let (_folder, queries) = file("q.sql", b"select c from t where a = 5");
    let found = report(&["--db", &url, "--queries", path(&queries), "--min-stats-age", "0"]);
    let drops: Vec<&str> = texts(&found, "/recommendation/indexes", "ddl").into_iter().filter(|d| d.starts_with("DROP")).collect();
    assert_eq!(drops, ["DROP INDEX CONCURRENTLY \"public\".\"by_b\""], "by_a is what the query file's plan uses");
}

/// One order of two hundred is open; texts stand out by "hush", times by their year.
const SKEWED: &str = "
    create extension pg_stat_statements;
    create table orders (id bigserial primary key, status text, at timestamptz, note text);
    insert into orders (status, at, note)
    select case when g % 200 = 0 then 'hush-open' else 'hush-done' end, timestamptz '1947-11-04' + g * interval '1 minute', repeat('hush', 20)
    from generate_series(1, 60000) g;
    analyze orders; select pg_stat_statements_reset()";

#[tokio::test]
async fn an_index_that_only_a_rare_value_wants_is_said_to_be_so_without_a_value() {
    let url = support::database("analyze_skew");
    let client = support::connect(&url).await;
    client.batch_execute(SKEWED).await.expect("tables");
    for status in ["hush-open", "hush-done"].repeat(25) {
        client.query("select note from orders where status = $1", &[&status]).await.expect("query");
    }
    let found = report(&["--db", &url, "--what-if", "clone"]);
    let [ddl] = created(&found)[..] else { panic!("{:?}", created(&found)) };
    assert!(ddl.contains("\"orders\" USING btree (\"status\")"), "{ddl}");
    let served = &found["recommendation"]["indexes"][0]["queries"][0];
    assert_eq!(served["used_for"][0]["asks_for"], "a rare value of orders.status", "{served:#}");
    assert_eq!(served["not_used_for"][0]["asks_for"], "the most common value of orders.status", "{served:#}");
    assert_eq!(served["partial_may_do"], true, "{served:#}");
    let share = |side: &str| served[side][0]["share"].as_f64().expect("a share");
    // Half by rows (0.5 %), half by values (one of two).
    assert!((share("used_for") - 0.2525).abs() < 0.01 && (share("used_for") + share("not_used_for") - 1.0).abs() < 1e-9, "{served:#}");
    let output = analyze(&["--db", &url, "--what-if", "clone", "--verbose", "--fail-on", "never"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = "used for a rare value of orders.status (25";
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains(line) && flat.contains("not for the most common value of orders.status: a partial index may do"), "{text}");
    for output in [found.to_string(), text] {
        for value in ["hush", "1947-"] {
            assert!(!output.contains(value), "{value} is in {output}");
        }
    }
}
