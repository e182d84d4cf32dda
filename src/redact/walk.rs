//! Every place in a blueprint and a snapshot that holds values: one walk, made twice, first to
//! collect them and then to replace them, so that nothing is replaced that was not collected.

use super::columns::Columns;
use super::kinds::{Type, Values as Kind};
use super::schema;
use super::values::Images;
use crate::model::blueprint::{Blueprint, ColumnStatistics, ExtendedStatistics, ObjectKind, Slot};
use crate::model::catalog::{ColumnStats, Index};
use crate::model::index_def::{KeyExpr, TableName};
use crate::model::redaction::{Note, Redaction};
use crate::model::snapshot::Snapshot;
use crate::read::sql::normalize::normalize;
use crate::read::sql::tokens::tokens;
use std::collections::BTreeMap;

/// One walk.
pub(super) struct Walk<'a> {
    pub(super) columns: &'a Columns,
    pub(super) images: &'a mut dyn Images,
    pub(super) report: &'a mut Redaction,
    /// Keys of indexes by schema and name: what an index's first column is.
    pub(super) indexes: BTreeMap<TableName, (TableName, Vec<KeyExpr>)>,
}

/// Keys of the catalog's indexes, by the index's name.
pub(super) fn indexes(snapshot: &Snapshot) -> BTreeMap<TableName, (TableName, Vec<KeyExpr>)> {
    let name = |i: &Index| TableName::new(&i.spec.table.schema, &i.name);
    let keys = |i: &Index| (i.spec.table.clone(), i.spec.keys.iter().map(|k| k.expr.clone()).collect());
    snapshot.catalog.indexes.iter().map(|i| (name(i), keys(i))).collect()
}

impl Walk<'_> {
    /// Everything that both walks see.
    pub(super) fn all(&mut self, blueprint: &mut Blueprint, snapshot: &mut Snapshot) {
        self.objects(blueprint);
        for row in &mut blueprint.statistics {
            self.column_statistics(row);
        }
        for relation in &mut blueprint.relations {
            let index = TableName::new(&relation.schema, &relation.name);
            if let Some(ends) = relation.ends.take() {
                relation.ends = self.ends(&index, ends);
            }
        }
        let definitions: BTreeMap<TableName, String> = definitions(blueprint);
        for item in &mut blueprint.extended {
            self.extended(item, &definitions);
        }
        self.catalog(snapshot);
    }

    fn objects(&mut self, blueprint: &mut Blueprint) {
        for object in &mut blueprint.objects {
            let (mut kept, mut dropped) = (Vec::new(), Vec::new());
            object.ddl = schema::statement(object, self.columns, self.images, &mut kept, &mut dropped);
            let note = |what: String| Note { what, place: object.name.clone() };
            if object.kind == ObjectKind::Default && kept.iter().any(|reason| reason.starts_with("constants")) {
                // No plan asks for it, so its constants need not stay.
                object.ddl.clear();
                (kept, dropped) = (Vec::new(), vec!["a default whose constants have no pseudonyms".into()]);
            }
            self.report.kept.extend(kept.into_iter().map(note));
            self.report.dropped.extend(dropped.into_iter().map(note));
        }
        blueprint.objects.retain(|object| !object.ddl.is_empty());
    }

    fn dropped(&mut self, what: &str, place: String) {
        self.report.dropped.insert(Note { what: what.to_owned(), place });
    }

    fn column_statistics(&mut self, row: &mut ColumnStatistics) {
        let relation = TableName::new(&row.schema, &row.relation);
        let table = self.indexes.get(&relation).map_or(&relation, |(table, _)| table);
        if self.columns.keeps(table) {
            return;
        }
        let known = self.columns.column(&relation, &row.column).cloned().unwrap_or_else(|| self.expression_column(&relation, &row.column));
        let place = format!("statistics of {relation}.{}", row.column);
        row.slots = std::mem::take(&mut row.slots).into_iter().filter_map(|slot| self.slot(slot, &known, &place)).collect();
    }

    /// An expression index names its columns after what they hold; only where it has one can we tell which is meant.
    fn expression_column(&self, index: &TableName, column: &str) -> Type {
        let Some((table, keys)) = self.indexes.get(index) else { return Type::foreign() };
        let expressions: Vec<&str> =
            keys.iter().filter_map(|k| if let KeyExpr::Expression(sql) = k { Some(sql.as_str()) } else { None }).collect();
        let kinds: Vec<Type> = expressions.iter().map(|sql| self.columns.expression(table, sql)).collect();
        let by_name = expressions.iter().position(|sql| sql.trim_start_matches('(').starts_with(&format!("{column}(")));
        match (by_name, kinds.as_slice()) {
            (_, [only]) => only.clone(),
            (Some(n), _) => kinds[n].clone(),
            (None, [first, rest @ ..]) if rest.iter().all(|k| k == first) => first.clone(),
            _ => Type::foreign(),
        }
    }

    /// A slot with its values replaced; `None` where that cannot be.
    fn slot(&mut self, mut slot: Slot, column: &Type, place: &str) -> Option<Slot> {
        let Some(values) = &slot.values else { return Some(slot) };
        let mut kind = match &slot.value_type {
            Some(name) => self.columns.types.read(name),
            None if slot.kind == Slot::ELEMENTS => column.clone().element(),
            None => column.clone(),
        };
        let collation = slot.collation.as_deref().and_then(|name| super::columns::read_collation(&tokens(name), 0));
        kind = match (slot.collation.is_some(), column.domain()) {
            // The statistics' own collation, even where it is the default.
            (true, _) => kind.collated(collation),
            (false, Some(super::kinds::Domain::Text(order))) => kind.collated(order.collation.clone()),
            _ => kind,
        };
        match values.iter().map(|v| self.images.of(&kind, v)).collect::<Option<Vec<String>>>() {
            Some(images) => {
                slot.values = Some(images);
                Some(slot)
            }
            None => {
                self.dropped(why(&kind), place.to_owned());
                None
            }
        }
    }

    fn ends(&mut self, index: &TableName, ends: [String; 2]) -> Option<[String; 2]> {
        let (table, keys) = self.indexes.get(index).cloned().unwrap_or_default();
        if self.columns.keeps(&table) {
            return Some(ends);
        }
        let kind = match keys.first() {
            Some(KeyExpr::Column(name)) => self.columns.column(&table, name).cloned().unwrap_or_else(Type::foreign),
            Some(KeyExpr::Expression(sql)) => self.columns.expression(&table, sql),
            None => Type::foreign(),
        };
        let [low, high] = &ends;
        let images = self.images.of(&kind, low).zip(self.images.of(&kind, high));
        if images.is_none() {
            self.dropped(why(&kind), format!("least and greatest value of index {index}"));
        }
        images.map(|(low, high)| [low, high])
    }

    fn extended(&mut self, item: &mut ExtendedStatistics, definitions: &BTreeMap<TableName, String>) {
        let name = TableName::new(&item.schema, &item.name);
        let scope = definitions.get(&name).map(|ddl| super::constants::Scope::of(&tokens(ddl), self.columns)).unwrap_or_default();
        let table = scope.tables.values().next().cloned().unwrap_or_default();
        if self.columns.keeps(&table) {
            return;
        }
        let kinds = self.dimensions(item, definitions.get(&name), &table);
        let place = format!("statistics object {name}");
        let mut images = Vec::with_capacity(item.common.len());
        for combination in &item.common {
            let fits = combination.values.len() == kinds.len();
            let mapped = combination.values.iter().zip(&kinds).map(|(value, kind)| match value {
                Some(value) => self.images.of(kind, value).map(Some),
                None => Some(None),
            });
            images.push(mapped.collect::<Option<Vec<_>>>().filter(|_| fits));
        }
        if images.iter().any(Option::is_none) {
            self.dropped("common combinations with values of a type without pseudonyms", place.clone());
            item.common.clear();
        }
        for (combination, values) in item.common.iter_mut().zip(images) {
            combination.values = values.unwrap_or_default();
        }
        for row in &mut item.expressions {
            row.slots = std::mem::take(&mut row.slots).into_iter().filter_map(|slot| self.slot(slot, &Type::foreign(), &place)).collect();
        }
    }

    /// Types of the values in common combinations: columns by attribute number, then expressions.
    fn dimensions(&self, item: &ExtendedStatistics, ddl: Option<&String>, table: &TableName) -> Vec<Type> {
        let columns = ddl.map(|d| on_list(d)).unwrap_or_default();
        let mut known: Vec<(usize, Type)> = Vec::new();
        for (at, sql) in columns.iter().enumerate() {
            let words = tokens(sql);
            let column = words.first().filter(|_| words.len() == 1).map(super::kinds::plain_name);
            match column.and_then(|c| self.columns.column(table, &c).map(|kind| (self.columns.place(table, &c), kind.clone()))) {
                Some(column) => known.push(column),
                None => known.push((usize::MAX / 2 + at, self.columns.expression(table, sql))),
            }
        }
        known.sort_by_key(|(at, _)| *at);
        let own: Vec<Type> = known.into_iter().map(|(_, kind)| kind).collect();
        if item.types.is_empty() {
            return own;
        }
        // The names tell the types, the columns their collations.
        let named = item.types.iter().enumerate().map(|(n, name)| {
            let kind = self.columns.types.read(name);
            match own.get(n).filter(|_| own.len() == item.types.len()).and_then(Type::domain) {
                Some(super::kinds::Domain::Text(order)) => kind.collated(order.collation.clone()),
                _ => kind,
            }
        });
        named.collect()
    }

    fn catalog(&mut self, snapshot: &mut Snapshot) {
        for table in &mut snapshot.catalog.tables {
            let name = table.table_name();
            if self.columns.keeps(&name) {
                continue;
            }
            for column in &mut table.columns {
                let kind = self.columns.column(&name, &column.name).cloned().unwrap_or_else(Type::foreign);
                if let Some(stats) = &mut column.stats {
                    self.catalog_statistics(stats, &kind, format!("statistics of {name}.{}", column.name));
                }
            }
        }
        for index in &mut snapshot.catalog.indexes {
            let table = index.spec.table.clone();
            index.comment = None;
            if self.columns.keeps(&table) {
                continue;
            }
            let mut change = |sql: &mut String| *sql = schema::expression(sql, &table, self.columns, self.images);
            change(&mut index.definition);
            index.spec.predicate.iter_mut().for_each(&mut change);
            for key in &mut index.spec.keys {
                if let KeyExpr::Expression(sql) = &mut key.expr {
                    change(sql);
                }
            }
        }
    }

    fn catalog_statistics(&mut self, stats: &mut ColumnStats, kind: &Type, place: String) {
        let mut all = |values: &[String]| values.iter().map(|v| self.images.of(kind, v)).collect::<Option<Vec<String>>>();
        match (all(&stats.common_values), all(&stats.histogram)) {
            (Some(common), Some(histogram)) => (stats.common_values, stats.histogram) = (common, histogram),
            _ => {
                (stats.common_values, stats.common_freqs, stats.histogram) = Default::default();
                self.dropped(why(kind), place);
            }
        }
    }
}

fn why(kind: &Type) -> &'static str {
    if kind.values == Kind::Foreign { "values of a type without pseudonyms" } else { "values that could not be read as their type's" }
}

/// CREATE STATISTICS by schema and name.
fn definitions(blueprint: &Blueprint) -> BTreeMap<TableName, String> {
    let named = |ddl: &str| {
        let words = tokens(ddl);
        let at = words.iter().position(|t| t.is_word("statistics"))?;
        super::columns::read_name(&words, at + 1).map(|(name, _)| name)
    };
    let objects = blueprint.objects.iter().filter(|o| o.kind == ObjectKind::Statistics);
    objects.filter_map(|o| Some((named(&o.ddl)?, o.ddl.clone()))).collect()
}

/// What stands between ON and FROM, item by item.
fn on_list(ddl: &str) -> Vec<String> {
    let words = tokens(ddl);
    let Some(on) = words.iter().position(|t| t.is_word("on")) else { return Vec::new() };
    let (mut depth, mut items) = (0usize, vec![String::new()]);
    for token in &words[on + 1..] {
        match token.text {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            "," if depth == 0 => {
                items.push(String::new());
                continue;
            }
            _ if depth == 0 && token.is_word("from") => break,
            _ => {}
        }
        if let Some(item) = items.last_mut() {
            item.push_str(token.text);
            item.push(' ');
        }
    }
    items
}

/// Queries as their normalised text, which all their texts have, without plans (their conditions hold values), read again;
/// sessions without names.
pub(super) fn workload(snapshot: &mut Snapshot) {
    for query in &mut snapshot.workload {
        query.text = normalize(&query.text).text;
        query.others.clear();
        query.plans.clear();
    }
    crate::read::sql::read_workload(snapshot);
    snapshot.sessions.iter_mut().for_each(|session| session.application = None);
}
