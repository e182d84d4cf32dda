//! Predicates of partial indexes, ours and the server's own wording of them, as tests on columns: so that
//! two are compared by what they say, and their share of the rows can be told from statistics.

use sqlparser::ast::{BinaryOperator, DataType, Expr, Ident, ObjectName, UnaryOperator, Value, VisitMut, VisitorMut};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;
use std::ops::ControlFlow;

/// A test that a row passes or not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Test {
    /// Column.
    pub column: String,
    /// What is asked of it.
    pub kind: TestKind,
}

/// What a test asks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum TestKind {
    /// `IS NULL`.
    Null,
    /// `IS NOT NULL`.
    NotNull,
    /// One of these values, sorted; a boolean's are `t` and `f`.
    In(Vec<String>),
    /// None of these values, and not NULL.
    NotIn(Vec<String>),
}

/// The tests of a predicate's AND chain, sorted; `None` where one is of another kind.
pub fn tests(predicate: &str) -> Option<Vec<Test>> {
    let parser = Parser::new(&PostgreSqlDialect {}).with_recursion_limit(50);
    let expr = parser.try_with_sql(predicate).ok()?.parse_expr().ok()?;
    let mut out = Vec::new();
    chain(&expr, &mut out)?;
    out.sort();
    out.dedup();
    Some(out)
}

/// True when two predicates say the same, whatever casts, parentheses and order they are written with.
pub fn same(a: Option<&str>, b: Option<&str>) -> bool {
    a == b || matches!((a.and_then(tests), b.and_then(tests)), (Some(a), Some(b)) if a == b)
}

/// An index expression in one wording: casts, parentheses around names and constants, and needless quotes off. For
/// comparison alone, never for SQL.
pub fn canonical(expression: &str) -> String {
    struct Off;
    impl VisitorMut for Off {
        type Break = ();
        fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
            let plainer = match &*expr {
                Expr::Nested(inner) => Some((**inner).clone()),
                Expr::Cast { expr: inner, data_type, .. } => without_cast(inner, data_type),
                Expr::Identifier(_) => name(expr).map(|n| Expr::Identifier(Ident::new(n))),
                _ => None,
            };
            if let Some(plainer) = plainer {
                *expr = plainer;
            }
            if let Expr::Function(f) = expr {
                f.name = ObjectName::from(vec![Ident::new(f.name.to_string().to_lowercase())]);
            }
            ControlFlow::Continue(())
        }
    }
    let parser = Parser::new(&PostgreSqlDialect {}).with_recursion_limit(50);
    let Ok(mut expr) = parser.try_with_sql(expression).and_then(|mut p| p.parse_expr()) else { return expression.to_owned() };
    let _ = VisitMut::visit(&mut expr, &mut Off);
    expr.to_string()
}

/// A constant's cast, or one of a column to text, which the server writes where it only looks at varchar as text.
fn without_cast(inner: &Expr, to: &DataType) -> Option<Expr> {
    let text = matches!(to, DataType::Text | DataType::Varchar(_) | DataType::CharacterVarying(_));
    let off = matches!(inner, Expr::Value(_)) || (text && matches!(inner, Expr::Identifier(_)));
    off.then(|| inner.clone())
}

fn chain(expr: &Expr, out: &mut Vec<Test>) -> Option<()> {
    match plain(expr) {
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
            chain(left, out)?;
            chain(right, out)
        }
        other => {
            out.push(test(other)?);
            Some(())
        }
    }
}

fn test(expr: &Expr) -> Option<Test> {
    let of = |column: &Expr, kind: TestKind| Some(Test { column: name(column)?, kind });
    let boolean = |column: &Expr, value: &str| of(column, TestKind::In(vec![value.to_owned()]));
    match expr {
        Expr::IsNull(column) => of(column, TestKind::Null),
        Expr::IsNotNull(column) => of(column, TestKind::NotNull),
        Expr::IsTrue(column) => boolean(column, "t"),
        Expr::IsFalse(column) => boolean(column, "f"),
        Expr::UnaryOp { op: UnaryOperator::Not, expr } => boolean(expr, "f"),
        Expr::BinaryOp { left, op: BinaryOperator::Eq, right } => of(left, TestKind::In(vec![value(right)?])),
        Expr::BinaryOp { left, op: BinaryOperator::NotEq, right } => of(left, TestKind::NotIn(vec![value(right)?])),
        Expr::BinaryOp { op: BinaryOperator::Or, .. } => either(expr),
        Expr::InList { expr, list, negated: false } => of(expr, TestKind::In(values(list)?)),
        Expr::InList { expr, list, negated: true } => of(expr, TestKind::NotIn(values(list)?)),
        Expr::AnyOp { left, compare_op: BinaryOperator::Eq, right, .. } => of(left, TestKind::In(array(right)?)),
        Expr::AllOp { left, compare_op: BinaryOperator::NotEq, right } => of(left, TestKind::NotIn(array(right)?)),
        column => boolean(column, "t"),
    }
}

/// `a = 1 OR a = 2`: one of two values of one column.
fn either(expr: &Expr) -> Option<Test> {
    let Expr::BinaryOp { left, op: BinaryOperator::Or, right } = expr else { return test(expr) };
    match (either(plain(left))?, either(plain(right))?) {
        (Test { column, kind: TestKind::In(mut a) }, Test { column: other, kind: TestKind::In(b) }) if column == other => {
            a.extend(b);
            a.sort();
            a.dedup();
            Some(Test { column, kind: TestKind::In(a) })
        }
        _ => None,
    }
}

/// Parentheses and casts off.
fn plain(expr: &Expr) -> &Expr {
    match expr {
        Expr::Nested(inner) => plain(inner),
        Expr::Cast { expr, .. } => plain(expr),
        other => other,
    }
}

fn name(expr: &Expr) -> Option<String> {
    match plain(expr) {
        Expr::Identifier(ident) if ident.quote_style.is_some() => Some(ident.value.clone()),
        Expr::Identifier(ident) => Some(ident.value.to_lowercase()),
        _ => None,
    }
}

/// A constant as statistics have it.
fn value(expr: &Expr) -> Option<String> {
    match plain(expr) {
        Expr::Value(v) => match &v.value {
            Value::Number(n, _) => Some(n.clone()),
            Value::SingleQuotedString(s) | Value::EscapedStringLiteral(s) => Some(s.clone()),
            Value::DollarQuotedString(s) => Some(s.value.clone()),
            Value::Boolean(b) => Some(if *b { "t" } else { "f" }.to_owned()),
            _ => None,
        },
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => value(expr).map(|v| format!("-{v}")),
        Expr::TypedString(typed) => match &typed.value.value {
            Value::SingleQuotedString(s) => Some(s.clone()),
            _ => None,
        },
        _ => None,
    }
}

fn values(list: &[Expr]) -> Option<Vec<String>> {
    let mut out: Vec<String> = list.iter().map(value).collect::<Option<_>>()?;
    out.sort();
    out.dedup();
    Some(out)
}

fn array(expr: &Expr) -> Option<Vec<String>> {
    match plain(expr) {
        Expr::Array(array) => values(&array.elem),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_wording_says_the_same_as_ours() {
        let pairs = [
            ("\"status\" = 'pending'", "((status)::text = 'pending'::text)"),
            ("\"kind\" IN ('b', 'a')", "(kind = ANY (ARRAY['a'::text, 'b'::text]))"),
            ("\"State\" NOT IN ('x', 'y')", "((\"State\")::text <> ALL ((ARRAY['y'::character varying, 'x'::character varying])::text[]))"),
            ("NOT \"deleted\" AND \"a\" IS NULL", "((a IS NULL) AND (NOT deleted))"),
            ("\"n\" = -1 OR \"n\" = 2", "((n = '-1'::integer) OR (n = 2))"),
            ("\"n\" IN (2, -1)", "((n = '-1'::integer) OR (n = 2))"),
        ];
        for (ours, servers) in pairs {
            assert!(same(Some(ours), Some(servers)), "{ours}: {:?} {:?}", super::tests(ours), super::tests(servers));
        }
        assert!(!same(Some("\"a\" = 'x'"), Some("\"a\" = 'X'")) && !same(Some("a"), Some("b")) && !same(None, Some("a")));
        assert_eq!(canonical("lower(handle)"), canonical("lower((\"handle\")::text)"));
        assert_eq!(canonical("data->>'k'"), canonical("(data ->> 'k'::text)"));
        assert_ne!(canonical("lower(a)"), canonical("upper(a)"));
        assert!(super::tests("f(a) > 1").is_none() && super::tests("").is_none() && super::tests("((((").is_none());
    }
}
