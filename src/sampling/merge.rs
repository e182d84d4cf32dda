//! Executions that the planner treats alike are planned once.

use super::Binding;
use super::spread::MOST_BINDINGS;
use crate::model::plan::Plan;
use crate::model::snapshot_file::NodeNumbers;

/// Costs nearer than this, as a share, are the same.
const SAME: f64 = 0.01;
/// What an index pays to fetch one row at most, planner units: random_page_cost's default.
const ROW_COST: f64 = 4.0;

/// Leaves out the executions whose plan under no candidate is an earlier one's; that one takes over
/// their weight. `plans` are the bindings' own, in order; without a plan each, all are kept.
///
/// A scan of the whole table costs the same whatever it finds, so equal costs alone say nothing of
/// an index: the rows that a node finds must be the same too, or so few on both sides that an index
/// would fetch them for less than the costs may differ.
///
/// Of what is left the first and the most frequent stay, `MOST_BINDINGS` in all; each of the others counts to that whose
/// cost is nearest.
pub fn merge_equal(bindings: Vec<Binding>, plans: &[Plan]) -> Vec<Binding> {
    if bindings.len() != plans.len() {
        return bindings;
    }
    let mut kept: Vec<Seen> = Vec::new();
    for (binding, plan) in bindings.into_iter().zip(plans) {
        let nodes = NodeNumbers::of(plan);
        match kept.iter_mut().find(|(k, of)| k.other_form == binding.other_form && alike(of, &nodes)) {
            Some((same, _)) => same.weight += binding.weight,
            None => kept.push((binding, nodes)),
        }
    }
    few(kept).into_iter().map(|(binding, _)| binding).collect()
}

/// An execution with its plan.
type Seen = (Binding, Vec<NodeNumbers>);

fn few(mut kept: Vec<Seen>) -> Vec<Seen> {
    if let Some((_, others)) = kept.split_first_mut() {
        others.sort_by(|(a, _), (b, _)| b.weight.total_cmp(&a.weight));
    }
    let rest = kept.split_off(kept.len().min(MOST_BINDINGS));
    let cost = |nodes: &[NodeNumbers]| nodes.first().map_or(0.0, |root| root.total_cost).max(1.0).ln();
    for (binding, nodes) in rest {
        let distance = |of: &Seen| (cost(&of.1) - cost(&nodes)).abs();
        if let Some((nearest, _)) = kept.iter_mut().min_by(|a, b| distance(a).total_cmp(&distance(b))) {
            nearest.weight += binding.weight;
        }
    }
    kept
}

fn alike(a: &[NodeNumbers], b: &[NodeNumbers]) -> bool {
    let whole = a.first().map_or(0.0, |root| root.total_cost);
    let near = |x: f64, y: f64| (x - y).abs() <= SAME * x.max(y);
    let same = |(x, y): (&NodeNumbers, &NodeNumbers)| {
        x.same_step(y) && near(x.total_cost, y.total_cost) && (near(x.rows, y.rows) || (x.rows - y.rows).abs() * ROW_COST <= SAME * whole)
    };
    a.len() == b.len() && a.iter().zip(b).all(same)
}
