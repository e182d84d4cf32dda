//! B-trees of the live server: how high they are, and the least and greatest value of their leading
//! columns, which the planner looks up for ranges.
//!
//! No extension tells the height to every role, but EXPLAIN does: with `cpu_operator_cost` at 1 a
//! scan of the whole tree starts at 50 (height + 1) + log2(rows).

use super::Options;
use super::live::Live;
use crate::model::blueprint::{Blueprint, Relation};
use crate::model::text::quote_qualified;
use crate::pg::statements::{self, TAG};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap, HashSet};
use tokio_postgres::{Error, Row};

/// Makes a tree's start-up cost tell its height, and leaves the planner nothing but trees.
const HEIGHT_SETTINGS: &str = "SET LOCAL cpu_operator_cost = 1; SET LOCAL cpu_tuple_cost = 0; SET LOCAL cpu_index_tuple_cost = 0; \
                               SET LOCAL seq_page_cost = 0; SET LOCAL random_page_cost = 0; SET LOCAL max_parallel_workers_per_gather = 0; \
                               SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off; \
                               SET LOCAL enable_indexscan = on; SET LOCAL enable_indexonlyscan = on";
/// For probes of an index's ends: an index that many dead rows lead is given up after this long.
const PROBE_SETTINGS: &str = "SET LOCAL statement_timeout = '200ms'; SET LOCAL max_parallel_workers_per_gather = 0; \
                              SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off; \
                              SET LOCAL enable_indexscan = on; SET LOCAL enable_indexonlyscan = on; SET LOCAL jit = off";
/// What the planner charges for a level of a tree, in cpu_operator_cost.
const LEVEL_COST: f64 = 50.0;
/// Longer values are left out: nobody asks for a range of such keys.
const LONGEST_END: usize = 500;

/// A B-tree of a table that we may read.
struct Tree {
    schema: String,
    name: String,
    table_schema: String,
    table_name: String,
    blocks: i64,
    predicate: Option<String>,
    order_by: String,
    leading: Option<String>,
}

/// A column or expression whose ends the planner may look up: schema, table, and itself as the server prints it.
type Column = (String, String, String);

/// Fills heights and ends.
pub(super) async fn read(live: &Live<'_>, blueprint: &mut Blueprint, options: &Options) -> Result<(), Error> {
    let rows = live.query(&statements::BLUEPRINT_TREES, &[]).await?;
    let trees = rows.iter().map(tree).collect::<Result<Vec<Tree>, Error>>()?;
    let heights = heights(live, &trees).await?;
    let ends = if options.endpoints { ends(live, &trees).await? } else { HashMap::new() };
    let places: HashMap<(&str, &str), usize> = trees.iter().enumerate().map(|(n, t)| ((t.schema.as_str(), t.name.as_str()), n)).collect();
    for relation in &mut blueprint.relations {
        let Relation { schema, name, height, ends: both, .. } = relation;
        let Some(place) = places.get(&(schema.as_str(), name.as_str())) else { continue };
        *height = heights.get(*place).copied().flatten();
        *both = trees.get(*place).and_then(column).and_then(|c| ends.get(&c).cloned());
    }
    Ok(())
}

fn tree(row: &Row) -> Result<Tree, Error> {
    Ok(Tree {
        schema: row.try_get("schema")?,
        name: row.try_get("name")?,
        table_schema: row.try_get("table_schema")?,
        table_name: row.try_get("table_name")?,
        blocks: row.try_get("blocks")?,
        predicate: row.try_get("predicate")?,
        order_by: row.try_get("order_by")?,
        leading: row.try_get("leading")?,
    })
}

fn column(tree: &Tree) -> Option<Column> {
    Some((tree.table_schema.clone(), tree.table_name.clone(), tree.leading.clone()?))
}

/// Levels above the leaves of each tree, where the planner showed them.
async fn heights(live: &Live<'_>, trees: &[Tree]) -> Result<Vec<Option<u32>>, Error> {
    live.command(&format!("SAVEPOINT advisor_heights; {HEIGHT_SETTINGS}")).await?;
    // A metapage and one more: that one is root and leaf.
    let asked: Vec<usize> = (0..trees.len()).filter(|n| trees[*n].blocks > 2).collect();
    let question = |tree: &Tree| {
        let table = quote_qualified(&tree.table_schema, &tree.table_name);
        let filter = tree.predicate.as_ref().map(|p| format!(" WHERE {p}")).unwrap_or_default();
        // The server printed predicate and keys itself.
        format!("EXPLAIN (FORMAT JSON) SELECT 1 FROM ONLY {table}{filter} ORDER BY {}", tree.order_by)
    };
    let texts: Vec<String> = asked.iter().map(|n| question(&trees[*n])).collect();
    let answers = live.ask_all(&texts).await?;
    live.command("ROLLBACK TO SAVEPOINT advisor_heights").await?;
    let blocks: HashMap<(&str, &str), i64> = trees.iter().map(|t| ((t.schema.as_str(), t.name.as_str()), t.blocks)).collect();
    let mut heights: Vec<Option<u32>> = trees.iter().map(|t| (t.blocks <= 2).then_some(0)).collect();
    for (n, answer) in asked.into_iter().zip(answers) {
        let tree = &trees[n];
        let Some((index, height)) = answer.as_deref().and_then(shown_height) else { continue };
        // Another tree was cheaper although it is no smaller: so ours is just as high.
        let as_high = tree.predicate.is_none() && blocks.get(&(tree.schema.as_str(), index.as_str())).is_some_and(|b| *b >= tree.blocks);
        if index == tree.name || as_high {
            heights[n] = Some(height);
        }
    }
    Ok(heights)
}

/// The index that the plan scans, and its height.
fn shown_height(explained: &str) -> Option<(String, u32)> {
    let explained: Value = serde_json::from_str(explained).ok()?;
    let plan = explained.pointer("/0/Plan")?;
    let (index, start) = (scanned(plan)?, plan.get("Startup Cost")?.as_f64()?);
    let levels = (start / LEVEL_COST).floor();
    // log2 of a table's rows is below 50; a cost that ends higher has something else in it.
    (1.0..=20.0).contains(&levels).then_some((index, levels as u32 - 1))
}

/// The index of a node that scans one, without anything below it or rows that it throws away.
fn scanned(node: &Value) -> Option<String> {
    let scan = matches!(node.get("Node Type")?.as_str()?, "Index Scan" | "Index Only Scan");
    let plain = node.get("Plans").is_none() && node.get("Filter").is_none();
    (scan && plain).then(|| node.get("Index Name")?.as_str().map(str::to_owned))?
}

/// Least and greatest value of each column that leads a tree. Asked for only where plain EXPLAIN shows a
/// step to an index's end: never a sort, never a whole table.
async fn ends(live: &Live<'_>, trees: &[Tree]) -> Result<HashMap<Column, [String; 2]>, Error> {
    live.command(&format!("SAVEPOINT advisor_ends; {PROBE_SETTINGS}")).await?;
    let mut led: BTreeMap<Column, HashSet<&str>> = BTreeMap::new();
    for tree in trees.iter().filter(|t| t.blocks > 1) {
        if let Some(column) = column(tree) {
            led.entry(column).or_default().insert(&tree.name);
        }
    }
    let columns: Vec<(&Column, &HashSet<&str>)> = led.iter().collect();
    let probes: Vec<String> = columns.iter().flat_map(|(c, _)| [probe(c, "ASC"), probe(c, "DESC")]).collect();
    let plans: Vec<String> = probes.iter().map(|p| format!("EXPLAIN (FORMAT JSON) {p}")).collect();
    let plans = live.ask_all(&plans).await?;
    let steps = |n: usize| plans.get(n).is_some_and(|p| p.as_deref().is_some_and(|p| is_step_to_end(p, columns[n / 2].1)));
    let fit: Vec<usize> = (0..columns.len()).filter(|n| steps(2 * n) && steps(2 * n + 1)).collect();
    let texts: Vec<String> = fit.iter().flat_map(|n| [probes[2 * n].clone(), probes[2 * n + 1].clone()]).collect();
    let answers = live.ask_all(&texts).await?;
    live.command("ROLLBACK TO SAVEPOINT advisor_ends").await?;
    let short = |answer: &Option<String>| answer.clone().filter(|a| a.len() <= LONGEST_END);
    let both = |pair: &[Option<String>]| Some([short(pair.first()?)?, short(pair.get(1)?)?]);
    Ok(fit.into_iter().zip(answers.chunks(2)).filter_map(|(n, pair)| Some((columns[n].0.clone(), both(pair)?))).collect())
}

/// `format` writes a value as its type does; a cast to text would cut the blanks of a character(n).
fn probe((schema, table, column): &Column, direction: &str) -> String {
    // The server printed the column or expression itself.
    let table = quote_qualified(schema, table);
    format!(
        "SELECT pg_catalog.format('%s', {column}) FROM ONLY {table} WHERE ({column}) IS NOT NULL ORDER BY ({column}) {direction} LIMIT 1 {TAG}"
    )
}

fn is_step_to_end(explained: &str, indexes: &HashSet<&str>) -> bool {
    let Ok(explained) = serde_json::from_str::<Value>(explained) else { return false };
    let limit = explained.pointer("/0/Plan").filter(|p| p.get("Node Type").and_then(Value::as_str) == Some("Limit"));
    let scan = limit.and_then(|l| l.pointer("/Plans/0")).and_then(scanned);
    scan.is_some_and(|index| indexes.contains(index.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_height_is_read_from_the_start_of_an_index_scan_alone() {
        let plan = |node: &str, start: f64| format!(r#"[{{"Plan":{{"Node Type":"{node}","Index Name":"i","Startup Cost":{start}}}}}]"#);
        // 200,000 rows, three levels: 18 + 50 * 3.
        assert_eq!(shown_height(&plan("Index Only Scan", 168.0)), Some(("i".to_owned(), 2)));
        assert_eq!(shown_height(&plan("Index Scan", 50.0)), Some(("i".to_owned(), 0)));
        assert_eq!(shown_height(&plan("Seq Scan", 168.0)), None);
        assert_eq!(shown_height(&plan("Index Scan", 1e10)), None);
    }

    #[test]
    fn only_a_step_to_an_end_is_asked_for() {
        let below = |node: &str| format!(r#"[{{"Plan":{{"Node Type":"Limit","Plans":[{node}]}}}}]"#);
        let names = HashSet::from(["i"]);
        assert!(is_step_to_end(&below(r#"{"Node Type":"Index Only Scan","Index Name":"i"}"#), &names));
        assert!(!is_step_to_end(&below(r#"{"Node Type":"Index Only Scan","Index Name":"other"}"#), &names));
        assert!(!is_step_to_end(&below(r#"{"Node Type":"Index Scan","Index Name":"i","Filter":"(a IS NOT NULL)"}"#), &names));
        assert!(!is_step_to_end(&below(r#"{"Node Type":"Sort","Plans":[{"Node Type":"Seq Scan"}]}"#), &names));
    }
}
