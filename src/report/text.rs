//! The report for a terminal: the summary first, then advice, findings, queries, and what could not be told.

mod advice;
mod fidelity;
mod findings;
mod frontier;
mod queries;
mod refused;
mod rest;
mod summary;
mod why;

use super::{Format, Style};
use crate::model::report::Report;

pub(super) static ENTRY: Format = Format { name: "text", render };

/// A part of the page: empty when it has nothing to say.
type Section = fn(&Report, &Style) -> String;

const SECTIONS: &[Section] = &[
    summary::render,
    why::render,
    advice::render,
    frontier::render,
    frontier::statistics,
    fidelity::render,
    findings::render,
    queries::render,
    refused::render,
    rest::not_judged,
    rest::problems,
    summary::next_steps,
];

fn render(report: &Report, style: &Style) -> String {
    let style = Style { width: style.width.clamp(50, 200), ..*style };
    SECTIONS.iter().map(|section| section(report, &style)).collect()
}
