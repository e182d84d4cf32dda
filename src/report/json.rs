//! The contract: the report's types, written by serde. `advisor schema` describes it.

use super::{Format, Style};
use crate::model::report::Report;

pub(super) static ENTRY: Format = Format { name: "json", render };

fn render(report: &Report, _style: &Style) -> String {
    // Strings, numbers and maps with string keys: serializing these cannot fail.
    let mut json = serde_json::to_string_pretty(report).unwrap_or_default();
    json.push('\n');
    json
}
