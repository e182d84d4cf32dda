//! Findings, worst first: a head line, the evidence, the cure.

use crate::model::report::{Confidence, Finding, Report, Subject, Value};
use crate::model::text::{cut_bytes, one_line, squeeze};
use crate::report::Style;
use crate::report::paint::{DIM, GOOD, fold, fold_from, heading, paint, safe, severity};
use crate::report::units::named;
use std::collections::HashMap;

/// How many findings of one rule and severity are shown in full; the others take one line each.
const IN_FULL: usize = 2;

pub(super) fn render(report: &Report, style: &Style) -> String {
    if report.findings.is_empty() {
        return String::new();
    }
    let queries: HashMap<&str, &str> = report.queries.iter().map(|q| (q.fingerprint.as_str(), q.text.as_str())).collect();
    let mut out = heading("Findings");
    for group in groups(&report.findings) {
        let in_full = if style.verbose { group.len() } else { IN_FULL.min(group.len()) };
        out.extend(group[..in_full].iter().map(|f| one(f, &queries, style)));
        if group.len() > in_full {
            // The lines stand right under the last one shown in full.
            out.pop();
            out.extend(group[in_full..].iter().map(|f| short(f, style)));
            out.push('\n');
        }
    }
    // Each group ends in a blank line; the next heading brings its own.
    out.pop();
    out
}

/// Findings of one rule and severity together, in the order of the worst of each.
fn groups(findings: &[Finding]) -> Vec<Vec<&Finding>> {
    let mut groups: Vec<Vec<&Finding>> = Vec::new();
    for finding in findings {
        match groups.iter_mut().find(|g| g[0].rule == finding.rule && g[0].severity == finding.severity) {
            Some(group) => group.push(finding),
            None => groups.push(vec![finding]),
        }
    }
    groups
}

/// One line: `  also public.likes: likes (user_id) references users…`.
fn short(finding: &Finding, style: &Style) -> String {
    let subject = subject(&finding.subject);
    let subject = if subject.is_empty() { subject } else { format!("{subject}: ") };
    let text = safe(&format!("{subject}{}", finding.message), style.width.saturating_sub(9));
    format!("    {} {text}\n", paint(DIM, "also"))
}

fn one(finding: &Finding, queries: &HashMap<&str, &str>, style: &Style) -> String {
    let (word, colour) = severity(finding.severity);
    let head = format!("{word}[{}]", one_line(&finding.rule));
    let subject = subject(&finding.subject);
    let subject = if subject.is_empty() { subject } else { format!("{subject}: ") };
    let doubt = if finding.confidence == Confidence::Suspected { " (suspected)" } else { "" };
    let folded = fold_from(0, &format!("{head} {subject}{}{doubt}", finding.message), style.width, 4);
    let mut out = folded.strip_prefix(&head).map_or(folded.clone(), |rest| paint(colour, &head) + rest);
    out.push('\n');
    let query = finding.subject.query.as_deref().and_then(|f| queries.get(f));
    // Many messages quote the query already.
    if let Some(text) = query.filter(|text| !squeeze(&finding.message).contains(cut_bytes(&squeeze(text), 40))) {
        out.push_str(&format!("    {}\n", safe(text, style.width.saturating_sub(4))));
    }
    let evidence = evidence(finding);
    if !evidence.is_empty() {
        out.push_str(&format!("    {}\n", paint(DIM, fold(&evidence, style.width, 4))));
    }
    if !finding.fix.text.is_empty() {
        out.push_str(&format!("    {} {}\n", paint(GOOD, "fix:"), fold(&finding.fix.text, style.width, 9)));
    }
    if let Some(sql) = &finding.fix.sql {
        // Never folded: it is there to be copied.
        out.push_str(&format!("         {}\n", one_line(sql)));
    }
    out.push('\n');
    out
}

/// `schema.table`, `index on schema.table`; nothing for the server as a whole.
fn subject(subject: &Subject) -> String {
    let part = |p: &Option<String>| p.as_deref().map(one_line).unwrap_or_default();
    let (schema, table, index) = (part(&subject.schema), part(&subject.table), part(&subject.index));
    let table = if schema.is_empty() || table.is_empty() { table } else { format!("{schema}.{table}") };
    match (index.is_empty(), table.is_empty()) {
        (true, _) => table,
        (false, true) => index,
        (false, false) => format!("{index} on {table}"),
    }
}

fn evidence(finding: &Finding) -> String {
    let written = |(name, value): (&String, &Value)| match value {
        Value::Number(n) => {
            let (label, text) = named(name, *n);
            format!("{} {text}", safe(&label, 40))
        }
        Value::Text(text) => format!("{} {}", safe(&name.replace('_', " "), 40), safe(text, 100)),
    };
    finding.evidence.iter().map(written).collect::<Vec<_>>().join(" · ")
}
