//! Index keys: a column, or an expression of one table's columns, as SQL that CREATE INDEX takes.

use super::clauses::AGGREGATES;
use super::conditions::{Surroundings, bare, contents};
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
        let (table_ref, column) = around.scope.resolve(name_parts(expr)?, around.has_column)?;
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
    Some((table_ref, KeyExpr::Expression(unqualified(expr, around)), columns))
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

/// The parts of a column's name.
pub(super) fn name_parts(expr: &Expr) -> Option<&[Ident]> {
    match expr {
        Expr::Identifier(ident) => Some(std::slice::from_ref(ident)),
        Expr::CompoundIdentifier(parts) => Some(parts.as_slice()),
        _ => None,
    }
}

/// The whole of a condition as SQL over its table's quoted columns; for predicates, which are compared as text.
pub(super) fn quoted(expr: &Expr, around: &Surroundings) -> String {
    rewritten(expr, around, |name| Ident::new(quote_ident(name)))
}

/// The expression's SQL with the qualifiers taken off its columns and odd names quoted.
fn unqualified(expr: &Expr, around: &Surroundings) -> String {
    rewritten(expr, around, safe_ident)
}

/// Every column under the name that its table has for it: a derived table may have renamed it.
fn rewritten(expr: &Expr, around: &Surroundings, write: impl Fn(&str) -> Ident) -> String {
    struct Names<F>(F);
    impl<F: Fn(&[Ident]) -> Option<Ident>> VisitorMut for Names<F> {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
            if let Some(ident) = name_parts(expr).and_then(&self.0) {
                *expr = Expr::Identifier(ident);
            }
            ControlFlow::Continue(())
        }
    }
    let mut expr = expr.clone();
    let own = |parts: &[Ident]| around.scope.resolve(parts, around.has_column).map(|(_, column)| write(&column));
    let _ = VisitMut::visit(&mut expr, &mut Names(own));
    expr.to_string()
}

/// Words that the server takes for names only in quotes.
const RESERVED: &str = " all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate \
    collation column concurrently constraint create cross current_catalog current_date current_role current_schema \
    current_time current_timestamp current_user default deferrable desc distinct do else end except false fetch for foreign \
    freeze from full grant group having ilike in initially inner intersect interval into is isnull join lateral leading left \
    like limit localtime localtimestamp natural not notnull null offset on only or order outer overlaps placing primary \
    references returning right row select session_user similar some symmetric system_user table tablesample then to trailing \
    true union unique user using values variadic verbose when where window with ";

/// Quoted unless it is a plain lower-case word that SQL has no other meaning for.
fn safe_ident(name: &str) -> Ident {
    let plain = name.chars().all(|c| c == '_' || c.is_ascii_lowercase() || c.is_ascii_digit())
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && !RESERVED.contains(&format!(" {name} "));
    if plain { Ident::new(name) } else { Ident::new(quote_ident(name)) }
}
