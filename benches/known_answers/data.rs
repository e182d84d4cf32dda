//! Fills the tables of a case: by what is known of it, else by type.

use crate::facts::{Facts, ROWS};
use crate::{Outcome, broken};
use advisor::model::text::{quote_ident, quote_literal};
use std::collections::BTreeMap;
use tokio_postgres::Client;

const COLUMNS: &str = include_str!("columns.sql");

/// Fills every table, analyses, and forgets what the loading itself wrote: it is no workload.
pub async fn fill(client: &Client, facts: &Facts) -> Outcome<()> {
    let mut tables: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for row in client.query(COLUMNS, &[]).await.map_err(broken)? {
        let column = Column {
            table: row.get("table_name"),
            name: row.get("column_name"),
            type_name: row.get("type_name"),
            is_key: row.get("is_key"),
            parent: row.get("parent"),
        };
        let value = (column.name.clone(), column.value(facts));
        match tables.last_mut().filter(|(table, _)| *table == column.table) {
            Some((_, columns)) => columns.push(value),
            None => tables.push((column.table, vec![value])),
        }
    }
    let mut script = "select setseed(0.25);\n".to_owned();
    for (table, columns) in tables {
        let (names, values): (Vec<String>, Vec<String>) = columns.into_iter().map(|(name, value)| (quote_ident(&name), value)).unzip();
        let (names, values, rows) = (names.join(", "), values.join(", "), rows(facts, &table));
        script.push_str(&format!("insert into {} ({names}) select {values} from generate_series(1, {rows}) as g;\n", quote_ident(&table)));
    }
    for part in [script.as_str(), "vacuum analyze", facts.afterwards, "select pg_stat_reset()"] {
        for statement in advisor::read::split::statements(part) {
            client.batch_execute(&statement.text).await.map_err(broken)?;
        }
    }
    Ok(())
}

/// Rows that a table of the case gets.
fn rows(facts: &Facts, table: &str) -> u32 {
    let named: BTreeMap<&str, u32> = facts.rows.iter().copied().collect();
    named.get(table).copied().unwrap_or(ROWS)
}

struct Column {
    table: String,
    name: String,
    type_name: String,
    is_key: bool,
    parent: Option<String>,
}

impl Column {
    /// The SQL expression of its value in row `g`.
    fn value(&self, facts: &Facts) -> String {
        let full = format!("{}.{}", self.table, self.name);
        if let Some((_, value)) = facts.columns.iter().find(|(name, _)| *name == full) {
            return (*value).to_owned();
        }
        match &self.parent {
            Some(parent) => self.key(&format!("(1 + floor({} * random())::bigint)", rows(facts, parent))),
            None if self.is_key => self.key("g"),
            None => self.by_type(facts),
        }
    }

    /// The key of the n-th row.
    fn key(&self, n: &str) -> String {
        match self.type_name.as_str() {
            "uuid" => format!("md5({n}::text)::uuid"),
            "text" | "varchar" => format!("'id' || {n}"),
            _ => n.to_owned(),
        }
    }

    fn by_type(&self, facts: &Facts) -> String {
        let salt = quote_literal(&self.name);
        match self.type_name.as_str() {
            "uuid" => format!("md5({salt} || g)::uuid"),
            "text" | "varchar" => format!("md5({salt} || g)"),
            "bool" => "false".into(),
            "jsonb" | "json" => "'{}'".into(),
            // As rows come in: one a minute, the last one just now.
            "timestamp" | "timestamptz" | "date" => format!("now() - ({} - g) * interval '1 minute'", rows(facts, &self.table)),
            _ => "(1000 * random())::int".into(),
        }
    }
}
