//! What the what-if engines say is what happens: the plan and cost of a query beside a candidate, on
//! the clone and with HypoPG, against EXPLAIN on the live server once that index really stands there.

mod support;

use advisor::candidates::size;
use advisor::model::candidate::{Candidate, CandidateSet, View};
use advisor::model::index_def::{IndexSpec, KeySpec, TableName};
use advisor::model::plan::Plan;
use advisor::model::snapshot::Snapshot;
use advisor::pg::blueprint;
use advisor::pg::clone::CloneDb;
use advisor::pg::collect::{CollectOptions, collect};
use advisor::pg::explain::{self, Call, Ground};
use advisor::pg::hypopg::Hypopg;
use advisor::pg::session::{Purpose, Session};

/// A cost on the clone may differ by this share.
const CLONE_TOLERANCE: f64 = 0.10;
/// Of an expression the statistics are told from a hundred values of its column.
const EXPRESSION_TOLERANCE: f64 = 0.30;
/// HypoPG guesses an index's pages from column widths, without deduplication: an index-only scan shows it.
const HYPOPG_TOLERANCE: f64 = 0.25;
/// And by this much, planner units: descending a B-tree costs 0.125 a level, and an empty index has none.
const DESCENT: f64 = 0.375;

const SCHEMA: &str = "
create table people (id int primary key, name text, city int, born date);
insert into people select g, 'Person ' || g, (random() * random() * 300)::int, date '1950-01-01' + g % 20000 from generate_series(1, 60000) g;
create table visits (id bigserial primary key, person int references people, at timestamptz, note text, gone timestamptz);
insert into visits (person, at, note, gone)
  select 1 + (random() * random() * 59999)::int, now() - g * interval '37 seconds', repeat('n', g % 60), case when g % 50 > 0 then now() end
  from generate_series(1, 200000) g;
create table events (at date, kind text, v int) partition by range (at);
create table events_a partition of events for values from ('2020-01-01') to ('2021-01-01');
create table events_b partition of events for values from ('2021-01-01') to ('2022-01-01');
insert into events select date '2020-01-01' + g % 700, 'k' || g % 900, g from generate_series(1, 80000) g;
";

fn spec(table: &str, keys: Vec<KeySpec>) -> IndexSpec {
    IndexSpec::btree(TableName::new("public", table), keys)
}

/// Queries, each with the index that it is planned beside.
fn workload() -> Vec<(&'static str, IndexSpec)> {
    let column = |name: &str| KeySpec::column(name);
    let descending = |name: &str| KeySpec { descending: true, nulls_first: true, ..KeySpec::column(name) };
    let open = IndexSpec { predicate: Some("\"gone\" IS NULL".into()), ..spec("visits", vec![column("at")]) };
    vec![
        ("select * from visits where person = 4242", spec("visits", vec![column("person")])),
        ("select * from visits where person = 7 order by at desc limit 20", spec("visits", vec![column("person"), descending("at")])),
        ("select note from visits order by at desc limit 50", spec("visits", vec![descending("at")])),
        ("select count(*) from visits where at > now() - interval '3 hours'", spec("visits", vec![column("at")])),
        ("select at from visits where gone is null and at > now() - interval '1 day'", open),
        (
            "select p.name, count(*) from people p join visits v on v.person = p.id where p.city = 250 group by 1",
            spec("people", vec![column("city")]),
        ),
        (
            "select * from people where city = 3 and born between '1990-01-01' and '1990-03-01'",
            spec("people", vec![column("city"), column("born")]),
        ),
        ("select * from events where kind = 'k77'", spec("events", vec![column("kind")])),
    ]
}

/// Node types, tables and whether an index is read, top down: an engine's index names are its own.
fn shape(plan: &Plan) -> Vec<String> {
    let one =
        |n: &advisor::model::plan::PlanNode| format!("{} {} {}", n.node_type, n.relation.as_deref().unwrap_or(""), n.index_name.is_some());
    plan.root.walk().map(one).collect()
}

async fn planned(session: &Session, sql: &str) -> Plan {
    let ground = Ground { search_path: vec!["public".into()], ..Ground::default() };
    let prepared = explain::prepare_on(session, &ground, sql).await.expect(sql);
    let mut plans = explain::explain(session, &ground, &[Call::Custom(&prepared, &[])]).await.expect(sql);
    plans.pop().expect("a plan")
}

/// Plans with each index really built, one at a time.
async fn truth(client: &tokio_postgres::Client, session: &Session) -> Vec<Plan> {
    let mut plans = Vec::new();
    for (sql, spec) in workload() {
        client.batch_execute(&spec.create_sql("really", false)).await.expect("create index");
        plans.push(planned(session, sql).await);
        client.batch_execute("drop index really").await.expect("drop index");
    }
    plans
}

fn candidates(snapshot: &Snapshot) -> Vec<Candidate> {
    let one = |spec: IndexSpec| Candidate {
        size_bytes: snapshot.catalog.table(&spec.table).and_then(|t| size::bytes(&spec, t)),
        ..Candidate::new(spec)
    };
    workload().into_iter().map(|(_, spec)| one(spec)).collect()
}

fn compare(engine: &str, tolerance: f64, guessed: &[Plan], real: &[Plan]) {
    let mut wrong = Vec::new();
    for (((sql, _), guess), truth) in workload().iter().zip(guessed).zip(real) {
        let (g, t) = (guess.root.total_cost.expect("a cost"), truth.root.total_cost.expect("a cost"));
        assert!(
            truth.root.walk().any(|n| n.index_name.as_deref().is_some_and(|i| i.contains("really") || i.contains("events"))),
            "{sql}: not used"
        );
        if shape(guess) != shape(truth) || (g - t).abs() > (t * tolerance).max(DESCENT) {
            wrong.push(format!("{sql}: {g} for {t}, {:?} for {:?}", shape(guess), shape(truth)));
        }
    }
    assert!(wrong.is_empty(), "{engine} is wrong about\n{}", wrong.join("\n"));
}

/// Plans each query on a clone, beside the candidate of its place.
async fn on_clone(
    binaries: &advisor::pg::server::Binaries,
    session: &Session,
    snapshot: &Snapshot,
    list: &[Candidate],
    queries: impl Iterator<Item = &str>,
) -> Vec<Plan> {
    let (copied, _) = blueprint::read(session, &blueprint::Options::default()).await.expect("blueprint");
    let mut clone = CloneDb::build(binaries, copied, &snapshot.settings).await.expect("clone");
    assert_eq!(clone.problems, []);
    assert_eq!(clone.add_candidates(list).await.expect("candidates"), []);
    let rows = |c: &Candidate| snapshot.catalog.table(&c.spec.table).and_then(|t| size::rows(&c.spec, t)).expect("rows");
    let bytes = |c: &Candidate| snapshot.catalog.table(&c.spec.table).and_then(|t| size::assumed(&c.spec, t)).expect("a size");
    let sizes: Vec<(usize, f64, f64)> = list.iter().enumerate().map(|(id, c)| (id, bytes(c), rows(c))).collect();
    clone.open_lanes(1, &sizes).await.expect("sizes");
    let mut guessed = Vec::new();
    for (id, sql) in queries.enumerate() {
        let (lanes, turns) = clone.work();
        lanes[0].show(turns, &View::with([id].into())).await.expect("show");
        guessed.push(planned(lanes[0].session(), sql).await);
    }
    guessed
}

#[tokio::test]
async fn the_engines_plan_as_the_server_does_once_the_index_is_there() {
    let shared = support::server();
    let url = shared.database("trial_truth");
    let client = support::connect(&url).await;
    client.batch_execute(SCHEMA).await.expect("schema");
    client.batch_execute("vacuum analyze").await.expect("vacuum");
    let session = Session::open(Some(&url), &Purpose::reading("test")).await.expect("session");
    let snapshot = collect(&session, &CollectOptions::default()).await.expect("snapshot");
    let list = candidates(&snapshot);
    let real = truth(&client, &session).await;

    let guessed = on_clone(&shared.binaries, &session, &snapshot, &list, workload().iter().map(|(sql, _)| *sql)).await;
    compare("the clone", CLONE_TOLERANCE, &guessed, &real);

    let installable = client.query_opt("select from pg_available_extensions where name = 'hypopg'", &[]).await.expect("extensions");
    if installable.is_none() {
        eprintln!("skipped: HypoPG against the truth, {} has no hypopg", shared.binaries.dir.display());
        return;
    }
    client.batch_execute("create schema hypo; create extension hypopg schema hypo").await.expect("hypopg");
    let mut hypopg =
        Hypopg::enter(Session::open(Some(&url), &Purpose::reading("test")).await.expect("session"), "hypo").await.expect("enter");
    let refused: Vec<usize> = hypopg.add_candidates(&list).await.expect("candidates").into_iter().map(|(id, _)| id).collect();
    // HypoPG has no indexes on partitioned tables.
    assert!(refused.iter().all(|id| list[*id].spec.table.name == "events"), "{refused:?}");
    let mut guessed = Vec::new();
    for (id, (sql, _)) in workload().iter().enumerate() {
        if refused.contains(&id) {
            guessed.push(real[id].clone());
            continue;
        }
        hypopg.show(&CandidateSet::from([id])).await.expect("show");
        let path = "set search_path = public, hypo";
        hypopg.planner().client.batch_execute(path).await.expect("path");
        guessed.push(planned(hypopg.planner(), sql).await);
    }
    compare("HypoPG", HYPOPG_TOLERANCE, &guessed, &real);
}

/// So few rows that ANALYZE looks at each of them.
const NOTES: &str = "
create table notes (id int primary key, mail text, pub date, at timestamp, code text, doc jsonb);
insert into notes
  select g, 'User' || g || '@Mail' || g % 7 || '.example', date '2024-12-31' - (3650 * (g / 25000.0) ^ 3)::int, timestamp '2024-01-01' + g * interval '7 minutes',
         case when g % 4 = 0 then 'A-' || g % 50 end, jsonb_build_object('kind', 'k' || g % 5)
  from generate_series(1, 25000) g;
";

#[tokio::test]
async fn an_expression_is_planned_as_after_the_analyze_that_follows_the_build() {
    let shared = support::server();
    let url = shared.database("trial_expressions");
    let client = support::connect(&url).await;
    client.batch_execute(NOTES).await.expect("schema");
    client.batch_execute("vacuum analyze").await.expect("vacuum");
    let session = Session::open(Some(&url), &Purpose::reading("test")).await.expect("session");
    let snapshot = collect(&session, &CollectOptions::default()).await.expect("snapshot");
    // The query, its key, and whether the index is used.
    let cases = [
        ("select * from notes where lower(mail) = 'user77@mail0.example'", "lower(mail)", true),
        ("select * from notes where extract(year from pub) = 2024", "extract(year from pub)", false),
        ("select * from notes where extract(year from pub) = 2015", "extract(year from pub)", true),
        ("select * from notes where date_trunc('day', at) = '2024-02-03'", "date_trunc('day', at)", true),
        ("select * from notes where date_trunc('day', at) > '2024-02-03'", "date_trunc('day', at)", true),
        ("select * from notes where upper(code) = 'A-8'", "upper(code)", true),
        ("select * from notes where doc ->> 'kind' = 'k3'", "doc ->> 'kind'", true),
        ("select * from notes where id / 300 = 7", "id / 300", true),
        ("select * from notes where id % 40 = 7", "id % 40", true),
        ("select * from notes where coalesce(code, '') = 'A-8'", "coalesce(code, '')", true),
        ("select * from notes where coalesce(code, '') = ''", "coalesce(code, '')", false),
        ("select * from notes where upper(code) is null", "upper(code)", false),
    ];
    let spec = |key: &str| spec("notes", vec![KeySpec::expression(format!("({key})"))]);
    let mut real = Vec::new();
    for (sql, key, used) in &cases {
        client.batch_execute(&spec(key).create_sql("really", false)).await.expect("create index");
        client.batch_execute("analyze notes").await.expect("analyze");
        let plan = planned(&session, sql).await;
        assert_eq!(plan.root.walk().any(|n| n.index_name.is_some()), *used, "{sql}");
        real.push(plan);
        client.batch_execute("drop index really").await.expect("drop index");
    }
    let list: Vec<Candidate> = cases.iter().map(|(_, key, _)| Candidate::new(spec(key))).collect();
    let guessed = on_clone(&shared.binaries, &session, &snapshot, &list, cases.iter().map(|(sql, ..)| *sql)).await;
    let mut wrong = Vec::new();
    for (((sql, ..), guess), truth) in cases.iter().zip(&guessed).zip(&real) {
        let (g, t) = (guess.root.total_cost.expect("a cost"), truth.root.total_cost.expect("a cost"));
        // Where two plans cost nearly the same, either is right.
        if (g - t).abs() > (t * EXPRESSION_TOLERANCE).max(DESCENT) {
            wrong.push(format!("{sql}: {g} for {t}, {:?} for {:?}", shape(guess), shape(truth)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
