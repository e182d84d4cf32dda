//! The chooser against a table of answers.

use super::*;
use crate::model::candidate::{Hot, Writes};
use crate::model::ddl::IndexName;
use crate::model::index_def::{IndexSpec, KeySpec, TableName};
use std::convert::Infallible;

/// Per query: the base cost, and the cost with each set of candidates that a plan can use.
struct Table {
    base: Vec<f64>,
    plans: Vec<Vec<(CandidateSet, f64)>>,
    asked: usize,
}

impl Oracle for Table {
    type Error = Infallible;

    async fn plan_all(&mut self, asks: Vec<(QueryId, CandidateSet)>) -> Result<Vec<Cost>, Infallible> {
        Ok(asks.iter().map(|(query, present)| self.plan(*query, present)).collect())
    }
}

impl Table {
    fn plan(&mut self, query: QueryId, present: &CandidateSet) -> Cost {
        self.asked += 1;
        let usable = self.plans[query].iter().filter(|(needs, _)| needs.is_subset(present));
        let best = usable.min_by(|a, b| a.1.total_cmp(&b.1)).filter(|(_, cost)| *cost < self.base[query]);
        match best {
            Some((used, total)) => Cost { total: *total, used: used.clone() },
            None => Cost { total: self.base[query], used: CandidateSet::new() },
        }
    }
}

fn candidate(keys: &[&str], written_rows: f64) -> Candidate {
    let spec = IndexSpec::btree(TableName::new("public", "t"), keys.iter().map(|k| KeySpec::column(*k)).collect());
    let writes = Writes { cost: written_rows, entries: written_rows, ..Writes::default() };
    Candidate { size_bytes: Some(1e6), writes, ..Candidate::new(spec) }
}

fn choose(table: &mut Table, candidates: &[Candidate], weights: &[f64]) -> Selection {
    choose_within(table, candidates, weights, &[])
}

fn choose_within(table: &mut Table, candidates: &[Candidate], weights: &[f64], budgets: &[f64]) -> Selection {
    let all: CandidateSet = (0..candidates.len()).collect();
    let targets: Vec<Target> = weights
        .iter()
        .map(|w| Target { weight: *w, is_heavy: true, own: all.clone(), relevant: all.clone(), touching: all.clone() })
        .collect();
    let future = select(table, candidates, &targets, Limits::default(), budgets);
    // The table answers at once: one poll finishes.
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(Ok(selections)) => selections.into_iter().next_back().expect("one"),
        _ => panic!("the table of answers never waits"),
    }
}

fn ids(selection: &Selection) -> Vec<CandidateId> {
    selection.chosen.iter().map(|c| c.id).collect()
}

#[test]
fn one_wide_index_replaces_two() {
    let candidates = [candidate(&["a"], 0.0), candidate(&["a", "b"], 0.0)];
    let mut table =
        Table { base: vec![1000.0, 1000.0], plans: vec![vec![([0].into(), 10.0), ([1].into(), 10.5)], vec![([1].into(), 5.0)]], asked: 0 };
    let selection = choose(&mut table, &candidates, &[10.0, 10.0]);
    assert_eq!(ids(&selection), [1]);
    assert_eq!(selection.refused, [(0, Refusal::CoveredBy(1))]);
    assert_eq!(selection.after, [10.5, 5.0]);
}

#[test]
fn indexes_that_help_only_together_are_found() {
    let candidates = [candidate(&["a"], 0.0), candidate(&["b"], 0.0)];
    let mut table = Table { base: vec![1000.0], plans: vec![vec![([0, 1].into(), 10.0)]], asked: 0 };
    assert_eq!(ids(&choose(&mut table, &candidates, &[1.0])).len(), 2);
}

#[test]
fn writes_that_cost_more_than_the_reads_gain_refuse_an_index() {
    let candidates = [candidate(&["a"], 1e6)];
    let mut table = Table { base: vec![1000.0], plans: vec![vec![([0].into(), 10.0)]], asked: 0 };
    let selection = choose(&mut table, &candidates, &[3.0]);
    assert!(selection.chosen.is_empty());
    assert!(matches!(selection.refused[0].1, Refusal::WriteCost { .. }));
}

#[test]
fn what_ends_hot_pays_for_the_other_new_indexes_too() {
    let hot = |ends: &[(usize, f64)]| Hot { ends: ends.to_vec(), share: 1.0 };
    let chosen = |cost: f64| {
        let mut candidates = [candidate(&["seen"], 100.0), candidate(&["b"], 0.0), candidate(&["c"], 0.0)];
        candidates[0].hot = hot(&[(0, cost)]);
        (1..3).for_each(|id| candidates[id].hot = hot(&[]));
        let plan = |id: usize| vec![([id].into(), 10.0)];
        let mut table = Table { base: vec![500.0, 2000.0, 2000.0], plans: vec![plan(0), plan(1), plan(2)], asked: 0 };
        choose(&mut table, &candidates, &[1.0, 1.0, 1.0])
    };
    let (cheap, dear) = (chosen(50.0), chosen(300.0));
    assert_eq!((ids(&cheap).len(), cheap.chosen[2].write_cost), (3, 200.0), "its own, and a part in each of the others");
    assert_eq!(ids(&dear), [1, 2]);
    assert!(matches!(dear.refused[0].1, Refusal::WriteCost { cost, .. } if cost == 700.0), "{:?}", dear.refused);
}

#[test]
fn a_giant_query_does_not_silence_a_small_one() {
    let candidates = [candidate(&["a"], 0.0), candidate(&["b"], 0.0)];
    let mut table = Table { base: vec![1e9, 1000.0], plans: vec![vec![([0].into(), 1e8)], vec![([1].into(), 10.0)]], asked: 0 };
    assert_eq!(ids(&choose(&mut table, &candidates, &[1.0, 5.0])), [0, 1]);
}

#[test]
fn a_hundredth_of_a_cheap_query_is_not_worth_an_index_however_often_it_runs() {
    let saved_by = |saved: f64, weight: f64| {
        let mut table = Table { base: vec![4.33], plans: vec![vec![([0].into(), 4.33 - saved)]], asked: 0 };
        choose(&mut table, &[candidate(&["a"], 0.0)], &[weight]).chosen.len()
    };
    assert_eq!((saved_by(0.18, 1e6), saved_by(0.6, 1e6), saved_by(1.6, 1e6)), (0, 0, 1));
    // What is there stays for it.
    let mut there = Table { base: vec![4.33], plans: vec![vec![([0].into(), 4.15)]], asked: 0 };
    let existing = Candidate { existing: Some(IndexName::new("public", "t_a_idx")), ..candidate(&["a"], 0.0) };
    assert!(choose(&mut there, &[existing], &[1e6]).dropped.is_empty());
}

#[test]
fn what_exists_does_not_go_for_a_new_index_that_is_hardly_better() {
    // Without both, a page more is read: then either would be worth its place.
    let mut table = Table { base: vec![7.5], plans: vec![vec![([0].into(), 5.5), ([1].into(), 5.7)]], asked: 0 };
    let existing = Candidate { existing: Some(IndexName::new("public", "t_a_idx")), ..candidate(&["a"], 0.0) };
    let chosen = choose(&mut table, &[candidate(&["a", "b"], 0.0), existing], &[1000.0]);
    assert_eq!((chosen.chosen.len(), chosen.dropped.len()), (0, 0));
}

#[test]
fn no_larger_index_takes_the_place_of_one_for_a_single_value_beyond_the_space() {
    let whole = Candidate { size_bytes: Some(8e6), ..candidate(&["a", "b"], 0.0) };
    let partial = IndexSpec { predicate: Some("\"a\" = 'x'".into()), ..candidate(&["b"], 0.0).spec };
    let partial = Candidate { size_bytes: Some(16e3), bold: true, ..Candidate::new(partial) };
    let mut table = Table { base: vec![1000.0], plans: vec![vec![([0].into(), 10.0), ([1].into(), 10.0)]], asked: 0 };
    let chosen = choose_within(&mut table, &[whole, partial], &[10.0], &[1e5]);
    assert!(ids(&chosen) == [1] && chosen.size_bytes <= 1e5, "{chosen:?}");
}

#[test]
fn an_unused_candidate_costs_two_questions() {
    let candidates = [candidate(&["a"], 0.0)];
    let mut table = Table { base: vec![1000.0], plans: vec![vec![]], asked: 0 };
    let selection = choose(&mut table, &candidates, &[1.0]);
    assert_eq!(selection.refused, [(0, Refusal::NotUsed)]);
    assert!(table.asked <= 4, "{}", table.asked);
}

#[test]
fn a_narrower_index_that_does_nearly_as_well_is_taken() {
    let candidates = [candidate(&["a", "c"], 0.0), candidate(&["a", "b", "c"], 0.0)];
    let plans = |narrow: f64| vec![vec![([0].into(), narrow), ([1].into(), 10.0)]];
    let mut close = Table { base: vec![1000.0], plans: plans(11.0), asked: 0 };
    assert_eq!(ids(&choose(&mut close, &candidates, &[50.0])), [0]);
    let mut far = Table { base: vec![1000.0], plans: plans(40.0), asked: 0 };
    assert_eq!(ids(&choose(&mut far, &candidates, &[50.0])), [1]);
    // Without the leading key it could only walk in order: not offered as a narrower one.
    let without_lead = [candidate(&["c"], 0.0), candidate(&["a", "b", "c"], 0.0)];
    let mut close = Table { base: vec![1000.0], plans: plans(11.0), asked: 0 };
    assert_eq!(ids(&choose(&mut close, &without_lead, &[50.0])), [1]);
}

#[test]
fn a_partial_index_may_stand_beside_a_full_one() {
    let mut candidates = [candidate(&["a", "b"], 0.0), candidate(&["a"], 0.0)];
    candidates[1].spec.predicate = Some("c IS NULL".into());
    let mut table =
        Table { base: vec![1000.0, 1000.0], plans: vec![vec![([0].into(), 5.0)], vec![([0].into(), 300.0), ([1].into(), 5.0)]], asked: 0 };
    assert_eq!(ids(&choose(&mut table, &candidates, &[10.0, 10.0])), [0, 1]);
}

#[test]
fn of_equal_orders_the_first_offered_is_taken() {
    let candidates = [candidate(&["a", "b"], 0.0), candidate(&["b", "a"], 0.0)];
    let mut table = Table { base: vec![1000.0], plans: vec![vec![([1].into(), 9.9), ([0].into(), 10.0)]], asked: 0 };
    assert_eq!(ids(&choose(&mut table, &candidates, &[10.0])), [0]);
}

#[test]
fn an_index_beside_one_that_covers_it_goes() {
    let candidates = [candidate(&["a"], 0.0), candidate(&["a", "b"], 0.0)];
    let mut table =
        Table { base: vec![1000.0, 1000.0], plans: vec![vec![([0].into(), 10.0), ([1].into(), 50.0)], vec![([1].into(), 5.0)]], asked: 0 };
    assert_eq!(ids(&choose(&mut table, &candidates, &[10.0, 10.0])), [1]);
}

#[test]
fn an_index_of_unknown_size_is_chosen_unless_space_is_counted() {
    let mut candidates = [candidate(&["a"], 0.0), candidate(&["b"], 0.0), candidate(&["c"], 0.0)];
    candidates[0].size_bytes = None;
    // Nothing needs the first one beside the second; the third serves another query.
    let plans = vec![vec![([0].into(), 900.0), ([1].into(), 5.0)], vec![([2].into(), 10.0)], vec![([0].into(), 10.0)]];
    let mut table = Table { base: vec![1000.0; 3], plans: plans.clone(), asked: 0 };
    assert_eq!(choose(&mut table, &candidates, &[9.0, 9.0, 9.0]).chosen.len(), 3);
    let within = |candidates: &[Candidate]| {
        let mut table = Table { base: vec![1000.0; 3], plans: plans.clone(), asked: 0 };
        let mut within = ids(&choose_within(&mut table, candidates, &[9.0, 9.0, 9.0], &[3e6]));
        within.sort_unstable();
        within
    };
    assert_eq!(within(&candidates), [1, 2]);
    // With something to count it for it has its chance.
    candidates[0].assumed_bytes = Some(1e6);
    assert_eq!(within(&candidates), [0, 1, 2]);
}
