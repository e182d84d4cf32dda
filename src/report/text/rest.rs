//! What the report cannot say: rules without evidence, things that went wrong.

use crate::model::report::Report;
use crate::model::text::one_line;
use crate::report::Style;
use crate::report::paint::{DIM, GOOD, WARN, fold, heading, paint};

pub(super) fn not_judged(report: &Report, style: &Style) -> String {
    if report.not_judged.is_empty() {
        return String::new();
    }
    // Several rules often lack the same evidence: say it once.
    let mut groups: Vec<(&str, Option<&str>, Vec<String>)> = Vec::new();
    for rule in &report.not_judged {
        let key = (rule.reason.as_str(), rule.fix_sql.as_deref());
        match groups.iter_mut().find(|(reason, sql, _)| (*reason, *sql) == key) {
            Some((.., rules)) => rules.push(one_line(&rule.rule)),
            None => groups.push((key.0, key.1, vec![one_line(&rule.rule)])),
        }
    }
    let mut out = heading("Not judged");
    for (reason, sql, rules) in groups {
        out.push_str(&format!("  {}\n", fold(&rules.join(", "), style.width, 2)));
        out.push_str(&format!("    {}\n", paint(DIM, fold(reason, style.width, 4))));
        if let Some(sql) = sql {
            out.push_str(&format!("    {} {}\n", paint(GOOD, "cure:"), one_line(sql)));
        }
    }
    out
}

pub(super) fn problems(report: &Report, style: &Style) -> String {
    if report.problems.is_empty() {
        return String::new();
    }
    // One cause often stops several: say it once.
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for problem in &report.problems {
        match groups.iter_mut().find(|(message, _)| *message == problem.message) {
            Some((_, sources)) => sources.push(&problem.source),
            None => groups.push((&problem.message, vec![&problem.source])),
        }
    }
    let mut out = heading("Problems");
    for (message, sources) in groups {
        let text = fold(&format!("{}: {message}", sources.join(", ")), style.width, 4);
        out.push_str(&format!("  {} {text}\n", paint(WARN, "!")));
    }
    out
}
