//! The doctor's judgement of the facts, and its answer as text or JSON.

mod extensions;
mod indexes;
mod privileges;
mod server;
mod settings;

use super::Style;
use super::paint::{BAD, BOLD, DIM, GOOD, WARN, fold, heading, paint};
use super::units::plural;
use crate::model::doctor::{Check, CheckState, Diagnosis, Facts, Remedy};
use crate::model::text::one_line;

/// `schema_version` of the JSON.
const DIAGNOSIS_VERSION: u32 = 1;

/// Judges the facts. Checks come by topic, in the order one would look.
pub fn diagnose(facts: &Facts) -> Diagnosis {
    let mut checks = Vec::new();
    server::judge(facts, &mut checks);
    extensions::judge(facts, &mut checks);
    privileges::judge(facts, &mut checks);
    settings::judge(facts, &mut checks);
    indexes::judge(facts, &mut checks);
    for problem in &facts.problems {
        checks.push(Check::attention("server", format!("could not be asked ({}): {}", problem.source, problem.message), "", vec![]));
    }
    Diagnosis {
        schema_version: DIAGNOSIS_VERSION,
        advisor_version: env!("CARGO_PKG_VERSION").to_owned(),
        server: facts.server.clone(),
        connection: facts.connection.clone(),
        checks,
    }
}

/// Constructors: the one place where untrusted names in a message become one line.
impl Check {
    fn new(topic: &str, state: CheckState, message: impl AsRef<str>, fix: Remedy) -> Check {
        Check { topic: topic.to_owned(), state, message: one_line(message.as_ref()), fix, stops_analysis: false }
    }

    fn ok(topic: &str, message: impl AsRef<str>) -> Check {
        Check::new(topic, CheckState::Ok, message, Remedy::default())
    }

    fn attention(topic: &str, message: impl AsRef<str>, text: &str, sql: Vec<String>) -> Check {
        Check::new(topic, CheckState::Attention, message, Remedy { text: text.to_owned(), sql })
    }

    fn problem(topic: &str, message: impl AsRef<str>, text: &str, sql: Vec<String>) -> Check {
        Check::new(topic, CheckState::Problem, message, Remedy { text: text.to_owned(), sql })
    }
}

/// The JSON document, ending in a newline.
pub fn json(diagnosis: &Diagnosis) -> String {
    // Strings, numbers and lists: serializing these cannot fail.
    serde_json::to_string_pretty(diagnosis).unwrap_or_default() + "\n"
}

/// The answer for people.
pub fn text(diagnosis: &Diagnosis, style: &Style) -> String {
    let mut out = String::new();
    let mut topic = "";
    for check in &diagnosis.checks {
        if check.topic != topic {
            topic = &check.topic;
            out.push_str(&heading(topic));
        }
        out.push_str(&line(check, style));
    }
    out.push_str(&summary(diagnosis));
    out
}

const INDENT: usize = 13;

fn line(check: &Check, style: &Style) -> String {
    let (word, colour) = match check.state {
        CheckState::Ok => ("ok", GOOD),
        CheckState::Attention => ("attention", WARN),
        CheckState::Problem => ("problem", BAD),
    };
    let padding = " ".repeat(INDENT - 2 - word.len());
    let mut out = format!("  {}{padding}{}\n", paint(colour, word), fold(&check.message, style.width, INDENT));
    if !check.fix.text.is_empty() {
        out.push_str(&format!("{:INDENT$}{} {}\n", "", paint(DIM, "→"), fold(&check.fix.text, style.width, INDENT + 2)));
    }
    for statement in &check.fix.sql {
        // Never folded: it is there to be copied.
        out.push_str(&format!("{:INDENT$}{}\n", "", paint(BOLD, one_line(statement))));
    }
    out
}

fn summary(diagnosis: &Diagnosis) -> String {
    let count = |state| diagnosis.checks.iter().filter(|c| c.state == state).count();
    let (problems, attention) = (count(CheckState::Problem), count(CheckState::Attention));
    let verdict = if diagnosis.checks.iter().any(|c| c.stops_analysis) {
        paint(BAD, "analyze cannot work here")
    } else if problems > 0 {
        paint(WARN, "analyze works, with gaps")
    } else {
        paint(GOOD, "ready")
    };
    let ok = count(CheckState::Ok);
    format!("\n{verdict}: {}, {attention} to look at, {ok} ok\n", plural(problems, "problem", "problems"))
}

#[cfg(test)]
mod tests;
