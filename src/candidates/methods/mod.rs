//! Indexes of other access methods than B-trees, from the operators of a table reference's conditions.
//!
//! ```text
//! classes.rs   which operator class serves which operator on which type
//! search.rs    GIN, GiST and SP-GiST
//! brin.rs      columns in physical order
//! hash.rs      equality on wide values
//! vector.rs    nearest neighbours of pgvector: no trial is possible, the advice is assumed
//! ```

mod brin;
mod classes;
mod hash;
mod search;
pub mod vector;

use crate::model::catalog::{Catalog, Table};
use crate::model::index_def::IndexSpec;
use crate::model::query::Shape;

/// Every index of another method that may serve one table reference of a query.
pub fn offers(shape: &Shape, table_ref: usize, table: &Table, catalog: &Catalog) -> Vec<IndexSpec> {
    let mut all = search::offers(shape, table_ref, table, catalog);
    all.extend(hash::offers(shape, table_ref, table));
    all.extend(brin::offers(shape, table_ref, table));
    all
}

/// An index of `method` over `keys`.
fn spec(table: &Table, method: &str, keys: Vec<crate::model::index_def::KeySpec>) -> IndexSpec {
    IndexSpec { method: method.to_owned(), ..IndexSpec::btree(table.table_name(), keys) }
}
