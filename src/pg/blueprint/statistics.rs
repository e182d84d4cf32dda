//! Statistics of columns: pg_statistic itself where our role may read it, else what pg_stats shows.

use super::live::Live;
use crate::model::blueprint::{Blueprint, ColumnStatistics, Slot};
use crate::model::snapshot::Problem;
use crate::pg::error::describe_without_values;
use crate::pg::statements;
use tokio_postgres::{Error, Row};

/// What reading pg_stats in place of pg_statistic loses.
const LOSS: &str = "our role may not read it: statistics come from pg_stats, without CREATE STATISTICS objects and expression indexes on \
                    tables that others own, and before PostgreSQL 17 without those of ranges: such conditions are planned otherwise than \
                    there; GRANT pg_read_all_data (PostgreSQL 14 and later) lets all be read";

/// Fills statistics.
pub(super) async fn read(live: &Live<'_>, blueprint: &mut Blueprint) -> Result<(), Error> {
    let rights = live.query(&statements::BLUEPRINT_MAY_READ_STATISTICS, &[]).await?;
    let readable = rights.first().map_or(Ok(false), |row| row.try_get("columns"))?;
    let refusal = if readable {
        match live.attempt(&statements::BLUEPRINT_STATISTICS_FULL).await? {
            Ok(rows) => return fill(&rows, blueprint),
            Err(error) => describe_without_values(&error),
        }
    } else {
        LOSS.to_owned()
    };
    blueprint.problems.push(Problem { source: "pg_statistic".into(), message: refusal });
    for row in live.query(&statements::BLUEPRINT_STATISTICS, &[]).await? {
        let column = ColumnStatistics {
            schema: row.try_get("schema")?,
            relation: row.try_get("relation")?,
            column: row.try_get("column")?,
            slots: shown_slots(&row)?,
            ..common(&row)?
        };
        blueprint.statistics.push(column);
    }
    Ok(())
}

/// Rows come slot by slot, those of a column side by side.
fn fill(rows: &[Row], blueprint: &mut Blueprint) -> Result<(), Error> {
    for row in rows {
        let place: (String, String, String) = (row.try_get("schema")?, row.try_get("relation")?, row.try_get("column")?);
        let inherited: bool = row.try_get("inherited")?;
        let same = |s: &ColumnStatistics| {
            s.inherited == inherited && (s.schema.as_str(), s.relation.as_str(), s.column.as_str()) == (&place.0, &place.1, &place.2)
        };
        if !blueprint.statistics.last().is_some_and(same) {
            let (schema, relation, column) = place;
            blueprint.statistics.push(ColumnStatistics { schema, relation, column, ..common(row)? });
        }
        if let (Some(last), Some(slot)) = (blueprint.statistics.last_mut(), slot(row)?) {
            last.slots.push(slot);
        }
    }
    Ok(())
}

/// What every row has, whichever way it was read.
pub(super) fn common(row: &Row) -> Result<ColumnStatistics, Error> {
    Ok(ColumnStatistics {
        inherited: row.try_get("inherited")?,
        null_frac: row.try_get("null_frac")?,
        avg_width: row.try_get("avg_width")?,
        n_distinct: row.try_get("n_distinct")?,
        ..ColumnStatistics::default()
    })
}

/// The slot of a row of pg_statistic; a column without slots has a row without one.
pub(super) fn slot(row: &Row) -> Result<Option<Slot>, Error> {
    let Some(kind) = row.try_get::<_, Option<i16>>("kind")? else { return Ok(None) };
    Ok(Some(Slot {
        kind,
        operator: row.try_get("operator")?,
        collation: row.try_get("collation")?,
        numbers: row.try_get("numbers")?,
        value_type: row.try_get("value_type")?,
        values: row.try_get("values")?,
    }))
}

/// The slots that the views show as columns.
pub(super) fn shown_slots(row: &Row) -> Result<Vec<Slot>, Error> {
    let correlation: Option<f32> = row.try_get("correlation")?;
    let empty: Option<f32> = row.try_get("range_empty_frac")?;
    let slot = |kind, numbers, values| Slot { kind, numbers, values, ..Slot::default() };
    let all = [
        slot(Slot::COMMON, row.try_get("common_freqs")?, row.try_get("common_values")?),
        slot(Slot::HISTOGRAM, None, row.try_get("histogram")?),
        slot(Slot::CORRELATION, correlation.map(|c| vec![c]), None),
        slot(Slot::ELEMENTS, row.try_get("element_freqs")?, row.try_get("common_elements")?),
        slot(Slot::ELEMENT_COUNTS, row.try_get("element_counts")?, None),
        slot(Slot::RANGE_LENGTHS, empty.map(|e| vec![e]), row.try_get("range_lengths")?),
        slot(Slot::RANGE_BOUNDS, None, row.try_get("range_bounds")?),
    ];
    // pg_statistic has five places; no type fills more.
    Ok(all.into_iter().filter(|s| s.values.is_some() || s.numbers.is_some()).take(5).collect())
}
