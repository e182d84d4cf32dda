//! How far the costs of the trials are the server's own.

use crate::model::report::{Fidelity, Report};
use crate::report::Style;
use crate::report::paint::{DIM, GOOD, WARN, fold, paint};
use crate::report::units::plural;

/// Shares of equal plans from which on nothing is said of the rest.
const GOOD_SHARE: f64 = 0.9;
/// Most causes named without --verbose.
const NAMED: usize = 3;

pub(super) fn render(report: &Report, style: &Style) -> String {
    let Some(fidelity) = &report.recommendation.fidelity else { return String::new() };
    let good = fidelity.equal as f64 >= GOOD_SHARE * fidelity.compared as f64;
    let (colour, sign) = if good { (GOOD, "=") } else { (WARN, "!") };
    let mut out = format!("\n{} {}\n", paint(colour, sign), fold(&sentence(fidelity), style.width, 2));
    if !good || style.verbose {
        let named = if style.verbose { fidelity.causes.len() } else { NAMED };
        for cause in fidelity.causes.iter().take(named) {
            out.push_str(&format!("    {}\n", paint(DIM, fold(cause, style.width, 4))));
        }
    }
    out
}

fn sentence(f: &Fidelity) -> String {
    let all = plural(usize::try_from(f.compared).unwrap_or(usize::MAX), "query", "queries");
    if f.equal == f.compared {
        let all = if f.compared == 1 { "the one query".to_owned() } else { format!("all {all}") };
        return format!("self-check: the copy plans {all} exactly as the server does, to every node's cost");
    }
    format!(
        "self-check: the copy plans {} of {all} exactly as the server does and {} with the same steps; cost is off by {:.1} % at most, {:.1} % in the middle",
        f.equal,
        f.same_shape,
        100.0 * f.worst_cost_error,
        100.0 * f.median_cost_error
    )
}
