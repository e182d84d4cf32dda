//! Floor 2a: the report, and a plan, as text. Pure: what comes in is data, what goes out is a string.
//!
//! Whatever comes from a database passes `safe` before it is written. Colours are escape codes;
//! who prints strips them where they are not wanted (`anstream` does).

pub mod demo;
pub mod doctor;
mod paint;
pub mod plan;
pub mod snapshot;
pub mod units;

use crate::model::report::Report;

/// A way to write a report.
pub struct Format {
    /// Its name behind `--format`.
    pub name: &'static str,
    /// The whole report, ending in a newline.
    pub render: fn(&Report, &Style) -> String,
}

crate::registry! {
    /// Every format, the default one first.
    pub FORMATS: Format = [text, json]
}

/// How to write for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Columns of the terminal.
    pub width: usize,
    /// Everything, where the default shows the most important and counts the rest.
    pub verbose: bool,
}

impl Default for Style {
    fn default() -> Self {
        Style { width: 100, verbose: false }
    }
}

/// A format by name.
pub fn format(name: &str) -> Option<&'static Format> {
    FORMATS.iter().copied().find(|f| f.name == name)
}

/// The JSON Schema (draft 2020-12) of what a `json` format writes, derived from its own types.
pub fn schema<T: schemars::JsonSchema>(title: &str) -> serde_json::Value {
    let mut schema = schemars::schema_for!(T);
    schema.insert("title".into(), title.into());
    schema.to_value()
}

/// A plain table in the report's style; every cell is made safe.
pub fn grid(header: &[&str], rows: &[Vec<String>], width: usize) -> String {
    let mut table = paint::table(header, width, &[]);
    for row in rows {
        table.add_row(row.iter().map(|cell| crate::model::text::one_line(cell)).collect::<Vec<_>>());
    }
    paint::lines(&table)
}

/// Safe text folded at spaces to `width` columns, its further lines beginning at column `indent`.
pub fn fold(text: &str, width: usize, indent: usize) -> String {
    paint::fold(text, width, indent)
}

#[cfg(test)]
mod tests;
