//! The height of a B-tree that holds nothing: the planner charges each descent by it, and reads it
//! from the index's first page. An empty index says 0, so we write the pages of a tree as high as
//! the real one, with a leaf at its bottom: the planner may also look for the least and greatest
//! value. It finds the two that we put there; in an empty leaf it finds none and takes the histogram.
//!
//! The layout is that of version 4 (PostgreSQL 12 and later), little- or big-endian as this machine.

/// Block size, bytes.
pub(super) const BLOCK: usize = 8192;
/// Size of a page header.
const HEADER: usize = 24;
/// Size of a B-tree page's special space.
const SPECIAL: usize = 16;
/// A row's address in an inner tuple, aligned.
const ADDRESS_BYTES: f64 = 8.0;
/// Page flags: leaf, root.
const LEAF: u16 = 1;
const ROOT: u16 = 2;
/// A tuple's size field: eight bytes, a pivot tuple without key.
const PIVOT_BYTES: usize = 8;
/// INDEX_ALT_TID_MASK: the tuple's offset field counts its keys (none).
const ALTERNATIVE_TID: u16 = 0x2000;
/// INDEX_NULL_MASK and INDEX_VAR_MASK.
const HAS_NULLS: u16 = 0x8000;
const HAS_VARIABLE: u16 = 0x4000;

/// Where the metapage keeps the root's block and level, then the fast root's; behind magic and version.
const META_ROOT: usize = HEADER + 8;

/// Levels above the leaves of a tree with `leaf_pages`, whose inner tuples are `key_bytes` wide:
/// an inner page is filled to 70 %.
pub(super) fn height(leaf_pages: f64, key_bytes: f64) -> u32 {
    let fanout = ((BLOCK - HEADER - SPECIAL) as f64 * 0.7 / (8.0 + key_bytes + 4.0)).floor().max(2.0);
    let mut level = 0;
    let mut pages = leaf_pages;
    while pages > 1.0 && level < 10 {
        pages = (pages / fanout).ceil();
        level += 1;
    }
    level
}

/// Average width of what an inner tuple keeps of a key, given each column's width and distinct
/// values (as pg_stats says it: below 0 a share of `rows`). It keeps no more columns than tell two
/// neighbours apart, and where all of them do not, the row's address.
pub(super) fn pivot_bytes(keys: impl Iterator<Item = (f64, f64)>, rows: f64) -> f64 {
    let rows = rows.max(1.0);
    let (mut bytes, mut distinct) = (0.0, 1.0f64);
    for (width, values) in keys {
        let alike = 1.0 - distinct / rows;
        bytes += if bytes > 0.0 { alike * width } else { width };
        distinct = (distinct * if values < 0.0 { -values * rows } else { values.max(1.0) }).min(rows);
    }
    (bytes / 8.0).ceil() * 8.0 + (1.0 - distinct / rows) * ADDRESS_BYTES
}

/// The two tuples of a leaf: least and greatest value of the leading column, as a row keeps them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Leaf<'a> {
    /// In the index's own order.
    pub(super) values: [&'a [u8]; 2],
    /// The type's values differ in length.
    pub(super) variable: bool,
    /// Columns of the index, INCLUDE among them: those behind the first are NULL.
    pub(super) columns: i16,
}

/// The first blocks of an index file of this height: the server's own metapage with the root
/// changed, a leaf, and the root, which points down to it however many levels there are: nothing
/// compares a page's level with that of the page above. `None` when the metapage is not one.
pub(super) fn pages(metapage: &[u8], height: u32, leaf: Option<&Leaf<'_>>) -> Option<Vec<u8>> {
    let mut file = metapage.get(..BLOCK)?.to_vec();
    if file[HEADER..HEADER + 4] != 0x0005_3162_u32.to_ne_bytes() {
        return None;
    }
    let root = if height == 0 { 1u32 } else { 2 };
    for (n, value) in [root, height, root, height].into_iter().enumerate() {
        file[META_ROOT + 4 * n..META_ROOT + 4 * n + 4].copy_from_slice(&value.to_ne_bytes());
    }
    let tuples: Vec<Vec<u8>> = match leaf {
        Some(leaf) => (1..).zip(leaf.values).map(|(row, value)| leaf_tuple(value, leaf, row)).collect(),
        None => Vec::new(),
    };
    file.extend(page(0, if height == 0 { LEAF | ROOT } else { LEAF }, &tuples)?);
    if height > 0 {
        // t_tid: block in two halves, then the offset (number of keys: 0); t_info: size and the mark.
        let down = [0, 1, 0, PIVOT_BYTES as u16 | ALTERNATIVE_TID];
        file.extend(page(height, ROOT, &[down.iter().flat_map(|half| half.to_ne_bytes()).collect()])?);
    }
    Some(file)
}

/// A tuple of a leaf, for row `row` of the table's first block.
fn leaf_tuple(value: &[u8], leaf: &Leaf<'_>, row: u16) -> Vec<u8> {
    // Where there are NULLs a bit per column follows the head, set for those that are not; then the next multiple of eight.
    let nulls = leaf.columns > 1;
    let start = if nulls { 16 } else { 8 };
    let size = (start + value.len()).next_multiple_of(8);
    let info = size as u16 | if nulls { HAS_NULLS } else { 0 } | if leaf.variable { HAS_VARIABLE } else { 0 };
    let mut tuple: Vec<u8> = [0, 0, row, info].iter().flat_map(|half| half.to_ne_bytes()).collect();
    tuple.resize(size, 0);
    if nulls {
        tuple[8] = 1;
    }
    tuple[start..start + value.len()].copy_from_slice(value);
    tuple
}

/// One page without neighbours.
fn page(level: u32, flags: u16, tuples: &[Vec<u8>]) -> Option<Vec<u8>> {
    let mut page = vec![0u8; BLOCK];
    let special = BLOCK - SPECIAL;
    let (mut lower, mut upper) = (HEADER, special);
    for tuple in tuples {
        upper = upper.checked_sub(tuple.len()).filter(|upper| *upper >= lower + 4)?;
        page[upper..upper + tuple.len()].copy_from_slice(tuple);
        page[lower..lower + 4].copy_from_slice(&line_pointer(upper, tuple.len()));
        lower += 4;
    }
    put(&mut page, 12, lower as u16);
    put(&mut page, 14, upper as u16);
    put(&mut page, 16, special as u16);
    // Page size and layout version 4.
    put(&mut page, 18, BLOCK as u16 | 4);
    // btpo_prev and btpo_next are 0 (none); then level, flags, cycle id.
    page[special + 8..special + 12].copy_from_slice(&level.to_ne_bytes());
    put(&mut page, special + 12, flags);
    Some(page)
}

fn put(page: &mut [u8], at: usize, value: u16) {
    page[at..at + 2].copy_from_slice(&value.to_ne_bytes());
}

/// lp_off:15, lp_flags:2 (1 = normal), lp_len:15, as C lays out bit fields on this machine.
fn line_pointer(offset: usize, length: usize) -> [u8; 4] {
    let (offset, flags, length) = (offset as u32, 1u32, length as u32);
    if cfg!(target_endian = "little") {
        (offset | flags << 15 | length << 17).to_ne_bytes()
    } else {
        (offset << 17 | flags << 15 | length).to_ne_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heights_of_trees_really_built() {
        // PostgreSQL 15, bigint keys: 1,000 rows 1 level, 1 million 2, 100 million 3 (fanout 285).
        assert_eq!(height(1.0, 8.0), 0);
        assert_eq!(height(3.0, 8.0), 1);
        assert_eq!(height(2733.0, 8.0), 2);
        assert_eq!(height(273_300.0, 8.0), 3);
    }

    #[test]
    fn an_inner_tuple_keeps_what_tells_neighbours_apart() {
        // A unique number in front of a wide text; ten values alone; the text in front of the number.
        assert_eq!(pivot_bytes([(4.0, -1.0), (200.0, -1.0)].into_iter(), 6e4), 8.0);
        assert!((pivot_bytes([(4.0, 10.0)].into_iter(), 3e5) - 16.0).abs() < 0.01);
        assert_eq!(pivot_bytes([(200.0, 5.0), (4.0, -1.0)].into_iter(), 6e4), 208.0);
    }

    #[test]
    fn only_a_metapage_is_changed() {
        assert_eq!(pages(&vec![0; BLOCK], 2, None), None);
        let metapage = metapage();
        assert_eq!(pages(&metapage, 0, None).map(|p| p.len()), Some(2 * BLOCK));
        assert_eq!(pages(&metapage, 3, None).map(|p| p.len()), Some(3 * BLOCK));
    }

    #[test]
    fn a_leaf_has_a_tuple_for_each_end() {
        let leaf = Leaf { values: [&[1, 0, 0, 0], &[9, 0, 0, 0]], variable: false, columns: 2 };
        let page = page(0, LEAF, &[leaf_tuple(leaf.values[0], &leaf, 1), leaf_tuple(leaf.values[1], &leaf, 2)]).unwrap();
        let word = |at: usize| u16::from_ne_bytes([page[at], page[at + 1]]);
        // Two line pointers; two tuples of eight bytes' head, NULL bits, value, each filled up to eight.
        assert_eq!((word(12), word(14)), (HEADER as u16 + 8, (BLOCK - SPECIAL - 48) as u16));
        assert_eq!(page[HEADER..HEADER + 4], line_pointer(BLOCK - SPECIAL - 24, 24));
        let second = BLOCK - SPECIAL - 48;
        assert_eq!((word(second + 4), word(second + 6)), (2, 24 | HAS_NULLS));
        assert_eq!((page[second + 8], &page[second + 16..second + 20]), (1, &[9, 0, 0, 0][..]));
        let long = vec![0; 5000];
        let leaf = Leaf { values: [&long, &long], variable: true, columns: 1 };
        assert_eq!(pages(&metapage(), 1, Some(&leaf)), None);
    }

    fn metapage() -> Vec<u8> {
        let mut metapage = vec![0; BLOCK];
        metapage[HEADER..HEADER + 4].copy_from_slice(&0x0005_3162_u32.to_ne_bytes());
        metapage
    }
}
