//! What one member of a WHERE clause's AND chain asks of the table references: an OR is a member too.

use super::conditions::{Surroundings, bare, conditions, conjuncts, contents, disjuncts};
use super::keys::quoted;
use crate::model::query::{Condition, Op, Rhs};
use sqlparser::ast::{BinaryOperator, Expr};
use std::collections::BTreeSet;

/// Conditions by table reference.
#[derive(Default)]
pub struct Member {
    /// Each must hold.
    pub always: Vec<(usize, Condition)>,
    /// Hold in some executions: `$1 IS NULL OR column = $1`, `column IS NOT DISTINCT FROM $1`.
    pub optional: Vec<(usize, Condition)>,
    /// Arms of an OR in which every arm asks something of the reference.
    pub arms: Vec<(usize, Vec<Vec<Condition>>)>,
}

type Found = Vec<(usize, Condition)>;

/// Reads one member.
pub fn member(expr: &Expr, around: &Surroundings) -> Member {
    let all = disjuncts(expr);
    if all.len() < 2 {
        return match bare(expr) {
            // No index serves it before the server's version 19; a later one takes it for an equality.
            Expr::IsNotDistinctFrom(left, right) => {
                let equal = Expr::BinaryOp { left: left.clone(), op: BinaryOperator::Eq, right: right.clone() };
                Member { optional: conditions(&equal, around), ..Member::default() }
            }
            _ => Member { always: with_predicate(expr, conditions(expr, around), around), ..Member::default() },
        };
    }
    let free = |arm: &&Expr| {
        let found = contents(arm, around);
        found.columns.is_empty() && found.subqueries.is_empty() && !found.unresolved
    };
    let of_arm = |arm: &Expr| conjuncts(arm).into_iter().flat_map(|c| with_predicate(c, conditions(c, around), around)).collect();
    let arms: Vec<Found> = all.iter().filter(|arm| !free(arm)).map(|arm| of_arm(arm)).collect();
    match arms.as_slice() {
        [] => Member::default(),
        [only] => Member { optional: without_predicates(only), ..Member::default() },
        [first, rest @ ..] => {
            let common = first.iter().filter(|c| rest.iter().all(|arm| arm.contains(c))).cloned();
            // An arm without a column may hold for every row: nothing is common then.
            let mut always: Found = common.take_while(|_| arms.len() == all.len()).collect();
            let listed = if arms.len() == all.len() { one_of(&arms) } else { None };
            if let Some(list) = listed {
                always.extend(with_predicate(expr, vec![list], around));
                return Member { always, ..Member::default() };
            }
            let arms = by_reference(&arms, &always);
            Member { always, arms, ..Member::default() }
        }
    }
}

/// `a = 1 OR a = 2` is `a IN (1, 2)`.
fn one_of(arms: &[Found]) -> Option<(usize, Condition)> {
    let [(table_ref, first)] = arms.first()?.as_slice() else { return None };
    let same = |arm: &Found| {
        matches!(arm.as_slice(), [(r, c)] if r == table_ref && c.key == first.key && matches!(c.op, Op::Eq | Op::In)
            && !matches!(c.rhs, Rhs::Column { .. } | Rhs::Subquery))
    };
    arms.iter().all(same).then(|| (*table_ref, Condition { op: Op::In, predicate: None, ..first.clone() }))
}

/// Per reference that every arm asks something of: what each asks, beside what all ask.
fn by_reference(arms: &[Found], common: &Found) -> Vec<(usize, Vec<Vec<Condition>>)> {
    let own = |arm: &Found, r: usize| -> Vec<Condition> {
        let own = arm.iter().filter(|(to, c)| *to == r && !common.contains(&(r, c.clone())));
        // What one arm asks does not hold for all rows of the answer: no index may leave the others out.
        without_predicates(&own.cloned().collect()).into_iter().map(|(_, c)| c).collect()
    };
    let references: BTreeSet<usize> = arms.iter().flatten().map(|(r, _)| *r).collect();
    let of = |r: usize| Some((r, arms.iter().map(|arm| own(arm, r)).collect::<Vec<_>>()));
    references.into_iter().filter_map(of).filter(|(_, arms)| arms.iter().all(|arm| !arm.is_empty())).collect()
}

fn without_predicates(found: &Found) -> Found {
    found.iter().map(|(r, c)| (*r, Condition { predicate: None, ..c.clone() })).collect()
}

/// A longer predicate is a list of keys that somebody looked up, not a kind of row. Bytes.
const LONGEST_PREDICATE: usize = 300;

/// Marks conditions on a column that compare it with nothing but constants: a partial index may be about them.
fn with_predicate(expr: &Expr, mut found: Found, around: &Surroundings) -> Found {
    let inside = contents(expr, around);
    let constant = inside.parameters.is_empty() && inside.subqueries.is_empty() && inside.functions.is_empty() && !inside.unresolved;
    let Some(first) = inside.columns.first().filter(|f| constant && inside.columns.iter().all(|c| c == *f)) else { return found };
    for (_, condition) in found.iter_mut().filter(|(r, c)| *r == first.0 && matches!(c.key, crate::model::index_def::KeyExpr::Column(_))) {
        let sql = match (&condition.op, &condition.rhs) {
            (Op::Eq, Rhs::Constant(value)) if value == "true" => crate::model::text::quote_ident(&first.1),
            (Op::Eq, Rhs::Constant(value)) if value == "false" => format!("NOT {}", crate::model::text::quote_ident(&first.1)),
            _ => quoted(bare(expr), around),
        };
        condition.predicate = (sql.len() <= LONGEST_PREDICATE).then_some(sql);
    }
    found
}
