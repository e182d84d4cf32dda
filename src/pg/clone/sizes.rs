//! Page counts, row counts and file lengths.

use super::{BLOCK_BYTES, broken, btree};
use crate::model::blueprint::Relation;
use crate::model::failure::{Failure, FailureKind};
use crate::pg::session::Session;
use crate::pg::statements;
use std::path::{Path, PathBuf};

/// A relation's file is cut into segments of this size.
const SEGMENT_BYTES: u64 = 1 << 30;

/// Writes one relation's counts and gives its file its length; `folder` is the data directory.
pub(super) async fn put(admin: &Session, folder: &Path, relation: &Relation) -> Result<(), Failure> {
    let Relation { schema, name, pages, rows, visible_pages, blocks, .. } = relation;
    let rows = f64::from(*rows);
    let parameters: [&(dyn postgres_types::ToSql + Sync); 5] = [schema, name, pages, &rows, visible_pages];
    let row = admin.client.query_opt(statements::CLONE_PUT_RELATION.sql, &parameters).await.map_err(broken)?;
    let path: Option<String> = row.as_ref().and_then(|r| r.try_get("path").ok()).flatten();
    let key_bytes: Option<f64> = row.as_ref().and_then(|r| r.try_get("key_bytes").ok()).flatten();
    let Some(path) = path.filter(|_| *blocks > 0).map(|p| folder.join(p)) else { return Ok(()) };
    // One block is the metapage of an index without a row: a tree of height 0, as it is.
    if let Some(key_bytes) = key_bytes.filter(|_| *blocks > 1) {
        grow_tree(&path, *blocks, key_bytes)?;
    }
    stretch_file(&path, *blocks as u64 * BLOCK_BYTES)
}

/// Gives an empty B-tree the height that one of `blocks` blocks has. Nothing has read the index yet,
/// so no buffer of the server holds its old first page.
fn grow_tree(path: &Path, blocks: i64, key_bytes: f64) -> Result<(), Failure> {
    let height = btree::height(blocks as f64 - 1.0, key_bytes);
    let fail = |e: std::io::Error| cannot_size(path, e);
    let metapage = std::fs::read(path).map_err(fail)?;
    match btree::pages(&metapage, height) {
        Some(pages) => {
            // Written in place: the file stays the server's.
            let mut file = std::fs::OpenOptions::new().write(true).open(path).map_err(fail)?;
            std::io::Write::write_all(&mut file, &pages).map_err(fail)
        }
        None => Ok(()),
    }
}

fn cannot_size(path: &Path, error: std::io::Error) -> Failure {
    Failure::new(FailureKind::Missing, format!("cannot size the clone's file {}: {error}", path.display()))
        .hint("free space in the temporary folder, or set TMPDIR to another one")
}

/// Lengthens a relation's file without writing to it: segments of 1 GiB, holes all through.
fn stretch_file(path: &Path, bytes: u64) -> Result<(), Failure> {
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
    let owner = std::fs::symlink_metadata(path).map_err(|e| cannot_size(path, e))?;
    for segment in 0..bytes.div_ceil(SEGMENT_BYTES) {
        let file = if segment == 0 { path.to_owned() } else { PathBuf::from(format!("{}.{segment}", path.display())) };
        let length = (bytes - segment * SEGMENT_BYTES).min(SEGMENT_BYTES);
        let mut options = std::fs::OpenOptions::new();
        // We may be root in a folder of the server's account: no link of its making is followed,
        options.write(true).create(segment > 0).custom_flags(nix::fcntl::OFlag::O_NOFOLLOW.bits());
        let handle = options.open(&file).map_err(|e| cannot_size(&file, e))?;
        let found = handle.metadata().map_err(|e| cannot_size(&file, e))?;
        // and nothing of root's is cut, since the server never runs as root.
        if found.uid() == 0 && (found.len() > 0 || segment == 0) {
            return Err(cannot_size(&file, std::io::Error::other("it is not the server's")));
        }
        handle.set_len(length).map_err(|e| cannot_size(&file, e))?;
        if segment > 0 {
            // The new segment must be the server's.
            fchown(&handle, Some(owner.uid()), Some(owner.gid())).map_err(|e| cannot_size(&file, e))?;
        }
    }
    Ok(())
}
