//! How wide a value is as a key of GiST and SP-GiST, by its type.

use crate::model::catalog::{Column, Table};
use crate::model::index_def::{KeyExpr, KeySpec};

/// Widths of one value, bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Stored {
    /// In a leaf of a GiST index.
    pub(super) in_gist: f64,
    /// In a leaf of an SP-GiST index.
    pub(super) in_spgist: f64,
    /// It extends: two of them can overlap.
    pub(super) is_span: bool,
    /// It is a range.
    pub(super) is_range: bool,
}

/// A trigram in an array of them, and what the array has in front.
const TRIGRAM: f64 = 3.0;
const TRIGRAMS_HEAD: f64 = 5.0;

/// `None` for a type that we do not know, and for expressions.
pub(super) fn stored(key: &KeySpec, table: &Table) -> Option<Stored> {
    let KeyExpr::Column(name) = &key.expr else { return None };
    let column = table.column(name)?;
    let width = column.stats.as_ref()?.avg_width_bytes;
    let plain = |in_gist: f64, in_spgist: f64| Some(Stored { in_gist, in_spgist, is_span: false, is_range: false });
    if key.opclass.as_deref().is_some_and(|o| o.ends_with("gist_trgm_ops")) {
        // About as many different trigrams as letters.
        return plain(TRIGRAMS_HEAD + TRIGRAM * width, width);
    }
    if column.category == "R" && !column.type_name.ends_with("multirange") {
        // As in the table, less three bytes of a short head.
        let width = width.min(range_width(column).unwrap_or(width));
        return Some(Stored { in_gist: width, in_spgist: width, is_span: true, is_range: true });
    }
    match column.type_name.as_str() {
        "point" => plain(32.0, 16.0),
        "box" => Some(Stored { in_gist: 32.0, in_spgist: 32.0, is_span: true, is_range: false }),
        "circle" | "polygon" => Some(Stored { in_gist: 32.0 + width, in_spgist: 64.0, is_span: true, is_range: false }),
        "inet" | "cidr" => plain(8.0, width),
        // Least and greatest value, of btree_gist.
        "smallint" | "real" | "integer" | "date" | "oid" => plain(8.0, 4.0),
        "bigint" | "double precision" | "money" => plain(16.0, 8.0),
        "uuid" => plain(32.0, 16.0),
        name if name.starts_with("timestamp") || name.starts_with("time ") => plain(16.0, 8.0),
        _ if column.category == "S" => plain(width + 4.0, width),
        _ => None,
    }
}

/// Short head, type, two bounds, flags.
fn range_width(column: &Column) -> Option<f64> {
    match column.type_name.as_str() {
        "int4range" | "daterange" => Some(14.0),
        "int8range" | "tsrange" | "tstzrange" => Some(22.0),
        _ => None,
    }
}
