//! GIN, GiST and SP-GiST for the searches of a table reference.

use super::classes::{self, Class};
use super::spec;
use crate::model::catalog::{Catalog, Table};
use crate::model::index_def::{IndexSpec, KeyExpr, KeySpec};
use crate::model::query::{Condition, Op, Search, Shape};
use std::collections::BTreeMap;

/// The access methods, those first that find rows without reading others. SP-GiST takes one key alone.
const METHODS: [(&str, usize); 3] = [("gin", 3), ("gist", 3), ("spgist", 1)];
/// A pattern shorter than a trigram demands none: every entry of the index would be read.
const SHORTEST_RUN: usize = 3;

/// The indexes: one per search, and where the method takes several keys, one for all, with the columns compared
/// for equality in front where an extension lets the method have them.
pub(super) fn offers(shape: &Shape, table_ref: usize, table: &Table, catalog: &Catalog) -> Vec<IndexSpec> {
    let here: Vec<&Search> = shape.searches.iter().filter(|s| s.table_ref == table_ref && is_worth(s, shape)).collect();
    if here.is_empty() {
        return Vec::new();
    }
    let mut all = Vec::new();
    for (method, most) in METHODS {
        let keys = keys(&here, method, table, catalog);
        let equal = equal(&shape.tables[table_ref].conditions, method, table, catalog);
        let mut lists: Vec<Vec<KeySpec>> = keys.iter().map(|key| vec![key.clone()]).collect();
        if most > 1 && !keys.is_empty() {
            lists.extend((keys.len() > 1).then(|| keys.clone()));
            lists.extend(equal.iter().flat_map(|e| keys.iter().map(|k| vec![e.clone(), k.clone()])));
            lists.extend((equal.len() > 1).then(|| equal.iter().chain(&keys).cloned().collect()));
        }
        for mut list in lists {
            list.truncate(most);
            let offer = spec(table, method, list);
            if !all.contains(&offer) {
                all.push(offer);
            }
        }
    }
    all
}

/// Nearest neighbours without a limit are all rows; a pattern without a trigram finds nothing sooner.
fn is_worth(search: &Search, shape: &Shape) -> bool {
    let block = shape.tables.get(search.table_ref).and_then(|t| shape.blocks.get(t.block));
    let limited = !search.orders || block.is_some_and(|b| b.limit.is_some());
    let is_pattern = matches!(search.operator.as_str(), "~~" | "~~*" | "~" | "~*");
    limited && !(is_pattern && search.literal_run.is_some_and(|run| run < SHORTEST_RUN))
}

/// A key per searched expression, with the one class that serves all that is asked of it.
fn keys(searches: &[&Search], method: &str, table: &Table, catalog: &Catalog) -> Vec<KeySpec> {
    let mut by_key: BTreeMap<&KeyExpr, Vec<&Search>> = BTreeMap::new();
    searches.iter().for_each(|s| by_key.entry(&s.key).or_default().push(s));
    let class_of = |searches: &[&Search]| {
        let first = searches.first()?;
        let (type_name, category) = type_of(first, table)?;
        let found = classes::on(catalog, &["gin", "gist", "spgist"], type_name, category);
        let served = |class: &&Class| searches.iter().filter(|s| serves(class, s, &found)).count();
        // Of those that serve as much, a class for fewer operators is the smaller index.
        let best = found.iter().filter(|c| c.method == method && served(c) > 0);
        best.min_by_key(|class| (usize::MAX - served(class), class.searches.len())).cloned()
    };
    let key = |(expr, searches): (&KeyExpr, Vec<&Search>)| {
        let class = class_of(&searches)?;
        let opclass = (!class.default).then_some(class.sql);
        Some(KeySpec { expr: expr.clone(), opclass, collation: None, descending: false, nulls_first: false })
    };
    by_key.into_iter().filter_map(key).collect()
}

/// What GIN finds it finds sooner than the others, and exactly; for distances there is GiST alone.
fn serves(class: &Class, search: &Search, all: &[Class]) -> bool {
    if search.orders {
        return class.orders.contains(&search.operator);
    }
    let finds = |class: &Class| class.searches.contains(&search.operator);
    finds(class) && (class.method == "gin" || !all.iter().any(|c| c.method == "gin" && finds(c)))
}

fn type_of<'a>(search: &'a Search, table: &'a Table) -> Option<(&'a str, &'a str)> {
    match &search.key {
        KeyExpr::Column(name) => table.column(name).map(classes::type_of),
        KeyExpr::Expression(_) => search.key_type.as_deref().map(|t| (t, "")),
    }
}

/// Columns compared for equality with something known, where the method has a class of an extension for them.
fn equal(conditions: &[Condition], method: &str, table: &Table, catalog: &Catalog) -> Vec<KeySpec> {
    let mut keys: Vec<KeySpec> = Vec::new();
    for condition in conditions.iter().filter(|c| matches!(c.op, Op::Eq)) {
        let KeyExpr::Column(name) = &condition.key else { continue };
        let Some(column) = table.column(name) else { continue };
        let (type_name, category) = classes::type_of(column);
        let scalar = |c: &Class| c.default && c.searches.iter().any(|o| o == "=") && c.searches.iter().any(|o| o == "<");
        let key = KeySpec::column(name.as_str());
        if classes::on(catalog, &[method], type_name, category).iter().any(scalar) && !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use crate::model::catalog::{Catalog, Column, OperatorClass, Table};
    use crate::model::query::Reading;

    /// What follows USING of every offer for `select * from docs …`.
    fn offered(rest: &str, extensions: bool) -> Vec<String> {
        let column = |(name, type_name, category): (&str, &str, &str)| Column {
            name: name.into(),
            type_name: type_name.into(),
            category: category.into(),
            ..Column::default()
        };
        let columns = [
            ("id", "bigint", "N"),
            ("doc", "jsonb", "U"),
            ("tags", "text[]", "A"),
            ("title", "character varying(80)", "S"),
            ("during", "tstzrange", "R"),
            ("host", "inet", "I"),
            ("place", "point", "G"),
        ];
        let class = |method: &str, name: &str, type_name: &str, default: bool, searches: &[&str], orders: &[&str]| OperatorClass {
            schema: "ext".into(),
            name: name.into(),
            method: method.into(),
            type_name: type_name.into(),
            default,
            searches: searches.iter().map(|o| (*o).to_owned()).collect(),
            orders: orders.iter().map(|o| (*o).to_owned()).collect(),
        };
        let trigrams = ["%", "~~", "~~*", "~", "~*"];
        let classes = vec![
            class("gin", "gin_trgm_ops", "text", false, &trigrams, &[]),
            class("gist", "gist_trgm_ops", "text", false, &trigrams, &["<->"]),
            class("gin", "int8_ops", "bigint", true, &["<", "="], &[]),
        ];
        let table = Table { schema: "public".into(), name: "docs".into(), columns: columns.map(column).into(), ..Table::default() };
        let operator_classes = if extensions { classes } else { Vec::new() };
        let catalog = Catalog { tables: vec![table], operator_classes, ..Catalog::default() };
        let sql = format!("select * from docs {rest}");
        let Reading::Understood(shape) = crate::read::sql::read(&sql, &catalog, &["public".to_owned()]) else { panic!("{sql}") };
        let offers = super::offers(&shape, 0, &catalog.tables[0], &catalog);
        offers.iter().map(|o| o.tail_sql().trim_start_matches(" USING ").to_owned()).collect()
    }

    #[test]
    fn the_smallest_class_that_serves_all_that_is_asked() {
        assert_eq!(offered("where doc @> $1", false), ["gin (\"doc\" jsonb_path_ops)"]);
        assert_eq!(offered("where doc @> $1 and doc ? $2", false), ["gin (\"doc\")"]);
        assert_eq!(offered("where tags && $1", false), ["gin (\"tags\")"]);
        assert_eq!(offered("where $1 = any (tags)", false), [""; 0]);
        assert_eq!(offered("where to_tsvector('english', title) @@ to_tsquery($1)", false), ["gin ((to_tsvector('english', title)))"]);
        assert_eq!(offered("where during @> now()", false), ["gist (\"during\")", "spgist (\"during\")"]);
        assert_eq!(offered("where host << $1", false), ["gist (\"host\" inet_ops)", "spgist (\"host\")"]);
        assert_eq!(offered("order by place <-> $1 limit 5", false), ["gist (\"place\")", "spgist (\"place\")"]);
        assert_eq!(offered("order by place <-> $1", false), [""; 0], "all rows");
    }

    #[test]
    fn trigrams_where_the_extension_is_and_the_pattern_has_one() {
        assert_eq!(offered("where title like '%abc%'", false), [""; 0]);
        assert_eq!(offered("where title like '%abc%'", true), ["gin (\"title\" ext.gin_trgm_ops)"]);
        assert_eq!(offered("where title ilike $1", true), ["gin (\"title\" ext.gin_trgm_ops)"]);
        assert_eq!(offered("where title like '%a%'", true), [""; 0]);
        assert_eq!(offered("order by title <-> 'abc' limit 3", true), ["gist (\"title\" ext.gist_trgm_ops)"]);
    }

    #[test]
    fn several_keys_where_the_method_has_classes_for_them() {
        let both = ["gin (\"doc\" jsonb_path_ops)", "gin (\"tags\")", "gin (\"doc\" jsonb_path_ops, \"tags\")"];
        assert_eq!(offered("where doc @> $1 and tags @> $2", true), both);
        assert_eq!(offered("where id = $1 and tags @> $2", true), ["gin (\"tags\")", "gin (\"id\", \"tags\")"]);
        assert_eq!(offered("where id = $1 and tags @> $2", false), ["gin (\"tags\")"]);
    }
}
