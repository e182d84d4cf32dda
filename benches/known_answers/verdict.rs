//! What counts as the published answer: the same table, access method and operator classes; key columns equal, or equal
//! read backwards, or extended by further columns, INCLUDE or a predicate that the query implies.

use advisor::model::index_def::{IndexSpec, KeyExpr, KeySpec};
use std::collections::BTreeSet;

/// True where `advised` does what `accepted` does for a query that compares `fixed` by equality.
pub fn answers(advised: &IndexSpec, accepted: &IndexSpec, fixed: &BTreeSet<KeyExpr>) -> bool {
    advised.table == accepted.table
        && advised.method == accepted.method
        && keys_begin_alike(advised, accepted, fixed)
        && predicate_holds(advised, accepted)
}

fn keys_begin_alike(advised: &IndexSpec, accepted: &IndexSpec, fixed: &BTreeSet<KeyExpr>) -> bool {
    if advised.keys.len() < accepted.keys.len() {
        return false;
    }
    let pairs = || advised.keys.iter().zip(&accepted.keys);
    let same = |a: &KeySpec, b: &KeySpec| a.expr == b.expr && a.opclass == b.opclass && a.collation == b.collation;
    // Only a B-tree has directions. It is read both ways, and a key with one value in all rows read has none.
    let directed = || pairs().filter(|(a, _)| advised.method == "btree" && !fixed.contains(&a.expr));
    let forward = directed().all(|(a, b)| a.descending == b.descending && a.nulls_first == b.nulls_first);
    let backward = directed().all(|(a, b)| a.descending != b.descending && a.nulls_first != b.nulls_first);
    pairs().all(|(a, b)| same(a, b)) && (forward || backward)
}

/// A predicate of ours is one that the query implies, or the planner had not used the index. Where the answer has one,
/// ours must speak of the same columns: an index over all rows is another answer.
fn predicate_holds(advised: &IndexSpec, accepted: &IndexSpec) -> bool {
    match (&advised.predicate, &accepted.predicate) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(ours), Some(theirs)) => words(theirs).all(|word| words(ours).any(|other| other == word)),
    }
}

/// Names in a predicate: words that are neither operators nor inside quotes.
fn words(predicate: &str) -> impl Iterator<Item = &str> {
    const OPERATORS: [&str; 12] = ["NOT", "AND", "OR", "IS", "NULL", "ANY", "ALL", "ARRAY", "text", "true", "false", "integer"];
    let outside = predicate.split('\'').step_by(2);
    let words = outside.flat_map(|part| part.split(|c: char| !c.is_alphanumeric() && c != '_'));
    words.filter(|w| w.starts_with(|c: char| c.is_alphabetic()) && !OPERATORS.contains(w))
}
