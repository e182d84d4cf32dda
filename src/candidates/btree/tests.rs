//! What each kind of query gets.

use super::*;
use crate::model::catalog::{Catalog, Column, ColumnStats};
use crate::model::index_def::TableName;
use crate::model::query::Reading;

const ROWS: f64 = 1e6;

/// name:type:distinct values (negative: share of the rows).
fn table(name: &str, columns: &[&str]) -> Table {
    let column = |(n, text): (usize, &&str)| {
        let mut parts = text.split(':');
        let (name, type_name) = (parts.next().unwrap_or_default(), parts.next().unwrap_or("bigint"));
        let n_distinct = parts.next().and_then(|d| d.parse().ok()).unwrap_or(-1.0);
        let text = type_name == "text" || type_name.starts_with("character");
        let stats = ColumnStats { n_distinct, avg_width_bytes: if text { 20.0 } else { 8.0 }, ..ColumnStats::default() };
        Column {
            number: n as i16 + 1,
            name: name.into(),
            type_name: type_name.into(),
            category: if text { "S" } else { "N" }.into(),
            stats: Some(stats),
            ..Column::default()
        }
    };
    let columns = columns.iter().enumerate().map(column).collect();
    Table { schema: "public".into(), name: name.into(), rows: Some(ROWS), columns, ..Table::default() }
}

fn catalog() -> Catalog {
    let mut posts = table(
        "posts",
        &[
            "id",
            "user_id:bigint:5000",
            "kind:text:3",
            "state:text:5",
            "title:text",
            "body:text",
            "deleted_at:timestamp with time zone",
            "created_at:timestamp with time zone",
            "flag:boolean:2",
            "note:text:100",
        ],
    );
    let common = |column: &mut Column, values: &[(&str, f64)], nulls: f64| {
        let stats = column.stats.get_or_insert_default();
        stats.common_values = values.iter().map(|v| v.0.to_owned()).collect();
        stats.common_freqs = values.iter().map(|v| v.1).collect();
        stats.null_frac = nulls;
    };
    common(&mut posts.columns[3], &[("done", 0.9), ("deleted", 0.05), ("pending", 0.03), ("a", 0.01), ("b", 0.01)], 0.0);
    common(&mut posts.columns[6], &[], 0.95);
    common(&mut posts.columns[8], &[("f", 0.97), ("t", 0.03)], 0.0);
    common(&mut posts.columns[9], &[], 0.9);
    posts.columns[5].stats.get_or_insert_default().avg_width_bytes = 900.0;
    let users = table("users", &["id", "handle:text", "email:character varying(80)", "age:integer:80"]);
    let follows = table("follows", &["follower_id:bigint:9000", "followed_id:bigint:9000", "since:timestamp without time zone"]);
    Catalog { tables: vec![posts, users, follows], ..Catalog::default() }
}

/// Everything offered on one table, as `keys|include|predicate` without the quotes of names.
fn offered(sql: &str, on: &str) -> Vec<String> {
    let catalog = catalog();
    let Reading::Understood(shape) = crate::read::sql::read(sql, &catalog, &["public".to_owned()]) else { panic!("{sql}") };
    let table = catalog.table(&TableName::new("public", on)).expect("a table");
    let refs = shape.tables.iter().enumerate().filter(|(_, t)| t.table.name == on).map(|(n, _)| n);
    let specs: Vec<IndexSpec> = refs.flat_map(|r| offers(&shape, r, table, &Taste::of(&catalog, false))).collect();
    specs.iter().map(|s| s.tail_sql().replace(" USING btree ", "").replace('"', "")).collect()
}

#[track_caller]
fn offers_all(sql: &str, on: &str, wanted: &[&str]) {
    let found = offered(sql, on);
    for one in wanted {
        assert!(found.iter().any(|f| f == one), "{sql}\n  wants {one}\n  has {found:#?}");
    }
}

#[track_caller]
fn never(sql: &str, on: &str, part: &str) {
    let found = offered(sql, on);
    assert!(found.iter().all(|f| !f.contains(part)), "{sql}\n  has {part}: {found:#?}");
}

#[test]
fn an_index_covers_by_include_and_by_more_keys() {
    let sql = "select title from posts where user_id = $1 and created_at > $2";
    offers_all(sql, "posts", &["(user_id, created_at) INCLUDE (title)", "(user_id) INCLUDE (title, created_at)"]);
    offers_all("select email from users where age = $1", "users", &["(age) INCLUDE (email)", "(age, email)"]);
    never(sql, "posts", "created_at, title)");
    never("select body from posts where user_id = $1", "posts", "INCLUDE");
    never("select * from posts where user_id = $1", "posts", "INCLUDE");
    never("delete from posts where user_id = $1", "posts", "INCLUDE");
    never("select id from posts where user_id = $1 for update", "posts", "INCLUDE");
}

#[test]
fn an_order_is_offered_once_and_behind_equality() {
    let sql = "select id from posts where user_id = $1 and kind in ($2, $3) order by created_at desc, id limit 20";
    offers_all(sql, "posts", &["(user_id, created_at, id DESC)", "(user_id, kind, created_at, id DESC)", "(created_at, id DESC)"]);
    never(sql, "posts", "created_at DESC");
    offers_all("select id from posts order by note desc nulls last", "posts", &["(note NULLS FIRST)"]);
    offers_all("select distinct on (user_id) * from posts order by user_id, created_at desc", "posts", &["(user_id, created_at DESC)"]);
    offers_all("select distinct kind from posts where user_id = 1", "posts", &["(user_id, kind)"]);
    offers_all("select user_id, count(*) from posts group by user_id", "posts", &["(user_id)"]);
    offers_all("select * from posts where (created_at, id) < ($1, $2) order by created_at desc, id desc", "posts", &["(created_at, id)"]);
    offers_all("select id from posts order by lower(title), id limit 5", "posts", &["((lower(title)), id)"]);
}

#[test]
fn a_filter_that_an_execution_may_leave_out_gets_its_index() {
    offers_all("select * from posts where ($1 is null or user_id = $1) and kind = $2", "posts", &["(user_id)", "(kind, user_id)"]);
    offers_all("select * from posts where ($1::bigint is null or user_id = $1::bigint)", "posts", &["(user_id)"]);
}

#[test]
fn each_arm_of_an_or_and_what_the_arms_have_in_common() {
    offers_all("select * from follows where follower_id = $1 or followed_id = $1", "follows", &["(follower_id)", "(followed_id)"]);
    let sql = "select count(*) from posts p, users u where (p.user_id = u.id and p.state = 'a' and u.age = 3) or (p.user_id = u.id and p.state = 'b' and u.age = 4)";
    offers_all(sql, "posts", &["(user_id)", "(state)", "(user_id) INCLUDE (state)"]);
    offers_all(sql, "users", &["(age)"]);
    offers_all("select * from posts where user_id = 1 or user_id = 2 order by id", "posts", &["(user_id, id)"]);
}

#[test]
fn constants_that_few_rows_have_become_predicates() {
    offers_all("select * from posts where state = 'pending' order by created_at", "posts", &["(created_at) WHERE state = 'pending'"]);
    offers_all(
        "select * from posts where state not in ('done', 'a') and user_id = 4",
        "posts",
        &["(user_id) WHERE state NOT IN ('done', 'a')"],
    );
    offers_all("select * from posts where state <> 'done' and user_id = 4", "posts", &["(user_id) WHERE state <> 'done'"]);
    offers_all(
        "select * from posts where state in ('pending', 'a') and user_id = 4",
        "posts",
        &["(user_id) WHERE state IN ('pending', 'a')"],
    );
    offers_all("select id from posts where flag and user_id = $1", "posts", &["(user_id) WHERE flag", "(user_id) INCLUDE (id) WHERE flag"]);
    offers_all("select * from posts where deleted_at is not null and user_id = $1", "posts", &["(user_id) WHERE deleted_at IS NOT NULL"]);
    offers_all("select * from posts where note = $1", "posts", &["(note) WHERE note IS NOT NULL"]);
    offers_all(
        "select * from posts where state = 'pending' and flag and user_id = $1",
        "posts",
        &["(user_id) WHERE flag AND state = 'pending'", "(user_id) WHERE flag"],
    );
    offers_all("select count(*) from posts where flag", "posts", &["(flag) WHERE flag"]);
    offers_all("select id, user_id from posts where state = 'pending'", "posts", &["(id, user_id) WHERE state = 'pending'"]);
    never("select * from posts where state = 'done' and user_id = 4", "posts", "WHERE");
    never("select * from posts where state = $1 and user_id = $2", "posts", "WHERE");
    never("select * from posts where deleted_at is null and user_id = $2", "posts", "WHERE");
    never("select * from posts where user_id = 5", "posts", "WHERE");
    never("select * from users where age = 5", "users", "WHERE");
}

#[test]
fn the_share_of_a_predicate_comes_from_the_statistics() {
    let catalog = catalog();
    let share = |sql: &str| roles::share_of(sql, &catalog.tables[0]).map(|s| (s * 1000.0).round() / 1000.0);
    assert_eq!(share("\"state\" = 'pending' AND \"flag\""), Some(0.001));
    assert_eq!(share("\"state\" IN ('pending', 'a')"), Some(0.04));
    assert_eq!(share("\"state\" NOT IN ('done')"), Some(0.1));
    assert_eq!(share("\"note\" IS NOT NULL"), Some(0.1));
    assert_eq!(share("\"state\" = 'unheard of'"), Some(0.0));
    assert_eq!(share("f(x) > 1"), None);
}

#[test]
fn a_prefix_is_found_through_the_class_that_sorts_by_bytes() {
    offers_all("select * from users where handle like 'ann%'", "users", &["(handle text_pattern_ops)"]);
    offers_all("select * from users where handle like $1", "users", &["(handle text_pattern_ops)"]);
    offers_all("select * from users where handle like $1 || '%' and age = 3", "users", &["(age, handle text_pattern_ops)"]);
    offers_all("select * from users where email like 'ann%'", "users", &["(email varchar_pattern_ops)"]);
    offers_all("select * from users where lower(email) like 'ann%'", "users", &["((lower(email)) text_pattern_ops)"]);
    offers_all("select * from users where handle ^@ $1", "users", &["(handle text_pattern_ops)"]);
    offers_all("select * from users where starts_with(handle, $1)", "users", &["(handle text_pattern_ops)"]);
    never("select * from users where handle like '%ann'", "users", "handle");
    never("select * from users where handle like '%' || $1 || '%'", "users", "handle");
    never("select * from users where handle ilike 'ann%'", "users", "handle");
}

#[test]
fn expressions_are_keys_as_the_query_writes_them() {
    offers_all("select id from users where lower(handle) = lower($1)", "users", &["((lower(handle)))"]);
    offers_all("select id from users where email::text = 'x'", "users", &["(email)"]);
    offers_all(
        "select id from posts where date_trunc('day', created_at at time zone 'UTC') = $1",
        "posts",
        &["((date_trunc('day', created_at AT TIME ZONE 'UTC')))"],
    );
    never("select id from posts where date_trunc('day', created_at) = $1", "posts", "date_trunc");
    never("select id from posts where created_at::date = $1", "posts", "::");
    offers_all("select id from follows where since::date = $1", "follows", &["((since::DATE))"]);
}

#[test]
fn joins_from_both_sides_and_what_they_imply() {
    let sql = "select u.handle from follows f join users u on u.id = f.followed_id where f.follower_id = $1 order by f.since desc";
    offers_all(sql, "follows", &["(follower_id, since)", "(followed_id, follower_id)", "(follower_id, since) INCLUDE (followed_id)"]);
    offers_all(sql, "users", &["(id)", "(id) INCLUDE (handle)"]);
    offers_all("select 1 from users u join posts p on p.user_id = u.id where u.id = 5 and p.kind = 'a'", "posts", &["(user_id, kind)"]);
    offers_all("select u.id, p.title from users u join posts p on p.user_id = u.id order by u.id", "posts", &["(user_id) INCLUDE (title)"]);
    offers_all("select * from users u where not exists (select 1 from posts p where p.user_id = u.id and p.flag)", "posts", &["(user_id)"]);
}

#[test]
fn a_flag_finds_nothing_in_front() {
    offers_all("select * from posts where flag = true and user_id = $1", "posts", &["(user_id, flag)", "(user_id) WHERE flag"]);
    never("select * from posts where flag = true and user_id = $1", "posts", "(flag, user_id");
    offers_all(
        "select * from posts where user_id = $1 and kind = $2 and lower(title) = $3 order by id",
        "posts",
        &["((lower(title)), user_id, kind, id)"],
    );
}

#[test]
fn many_conditions_make_no_explosion() {
    let one = |n: usize| format!("c{n}");
    let columns: Vec<String> = (0..20).map(one).collect();
    let wide = table("wide", &columns.iter().map(String::as_str).collect::<Vec<_>>());
    let catalog = Catalog { tables: vec![wide], ..Catalog::default() };
    let filter: Vec<String> = (0..20).map(|n| format!("c{n} {} ${}", if n % 3 == 0 { ">" } else { "=" }, n + 1)).collect();
    let sql = format!("select c1 from wide where {} order by c2, c3 desc", filter.join(" and "));
    let Reading::Understood(shape) = crate::read::sql::read(&sql, &catalog, &["public".to_owned()]) else { panic!("{sql}") };
    let found = offers(&shape, 0, &catalog.tables[0], &Taste::of(&catalog, false));
    assert!((20..120).contains(&found.len()), "{}", found.len());
    let arms: Vec<String> = (0..1000).map(|n| format!("(c{} = {n} and c{} = 3)", n % 20, (n + 7) % 20)).collect();
    let sql = format!("select c1 from wide where {}", arms.join(" or "));
    let Reading::Understood(shape) = crate::read::sql::read(&sql, &catalog, &["public".to_owned()]) else { panic!("arms") };
    let found = offers(&shape, 0, &catalog.tables[0], &Taste::of(&catalog, false));
    assert!((2..60).contains(&found.len()), "{}", found.len());
}

#[test]
fn a_unique_key_is_not_written_down_twice() {
    let sql = "select id, age from users where id = $1";
    let offers_with = |unique: &[&str], sql: &str| {
        let mut catalog = catalog();
        let spec = IndexSpec {
            unique: true,
            ..IndexSpec::btree(TableName::new("public", "users"), unique.iter().map(|c| KeySpec::column(*c)).collect())
        };
        catalog.indexes.push(crate::model::catalog::Index { spec, valid: true, ready: true, ..Default::default() });
        let Reading::Understood(shape) = crate::read::sql::read(sql, &catalog, &["public".to_owned()]) else { panic!("{sql}") };
        let n = shape.tables.iter().position(|t| t.table.name == "users").expect("users");
        let taste = |published| Taste::of(&catalog, published);
        let tails = |specs: Vec<IndexSpec>| specs.iter().map(|s| s.tail_sql().replace('"', "")).collect::<Vec<_>>();
        let of = |published| tails(offers(&shape, n, &catalog.tables[1], &taste(published)));
        (of(false), of(true))
    };
    let has = |list: &[String], tail: &str| list.iter().any(|t| t == &format!(" USING btree {tail}"));
    let (ours, published) = offers_with(&["id"], sql);
    assert!(ours.is_empty() && has(&published, "(id) INCLUDE (age)"), "{ours:?} {published:?}");
    assert!(!offers_with(&["id", "age"], sql).0.is_empty(), "half of a key is not unique");
    let many = "select u.age from users u join posts p on p.user_id = u.id where p.kind = 'a'";
    assert!(has(&offers_with(&["id"], many).0, "(id) INCLUDE (age)"), "narrow, and probed by a third of the posts");
    let wide = "select u.age, u.email from users u join posts p on p.user_id = u.id where p.kind = 'a'";
    let more = |t: &String| t.contains(',') || t.contains("INCLUDE");
    assert!(!offers_with(&["id"], wide).0.iter().any(more), "{:?}", offers_with(&["id"], wide).0);
    let few = "select u.age from users u join posts p on p.user_id = u.id where p.id = 5";
    assert!(!has(&offers_with(&["id"], few).0, "(id) INCLUDE (age)"), "one probe");
    let queue = "select email from users where age is null order by id limit 10";
    assert!(has(&offers_with(&["id"], queue).0, "(id) WHERE age IS NULL"), "{:?}", offers_with(&["id"], queue).0);
    let page = "select email from users order by age, id limit 10";
    assert!(has(&offers_with(&["id"], page).0, "(age, id)"), "a unique key behind another is an order");
}

#[test]
fn an_equality_that_all_rows_meet_is_no_key() {
    let mut catalog = catalog();
    catalog.tables[0].columns[2].stats.get_or_insert_default().n_distinct = 1.0;
    let keys = |sql: &str, published: bool| {
        let Reading::Understood(shape) = crate::read::sql::read(sql, &catalog, &["public".to_owned()]) else { panic!("{sql}") };
        let found = offers(&shape, 0, &catalog.tables[0], &Taste::of(&catalog, published));
        found.iter().map(|s| s.tail_sql()).collect::<Vec<_>>().join(";")
    };
    let sql = "select * from posts where kind = $1 and lower(title) = $2";
    assert!(!keys(sql, false).contains("kind") && keys(sql, true).contains("kind"));
    assert!(keys("select * from posts where kind = $1", false).contains("kind"), "alone it is all there is");
}

#[test]
fn only_what_stays_narrow_covers() {
    let narrow = |type_name: &str, category: &str, width: f64, values: &[&str]| {
        let mut catalog = catalog();
        let common_values = values.iter().map(|v| (*v).to_owned()).collect();
        let stats = Some(ColumnStats { avg_width_bytes: width, common_values, ..ColumnStats::default() });
        catalog.tables[1].columns[2] =
            Column { type_name: type_name.into(), category: category.into(), stats, ..catalog.tables[1].columns[2].clone() };
        let Reading::Understood(shape) = crate::read::sql::read("select email from users where age = 1", &catalog, &["public".to_owned()])
        else {
            panic!("a query")
        };
        let found = offers(&shape, 0, &catalog.tables[1], &Taste::of(&catalog, false));
        let has = |tail: &str| found.iter().any(|s| s.tail_sql().ends_with(tail));
        (has(r#"("age") INCLUDE ("email")"#), has(r#"("age", "email")"#))
    };
    assert_eq!(narrow("text", "S", 20.0, &["short"]), (true, false));
    assert_eq!(narrow("text", "S", 20.0, &["short", &"long".repeat(60)]), (false, false));
    assert_eq!(narrow("text", "S", 80.0, &["short"]), (false, false));
    assert_eq!(narrow("jsonb", "U", 20.0, &[]), (false, false));
    assert_eq!(narrow("integer[]", "A", 20.0, &[]), (false, false));
    assert_eq!(narrow("character varying(80)", "S", 20.0, &[]), (true, true));
    assert_eq!(narrow("character varying(80)", "S", 60.0, &[]), (false, true));
    assert_eq!(narrow("character varying(4000)", "S", 20.0, &[]), (true, false));
    assert_eq!(narrow("uuid", "U", 16.0, &[]), (true, true));
}

#[test]
fn what_an_expression_finds_is_not_covered_before_it_is_known() {
    let found = offered("select id, email from users where lower(email) = $1", "users");
    assert!(found.iter().any(|f| f == "((lower(email)))") && !found.iter().any(|f| f.contains("INCLUDE")), "{found:?}");
    offers_all("select id, email from users where email = $1", "users", &["(email) INCLUDE (id)"]);
}

#[test]
fn only_a_literal_is_bold() {
    let catalog = catalog();
    let bold = |predicate: &str| taste::is_bold(predicate, &catalog.tables[0]);
    assert!(bold("\"state\" = 'pending'") && bold("\"flag\" AND \"state\" <> 'done'") && bold("f(x) > 1"));
    assert!(!bold("\"flag\"") && !bold("NOT \"flag\"") && !bold("\"deleted_at\" IS NULL AND \"note\" IS NOT NULL"));
}
