//! What the clone needs of a live database: schema as DDL, statistics, sizes. Catalog reads only.

use crate::model::text::quote_ident;
use crate::pg::error::describe;
use crate::pg::session::Session;
use crate::pg::statements::{self, Statement};
use tokio_postgres::{Client, Error};

/// One statement that rebuilds one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// `table s.t`, for messages.
    pub name: String,
    /// The statement.
    pub ddl: String,
}

/// What the planner takes for a relation's size.
#[derive(Debug, Clone, PartialEq)]
pub struct RelationSize {
    /// Schema.
    pub schema: String,
    /// Name.
    pub name: String,
    /// pg_class.relpages.
    pub pages: i32,
    /// pg_class.reltuples.
    pub rows: f64,
    /// pg_class.relallvisible.
    pub visible_pages: i32,
    /// Length of the file, blocks of 8 kB: what the planner really goes by.
    pub blocks: i64,
}

/// One column's statistics as text, ready to be written again.
#[derive(Debug, Clone, PartialEq)]
pub struct StatisticsRow {
    /// Schema, relation, column.
    pub place: [String; 3],
    /// Of the whole inheritance tree.
    pub inherited: bool,
    /// pg_stats.null_frac.
    pub null_frac: f32,
    /// pg_stats.avg_width, bytes.
    pub avg_width: i32,
    /// pg_stats.n_distinct.
    pub n_distinct: f32,
    /// most_common_vals as an array literal.
    pub common_values: Option<String>,
    /// Frequencies of them.
    pub common_freqs: Option<Vec<f32>>,
    /// histogram_bounds as an array literal.
    pub histogram: Option<String>,
    /// Physical order.
    pub correlation: Option<f32>,
    /// most_common_elems as an array literal.
    pub common_elements: Option<String>,
    /// Frequencies of them.
    pub element_freqs: Option<Vec<f32>>,
    /// elem_count_histogram.
    pub element_counts: Option<Vec<f32>>,
}

/// Everything.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Export {
    /// Extensions: their scripts need a superuser.
    pub extensions: Vec<Object>,
    /// Schemas, types, functions, tables, partitions, constraints, indexes, views, in an order that mostly works.
    pub objects: Vec<Object>,
    /// Sizes.
    pub relations: Vec<RelationSize>,
    /// Statistics.
    pub statistics: Vec<StatisticsRow>,
    /// Encoding, collation, character type of the database.
    pub locale: [String; 3],
}

/// Schema objects in the order in which they are rebuilt.
static OBJECTS: [&Statement; 8] = [
    &statements::CLONE_SCHEMAS,
    &statements::CLONE_TYPES,
    &statements::CLONE_FUNCTIONS,
    &statements::CLONE_TABLES,
    &statements::CLONE_INHERITANCE,
    &statements::CLONE_CONSTRAINTS,
    &statements::CLONE_INDEXES,
    &statements::CLONE_VIEWS,
];

/// Reads it all in one READ ONLY, REPEATABLE READ transaction.
pub async fn export(live: &Session) -> Result<Export, String> {
    live.begin_snapshot().await.map_err(|e| describe(&e))?;
    let export = read(&live.client).await;
    let ended = live.rollback().await;
    let export = export.map_err(|e| describe(&e))?;
    ended.map_err(|e| describe(&e))?;
    Ok(export)
}

async fn read(live: &Client) -> Result<Export, Error> {
    // Values as text must mean the same elsewhere, and every name must come out qualified.
    live.query(statements::FORMATS.sql, &[]).await?;
    live.query(statements::SEARCH_PATH.sql, &[&""]).await?;
    let mut export = Export { extensions: extensions(live).await?, ..Export::default() };
    for statement in OBJECTS {
        export.objects.extend(objects(live, statement).await?);
    }
    for row in live.query(statements::CLONE_RELATIONS.sql, &[]).await? {
        export.relations.push(RelationSize {
            schema: row.try_get("schema")?,
            name: row.try_get("name")?,
            pages: row.try_get("pages")?,
            rows: row.try_get("rows")?,
            visible_pages: row.try_get("visible_pages")?,
            blocks: row.try_get("blocks")?,
        });
    }
    for row in live.query(statements::CLONE_STATISTICS.sql, &[]).await? {
        export.statistics.push(StatisticsRow {
            place: [row.try_get("schema")?, row.try_get("relation")?, row.try_get("column")?],
            inherited: row.try_get("inherited")?,
            null_frac: row.try_get("null_frac")?,
            avg_width: row.try_get("avg_width")?,
            n_distinct: row.try_get("n_distinct")?,
            common_values: row.try_get("common_values")?,
            common_freqs: row.try_get("common_freqs")?,
            histogram: row.try_get("histogram")?,
            correlation: row.try_get("correlation")?,
            common_elements: row.try_get("common_elements")?,
            element_freqs: row.try_get("element_freqs")?,
            element_counts: row.try_get("element_counts")?,
        });
    }
    let row = live.query_one(statements::CLONE_DATABASE.sql, &[]).await?;
    export.locale = [row.try_get("encoding")?, row.try_get("collate")?, row.try_get("ctype")?];
    Ok(export)
}

/// Composed here, not on the server: the clone's superuser runs them.
async fn extensions(live: &Client) -> Result<Vec<Object>, Error> {
    let rows = live.query(statements::EXTENSIONS.sql, &[]).await?;
    let one = |row: &tokio_postgres::Row| {
        let (name, schema): (String, String) = (row.try_get("name")?, row.try_get("schema")?);
        let ddl = format!("CREATE EXTENSION IF NOT EXISTS {} SCHEMA {} CASCADE", quote_ident(&name), quote_ident(&schema));
        Ok((name.clone(), Object { name: format!("extension {name}"), ddl }))
    };
    let all: Vec<(String, Object)> = rows.iter().map(one).collect::<Result<_, Error>>()?;
    Ok(all.into_iter().filter(|(name, _)| name != "plpgsql").map(|(_, object)| object).collect())
}

async fn objects(live: &Client, statement: &Statement) -> Result<Vec<Object>, Error> {
    let rows = live.query(statement.sql, &[]).await?;
    rows.iter().map(|row| Ok(Object { name: row.try_get("object")?, ddl: row.try_get("ddl")? })).collect()
}
