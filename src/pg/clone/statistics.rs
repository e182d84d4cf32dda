//! Statistics of columns, written into pg_statistic.

use super::broken;
use crate::model::blueprint::{ColumnStatistics, Slot};
use crate::model::failure::Failure;
use crate::model::snapshot::Problem;
use crate::model::text::one_line;
use crate::pg::session::Session;
use crate::pg::statements;
use postgres_types::ToSql;
use std::collections::BTreeMap;
use tokio_postgres::{Error, Statement};

/// Columns in one statement: few enough for a message of some megabytes.
const AT_ONCE: usize = 1000;
/// Columns that a problem names.
const NAMED: usize = 5;
/// pg_statistic has so many places.
const SLOTS: usize = 5;
/// Kinds of extensions begin here; the planner of the core server reads none of them.
const FIRST_FOREIGN_KIND: i16 = 100;

/// Values are read and written as in the blueprint.
const FORMATS: &str = "SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres'; SET TimeZone = 'UTC'; SET extra_float_digits = 1; \
                       SET bytea_output = 'hex'";

/// Has these connections read and write values as a blueprint does.
pub(super) async fn pin_formats(sessions: &[&Session]) -> Result<(), Failure> {
    for session in sessions {
        session.client.batch_execute(FORMATS).await.map_err(broken)?;
    }
    Ok(())
}

/// Writes all of them; the problems name what is lost.
pub(super) async fn write(admin: &Session, statistics: &[ColumnStatistics]) -> Result<Vec<Problem>, Failure> {
    let statement = admin.client.prepare(statements::CLONE_PUT_STATISTICS.sql).await.map_err(broken)?;
    let mut written: BTreeMap<usize, bool> = BTreeMap::new();
    for (n, chunk) in statistics.chunks(AT_ONCE).enumerate() {
        let first = n * AT_ONCE;
        match put(admin, &statement, first, chunk).await {
            Ok(places) => written.extend(places),
            // A value that this server cannot read takes the whole message with it: then each for itself.
            Err(_) => {
                for (k, row) in chunk.iter().enumerate() {
                    written.extend(put(admin, &statement, first + k, std::slice::from_ref(row)).await.unwrap_or_default());
                }
            }
        }
    }
    let lost = |state: Option<bool>| statistics.iter().enumerate().filter(move |(n, _)| written.get(n).copied() == state).map(|(_, s)| s);
    let (missing, reduced): (Vec<_>, Vec<_>) = (lost.clone()(None).collect(), lost(Some(true)).collect());
    let problems = [
        ("could not be written: the column or its type is not here", missing),
        ("written without values: reading them could run functions of the copied schema", reduced),
    ];
    Ok(problems.into_iter().filter(|(_, columns)| !columns.is_empty()).map(|(what, columns)| problem(what, &columns)).collect())
}

fn problem(what: &str, columns: &[&ColumnStatistics]) -> Problem {
    let name = |s: &&ColumnStatistics| one_line(&format!("{}.{}.{}", s.schema, s.relation, s.column));
    let mut names = columns.iter().take(NAMED).map(name).collect::<Vec<_>>().join(", ");
    if columns.len() > NAMED {
        names.push_str(&format!(" and {} more", columns.len() - NAMED));
    }
    Problem { source: "what-if clone".into(), message: format!("statistics of {} columns {what}: {names}", columns.len()) }
}

/// Which of the rows were written, and whether without values; `first` is the place of the first of them.
async fn put(admin: &Session, statement: &Statement, first: usize, rows: &[ColumnStatistics]) -> Result<Vec<(usize, bool)>, Error> {
    let finite = |number: f32| if number.is_finite() { number } else { 0.0 };
    let texts = |of: fn(&ColumnStatistics) -> &str| rows.iter().map(of).collect::<Vec<&str>>();
    let places: Vec<i32> = (first..).take(rows.len()).map(|place| place as i32).collect();
    let (schemas, relations, columns) = (texts(|r| &r.schema), texts(|r| &r.relation), texts(|r| &r.column));
    let inherited: Vec<bool> = rows.iter().map(|r| r.inherited).collect();
    let null_fracs: Vec<f32> = rows.iter().map(|r| finite(r.null_frac)).collect();
    let widths: Vec<i32> = rows.iter().map(|r| r.avg_width.max(0)).collect();
    let distinct: Vec<f32> = rows.iter().map(|r| finite(r.n_distinct)).collect();
    let slots: Vec<(i32, i32, &Slot)> = places.iter().zip(rows).flat_map(|(place, row)| sound_slots(*place, row)).collect();
    let slot_places: Vec<i32> = slots.iter().map(|(place, ..)| *place).collect();
    let slot_numbers: Vec<i32> = slots.iter().map(|(_, n, _)| *n).collect();
    let kinds: Vec<i16> = slots.iter().map(|(.., s)| s.kind).collect();
    let operators: Vec<Option<&str>> = slots.iter().map(|(.., s)| s.operator.as_deref()).collect();
    let collations: Vec<Option<&str>> = slots.iter().map(|(.., s)| s.collation.as_deref()).collect();
    let numbers: Vec<Option<String>> = slots.iter().map(|(.., s)| s.numbers.as_ref().map(|n| number_array(n))).collect();
    let values: Vec<Option<String>> = slots.iter().map(|(.., s)| s.values.as_ref().map(|v| value_array(v))).collect();
    let parameters: [&(dyn ToSql + Sync); 15] = [
        &places,
        &schemas,
        &relations,
        &columns,
        &inherited,
        &null_fracs,
        &widths,
        &distinct,
        &slot_places,
        &slot_numbers,
        &kinds,
        &operators,
        &collations,
        &numbers,
        &values,
    ];
    let answers = admin.client.query(statement, &parameters).await?;
    answers.iter().map(|row| Ok((row.try_get::<_, i32>("place")? as usize, row.try_get("reduced")?))).collect()
}

/// A column's slots with its place and their own.
fn sound_slots(place: i32, row: &ColumnStatistics) -> impl Iterator<Item = (i32, i32, &Slot)> {
    (1..).zip(row.slots.iter().filter(|s| is_sound(s)).take(SLOTS)).map(move |(n, slot)| (place, n, slot))
}

/// Whether the planner can read the slot: it trusts these lengths, and the blueprint is not ours.
fn is_sound(slot: &Slot) -> bool {
    let values = slot.values.as_ref().map_or(0, Vec::len);
    let numbers = slot.numbers.as_ref().map_or(0, Vec::len);
    match slot.kind {
        Slot::COMMON => values > 0 && numbers == values,
        Slot::HISTOGRAM | Slot::RANGE_BOUNDS => values > 1 && numbers == 0,
        Slot::CORRELATION => values == 0 && numbers == 1,
        // Behind the elements' frequencies: least and greatest, and for arrays that of NULL elements.
        Slot::ELEMENTS => values > 0 && (values + 2..=values + 3).contains(&numbers),
        Slot::ELEMENT_COUNTS => values == 0 && numbers > 1,
        Slot::RANGE_LENGTHS => numbers == 1 && values != 1,
        kind => kind >= FIRST_FOREIGN_KIND && slot.values.is_none(),
    }
}

fn number_array(numbers: &[f32]) -> String {
    format!("{{{}}}", numbers.iter().map(f32::to_string).collect::<Vec<_>>().join(","))
}

/// As the server writes an array, each element in quotes.
fn value_array(values: &[String]) -> String {
    let quoted = |value: &String| format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""));
    format!("{{{}}}", values.iter().map(quoted).collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_are_written_as_the_server_reads_them() {
        assert_eq!(value_array(&["a\"b\\c".into(), "{1,2}".into(), String::new()]), r#"{"a\"b\\c","{1,2}",""}"#);
        assert_eq!(number_array(&[0.5, f32::NAN, -0.25]), "{0.5,NaN,-0.25}");
    }

    #[test]
    fn slots_that_the_planner_would_read_past_their_end_are_left_out() {
        let slot = |kind, numbers: Option<usize>, values: Option<usize>| Slot {
            kind,
            numbers: numbers.map(|n| vec![0.1; n]),
            values: values.map(|n| vec!["1".into(); n]),
            ..Slot::default()
        };
        assert!(is_sound(&slot(Slot::COMMON, Some(2), Some(2))));
        assert!(!is_sound(&slot(Slot::COMMON, Some(1), Some(2))));
        assert!(!is_sound(&slot(Slot::CORRELATION, Some(0), None)));
        assert!(is_sound(&slot(Slot::ELEMENTS, Some(5), Some(2))));
        assert!(!is_sound(&slot(Slot::ELEMENTS, Some(2), Some(2))));
        assert!(!is_sound(&slot(42, Some(2), Some(2))));
        assert!(is_sound(&slot(102, Some(20), None)));
    }
}
