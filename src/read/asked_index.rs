//! The index that a person asks about: `table.column`, or a CREATE INDEX as people write it.
//!
//! Nothing of the text is run as given. Names, method and directions are read into an [`IndexSpec`], from which our own
//! statement is written; an expression or a predicate is written again from its syntax tree.

use super::sql::names::fold;
use crate::model::index_def::{IndexSpec, KeyExpr, KeySpec, TableName};
use crate::model::text::{ellipsis, quote_ident, quote_qualified, squeeze};
use sqlparser::ast::{BinaryOperator, CreateIndex, Expr, IndexColumn, ObjectName, OrderByOptions, OrderBySort, Statement, Value};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

/// What was asked for. A schema that was not named is empty.
#[derive(Debug, Clone, PartialEq)]
pub enum AskedIndex {
    /// Some index that begins with this column.
    Column(TableName, String),
    /// This one.
    Index(Box<IndexSpec>),
}

/// Reads the question; the error says what about it cannot be read.
pub fn read(text: &str) -> Result<AskedIndex, String> {
    let statement = text.split_whitespace().next().is_some_and(|word| word.eq_ignore_ascii_case("create"));
    let parser = Parser::new(&PostgreSqlDialect {}).with_recursion_limit(50);
    let mut parser = parser.try_with_sql(text).map_err(|e| unread(text, &e.to_string()))?;
    if !statement {
        let name = parser.parse_object_name(false).map_err(|_| no_question(text))?;
        return if parser.peek_token_ref().token == Token::EOF { column(&name) } else { None }.ok_or_else(|| no_question(text));
    }
    let mut statements = parser.parse_statements().map_err(|e| unread(text, &e.to_string()))?;
    match (statements.pop(), statements.is_empty()) {
        (Some(Statement::CreateIndex(index)), true) => spec(index).map(|spec| AskedIndex::Index(Box::new(spec))),
        (_, false) => Err(unread(text, "one statement is wanted, not several")),
        _ => Err(no_question(text)),
    }
}

fn no_question(text: &str) -> String {
    format!("`{}` is neither table.column nor a CREATE INDEX", ellipsis(&squeeze(text), 60))
}

fn unread(text: &str, why: &str) -> String {
    format!("`{}` cannot be read: {}", ellipsis(&squeeze(text), 60), ellipsis(&squeeze(why), 100))
}

fn parts(name: &ObjectName) -> Option<Vec<String>> {
    name.0.iter().map(|part| part.as_ident().map(fold)).collect()
}

fn column(name: &ObjectName) -> Option<AskedIndex> {
    match parts(name)?.as_slice() {
        [table, column] => Some(AskedIndex::Column(TableName::new("", table), column.clone())),
        [schema, table, column] => Some(AskedIndex::Column(TableName::new(schema, table), column.clone())),
        _ => None,
    }
}

fn spec(index: CreateIndex) -> Result<IndexSpec, String> {
    let table = match parts(&index.table_name).as_deref() {
        Some([table]) => TableName::new("", table),
        Some([schema, table]) => TableName::new(schema, table),
        _ => return Err("its table cannot be read: write table or schema.table".to_owned()),
    };
    if index.columns.is_empty() || index.r#async || !index.index_options.is_empty() || !index.alter_options.is_empty() {
        return Err("it is no CREATE INDEX of PostgreSQL".to_owned());
    }
    if index.nulls_distinct == Some(false) {
        return Err("NULLS NOT DISTINCT is a matter of constraints, not of speed: leave it out".to_owned());
    }
    let method = index.using.map_or("btree".to_owned(), |method| method.to_string().to_lowercase());
    if !method.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') {
        return Err("its access method has no plain name".to_owned());
    }
    Ok(IndexSpec {
        table,
        method,
        unique: index.unique,
        keys: index.columns.into_iter().map(key).collect::<Result<_, _>>()?,
        include: index.include.iter().map(fold).collect(),
        with: index.with.iter().map(parameter).collect::<Result<_, _>>()?,
        predicate: index.predicate.map(|predicate| bare(predicate).to_string()),
    })
}

fn key(column: IndexColumn) -> Result<KeySpec, String> {
    let opclass = column.operator_class.as_ref().map(|name| plain(name).ok_or("its operator class cannot be read")).transpose()?;
    let (expr, collation) = match column.column.expr {
        Expr::Collate { expr, collation } => (*expr, Some(quoted(&collation).ok_or("its collation cannot be read")?)),
        expr => (expr, None),
    };
    let expr = match bare(expr) {
        Expr::Identifier(name) => KeyExpr::Column(fold(&name)),
        expr => KeyExpr::Expression(expr.to_string()),
    };
    let OrderByOptions { sort, nulls_first } = column.column.options;
    let descending = matches!(sort, Some(OrderBySort::Desc));
    Ok(KeySpec { expr, opclass, collation, descending, nulls_first: nulls_first.unwrap_or(descending) })
}

/// Without parentheses around it: the server writes its own.
fn bare(expr: Expr) -> Expr {
    match expr {
        Expr::Nested(inner) => bare(*inner),
        expr => expr,
    }
}

/// A dotted name, quoted only where it must be: as the catalog shows operator classes.
fn plain(name: &ObjectName) -> Option<String> {
    let simple = |part: &String| part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    let parts = parts(name)?;
    Some(parts.iter().map(|p| if simple(p) { p.clone() } else { quote_ident(p) }).collect::<Vec<_>>().join("."))
}

fn quoted(name: &ObjectName) -> Option<String> {
    match parts(name)?.as_slice() {
        [name] => Some(quote_ident(name)),
        [schema, name] => Some(quote_qualified(schema, name)),
        _ => None,
    }
}

fn parameter(setting: &Expr) -> Result<(String, String), String> {
    let wrong = || format!("its WITH has {}, and name = value is wanted", ellipsis(&squeeze(&setting.to_string()), 40));
    let Expr::BinaryOp { left, op: BinaryOperator::Eq, right } = setting else { return Err(wrong()) };
    let Expr::Identifier(name) = left.as_ref() else { return Err(wrong()) };
    let value = match right.as_ref() {
        Expr::Identifier(word) => word.value.clone(),
        Expr::Value(value) => match &value.value {
            Value::Number(number, _) => number.to_string(),
            Value::SingleQuotedString(text) => text.clone(),
            Value::Boolean(on) => on.to_string(),
            _ => return Err(wrong()),
        },
        _ => return Err(wrong()),
    };
    Ok((fold(name), value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn index(text: &str) -> IndexSpec {
        match read(text) {
            Ok(AskedIndex::Index(spec)) => *spec,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn columns_are_named_as_in_sql() {
        let on = |schema: &str, table: &str, column: &str| Ok(AskedIndex::Column(TableName::new(schema, table), column.to_owned()));
        assert_eq!(read("Orders.Customer_ID"), on("", "orders", "customer_id"));
        assert_eq!(read("shop.\"Order.s\".\"a\"\"b\" "), on("shop", "Order.s", "a\"b"));
        for wrong in ["", "orders", "a.b.c.d", "orders.customer_id; drop table t", "a.b c", "drop table a.b", "a..b", "a.\"b"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_index_is_read_as_people_write_it() {
        let written = |text: &str| {
            let spec = index(text);
            format!("{}{}", spec.table.quoted(), spec.tail_sql())
        };
        for (asked, is) in [
            ("create index on orders (customer_id)", "\"\".\"orders\" USING btree (\"customer_id\")"),
            (
                "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON shop.orders USING btree (a DESC NULLS LAST, lower(b)) INCLUDE (c) WITH (fillfactor = 70) WHERE (d IS NULL);",
                "\"shop\".\"orders\" USING btree (\"a\" DESC NULLS LAST, (lower(b))) INCLUDE (\"c\") WITH (\"fillfactor\" = '70') WHERE d IS NULL",
            ),
            ("create index on t using gin (j jsonb_path_ops)", "\"\".\"t\" USING gin (\"j\" jsonb_path_ops)"),
            ("create index on t ((j->>'k') text_pattern_ops)", "\"\".\"t\" USING btree ((j ->> 'k') text_pattern_ops)"),
            ("create index on t (a collate \"C\")", "\"\".\"t\" USING btree (\"a\" COLLATE \"C\")"),
        ] {
            assert_eq!(written(asked), is, "{asked}");
        }
    }

    #[test]
    fn nothing_else_gets_through() {
        for wrong in [
            "create index on orders (a); drop table orders",
            "create table t (a int)",
            "create index on a.b.c (d)",
            "create index on orders",
            "create index on orders using \"x; drop\" (a)",
            "create unique index on t (a) nulls not distinct",
            "create index on t (a) with (fillfactor > 1)",
            "create",
            "create index on t (a) where b = 'x",
        ] {
            assert!(read(wrong).is_err(), "{wrong}: {:?}", read(wrong));
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(sql in "(create |index |on |t|using |btree |\\(|\\)|a|\\.|\"|'|;|where |desc |include |with |=|1|ü|-- ){0,20}") {
            let _ = (read(&sql), read(&format!("create index on {sql}")));
        }
    }
}
