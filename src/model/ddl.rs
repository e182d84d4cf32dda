//! Index statements as data: what a report or file asks for after it was read by
//! `read::index_ddl`, and the only thing that `apply` and `generate` turn back into SQL.

use super::index_def::TableName;
use super::text::{cut_bytes, quote_ident, quote_literal, quote_qualified};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

/// An index by schema and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct IndexName {
    /// Schema (always that of its table).
    pub schema: String,
    /// Name.
    pub name: String,
}

impl IndexName {
    /// Schema and name together.
    pub fn new(schema: impl Into<String>, name: impl Into<String>) -> Self {
        IndexName { schema: schema.into(), name: name.into() }
    }

    /// Quoted for SQL.
    pub fn quoted(&self) -> String {
        quote_qualified(&self.schema, &self.name)
    }

    /// The statement that drops it without blocking its table.
    pub fn drop_sql(&self) -> String {
        format!("DROP INDEX CONCURRENTLY {}", self.quoted())
    }

    /// The statement that drops the index of a partitioned table with those of its partitions:
    /// ACCESS EXCLUSIVE on all of them, since the server knows no other way.
    pub fn drop_parent_sql(&self) -> String {
        format!("DROP INDEX {}", self.quoted())
    }

    /// The statement by which a partition's index joins this one.
    pub fn attach_sql(&self, child: &IndexName) -> String {
        format!("ALTER INDEX {} ATTACH PARTITION {}", self.quoted(), child.quoted())
    }

    /// The statement that gives it another name in its schema.
    pub fn rename_sql(&self, name: &str) -> String {
        format!("ALTER INDEX {} RENAME TO {}", self.quoted(), quote_ident(name))
    }
}

impl std::fmt::Display for IndexName {
    /// For people: `public` left out, control characters escaped.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        TableName::new(&self.schema, &self.name).fmt(f)
    }
}

/// CREATE INDEX in parts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CreateIndex {
    /// Name; the schema is the table's.
    pub name: String,
    /// Table.
    pub table: TableName,
    /// UNIQUE.
    pub unique: bool,
    /// From USING up to TABLESPACE or WHERE: method, keys, INCLUDE, NULLS NOT DISTINCT, WITH.
    pub body: String,
    /// Tablespace, where named.
    pub tablespace: Option<String>,
    /// Behind WHERE.
    pub predicate: Option<String>,
}

impl CreateIndex {
    /// Its qualified name.
    pub fn index(&self) -> IndexName {
        IndexName::new(&self.table.schema, &self.name)
    }

    /// The statement that builds it without blocking writers.
    pub fn sql(&self) -> String {
        self.render("INDEX CONCURRENTLY", &quote_ident(&self.name), &self.table.quoted())
    }

    /// On a partitioned parent alone: no partition is touched, the index stays invalid until all are attached.
    pub fn sql_on_only(&self) -> String {
        self.render("INDEX", &quote_ident(&self.name), &format!("ONLY {}", self.table.quoted()))
    }

    /// The same on another table under another name, both already quoted, blocking: for an empty twin.
    pub fn sql_for_twin(&self, name: &str, table: &str) -> String {
        CreateIndex { tablespace: None, ..self.clone() }.render("INDEX", name, table)
    }

    /// The statement with IF NOT EXISTS; only for files that check the outcome themselves.
    pub fn sql_if_not_exists(&self) -> String {
        self.render("INDEX CONCURRENTLY IF NOT EXISTS", &quote_ident(&self.name), &self.table.quoted())
    }

    fn render(&self, index: &str, name: &str, table: &str) -> String {
        let unique = if self.unique { "UNIQUE " } else { "" };
        let tablespace = self.tablespace.iter().map(|t| format!(" TABLESPACE {}", quote_ident(t)));
        let predicate = self.predicate.iter().map(|p| format!(" WHERE {p}"));
        let rest: String = tablespace.chain(predicate).collect();
        format!("CREATE {unique}{index} {name} ON {table} {}{rest}", self.body)
    }

    /// True when a key is an expression: its statistics are gathered only by ANALYZE after the build.
    pub fn has_expression(&self) -> bool {
        let keys = self.body.split(" INCLUDE ").next().unwrap_or_default();
        keys.split(" WITH ").next().unwrap_or_default().matches('(').count() > 1
    }

    /// The same for a partition of its table, at any depth. The name is at most 63 bytes, with a hash of table and definition.
    pub fn on_partition(&self, table: &TableName) -> CreateIndex {
        let hash = xxh3_64(format!("{} {}", table.quoted(), self.shape()).as_bytes()) as u32;
        let name = format!("{}_idx_{hash:08x}", cut_bytes(&table.name, 63 - "_idx_".len() - 8));
        CreateIndex { name, table: table.clone(), ..self.clone() }
    }

    /// The same under the name it has until the index whose name it is to get is gone.
    pub fn under_temporary_name(&self) -> CreateIndex {
        let hash = xxh3_64(self.sql().as_bytes()) as u32;
        let name = format!("{}_new_{hash:08x}", cut_bytes(&self.name, 63 - "_new_".len() - 8));
        CreateIndex { name, ..self.clone() }
    }

    /// True when this UNIQUE index refuses every row that the other would: the same keys, and a predicate only where the other has it.
    /// Comparable only between definitions that the server printed itself.
    pub fn guards_like(&self, other: &CreateIndex) -> bool {
        let keys = |create: &CreateIndex| {
            let (keys, rest) = create.body.split_at(create.keys().len());
            (keys.to_owned(), rest.contains(" NULLS NOT DISTINCT"))
        };
        let predicate = self.predicate.is_none() || self.predicate == other.predicate;
        self.unique && other.unique && self.table == other.table && predicate && keys(self) == keys(other)
    }

    /// `USING method (keys)`: the body up to the parenthesis that closes the keys, quoted names and literals skipped.
    fn keys(&self) -> &str {
        let (mut depth, mut quote) = (0i32, None);
        for (at, c) in self.body.char_indices() {
            match (quote, c) {
                (Some(open), _) if c == open => quote = None,
                (Some(_), _) => {}
                (None, '\'' | '"') => quote = Some(c),
                (None, '(') => depth += 1,
                (None, ')') if depth == 1 => return &self.body[..=at],
                (None, ')') => depth -= 1,
                _ => {}
            }
        }
        &self.body
    }

    /// What makes two indexes of one table equal, as text: all but name, table and tablespace.
    /// Comparable only between definitions that the server printed itself.
    pub fn shape(&self) -> String {
        let unique = if self.unique { "UNIQUE " } else { "" };
        let predicate = self.predicate.iter().map(|p| format!(" WHERE {p}")).collect::<String>();
        format!("{unique}{}{predicate}", self.body)
    }
}

/// An index statement that we write and read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ddl {
    /// CREATE INDEX CONCURRENTLY.
    Create(CreateIndex),
    /// DROP INDEX CONCURRENTLY.
    Drop(IndexName),
    /// COMMENT ON INDEX.
    Comment(IndexName, String),
    /// ALTER INDEX … ALTER COLUMN number SET STATISTICS target.
    Statistics(IndexName, i16, i32),
}

impl Ddl {
    /// The statement.
    pub fn sql(&self) -> String {
        match self {
            Ddl::Create(create) => create.sql(),
            Ddl::Drop(index) => index.drop_sql(),
            Ddl::Comment(index, text) => format!("COMMENT ON INDEX {} IS {}", index.quoted(), quote_literal(text)),
            Ddl::Statistics(index, column, target) => {
                format!("ALTER INDEX {} ALTER COLUMN {column} SET STATISTICS {target}", index.quoted())
            }
        }
    }

    /// The index it is about.
    pub fn index(&self) -> IndexName {
        match self {
            Ddl::Create(create) => create.index(),
            Ddl::Drop(index) | Ddl::Comment(index, _) | Ddl::Statistics(index, ..) => index.clone(),
        }
    }

    /// 8 hex digits of the statement's hash: the id of a step that no report named.
    pub fn id(&self) -> String {
        format!("{:08x}", xxh3_64(self.sql().as_bytes()) as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unique(body: &str, predicate: Option<&str>) -> CreateIndex {
        let table = TableName::new("s", "t");
        CreateIndex { name: "i".into(), table, unique: true, body: body.into(), tablespace: None, predicate: predicate.map(str::to_owned) }
    }

    #[test]
    fn names_made_from_names_fit() {
        let create = CreateIndex { name: "ä".repeat(31), ..unique("USING btree (a)", None) };
        let made = [create.under_temporary_name().name, create.on_partition(&TableName::new("s", "ö".repeat(31))).name];
        assert!(made.iter().all(|name| name.len() <= 63 && *name != create.name), "{made:?}");
    }

    #[test]
    fn an_index_guards_like_another_of_the_same_keys() {
        let plain = || unique("USING btree (a, lower((b)::text))", None);
        let guards = |body: &str, predicate| unique(body, predicate).guards_like(&plain());
        assert!(guards("USING btree (a, lower((b)::text)) INCLUDE (c) WITH (fillfactor='70')", None));
        assert!(plain().guards_like(&unique("USING btree (a, lower((b)::text))", Some("c > 0"))));
        assert!(!guards("USING btree (a, lower((b)::text))", Some("c > 0")), "a partial one lets rows through");
        assert!(!guards("USING btree (a)", None) && !guards("USING btree (lower((b)::text), a)", None));
        assert!(!guards("USING btree (a, lower((b)::text)) NULLS NOT DISTINCT", None));
        assert!(!CreateIndex { unique: false, ..plain() }.guards_like(&plain()));
    }
}
