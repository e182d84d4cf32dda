//! A thousand tables are rebuilt in seconds.

use crate::catalogs::read;
use crate::support;
use advisor::pg::clone::CloneDb;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const TABLES: &str = "
    do $$ begin
      for i in 1..1000 loop
        execute format('create table t%s (id bigint primary key, a int not null, b text, at timestamptz default now(), check (a > 0))', i);
        execute format('create index on t%s (a, at)', i);
        execute format('create index on t%s (lower(b)) where a > 5', i);
      end loop;
    end $$";

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_tables_take_seconds() {
    let shared = support::server();
    let url = shared.database("schema_speed");
    support::connect(&url).await.batch_execute(TABLES).await.unwrap();
    let started = Instant::now();
    let blueprint = read(&url).await;
    let read = started.elapsed();
    let statements = blueprint.objects.len();
    let started = Instant::now();
    let clone = CloneDb::build(&shared.binaries, blueprint, &BTreeMap::new()).await.unwrap();
    let built = started.elapsed();
    eprintln!("{statements} statements: read in {read:?}, built in {built:?}");
    assert_eq!(clone.problems, []);
    // Five on an idle machine; other tests share this one.
    assert!(built < Duration::from_secs(30), "{built:?}");
}
