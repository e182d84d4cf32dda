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

/// A working figure for planning with the index where its size is not known: never to be shown.
pub fn assumed(spec: &IndexSpec, table: &Table) -> Option<f64> {
    bytes(spec, table).or_else(|| (spec.method == "btree").then(|| btree::assumed(spec, table))?)
}

/// Rows in the index: a partial one holds those of its predicate alone.
pub fn rows(spec: &IndexSpec, table: &Table) -> Option<f64> {
    Some(table.rows? * spec.predicate.as_deref().and_then(|p| share_of(p, table)).unwrap_or(1.0))
}
