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
