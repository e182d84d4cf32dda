//! How large an SP-GiST index would be: each row a tuple at the bottom of a tree of choices.

use super::keys;
use super::rows;
use crate::model::catalog::Table;
use crate::model::index_def::IndexSpec;

const PAGE: f64 = 8192.0;
const CAPACITY: f64 = 8152.0;
/// Share of a page that is used, inner pages counted: eight indexes measured on PostgreSQL 15.
const FILL_OF_RANGES: f64 = 0.46;
const FILL_OF_NARROW_RANGES: f64 = 0.7;
const NARROW: f64 = 16.0;
const FILL: f64 = 0.78;

/// Estimated size, bytes; `None` for types whose keys we do not know.
pub fn bytes(spec: &IndexSpec, table: &Table) -> Option<f64> {
    let stored = keys::stored(spec.keys.first()?, table)?;
    let fill = match stored.is_range {
        true if stored.in_spgist > NARROW => FILL_OF_RANGES,
        true => FILL_OF_NARROW_RANGES,
        false => FILL,
    };
    // Header of sixteen bytes, value, line pointer.
    let tuple = 16.0 + (stored.in_spgist / 8.0).ceil() * 8.0 + 4.0;
    // Metapage, root and the page of NULLs.
    Some(((rows(spec, table)? * tuple / (CAPACITY * fill)).ceil() + 3.0) * PAGE)
}
