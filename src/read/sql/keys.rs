//! Index keys: a column, or an expression of one table's columns, as SQL that CREATE INDEX takes.

use super::clauses::AGGREGATES;
use super::conditions::{Surroundings, bare, contents};
use super::names::fold;
use crate::model::index_def::KeyExpr;
use crate::model::text::quote_ident;
use sqlparser::ast::{Expr, Ident, VisitMut, VisitorMut};
use std::ops::ControlFlow;

/// Volatile and window functions cannot be index keys (nor can aggregates); the server has the last word on the rest.
const NEVER_KEYS: [&str; 9] =
    ["now", "random", "clock_timestamp", "statement_timestamp", "timeofday", "nextval", "currval", "row_number", "rank"];

/// The expression as an index key of one local reference: a column, or an expression of its columns alone.
pub fn local_key(expr: &Expr, around: &Surroundings) -> Option<(usize, KeyExpr, Vec<String>)> {
    let expr = bare(expr);
    if let Expr::Identifier(_) | Expr::CompoundIdentifier(_) = expr {
        let parts = match expr {
            Expr::Identifier(ident) => std::slice::from_ref(ident),
            Expr::CompoundIdentifier(parts) => parts.as_slice(),
            _ => return None,
        };
        let (table_ref, column) = around.scope.resolve(parts, around.has_column)?;
        return (around.is_local)(table_ref).then(|| (table_ref, KeyExpr::Column(column.clone()), vec![column]));
    }
    let found = contents(expr, around);
    let table_ref = found.columns.first()?.0;
    let one_table = found.columns.iter().all(|(r, _)| *r == table_ref) && (around.is_local)(table_ref) && !found.unresolved;
    let indexable = found.parameters.is_empty()
        && found.subqueries.is_empty()
        && found.functions.iter().all(|(name, over)| !over && !NEVER_KEYS.contains(&name.as_str()) && !AGGREGATES.contains(&name.as_str()))
        && is_key_kind(expr);
    if !one_table || !indexable {
        return None;
    }
    let mut columns: Vec<String> = found.columns.into_iter().map(|(_, c)| c).collect();
    columns.sort();
    columns.dedup();
    Some((table_ref, KeyExpr::Expression(unqualified(expr)), columns))
}

/// Kinds of expressions that are worth an index of their own.
fn is_key_kind(expr: &Expr) -> bool {
    use Expr as E;
    let calls =
        matches!(expr, E::Function(_) | E::Trim { .. } | E::Substring { .. } | E::Extract { .. } | E::Ceil { .. } | E::Floor { .. });
    let others = matches!(expr, E::Cast { .. } | E::BinaryOp { .. } | E::UnaryOp { .. } | E::AtTimeZone { .. } | E::Case { .. });
    let tests = matches!(expr, E::IsNull(_) | E::IsNotNull(_) | E::CompoundFieldAccess { .. });
    calls || others || tests || matches!(expr, E::JsonAccess { .. } | E::Position { .. } | E::Overlay { .. })
}

/// The whole of a condition as SQL over its table's quoted columns; for predicates, which are compared as text.
pub(super) fn quoted(expr: &Expr) -> String {
    rewritten(expr, |ident| Ident::new(quote_ident(&fold(ident))))
}

/// The expression's SQL with the qualifiers taken off its columns and odd names quoted.
fn unqualified(expr: &Expr) -> String {
    rewritten(expr, safe_ident)
}

fn rewritten(expr: &Expr, name: impl Fn(&Ident) -> Ident) -> String {
    struct Strip<F>(F);
    impl<F: Fn(&Ident) -> Ident> VisitorMut for Strip<F> {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
            let last = match expr {
                Expr::CompoundIdentifier(parts) => parts.last().cloned(),
                Expr::Identifier(ident) => Some(ident.clone()),
                _ => None,
            };
            if let Some(ident) = last {
                *expr = Expr::Identifier((self.0)(&ident));
            }
            ControlFlow::Continue(())
        }
    }
    let mut expr = expr.clone();
    let _ = VisitMut::visit(&mut expr, &mut Strip(name));
    expr.to_string()
}

/// Quoted unless it is a plain lower-case word (keywords are quoted by the caller's DDL check: the server).
fn safe_ident(ident: &Ident) -> Ident {
    let name = fold(ident);
    let plain =
        name.chars().all(|c| c == '_' || c.is_ascii_lowercase() || c.is_ascii_digit()) && !name.starts_with(|c: char| c.is_ascii_digit());
    if plain && ident.quote_style.is_none() { Ident::new(name) } else { Ident::new(quote_ident(&name)) }
}
