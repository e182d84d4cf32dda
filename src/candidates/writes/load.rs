//! How much is written to each table: the server's own counters, told apart by the workload's statements.

use super::{holds, share};
use crate::model::catalog::{Catalog, Index, Table, TableUsage};
use crate::model::index_def::TableName;
use crate::model::query::{Query, StatementKind};
use crate::model::snapshot::Snapshot;
use std::collections::{BTreeMap, BTreeSet};

/// First major in which an update of a column with a BRIN index can be HOT.
const BRIN_SPARES_HOT: u32 = 16;
/// A table whose growth while the counters counted is this share of its rows was filled in that time.
const FILLED: f64 = 0.9;
/// An INSERT of so many rows at a time is a load…
const BULK: f64 = 1000.0;
/// …and fills the table where they are this share of its rows.
const MOST: f64 = 0.5;

/// What is written in the window that the workload's figures cover.
#[derive(Debug, Default)]
pub struct Load {
    tables: BTreeMap<TableName, TableLoad>,
    /// Length of the window; `None` where it is not known (queries from files).
    pub(super) seconds: Option<f64>,
    /// True where a BRIN index on an updated column prevents HOT.
    pub(super) brin_blocks_hot: bool,
}

/// Rows per window.
#[derive(Debug, Default)]
pub(super) struct TableLoad {
    pub(super) inserted: f64,
    pub(super) deleted: f64,
    pub(super) updates: Vec<Update>,
    /// Indexes of the table, a partial one counting as its share of the rows.
    pub(super) indexes: f64,
    /// How many indexes prevent HOT, by column.
    pub(super) blocking: BTreeMap<String, usize>,
}

/// Updates that assign the same columns.
#[derive(Debug, Default, Clone)]
pub(super) struct Update {
    /// Columns; empty where no statement tells.
    pub(super) assigned: BTreeSet<String>,
    pub(super) rows: f64,
    /// Of these HOT today.
    pub(super) hot: f64,
    /// It assigns a column that an index has: where such an update is HOT it wrote the value that was there.
    pub(super) rewrites: bool,
}

/// What the statements of the workload write to one table.
#[derive(Default)]
struct Told {
    inserted: f64,
    deleted: f64,
    updated: BTreeMap<BTreeSet<String>, f64>,
}

impl Load {
    /// Reads it from counters and workload.
    pub fn of(snapshot: &Snapshot) -> Load {
        let (catalog, window) = (&snapshot.catalog, snapshot.window.as_ref().map(|w| w.seconds));
        // The counters say how often in the time that they count; without a window nobody knows for how long the workload stands.
        let scale = window.zip(snapshot.counted_seconds).filter(|(_, counted)| *counted > 0.0).map(|(w, counted)| w / counted);
        let brin_blocks_hot = snapshot.server.as_ref().is_none_or(|s| s.major() < BRIN_SPARES_HOT);
        let mut told = told(catalog, &snapshot.workload);
        let counted = counted(catalog);
        let mut load = Load { tables: BTreeMap::new(), seconds: window, brin_blocks_hot };
        for table in &catalog.tables {
            let name = table.table_name();
            let usage = counted.get(&name).zip(scale).map(|(usage, scale)| scaled(usage, scale));
            let (told, indexes) = (told.remove(&name).unwrap_or_default(), catalog.indexes_of(&name));
            load.tables.insert(name.clone(), table_load(told, usage, table, indexes, brin_blocks_hot));
        }
        load
    }

    pub(super) fn table(&self, name: &TableName) -> Option<&TableLoad> {
        self.tables.get(name)
    }
}

/// The table and the partitioned tables above it.
fn with_parents<'c>(catalog: &'c Catalog, name: &TableName) -> impl Iterator<Item = &'c Table> {
    std::iter::successors(catalog.table(name), |t| catalog.table(t.partition_of.as_ref()?))
}

/// Rows that the statements say they write. What goes to a partition goes to its parents' indexes too.
fn told(catalog: &Catalog, workload: &[Query]) -> BTreeMap<TableName, Told> {
    let mut tables: BTreeMap<TableName, Told> = BTreeMap::new();
    for query in workload {
        let Some(shape) = query.shape() else { continue };
        let filled = |table: &TableName| shape.kind == StatementKind::Insert && fills(query, catalog.table(table));
        for target in shape.tables.iter().filter(|t| t.written && !filled(&t.table)) {
            let rows = written_rows(query, shape.kind);
            for table in with_parents(catalog, &target.table) {
                let told = tables.entry(table.table_name()).or_default();
                match shape.kind {
                    _ if !target.assigned.is_empty() => {
                        let share = update_share(shape.kind);
                        *told.updated.entry(target.assigned.iter().cloned().collect()).or_default() += rows * share;
                        told.inserted += rows * (1.0 - share);
                    }
                    StatementKind::Delete => told.deleted += rows,
                    _ => told.inserted += rows,
                }
            }
        }
    }
    tables
}

/// True for an INSERT that brought most of the table's rows at one stroke or a few: that is done once, whatever else is written.
fn fills(query: &Query, table: Option<&Table>) -> bool {
    let Some((figures, rows)) = query.figures.as_ref().zip(table.and_then(|t| t.rows)) else { return false };
    figures.rows_per_call() >= BULK && figures.rows >= rows * MOST
}

/// Share of the rows that a statement which assigns columns updates. How many rows an upsert finds is counted nowhere by
/// statement: half is assumed; where the table's own counters know of more updates or inserts than that, they are believed.
fn update_share(kind: StatementKind) -> f64 {
    if matches!(kind, StatementKind::Insert | StatementKind::Merge) { 0.5 } else { 1.0 }
}

/// Rows of all executions: counted, or expected by the plan.
fn written_rows(query: &Query, kind: StatementKind) -> f64 {
    let writes = matches!(kind, StatementKind::Insert | StatementKind::Update | StatementKind::Delete | StatementKind::Merge);
    match &query.figures {
        Some(figures) if writes => figures.rows,
        Some(figures) => figures.calls,
        None => query.weight * query.plan().and_then(|p| p.root.children.first()?.plan_rows).unwrap_or(1.0).max(1.0),
    }
}

/// Counters of each table; a partitioned one has those of its partitions.
fn counted(catalog: &Catalog) -> BTreeMap<TableName, TableUsage> {
    let mut all: BTreeMap<TableName, TableUsage> = BTreeMap::new();
    for table in &catalog.tables {
        let Some(usage) = &table.usage else { continue };
        for member in with_parents(catalog, &table.table_name()) {
            let sum = all.entry(member.table_name()).or_default();
            sum.inserted_rows += usage.inserted_rows;
            sum.updated_rows += usage.updated_rows;
            sum.hot_updated_rows += usage.hot_updated_rows;
            sum.deleted_rows += usage.deleted_rows;
            sum.live_rows += usage.live_rows;
        }
    }
    all
}

/// Counters per window. What filled the table is left out where it was filled while they counted: that is done once.
fn scaled(usage: &TableUsage, scale: f64) -> TableUsage {
    let grown = usage.inserted_rows - usage.deleted_rows;
    let once = if grown >= FILLED * usage.live_rows { grown.max(0.0) } else { 0.0 };
    TableUsage {
        inserted_rows: (usage.inserted_rows - once) * scale,
        updated_rows: usage.updated_rows * scale,
        hot_updated_rows: usage.hot_updated_rows * scale,
        deleted_rows: usage.deleted_rows * scale,
        ..TableUsage::default()
    }
}

/// The larger of what the statements tell and the counters count: triggers, functions and COPY are told by no statement.
fn table_load<'c>(
    told: Told,
    usage: Option<TableUsage>,
    table: &Table,
    indexes: impl Iterator<Item = &'c Index>,
    brin_blocks_hot: bool,
) -> TableLoad {
    let mut load = TableLoad { inserted: told.inserted, deleted: told.deleted, ..TableLoad::default() };
    for index in indexes.filter(|i| i.live) {
        load.indexes += share(&index.spec, table);
        if index.spec.method != "brin" || brin_blocks_hot {
            for column in table.columns.iter().filter(|c| holds(&index.spec, &c.name)) {
                *load.blocking.entry(column.name.clone()).or_default() += 1;
            }
        }
    }
    let explained: f64 = told.updated.values().sum();
    let counted = usage.as_ref().map_or(explained, |u| u.updated_rows).max(explained);
    let more = if explained > 0.0 { counted / explained } else { 1.0 };
    let update = |(assigned, rows): (BTreeSet<String>, f64)| {
        let rewrites = assigned.iter().any(|c| load.blocking.contains_key(c));
        Update { assigned, rows: rows * more, hot: 0.0, rewrites }
    };
    load.updates = told.updated.into_iter().map(update).collect();
    if explained == 0.0 && counted > 0.0 {
        load.updates.push(Update { rows: counted, ..Update::default() });
    }
    if let Some(usage) = &usage {
        load.inserted = load.inserted.max(usage.inserted_rows);
        load.deleted = load.deleted.max(usage.deleted_rows);
    }
    let share_hot = usage.filter(|u| u.updated_rows > 0.0).map(|u| (u.hot_updated_rows / u.updated_rows).clamp(0.0, 1.0));
    spread_hot(&mut load.updates, share_hot);
    load
}

/// Which updates are HOT: those that assign no indexed column first, then those that evidently assign one its old value.
/// Where nobody counted, all of the first and none of the others.
fn spread_hot(updates: &mut [Update], share: Option<f64>) {
    let sum = |updates: &[Update], rewrites: bool| updates.iter().filter(|u| u.rewrites == rewrites).map(|u| u.rows).sum::<f64>();
    let (free, bound) = (sum(updates, false), sum(updates, true));
    let hot = share.map_or(free, |share| share * (free + bound));
    for update in updates {
        let (hot, of) = if update.rewrites { ((hot - free).max(0.0), bound) } else { (hot.min(free), free) };
        update.hot = if of > 0.0 { update.rows * (hot / of) } else { 0.0 };
    }
}
