//! Answers to "why not this index?": first of all, since it was asked.

use super::advice::{definition, table_name};
use crate::model::report::{Report, ServedQuery, WhyNot};
use crate::report::Style;
use crate::report::paint::{BOLD, DIM, GOOD, NOTE, WARN, fold, heading, lines, paint, safe, table};
use crate::report::units::{bytes_between, change, count};
use comfy_table::Cell;
use std::collections::HashMap;

/// Queries shown without --verbose.
const SHOWN: usize = 5;
/// What the other columns of the table need.
const FIGURES_WIDTH: usize = 44;

pub(super) fn render(report: &Report, style: &Style) -> String {
    let answers = &report.recommendation.why;
    if answers.is_empty() {
        return String::new();
    }
    let texts: HashMap<&str, &str> = report.queries.iter().map(|q| (q.fingerprint.as_str(), q.text.as_str())).collect();
    let one = |why: &WhyNot| one(why, report.recommendation.cost_before, &texts, style);
    heading("Why not?") + &answers.iter().map(one).collect::<Vec<_>>().join("\n")
}

fn one(why: &WhyNot, before: Option<f64>, texts: &HashMap<&str, &str>, style: &Style) -> String {
    let (sign, colour) = match why.reason_code.as_str() {
        "advised" | "exists" => ("=", GOOD),
        "pays" => ("+", NOTE),
        _ => ("−", WARN),
    };
    let asked = format!("{}:", safe(&why.asked, 2 * style.width));
    let folded = fold(&format!("{asked} {}", why.reason), style.width, 4);
    let shown = folded.strip_prefix(&asked).map_or(folded.clone(), |rest| paint(BOLD, &asked) + rest);
    let mut out = format!("  {} {shown}\n", paint(colour, sign));
    if let Some(ddl) = &why.ddl {
        let size = why.size_bytes.map_or("size unknown".to_owned(), |size| format!("about {}", bytes_between(why.least_size_bytes, size)));
        let index = format!("{} {}, {size}", table_name(ddl), definition(ddl, style.width));
        out.push_str(&format!("    {}\n", paint(DIM, fold(&index, style.width, 4))));
    }
    if let Some(costs) = costs(why, before) {
        out.push_str(&format!("    {}\n", fold(&costs, style.width, 4)));
    }
    out + &queries(why, texts, style)
}

/// The workload's cost today, with the advice, with both, with the index alone.
fn costs(why: &WhyNot, before: Option<f64>) -> Option<String> {
    let (before, advice, both, alone) = (before?, why.cost_with_advice?, why.cost_with_it?, why.cost_with_it_alone?);
    let part = |cost: f64, what: &str| format!("{} ({}) {what}", count(cost), change(before, cost));
    let writes = if why.write_cost > 0.0 { format!("; its writes would cost {}", count(why.write_cost)) } else { String::new() };
    let parts = [part(advice, "with the advice"), part(both, "with both"), part(alone, "with it alone")];
    Some(format!("workload cost {} today, {}{writes}", count(before), parts.join(", ")))
}

fn queries(why: &WhyNot, texts: &HashMap<&str, &str>, style: &Style) -> String {
    if why.queries.is_empty() {
        return String::new();
    }
    let width = style.width.saturating_sub(4);
    let shown = if style.verbose { why.queries.len() } else { SHOWN };
    let mut rows = table(&["cost today", "with it alone", "used", "query on its table"], width, &[0, 1]);
    for query in why.queries.iter().take(shown) {
        rows.add_row(row(query, why, texts, width.saturating_sub(FIGURES_WIDTH).max(20)));
    }
    let table: String = lines(&rows).lines().map(|line| format!("    {line}\n")).collect();
    let left = why.queries.len().saturating_sub(shown);
    let more = if left > 0 { format!("    {}\n", paint(DIM, format!("and {left} more; --verbose lists them"))) } else { String::new() };
    table + &more
}

fn row(query: &ServedQuery, why: &WhyNot, texts: &HashMap<&str, &str>, room: usize) -> Vec<Cell> {
    let text = texts.get(query.fingerprint.as_str()).copied().unwrap_or(&query.fingerprint);
    let used = if why.used_by.contains(&query.fingerprint) { "yes" } else { "no" };
    let cells = [count(query.cost_before), count(query.cost_after), used.to_owned(), safe(text, room)];
    cells.into_iter().map(Cell::new).collect()
}
