//! Page counts, row counts, file lengths, and the first pages of indexes, by which the planner goes.
//! Only for a database whose files nobody has read yet: the server would keep their old pages.

use super::ends::Ends;
use super::{BLOCK_BYTES, brin, broken, btree, files};
use crate::model::blueprint::Relation;
use crate::model::failure::Failure;
use crate::pg::ginpage;
use crate::pg::session::Session;
use crate::pg::statements;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use tokio_postgres::{Error, Row};

/// The longest relation there can be, blocks.
const MOST_BLOCKS: i64 = u32::MAX as i64 - 1;
/// No tree is higher.
const MOST_LEVELS: u32 = 20;

/// What the catalog says of one relation.
struct Place<'a> {
    relation: &'a Relation,
    oid: u32,
    path: Option<PathBuf>,
    method: Option<String>,
    table_oid: Option<u32>,
    table_path: Option<PathBuf>,
    leading: Option<String>,
    descending: bool,
    columns: i16,
    key_widths: Vec<f64>,
    key_distinct: Vec<f64>,
}

/// Writes the relations' counts, gives their files production's length and their first pages
/// production's contents; `folder` is the data directory.
pub(super) async fn put(admin: &Session, folder: &Path, relations: &[Relation], ends: &Ends) -> Result<(), Failure> {
    let (schemas, names): (Vec<&str>, Vec<&str>) = relations.iter().map(|r| (r.schema.as_str(), r.name.as_str())).unzip();
    let rows = admin.client.query(statements::CLONE_FILES.sql, &[&schemas, &names]).await.map_err(broken)?;
    let places = rows.iter().map(|row| place(row, folder, relations)).collect::<Result<Vec<_>, Error>>().map_err(broken)?;
    let places: Vec<Place<'_>> = places.into_iter().flatten().collect();
    let oids: Vec<u32> = places.iter().map(|p| p.oid).collect();
    let pages: Vec<i32> = places.iter().map(|p| p.relation.pages).collect();
    let counts: Vec<f32> = places.iter().map(|p| p.relation.rows).collect();
    let visible: Vec<i32> = places.iter().map(|p| p.relation.visible_pages).collect();
    admin.client.execute(statements::CLONE_PUT_SIZES.sql, &[&oids, &pages, &counts, &visible]).await.map_err(broken)?;
    // Tables first: the first page of a BRIN index tells of its table's length.
    let (indexes, tables): (Vec<_>, Vec<_>) = places.iter().partition(|p| p.table_oid.is_some());
    let mut shown = BTreeSet::new();
    for place in tables.into_iter().chain(indexes) {
        let Some(path) = place.path.as_ref().filter(|_| place.relation.blocks > 0) else { continue };
        if place.table_oid.is_some() {
            first_pages(place, path, ends, &mut shown)?;
        }
        files::stretch(path, place.relation.blocks.min(MOST_BLOCKS) as u64 * BLOCK_BYTES)?;
    }
    Ok(())
}

fn place<'a>(row: &Row, folder: &Path, relations: &'a [Relation]) -> Result<Option<Place<'a>>, Error> {
    let at: i64 = row.try_get("place")?;
    let Some(relation) = usize::try_from(at - 1).ok().and_then(|n| relations.get(n)) else { return Ok(None) };
    let path = |column: &str| Ok::<_, Error>(row.try_get::<_, Option<String>>(column)?.map(|p| folder.join(p)));
    Ok(Some(Place {
        relation,
        oid: row.try_get("oid")?,
        path: path("path")?,
        method: row.try_get("method")?,
        table_oid: row.try_get("table_oid")?,
        table_path: path("table_path")?,
        leading: row.try_get("leading")?,
        descending: row.try_get::<_, Option<bool>>("descending")?.unwrap_or(false),
        columns: row.try_get::<_, Option<i16>>("columns")?.unwrap_or(1),
        key_widths: row.try_get::<_, Option<Vec<f64>>>("key_widths")?.unwrap_or_default(),
        key_distinct: row.try_get::<_, Option<Vec<f64>>>("key_distinct")?.unwrap_or_default(),
    }))
}

/// What the planner reads of an index. `shown` are the tables of which their first block was said to be visible.
fn first_pages(place: &Place<'_>, path: &Path, ends: &Ends, shown: &mut BTreeSet<u32>) -> Result<(), Failure> {
    let Some(page) = files::first_page(path)? else { return Ok(()) };
    let Place { relation, table_path: Some(table), .. } = place else { return Ok(()) };
    let pages = match place.method.as_deref() {
        Some("btree") if relation.blocks > 1 => {
            let guess = || {
                let keys = place.key_widths.iter().copied().zip(place.key_distinct.iter().copied());
                btree::height(relation.blocks as f64 - 1.0, btree::pivot_bytes(keys, f64::from(relation.rows)))
            };
            let height = relation.height.filter(|h| *h <= MOST_LEVELS).unwrap_or_else(guess);
            let end = place.table_oid.zip(place.leading.as_ref()).and_then(|(table, leading)| ends.of(table, leading));
            // A table without a block has no block to be visible.
            let end = end.filter(|_| files::blocks(table) > 0);
            let tree = end.and_then(|end| {
                let [least, greatest] = [end.values[0].as_slice(), end.values[1].as_slice()];
                let values = if place.descending { [greatest, least] } else { [least, greatest] };
                btree::pages(&page, height, Some(&btree::Leaf { values, variable: end.variable, columns: place.columns }))
            });
            if tree.is_some() && place.table_oid.is_some_and(|oid| shown.insert(oid)) {
                files::show_first_block(table)?;
            }
            tree.or_else(|| btree::pages(&page, height, None))
        }
        Some("brin") => brin::metapage(&page, files::blocks(table)),
        Some("gin") => relation.gin.and_then(|counters| ginpage::set(&page, &counters)),
        _ => None,
    };
    pages.map_or(Ok(()), |pages| files::write(path, &pages))
}
