//! SQL text to tokens, by PostgreSQL's own lexical rules and nothing above them. It never fails:
//! what is not closed before the end of the text is a token that says so.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Keyword, name or number: letters, digits, `_`, `$`.
    Word,
    /// `"…"`, also `U&"…"`.
    QuotedName,
    /// `'…'` in any of its forms, and dollar quotes.
    Literal,
    /// `-- …` without its line end.
    LineComment,
    /// `/* … */`, nested ones included.
    BlockComment,
    /// White space.
    Space,
    /// Any other single character.
    Symbol(char),
}

/// A piece of the text; tokens follow each other without gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// First byte.
    pub start: usize,
    /// Byte behind the last.
    pub end: usize,
    /// False when the text ended inside it.
    pub closed: bool,
}

impl Token {
    /// Its text.
    pub fn text<'a>(&self, sql: &'a str) -> &'a str {
        &sql[self.start..self.end]
    }

    /// True for white space and comments.
    pub fn is_blank(&self) -> bool {
        matches!(self.kind, Kind::Space | Kind::LineComment | Kind::BlockComment)
    }
}

/// All tokens of a text, blanks included. Assumes `standard_conforming_strings`, the default since 9.1.
pub fn tokens(sql: &str) -> Vec<Token> {
    tokens_from(sql, 0).collect()
}

/// The tokens from byte `start` on, one at a time: a reader may stop and go on elsewhere.
pub fn tokens_from(sql: &str, mut start: usize) -> impl Iterator<Item = Token> + '_ {
    std::iter::from_fn(move || {
        let (kind, length, closed) = one(&sql[start..], sql[start..].chars().next()?);
        let token = Token { kind, start, end: start + length, closed };
        start = token.end;
        Some(token)
    })
}

fn one(rest: &str, c: char) -> (Kind, usize, bool) {
    if is_space(c) {
        return (Kind::Space, run(rest, is_space), true);
    }
    if rest.starts_with("--") {
        return (Kind::LineComment, run(rest, |c| c != '\n' && c != '\r'), true);
    }
    if rest.starts_with("/*") {
        return with(Kind::BlockComment, block_comment(rest), rest);
    }
    match c {
        '\'' => with(Kind::Literal, quoted(rest, 1, '\'', false), rest),
        '"' => with(Kind::QuotedName, quoted(rest, 1, '"', false), rest),
        '$' => match dollar_tag(rest) {
            Some(tag) => with(Kind::Literal, rest[tag.len()..].find(tag).map(|at| at + 2 * tag.len()), rest),
            None => (Kind::Symbol('$'), 1, true),
        },
        c if is_word(c) => word(rest),
        c => (Kind::Symbol(c), c.len_utf8(), true),
    }
}

fn with(kind: Kind, length: Option<usize>, rest: &str) -> (Kind, usize, bool) {
    (kind, length.unwrap_or(rest.len()), length.is_some())
}

/// A word, or the literal or quoted name that its first letters introduce.
fn word(rest: &str) -> (Kind, usize, bool) {
    let bytes = rest.as_bytes();
    match (bytes[0].to_ascii_lowercase(), bytes.get(1), bytes.get(2)) {
        (b'e', Some(b'\''), _) => with(Kind::Literal, quoted(rest, 2, '\'', true), rest),
        (b'b' | b'x' | b'n', Some(b'\''), _) => with(Kind::Literal, quoted(rest, 2, '\'', false), rest),
        (b'u', Some(b'&'), Some(b'\'')) => with(Kind::Literal, quoted(rest, 3, '\'', false), rest),
        (b'u', Some(b'&'), Some(b'"')) => with(Kind::QuotedName, quoted(rest, 3, '"', false), rest),
        _ => (Kind::Word, run(rest, |c| is_word(c) || c == '$'), true),
    }
}

fn run(rest: &str, belongs: impl Fn(char) -> bool) -> usize {
    rest.find(|c| !belongs(c)).unwrap_or(rest.len())
}

/// PostgreSQL's own list: other Unicode spaces are letters to it.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}')
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii()
}

/// Length of a quoted run that opens with `open` bytes; a doubled quote stays inside.
fn quoted(rest: &str, open: usize, quote: char, backslash: bool) -> Option<usize> {
    let mut chars = rest[open..].char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if backslash && c == '\\' {
            chars.next();
        } else if c == quote && chars.next_if(|(_, next)| *next == quote).is_none() {
            return Some(open + at + quote.len_utf8());
        }
    }
    None
}

fn block_comment(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes();
    let (mut at, mut depth) = (0, 0usize);
    while at + 1 < bytes.len() {
        match (bytes[at], bytes[at + 1]) {
            (b'/', b'*') => (at, depth) = (at + 2, depth + 1),
            (b'*', b'/') if depth == 1 => return Some(at + 2),
            (b'*', b'/') => (at, depth) = (at + 2, depth - 1),
            _ => at += 1,
        }
    }
    None
}

/// `$$` or `$tag$`; `$1` is a parameter.
fn dollar_tag(rest: &str) -> Option<&str> {
    let length = run(&rest[1..], is_word);
    let starts_with_digit = rest[1..].starts_with(|c: char| c.is_ascii_digit());
    (!starts_with_digit && rest[1 + length..].starts_with('$')).then(|| &rest[..length + 2])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kinds(sql: &str) -> Vec<(Kind, &str)> {
        tokens(sql).iter().filter(|t| t.kind != Kind::Space).map(|t| (t.kind, t.text(sql))).collect()
    }

    #[test]
    fn quotes_in_all_forms() {
        for literal in ["'a''b'", "E'a\\'b'", "$$;'$$", "$x$ $$ ; $x$", "U&'\\0041'", "x'1f'", "'\\'"] {
            assert_eq!(kinds(literal), [(Kind::Literal, literal)], "{literal}");
        }
        assert_eq!(kinds("\"a\"\"b\""), [(Kind::QuotedName, "\"a\"\"b\"")]);
        assert_eq!(kinds("$1"), [(Kind::Symbol('$'), "$"), (Kind::Word, "1")]);
        assert_eq!(kinds("a$b$c"), [(Kind::Word, "a$b$c")]);
    }

    #[test]
    fn comments_nest_and_what_is_open_says_so() {
        assert_eq!(kinds("/* a /* b */ c */x"), [(Kind::BlockComment, "/* a /* b */ c */"), (Kind::Word, "x")]);
        for open in ["/* a /* b */", "'a", "\"a", "E'\\'", "$q$ x $$"] {
            assert!(!tokens(open).last().is_some_and(|t| t.closed), "{open}");
        }
    }

    proptest! {
        #[test]
        fn tokens_cover_any_text_without_gaps(sql in "[ae'\"$/*\\-;\\\\ \n(ü&U1]{0,40}") {
            let mut at = 0;
            for token in tokens(&sql) {
                prop_assert_eq!(token.start, at);
                prop_assert!(token.end > token.start);
                at = token.end;
            }
            prop_assert_eq!(at, sql.len());
        }
    }
}
