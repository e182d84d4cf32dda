//! A redacted database plans as the real one: clones are built of both, and queries are planned with
//! values from the same places of their statistics.

mod support;

use advisor::model::blueprint::Blueprint;
use advisor::model::index_def::TableName;
use advisor::model::plan::Plan;
use advisor::model::redaction::Redaction;
use advisor::model::snapshot::Snapshot;
use advisor::pg::clone::CloneDb;
use advisor::pg::collect::{CollectOptions, collect};
use advisor::pg::server::Binaries;
use advisor::pg::session::{Purpose, Session};
use advisor::pg::value::TextValue;
use advisor::pg::{blueprint, collate};
use advisor::redact::{self, Dictionary, Keep, TextOrder};
use postgres_types::ToSql;
use std::collections::BTreeSet;

/// Texts under a locale's collation, an enum, UUIDs, dates, both kinds of partitions, a check, partial indexes.
const SCHEMA: &str = r#"
    create schema shop;
    create type shop.state as enum ('pending', 'shipped', 'returned', 'lost forever');
    create domain shop.email as varchar(80);
    create table shop.customers (id int primary key, token uuid not null, name text collate "LOCALE" not null, email shop.email not null,
      born date not null, code char(6) not null, tags text[], data jsonb);
    insert into shop.customers select g, md5(g::text)::uuid, (array['Ärger','Zoe','émile','anna','Bob','müller-'])[1 + g % 6] || g,
      'user' || g || '@example.org', date '1950-01-01' + g * 3, 'C' || g % 50, array['vip' || g % 7, 'tag' || g % 30], '{"a": 1}'
      from generate_series(1, 5000) g;
    create table shop.orders (id bigint primary key, customer int not null references shop.customers, state shop.state not null,
      price numeric(10,2) not null, weight double precision, made timestamptz not null, note text not null default 'none given',
      constraint cheap check (price < 100000.00 and note <> 'forbidden'));
    insert into shop.orders select g, 1 + floor(5000 * power(random(), 2))::int,
      (array['pending','shipped','shipped','shipped','returned','shipped'])[1 + g % 6]::shop.state, (random() * 900)::numeric(10,2),
      random(), timestamptz '2024-01-01 00:00:00+00' + g * interval '97 seconds', case when g % 50 = 0 then 'fragile' else 'none given' end
      from generate_series(1, 60000) g;
    create index i_waiting on shop.orders (made) where state = 'pending'::shop.state;
    create index i_care on shop.orders (customer) where note = 'fragile';
    create index i_dear on shop.orders (price) where price > 800;
    create index on shop.orders (customer, made desc);
    create index on shop.customers (name);
    create index on shop.customers (lower(email::text));
    create index on shop.customers (token);
    create index on shop.customers (born);
    create index on shop.customers using gin (tags);
    create table shop.events (at date not null, kind int not null, region text not null) partition by range (at);
    create table shop.events_q1 partition of shop.events for values from ('2024-01-01') to ('2024-04-01');
    create table shop.events_q2 partition of shop.events for values from ('2024-04-01') to ('2024-07-01');
    insert into shop.events select date '2024-01-01' + g % 180, g % 9, 'region-' || g % 3 from generate_series(1, 20000) g;
    create table shop.sites (region text not null, visits int) partition by list (region);
    create table shop.sites_a partition of shop.sites for values in ('region-0', 'region-1');
    create table shop.sites_b partition of shop.sites for values in ('region-2');
    insert into shop.sites select 'region-' || g % 3, g * 1000 from generate_series(1, 9000) g;
    create function shop.pending_ids(int) returns setof bigint language sql stable as
      $$ select id from shop.orders where note = 'fragile' and customer = $1 $$;
    create view shop.late as select id, 'late order'::text as what from shop.orders where state = 'pending' and made < '2024-02-01 00:00:00+00';
"#;

/// A query and where its parameters come from: table, column, place among the statistics' values.
type Case = (&'static str, &'static [(&'static str, &'static str, f64)]);

const QUERIES: [Case; 17] = [
    ("select * from shop.customers where name = $1", &[("customers", "name", 0.3)]),
    ("select * from shop.customers where name > $1 order by name limit 20", &[("customers", "name", 0.9)]),
    ("select * from shop.customers where token = $1", &[("customers", "token", 0.5)]),
    ("select * from shop.customers where born between $1 and $2", &[("customers", "born", 0.1), ("customers", "born", 0.3)]),
    ("select * from shop.customers where code = $1", &[("customers", "code", 0.2)]),
    ("select * from shop.customers where tags @> array[$1::text]", &[]),
    ("select * from shop.orders where state = $1", &[("orders", "state", 0.0)]),
    ("select * from shop.orders where state = $1 order by made limit 5", &[("orders", "state", 1.0)]),
    ("select * from shop.orders where state = $1 order by made limit 4", &[("orders", "state", 0.5)]),
    ("select * from shop.orders where note = $1 and customer = $2", &[("orders", "note", 1.0), ("orders", "customer", 0.0)]),
    ("select * from shop.orders where price > $1", &[("orders", "price", 0.95)]),
    ("select * from shop.orders where weight < $1 and made > $2", &[("orders", "weight", 0.1), ("orders", "made", 0.97)]),
    (
        "select * from shop.orders o join shop.customers c on c.id = o.customer where o.made > $1 and c.name < $2",
        &[("orders", "made", 0.99), ("customers", "name", 0.05)],
    ),
    ("select count(*) from shop.events where at >= $1 and kind = $2", &[("events", "at", 0.7), ("events", "kind", 0.5)]),
    ("select * from shop.sites where region = $1 and visits > $2", &[("sites", "region", 0.0), ("sites_a", "visits", 0.9)]),
    (
        "select e.region, count(*) from shop.events e join shop.sites s using (region) where s.visits < $1 group by 1",
        &[("sites_a", "visits", 0.2)],
    ),
    ("select * from shop.late where id < $1", &[("orders", "id", 0.5)]),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_redacted_clone_plans_as_the_real_one() {
    for shared in support::servers() {
        let version = &shared.binaries.version;
        let url = shared.database("redaction");
        let live = Session::open(Some(&url), &Purpose { read_only: false, ..Purpose::reading("test") }).await.unwrap();
        let icu = live.client.query_opt("select from pg_collation where collname = 'en-x-icu'", &[]).await.unwrap().is_some();
        live.client.batch_execute(&SCHEMA.replace("LOCALE", if icu { "en-x-icu" } else { "C" })).await.unwrap();
        live.client.batch_execute("vacuum (analyze)").await.unwrap();
        let (plan, _) = blueprint::read(&live, &blueprint::Options::default()).await.unwrap();
        let snapshot = collect(&live, &CollectOptions::default()).await.unwrap();
        let (other_plan, other_snapshot, report) = redacted(&live, &plan, &snapshot).await;
        println!("PostgreSQL {version}, ICU {icu}:\n{}", report.lines().join("\n"));
        no_value_is_left(&plan, &snapshot, &other_plan, &other_snapshot);
        histograms_ascend(&live, &other_snapshot).await;

        let (real, other) = (clone(&shared.binaries, plan, &snapshot).await, clone(&shared.binaries, other_plan, &other_snapshot).await);
        let mut used: BTreeSet<String> = BTreeSet::new();
        for (query, places) in QUERIES {
            let there = planned(&real, query, &values(&snapshot, query, places)).await;
            let here = planned(&other, query, &values(&other_snapshot, query, places)).await;
            used.extend(here.root.walk().filter_map(|n| n.index_name.clone()));
            assert_eq!(shape(&here), shape(&there), "PostgreSQL {version}: {query}");
            let cost = |p: &Plan| p.root.total_cost.unwrap();
            println!("{:8.2} for {:8.2}: {query}", cost(&here), cost(&there));
            assert!(
                (cost(&here) - cost(&there)).abs() <= cost(&there) * 0.05,
                "PostgreSQL {version}: {query}: {} for {}",
                cost(&here),
                cost(&there)
            );
        }
        // Constants of partial indexes met the values that were asked for.
        assert!(["i_waiting", "i_care", "i_dear"].iter().all(|i| used.contains(*i)), "{used:?}");
    }
}

/// As a snapshot is redacted: the server sorts the texts.
async fn redacted(live: &Session, plan: &Blueprint, snapshot: &Snapshot) -> (Blueprint, Snapshot, Redaction) {
    let values = redact::collect(plan, snapshot, &Keep::Nothing);
    let mut sorted: Vec<(TextOrder, Vec<String>)> = Vec::new();
    for (order, texts) in values.texts_by_collation() {
        let collation = order.collation.as_ref().map(|c| (c.schema.as_deref(), c.name.as_str()));
        let list = collate::sort(live, collation, &texts).await.unwrap();
        assert_eq!(list.len(), texts.len());
        sorted.push((order, list));
    }
    let dictionary = Dictionary::new(&values, sorted, 4711);
    let (mut plan, mut snapshot) = (plan.clone(), snapshot.clone());
    let report = redact::redact(&mut plan, &mut snapshot, dictionary, &Keep::Nothing);
    (plan, snapshot, report)
}

/// No distinctive text of the statistics, and no constant of the schema, is in what would be written (names stay).
fn no_value_is_left(plan: &Blueprint, snapshot: &Snapshot, other_plan: &Blueprint, other_snapshot: &Snapshot) {
    let json = |p: &Blueprint, s: &Snapshot| format!("{}{}", serde_json::to_string(p).unwrap(), serde_json::to_string(s).unwrap());
    let (before, after) = (json(plan, snapshot), json(other_plan, other_snapshot));
    let constants = ["pending", "shipped", "returned", "lost forever", "fragile", "none given", "region-", "example.org", "late order"];
    for constant in constants.iter().map(|c| format!("'{c}'")).chain(constants.iter().map(|c| format!("\"{c}\""))) {
        assert!(!after.contains(&constant), "{constant}");
    }
    let mut looked_at = 0;
    for table in &snapshot.catalog.tables {
        for column in table.columns.iter().filter(|c| ["uuid", "text", "character(6)", "shop.email"].contains(&c.type_name.as_str())) {
            let stats = column.stats.clone().unwrap_or_default();
            for value in stats.common_values.iter().chain(&stats.histogram).filter(|v| v.trim().len() >= 4) {
                assert!(before.contains(value.as_str()));
                let quoted = |mark: char| format!("{mark}{value}{mark}");
                assert!(!after.contains(&quoted('"')) && !after.contains(&quoted('\'')), "{value} of {}.{}", table.name, column.name);
                looked_at += 1;
            }
        }
    }
    assert!(looked_at > 200, "{looked_at}");
}

/// The server itself finds the redacted histogram of the collated column in order.
async fn histograms_ascend(live: &Session, snapshot: &Snapshot) {
    let bounds = values_of(snapshot, "customers", "name");
    let sql = "select coalesce(bool_and(a.v collate \"en-x-icu\" < b.v), true) from unnest($1::text[]) with ordinality a(v, n) \
               join unnest($1::text[]) with ordinality b(v, n) on b.n = a.n + 1";
    let sql = if live.client.query_opt("select from pg_collation where collname = 'en-x-icu'", &[]).await.unwrap().is_some() {
        sql.to_owned()
    } else {
        sql.replace(" collate \"en-x-icu\"", "")
    };
    assert!(bounds.len() > 50);
    assert!(live.client.query_one(&sql, &[&bounds]).await.unwrap().get::<_, bool>(0), "{bounds:?}");
}

async fn clone(binaries: &Binaries, plan: Blueprint, snapshot: &Snapshot) -> CloneDb {
    let mut clone = CloneDb::build(binaries, plan, &snapshot.settings).await.unwrap();
    assert_eq!(clone.problems, [], "{}", binaries.version);
    clone.open_lanes(1, &[]).await.unwrap();
    clone
}

/// Common values, then the histogram.
fn values_of(snapshot: &Snapshot, table: &str, column: &str) -> Vec<String> {
    let stats = snapshot.catalog.table(&TableName::new("shop", table)).unwrap().column(column).unwrap().stats.clone().unwrap();
    if stats.histogram.len() > stats.common_values.len() { stats.histogram } else { stats.common_values }
}

fn values(snapshot: &Snapshot, query: &str, places: &[(&str, &str, f64)]) -> Vec<String> {
    let pick = |(table, column, at): &(&str, &str, f64)| {
        let all = values_of(snapshot, table, column);
        all[((all.len() - 1) as f64 * at).round() as usize].clone()
    };
    if places.is_empty() && query.contains("tags") {
        // The most common element: the first of the first array.
        let array = values_of(snapshot, "customers", "tags")[0].clone();
        return vec![array.trim_matches(['{', '}']).split(',').next().unwrap().to_owned()];
    }
    places.iter().map(pick).collect()
}

async fn planned(clone: &CloneDb, query: &str, values: &[String]) -> Plan {
    let client = &clone.planner(0).unwrap().client;
    let bound: Vec<TextValue> = values.iter().map(|v| TextValue(Some(v.clone()))).collect();
    let parameters: Vec<&(dyn ToSql + Sync)> = bound.iter().map(|v| v as _).collect();
    let row = client.query_one(&format!("explain (format json) {query}"), &parameters).await;
    let row = row.unwrap_or_else(|e| panic!("{query} {values:?}: {e:?}"));
    let plan = advisor::read::explain::read(&row.get::<_, serde_json::Value>(0).to_string()).plans.remove(0);
    assert!(plan.root.total_cost.is_some());
    plan
}

fn shape(plan: &Plan) -> Vec<(String, Option<String>, Option<String>)> {
    plan.root.walk().map(|n| (n.node_type.clone(), n.relation.clone(), n.index_name.clone())).collect()
}
