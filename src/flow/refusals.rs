//! Why candidates were refused, in words that a person understands; the codes are part of the report's contract.

use super::wording::ddl_of;
use crate::candidates::writes::in_words;
use crate::model::candidate::{Candidate, Writes};
use crate::model::report::Rejected;
use crate::model::text::one_line;
use crate::report::units::percent;
use crate::select::Refusal;

/// What it gives away, most first: the order in which refusals are listed.
pub(super) fn gain(refusal: &Refusal) -> f64 {
    match refusal {
        Refusal::OverBudget { gain } | Refusal::LowGain { gain } | Refusal::WriteCost { gain, .. } | Refusal::BuildCost { gain, .. } => {
            *gain
        }
        Refusal::DroppedFor(_) | Refusal::CoveredBy(_) | Refusal::Regression { .. } | Refusal::Noise { .. } | Refusal::NotUsed => 0.0,
    }
}

/// The refusals with the most interesting first: what a larger budget would buy, what lost to another, what is no use.
pub(super) fn in_order<'a>(refused: impl Iterator<Item = &'a (usize, Refusal)>) -> Vec<&'a (usize, Refusal)> {
    let rank = |refusal: &Refusal| match refusal {
        Refusal::OverBudget { .. } => 0,
        Refusal::DroppedFor(_) => 1,
        Refusal::WriteCost { .. } | Refusal::BuildCost { .. } => 2,
        Refusal::LowGain { .. } | Refusal::Noise { .. } => 3,
        Refusal::CoveredBy(_) => 4,
        Refusal::Regression { .. } => 5,
        Refusal::NotUsed => 6,
    };
    let mut refused: Vec<_> = refused.collect();
    refused.sort_by(|(a_id, a), (b_id, b)| rank(a).cmp(&rank(b)).then(gain(b).total_cmp(&gain(a))).then(a_id.cmp(b_id)));
    refused
}

/// As the report has it; `before` is the weighted cost of the workload today.
pub(super) fn rejected(candidate: &Candidate, refusal: &Refusal, list: &[Candidate], before: f64) -> Rejected {
    let (code, reason) = words(refusal, candidate, list, before);
    Rejected { ddl: ddl_of(candidate), reason_code: code.into(), reason }
}

/// Code and reason.
pub(super) fn words(refusal: &Refusal, candidate: &Candidate, list: &[Candidate], before: f64) -> (&'static str, String) {
    let name = |id: &usize| list.get(*id).map_or_else(|| "another index".to_owned(), named);
    let share = |gain: &f64| of_load(*gain, before);
    match refusal {
        Refusal::Regression { share } => ("regression", format!("with it the planner makes a query {:.0} % dearer", 100.0 * share)),
        Refusal::NotUsed => ("not_used", "beside the other candidates the planner chose it for no query of the workload".to_owned()),
        Refusal::CoveredBy(id) => ("covered", format!("{} does its work", name(id))),
        Refusal::WriteCost { gain, cost } => {
            let writes = Writes { cost: *cost, ..candidate.writes };
            ("write_cost", format!("writes would pay more than reads gain: {}", in_words(&writes, *gain)))
        }
        Refusal::BuildCost { gain, cost } => {
            let reason = format!(
                "it would save {gain:.0} in the window, writes paid, and building it costs about {cost:.0}: it is asked for too rarely"
            );
            ("build_cost", reason)
        }
        Refusal::OverBudget { gain } => {
            ("over_budget", format!("it would save a further {} of today's load, but the limit on space or number is reached", share(gain)))
        }
        Refusal::DroppedFor(id) => {
            let one_value = if candidate.bold { ", and it would hold for one value alone" } else { "" };
            ("dropped_for", format!("{} serves its queries; beside it this one would add next to nothing{one_value}", name(id)))
        }
        Refusal::LowGain { gain } => {
            ("low_gain", format!("beside the advised indexes it would save {}: too little for an index", further(*gain, before)))
        }
        Refusal::Noise { saved, of } => ("low_gain", noise(*saved, *of)),
    }
}

/// What an index that no query would feel saves of an execution.
pub(super) fn noise(saved: f64, of: f64) -> String {
    format!("it would save {saved:.1} of {of:.1} per execution: within the planner's noise, however often that is")
}

/// What an index would save beside others.
pub(super) fn further(gain: f64, before: f64) -> String {
    if gain > 0.0 { format!("{} of today's load", of_load(gain, before)) } else { "nothing".to_owned() }
}

/// A member of the chosen set: `the advised NAME`, `NAME, which exists,`.
pub(super) fn named(candidate: &Candidate) -> String {
    match &candidate.existing {
        Some(index) => format!("{}, which exists,", one_line(&index.name)),
        None => format!("the advised {}", one_line(&candidate.spec.safe_name())),
    }
}

/// A cost as a share of the workload's today.
pub(super) fn of_load(cost: f64, before: f64) -> String {
    match cost / before {
        share if before <= 0.0 || !share.is_finite() => "an unknown share".into(),
        share if share > 0.0 && share < 0.0005 => "less than 0.1 %".into(),
        share => percent(share),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::index_def::{IndexSpec, KeySpec, TableName};

    #[test]
    fn the_most_telling_refusals_come_first() {
        let refused = [
            (0, Refusal::NotUsed),
            (1, Refusal::LowGain { gain: 1.0 }),
            (2, Refusal::OverBudget { gain: 2.0 }),
            (3, Refusal::OverBudget { gain: 5.0 }),
            (4, Refusal::CoveredBy(3)),
        ];
        assert_eq!(in_order(refused.iter()).iter().map(|(id, _)| *id).collect::<Vec<_>>(), [3, 2, 1, 4, 0]);
    }

    #[test]
    fn reasons_are_shares_of_the_load() {
        let list = [Candidate::new(IndexSpec::btree(TableName::new("public", "t"), vec![KeySpec::column("a\u{1b}")]))];
        let mut candidate = list[0].clone();
        candidate.writes = Writes { cost: 30.0, entries_per_second: Some(4.2), ..Writes::default() };
        let words = |refusal: &Refusal, before| words(refusal, &candidate, &list, before);
        assert_eq!(
            words(&Refusal::WriteCost { gain: 10.0, cost: 30.0 }, 1000.0),
            ("write_cost", "writes would pay more than reads gain: writes 4.2 entries/s, 300 % of what it saves".to_owned())
        );
        assert!(words(&Refusal::OverBudget { gain: 30.0 }, 1000.0).1.contains("a further 3 % of today's load"));
        assert!(words(&Refusal::LowGain { gain: 0.01 }, 1000.0).1.contains("save less than 0.1 % of today's load"));
        assert!(words(&Refusal::LowGain { gain: 0.0 }, 1000.0).1.contains("save nothing"));
        assert!(words(&Refusal::LowGain { gain: 0.01 }, 0.0).1.contains("unknown share"));
        assert!(words(&Refusal::Noise { saved: 0.3, of: 4.45 }, 1000.0).1.starts_with("it would save 0.3 of 4.5 per execution"));
        assert!(!words(&Refusal::CoveredBy(0), 1.0).1.contains('\u{1b}') && words(&Refusal::CoveredBy(7), 1.0).1.contains("another index"));
    }
}
