//! How large a GIN index would be: its entries and the rows of each, laid out on pages as a fresh build
//! does it. Layout and fill were measured on PostgreSQL 15.

use super::elements::{self, Group};
use super::rows;
use crate::model::blueprint::GinCounters;
use crate::model::catalog::Table;
use crate::model::index_def::IndexSpec;

/// Page size, bytes.
const PAGE: f64 = 8192.0;
/// What a page of the entry tree holds, bytes.
const ENTRY_PAGE: f64 = 8152.0;
/// Entries come in the order of their keys, and a full page is split in halves.
const FILL: f64 = 0.52;
/// Where the build's memory does not hold all entries, later rounds fill the halves.
const FILL_OF_ROUNDS: f64 = 0.63;
/// maintenance_work_mem, bytes, and what the build takes of it for an entry and for a row of one.
const MEMORY: f64 = 64.0 * 1024.0 * 1024.0;
const MEMORY_OF_ENTRY: f64 = 150.0;
const MEMORY_OF_ROW: f64 = 9.0;
/// Rows of an entry stand beside it up to this, in a tree of their own beyond, bytes.
const LONGEST_LIST: f64 = 2712.0;
/// What a leaf of such a tree holds, in segments of about 256 bytes, bytes.
const LIST_PAGE: f64 = 7650.0;
/// Pages below an inner page of the entry tree, and below one of a tree of rows.
const ENTRY_FANOUT: f64 = 180.0;
const LIST_FANOUT: f64 = 800.0;

/// Estimated size, bytes; `None` where the statistics have no values and no elements to go by.
pub fn bytes(spec: &IndexSpec, table: &Table) -> Option<f64> {
    Some(f64::from(counters(spec, table)?.total_pages) * PAGE)
}

/// The counters of its first page, by which the planner charges a search.
pub fn counters(spec: &IndexSpec, table: &Table) -> Option<GinCounters> {
    let rows = rows(spec, table)?;
    let heap_pages = (table.size_bytes as f64 / PAGE).max(1.0);
    let column_number = if spec.keys.len() > 1 { 2.0 } else { 0.0 };
    let mut groups = Vec::new();
    for key in &spec.keys {
        let of_key = elements::groups(key, table, rows)?.into_iter();
        groups.extend(of_key.map(|g| Group { key_bytes: g.key_bytes + column_number, ..g }));
    }
    Some(pages(&groups, heap_pages))
}

fn pages(groups: &[Group], heap_pages: f64) -> GinCounters {
    let (mut entry_bytes, mut data_pages, mut entries, mut memory) = (0.0, 0.0, 0.0, 0.0);
    for group in groups {
        let list = list_bytes(group.rows_each, heap_pages);
        let in_tree = list > LONGEST_LIST;
        // Tuple header, key, then what follows the padded key, and a line pointer.
        let tuple = aligned(8.0 + group.key_bytes);
        entry_bytes += group.entries * (aligned(tuple + if in_tree { 0.0 } else { list }) + 4.0);
        if in_tree {
            let leaves = (list / LIST_PAGE).ceil();
            let inner = if leaves > 1.0 { (leaves / LIST_FANOUT).ceil() } else { 0.0 };
            data_pages += group.entries * (leaves + inner);
        }
        entries += group.entries;
        memory += group.entries * (MEMORY_OF_ENTRY + MEMORY_OF_ROW * group.rows_each);
    }
    let fill = if memory > MEMORY { FILL_OF_ROUNDS } else { FILL };
    let leaves = (entry_bytes / (ENTRY_PAGE * fill)).ceil().max(1.0);
    let entry_pages = leaves + if leaves > 1.0 { (leaves / ENTRY_FANOUT).ceil() } else { 0.0 };
    GinCounters {
        pending_pages: 0,
        total_pages: (1.0 + entry_pages + data_pages) as u32,
        entry_pages: entry_pages as u32,
        data_pages: data_pages as u32,
        entries: entries as i64,
    }
}

/// The addresses of `rows` rows spread over the table: the first whole, the others by their distance, seven bits a byte.
fn list_bytes(rows: f64, heap_pages: f64) -> f64 {
    let rows = rows.max(1.0);
    let on_page = rows / heap_pages;
    // Pages that have none are skipped; the distance of two pages is 2048.
    let empty = (-on_page).exp();
    let same_page = 1.0 - (1.0 - empty) / on_page;
    let near = 1.0 - empty.powf(8.0);
    let middle = 1.0 - empty.powf(1024.0);
    let apart = 2.0 * near + 3.0 * (middle - near) + 4.0 * (1.0 - middle);
    let each = same_page + (1.0 - same_page) * apart;
    let segments = (rows * each / 248.0).ceil().max(1.0);
    8.0 * segments + (rows - segments).max(0.0) * each
}

fn aligned(bytes: f64) -> f64 {
    (bytes / 8.0).ceil() * 8.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(entries: f64, rows_each: f64, key_bytes: f64) -> Group {
        Group { entries, rows_each, key_bytes }
    }

    /// Entry pages, data pages and all pages as pageinspect shows them of indexes built on 300,000 rows on 17,369 pages.
    #[test]
    fn pages_of_indexes_really_built() {
        // 11 tags and one on all rows, 997 on 300 rows each, 100,000 on three neighbours.
        let tags = [group(11.0, 27_273.0, 4.0), group(1.0, 3e5, 7.0), group(997.0, 301.0, 5.0), group(1e5, 3.0, 7.0)];
        // Numbers: three on a third of the rows, 1,000 on 304, 76,777 on 3.86.
        let numbers = [group(3.0, 1e5, 4.0), group(1000.0, 304.0, 4.0), group(76_777.0, 3.86, 4.0)];
        for (groups, real) in [(&tags[..], 1201.0), (&numbers[..], 1055.0)] {
            let guess = f64::from(pages(groups, 17_369.0).total_pages);
            assert!((guess / real - 1.0).abs() < 0.1, "{guess} for {real}");
        }
    }
}
