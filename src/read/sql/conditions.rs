//! Boolean expressions into [`Condition`]s: which key of which table reference is compared with what.

use super::keys::local_key;
use super::names::Scope;
use crate::model::query::{Condition, Op, Rhs};
use sqlparser::ast::*;
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
    /// Windows.
    pub windows: Vec<WindowSpec>,
    /// What `min()` and `max()` are taken of.
    pub extremes: Vec<Expr>,
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
                self.found.count_over |= name == "count" && matches!(&f.over, Some(WindowType::WindowSpec(w)) if w.partition_by.is_empty());
                match &f.over {
                    Some(WindowType::WindowSpec(window)) => self.found.windows.push(window.clone()),
                    None if matches!(name.as_str(), "min" | "max") => self.found.extremes.extend(arguments(&f.args).into_iter().cloned()),
                    _ => {}
                }
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

/// The conditions that one member of an AND chain puts on local table references.
pub fn conditions(expr: &Expr, around: &Surroundings) -> Vec<(usize, Condition)> {
    let one = |key: &Expr, op: Op, rhs: Rhs| -> Vec<(usize, Condition)> {
        local_key(key, around).map(|(r, k, c)| (r, Condition::new(k, c, op, rhs))).into_iter().collect()
    };
    match bare(expr) {
        Expr::BinaryOp { left, op, right } => comparison(left, operator(op), right, around),
        Expr::InList { expr, list, negated: false } => one(expr, Op::In, list.first().map_or(Rhs::Expression, |e| rhs_of(e, around))),
        Expr::InList { expr, list, negated: true } => one(expr, Op::NotEq, list.first().map_or(Rhs::Expression, |e| rhs_of(e, around))),
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
        Expr::Like { negated: false, any: false, expr, pattern, .. } => {
            let op = if begins_with_wildcard(pattern) { Op::Pattern } else { Op::Like };
            one(expr, op, rhs_of(pattern, around))
        }
        Expr::Function(f) if super::names::split(&f.name).1 == "starts_with" => match arguments(&f.args).as_slice() {
            [text, prefix] => one(text, Op::Other(PREFIX.into()), rhs_of(prefix, around)),
            _ => Vec::new(),
        },
        Expr::ILike { negated: false, any: false, expr, pattern, .. } => one(expr, Op::Pattern, rhs_of(pattern, around)),
        Expr::UnaryOp { op: UnaryOperator::Not, expr } => match bare(expr) {
            e @ (Expr::Identifier(_) | Expr::CompoundIdentifier(_)) => one(e, Op::Eq, Rhs::Constant("false".into())),
            _ => Vec::new(),
        },
        e @ (Expr::Identifier(_) | Expr::CompoundIdentifier(_)) => one(e, Op::Eq, Rhs::Constant("true".into())),
        _ => Vec::new(),
    }
}

/// `text ^@ prefix`, which is also `starts_with(text, prefix)`.
const PREFIX: &str = "^@";

/// `'%' || $1 || '%'`: a search inside the text. A plain `'%x'` is left to who reads the constant.
fn begins_with_wildcard(pattern: &Expr) -> bool {
    match bare(pattern) {
        Expr::BinaryOp { left, op: BinaryOperator::StringConcat, .. } => match bare(left) {
            Expr::Value(v) => matches!(&v.value, Value::SingleQuotedString(text) if text.starts_with(['%', '_'])),
            inner => begins_with_wildcard(inner),
        },
        _ => false,
    }
}

/// The plain arguments of a call; empty where one is of another kind.
pub(super) fn arguments(args: &FunctionArguments) -> Vec<&Expr> {
    let FunctionArguments::List(list) = args else { return Vec::new() };
    let plain = |arg| if let &FunctionArg::Unnamed(FunctionArgExpr::Expr(ref e)) = arg { Some(e) } else { None };
    list.args.iter().map(plain).collect::<Option<Vec<&Expr>>>().unwrap_or_default()
}

/// What an operator is to an index.
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
    let mut out = Vec::new();
    let flips = matches!(op, Op::Eq | Op::Range | Op::NotEq) || matches!(&op, Op::Other(o) if o == "&&");
    let sides = [(left, right)].into_iter().chain(flips.then_some((right, left)));
    for (key, other) in sides {
        let Some((table_ref, expr, columns)) = local_key(key, around) else { continue };
        let found = contents(other, around);
        // A comparison of two columns of one row is no look-up.
        if found.columns.iter().any(|(r, _)| *r == table_ref) {
            continue;
        }
        out.push((table_ref, Condition::new(expr, columns, op.clone(), rhs_of(other, around))));
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
