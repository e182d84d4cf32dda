//! What this machine lacks costs what depends on it, and is named.

use crate::catalogs::{self, planner, read};
use crate::support;
use advisor::model::blueprint::{Blueprint, ExtensionName, ExtensionType, Locale, Object, ObjectKind};
use advisor::pg::clone::CloneDb;

const SCHEMA: &str = "
    create schema ext;
    create extension citext schema ext;
    create extension bloom schema ext;
    create extension btree_gist schema public;
    create table people (id int primary key, mail ext.citext not null, period int4range, room int, exclude using gist (room with =, period with &&));
    create unique index people_mail on people (mail);
    create index people_bloom on people using bloom (id, room);
";

fn locale(provider: &str, collate: &str, icu: Option<&str>) -> Locale {
    Locale {
        encoding: "UTF8".into(),
        collate: collate.into(),
        ctype: collate.into(),
        provider: provider.into(),
        locale: icu.map(str::to_owned),
        icu_rules: None,
    }
}

async fn build(shared: &support::Shared, blueprint: Blueprint) -> (CloneDb, Vec<String>) {
    let clone = catalogs::build(shared, blueprint).await;
    let problems = clone.problems.iter().map(|p| p.message.clone()).collect();
    (clone, problems)
}

#[tokio::test(flavor = "multi_thread")]
async fn types_of_a_missing_extension_have_stand_ins() {
    for shared in support::servers() {
        let url = shared.database("schema_extensions");
        support::connect(&url).await.batch_execute(SCHEMA).await.unwrap();
        let whole = read(&url).await;
        assert_eq!(build(&shared, whole.clone()).await.1, Vec::<String>::new());
        // The same two, as if nobody had packed them for this machine.
        let mut lacking = whole;
        for extension in lacking.extensions.iter_mut().filter(|e| e.name != "btree_gist") {
            extension.name = format!("no_{}", extension.name);
        }
        for lost in lacking.extension_types.iter_mut().filter(|t| t.extension == "citext") {
            lost.extension = "no_citext".into();
        }
        let (clone, problems) = build(&shared, lacking).await;
        assert_eq!(problems.len(), 4, "{problems:#?}");
        assert!(problems[0].starts_with("extension no_bloom is missing here: "), "{problems:#?}");
        assert!(problems[1].starts_with("extension no_citext is missing here: "), "{problems:#?}");
        assert_eq!(problems[2], "types of missing extensions are planned as text: ext.citext");
        assert_eq!(problems[3], "index public.people_bloom left out: its access method bloom is missing here");
        let plan = "explain (costs off) select * from people where mail = 'a'";
        planner(&clone).batch_execute("set enable_seqscan = off; set enable_bitmapscan = off").await.unwrap();
        let rows = planner(&clone).query(plan, &[]).await.unwrap();
        assert_eq!(rows[0].get::<_, String>(0), "Index Scan using people_mail on people");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn modifiers_of_stand_ins_are_kept_where_they_are_one_number() {
    let kind = ObjectKind::Table;
    let of = |name: &str| ExtensionType { extension: "postgis_or_so".into(), schema: "geo".into(), name: name.into() };
    let blueprint = Blueprint {
        extensions: vec![ExtensionName { name: "postgis_or_so".into(), schema: "geo".into() }],
        extension_types: vec![of("geometry"), of("vector")],
        objects: vec![
            Object { kind: ObjectKind::Schema, name: "schema geo".into(), ddl: "create schema if not exists geo".into() },
            Object { kind, name: "table a".into(), ddl: "create table public.a (g geo.geometry(Point,4326)[], v geo.vector(1536))".into() },
            Object { kind, name: "table b".into(), ddl: "create table public.b (v geo.vector(1536))".into() },
            Object {
                kind: ObjectKind::Index,
                name: "index h".into(),
                ddl: "create index h on public.b using hnsw (v geo.vector_l2_ops)".into(),
            },
        ],
        locale: locale("c", "C", None),
        ..Blueprint::default()
    };
    let (clone, problems) = build(&support::server(), blueprint).await;
    let question = "select string_agg(attrelid::regclass || ' ' || format_type(atttypid, atttypmod), ', ' order by attrelid, attnum)
        from pg_attribute where attrelid in ('a'::regclass, 'b'::regclass) and attnum > 0";
    let types: String = planner(&clone).query_one(question, &[]).await.unwrap().get(0);
    assert!(types == "b geo.vector(1536), a geo.geometry[], a geo.vector", "{types}");
    assert_eq!(
        problems[1..],
        [
            "types of missing extensions are planned as text: geo.geometry, geo.vector",
            "table a: types of missing extensions have lost what stood in parentheses after them",
            "index h left out: its access method hnsw is missing here"
        ],
        "{problems:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_locale_is_replaced_by_the_most_alike() {
    for shared in support::servers() {
        let of = async |locale: Locale| {
            let (clone, problems) = build(&shared, Blueprint { locale, ..Blueprint::default() }).await;
            let question = "select coalesce(to_jsonb(d)->>'datlocprovider', 'c'), coalesce(to_jsonb(d)->>'datlocale', to_jsonb(d)->>'daticulocale', datcollate)
                from pg_database d where datname = current_database()";
            let row = planner(&clone).query_one(question, &[]).await.unwrap();
            (row.get::<_, String>(0), row.get::<_, String>(1), problems)
        };
        assert_eq!(of(locale("c", "C", None)).await, ("c".into(), "C".into(), vec![]));
        let (_, _, problems) = of(locale("c", "xx_YY.UTF-8", None)).await;
        assert!(problems.len() == 1 && problems[0].starts_with("this machine lacks the database's locale ("), "{problems:?}");
        if shared.binaries.major >= 15 {
            assert_eq!(of(locale("i", "C", Some("de-AT"))).await, ("i".into(), "de-AT".into(), vec![]));
        }
    }
}
