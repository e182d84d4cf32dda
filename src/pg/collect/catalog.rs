//! Relations, columns, statistics, foreign keys, extensions.

use super::platform::is_platform;
use super::reader::Reader;
use super::{CollectOptions, Rights, indexes};
use crate::model::catalog::{
    Column, ColumnStats, Extension, ForeignKey, OperatorClass, RowSecurity, StatisticsObject, Table, TableKind, TableUsage,
};
use crate::model::index_def::TableName;
use crate::model::snapshot::{Evidence, Gap, Snapshot};
use crate::model::text::quote_ident;
use crate::pg::statements::{
    COLUMN_STATISTICS, COLUMNS, DISTINCT_TOGETHER, EXTENSIONS, FOREIGN_KEYS, OPERATOR_CLASSES, SIZES, STATISTICS_OBJECTS, TABLES,
};
use std::collections::{BTreeSet, HashMap};
use tokio_postgres::{Error, Row};

/// Size of a page: what pg_class counts in, until the real sizes are known.
pub(super) const PAGE_BYTES: u64 = 8192;

/// A table as its row has it, with what is needed to finish it.
struct TableRow {
    table: Table,
    pages: u64,
    toast_oid: u32,
    statistics_readable: bool,
}

/// Fills `snapshot.catalog`.
pub(super) async fn read(reader: &mut Reader<'_>, snapshot: &mut Snapshot, rights: &Rights, options: &CollectOptions) {
    snapshot.catalog.extensions = reader.part(&EXTENSIONS, extension).await.unwrap_or_default();
    snapshot.catalog.operator_classes = reader.part(&OPERATOR_CLASSES, operator_class).await.unwrap_or_default();
    let Some(rows) = reader.part(&TABLES, |row| table(row, options)).await else {
        let reason = "the catalog could not be read (see problems)".to_owned();
        snapshot.gaps.push(Gap { evidence: Evidence::Catalog, reason, fix_sql: None });
        return;
    };
    // `None` where some relation is locked: pg_class then knows the pages of the last vacuum.
    let sizes: Option<HashMap<u32, u64>> = reader.part(&SIZES, size).await.map(|rows| rows.into_iter().collect());
    snapshot.gaps.extend(statistics_gap(&rows, snapshot.server.as_ref().map_or(0, |s| s.major()), rights));
    let mut tables: Vec<Table> = rows.into_iter().map(|row| sized(row, sizes.as_ref())).collect();

    let columns = reader.part(&COLUMNS, column).await.unwrap_or_default();
    let statistics = reader.part(&COLUMN_STATISTICS, column_statistics).await.unwrap_or_default();
    attach_columns(&mut tables, columns, statistics);
    let together = reader.part(&DISTINCT_TOGETHER, distinct_together).await.unwrap_or_default();
    for (oid, counts) in together {
        tables.iter_mut().filter(|t| t.oid == oid).for_each(|t| t.distinct_together.extend(counts.clone()));
    }
    sum_partitions(&mut tables);
    snapshot.catalog.tables = tables;
    snapshot.catalog.indexes = indexes::read(reader, sizes.as_ref()).await;
    snapshot.catalog.statistics_objects = reader.part(&STATISTICS_OBJECTS, statistics_object).await.unwrap_or_default();
    snapshot.catalog.foreign_keys = reader.part(&FOREIGN_KEYS, foreign_key).await.unwrap_or_default();
}

fn extension(row: &Row) -> Result<Extension, Error> {
    Ok(Extension { name: row.try_get("name")?, version: row.try_get("version")?, schema: row.try_get("schema")? })
}

fn operator_class(row: &Row) -> Result<OperatorClass, Error> {
    Ok(OperatorClass {
        schema: row.try_get("schema")?,
        name: row.try_get("name")?,
        method: row.try_get("method")?,
        type_name: row.try_get("type_name")?,
        default: row.try_get("is_default")?,
        searches: row.try_get("searches")?,
        orders: row.try_get("orders")?,
    })
}

fn size(row: &Row) -> Result<(u32, u64), Error> {
    Ok((row.try_get("oid")?, row.try_get::<_, i64>("size_bytes")?.max(0) as u64))
}

fn table(row: &Row, options: &CollectOptions) -> Result<TableRow, Error> {
    let schema: String = row.try_get("schema")?;
    let parent: (Option<String>, Option<String>) = (row.try_get("parent_schema")?, row.try_get("parent_name")?);
    let from_extension: bool = row.try_get("from_extension")?;
    let inherits: Vec<String> = row.try_get("inherits")?;
    let named = options.schemas.contains(&schema);
    let table = Table {
        oid: row.try_get("oid")?,
        name: row.try_get("name")?,
        kind: kind(row.try_get("kind")?),
        owner: row.try_get("owner")?,
        ours: row.try_get("ours")?,
        platform: is_platform(&schema, &options.schemas) || (from_extension && !named),
        row_security: match (row.try_get("row_security")?, row.try_get("row_security_forced")?) {
            (false, _) => RowSecurity::Off,
            (true, false) => RowSecurity::On,
            (true, true) => RowSecurity::Forced,
        },
        rows: Some(row.try_get("rows")?),
        size_bytes: 0,
        toast_bytes: 0,
        columns: Vec::new(),
        distinct_together: Vec::new(),
        usage: usage(row)?,
        partition_of: parent.0.zip(parent.1).map(|(schema, name)| TableName { schema, name }),
        inherits: inherits.chunks_exact(2).map(|parent| TableName::new(&parent[0], &parent[1])).collect(),
        schema,
    };
    Ok(TableRow {
        table,
        pages: row.try_get::<_, i64>("pages")?.max(0) as u64,
        toast_oid: row.try_get("toast_oid")?,
        statistics_readable: row.try_get("statistics_readable")?,
    })
}

fn kind(relkind: &str) -> TableKind {
    match relkind {
        "p" => TableKind::Partitioned,
        "m" => TableKind::MaterializedView,
        "f" => TableKind::Foreign,
        "v" => TableKind::View,
        _ => TableKind::Table,
    }
}

fn usage(row: &Row) -> Result<Option<TableUsage>, Error> {
    let Some(seq_scans) = row.try_get::<_, Option<f64>>("seq_scans")? else { return Ok(None) };
    Ok(Some(TableUsage {
        seq_scans,
        seq_rows: row.try_get("seq_rows")?,
        index_scans: row.try_get("index_scans")?,
        inserted_rows: row.try_get("inserted_rows")?,
        updated_rows: row.try_get("updated_rows")?,
        hot_updated_rows: row.try_get("hot_updated_rows")?,
        deleted_rows: row.try_get("deleted_rows")?,
        live_rows: row.try_get("live_rows")?,
        dead_rows: row.try_get("dead_rows")?,
        modified_rows: row.try_get("modified_rows")?,
        analyzed_seconds_ago: seconds_ago(row, "analyzed_seconds_ago")?,
        vacuumed_seconds_ago: seconds_ago(row, "vacuumed_seconds_ago")?,
    }))
}

/// An age; one that ended after our transaction began is 0, not negative.
fn seconds_ago(row: &Row, column: &str) -> Result<Option<f64>, Error> {
    Ok(row.try_get::<_, Option<f64>>(column)?.map(|seconds| seconds.max(0.0)))
}

/// Sizes, and rows made `None` where ANALYZE never ran.
fn sized(row: TableRow, sizes: Option<&HashMap<u32, u64>>) -> Table {
    let of = |oid: u32| sizes.and_then(|s| s.get(&oid).copied());
    let mut table = row.table;
    table.size_bytes = of(table.oid).unwrap_or(if sizes.is_none() { row.pages * PAGE_BYTES } else { 0 });
    table.toast_bytes = of(row.toast_oid).unwrap_or(0);
    // Never analyzed is -1 since PostgreSQL 14, and 0 rows on 0 pages before.
    let rows = table.rows.unwrap_or(-1.0);
    let never = rows < 0.0 || (rows == 0.0 && row.pages == 0);
    let stored = matches!(table.kind, TableKind::Table | TableKind::MaterializedView);
    table.rows = if !never {
        Some(rows)
    } else if stored && table.size_bytes == 0 {
        Some(0.0)
    } else {
        None
    };
    // The rows of a transaction are counted twice when VACUUM saw them before its session reported them.
    if let (Some(usage), Some(rows)) = (&mut table.usage, planner_rows(rows, row.pages, table.size_bytes)) {
        usage.live_rows = usage.live_rows.min(rows);
    }
    table
}

/// Rows as the planner takes them: so many rows a page as there were; `None` where no one counted them.
pub(in crate::pg) fn planner_rows(rows: f64, pages: u64, size_bytes: u64) -> Option<f64> {
    let now = size_bytes as f64 / PAGE_BYTES as f64;
    match (rows, pages) {
        _ if size_bytes == 0 => Some(0.0),
        (rows, pages) if rows >= 0.0 && pages > 0 => Some((rows / pages as f64 * now).round()),
        _ => None,
    }
}

pub(in crate::pg) fn column(row: &Row) -> Result<(u32, Column), Error> {
    let column = Column {
        number: row.try_get("number")?,
        name: row.try_get("name")?,
        type_name: row.try_get("type_name")?,
        category: row.try_get("category")?,
        not_null: row.try_get("not_null")?,
        sorts_by_bytes: row.try_get("sorts_by_bytes")?,
        length: row.try_get("length")?,
        alignment: row.try_get::<_, &str>("alignment")?.chars().next(),
        ambiguous: !row.try_get::<_, bool>("deterministic")?,
        stats: None,
    };
    Ok((row.try_get("table_oid")?, column))
}

pub(in crate::pg) fn column_statistics(row: &Row) -> Result<((u32, String), ColumnStats), Error> {
    let texts = |column: &str| -> Result<Vec<String>, Error> { Ok(row.try_get::<_, Option<_>>(column)?.unwrap_or_default()) };
    let stats = ColumnStats {
        null_frac: row.try_get("null_frac")?,
        avg_width_bytes: row.try_get("avg_width_bytes")?,
        n_distinct: row.try_get("n_distinct")?,
        correlation: row.try_get("correlation")?,
        common_values: texts("common_values")?,
        common_freqs: row.try_get::<_, Option<_>>("common_freqs")?.unwrap_or_default(),
        histogram: texts("histogram")?,
        element_freqs: row.try_get::<_, Option<_>>("element_freqs")?.unwrap_or_default(),
        elements_per_row: row.try_get("elements_per_row")?,
    };
    Ok(((row.try_get("table_oid")?, row.try_get("column_name")?), stats))
}

/// Column numbers with their distinct combinations.
pub(in crate::pg) type Combinations = Vec<(Vec<i16>, f64)>;

/// `{"1, 2": 3300}`; an expression has a negative number and no column.
pub(in crate::pg) fn distinct_together(row: &Row) -> Result<(u32, Combinations), Error> {
    let combinations: HashMap<String, f64> = serde_json::from_str(row.try_get("combinations")?).unwrap_or_default();
    let numbers = |text: &str| text.split(',').map(|n| n.trim().parse().ok().filter(|n| *n > 0)).collect::<Option<Vec<i16>>>();
    let mut counts: Combinations = combinations.iter().filter_map(|(text, count)| Some((numbers(text)?, *count))).collect();
    counts.sort_by(|a, b| a.0.cmp(&b.0));
    Ok((row.try_get("table_oid")?, counts))
}

fn attach_columns(tables: &mut [Table], columns: Vec<(u32, Column)>, statistics: Vec<((u32, String), ColumnStats)>) {
    let mut statistics: HashMap<(u32, String), ColumnStats> = statistics.into_iter().collect();
    let mut by_table: HashMap<u32, Vec<Column>> = HashMap::new();
    for (oid, mut column) in columns {
        column.stats = statistics.remove(&(oid, column.name.clone()));
        by_table.entry(oid).or_default().push(column);
    }
    for table in tables {
        table.columns = by_table.remove(&table.oid).unwrap_or_default();
    }
}

/// A partitioned parent that was never analyzed itself has the rows of its partitions.
fn sum_partitions(tables: &mut [Table]) {
    // One round per level of partitions; a parent is filled once all its children are.
    loop {
        let known: HashMap<TableName, f64> = tables
            .iter()
            .filter(|t| t.kind == TableKind::Partitioned && t.rows.is_none())
            .filter_map(|parent| Some((parent.table_name(), rows_of_children(tables, &parent.table_name())?)))
            .collect();
        if known.is_empty() {
            return;
        }
        for table in tables.iter_mut() {
            if let Some(rows) = known.get(&table.table_name()) {
                table.rows = Some(*rows);
            }
        }
    }
}

/// Sum over the partitions; `None` while one of them is unknown.
fn rows_of_children(tables: &[Table], parent: &TableName) -> Option<f64> {
    tables.iter().filter(|t| t.partition_of.as_ref() == Some(parent)).map(|t| t.rows).sum()
}

fn statistics_object(row: &Row) -> Result<StatisticsObject, Error> {
    Ok(StatisticsObject {
        schema: row.try_get("schema")?,
        name: row.try_get("name")?,
        table: TableName { schema: row.try_get("table_schema")?, name: row.try_get("table_name")? },
        columns: row.try_get("columns")?,
        kinds: row.try_get("kinds")?,
    })
}

fn foreign_key(row: &Row) -> Result<ForeignKey, Error> {
    let name =
        |schema: &str, name: &str| -> Result<TableName, Error> { Ok(TableName { schema: row.try_get(schema)?, name: row.try_get(name)? }) };
    Ok(ForeignKey {
        name: row.try_get("name")?,
        child: name("child_schema", "child_name")?,
        child_columns: row.try_get("child_columns")?,
        parent: name("parent_schema", "parent_name")?,
        parent_columns: row.try_get("parent_columns")?,
        on_delete: row.try_get::<_, &str>("on_delete")?.chars().next().unwrap_or('a'),
    })
}

/// The gap, where statistics of the user's own tables are hidden.
fn statistics_gap(rows: &[TableRow], major: u32, rights: &Rights) -> Option<Gap> {
    let is_hidden = |r: &&TableRow| !r.statistics_readable && !r.table.platform && r.table.kind != TableKind::View;
    let hidden: Vec<&TableRow> = rows.iter().filter(is_hidden).collect();
    if hidden.is_empty() {
        return None;
    }
    let role = quote_ident(&rights.role);
    let schemas: BTreeSet<&str> = hidden.iter().map(|r| r.table.schema.as_str()).collect();
    let fix_sql = if major >= 14 {
        format!("grant pg_read_all_data to {role}")
    } else {
        let schemas: Vec<String> = schemas.into_iter().map(quote_ident).collect();
        format!("grant select on all tables in schema {} to {role}", schemas.join(", "))
    };
    let reason =
        format!("column statistics of {} table(s) are hidden: role {role} may not read them, or row security applies to it", hidden.len());
    Some(Gap { evidence: Evidence::ColumnStatistics, reason, fix_sql: Some(fix_sql) })
}

#[cfg(test)]
mod tests {
    use super::planner_rows;

    #[test]
    fn rows_grow_with_the_table() {
        assert_eq!(planner_rows(1000.0, 10, 20 * 8192), Some(2000.0));
        assert_eq!(planner_rows(-1.0, 0, 8192), None);
        assert_eq!(planner_rows(0.0, 0, 8192), None);
        assert_eq!(planner_rows(-1.0, 0, 0), Some(0.0));
    }
}
