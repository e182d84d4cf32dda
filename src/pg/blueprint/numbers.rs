//! Sizes and statistics.

use crate::model::blueprint::{Blueprint, ColumnStatistics, Relation, Slot};
use crate::pg::statements;
use tokio_postgres::{Client, Error, Row};

/// Fills relations and statistics.
pub(super) async fn read(live: &Client, blueprint: &mut Blueprint) -> Result<(), Error> {
    for row in live.query(statements::BLUEPRINT_RELATIONS.sql, &[]).await? {
        blueprint.relations.push(Relation {
            schema: row.try_get("schema")?,
            name: row.try_get("name")?,
            pages: row.try_get("pages")?,
            rows: row.try_get::<_, f64>("rows")? as f32,
            visible_pages: row.try_get("visible_pages")?,
            blocks: row.try_get("blocks")?,
            ..Relation::default()
        });
    }
    for row in live.query(statements::BLUEPRINT_STATISTICS.sql, &[]).await? {
        blueprint.statistics.push(ColumnStatistics {
            schema: row.try_get("schema")?,
            relation: row.try_get("relation")?,
            column: row.try_get("column")?,
            inherited: row.try_get("inherited")?,
            null_frac: row.try_get("null_frac")?,
            avg_width: row.try_get("avg_width")?,
            n_distinct: row.try_get("n_distinct")?,
            slots: slots(&row)?,
        });
    }
    Ok(())
}

/// The slots that pg_stats shows as columns.
fn slots(row: &Row) -> Result<Vec<Slot>, Error> {
    let correlation: Option<f32> = row.try_get("correlation")?;
    let all = [
        Slot { kind: Slot::COMMON, values: row.try_get("common_values")?, numbers: row.try_get("common_freqs")?, ..Slot::default() },
        Slot { kind: Slot::HISTOGRAM, values: row.try_get("histogram")?, ..Slot::default() },
        Slot { kind: Slot::CORRELATION, numbers: correlation.map(|c| vec![c]), ..Slot::default() },
        Slot { kind: Slot::ELEMENTS, values: row.try_get("common_elements")?, numbers: row.try_get("element_freqs")?, ..Slot::default() },
        Slot { kind: Slot::ELEMENT_COUNTS, numbers: row.try_get("element_counts")?, ..Slot::default() },
    ];
    Ok(all.into_iter().filter(|s| s.values.is_some() || s.numbers.is_some()).collect())
}
