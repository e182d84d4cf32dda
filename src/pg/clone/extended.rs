//! The data of CREATE STATISTICS objects. Their bytes are never taken from the blueprint: numbers of
//! distinct values and dependencies are written anew with the clone's own attribute numbers, and a
//! list of common combinations is made by the server itself, of a scratch table with one row per
//! item, in which only the frequencies are then set.
//!
//! Values are read by input functions, which may be anyone's: the role without rights fills the
//! scratch table and analyses it.

use super::ends::SCRATCH;
use super::{broken, statistics};
use crate::model::blueprint::{ColumnStatistics, CommonCombination, ExtendedStatistics, StatisticsKey};
use crate::model::failure::Failure;
use crate::model::snapshot::Problem;
use crate::model::text::{one_line, quote_ident, quote_qualified};
use crate::pg::error::describe_without_values;
use crate::pg::session::Session;
use crate::pg::statements::{self, Statement};
use crate::pg::statext::{self, Form, Items};
use crate::pg::value::TextValue;
use futures_util::future::join_all;
use postgres_types::ToSql;
use std::collections::HashMap;
use tokio_postgres::{Error, Row};

/// Types without a way in: only as long as we write them are bytes one.
const TYPES: [&str; 3] = ["pg_ndistinct", "pg_dependencies", "pg_mcv_list"];
/// A list keeps as many items as its target says, at most this many.
const MOST_ITEMS: usize = 10_000;
/// The scratch table.
const TABLE: &str = "dimensions";

/// A statistics object of the clone.
struct Object {
    oid: u32,
    table: String,
    numbers: Vec<i16>,
    names: Vec<String>,
    expressions: Vec<String>,
    kinds: Vec<String>,
}

/// Writes all of them; the problems name what is lost.
pub(super) async fn write(
    admin: &Session,
    planner: &Session,
    major: u32,
    extended: &[ExtendedStatistics],
) -> Result<Vec<Problem>, Failure> {
    if extended.is_empty() {
        return Ok(Vec::new());
    }
    let read: &Statement = if major < 14 { &statements::CLONE_STATISTICS_OBJECTS_13 } else { &statements::CLONE_STATISTICS_OBJECTS_14 };
    let rows = admin.client.query(read.sql, &[]).await.map_err(broken)?;
    let objects = rows.iter().map(object).collect::<Result<HashMap<_, _>, Error>>().map_err(broken)?;
    let casts = |text: &dyn Fn(&str) -> String| TYPES.map(text).join("; ");
    let create = casts(&|t| format!("CREATE CAST (pg_catalog.bytea AS pg_catalog.{t}) WITHOUT FUNCTION"));
    admin.client.batch_execute(&create).await.map_err(broken)?;
    let mut problems = Vec::new();
    for data in extended {
        let done = match objects.get(&(data.schema.clone(), data.name.clone())) {
            Some(object) => write_one(admin, planner, major, object, data).await?,
            None => Err("the object is not here".to_owned()),
        };
        if let Err(why) = done {
            let name = one_line(&format!("{}.{}", data.schema, data.name));
            problems.push(Problem { source: "what-if clone".into(), message: format!("extended statistics {name} not written: {why}") });
        }
    }
    let drop = casts(&|t| format!("DROP CAST (pg_catalog.bytea AS pg_catalog.{t})"));
    admin.client.batch_execute(&drop).await.map_err(broken)?;
    Ok(problems)
}

fn object(row: &Row) -> Result<((String, String), Object), Error> {
    let table = quote_qualified(row.try_get("table_schema")?, row.try_get("table_name")?);
    let object = Object {
        oid: row.try_get("oid")?,
        table,
        numbers: row.try_get("numbers")?,
        names: row.try_get("names")?,
        expressions: row.try_get("expressions")?,
        kinds: row.try_get("kinds")?,
    };
    Ok(((row.try_get("schema")?, row.try_get("name")?), object))
}

/// The inner error says why this one is lost.
async fn write_one(
    admin: &Session,
    planner: &Session,
    major: u32,
    object: &Object,
    data: &ExtendedStatistics,
) -> Result<Result<(), String>, Failure> {
    let table = match scratch(admin, planner, object).await {
        Ok(table) => table,
        Err(error) => return Ok(Err(describe_without_values(&error))),
    };
    let written = fill(admin, planner, major, object, data, table).await;
    planner.client.batch_execute(&format!("DROP SCHEMA {SCRATCH} CASCADE")).await.map_err(broken)?;
    written
}

/// An empty table with a column per dimension, of its type and collation; its oid.
async fn scratch(admin: &Session, planner: &Session, object: &Object) -> Result<u32, Error> {
    let columns = object.names.iter().map(|name| quote_ident(name)).chain(object.expressions.iter().map(|e| format!("({e})")));
    let columns: Vec<String> = columns.enumerate().map(|(n, dimension)| format!("{dimension} AS d{}", n + 1)).collect();
    // The expressions are as the clone's own server prints them.
    let create = format!("CREATE TABLE {SCRATCH}.{TABLE} AS SELECT {} FROM ONLY {} WITH NO DATA", columns.join(", "), object.table);
    planner.client.batch_execute(&format!("CREATE SCHEMA {SCRATCH}")).await?;
    let created = planner.client.execute(&create, &[]).await;
    if created.is_err() {
        planner.client.batch_execute(&format!("DROP SCHEMA {SCRATCH} CASCADE")).await?;
    }
    created?;
    admin.client.query_one(statements::CLONE_TABLE_OID.sql, &[&SCRATCH, &TABLE]).await?.try_get("oid")
}

async fn fill(
    admin: &Session,
    planner: &Session,
    major: u32,
    object: &Object,
    data: &ExtendedStatistics,
    table: u32,
) -> Result<Result<(), String>, Failure> {
    let mut lost = Vec::new();
    let (distinct, dependencies) = (distinct(object, data), dependencies(object, data));
    if distinct.is_none() && !data.distinct.is_empty() {
        lost.push("numbers of distinct values are not those of its columns".to_owned());
    }
    let list = match list(admin, planner, object, data, table).await {
        Ok(list) => list,
        Err(why) => {
            lost.push(why);
            None
        }
    };
    admin.client.execute(statements::CLONE_FORGET_COLUMNS.sql, &[&table]).await.map_err(broken)?;
    let expressions: Vec<ColumnStatistics> = data.expressions.iter().enumerate().map(|(n, e)| in_scratch(object, n, e)).collect();
    lost.extend(statistics::write(admin, &expressions).await?.into_iter().map(|p| p.message));
    let put: &Statement = match major {
        ..=13 => &statements::CLONE_PUT_EXTENDED_13,
        14 => &statements::CLONE_PUT_EXTENDED_14,
        _ => &statements::CLONE_PUT_EXTENDED_15,
    };
    let parameters: [&(dyn ToSql + Sync); 6] = [&object.oid, &distinct, &dependencies, &list, &data.inherited, &table];
    if let Err(error) = admin.client.execute(put.sql, &parameters).await {
        lost.push(describe_without_values(&error));
    }
    Ok(if lost.is_empty() { Ok(()) } else { Err(lost.join("; ")) })
}

/// The statistics of an expression, as those of the column of the scratch table that has its type.
fn in_scratch(object: &Object, n: usize, of: &ColumnStatistics) -> ColumnStatistics {
    let column = format!("d{}", object.names.len() + n + 1);
    ColumnStatistics { schema: SCRATCH.into(), relation: TABLE.into(), column, inherited: false, ..of.clone() }
}

/// Keys as this database's attribute numbers; `None` when one is not here.
fn numbered(object: &Object, items: &[(Vec<StatisticsKey>, f64)]) -> Option<Items> {
    let number = |key: &StatisticsKey| match key {
        StatisticsKey::Column(name) => object.names.iter().position(|n| n == name).and_then(|at| object.numbers.get(at).copied()),
        StatisticsKey::Expression(n) => (1..=object.expressions.len()).contains(&usize::try_from(*n).ok()?).then(|| -n),
    };
    items.iter().map(|(keys, value)| Some((keys.iter().map(number).collect::<Option<Vec<i16>>>()?, *value))).collect()
}

/// The planner raises an error for a combination that is missing: all of them, or nothing.
fn distinct(object: &Object, data: &ExtendedStatistics) -> Option<Vec<u8>> {
    let mut items = numbered(object, &data.distinct)?;
    let dimensions = object.numbers.len() + object.expressions.len();
    let place = |key: &i16| if *key > 0 { (0, *key) } else { (1, -*key) };
    items.iter_mut().for_each(|(keys, _)| keys.sort_by_key(place));
    let mut sets: Vec<&Vec<i16>> = items.iter().map(|(keys, _)| keys).collect();
    sets.sort();
    sets.dedup();
    let plain = |keys: &&Vec<i16>| keys.len() > 1 && keys.windows(2).all(|pair| pair[0] != pair[1]);
    let complete = (2..=8).contains(&dimensions) && sets.len() == (1 << dimensions) - dimensions - 1 && sets.iter().all(plain);
    let complete = complete && object.kinds.iter().any(|k| k == "d") && items.len() == sets.len();
    complete.then(|| statext::write(Form::Distinct, &items))
}

fn dependencies(object: &Object, data: &ExtendedStatistics) -> Option<Vec<u8>> {
    let items = numbered(object, &data.dependencies)?;
    let sound = |(keys, degree): &(Vec<i16>, f64)| (2..=8).contains(&keys.len()) && (0.0..=1.0).contains(degree);
    let sound = !items.is_empty() && items.len() <= 2048 && items.iter().all(sound) && object.kinds.iter().any(|k| k == "f");
    sound.then(|| statext::write(Form::Dependencies, &items))
}

/// The list of common combinations, made by the server, with the blueprint's frequencies.
async fn list(
    admin: &Session,
    planner: &Session,
    object: &Object,
    data: &ExtendedStatistics,
    table: u32,
) -> Result<Option<Vec<u8>>, String> {
    let dimensions = object.names.len() + object.expressions.len();
    let fits = |c: &CommonCombination| c.values.len() == dimensions;
    if data.common.is_empty() || !object.kinds.iter().any(|k| k == "m") {
        return Ok(None);
    }
    if data.common.len() > MOST_ITEMS || !data.common.iter().all(fits) {
        return Err("its common combinations are not of its columns".into());
    }
    make_list(planner, &data.common, dimensions).await.map_err(|e| describe_without_values(&e))?;
    let made = admin.client.query_opt(statements::CLONE_MADE_LIST.sql, &[&table]).await.map_err(|e| describe_without_values(&e))?;
    let items = admin.client.query(statements::CLONE_MADE_ITEMS.sql, &[&table]).await.map_err(|e| describe_without_values(&e))?;
    let unlike = || "this server made other common combinations of the same values".to_owned();
    let bytes: Vec<u8> = made.and_then(|row| row.try_get("list").ok()).ok_or_else(unlike)?;
    let at: HashMap<Vec<Option<String>>, usize> =
        items.iter().enumerate().filter_map(|(n, row)| Some((row.try_get("values").ok()?, n))).collect();
    let places: Option<Vec<usize>> = data.common.iter().map(|c| at.get(&c.values).copied()).collect();
    let frequencies: Vec<(f64, f64)> = data.common.iter().map(|c| (c.frequency, c.base_frequency)).collect();
    places.and_then(|places| statext::set_frequencies(&bytes, &places, &frequencies)).map(Some).ok_or_else(unlike)
}

/// One row per item, each as frequent as the others: the server keeps them all.
async fn make_list(planner: &Session, common: &[CommonCombination], dimensions: usize) -> Result<(), Error> {
    let places: Vec<String> = (1..=dimensions).map(|n| format!("${n}")).collect();
    let columns: Vec<String> = (1..=dimensions).map(|n| format!("d{n}")).collect();
    let insert = planner.client.prepare(&format!("INSERT INTO {SCRATCH}.{TABLE} VALUES ({})", places.join(", "))).await?;
    let inserts = common.iter().map(|combination| {
        let (client, insert) = (&planner.client, &insert);
        let values: Vec<TextValue> = combination.values.iter().cloned().map(TextValue).collect();
        async move {
            let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|v| v as &(dyn ToSql + Sync)).collect();
            client.execute(insert, &values).await
        }
    });
    for done in join_all(inserts).await {
        done?;
    }
    let text = format!(
        "CREATE STATISTICS {SCRATCH}.list (mcv) ON {} FROM {SCRATCH}.{TABLE}; ALTER STATISTICS {SCRATCH}.list SET STATISTICS {MOST_ITEMS}; \
         ANALYZE {SCRATCH}.{TABLE}",
        columns.join(", ")
    );
    planner.client.batch_execute(&text).await
}
