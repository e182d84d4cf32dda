//! Statements that hold a query which the planner plans as if it stood alone: cursors, CREATE TABLE AS, COPY, PREPARE, EXPLAIN.

use super::is_plannable;
use super::tokens::{Kind, Token, closing, tokens};

/// The query inside, as written; the text itself where it is one already, or holds none.
pub fn inner(sql: &str) -> &str {
    let list = tokens(sql);
    let Some(first) = list.first().filter(|t| t.kind == Kind::Word) else { return sql };
    let inside = match first.text.to_ascii_lowercase().as_str() {
        "explain" => explained(sql, &list),
        "declare" => after(sql, &list, "cursor", "for"),
        "prepare" => after(sql, &list, "prepare", "as"),
        "create" => created(sql, &list),
        "copy" => list.get(1).filter(|t| t.is_symbol("(")).and_then(|_| in_parentheses(sql, &list, 1)),
        _ => None,
    };
    inside.map(str::trim).filter(|inside| is_plannable(inside)).unwrap_or(sql)
}

/// `EXPLAIN ANALYZE VERBOSE query`, `EXPLAIN (…) query`.
fn explained<'s>(sql: &'s str, list: &[Token]) -> Option<&'s str> {
    let mut at = 1;
    while list.get(at).is_some_and(|t| t.is_word("analyze") || t.is_word("analyse") || t.is_word("verbose")) {
        at += 1;
    }
    let rest = |at: usize| list.get(at).map(|t| &sql[t.offset..]);
    // Options stand in parentheses, and so may the query.
    let options = list.get(at).filter(|t| t.is_symbol("(")).and_then(|_| closing(list, at));
    options.and_then(|close| rest(close + 1)).or_else(|| rest(at))
}

/// What follows the word `last` behind the word `first`.
fn after<'s>(sql: &'s str, list: &[Token], first: &str, last: &str) -> Option<&'s str> {
    let from = list.iter().position(|t| t.is_word(first))?;
    let end = from + list[from..].iter().position(|t| t.is_word(last))?;
    list.get(end + 1).map(|t| &sql[t.offset..])
}

/// `CREATE TABLE … AS query`, a materialized view likewise. What a view holds runs with the queries that name it.
fn created<'s>(sql: &'s str, list: &[Token]) -> Option<&'s str> {
    let what = list.iter().take(4).find(|t| t.is_word("table") || t.is_word("materialized"))?;
    let query = after(sql, list, &what.text.to_ascii_lowercase(), "as")?;
    let words = tokens(query);
    let ends = |tail: &[&str]| words.len() > tail.len() && words[words.len() - tail.len()..].iter().zip(tail).all(|(t, w)| t.is_word(w));
    let tail = [["with", "no", "data"].as_slice(), &["with", "data"]].into_iter().find(|tail| ends(tail));
    Some(tail.map_or(query, |tail| &query[..words[words.len() - tail.len()].offset]))
}

/// What stands between the parenthesis at `open` and its partner.
fn in_parentheses<'s>(sql: &'s str, list: &[Token], open: usize) -> Option<&'s str> {
    closing(list, open).map(|close| &sql[list[open].offset + 1..list[close].offset])
}

/// A placeholder of a driver or a template: `:id`, `?`, `%s`, `{id}`. The server knows `$1` alone.
pub fn foreign_placeholder(sql: &str) -> bool {
    let list = tokens(sql);
    list.windows(2).any(|pair| {
        let together = pair[0].offset + pair[0].text.len() == pair[1].offset;
        let named = pair[1].kind == Kind::Word && together;
        (named && (pair[0].is_symbol(":") || pair[0].is_symbol("%"))) || pair[0].is_symbol("{")
    }) || list.iter().any(|t| t.is_symbol("?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_inside_is_found() {
        for (sql, query) in [
            ("declare c no scroll cursor with hold for select 1 from t for update", "select 1 from t for update"),
            ("EXPLAIN ANALYZE VERBOSE select 1", "select 1"),
            ("explain (analyze, costs off) (select 1)", "(select 1)"),
            ("explain (select 1)", "(select 1)"),
            ("create temp table if not exists x as select a as b from t with no data", "select a as b from t"),
            ("create materialized view m as table t", "table t"),
            ("copy (select a from t where b in (1, 2)) to stdout with csv", "select a from t where b in (1, 2)"),
            ("prepare p (int) as select $1", "select $1"),
        ] {
            assert_eq!(inner(sql), query, "{sql}");
        }
        for sql in ["select 1", "copy t from stdin", "create table t (a int)", "declare", "create view v as select 1", "explain", "copy ("]
        {
            assert_eq!(inner(sql), sql);
        }
    }

    #[test]
    fn placeholders_of_drivers_are_known() {
        for sql in ["select 1 where a = :id", "select 1 where a = ?", "select 1 where a = %s", "select 1 where a = {id}"] {
            assert!(foreign_placeholder(sql), "{sql}");
        }
        assert!(!foreign_placeholder("select a::int, b % 5, c[1:2], 'x ? :y' from t where d = $1"));
    }
}
