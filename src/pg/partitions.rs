//! The tables below a partitioned one.

use super::statements::PARTITIONS;
use crate::model::failure::{Failure, FailureKind};
use crate::model::index_def::TableName;
use crate::model::step::Member;

/// Reads them, top down; empty where the table is missing or has none.
pub async fn members(client: &tokio_postgres::Client, table: &TableName) -> Result<Vec<Member>, Failure> {
    let rows = client.query(PARTITIONS.sql, &[&table.schema, &table.name]).await;
    let rows = rows.map_err(|e| Failure::new(FailureKind::Connect, format!("cannot read the partitions of {table}: {e}")))?;
    let member = |row: &tokio_postgres::Row| Member {
        oid: row.get("oid"),
        table: TableName::new(row.get::<_, String>("schema"), row.get::<_, String>("name")),
        parent: TableName::new(row.get::<_, String>("parent_schema"), row.get::<_, String>("parent")),
        level: row.get("level"),
        leaf: row.get("is_leaf"),
    };
    Ok(rows.iter().map(member).collect())
}
