//! Reads what the server counted, once, and cuts a sample of one entry's table out of it.

use crate::model::catalog::{Catalog, Index, Table};
use crate::model::failure::Failure;
use crate::model::index_def::TableName;
use crate::model::ledger::Entry;
use crate::model::query::{Query, StatementKind};
use crate::model::sample::{Counted, RowCounters, Sample};
use crate::model::snapshot::{Evidence, Snapshot};
use crate::pg::collect::{CollectOptions, collect};
use crate::pg::session::Session;
use crate::read::sql::{normalize::normalize, read_workload};
use std::collections::BTreeMap;
use xxhash_rust::xxh3::xxh3_64;

/// Catalog, workload and counters of one moment.
pub(super) struct Reading {
    pub snapshot: Snapshot,
    /// Every row of pg_stat_statements, before those of one query were put together.
    rows: Vec<Counted>,
}

impl Reading {
    /// Reads them.
    pub async fn take(session: &Session) -> Result<Reading, Failure> {
        let mut snapshot = collect(session, &CollectOptions::default()).await?;
        let rows = snapshot.workload.iter().map(counted).collect();
        read_workload(&mut snapshot);
        Ok(Reading { snapshot, rows })
    }

    /// The queries that name the entry's table, or a partition of it; the most time first.
    pub fn queries<'a>(&'a self, table: &TableName) -> impl Iterator<Item = &'a Query> {
        let family = family(&self.snapshot.catalog, table);
        self.snapshot.workload.iter().filter(move |q| q.shape().is_some_and(|s| s.tables.iter().any(|t| family.contains(&t.table))))
    }

    /// The sample of an entry; `leaves` are the indexes of its partitions, where it has some.
    pub fn sample(&self, entry: &Entry, leaves: &[&Entry]) -> Sample {
        let snapshot = &self.snapshot;
        let named: BTreeMap<&str, bool> = self.queries(&entry.table).map(|q| (q.fingerprint.as_str(), writes(q, &entry.table))).collect();
        let of_table = |row: &&Counted| named.contains_key(row.fingerprint.as_str());
        let one = |row: &Counted| Counted { writes: named.get(row.fingerprint.as_str()).copied().unwrap_or_default(), ..row.clone() };
        let window = snapshot.window.clone().unwrap_or_default();
        Sample {
            // Without pg_stat_statements nobody asked the server for its clock.
            taken_at: if window.to.is_empty() { jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string() } else { window.to },
            counted_since: window.from,
            unreadable: snapshot.gaps.iter().find(|g| g.evidence == Evidence::Workload).map(|g| g.reason.clone()),
            statements: self.rows.iter().filter(of_table).map(one).collect(),
            rows: row_counters(&snapshot.catalog, &entry.table),
            usage_seconds: snapshot.usage_age_seconds,
            index_scans: scans(&snapshot.catalog, entry, leaves),
        }
    }
}

fn counted(query: &Query) -> Counted {
    let figures = query.figures.clone().unwrap_or_default();
    let who = query.role.as_deref().unwrap_or_default();
    Counted {
        row: format!("{:016x}", xxh3_64(format!("{who}\0{}", query.text).as_bytes())),
        fingerprint: normalize(&query.text).fingerprint,
        writes: false,
        calls: figures.calls,
        blocks: figures.shared_hit_blocks + figures.shared_read_blocks,
        total_ms: figures.total_ms,
        rows: figures.rows,
    }
}

fn writes(query: &Query, table: &TableName) -> bool {
    let Some(shape) = query.shape() else { return false };
    shape.kind != StatementKind::Select && shape.tables.iter().any(|t| t.written && t.table == *table)
}

/// A table and its partitions, however deep.
fn family(catalog: &Catalog, table: &TableName) -> Vec<TableName> {
    let mut family = vec![table.clone()];
    let mut at = 0;
    while at < family.len() {
        let below = |t: &&Table| t.partition_of.as_ref() == Some(&family[at]);
        let found: Vec<TableName> = catalog.tables.iter().filter(below).map(Table::table_name).collect();
        family.extend(found);
        at += 1;
    }
    family
}

fn row_counters(catalog: &Catalog, table: &TableName) -> RowCounters {
    let mut sum = RowCounters::default();
    let family = family(catalog, table);
    for usage in family.iter().filter_map(|name| catalog.table(name)?.usage.as_ref()) {
        sum.inserted += usage.inserted_rows;
        sum.updated += usage.updated_rows;
        sum.hot_updated += usage.hot_updated_rows;
        sum.deleted += usage.deleted_rows;
    }
    sum
}

/// The built index, by its OID where it is known: a replacement has been renamed since.
pub(super) fn index_of<'a>(catalog: &'a Catalog, entry: &Entry) -> Option<&'a Index> {
    let by_oid = catalog.indexes.iter().find(|i| entry.index_oid == Some(i.oid));
    by_oid.or_else(|| catalog.indexes.iter().find(|i| i.name == entry.index.name && i.spec.table.schema == entry.index.schema))
}

fn scans(catalog: &Catalog, entry: &Entry, leaves: &[&Entry]) -> Option<f64> {
    if leaves.is_empty() {
        return index_of(catalog, entry).map(|i| i.scans);
    }
    Some(leaves.iter().filter_map(|leaf| index_of(catalog, leaf)).map(|i| i.scans).sum())
}
