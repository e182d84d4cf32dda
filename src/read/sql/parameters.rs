//! What each parameter of a condition is compared with: where its values can be sampled from.

use super::conditions::{Surroundings, bare, conjuncts, disjuncts, operator, rhs_of};
use super::keys::local_key;
use crate::model::index_def::{KeyExpr, TableName};
use crate::model::query::{NullAsks, Op, ParameterUse, RangeEnd, Rhs};
use sqlparser::ast::{BinaryOperator, Expr, UnaryOperator};

/// The comparisons of parameters with columns in a boolean expression, each with its table
/// reference (the table itself is left empty), left to right.
pub fn uses(expr: &Expr, around: &Surroundings) -> Vec<(usize, ParameterUse)> {
    let members = conjuncts(expr);
    if members.len() > 1 {
        return members.into_iter().flat_map(|m| uses(m, around)).collect();
    }
    let arms = disjuncts(expr);
    if arms.len() > 1 { of_arms(&arms, around) } else { of_comparison(bare(expr), around) }
}

/// `$1 IS NULL OR column = $1`: a filter that an execution can leave out.
fn of_arms(arms: &[&Expr], around: &Surroundings) -> Vec<(usize, ParameterUse)> {
    let left_out: Vec<u32> = arms.iter().filter_map(|arm| if let Expr::IsNull(e) = arm { parameter(e, around) } else { None }).collect();
    let mut found: Vec<_> = arms.iter().flat_map(|arm| uses(arm, around)).collect();
    for (_, usage) in found.iter_mut().filter(|(_, u)| left_out.contains(&u.number)) {
        usage.null = Some(NullAsks::Everything);
    }
    found
}

fn of_comparison(expr: &Expr, around: &Surroundings) -> Vec<(usize, ParameterUse)> {
    let one = |key: &Expr, op: Op, other: &Expr| usage(key, op, other, around).into_iter().collect::<Vec<_>>();
    match expr {
        Expr::BinaryOp { left, op, right } => match (bare(left), bare(right)) {
            (Expr::Tuple(lefts), Expr::Tuple(rights)) => of_row(lefts, op, rights, around),
            (left, right) => either_way(left, op, right, around),
        },
        Expr::IsNotDistinctFrom(left, right) => {
            let mut found = either_way(left, &BinaryOperator::Eq, right, around);
            found.iter_mut().for_each(|(_, u)| u.null = Some(NullAsks::Nulls));
            found
        }
        Expr::InList { expr, list, .. } => list.iter().flat_map(|e| one(expr, Op::In, e)).collect(),
        Expr::AnyOp { left, compare_op: BinaryOperator::Eq, right, .. } => one(left, Op::In, right),
        Expr::Between { expr, low, high, .. } => {
            let ends = [(RangeEnd::Lower, low), (RangeEnd::Upper, high)];
            ends.into_iter().flat_map(|(end, bound)| with_end(one(expr, Op::Range, bound), end)).collect()
        }
        Expr::Like { any: false, expr, pattern, .. } => one(expr, Op::Like, pattern),
        Expr::ILike { any: false, expr, pattern, .. } => one(expr, Op::Pattern, pattern),
        Expr::UnaryOp { op: UnaryOperator::Not, expr } => uses(expr, around),
        _ => Vec::new(),
    }
}

/// Each member bounds (or equals) its column; together they are one place in an order.
fn of_row(lefts: &[Expr], op: &BinaryOperator, rights: &[Expr], around: &Surroundings) -> Vec<(usize, ParameterUse)> {
    let mut found: Vec<_> = lefts.iter().zip(rights).flat_map(|(l, r)| either_way(l, op, r, around)).collect();
    let first = found.first().map(|(_, u)| u.number);
    found.iter_mut().filter(|(_, u)| u.op == Op::Range).for_each(|(_, u)| u.row = first);
    found
}

/// `column op $n` and `$n op column`.
fn either_way(left: &Expr, op: &BinaryOperator, right: &Expr, around: &Surroundings) -> Vec<(usize, ParameterUse)> {
    let end = match op {
        BinaryOperator::Gt | BinaryOperator::GtEq => Some((RangeEnd::Lower, RangeEnd::Upper)),
        BinaryOperator::Lt | BinaryOperator::LtEq => Some((RangeEnd::Upper, RangeEnd::Lower)),
        _ => None,
    };
    let straight = usage(left, operator(op), right, around).map(|u| (u, end.map(|e| e.0)));
    let turned = || usage(right, operator(op), left, around).map(|u| (u, end.map(|e| e.1)));
    let found = straight.or_else(turned).map(|((table_ref, u), end)| (table_ref, ParameterUse { end, ..u }));
    found.into_iter().collect()
}

fn with_end(found: Vec<(usize, ParameterUse)>, end: RangeEnd) -> Vec<(usize, ParameterUse)> {
    found.into_iter().map(|(table_ref, u)| (table_ref, ParameterUse { end: Some(end), ..u })).collect()
}

/// A local column (or an expression of columns) compared with something that holds a parameter and no column.
fn usage(key: &Expr, op: Op, other: &Expr, around: &Surroundings) -> Option<(usize, ParameterUse)> {
    let number = parameter(other, around)?;
    let (table_ref, key, columns) = local_key(key, around)?;
    let wrapped_in = match &key {
        KeyExpr::Expression(sql) => sql.split_once('(').map(|(function, _)| function.trim().to_lowercase()),
        KeyExpr::Column(_) => None,
    };
    let column = columns.into_iter().next()?;
    let table = TableName::default();
    Some((table_ref, ParameterUse { number, table, column, op, wrapped_in, end: None, row: None, null: None }))
}

/// The parameter of an expression without columns.
fn parameter(expr: &Expr, around: &Surroundings) -> Option<u32> {
    match rhs_of(expr, around) {
        Rhs::Parameter(number) => Some(number),
        _ => None,
    }
}
