//! The first lines: how bad, what to do, what it gains; and the last: the next commands.

use crate::model::report::{Action, Recommendation, Report, Severity};
use crate::report::Style;
use crate::report::paint::{BOLD, DIM, GOOD, columns, fold, paint, safe, severity};
use crate::report::units::{bytes, change, count, duration, plural};

/// Most of the worst findings and best indexes named here.
const NAMED: usize = 3;

pub(super) fn render(report: &Report, style: &Style) -> String {
    let mut out = source(report);
    out.push_str(&format!("\n{}\n", verdict(report, style.width)));
    for finding in report.findings.iter().filter(|f| f.severity > Severity::Info).take(NAMED) {
        let (_, colour) = severity(finding.severity);
        let text = fold(&safe(&format!("{}: {}", finding.rule, finding.message), 2 * style.width - 20), style.width, 10);
        out.push_str(&format!("  {}   {text}\n", paint(colour, "worst")));
    }
    let mut best: Vec<_> = report.recommendation.indexes.iter().filter(|i| i.action == Action::Create).collect();
    best.sort_by(|a, b| b.benefit.total_cmp(&a.benefit));
    for index in best.into_iter().take(NAMED) {
        let gain = report.recommendation.cost_before.map(|before| change(before, before - index.benefit));
        let gain = gain.map_or(String::new(), |g| format!(", workload cost {g}"));
        let serves = super::advice::serves(&index.queries);
        let text = fold(&format!("create {} (for {serves}{gain})", index.name), style.width, 10);
        out.push_str(&format!("  {}      {text}\n", paint(GOOD, "do")));
    }
    out
}

/// Which server, which time.
fn source(report: &Report) -> String {
    let server = match &report.server {
        Some(s) => {
            // Packagers add their own version behind a space.
            let version = s.version.split(' ').next().unwrap_or_default();
            format!("{} on PostgreSQL {}{}", safe(&s.database, 60), safe(version, 30), if s.is_standby { ", a standby" } else { "" })
        }
        None => "no server: files only".to_owned(),
    };
    let window = match &report.window {
        Some(w) => format!(" · statistics of {}, since {}", duration(w.seconds * 1000.0), day(&w.from)),
        None => String::new(),
    };
    format!("{}\n", paint(DIM, format!("advisor {} · {server}{window}", safe(&report.advisor_version, 20))))
}

/// The date of an RFC 3339 time.
fn day(time: &str) -> String {
    safe(time.split('T').next().unwrap_or_default(), 20)
}

/// `3 errors, 12 warnings, 4 notes · 9 indexes to create, 3 to drop · workload cost −87 %`.
fn verdict(report: &Report, width: usize) -> String {
    let of = |level| report.findings.iter().filter(|f| f.severity == level).count();
    let levels = [(Severity::Error, "error", "errors"), (Severity::Warning, "warning", "warnings"), (Severity::Info, "note", "notes")];
    let counted: Vec<String> = levels
        .iter()
        .filter(|(level, ..)| of(*level) > 0)
        .map(|(level, one, many)| paint(severity(*level).1, plural(of(*level), one, many)))
        .collect();
    let mut parts = vec![if counted.is_empty() { paint(GOOD, "nothing found") } else { counted.join(", ") }];
    let advice = &report.recommendation;
    let with = |action| advice.indexes.iter().filter(|i| i.action == action).count();
    let (create, drop) = (with(Action::Create), with(Action::Drop));
    match (create, drop) {
        (0, 0) => {}
        (0, drop) => parts.push(format!("{} to drop", plural(drop, "index", "indexes"))),
        (create, 0) => parts.push(format!("{} to create", plural(create, "index", "indexes"))),
        (create, drop) => parts.push(format!("{} to create, {drop} to drop", plural(create, "index", "indexes"))),
    }
    if let (Some(before), Some(after), true) = (advice.cost_before, advice.cost_after, create > 0) {
        parts.push(format!("workload cost {}{}", paint(GOOD, change(before, after)), price(advice)));
    }
    if !report.not_judged.is_empty() {
        parts.push(format!("{} not judged", plural(report.not_judged.len(), "rule", "rules")));
    }
    let mut out = String::new();
    let mut used = 0;
    for part in parts {
        let wide = columns(&part);
        if used == 0 {
        } else if used + 3 + wide <= width {
            out.push_str(&paint(DIM, " · "));
            used += 3;
        } else {
            out.push('\n');
            used = 0;
        }
        out.push_str(&part);
        used += wide;
    }
    out
}

/// A total that may be less by more than this share of it is called the most.
const NEAR: f64 = 0.1;

/// What the advice takes: ` for 340 MB and 12 entries/s`; what is unknown of it is left out, or named where all of it is.
fn price(advice: &Recommendation) -> String {
    let created = || advice.indexes.iter().filter(|i| i.action == Action::Create);
    let known: f64 = created().filter_map(|i| i.size_bytes).sum();
    let spread: f64 = created().filter_map(|i| Some(i.size_bytes? - i.least_size_bytes?)).sum();
    let size = match advice.size_bytes {
        Some(size) if size < 0.0 => format!(", {} less space", bytes(-size)),
        Some(size) if spread > NEAR * size => format!(" for at most {}", bytes(size)),
        Some(size) => format!(" for {}", bytes(size)),
        None if known > 0.0 => format!(" for more than {}", bytes(known)),
        None => " for unknown space".to_owned(),
    };
    let entries: Option<f64> = created().map(|i| i.entries_per_second).sum();
    let entries = entries.filter(|e| *e >= 0.05).map_or(String::new(), |e| format!(" and {} entries/s", count(e)));
    size + &entries
}

/// What to type now.
pub(super) fn next_steps(report: &Report, _style: &Style) -> String {
    let mut steps = Vec::new();
    if !report.recommendation.indexes.is_empty() {
        steps.push(("advisor generate", "writes a migration for each index"));
        steps.push(("advisor apply", "builds them online and can roll back"));
    }
    if !report.findings.is_empty() {
        steps.push(("advisor rule NAME", "explains a finding"));
    }
    if steps.is_empty() {
        return String::new();
    }
    let lines: String = steps.iter().map(|(command, what)| format!("  {:<18} {}\n", command, paint(DIM, what))).collect();
    format!("\n{}\n{lines}", paint(BOLD, "Next"))
}
