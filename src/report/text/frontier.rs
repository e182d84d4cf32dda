//! What less space buys, and extended statistics to create.

use crate::model::report::{AdvisedStatistics, FrontierPoint, Report};
use crate::model::text::one_line;
use crate::report::Style;
use crate::report::paint::{BOLD, DIM, GOOD, fold, heading, lines, paint, table};
use crate::report::units::{bytes, change, count, limit_bytes};
use comfy_table::Cell;

pub(super) fn render(report: &Report, style: &Style) -> String {
    let advice = &report.recommendation;
    if advice.frontier.is_empty() {
        return String::new();
    }
    let mut rows = table(&["budget", "space", "indexes", "workload cost", "change"], style.width, &[0, 1, 2, 3, 4]);
    for point in &advice.frontier {
        rows.add_row(row(point, advice.cost_before));
    }
    heading("What each budget buys") + &lines(&rows)
}

fn row(point: &FrontierPoint, before: Option<f64>) -> Vec<Cell> {
    let indexes = point.ddl.iter().filter(|ddl| !ddl.starts_with("DROP ")).count();
    let cells = [
        point.budget_bytes.map_or("all that pays".to_owned(), limit_bytes),
        bytes(point.size_bytes),
        indexes.to_string(),
        count(point.cost_after),
        before.map_or("–".to_owned(), |before| change(before, point.cost_after)),
    ];
    cells.into_iter().map(Cell::new).collect()
}

pub(super) fn statistics(report: &Report, style: &Style) -> String {
    let advised = &report.recommendation.statistics;
    if advised.is_empty() {
        return String::new();
    }
    heading("Extended statistics") + &advised.iter().map(|s| one(s, style)).collect::<String>()
}

fn one(statistics: &AdvisedStatistics, style: &Style) -> String {
    let name = format!("{}:", one_line(&statistics.name));
    let estimate = format!("the planner expects {} rows, and there are {}", count(statistics.estimated_rows), count(statistics.actual_rows));
    let folded = fold(&format!("{name} {}; {estimate}", statistics.reason), style.width, 4);
    let shown = folded.strip_prefix(&name).map_or(folded.clone(), |rest| paint(BOLD, &name) + rest);
    let mut out = format!("  {} {shown}\n", paint(GOOD, "+"));
    for sql in [&statistics.ddl, &statistics.then] {
        // Never folded: it is there to be copied.
        out.push_str(&format!("    {}\n", paint(DIM, one_line(sql.trim_end_matches(';')) + ";")));
    }
    out
}
