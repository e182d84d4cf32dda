//! The height of a B-tree that holds nothing: the planner charges each descent by it, and reads it
//! from the index's first page. An empty index says 0, so we write the pages of a tree as high as
//! the real one, with an empty leaf at its bottom: the planner may also look for the least and
//! greatest value, finds none and takes the histogram.
//!
//! The layout is that of version 4 (PostgreSQL 12 and later), little- or big-endian as this machine.

/// Block size, bytes.
const BLOCK: usize = 8192;
/// Size of a page header.
const HEADER: usize = 24;
/// Size of a B-tree page's special space.
const SPECIAL: usize = 16;
/// Page flags: leaf, root.
const LEAF: u16 = 1;
const ROOT: u16 = 2;
/// A tuple's size field: eight bytes, a pivot tuple without key.
const PIVOT_BYTES: usize = 8;
/// INDEX_ALT_TID_MASK: the tuple's offset field counts its keys (none).
const ALTERNATIVE_TID: u16 = 0x2000;

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

/// The first blocks of an index file of this height: the server's own metapage with the root
/// changed, an empty leaf, and one inner page per level. `None` when the metapage is not one.
pub(super) fn pages(metapage: &[u8], height: u32) -> Option<Vec<u8>> {
    let mut file = metapage.get(..BLOCK)?.to_vec();
    if file[HEADER..HEADER + 4] != 0x0005_3162_u32.to_ne_bytes() {
        return None;
    }
    let root = height + 1;
    for (n, value) in [root, height, root, height].into_iter().enumerate() {
        file[META_ROOT + 4 * n..META_ROOT + 4 * n + 4].copy_from_slice(&value.to_ne_bytes());
    }
    file.extend(page(0, if height == 0 { LEAF | ROOT } else { LEAF }, None));
    for level in 1..=height {
        // Each inner page points to the one page below it.
        file.extend(page(level, if level == height { ROOT } else { 0 }, Some(level)));
    }
    Some(file)
}

/// One page without neighbours; `child` is the block of its only downlink.
fn page(level: u32, flags: u16, child: Option<u32>) -> Vec<u8> {
    let mut page = vec![0u8; BLOCK];
    let special = BLOCK - SPECIAL;
    let (mut lower, mut upper) = (HEADER, special);
    if let Some(child) = child {
        upper -= PIVOT_BYTES;
        // t_tid: block in two halves, then the offset (number of keys: 0); t_info: size and the mark.
        let halves = [(child >> 16) as u16, child as u16, 0, PIVOT_BYTES as u16 | ALTERNATIVE_TID];
        halves.iter().enumerate().for_each(|(n, half)| put(&mut page, upper + 2 * n, *half));
        page[lower..lower + 4].copy_from_slice(&line_pointer(upper, PIVOT_BYTES));
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
    page
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
    fn only_a_metapage_is_changed() {
        assert_eq!(pages(&vec![0; BLOCK], 2), None);
        let mut metapage = vec![0; BLOCK];
        metapage[HEADER..HEADER + 4].copy_from_slice(&0x0005_3162_u32.to_ne_bytes());
        assert_eq!(pages(&metapage, 2).map(|p| p.len()), Some(4 * BLOCK));
    }
}
