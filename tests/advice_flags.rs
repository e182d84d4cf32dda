//! The flags of `analyze` that limit its advice, and `--why`, as their user meets them: the built binary on a real server.

mod support;

use serde_json::Value;
use std::process::{Command, Output};

/// Orders of customers: `customer_id` wants an index, `note` none; `carts` is small.
const SCHEMA: &str = "
create table orders (id serial primary key, customer_id int, status text, created_at timestamptz, note text);
insert into orders select g, g * 7919 % 5000, case when g % 100 = 0 then 'new' else 'done' end,
  timestamptz '2026-01-01' + g * interval '1 min', repeat('n', 60) from generate_series(1, 60000) g;
create index orders_created_at_idx on orders (created_at);
create table people (id serial primary key, email text, age int);
insert into people select g, 'p' || g || '@example.org', g % 90 from generate_series(1, 30000) g;
create table carts (id int, owner int);
insert into carts select g, g from generate_series(1, 50) g;
analyze;";

const QUERIES: &str = "
-- weight: 1000
select * from orders where customer_id = 42;
-- weight: 200
select * from orders where status = 'new' order by created_at desc limit 10;
-- weight: 300
select id from people where lower(email) = 'p7@example.org';
-- weight: 10
select * from carts where owner = 3;
";

fn advisor(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_advisor"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PG") || name == "DATABASE_URL" {
            command.env_remove(name);
        }
    }
    command.env("HOME", "/nonexistent").env("COLUMNS", "120").args(arguments).output().expect("run advisor")
}

/// A database with the orders, and the queries in a file.
struct Shop {
    url: String,
    queries: tempfile::NamedTempFile,
}

impl Shop {
    async fn open(name: &str) -> Shop {
        let url = support::database(name);
        support::connect(&url).await.batch_execute(SCHEMA).await.expect("schema");
        let queries = tempfile::Builder::new().suffix(".sql").tempfile().expect("file");
        std::fs::write(queries.path(), QUERIES).expect("write");
        Shop { url, queries }
    }

    fn run(&self, flags: &[&str]) -> Output {
        let queries = self.queries.path().to_str().expect("plain path");
        advisor(&[&["analyze", &self.url, "--queries", queries, "--fail-on", "never"], flags].concat())
    }

    /// The recommendation, in a report that fits its schema.
    fn advice(&self, flags: &[&str]) -> Value {
        let output = self.run(&[flags, &["--format", "json"]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let schema: Value = serde_json::from_slice(&advisor(&["schema"]).stdout).expect("the schema is JSON");
        let errors: Vec<String> =
            jsonschema::validator_for(&schema).expect("a schema").iter_errors(&report).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
        report["recommendation"].clone()
    }

    /// What goes wrong, with exit 2.
    fn refused(&self, flags: &[&str]) -> String {
        let output = self.run(flags);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(2), true), "{flags:?}: {stderr}");
        stderr
    }

    /// Answers to questions, in order.
    fn why(&self, questions: &[&str]) -> Vec<Value> {
        let flags: Vec<&str> = questions.iter().flat_map(|q| ["--why", q]).collect();
        self.advice(&flags)["why"].as_array().expect("answers").clone()
    }
}

fn created(advice: &Value) -> Vec<&str> {
    let indexes = advice["indexes"].as_array().expect("indexes").iter();
    indexes.filter(|i| i["action"] == "create").map(|i| i["ddl"].as_str().expect("ddl")).collect()
}

fn number(value: &Value, field: &str) -> f64 {
    value[field].as_f64().unwrap_or_else(|| panic!("no {field} in {value}"))
}

#[tokio::test]
async fn kinds_width_and_tables_narrow_the_advice() {
    let shop = Shop::open("flags_limits").await;
    let on = |ddl: &[&str], what: &str| ddl.iter().filter(|d| d.contains(what)).count();
    let all = shop.advice(&[]);
    let all = created(&all);
    assert!(on(&all, "\"orders\"") >= 1 && on(&all, "lower(email)") == 1, "{all:?}");
    let plain = shop.advice(&["--kinds", "btree"]);
    let plain = created(&plain);
    assert!(on(&plain, "lower(") == 0 && on(&plain, " WHERE ") == 0 && on(&plain, "customer_id") == 1, "{plain:?}");
    let narrow = shop.advice(&["--max-width", "1"]);
    assert!(created(&narrow).iter().all(|ddl| !ddl.contains("\", \"")), "{narrow}");
    let people = shop.advice(&["--tables", "people,public.carts"]);
    assert!(created(&people).len() == 1 && on(&created(&people), "\"people\"") == 1, "{people}");
    let others = shop.advice(&["--exclude", "people"]);
    assert!(on(&created(&others), "\"people\"") == 0 && on(&created(&others), "\"orders\"") >= 1, "{others}");
}

#[tokio::test]
async fn wrong_values_are_told_with_an_example() {
    let shop = Shop::open("flags_wrong").await;
    for (flags, words) in [
        (["--budget", "5"], "the unit is missing: write 1GB"),
        (["--budget", "1GB,0MB"], "a budget is more than nothing"),
        (["--max-indexes", "0"], "at least 1"),
        (["--max-width", "wide"], "not a whole number: write 5"),
        (["--time-limit", "30"], "the unit is missing: write 30s"),
        (["--max-regression", "-1"], "not a percentage"),
        (["--kinds", "btree,gim"], "a similar value exists: 'gin'"),
        (["--tables", "ordres"], "did you mean `orders`?"),
        (["--exclude", "public.peple"], "did you mean `public.people`?"),
        (["--tables", "x\u{1b}[2J"], "x\\u{1b}[2J"),
        (["--why", "orders"], "neither table.column nor a CREATE INDEX"),
        (["--why", "drop table orders"], "neither table.column nor a CREATE INDEX"),
        (["--why", "create index on orders (id); drop table orders"], "one statement is wanted"),
    ] {
        let told = shop.refused(&[&format!("{}={}", flags[0], flags[1])]);
        assert!(told.contains(words) && !told.contains('\u{1b}'), "{flags:?}: {told}");
    }
}

#[test]
fn why_wants_a_database() {
    let plan = tempfile::Builder::new().suffix(".txt").tempfile().expect("file");
    std::fs::write(plan.path(), "Seq Scan on orders  (cost=0.00..1.00 rows=1 width=4)\n").expect("write");
    let output = advisor(&["analyze", "--plans", plan.path().to_str().expect("plain path"), "--why", "orders.id"]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && told.contains("no database to try it on") && told.contains("--snapshot"), "{told}");
}

#[tokio::test]
async fn why_says_what_became_of_an_index_with_numbers() {
    let shop = Shop::open("flags_why").await;
    let before = shop.advice(&[]);
    let questions = [
        "orders.customer_id",
        "create index on orders (created_at)",
        "orders.note",
        "create index on orders (customer_id) include (status, note)",
        "carts.owner",
        "create index concurrently if not exists x on public.people (md5(email))",
        "create index on orders ((random()))",
        "orders.custmer_id",
        "people.nothing_like_it",
        "nowhere.id",
    ];
    let advice = shop.advice(&questions.iter().flat_map(|q| ["--why", q]).collect::<Vec<_>>());
    assert_eq!(created(&advice), created(&before), "asking changes nothing");
    assert_eq!((&advice["cost_before"], &advice["cost_after"]), (&before["cost_before"], &before["cost_after"]));
    let why = advice["why"].as_array().expect("answers");
    let codes: Vec<&str> = why.iter().map(|w| w["reason_code"].as_str().expect("code")).collect();
    assert_eq!(codes[0], "advised");
    assert_eq!(codes[1..3], ["exists", "not_used"]);
    assert!(["covered", "dropped_for", "low_gain", "write_cost"].contains(&codes[3]), "{}", why[3]);
    assert_eq!(codes[4..], ["not_used", "not_used", "not_buildable", "unknown_column", "unknown_column", "unknown_table"]);
    assert!(why[1]["reason"].as_str().is_some_and(|r| r.contains("orders_created_at_idx is there already")), "{}", why[1]);
    assert!(why[4]["reason"].as_str().is_some_and(|r| r.contains("only 50 rows")), "{}", why[4]);
    assert!(why[6]["reason"].as_str().is_some_and(|r| r.contains("IMMUTABLE")), "{}", why[6]);
    assert!(why[7]["reason"].as_str().is_some_and(|r| r.ends_with("did you mean customer_id?")), "{}", why[7]);
    // Alone it serves its query, and the numbers say so.
    let (today, advised) = (number(&advice, "cost_before"), number(&why[0], "cost_with_advice"));
    let alone = number(&why[0], "cost_with_it_alone");
    assert!(advised <= alone && alone < today, "{advised} {alone} {today}");
    assert_eq!(why[0]["used_by"].as_array().map(Vec::len), Some(1), "{}", why[0]);
    let served = &why[0]["queries"][0];
    assert!(number(served, "cost_after") < 0.1 * number(served, "cost_before"), "{served}");
    // What no plan uses changes nothing.
    assert_eq!(number(&why[2], "cost_with_it_alone"), today);
    assert_eq!(why[2]["used_by"].as_array().map(Vec::len), Some(0));
}

#[tokio::test]
async fn an_index_outside_the_advice_is_told_apart_by_what_keeps_it_out() {
    let shop = Shop::open("flags_why_not").await;
    // Not allowed by the user, and yet it would pay: the answer says so.
    let flags = ["--exclude", "orders", "--why", "orders.customer_id"];
    let advice = shop.advice(&flags);
    assert!(created(&advice).iter().all(|ddl| !ddl.contains("\"orders\"")), "{advice}");
    let why = &advice["why"][0];
    assert_eq!(why["reason_code"], "pays", "{why}");
    assert!(number(why, "cost_with_it") < number(why, "cost_with_advice"), "{why}");
    let answers = shop.why(&["orders.status", "create index on people (lower(email))"]);
    assert_eq!(answers[1]["reason_code"], "advised", "{}", answers[1]);
    assert!(answers[0]["ddl"].as_str().is_some_and(|ddl| ddl.contains("(\"status\"")), "{}", answers[0]);
    // Without trials only the catalog can answer.
    let untried = shop.advice(&["--what-if", "none", "--why", "orders.customer_id", "--why", "orders.id"]);
    assert_eq!((&untried["why"][0]["reason_code"], &untried["why"][1]["reason_code"]), (&"not_tried".into(), &"exists".into()));
}

#[tokio::test]
async fn hostile_questions_do_nothing_and_stay_on_their_line() {
    let shop = Shop::open("flags_why_hostile").await;
    let client = support::connect(&shop.url).await;
    let state = "select (select count(*) from pg_class) || ' ' || (select count(*) from orders)";
    let before: String = client.query_one(state, &[]).await.expect("state").get(0);
    client.batch_execute("create table \"a\"\"; drop table carts; --\u{1b}[2J\" (\"c\nd\" int)").await.expect("a hostile table");
    let hostile = [
        "create index on orders (id) where (select pg_sleep(5)) is null",
        "create index on orders (lower(note)) where note = '''; drop table carts; --'",
        "create index \"i\"\"; drop table carts; --\" on \"a\"\"; drop table carts; --\u{1b}[2J\" (\"c\nd\")",
        "create index on orders (id int4_ops)",
        "create index on orders (id \"x\"\"; drop table carts; --\")",
        "create index on orders (id) with (fillfactor = '90''); drop table carts; --')",
        "create index on orders (note collate \"C\"\"; drop table carts; --\")",
        "create index on orders using nothing_of_the_kind (id)",
        "\"a\"\"; drop table carts; --\u{1b}[2J\".\"c\nd\"",
    ];
    let started = std::time::Instant::now();
    let flags: Vec<&str> = hostile.iter().flat_map(|q| ["--why", q]).collect();
    let output = shop.run(&flags);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let page = String::from_utf8_lossy(&output.stdout);
    let bad: Vec<char> = page.chars().filter(|c| c.is_control() && *c != '\n').collect();
    assert!(bad.is_empty(), "{bad:?}");
    assert!(!page.lines().any(|line| line.trim_start().starts_with("; drop")), "{page}");
    let answers = shop.why(&hostile);
    let codes: Vec<&str> = answers.iter().map(|w| w["reason_code"].as_str().expect("code")).collect();
    assert_eq!(codes[0], "not_buildable", "{}", answers[0]);
    assert_eq!(codes[2], "no_query", "{}", answers[2]);
    assert!(answers.iter().all(|w| w["asked"].as_str().is_some_and(|asked| !asked.chars().any(char::is_control))));
    assert!(started.elapsed().as_secs() < 60);
    client.batch_execute("drop table \"a\"\"; drop table carts; --\u{1b}[2J\"").await.expect("it is still there");
    let after: String = client.query_one(state, &[]).await.expect("state").get(0);
    assert_eq!(before, after);
}

#[tokio::test]
async fn the_page_answers_first_and_gives_reasons() {
    let shop = Shop::open("flags_page").await;
    let output = shop.run(&["--why", "orders.note", "--why", "orders.customer_id"]);
    let page = String::from_utf8_lossy(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
    let at = |words: &str| page.find(words).unwrap_or_else(|| panic!("{words} is missing in\n{page}"));
    assert!(at("Why not?") < at("Index advice") && at("Index advice") < at("Considered and refused"));
    for words in ["− orders.note: tried alone, the planner uses it for no query", "= orders.customer_id: it is advised as orders_"] {
        at(words);
    }
    for words in ["with it alone", "of today's load becomes", "build: ", "costs are planner units;"] {
        at(words);
    }
}

#[tokio::test]
async fn budgets_numbers_and_time_bound_the_choice() {
    let shop = Shop::open("flags_budget").await;
    let client = support::connect(&shop.url).await;
    let one = shop.advice(&["--max-indexes", "1"]);
    let all = shop.advice(&[]);
    assert!(created(&one).len() == 1 && created(&all).len() > 1, "{one}");
    assert!(number(&one, "cost_after") > number(&all, "cost_after"));
    assert!(all.get("frontier").is_none() && all.get("budget_bytes").is_none(), "no limit, nothing to compare");
    // Enough for the smallest index and for all of them, in whatever order they are named.
    let sizes: Vec<f64> = all["indexes"].as_array().expect("indexes").iter().map(|i| number(i, "size_bytes")).collect();
    let (least, sum) = (sizes.iter().copied().fold(f64::INFINITY, f64::min), sizes.iter().sum::<f64>());
    let budget = format!("{}kB,{}B", (sum / 1000.0).ceil(), least.ceil());
    let bounded = shop.advice(&["--budget", &budget]);
    let points = bounded["frontier"].as_array().expect("a frontier");
    assert_eq!(points.len(), 2);
    assert!(points.iter().all(|p| number(p, "size_bytes") <= number(p, "budget_bytes")), "{points:?}");
    assert!(number(&points[0], "budget_bytes") < number(&points[1], "budget_bytes"));
    assert!(number(&points[0], "cost_after") > number(&points[1], "cost_after"), "space buys something: {points:?}");
    assert_eq!(number(&points[1], "cost_after"), number(&bounded, "cost_after"), "the last is the advice");
    // A share of the heap is that share of the tables that may be advised.
    let heap: i64 = client.query_one("select pg_relation_size('orders') + pg_relation_size('people')", &[]).await.expect("size").get(0);
    let share = shop.advice(&["--budget", "10%", "--tables", "orders,people"]);
    assert_eq!(number(&share, "budget_bytes"), 0.1 * heap as f64);
    assert!(share["size_bytes"].as_f64().is_some_and(|size| size <= 0.1 * heap as f64), "{share}");
    // However little time there is, the answer is a whole one.
    let hasty = shop.advice(&["--time-limit", "1ms"]);
    assert!(number(&hasty, "cost_after") <= number(&hasty, "cost_before"), "{hasty}");
}
