//! The first page of a GIN index: read on the live server, changed in the clone. The layout is the
//! same in PostgreSQL 13 to 18, in the byte order of the machine that wrote it.

use crate::model::blueprint::GinCounters;

/// Block size, bytes.
const BLOCK: usize = 8192;
/// Where the contents begin, behind the page header.
const CONTENTS: usize = 24;
/// The page's special space: right link, highest offset, flags.
const FLAGS: usize = BLOCK - 2;
/// GIN_META among the flags, as they are on a metapage.
const META: u16 = 1 << 3;
/// Offsets of the counters: pending pages, all pages, entry pages, data pages, entries, version.
const PENDING: usize = CONTENTS + 12;
const TOTAL: usize = CONTENTS + 24;
const ENTRY: usize = CONTENTS + 28;
const DATA: usize = CONTENTS + 32;
const ENTRIES: usize = CONTENTS + 40;
const FORMAT: usize = CONTENTS + 48;
/// ginVersion is 0 to 2; only 2 is written since 9.4.
const FORMATS: std::ops::RangeInclusive<u32> = 0..=2;

/// The counters, if this is a GIN metapage.
pub(crate) fn read(page: &[u8]) -> Option<GinCounters> {
    if page.len() != BLOCK {
        return None;
    }
    // A server of the other byte order has its flag in the other byte.
    let flags = u16::from_ne_bytes(bytes(page, FLAGS)?);
    let swapped = flags == META.swap_bytes();
    let four = |at| bytes(page, at).map(u32::from_ne_bytes).map(|n| if swapped { n.swap_bytes() } else { n });
    let eight = |at| bytes(page, at).map(i64::from_ne_bytes).map(|n| if swapped { n.swap_bytes() } else { n });
    if (flags != META && !swapped) || !FORMATS.contains(&four(FORMAT)?) {
        return None;
    }
    Some(GinCounters {
        pending_pages: four(PENDING)?,
        total_pages: four(TOTAL)?,
        entry_pages: four(ENTRY)?,
        data_pages: four(DATA)?,
        entries: eight(ENTRIES)?,
    })
}

/// The page with these counters; `None` if it is no metapage of this machine's.
pub(crate) fn set(page: &[u8], counters: &GinCounters) -> Option<Vec<u8>> {
    read(page).filter(|_| u16::from_ne_bytes([page[FLAGS], page[FLAGS + 1]]) == META)?;
    let mut page = page.to_vec();
    let words =
        [(PENDING, counters.pending_pages), (TOTAL, counters.total_pages), (ENTRY, counters.entry_pages), (DATA, counters.data_pages)];
    for (at, word) in words {
        page[at..at + 4].copy_from_slice(&word.to_ne_bytes());
    }
    page[ENTRIES..ENTRIES + 8].copy_from_slice(&counters.entries.to_ne_bytes());
    Some(page)
}

fn bytes<const N: usize>(page: &[u8], at: usize) -> Option<[u8; N]> {
    page.get(at..)?.first_chunk::<N>().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_read_as_they_were_set_and_only_on_a_metapage() {
        let counters = GinCounters { pending_pages: 3, total_pages: 900, entry_pages: 700, data_pages: 190, entries: 123_456_789_012 };
        let mut page = vec![0; BLOCK];
        assert_eq!(set(&page, &counters), None);
        page[FLAGS..].copy_from_slice(&META.to_ne_bytes());
        page[FORMAT..FORMAT + 4].copy_from_slice(&2u32.to_ne_bytes());
        let page = set(&page, &counters).unwrap();
        assert_eq!(read(&page), Some(counters));
        assert_eq!(read(&page[1..]), None);
    }
}
