//! `column LIKE $n`: the beginning of a text (an index can serve it) and a part from inside (a B-tree cannot).

use super::equal::typical;
use super::{Case, Knob, Place};
use crate::model::catalog::Index;
use crate::model::index_def::KeySpec;
use crate::model::query::Op;

/// Share of executions in the form that is usual for the column, where both are planned.
const USUAL: f64 = 0.7;
/// Characters of a pattern.
const LENGTH: usize = 5;
/// A guess at the rows that pass: the planner takes a beginning for choosier than a part.
const PREFIX_PASSES: f64 = 0.001;
const PART_PASSES: f64 = 0.01;

/// Both forms of LIKE, the usual one first; ILIKE and regular expressions search inside.
pub(super) fn cases(place: Place) -> Option<Knob> {
    let text = place.folded(typical(place.stats()?)?);
    let case = |pattern: String, passes: f64, words: &str| Case {
        values: vec![(place.usage.number, Some(pattern))],
        share: 1.0,
        passes,
        label: format!("{words} of {}", place.name()),
        ..Case::default()
    };
    let part = case(format!("%{}%", inner_part(&text)), PART_PASSES, "a part from inside");
    let beginning = beginning(&text);
    if place.usage.op != Op::Like || beginning.is_empty() {
        return Some(vec![part]);
    }
    let prefix = case(format!("{beginning}%"), PREFIX_PASSES, "the beginning");
    let (usual, other) = if has_pattern_index(place) { (prefix, part) } else { (part, prefix) };
    Some(vec![Case { share: USUAL, ..usual }, Case { share: 1.0 - USUAL, other_form: true, ..other }])
}

/// Somebody made an index for beginnings: that is what is searched.
fn has_pattern_index(place: Place) -> bool {
    let serves = |key: &KeySpec| {
        key.opclass.as_deref().is_some_and(|o| o.ends_with("_pattern_ops"))
            || key.collation.as_deref().is_some_and(|c| c.ends_with("\"C\""))
    };
    let first = |i: &Index| i.spec.keys.first().is_some_and(|k| k.column_name() == Some(&place.usage.column) && serves(k));
    place.catalog.indexes_of(&place.usage.table).any(first)
}

/// The first characters, up to a sign that a pattern gives a meaning.
fn beginning(text: &str) -> String {
    text.chars().take_while(|c| !matches!(c, '%' | '_' | '\\')).take(LENGTH).collect()
}

/// A few characters from the middle, without pattern signs: what someone would search for.
fn inner_part(text: &str) -> String {
    let plain: Vec<char> = text.chars().filter(|c| c.is_alphanumeric()).collect();
    let start = plain.len().saturating_sub(LENGTH) / 2;
    plain.iter().skip(start).take(LENGTH).collect()
}
