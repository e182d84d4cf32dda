//! Colours, safe text, folding: what every page for people needs.

use crate::model::report::Severity;
use crate::model::text::{ellipsis, one_line, squeeze};
use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr;

/// Dimmed: evidence, second thoughts.
pub(super) const DIM: Style = Style::new().dimmed();
/// Headings, the thing a line is about.
pub(super) const BOLD: Style = Style::new().bold();
/// What to do.
pub(super) const GOOD: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Green)));
/// What is bad.
pub(super) const BAD: Style = Style::new().bold().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Red)));
/// What is doubtful.
pub(super) const WARN: Style = Style::new().bold().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Yellow)));
/// What is worth knowing.
pub(super) const NOTE: Style = Style::new().bold().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Cyan)));

/// `text` in a style.
pub(super) fn paint(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

/// Word and colour of a severity.
pub(super) fn severity(severity: Severity) -> (&'static str, Style) {
    match severity {
        Severity::Error => ("error", BAD),
        Severity::Warning => ("warning", WARN),
        Severity::Info => ("info", NOTE),
    }
}

/// Text from elsewhere on one line, at most `chars` long.
pub(super) fn safe(text: &str, chars: usize) -> String {
    ellipsis(&squeeze(text), chars)
}

/// Columns that painted text takes.
pub(super) fn columns(text: &str) -> usize {
    anstream::adapter::strip_str(text).to_string().width()
}

/// A heading with a blank line before it.
pub(super) fn heading(title: &str) -> String {
    format!("\n{}\n", paint(BOLD, title))
}

/// Safe text folded at spaces to `width` columns; it begins at column `indent`, and so do its other
/// lines. A word longer than a line stays whole.
pub(super) fn fold(text: &str, width: usize, indent: usize) -> String {
    fold_from(indent, text, width, indent)
}

/// The same for text that begins at another column than its other lines.
pub(super) fn fold_from(start: usize, text: &str, width: usize, indent: usize) -> String {
    let mut out = String::new();
    let mut column = start;
    let text = one_line(text);
    for word in words(&text) {
        let wide = word.width();
        if !out.is_empty() && column + 1 + wide > width {
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            column = indent;
        } else if !out.is_empty() {
            out.push(' ');
            column += 1;
        }
        out.push_str(&word);
        column += wide;
    }
    out
}

/// What stands behind a number and stays with it.
const UNITS: &[&str] = &["%", "B", "kB", "MB", "GB", "TB", "ms", "s", "min", "h", "d"];

/// The words of a text; a number keeps its thousands and its unit.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|w| !w.is_empty()) {
        let bare = word.trim_end_matches([',', ';', '.', ':', ')']);
        let thousands = bare.len() == 3 && bare.bytes().all(|b| b.is_ascii_digit());
        let last = words.last_mut().filter(|last| last.ends_with(|c: char| c.is_ascii_digit()));
        match last.filter(|_| thousands || UNITS.contains(&bare)) {
            Some(number) => *number += &format!(" {word}"),
            None => words.push(word.to_owned()),
        }
    }
    words
}

/// A table with one line, below its header, `width` columns wide at most; columns in `numbers` are right-aligned.
pub(super) fn table(header: &[&str], width: usize, numbers: &[usize]) -> comfy_table::Table {
    use comfy_table::{Cell, CellAlignment, ContentArrangement, ContentLineStyle, LineStyle, TableStyle};
    let ruled = TableStyle::new()
        .header_lines(ContentLineStyle::none())
        .header_separator(LineStyle::none().fill('─').junction('─'))
        .content_lines(ContentLineStyle::none());
    let mut table = comfy_table::Table::new();
    table.load_style(ruled).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(width).unwrap_or(u16::MAX)).enforce_styling();
    table.set_header(header.iter().map(Cell::new).collect::<Vec<_>>());
    table.column_iter_mut().for_each(|column| {
        column.set_padding((0, 2));
    });
    for &column in numbers {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// The table's lines, header dimmed, without trailing blanks.
pub(super) fn lines(table: &comfy_table::Table) -> String {
    let line = |(at, line): (usize, String)| {
        let line = line.trim_end();
        if at < 2 { paint(DIM, line) + "\n" } else { format!("{line}\n") }
    };
    table.lines().enumerate().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_keeps_words_and_safety() {
        assert_eq!(fold("one two three four", 9, 2), "one two\n  three\n  four");
        assert_eq!(fold("a\nb", 80, 0), "a\\nb");
        assert_eq!(fold("falls by 41 %", 11, 0), "falls by\n41 %");
        assert_eq!(fold("reads 350 000 rows, 3.9 MB; then 5 more", 10, 0), "reads\n350 000\nrows,\n3.9 MB;\nthen 5\nmore");
    }
}
