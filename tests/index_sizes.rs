//! Estimated sizes of B-trees against those that a server builds.

mod support;

use advisor::candidates::size;
use advisor::model::index_def::{IndexSpec, KeySpec, TableName};
use advisor::pg::collect::{CollectOptions, collect};
use advisor::pg::session::{Purpose, Session};

/// How far an estimate may be off, as a share.
const TOLERANCE: f64 = 0.10;

/// One table with a column of each kind. Values fall at random, so that no column follows from another unless it says so.
const SCHEMA: &str = "
select setseed(0.4);
create type mood as enum ('sad', 'ok', 'happy', 'angry');
create collation anyway (provider = icu, locale = 'und', deterministic = false);
create table w (
  id int, big bigint, token uuid, short text, long text, email varchar(60), price numeric(10,2), at timestamptz, day date,
  flag boolean, mood mood, low smallint, medium int, high int, pair int, skewed int, sparse bigint, sparse_text text,
  code char(8), ip inet, ratio double precision, city text, country text, tags text[], folded text collate anyway,
  wide text, gap interval, amount money, plan text, pad text);
insert into w
select g, (random() * 1e15)::bigint, md5(random()::text)::uuid, 'n' || (random() * 99999)::int, md5(random()::text) || md5(random()::text),
  'user' || (random() * 1e7)::int || '@mail' || (random() * 50)::int || '.example', (random() * 100000)::numeric(10,2),
  timestamptz '2024-01-01' + random() * interval '300 days', date '2020-01-01' + (random() * 1500)::int,
  random() < 0.03, (array['sad', 'ok', 'happy', 'angry'])[1 + floor(random() * 4)]::mood, floor(random() * 5), floor(random() * 3000),
  floor(random() * 40000), floor(random() * 75000), floor(20000 * random() ^ 4), case when random() < 0.15 then (random() * 1e12)::bigint end,
  case when random() < 0.1 then 'reason ' || (random() * 300)::int end, 'C' || lpad(((random() * 1e6)::int)::text, 7, '0'),
  ('10.' || (random() * 255)::int || '.' || (random() * 255)::int || '.' || (random() * 255)::int)::inet, random(),
  'city ' || g % 3000, 'country ' || g % 3000 % 60, array['t' || (random() * 9)::int], 'f' || (random() * 500)::int,
  repeat(md5(random()::text), 6), (random() * 1000)::int * interval '1 min', ((random() * 500)::int)::money,
  (array['free', 'pro', 'enterprise edition'])[1 + (random() < 0.2)::int + (random() < 0.04)::int], repeat('x', 30)
from generate_series(1, 150000) g;
analyze w;
";

/// What is indexed, as it stands behind the table's name, and as a definition.
fn shapes() -> Vec<(&'static str, IndexSpec)> {
    let mut shapes: Vec<(&str, IndexSpec)> = [
        "id",
        "big",
        "token",
        "short",
        "long",
        "email",
        "price",
        "at",
        "day",
        "flag",
        "mood",
        "low",
        "medium",
        "high",
        "pair",
        "skewed",
        "sparse",
        "sparse_text",
        "code",
        "ip",
        "ratio",
        "city",
        "folded",
        "wide",
        "gap",
        "amount",
        "tags",
    ]
    .into_iter()
    .map(|column| (column, spec(&[column])))
    .collect();
    let composites: [&[&str]; 17] = [
        &["low", "medium"],
        &["flag", "at"],
        &["medium", "at"],
        &["sparse", "low"],
        &["sparse_text", "mood"],
        &["high", "sparse"],
        &["mood", "low", "flag"],
        &["id", "big"],
        &["skewed", "low"],
        &["low", "email"],
        &["flag", "token", "low"],
        &["medium", "high"],
        &["plan", "id"],
        &["plan", "big"],
        &["plan", "day"],
        &["medium", "plan"],
        &["id", "plan", "token"],
    ];
    shapes.extend(composites.into_iter().map(|columns| (columns[0], spec(columns))));
    let mut descending = spec(&["medium", "at"]);
    (descending.keys[1].descending, descending.keys[1].nulls_first) = (true, true);
    let partial = |keys: &[&str], predicate: &str| IndexSpec { predicate: Some(predicate.into()), ..spec(keys) };
    shapes.extend([
        ("descending", descending),
        ("included", IndexSpec { include: vec!["price".into(), "short".into()], ..spec(&["medium"]) }),
        ("included, NULLs", IndexSpec { include: vec!["sparse".into()], ..spec(&["low"]) }),
        ("included, a text of few values", IndexSpec { include: vec!["plan".into()], ..spec(&["id"]) }),
        ("partial, rare value", partial(&["at"], "\"flag\"")),
        ("partial, common value", partial(&["high"], "\"low\" = 2")),
        ("partial, IS NULL", partial(&["medium"], "\"sparse\" IS NULL")),
        ("partial, IS NOT NULL", partial(&["sparse"], "\"sparse\" IS NOT NULL")),
        ("partial, its own column", partial(&["mood"], "\"mood\" = 'sad'")),
        ("lower", IndexSpec { keys: vec![KeySpec::expression("lower(email)")], ..spec(&[]) }),
        ("day of", IndexSpec { keys: vec![KeySpec::expression("date_trunc('day', at at time zone 'UTC')")], ..spec(&[]) }),
        ("year", IndexSpec { keys: vec![KeySpec::expression("EXTRACT(YEAR FROM day)")], ..spec(&[]) }),
        ("part", IndexSpec { keys: vec![KeySpec::expression("date_part('month', day)"), KeySpec::column("low")], ..spec(&[]) }),
        ("packed", IndexSpec { with: vec![("fillfactor".into(), "100".into())], ..spec(&["big"]) }),
        ("loose", IndexSpec { with: vec![("fillfactor".into(), "60".into())], ..spec(&["medium"]) }),
    ]);
    shapes
}

fn spec(columns: &[&str]) -> IndexSpec {
    IndexSpec::btree(TableName::new("public", "w"), columns.iter().map(|c| KeySpec::column(*c)).collect())
}

async fn built(client: &tokio_postgres::Client, spec: &IndexSpec) -> f64 {
    client.batch_execute(&spec.create_sql("built", false)).await.unwrap_or_else(|e| panic!("{}: {e}", spec.tail_sql()));
    let row = client.query_one("select pg_relation_size('built')::float8", &[]).await.expect("a size");
    client.batch_execute("drop index built").await.expect("drop");
    row.get(0)
}

#[tokio::test]
async fn sizes_are_within_a_tenth_of_the_built_index() {
    let url = support::database("index_sizes");
    let client = support::connect(&url).await;
    client.batch_execute("set maintenance_work_mem = '256MB'").await.expect("memory");
    client.batch_execute(SCHEMA).await.expect("schema");
    let session = Session::open(Some(&url), &Purpose::reading("test")).await.expect("session");
    let snapshot = collect(&session, &CollectOptions::default()).await.expect("snapshot");
    let table = snapshot.catalog.table(&TableName::new("public", "w")).expect("the table");
    let (mut wrong, mut lines) = (Vec::new(), Vec::new());
    for (name, spec) in shapes() {
        let real = built(&client, &spec).await;
        let estimate = size::bytes(&spec, table).unwrap_or(f64::NAN);
        let line = format!("{:+6.1} %  {name}: {estimate:.0} for {real:.0}{}", 100.0 * (estimate / real - 1.0), spec.tail_sql());
        if !(estimate / real - 1.0).abs().le(&TOLERANCE) {
            wrong.push(line.clone());
        }
        lines.push(line);
    }
    println!("{}", lines.join("\n"));
    assert!(lines.len() >= 25 && wrong.is_empty(), "of {}:\n{}", lines.len(), wrong.join("\n"));
}

#[tokio::test]
async fn columns_that_hang_together_are_sized_within_bounds_until_somebody_counts() {
    let url = support::database("index_sizes_together");
    let client = support::connect(&url).await;
    client
        .batch_execute(
            "select setseed(0.4); create table w (city int, country int, street int, doc jsonb);
             insert into w select c, c % 80, floor(random() * 5), jsonb_build_object('k', c)
             from (select floor(random() * 4000)::int as c from generate_series(1, 150000)) r;
             analyze w",
        )
        .await
        .expect("schema");
    let (three, unknown) =
        (spec(&["country", "city", "street"]), IndexSpec { keys: vec![KeySpec::expression("(doc ->> 'k')")], ..spec(&[]) });
    let told = async |spec: &IndexSpec| {
        let session = Session::open(Some(&url), &Purpose::reading("test")).await.expect("session");
        let snapshot = collect(&session, &CollectOptions::default()).await.expect("snapshot");
        let table = snapshot.catalog.table(&spec.table).expect("the table");
        (size::least(spec, table), size::bytes(spec, table), snapshot.catalog.tables[0].distinct_together.len())
    };
    let near = |size: Option<f64>, real: f64| size.is_some_and(|size| (size / real - 1.0).abs() < TOLERANCE);
    let real = built(&client, &three).await;
    // Too large spoils no budget; to guess at a dependence would make the independent ones too small.
    let (Some(least), Some(most), 0) = told(&three).await else { panic!("an estimate within bounds") };
    assert!(least < real && real < most && most < 4.0 * real, "{least}..{most} for {real}");
    let pair = spec(&["country", "city"]);
    let (least, _, _) = told(&pair).await;
    assert!(near(least, built(&client, &pair).await), "one follows from the other");
    let (least, most, _) = told(&spec(&["country", "street"])).await;
    assert!(least.is_none() && near(most, built(&client, &spec(&["country", "street"])).await), "400 or 80 make no difference");
    let count = async |name: &str, columns: &str| {
        client.batch_execute(&format!("create statistics {name} (ndistinct) on {columns} from w; analyze w")).await.expect("statistics");
    };
    count("pair", "country, city").await;
    let (_, most, _) = told(&three).await;
    assert!(near(most, real), "what was counted of two of them bounds the three: {most:?} for {real}");
    count("three", "country, city, street").await;
    let (least, most, sets) = told(&three).await;
    assert!(near(most, real) && least.is_none(), "what is counted is known: {least:?} {most:?}");
    assert_eq!(sets, 5, "two pairs with each, one of three, and the pair of before");
    assert_eq!(told(&unknown).await.1, None, "the width of a document's value is not known");
}
