//! Which type a column has, as the blueprint's CREATE TABLE and the catalog tell it.

use super::Keep;
use super::kinds::{Collation, Domain, Type, Types, plain_name, read_type};
use crate::model::blueprint::{Blueprint, ObjectKind};
use crate::model::catalog::{Catalog, Table};
use crate::model::index_def::TableName;
use crate::read::sql::tokens::{Kind, Token, tokens};
use std::collections::{BTreeMap, BTreeSet};

/// Columns of all relations, and what is to be kept.
#[derive(Debug, Default)]
pub(super) struct Columns {
    tables: BTreeMap<TableName, BTreeMap<String, Type>>,
    /// Places of columns in their tables.
    places: BTreeMap<TableName, BTreeMap<String, usize>>,
    /// Partition keys by partitioned table, each as SQL.
    keys: BTreeMap<TableName, Vec<String>>,
    /// Types that the database defined.
    pub(super) types: Types,
    /// Tables whose values stay.
    kept: BTreeSet<TableName>,
}

impl Columns {
    pub(super) fn new(blueprint: &Blueprint, catalog: &Catalog, keep: &Keep) -> Columns {
        let mut columns = Columns { types: Types::new(blueprint), ..Columns::default() };
        if let Keep::Tables(tables) = keep {
            columns.kept = tables.iter().cloned().collect();
            columns.keep_partitions(catalog);
        }
        for object in blueprint.objects.iter().filter(|o| o.kind == ObjectKind::Table) {
            columns.read_table(&tokens(&object.ddl));
        }
        for table in &catalog.tables {
            let known = columns.tables.entry(table.table_name()).or_default();
            let places = columns.places.entry(table.table_name()).or_default();
            for column in &table.columns {
                places.insert(column.name.clone(), column.number.max(0) as usize);
                known.entry(column.name.clone()).or_insert_with(|| columns.types.read(&column.type_name));
            }
        }
        columns
    }

    /// Whoever keeps a partitioned table means its partitions too.
    fn keep_partitions(&mut self, catalog: &Catalog) {
        loop {
            let below = |t: &&Table| t.partition_of.as_ref().is_some_and(|parent| self.kept.contains(parent));
            let more: Vec<TableName> = catalog.tables.iter().filter(below).map(|t| t.table_name()).collect();
            let before = self.kept.len();
            self.kept.extend(more);
            if self.kept.len() == before {
                return;
            }
        }
    }

    /// CREATE TABLE s.t (column type COLLATE …, …) PARTITION BY RANGE (…).
    fn read_table(&mut self, words: &[Token]) {
        let Some(start) = words.iter().position(|t| t.is_word("table")) else { return };
        let Some((table, open)) = read_name(words, start + 1) else { return };
        let (body, end) = split(words, open);
        let mut columns = BTreeMap::new();
        let mut places = BTreeMap::new();
        for (at, column) in body.into_iter().enumerate() {
            let Some(kind) = read_type(column, 1) else { continue };
            let written: Vec<&str> = column[1..kind.end].iter().map(|t| t.text).collect();
            let collate = column.iter().position(|t| t.is_word("collate"));
            let collation = collate.and_then(|at| read_collation(column, at + 1));
            places.insert(plain_name(&column[0]), at);
            columns.insert(plain_name(&column[0]), self.types.read(&written.join(" ")).collated(collation));
        }
        if words.get(end).is_some_and(|t| t.is_word("partition"))
            && let Some(open) = (end..words.len()).find(|n| words[*n].is_symbol("("))
        {
            let text = |key: &[Token]| key.iter().map(|t| t.text).collect::<Vec<_>>().join(" ");
            self.keys.insert(table.clone(), split(words, open).0.into_iter().map(text).collect());
        }
        self.places.insert(table.clone(), places);
        self.tables.insert(table, columns);
    }

    /// A column's type.
    pub(super) fn column(&self, table: &TableName, name: &str) -> Option<&Type> {
        self.tables.get(table)?.get(name)
    }

    /// A column's place among those of its table.
    pub(super) fn place(&self, table: &TableName, name: &str) -> usize {
        self.places.get(table).and_then(|p| p.get(name)).copied().unwrap_or(0)
    }

    /// True for a relation that we know the columns of.
    pub(super) fn knows(&self, table: &TableName) -> bool {
        self.tables.contains_key(table)
    }

    /// Relations of this name in any schema.
    pub(super) fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a TableName> {
        self.tables.keys().filter(move |t| t.name == name)
    }

    /// Types of a partitioned table's key, in order; foreign where we cannot tell.
    pub(super) fn partition_key(&self, table: &TableName) -> Vec<Type> {
        let keys = self.keys.get(table).map(Vec::as_slice).unwrap_or_default();
        keys.iter().map(|key| self.expression(table, key)).collect()
    }

    /// True when this table's values stay.
    pub(super) fn keeps(&self, table: &TableName) -> bool {
        self.kept.contains(table)
    }

    /// True when a kept table needs the labels of this enum.
    pub(super) fn keeps_enum(&self, name: &str) -> bool {
        let is = |t: &Type| t.domain() == Some(&Domain::Enum(name.to_owned()));
        self.kept.iter().filter_map(|t| self.tables.get(t)).any(|columns| columns.values().any(is))
    }

    /// The type of a key or statistics expression, by what stands outermost in it; foreign where that says nothing.
    pub(super) fn expression(&self, table: &TableName, sql: &str) -> Type {
        let words = tokens(sql);
        let mut words = words.as_slice();
        while let [first, inner @ .., last] = words
            && first.is_symbol("(")
            && last.is_symbol(")")
            && split(words, 0).1 == words.len()
        {
            words = inner;
        }
        self.outermost(table, words).unwrap_or_else(Type::foreign)
    }

    fn outermost(&self, table: &TableName, words: &[Token]) -> Option<Type> {
        let tops = top_level(words);
        let explicit = tops.iter().rev().find(|n| words[**n].is_word("collate")).and_then(|n| read_collation(words, n + 1));
        if let Some(cast) = tops.iter().rev().find(|n| words[**n].is_symbol("::")) {
            let kind = read_type(words, cast + 1)?;
            let written: Vec<&str> = words[cast + 1..kind.end].iter().map(|t| t.text).collect();
            let inner = self.first_column(table, &words[..*cast]);
            return Some(like(self.types.read(&written.join(" ")), inner.as_ref()).collated(explicit));
        }
        let operator = |op: &str| tops.iter().any(|n| words[*n].is_symbol(op));
        if operator("->>") || operator("#>>") || operator("||") {
            return Some(self.types.read("text").collated(explicit));
        }
        let column = self.first_column(table, words);
        match words {
            [_] => column.map(|c| Type { array: c.array, ..c }.collated(explicit)),
            // A column with its collation or operator class.
            [_, second, ..] if second.is_word("collate") || second.kind == Kind::Word => {
                let plain = self.column(table, &plain_name(&words[0])).cloned();
                plain.map(|c| match &explicit {
                    Some(_) if c.is_text() => self.types.read("text").collated(explicit.clone()),
                    _ => c,
                })
            }
            [name, open, ..] if open.is_symbol("(") => {
                result_of(&name.text.to_lowercase(), column, &self.types).map(|t| t.collated(explicit))
            }
            _ => None,
        }
    }

    fn first_column(&self, table: &TableName, words: &[Token]) -> Option<Type> {
        let name = |t: &Token| matches!(t.kind, Kind::Word | Kind::Quoted).then(|| self.column(table, &plain_name(t))).flatten().cloned();
        words.iter().find_map(name)
    }
}

/// A text cast from a column has the column's collation.
fn like(kind: Type, column: Option<&Type>) -> Type {
    match column.and_then(Type::domain) {
        Some(Domain::Text(order)) => kind.collated(order.collation.clone()),
        _ => kind,
    }
}

/// What well-known functions of the server return.
fn result_of(function: &str, column: Option<Type>, types: &Types) -> Option<Type> {
    match function {
        "lower" | "upper" | "btrim" | "trim" | "ltrim" | "rtrim" | "initcap" | "left" | "right" | "substring" | "substr" | "replace"
        | "concat" | "md5" | "to_char" | "split_part" | "reverse" | "lpad" | "rpad" => Some(like(types.read("text"), column.as_ref())),
        "coalesce" | "nullif" | "greatest" | "least" | "abs" => column,
        "date_trunc" | "timezone" | "to_timestamp" => Some(types.read("timestamp with time zone")),
        "date" => Some(types.read("date")),
        "length" | "char_length" | "octet_length" | "cardinality" | "array_length" | "hashtext" => Some(types.read("integer")),
        "date_part" | "extract" => Some(types.read("numeric")),
        _ => None,
    }
}

/// `schema.name` that begins at `start`, and the token behind it.
pub(super) fn read_name(words: &[Token], start: usize) -> Option<(TableName, usize)> {
    let name = |at: usize| words.get(at).filter(|t| matches!(t.kind, Kind::Word | Kind::Quoted)).map(plain_name);
    let skip = ["if", "not", "exists", "only"];
    let start = (start..words.len()).find(|n| !skip.iter().any(|w| words[*n].is_word(w)))?;
    if words.get(start + 1).is_some_and(|t| t.is_symbol(".")) {
        Some((TableName { schema: name(start)?, name: name(start + 2)? }, start + 3))
    } else {
        Some((TableName { schema: String::new(), name: name(start)? }, start + 1))
    }
}

/// The collation named at `at`; the default one is none.
pub(super) fn read_collation(words: &[Token], at: usize) -> Option<Collation> {
    let (TableName { schema, name }, _) = read_name(words, at)?;
    let schema = Some(schema).filter(|s| !s.is_empty() && s != "pg_catalog");
    (name != "default").then_some(Collation { schema, name })
}

/// The items between the parentheses that open at `open`, and the token behind them.
fn split<'a, 'b>(words: &'b [Token<'a>], open: usize) -> (Vec<&'b [Token<'a>]>, usize) {
    let (mut items, mut depth, mut start) = (Vec::new(), 0usize, open + 1);
    for (at, token) in words.iter().enumerate().skip(open) {
        match token.text {
            "(" | "[" if token.kind == Kind::Symbol => depth += 1,
            ")" | "]" if token.kind == Kind::Symbol => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 || (depth == 1 && token.is_symbol(",")) {
            if start < at {
                items.push(&words[start..at]);
            }
            start = at + 1;
        }
        if depth == 0 {
            return (items, at + 1);
        }
    }
    (items, words.len())
}

/// Tokens outside all parentheses.
fn top_level(words: &[Token]) -> Vec<usize> {
    let mut depth = 0usize;
    let mut out = Vec::new();
    for (at, token) in words.iter().enumerate() {
        match token.text {
            "(" | "[" if token.kind == Kind::Symbol => depth += 1,
            ")" | "]" if token.kind == Kind::Symbol => depth = depth.saturating_sub(1),
            _ if depth == 0 => out.push(at),
            _ => {}
        }
    }
    out
}
