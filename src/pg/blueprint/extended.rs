//! The data of CREATE STATISTICS objects, attribute numbers turned into names: numbers differ after
//! a dropped column.

use super::live::Live;
use super::statistics::{common, shown_slots, slot};
use crate::model::blueprint::{Blueprint, CommonCombination, ExtendedStatistics, StatisticsKey};
use crate::model::snapshot::Problem;
use crate::model::text::one_line;
use crate::pg::statements::{self, Statement};
use crate::pg::statext::{Form, Items, parse};
use std::collections::HashMap;
use tokio_postgres::{Error, Row};

/// The catalog itself, or the views that show what our role may read.
struct Source {
    objects: &'static Statement,
    items: &'static Statement,
    expressions: &'static Statement,
}

static CATALOG: Source = Source {
    objects: &statements::BLUEPRINT_EXTENDED,
    items: &statements::BLUEPRINT_EXTENDED_ITEMS,
    expressions: &statements::BLUEPRINT_EXTENDED_EXPRESSIONS,
};
static VIEWS: Source = Source {
    objects: &statements::BLUEPRINT_EXTENDED_SHOWN,
    items: &statements::BLUEPRINT_EXTENDED_ITEMS_SHOWN,
    expressions: &statements::BLUEPRINT_EXTENDED_EXPRESSIONS_SHOWN,
};

/// An object's data, by schema, name and whether inherited.
type Found = HashMap<(String, String, bool), usize>;

/// Fills extended statistics.
pub(super) async fn read(live: &Live<'_>, blueprint: &mut Blueprint) -> Result<(), Error> {
    let rights = live.query(&statements::BLUEPRINT_MAY_READ_STATISTICS, &[]).await?;
    let readable = rights.first().map_or(Ok(false), |row| row.try_get("extended"))?;
    let source = if readable { &CATALOG } else { &VIEWS };
    let mut found = Found::new();
    for row in live.query(source.objects, &[]).await? {
        let object = object(&row, &mut blueprint.problems)?;
        found.insert((object.schema.clone(), object.name.clone(), object.inherited), blueprint.extended.len());
        blueprint.extended.push(object);
    }
    if found.is_empty() {
        return Ok(());
    }
    for row in live.query(source.items, &[]).await? {
        if let Some(object) = of(&row, &found, blueprint)? {
            object.common.push(CommonCombination {
                values: row.try_get("values")?,
                frequency: row.try_get("frequency")?,
                base_frequency: row.try_get("base_frequency")?,
            });
        }
    }
    // Expressions are there since PostgreSQL 14; before, the server refuses.
    let Ok(rows) = live.attempt(source.expressions).await? else { return Ok(()) };
    for row in rows {
        let Some(object) = of(&row, &found, blueprint)? else { continue };
        let number = usize::try_from(row.try_get::<_, i64>("expression")?).unwrap_or(0);
        if object.expressions.len() < number {
            object.expressions.push(common(&row)?);
        }
        if let Some(last) = object.expressions.last_mut() {
            if readable {
                last.slots.extend(slot(&row)?);
            } else {
                last.slots = shown_slots(&row)?;
            }
        }
    }
    Ok(())
}

fn of<'a>(row: &Row, found: &Found, blueprint: &'a mut Blueprint) -> Result<Option<&'a mut ExtendedStatistics>, Error> {
    let place = (row.try_get("schema")?, row.try_get("name")?, row.try_get("inherited")?);
    Ok(found.get(&place).and_then(|at| blueprint.extended.get_mut(*at)))
}

fn object(row: &Row, problems: &mut Vec<Problem>) -> Result<ExtendedStatistics, Error> {
    let numbers: Vec<i16> = row.try_get("numbers")?;
    let names: HashMap<i16, String> = numbers.into_iter().zip(row.try_get::<_, Vec<String>>("names")?).collect();
    let mut object = ExtendedStatistics {
        schema: row.try_get("schema")?,
        name: row.try_get("name")?,
        inherited: row.try_get("inherited")?,
        ..Default::default()
    };
    for (form, column) in [(Form::Distinct, "distinct_bytes"), (Form::Dependencies, "dependency_bytes")] {
        let Some(bytes) = row.try_get::<_, Option<Vec<u8>>>(column)? else { continue };
        match parse(form, &bytes).and_then(|items| named(items, &names)) {
            Some(items) if form == Form::Distinct => object.distinct = items,
            Some(items) => object.dependencies = items,
            None => problems.push(Problem {
                source: "pg_statistic_ext_data".into(),
                message: format!("{}.{} has data of an unknown form, left out", one_line(&object.schema), one_line(&object.name)),
            }),
        }
    }
    Ok(object)
}

fn named(items: Items, names: &HashMap<i16, String>) -> Option<Vec<(Vec<StatisticsKey>, f64)>> {
    let key = |number: i16| match number {
        ..0 => Some(StatisticsKey::Expression(number.checked_neg()?)),
        _ => names.get(&number).cloned().map(StatisticsKey::Column),
    };
    items.into_iter().map(|(keys, number)| Some((keys.into_iter().map(key).collect::<Option<_>>()?, number))).collect()
}
