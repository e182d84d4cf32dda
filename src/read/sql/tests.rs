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
