//! How large an index would be, from the statistics.

mod brin;
mod btree;
mod elements;
pub mod gin;
mod gist;
mod hash;
mod keys;
pub mod published;
mod spgist;
pub mod vector;

use super::btree::roles::share_of;
use crate::model::catalog::Table;
use crate::model::index_def::IndexSpec;

/// An empty index has a page at least, bytes.
const PAGE: f64 = 8192.0;

/// Estimated size, bytes; `None` where there is no basis for an estimate: an unknown number of rows, or
/// an access method whose size depends on more than the statistics say.
pub fn bytes(spec: &IndexSpec, table: &Table) -> Option<f64> {
    match spec.method.as_str() {
        "btree" => btree::bytes(spec, table),
        "gin" => gin::bytes(spec, table),
        "gist" => gist::bytes(spec, table),
        "spgist" => spgist::bytes(spec, table),
        "brin" => brin::bytes(spec, table),
        "hash" => hash::bytes(spec, table),
        "hnsw" | "ivfflat" => vector::bytes(spec, table),
        _ => None,
    }
}

/// The least it would be, bytes, where [`bytes()`] is the most and the truth may be more than a tenth below it: the statistics do
/// not tell how far the columns of a B-tree, and those of its predicate, follow from each other, or how many rows meet a predicate.
pub fn least(spec: &IndexSpec, table: &Table) -> Option<f64> {
    if spec.predicate.as_deref().is_some_and(|p| share_of(p, table).is_none()) {
        return bytes(spec, table).map(|_| PAGE);
    }
    (spec.method == "btree" && (spec.keys.len() > 1 || spec.predicate.is_some())).then(|| btree::least(spec, table))?
}

/// A working figure for planning with the index where its size is not known: never to be shown.
pub fn assumed(spec: &IndexSpec, table: &Table) -> Option<f64> {
    bytes(spec, table).or_else(|| (spec.method == "btree").then(|| btree::assumed(spec, table))?)
}

/// Rows in the index: a partial one holds those of its predicate alone.
pub fn rows(spec: &IndexSpec, table: &Table) -> Option<f64> {
    Some(table.rows? * spec.predicate.as_deref().and_then(|p| share_of(p, table)).unwrap_or(1.0))
}
