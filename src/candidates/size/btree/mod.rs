//! How large a B-tree would be, from column statistics: the tuples that a build would write, page by page as it fills them.
//!
//! Rows with equal keys share a tuple since PostgreSQL 13 (deduplication), so the size hangs on how many rows each
//! key has: [`cells`] tells that, [`attribute`] how wide a key is.

mod attribute;
mod cells;
mod expression;
mod sampled;
mod together;

use super::rows;
use crate::model::catalog::Table;
use crate::model::index_def::IndexSpec;
use attribute::{Attribute, Values, tuple_bytes};
use cells::{Cell, cells};
use together::Together;

const PAGE: f64 = 8192.0;
/// A size that is this share of another, or more, is near enough to it to be said in one figure.
const NEAR: f64 = 0.9;
/// Free bytes of an empty page beyond its high key's line pointer, as the build counts them.
const FREE: f64 = 8144.0;
const LINE_POINTER: f64 = 4.0;
/// Fill factor of leaf pages, percent, unless the index says otherwise; inner pages have 70.
const FILL: f64 = 90.0;
const INNER_FILL: f64 = 70.0;
/// Largest tuple that holds a list of rows, bytes.
const LIST: f64 = 808.0;
/// A row in such a list, bytes.
const ROW: f64 = 6.0;
/// Where this share of the tuples are full lists, a page is filled by tuples of one size.
const MOSTLY: f64 = 0.8;
/// From this many rows a key on they are taken to be the mean; below, to fall as at random.
const MANY: f64 = 30.0;

/// Estimated size, bytes: within 10 % of the built index where the statistics tell widths and numbers of distinct values. Columns
/// are taken to have nothing to do with each other, so that it is the most where they have; see [`least`]. `None` where the
/// width of a key, or how many rows are alike, is not known.
pub fn bytes(spec: &IndexSpec, table: &Table) -> Option<f64> {
    let attributes: Vec<Attribute> = Attribute::all_of(spec, table)?;
    Some(pages(spec, table, &attributes, Together::Unrelated)? * PAGE)
}

/// The size if all columns follow from one of them, bytes; `None` where that makes less than a tenth of a difference.
pub fn least(spec: &IndexSpec, table: &Table) -> Option<f64> {
    let attributes = Attribute::all_of(spec, table)?;
    let rows = table.rows?;
    let nearly_unique = |a: &Attribute| a.null_frac == 0.0 && a.distinct >= NEAR * rows;
    if !shares(spec, &attributes) || (spec.predicate.is_none() && attributes.iter().any(nearly_unique)) {
        return None;
    }
    let [least, most] = [Together::Related, Together::Unrelated].map(|t| pages(spec, table, &attributes, t));
    least.zip(most).filter(|(least, most)| *least < *most * NEAR).map(|(least, _)| least * PAGE)
}

/// A working figure where [`bytes`] knows none: what is unknown is 16 bytes wide and different in every row.
pub fn assumed(spec: &IndexSpec, table: &Table) -> Option<f64> {
    Some(pages(spec, table, &Attribute::some_of(spec, table), Together::Unrelated)? * PAGE)
}

fn pages(spec: &IndexSpec, table: &Table, attributes: &[Attribute], together: Together) -> Option<f64> {
    let rows = rows(spec, table)?;
    let (keys, shares) = (spec.keys.len(), shares(spec, attributes));
    let fill = spec.with.iter().find(|(name, _)| name == "fillfactor").and_then(|(_, value)| value.parse().ok()).unwrap_or(FILL);
    let cells = cells(spec, table, attributes, rows, shares, together);
    let leaves = cells.iter().map(|cell| leaf_pages(cell, attributes, fill)).sum::<f64>().ceil();
    let separator = tuple_bytes(&attributes[..keys], &vec![Values::Any; keys]).mean;
    // One page tells where the tree begins.
    Some(leaves.max(1.0) + inner_pages(leaves, separator) + 1.0)
}

/// True where rows of equal keys share a tuple.
fn shares(spec: &IndexSpec, attributes: &[Attribute]) -> bool {
    let is_off =
        spec.with.iter().any(|(name, value)| name == "deduplicate_items" && matches!(value.as_str(), "off" | "false" | "0" | "no"));
    !is_off && spec.include.is_empty() && attributes.iter().all(|a| a.deduplicates)
}

/// Leaf pages that the rows of a cell fill.
fn leaf_pages(cell: &Cell, attributes: &[Attribute], fill: f64) -> f64 {
    let tuple = tuple_bytes(attributes, &cell.values);
    if cell.keys >= cell.rows {
        return cell.rows / per_page(tuple.mean, 0.0, fill, tuple.is_even);
    }
    let (mut tuples, mut bytes, mut full) = (0.0, 0.0, 0.0);
    spread(cell.rows, cell.keys, |rows, keys| {
        let lists = lists(rows, tuple.mean);
        tuples += keys * (lists.full + lists.last);
        bytes += keys * lists.bytes;
        full += keys * lists.full;
    });
    if tuples <= 0.0 {
        return 0.0;
    }
    let mean = bytes / tuples;
    tuples / per_page(mean, mean - tuple.mean, fill, full > MOSTLY * tuples)
}

/// Tells how many keys have how many rows. Few rows a key fall at random (a Poisson distribution without the keys that have
/// none), many are near their mean.
fn spread(rows: f64, keys: f64, mut tell: impl FnMut(f64, f64)) {
    let mean = rows / keys;
    if mean >= MANY {
        let whole = mean.floor();
        tell(whole, keys * (whole + 1.0 - mean));
        return tell(whole + 1.0, keys * (mean - whole));
    }
    if mean <= 1.0 + 1e-9 {
        return tell(1.0, keys);
    }
    let rate = rate(mean);
    let mut share = (-rate).exp() / -(-rate).exp_m1();
    let most = (rate + 8.0 * rate.sqrt() + 4.0) as u32;
    for n in 1..=most {
        share *= rate / f64::from(n);
        tell(f64::from(n), keys * share);
    }
}

/// The rate whose mean without the empty ones is `mean`, above 1. By Newton's steps: the curve is convex, so that from the right
/// they never pass the root.
fn rate(mean: f64) -> f64 {
    let mut rate = mean;
    for _ in 0..60 {
        let met = -(-rate).exp_m1();
        let slope = (met - rate * (1.0 - met)) / (met * met);
        let step = (rate / met - mean) / slope;
        rate -= step;
        if step <= rate * 1e-14 {
            break;
        }
    }
    rate
}

/// Tuples for the rows of one key.
struct Lists {
    full: f64,
    /// The rest, if any: 0 or 1.
    last: f64,
    bytes: f64,
}

fn lists(rows: f64, key_bytes: f64) -> Lists {
    let most = ((LIST - key_bytes) / ROW).floor().max(1.0);
    let list = |rows: f64| if rows <= 1.0 { key_bytes } else { align(key_bytes + rows * ROW) };
    let full = (rows / most).floor();
    let rest = rows - full * most;
    let last = if rest > 0.0 { 1.0 } else { 0.0 };
    Lists { full, last, bytes: full * list(most) + last * list(rest) }
}

/// Tuples on a leaf page: the build adds until less than the fill factor leaves is free; the last one begins the next page,
/// and stays as high key without its list (`list` bytes). Of uneven tuples the last one is half over the edge.
fn per_page(tuple: f64, list: f64, fill: f64, is_even: bool) -> f64 {
    let room = FREE - (PAGE * (100.0 - fill) / 100.0).floor();
    let (by_fill, by_room) = ((room + list) / (tuple + LINE_POINTER), (FREE - tuple) / (tuple + LINE_POINTER));
    let tuples = by_fill.min(by_room);
    if is_even { tuples.floor() } else { tuples - 0.5 }.max(1.0)
}

fn inner_pages(leaves: f64, separator: f64) -> f64 {
    let per_page = per_page(separator, 0.0, INNER_FILL, false).max(2.0);
    let (mut level, mut sum) = (leaves, 0.0);
    while level > 1.0 {
        level = (level / per_page).ceil();
        sum += level;
    }
    sum
}

/// To the next multiple of eight.
fn align(bytes: f64) -> f64 {
    (bytes / 8.0).ceil() * 8.0
}

#[cfg(test)]
mod tests;
