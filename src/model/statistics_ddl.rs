//! CREATE STATISTICS as data: `read::statistics_ddl` reads it, and only this turns it back into SQL.

use super::ddl::IndexName;
use super::index_def::TableName;
use super::text::{quote_ident, quote_qualified};
use xxhash_rust::xxh3::xxh3_64;

/// What can be counted of columns together, as CREATE STATISTICS names it.
pub const KINDS: [&str; 3] = ["ndistinct", "dependencies", "mcv"];

/// CREATE STATISTICS in parts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CreateStatistics {
    /// Schema; advice puts it where the table is.
    pub schema: String,
    /// Name.
    pub name: String,
    /// Of [`KINDS`].
    pub kinds: Vec<String>,
    /// Columns, at least two.
    pub columns: Vec<String>,
    /// Table.
    pub table: TableName,
}

impl CreateStatistics {
    /// The statement.
    pub fn sql(&self) -> String {
        self.render("CREATE STATISTICS")
    }

    /// The statement for a file that may run again.
    pub fn sql_if_not_exists(&self) -> String {
        self.render("CREATE STATISTICS IF NOT EXISTS")
    }

    fn render(&self, verb: &str) -> String {
        let kinds = self.kinds.join(", ");
        format!("{verb} {} ({kinds}) ON {} FROM {}", self.quoted(), self.column_list(), self.table.quoted())
    }

    /// The statement after which the planner knows them.
    pub fn analyze_sql(&self) -> String {
        format!("ANALYZE {} ({})", self.table.quoted(), self.column_list())
    }

    /// The statement that takes them back.
    pub fn drop_sql(&self) -> String {
        format!("DROP STATISTICS {}", self.quoted())
    }

    /// 8 hex digits of the statement's hash: the id of such advice.
    pub fn id(&self) -> String {
        format!("{:08x}", xxh3_64(self.sql().as_bytes()) as u32)
    }

    /// Schema and name, as a step of a migration names what it makes.
    pub fn object(&self) -> IndexName {
        IndexName::new(&self.schema, &self.name)
    }

    fn quoted(&self) -> String {
        quote_qualified(&self.schema, &self.name)
    }

    fn column_list(&self) -> String {
        self.columns.iter().map(|c| quote_ident(c)).collect::<Vec<_>>().join(", ")
    }
}
