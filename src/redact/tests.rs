use super::*;
use crate::model::blueprint::{ColumnStatistics, CommonCombination, ExtendedStatistics, Object, ObjectKind, Relation, Slot};
use crate::model::catalog::{Column, ColumnStats, Index, Table};
use crate::model::index_def::{IndexSpec, KeyExpr, KeySpec};
use crate::model::query::{Query, QuerySource};
use crate::model::redaction::Note;
use crate::model::snapshot::SessionActivity;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn object(kind: ObjectKind, name: &str, ddl: &str) -> Object {
    Object { kind, name: name.into(), ddl: ddl.into() }
}

const TABLE: &str = "create table s.t (id bigint not null, code text, name character varying(40) collate \"C\", state s.status not null, \
                     kind integer, price numeric(10,2), at timestamp with time zone, day date, key uuid, tags text[], data jsonb, ratio double precision)";

/// A small schema, and statements to redact in it.
fn blueprint(more: &[(ObjectKind, &str)]) -> Blueprint {
    let mut objects = vec![
        object(ObjectKind::Enum, "s.status", "create type s.status as enum ('open', 'shipped', 'lost')"),
        object(ObjectKind::Table, "table s.t", TABLE),
        object(ObjectKind::Table, "table s.days", "create table s.days (at date not null, region text) partition by range (at)"),
        object(ObjectKind::Table, "table s.parts", "create table s.parts (region text not null, n integer) partition by list (region)"),
        object(ObjectKind::Table, "table s.two", "create table s.two (n integer, at timestamp with time zone) partition by range (n, at)"),
        object(ObjectKind::Table, "table s.odd", "create table s.odd (data jsonb) partition by list (((data ->> 'region'::text)))"),
    ];
    objects.extend(more.iter().map(|(kind, ddl)| object(*kind, "the object", ddl)));
    Blueprint { objects, ..Blueprint::default() }
}

/// All of it redacted; texts sorted by their bytes.
fn redacted(blueprint: &Blueprint, snapshot: &Snapshot, keep: &Keep) -> (Blueprint, Snapshot, Redaction) {
    let values = collect(blueprint, snapshot, keep);
    let dictionary = Dictionary::new(&values, values.texts_by_collation(), 42);
    let (mut blueprint, mut snapshot) = (blueprint.clone(), snapshot.clone());
    let report = redact(&mut blueprint, &mut snapshot, dictionary, keep);
    (blueprint, snapshot, report)
}

/// One statement redacted, and what was noted of it.
fn one(kind: ObjectKind, ddl: &str) -> (String, Vec<String>) {
    let (after, _, report) = redacted(&blueprint(&[(kind, ddl)]), &Snapshot::default(), &Keep::Nothing);
    let notes = report.kept.iter().chain(&report.dropped).filter(|n| n.place == "the object").map(|n: &Note| n.what.clone()).collect();
    (after.objects.last().unwrap().ddl.clone(), notes)
}

/// A statement with `⟨…⟩` around what must become something else of the same length, all else staying.
fn check(kind: ObjectKind, marked: &str, notes: &[&str]) {
    let ddl: String = marked.chars().filter(|c| !matches!(c, '⟨' | '⟩')).collect();
    let (after, noted) = one(kind, &ddl);
    let mut rest = after.as_str();
    for (n, part) in marked.split(['⟨', '⟩']).enumerate() {
        if n % 2 == 0 {
            rest = rest.strip_prefix(part).unwrap_or_else(|| panic!("{after}\nis not like\n{marked}\nat {rest}"));
        } else {
            let length = if part.parse::<f64>().is_ok() {
                rest.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '-').unwrap_or(rest.len())
            } else {
                part.len()
            };
            assert_ne!(&rest[..length], part, "{after}");
            rest = &rest[length..];
        }
    }
    assert_eq!(rest, "", "{after}");
    assert_eq!(noted, notes, "{after}");
}

#[test]
fn statements_as_the_server_prints_them() {
    use ObjectKind::*;
    let index = |tail: &str, notes: &[&str]| check(Index, &format!("CREATE INDEX i ON s.t USING btree {tail}"), notes);
    index("(id) WHERE (code = '⟨acme⟩'::text)", &[]);
    index("(id) WHERE ((name)::text = '⟨acme⟩'::text)", &[]);
    index("(id) WHERE ((name)::text = ANY ((ARRAY['⟨acme⟩'::character varying, '⟨bolt⟩'::character varying])::text[]))", &[]);
    index("(id) WHERE (code = ANY (ARRAY['⟨acme⟩'::text, '⟨bolt⟩'::text]))", &[]);
    index("(id) WHERE (code = ANY ('{⟨acme⟩,⟨bolt⟩}'::text[]))", &[]);
    index("(id) WHERE (state = '⟨open⟩'::s.status)", &[]);
    index("(id) WHERE ((state)::text <> '⟨lost⟩'::text)", &[]);
    index("(id) WHERE (kind = ⟨4711⟩)", &[]);
    index("(id) WHERE (kind = ANY (ARRAY[⟨1000⟩, ⟨2000⟩]))", &[]);
    index("(id) WHERE (kind > '⟨-5⟩'::integer)", &[]);
    index("(id) WHERE (id > '⟨5000000000⟩'::bigint)", &[]);
    index("(id) WHERE (price >= (⟨100⟩)::numeric)", &[]);
    index("(id) WHERE (price < ⟨99.95⟩)", &[]);
    index("(id) WHERE ((day >= '⟨2024-01-01⟩'::date) AND (at < '⟨2024-05-05 10:00:00+00⟩'::timestamp with time zone))", &[]);
    index("(id) WHERE (key = '⟨6f1c0000-0000-4000-8000-00000000abcd⟩'::uuid)", &[]);
    index("(id) WHERE (code IS NOT NULL)", &[]);
    index("(id) WITH (fillfactor='70') WHERE (code <> ''::text)", &[]);
    index("(date_trunc('day'::text, at))", &["function arguments"]);
    index("(COALESCE(code, '⟨none⟩'::text))", &[]);
    index("(((kind % 10))) WHERE ((kind % 10) = ⟨30⟩)", &["numbers in arithmetic"]);
    index("(((data ->> 'city'::text)))", &["operands of operators such as -> and @>"]);
    index("(id) WHERE (data @> '{\"vip\": true}'::jsonb)", &["operands of operators such as -> and @>"]);
    index("(id) WHERE ((data ->> 'city'::text) = '⟨bern⟩'::text)", &["operands of operators such as -> and @>"]);
    index("(id) WHERE (code ~~ '⟨ac⟩_⟨me⟩%'::text)", &[]);
    check(Index, "CREATE INDEX i ON s.t USING gin (to_tsvector('english'::regconfig, code))", &[]);
    check(Check, "alter table s.t add constraint c check (((price > (⟨0⟩)::numeric) AND (char_length(code) = ⟨12⟩)))", &[]);
    check(Default, "alter table s.t alter column code set default '⟨eu-west⟩'::text", &[]);
    check(Default, "alter table s.t alter column state set default '⟨open⟩'::s.status", &[]);
    check(Default, "alter table s.t alter column id set default nextval('s.t_id_seq'::regclass)", &[]);
    check(Default, "alter table s.t alter column kind set default ⟨7777⟩", &[]);
    check(Policy, "create policy p on s.t for select to app using ((code = current_setting('app.tenant'::text)))", &["function arguments"]);
    check(Inheritance, "alter table s.days attach partition s.d1 FOR VALUES FROM ('⟨2024-01-01⟩') TO ('⟨2024-02-01⟩')", &[]);
    check(Inheritance, "alter table s.parts attach partition s.p1 FOR VALUES IN ('⟨emea⟩', '⟨apac⟩', NULL)", &[]);
    check(
        Inheritance,
        "alter table s.two attach partition s.q FOR VALUES FROM (⟨1000⟩, MINVALUE) TO (⟨2000⟩, '⟨2024-05-05 10:00:00+00⟩')",
        &[],
    );
    check(Inheritance, "alter table s.parts attach partition s.p2 FOR VALUES WITH (modulus 4, remainder 0)", &[]);
    check(Inheritance, "alter table s.parts attach partition s.p3 DEFAULT", &[]);
    check(Statistics, "CREATE STATISTICS s.x (mcv) ON code, kind FROM s.t", &[]);
    check(Enum, "create type s.status as enum ('⟨open⟩', '⟨shipped⟩', '⟨lost⟩')", &[]);
    check(
        View,
        "create view s.v as  SELECT t.id, CASE WHEN (t.kind = ⟨1000⟩) THEN '⟨gold⟩'::text ELSE NULL::text END AS level \
         FROM (s.t t JOIN s.parts p ON ((p.region = t.code))) WHERE ((t.state = '⟨open⟩'::s.status) AND (p.region = '⟨emea⟩'::text)) LIMIT 10",
        &[],
    );
}

#[test]
fn what_has_no_pseudonym_is_named() {
    use ObjectKind::*;
    let kept =
        |kind, ddl: &str, notes: &[&str]| assert_eq!(one(kind, ddl), (ddl.to_owned(), notes.iter().map(|n| (*n).to_owned()).collect()));
    kept(Inheritance, "alter table s.parts attach partition s.p1 FOR VALUES IN ('', NULL)", &[]);
    kept(View, "create view s.v as SELECT 12 AS twelve", &["numbers"]);
    kept(Helper, "create text search dictionary s.d (template = simple, stopwords = 'english')", &["options"]);
}

#[test]
fn a_default_without_pseudonyms_is_left_out() {
    let sets_json =
        object(ObjectKind::Default, "default of s.t.data", "alter table s.t alter column data set default '{\"key\": \"hush\"}'::jsonb");
    let mut before = blueprint(&[]);
    before.objects.push(sets_json.clone());
    let (after, _, report) = redacted(&before, &Snapshot::default(), &Keep::Nothing);
    assert_eq!(after.objects.len() + 1, before.objects.len());
    assert!(!format!("{:?}", after.objects).contains("hush"));
    assert!(report.dropped.iter().any(|note| note.place == sets_json.name) && report.kept.iter().all(|note| note.place != sets_json.name));
}

#[test]
fn bodies_and_comments_do_not_leave() {
    let plpgsql = "CREATE OR REPLACE FUNCTION s.f(a text DEFAULT 'acme'::text)\n RETURNS integer\n LANGUAGE plpgsql\n COST 7\nAS $function$ -- hush\nbegin return 4711; end $function$\n";
    let (after, notes) = one(ObjectKind::Function, plpgsql);
    assert!(after.contains("$function$begin return null; end$function$") && !after.contains("acme") && after.contains("COST 7"), "{after}");
    assert_eq!(notes, ["the body (it returns NULL)"]);
    let rows =
        "CREATE FUNCTION s.f() RETURNS SETOF s.t LANGUAGE plpgsql AS $$begin return query select * from s.t where code = 'acme'; end$$";
    assert!(one(ObjectKind::Function, rows).0.ends_with("begin return; end$function$"));
    let sql = "CREATE FUNCTION s.f(integer) RETURNS bigint LANGUAGE sql STABLE AS $function$ select id /* hush */ from s.t x -- hush\n where x.code = 'acme' and kind between 1000 and 2000 and x.name like 'bo%' and id = -5 and at > date '2024-01-01' $function$";
    let (after, notes) = one(ObjectKind::Function, sql);
    for gone in ["hush", "acme", "1000", "2000", "'bo%'", "= -5", "2024"] {
        assert!(!after.contains(gone), "{gone}: {after}");
    }
    assert!(after.contains("x.code = '") && after.contains("xx%"), "{after}");
    assert_eq!(notes, Vec::<String>::new());
}

fn column(name: &str, type_name: &str, common: &[&str], histogram: &[&str]) -> Column {
    let texts = |v: &[&str]| v.iter().map(|s| (*s).to_owned()).collect();
    let stats = ColumnStats { common_values: texts(common), histogram: texts(histogram), ..ColumnStats::default() };
    Column { name: name.into(), type_name: type_name.into(), stats: Some(stats), ..Column::default() }
}

fn statistics(column: &Column) -> ColumnStatistics {
    let stats = column.stats.clone().unwrap_or_default();
    let slot = |kind, values: Vec<String>| Slot { kind, numbers: None, values: Some(values), ..Slot::default() };
    let slots = vec![slot(Slot::COMMON, stats.common_values), slot(Slot::HISTOGRAM, stats.histogram)];
    ColumnStatistics { schema: "s".into(), relation: "t".into(), column: column.name.clone(), slots, ..ColumnStatistics::default() }
}

/// A table `s.t` with these columns, an index, a query and a session.
fn database(columns: Vec<Column>) -> (Blueprint, Snapshot) {
    let table = TableName::new("s", "t");
    let ddl = "create index i on s.t using btree (code) where (code = 'acme-corp'::text)";
    let mut plan = blueprint(&[(ObjectKind::Index, ddl)]);
    plan.statistics = columns.iter().map(statistics).collect();
    plan.relations = vec![Relation {
        schema: "s".into(),
        name: "i".into(),
        ends: Some(["aaaa-least".into(), "zzzz-greatest".into()]),
        ..Relation::default()
    }];
    let spec = IndexSpec { predicate: Some("(code = 'acme-corp'::text)".into()), ..IndexSpec::btree(table, vec![KeySpec::column("code")]) };
    let index = Index { name: "i".into(), spec, definition: ddl.into(), comment: Some("for acme-corp".into()), ..Index::default() };
    let mut snapshot = Snapshot::default();
    snapshot.catalog.tables = vec![Table { schema: "s".into(), name: "t".into(), columns, ..Table::default() }];
    snapshot.catalog.indexes = vec![index];
    let text = "select * from s.t where code = 'acme-corp' and kind in (123456, 234567) /* hush-hush */";
    let texts = [text.to_owned(), text.replace("acme-corp", "further-corp")];
    snapshot.workload = texts.into_iter().map(|text| Query::new(QuerySource::File, text, &[])).collect();
    crate::read::sql::read_workload(&mut snapshot);
    snapshot.sessions = vec![SessionActivity { application: Some("acme-corp billing".into()), ..SessionActivity::default() }];
    (plan, snapshot)
}

#[test]
fn the_catalog_and_the_blueprint_agree_and_nothing_else_is_lost() {
    let columns = vec![
        column("code", "text", &["acme-corp", "zeta"], &["alpha", "mid", "zz top"]),
        column("tags", "text[]", &["{acme-corp,zeta}"], &["{}", "{alpha,NULL}"]),
        column("data", "jsonb", &["{\"a\": 1}"], &[]),
        column("state", "s.status", &["lost", "open"], &["open", "shipped", "lost"]),
    ];
    let (plan, snapshot) = database(columns);
    let (after, file, report) = redacted(&plan, &snapshot, &Keep::Nothing);
    assert_eq!(after.objects.last().unwrap().ddl, file.catalog.indexes[0].definition);
    let predicate = file.catalog.indexes[0].spec.predicate.clone().unwrap();
    assert!(after.objects.last().unwrap().ddl.ends_with(&predicate) && !predicate.contains("acme"), "{predicate}");
    let stats = |n: usize| file.catalog.tables[0].columns[n].stats.clone().unwrap();
    let acme = stats(0).common_values[0].clone();
    assert!(predicate.contains(&format!("'{acme}'")) && acme.len() == 9);
    assert_eq!(stats(1).common_values, [format!("{{{acme},{}}}", stats(0).common_values[1])]);
    assert!(stats(1).histogram[0] == "{}" && stats(1).histogram[1].ends_with(",NULL}"));
    assert_eq!(stats(2).common_values, Vec::<String>::new());
    assert_eq!(after.statistics[0].slots[0].values.as_ref(), Some(&stats(0).common_values));
    let labels = after.objects[0].ddl.clone();
    assert!(stats(3).histogram.iter().all(|l| labels.contains(l.as_str())), "{labels}");
    let ends = after.relations[0].ends.clone().unwrap();
    assert!(ends[0] < stats(0).histogram[0] && ends[1] > stats(0).histogram[2]);
    assert_eq!(file.workload[0].text, "select * from s.t where code = $1 and kind in ($2)");
    assert!(file.workload[0].shape().is_some_and(|s| s.parameters == 2), "{:?}", file.workload[0].reading);
    assert_eq!((snapshot.workload[0].others.len(), file.workload[0].others.len(), file.workload[0].weight), (1, 0, 2.0));
    let dropped: Vec<&str> = report.dropped.iter().map(|n| n.place.as_str()).collect();
    assert_eq!(dropped, ["statistics of s.t.data"]);
    let json = format!("{}{}", serde_json::to_string(&after).unwrap(), serde_json::to_string(&file).unwrap());
    for gone in ["acme", "zeta", "alpha", "zz top", "hush", "shipped", "least", "123456", "further"] {
        assert!(!json.contains(gone), "{gone}");
    }
    assert_eq!(redacted(&plan, &snapshot, &Keep::Everything).0, plan);
}

#[test]
fn a_kept_table_keeps_its_values_and_no_other_does() {
    let (mut plan, mut snapshot) = database(vec![column("code", "text", &["acme-corp"], &[])]);
    let other = column("region", "text", &["acme-corp"], &[]);
    plan.statistics.push(ColumnStatistics { relation: "parts".into(), ..statistics(&other) });
    snapshot.catalog.tables.push(Table { schema: "s".into(), name: "parts".into(), columns: vec![other], ..Table::default() });
    let view = "create view s.v as SELECT 1 FROM (s.t t JOIN s.parts p ON (true)) WHERE ((t.code = 'acme-corp'::text) AND (p.region = 'acme-corp'::text))";
    plan.objects.push(object(ObjectKind::View, "view s.v", view));
    let (after, file, report) = redacted(&plan, &snapshot, &Keep::Tables(vec![TableName::new("s", "t")]));
    assert_eq!(after.statistics[0], plan.statistics[0]);
    assert_ne!(after.statistics[1], plan.statistics[1]);
    assert_eq!(after.relations, plan.relations);
    assert_eq!(file.catalog.indexes[0].definition, snapshot.catalog.indexes[0].definition);
    assert!(after.objects.last().unwrap().ddl.contains("(t.code = 'acme-corp'::text)"), "{}", after.objects.last().unwrap().ddl);
    assert!(!after.objects.last().unwrap().ddl.contains("p.region = 'acme"));
    // The labels of an enum that the kept table uses are its values.
    assert_eq!(after.objects[0], plan.objects[0]);
    assert_eq!(report.kept_tables, ["s.t"]);
    // A partition's values are its parent's.
    snapshot.catalog.tables[1].partition_of = Some(TableName::new("s", "t"));
    assert_eq!(redacted(&plan, &snapshot, &Keep::Tables(vec![TableName::new("s", "t")])).0.statistics, plan.statistics);
}

#[test]
fn expression_indexes_and_combinations_go_by_their_types() {
    let (mut plan, mut snapshot) = database(vec![column("code", "text", &["acme"], &[]), column("kind", "integer", &["4711"], &[])]);
    let key = KeySpec { expr: KeyExpr::Expression("lower(code)".into()), ..KeySpec::column("x") };
    snapshot.catalog.indexes.push(Index {
        name: "low".into(),
        spec: IndexSpec::btree(TableName::new("s", "t"), vec![key]),
        ..Index::default()
    });
    plan.statistics.push(ColumnStatistics {
        relation: "low".into(),
        column: "lower".into(),
        ..statistics(&column("lower", "", &["acme"], &["bolt"]))
    });
    plan.objects.push(object(ObjectKind::Statistics, "statistics s.x", "CREATE STATISTICS s.x (mcv) ON kind, code FROM s.t"));
    let values = vec![Some("acme".to_owned()), Some("4711".to_owned())];
    let common = vec![CommonCombination { values, frequency: 0.5, base_frequency: 0.1 }];
    plan.extended = vec![ExtendedStatistics { schema: "s".into(), name: "x".into(), common, ..ExtendedStatistics::default() }];
    // Attribute numbers decide the order of dimensions, not the statement.
    (snapshot.catalog.tables[0].columns[0].number, snapshot.catalog.tables[0].columns[1].number) = (2, 5);
    let (after, file, report) = redacted(&plan, &snapshot, &Keep::Nothing);
    let common = |n: usize| file.catalog.tables[0].columns[n].stats.clone().unwrap().common_values[0].clone();
    assert_eq!(after.statistics.last().unwrap().slots[0].values, Some(vec![common(0)]));
    assert_eq!(after.extended[0].common[0].values, [Some(common(0)), Some(common(1))]);
    assert_eq!(report.dropped.len(), 0, "{:?}", report.dropped);
}

/// Distinct values of a type in ascending order.
fn distinct() -> impl Strategy<Value = (&'static str, Vec<String>)> {
    let sorted = |name: &'static str, values: std::collections::BTreeSet<i128>, show: fn(i128) -> String| {
        (name, values.into_iter().map(show).collect::<Vec<String>>())
    };
    let numbers = |range: std::ops::Range<i128>| prop::collection::btree_set(range, 1..60);
    prop_oneof![
        prop::collection::btree_set("[a-zA-Zäöü]{4,12}", 1..60).prop_map(|s| ("text", s.into_iter().collect())),
        numbers(1_000_000..2_000_000_000).prop_map(move |v| sorted("integer", v, |n| n.to_string())),
        numbers(-2_000_000_000_000..2_000_000_000_000).prop_map(move |v| sorted("bigint", v, |n| n.to_string())),
        numbers(10_000_000..1_000_000_000).prop_map(move |v| sorted("numeric(12,2)", v, |n| format!("{}.{:02}", n / 100, n % 100))),
        numbers(-20_000..40_000).prop_map(move |v| sorted("date", v, times::write_date)),
        numbers(0..4_000_000_000_000_000)
            .prop_map(move |v| sorted("timestamp with time zone", v, |n| times::write_timestamp(n, "0 00:00:00.0+00"))),
        numbers(0..i128::MAX).prop_map(move |v| sorted("uuid", v, |n| numbers::Notation::Uuid.write(n, ""))),
        numbers(1_000_000..1_000_000_000_000).prop_map(move |v| sorted("bytea", v, |n| format!("\\x{n:020x}"))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn order_equality_and_width_are_kept_and_no_value_stays((name, values) in distinct(), seed in any::<u64>()) {
        let texts: Vec<&str> = values.iter().map(String::as_str).collect();
        let (mut plan, mut snapshot) = (blueprint(&[]), Snapshot::default());
        let columns = vec![column("one", name, &[], &texts), column("other", name, &[texts[0]], &[])];
        plan.statistics = columns.iter().map(statistics).collect();
        plan.objects.clear();
        snapshot.catalog.tables = vec![Table { schema: "s".into(), name: "t".into(), columns, ..Table::default() }];
        let gathered = collect(&plan, &snapshot, &Keep::Nothing);
        let dictionary = Dictionary::new(&gathered, gathered.texts_by_collation(), seed);
        let report = redact(&mut plan, &mut snapshot, dictionary, &Keep::Nothing);
        prop_assert_eq!(report.dropped.len(), 0);
        let stats = |n: usize| snapshot.catalog.tables[0].columns[n].stats.clone().unwrap();
        let images = stats(0).histogram;
        prop_assert_eq!(&stats(1).common_values[0], &images[0]);
        let kind = kinds::Types::default().read(name);
        match kind.domain() {
            Some(kinds::Domain::Number(notation)) => {
                let read: Vec<i128> = images.iter().map(|i| notation.read(i).unwrap().value).collect();
                prop_assert!(read.windows(2).all(|w| w[0] < w[1]), "{:?}", images);
                if let Some((least, greatest)) = kind.range {
                    prop_assert!(read.iter().all(|v| (least..=greatest).contains(v)));
                }
            }
            _ => prop_assert!(images.windows(2).all(|w| w[0] < w[1])),
        }
        if matches!(name, "text" | "uuid" | "bytea") {
            prop_assert!(values.iter().zip(&images).all(|(v, i)| v.chars().count() == i.chars().count()));
        }
        // Dates and times stay in their place, so one may fall on another real one.
        if !matches!(name, "date" | "timestamp with time zone") {
            let json = format!("{}{}", serde_json::to_string(&plan).unwrap(), serde_json::to_string(&snapshot).unwrap());
            let inside: Vec<&String> = values.iter().filter(|v| json.contains(&format!("\"{}\"", v.replace('\\', "\\\\")))).collect();
            prop_assert!(inside.is_empty(), "{:?} of {:?}", inside, images);
        } else {
            prop_assert!(values.iter().zip(&images).all(|(v, i)| v != i));
        }
    }

    #[test]
    fn no_statement_is_a_panic(ddl in "(create |index |view |on |s\\.t |where |'[a-zäü1-9%]{0,4}'|::|text|numeric\\(1|\\(|\\)|\\[|\\]|array|any |in |=|<|->|~~|-| 12|5\\.5e|,| and | between |E'\\\\|\\$x\\$|for values |from |to |as |code|default |case when |limit ){1,24}") {
        for kind in [ObjectKind::Index, ObjectKind::View, ObjectKind::Inheritance, ObjectKind::Function, ObjectKind::Enum, ObjectKind::Type, ObjectKind::Default, ObjectKind::Statistics, ObjectKind::Table] {
            redacted(&blueprint(&[(kind, &ddl)]), &Snapshot::default(), &Keep::Nothing);
        }
    }

    #[test]
    fn any_literal_gets_another_of_its_length_or_stays_whole(text in any::<String>().prop_filter("text", |t| t.chars().any(char::is_alphanumeric) && !t.contains('\0'))) {
        let ddl = format!("CREATE INDEX i ON s.t USING btree (id) WHERE (code = {}::text)", crate::model::text::quote_literal(&text));
        let (after, _) = one(ObjectKind::Index, &ddl);
        let literal = crate::read::sql::tokens::tokens(&after).into_iter().find(|t| t.kind == crate::read::sql::tokens::Kind::Text).and_then(|t| constants::decoded(t.text));
        prop_assert_eq!(literal.as_ref().map(|l| l.chars().count()), Some(text.chars().count()), "{}", after);
    }
}

#[test]
fn pseudonyms_depend_on_the_seed_alone() {
    let (plan, snapshot) = database(vec![column("code", "text", &["acme", "bolt"], &[])]);
    assert_eq!(redacted(&plan, &snapshot, &Keep::Nothing), redacted(&plan, &snapshot, &Keep::Nothing));
    let values = collect(&plan, &snapshot, &Keep::Nothing);
    let by_seed: BTreeMap<u64, String> = (0..20)
        .map(|seed| {
            let (mut plan, mut snapshot) = (plan.clone(), snapshot.clone());
            redact(&mut plan, &mut snapshot, Dictionary::new(&values, values.texts_by_collation(), seed), &Keep::Nothing);
            (seed, snapshot.catalog.indexes[0].definition.clone())
        })
        .collect();
    assert_eq!(by_seed.values().collect::<std::collections::BTreeSet<_>>().len(), 20);
}

#[test]
fn a_query_is_known_by_the_same_fingerprint_as_before() {
    let texts = [
        "select * from s.t where code = 'acme' and kind in (1, 2, 3) order by 2 limit 5",
        "update s.t set code = $1, day = date '2024-01-01' where id = -5 and at > now() - interval '1 day'",
        "select count(*) filter (where kind is not null), 'x' || code from s.t where code like 'a%' and data ->> 'k' = 'v' group by 2",
        "insert into s.t (id, code) values (1, 'a'), (2, 'b') on conflict do nothing /* hush */",
        "select \"A b\".x from s.t \"A b\" where flag = true and x is null and y = any(array[1,2])",
    ];
    let (plan, mut snapshot) = database(vec![]);
    let query = snapshot.workload[0].clone();
    snapshot.workload = texts.iter().map(|t| Query { text: (*t).to_owned(), others: Vec::new(), ..query.clone() }).collect();
    crate::read::sql::read_workload(&mut snapshot);
    let (_, file, _) = redacted(&plan, &snapshot, &Keep::Nothing);
    let of = |s: &Snapshot| s.workload.iter().map(|q| q.fingerprint.clone()).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(of(&file), of(&snapshot));
    assert_eq!(of(&file).len(), texts.len());
    let understood = |s: &Snapshot| s.workload.iter().filter(|q| q.shape().is_some()).count();
    assert_eq!(understood(&file), understood(&snapshot));
}
