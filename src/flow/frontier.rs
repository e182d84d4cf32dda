//! What each budget buys, in the report.

use super::subjects::Subject;
use super::wording::ddl_of;
use crate::model::candidate::Candidate;
use crate::model::report::{FrontierPoint, Recommendation};
use crate::select::Selection;

/// Notes the choices for all budgets, smallest first, and what is known of the last one: it is the advice.
pub(super) fn tell(recommendation: &mut Recommendation, selections: &[Selection], subjects: &[&Subject], list: &[Candidate]) {
    let point = |s: &Selection| FrontierPoint {
        budget_bytes: s.budget,
        size_bytes: s.size_bytes,
        cost_after: subjects.iter().zip(&s.after).map(|(subject, cost)| subject.weight * cost).sum(),
        ddl: s.chosen.iter().map(|c| ddl_of(&list[c.id])).collect(),
    };
    if selections.len() > 1 {
        recommendation.frontier = selections.iter().map(point).collect();
    }
    if let Some(advice) = selections.last() {
        recommendation.budget_bytes = advice.budget;
        recommendation.gap = advice.gap;
        recommendation.looked_at = (advice.looked_at < 1.0).then_some(advice.looked_at);
        let known = advice.chosen.iter().all(|c| list[c.id].size_bytes.is_some());
        recommendation.size_bytes = known.then_some(advice.size_bytes);
    }
}
