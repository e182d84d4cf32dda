//! Shapes of real-life statements.

use super::*;
use crate::model::catalog::{Column, Table};
use crate::model::index_def::KeyExpr;
use crate::model::query::{Amount, Op, Rhs, StatementKind};

fn table(schema: &str, name: &str, columns: &[&str]) -> Table {
    let columns = columns.iter().map(|c| Column { name: (*c).into(), ..Column::default() }).collect();
    Table { schema: schema.into(), name: name.into(), columns, ..Table::default() }
}

fn catalog() -> Catalog {
    Catalog {
        tables: vec![
            table("public", "users", &["id", "handle", "created_at", "active"]),
            table("public", "messages", &["id", "conversation_id", "sender_id", "body", "created_at", "read_at"]),
            table("public", "conversations", &["id", "user_id", "updated_at"]),
            table("app", "users", &["id", "name"]),
            table("public", "Mixed", &["Id", "Name"]),
        ],
        ..Catalog::default()
    }
}

fn shape(sql: &str) -> Shape {
    match read(sql, &catalog(), &["public".to_owned()]) {
        Reading::Understood(shape) => shape,
        Reading::Opaque(reason) => panic!("{sql}: {reason}"),
    }
}

fn conditions(sql: &str) -> Vec<String> {
    let shape = shape(sql);
    let one = |c: &crate::model::query::Condition| {
        let key = match &c.key {
            KeyExpr::Column(c) => c.clone(),
            KeyExpr::Expression(e) => format!("({e})"),
        };
        let rhs = match &c.rhs {
            Rhs::Column { table_ref, column } => format!("{}.{column}", shape.tables[*table_ref].alias),
            Rhs::Parameter(n) => format!("${n}"),
            Rhs::Constant(c) => c.clone(),
            other => format!("{other:?}"),
        };
        format!("{key} {:?} {rhs}", c.op)
    };
    shape.tables.iter().flat_map(|t| t.conditions.iter().map(|c| format!("{}: {}", t.alias, one(c))).collect::<Vec<_>>()).collect()
}

#[test]
fn a_look_up_and_a_join() {
    assert_eq!(conditions("select * from users u where lower(u.handle) = lower($1)"), ["u: (lower(handle)) Eq $1"]);
    assert_eq!(
        conditions(
            "select m.body from conversations c join messages m on m.conversation_id = c.id where c.user_id = 5 and m.read_at is null"
        ),
        ["c: id Eq m.conversation_id", "c: user_id Eq 5", "m: conversation_id Eq c.id", "m: read_at IsNull None"]
    );
}

#[test]
fn the_preserved_side_of_an_outer_join_gets_no_condition() {
    assert_eq!(
        conditions("select 1 from conversations c left join messages m on m.conversation_id = c.id and m.read_at is null"),
        ["m: conversation_id Eq c.id", "m: read_at IsNull None"]
    );
}

#[test]
fn is_null_behind_an_outer_join_is_no_condition_of_the_table() {
    let without = "from conversations c left join messages m on m.conversation_id = c.id where m.id is null and c.user_id = 5";
    assert_eq!(conditions(&format!("select c.id {without}")), ["c: user_id Eq 5", "m: conversation_id Eq c.id"]);
}

#[test]
fn a_full_join_that_where_makes_a_left_one_looks_up_the_other_side() {
    assert_eq!(
        conditions("select 1 from conversations c full join messages m on m.conversation_id = c.id where c.id = 5"),
        ["c: id Eq m.conversation_id", "c: id Eq 5", "m: conversation_id Eq c.id"]
    );
}

#[test]
fn order_limit_and_offset() {
    let shape = shape("select id, created_at as t from messages where sender_id = $1 order by t desc, 1 limit $2 offset 500");
    let block = &shape.blocks[0];
    assert_eq!((block.limit, block.offset), (Some(Amount::Parameter(2)), Some(Amount::Literal(500.0))));
    let keys: Vec<_> = block.order.iter().map(|k| (k.key.clone(), k.descending, k.nulls_first)).collect();
    assert_eq!(keys, [(KeyExpr::Column("created_at".into()), true, true), (KeyExpr::Column("id".into()), false, false)]);
    assert_eq!(shape.parameter_uses.len(), 1);
    assert_eq!(shape.parameters, 2);
}

#[test]
fn correlated_subqueries_and_ctes_are_blocks_of_their_own() {
    let sql = "with mine as (select id from conversations where user_id = $1)
               select (select count(*) from messages m where m.conversation_id = mine.id), u.handle
               from mine, users u where exists (select 1 from messages where sender_id = u.id) and u.id in (select user_id from conversations)";
    let found = conditions(sql);
    assert!(found.contains(&"messages: sender_id Eq u.id".to_owned()), "{found:?}");
    assert!(found.contains(&"conversations: user_id Eq u.id".to_owned()), "{found:?}");
    let shape = shape(sql);
    assert!(shape.blocks.iter().any(|b| b.aggregate && b.depth == 1));
    assert!(shape.blocks.iter().any(|b| b.constant_target && b.depth == 1));
}

#[test]
fn names_resolve_by_search_path_and_case() {
    let path = ["app".to_owned(), "public".to_owned()];
    let Reading::Understood(shape) = read("select name from users, \"Mixed\" where \"Id\" = 1", &catalog(), &path) else { panic!() };
    assert_eq!(shape.tables[0].table.schema, "app");
    assert_eq!(shape.tables[1].conditions[0].key, KeyExpr::Column("Id".into()));
    assert!(self::shape("select * from nowhere where x = 1").tables.is_empty());
}

#[test]
fn or_arms_row_comparison_and_any() {
    let sql = "select * from users where (handle = $1 or lower(handle) = $2) and (created_at, id) < ($3, $4) and id = any($5) and active";
    let shape = shape(sql);
    assert_eq!(shape.tables[0].or_arms.len(), 2);
    let ops: Vec<_> = shape.tables[0].conditions.iter().map(|c| c.op.clone()).collect();
    assert_eq!(ops, [Op::Range, Op::Range, Op::In, Op::Eq]);
}

#[test]
fn writes_and_windows() {
    assert_eq!(shape("update messages set read_at = now() where conversation_id = $1").kind, StatementKind::Update);
    assert!(shape("delete from users using conversations c where c.user_id = users.id").tables[0].written);
    assert_eq!(shape("with x as (delete from users where id = 1 returning id) select * from x").kind, StatementKind::Delete);
    assert!(shape("select count(*) over (), id from users limit 5").blocks[0].count_over);
    assert!(!shape("select count(*) over (), id from users limit 5").blocks[0].aggregate);
    assert!(shape("select count(*) from users").blocks[0].aggregate);
    assert_eq!(shape("insert into users (id) values ($1) on conflict (lower(handle)) do nothing").kind, StatementKind::Insert);
}

#[test]
fn texts_of_pg_stat_statements_that_do_not_parse_as_they_are() {
    shape("select * from messages where created_at > now() - interval $1");
    shape("select extract($1 from created_at) from messages");
    shape("select 1 from only \"public\".\"users\" x where \"id\" OPERATOR(pg_catalog.=) $1 for key share of x");
}

#[test]
fn what_explain_takes() {
    assert!(is_plannable("/* x */ (select 1)") && is_plannable("WITH x AS (SELECT 1) SELECT * FROM x"));
    assert!(!is_plannable("create index concurrently i on t (a)") && !is_plannable("") && !is_plannable("-- nothing"));
}

#[test]
fn hopeless_texts_are_opaque_and_nothing_panics() {
    assert!(matches!(read("selec 1", &catalog(), &[]), Reading::Opaque(_)));
    assert!(matches!(read("", &catalog(), &[]), Reading::Opaque(_)));
    assert!(matches!(read("select 1; select 2", &catalog(), &[]), Reading::Opaque(_)));
    let deep = format!("select {}1{}", "(".repeat(5000), ")".repeat(5000));
    assert!(matches!(read(&deep, &catalog(), &[]), Reading::Opaque(_)));
    let long = format!("select 1 from users where {}", vec!["id = 1"; 3000].join(" or "));
    read(&long, &catalog(), &["public".to_owned()]);
}

#[test]
fn a_column_is_traced_through_derived_tables_ctes_and_unions() {
    let has = |sql: &str, wanted: &str| {
        let found = conditions(sql);
        assert!(found.contains(&wanted.to_owned()), "{sql}: {found:?}");
    };
    has("select * from (select id as k, sender_id from messages) d where d.sender_id = 5", "messages: sender_id Eq 5");
    has("select * from (select sender_id as s from messages) d where lower(s) = 'x'", "messages: (lower(sender_id)) Eq 'x'");
    has("with m as (select * from messages) select * from m join users u on u.id = m.sender_id", "messages: sender_id Eq u.id");
    has("with m as (select * from messages) select * from users u join m on u.id = m.sender_id", "u: id Eq messages.sender_id");
    has(
        "select * from (select conversation_id, count(*) as n from messages group by 1) d where conversation_id = $1",
        "messages: conversation_id Eq $1",
    );
    has("select * from users u join (select user_id from conversations) d (uid) on d.uid = u.id", "conversations: user_id Eq u.id");
    has("select * from users u join (select user_id as id from conversations) d using (id)", "conversations: user_id Eq u.id");
    has(
        "select * from (select id, sender_id as who from messages union all select id, user_id from conversations) d where who = 7",
        "conversations: user_id Eq 7",
    );
    has("select * from users u, lateral (select * from messages m where m.sender_id = u.id limit 3) l", "m: sender_id Eq u.id");
    has("select * from users where id in (select d.s from (select sender_id as s from messages) d)", "messages: sender_id Eq users.id");
    has(
        "merge into users u using (select id as i, handle as h from messages m2 join users x on true) s on u.id = s.i when matched then do nothing",
        "u: id Eq m2.id",
    );
}

#[test]
fn what_a_limit_or_a_second_use_hides_is_not_filtered() {
    let none = |sql: &str, table: &str| {
        let shape = shape(sql);
        let found: Vec<_> = shape.tables.iter().filter(|t| t.table.name == table).flat_map(|t| &t.conditions).collect();
        assert!(found.is_empty(), "{sql}: {found:?}");
    };
    none("select * from (select * from messages order by id limit 10) d where sender_id = 5", "messages");
    none("with m as (select * from messages) select * from m a join m b on a.id = b.id where a.sender_id = 3", "messages");
    none("with m as materialized (select * from messages) select * from m where sender_id = 3", "messages");
    none("select * from (select sender_id from messages except select id from users) d where sender_id = 3", "messages");
}

#[test]
fn no_name_goes_to_a_table_that_has_not_the_column() {
    // `handle` is a column of users alone, wherever users stands in the list.
    assert_eq!(
        conditions("select 1 from messages, users where handle = 'x' and sender_id = 3"),
        ["messages: sender_id Eq 3", "users: handle Eq 'x'"]
    );
    // An alias of the subquery is no column of a table.
    assert_eq!(conditions("select 1 from messages, (select 1 as total) d where total = 3"), Vec::<String>::new());
    assert_eq!(conditions("select 1 from messages, (select now() as body) d where d.body = 'x'"), Vec::<String>::new());
    // Names of a derived table hide those of the tables around it.
    assert_eq!(
        conditions("select 1 from users where exists (select 1 from generate_series(1, 3) handle where handle = 3)"),
        Vec::<String>::new()
    );
    // An output alias means the expression behind it.
    let shape = shape("select body as created_at from messages order by created_at");
    assert_eq!(shape.blocks[0].order[0].key, KeyExpr::Column("body".into()));
}

#[test]
fn windows_extremes_and_unions_ask_for_orders() {
    let orders = |sql: &str| -> Vec<String> {
        let shape = shape(sql);
        let one = |k: &crate::model::query::OrderKey| format!("{:?}{}", k.key, if k.descending { " desc" } else { "" });
        shape.blocks.iter().flat_map(|b| &b.orders).map(|o| o.iter().map(one).collect::<Vec<_>>().join(", ")).collect()
    };
    assert_eq!(
        orders("select row_number() over (partition by sender_id order by created_at desc) from messages"),
        ["Column(\"sender_id\"), Column(\"created_at\") desc"]
    );
    assert_eq!(orders("select rank() over w from messages window w as (order by body)"), ["Column(\"body\")"]);
    assert_eq!(orders("select min(created_at), max(m.id) from messages m"), ["Column(\"created_at\")", "Column(\"id\")"]);
    assert_eq!(orders("select sender_id, max(created_at) from messages group by sender_id"), Vec::<String>::new());
    assert_eq!(
        orders("select id, created_at from messages union all select id, updated_at from conversations order by created_at desc limit 5"),
        ["Column(\"created_at\") desc", "Column(\"updated_at\") desc"]
    );
}

#[test]
fn ors_lists_and_what_may_be_left_out() {
    let found = |sql: &str| shape(sql).tables[0].clone();
    let optional = found("select * from messages where ($1::bigint is null or sender_id = $1) and ($2 = '' or body = $2)");
    assert_eq!((optional.optional.len(), optional.conditions.len(), optional.or_arms.len()), (2, 0, 0));
    let listed = found("select * from messages where sender_id = 1 or sender_id = 2");
    assert_eq!((listed.conditions[0].op.clone(), listed.or_arms.len()), (Op::In, 0));
    let common = conditions(
        "select 1 from messages m, users u where (m.sender_id = u.id and u.handle = 'a') or (m.sender_id = u.id and u.handle = 'b')",
    );
    assert_eq!(common, ["m: sender_id Eq u.id", "u: id Eq m.sender_id"]);
    let constant = found("select 1 from messages where (body = 'x' and sender_id = 1) or (body = 'x' and sender_id = 2 and id > 3)");
    assert_eq!(constant.conditions.iter().filter_map(|c| c.predicate.as_deref()).collect::<Vec<_>>(), ["\"body\" = 'x'"]);
    assert!(constant.or_arms.iter().flatten().all(|c| c.predicate.is_none()) && !constant.or_arms.is_empty(), "{:?}", constant.or_arms);
}

#[test]
fn upserts_and_merges_tell_what_they_assign() {
    let assigned = |sql: &str| (shape(sql).tables[0].assigned.join(" "), shape(sql).tables[0].written);
    let upsert = "insert into users as u (id, handle, email) values ($1, $2, $3) on conflict (id) do update \
         set id = excluded.id, handle = excluded.handle, (email) = row(lower(excluded.email)) where u.handle <> excluded.handle";
    assert_eq!(assigned(upsert), ("handle email".to_owned(), true), "the column that they conflict by stays as it is");
    assert_eq!(shape(upsert).kind, StatementKind::Insert);
    assert!(conditions(upsert).is_empty(), "the constraint finds the row");
    assert_eq!(assigned("insert into users (id) values ($1) on conflict do nothing"), (String::new(), true));
    let merge = "merge into users u using messages m on u.id = m.sender_id \
         when matched and m.body = 'x' then update set handle = m.body when not matched then insert (id) values (m.sender_id)";
    assert_eq!(assigned(merge), ("handle".to_owned(), true));
    assert!(shape(merge).tables[1].needed.contains(&"body".to_owned()), "{:?}", shape(merge).tables[1]);
    assert_eq!(assigned("merge into users u using messages m on u.id = m.sender_id when matched then delete").0, "");
}
