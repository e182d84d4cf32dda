//! Least and greatest values of indexed columns, in the form in which an index keeps them. Only the
//! server knows that form, so it is made to store them: one scratch table per type, whose rows we
//! read from its file. The text of a value is read by the type's own input function, which may be
//! anyone's: the role without rights stores it.

use super::{broken, files};
use crate::model::blueprint::Relation;
use crate::model::failure::Failure;
use crate::pg::session::Session;
use crate::pg::statements;
use crate::pg::value::TextValue;
use futures_util::future::join_all;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use tokio_postgres::Row;

/// Schema of our scratch tables.
pub(super) const SCRATCH: &str = "advisor_scratch";
/// Length of a block.
const BLOCK: usize = super::btree::BLOCK;
/// In front of a value our scratch rows have its number, an int8: behind it every type is aligned.
const NUMBER: usize = 8;
/// Longer values may be compressed or lie elsewhere.
const LONGEST: usize = 1200;

/// What leads an index: the table's oid, the same in every copy of the template, and the column or
/// expression as the server prints it.
type Column = (u32, String);

/// The ends of columns and expressions.
#[derive(Debug, Default)]
pub(super) struct Ends {
    columns: HashMap<Column, End>,
}

/// Least and greatest value, as stored.
#[derive(Debug)]
pub(super) struct End {
    /// Least, greatest.
    pub(super) values: [Vec<u8>; 2],
    /// The type's values differ in length.
    pub(super) variable: bool,
}

/// What one type's table gets.
#[derive(Default)]
struct OfType {
    name: String,
    length: i16,
    columns: Vec<(Column, [String; 2])>,
}

impl Ends {
    /// The ends of a column, where they are known.
    pub(super) fn of(&self, table: u32, leading: &str) -> Option<&End> {
        self.columns.get(&(table, leading.to_owned()))
    }
}

/// Has the server store the ends of `relations`. A value that its type does not take is left out:
/// the planner goes by the histogram then.
pub(super) async fn encode(admin: &Session, planner: &Session, folder: &Path, relations: &[Relation]) -> Result<Ends, Failure> {
    let with_ends: Vec<(&Relation, &[String; 2])> = relations.iter().filter_map(|r| Some((r, r.ends.as_ref()?))).collect();
    let (schemas, names): (Vec<&str>, Vec<&str>) = with_ends.iter().map(|(r, _)| (r.schema.as_str(), r.name.as_str())).unzip();
    let rows = admin.client.query(statements::CLONE_LEADING.sql, &[&schemas, &names]).await.map_err(broken)?;
    let mut types: BTreeMap<u32, OfType> = BTreeMap::new();
    for row in &rows {
        add(row, &with_ends, &mut types).map_err(broken)?;
    }
    if types.is_empty() {
        return Ok(Ends::default());
    }
    planner.client.batch_execute(&format!("CREATE SCHEMA IF NOT EXISTS {SCRATCH}")).await.map_err(broken)?;
    for (oid, of_type) in &types {
        store(planner, *oid, of_type).await;
    }
    // What the backends wrote is in their memory until now.
    admin.client.batch_execute("CHECKPOINT").await.map_err(broken)?;
    let mut ends = Ends::default();
    for (oid, of_type) in types {
        let path = admin.client.query_opt(statements::CLONE_TABLE_PATH.sql, &[&SCRATCH, &table(oid)]).await.map_err(broken)?;
        let Some(path) = path.and_then(|row| row.try_get::<_, Option<String>>("path").ok().flatten()) else { continue };
        let values = stored(&files::contents(&folder.join(path))?);
        for (n, (column, _)) in of_type.columns.iter().enumerate() {
            let value = |k: usize| values.get(&((2 * n + k) as i64)).map(|tail| own_bytes(tail, of_type.length)).unwrap_or_default();
            if let (Some(least), Some(greatest)) = (value(0), value(1)) {
                ends.columns.insert(column.clone(), End { values: [least, greatest], variable: of_type.length < 0 });
            }
        }
    }
    planner.client.batch_execute(&format!("DROP SCHEMA {SCRATCH} CASCADE")).await.map_err(broken)?;
    Ok(ends)
}

fn add(row: &Row, with_ends: &[(&Relation, &[String; 2])], types: &mut BTreeMap<u32, OfType>) -> Result<(), tokio_postgres::Error> {
    let place: i64 = row.try_get("place")?;
    let column: Column = (row.try_get("table_oid")?, row.try_get("leading")?);
    let Some((_, ends)) = usize::try_from(place - 1).ok().and_then(|n| with_ends.get(n)) else { return Ok(()) };
    let of_type = types.entry(row.try_get("type_oid")?).or_default();
    of_type.name = row.try_get("type_name")?;
    of_type.length = row.try_get("length")?;
    of_type.columns.push((column, (*ends).clone()));
    Ok(())
}

fn table(oid: u32) -> String {
    format!("t{oid}")
}

/// Each value for itself: one that fails leaves the others alone.
async fn store(planner: &Session, oid: u32, of_type: &OfType) {
    let table = format!("{SCRATCH}.{}", table(oid));
    // The type's name is as the clone's own server prints it.
    if planner.client.batch_execute(&format!("CREATE TABLE {table} (n int8, v {})", of_type.name)).await.is_err() {
        return;
    }
    let Ok(statement) = planner.client.prepare(&format!("INSERT INTO {table} VALUES ($1, $2)")).await else { return };
    let values = of_type.columns.iter().flat_map(|(_, ends)| ends).enumerate();
    let inserts = values.map(|(n, value)| {
        let (client, statement) = (&planner.client, &statement);
        async move { client.execute(statement, &[&(n as i64), &TextValue(Some(value.clone()))]).await }
    });
    join_all(inserts).await;
}

/// The rows of a scratch table by their number: what stands behind it.
fn stored(file: &[u8]) -> HashMap<i64, Vec<u8>> {
    let mut rows = HashMap::new();
    for page in file.chunks_exact(BLOCK) {
        let half = |at: usize| Some(u16::from_ne_bytes(page.get(at..at + 2)?.try_into().ok()?));
        let Some(lower) = half(12) else { continue };
        for pointer in page.get(24..usize::from(lower)).unwrap_or_default().chunks_exact(4) {
            if let Some((number, value)) = row(page, pointer) {
                rows.insert(number, value);
            }
        }
    }
    rows
}

/// lp_off:15, lp_flags:2, lp_len:15; the tuple says at its 23rd byte where its data begin.
fn row(page: &[u8], pointer: &[u8]) -> Option<(i64, Vec<u8>)> {
    let pointer = u32::from_ne_bytes(pointer.try_into().ok()?);
    let (offset, length) =
        if cfg!(target_endian = "little") { (pointer & 0x7fff, pointer >> 17) } else { (pointer >> 17, pointer & 0x7fff) };
    let tuple = page.get(offset as usize..(offset + length) as usize)?;
    let data = tuple.get(usize::from(*tuple.get(22)?)..)?;
    let number = i64::from_ne_bytes(data.first_chunk::<NUMBER>().copied()?);
    Some((number, data.get(NUMBER..)?.to_vec()))
}

/// The value alone; `None` where it is not stored plainly.
fn own_bytes(tail: &[u8], length: i16) -> Option<Vec<u8>> {
    let end = match usize::try_from(length) {
        Ok(fixed) => fixed,
        Err(_) if length == -2 => return None,
        // The first byte tells, low bits first on little-endian: 1 short, 01 elsewhere, 00 plain, 10 compressed.
        Err(_) if cfg!(target_endian = "little") => match tail.first()? {
            1 => return None,
            byte if byte & 1 == 1 => usize::from(byte >> 1),
            byte if byte & 3 == 0 => (u32::from_ne_bytes(tail.first_chunk::<4>().copied()?) >> 2) as usize,
            _ => return None,
        },
        Err(_) => match tail.first()? {
            0x80 => return None,
            byte if byte & 0x80 != 0 => usize::from(byte & 0x7f),
            byte if byte & 0xc0 == 0 => (u32::from_ne_bytes(tail.first_chunk::<4>().copied()?) & 0x3fff_ffff) as usize,
            _ => return None,
        },
    };
    tail.get(..end).filter(|value| !value.is_empty() && value.len() <= LONGEST).map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_value_is_cut_to_its_length() {
        assert_eq!(own_bytes(&[7, 0, 0, 0, 1, 2], 4), Some(vec![7, 0, 0, 0]));
        assert_eq!(own_bytes(&[7, 0], 4), None);
        if cfg!(target_endian = "little") {
            // Short: length 3 with its own byte; plain: length 6 with its own four; compressed: left out.
            assert_eq!(own_bytes(&[3 << 1 | 1, b'a', b'b', 0, 0], -1), Some(vec![7, b'a', b'b']));
            assert_eq!(own_bytes(&[6 << 2, 0, 0, 0, 8, 9, 0], -1), Some(vec![24, 0, 0, 0, 8, 9]));
            assert_eq!(own_bytes(&[6 << 2 | 2, 0, 0, 0, 8, 9, 0], -1), None);
        }
    }

    #[test]
    fn a_foreign_file_holds_no_rows() {
        assert!(stored(&[0; BLOCK]).is_empty());
        assert!(stored(&[0xff; BLOCK + 5]).is_empty());
        assert!(stored(b"short").is_empty());
    }
}
