//! The demo's table: the same workload before and after, measured.

use super::Style;
use super::paint::{BOLD, DIM, GOOD, heading, lines, paint, table};
use super::units::{count, duration};

/// One endpoint, both times.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Method and path.
    pub endpoint: String,
    /// Requests per run.
    pub requests: usize,
    /// Sum of all requests before and after, ms.
    pub total_ms: [f64; 2],
    /// 95th percentile before and after, ms.
    pub p95_ms: [f64; 2],
}

/// Both runs as wholes.
#[derive(Debug, Clone, PartialEq)]
pub struct Totals {
    /// From the first request to the last answer, ms.
    pub wall_ms: [f64; 2],
    /// Blocks of 8 kB touched (found in memory or read).
    pub blocks: [f64; 2],
}

/// The table, slowest endpoint first, and one line for the whole.
pub fn render(rows: &[Row], totals: &Totals, style: &Style) -> String {
    let mut sorted = rows.to_vec();
    sorted.sort_by(|a, b| b.total_ms[0].total_cmp(&a.total_ms[0]));
    let mut grid =
        table(&["endpoint", "requests", "before", "after", "speed-up", "p95 before", "p95 after"], style.width, &[1, 2, 3, 4, 5, 6]);
    for row in sorted {
        let [before, after] = row.total_ms;
        let [p95_before, p95_after] = row.p95_ms;
        grid.add_row(vec![
            row.endpoint,
            row.requests.to_string(),
            duration(before),
            duration(after),
            factor(before, after),
            duration(p95_before),
            duration(p95_after),
        ]);
    }
    format!(
        "{}{}\n{}{}",
        heading("The same workload, measured before and after"),
        lines(&grid),
        summary(totals),
        paint(DIM, "measured on this machine, warm cache; blocks are the steadier figure\n"),
    )
}

/// Two lines for the whole.
pub fn summary(totals: &Totals) -> String {
    let whole = |what: &str, [before, after]: [f64; 2], unit: fn(f64) -> String| {
        format!("{} {} → {} ({})\n", paint(BOLD, format!("{what:<16}")), unit(before), paint(GOOD, unit(after)), factor(before, after))
    };
    format!("{}{}", whole("whole workload", totals.wall_ms, duration), whole("blocks touched", totals.blocks, count))
}

/// `12×`, `1.3×`; below 1 it got slower.
fn factor(before: f64, after: f64) -> String {
    if after <= 0.0 {
        return "–".into();
    }
    let times = before / after;
    if times >= 10.0 { format!("{times:.0}×") } else { format!("{times:.1}×") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_comes_first_and_the_whole_last() {
        let row = |name: &str, before: f64| Row { endpoint: name.into(), requests: 3, total_ms: [before, 10.0], p95_ms: [before, 1.0] };
        let totals = Totals { wall_ms: [5000.0, 500.0], blocks: [1e6, 1e4] };
        let text = anstream::adapter::strip_str(&render(&[row("a", 20.0), row("b", 900.0)], &totals, &Style::default())).to_string();
        assert!(text.find("b ") < text.find("a "), "{text}");
        assert!(text.contains("90×") && text.contains("100×"), "{text}");
    }
}
