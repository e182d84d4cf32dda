//! Snapshot files: gzip around one JSON document. Whoever wrote it, a broken, foreign, newer or
//! oversized one is refused with the reason; what it says is believed by nobody.

use crate::model::snapshot::SNAPSHOT_VERSION;
use crate::model::snapshot_file::{FILE_VERSION, FORMAT, SnapshotFile};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::Deserialize;
use std::io::{Read, Write};

/// Longest document that is read, bytes: a few hundred times what a database of 10,000 columns
/// makes. A file of a few megabytes could otherwise fill all memory.
const MOST_BYTES: u64 = 2 << 30;

/// What every version of the document begins with.
#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    format: String,
    #[serde(default)]
    version: u32,
}

/// The document as a file's bytes.
pub fn write(file: &SnapshotFile) -> Result<Vec<u8>, String> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    serde_json::to_writer(&mut gzip, file).map_err(|e| e.to_string())?;
    gzip.flush().map_err(|e| e.to_string())?;
    gzip.finish().map_err(|e| e.to_string())
}

/// The document in a file's bytes, or why there is none.
pub fn read(bytes: &[u8]) -> Result<SnapshotFile, String> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Err("it is no snapshot of advisor".into());
    }
    let mut json = Vec::new();
    let mut gzip = GzDecoder::new(bytes).take(MOST_BYTES + 1);
    gzip.read_to_end(&mut json).map_err(|e| format!("it is cut off or damaged ({e})"))?;
    if json.len() as u64 > MOST_BYTES {
        return Err(format!("it is larger than {} GiB unpacked", MOST_BYTES >> 30));
    }
    let head: Head = serde_json::from_slice(&json).map_err(|_| "it is no snapshot of advisor".to_owned())?;
    if head.format != FORMAT {
        return Err("it is no snapshot of advisor".into());
    }
    if head.version > FILE_VERSION {
        return Err(format!(
            "it has version {}, and this version of advisor reads up to {FILE_VERSION}: use the one that wrote it",
            head.version
        ));
    }
    let file: SnapshotFile = serde_json::from_slice(&json).map_err(|e| format!("it is not what advisor writes: {e}"))?;
    if file.snapshot.snapshot_version > SNAPSHOT_VERSION {
        return Err(format!("its contents have version {}: use the advisor that wrote it", file.snapshot.snapshot_version));
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> SnapshotFile {
        SnapshotFile { format: FORMAT.into(), version: FILE_VERSION, taken_at: "2026-01-01T00:00:00Z".into(), ..SnapshotFile::default() }
    }

    #[test]
    fn what_is_written_is_read() {
        let bytes = write(&file()).unwrap();
        assert_eq!(read(&bytes).unwrap(), file());
    }

    #[test]
    fn broken_foreign_and_newer_files_say_what_is_wrong() {
        let bytes = write(&file()).unwrap();
        for cut in [0, 1, 2, 10, bytes.len() / 2, bytes.len() - 1] {
            assert!(read(&bytes[..cut]).is_err(), "cut at {cut}");
        }
        let mut flipped = bytes.clone();
        let middle = flipped.len() / 2;
        flipped[middle] ^= 0x55;
        assert!(read(&flipped).is_err());
        let newer = write(&SnapshotFile { version: FILE_VERSION + 1, ..file() }).unwrap();
        assert!(read(&newer).unwrap_err().contains("use the one that wrote it"));
        assert!(read(b"{}").unwrap_err().contains("no snapshot"));
        let mut foreign = GzEncoder::new(Vec::new(), Compression::default());
        foreign.write_all(b"[1, 2]").unwrap();
        assert!(read(&foreign.finish().unwrap()).unwrap_err().contains("no snapshot"));
    }
}
