//! The clone's files on disk. We may be root in a folder of the server's account: no link of its
//! making is followed, and nothing of root's is touched, since the server never runs as root.

use super::BLOCK_BYTES;
use crate::model::failure::{Failure, FailureKind};
use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

/// A relation's file is cut into segments of this size.
const SEGMENT_BYTES: u64 = 1 << 30;
/// A visibility map's page header: lower end, upper end, special space, page size with layout version 4.
const MAP_HEADER: [u16; 4] = [24, 8192, 8192, 8192 | 4];
/// Where a page's contents begin.
const CONTENTS: usize = 24;
/// Bits of a heap block: all-visible and all-frozen.
const VISIBLE: u8 = 3;

/// The file's first page; `None` when it has none.
pub(super) fn first_page(path: &Path) -> Result<Option<Vec<u8>>, Failure> {
    let mut page = vec![0; BLOCK_BYTES as usize];
    let read = open(OpenOptions::new().read(true), path).and_then(|mut file| file.read_exact(&mut page));
    match read {
        Ok(()) => Ok(Some(page)),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(failed(path, error)),
    }
}

/// The whole file, of a table of ours.
pub(super) fn contents(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    open(OpenOptions::new().read(true), path).and_then(|mut file| file.read_to_end(&mut bytes)).map_err(|e| failed(path, e))?;
    Ok(bytes)
}

/// Writes the file's first pages in place: the file stays the server's.
pub(super) fn write(path: &Path, pages: &[u8]) -> Result<(), Failure> {
    open(OpenOptions::new().write(true), path).and_then(|mut file| file.write_all(pages)).map_err(|e| failed(path, e))
}

/// Length of a relation in blocks, all segments together.
pub(super) fn blocks(path: &Path) -> u64 {
    let length = |segment: u64| std::fs::symlink_metadata(segment_path(path, segment)).ok().map(|m| m.len());
    (0..).map_while(length).sum::<u64>() / BLOCK_BYTES
}

/// Lengthens a relation's file without writing to it: segments of 1 GiB, holes all through.
pub(super) fn stretch(path: &Path, bytes: u64) -> Result<(), Failure> {
    let owner = std::fs::symlink_metadata(path).map_err(|e| failed(path, e))?;
    for segment in 0..bytes.div_ceil(SEGMENT_BYTES) {
        let file = segment_path(path, segment);
        let length = (bytes - segment * SEGMENT_BYTES).min(SEGMENT_BYTES);
        let sized = if segment == 0 { open(OpenOptions::new().write(true), &file) } else { create(&file, &owner) };
        sized.and_then(|handle| handle.set_len(length)).map_err(|e| failed(&file, e))?;
    }
    Ok(())
}

/// Says of the table's first block that all may see its rows, so that the planner, which looks up an
/// index's ends, believes the index and does not look for rows.
pub(super) fn show_first_block(table: &Path) -> Result<(), Failure> {
    let owner = std::fs::symlink_metadata(table).map_err(|e| failed(table, e))?;
    let map = PathBuf::from(format!("{}_vm", table.display()));
    let mut page = vec![0; BLOCK_BYTES as usize];
    for (n, word) in MAP_HEADER.into_iter().enumerate() {
        page[12 + 2 * n..14 + 2 * n].copy_from_slice(&word.to_ne_bytes());
    }
    page[CONTENTS] = VISIBLE;
    create(&map, &owner).and_then(|mut file| file.write_all(&page)).map_err(|e| failed(&map, e))
}

fn segment_path(path: &Path, segment: u64) -> PathBuf {
    if segment == 0 { path.to_owned() } else { PathBuf::from(format!("{}.{segment}", path.display())) }
}

fn open(options: &mut OpenOptions, path: &Path) -> Result<File, Error> {
    let file = options.custom_flags(nix::fcntl::OFlag::O_NOFOLLOW.bits()).open(path)?;
    if file.metadata()?.uid() == 0 { Err(Error::other("it is not the server's")) } else { Ok(file) }
}

/// A file that may be there already, and then must be the server's or empty; it becomes the server's.
fn create(path: &Path, owner: &std::fs::Metadata) -> Result<File, Error> {
    let flags = nix::fcntl::OFlag::O_NOFOLLOW.bits();
    let file = OpenOptions::new().write(true).create(true).truncate(false).custom_flags(flags).open(path)?;
    let found = file.metadata()?;
    if found.uid() == 0 && found.len() > 0 {
        return Err(Error::other("it is not the server's"));
    }
    fchown(&file, Some(owner.uid()), Some(owner.gid()))?;
    Ok(file)
}

fn failed(path: &Path, error: Error) -> Failure {
    Failure::new(FailureKind::Missing, format!("cannot size the clone's file {}: {error}", path.display()))
        .hint("free space in the temporary folder, or set TMPDIR to another one")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn no_link_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("1"));
        std::fs::write(&target, [7; 9000]).unwrap();
        symlink(&target, &link).unwrap();
        assert!(write(&link, &[1]).is_err() && stretch(&link, 8192).is_err() && first_page(&link).is_err());
        assert_eq!(std::fs::read(&target).unwrap(), [7; 9000]);
    }
}
