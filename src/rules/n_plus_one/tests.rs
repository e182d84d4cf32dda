//! Labelled workloads: what is an N+1 and what only looks like one.

use crate::model::catalog::{Catalog, Column, ForeignKey, Index, Table};
use crate::model::index_def::{IndexSpec, KeySpec, TableName};
use crate::model::query::{Figures, Query, QuerySource};
use crate::model::snapshot::Snapshot;
use crate::rules::{Thresholds, judge};

fn table(name: &str, columns: &[&str]) -> Table {
    let column = |c: &&str| Column { name: (*c).into(), type_name: "integer".into(), ..Column::default() };
    Table { schema: "public".into(), name: name.into(), rows: Some(1e5), columns: columns.iter().map(column).collect(), ..Table::default() }
}

fn key(oid: u32, table: &str, columns: &[&str]) -> Index {
    let keys = columns.iter().map(|c| KeySpec::column(*c)).collect();
    Index {
        oid,
        name: format!("{table}_pkey"),
        spec: IndexSpec { unique: true, ..IndexSpec::btree(TableName::new("public", table), keys) },
        definition: String::new(),
        valid: true,
        ready: true,
        live: true,
        primary: true,
        exclusion: false,
        constraint: None,
        needed_by_foreign_key: true,
        replica_identity: false,
        clustered: false,
        partition: false,
        partitioned: false,
        size_bytes: 0,
        scans: 1.0,
        owner: "o".into(),
        tablespace: None,
        comment: None,
        statistics_targets: Vec::new(),
        building: false,
    }
}

fn reference(child: &str, column: &str, parent: &str) -> ForeignKey {
    ForeignKey {
        name: format!("{child}_{column}_fkey"),
        child: TableName::new("public", child),
        child_columns: vec![column.into()],
        parent: TableName::new("public", parent),
        parent_columns: vec!["id".into()],
        on_delete: 'a',
    }
}

fn shop() -> Catalog {
    Catalog {
        tables: vec![
            table("customers", &["id", "name"]),
            table("orders", &["id", "customer_id", "placed"]),
            table("order_items", &["id", "order_id", "product_id"]),
            table("products", &["id", "name"]),
            table("sessions", &["token", "customer_id"]),
            table("jobs", &["id", "done"]),
        ],
        indexes: vec![
            key(1, "customers", &["id"]),
            key(2, "orders", &["id"]),
            key(3, "order_items", &["id"]),
            key(4, "products", &["id"]),
            key(5, "sessions", &["token"]),
        ],
        foreign_keys: vec![
            reference("orders", "customer_id", "customers"),
            reference("order_items", "order_id", "orders"),
            reference("order_items", "product_id", "products"),
            reference("sessions", "customer_id", "customers"),
        ],
        ..Catalog::default()
    }
}

/// Texts with calls and rows per call; returns the texts that are found.
fn found_in(catalog: Catalog, workload: &[(&str, f64, f64)]) -> Vec<String> {
    let mut snapshot = Snapshot { catalog, ..Snapshot::default() };
    let query = |&(text, calls, rows): &(&str, f64, f64)| Query {
        figures: Some(Figures { calls, rows: calls * rows, total_ms: calls * 0.01, ..Figures::default() }),
        weight: calls,
        ..Query::new(QuerySource::PgStatStatements, text, &["public".into()])
    };
    snapshot.workload = workload.iter().map(query).collect();
    crate::read::sql::read_workload(&mut snapshot);
    let judgement = judge(&snapshot, &Thresholds::default());
    let pairs = judgement.findings.iter().filter(|f| f.rule == "n-plus-one").filter_map(|f| f.subject.query.as_ref());
    let mut texts: Vec<String> =
        pairs.filter_map(|p| snapshot.workload.iter().find(|q| &q.fingerprint == p)).map(|q| q.text.clone()).collect();
    texts.sort();
    texts
}

const LIST: &str = "select id, customer_id, placed from orders order by placed desc limit $1 offset $2";
const CUSTOMER: &str = "select name from customers where id = $1";
const ITEMS: &str = "select * from order_items where order_id = $1";

#[test]
fn the_measured_shop_gives_its_two_pairs_and_nothing_else() {
    let workload = [
        (LIST, 21.0, 25.0),
        (CUSTOMER, 525.0, 1.0),
        (ITEMS, 525.0, 3.0),
        ("select customer_id from sessions where token = $1", 498.0, 1.0),
        ("select * from products where id = $1", 349.0, 1.0),
        ("select id from jobs where done = $1 limit $2 for update skip locked", 500.0, 0.0),
        ("select id, name from customers where id = any($1)", 44.0, 25.0),
        ("select id, order_id from order_items where order_id = any($1)", 44.0, 75.0),
        ("insert into orders (customer_id) values ($1)", 525.0, 1.0),
        ("select count(*) over (), o.* from orders o join customers c on c.id = o.customer_id limit $1", 20.0, 20.0),
    ];
    assert_eq!(found_in(shop(), &workload), [ITEMS, CUSTOMER]);
}

#[test]
fn a_list_that_also_feeds_the_eager_form_hides_nothing() {
    // 43 lists: 21 loaded customers one by one, 22 in one batch each.
    let workload = [(LIST, 43.0, 25.0), (CUSTOMER, 525.0, 1.0), ("select id, name from customers where id = any($1)", 22.0, 25.0)];
    assert_eq!(found_in(shop(), &workload), [CUSTOMER]);
}

#[test]
fn two_lists_that_cause_the_same_look_up_are_taken_together() {
    let other = "select id, customer_id from orders where placed > $1";
    assert_eq!(found_in(shop(), &[(LIST, 20.0, 20.0), (other, 20.0, 30.0), (CUSTOMER, 1000.0, 1.0)]), [CUSTOMER]);
}

#[test]
fn counts_per_parent_are_found() {
    let count = "select count(*) from order_items where order_id = $1 and product_id > $2";
    assert_eq!(found_in(shop(), &[(LIST, 21.0, 25.0), (count, 525.0, 1.0)]), [count]);
}

#[test]
fn an_undeclared_foreign_key_needs_more_and_is_still_found() {
    let mut catalog = shop();
    catalog.foreign_keys.clear();
    assert_eq!(found_in(catalog.clone(), &[(LIST, 21.0, 25.0), (ITEMS, 525.0, 3.0)]), [ITEMS], "order_id names orders");
    let busy = ("select 1 from jobs where id = $1", 100_000.0, 1.0);
    assert_eq!(found_in(catalog, &[(LIST, 21.0, 25.0), (ITEMS, 525.0, 3.0), busy]), [] as [&str; 0], "a small share of the calls");
}

#[test]
fn one_parent_s_children_do_not_make_its_own_look_up_a_pair() {
    // The page of one customer: the customer once, and the list of its orders.
    let orders = "select id, placed from orders where customer_id = $1";
    assert_eq!(found_in(shop(), &[(orders, 100.0, 3.0), (CUSTOMER, 300.0, 1.0)]), [] as [&str; 0]);
}

#[test]
fn few_calls_and_locks_and_joins_are_no_look_ups() {
    let locked = "select name from customers where id = $1 for update";
    let joined = "select c.name from customers c join orders o on o.customer_id = c.id where c.id = $1";
    let workload = [(LIST, 21.0, 25.0), (locked, 525.0, 1.0), (joined, 525.0, 1.0)];
    assert_eq!(found_in(shop(), &workload), [] as [&str; 0]);
    assert_eq!(found_in(shop(), &[(LIST, 1.0, 40.0), (CUSTOMER, 40.0, 1.0)]), [] as [&str; 0]);
}
