//! What a subquery or CTE hands on: its output columns, and the base columns behind them.

use super::blocks::Builder;
use super::conditions::bare;
use super::keys::name_parts;
use super::names::{Origin, Output, Scope, Source, fold, split};
use sqlparser::ast::*;
use std::ops::ControlFlow;

/// A query that was read.
pub struct Read {
    /// Its outermost block.
    pub block: usize,
    /// Names inside it, for its ORDER BY.
    pub scope: Scope,
    /// Its columns, where they can be told.
    pub outputs: Option<Vec<Output>>,
}

impl Builder<'_> {
    /// Columns of a SELECT list.
    pub(super) fn select_outputs(&self, items: &[SelectItem], scope: &Scope) -> Option<Vec<Output>> {
        let has = |r: usize, c: &str| self.has_column(r, c);
        let origins = |expr: &Expr| name_parts(bare(expr)).and_then(|parts| scope.resolve(parts, &has)).into_iter().collect();
        let mut out = Vec::new();
        for item in items {
            match item {
                SelectItem::ExprWithAlias { expr, alias } => out.push(Output { name: Some(fold(alias)), origins: origins(expr) }),
                SelectItem::UnnamedExpr(expr) => out.push(Output { name: made_name(expr), origins: origins(expr) }),
                SelectItem::Wildcard(_) => out.extend(self.all_outputs(None, scope)?),
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
                    out.extend(self.all_outputs(Some(&split(name).1), scope)?);
                }
                _ => return None,
            }
        }
        Some(out)
    }

    /// `*` or `alias.*`.
    fn all_outputs(&self, alias: Option<&str>, scope: &Scope) -> Option<Vec<Output>> {
        let mut out = Vec::new();
        for source in scope.levels.first()?.iter().filter(|s| alias.is_none_or(|a| s.alias() == a)) {
            match source {
                Source::Table { table_ref, .. } => {
                    let table = self.tables.get(&self.shape.tables.get(*table_ref)?.table)?;
                    let of = |name: &String| Output { name: Some(name.clone()), origins: vec![(*table_ref, name.clone())] };
                    out.extend(table.columns.iter().map(|c| of(&c.name)));
                }
                Source::Derived { columns, .. } => out.extend(columns.clone()?),
            }
        }
        Some(out)
    }

    /// Columns of a set operation: the first arm's names. Of a UNION the rows of each arm come through; a
    /// condition on one arm's column is one on its twin in the other.
    pub(super) fn set_outputs(&mut self, left: Option<Vec<Output>>, right: Option<Vec<Output>>) -> Option<Vec<Output>> {
        let (mut left, right) = (left?, right?);
        for (output, twin) in left.iter_mut().zip(right) {
            if let Some(first) = output.origins.first() {
                let twins: &mut Vec<Origin> = self.twins.entry(first.clone()).or_default();
                twins.extend(twin.origins.iter().filter(|o| *o != first).cloned());
            }
            output.origins.extend(twin.origins);
        }
        Some(left)
    }
}

/// Under the names that an alias gives them: `AS d (a, b)`.
pub(super) fn renamed(outputs: Option<Vec<Output>>, alias: &TableAlias) -> Option<Vec<Output>> {
    let names: Vec<String> = alias.columns.iter().map(|c| fold(&c.name)).collect();
    match outputs {
        None if names.is_empty() => None,
        None => Some(names.into_iter().map(|n| Output { name: Some(n), origins: Vec::new() }).collect()),
        Some(mut outputs) => {
            outputs.iter_mut().zip(names).for_each(|(o, name)| o.name = Some(name));
            Some(outputs)
        }
    }
}

/// The columns of a CTE that cannot be looked into: read once and kept, or read in two places.
pub(super) fn opaque(outputs: Option<Vec<Output>>) -> Option<Vec<Output>> {
    outputs.map(|list| list.into_iter().map(|o| Output { origins: Vec::new(), ..o }).collect())
}

/// How often a query names a relation.
pub(super) fn mentions(query: &Query, relation: &str) -> usize {
    let mut count = 0;
    let _ = visit_relations(query, |name| {
        count += usize::from(split(name) == (None, relation.to_owned()));
        ControlFlow::<()>::Continue(())
    });
    count
}

/// The name that the server gives an unnamed column.
fn made_name(expr: &Expr) -> Option<String> {
    match bare(expr) {
        Expr::Identifier(ident) => Some(fold(ident)),
        Expr::CompoundIdentifier(parts) => parts.last().map(fold),
        Expr::Function(f) => Some(split(&f.name).1),
        Expr::Cast { expr, .. } => made_name(expr),
        Expr::BinaryOp { .. } | Expr::Value(_) | Expr::UnaryOp { .. } => Some("?column?".to_owned()),
        _ => None,
    }
}
