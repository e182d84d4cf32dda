//! The driver's errors in words: its own `Display` says only "db error".

use crate::model::text::one_line;
use std::error::Error as _;
use tokio_postgres::Error;

/// `MESSAGE (SQLSTATE)` with DETAIL and HINT for an error of the server, else the chain of causes; always one line.
pub fn describe(error: &Error) -> String {
    let Some(db) = error.as_db_error() else { return one_line(&causes(error)) };
    let mut text = format!("{} ({})", db.message(), db.code().code());
    for (label, part) in [("detail", db.detail()), ("hint", db.hint())] {
        if let Some(part) = part {
            text.push_str(&format!("; {label}: {part}"));
        }
    }
    one_line(&text)
}

/// [`describe`] for a text that others wrote, or values sampled from statistics: neither may enter
/// a report, and the server's messages repeat what it could not read.
pub fn describe_without_values(error: &Error) -> String {
    match error.as_db_error() {
        Some(db) if repeats_values(db.code().code()) => {
            one_line(&format!("{} ({})", without_quoted(db.message(), db.code().code()), db.code().code()))
        }
        _ => describe(error),
    }
}

/// Data exceptions, violated constraints, syntax errors, and whatever a function raises. Other
/// messages name objects, types and settings.
fn repeats_values(code: &str) -> bool {
    code.starts_with("22") || code.starts_with("23") || code.starts_with("P0") || matches!(code, "42601" | "42602" | "42622" | "42P10")
}

/// The message with `…` for what stands between its first and last quote, unless that is a mere
/// word at which a syntax error was found (the report shows it anyway, in the query's text).
fn without_quoted(message: &str, code: &str) -> String {
    if code.starts_with("P0") {
        return "a function it calls raised an error".into();
    }
    match (message.find('"'), message.rfind('"')) {
        (Some(first), Some(last)) if first < last => {
            let quoted = &message[first + 1..last];
            let is_word = !quoted.is_empty() && quoted.chars().all(|c| c == '_' || c.is_ascii_lowercase());
            if code == "42601" && is_word { message.to_owned() } else { format!("{}…{}", &message[..=first], &message[last..]) }
        }
        _ => message.to_owned(),
    }
}

/// The five-character SQLSTATE, where the error is the server's.
pub fn sqlstate(error: &Error) -> Option<&str> {
    error.code().map(|code| code.code())
}

fn causes(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(&format!(": {inner}"));
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_repeats_of_a_value_is_taken_out() {
        let hidden = |message: &str, code: &str| without_quoted(message, code);
        assert_eq!(hidden("invalid input syntax for type integer: \"a\"b\"", "22P02"), "invalid input syntax for type integer: \"…\"");
        assert_eq!(
            hidden("value \"99999999999\" is out of range for type integer", "22003"),
            "value \"…\" is out of range for type integer"
        );
        assert_eq!(hidden("syntax error at or near \"'x'\"", "42601"), "syntax error at or near \"…\"");
        assert_eq!(hidden("syntax error at or near \"copy\"", "42601"), "syntax error at or near \"copy\"");
        assert_eq!(hidden("no card 4111 for x", "P0001"), "a function it calls raised an error");
        assert!(repeats_values("22007") && repeats_values("23505") && !repeats_values("42703") && !repeats_values("57014"));
    }
}
