//! Does the engine plan as production does? Today's indexes, the same queries, on both sides.

use super::engine::WHAT_IF_CLONE;
use crate::model::plan::Plan;
use crate::model::query::{PlanOrigin, Query};
use crate::model::report::Fidelity;
use crate::model::snapshot::Snapshot;
use crate::model::snapshot_file::NodeNumbers;
use std::collections::BTreeMap;

/// Below this share of exactly equal plans, costs of trials are doubted aloud.
pub(super) const ENOUGH: f64 = 0.9;

/// Compares production's plans with the engine's, by fingerprint; `None` when no query is in both.
pub(super) fn compare(
    production: &BTreeMap<String, Vec<NodeNumbers>>,
    engine: &BTreeMap<String, &Plan>,
    causes: Vec<String>,
) -> Option<Fidelity> {
    let pairs = engine.iter().filter_map(|(query, plan)| Some((production.get(query)?, NodeNumbers::of(plan))));
    let mut fidelity = Fidelity { causes, ..Fidelity::default() };
    let mut errors = Vec::new();
    for (there, here) in pairs {
        fidelity.compared += 1;
        fidelity.equal += u64::from(*there == here);
        fidelity.same_shape += u64::from(there.len() == here.len() && there.iter().zip(&here).all(|(a, b)| a.same_step(b)));
        errors.push(cost_error(there, &here));
    }
    errors.sort_by(f64::total_cmp);
    fidelity.median_cost_error = *errors.get(errors.len() / 2)?;
    fidelity.worst_cost_error = *errors.last()?;
    if fidelity.equal == fidelity.compared {
        fidelity.causes.clear();
    }
    Some(fidelity)
}

/// The plans that the analysed server made of the workload.
pub(super) fn plans_of(snapshot: &Snapshot) -> BTreeMap<String, Vec<NodeNumbers>> {
    let own =
        |q: &Query| q.plans.iter().find(|p| matches!(p.origin, PlanOrigin::Custom | PlanOrigin::Generic)).map(|p| NodeNumbers::of(&p.plan));
    snapshot.workload.iter().filter_map(|q| Some((q.fingerprint.clone(), own(q)?))).collect()
}

/// What is known to be otherwise in the clone.
pub(super) fn causes(snapshot: &Snapshot) -> Vec<String> {
    snapshot.problems.iter().filter(|p| p.source == WHAT_IF_CLONE).map(|p| p.message.clone()).collect()
}

/// True when the share of equal plans is high enough for its costs to be taken as production's.
pub(super) fn is_enough(fidelity: &Fidelity) -> bool {
    fidelity.equal as f64 >= ENOUGH * fidelity.compared as f64
}

/// Distance of the total costs, as a share of production's.
fn cost_error(there: &[NodeNumbers], here: &[NodeNumbers]) -> f64 {
    match (there.first(), here.first()) {
        (Some(there), Some(here)) if there.total_cost > 0.0 => (here.total_cost - there.total_cost).abs() / there.total_cost,
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::plan::PlanNode;

    fn plan(node: &str, cost: f64) -> Plan {
        Plan { root: PlanNode { node_type: node.into(), total_cost: Some(cost), ..PlanNode::default() }, ..Plan::default() }
    }

    #[test]
    fn equal_alike_and_different_plans_are_told_apart() {
        let production: BTreeMap<String, Vec<NodeNumbers>> =
            [("a", 100.0), ("b", 100.0), ("c", 100.0)].map(|(q, c)| (q.to_owned(), NodeNumbers::of(&plan("Seq Scan", c)))).into();
        let (same, dearer, other, unknown) =
            (plan("Seq Scan", 100.0), plan("Seq Scan", 110.0), plan("Index Scan", 150.0), plan("Result", 0.0));
        let engine = [("a", &same), ("b", &dearer), ("c", &other), ("d", &unknown)].map(|(q, p)| (q.to_owned(), p)).into();
        let fidelity = compare(&production, &engine, vec!["why".into()]).unwrap();
        assert_eq!((fidelity.compared, fidelity.equal, fidelity.same_shape), (3, 1, 2));
        assert!((fidelity.median_cost_error - 0.1).abs() < 1e-9 && (fidelity.worst_cost_error - 0.5).abs() < 1e-9);
        assert!(!is_enough(&fidelity) && fidelity.causes == ["why"]);
        assert_eq!(compare(&BTreeMap::new(), &BTreeMap::new(), vec![]), None);
    }
}
