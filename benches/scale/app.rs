//! A large application: tables in families, few of them huge; statements of sixteen kinds, few of them frequent.

use advisor::model::query::{Figures, Query, QuerySource};
use advisor::model::snapshot::{Snapshot, Window};
use advisor::model::snapshot_file::SnapshotFile;
use std::collections::BTreeMap;

/// Rows of each table in the server of which the snapshot is taken.
const SAMPLED_ROWS: f64 = 300.0;
/// Rows of the largest table of the large database.
const MOST_ROWS: f64 = 5e6;
/// What the workload's counters cover.
const WINDOW_SECONDS: f64 = 7.0 * 86400.0;

/// The tables, small. What has more than 30 values among the 300 rows is a share of the rows to ANALYZE, and grows with them. Each refers to one of a tenth of its number; one foreign key in three has an index, as have some times.
pub fn schema(tables: usize) -> String {
    format!(
        "do $$ begin
           for n in 0..{last} loop
             execute format('create table t%s (id bigint primary key, parent_id bigint {references}, owner_id int not null, kind int not null,
               status text not null, email text not null, title text not null, amount numeric(10, 2), flagged boolean not null,
               created_at timestamptz not null, updated_at timestamptz not null)', n, n / 10);
             execute format('insert into t%s select g, 1 + g %% 60, (50 * random())::int, (20 * random())::int, (array[''new'', ''open'', ''done'', ''done'', ''done''])[1 + g %% 5],
               md5(g::text) || ''@example.com'', ''title '' || g, g, g %% 50 = 0, now() - g * interval ''1 hour'', now() - random() * interval ''300 hours''
               from generate_series(1, {SAMPLED_ROWS}) g', n);
             if n % 3 = 0 then execute format('create index on t%s (parent_id)', n); end if;
             if n % 7 = 0 then execute format('create index on t%s (created_at)', n); end if;
             if n % 100 = 99 then commit; end if;
           end loop;
         end $$",
        last = tables - 1,
        references = "references t%s",
    )
}

/// Rows of the n-th table in the large database.
fn rows(n: usize, tables: usize) -> f64 {
    // Large and small ones lie mixed: a fixed stride through the ranks.
    let rank = (n * 7919 + 13) % tables;
    (MOST_ROWS / (1.0 + rank as f64).powf(0.9)).max(500.0)
}

/// Gives every relation and every counter the size of the large database.
pub fn grow(file: &mut SnapshotFile, tables: usize) {
    let number =
        |name: &str| name.strip_prefix('t').and_then(|rest| rest.split('_').next()).and_then(|digits| digits.parse::<usize>().ok());
    let factor = |name: &str| number(name).map_or(1.0, |n| rows(n, tables) / SAMPLED_ROWS);
    for relation in &mut file.blueprint.relations {
        let factor = factor(&relation.name);
        relation.rows = (f64::from(relation.rows) * factor) as f32;
        relation.blocks = (relation.blocks as f64 * factor).ceil() as i64;
        relation.pages = relation.blocks as i32;
        relation.visible_pages = (f64::from(relation.visible_pages) * factor) as i32;
        relation.height = None;
    }
    for table in &mut file.snapshot.catalog.tables {
        let factor = factor(&table.name);
        table.rows = table.rows.map(|rows| rows * factor);
        table.size_bytes = (table.size_bytes as f64 * factor) as u64;
    }
    for index in &mut file.snapshot.catalog.indexes {
        index.size_bytes = (index.size_bytes as f64 * factor(&index.spec.table.name)) as u64;
    }
    for table in file.snapshot.catalog.tables.iter_mut().filter_map(|t| t.usage.as_mut()) {
        table.live_rows = 0.0;
    }
    file.snapshot.window = Some(Window { from: "2026-01-01T00:00:00Z".into(), to: "2026-01-08T00:00:00Z".into(), seconds: WINDOW_SECONDS });
    file.snapshot.counted_seconds = Some(WINDOW_SECONDS);
}

/// One statement of each kind; `{t}` is a table, `{p}` its parent. Weight: how much dearer than a look-up.
const KINDS: [&str; 16] = [
    "select * from {t} where id = $1",
    "select id, title, status from {t} where owner_id = $1 order by created_at desc limit $2",
    "select count(*) from {t} where status = $1 and kind = $2",
    "select a.id, a.title, b.title from {t} a join {p} b on b.id = a.parent_id where a.email = $1",
    "select a.* from {t} a join {p} b on b.id = a.parent_id where b.owner_id = $1 and a.status = $2 order by a.updated_at desc limit $3",
    "select status, count(*), sum(amount) from {t} where created_at >= $1 and created_at < $2 group by status",
    "update {t} set updated_at = now(), status = $1 where id = $2",
    "insert into {t} (id, parent_id, owner_id, kind, status, email, title, flagged, created_at, updated_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    "select * from {t} where lower(email) = lower($1)",
    "select id from {t} where flagged and created_at > $1 order by created_at limit $2",
    "select distinct kind from {t} where parent_id = $1",
    "select * from {t} where parent_id = any($1) and status <> $2",
    "delete from {t} where id = $1",
    "select max(created_at) from {t} where owner_id = $1 and kind = $2",
    "select b.id, exists (select 1 from {t} a where a.parent_id = b.id and a.kind = $2) from {p} b where b.email = $1",
    "select * from {t} where kind = $1 and (created_at, id) < ($2, $3) order by created_at desc, id desc limit $4",
];

/// The workload of pg_stat_statements: `size` distinct statements, calls by rank, and the rows that they wrote.
pub fn add_workload(snapshot: &mut Snapshot, size: usize) {
    let tables = size / 10;
    let mut written: BTreeMap<String, [f64; 3]> = BTreeMap::new();
    for n in 0..size {
        let (table, round) = (n % tables, n / tables);
        let kind = (round + 7 * table) % KINDS.len();
        let name = format!("t{table}");
        let text = KINDS[kind].replace("{t}", &name).replace("{p}", &format!("t{}", table / 10));
        // The most frequent is asked three times a second.
        let rank = (n * 7907 + 5) % size;
        let calls = (2e6 / (1.0 + rank as f64).powf(1.1)).max(1.0).floor();
        if let Some(column) = match kind {
            7 => Some(0),
            6 => Some(1),
            12 => Some(2),
            _ => None,
        } {
            written.entry(name).or_default()[column] += calls;
        }
        // What a full scan takes, where no index that exists serves the kind.
        let mean_ms = if [0, 6, 7, 12].contains(&kind) { 0.05 } else { rows(table, tables) / 5000.0 };
        let figures = Figures { calls, total_ms: calls * mean_ms, min_ms: mean_ms, max_ms: mean_ms, rows: calls, ..Figures::default() };
        let query = Query::new(QuerySource::PgStatStatements, text, &["public".to_owned()]);
        snapshot.workload.push(Query { weight: calls, figures: Some(figures), ..query });
    }
    for table in &mut snapshot.catalog.tables {
        if let (Some(usage), Some([inserted, updated, deleted])) = (table.usage.as_mut(), written.get(&table.name)) {
            (usage.inserted_rows, usage.updated_rows, usage.deleted_rows) = (*inserted, *updated, *deleted);
            usage.hot_updated_rows = updated / 2.0;
        }
    }
}
