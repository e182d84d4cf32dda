//! `advisor doctor` on a real server: what it finds is there, and the cures it prints cure.

use serde_json::Value;
use std::process::{Command, Output};
use std::time::Duration;

mod support;

/// Runs the verb with no settings but the given ones.
fn doctor(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_advisor"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PG") || name == "DATABASE_URL" {
            command.env_remove(name);
        }
    }
    command.env("HOME", "/nonexistent").arg("doctor").args(arguments).output().expect("run advisor")
}

fn diagnose(url: &str) -> Value {
    let output = doctor(&[url, "--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// `state: message` of what is not ok, for one topic.
fn complaints(diagnosis: &Value, topic: &str) -> Vec<String> {
    let checks = diagnosis["checks"].as_array().expect("checks").iter();
    let bad = checks.filter(|c| c["topic"] == topic && c["state"] != "ok");
    bad.map(|c| format!("{}: {}", c["state"].as_str().expect("state"), c["message"].as_str().expect("message"))).collect()
}

/// Every statement that the checks of a topic offer, in order.
fn cures(diagnosis: &Value, topic: &str) -> Vec<String> {
    let checks = diagnosis["checks"].as_array().expect("checks").iter().filter(|c| c["topic"] == topic && c["state"] != "ok");
    checks.flat_map(|c| c["fix"]["sql"].as_array().expect("sql")).map(|s| s.as_str().expect("text").to_owned()).collect()
}

/// The URL with another role.
fn as_role(url: &str, role: &str) -> String {
    url.replace("postgresql://postgres@", &format!("postgresql://{role}@"))
}

#[tokio::test]
async fn a_missing_extension_is_created_by_the_printed_statement() {
    let url = support::database("doctor_extension");
    let diagnosis = diagnose(&url);
    assert_eq!(diagnosis["schema_version"], 1);
    assert_eq!(diagnosis["server"]["database"], "doctor_extension");
    assert_eq!(
        complaints(&diagnosis, "extensions"),
        ["problem: pg_stat_statements is loaded and not created in this database: no workload to analyse"]
    );
    let client = support::connect(&url).await;
    for statement in cures(&diagnosis, "extensions") {
        client.batch_execute(&statement).await.expect(&statement);
    }
    let cured = diagnose(&url);
    assert_eq!(complaints(&cured, "extensions"), Vec::<String>::new());
    assert_eq!(complaints(&cured, "privileges"), Vec::<String>::new(), "a superuser may all");
    assert_eq!(complaints(&cured, "server"), Vec::<String>::new(), "no question failed");

    let text = doctor(&["--db", &url]);
    assert_eq!(text.status.code(), Some(0));
    let text = String::from_utf8(text.stdout).expect("UTF-8");
    assert!(text.contains("pg_stat_statements 1.") && text.contains("in schema public") && text.contains("\nready: 0 problems"), "{text}");
}

#[tokio::test]
async fn a_poor_role_is_told_what_to_be_granted_and_then_lacks_nothing() {
    let url = support::database("doctor_rights");
    let client = support::connect(&url).await;
    for statement in [
        "create role \"Doctor's \"\"poor\"\"\" login",
        "create role doctor_owner",
        "create schema \"Odd Schema\" authorization doctor_owner",
        "set role doctor_owner; create table \"Odd Schema\".t (a int); reset role",
        "create table mine (a int)",
        "alter table mine owner to \"Doctor's \"\"poor\"\"\"",
        "revoke create on schema public from public",
        "alter role \"Doctor's \"\"poor\"\"\" set statement_timeout = '7s'",
        "alter database doctor_rights set lock_timeout = '3s'",
    ] {
        client.batch_execute(statement).await.expect(statement);
    }
    let poor = as_role(&url, "Doctor%27s%20%22poor%22");
    let diagnosis = diagnose(&poor);
    assert_eq!(
        complaints(&diagnosis, "privileges"),
        [
            "problem: query texts and sessions of other roles are hidden",
            "attention: no SELECT on 1 of 2 tables: their column statistics are hidden, estimates are guesses",
            "attention: 1 of 2 tables belong to other roles (doctor_owner): apply cannot index them",
            "problem: no CREATE on schema public: apply can build no index there",
            "attention: may not create schema advisor, where apply keeps its ledger",
        ]
    );
    let timeouts: Vec<String> = complaints(&diagnosis, "settings").into_iter().filter(|c| c.contains("timeout")).collect();
    assert_eq!(timeouts.len(), 2, "{timeouts:?}");
    assert!(timeouts[0].contains("lock_timeout = 3s for this database") && timeouts[1].contains("statement_timeout = 7s for this role"));

    let settings = cures(&diagnosis, "settings").into_iter().filter(|s| s.contains("timeout"));
    for statement in cures(&diagnosis, "privileges").into_iter().chain(settings) {
        client.batch_execute(&statement).await.expect(&statement);
    }
    let cured = diagnose(&poor);
    assert_eq!(complaints(&cured, "privileges"), Vec::<String>::new());
    assert!(!complaints(&cured, "settings").iter().any(|c| c.contains("timeout")), "{cured}");
}

#[tokio::test]
async fn an_invalid_index_is_found_and_dropped_by_the_printed_statement() {
    let url = support::database("doctor_indexes");
    let client = support::connect(&url).await;
    client.batch_execute("create table \"T\nable\" (a int)").await.expect("table");
    client.batch_execute("insert into \"T\nable\" values (1), (1)").await.expect("rows");
    client.batch_execute("create unique index concurrently \"in\"\"valid\" on \"T\nable\" (a)").await.expect_err("duplicates");
    // The error arrives before the server has cleaned up; the next answer comes after.
    client.batch_execute("select 1").await.expect("still there");
    let diagnosis = diagnose(&url);
    assert_eq!(
        complaints(&diagnosis, "indexes"),
        ["problem: \"public\".\"in\"\"valid\" on T\\nable is invalid: no plan uses it, every write may still pay for it"]
    );
    client.batch_execute(&cures(&diagnosis, "indexes")[0]).await.expect("drop");
    assert_eq!(complaints(&diagnose(&url), "indexes"), Vec::<String>::new());
}

#[tokio::test]
async fn a_running_build_is_no_leftover() {
    let url = support::database("doctor_build");
    let (writer, builder) = (support::connect(&url).await, support::connect(&url).await);
    writer.batch_execute("create table t (a int)").await.expect("table");
    writer.batch_execute("begin; insert into t values (1)").await.expect("an open transaction that the build waits for");
    let build = tokio::spawn(async move { builder.batch_execute("create index concurrently i on t (a)").await });
    let mut found = Vec::new();
    for _ in 0..100 {
        found = complaints(&diagnose(&url), "indexes");
        if !found.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("attention: CREATE INDEX CONCURRENTLY runs on public.t (waiting for writers before build)"), "{found:?}");
    writer.batch_execute("commit").await.expect("commit");
    build.await.expect("task").expect("build");
    assert_eq!(complaints(&diagnose(&url), "indexes"), Vec::<String>::new());
}

#[test]
fn the_help_says_what_the_verb_does() {
    let help = String::from_utf8(doctor(&["--help"]).stdout).expect("UTF-8");
    assert!(help.starts_with("Check connection") && help.contains("Exit code"), "{help}");
}

#[test]
fn exit_codes_tell_an_unreachable_server_from_a_wrong_flag() {
    for (arguments, code, message) in [
        (&["postgresql://u:hunter2@127.0.0.1:1/d"][..], 3, "no PostgreSQL listens at 127.0.0.1:1"),
        (&["postgresql://u:hunter2@h:x/d"][..], 2, "the port is not a number"),
        (&["--db", "host=h port=abc password=hunter2"][..], 2, "connection parameter port"),
        (&["postgresql://h/d", "--db", "x"][..], 2, "cannot be used with"),
        (&["--format", "yaml"][..], 2, "yaml"),
    ] {
        let output = doctor(arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {stderr}");
        assert!(stderr.contains(message) && !stderr.contains("hunter2"), "{arguments:?}: {stderr}");
        assert!(output.stdout.is_empty(), "{arguments:?}: an error is no result");
    }
}
