//! The first page of a BRIN index: it tells the planner how many pages of the range map a scan
//! reads. That of an empty table has one.

use super::btree::BLOCK;

/// BRIN_META_MAGIC.
const MAGIC: u32 = 0xA810_9CFA;
/// Where the contents begin; magic, version, pages per range and the last page of the map follow, four bytes each.
const CONTENTS: usize = 24;
const PAGES_PER_RANGE: usize = CONTENTS + 8;
const LAST_MAP_PAGE: usize = CONTENTS + 12;
/// Ranges on a page of the map: REVMAP_PAGE_MAXITEMS.
const RANGES_PER_PAGE: u64 = 1360;

/// The page as it is for a table of `table_blocks`; `None` if it is no metapage of a BRIN index.
pub(super) fn metapage(page: &[u8], table_blocks: u64) -> Option<Vec<u8>> {
    let word = |at: usize| page.get(at..at + 4)?.try_into().ok().map(u32::from_ne_bytes);
    if page.len() != BLOCK || word(CONTENTS)? != MAGIC {
        return None;
    }
    let ranges = table_blocks.div_ceil(u64::from(word(PAGES_PER_RANGE)?.max(1)));
    let last = u32::try_from(ranges.saturating_sub(1) / RANGES_PER_PAGE + 1).ok()?;
    let mut page = page.to_vec();
    page[LAST_MAP_PAGE..LAST_MAP_PAGE + 4].copy_from_slice(&last.to_ne_bytes());
    Some(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_map_grows_with_the_table() {
        let mut page = vec![0; BLOCK];
        assert_eq!(metapage(&page, 1), None);
        page[CONTENTS..CONTENTS + 4].copy_from_slice(&MAGIC.to_ne_bytes());
        page[PAGES_PER_RANGE..PAGES_PER_RANGE + 4].copy_from_slice(&128u32.to_ne_bytes());
        let last = |blocks: u64| metapage(&page, blocks).unwrap()[LAST_MAP_PAGE];
        assert_eq!([last(0), last(128 * 1360), last(128 * 1360 + 1), last(128 * 2720 + 1)], [1, 1, 2, 3]);
    }
}
