//! `--explain-analyze` runs only what is harmless: ways to smuggle in a call, each on every server.

mod support;

use advisor::pg::effects::objection;
use advisor::pg::session::{Purpose, Session};

const SETUP: &str = r#"
    create sequence q;
    create function noisy(n int) returns int language plpgsql as 'begin perform 1; return n; end';
    create function quiet(n int) returns int language sql immutable as 'select n';
    create function with_default(n int default noisy(1)) returns int language sql stable as 'select n';
    create function around(n int) returns int language sql stable as 'select n';
    create function twice(n int default with_default()) returns int language sql stable as 'select n';
    create table t (a int, b text);
    create view noisy_view as select noisy(a) as a from t;
    create view outer_view with (security_barrier) as select a from noisy_view;
    create table guarded (a int);
    alter table guarded enable row level security;
    alter table guarded force row level security;
    create policy p on guarded using (noisy(a) > 0);
    create function noisy_less(a t, b t) returns boolean language plpgsql as 'begin return true; end';
    create operator <<<< (leftarg = t, rightarg = t, function = noisy_less);
    create function noisy_step(int, int) returns int language plpgsql as 'begin return 1; end';
    create aggregate noisy_sum(int) (sfunc = noisy_step, stype = int);
    create domain checked as int check (noisy(value) > 0);
    create domain nested as checked;
    create type pair as (x checked, y int);
    create domain calm as int check (quiet(value) > 0);
    create type mood as enum ('a', 'b');
    create function mood_json(mood) returns json language plpgsql as 'begin return null; end';
    create cast (mood as json) with function mood_json(mood);
    create type shade as enum ('a', 'b');
    create function shade_int(shade) returns int language plpgsql as 'begin return null; end';
    create cast (shade as int) with function shade_int(shade);
    create foreign data wrapper w;
    create server s foreign data wrapper w;
    create table parted (a int) partition by range (a);
    create foreign table remote partition of parted for values from (0) to (10) server s;
    create role effects_reader login;
    grant select on all tables in schema public to effects_reader;
"#;

/// SQL, and what the objection names; empty: none.
const CASES: &[(&str, &str)] = &[
    ("select count(*), lower(b), now(), random() from t group by b", ""),
    ("select quiet(a) from t tablesample bernoulli (10) where a::text like 'x%' order by a desc", ""),
    ("select sum(a) over (order by a range between 1 preceding and current row), row_number() over () from t", ""),
    ("select '5'::calm, array_agg(a), to_json(b) from t group by b", ""),
    ("select around(1), (select max(a) from t)", ""),
    ("select noisy(1)", "noisy"),
    ("select * from noisy(1)", "noisy"),
    ("select 1 from t where exists (select 1 from lateral (select noisy(t.a)) x)", "noisy"),
    ("with x as (select noisy(1)) select 1 from t", "noisy"),
    ("select * from (select noisy(1)) \":opnos\"", "noisy"),
    ("select a from outer_view", "noisy"),
    ("select a from guarded", "noisy"),
    ("select with_default()", "noisy"),
    ("select twice()", "noisy"),
    ("select 1 from t x, t y where x <<<< y", "noisy_less"),
    ("select noisy_sum(a) from t", "noisy_step"),
    ("select noisy_sum(a) over (order by a) from t", "noisy_step"),
    ("select a::checked from t", "noisy"),
    ("select a::nested from t", "noisy"),
    ("select array[a]::nested[] from t", "noisy"),
    ("select * from json_populate_record(null::pair, '{\"x\": 1}')", "noisy"),
    ("select * from json_to_record('{\"x\": 1}') as r (x checked)", "noisy"),
    ("select to_json('a'::mood)", "mood_json"),
    ("select to_jsonb(array['a'::mood])", "mood_json"),
    ("select 'a'::shade::int", "shade_int"),
    ("select table_to_xml('outer_view', true, true, '')", "table_to_xml"),
    ("select query_to_xml('select noisy(1)', true, true, '')", "query_to_xml"),
    ("select nextval('q')", "nextval"),
    ("select coalesce(a, noisy(a)), case when a > noisy(1) then 1 end from t order by noisy(a)", "noisy"),
    ("select a from parted", "remote"),
    ("select a from t where a = any (array[noisy(1)]) or (a, a) < (1, noisy(2))", "noisy"),
    ("select pg_sleep(0)", "pg_sleep"),
];

#[tokio::test]
async fn nothing_with_effects_passes_and_the_harmless_does() {
    for server in support::servers() {
        let url = server.database("effects");
        let client = support::connect(&url).await;
        client.batch_execute(SETUP).await.unwrap();
        // Row security does not bind a superuser.
        let reader = url.replace("postgres@", "effects_reader@");
        let session = Session::open(Some(&reader), &Purpose::reading("test")).await.unwrap();
        for (sql, named) in CASES {
            session.begin().await.unwrap();
            let answer = objection(&session, sql).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
            session.rollback().await.unwrap();
            let at = server.binaries.dir.display();
            match answer {
                None => assert!(named.is_empty(), "passed on {at}: {sql}"),
                Some(reason) => assert!(!named.is_empty() && reason.contains(named), "{reason} on {at}: {sql}"),
            }
        }
    }
}

#[tokio::test]
async fn a_search_path_with_operators_in_front_does_not_answer_for_the_server() {
    let url = support::database("effects_path");
    let client = support::connect(&url).await;
    client
        .batch_execute(
            "create schema evil;
             create function evil.never(oid, oid) returns boolean language sql immutable as 'select false';
             create operator evil.= (leftarg = oid, rightarg = oid, function = evil.never);
             create function public.noisy() returns int language plpgsql as 'begin return 1; end'",
        )
        .await
        .unwrap();
    let session = Session::open(Some(&url), &Purpose::reading("test")).await.unwrap();
    session.begin().await.unwrap();
    session.client.batch_execute("set local search_path = evil, pg_catalog, public").await.unwrap();
    let answer = objection(&session, "select noisy()").await.unwrap();
    assert_eq!(answer.as_deref(), Some("calls public.noisy"));
    // The query itself runs under its own path again.
    let path: String = session.client.query_one("select pg_catalog.current_setting('search_path')", &[]).await.unwrap().get(0);
    assert_eq!(path, "evil, pg_catalog, public");
    session.rollback().await.unwrap();
}
