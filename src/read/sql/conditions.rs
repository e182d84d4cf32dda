//! Boolean expressions into [`Condition`]s: which key of which table reference is compared with what.

use super::clauses::AGGREGATES;
use super::names::{Scope, fold};
use crate::model::index_def::KeyExpr;
use crate::model::query::{Condition, Op, Rhs};
use crate::model::text::quote_ident;
use sqlparser::ast::{BinaryOperator, Expr, Ident, Query, UnaryOperator, Value, Visit, VisitMut, Visitor, VisitorMut};
use std::ops::ControlFlow;

/// What conditions need to know of the block they stand in.
pub struct Surroundings<'a> {
    /// Names in sight.
    pub scope: &'a Scope,
    /// True when a table reference has a column.
    pub has_column: &'a dyn Fn(usize, &str) -> bool,
    /// True when a table reference belongs to this block (not to one around it).
    pub is_local: &'a dyn Fn(usize) -> bool,
}

/// What an expression holds, subqueries left aside.
#[derive(Default)]
pub struct Contents {
    /// Columns by reference.
    pub columns: Vec<(usize, String)>,
    /// Parameters.
    pub parameters: Vec<u32>,
    /// Subqueries, to be read as blocks of their own.
    pub subqueries: Vec<Query>,
    /// Names of functions called, lower case, with true where called OVER a window.
    pub functions: Vec<(String, bool)>,
    /// A column name that resolved to nothing (derived tables, records).
    pub unresolved: bool,
    /// `count(*) OVER ()` without partition.
    pub count_over: bool,
}

struct Collector<'a> {
    around: &'a Surroundings<'a>,
    found: Contents,
    depth: u32,
}

impl Visitor for Collector<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        if self.depth == 0 {
            self.found.subqueries.push(query.clone());
        }
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if self.depth > 0 {
            return ControlFlow::Continue(());
        }
        match expr {
            Expr::Identifier(ident) => self.column(std::slice::from_ref(ident)),
            Expr::CompoundIdentifier(parts) => self.column(parts),
            Expr::Value(v) => self.found.parameters.extend(placeholder(&v.value)),
            Expr::Function(f) => {
                let name = super::names::split(&f.name).1;
                self.found.count_over |=
                    name == "count" && matches!(&f.over, Some(sqlparser::ast::WindowType::WindowSpec(w)) if w.partition_by.is_empty());
                self.found.functions.push((name, f.over.is_some()));
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

impl Collector<'_> {
    fn column(&mut self, parts: &[Ident]) {
        match self.around.scope.resolve(parts, self.around.has_column) {
            Some(found) => self.found.columns.push(found),
            None => self.found.unresolved = true,
        }
    }
}

/// Number of `$n`.
fn placeholder(value: &Value) -> Option<u32> {
    match value {
        Value::Placeholder(text) => text.strip_prefix('$')?.parse().ok(),
        _ => None,
    }
}

/// Everything an expression mentions.
pub fn contents(expr: &Expr, around: &Surroundings) -> Contents {
    let mut collector = Collector { around, found: Contents::default(), depth: 0 };
    let _ = Visit::visit(expr, &mut collector);
    collector.found
}

/// Parentheses off.
pub fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Nested(inner) => bare(inner),
        other => other,
    }
}

/// The members of an AND chain, left to right.
pub fn conjuncts(expr: &Expr) -> Vec<&Expr> {
    chain(expr, &BinaryOperator::And)
}

/// The arms of an OR chain, left to right.
pub fn disjuncts(expr: &Expr) -> Vec<&Expr> {
    chain(expr, &BinaryOperator::Or)
}

fn chain<'e>(expr: &'e Expr, operator: &BinaryOperator) -> Vec<&'e Expr> {
    let (mut out, mut stack) = (Vec::new(), vec![expr]);
    while let Some(next) = stack.pop() {
        match bare(next) {
            Expr::BinaryOp { left, op, right } if op == operator => {
                stack.push(right);
                stack.push(left);
            }
            other => out.push(other),
        }
    }
    out
}

/// The arms of an OR whose every arm has conditions on one and the same reference.
pub fn or_arms(expr: &Expr, around: &Surroundings) -> Option<(usize, Vec<Vec<Condition>>)> {
    let arms = disjuncts(expr);
    if arms.len() < 2 {
        return None;
    }
    let mut table_ref = None;
    let mut out = Vec::new();
    for arm in arms {
        let found: Vec<(usize, Condition)> = conjuncts(arm).into_iter().flat_map(|c| conditions(c, around)).collect();
        let first = found.first()?.0;
        if *table_ref.get_or_insert(first) != first {
            return None;
        }
        out.push(found.into_iter().filter(|(r, _)| *r == first).map(|(_, c)| c).collect());
    }
    table_ref.map(|r| (r, out))
}

/// The conditions that one member of an AND chain puts on local table references.
pub fn conditions(expr: &Expr, around: &Surroundings) -> Vec<(usize, Condition)> {
    let one = |key: &Expr, op: Op, rhs: Rhs| -> Vec<(usize, Condition)> {
        local_key(key, around).map(|(r, k, c)| (r, Condition { key: k, columns: c, op, rhs })).into_iter().collect()
    };
    match bare(expr) {
        Expr::BinaryOp { left, op, right } => comparison(left, operator(op), right, around),
        Expr::InList { expr, list, negated: false } => one(expr, Op::In, list.first().map_or(Rhs::Expression, |e| rhs_of(e, around))),
        Expr::InSubquery { expr, negated: false, .. } => one(expr, Op::In, Rhs::Subquery),
        Expr::AnyOp { left, compare_op: BinaryOperator::Eq, right, .. } => one(left, Op::In, rhs_of(right, around)),
        Expr::Between { expr, negated: false, low, high } => {
            let mut both: Vec<(usize, Condition)> = one(expr, Op::Range, rhs_of(low, around));
            both.extend::<Vec<_>>(one(expr, Op::Range, rhs_of(high, around)));
            both
        }
        Expr::IsNull(e) => one(e, Op::IsNull, Rhs::None),
        Expr::IsNotNull(e) => one(e, Op::IsNotNull, Rhs::None),
        Expr::IsTrue(e) => one(e, Op::Eq, Rhs::Constant("true".into())),
        Expr::IsFalse(e) => one(e, Op::Eq, Rhs::Constant("false".into())),
        Expr::Like { negated: false, any: false, expr, pattern, .. } => one(expr, Op::Like, rhs_of(pattern, around)),
        Expr::ILike { negated: false, any: false, expr, pattern, .. } => one(expr, Op::Pattern, rhs_of(pattern, around)),
        Expr::UnaryOp { op: UnaryOperator::Not, expr } => match bare(expr) {
            e @ (Expr::Identifier(_) | Expr::CompoundIdentifier(_)) => one(e, Op::Eq, Rhs::Constant("false".into())),
            _ => Vec::new(),
        },
        e @ (Expr::Identifier(_) | Expr::CompoundIdentifier(_)) => one(e, Op::Eq, Rhs::Constant("true".into())),
        _ => Vec::new(),
    }
}

pub fn operator(op: &BinaryOperator) -> Op {
    use BinaryOperator as B;
    match op {
        B::Eq => Op::Eq,
        B::Lt | B::LtEq | B::Gt | B::GtEq => Op::Range,
        B::NotEq => Op::NotEq,
        B::PGLikeMatch => Op::Like,
        B::PGILikeMatch | B::PGRegexMatch | B::PGRegexIMatch => Op::Pattern,
        other => Op::Other(other.to_string()),
    }
}

/// `left op right`, and the same seen from the right.
fn comparison(left: &Expr, op: Op, right: &Expr, around: &Surroundings) -> Vec<(usize, Condition)> {
    if let (Expr::Tuple(lefts), Expr::Tuple(rights)) = (bare(left), bare(right)) {
        // Row comparison: each member bounds its column (keyset pagination), or equals it.
        return lefts.iter().zip(rights).flat_map(|(l, r)| comparison(l, op.clone(), r, around)).collect();
    }
    if matches!(op, Op::NotEq) {
        return Vec::new();
    }
    let mut out = Vec::new();
    let flips = matches!(op, Op::Eq | Op::Range) || matches!(&op, Op::Other(o) if o == "&&");
    let sides = [(left, right)].into_iter().chain(flips.then_some((right, left)));
    for (key, other) in sides {
        let Some((table_ref, expr, columns)) = local_key(key, around) else { continue };
        let found = contents(other, around);
        // A comparison of two columns of one row is no look-up.
        if found.columns.iter().any(|(r, _)| *r == table_ref) {
            continue;
        }
        out.push((table_ref, Condition { key: expr, columns, op: op.clone(), rhs: rhs_of(other, around) }));
    }
    out
}

/// What stands on the other side.
pub fn rhs_of(expr: &Expr, around: &Surroundings) -> Rhs {
    let found = contents(expr, around);
    if !found.subqueries.is_empty() {
        return Rhs::Subquery;
    }
    if let [(table_ref, column)] = found.columns.as_slice() {
        return Rhs::Column { table_ref: *table_ref, column: column.clone() };
    }
    if !found.columns.is_empty() || found.unresolved {
        return Rhs::Expression;
    }
    match found.parameters.as_slice() {
        [] if found.functions.is_empty() => Rhs::Constant(expr.to_string()),
        [] => Rhs::Expression,
        [n, ..] => Rhs::Parameter(*n),
    }
}

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
        && matches!(
            expr,
            Expr::Function(_)
                | Expr::Cast { .. }
                | Expr::BinaryOp { .. }
                | Expr::Trim { .. }
                | Expr::Substring { .. }
                | Expr::Extract { .. }
        );
    if !one_table || !indexable {
        return None;
    }
    let mut columns: Vec<String> = found.columns.into_iter().map(|(_, c)| c).collect();
    columns.sort();
    columns.dedup();
    Some((table_ref, KeyExpr::Expression(unqualified(expr)), columns))
}

/// The expression's SQL with the qualifiers taken off its columns and odd names quoted.
fn unqualified(expr: &Expr) -> String {
    struct Strip;
    impl VisitorMut for Strip {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
            let last = match expr {
                Expr::CompoundIdentifier(parts) => parts.last().cloned(),
                Expr::Identifier(ident) => Some(ident.clone()),
                _ => None,
            };
            if let Some(ident) = last {
                *expr = Expr::Identifier(safe_ident(&ident));
            }
            ControlFlow::Continue(())
        }
    }
    let mut expr = expr.clone();
    let _ = VisitMut::visit(&mut expr, &mut Strip);
    expr.to_string()
}

/// Quoted unless it is a plain lower-case word (keywords are quoted by the caller's DDL check: the server).
fn safe_ident(ident: &Ident) -> Ident {
    let name = fold(ident);
    let plain =
        name.chars().all(|c| c == '_' || c.is_ascii_lowercase() || c.is_ascii_digit()) && !name.starts_with(|c: char| c.is_ascii_digit());
    if plain && ident.quote_style.is_none() { Ident::new(name) } else { Ident::new(quote_ident(&name)) }
}
