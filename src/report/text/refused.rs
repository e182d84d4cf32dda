//! What was considered and refused: counted by reason, the best of each reason named, all with --verbose.

use super::advice::{definition, table_name};
use crate::model::report::{Rejected, Report};
use crate::model::text::one_line;
use crate::report::Style;
use crate::report::paint::{DIM, fold, heading, paint, safe};
use crate::report::units::plural;

/// What each reason code means, and whether the best of them is worth a line of its own.
const REASONS: &[(&str, &str, bool)] = &[
    ("over_budget", "would pay, but the limit on space or number is reached", true),
    ("dropped_for", "another index serves its queries", true),
    ("write_cost", "writes would pay more than reads gain", true),
    ("low_gain", "too little gain", true),
    ("regression", "it would make a query dearer", true),
    ("covered", "another index does the same", false),
    ("not_used", "the planner did not use it", false),
    ("missed", "to be dropped, but a query would miss it", true),
    ("build_cost", "asked for too rarely to pay for the build", true),
    ("too_small", "the table is small", false),
    ("not_buildable", "it cannot be built", true),
    ("exists", "it is there already", false),
    ("not_indexable", "views and foreign tables have no indexes", false),
    ("not_analyzed", "the table was never analyzed", false),
    ("not_owned", "the table is not ours", false),
    ("platform", "the schema belongs to the platform", false),
];

pub(super) fn render(report: &Report, style: &Style) -> String {
    let rejected = &report.recommendation.rejected;
    if rejected.is_empty() {
        return String::new();
    }
    let mut out = heading(&format!("Considered and refused: {}", plural(rejected.len(), "index", "indexes")));
    for group in groups(rejected) {
        out.push_str(&one_reason(&group, style));
    }
    if !style.verbose {
        out.push_str(&format!("  {}\n", paint(DIM, "--verbose lists them")));
    }
    out
}

/// By code, in the order in which they come: the report has the most telling first.
fn groups(rejected: &[Rejected]) -> Vec<Vec<&Rejected>> {
    let mut groups: Vec<Vec<&Rejected>> = Vec::new();
    for candidate in rejected {
        match groups.iter_mut().find(|g| g[0].reason_code == candidate.reason_code) {
            Some(group) => group.push(candidate),
            None => groups.push(vec![candidate]),
        }
    }
    groups
}

fn one_reason(group: &[&Rejected], style: &Style) -> String {
    let code = group.first().map_or("", |c| c.reason_code.as_str());
    let known = REASONS.iter().find(|(c, ..)| *c == code);
    let meaning = known.map_or_else(|| safe(code, 40), |(_, meaning, _)| (*meaning).to_owned());
    let mut out = format!("  {:>4}  {meaning}\n", group.len());
    if style.verbose {
        for candidate in group {
            out.push_str(&format!("        {}\n", one_line(&candidate.ddl)));
            out.push_str(&format!("          {}\n", paint(DIM, fold(&candidate.reason, style.width, 10))));
        }
    } else if let Some(best) = group.first().filter(|_| known.is_some_and(|(.., telling)| *telling)) {
        let text = format!("{} {}: {}", table_name(&best.ddl), definition(&best.ddl, style.width), best.reason);
        out.push_str(&format!("        {}\n", paint(DIM, fold(text.trim_start(), style.width, 8))));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_code_of_the_schema_has_its_words() {
        let schema = serde_json::to_value(schemars::schema_for!(Rejected)).unwrap();
        let described = schema.pointer("/properties/reason_code/description").and_then(|d| d.as_str()).unwrap();
        let codes: BTreeSet<&str> = described.split('`').skip(1).step_by(2).collect();
        assert_eq!(codes, REASONS.iter().map(|(code, ..)| *code).collect());
    }
}
