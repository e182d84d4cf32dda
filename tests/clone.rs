//! The clone plans as the database it was made from: same cost for each query with today's indexes.

mod support;

use advisor::pg::blueprint;
use advisor::pg::clone::CloneDb;
use advisor::pg::session::{Purpose, Session};
use std::collections::BTreeMap;

/// A skewed table with keys, composites and a partial index; big enough for trees of three levels.
const SCHEMA: &str = "
    create table parents (id bigint primary key, name text not null, at timestamptz not null);
    create table children (id bigint primary key, parent_id bigint not null references parents, kind int, at timestamptz not null);
    insert into parents select g, 'name ' || g, now() - g * interval '1 minute' from generate_series(1, 20000) g;
    insert into children select g, 1 + floor(20000 * power(random(), 2))::bigint, g % 7, now() - random() * interval '90 days'
      from generate_series(1, 200000) g;
    create index on children (parent_id, at desc);
    create index on children (kind) where kind = 3;
    create index on parents (lower(name));
";

/// Plans of every kind of index use.
const QUERIES: [&str; 7] = [
    "select * from children where id = 77",
    "select * from children where parent_id = 12 order by at desc limit 5",
    "select count(*) from children where kind = 3",
    "select p.name, c.at from parents p join children c on c.parent_id = p.id where p.id between 100 and 140",
    "select * from parents where lower(name) = 'name 5'",
    "select c.* from children c join parents p on p.id = c.parent_id where c.at > now() - interval '1 hour'",
    "select * from children where kind = 2 and at > now() - interval '2 days'",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_clone_costs_what_the_database_costs() {
    for shared in support::servers() {
        let url = shared.database("clone_costs");
        let live = Session::open(Some(&url), &Purpose { read_only: false, ..Purpose::reading("test") }).await.unwrap();
        live.client.batch_execute(SCHEMA).await.unwrap();
        live.client.batch_execute("vacuum (analyze)").await.unwrap();
        let mut clone = CloneDb::build(&shared.binaries, blueprint::read(&live).await.unwrap(), &BTreeMap::new()).await.unwrap();
        assert_eq!(clone.problems, [], "{}", shared.binaries.version);
        clone.open_lanes(1, &[]).await.unwrap();
        for query in QUERIES {
            let (there, here) = (cost(&live, query).await, cost(clone.planner(0).unwrap(), query).await);
            // Minima and maxima of indexed columns are not copied: ranges near the ends may differ a little.
            assert!(
                (there - here).abs() <= there * 0.02,
                "PostgreSQL {}: {query}: {there} there, {here} in the clone",
                shared.binaries.version
            );
        }
    }
}

async fn cost(session: &Session, query: &str) -> f64 {
    let row = session.client.query_one(&format!("explain (format json) {query}"), &[]).await.unwrap();
    let plan: serde_json::Value = row.get(0);
    plan[0]["Plan"]["Total Cost"].as_f64().unwrap()
}
