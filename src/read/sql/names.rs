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
        columns: Option<Vec<String>>,
    },
}

impl Source {
    fn alias(&self) -> &str {
        match self {
            Source::Table { alias, .. } | Source::Derived { alias, .. } => alias,
        }
    }
}

/// The FROM list of a block and those of the blocks around it.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// Innermost first.
    pub levels: Vec<Vec<Source>>,
    /// CTE names in sight with their columns where known.
    pub ctes: Vec<(String, Option<Vec<String>>)>,
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

    /// Base tables of the innermost FROM list.
    pub fn local_tables(&self) -> Vec<usize> {
        let of = |s: &Source| match s {
            Source::Table { table_ref, .. } => Some(*table_ref),
            Source::Derived { .. } => None,
        };
        self.levels.first().map(|l| l.iter().filter_map(of).collect()).unwrap_or_default()
    }

    /// The table reference that a column name means. `has_column` tells whether a reference has a column.
    pub fn resolve(&self, parts: &[Ident], has_column: impl Fn(usize, &str) -> bool) -> Option<(usize, String)> {
        let column = fold(parts.last()?);
        let qualifier = parts.len().checked_sub(2).map(|n| fold(&parts[n]));
        for level in &self.levels {
            match &qualifier {
                Some(alias) => {
                    if let Some(source) = level.iter().find(|s| s.alias() == alias) {
                        let Source::Table { table_ref, .. } = source else { return None };
                        return has_column(*table_ref, &column).then_some((*table_ref, column));
                    }
                }
                None => {
                    let mut hides = false;
                    for source in level {
                        match source {
                            Source::Table { table_ref, .. } if has_column(*table_ref, &column) => return Some((*table_ref, column)),
                            Source::Table { .. } => {}
                            Source::Derived { columns, .. } => hides |= columns.as_ref().is_none_or(|c| c.contains(&column)),
                        }
                    }
                    if hides {
                        return None;
                    }
                }
            }
        }
        None
    }
}
