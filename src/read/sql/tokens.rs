//! PostgreSQL's lexical structure, enough of it to normalise a text without understanding it:
//! works on statements that no parser of ours can read, and on texts cut off in the middle.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Unquoted word: keyword or identifier.
    Word,
    /// `"identifier"` (also `U&"…"`).
    Quoted,
    /// Any string constant: `'…'`, `E'…'`, `B'…'`, `$tag$…$tag$`.
    Text,
    /// A number.
    Number,
    /// `$1`.
    Parameter,
    /// Operator or punctuation.
    Symbol,
}

/// One token and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'a> {
    /// Kind.
    pub kind: Kind,
    /// As written.
    pub text: &'a str,
    /// Byte offset in the input.
    pub offset: usize,
}

impl Token<'_> {
    /// True for the unquoted word `word` (lower case), whatever its case here.
    pub fn is_word(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(word)
    }

    /// True for the symbol.
    pub fn is_symbol(&self, symbol: &str) -> bool {
        self.kind == Kind::Symbol && self.text == symbol
    }
}

/// All tokens; comments and white space are left out. Unterminated strings and comments end with the text.
pub fn tokens(sql: &str) -> Vec<Token<'_>> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < sql.len() {
        let rest = &sql[at..];
        let skip = blank_length(rest);
        if skip > 0 {
            at += skip;
            continue;
        }
        let (kind, length) = token_at(rest);
        out.push(Token { kind, text: &rest[..length], offset: at });
        at += length;
    }
    out
}

/// Length of white space or a comment at the start.
fn blank_length(rest: &str) -> usize {
    if rest.starts_with("--") {
        return rest.find('\n').map_or(rest.len(), |n| n + 1);
    }
    if rest.starts_with("/*") {
        return block_comment_length(rest);
    }
    rest.chars().next().filter(|c| c.is_whitespace()).map_or(0, char::len_utf8)
}

/// Block comments nest in PostgreSQL.
fn block_comment_length(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let (mut depth, mut at) = (0usize, 0usize);
    while at < bytes.len() {
        match &bytes[at..(at + 2).min(bytes.len())] {
            b"/*" => {
                depth += 1;
                at += 2;
            }
            b"*/" => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    rest.len()
}

fn token_at(rest: &str) -> (Kind, usize) {
    let first = rest.chars().next().unwrap_or(' ');
    let second = rest[first.len_utf8()..].chars().next().unwrap_or(' ');
    match first {
        '\'' => (Kind::Text, quoted_length(rest, 0, '\'', false)),
        '"' => (Kind::Quoted, quoted_length(rest, 0, '"', false)),
        'e' | 'E' if second == '\'' => (Kind::Text, quoted_length(rest, 1, '\'', true)),
        'b' | 'B' | 'x' | 'X' | 'n' | 'N' if second == '\'' => (Kind::Text, quoted_length(rest, 1, '\'', false)),
        'u' | 'U' if rest[1..].starts_with("&'") => (Kind::Text, quoted_length(rest, 2, '\'', false)),
        'u' | 'U' if rest[1..].starts_with("&\"") => (Kind::Quoted, quoted_length(rest, 2, '"', false)),
        '$' if second.is_ascii_digit() => (Kind::Parameter, 1 + run(&rest[1..], |c| c.is_ascii_digit())),
        '$' => dollar_string(rest).map_or((Kind::Symbol, 1), |n| (Kind::Text, n)),
        '0'..='9' => (Kind::Number, number_length(rest)),
        '.' if second.is_ascii_digit() => (Kind::Number, number_length(rest)),
        c if c == '_' || c.is_alphabetic() => (Kind::Word, run(rest, |c| c == '_' || c == '$' || c.is_alphanumeric())),
        c if is_operator(c) => (Kind::Symbol, operator_length(rest)),
        ':' if second == ':' => (Kind::Symbol, 2),
        c => (Kind::Symbol, c.len_utf8()),
    }
}

fn run(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

/// Length of a quoted token whose opening quote stands at `open`.
fn quoted_length(rest: &str, open: usize, quote: char, backslash: bool) -> usize {
    let mut chars = rest.char_indices().skip(open + 1).peekable();
    while let Some((at, c)) = chars.next() {
        if backslash && c == '\\' {
            chars.next();
        } else if c == quote {
            if chars.peek().is_some_and(|(_, next)| *next == quote) {
                chars.next();
            } else {
                return at + 1;
            }
        }
    }
    rest.len()
}

/// Length of `$tag$…$tag$`, or `None` where the `$` opens no such string.
fn dollar_string(rest: &str) -> Option<usize> {
    let tag_length = run(&rest[1..], |c| c == '_' || c.is_alphanumeric());
    if !rest[1 + tag_length..].starts_with('$') {
        return None;
    }
    let tag = &rest[..tag_length + 2];
    Some(rest[tag.len()..].find(tag).map_or(rest.len(), |n| n + 2 * tag.len()))
}

fn number_length(rest: &str) -> usize {
    let mut length = run(rest, |c| c == '.' || c == '_' || c.is_ascii_alphanumeric());
    // `1e-5`: the sign belongs to the number.
    if rest[..length].ends_with(['e', 'E']) && !rest.starts_with("0x") && rest[length..].starts_with(['+', '-']) {
        length += 1 + run(&rest[length + 1..], |c| c.is_ascii_digit());
    }
    length
}

fn is_operator(c: char) -> bool {
    "+-*/<>=~!@#%^&|`?".contains(c)
}

/// An operator ends before a comment starts.
fn operator_length(rest: &str) -> usize {
    let longest = run(rest, is_operator);
    let comment = ["--", "/*"].iter().filter_map(|c| rest[..longest].find(c)).min().unwrap_or(longest);
    let length = comment.max(1);
    // `=-1`: a trailing + or - is its own token unless the operator has one of ~ ! @ # % ^ & | ` ?
    let text = &rest[..length];
    if length > 1 && text.ends_with(['+', '-']) && !text.contains(|c| "~!@#%^&|`?".contains(c)) {
        return text.trim_end_matches(['+', '-']).len().max(1);
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(sql: &str) -> Vec<&str> {
        tokens(sql).into_iter().map(|t| t.text).collect()
    }

    #[test]
    fn splits_as_the_server_does() {
        assert_eq!(
            texts("select a.b,'x''y',E'\\'z',$1 -- c\n/* /* n */ */+1"),
            ["select", "a", ".", "b", ",", "'x''y'", ",", "E'\\'z'", ",", "$1", "+", "1"]
        );
        assert_eq!(texts("$a$;'$a$||$$x$$"), ["$a$;'$a$", "||", "$$x$$"]);
        assert_eq!(texts("a=-1 and b@>-1 c::int"), ["a", "=", "-", "1", "and", "b", "@>-", "1", "c", "::", "int"]);
        assert_eq!(texts("1.5e-3 \"A b\""), ["1.5e-3", "\"A b\""]);
    }

    #[test]
    fn cut_texts_end_quietly() {
        for sql in ["'abc", "\"abc", "/* abc", "$x$abc", "E'\\", "U&'", "ü'ä"] {
            tokens(sql);
        }
    }
}
