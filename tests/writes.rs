//! What writes cost, on a real server: indexes that writes would pay for are refused, and given where the reads pay.

mod support;

use serde_json::Value;
use std::process::Command;
use tokio_postgres::Client;

fn report(url: &str) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_advisor"))
        .args(["analyze", "--db", url, "--format", "json", "--fail-on", "never"])
        .output()
        .expect("run advisor");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn list<'a>(report: &'a Value, of: &str) -> &'a Vec<Value> {
    report["recommendation"][of].as_array().expect("a list")
}

/// The advised indexes that have `part` in their statement.
fn advised<'a>(report: &'a Value, part: &str) -> Vec<&'a Value> {
    list(report, "indexes").iter().filter(|i| i["ddl"].as_str().is_some_and(|d| d.contains(part))).collect()
}

/// Why an index that has `part` in its statement was refused: codes and words.
fn refused<'a>(report: &'a Value, part: &str) -> Vec<(&'a str, &'a str)> {
    let matching = list(report, "rejected").iter().filter(|r| r["ddl"].as_str().is_some_and(|d| d.contains(part)));
    matching.map(|r| (r["reason_code"].as_str().expect("a code"), r["reason"].as_str().expect("words"))).collect()
}

async fn database(name: &str, schema: &str) -> (String, Client) {
    let url = support::database(name);
    let client = support::connect(&url).await;
    client.batch_execute("create extension pg_stat_statements").await.expect("extension");
    client.batch_execute(schema).await.expect("schema");
    client.batch_execute("vacuum analyze").await.expect("vacuum");
    client
        .batch_execute("select pg_stat_statements_reset(0, (select oid from pg_database where datname = current_database()), 0)")
        .await
        .expect("reset");
    (url, client)
}

async fn repeat(client: &Client, times: usize, sql: &str) {
    let statement = client.prepare(sql).await.expect(sql);
    for n in 0..times {
        client.execute(&statement, &[&(n as i32)]).await.expect(sql);
    }
}

async fn repeat_as_is(client: &Client, times: usize, sql: &str) {
    for _ in 0..times {
        client.batch_execute(sql).await.expect(sql);
    }
}

const EVENTS: &str = "create table events (id bigserial primary key, account_id int, kind int, body text);
    insert into events (account_id, kind, body) select g % 900, g % 7, repeat('x', 20) from generate_series(1, 8000) g";

#[tokio::test]
async fn an_event_table_that_is_written_and_hardly_read_is_left_alone() {
    let (url, client) = database("writes_events", EVENTS).await;
    repeat(&client, 4000, "insert into events (account_id, kind, body) values ($1, 1, 'something happened')").await;
    repeat(&client, 3, "select body from events where account_id = $1").await;
    let found = report(&url);
    assert!(advised(&found, "events").is_empty(), "{:?}", advised(&found, "events"));
    let reasons = refused(&found, "(\"account_id\")");
    assert!(reasons.iter().any(|(code, words)| *code == "write_cost" && words.contains(|c: char| c.is_ascii_digit())), "{reasons:?}");

    repeat(&client, 400, "select body from events where account_id = $1").await;
    let paid = report(&url);
    let [index] = advised(&paid, "(\"account_id\")")[..] else { panic!("{}", paid["recommendation"]) };
    let number = |of: &str| index[of].as_f64().unwrap_or_else(|| panic!("no {of}: {index}"));
    assert!(number("entries_per_second") > 0.0 && number("wal_bytes_per_second") > number("entries_per_second") * 60.0, "{index}");
    assert!(number("write_cost") > 1000.0 && number("write_cost") < number("benefit"), "{index}");
}

const SESSIONS: &str =
    "create table sessions (id int primary key, user_id int, last_seen_at timestamptz, note text) with (fillfactor = 70);
    create index on sessions (user_id);
    insert into sessions select g, g % 5000, now() - g * interval '1 min', repeat('x', 40) from generate_series(1, 10000) g";

#[tokio::test]
async fn a_heartbeat_column_gets_no_index_that_ends_hot() {
    let (url, client) = database("writes_heartbeat", SESSIONS).await;
    let beat = "update sessions set last_seen_at = now() where id = $1 % 10000";
    repeat(&client, 3000, beat).await;
    let look = "select id from sessions order by last_seen_at limit 20";
    repeat_as_is(&client, 5, look).await;
    // Counters are sent when a session ends or has been idle for a moment.
    client.batch_execute("select pg_sleep(1.1)").await.expect("sleep");
    let found = report(&url);
    assert!(advised(&found, "last_seen_at").is_empty(), "{:?}", advised(&found, "last_seen_at"));
    let reasons = refused(&found, "(\"last_seen_at\")");
    assert!(reasons.iter().any(|(code, words)| *code == "write_cost" && words.contains(|c: char| c.is_ascii_digit())), "{reasons:?}");

    repeat_as_is(&client, 300, look).await;
    let paid = report(&url);
    assert_eq!(advised(&paid, "last_seen_at").len(), 1, "{}", paid["recommendation"]);
}
