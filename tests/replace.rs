//! Existing indexes that the advice makes needless, on a real server.

mod support;

use serde_json::Value;
use std::process::Command;

fn report(url: &str, queries: &str) -> Value {
    report_with(url, queries, &[])
}

fn report_with(url: &str, queries: &str, more: &[&str]) -> Value {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("q.sql");
    std::fs::write(&file, queries).expect("write");
    let output = Command::new(env!("CARGO_BIN_EXE_advisor"))
        .args(["analyze", "--db", url, "--queries", file.to_str().expect("plain path"), "--format", "json", "--fail-on", "never"])
        .args(more)
        .output()
        .expect("run advisor");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

async fn database(name: &str, schema: &str) -> String {
    let url = support::database(name);
    let client = support::connect(&url).await;
    client.batch_execute(schema).await.expect("schema");
    client.batch_execute("vacuum analyze").await.expect("vacuum");
    url
}

/// Vacuums until every page is known to be visible to all, however long other sessions' snapshots stand in the way.
async fn all_visible(client: &tokio_postgres::Client, table: &str) {
    for _ in 0..100 {
        client.batch_execute("vacuum analyze").await.expect("vacuum");
        let row = client.query_one("select relallvisible >= relpages from pg_class where relname = $1", &[&table]).await.expect("pages");
        if row.get(0) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("pages of {table} stay hidden");
}

/// Action and name of each advised change, in order.
fn changes(report: &Value) -> Vec<(&str, &str)> {
    let indexes = report["recommendation"]["indexes"].as_array().expect("a list");
    indexes.iter().map(|i| (i["action"].as_str().expect("an action"), i["name"].as_str().expect("a name"))).collect()
}

fn change<'a>(report: &'a Value, action: &str, part: &str) -> &'a Value {
    let indexes = report["recommendation"]["indexes"].as_array().expect("a list");
    let found = indexes.iter().find(|i| i["action"] == action && i["ddl"].as_str().is_some_and(|d| d.contains(part)));
    found.unwrap_or_else(|| panic!("no {action} of {part}: {:#}", report["recommendation"]))
}

const POSTS: &str = "create table users (id int primary key); insert into users select generate_series(1, 500);
    create table posts (id int primary key, user_id int references users, created_at timestamptz, body text);
    insert into posts select g, 1 + g % 500, now() - g * interval '1 min', repeat('x', 100) from generate_series(1, 60000) g;
    create index posts_user on posts (user_id);";

const LATEST: &str = "-- weight: 1000\nselect * from posts where user_id = 17 order by created_at desc limit 10;";

#[tokio::test]
async fn a_wider_index_takes_the_place_of_the_narrow_one() {
    let url = database("replace_narrow", POSTS).await;
    let found = report(&url, LATEST);
    let [("create", wide), ("drop", "posts_user")] = changes(&found)[..] else { panic!("{:#}", found["recommendation"]) };
    let (create, drop) = (change(&found, "create", "(\"user_id\", \"created_at\""), change(&found, "drop", "posts_user"));
    assert_eq!(create["replaces"], serde_json::json!(["posts_user"]));
    let reason = drop["reason"].as_str().expect("a reason");
    assert!(reason.contains(&format!("made redundant by {wide}")) && reason.contains("tried without it"), "{reason}");
    assert_eq!(drop["undo"], serde_json::json!(["CREATE INDEX CONCURRENTLY \"posts_user\" ON \"public\".\"posts\" USING btree (user_id)"]));
    let bytes = |of: &Value| of["size_bytes"].as_f64().expect("a size");
    assert!((bytes(create) - bytes(drop) - bytes(&found["recommendation"])).abs() < 1.0, "{:#}", found["recommendation"]);
}

#[tokio::test]
async fn what_something_else_needs_is_not_replaced() {
    let url = database("replace_clustered", &format!("{POSTS} alter table posts cluster on posts_user;")).await;
    let found = report(&url, LATEST);
    let [("create", _)] = changes(&found)[..] else { panic!("{:#}", found["recommendation"]) };
    assert_eq!(change(&found, "create", "posts")["replaces"], serde_json::json!([]), "nothing is dropped");
}

const JOBS: &str = "create table jobs (id int primary key, run_at timestamptz, status text, deleted_at timestamptz, owner int);
    insert into jobs select g, now() - g * interval '1 s', case when g % 2000 = 0 then 'pending' else 'done' end,
      case when g % 100 = 0 then now() end, g % 700 from generate_series(1, 80000) g;
    create index jobs_pending on jobs (run_at) where status = 'pending';
    create index jobs_owner on jobs (owner) where deleted_at is null;";

#[tokio::test]
async fn a_small_partial_index_beside_a_full_one_goes_only_where_no_query_misses_it() {
    let url = database("replace_partial", JOBS).await;
    let found = report(
        &url,
        "-- weight: 500\nselect * from jobs where status = 'pending' order by run_at limit 10;
         -- weight: 500\nselect * from jobs order by run_at desc limit 10;
         -- weight: 500\nselect id from jobs where owner = 5 and deleted_at is null;
         -- weight: 500\nselect id, deleted_at from jobs where owner = 6;",
    );
    change(&found, "create", "\"run_at\"");
    change(&found, "create", "(\"owner\"");
    let drops: Vec<&str> = changes(&found).into_iter().filter(|(action, _)| *action == "drop").map(|(_, name)| name).collect();
    assert_eq!(drops, ["jobs_owner"], "the pending jobs are found by their own index: {:#}", found["recommendation"]);
    let rejected = found["recommendation"]["rejected"].as_array().expect("a list");
    let missed = rejected.iter().find(|r| r["reason_code"] == "missed").expect("the other drop was tried");
    assert!(missed["ddl"].as_str().is_some_and(|d| d.contains("jobs_pending")), "{missed}");
}

const MEMBERS: &str = "create table members (id int primary key, realm text, name text, note text);
    insert into members select g, 'realm ' || g % 20, md5(g::text) || md5(g::text), 'x' from generate_series(1, 60000) g;
    create unique index members_realm_name on members (realm, name); create index members_realm on members (realm);";

#[tokio::test]
async fn a_covered_index_goes_although_a_count_gets_dearer_unless_the_user_sets_a_limit() {
    let url = database("replace_covered", MEMBERS).await;
    let count = "-- weight: 1000\nselect count(*) from members where realm = 'realm 7';";
    assert_eq!(changes(&report(&url, count)), [("drop", "members_realm")]);
    let strict = report_with(&url, count, &["--max-regression", "10"]);
    assert_eq!(changes(&strict), []);
    let rejected = strict["recommendation"]["rejected"].as_array().expect("a list");
    assert!(rejected.iter().any(|r| r["reason_code"] == "missed"), "{rejected:?}");
    assert_eq!(changes(&report_with(&url, count, &["--max-regression", "1000"])), [("drop", "members_realm")]);
}

/// Both can do each other's work, and the one by the later name is the one that plans use.
#[tokio::test]
async fn of_twins_in_either_direction_one_stays() {
    let url = database(
        "replace_twins",
        "create table acct (id int primary key, d timestamptz); \
         insert into acct select i, now() - i * interval '1 min' from generate_series(1, 60000) i; \
         create index acct_d on acct (d); create index acct_d_desc on acct (d desc);",
    )
    .await;
    let client = support::connect(&url).await;
    for _ in 0..20 {
        client.batch_execute("select id from acct order by d desc limit 10").await.expect("query");
    }
    client.batch_execute("select pg_stat_force_next_flush()").await.expect("flush");
    let found = report(&url, "-- weight: 40\nselect id from acct order by d desc limit 10;");
    assert_eq!(changes(&found).len(), 1, "{:#}", found["recommendation"]);
    let cost = |key: &str| found["recommendation"][key].as_f64().expect("a cost");
    assert!(cost("cost_after") < cost("cost_before") * 1.5, "{:#}", found["recommendation"]);
}

/// Writes pay for both, and without the narrow one a query reads a wide index in its place.
#[tokio::test]
async fn an_index_that_a_query_misses_stays_whatever_its_writes_cost() {
    let url = database(
        "replace_missed",
        "create extension pg_stat_statements; create table log (id int primary key, org int, note text); \
         insert into log select i, i % 300, md5(i::text) || md5((i + 1)::text) || md5((i + 2)::text) from generate_series(1, 100000) i; \
         create index log_org on log (org); create index log_org_note on log (org, note);",
    )
    .await;
    let client = support::connect(&url).await;
    client.batch_execute("select pg_stat_reset(); select pg_stat_statements_reset()").await.expect("reset");
    for org in 0..20 {
        client.query(&format!("select count(*) from log where org = {org}"), &[]).await.expect("query");
    }
    client.batch_execute("insert into log select i, i % 300, md5(i::text) from generate_series(100001, 120000) i").await.expect("load");
    all_visible(&client, "log").await;
    let output = Command::new(env!("CARGO_BIN_EXE_advisor"))
        .args(["analyze", "--db", &url, "--format", "json", "--fail-on", "never"])
        .args(["--max-regression", "10"])
        .output()
        .expect("run advisor");
    let found: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let dropped: Vec<_> = changes(&found).into_iter().filter(|(action, _)| *action == "drop").collect();
    assert!(!dropped.contains(&("drop", "log_org")), "{:#}", found["recommendation"]);
    let cost = |key: &str| found["recommendation"][key].as_f64().expect("a cost");
    assert!(cost("cost_after") <= cost("cost_before") * 1.1, "{:#}", found["recommendation"]);
}

/// What is advised is applied, and the next analysis wants nothing else built.
#[tokio::test]
async fn advice_that_is_applied_is_the_last_word() {
    let url = database(
        "replace_again",
        "create table inv (id int primary key, cust int, state text, due date, paid_at date, amt numeric, note text); \
         insert into inv select g, g % 2000, case when g % 20 = 0 then 'open' when g % 7 = 0 then 'draft' else 'paid' end, \
           date '2025-01-01' + g % 700, case when g % 3 = 0 then date '2025-01-01' + g % 400 end, g % 977, repeat('n', 60) \
           from generate_series(1, 60000) g; \
         create index inv_cust on inv (cust); create index inv_state on inv (state);",
    )
    .await;
    let queries = "-- weight: 300\nselect * from inv where cust = 55 order by due desc limit 20;\n\
                   -- weight: 300\nselect id, due, amt from inv where state = 'open' and due < date '2025-02-01' order by due limit 50;\n\
                   -- weight: 20\nselect cust, sum(amt) from inv where state = 'open' group by cust order by 2 desc limit 10;\n\
                   -- weight: 10\nselect sum(amt) from inv where paid_at >= date '2026-01-20';\n\
                   -- weight: 60\nselect 1 from inv where cust = 99 and state <> 'paid' limit 1;";
    let client = support::connect(&url).await;
    all_visible(&client, "inv").await;
    let first = report(&url, queries);
    assert!(changes(&first).iter().any(|(action, _)| *action == "create"), "{:#}", first["recommendation"]);
    for index in first["recommendation"]["indexes"].as_array().expect("a list") {
        client.batch_execute(index["ddl"].as_str().expect("a statement")).await.expect("applied");
    }
    all_visible(&client, "inv").await;
    let second = report(&url, queries);
    let built: Vec<_> = changes(&second).into_iter().filter(|(action, _)| *action == "create").collect();
    assert!(built.is_empty(), "{:#}\nafter\n{:#}", second["recommendation"], first["recommendation"]);
    let dropped_again = changes(&second).into_iter().any(|(_, name)| changes(&first).iter().any(|(_, before)| *before == name));
    assert!(!dropped_again, "{:#}", second["recommendation"]);
}

#[tokio::test]
async fn an_index_that_the_server_words_in_its_own_way_is_there_already() {
    let url = database(
        "replace_words",
        "create table t (id int primary key, uid uuid, n int, state text);
         insert into t select g, md5(g::text)::uuid, g, 's' || g % 50 from generate_series(1, 60000) g;
         create index by_start on t (left(uid::text, 6)); create index by_sum on t ((n::bigint % 700)) where state in ('s1', 's2')",
    )
    .await;
    let queries =
        "select * from t where left(uid::text, 6) = 'c4ca42'; select id from t where n::bigint % 700 = 7 and state in ('s1', 's2');";
    let asked = "create index on t (left(uid::text, 6))";
    let unique = "create unique index on t (left(uid::text, 6))";
    let found = report_with(&url, queries, &["--why", asked, "--why", unique, "--min-stats-age", "0"]);
    assert_eq!(changes(&found), [], "{:#}", found["recommendation"]);
    assert_ne!(found["recommendation"]["why"][1]["reason_code"], "exists", "one that guards its keys is not there");
    assert_eq!(found["recommendation"]["why"][0]["reason_code"], "exists", "{:#}", found["recommendation"]["why"]);
    assert!(found["recommendation"]["why"][0]["reason"].as_str().is_some_and(|r| r.contains("by_start")));
    let unused = |f: &&Value| f["rule"] == "unused-index";
    assert_eq!(found["findings"].as_array().expect("findings").iter().filter(unused).count(), 0, "the queries are planned with them");
}

#[tokio::test]
async fn an_index_that_could_not_be_built_is_not_advised() {
    let url = database(
        "replace_failing",
        "create table t (id int primary key, n text, pad text);
         insert into t select g, case when g % 50 = 0 then '' else g::text end, repeat('x', 100) from generate_series(1, 60000) g",
    )
    .await;
    let found = report(&url, "select id from t where n <> '' and n::int = 77;");
    assert!(changes(&found).is_empty(), "{:#}", found["recommendation"]["indexes"]);
    let rejected = found["recommendation"]["rejected"].as_array().expect("a list");
    let failing = rejected.iter().find(|r| r["reason_code"] == "not_buildable").unwrap_or_else(|| panic!("{rejected:#?}"));
    let reason = failing["reason"].as_str().expect("a reason");
    assert!(reason.contains("its build would fail: the expression fails for a value of n") && !reason.contains("77"), "{reason}");
}
