//! What each column of one table reference does in its query: equality, range, join, order, group.

use crate::model::catalog::Table;
use crate::model::index_def::{KeyExpr, KeySpec};
use crate::model::query::{Condition, Op, Rhs, Shape};
use crate::model::text::quote_ident;

/// The roles of one table reference, each list in a fixed order.
#[derive(Debug, Default, PartialEq)]
pub struct Roles {
    /// Compared for equality with a constant, parameter or list; most distinct values first.
    pub equal: Vec<KeySpec>,
    /// Bounded on one or two sides, or by a pattern's prefix.
    pub range: Vec<KeySpec>,
    /// Compared for equality with another table's column.
    pub join: Vec<KeySpec>,
    /// ORDER BY of the block, where it is on this reference alone.
    pub order: Vec<KeySpec>,
    /// GROUP BY or DISTINCT of the block, where it is on this reference alone.
    pub group: Vec<KeySpec>,
    /// Conditions without a value that few rows meet: each can be an index's predicate.
    pub partial: Vec<Predicate>,
    /// Arms of an OR, each with the keys that it can look up by.
    pub arms: Vec<Vec<KeySpec>>,
}

/// A predicate of a partial index.
#[derive(Debug, Clone, PartialEq)]
pub struct Predicate {
    /// The column it is about: needless as a key then.
    pub column: String,
    /// As SQL.
    pub sql: String,
}

/// A predicate must leave out at least half of the rows.
const LARGEST_SHARE: f64 = 0.5;

/// Reads the roles of one reference.
pub fn roles(shape: &Shape, table_ref: usize, table: &Table) -> Roles {
    let this = &shape.tables[table_ref];
    let block = &shape.blocks[this.block];
    let mut roles = Roles::default();
    for condition in &this.conditions {
        roles.partial.extend(predicate(condition, table));
        let Some(list) = role_of(condition, &mut roles) else { continue };
        push(list, key(condition, table));
    }
    by_selectivity(&mut roles.equal, &this.conditions, table);
    for arm in &this.or_arms {
        let keys: Vec<KeySpec> = arm.iter().filter(|c| is_equality(c) || c.op == Op::Range).map(|c| key(c, table)).collect();
        if !keys.is_empty() {
            roles.arms.push(keys);
        }
    }
    let mine = |keys: &[crate::model::query::OrderKey]| !keys.is_empty() && keys.iter().all(|k| k.table_ref == table_ref);
    if !block.order_opaque && mine(&block.order) {
        roles.order = block.order.iter().map(order_key).collect();
    }
    if mine(&block.group) {
        roles.group = block.group.iter().map(order_key).collect();
    }
    roles
}

fn is_equality(condition: &Condition) -> bool {
    matches!(condition.op, Op::Eq | Op::In | Op::IsNull)
}

fn role_of<'r>(condition: &Condition, roles: &'r mut Roles) -> Option<&'r mut Vec<KeySpec>> {
    match (&condition.op, &condition.rhs) {
        (Op::Eq | Op::In, Rhs::Column { .. } | Rhs::Subquery) => Some(&mut roles.join),
        (Op::Eq | Op::In | Op::IsNull, _) => Some(&mut roles.equal),
        (Op::Range, _) => Some(&mut roles.range),
        (Op::Like, Rhs::Constant(pattern)) if has_prefix(pattern) => Some(&mut roles.range),
        _ => None,
    }
}

/// `x IS NULL`, `x`, `NOT x` where statistics say that few rows are so. A parametrised `x = $1` can
/// match no predicate: its value is not known when the plan is made.
fn predicate(condition: &Condition, table: &Table) -> Option<Predicate> {
    let KeyExpr::Column(column) = &condition.key else { return None };
    let quoted = quote_ident(column);
    let sql = match (&condition.op, &condition.rhs) {
        (Op::IsNull, _) => format!("{quoted} IS NULL"),
        (Op::Eq, Rhs::Constant(value)) if value == "true" => quoted,
        (Op::Eq, Rhs::Constant(value)) if value == "false" => format!("NOT {quoted}"),
        _ => return None,
    };
    let share = share_of(&sql, table)?;
    (share <= LARGEST_SHARE).then(|| Predicate { column: column.clone(), sql })
}

/// Share of the rows that meet a predicate of ours, by the statistics.
pub fn share_of(predicate: &str, table: &Table) -> Option<f64> {
    table.columns.iter().find_map(|column| {
        let (quoted, stats) = (quote_ident(&column.name), column.stats.as_ref()?);
        let of = |value: &str| stats.common_values.iter().position(|v| v == value).map_or(0.0, |n| stats.common_freqs[n]);
        match predicate {
            p if p == format!("{quoted} IS NULL") => Some(stats.null_frac),
            p if p == quoted => Some(of("t")),
            p if p == format!("NOT {quoted}") => Some(of("f")),
            _ => None,
        }
    })
}

/// `'abc%'` has a prefix, `'%abc'` has none.
fn has_prefix(pattern: &str) -> bool {
    pattern.strip_prefix('\'').and_then(|p| p.chars().next()).is_some_and(|c| !matches!(c, '%' | '_' | '\''))
}

/// The key of a condition; prefix search needs the pattern operator class (any collation but C).
fn key(condition: &Condition, table: &Table) -> KeySpec {
    let text = condition.columns.first().and_then(|c| table.column(c)).is_some_and(|c| c.category == "S");
    let opclass = (condition.op == Op::Like && text).then(|| "text_pattern_ops".to_owned());
    KeySpec { expr: condition.key.clone(), opclass, collation: None, descending: false, nulls_first: false }
}

fn order_key(key: &crate::model::query::OrderKey) -> KeySpec {
    KeySpec { expr: key.key.clone(), opclass: None, collation: None, descending: key.descending, nulls_first: key.nulls_first }
}

fn push(list: &mut Vec<KeySpec>, key: KeySpec) {
    if list.iter().all(|k| k.expr != key.expr) {
        list.push(key);
    }
}

/// The condition that leaves fewest rows first; ties by the order of the columns in the table, then by text.
fn by_selectivity(keys: &mut [KeySpec], conditions: &[Condition], table: &Table) {
    let rows = table.rows.unwrap_or(0.0);
    let rank = |k: &KeySpec| {
        let column = k.column_name().and_then(|c| table.column(c));
        let is_null = conditions.iter().any(|c| c.key == k.expr && c.op == Op::IsNull);
        let kept =
            column.and_then(|c| c.stats.as_ref()).map_or(1.0, |s| if is_null { s.null_frac } else { 1.0 / s.distinct(rows).max(1.0) });
        (kept, column.map_or(i16::MAX, |c| c.number))
    };
    keys.sort_by(|a, b| {
        let ((ka, na), (kb, nb)) = (rank(a), rank(b));
        ka.total_cmp(&kb).then(na.cmp(&nb)).then_with(|| expr_text(a).cmp(expr_text(b)))
    });
}

fn expr_text(key: &KeySpec) -> &str {
    match &key.expr {
        KeyExpr::Column(text) | KeyExpr::Expression(text) => text,
    }
}
