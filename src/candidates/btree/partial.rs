//! Predicates of partial indexes: conditions on constants that few rows meet.

use super::roles::Roles;
use crate::model::catalog::{Column, ColumnStats, Table};
use crate::model::index_def::KeyExpr;
use crate::model::query::{Condition, Op};
use crate::model::text::quote_ident;
use crate::read::predicate::{Test, TestKind, tests};

/// A predicate of a partial index.
#[derive(Debug, Clone, PartialEq)]
pub struct Predicate {
    /// Columns that it fixes to a value or a few: needless as keys then.
    pub fixed: Vec<String>,
    /// As SQL.
    pub sql: String,
    /// Share of the rows that meet it.
    share: f64,
}

/// A predicate must leave out at least half of the rows.
const LARGEST_SHARE: f64 = 0.5;

/// A literal of a column with more values than these must be rarer.
const STATUS_VALUES: f64 = 16.0;

/// Largest share of the rows of such a literal.
const RARE_SHARE: f64 = 0.1;

/// More values than these are a measure or a key, no kind of thing: which of them are asked for changes every day.
const MOST_VALUES: f64 = 64.0;

/// Most predicates of one reference that are tried alone.
const MOST_ALONE: usize = 3;

/// The predicates worth trying on one reference, rarest first; then all of them together, where that is rarer by half.
pub fn predicates<'c>(conditions: impl Iterator<Item = &'c Condition>, table: &Table) -> Vec<Predicate> {
    let mut found: Vec<Predicate> = Vec::new();
    for predicate in conditions.flat_map(|c| of_condition(c, table).into_iter().chain(not_null(c, table))) {
        if found.iter().all(|p| p.sql != predicate.sql) {
            found.push(predicate);
        }
    }
    found.sort_by(|a, b| a.share.total_cmp(&b.share).then_with(|| a.sql.cmp(&b.sql)));
    found.truncate(MOST_ALONE);
    found.extend(together(&found));
    found
}

/// A condition on constants that leaves out at least half of the rows.
fn of_condition(condition: &Condition, table: &Table) -> Option<Predicate> {
    let KeyExpr::Column(name) = &condition.key else { return None };
    let sql = condition.predicate.as_ref()?;
    let column = table.column(name)?;
    let listed = tests(sql)?;
    let of_a_kind = |t: &Test| match t.kind {
        TestKind::Null => !column.not_null,
        TestKind::NotNull => false,
        TestKind::In(_) | TestKind::NotIn(_) => is_kind(column, sql, table),
    };
    if !listed.iter().all(of_a_kind) {
        return None;
    }
    let fixed = if matches!(condition.op, Op::Eq | Op::In | Op::IsNull) { vec![name.clone()] } else { Vec::new() };
    rare(fixed, sql.clone(), table)
}

/// Any comparison of a column that is mostly NULL holds for the others alone, whatever value it is compared with.
fn not_null(condition: &Condition, table: &Table) -> Option<Predicate> {
    let KeyExpr::Column(name) = &condition.key else { return None };
    let strict = matches!(condition.op, Op::Eq | Op::In | Op::Range | Op::Like | Op::IsNotNull);
    strict.then(|| rare(Vec::new(), format!("{} IS NOT NULL", quote_ident(name)), table))?
}

fn rare(fixed: Vec<String>, sql: String, table: &Table) -> Option<Predicate> {
    let share = share_of(&sql, table)?;
    (share <= LARGEST_SHARE).then_some(Predicate { fixed, sql, share })
}

/// A status, a flag, a type: a column of few values, which come again and again.
fn is_kind(column: &Column, predicate: &str, table: &Table) -> bool {
    let Some(stats) = column.stats.as_ref().filter(|s| !s.common_values.is_empty()) else { return false };
    let values = stats.distinct(table.rows.unwrap_or(0.0));
    values <= STATUS_VALUES || (values <= MOST_VALUES && share_of(predicate, table).is_some_and(|share| share <= RARE_SHARE))
}

/// Of independent columns, all predicates in one; in the order of their texts, so that two queries share the index.
fn together(found: &[Predicate]) -> Option<Predicate> {
    let share: f64 = found.iter().map(|p| p.share).product();
    if found.len() < 2 || share > found[0].share / 2.0 {
        return None;
    }
    let mut parts: Vec<&str> = found.iter().map(|p| p.sql.as_str()).collect();
    parts.sort();
    let part = |p: &str| if p.contains(" OR ") { format!("({p})") } else { p.to_owned() };
    let sql = parts.into_iter().map(part).collect::<Vec<_>>().join(" AND ");
    Some(Predicate { fixed: found.iter().flat_map(|p| p.fixed.clone()).collect(), sql, share })
}

/// The roles that are left inside a predicate.
pub fn rest(roles: &Roles, predicate: &Predicate) -> Roles {
    let mut rest = Roles { partial: Vec::new(), ..roles.clone() };
    for list in [&mut rest.equal, &mut rest.range, &mut rest.join, &mut rest.optional, &mut rest.listed] {
        list.retain(|k| k.column_name().is_none_or(|c| !predicate.fixed.iter().any(|f| f == c)));
    }
    rest
}

/// Share of the rows that meet a predicate of ours, by the statistics; columns are taken to be independent.
pub fn share_of(predicate: &str, table: &Table) -> Option<f64> {
    let share = |t: &Test| {
        let stats = table.column(&t.column)?.stats.as_ref()?;
        let listed = |values: &[String]| values.iter().map(|v| frequency(v, stats, table)).sum::<f64>().min(1.0 - stats.null_frac);
        Some(match &t.kind {
            TestKind::Null => stats.null_frac,
            TestKind::NotNull => 1.0 - stats.null_frac,
            TestKind::In(values) => listed(values),
            TestKind::NotIn(values) => 1.0 - stats.null_frac - listed(values),
        })
    };
    tests(predicate)?.iter().map(share).product()
}

/// Share of the rows that have a value; one that is not common shares what the common ones leave.
fn frequency(value: &str, stats: &ColumnStats, table: &Table) -> f64 {
    let common = stats.common_values.iter().position(|v| v == value || v.trim_end() == value);
    if let Some(frequency) = common.and_then(|n| stats.common_freqs.get(n)) {
        return *frequency;
    }
    let left = (1.0 - stats.null_frac - stats.common_freqs.iter().sum::<f64>()).max(0.0);
    let others = stats.distinct(table.rows.unwrap_or(0.0)) - stats.common_values.len() as f64;
    if others >= 1.0 { left / others } else { 0.0 }
}
