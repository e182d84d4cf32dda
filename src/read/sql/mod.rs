//! SQL text into [`Shape`]: normalise, parse with sqlparser, resolve names against the catalog.
//! Never fails: what cannot be read is kept as `Opaque` with its reason.

mod blocks;
mod clauses;
mod conditions;
mod expressions;
mod from;
mod keys;
mod members;
pub(in crate::read) mod names;
pub mod normalize;
mod operators;
mod outputs;
mod parameters;
pub mod rewrite;
pub mod tokens;
pub mod untyped;
mod workload;
pub mod wrapped;
mod writes;

pub use workload::read_workload;

use crate::model::catalog::Catalog;
use crate::model::query::{Query, Reading, Shape};
use names::Tables;
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

/// Longer AND/OR and operator chains are not parsed: the tree would be as deep as the chain is long.
const MOST_TOKENS: usize = 20_000;

/// Reads one statement.
pub fn read(sql: &str, catalog: &Catalog, search_path: &[String]) -> Reading {
    on_a_deep_stack(|| read_with(sql, &Tables::new(catalog), search_path))
}

/// Stack for reading, bytes: a chain of [`MOST_TOKENS`] operators is a tree as deep, and parsing,
/// walking and dropping it recurse. Reserved, not used, by ordinary queries.
const STACK_BYTES: usize = 512 << 20;

/// Runs `work` on a thread with [`STACK_BYTES`] of stack; where none can be had, on this one.
fn on_a_deep_stack<T: Send>(work: impl Fn() -> T + Sync + Send) -> T {
    std::thread::scope(|scope| {
        let deep = std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, &work);
        match deep.map(|handle| handle.join()) {
            Ok(Ok(value)) => value,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            Err(_) => work(),
        }
    })
}

fn read_with(sql: &str, tables: &Tables, search_path: &[String]) -> Reading {
    if tokens::tokens(sql).len() > MOST_TOKENS {
        return Reading::Opaque(format!("longer than {MOST_TOKENS} tokens"));
    }
    let parse =
        |text: &str| Parser::new(&PostgreSqlDialect {}).with_recursion_limit(100).try_with_sql(text).and_then(|mut p| p.parse_statements());
    let sql = &rewrite::without_only(sql);
    let parsed = parse(sql).or_else(|first| parse(&rewrite::parsable(sql)).map_err(|_| first));
    match parsed {
        Err(error) => Reading::Opaque(format!("the parser says: {}", crate::model::text::squeeze(&error.to_string()))),
        Ok(statements) => match statements.as_slice() {
            [statement] => {
                let mut builder = blocks::Builder { tables, search_path, shape: Shape::default(), twins: Default::default() };
                builder.statement(statement);
                builder.shape.parameters = builder.shape.parameters.max(highest_parameter(sql));
                Reading::Understood(builder.shape)
            }
            [] => Reading::Opaque("empty".into()),
            many => Reading::Opaque(format!("{} statements in one text", many.len())),
        },
    }
}

fn highest_parameter(sql: &str) -> u32 {
    let number = |t: &tokens::Token| (t.kind == tokens::Kind::Parameter).then(|| t.text[1..].parse().ok()).flatten();
    tokens::tokens(sql).iter().filter_map(number).max().unwrap_or(0)
}

/// True for statements that EXPLAIN takes; index DDL, the one utility statement that a workload holds, is none.
pub fn is_plannable(sql: &str) -> bool {
    const FIRST: [&str; 8] = ["select", "with", "insert", "update", "delete", "merge", "values", "table"];
    tokens::tokens(sql).iter().find(|t| !t.is_symbol("(")).is_some_and(|t| FIRST.iter().any(|w| t.is_word(w)))
}

/// Normalises and reads every text.
fn read_all(queries: &[Query], catalog: &Catalog) -> Vec<(normalize::Normalized, Reading)> {
    on_a_deep_stack(|| {
        let tables = Tables::new(catalog);
        let one = |q: &Query| (normalize::normalize(&q.text), read_with(&q.text, &tables, &q.search_path));
        queries.iter().map(one).collect()
    })
}

#[cfg(test)]
mod tests;
