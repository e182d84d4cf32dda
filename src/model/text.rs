//! Text that came from elsewhere, made safe: identifiers and literals for SQL, anything for a
//! comment or a terminal. The one place that quotes.

/// A quoted SQL identifier: always in double quotes, inner ones doubled.
pub fn quote_ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// `"schema"."name"`.
pub fn quote_qualified(schema: &str, name: &str) -> String {
    format!("{}.{}", quote_ident(schema), quote_ident(name))
}

/// A quoted SQL string literal, safe whatever `standard_conforming_strings` says.
pub fn quote_literal(value: &str) -> String {
    let quoted = value.replace('\'', "''");
    if quoted.contains('\\') { format!("E'{}'", quoted.replace('\\', "\\\\")) } else { format!("'{quoted}'") }
}

/// One line for a comment, a terminal or a report: control characters, line separators and
/// bidirectional overrides are written as `\n`, `\u{1b}`…, so nothing can leave the line.
pub fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hostile(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}

fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Query text on one line: runs of white space become one space first, then [`one_line`].
pub fn squeeze(text: &str) -> String {
    one_line(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Cut to at most `bytes` bytes on a character boundary.
pub fn cut_bytes(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Cut to `chars` characters, with `…` where something was cut.
pub fn ellipsis(text: &str, chars: usize) -> String {
    if text.chars().count() <= chars {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(chars.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_name_stays_one_identifier_and_one_line() {
        let name = "x\n; drop table t; --\u{1b}[2J\"";
        assert_eq!(quote_ident(name), "\"x\n; drop table t; --\u{1b}[2J\"\"\"");
        assert_eq!(one_line(name), "x\\n; drop table t; --\\u{1b}[2J\"");
    }

    #[test]
    fn literals_survive_quotes_and_backslashes() {
        assert_eq!(quote_literal("a'b"), "'a''b'");
        assert_eq!(quote_literal("a\\'b"), "E'a\\\\''b'");
    }

    #[test]
    fn cuts_fall_on_character_boundaries() {
        assert_eq!(cut_bytes("aü", 2), "a");
        assert_eq!(ellipsis("abcdef", 4), "abc…");
    }
}
