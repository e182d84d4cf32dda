//! Can a SELECT be run without effects? READ ONLY does not stop a function that sends a mail,
//! writes a file or calls another server. So the server itself is asked which functions the query
//! calls: it hands out its rewritten parse tree (views opened, operators and casts resolved) for a
//! statement that is only parsed, and every function in it is looked up.

use super::error::describe;
use super::session::Session;
use super::statements::{FOREIGN, HIDDEN, VOLATILE};
use crate::model::text::one_line;
use postgres_types::ToSql;
use std::collections::BTreeSet;
use tokio_postgres::Row;

/// Settings under which Parse sends the tree to us. It also enters the server's log, as every LOG
/// message does; the documentation of --explain-analyze says so.
const SHOW_TREE: &str = "SET LOCAL client_min_messages = log; SET LOCAL debug_print_rewritten = on; SET LOCAL debug_pretty_print = off";
/// The reverse, before the query really runs.
const HIDE_TREE: &str = "SET LOCAL debug_print_rewritten = off; SET LOCAL client_min_messages = notice";

/// Why the query must not be run, or `None` when all it calls is harmless. Inside an open transaction.
pub async fn objection(session: &Session, sql: &str) -> Result<Option<String>, String> {
    let say = |e: tokio_postgres::Error| describe(&e);
    session.take_notices();
    session.client.batch_execute(SHOW_TREE).await.map_err(say)?;
    session.client.prepare(sql).await.map_err(say)?;
    session.client.batch_execute(HIDE_TREE).await.map_err(say)?;
    let trees: Vec<String> = session.take_notices().into_iter().filter(|n| n.contains("{QUERY")).collect();
    if trees.is_empty() {
        return Ok(Some("the server does not show what it calls".into()));
    }
    let called = whole(session, Called::read(&trees.join("\n"))).await.map_err(say)?;
    let foreign = session.client.query(FOREIGN.sql, &[&list(&called.relations)]).await.map_err(say)?;
    if let Some(name) = names(&foreign, "name").first() {
        return Ok(Some(format!("reads the foreign table {name}")));
    }
    let parameters: [&(dyn ToSql + Sync); 2] = [&list(&called.functions), &list(&called.operators)];
    let volatile = session.client.query(VOLATILE.sql, &parameters).await.map_err(say)?;
    Ok((!volatile.is_empty()).then(|| format!("calls {}", names(&volatile, "function").join(", "))))
}

/// Adds what the server calls beyond the tree: checks of domains, defaults of arguments; and what these call.
async fn whole(session: &Session, mut called: Called) -> Result<Called, tokio_postgres::Error> {
    loop {
        let rows = session.client.query(HIDDEN.sql, &[&list(&called.functions), &list(&called.types)]).await?;
        let trees = rows.iter().map(|r| r.try_get::<_, String>("tree")).collect::<Result<Vec<_>, _>>()?;
        let before = called.clone();
        called.add(Called::read(&trees.join("\n")));
        if called == before {
            return Ok(called);
        }
    }
}

fn list(ids: &BTreeSet<u32>) -> Vec<u32> {
    ids.iter().copied().collect()
}

fn names(rows: &[Row], column: &str) -> Vec<String> {
    rows.iter().filter_map(|r| r.try_get::<_, String>(column).ok()).map(|n| one_line(&n)).collect()
}

/// Object ids in a parse tree.
#[derive(Debug, Clone, Default, PartialEq)]
struct Called {
    functions: BTreeSet<u32>,
    operators: BTreeSet<u32>,
    relations: BTreeSet<u32>,
    types: BTreeSet<u32>,
}

impl Called {
    /// Fields of the node-tree text: `:funcid 1234`.
    fn read(tree: &str) -> Called {
        let mut called = Called::default();
        let mut words = tree.split_ascii_whitespace().peekable();
        while let Some(word) = words.next() {
            if let Some(ids) = word.strip_prefix(':').and_then(|field| called.of_kind(field)) {
                ids.extend(numbers(&mut words));
            }
        }
        called
    }

    /// Where the ids of a field belong. A number that is none (a join's type) names no object and does no harm.
    fn of_kind(&mut self, field: &str) -> Option<&mut BTreeSet<u32>> {
        const FUNCTIONS: [&str; 8] =
            ["funcid", "opfuncid", "aggfnoid", "winfnoid", "eqfuncoid", "startInRangeFunc", "endInRangeFunc", "tsmhandler"];
        const OPERATORS: [&str; 6] = ["opno", "opnos", "eqop", "sortop", "negop", "equalOperator"];
        match field {
            f if FUNCTIONS.contains(&f) => Some(&mut self.functions),
            f if OPERATORS.contains(&f) => Some(&mut self.operators),
            "relid" => Some(&mut self.relations),
            f if f.ends_with("type") || f.ends_with("typeid") || f.ends_with("types") => Some(&mut self.types),
            _ => None,
        }
    }

    fn add(&mut self, other: Called) {
        self.functions.extend(other.functions);
        self.operators.extend(other.operators);
        self.relations.extend(other.relations);
        self.types.extend(other.types);
    }
}

/// `1234` or `(o 1 2 3)`, whichever comes next.
fn numbers<'a>(words: &mut std::iter::Peekable<impl Iterator<Item = &'a str>>) -> Vec<u32> {
    let is_list = words.peek().is_some_and(|w| w.starts_with("(o"));
    let mut out = Vec::new();
    while let Some(word) = words.next_if(|w| !w.starts_with(':')) {
        out.extend(word.trim_matches(['(', ')', '}', 'o']).parse::<u32>());
        if !is_list || word.ends_with(')') {
            break;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_in_the_tree() {
        let tree = "{QUERY :rtable ({RTE :relkind r}) :x {FUNCEXPR :funcid 870 :args ({OPEXPR :opno 98 :opfuncid 67})} {ROWCOMPAREEXPR :opnos (o 97 412) :opfamilies (o 1976)}}";
        assert_eq!(Called::read(tree), Called { functions: [870, 67].into(), operators: [98, 97, 412].into(), ..Called::default() });
        let casts =
            Called::read("{RTE :relid 77 :relkind r :funccoltypes (o 23 25)} {COERCETODOMAIN :resulttype 16401} {CONST :consttype 23}");
        assert_eq!(casts, Called { relations: [77].into(), types: [16401, 23, 25].into(), ..Called::default() });
    }
}
