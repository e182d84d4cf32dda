//! What one index entry costs, measured.
//!
//! PostgreSQL 15, everything cached, best of three runs: 150,000 rows added to a table of 150,000, with one
//! index less the same with none. A planner unit took 3 µs there (scans, look-ups and nested loops between
//! 2.7 and 3.1; grouping 6.2; sorting 1.7), so 2.1 µs for a random bigint are 0.7 units.
//!
//! | index | µs | WAL bytes |
//! |---|---|---|
//! | B-tree, bigint, random / ascending / 1000 values | 2.1 / 1.3 / 1.1 | 77 / 83 / 69 |
//! | B-tree, 32 characters, random | 3.3 | 133 |
//! | hash, bigint | 1.3 | 92 |
//! | BRIN | 0.4 | 0 |
//! | GIN, 3 elements / jsonb_ops, 6 items / jsonb_path_ops, 3 / 34 trigrams | 1.2–5.3 / 6.1 / 4.1 / 22 | 211 / 390 / 327 / 1367 |
//! | GIN, tsvector of 20 words | 15 | 1270 |
//! | GiST, range / trigrams / inet / point | 16 / 17 / 7.5 / 4.5 | 106 / 340 / 90 / 160 |
//! | SP-GiST, range / point / text | 50 / 3.3 / 2.7 | 90 / 124 / 150 |
//!
//! With a B-tree of 5,700 pages 20,000 random entries after a checkpoint wrote 39 MB of page images, 7 kB
//! for each page touched; 100,000 dead entries cost VACUUM 1.1 µs each.

use crate::model::catalog::{Column, Table};
use crate::model::index_def::IndexSpec;

/// Bytes of one page image: 8 kB less its empty part.
pub(super) const IMAGE_BYTES: f64 = 7000.0;
/// A page image, planner units: one page written to the WAL and one written back by the checkpoint, each as a sequential page.
pub(super) const IMAGE_UNITS: f64 = 2.0;
/// Taking a dead entry out, planner units.
pub(super) const DEAD_UNITS: f64 = 0.3;

/// |correlation| from which keys arrive in order, at one end of the index.
const ASCENDING: f64 = 0.9;
/// Width of a key without statistics, bytes.
const UNKNOWN_WIDTH: f64 = 16.0;
const PAGE: f64 = 8192.0;

/// Method, part of the type's name, planner units, WAL bytes.
const TREES: [(&str, &str, f64, f64); 5] = [
    ("gist", "range", 5.5, 106.0),
    ("gist", "inet", 2.5, 90.0),
    ("gist", "point", 1.5, 160.0),
    ("spgist", "range", 16.0, 90.0),
    ("spgist", "", 1.1, 140.0),
];

/// Of one entry.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Price {
    /// Planner units.
    pub(super) units: f64,
    /// WAL without page images, bytes.
    pub(super) wal_bytes: f64,
    /// Entries that go to the same page one after the other.
    neighbours: f64,
}

impl Price {
    /// An entry in some other index of the table: a B-tree as a rule, on a narrow key.
    pub(super) const OTHER: Price = Price { units: 0.7, wal_bytes: 77.0, neighbours: 1.0 };

    pub(super) fn of(spec: &IndexSpec, table: &Table) -> Price {
        let columns = || spec.keys.iter().map(|k| k.column_name().and_then(|c| table.column(c)));
        let include = spec.include.iter().map(|c| table.column(c));
        let width: f64 = columns().chain(include).map(width).sum();
        let first = columns().next().flatten();
        let random = |units: f64, wal_bytes: f64| Price { units, wal_bytes, neighbours: 1.0 };
        match spec.method.as_str() {
            "btree" if is_ascending(first) => {
                Price { units: 0.45 + 0.015 * (width - 8.0).max(0.0), wal_bytes: 67.0 + 2.0 * width, neighbours: PAGE / (width + 20.0) }
            }
            "btree" => random(0.7 + 0.015 * (width - 8.0).max(0.0), 61.0 + 2.0 * width),
            "hash" => random(0.42, 92.0),
            "brin" => Price { units: 0.13, wal_bytes: 0.0, neighbours: f64::INFINITY },
            "gin" => {
                let items = items(spec, first);
                random(0.23 * items + 0.6, 60.0 + 40.0 * items)
            }
            method => {
                let type_name = first.map_or("", |c| c.type_name.as_str());
                let known = TREES.iter().find(|(m, part, ..)| *m == method && type_name.contains(part));
                known.map_or(random(5.5, 100.0 + 4.0 * width), |(_, _, units, wal_bytes)| random(*units, *wal_bytes))
            }
        }
    }

    /// True for BRIN, which notes the least and greatest value of a range of blocks.
    pub(super) fn summarizes(&self) -> bool {
        self.neighbours.is_infinite()
    }

    /// Page images per entry, when `entries` are written between two checkpoints to an index of `size_bytes`.
    pub(super) fn image_share(&self, entries: f64, size_bytes: f64) -> f64 {
        if entries <= 0.0 || self.summarizes() {
            return 0.0;
        }
        let pages = (size_bytes / PAGE).max(1.0);
        let spots = entries / self.neighbours;
        // Pages that are hit at all when the spots fall at random.
        let touched = pages * (1.0 - (-spots / pages).exp());
        (touched / entries).min(1.0)
    }
}

fn width(column: Option<&Column>) -> f64 {
    column.and_then(|c| c.stats.as_ref()).map_or(UNKNOWN_WIDTH, |s| s.avg_width_bytes * (1.0 - s.null_frac))
}

fn is_ascending(column: Option<&Column>) -> bool {
    column.and_then(|c| c.stats.as_ref()).and_then(|s| s.correlation).is_some_and(|c| c.abs() >= ASCENDING)
}

/// Entries that one row makes in a GIN index: words, elements, items of a document.
fn items(spec: &IndexSpec, column: Option<&Column>) -> f64 {
    let width = width(column);
    match spec.keys.first().and_then(|k| k.opclass.as_deref()).unwrap_or_default() {
        opclass if opclass.ends_with("gin_trgm_ops") => width + 1.0,
        "jsonb_path_ops" => width / 16.0,
        // Eight bytes an element, a document's key or value; a word with its place takes nine.
        _ => column.and_then(|c| c.stats.as_ref()?.elements_per_row).unwrap_or(width / 8.0),
    }
    .max(1.0)
}
