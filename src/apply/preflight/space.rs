//! What a build takes on disk, and whether that is there.

use crate::model::preflight::{Cost, Premises, Volume};

/// What an index may be larger than estimated.
const MARGIN: f64 = 1.1;
/// What it may be smaller: below that it surely does not fit.
const LEAST: f64 = 0.9;
/// WAL per byte of the index: measured.
const WAL_SHARE: f64 = 0.91;
/// The check of the finished index sorts a row's place each: bytes with what a sort keeps beside them.
const PLACE_BYTES: f64 = 24.0;
/// WAL that a standby has not had yet and that is no matter of concern, bytes.
const USUAL_LAG: i64 = 64 << 20;

/// Temporary files of a build, bytes: what sorting does not keep in memory. Of the access methods those that sort their
/// entries first; all of them sort the places of the rows to find what was written meanwhile.
pub fn temp_bytes(method: &str, size_bytes: f64, rows: f64, work_mem_bytes: f64) -> f64 {
    let sorted = if ["btree", "hash", "gist"].contains(&method) { MARGIN * size_bytes } else { 0.0 };
    let spilled = |bytes: f64| if bytes > work_mem_bytes { bytes } else { 0.0 };
    spilled(sorted).max(spilled(PLACE_BYTES * rows))
}

/// WAL of a build, bytes; an unlogged table writes none.
pub fn wal_bytes(size_bytes: f64, unlogged: bool) -> f64 {
    if unlogged { 0.0 } else { WAL_SHARE * size_bytes }
}

/// True when WAL stays on this server's disk until somebody fetches it.
pub fn keeps_wal(premises: &Premises) -> bool {
    !premises.idle_slots.is_empty() || premises.lag_bytes.is_some_and(|lag| lag > USUAL_LAG)
}

/// Whether a build's files have room.
#[derive(Debug, Clone, PartialEq)]
pub enum Room {
    /// Nobody says how much is free, or how large it gets.
    Unknown,
    /// Enough.
    Enough,
    /// It may not be: where, what it takes at worst, and what is free, bytes.
    Tight(String, f64, f64),
    /// The index alone is larger than what is free: where, its size, and what is free, bytes.
    None(String, f64, f64),
}

/// Judges a build: index, temporary files and kept WAL, those on one file system together.
pub fn room(cost: &Cost, index: &Volume, premises: &Premises) -> Room {
    let (Some(size), Some(free)) = (cost.size_bytes, index.free_bytes) else { return Room::Unknown };
    if LEAST * size > free {
        return Room::None(index.name.clone(), size, free);
    }
    let wal = cost.wal_bytes.filter(|_| keeps_wal(premises)).unwrap_or(0.0);
    let parts = [(index, MARGIN * size), (&premises.temp, cost.temp_bytes.unwrap_or(0.0)), (&premises.data, wal)];
    let need_on = |volume: &Volume| parts.iter().filter(|(v, _)| shares(v, volume)).map(|(_, need)| need).sum::<f64>();
    let short = parts.iter().filter_map(|(volume, _)| {
        let (need, free) = (need_on(volume), volume.free_bytes?);
        (need > free).then(|| Room::Tight(volume.name.clone(), need, free))
    });
    short.into_iter().next().unwrap_or(Room::Enough)
}

fn shares(a: &Volume, b: &Volume) -> bool {
    (a.told && b.told) || (a.device.is_some() && a.device == b.device) || (a.device.is_none() && a.name == b.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GB: f64 = 1e9;

    fn volume(name: &str, free: f64, device: u64) -> Volume {
        Volume { name: name.into(), free_bytes: Some(free), device: Some(device), ..Volume::default() }
    }

    #[test]
    fn small_sorts_stay_in_memory() {
        assert_eq!(temp_bytes("btree", 50e6, 1e6, 64e6), 0.0);
        assert!((temp_bytes("btree", GB, 1e6, 64e6) - 1.1 * GB).abs() < 1.0);
        // A narrow index of many rows: sorting their places takes more than the index.
        assert!((temp_bytes("btree", GB, 1e8, 64e6) - 2.4 * GB).abs() < 1.0);
        assert_eq!(temp_bytes("gin", GB, 1e6, 64e6), 0.0);
        assert_eq!((wal_bytes(GB, true), wal_bytes(GB, false)), (0.0, 0.91 * GB));
    }

    #[test]
    fn what_shares_a_disk_is_added_up() {
        let cost = Cost { size_bytes: Some(GB), temp_bytes: Some(GB), wal_bytes: Some(0.91 * GB), ..Cost::default() };
        let on = |free: f64, temp: Volume| Premises { temp, data: volume("data", free, 1), ..Premises::default() };
        let index = |free| volume("index", free, 1);
        assert_eq!(room(&cost, &index(2.2 * GB), &on(2.2 * GB, volume("temp", 2.2 * GB, 1))), Room::Enough);
        assert!(
            matches!(room(&cost, &index(2.0 * GB), &on(2.0 * GB, volume("temp", 2.0 * GB, 1))), Room::Tight(name, ..) if name == "index")
        );
        assert_eq!(room(&cost, &index(2.0 * GB), &on(2.0 * GB, volume("temp", 2.0 * GB, 2))), Room::Enough);
        assert!(
            matches!(room(&cost, &index(9.0 * GB), &on(9.0 * GB, volume("temp", 0.5 * GB, 2))), Room::Tight(name, ..) if name == "temp")
        );
        assert!(matches!(room(&cost, &index(0.8 * GB), &on(GB, volume("temp", GB, 2))), Room::None(..)));
        let mut behind = on(2.2 * GB, volume("temp", 2.2 * GB, 1));
        behind.idle_slots = vec!["old".into()];
        assert!(matches!(room(&cost, &index(2.2 * GB), &behind), Room::Tight(..)), "WAL stays too");
        assert_eq!(room(&Cost::default(), &index(GB), &behind), Room::Unknown);
        assert_eq!(room(&cost, &Volume::default(), &behind), Room::Unknown);
    }
}
