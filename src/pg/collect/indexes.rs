//! Indexes with their definition in comparable form.

use super::catalog::PAGE_BYTES;
use super::reader::Reader;
use crate::model::catalog::Index;
use crate::model::index_def::{IndexSpec, KeyExpr, KeySpec, TableName};
use crate::pg::statements::{INDEX_KEYS, INDEXES};
use std::collections::HashMap;
use tokio_postgres::{Error, Row};

/// One key or INCLUDE column.
enum Part {
    Key(KeySpec),
    Include(String),
    Target(i16, i32),
}

/// Every index, in the order of table and name.
pub(super) async fn read(reader: &mut Reader<'_>, sizes: Option<&HashMap<u32, u64>>) -> Vec<Index> {
    let mut indexes = reader.part(&INDEXES, |row| index(row, sizes)).await.unwrap_or_default();
    let mut parts: HashMap<u32, Vec<Part>> = HashMap::new();
    for (oid, read) in reader.part(&INDEX_KEYS, key).await.unwrap_or_default() {
        parts.entry(oid).or_default().extend(read);
    }
    for index in &mut indexes {
        for part in parts.remove(&index.oid).unwrap_or_default() {
            match part {
                Part::Key(key) => index.spec.keys.push(key),
                Part::Include(column) => index.spec.include.push(column),
                Part::Target(place, target) => index.statistics_targets.push((place, target)),
            }
        }
    }
    // Without keys nothing can be compared: an index dropped between the two reads.
    indexes.retain(|index| !index.spec.keys.is_empty());
    indexes
}

fn index(row: &Row, sizes: Option<&HashMap<u32, u64>>) -> Result<Index, Error> {
    let oid: u32 = row.try_get("oid")?;
    let pages = row.try_get::<_, i64>("pages")?.max(0) as u64;
    Ok(Index {
        oid,
        name: row.try_get("name")?,
        spec: IndexSpec {
            table: TableName { schema: row.try_get("schema")?, name: row.try_get("table_name")? },
            method: row.try_get("method")?,
            unique: row.try_get("is_unique")?,
            keys: Vec::new(),
            include: Vec::new(),
            with: options(row.try_get("options")?),
            predicate: row.try_get("predicate")?,
        },
        definition: row.try_get("definition")?,
        valid: row.try_get("valid")?,
        ready: row.try_get("ready")?,
        live: row.try_get("live")?,
        primary: row.try_get("is_primary")?,
        exclusion: row.try_get("exclusion")?,
        constraint: row.try_get("constraint_name")?,
        needed_by_foreign_key: row.try_get("needed_by_foreign_key")?,
        replica_identity: row.try_get("replica_identity")?,
        clustered: row.try_get("clustered")?,
        partition: row.try_get("partition")?,
        partitioned: row.try_get("partitioned")?,
        size_bytes: sizes.map_or(pages * PAGE_BYTES, |s| s.get(&oid).copied().unwrap_or(0)),
        scans: row.try_get("scans")?,
        owner: row.try_get("owner")?,
        tablespace: row.try_get("tablespace")?,
        comment: row.try_get("comment")?,
        statistics_targets: Vec::new(),
        building: row.try_get("building")?,
    })
}

/// `pages_per_range=32` as name and value; how full a B-tree's pages are filled is no part of what it can do.
fn options(written: Option<Vec<String>>) -> Vec<(String, String)> {
    let pair = |option: &String| option.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    written.iter().flatten().filter_map(pair).filter(|(name, _)| !matches!(name.as_str(), "fillfactor" | "deduplicate_items")).collect()
}

fn key(row: &Row) -> Result<(u32, Vec<Part>), Error> {
    let column: Option<String> = row.try_get("column_name")?;
    let expression: Option<String> = row.try_get("expression")?;
    let mut parts = Vec::new();
    if row.try_get("included")? {
        parts.extend(column.map(Part::Include));
    } else if let Some(expr) = column.map(KeyExpr::Column).or(expression.map(KeyExpr::Expression)) {
        parts.push(Part::Key(KeySpec {
            expr,
            opclass: row.try_get("opclass")?,
            collation: row.try_get("collation")?,
            descending: row.try_get("descending")?,
            nulls_first: row.try_get("nulls_first")?,
        }));
    }
    if let Some(target) = row.try_get::<_, Option<i32>>("statistics_target")? {
        parts.push(Part::Target(row.try_get("place")?, target));
    }
    Ok((row.try_get("index_oid")?, parts))
}
