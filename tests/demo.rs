//! The demo's database and its workload, on a real server.

mod support;

use advisor::pg::demo::{Pace, WorkloadRun, build, run_workload};
use std::cell::Cell;
use std::collections::BTreeMap;

const INVALID: &str = "select count(*) from pg_index where not indisvalid and indexrelid = 'users_email_key'::regclass";
const STATEMENTS: &str = "select query, calls, rows from pg_stat_statements where query !~ 'pg_'";
const NEVER_READ: &str = "
    select indexrelname::text from pg_stat_user_indexes s join pg_index i using (indexrelid)
    where idx_scan = 0 and indisvalid and not indisunique and indexrelname not like 'users_created_at_idx%' order by 1";
const UNCOVERED_FOREIGN_KEYS: &str = "
    select count(*) from pg_constraint c
    where c.contype = 'f'
      and not exists (select from pg_index i where i.indrelid = c.conrelid and i.indisvalid and i.indkey[0] = c.conkey[1])";

/// What a good advisor would say, or much of it.
const GOOD_INDEXES: &str = "
    create index on messages (conversation_id, created_at desc);
    create index on messages (sender_id);
    create index on posts (author_id, created_at desc);
    create index on posts (created_at desc, id desc);
    create index on likes (post_id);
    create index on comments (user_id);
    create index on followers (followee_id);
    create index on conversations (created_by);
    create index on conversation_members (user_id);
    create index on documents (file_hash);
    create index on documents (owner_id, created_at desc);
    create index on agent_updates (agent_id, created_at desc) where read_at is null;
    create index on sessions (user_id);
    create index on profiles (lower(handle));
    analyze";

/// Calls and rows of each statement.
async fn statements(client: &tokio_postgres::Client) -> BTreeMap<String, (i64, i64)> {
    let rows = client.query(STATEMENTS, &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), (row.get(1), row.get(2)))).collect()
}

fn show(title: &str, run: &WorkloadRun) {
    println!("{title} {:?}", run.wall);
    for times in &run.endpoints {
        println!("{:35} {:5} requests {:9.1} ms, p95 {:7.1} ms", times.endpoint, times.requests, times.total_ms, times.p95_ms);
    }
}

#[tokio::test]
async fn the_demo_is_built_and_its_workload_is_the_same_before_and_after_indexes() {
    let url = support::database("demo");
    let last = Cell::new((0, 1));
    let summary = build(&url, &|done, total, _| last.set((done, total))).await.unwrap();
    println!("built {} rows in {:?}", summary.rows, summary.took);
    assert!(summary.rows >= 1_000_000 && summary.tables >= 12, "{summary:?}");
    assert_eq!(last.get().0, last.get().1);

    let client = support::connect(&url).await;
    assert_eq!(client.query_one(INVALID, &[]).await.unwrap().get::<_, i64>(0), 1);
    assert!(client.query_one(UNCOVERED_FOREIGN_KEYS, &[]).await.unwrap().get::<_, i64>(0) >= 10);
    assert_eq!(statements(&client).await, BTreeMap::new(), "statistics begin with the workload");

    let first = run_workload(&url, 1, Pace::Concurrent, &|done, total, _| last.set((done, total))).await.unwrap();
    show("without indexes", &first);
    assert_eq!(last.get().0, last.get().1);
    assert!(first.endpoints.iter().all(|times| times.requests > 0 && times.p95_ms > 0.0 && times.total_ms >= times.p95_ms));
    let before = statements(&client).await;
    // The arithmetic that gives an N+1 away: one child call for each row of its parent's pages.
    let of = |start: &str| before.iter().find(|(text, _)| text.starts_with(start)).map(|(_, numbers)| *numbers).unwrap();
    let (pages, parents) = of("select c.id, c.title");
    assert_eq!(of("select count(*) from messages where conversation_id =").0, parents);
    assert!(parents >= 5 * pages && pages >= 20, "{parents} rows on {pages} pages");
    assert_eq!(of("select count(*) from likes").0, of("select p.id, p.author_id").1);

    let (lookups, found) = of("select user_id, handle, display_name, bio");
    assert_eq!(lookups, found, "every handle is found, whatever its case");

    // A session hands its counters over when it ends; the server learns of that a little later.
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let never_read: Vec<String> = client.query(NEVER_READ, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    assert_eq!(never_read, ["documents_name_idx"]);

    client.batch_execute(GOOD_INDEXES).await.unwrap();
    client.batch_execute("select pg_stat_statements_reset()").await.unwrap();
    let second = run_workload(&url, 1, Pace::Concurrent, &|_, _, _| {}).await.unwrap();
    show("with indexes", &second);
    assert!(second.wall * 3 < first.wall, "{:?} against {:?}", second.wall, first.wall);
    let requests = |run: &WorkloadRun| run.endpoints.iter().map(|times| (times.endpoint, times.requests)).collect::<Vec<_>>();
    assert_eq!(requests(&first), requests(&second));
    let calls = |all: BTreeMap<String, (i64, i64)>| all.into_iter().map(|(text, (calls, _))| (text, calls)).collect::<Vec<_>>();
    assert_eq!(calls(before), calls(statements(&client).await), "the same statements as often");
}
