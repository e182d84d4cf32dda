//! Where the time goes: the queries with most total time.

use crate::model::report::Report;
use crate::report::Style;
use crate::report::paint::{heading, lines, safe, table};
use crate::report::units::{count, duration, percent};
use comfy_table::Cell;

/// Rows shown, and shown with everything.
const SHOWN: (usize, usize) = (10, 50);

/// What the other columns need; the query's text gets the rest.
const FIGURES_WIDTH: usize = 52;

pub(super) fn render(report: &Report, style: &Style) -> String {
    let all: f64 = report.queries.iter().filter_map(|q| q.total_ms).sum();
    if all <= 0.0 {
        return String::new();
    }
    let mut rows = table(&["time", "share", "calls", "mean", "rows/call", "query"], style.width, &[0, 1, 2, 3, 4]);
    let room = style.width.saturating_sub(FIGURES_WIDTH).max(20);
    let shown = if style.verbose { SHOWN.1 } else { SHOWN.0 };
    for query in report.queries.iter().filter(|q| q.total_ms.is_some()).take(shown) {
        let total = query.total_ms.unwrap_or_default();
        let per_call = query.rows.zip(query.calls).filter(|(_, calls)| *calls > 0.0).map(|(rows, calls)| rows / calls);
        let or_dash = |value: Option<f64>, write: fn(f64) -> String| Cell::new(value.map_or("–".to_owned(), write));
        rows.add_row(vec![
            Cell::new(duration(total)),
            Cell::new(percent(total / all)),
            or_dash(query.calls, count),
            or_dash(query.mean_ms, duration),
            or_dash(per_call, count),
            Cell::new(safe(&query.text, room)),
        ]);
    }
    heading("Where the time goes") + &lines(&rows)
}
