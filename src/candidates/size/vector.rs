//! How large an index of pgvector would be: it holds every vector, and HNSW the neighbours of each. By the
//! layout of its source (0.5 to 0.8); no index was built to measure it.

use super::rows;
use crate::model::catalog::Table;
use crate::model::index_def::IndexSpec;

const PAGE: f64 = 8192.0;
const CAPACITY: f64 = 8160.0;
/// Of an HNSW element: kind, level, ten row addresses, the way to its neighbours.
const ELEMENT_HEAD: f64 = 72.0;

/// Estimated size, bytes; `None` where the dimensions are not known.
pub fn bytes(spec: &IndexSpec, table: &Table) -> Option<f64> {
    let column = spec.keys.first()?.column_name().and_then(|c| table.column(c))?;
    let stats = column.stats.as_ref()?;
    let rows = rows(spec, table)? * (1.0 - stats.null_frac);
    // A vector beyond two kilobytes is stored out of line: its width in the statistics is then no longer its own.
    let vector = dimensions(&column.type_name).map_or(stats.avg_width_bytes, |n| 8.0 + n * width_of_dimension(&column.type_name));
    let option = |name: &str| spec.with.iter().find(|(n, _)| n == name).and_then(|(_, v)| v.parse::<f64>().ok());
    let pages = if spec.method == "hnsw" {
        let m = option("m").unwrap_or(16.0);
        // Two m neighbours at the bottom, m on each level above, six bytes each.
        let neighbours = 4.0 + 6.0 * m * (2.0 + 1.0 / (m - 1.0).max(1.0));
        rows / (CAPACITY / (padded(ELEMENT_HEAD + vector) + padded(neighbours) + 8.0)).floor().max(1.0)
    } else {
        let per_page = (CAPACITY / (padded(8.0 + vector) + 4.0)).floor().max(1.0);
        let lists = option("lists").unwrap_or(100.0);
        // Each list begins a page of its own.
        rows / per_page + lists / 2.0 + (lists / per_page).ceil()
    };
    Some((pages.ceil() + 1.0) * PAGE)
}

/// n of `vector(n)`.
pub(in crate::candidates) fn dimensions(type_name: &str) -> Option<f64> {
    type_name.split_once('(')?.1.strip_suffix(')')?.parse().ok()
}

/// halfvec has two bytes a dimension, bit an eighth.
fn width_of_dimension(type_name: &str) -> f64 {
    if type_name.contains("halfvec") {
        2.0
    } else if type_name.starts_with("bit") {
        0.125
    } else {
        4.0
    }
}

fn padded(bytes: f64) -> f64 {
    (bytes / 8.0).ceil() * 8.0
}
