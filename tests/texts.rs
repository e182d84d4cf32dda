//! Queries that differ in nothing but their constants, on a real server: every text is planned with its share.

mod support;

use serde_json::Value;
use std::process::Command;

fn report(url: &str, queries: &str) -> Value {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("q.sql");
    std::fs::write(&file, queries).expect("write");
    let output = Command::new(env!("CARGO_BIN_EXE_advisor"))
        .args(["analyze", "--db", url, "--queries", file.to_str().expect("plain path"), "--format", "json", "--fail-on", "never"])
        .output()
        .expect("run advisor");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

async fn database(name: &str) -> String {
    let url = support::database(name);
    let client = support::connect(&url).await;
    client
        .batch_execute(
            "create table jobs (id int primary key, state text, kind text, at timestamptz, title text collate \"C\", note text);
             insert into jobs select g, case when g % 500 = 0 then 'failed' when g % 100 = 0 then 'waiting' else 'done' end,
                 case when g % 50 = 0 then 'mail' else 'sync' end, timestamptz '2024-01-01' + g * interval '1 minute', md5(g::text), repeat('x', 60)
             from generate_series(1, 60000) g;
             vacuum analyze",
        )
        .await
        .expect("schema");
    url
}

fn ddl(report: &Value) -> Vec<&str> {
    report["recommendation"]["indexes"].as_array().expect("a list").iter().filter_map(|i| i["ddl"].as_str()).collect()
}

/// What is said of executions on one side: words and share, rounded to percents.
fn executions(index: &Value, side: &str) -> Vec<(String, f64)> {
    let of = |e: &Value| (e["asks_for"].as_str().expect("words").to_owned(), (e["share"].as_f64().expect("share") * 100.0).round());
    index["queries"][0][side].as_array().map(|list| list.iter().map(of).collect()).unwrap_or_default()
}

#[tokio::test]
async fn an_index_is_for_the_texts_that_use_it() {
    let url = database("texts_shares").await;
    let found = report(
        &url,
        "-- weight: 50\nselect note from jobs where state = 'done';\n-- weight: 30\nselect note from jobs where state = 'failed';
         -- weight: 20\nselect note from jobs where state = 'waiting'",
    );
    let [index] = found["recommendation"]["indexes"].as_array().expect("a list").as_slice() else { panic!("{:?}", ddl(&found)) };
    let ddl = index["ddl"].as_str().expect("a statement");
    assert!(ddl.contains("(\"state\"") && !ddl.contains("WHERE"), "no text's constant alone: {ddl}");
    let (with, without) = (executions(index, "used_for"), executions(index, "not_used_for"));
    assert_eq!(without, [("its most frequent constants".to_owned(), 50.0)], "{index:#}");
    assert_eq!(with.iter().map(|(_, share)| share).sum::<f64>(), 50.0, "{index:#}");
    assert_eq!(index["queries"][0]["partial_may_do"], true, "the others do not ask for the most common value");
}

#[tokio::test]
async fn only_a_constant_of_all_texts_can_be_a_predicate() {
    let url = database("texts_partial").await;
    let query = |kind: &str, id: u32| format!("select note from jobs where kind = '{kind}' and id between {id} and {};\n", id + 20_000);
    let predicates = |queries: &str| -> Vec<String> {
        let found = report(&url, queries);
        let of = |list: &str| found["recommendation"][list].as_array().cloned().unwrap_or_default();
        let all = of("indexes").into_iter().chain(of("rejected"));
        all.filter_map(|i| Some(i["ddl"].as_str()?.split_once(" WHERE ")?.1.to_owned())).collect()
    };
    let one = predicates(&(query("mail", 5) + &query("mail", 30_000)));
    assert!(!one.is_empty() && one.iter().all(|p| p.contains("'mail'")), "{one:?}");
    assert_eq!(predicates(&(query("mail", 5) + &query("sync", 30_000))), Vec::<String>::new());
    let parameter = "select note from jobs where kind = $1 and id between $2 and $3;\n";
    assert_eq!(predicates(&(query("mail", 5) + parameter)), Vec::<String>::new(), "a parameter may be anything");
}

#[tokio::test]
async fn texts_of_any_form_are_planned_and_one_that_is_refused_harms_none() {
    let url = database("texts_forms").await;
    let found = report(
        &url,
        "select note from jobs where id in (1, 2, 3) order by at limit 5;
         select note from jobs where id in (10, 20) order by at limit 500;
         select note from jobs where at > timestamptz '2024-01-02' - interval '3 days';
         select note from jobs where at > timestamptz '2024-02-11 12:00' - interval '1 hour';
         -- weight: 3\nselect note from jobs where title like '%abc';
         select note from jobs where title like 'abc%';
         -- weight: 2\nselect title from jobs where at >= '2024-02-11 10:00';
         select title from jobs where at >= 'not a time'",
    );
    assert_eq!(found["problems"].as_array().map(Vec::len), Some(0), "{:#}", found["problems"]);
    let title = found["recommendation"]["indexes"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|i| i["ddl"].as_str().unwrap_or("").contains("(\"title\""));
    let title = title.unwrap_or_else(|| panic!("the beginning of a text can be looked up: {:?}", ddl(&found)));
    assert_eq!(executions(title, "used_for"), [("its 2nd most frequent constants".to_owned(), 25.0)]);
    assert!(ddl(&found).iter().any(|d| d.contains("(\"at\"")), "{:?}", ddl(&found));
}
