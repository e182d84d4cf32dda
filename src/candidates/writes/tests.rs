use super::*;
use crate::model::catalog::{Catalog, Column, ColumnStats, TableUsage};
use crate::model::index_def::{KeySpec, TableName};
use crate::model::query::{Figures, Query, QuerySource};
use crate::model::snapshot::{Server, Snapshot, Window};

const HOUR: f64 = 3600.0;

fn table(usage: Option<TableUsage>) -> Table {
    let column = |(n, name): (i16, &str)| {
        let common = if name == "status" { (vec!["t".to_owned()], vec![0.02]) } else { Default::default() };
        let stats = ColumnStats {
            n_distinct: -1.0,
            avg_width_bytes: 8.0,
            correlation: Some(if name == "id" { 1.0 } else { 0.0 }),
            common_values: common.0,
            common_freqs: common.1,
            ..ColumnStats::default()
        };
        Column { number: n, name: name.into(), type_name: "bigint".into(), stats: Some(stats), ..Column::default() }
    };
    let columns = [(1, "id"), (2, "user_id"), (3, "kind"), (4, "seen"), (5, "status")].map(column).to_vec();
    Table { schema: "public".into(), name: "t".into(), rows: Some(1e6), columns, usage, ..Table::default() }
}

fn index(name: &str, column: &str) -> Index {
    Index { name: name.into(), spec: spec(column), valid: true, ready: true, live: true, size_bytes: 22_000_000, ..Index::default() }
}

fn spec(column: &str) -> IndexSpec {
    IndexSpec::btree(TableName::new("public", "t"), vec![KeySpec::column(column)])
}

/// A table with an index on id; each statement wrote so many rows in an hour, of which the counters know three times the length.
fn snapshot(statements: &[(&str, f64)], usage: Option<TableUsage>) -> Snapshot {
    let catalog = Catalog { tables: vec![table(usage)], indexes: vec![index("t_pkey", "id")], ..Catalog::default() };
    let query = |(sql, rows): &(&str, f64)| Query {
        figures: Some(Figures { calls: rows.min(1000.0).max(rows / 10.0), rows: *rows, ..Figures::default() }),
        reading: crate::read::sql::read(sql, &catalog, &["public".to_owned()]),
        ..Query::new(QuerySource::PgStatStatements, *sql, &[])
    };
    let workload = statements.iter().map(query).collect();
    let window = Some(Window { seconds: HOUR, ..Window::default() });
    Snapshot { workload, window, counted_seconds: Some(3.0 * HOUR), catalog, ..Snapshot::default() }
}

fn cost(snapshot: &Snapshot, spec: &IndexSpec) -> Writes {
    Load::of(snapshot).of_candidate(spec, &snapshot.catalog.tables[0], Some(22e6), 0.0)
}

#[test]
fn an_update_of_the_column_ends_hot_and_writes_in_every_index() {
    let snapshot = snapshot(&[("insert into t values (1)", 100.0), ("update t set kind = 2 where id = 1", 50.0)], None);
    let kind = cost(&snapshot, &spec("kind"));
    assert_eq!((kind.entries, kind.hot_lost), (150.0, 50.0));
    assert_eq!(kind.entries_per_second, Some(200.0 / HOUR), "the index on id is written too");
    let user = cost(&snapshot, &spec("user_id"));
    assert_eq!((user.entries, user.hot_lost), (100.0, 0.0), "the updates stay HOT");
    assert!(kind.cost > user.cost * 1.5);
}

#[test]
fn an_update_that_is_not_hot_anyway_writes_in_the_new_index_too() {
    let snapshot = snapshot(&[("update t set id = 2 where id = 1", 60.0)], None);
    assert_eq!((cost(&snapshot, &spec("kind")).entries, cost(&snapshot, &spec("kind")).hot_lost), (60.0, 0.0));
    let both = cost(&snapshot, &IndexSpec { include: vec!["id".into()], ..spec("kind") });
    assert_eq!(both.hot_lost, 0.0, "what was not HOT cannot be lost");
}

#[test]
fn half_of_an_upserts_rows_are_taken_for_updates() {
    let sql = "insert into t (id, kind) values (1, 2) on conflict (id) do update set kind = excluded.kind";
    let upserts = snapshot(&[(sql, 100.0)], None);
    let (kind, user) = (cost(&upserts, &spec("kind")), cost(&upserts, &spec("user_id")));
    assert_eq!((kind.entries, kind.hot_lost), (100.0, 50.0));
    assert_eq!((user.entries, user.hot_lost), (50.0, 0.0), "found rows are updated without a new entry");
    // The table's counters know of more updates: three hours of 1,200 are 400 in the window.
    let usage = TableUsage { updated_rows: 1200.0, hot_updated_rows: 1200.0, live_rows: 1e6, ..TableUsage::default() };
    let counted = snapshot(&[(sql, 100.0)], Some(usage));
    assert!((cost(&counted, &spec("kind")).hot_lost - 400.0).abs() < 1e-6, "{:?}", cost(&counted, &spec("kind")));
}

#[test]
fn brin_spares_hot_since_16_and_costs_next_to_nothing() {
    let mut snapshot = snapshot(&[("update t set seen = 2 where id = 1", 1000.0)], None);
    let brin = IndexSpec { method: "brin".into(), ..spec("seen") };
    snapshot.server = Some(Server { version_num: 150_004, ..Server::default() });
    assert_eq!(cost(&snapshot, &brin).hot_lost, 1000.0);
    snapshot.server = Some(Server { version_num: 160_004, ..Server::default() });
    let cheap = cost(&snapshot, &brin);
    assert_eq!((cheap.hot_lost, cheap.entries), (0.0, 0.0));
    assert!(cheap.cost * 10.0 < cost(&snapshot, &spec("seen")).cost);
}

#[test]
fn counters_tell_what_no_statement_does_and_how_much_is_hot() {
    let usage = TableUsage {
        inserted_rows: 3000.0,
        deleted_rows: 3000.0,
        updated_rows: 600.0,
        hot_updated_rows: 300.0,
        live_rows: 1e6,
        ..TableUsage::default()
    };
    let counted = snapshot(&[("insert into t values (1)", 100.0), ("update t set seen = 2 where id = 1", 100.0)], Some(usage.clone()));
    // A third of the counters' time is the window: 1000 inserts, 200 updates, 100 of them HOT.
    let kind = cost(&counted, &spec("kind"));
    assert!((kind.entries - 1100.0).abs() < 1e-6 && kind.hot_lost == 0.0, "{kind:?}");
    let seen = cost(&counted, &spec("seen"));
    assert!((seen.entries - 1200.0).abs() < 1e-6 && (seen.hot_lost - 100.0).abs() < 1e-6, "{seen:?}");
    // Filled while the counters counted: only what the statements tell.
    let filled = snapshot(&[("insert into t values (1)", 100.0)], Some(TableUsage { inserted_rows: 1e6, ..TableUsage::default() }));
    assert_eq!(cost(&filled, &spec("kind")).entries, 100.0);
    // Queries from files stand for no length of time: nothing can be said per second, and counters do not count.
    let files = Snapshot { window: None, ..counted };
    let written = cost(&files, &spec("kind"));
    assert_eq!((written.entries, written.entries_per_second, written.wal_bytes_per_second), (100.0, None, None));
}

#[test]
fn a_partial_index_pays_for_its_own_rows_and_for_those_that_pass_through() {
    let partial = IndexSpec { predicate: Some("\"status\"".into()), ..spec("user_id") };
    let quiet = snapshot(&[("insert into t values (1)", 1000.0)], None);
    assert_eq!(cost(&quiet, &partial).entries, 20.0);
    let queue = snapshot(&[("insert into t values (1)", 1000.0), ("update t set status = false where id = 1", 1000.0)], None);
    let passing = cost(&queue, &partial);
    assert_eq!((passing.entries, passing.hot_lost), (1020.0, 1000.0), "each row goes in and comes out, and no update is HOT");
}

#[test]
fn updates_that_no_statement_tells_of_may_move_rows_out_of_a_partial_index() {
    let partial = IndexSpec { predicate: Some("\"status\"".into()), ..spec("user_id") };
    let usage = |updated: f64| TableUsage { updated_rows: updated, hot_updated_rows: updated, live_rows: 1e6, ..TableUsage::default() };
    let entries = |updated: f64| cost(&snapshot(&[("insert into t values (1)", 1000.0)], Some(usage(updated))), &partial).entries;
    assert_eq!((entries(0.0), entries(3000.0).round()), (20.0, 1000.0), "a third of the counters' time is the window");
}

#[test]
fn dropping_an_index_saves_its_entries_and_brings_hot_back() {
    let mut snapshot = snapshot(&[("insert into t values (1)", 100.0), ("update t set seen = 2 where id = 1", 50.0)], None);
    snapshot.catalog.indexes.push(index("t_seen", "seen"));
    let saved = |snapshot: &Snapshot| Load::of(snapshot).of_index(&snapshot.catalog.indexes[1], &snapshot.catalog.tables[0]);
    assert_eq!((saved(&snapshot).entries, saved(&snapshot).hot_lost), (150.0, 50.0));
    snapshot.catalog.indexes.push(index("t_seen_too", "seen"));
    assert_eq!((saved(&snapshot).entries, saved(&snapshot).hot_lost), (150.0, 0.0), "the other one prevents it still");
}

#[test]
fn page_images_are_paid_where_few_entries_meet_many_pages() {
    let rare = snapshot(&[("insert into t values (1)", 1200.0)], None);
    let wal = |snapshot: &Snapshot, column: &str| {
        let writes = cost(snapshot, &spec(column));
        writes.wal_bytes_per_second.unwrap_or_default() / writes.entries_per_second.unwrap_or(1.0)
    };
    // A hundred random entries between two checkpoints, each on a page of its own; those in order share one.
    assert!(wal(&rare, "kind") > 6000.0, "{}", wal(&rare, "kind"));
    assert!(wal(&rare, "id") < 200.0, "{}", wal(&rare, "id"));
    let often = snapshot(&[("insert into t values (1)", 12_000_000.0)], None);
    assert!(wal(&often, "kind") < 200.0, "{}", wal(&often, "kind"));
}

#[test]
fn a_load_that_filled_the_table_is_no_write_rate() {
    let mut loaded = snapshot(&[("insert into t select g from generate_series(1, 1000000) g", 1e6)], None);
    for query in &mut loaded.workload {
        query.figures.as_mut().expect("figures").calls = 1.0;
    }
    assert_eq!(cost(&loaded, &spec("kind")).entries, 0.0);
    loaded.workload[0].figures.as_mut().expect("figures").calls = 1e6;
    assert_eq!(cost(&loaded, &spec("kind")).entries, 1e6, "one at a time");
}

#[test]
fn a_name_inside_another_is_not_mentioned() {
    assert!(mentions("lower(id)", "id") && !mentions("paid IS NULL", "id") && mentions("\"a b\" > 1", "a b"));
}

#[test]
fn words_are_plain() {
    let writes = Writes { cost: 3.0, entries: 15_120.0, hot_lost: 0.0, entries_per_second: Some(4.2), wal_bytes_per_second: Some(1100.0) };
    assert_eq!(in_words(&writes, 100.0), "writes 4.2 entries/s, 1.1 kB/s of WAL, 3 % of what it saves");
    let files = Writes { hot_lost: 12.0, entries_per_second: None, wal_bytes_per_second: None, ..writes };
    assert_eq!(in_words(&files, 0.1), "writes 15,120 entries, 12 updates are HOT no more and write in every index, 30 times what it saves");
    assert_eq!(in_words(&Writes::default(), 1.0), "nothing is written to it");
}
