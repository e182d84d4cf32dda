//! One index key from one condition or sort key: operator classes, casts without effect, what no index can hold.

use crate::model::catalog::{Column, Table};
use crate::model::index_def::{KeyExpr, KeySpec};
use crate::model::query::{Condition, Op, OrderKey, Rhs};

/// Text search by a prefix needs the class that sorts by bytes, unless the column does so anyway.
const PREFIX_OPERATOR: &str = "^@";

/// What a condition is to a B-tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Equality with a value, or `IS NULL`.
    Equal,
    /// Equality with one of several.
    Listed,
    /// Bounds, or a prefix.
    Range,
    /// Equality with another table's column.
    Join,
}

/// How a B-tree serves a condition; `None` where it does not.
pub fn use_of(condition: &Condition) -> Option<Use> {
    match (&condition.op, &condition.rhs) {
        (Op::In, Rhs::Subquery) | (Op::Eq | Op::In, Rhs::Column { .. }) => Some(Use::Join),
        (Op::Eq | Op::IsNull, _) => Some(Use::Equal),
        (Op::In, _) => Some(Use::Listed),
        (Op::Range, _) => Some(Use::Range),
        _ => is_prefix(condition).then_some(Use::Range),
    }
}

/// `LIKE 'abc%'`, `LIKE $1` (which may be one), `^@`, `~ '^abc'`.
fn is_prefix(condition: &Condition) -> bool {
    match (&condition.op, &condition.rhs) {
        (Op::Like, Rhs::Constant(pattern)) => {
            pattern.strip_prefix('\'').and_then(|p| p.chars().next()).is_some_and(|c| !matches!(c, '%' | '_' | '\''))
        }
        (Op::Like, Rhs::Parameter(_)) => true,
        (Op::Pattern, Rhs::Constant(pattern)) => {
            pattern.strip_prefix("'^").and_then(|p| p.chars().next()).is_some_and(|c| c.is_alphanumeric())
        }
        (Op::Other(operator), _) => operator == PREFIX_OPERATOR,
        _ => false,
    }
}

/// The key of a condition; `None` for what no index can hold.
pub fn of_condition(condition: &Condition, table: &Table) -> Option<KeySpec> {
    let expr = plain(&condition.key, &condition.columns, table)?;
    let opclass = if is_prefix(condition) { pattern_class(&expr, &condition.columns, table) } else { None };
    Some(KeySpec { expr, opclass, collation: None, descending: false, nulls_first: false })
}

/// The key of an order or a group.
pub fn of_order(key: &OrderKey, table: &Table) -> Option<KeySpec> {
    let columns: Vec<String> = table.columns.iter().filter(|c| mentions(&key.key, &c.name)).map(|c| c.name.clone()).collect();
    let expr = plain(&key.key, &columns, table)?;
    Some(KeySpec { expr, opclass: None, collation: None, descending: key.descending, nulls_first: key.nulls_first })
}

fn mentions(key: &KeyExpr, column: &str) -> bool {
    match key {
        KeyExpr::Column(name) => name == column,
        // A word too many makes the check of types stricter, no more.
        KeyExpr::Expression(sql) => sql.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == column),
    }
}

fn pattern_class(expr: &KeyExpr, columns: &[String], table: &Table) -> Option<String> {
    let column = columns.first().and_then(|c| table.column(c));
    if column.is_some_and(|c| c.sorts_by_bytes) {
        return None;
    }
    let class = match (expr, column.map(|c| c.type_name.as_str())) {
        (KeyExpr::Expression(_), _) => "text_pattern_ops",
        (_, Some(t)) if t.starts_with("character varying") => "varchar_pattern_ops",
        (_, Some(t)) if t.starts_with("character") || t == "bpchar" => "bpchar_pattern_ops",
        (_, Some("citext" | "name")) => return None,
        (_, _) if column.is_some_and(|c| c.category == "S") => "text_pattern_ops",
        _ => return None,
    };
    Some(class.to_owned())
}

/// Types without an order.
const UNORDERED: [&str; 9] = ["json", "xml", "point", "box", "polygon", "line", "path", "circle", "vector"];

/// True for a column that a B-tree can have as a key.
pub fn is_ordered(column: &Column) -> bool {
    let base = column.type_name.split('(').next().unwrap_or_default();
    !UNORDERED.contains(&base)
}

/// The expression as a key: a cast that changes nothing stored is off, what depends on the session's settings is refused.
fn plain(key: &KeyExpr, columns: &[String], table: &Table) -> Option<KeyExpr> {
    let found: Vec<&Column> = columns.iter().filter_map(|c| table.column(c)).collect();
    match key {
        KeyExpr::Column(name) => table.column(name).is_none_or(is_ordered).then(|| key.clone()),
        KeyExpr::Expression(sql) => {
            if let [column] = found.as_slice()
                && is_relabelled(sql, column)
            {
                return Some(KeyExpr::Column(column.name.clone()));
            }
            let stable = found.iter().any(|c| depends_on_settings(sql, c));
            (!stable).then(|| key.clone())
        }
    }
}

/// `varchar_column::text`: the server looks through it.
fn is_relabelled(sql: &str, column: &Column) -> bool {
    let string = column.type_name == "text" || column.type_name.starts_with("character varying");
    let Some((inner, to)) = sql.to_lowercase().rsplit_once("::").map(|(a, b)| (a.to_owned(), b.to_owned())) else { return false };
    string && inner.trim_matches(['(', ')', '"']) == column.name && matches!(to.as_str(), "text" | "varchar" | "character varying")
}

/// The time zone and the date style decide what comes out: the server refuses an index on it.
fn depends_on_settings(sql: &str, column: &Column) -> bool {
    let sql = sql.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|w| sql.contains(w));
    if has(&["to_char(", "to_date(", "to_timestamp(", "concat(", "concat_ws(", "format("]) && !sql.contains("to_timestamp(\"") {
        return true;
    }
    match column.type_name.as_str() {
        t if t.ends_with("with time zone") => {
            !has(&["at time zone", "timezone("])
                && has(&["date_trunc(", "date_part(", "extract(", "::date", "::text", "::time", " as date", " as text", "date("])
        }
        t if t.starts_with("timestamp") || t == "date" => has(&["::text", "::timestamptz", "::timestamp with", " as text", "::varchar"]),
        _ => has(&["::date", "::timestamp", "::time", " as date", " as timestamp"]),
    }
}
