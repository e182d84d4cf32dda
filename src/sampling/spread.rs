//! From cases of single parameters to whole executions: not every combination, but the typical
//! execution and those that differ from it in one knob.

use super::{Binding, Case, Knob, Value};

/// Most executions planned for one query.
pub(super) const MOST_BINDINGS: usize = 5;
/// A case of fewer executions than this counts to the typical one: not worth a plan.
const LEAST_SHARE: f64 = 0.005;

/// The typical execution first, then the variations that differ most in the rows they pass.
pub(super) fn around(typical: Vec<Value>, knobs: Vec<Knob>) -> Vec<Binding> {
    let variations = variations(&knobs);
    let varied = |k: usize| variations.iter().filter(move |(knob, _)| *knob == k).map(|(_, case)| case.share).sum::<f64>();
    // Knobs are independent. Executions that differ in several of them count to those that differ in one.
    let all_typical: f64 = (0..knobs.len()).map(|k| 1.0 - varied(k)).product();
    let others: f64 = variations.iter().map(|(_, case)| case.share).sum();
    let weight = |case: &Case| if others > 0.0 { (1.0 - all_typical) * case.share / others } else { 0.0 };
    let common = |changed: Option<(usize, &Case)>| {
        let of = |k: usize| changed.filter(|(knob, _)| *knob == k).map(|(_, case)| case).or(knobs[k].first());
        (0..knobs.len()).filter_map(|k| of(k)?.most_common_of.clone()).collect::<Vec<_>>()
    };
    let first = Binding {
        values: typical.clone(),
        weight: all_typical,
        label: typical_label(&knobs, &variations),
        most_common_of: common(None),
        ..Binding::default()
    };
    let vary = |(knob, case): &(usize, &Case)| {
        let mut values = typical.clone();
        for (number, value) in &case.values {
            if let Some(slot) = (*number as usize).checked_sub(1).and_then(|n| values.get_mut(n)) {
                slot.clone_from(value);
            }
        }
        Binding {
            values,
            weight: weight(case),
            label: case.label.clone(),
            most_common_of: common(Some((*knob, *case))),
            other_form: case.other_form,
            ..Binding::default()
        }
    };
    std::iter::once(first).chain(variations.iter().map(vary)).collect()
}

/// Knob and case of each variation: of every knob its most different case before any knob's second, the most deciding
/// knob first.
fn variations(knobs: &[Knob]) -> Vec<(usize, &Case)> {
    let of_knob = |(k, knob): (usize, &'_ Knob)| -> Vec<(f64, usize, usize)> {
        let mut cases: Vec<(f64, usize, usize)> = knob
            .iter()
            .enumerate()
            .skip(1)
            .filter(|(_, case)| case.share >= LEAST_SHARE && case.values != knob[0].values)
            .map(|(n, case)| (distance(case, &knob[0]), k, n))
            .collect();
        cases.sort_by(|a, b| b.0.total_cmp(&a.0));
        cases
    };
    let ranked: Vec<Vec<_>> = knobs.iter().enumerate().map(of_knob).collect();
    let mut rounds: Vec<(usize, (f64, usize, usize))> =
        ranked.into_iter().flat_map(|cases| cases.into_iter().enumerate().collect::<Vec<_>>()).collect();
    rounds.sort_by(|(a, (da, ka, _)), (b, (db, kb, _))| a.cmp(b).then(db.total_cmp(da)).then(ka.cmp(kb)));
    rounds.into_iter().take(MOST_BINDINGS - 1).map(|(_, (_, k, n))| (k, &knobs[k][n])).collect()
}

/// How many times more or fewer rows pass, as a logarithm.
fn distance(case: &Case, typical: &Case) -> f64 {
    let least = 1e-9;
    (case.passes.max(least) / typical.passes.max(least)).ln().abs()
}

/// Names what is varied elsewhere, where that is short.
fn typical_label(knobs: &[Knob], variations: &[(usize, &Case)]) -> String {
    let varied = (0..knobs.len()).filter(|k| variations.iter().any(|(knob, _)| knob == k));
    let labels: Vec<&str> = varied.filter_map(|k| knobs[k].first()).map(|c| c.label.as_str()).collect();
    match labels.as_slice() {
        [] => "every value".to_owned(),
        [one] => (*one).to_owned(),
        [one, two] => format!("{one} with {two}"),
        _ => "typical values".to_owned(),
    }
}
