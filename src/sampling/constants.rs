//! A text that holds its constants itself: an execution that needs no values, one among others of its query.

use super::Binding;
use super::equal::SKEW;
use crate::model::catalog::Catalog;
use crate::model::index_def::TableName;
use crate::model::query::{Condition, Op, Rhs, Shape, TableRef};
use crate::read::predicate::{Test, TestKind, tests};

/// The execution of a query's text number `text`, the most frequent being 0. `chief` is that one's shape.
pub fn of_text(text: usize, shape: Option<&Shape>, chief: Option<&Shape>, catalog: &Catalog) -> Binding {
    let label = match text {
        0 => "its most frequent constants".to_owned(),
        1 => "its 2nd most frequent constants".to_owned(),
        2 => "its 3rd most frequent constants".to_owned(),
        n => format!("its {}th most frequent constants", n + 1),
    };
    Binding {
        weight: 1.0,
        label,
        most_common_of: shape.map(|s| most_common_of(s, catalog)).unwrap_or_default(),
        other_form: shape.map(forms) != chief.map(forms),
        ..Binding::default()
    }
}

fn conditions(shape: &Shape) -> impl Iterator<Item = (&TableRef, &Condition)> {
    shape.tables.iter().flat_map(|t| t.conditions.iter().chain(t.or_arms.iter().flatten()).map(move |c| (t, c)))
}

/// Of each constant pattern, whether it begins with text that an index can look up.
fn forms(shape: &Shape) -> Vec<bool> {
    let begins = |(_, c): (&TableRef, &Condition)| match (&c.op, &c.rhs) {
        (Op::Like, Rhs::Constant(pattern)) => Some(!pattern.trim_start_matches('\'').starts_with(['%', '_'])),
        (Op::Pattern, Rhs::Constant(pattern)) => Some(pattern.trim_start_matches('\'').starts_with('^')),
        _ => None,
    };
    conditions(shape).filter_map(begins).collect()
}

/// Columns with skew that are compared with their most common value.
fn most_common_of(shape: &Shape, catalog: &Catalog) -> Vec<(TableName, String)> {
    let asks = |(table, condition): (&TableRef, &Condition)| -> Option<(TableName, String)> {
        let listed = tests(condition.predicate.as_deref()?)?;
        let [Test { column, kind: TestKind::In(values) }] = listed.as_slice() else { return None };
        let stats = catalog.table(&table.table)?.column(column)?.stats.as_ref()?;
        let is_skewed = stats.common_freqs.first().is_some_and(|f| *f >= SKEW);
        (is_skewed && values.as_slice() == stats.common_values.get(..1)?).then(|| (table.table.clone(), column.clone()))
    };
    conditions(shape).filter_map(asks).collect()
}
