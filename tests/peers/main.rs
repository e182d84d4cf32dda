//! What other index advisors were seen to get wrong, one test for each: on a real server, through the built binary.
//! One database holds a case of each kind and is analysed as a whole (`shop.rs`); what needs a workload of its own has its own small database.

mod shop;
#[path = "../support/mod.rs"]
mod support;

use serde_json::Value;
use shop::*;
use std::collections::BTreeSet;

// ---- what no other tool's output contained ----

#[test]
fn a_look_up_by_an_expression_gets_an_expression_index() {
    served_by(LOWER, "(lower(email))");
}

#[test]
fn a_date_bucket_gets_an_expression_index() {
    served_by(BUCKET, "date_trunc('day'");
}

#[test]
fn containment_gets_gin() {
    served_by(CONTAINS, "USING gin (\"attributes\"");
}

#[test]
fn a_prefix_outside_the_c_collation_gets_pattern_operators() {
    served_by(PREFIX, "\"handle\" text_pattern_ops");
}

#[test]
fn a_search_inside_a_text_gets_gin_with_a_gin_operator_class() {
    served_by(INFIX, "gin_trgm_ops");
    assert!(ddl(&TOLD.report).iter().all(|d| !d.contains("USING gin") || !d.contains("gist_")), "{:?}", ddl(&TOLD.report));
}

#[test]
fn both_arms_of_an_or_get_their_index() {
    served_by(EITHER, "(\"seller_id\"");
    served_by(EITHER, "(\"buyer_id\"");
}

#[test]
fn order_with_a_limit_is_served_in_order() {
    served_by(NEWEST, "(\"customer_id\", \"ordered_at\" DESC");
    assert!(serving(&TOLD.report, LATEST).iter().any(|d| d.contains("(\"total\", \"id\"") || d.contains("(\"total\" DESC, \"id\" DESC")));
}

#[test]
fn a_query_of_two_columns_is_covered() {
    let found = serving(&TOLD.report, SUM);
    let covers = |d: &&str| d.contains("(\"product_id\") INCLUDE (\"quantity\")") || d.contains("(\"product_id\", \"quantity\"");
    assert!(found.iter().any(covers), "{found:?}, refused: {:#?}", refused(&TOLD.report, "lines"));
}

#[test]
fn a_rare_constant_gets_a_partial_index() {
    served_by(UNSHIPPED, "WHERE \"shipped_at\" IS NULL");
}

// ---- failures ----

#[test]
fn one_bad_query_never_ends_the_run() {
    let small = Small::new(
        "bad_query",
        "create table t (id int primary key, a int, b text); insert into t select g, g, repeat('x', 50) from generate_series(1, 40000) g; analyze",
    );
    let bad = [
        "selec a fro t",
        "select * from nowhere where a = 1",
        "select nothing from t where a = 1",
        "select b from t where a = 'x'::int",
        "select lower(a) from t",
    ];
    let unterminated = small.file("z.sql", "select b from t where a = 'open");
    let queries: String = bad.iter().map(|sql| format!("{sql};\n")).collect::<String>() + "select b from t where a = 77;";
    let found = small.report(&queries, &["--queries", unterminated.to_str().expect("plain")]);
    assert_eq!(ddl(&found).len(), 1, "refused: {:#?}", refused(&found, "t"));
    for sql in bad {
        assert!(problem_of(&found, sql).is_some(), "nothing is said of {sql}: {:#?}", found["problems"]);
    }
}

#[test]
fn a_plans_wording_inside_a_literal_is_a_literal() {
    assert_eq!(problem_of(&TOLD.report, SUBPLAN_TEXT), None);
    served_by(SUBPLAN_TEXT, "(\"code\"");
}

#[test]
fn an_unqualified_column_goes_to_the_table_that_has_it() {
    served_by(UNQUALIFIED, "\"customers\" USING btree (\"city\"");
}

#[test]
fn an_alias_of_a_subquery_is_no_column() {
    served_by(SUBQUERY, "\"lines\" USING btree (\"order_id\"");
    assert!(!TOLD.report["recommendation"].to_string().contains("\\\"many\\\""), "{:?}", ddl(&TOLD.report));
}

#[test]
fn parameters_have_the_types_of_their_columns() {
    for (_, sql, _) in PREPARED {
        assert_eq!(problem_of(&TOLD.report, sql), None, "{sql}");
    }
    served_by(BY_NUMBER, "(\"ref\"");
    served_by(BY_CONTENT, "USING gin (\"content\"");
    served_by(BY_CODE, "(\"code\"");
}

#[test]
fn literals_keep_their_case() {
    served_by(RARE, "status");
    assert_eq!(serving(&TOLD.report, COMMON), Vec::<&str>::new(), "'active' would be rare, 'ACTIVE' is nearly all");
}

#[test]
fn statements_of_other_databases_do_not_enter() {
    assert!(!TOLD.report.to_string().contains("lodgers"));
}

#[test]
fn two_runs_give_one_answer() {
    let queries =
        |report: &Value| report["queries"].as_array().expect("list").iter().map(|q| text(q, "text").to_owned()).collect::<Vec<_>>();
    assert_eq!(queries(&TOLD.report), queries(&TOLD.again));
    assert_eq!(differences(&TOLD.report["recommendation"], &TOLD.again["recommendation"], ""), Vec::<String>::new());
}

#[test]
fn a_time_limit_is_kept_within_a_round() {
    let calls = |report: &Value| report["recommendation"]["optimizer_calls"].as_u64().expect("calls");
    assert!(calls(&TOLD.hasty) * 2 < calls(&TOLD.report), "{} of {} calls", calls(&TOLD.hasty), calls(&TOLD.report));
}

#[test]
fn sizes_are_honest_and_the_budget_binds() {
    assert!(TOLD.sizes.len() > 5, "{:?}", TOLD.sizes);
    for (name, estimated, real) in &TOLD.sizes {
        // Below a few pages the whole-page granularity is more than the tolerance.
        assert!((estimated - real).abs() <= (0.1 * real).max(3.0 * 8192.0), "{name}: {estimated} estimated, {real} built");
    }
    let sum = |report: &Value| advised(report).iter().map(|i| i["size_bytes"].as_f64().expect("size")).sum::<f64>();
    assert!(sum(&TOLD.report) > 4e6, "the budget has something to bind: {}", sum(&TOLD.report));
    // What is dropped gives its space to what is created.
    let net = TOLD.small["recommendation"]["size_bytes"].as_f64().expect("size");
    assert!(net <= 4e6 && sum(&TOLD.small) > 1e6, "{net}, {}: {:#}", sum(&TOLD.small), TOLD.small["recommendation"]["rejected"]);
}

#[test]
fn a_query_counts_as_often_as_it_runs() {
    let table = |name: &str| {
        format!(
            "create table {name} (id int primary key, a int, b text); insert into {name} select g, g, repeat('x', 50) from generate_series(1, 30000) g; "
        )
    };
    let small = Small::new("weights", &(table("seldom") + &table("often") + "analyze"));
    let found = small.report(
        "-- weight: 3\nselect b from seldom where a = 77;\n-- weight: 120\nselect b from often where a = 77;",
        &["--max-indexes", "1"],
    );
    assert_eq!(advised(&found).iter().map(|i| text(i, "table")).collect::<Vec<_>>(), ["often"]);
    let both = small.report("-- weight: 3\nselect b from seldom where a = 77;\n-- weight: 120\nselect b from often where a = 77;", &[]);
    let gain = |table: &str| advised(&both).iter().find(|i| i["table"] == table).and_then(|i| i["benefit"].as_f64()).expect("gain");
    assert!((gain("often") / gain("seldom") - 40.0).abs() < 0.5, "{} {}", gain("often"), gain("seldom"));
}

#[test]
fn small_wins_over_many_queries_count() {
    let small = Small::new(
        "small_wins",
        "create table wide (id int primary key, a int, b text); insert into wide select g, g % 1000, repeat('x', 400) from generate_series(1, 40000) g;
         create table tags (id int primary key, item int, tag text, remark text);
         insert into tags select g, g % 5000, 'tag', repeat('t', 40) from generate_series(1, 25000) g; analyze",
    );
    // Each query reads all of the large table and looks something up in the small one: some 10 % of its cost.
    let queries: String = (0..20)
        .map(|n| format!("select {n} + sum(length(b)) as n{n}, (select max(remark) from tags where item = 77) from wide;\n"))
        .collect();
    let found = small.report(&queries, &[]);
    assert_eq!(on_table(&found, "tags").len(), 1, "{:#?}", found["recommendation"]["rejected"]);
    let index = advised(&found).into_iter().find(|i| i["table"] == "tags").expect("index").clone();
    for query in index["queries"].as_array().expect("list") {
        let (before, after) = (query["cost_before"].as_f64().expect("cost"), query["cost_after"].as_f64().expect("cost"));
        assert!(after > 0.5 * before, "a bar of half the cost would have lost it: {before} {after}");
    }
}

#[test]
fn one_giant_query_hides_nothing() {
    let small = Small::new(
        "giant",
        "create table lines (order_id int not null, product_id int not null, quantity int not null, remark text not null);
         insert into lines select g % 40000, (300 * random())::int, g % 10, repeat('l', 30) from generate_series(1, 60000) g;
         create table huge (id int primary key, a int not null, b text not null); insert into huge select g, g, repeat('x', 50) from generate_series(1, 30000) g; analyze",
    );
    support::in_own_runtime(async { support::connect(&small.url).await.batch_execute("vacuum").await.expect("vacuum") });
    let alone = format!("-- weight: 500\n{SUM};\n");
    let giant = "-- weight: 1000\nselect count(*) from huge x where x.b < (select max(b) from huge y where y.a > x.a);\n";
    let found = small.report(&alone, &[]);
    assert_eq!(on_table(&found, "lines").len(), 1);
    assert_eq!(on_table(&small.report(&[&alone, giant].concat(), &[]), "lines"), on_table(&found, "lines"));
}

#[test]
fn a_parametrised_interval_is_planned() {
    let known = TOLD.report["queries"].as_array().expect("list").iter().any(|q| text(q, "text").contains("now() - $1::interval"));
    assert!(known, "the workload has it");
    assert_eq!(problem_of(&TOLD.report, RECENT), None);
    served_by(RECENT, "(\"at\"");
}

#[test]
fn literals_of_one_query_are_all_weighed_whatever_their_order() {
    let small = Small::new(
        "literals",
        "create table t (id int primary key, status text, note text);
         insert into t select g, case when g % 500 = 0 then 'Open' else 'ACTIVE' end, repeat('x', 60) from generate_series(1, 60000) g; analyze",
    );
    let (rare, common) =
        ("-- weight: 300\nselect note from t where status = 'Open';\n", "-- weight: 1\nselect note from t where status = 'ACTIVE';\n");
    let first = small.report(&[rare, common].concat(), &[]);
    let last = small.report(&[common, rare].concat(), &[]);
    assert_eq!(ddl(&first).len(), 1, "{:#?}", first["recommendation"]);
    assert_eq!(ddl(&first), ddl(&last), "the last literal wins");
    assert_eq!(first["recommendation"], last["recommendation"]);
    // 300 small look-ups and one scan of all: near the look-up's cost, not near the scan's.
    let served = &advised(&first)[0]["queries"][0];
    let (before, after) = (served["cost_before"].as_f64().expect("cost"), served["cost_after"].as_f64().expect("cost"));
    assert!(after < 0.5 * before, "{served:#}");
    let never = small.report(common, &[]);
    assert_eq!(ddl(&never), Vec::<&str>::new(), "all but all rows: no index serves it");
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_that_only_autovacuum_analyzed_are_advised() {
    let small = Small::new(
        "autovacuum",
        "create table t (id int primary key, a int, b text) with (autovacuum_analyze_threshold = 1000);
         insert into t select g, g, repeat('x', 50) from generate_series(1, 40000) g",
    );
    let client = support::connect(&small.url).await;
    for sql in ["alter system set autovacuum_naptime = '1s'", "select pg_reload_conf()"] {
        client.batch_execute(sql).await.expect("setting");
    }
    let done = "select last_analyze is null and last_autoanalyze is not null from pg_stat_user_tables where relname = 't'";
    for _ in 0..150 {
        if client.query_one(done, &[]).await.expect("counters").get(0) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    assert!(client.query_one(done, &[]).await.expect("counters").get::<_, bool>(0), "autovacuum never came");
    for sql in ["alter system reset autovacuum_naptime", "select pg_reload_conf()"] {
        client.batch_execute(sql).await.expect("setting");
    }
    assert_eq!(ddl(&small.report("select b from t where a = 77", &[])).len(), 1);
}

#[tokio::test]
async fn the_callers_prepared_statements_survive() {
    use advisor::flow::analyse::{Analysis, read};
    use advisor::pg::session::{Purpose, Session};
    let url = support::database("callers");
    let session = Session::open(Some(&url), &Purpose::reading("test")).await.expect("connect");
    session.client.batch_execute("prepare mine as select 77").await.expect("prepare");
    let driver = session.client.prepare("select $1::int").await.expect("prepare");
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("q.sql");
    std::fs::write(&file, "select relname from pg_class where oid = 5; select 1 where 2 = 3").expect("write");
    let snapshot = read(&session, &Analysis { queries: vec![file], ..Analysis::of(Some(url.clone())) }).await.expect("read");
    assert_eq!(snapshot.workload.len(), 2);
    session.client.batch_execute("execute mine").await.expect("our own reading left it alone");
    assert_eq!(session.client.query_one(&driver, &[&7]).await.expect("query").get::<_, i32>(0), 7);
}

#[test]
fn what_an_existing_index_does_in_another_shape_is_not_advised() {
    assert_eq!(on_table(&TOLD.report, "stock"), Vec::<String>::new(), "of {:#?}", refused(&TOLD.report, "stock"));
    let needless = TOLD.report["findings"]
        .as_array()
        .expect("list")
        .iter()
        .any(|f| ["redundant-index", "duplicate-index"].contains(&text(f, "rule")) && f["subject"]["index"] == "stock_f");
    assert!(needless, "(f) beside (f) INCLUDE (d): {:#?}", TOLD.report["findings"]);
}

#[test]
fn advice_does_not_repeat_itself_nor_a_key() {
    let all = ddl(&TOLD.report);
    let without_name = |d: &&str| d.split(" ON ").nth(1).map(str::to_owned);
    assert_eq!(all.iter().filter_map(without_name).collect::<BTreeSet<_>>().len(), all.len(), "{all:#?}");
    for d in &all {
        assert!(!d.ends_with("USING btree (\"id\")"), "the primary key again: {d}");
    }
    let begins = |d: &str| d.split(" ON ").nth(1).and_then(|tail| tail.split(')').next()).map(str::to_owned).unwrap_or_default();
    for (n, narrow) in all.iter().enumerate().filter(|(_, d)| !d.contains(" WHERE ")) {
        let repeated =
            all.iter().enumerate().find(|(m, wide)| *m != n && !wide.contains(" WHERE ") && begins(wide).starts_with(&begins(narrow)));
        assert_eq!(repeated, None, "{narrow} is the beginning of another");
    }
}

#[test]
fn every_advice_says_why_how_much_and_how_large() {
    assert!(advised(&TOLD.report).len() > 8);
    for index in advised(&TOLD.report) {
        assert!(!text(index, "reason").is_empty());
        assert!(index["benefit"].as_f64().expect("gain") > index["write_cost"].as_f64().expect("write cost"), "{index:#}");
        assert!(index["size_bytes"].as_f64().expect("size") >= 8192.0, "{index:#}");
        let served = index["queries"].as_array().expect("list");
        assert!(!served.is_empty(), "{index:#}");
        for query in served {
            assert!(query["cost_after"].as_f64() < query["cost_before"].as_f64(), "{index:#}");
        }
    }
}

#[test]
fn every_advised_index_is_built_and_read() {
    assert_eq!(TOLD.unbuildable, Vec::<String>::new());
    assert_eq!(TOLD.unread, Vec::<String>::new());
}

// ---- wrong advice ----

#[test]
fn an_append_heavy_table_is_left_alone_for_three_reads() {
    assert_eq!(on_table(&TOLD.report, "events"), Vec::<String>::new());
    assert!(TOLD.report["recommendation"]["rejected"].to_string().contains("events"), "and the reason is given");
}

#[test]
fn a_heartbeat_column_stays_out_of_indexes() {
    assert_eq!(on_table(&TOLD.report, "devices"), Vec::<String>::new());
}

#[test]
fn tiny_tables_get_no_index() {
    for table in ["currencies", "countries"] {
        assert_eq!(on_table(&TOLD.report, table), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_megabytes_for_two_calls_are_not_advised() {
    let small = Small::new(
        "two_calls",
        "create extension pg_stat_statements;
         create table archive (id int primary key, token text not null, note text not null);
         insert into archive select g, md5(g::text) || md5((g + 1)::text), repeat('x', 20) from generate_series(1, 150000) g;
         create table daily (id int primary key, a int, b text); insert into daily select g, g, repeat('x', 50) from generate_series(1, 20000) g;
         analyze; select pg_stat_reset(); select pg_stat_statements_reset(0, (select oid from pg_database where datname = current_database()), 0)",
    );
    let client = support::connect(&small.url).await;
    for (calls, sql, value) in [(2, "select note from archive where token = $1", "x"), (600, "select b from daily where a = $1", "77")] {
        let statement = client.prepare(sql).await.expect("prepare");
        for _ in 0..calls {
            client.query(&statement, &[&AsText(value)]).await.expect("query");
        }
    }
    let found = report(&["--db", &small.url]);
    assert_eq!(on_table(&found, "daily").len(), 1);
    assert_eq!(on_table(&found, "archive"), Vec::<String>::new(), "13 MB for two calls beside 600 others: building it costs more");
}
