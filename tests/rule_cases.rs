//! Every rule's `fires.sql` and `quiet.sql` on a real server, judged by all rules. The golden beside
//! each case lists every finding; `UPDATE_GOLDENS=1` rewrites it.
//!
//! Comments in a case direct the test: `-- times: 20` repeats the next statement with `{i}` counting
//! from 0, `-- session: other` runs it on a second connection, `-- expect error` wants it to fail,
//! `-- set: rule.key=value` sets a threshold for the whole case. A statement ends with a line's `;`.

mod support;

use advisor::flow::analyse::{Advice, Analysis, WhatIfChoice, read};
use advisor::model::report::Finding;
use advisor::model::snapshot::Snapshot;
use advisor::pg::session::{Purpose, Session};
use advisor::rules::{RULES, Rule, Thresholds, judge};
use std::path::PathBuf;
use tokio_postgres::Client;

/// A statement of a case and how to run it.
struct Act {
    sql: String,
    times: usize,
    elsewhere: bool,
    fails: bool,
}

fn acts(case: &str) -> Vec<Act> {
    let mut acts = Vec::new();
    let fresh = || Act { sql: String::new(), times: 1, elsewhere: false, fails: false };
    let mut act = fresh();
    for line in case.lines() {
        match line.strip_prefix("-- ") {
            Some("session: other") => act.elsewhere = true,
            Some("expect error") => act.fails = true,
            Some(comment) if comment.starts_with("times: ") => act.times = comment["times: ".len()..].parse().expect("a number of times"),
            Some(_) => {}
            None => {
                act.sql.push_str(line);
                act.sql.push('\n');
                if line.ends_with(';') {
                    acts.push(std::mem::replace(&mut act, fresh()));
                }
            }
        }
    }
    assert!(act.sql.trim().is_empty(), "a statement without its semicolon: {}", act.sql);
    acts
}

fn thresholds(case: &str) -> Thresholds {
    let settings: Vec<String> = case.lines().filter_map(|l| l.strip_prefix("-- set: ")).map(str::to_owned).collect();
    Thresholds::parse(&settings).unwrap_or_else(|f| panic!("{f} {:?}", f.hints))
}

/// Ends a session and waits for it: a session hands its counters over at its end, else once a second.
async fn end(client: Client, url: &str) -> Client {
    let pid: i32 = client.query_one("select pg_backend_pid()", &[]).await.unwrap().get(0);
    drop(client);
    let next = support::connect(url).await;
    while next.query_opt("select from pg_stat_activity where pid = $1", &[&pid]).await.unwrap().is_some() {
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    next
}

async fn perform(case: &str, url: &str) -> Client {
    let (mut client, other) = (support::connect(url).await, support::connect(url).await);
    client.batch_execute("create extension pg_stat_statements").await.unwrap();
    for act in acts(case) {
        // ANALYZE resets counters that a running session has yet to hand over.
        if act.sql.starts_with("analyze") {
            client = end(client, url).await;
        }
        let client = if act.elsewhere { &other } else { &client };
        for i in 0..act.times {
            let sql = act.sql.replace("{i}", &i.to_string());
            let done = client.simple_query(sql.trim().trim_end_matches(';')).await;
            assert_eq!(done.is_err(), act.fails, "{sql}: {:?}", done.err());
        }
    }
    let client = end(client, url).await;
    // Before 15 the counters pass through a collector that publishes them every half second.
    if client.query_one("select current_setting('server_version_num')::int < 150000", &[]).await.unwrap().get(0) {
        tokio::time::sleep(std::time::Duration::from_millis(1000)).await;
    }
    other
}

async fn snapshot_after(case: &str, database: &str) -> Snapshot {
    let url = support::database(database);
    // The other session stays open: what it holds is part of the case.
    let _other = perform(case, &url).await;
    let session = Session::open(Some(&url), &Purpose::reading("test")).await.unwrap();
    let analysis = Analysis {
        target: Some(url.clone()),
        queries: Vec::new(),
        plans: Vec::new(),
        snapshot: None,
        only_new: false,
        explain_analyze: false,
        max_queries: 100,
        thresholds: Thresholds::default(),
        advice: Advice { what_if: WhatIfChoice::None, ..Advice::default() },
    };
    read(&session, &analysis).await.unwrap()
}

/// `rule severity subject`, one per line.
fn golden_of(findings: &[Finding], snapshot: &Snapshot) -> String {
    let text = |fingerprint: &String| {
        let query = snapshot.workload.iter().find(|q| &q.fingerprint == fingerprint).expect("a query of the workload");
        format!("`{}`", advisor::model::text::ellipsis(&advisor::model::text::squeeze(&query.normalized), 100))
    };
    let line = |f: &Finding| {
        let subject = [f.subject.table.clone(), f.subject.index.clone(), f.subject.query.as_ref().map(text)];
        let subject: Vec<String> = subject.into_iter().flatten().collect();
        format!("{} {:?} {}", f.rule, f.severity, subject.join(" ")).trim().to_owned()
    };
    let mut lines: Vec<String> = findings.iter().map(line).collect();
    lines.sort();
    lines.iter().map(|l| format!("{l}\n")).collect()
}

fn drawer(rule: &Rule) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/rules").join(rule.name.replace('-', "_"))
}

/// Runs one case; returns what is wrong with it.
async fn run(rule: &Rule, kind: &str, case: &str) -> Vec<String> {
    let snapshot = snapshot_after(case, &format!("case_{}_{kind}", rule.name.replace('-', "_"))).await;
    // Texts that give the planner no types (`generate_series($1, $2)`) cannot be planned; all else can be read.
    let problems = snapshot.problems.iter().filter(|p| !p.message.starts_with("not planned"));
    let mut wrong: Vec<String> = problems.map(|p| format!("problem: {}: {}", p.source, p.message)).collect();
    let judgement = judge(&snapshot, &thresholds(case));
    let fires = judgement.findings.iter().any(|f| f.rule == rule.name);
    if fires != (kind == "fires") {
        wrong.push(format!("the rule {} on its own case", if fires { "fires" } else { "is quiet" }));
    }
    let found = golden_of(&judgement.findings, &snapshot);
    let path = drawer(rule).join(format!("{kind}.golden"));
    if std::env::var_os("UPDATE_GOLDENS").is_some() {
        std::fs::write(&path, &found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    if found != expected {
        wrong.push(format!("golden differs\n--- expected\n{expected}--- found\n{found}"));
    }
    wrong.into_iter().map(|w| format!("{} {kind}: {w}", rule.name)).collect()
}

#[tokio::test]
async fn every_rule_fires_on_its_case_and_is_quiet_on_the_innocent_one() {
    let mut wrong = Vec::new();
    for rule in RULES {
        wrong.extend(run(rule, "fires", rule.fires_sql).await);
        wrong.extend(run(rule, "quiet", rule.quiet_sql).await);
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_drawer_holds_its_five_files_and_belongs_to_a_rule() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/rules");
    let mut drawers: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir()).collect();
    drawers.sort();
    let mut expected: Vec<PathBuf> = RULES.iter().map(|r| drawer(r)).collect();
    expected.sort();
    assert_eq!(drawers, expected);
    for drawer in drawers {
        for file in ["doc.md", "fires.sql", "quiet.sql", "fires.golden", "quiet.golden"] {
            assert!(drawer.join(file).is_file(), "{} in {}", file, drawer.display());
        }
    }
}
