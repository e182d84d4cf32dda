//! The workload's texts put together: those that differ in nothing but their constants are one query.

use super::read_all;
use crate::model::query::{Figures, Query, QueryText};
use crate::model::snapshot::Snapshot;
use std::collections::BTreeMap;
use xxhash_rust::xxh3::xxh3_64;

/// Most texts of a query that are kept. A program that writes its constants into the text has as many texts as values.
const MOST_TEXTS: usize = 20;

/// Fills fingerprint, normalised text and reading of every query, and merges those of one
/// fingerprint and search_path; most total time first, then by weight and fingerprint.
pub fn read_workload(snapshot: &mut Snapshot) {
    let texts: Vec<Query> = std::mem::take(&mut snapshot.workload).into_iter().flat_map(apart).collect();
    let readings = read_all(&texts, &snapshot.catalog);
    let mut groups: BTreeMap<(String, Vec<String>), Vec<Text>> = BTreeMap::new();
    for (mut query, (normalized, reading)) in texts.into_iter().zip(readings) {
        query.fingerprint = normalized.fingerprint;
        query.normalized = normalized.text;
        query.reading = reading;
        let key = (query.fingerprint.clone(), query.search_path.clone());
        groups.entry(key).or_default().push(Text { constants: normalized.constants, query });
    }
    let mut workload: Vec<Query> = groups.into_values().filter_map(together).collect();
    let total = |q: &Query| q.figures.as_ref().map_or(0.0, |f| f.total_ms);
    workload.sort_by(|a, b| total(b).total_cmp(&total(a)).then(b.weight.total_cmp(&a.weight)).then(a.fingerprint.cmp(&b.fingerprint)));
    snapshot.workload = workload;
}

/// A text with what makes it another than the query's other texts.
struct Text {
    constants: Vec<String>,
    query: Query,
}

/// A query per text; the figures stay with the first.
fn apart(mut query: Query) -> Vec<Query> {
    let others = std::mem::take(&mut query.others);
    let whole = query.weight;
    query.weight *= 1.0 - others.iter().map(|o| o.share).sum::<f64>();
    let further = |other: QueryText| Query {
        weight: whole * other.share,
        role: query.role.clone(),
        planner_settings: query.planner_settings.clone(),
        plan_role: query.plan_role.clone(),
        ..Query::new(query.source, other.text, &query.search_path)
    };
    let further: Vec<Query> = others.into_iter().map(further).collect();
    std::iter::once(query).chain(further).collect()
}

/// The query of these texts: the most frequent is its text, the next are its others. Their shares are those among the texts
/// that are kept, the weight is that of all.
fn together(mut texts: Vec<Text>) -> Option<Query> {
    // Neither the order of the files nor that of the statements in them decides anything.
    texts.sort_by(|a, b| b.query.weight.total_cmp(&a.query.weight).then_with(|| a.query.text.cmp(&b.query.text)));
    let mut by_constants: BTreeMap<Vec<String>, Query> = BTreeMap::new();
    for Text { constants, query } in texts {
        match by_constants.get_mut(&constants) {
            Some(same) => merge(same, query),
            None => {
                by_constants.insert(constants, query);
            }
        }
    }
    let mut queries: Vec<(Vec<String>, Query)> = by_constants.into_iter().collect();
    // A text that we cannot read (cut off, a literal left open) speaks for none that we can.
    let unread = |query: &Query| query.shape().is_none();
    // Where many texts are as frequent as each other, those kept must be no selection by value: the hash draws lots.
    let lot = |constants: &[String]| xxh3_64(constants.join("\0").as_bytes());
    queries.sort_by(|(a_constants, a), (b_constants, b)| {
        let by_weight = unread(a).cmp(&unread(b)).then(b.weight.total_cmp(&a.weight));
        by_weight.then_with(|| lot(a_constants).cmp(&lot(b_constants)))
    });
    let mut queries = queries.into_iter().map(|(_, query)| query);
    let mut chief = queries.next()?;
    let rest: Vec<Query> = queries.collect();
    let kept = &rest[..rest.len().min(MOST_TEXTS - 1)];
    let weight = chief.weight + kept.iter().map(|q| q.weight).sum::<f64>();
    let share = |q: &Query| if weight > 0.0 { q.weight / weight } else { 0.0 };
    chief.others = kept.iter().map(|q| QueryText { text: q.text.clone(), share: share(q), reading: q.reading.clone() }).collect();
    rest.into_iter().for_each(|query| merge(&mut chief, query));
    Some(chief)
}

/// A second row of the same query: another role, queryid, source or text.
fn merge(into: &mut Query, other: Query) {
    into.weight += other.weight;
    if into.role != other.role {
        into.role = None;
    }
    into.plans.extend(other.plans);
    match (&mut into.figures, other.figures) {
        (Some(figures), Some(more)) => figures.add(&more),
        (none @ None, Some(more)) => {
            *none = Some(Figures { ..more });
            into.source = other.source;
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::query::QuerySource;

    fn workload(texts: &[(&str, f64)]) -> Vec<Query> {
        let query = |(text, weight): &(&str, f64)| Query { weight: *weight, ..Query::new(QuerySource::File, *text, &[]) };
        let mut snapshot = Snapshot { workload: texts.iter().map(query).collect(), ..Snapshot::default() };
        read_workload(&mut snapshot);
        snapshot.workload
    }

    #[test]
    fn every_text_keeps_its_share_in_whatever_order_they_come() {
        let texts = [
            ("select a from t where b = 'x'", 30.0),
            ("select a from t where b = 'y'", 50.0),
            ("SELECT a FROM t WHERE b = 'x' -- again", 40.0),
            ("select a from t where c = 'y'", 1.0),
        ];
        let found = workload(&texts);
        let reversed: Vec<_> = texts.iter().rev().copied().collect();
        assert_eq!(found, workload(&reversed));
        assert_eq!((found.len(), found[0].weight), (2, 120.0));
        let shares: Vec<(String, f64)> = found[0].texts().into_iter().map(|t| (t.text, (t.share * 120.0).round())).collect();
        assert_eq!(shares, [(texts[2].0.to_owned(), 70.0), (texts[1].0.to_owned(), 50.0)]);
        assert!(found[0].others[0].shape().is_some());
    }

    #[test]
    fn lists_signs_and_truth_values_are_constants_and_parameters_are_none() {
        let others = |texts: &[(&str, f64)]| workload(texts).iter().map(|q| q.others.len()).collect::<Vec<_>>();
        assert_eq!(others(&[("select a from t where b in (1, 2)", 1.0), ("select a from t where b in (1, 2, 3)", 1.0)]), [1]);
        assert_eq!(others(&[("select a from t where b = -1", 1.0), ("select a from t where b = 1", 1.0)]), [1]);
        assert_eq!(others(&[("select a from t where b = true", 1.0), ("select a from t where b = false", 1.0)]), [1]);
        assert_eq!(others(&[("select a from t where b in ($1, $2)", 1.0), ("select a from t where b in ($1)", 1.0)]), [0]);
        assert_eq!(others(&[("select a from t where b = $1", 1.0), ("select a from t where b = 1", 1.0)]), [1]);
    }

    #[test]
    fn of_many_texts_some_are_kept_and_the_weight_of_all() {
        let texts: Vec<(String, f64)> =
            (0..100).map(|n| (format!("select a from t where b = {n}"), if n == 57 { 9.0 } else { 1.0 })).collect();
        let texts: Vec<(&str, f64)> = texts.iter().map(|(text, weight)| (text.as_str(), *weight)).collect();
        let found = workload(&texts);
        assert_eq!((found[0].others.len(), found[0].weight, found[0].text.as_str()), (MOST_TEXTS - 1, 108.0, texts[57].0));
        let shares: f64 = found[0].texts().iter().map(|t| t.share).sum();
        assert!((shares - 1.0).abs() < 1e-9 && (found[0].texts()[0].share - 9.0 / 28.0).abs() < 1e-9, "{shares}");
        let all_small = found[0].others.iter().all(|o| o.text.len() < "select a from t where b = 20".len());
        assert!(!all_small, "drawn by lot");
        // Read again, as a snapshot's workload is: the same.
        let mut again = Snapshot { workload: found.clone(), ..Snapshot::default() };
        read_workload(&mut again);
        assert_eq!((again.workload.len(), again.workload[0].others.len()), (1, MOST_TEXTS - 1));
        assert!((again.workload[0].weight - 108.0).abs() < 1e-9 && again.workload[0].text == found[0].text);
    }
}
