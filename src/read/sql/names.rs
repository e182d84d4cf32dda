//! Names in a query: tables by the search_path of the query's own role, columns by scope.

use crate::model::catalog::{Catalog, Table};
use crate::model::index_def::TableName;
use sqlparser::ast::{Ident, ObjectName};
use std::collections::HashMap;

/// An identifier as the server folds it.
pub fn fold(ident: &Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_lowercase() }
}

/// The last and the last but one part of a dotted name, folded.
pub fn split(name: &ObjectName) -> (Option<String>, String) {
    let parts: Vec<String> = name.0.iter().filter_map(|p| p.as_ident()).map(fold).collect();
    let last = parts.last().cloned().unwrap_or_default();
    let schema = parts.len().checked_sub(2).and_then(|n| parts.get(n)).cloned();
    (schema, last)
}

/// The catalog's tables, found fast.
pub struct Tables<'a> {
    by_name: HashMap<(&'a str, &'a str), &'a Table>,
}

impl<'a> Tables<'a> {
    /// Indexes the catalog.
    pub fn new(catalog: &'a Catalog) -> Self {
        Tables { by_name: catalog.tables.iter().map(|t| ((t.schema.as_str(), t.name.as_str()), t)).collect() }
    }

    /// The table that a name means on a search_path; `None` for what the catalog does not hold.
    pub fn find(&self, schema: Option<&str>, name: &str, search_path: &[String]) -> Option<&'a Table> {
        match schema {
            Some(schema) => self.by_name.get(&(schema, name)).copied(),
            None => search_path.iter().find_map(|s| self.by_name.get(&(s.as_str(), name)).copied()),
        }
    }

    /// By full name.
    pub fn get(&self, name: &TableName) -> Option<&'a Table> {
        self.by_name.get(&(name.schema.as_str(), name.name.as_str())).copied()
    }
}

/// One item of a FROM list.
#[derive(Debug, Clone)]
pub enum Source {
    /// A base table: alias and index into `Shape::tables`.
    Table {
        /// Alias or name.
        alias: String,
        /// Index into `Shape::tables`.
        table_ref: usize,
    },
    /// A subquery, CTE, function or unknown relation.
    Derived {
        /// Alias, empty without one.
        alias: String,
        /// Its columns, where they can be told.
        columns: Option<Vec<Output>>,
    },
}

/// An output column of a subquery or CTE.
#[derive(Debug, Clone, Default)]
pub struct Output {
    /// Name; `None` where the server makes one up.
    pub name: Option<String>,
    /// The base columns that it hands on unchanged: one of each arm of a UNION; none for an expression.
    pub origins: Vec<Origin>,
}

/// A column of a table reference.
pub type Origin = (usize, String);

impl Source {
    /// Alias, or the table's name.
    pub fn alias(&self) -> &str {
        match self {
            Source::Table { alias, .. } | Source::Derived { alias, .. } => alias,
        }
    }

    /// True where an unqualified name may mean a column of this source.
    fn may_have(&self, name: &str, has_column: &dyn Fn(usize, &str) -> bool) -> bool {
        match self {
            Source::Table { table_ref, .. } => has_column(*table_ref, name),
            Source::Derived { columns, .. } => {
                let named = |o: &Output| o.name.as_deref().is_none_or(|n| n == name);
                columns.as_ref().is_none_or(|c| c.iter().any(named))
            }
        }
    }

    /// What a column name of this source stands for.
    pub fn column(&self, name: &str, has_column: &dyn Fn(usize, &str) -> bool) -> Option<Origin> {
        match self {
            Source::Table { table_ref, .. } => has_column(*table_ref, name).then(|| (*table_ref, name.to_owned())),
            Source::Derived { columns, .. } => columns.as_ref()?.iter().find(|o| o.name.as_deref() == Some(name))?.origins.first().cloned(),
        }
    }

    /// True when rows of this table reference come through it.
    fn hands_on(&self, reference: usize) -> bool {
        match self {
            Source::Table { table_ref, .. } => *table_ref == reference,
            Source::Derived { columns, .. } => columns.iter().flatten().flat_map(|o| &o.origins).any(|(r, _)| *r == reference),
        }
    }
}

/// The FROM list of a block and those of the blocks around it.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// Innermost first.
    pub levels: Vec<Vec<Source>>,
    /// CTE names in sight with their columns where known.
    pub ctes: Vec<(String, Option<Vec<Output>>)>,
}

impl Scope {
    /// The scope inside a subquery: a fresh level before the present ones.
    pub fn nested(&self) -> Scope {
        let mut levels = vec![Vec::new()];
        levels.extend(self.levels.iter().cloned());
        Scope { levels, ctes: self.ctes.clone() }
    }

    /// Adds an item to the innermost FROM list.
    pub fn add(&mut self, source: Source) {
        if self.levels.is_empty() {
            self.levels.push(Vec::new());
        }
        self.levels[0].push(source);
    }

    /// Items of the innermost FROM list so far.
    pub fn width(&self) -> usize {
        self.levels.first().map_or(0, Vec::len)
    }

    /// Base tables of the innermost FROM list.
    pub fn local_tables(&self) -> Vec<usize> {
        let of = |s: &Source| match s {
            Source::Table { table_ref, .. } => Some(*table_ref),
            Source::Derived { .. } => None,
        };
        self.levels.first().map(|l| l.iter().filter_map(of).collect()).unwrap_or_default()
    }

    /// True when rows of a table reference come through the innermost FROM list.
    pub fn is_local(&self, table_ref: usize) -> bool {
        self.levels.first().is_some_and(|level| level.iter().any(|s| s.hands_on(table_ref)))
    }

    /// The table reference and column that a column name means. `has_column` tells whether a reference has a column.
    pub fn resolve(&self, parts: &[Ident], has_column: &dyn Fn(usize, &str) -> bool) -> Option<Origin> {
        let column = fold(parts.last()?);
        let qualifier = parts.len().checked_sub(2).map(|n| fold(&parts[n]));
        for level in &self.levels {
            let means = |s: &&Source| match &qualifier {
                Some(alias) => s.alias() == alias,
                None => s.may_have(&column, has_column),
            };
            // Where two may have an unqualified name, the one that certainly has it is meant.
            let known = level.iter().filter(means).find_map(|s| s.column(&column, has_column));
            if known.is_some() || level.iter().any(|s| means(&s)) {
                return known;
            }
        }
        None
    }
}
