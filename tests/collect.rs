//! `pg::collect` against a real server: hostile names, several schemas, partitions, an extension in
//! a schema of its own, a role with few rights, other databases.

mod support;

use advisor::model::catalog::TableKind;
use advisor::model::index_def::{KeyExpr, TableName};
use advisor::model::snapshot::{Evidence, Snapshot};
use advisor::pg::collect::{CollectOptions, collect};
use advisor::pg::explain::{self, Call, Ground};
use advisor::pg::session::{Purpose, Session};
use std::time::Duration;
use tokio_postgres::Client;

const SCHEMA: &str = r#"
create schema "Ext"; create extension pg_stat_statements schema "Ext";
create schema "Größe"; create schema auth; create schema "tenant""1";
create domain price as numeric(10,2);
create table "Größe"."Kunde""n" (id bigserial primary key, "E-Mail" text collate "C" not null, preis price, notes text);
insert into "Größe"."Kunde""n" ("E-Mail", preis) select 'k' || i, i % 7 from generate_series(1, 1000) i;
create table public."x
; drop table t; --" (id int primary key, "Kunde id" bigint references "Größe"."Kunde""n", state text, tags int[], made timestamptz);
insert into public."x
; drop table t; --" select i, 1 + i % 1000, case when i % 10 = 0 then 'open' else 'done' end, array[i % 3, 1], now() from generate_series(1, 2000) i;
create index "Bad ""idx" on public."x
; drop table t; --" (lower(state) desc nulls last, "Kunde id" desc) include (made) where state is not null;
create index pat on public."x
; drop table t; --" (state text_pattern_ops, state collate "C");
comment on index pat is E'a\nb';
create table auth.users (id int primary key);
create table parted (k int not null, v text) partition by range (k);
create table parted_1 partition of parted for values from (0) to (100);
create table parted_2 partition of parted for values from (100) to (200);
insert into parted select i, 'v' from generate_series(0, 149) i;
create index on parted (v);
create view v_open as select id from public."x
; drop table t; --" where state = 'open';
create materialized view mv as select 1 as one;
create role few login; alter database "Dät" set pg_stat_statements.track = 'all'; grant usage on schema public to few;
create role "App" login; alter role "App" in database "Dät" set search_path = "Größe", "$user";
grant usage on schema "Größe", public to "App"; grant select on all tables in schema "Größe", public to "App";
analyze;
"#;

/// URL of a database of the shared server, entered as `role`.
fn url(role: &str, database: &str) -> String {
    support::server().url(&database.replace('ä', "%C3%A4")).replacen("postgres@", &format!("{role}@"), 1)
}

async fn connect(role: &str, database: &str) -> Client {
    support::connect(&url(role, database)).await
}

/// As the advisor enters, with a lock_timeout that a test can wait for.
async fn enter(url: &str) -> Session {
    let purpose = Purpose { lock_timeout: Duration::from_millis(100), ..Purpose::reading("test") };
    Session::open(Some(url), &purpose).await.expect("connect")
}

async fn build() -> Client {
    connect("postgres", "postgres").await.batch_execute("create database \"Dät\"").await.unwrap();
    let client = connect("postgres", "Dät").await;
    client.batch_execute(SCHEMA).await.unwrap();
    // A session hands its counters over at most once a second.
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    client.batch_execute("select 1").await.unwrap();
    client
}

async fn run(role: &str, database: &str, statements: &[&str]) {
    let client = connect(role, database).await;
    for sql in statements {
        client.simple_query(sql).await.unwrap_or_else(|e| panic!("{sql}: {e:?}"));
    }
}

#[tokio::test]
async fn a_database_nobody_knows() {
    let admin = build().await;
    is_read_whole().await;
    gives_a_role_with_few_rights_gaps_and_their_cure(&admin).await;
}

/// VACUUM counts the rows, and then the session that wrote them reports them as new ones.
#[tokio::test]
async fn rows_that_the_server_counts_twice_are_counted_once() {
    let client = support::connect(&support::database("collect_twice")).await;
    // A session reports at most once a second, unless asked: the rows come after VACUUM, where the machine is not too slow.
    let mut counted = 0;
    for _ in 0..10 {
        client.batch_execute("drop table if exists t; create table t (id int); select pg_stat_force_next_flush()").await.unwrap();
        client.batch_execute("insert into t select generate_series(1, 1000)").await.unwrap();
        client.batch_execute("vacuum analyze t").await.unwrap();
        client.batch_execute("select pg_stat_force_next_flush()").await.unwrap();
        let row = client.query_one("select n_live_tup from pg_stat_user_tables where relname = 't'", &[]).await.unwrap();
        counted = row.get::<_, i64>(0);
        if counted == 2000 {
            break;
        }
    }
    assert_eq!(counted, 2000, "as the server has it");
    let snapshot = collect(&enter(&url("postgres", "collect_twice")).await, &CollectOptions::default()).await.unwrap();
    let usage = snapshot.catalog.table(&TableName::new("public", "t")).unwrap().usage.as_ref().unwrap();
    assert_eq!((usage.inserted_rows, usage.live_rows), (1000.0, 1000.0));
}

async fn is_read_whole() {
    let admin = enter(&url("postgres", "Dät")).await;
    run("App", "Dät", &["select * from \"Kunde\"\"n\" where id = 5", "select * from \"Kunde\"\"n\" where id = 7"]).await;
    run("postgres", "postgres", &["select 'another database' as elsewhere"]).await;
    let secrets = [
        "create role r1 password 'top-secret'",
        "/* select */ alter role r1 password 'top-secret'",
        "-- x\n/* y */ (select 4711, 'p')",
        "create index on parted_1 (k)",
        "begin; declare c cursor for select 1; fetch c; commit",
    ];
    run("postgres", "Dät", &secrets).await;
    let status = async || {
        let sql = "select current_setting('transaction_isolation') || current_setting('search_path') || current_setting('TimeZone')";
        admin.client.query_one(sql, &[]).await.unwrap().get::<_, String>(0)
    };
    let before = status().await;
    let snapshot = collect(&admin, &CollectOptions::default()).await.unwrap();
    // Twice: our own statements of the first time must not show in the second.
    let again = collect(&admin, &CollectOptions { schemas: vec!["auth".into()] }).await.unwrap();

    relations(&snapshot);
    indexes(&snapshot);
    workload(&snapshot);
    assert_eq!(snapshot.problems, []);
    assert_eq!(snapshot.gaps, []);
    assert!(snapshot.settings.contains_key("random_page_cost"));
    assert!(snapshot.standbys_visible && snapshot.sessions_visible && snapshot.standbys == 0);
    assert!(snapshot.usage_age_seconds.is_some_and(|s| s < 600.0));
    assert!(snapshot.window.as_ref().is_some_and(|w| w.seconds < 600.0 && w.from < w.to), "{:?}", snapshot.window);
    workload(&again);
    assert!(!again.catalog.table(&TableName::new("auth", "users")).unwrap().platform);
    assert_eq!(again.catalog.indexes, snapshot.catalog.indexes);
    assert_eq!(status().await, before, "nothing stays behind");
}

fn relations(snapshot: &Snapshot) {
    let catalog = &snapshot.catalog;
    // Which views an extension brings depends on its version.
    let own = catalog.tables.iter().filter(|t| t.schema != "Ext");
    let names: Vec<(&str, &str, TableKind)> = own.map(|t| (t.schema.as_str(), t.name.as_str(), t.kind)).collect();
    let expected = [
        ("Größe", "Kunde\"n", TableKind::Table),
        ("auth", "users", TableKind::Table),
        ("public", "mv", TableKind::MaterializedView),
        ("public", "parted", TableKind::Partitioned),
        ("public", "parted_1", TableKind::Table),
        ("public", "parted_2", TableKind::Table),
        ("public", "v_open", TableKind::View),
        ("public", "x\n; drop table t; --", TableKind::Table),
    ];
    assert_eq!(names, expected);
    assert!(catalog.tables.iter().all(|t| t.platform == matches!(t.schema.as_str(), "Ext" | "auth")));
    assert!(catalog.table(&TableName::new("Ext", "pg_stat_statements")).is_some());

    let customers = catalog.table(&TableName::new("Größe", "Kunde\"n")).unwrap();
    assert_eq!(customers.rows, Some(1000.0));
    assert!(customers.size_bytes > 8192 && customers.ours);
    assert_eq!(customers.usage.as_ref().unwrap().inserted_rows, 1000.0);
    let price = customers.column("preis").unwrap();
    assert_eq!((price.type_name.as_str(), price.category.as_str(), price.not_null), ("public.price", "N", false));
    let stats = price.stats.as_ref().unwrap();
    assert_eq!((stats.n_distinct, stats.common_values.len(), stats.common_freqs.len()), (7.0, 7, 7));
    assert_eq!(customers.column("notes").unwrap().stats.as_ref().unwrap().null_frac, 1.0);
    let hostile = catalog.table(&TableName::new("public", "x\n; drop table t; --")).unwrap();
    assert_eq!(hostile.column("tags").unwrap().stats.as_ref().unwrap().common_values.len(), 3, "arrays of arrays");

    let parent = catalog.table(&TableName::new("public", "parted")).unwrap();
    assert_eq!(parent.rows, Some(150.0));
    let part = catalog.table(&TableName::new("public", "parted_1")).unwrap();
    assert_eq!(part.partition_of, Some(TableName::new("public", "parted")));
    let fk = &catalog.foreign_keys[0];
    assert_eq!(
        (fk.child_columns.as_slice(), fk.parent_columns.as_slice()),
        (["Kunde id".to_owned()].as_slice(), ["id".to_owned()].as_slice())
    );
    assert_eq!(catalog.foreign_keys.len(), 1);
}

fn indexes(snapshot: &Snapshot) {
    let index = |name: &str| snapshot.catalog.indexes.iter().find(|i| i.name == name).unwrap_or_else(|| panic!("{name}"));
    let hostile = index("Bad \"idx");
    assert_eq!(hostile.spec.predicate.as_deref(), Some("state IS NOT NULL"));
    assert_eq!(hostile.spec.include, ["made"]);
    assert_eq!(hostile.spec.keys[0].expr, KeyExpr::Expression("lower(state)".into()));
    assert!(hostile.spec.keys[0].descending && !hostile.spec.keys[0].nulls_first);
    assert_eq!(hostile.spec.keys[1].column_name(), Some("Kunde id"));
    assert!(hostile.spec.keys[1].descending && hostile.spec.keys[1].nulls_first);
    assert!(!hostile.is_load_bearing() && hostile.valid && !hostile.building && hostile.size_bytes > 0);
    let pattern = index("pat");
    assert_eq!(pattern.spec.keys[0].opclass.as_deref(), Some("text_pattern_ops"));
    assert_eq!(pattern.spec.keys[0].collation, None);
    assert_eq!(pattern.spec.keys[1].collation.as_deref(), Some("\"C\""));
    assert_eq!(pattern.comment.as_deref(), Some("a\nb"));
    let key = index("Kunde\"n_pkey");
    assert!(key.primary && key.needed_by_foreign_key && key.constraint.as_deref() == Some("Kunde\"n_pkey"));
    assert!(index("parted_v_idx").partitioned && index("parted_1_v_idx").partition);
}

fn workload(snapshot: &Snapshot) {
    let texts: Vec<&str> = snapshot.workload.iter().map(|q| q.text.as_str()).collect();
    let own = texts.iter().find(|t| t.contains("advisor */") || t.contains("pg_catalog."));
    assert_eq!(own, None, "our own statements");
    assert!(
        !texts.iter().any(|t| t.contains("secret") || t.contains("elsewhere") || t.contains("declare") || t.contains("fetch")),
        "{texts:?}"
    );
    // PostgreSQL 18 stores a text without the comments before it.
    assert!(texts.iter().any(|t| t.ends_with("(select $1, $2)")), "{texts:?}");
    assert!(texts.contains(&"create index on parted_1 (k)"), "{texts:?}");
    assert!(!texts.iter().any(|t| t.contains("FOR KEY SHARE")), "{texts:?}");
    let query = snapshot.workload.iter().find(|q| q.role.as_deref() == Some("App")).unwrap();
    assert_eq!(query.search_path, ["Größe", "App"]);
    assert_eq!((query.weight, query.figures.as_ref().map(|f| f.rows)), (2.0, Some(2.0)));
    let total: Vec<f64> = snapshot.workload.iter().filter_map(|q| Some(q.figures.as_ref()?.total_ms)).collect();
    assert!(total.is_sorted_by(|a, b| a >= b));
}

async fn gives_a_role_with_few_rights_gaps_and_their_cure(admin: &Client) {
    let holder = connect("App", "Dät").await;
    holder.batch_execute("begin; select count(*) from \"Kunde\"\"n\"").await.unwrap();
    let few = enter(&url("few", "Dät")).await;
    let gap = |snapshot: &Snapshot, evidence: Evidence| snapshot.gaps.iter().find(|g| g.evidence == evidence).cloned();

    let snapshot = collect(&few, &CollectOptions::default()).await.unwrap();
    assert_eq!(snapshot.catalog.tables.iter().filter(|t| t.schema != "Ext").count(), 8, "the catalog is public");
    assert!(snapshot.catalog.tables.iter().all(|t| !t.ours));
    assert!(snapshot.catalog.table(&TableName::new("Größe", "Kunde\"n")).unwrap().columns.iter().all(|c| c.stats.is_none()));
    let statistics = gap(&snapshot, Evidence::ColumnStatistics).unwrap();
    assert!(statistics.fix_sql.as_deref().is_some_and(|sql| sql.starts_with("grant ")), "{statistics:?}");
    let sessions = gap(&snapshot, Evidence::Sessions).unwrap();
    assert_eq!(sessions.fix_sql.as_deref(), Some("grant pg_read_all_stats to \"few\""));
    assert!(!snapshot.sessions_visible && snapshot.sessions.iter().any(|s| s.state.is_none()));
    let workload = gap(&snapshot, Evidence::Workload).unwrap();
    admin.batch_execute(workload.fix_sql.as_deref().unwrap()).await.unwrap();

    let snapshot = collect(&few, &CollectOptions::default()).await.unwrap();
    assert_eq!(gap(&snapshot, Evidence::Workload), None);
    assert!(snapshot.workload.iter().all(|q| q.role.as_deref() == Some("few")));
    for evidence in [Evidence::QueryTexts, Evidence::ColumnStatistics] {
        admin.batch_execute(gap(&snapshot, evidence).unwrap().fix_sql.as_deref().unwrap()).await.unwrap();
    }

    let cured = collect(&enter(&url("few", "Dät")).await, &CollectOptions::default()).await.unwrap();
    assert_eq!(cured.gaps, [], "each cure cures");
    assert!(cured.workload.iter().any(|q| q.role.as_deref() == Some("App")));
    let held = cured.sessions.iter().find(|s| s.state.as_deref() == Some("idle in transaction")).unwrap();
    assert_eq!(held.role.as_deref(), Some("App"));
    drop(holder);
}

#[tokio::test]
async fn a_missing_extension_and_a_locked_table_end_nothing() {
    let url = support::database("collect_locked");
    let client = support::connect(&url).await;
    client.batch_execute("create table t (id int primary key); insert into t select generate_series(1, 5000)").await.unwrap();
    client.batch_execute("vacuum analyze t").await.unwrap();
    let locker = support::connect(&url).await;
    locker.batch_execute("begin; lock table t in access exclusive mode").await.unwrap();
    let snapshot = collect(&enter(&url).await, &CollectOptions::default()).await.unwrap();
    let gap = snapshot.gaps.iter().find(|g| g.evidence == Evidence::Workload).unwrap();
    assert_eq!(gap.fix_sql.as_deref(), Some("create extension pg_stat_statements"));
    assert!(gap.reason.contains("loaded but not created"), "{}", gap.reason);
    let table = snapshot.catalog.table(&TableName::new("public", "t")).unwrap();
    assert!(table.size_bytes > 100_000, "pages of pg_class stand in for the size");
    assert!(snapshot.problems.iter().any(|p| p.source == "collect/sizes" && p.message.contains("lock timeout")), "{:?}", snapshot.problems);
}

#[tokio::test]
async fn a_library_that_is_not_loaded_is_named_with_what_to_do() {
    use advisor::pg::server::{Server, ServerOptions, find};
    let server = Server::start(&find(None).unwrap(), &ServerOptions::default()).await.unwrap();
    let client = support::connect(&server.url("postgres")).await;
    let reason = async || {
        let snapshot = collect(&enter(&server.url("postgres")).await, &CollectOptions::default()).await.unwrap();
        assert!(snapshot.workload.is_empty() && snapshot.window.is_none());
        snapshot.gaps.into_iter().find(|g| g.evidence == Evidence::Workload).unwrap()
    };
    let absent = reason().await;
    assert!(absent.reason.contains("shared_preload_libraries") && absent.fix_sql.is_some(), "{absent:?}");
    client.batch_execute("create extension pg_stat_statements").await.unwrap();
    let idle = reason().await;
    assert!(idle.reason.contains("shared_preload_libraries") && idle.fix_sql.is_none(), "{idle:?}");
}

/// Whatever our verbs ask a database, the next analysis must not take it for the application's queries.
#[tokio::test]
async fn nothing_that_we_send_enters_the_workload() {
    let url = support::database("collect_ours");
    let client = support::connect(&url).await;
    client
        .batch_execute(
            "create extension pg_stat_statements;
             create table t (id int primary key, a int, b int, note text, tags int[]);
             insert into t select g, g % 100, g % 100, md5(g::text), array[g % 50, g % 7] from generate_series(1, 30000) g;
             create index on t (lower(note)); create index on t (a) where b > 3; create index on t using gin (tags);
             create statistics s on a, b from t; create statistics e on (a + b), a from t",
        )
        .await
        .unwrap();
    client.batch_execute("vacuum analyze").await.unwrap();
    let hypopg = client.batch_execute("create extension hypopg").await.is_ok();
    let reset = "select pg_stat_statements_reset(0, (select oid from pg_database where datname = current_database()), 0)";
    client.batch_execute(reset).await.unwrap();
    for _ in 0..20 {
        client.query("select note from t where a = 5 and b = 6", &[]).await.unwrap();
        client.query("select a, b, count(*) from t group by a, b", &[]).await.unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (report, snapshot) = (file("report.json"), file("snapshot"));
    let engine = if hypopg { "hypopg" } else { "clone" };
    for verb in [
        vec!["analyze", "--explain-analyze", "--why", "t.b", "--format", "json", "--output", &report],
        vec!["analyze", "--what-if", engine],
        vec!["snapshot", "--with-values", "--output", &snapshot],
        vec!["generate", "--report", &report, "--output", folder.path().to_str().unwrap()],
        vec!["apply", &report, "--yes"],
        vec!["status"],
        vec!["rollback", "--all", "--yes"],
        vec!["doctor"],
    ] {
        let ran = std::process::Command::new(env!("CARGO_BIN_EXE_advisor")).args(&verb).args(["--db", &url]).output().unwrap();
        assert!(matches!(ran.status.code(), Some(0 | 1)), "{verb:?}: {}", String::from_utf8_lossy(&ran.stderr));
    }
    let snapshot = collect(&enter(&url).await, &CollectOptions::default()).await.unwrap();
    let mut texts: Vec<&str> = snapshot.workload.iter().map(|q| q.text.as_str()).collect();
    texts.retain(|text| !text.starts_with("select pg_stat_statements_reset("));
    texts.sort_unstable();
    assert_eq!(texts, ["select a, b, count(*) from t group by a, b", "select note from t where a = $1 and b = $2"]);
}

/// Planning a query on a range may look up the ends of an index, which the server counts as a scan of it.
#[tokio::test]
async fn our_planning_is_not_counted_as_a_scan_where_the_role_may_say_so() {
    let name = "collect_counting";
    let client = support::connect(&support::database(name)).await;
    let schema = "create table t (at timestamptz); insert into t select now() - g * interval '1 min' from generate_series(1, 5000) g;
        create index ends on t (at); analyze t;
        create role counting login; create role quiet login; grant select on t to counting, quiet";
    client.batch_execute(schema).await.expect("schema");
    let grants = client.batch_execute("grant set on parameter track_counts to quiet").await.is_ok();
    let scans = async |role: &str| {
        let session = enter(&url(role, name)).await;
        let ground = Ground { search_path: vec!["public".into()], ..Ground::default() };
        let prepared = explain::prepare_on(&session, &ground, "select from t where at > now() - interval '1 min'").await.expect("parse");
        explain::explain(&session, &ground, &[Call::Custom(&prepared, &[])]).await.expect("explain");
        let own = session.client.query_one("show track_counts", &[]).await.expect("setting");
        assert_eq!(own.get::<_, &str>(0), "on", "what doctor asks is the server's own");
        drop(session);
        // A session reports when it ends, or a second later.
        let mut last = 0i64;
        for _ in 0..30 {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let row = client.query_one("select idx_scan from pg_stat_user_indexes where indexrelname = 'ends'", &[]).await.expect("scans");
            last = row.get(0);
        }
        last
    };
    assert_eq!(scans("postgres").await, 0, "a superuser");
    if grants {
        assert_eq!(scans("quiet").await, 0, "it was granted");
    } else {
        eprintln!("skipped: a role that was granted track_counts, this server knows no such grant");
    }
    assert!(scans("counting").await > 0, "the others are counted: else this test tells nothing");
}
