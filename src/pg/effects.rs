//! Can a SELECT be run without effects? READ ONLY does not stop a function that sends a mail,
//! writes a file or calls another server. So the server itself is asked which functions the query
//! calls: it hands out its rewritten parse tree (views opened, operators and casts resolved) for a
//! statement that is only parsed, and every function in it is looked up.

use super::error::describe;
use super::session::Session;
use super::statements::VOLATILE;

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
    let called = Called::read(&trees.join("\n"));
    if trees.is_empty() {
        return Ok(Some("the server does not show what it calls".into()));
    }
    if called.foreign_table {
        return Ok(Some("reads a foreign table".into()));
    }
    let rows = session.client.query(VOLATILE.sql, &[&called.functions, &called.operators]).await.map_err(say)?;
    let names: Vec<String> = rows.iter().filter_map(|r| r.try_get("function").ok()).collect();
    Ok((!names.is_empty()).then(|| format!("calls {}", names.join(", "))))
}

/// Object ids in a parse tree.
#[derive(Debug, Default, PartialEq)]
struct Called {
    functions: Vec<u32>,
    operators: Vec<u32>,
    foreign_table: bool,
}

impl Called {
    /// Fields of the node-tree text: `:funcid 1234`.
    fn read(tree: &str) -> Called {
        const FUNCTIONS: [&str; 6] = [":funcid", ":opfuncid", ":aggfnoid", ":winfnoid", ":eqfuncoid", ":inRangeFunc"];
        const OPERATORS: [&str; 6] = [":opno", ":eqop", ":sortop", ":startInRangeFunc", ":negop", ":equalOperator"];
        let mut called = Called::default();
        let mut words = tree.split_ascii_whitespace().peekable();
        while let Some(word) = words.next() {
            let id = words.peek().and_then(|w| w.trim_end_matches([')', '}']).parse().ok());
            match (word, id) {
                (":relkind", _) => called.foreign_table |= words.peek() == Some(&"f"),
                (":opnos", _) => called.operators.extend(list(&mut words)),
                (field, Some(id)) if FUNCTIONS.contains(&field) => called.functions.push(id),
                (field, Some(id)) if OPERATORS.contains(&field) => called.operators.push(id),
                _ => {}
            }
        }
        called
    }
}

/// `(o 1 2 3)`.
fn list<'a>(words: &mut impl Iterator<Item = &'a str>) -> Vec<u32> {
    let mut out = Vec::new();
    for word in words {
        out.extend(word.trim_matches(['(', ')', 'o']).parse::<u32>());
        if word.ends_with(')') || word == "<>" {
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
        assert_eq!(Called::read(tree), Called { functions: vec![870, 67], operators: vec![98, 97, 412], foreign_table: false });
        assert!(Called::read("{RTE :relkind f :rellockmode 1}").foreign_table);
    }
}
