//! Can a SELECT be run without effects? READ ONLY does not stop a function that sends a mail,
//! writes a file or calls another server. So the server itself is asked which functions the query
//! calls: it hands out its rewritten parse tree (views opened, operators and casts resolved) for a
//! statement that is only parsed, and every function in it is looked up.

use super::error::describe_without_values;
use super::session::Session;
use super::statements::VOLATILE;
use crate::model::text::one_line;

/// Settings under which Parse sends the tree to us. It also enters the server's log, as every LOG
/// message does; the documentation of --explain-analyze says so.
const SHOW_TREE: &str = "SET LOCAL client_min_messages = log; SET LOCAL debug_print_rewritten = on; SET LOCAL debug_pretty_print = off";
/// The reverse, before anything else is asked. Our own question is not asked under the query's
/// search_path: a role may have put operators of its own in front of the server's.
const HIDE_TREE: &str = "SET LOCAL debug_print_rewritten = off; SET LOCAL client_min_messages = notice;
    SAVEPOINT question; SET LOCAL search_path = ''";
/// Gives the query's search_path back, before it really runs.
const AFTER_QUESTION: &str = "ROLLBACK TO SAVEPOINT question; RELEASE SAVEPOINT question";

/// Why the query must not be run, or `None` when all it calls is harmless. Inside an open transaction.
pub async fn objection(session: &Session, sql: &str) -> Result<Option<String>, String> {
    let say = |e: tokio_postgres::Error| describe_without_values(&e);
    session.take_notices();
    session.client.batch_execute(SHOW_TREE).await.map_err(say)?;
    session.client.prepare(sql).await.map_err(say)?;
    session.client.batch_execute(HIDE_TREE).await.map_err(say)?;
    let trees: Vec<String> = session.take_notices().into_iter().filter(|n| n.contains("{QUERY")).collect();
    let called = Called::read(&trees.join("\n"));
    if trees.is_empty() {
        return Ok(Some("the server does not show what it calls".into()));
    }
    let parameters: [&(dyn postgres_types::ToSql + Sync); 4] = [&called.functions, &called.operators, &called.types, &called.relations];
    let rows = session.client.query(VOLATILE.sql, &parameters).await.map_err(say)?;
    session.client.batch_execute(AFTER_QUESTION).await.map_err(say)?;
    let reasons: Vec<String> = rows.iter().filter_map(|r| r.try_get("reason").ok()).collect();
    Ok((!reasons.is_empty()).then(|| one_line(&reasons.join(", "))))
}

/// Object ids in a parse tree. Too many do no harm: an id that is none is not found in the catalog.
#[derive(Debug, Default, PartialEq)]
struct Called {
    functions: Vec<u32>,
    operators: Vec<u32>,
    types: Vec<u32>,
    relations: Vec<u32>,
}

impl Called {
    /// Fields of the node-tree text: `:funcid 1234`. No word is ever skipped: an alias may be
    /// called `:opnos`, and what follows it must be seen all the same.
    fn read(tree: &str) -> Called {
        const FUNCTIONS: [&str; 8] =
            [":funcid", ":opfuncid", ":aggfnoid", ":winfnoid", ":eqfuncoid", ":startInRangeFunc", ":endInRangeFunc", ":tsmhandler"];
        const OPERATORS: [&str; 5] = [":opno", ":eqop", ":sortop", ":negop", ":equalOperator"];
        const TYPES: [&str; 8] =
            [":resulttype", ":consttype", ":vartype", ":paramtype", ":funcresulttype", ":opresulttype", ":row_typeid", ":aggtype"];
        let mut called = Called::default();
        let words: Vec<&str> = tree.split_ascii_whitespace().collect();
        for (n, word) in words.iter().enumerate() {
            if *word == ":opnos" {
                called.operators.extend(list(&words[n + 1..]));
            }
            let Some(id) = words.get(n + 1).and_then(|w| w.trim_end_matches([')', '}']).parse().ok()) else { continue };
            match *word {
                field if FUNCTIONS.contains(&field) => called.functions.push(id),
                field if OPERATORS.contains(&field) => called.operators.push(id),
                field if TYPES.contains(&field) => called.types.push(id),
                ":relid" => called.relations.push(id),
                _ => {}
            }
        }
        called
    }
}

/// The numbers of `(o 1 2 3)`.
fn list<'a>(words: &'a [&str]) -> impl Iterator<Item = u32> + 'a {
    let end = words.iter().position(|w| w.ends_with(')')).map_or(words.len(), |at| at + 1);
    words[..end].iter().filter_map(|w| w.trim_matches(['(', ')', 'o']).parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_in_the_tree() {
        let tree = "{QUERY :rtable ({RTE :relid 16400 :relkind r}) :x {FUNCEXPR :funcid 870 :args ({OPEXPR :opno 98 :opfuncid 67})} {ROWCOMPAREEXPR :opnos (o 97 412) :opfamilies (o 1976)} {COERCETODOMAIN :resulttype 16500}}";
        let expected = Called { functions: vec![870, 67], operators: vec![98, 97, 412], types: vec![16500], relations: vec![16400] };
        assert_eq!(Called::read(tree), expected);
    }

    #[test]
    fn an_alias_that_looks_like_a_field_hides_nothing() {
        let tree = "{RTE :eref {ALIAS :aliasname :opnos :colnames (\"a\")} :subquery {QUERY :funcid 16401 :args (x) :opno 98}}";
        let called = Called::read(tree);
        assert_eq!((called.functions, called.operators.contains(&98)), (vec![16401], true));
    }
}
