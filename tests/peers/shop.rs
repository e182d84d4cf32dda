//! The shop: one database with a case of each kind, analysed as a whole, and what is asked of the answer.

use crate::support;
use advisor::read::sql::normalize::normalize;
use serde_json::Value;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::LazyLock;
use tokio_postgres::types::{Format, IsNull, ToSql, Type, to_sql_checked};

pub const SHOP: &str = include_str!("../../fixtures/peers/shop.sql");

pub const LOWER: &str = "select id, name from customers where lower(email) = lower('USER77@example.com')";
pub const PREFIX: &str = "select id, name from customers where handle like 'handlec4ca%'";
pub const CONTAINS: &str = "select id, name from customers where attributes @> '{\"vip\": 77}'";
pub const INFIX: &str = "select id, city from customers where name ilike '%c81e728d9%'";
pub const UNQUALIFIED: &str = "select remark from orders join customers on customers.id = customer_id where city = 'city77'";
pub const BUCKET: &str = "select id, remark from orders where date_trunc('day', ordered_at) = timestamp '2026-03-03'";
pub const EITHER: &str = "select id, remark from orders where seller_id = 77 or buyer_id = 77";
pub const NEWEST: &str = "select id, remark from orders where customer_id = 77 order by ordered_at desc limit 10";
pub const UNSHIPPED: &str = "select id, remark from orders where shipped_at is null";
pub const LATEST: &str = "select id, remark from orders order by total desc, id desc limit 10";
pub const SUM: &str = "select sum(quantity) from lines where product_id = 77";
pub const SUBQUERY: &str =
    "select x.many from (select order_id as many, count(*) as n from lines group by order_id) as x where x.many = 77";
pub const RARE: &str = "select id, remark from orders where status = 'Open' and customer_id > 5";
pub const COMMON: &str = "select * from orders where status = 'ACTIVE'";
pub const SUBPLAN_TEXT: &str =
    "select id from parcels where code = '(SubPlan 1)' and ref > (select avg(ref) / 2 from parcels p where p.id = parcels.id)";
pub const TINY: [&str; 2] =
    ["select name from currencies where code = 'C3'", "select name from countries where iso = 'I7' and currency = 'C2' order by name"];
pub const STOCKED: [&str; 4] = [
    "select d from stock where c = 77",
    "select id from stock where d = 77",
    "select id from stock where d < 77 order by d",
    "select id, remark from stock where e = 77 and not gone",
];

/// Weight and text of the queries in the file.
pub const QUERIES: [(u32, &str); 15] = [
    (400, LOWER),
    (200, PREFIX),
    (200, CONTAINS),
    (100, INFIX),
    (150, UNQUALIFIED),
    (50, BUCKET),
    (300, EITHER),
    (300, NEWEST),
    (50, UNSHIPPED),
    (100, LATEST),
    (500, SUM),
    (200, SUBQUERY),
    (100, RARE),
    (2, COMMON),
    (1, SUBPLAN_TEXT),
];

/// Prepared and run by the app: calls, text and value. The parameters have the types of their columns.
pub const PREPARED: [(usize, &str, &str); 8] = [
    (40, BY_NUMBER, "77"),
    (40, BY_CONTENT, "{\"kind\": 77}"),
    (40, BY_CODE, "code77"),
    (40, RECENT, "1 day"),
    (3, "select id, body from events where kind = $1", "kind7"),
    (3, "select id, name from devices where seen_at < $1", "2020-01-01"),
    (4000, "insert into events (kind, body) values ($1, 'e')", "kind7"),
    (4000, "update devices set seen_at = now() where id = $1", "77"),
];
pub const BY_NUMBER: &str = "select remark from parcels where ref = $1";
pub const BY_CONTENT: &str = "select remark from parcels where content @> $1";
pub const BY_CODE: &str = "select remark from parcels where code = $1";
pub const RECENT: &str = "select count(*) from parcels where at > now() - $1::interval";

/// A value as text, whatever type the server wants.
#[derive(Debug)]
pub struct AsText(pub &'static str);

impl ToSql for AsText {
    fn to_sql(&self, _: &Type, out: &mut bytes::BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        out.extend_from_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}

/// What the analyses of the shop said, and what became of the advice when it was built.
pub struct Told {
    pub report: Value,
    pub again: Value,
    pub small: Value,
    pub hasty: Value,
    /// DDL that the server refused, with its reason.
    pub unbuildable: Vec<String>,
    /// Name, estimated and real bytes of each B-tree built.
    pub sizes: Vec<(String, f64, f64)>,
    pub unread: Vec<String>,
}

pub static TOLD: LazyLock<Told> = LazyLock::new(|| support::in_own_runtime(told()));

pub async fn told() -> Told {
    let url = support::database("shop");
    let elsewhere = support::connect(&support::database("elsewhere")).await;
    elsewhere.batch_execute("create table lodgers (id int); select * from lodgers where id = 5").await.expect("another database");
    let client = support::connect(&url).await;
    client.batch_execute(SHOP).await.expect("shop");
    // Pages that all can see: without them an index alone answers nothing.
    // VACUUM knows no transaction as committed whose commit record is not on disk yet.
    for statement in ["checkpoint", "vacuum"] {
        client.batch_execute(statement).await.expect("vacuum");
    }
    workload(&url).await;
    counted(&client).await;
    let folder = tempfile::tempdir().expect("folder");
    let (file, rest) = (folder.path().join("queries.sql"), folder.path().join("rest.sql"));
    std::fs::write(&file, QUERIES.map(|(weight, sql)| format!("-- weight: {weight}\n{sql};\n")).concat()).expect("write");
    std::fs::write(&rest, [TINY.as_slice(), &STOCKED].concat().iter().map(|sql| format!("-- weight: 500\n{sql};\n")).collect::<String>())
        .expect("write");
    let ask = |more: &[&str]| {
        report(&[&["--db", &url, "--queries", file.to_str().expect("plain"), "--queries", rest.to_str().expect("plain")], more].concat())
    };
    let mut told = Told {
        report: ask(&[]),
        again: ask(&[]),
        small: ask(&["--budget", "4MB"]),
        hasty: ask(&["--time-limit", "0.001ms"]),
        unbuildable: Vec::new(),
        sizes: Vec::new(),
        unread: Vec::new(),
    };
    build(&client, &mut told).await;
    client.batch_execute("analyze; select pg_stat_reset()").await.expect("analyze");
    workload(&url).await;
    let all = QUERIES.iter().map(|(_, sql)| *sql).chain(STOCKED).collect::<Vec<_>>().join(";");
    support::connect(&url).await.batch_execute(&all).await.expect("queries");
    told.unread = unread(&client, &told).await;
    told
}

/// What pg_stat_statements is to know.
pub async fn workload(url: &str) {
    let client = support::connect(url).await;
    for (calls, sql, value) in PREPARED {
        let statement = client.prepare(sql).await.expect("prepare");
        for _ in 0..calls {
            client.query(&statement, &[&AsText(value)]).await.expect("query");
        }
    }
}

/// Waits for the counters of the workload's writes: they arrive when a session ends or idles.
pub async fn counted(client: &tokio_postgres::Client) {
    let sql = "select sum(n_tup_ins + n_tup_upd)::int8 >= 8000 from pg_stat_user_tables where relname in ('events', 'devices')";
    for _ in 0..50 {
        if client.query_one(sql, &[]).await.expect("counters").get(0) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("the writes were never counted");
}

/// Builds what is advised, and compares sizes.
pub async fn build(client: &tokio_postgres::Client, told: &mut Told) {
    for index in advised(&told.report) {
        let (name, ddl) = (text(index, "name"), text(index, "ddl"));
        if let Err(error) = client.batch_execute(ddl).await {
            told.unbuildable.push(format!("{ddl}: {error:?}"));
        } else if ddl.contains("USING btree") {
            let size = client.query_one("select pg_relation_size(quote_ident($1)::regclass)::float8", &[&name]).await.expect("size").get(0);
            told.sizes.push((name.to_owned(), index["size_bytes"].as_f64().unwrap_or(0.0), size));
        }
    }
}

/// Advised indexes that the second run of the workload did not read. Counters arrive when sessions end or idle.
pub async fn unread(client: &tokio_postgres::Client, told: &Told) -> Vec<String> {
    let names: Vec<&str> = advised(&told.report).iter().map(|i| text(i, "name")).collect();
    let sql = "select indexrelname::text from pg_stat_user_indexes where indexrelname = any($1::text[]) and idx_scan = 0";
    let mut left = Vec::new();
    for _ in 0..20 {
        left = client.query(sql, &[&names]).await.expect("counters").iter().map(|row| row.get(0)).collect();
        if left.is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(150)).await;
    }
    left
}

/// Runs the verb with no settings but the given ones.
pub fn analyze(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_advisor"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PG") || name == "DATABASE_URL" {
            command.env_remove(name);
        }
    }
    command.env("HOME", "/nonexistent").arg("analyze").args(arguments).output().expect("run advisor")
}

pub fn report(arguments: &[&str]) -> Value {
    let output = analyze(&[arguments, &["--format", "json", "--fail-on", "never", "--what-if", "clone"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

pub fn text<'a>(item: &'a Value, field: &str) -> &'a str {
    item[field].as_str().unwrap_or_else(|| panic!("no {field} in {item}"))
}

/// Indexes to create.
pub fn advised(report: &Value) -> Vec<&Value> {
    report["recommendation"]["indexes"].as_array().expect("list").iter().filter(|i| i["action"] == "create").collect()
}

pub fn ddl(report: &Value) -> Vec<&str> {
    advised(report).into_iter().map(|i| text(i, "ddl")).collect()
}

pub fn fingerprint(sql: &str) -> String {
    normalize(sql).fingerprint
}

/// DDL of the indexes that serve a query.
pub fn serving<'a>(report: &'a Value, sql: &str) -> Vec<&'a str> {
    let wanted = fingerprint(sql);
    let serves = |index: &&Value| index["queries"].as_array().expect("list").iter().any(|q| q["fingerprint"] == wanted.as_str());
    advised(report).into_iter().filter(serves).map(|i| text(i, "ddl")).collect()
}

/// What depends on the length of the window, which grows from run to run: rates, and what writes cost at a rate.
pub const BY_TIME: [&str; 3] = ["_per_second", "write_cost", "reason"];

/// Paths at which two answers differ otherwise than by time.
pub fn differences(one: &Value, other: &Value, path: &str) -> Vec<String> {
    let of = |key: &str, a: &Value, b: &Value| differences(a, b, &format!("{path}/{key}"));
    match (one, other) {
        _ if one == other || BY_TIME.iter().any(|end| path.ends_with(end)) => Vec::new(),
        (Value::Object(a), Value::Object(b)) if a.len() == b.len() => {
            a.iter().flat_map(|(key, value)| of(key, value, b.get(key).unwrap_or(&Value::Null))).collect()
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().flat_map(|(n, (a, b))| of(&n.to_string(), a, b)).collect()
        }
        _ => vec![format!("{path}: {one} and {other}")],
    }
}

/// Asserts that one of the indexes serving a query has this in its definition.
pub fn served_by(sql: &str, part: &str) {
    let found = serving(&TOLD.report, sql);
    assert!(
        found.iter().any(|ddl| ddl.contains(part)),
        "wanted {part} for {sql}\nserving: {found:#?}\nadvised: {:#?}\nrefused: {:#?}",
        ddl(&TOLD.report),
        TOLD.report["recommendation"]["rejected"]
    );
}

pub fn on_table(report: &Value, table: &str) -> Vec<String> {
    advised(report).into_iter().filter(|i| i["table"] == table).map(|i| text(i, "ddl").to_owned()).collect()
}

/// What was considered on a table and refused, with the reason.
pub fn refused(report: &Value, table: &str) -> Vec<String> {
    let all = report["recommendation"]["rejected"].as_array().expect("list").iter();
    let of_table = all.filter(|r| text(r, "ddl").contains(&format!("\"{table}\"")));
    of_table.map(|r| format!("{}: {}", text(r, "ddl"), text(r, "reason"))).collect()
}

pub fn problem_of<'a>(report: &'a Value, sql: &str) -> Option<&'a str> {
    let wanted = fingerprint(sql);
    report["problems"].as_array().expect("list").iter().find(|p| p["source"] == wanted.as_str()).map(|p| text(p, "message"))
}

/// A database of its own and a file with queries.
pub struct Small {
    pub url: String,
    pub folder: tempfile::TempDir,
}

impl Small {
    pub fn new(name: &str, sql: &str) -> Small {
        let url = support::database(name);
        let (target, script) = (url.clone(), sql.to_owned());
        support::in_own_runtime(async move { support::connect(&target).await.batch_execute(&script).await.expect("tables") });
        Small { url, folder: tempfile::tempdir().expect("folder") }
    }

    pub fn file(&self, name: &str, queries: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, queries).expect("write");
        path
    }

    pub fn report(&self, queries: &str, more: &[&str]) -> Value {
        let file = self.file("q.sql", queries);
        report(&[&["--db", &self.url, "--queries", file.to_str().expect("plain")], more].concat())
    }
}
