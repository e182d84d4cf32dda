//! Where the things that EXPLAIN prints of a node belong, for both formats. A label not listed
//! here goes into `extra`, so nothing is lost.

use crate::model::plan::{Buffers, PlanNode};

/// What a printed zero means.
#[derive(Clone, Copy, PartialEq)]
enum Zero {
    /// A figure like any other.
    Figure,
    /// Nothing happened: JSON prints it, text leaves the line out.
    Absent,
}

type Number = (&'static str, Zero, fn(&mut PlanNode) -> &mut Option<f64>);

/// Numbers by label. Where text and JSON differ both are listed.
const NUMBERS: &[Number] = &[
    ("Rows Removed by Filter", Zero::Absent, |n| &mut n.rows_removed_by_filter),
    ("Rows Removed by Join Filter", Zero::Absent, |n| &mut n.rows_removed_by_join_filter),
    ("Rows Removed by Index Recheck", Zero::Absent, |n| &mut n.rows_removed_by_index_recheck),
    ("Batches", Zero::Absent, |n| &mut n.hash_batches),
    ("Hash Batches", Zero::Absent, |n| &mut n.hash_batches),
    ("HashAgg Batches", Zero::Absent, |n| &mut n.hash_batches),
    ("Disk Usage", Zero::Absent, |n| &mut n.disk_usage_kb),
    ("Memory Usage", Zero::Absent, |n| &mut n.memory_kb),
    ("Peak Memory Usage", Zero::Absent, |n| &mut n.memory_kb),
    ("Heap Fetches", Zero::Figure, |n| &mut n.heap_fetches),
    ("Exact Heap Blocks", Zero::Absent, |n| &mut n.exact_heap_blocks),
    ("Lossy Heap Blocks", Zero::Absent, |n| &mut n.lossy_heap_blocks),
    ("Workers Planned", Zero::Figure, |n| &mut n.workers_planned),
    ("Workers Launched", Zero::Figure, |n| &mut n.workers_launched),
    ("Sort Space Used", Zero::Figure, |n| &mut n.sort_space_kb),
];

/// Labels of text for which JSON has another name.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("Buckets", "Hash Buckets"),
    ("Hits", "Cache Hits"),
    ("Misses", "Cache Misses"),
    ("Evictions", "Cache Evictions"),
    ("Overflows", "Cache Overflows"),
];

type BlockField = (&'static str, &'static str, &'static str, fn(&mut Buffers) -> &mut f64);

/// Buffer counters: JSON's name, then text's group and key.
const BLOCKS: &[BlockField] = &[
    ("Shared Hit Blocks", "shared", "hit", |b| &mut b.shared_hit_blocks),
    ("Shared Read Blocks", "shared", "read", |b| &mut b.shared_read_blocks),
    ("Shared Dirtied Blocks", "shared", "dirtied", |b| &mut b.shared_dirtied_blocks),
    ("Shared Written Blocks", "shared", "written", |b| &mut b.shared_written_blocks),
    ("Temp Read Blocks", "temp", "read", |b| &mut b.temp_read_blocks),
    ("Temp Written Blocks", "temp", "written", |b| &mut b.temp_written_blocks),
];

/// A number as EXPLAIN prints it; `inf` and `NaN`, which Rust would take, are none.
pub(super) fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|n: &f64| n.is_finite())
}

/// True for labels whose value is an SQL expression.
pub(super) fn is_condition(label: &str) -> bool {
    !label.starts_with("Rows Removed")
        && (label.ends_with("Cond") || label.ends_with("Filter") || matches!(label, "Order By" | "Run Condition"))
}

/// True for labels whose value is a list of keys.
pub(super) fn is_key_list(label: &str) -> bool {
    matches!(label, "Sort Key" | "Presorted Key" | "Group Key")
}

/// Stores a list of keys. GROUPING SETS print several under one label: the later ones are kept aside.
pub(super) fn put_keys(node: &mut PlanNode, label: &str, keys: Vec<String>) {
    match key_list(node, label) {
        Some(list) if list.is_empty() => *list = keys,
        _ => put_extra(node, label, &keys.join(", ")),
    }
}

fn key_list<'a>(node: &'a mut PlanNode, label: &str) -> Option<&'a mut Vec<String>> {
    match label {
        "Sort Key" => Some(&mut node.sort_keys),
        "Presorted Key" => Some(&mut node.presorted_keys),
        "Group Key" => Some(&mut node.group_keys),
        _ => None,
    }
}

/// Stores a number under its label; false when the label is not one of a number.
pub(super) fn put_number(node: &mut PlanNode, label: &str, value: f64) -> bool {
    let Some((_, zero, field)) = NUMBERS.iter().find(|(name, ..)| *name == label) else { return false };
    if value != 0.0 || *zero == Zero::Figure {
        *field(node) = Some(value);
    }
    true
}

/// Keeps what has no field of its own, under JSON's name for it. Repeated labels are joined.
pub(super) fn put_extra(node: &mut PlanNode, label: &str, value: &str) {
    let label = OTHER_NAMES.iter().find(|(text, _)| *text == label).map_or(label, |(_, json)| json);
    let slot = node.extra.entry(label.to_owned()).or_default();
    if !slot.is_empty() {
        slot.push_str("; ");
    }
    slot.push_str(value);
}

/// One buffer counter by JSON's name; false when it is not one.
pub(super) fn put_blocks(node: &mut PlanNode, label: &str, value: f64) -> bool {
    let Some((.., field)) = BLOCKS.iter().find(|(name, ..)| *name == label) else { return false };
    if value != 0.0 {
        *field(node.buffers.get_or_insert_default()) = value;
    }
    true
}

/// The text line `shared hit=1 read=2, temp written=3`; false when something in it is unknown.
pub(super) fn put_buffers_line(node: &mut PlanNode, value: &str) {
    for group in value.split(',') {
        let mut words = group.split_whitespace();
        let name = words.next().unwrap_or_default();
        for (key, count) in words.filter_map(|w| w.split_once('=')) {
            let Some(count) = number(count) else { continue };
            match BLOCKS.iter().find(|(_, g, k, _)| *g == name && *k == key) {
                Some((.., field)) => *field(node.buffers.get_or_insert_default()) = count,
                None => put_extra(node, &format!("{name} {key} blocks"), &count.to_string()),
            }
        }
    }
}
