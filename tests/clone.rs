//! The clone plans as the database it was made from: with today's indexes every node of every plan
//! has the same type, relation, index, costs, rows and width.

mod support;

use advisor::model::blueprint::{Blueprint, Object, ObjectKind, Taking};
use advisor::pg::blueprint::{self, Options};
use advisor::pg::clone::CloneDb;
use advisor::pg::session::{Purpose, Session};
use serde_json::Value;
use std::collections::BTreeMap;
use support::Shared;

/// What a web application has: skew, correlated columns with extended statistics behind a dropped
/// column, arrays, documents, ranges, an enum, partitions, and indexes of every kind on them.
const SCHEMA: &str = "
    create type mood as enum ('sad', 'ok', 'happy');
    create domain amount as numeric check (value >= 0);
    create table people (id bigint primary key, gone int, name text not null, city text, zip int, born date, mood mood, tags text[]);
    alter table people drop column gone;
    insert into people
      select g, 'name ' || g, 'city ' || (g * g) % 200, ((g * g) % 200) * 5 + g % 3, date '1940-01-01' + (g * 7919) % 25000,
             (array['sad', 'ok', 'ok', 'ok', 'happy'])[1 + g % 5]::mood, array['t' || g % 11, 't' || (g * g) % 97, 'common']
      from generate_series(1, 30000) g;
    create index people_city on people (city);
    create index people_city_zip on people (city, zip desc nulls last) include (mood);
    create index people_lower on people (lower(name));
    create index people_born on people (born desc);
    create index people_happy on people (zip) where mood = 'happy';
    create index people_tags on people using gin (tags);
    create statistics people_place (ndistinct, dependencies, mcv) on city, zip from people;
    create statistics people_three (ndistinct, dependencies, mcv) on zip, city, mood from people;

    create table orders (id bigint primary key, person_id bigint not null references people, status text not null, total amount,
                         at timestamptz not null, during tstzrange, doc jsonb, code char(8), token uuid);
    insert into orders
      select g, 1 + floor(30000 * power(((g * 7919) % 100003) / 100003.0, 3))::bigint, (array['new', 'paid', 'paid', 'paid', 'done', 'done'])[1 + g % 6],
             (g * 31) % 5000 / 7.0, timestamptz '2024-01-01 00:00+00' + g * interval '5 minutes',
             tstzrange(timestamptz '2024-01-01 00:00+00' + g * interval '5 minutes', timestamptz '2024-01-01 00:00+00' + (g + g % 50) * interval '5 minutes'),
             jsonb_build_object('kind', 'k' || g % 13, 'n', g % 1000), 'c' || g % 3000, md5(g::text)::uuid
      from generate_series(1, 120000) g;
    create index orders_person_at on orders (person_id, at desc);
    create index orders_person on orders (person_id);
    create index orders_new on orders (at) where status = 'new';
    create index orders_at on orders using brin (at) with (pages_per_range = 1);
    create index orders_at_tree on orders (at);
    create index orders_doc on orders using gin (doc jsonb_path_ops);
    create index orders_total on orders (total);
    create index orders_during on orders using gist (during);
    create index orders_day on orders (date_trunc('day', at at time zone 'UTC'));
    create index orders_code on orders (code);
    create index orders_token on orders using hash (token);

    create table events (id bigint not null, at timestamp not null, kind int not null, note text) partition by range (at);
    create table events_1 partition of events for values from ('2024-01-01') to ('2024-04-01');
    create table events_2 partition of events for values from ('2024-04-01') to ('2024-07-01');
    create table events_rest partition of events default;
    insert into events select g, timestamp '2024-01-01' + g * interval '7 minutes', g % 17, repeat('x', g % 40) from generate_series(1, 40000) g;
    create index events_at on events (at);
    create index events_kind on events (kind, at);
";

/// Statistics on an expression are there since PostgreSQL 14.
const EXPRESSION_STATISTICS: &str = "create statistics orders_days (ndistinct, dependencies, mcv) on (extract(hour from at at time zone 'UTC')), status, (lower(code)) from orders";

/// Plans of every kind of index use, joins, and ranges beyond the last histogram bound.
const QUERIES: &[&str] = &[
    "select * from people where id = 77",
    "select * from people where id between 100 and 140",
    "select * from people where id > 29990",
    "select * from people where id > 40000",
    "select * from people where city = 'city 9'",
    "select * from people where city = 'city 9' and mood = 'ok' and zip = 45",
    "select * from people where city = 'city 9' and zip = 46",
    "select * from people where city = 'city 9' and zip = 49",
    "select city, zip, count(*) from people group by city, zip",
    "select zip, city, mood, count(*) from people group by 1, 2, 3",
    "select city, zip, mood from people where city = 'city 9' order by zip desc nulls last limit 10",
    "select * from people where lower(name) = 'name 5'",
    "select * from people where lower(name) like 'name 12%'",
    "select * from people where born > '2008-01-01'",
    "select * from people where born < '1940-01-10' order by born desc",
    "select * from people where mood = 'happy' and zip = 12",
    "select * from people where mood > 'ok'",
    "select * from people where tags @> array['t3']",
    "select * from people where tags && array['t3', 't5', 'common']",
    "select * from people where 'common' = any (tags) and city like 'city 1%'",
    "select * from orders where person_id = 12 order by at desc limit 5",
    "select * from orders where person_id = 1",
    "select count(*) from orders where status = 'new' and at > '2025-02-20'",
    "select * from orders where at > '2025-02-20 12:00+00'",
    "select * from orders where at > '2026-01-01'",
    "select * from orders where at < '2024-01-01 06:00+00'",
    "select * from orders where at between '2024-03-01' and '2024-03-02'",
    "select * from orders where doc @> '{\"kind\": \"k3\", \"n\": 16}'",
    "select * from orders where total > 714",
    "select * from orders where total < 0.5 and status = 'done'",
    "select * from orders where during && tstzrange('2024-05-01', '2024-05-02')",
    "select * from orders where during @> timestamptz '2024-05-01 12:00+00'",
    "select * from orders where date_trunc('day', at at time zone 'UTC') = '2024-06-01'",
    "select * from orders where date_trunc('day', at at time zone 'UTC') > '2025-02-20'",
    "select * from orders where extract(hour from at at time zone 'UTC') = 3 and status = 'paid'",
    "select extract(hour from at at time zone 'UTC'), status, count(*) from orders group by 1, 2",
    "select status, lower(code), count(*) from orders where lower(code) > 'c2' group by 1, 2",
    "select * from orders where code = 'c17'",
    "select * from orders where code > 'c9'",
    "select * from orders where token = '00000000-0000-0000-0000-000000000000'",
    "select p.name, o.at from people p join orders o on o.person_id = p.id where p.id between 100 and 140",
    "select p.city, count(*) from people p join orders o on o.person_id = p.id where o.at > '2025-02-15' group by p.city",
    "select * from people p where exists (select from orders o where o.person_id = p.id and o.status = 'new' and o.at > '2025-02-01')",
    "select * from people p join orders o on o.person_id = p.id order by p.id, o.at limit 20",
    "select * from events where at > '2024-06-25' and kind = 3",
    "select kind, count(*) from events group by kind",
    "select * from events e join orders o on o.id = e.id where e.at > '2024-07-10'",
    "select * from events order by at desc limit 10",
];

/// A database with [`SCHEMA`] in it, as our own superuser sees it.
async fn live(shared: &Shared, name: &str) -> Session {
    let url = shared.database(name);
    let session = Session::open(Some(&url), &Purpose { read_only: false, ..Purpose::reading("test") }).await.unwrap();
    session.client.batch_execute(SCHEMA).await.unwrap();
    if shared.binaries.major >= 14 {
        session.client.batch_execute(EXPRESSION_STATISTICS).await.unwrap();
    }
    // Counters of GIN indexes are read from the files.
    session.client.batch_execute("vacuum (analyze)").await.unwrap();
    session.client.batch_execute("checkpoint").await.unwrap();
    session
}

/// The blueprint, with all that the numbers belong to.
async fn read(session: &Session, options: &Options) -> (Blueprint, Taking) {
    let (mut copied, taking) = blueprint::read(session, options).await.unwrap();
    if copied.objects.iter().all(|o| o.kind != ObjectKind::Statistics) {
        let rows = session.client.query("select pg_get_statisticsobjdef(oid) from pg_statistic_ext order by oid", &[]).await.unwrap();
        let object = |ddl: String| Object { kind: ObjectKind::Statistics, name: "statistics".into(), ddl };
        copied.objects.extend(rows.iter().map(|row| object(row.get(0))));
    }
    (copied, taking)
}

async fn build(shared: &Shared, copied: Blueprint) -> CloneDb {
    let mut clone = CloneDb::build(&shared.binaries, copied, &BTreeMap::new()).await.unwrap();
    clone.open_lanes(1, &[]).await.unwrap();
    clone
}

async fn clone_of(shared: &Shared, session: &Session, options: &Options) -> (CloneDb, Blueprint, Taking) {
    let (copied, taking) = read(session, options).await;
    (build(shared, copied.clone()).await, copied, taking)
}

/// Queries whose plan differs in any node, with both.
async fn different(live: &Session, clone: &CloneDb) -> Vec<String> {
    let here = clone.planner(0).unwrap();
    let mut wrong = Vec::new();
    for query in QUERIES {
        let (there, here) = (tree(live, query).await, tree(here, query).await);
        if there != here {
            wrong.push(format!("{query}\n  there {}\n  here  {}", there.join("\n        "), here.join("\n        ")));
        }
    }
    wrong
}

/// Every node of the plan, one line each.
async fn tree(session: &Session, query: &str) -> Vec<String> {
    let row = session.client.query_one(&format!("explain (format json, verbose off) {query}"), &[]).await.unwrap();
    let plan: Value = row.get(0);
    let mut lines = Vec::new();
    nodes(&plan[0]["Plan"], 0, &mut lines);
    lines
}

fn nodes(node: &Value, depth: usize, lines: &mut Vec<String>) {
    let parts = ["Node Type", "Relation Name", "Index Name", "Startup Cost", "Total Cost", "Plan Rows", "Plan Width"];
    let parts: Vec<String> = parts.iter().map(|p| node[p].to_string()).collect();
    lines.push(format!("{}{}", " ".repeat(depth), parts.join(" ")));
    for child in node["Plans"].as_array().into_iter().flatten() {
        nodes(child, depth + 1, lines);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clone_costs_what_the_database_costs() {
    for shared in support::servers() {
        let version = &shared.binaries.version;
        let live = live(&shared, "clone_costs").await;
        let (clone, copied, taking) = clone_of(&shared, &live, &Options::default()).await;
        assert_eq!((clone.problems.as_slice(), copied.problems.as_slice()), (&[][..], &[][..]), "{version}");
        let wrong = different(&live, &clone).await;
        assert!(wrong.is_empty(), "PostgreSQL {version}: {} of {} differ:\n{}", wrong.len(), QUERIES.len(), wrong.join("\n"));
        // Heights and ends really came from the live server: the formula alone would do for many.
        let of = |name: &str| copied.relations.iter().find(|r| r.name == name).unwrap();
        assert_eq!((of("people_pkey").height, of("people_happy").height), (Some(1), Some(1)), "{version}");
        assert_eq!(of("people_pkey").ends, Some(["1".to_owned(), "30000".to_owned()]), "{version}");
        assert!(of("people_tags").gin.is_some_and(|g| g.entries > 40), "{version}");
        assert!(taking.statements > 40 && taking.server_ms > 0.0, "{taking:?}");
    }
}

/// What a role with nothing but SELECT cannot have: extended statistics and those of expression
/// indexes, which only a table's owner sees, those of ranges before PostgreSQL 17, and the counters
/// of GIN indexes. Of other queries every plan is equal.
const HIDDEN: &[(&str, std::ops::RangeInclusive<u32>)] = &[
    ("and zip =", 13..=99),
    ("group by city, zip", 13..=99),
    ("group by 1, 2", 13..=99),
    ("extract(hour", 13..=99),
    ("lower(name)", 13..=99),
    ("date_trunc", 13..=99),
    ("during", 13..=16),
    ("tags @>", 13..=99),
    ("tags &&", 13..=99),
    ("doc @>", 13..=99),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_role_with_select_alone_lacks_only_what_it_may_not_see() {
    for shared in support::servers() {
        let (version, major) = (&shared.binaries.version, shared.binaries.major);
        let live = live(&shared, "clone_select").await;
        live.client
            .batch_execute("create role clone_reader login; grant select on all tables in schema public to clone_reader")
            .await
            .unwrap();
        let url = shared.url("clone_select").replace("postgres@", "clone_reader@");
        let reader = Session::open(Some(&url), &Purpose::reading("test")).await.unwrap();
        assert_eq!(reader.user, "clone_reader");
        let (clone, copied, _) = clone_of(&shared, &reader, &Options::default()).await;
        assert_eq!(copied.problems.iter().map(|p| p.source.as_str()).collect::<Vec<_>>(), ["pg_statistic"], "{version}");
        let hidden = |query: &String| HIDDEN.iter().any(|(part, majors)| query.contains(part) && majors.contains(&major));
        let (expected, wrong): (Vec<String>, Vec<String>) = different(&live, &clone).await.into_iter().partition(hidden);
        assert!(wrong.is_empty(), "PostgreSQL {version}: {} differ:\n{}", wrong.len(), wrong.join("\n"));
        assert!(!expected.is_empty(), "PostgreSQL {version}: such statistics are to be had, the test's list is out of date");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_that_do_not_fit_are_left_out_and_named() {
    let shared = support::server();
    let live = live(&shared, "clone_unfit").await;
    let (mut copied, _) = read(&live, &Options::default()).await;
    let born = copied.statistics.iter_mut().find(|s| s.relation == "people" && s.column == "born").unwrap();
    born.slots.iter_mut().filter_map(|s| s.values.as_mut()).for_each(|v| v[0] = "no date".into());
    // The planner would read past the end of these numbers.
    let mood = copied.statistics.iter_mut().find(|s| s.relation == "people" && s.column == "mood").unwrap();
    mood.slots.iter_mut().filter_map(|s| s.numbers.as_mut()).for_each(Vec::clear);
    let key = copied.relations.iter_mut().find(|r| r.name == "people_pkey").unwrap();
    (key.height, key.ends) = (Some(4_000_000_000), Some(["one".into(), "two".into()]));
    let place = copied.extended.iter_mut().find(|e| e.name == "people_place").unwrap();
    place.distinct[0].0.pop();
    place.common[0].values[1] = Some("no zip".into());
    let clone = build(&shared, copied).await;
    let told: Vec<&str> = clone.problems.iter().map(|p| p.message.as_str()).collect();
    assert!(
        told.iter().any(|m| m.starts_with("statistics of 1 columns could not be written") && m.contains("public.people.born")),
        "{told:?}"
    );
    assert!(told.iter().any(|m| m.contains("people_place") && m.contains("distinct") && !m.contains("no zip")), "{told:?}");
    assert_eq!(told.len(), 2, "{told:?}");
    // Every query is planned all the same.
    assert!(!different(&live, &clone).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_ends_only_ranges_are_planned_otherwise() {
    let shared = support::server();
    let live = live(&shared, "clone_without_ends").await;
    let (clone, copied, taking) = clone_of(&shared, &live, &Options { endpoints: false }).await;
    assert!(copied.relations.iter().all(|r| r.ends.is_none()));
    let (with, whole) = read(&live, &Options::default()).await;
    let led = with.relations.iter().filter(|r| r.ends.is_some()).count();
    assert!(led >= 12 && taking.statements < whole.statements, "{led} {taking:?} {whole:?}");
    let wrong = different(&live, &clone).await;
    // A merge join asks, too, how far both sides reach.
    let about_ends = |q: &String| [">", "<", "Merge Join"].iter().any(|part| q.contains(part));
    assert!(!wrong.is_empty() && wrong.iter().all(about_ends), "{}", wrong.join("\n"));
}
