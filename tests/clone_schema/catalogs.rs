//! One rich schema: the live catalogs, the clone's, and a restored pg_dump's say the same.

use crate::support::{self, Shared};
use advisor::model::blueprint::Blueprint;
use advisor::pg::blueprint;
use advisor::pg::clone::CloneDb;
use advisor::pg::session::{Purpose, Session};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tokio_postgres::Client;

/// The schema, and what it has more since a major.
const SCHEMAS: [(u32, &str); 4] = [
    (13, include_str!("rich.sql")),
    (14, include_str!("since14.sql")),
    (15, include_str!("since15.sql")),
    (18, include_str!("since18.sql")),
];

/// Each file holds one question to the catalogs, in words that must be equal.
const QUESTIONS: &str = include_str!("questions.sql");

/// What the schema has and a clone does not, and what takes it out of the live one.
const LEFT_OUT: [&str; 3] = [
    "left out: aggregates with a state of type internal: app.share",
    "left out: invalid indexes of partitioned tables: app.orders_total_idx",
    "left out: the word LEAKPROOF of functions: app.sealed",
];
const DROP_LEFT_OUT: &str = "drop aggregate app.share(double precision order by double precision); drop index app.orders_total_idx";

/// A database with the schema on this server.
pub async fn rich(shared: &Shared, name: &str) -> (String, u32) {
    let url = shared.database(name);
    let client = support::connect(&url).await;
    client
        .batch_execute(
            "do $$ begin create role schema_test_owner login; exception when duplicate_object or unique_violation then null; end $$",
        )
        .await
        .unwrap();
    let major = client.query_one("select current_setting('server_version_num')::int / 10000", &[]).await.unwrap().get::<_, i32>(0) as u32;
    for (_, schema) in SCHEMAS.iter().filter(|(since, _)| *since <= major) {
        client.batch_execute(schema).await.unwrap_or_else(|e| panic!("PostgreSQL {major}: {e:?}"));
    }
    (url, major)
}

/// The blueprint of a database.
pub async fn read(url: &str) -> Blueprint {
    let live = Session::open(Some(url), &Purpose::reading("test")).await.unwrap();
    blueprint::read(&live, &Default::default()).await.unwrap().0
}

/// A clone with one lane.
pub async fn build(shared: &Shared, blueprint: Blueprint) -> CloneDb {
    let mut clone = CloneDb::build(&shared.binaries, blueprint, &BTreeMap::new()).await.unwrap();
    clone.open_lanes(1, &[]).await.unwrap();
    clone
}

/// The connection of its first lane.
pub fn planner(clone: &CloneDb) -> &Client {
    &clone.planner(0).unwrap().client
}

/// Answers by question.
async fn answers(client: &Client) -> BTreeMap<String, BTreeSet<String>> {
    client.batch_execute("set search_path = ''").await.unwrap();
    let mut all = BTreeMap::new();
    for question in QUESTIONS.split(';').map(str::trim).filter(|q| !q.is_empty()) {
        let name = question.lines().next().unwrap().trim_start_matches("-- ").to_owned();
        let rows = client.query(question, &[]).await.unwrap_or_else(|e| panic!("{name}: {e:?}"));
        let answer: BTreeSet<String> =
            rows.iter().map(|row| row.get::<_, Option<String>>(0).unwrap_or_else(|| panic!("{name}: NULL"))).collect();
        assert_eq!(answer.len(), rows.len(), "{name}: one row per object");
        all.insert(name, answer);
    }
    all
}

fn assert_same(left: &BTreeMap<String, BTreeSet<String>>, right: &BTreeMap<String, BTreeSet<String>>, what: &str) {
    for (question, there) in left {
        let here = &right[question];
        let only = |a: &BTreeSet<String>, b: &BTreeSet<String>| a.difference(b).cloned().collect::<Vec<_>>().join("\n  ");
        assert!(there == here, "{what}: {question}:\nonly there:\n  {}\nonly in the clone:\n  {}", only(there, here), only(here, there));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clones_catalogs_say_what_the_databases_say() {
    for shared in support::servers() {
        let (url, major) = rich(&shared, "schema_catalogs").await;
        let blueprint = read(&url).await;
        let left_out: Vec<&str> = blueprint.problems.iter().map(|p| p.message.as_str()).collect();
        assert_eq!(left_out, LEFT_OUT, "PostgreSQL {major}");
        let clone = build(&shared, blueprint).await;
        assert_eq!(clone.problems, [], "PostgreSQL {major}");
        let live = support::connect(&url).await;
        live.batch_execute(DROP_LEFT_OUT).await.unwrap();
        let (there, here) = (answers(&live).await, answers(planner(&clone)).await);
        for (question, answer) in &there {
            assert!(!answer.is_empty(), "{question}: the schema has none");
        }
        assert_same(&there, &here, &format!("PostgreSQL {major}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_dump_says_the_same() {
    for shared in support::servers() {
        let (url, major) = rich(&shared, "schema_dumped").await;
        let live = support::connect(&url).await;
        live.batch_execute(DROP_LEFT_OUT).await.unwrap();
        // A dump forgets that a child's constraint is validated where its parent's is not.
        live.batch_execute("alter table app.base drop constraint unsure").await.unwrap();
        let Some((dump, psql)) = tools(&shared.binaries.dir, major) else {
            eprintln!("skipped on PostgreSQL {major}: no pg_dump and psql of that major");
            continue;
        };
        let restored = shared.database("schema_restored");
        let text = Command::new(dump).args(["-s", "--no-owner", "--no-privileges", "-d", &url]).output().unwrap();
        assert!(text.status.success(), "{}", String::from_utf8_lossy(&text.stderr));
        restore(&psql, &restored, &text.stdout);
        let clone = build(&shared, read(&url).await).await;
        let (mut there, mut here) = (answers(&support::connect(&restored).await).await, answers(planner(&clone)).await);
        // A dump makes tables and indexes in the order of their names.
        for answers in [&mut there, &mut here] {
            answers.retain(|question, _| !question.starts_with("order of "));
        }
        assert_same(&there, &here, &format!("pg_dump of PostgreSQL {major}"));
    }
}

fn restore(psql: &Path, url: &str, text: &[u8]) {
    use std::io::Write as _;
    let mut child = Command::new(psql)
        .args(["-qX", "-v", "ON_ERROR_STOP=1", "-d", url])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text).unwrap();
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// pg_dump and psql of this major, beside the server or where packages and PATH have them.
fn tools(beside: &Path, major: u32) -> Option<(PathBuf, PathBuf)> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = vec![beside.to_owned(), PathBuf::from(format!("/usr/lib/postgresql/{major}/bin"))];
    folders.extend(std::env::split_paths(&path));
    let fits = |tool: &Path| {
        let said = Command::new(tool).arg("--version").output().ok()?;
        let text = String::from_utf8_lossy(&said.stdout).into_owned();
        let found = text.split_whitespace().find_map(|w| w.split(|c: char| !c.is_ascii_digit()).next()?.parse::<u32>().ok())?;
        (found == major).then_some(())
    };
    folders.iter().map(|f| (f.join("pg_dump"), f.join("psql"))).find(|(dump, psql)| fits(dump).is_some() && fits(psql).is_some())
}
