//! PostgreSQL's lexical structure, enough of it to normalise a text without understanding it:
//! works on statements that no parser of ours can read, and on texts cut off in the middle.
//! A layer above [`lex`]: operators and numbers in one piece, blanks gone.

use crate::read::lex;

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

/// The partner of the parenthesis at `open`.
pub fn closing(list: &[Token], open: usize) -> Option<usize> {
    let mut depth = 0;
    list.iter().enumerate().skip(open).find_map(|(at, token)| {
        depth += i32::from(token.is_symbol("(")) - i32::from(token.is_symbol(")"));
        (depth == 0).then_some(at)
    })
}

/// All tokens; comments and white space are left out. Unterminated strings and comments end with the text.
pub fn tokens(sql: &str) -> Vec<Token<'_>> {
    let pieces = lex::tokens(sql);
    let mut out = Vec::new();
    let mut at = 0;
    while at < pieces.len() {
        let (kind, count) = classify(sql, &pieces[at..]);
        let (start, end) = (pieces[at].start, pieces[at + count - 1].end);
        if !pieces[at].is_blank() {
            out.extend(symbols(sql, kind, start, end));
        }
        at += count;
    }
    out
}

/// What the first pieces make together, and how many they are.
fn classify(sql: &str, pieces: &[lex::Token]) -> (Kind, usize) {
    let word = |n: usize| pieces.get(n).filter(|p| p.kind == lex::Kind::Word).map(|p| p.text(sql));
    let digits = |n: usize| word(n).is_some_and(|w| w.starts_with(|c: char| c.is_ascii_digit()));
    match pieces[0].kind {
        lex::Kind::Literal => (Kind::Text, 1),
        lex::Kind::QuotedName => (Kind::Quoted, 1),
        lex::Kind::Symbol('$') if digits(1) => (Kind::Parameter, 2),
        lex::Kind::Word if digits(0) => (Kind::Number, number(sql, pieces, 1)),
        lex::Kind::Symbol('.') if digits(1) => (Kind::Number, number(sql, pieces, 2)),
        lex::Kind::Word => (Kind::Word, 1),
        lex::Kind::Symbol(':') if matches!(pieces.get(1).map(|p| p.kind), Some(lex::Kind::Symbol(':'))) => (Kind::Symbol, 2),
        lex::Kind::Symbol(c) if is_operator(c) => {
            (Kind::Symbol, pieces.iter().take_while(|p| matches!(p.kind, lex::Kind::Symbol(c) if is_operator(c))).count())
        }
        _ => (Kind::Symbol, 1),
    }
}

/// Pieces of a number whose first `count` are known: `1.5e-3` is `1`, `.`, `5e`, `-`, `3`.
fn number(sql: &str, pieces: &[lex::Token], mut count: usize) -> usize {
    loop {
        let exponent = pieces[count - 1].text(sql).ends_with(['e', 'E']);
        let digits =
            |n: usize| pieces.get(n).is_some_and(|p| p.kind == lex::Kind::Word && p.text(sql).starts_with(|c: char| c.is_ascii_digit()));
        match pieces.get(count).map(|p| p.kind) {
            Some(lex::Kind::Symbol('.')) if digits(count + 1) => count += 2,
            Some(lex::Kind::Symbol('.')) => return count + 1,
            Some(lex::Kind::Symbol('+' | '-')) if exponent && digits(count + 1) => return count + 2,
            _ => return count,
        }
    }
}

fn is_operator(c: char) -> bool {
    "+-*/<>=~!@#%^&|`?".contains(c)
}

/// `=-1`: a trailing sign is a token of its own, unless the operator holds one of `~ ! @ # % ^ & | ?` or a backtick.
fn symbols(sql: &str, kind: Kind, start: usize, end: usize) -> impl Iterator<Item = Token<'_>> {
    let text = &sql[start..end];
    let free = kind == Kind::Symbol && text.len() > 1 && text.chars().all(|c| "+-*/<>=".contains(c));
    let cut = if free { text.trim_end_matches(['+', '-']).len().max(1) } else { text.len() };
    let token = move |from: usize, to: usize| Token { kind, text: &text[from..to], offset: start + from };
    let signs = (cut..text.len()).map(move |n| token(n, n + 1));
    std::iter::once(token(0, cut)).chain(signs)
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
