//! Candidates of every access method: what the clone plans beside a real, empty index of that method
//! is what the server plans once the index stands there; and an index that is hidden in the clone is
//! an index that was dropped.

mod support;

use advisor::candidates::size;
use advisor::model::candidate::{Candidate, View};
use advisor::model::ddl::IndexName;
use advisor::model::index_def::{IndexSpec, KeySpec, TableName};
use advisor::model::plan::{Plan, PlanNode};
use advisor::pg::blueprint::{self, Options};
use advisor::pg::clone::CloneDb;
use advisor::pg::collect::{CollectOptions, collect};
use advisor::pg::explain;
use advisor::pg::session::{Purpose, Session};
use std::collections::BTreeMap;
use support::Shared;

/// A cost beside a candidate may differ by this share of the true one, whatever the method.
const TOLERANCE: f64 = 0.02;
/// GIN: how its pages divide into entries and lists is estimated from the statistics.
const GIN_TOLERANCE: f64 = 0.05;

/// Documents, ranges, places, addresses, a log in the order of time, and partitions.
const SCHEMA: &str = "
create table docs (id bigint primary key, title text, tags text[], words tsvector, doc jsonb);
insert into docs
  select g, 'Title ' || md5((g % 20000)::text), array['t' || g % 11, 't' || (g * 7919) % 997, 'common'],
         to_tsvector('simple', 'all w' || g % 50 || ' w' || (g * 31) % 3001 || ' w' || md5(g::text)),
         jsonb_build_object('kind', 'k' || g % 13, 'n', g % 1000, 'deep', jsonb_build_object('id', g))
  from generate_series(1, 60000) g;
create table trips (id bigint primary key, during tsrange, place point, host inet, token uuid, code text);
insert into trips
  select g, tsrange(timestamp '2024-01-01' + g * interval '7 minutes', timestamp '2024-01-01' + (g + g % 50) * interval '7 minutes'),
         point((g * 7919) % 1000, (g * 10473) % 1000), ('10.' || g % 200 || '.' || (g / 200) % 250 || '.' || g % 250)::inet,
         md5(g::text)::uuid, 'c' || lpad(((g * 7919) % 60000)::text, 6, '0')
  from generate_series(1, 60000) g;
create table log (id bigint primary key, at timestamptz, level int, person int, note text);
insert into log
  select g, timestamptz '2024-01-01 00:00+00' + g * interval '1 minute', g % 100, 1 + floor(30000 * power(((g * 6007) % 100003) / 100003.0, 3))::int,
         repeat('n', g % 90)
  from generate_series(1, 300000) g;
create table events (at timestamp not null, kind text, tags text[], v int) partition by range (at);
create table events_1 partition of events for values from ('2024-01-01') to ('2024-04-01');
create table events_2 partition of events for values from ('2024-04-01') to ('2024-07-01');
create table events_rest partition of events default;
insert into events
  select timestamp '2024-01-01' + g * interval '3 minutes', 'k' || g % 900, array['t' || g % 11, 't' || (g * 7919) % 997], g
  from generate_series(1, 100000) g;
";

fn index(method: &str, table: &str, keys: &[&str]) -> IndexSpec {
    let key = |text: &&str| match text.split_once(' ') {
        Some(("", expression)) => KeySpec::expression(expression),
        Some((column, "desc")) => KeySpec { descending: true, nulls_first: true, ..KeySpec::column(column) },
        Some((column, class)) => KeySpec { opclass: Some(class.into()), ..KeySpec::column(column) },
        None => KeySpec::column(*text),
    };
    IndexSpec { method: method.into(), ..IndexSpec::btree(TableName::new("public", table), keys.iter().map(key).collect()) }
}

/// Queries, each with the index that it is planned beside.
fn workload(trigrams: bool) -> Vec<(&'static str, IndexSpec)> {
    let of = index;
    let rare = IndexSpec { predicate: Some("level = 99".into()), ..of("btree", "log", &["at"]) };
    let wide = IndexSpec { include: vec!["level".into()], ..of("btree", "log", &["person"]) };
    let unique = IndexSpec { unique: true, ..of("btree", "trips", &["token"]) };
    let busy = IndexSpec { predicate: Some("level > 97".into()), ..of("gist", "log", &[" int8range(id, id + 60)"]) };
    let mut all = vec![
        ("select * from log where person = 4242", of("btree", "log", &["person"])),
        ("select * from log where person = 7 order by at desc limit 20", of("btree", "log", &["person", "at desc"])),
        ("select count(*) from log where at > '2024-07-25'", of("btree", "log", &["at"])),
        ("select at from log where level = 99 and at < '2024-01-05'", rare),
        ("select level from log where person between 9000 and 9100", wide),
        ("select * from docs where lower(title) = 'title 7'", of("btree", "docs", &[" lower(title)"])),
        ("select * from docs where title like 'Title ab%'", of("btree", "docs", &["title text_pattern_ops"])),
        ("select * from trips where token = '00000000-0000-0000-0000-000000000000'", unique),
        ("select l.note from trips t join log l on l.person = t.id where t.id between 500 and 520", of("btree", "log", &["person", "id"])),
        ("select * from events where kind = 'k77'", of("btree", "events", &["kind"])),
        ("select * from log where person = 4242", of("hash", "log", &["person"])),
        ("select * from trips where token = '00000000-0000-0000-0000-000000000000'", of("hash", "trips", &["token"])),
        ("select * from trips where code in ('c000001', 'c000777')", of("hash", "trips", &["code"])),
        ("select * from events where kind = 'k77'", of("hash", "events", &["kind"])),
        ("select * from trips where during && tsrange('2024-05-01', '2024-05-02')", of("gist", "trips", &["during"])),
        ("select * from trips where place <@ box '((10,10),(40,60))'", of("gist", "trips", &["place"])),
        ("select * from trips order by place <-> point '(500,500)' limit 10", of("gist", "trips", &["place"])),
        ("select * from trips where host << inet '10.7.0.0/16'", of("gist", "trips", &["host inet_ops"])),
        ("select * from log where int8range(id, id + 60) @> 5000::bigint and level > 97", busy),
        ("select * from trips where place <@ box '((10,10),(40,60))'", of("spgist", "trips", &["place"])),
        ("select * from trips order by place <-> point '(500,500)' limit 10", of("spgist", "trips", &["place"])),
        ("select * from trips where during @> timestamp '2024-05-01 12:00'", of("spgist", "trips", &["during"])),
        ("select * from trips where host << inet '10.7.0.0/16'", of("spgist", "trips", &["host inet_ops"])),
        ("select * from trips where code ^@ 'c0001'", of("spgist", "trips", &["code"])),
        ("select * from log where at between '2024-03-01' and '2024-03-02'", of("brin", "log", &["at"])),
        ("select count(*) from log where id > 299000", of("brin", "log", &["id", "at"])),
        ("select * from log where at > '2024-07-20'", of("brin", "log", &["at timestamptz_minmax_multi_ops"])),
        ("select * from events where at < '2024-01-03'", of("brin", "events", &["at"])),
        ("select * from docs where tags @> array['t3', 't500']", of("gin", "docs", &["tags"])),
        ("select * from docs where tags && array['t500', 't700']", of("gin", "docs", &["tags"])),
        ("select * from docs where words @@ 'w2345'::tsquery", of("gin", "docs", &["words"])),
        ("select * from docs where words @@ 'w7 & w2345'::tsquery", of("gin", "docs", &["words"])),
        ("select * from docs where words @@ 'w23:*'::tsquery", of("gin", "docs", &["words"])),
        ("select * from docs where tags @> array['t500'] and words @@ 'w7'::tsquery", of("gin", "docs", &["tags", "words"])),
        ("select * from docs where doc @> '{\"n\": 17}'", of("gin", "docs", &["doc"])),
        ("select * from docs where doc @> '{\"n\": 17, \"kind\": \"k4\"}'", of("gin", "docs", &["doc jsonb_path_ops"])),
        ("select * from docs where (doc->'deep') ? 'absent'", of("gin", "docs", &[" doc->'deep'"])),
        ("select * from docs where array_remove(tags, 'common') @> array['t500']", of("gin", "docs", &[" array_remove(tags, 'common')"])),
        ("select * from docs where words || 'w9'::tsvector @@ 'w2345'::tsquery", of("gist", "docs", &[" words || 'w9'::tsvector"])),
        ("select * from events where tags @> array['t500']", of("gin", "events", &["tags"])),
    ];
    if trigrams {
        all.push(("select * from docs where title like '%abc12%'", of("gin", "docs", &["title gin_trgm_ops"])));
        all.push(("select * from docs where title like '%abc12%'", of("gist", "docs", &["title gist_trgm_ops"])));
    }
    all
}

/// A database with [`SCHEMA`] in it, and whether it has trigrams.
async fn database(shared: &Shared, name: &str) -> (String, tokio_postgres::Client, bool) {
    let url = shared.database(name);
    let client = support::connect(&url).await;
    client.batch_execute("set jit = off; set max_parallel_workers_per_gather = 0").await.expect("settings");
    client.batch_execute(SCHEMA).await.expect("schema");
    let there = client.query_opt("select from pg_available_extensions where name = 'pg_trgm'", &[]).await.expect("extensions").is_some();
    if there {
        client.batch_execute("create extension pg_trgm").await.expect("pg_trgm");
    } else {
        eprintln!("skipped: trigram indexes, {} has no pg_trgm", shared.binaries.dir.display());
    }
    client.batch_execute("vacuum analyze").await.expect("vacuum");
    (url, client, there)
}

async fn copy(shared: &Shared, url: &str) -> (CloneDb, Session) {
    let session = Session::open(Some(url), &Purpose::reading("test")).await.expect("session");
    let (copied, _) = blueprint::read(&session, &Options::default()).await.expect("blueprint");
    let clone = CloneDb::build(&shared.binaries, copied, &BTreeMap::new()).await.expect("clone");
    assert_eq!(clone.problems, []);
    (clone, session)
}

/// The plan under `client`'s own settings, in a transaction that `client` may have opened.
async fn planned(client: &tokio_postgres::Client, sql: &str) -> Plan {
    let prepared = explain::prepare(client, sql, false).await.expect(sql);
    explain::explain_custom(client, &prepared, &[]).await.unwrap_or_else(|e| panic!("{e}: {sql}"))
}

/// The plan on a lane, with the live connection's settings.
async fn tried(clone: &mut CloneDb, view: &View, sql: &str) -> Plan {
    let (lanes, turns) = clone.work();
    lanes[0].show(turns, view).await.expect("show");
    let client = &lanes[0].session().client;
    client.batch_execute("set search_path = public; set jit = off; set max_parallel_workers_per_gather = 0").await.expect("settings");
    planned(client, sql).await
}

/// Node types, tables and whether an index is read, top down: the engine's index names are its own.
fn shape(plan: &Plan) -> Vec<String> {
    let one = |n: &PlanNode| format!("{} {} {}", n.node_type, n.relation.as_deref().unwrap_or(""), n.index_name.is_some());
    plan.root.walk().map(one).collect()
}

/// Bytes and rows of an index, of all its partitions' together.
const SIZE: &str = "select sum(pg_relation_size(c.oid))::float8, sum(c.reltuples)::float8 from pg_class c
    where c.relkind = 'i' and (c.relname = 'really' or c.oid in (select relid from pg_partition_tree('really')))";

/// Plan, bytes and rows with each index really built, one at a time.
async fn truth(client: &tokio_postgres::Client, work: &[(&str, IndexSpec)]) -> Vec<(Plan, f64, f64)> {
    let mut all = Vec::new();
    for (sql, spec) in work {
        client.batch_execute(&spec.create_sql("really", false)).await.expect(sql);
        let plan = planned(client, sql).await;
        assert!(plan.root.walk().any(|n| n.index_name.is_some()), "{sql}: {spec:?} is not used");
        let size = client.query_one(SIZE, &[]).await.expect("size");
        all.push((plan, size.get(0), size.get(1)));
        client.batch_execute("drop index really").await.expect("drop index");
    }
    all
}

#[tokio::test]
async fn a_candidate_of_any_method_is_planned_as_the_real_index_is() {
    for shared in support::servers() {
        let (url, client, trigrams) = database(&shared, "trial_methods").await;
        // The clone has the statistics that ANALYZE will gather of an expression, and here nobody runs it: trial_truth.rs does.
        let expects_analyze = |spec: &IndexSpec| spec.method == "btree" && spec.keys.iter().any(|k| k.column_name().is_none());
        let work: Vec<_> = workload(trigrams).into_iter().filter(|(_, spec)| !expects_analyze(spec)).collect();
        let (mut clone, session) = copy(&shared, &url).await;
        let catalog = collect(&session, &CollectOptions::default()).await.expect("snapshot").catalog;
        let real = truth(&client, &work).await;
        let candidates: Vec<Candidate> = work
            .iter()
            .zip(&real)
            .map(|((_, spec), (_, bytes, _))| Candidate {
                size_bytes: Some(*bytes),
                gin: catalog.table(&spec.table).filter(|_| spec.method == "gin").and_then(|t| size::gin::counters(spec, t)),
                ..Candidate::new(spec.clone())
            })
            .collect();
        assert_eq!(clone.add_candidates(&candidates).await.expect("candidates"), []);
        let sizes: Vec<(usize, f64, f64)> = real.iter().enumerate().map(|(id, (_, bytes, rows))| (id, *bytes, *rows)).collect();
        clone.open_lanes(1, &sizes).await.expect("lanes");

        let (mut wrong, mut worst) = (Vec::new(), BTreeMap::<&str, Vec<f64>>::new());
        for (id, ((sql, spec), (truth, _, _))) in work.iter().zip(&real).enumerate() {
            let guess = tried(&mut clone, &View::with([id].into()), sql).await;
            let (g, t) = (guess.root.total_cost.expect("a cost"), truth.root.total_cost.expect("a cost"));
            let off = (g - t).abs() / t;
            worst.entry(&spec.method).or_default().push(off);
            let tolerance = if spec.method == "gin" { GIN_TOLERANCE } else { TOLERANCE };
            if shape(&guess) != shape(truth) || off > tolerance {
                wrong.push(format!("{} {sql}: {g} for {t}, {:?} for {:?}", spec.method, shape(&guess), shape(truth)));
            }
        }
        for (method, mut offs) in worst {
            offs.sort_by(f64::total_cmp);
            let exact = offs.iter().filter(|o| **o == 0.0).count();
            let (middle, most) = (100.0 * offs[offs.len() / 2], 100.0 * offs[offs.len() - 1]);
            eprintln!("{}: {method}: {exact} of {} exact, median {middle:.2} %, worst {most:.2} %", shared.binaries.major, offs.len());
        }
        assert!(wrong.is_empty(), "PostgreSQL {}:\n{}", shared.binaries.major, wrong.join("\n"));
    }
}

/// Every node with its costs, rows and the index that it reads.
fn exactly(plan: &Plan) -> Vec<String> {
    let one = |n: &PlanNode| {
        format!("{} {:?} {:?} {:?} {:?} {:?}", n.node_type, n.relation, n.index_name, n.startup_cost, n.total_cost, n.plan_rows)
    };
    plan.root.walk().map(one).collect()
}

#[tokio::test]
async fn a_hidden_index_is_a_dropped_index() {
    for shared in support::servers() {
        let (url, client, trigrams) = database(&shared, "trial_hidden").await;
        let work = workload(trigrams);
        for (id, (_, spec)) in work.iter().enumerate() {
            client.batch_execute(&spec.create_sql(&format!("index_{id}"), false)).await.expect("create index");
        }
        client.batch_execute("vacuum analyze").await.expect("vacuum");
        // Without pageinspect a GIN index's counters are read from its file, where a checkpoint writes them.
        client.batch_execute("checkpoint").await.expect("checkpoint");
        let (mut clone, _session) = copy(&shared, &url).await;
        clone.open_lanes(1, &[]).await.expect("lanes");
        let (mut wrong, mut changed) = (Vec::new(), BTreeMap::<&str, usize>::new());
        for (sql, _) in &work {
            let before = planned(&client, sql).await;
            let copied = tried(&mut clone, &View::default(), sql).await;
            if exactly(&copied) != exactly(&before) {
                wrong.push(format!("{sql}: {:#?} for {:#?}", exactly(&copied), exactly(&before)));
            }
            // Whichever of them the plan reads has to be missed; that of a primary key cannot be dropped alone.
            let Some(used) = before.root.walk().filter_map(|n| n.index_name.clone()).find(|i| !i.ends_with("_pkey")) else { continue };
            let root = root_of(&client, &used).await;
            client.batch_execute(&format!("begin; drop index {root}")).await.expect("drop index");
            let without = planned(&client, sql).await;
            client.batch_execute("rollback").await.expect("rollback");
            let hidden = tried(&mut clone, &View::without([IndexName::new("public", &root)]), sql).await;
            if exactly(&hidden) != exactly(&without) {
                wrong.push(format!("{sql} without {root}: {:#?} for {:#?}", exactly(&hidden), exactly(&without)));
            }
            let method = work.iter().enumerate().find(|(id, _)| root == format!("index_{id}")).map_or("btree", |(_, (_, s))| &s.method);
            *changed.entry(method).or_default() += usize::from(exactly(&without) != exactly(&before));
        }
        eprintln!("{}: hidden and missed: {changed:?}", shared.binaries.major);
        assert!(wrong.is_empty(), "PostgreSQL {}:\n{}", shared.binaries.major, wrong.join("\n"));
        for method in ["btree", "brin", "gin", "gist", "hash", "spgist"] {
            assert!(changed.get(method).is_some_and(|n| *n > 0), "no {method} index was missed: {changed:?}");
        }
    }
}

async fn root_of(client: &tokio_postgres::Client, index: &str) -> String {
    let sql = "select relname::text from pg_class where oid = coalesce(pg_partition_root(to_regclass($1::text)), to_regclass($1::text))";
    client.query_one(sql, &[&index]).await.expect("root").get(0)
}
