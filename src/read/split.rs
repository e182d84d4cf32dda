//! A file of SQL to its statements, as `psql -f` would send them.

use super::lex::{Kind, Token, tokens_from};

/// One statement of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The statement without its `;`. A psql command (`\set …`) is a piece of its own.
    pub text: String,
    /// Where `text` starts in the file, bytes.
    pub offset: usize,
    /// The comments before it, and one behind its `;` on the same line: their text without the marks.
    pub comments: Vec<String>,
    /// False when a quote, comment or parenthesis is still open at the end of the file.
    pub complete: bool,
}

impl Piece {
    /// The line `text` starts on, from 1.
    pub fn line(&self, sql: &str) -> usize {
        1 + sql[..self.offset].matches('\n').count()
    }
}

/// Splits at every `;` that ends a statement: not in quotes, comments, parentheses or the body of
/// a `BEGIN ATOMIC … END` function. Empty statements are left out. Comments inside a statement stay in it.
pub fn statements(sql: &str) -> Vec<Piece> {
    let mut splitter = Splitter { sql, ..Splitter::default() };
    let mut tokens = tokens_from(sql, 0);
    // A psql command and COPY's data are no SQL: a quote in them opens nothing, so reading starts anew behind them.
    while let Some(token) = tokens.next() {
        if let Some(end) = splitter.psql_command(&token).or_else(|| splitter.take(&token)) {
            tokens = tokens_from(sql, end);
        }
    }
    splitter.finish(false);
    splitter.pieces
}

#[derive(Default)]
struct Splitter<'a> {
    sql: &'a str,
    pieces: Vec<Piece>,
    comments: Vec<String>,
    /// First byte and byte behind the last token of the statement under way.
    span: Option<(usize, usize)>,
    parens: usize,
    /// Open BEGIN ATOMIC and CASE blocks of a routine's body.
    blocks: usize,
    previous: String,
    open: bool,
    /// True until the line on which a statement ended is over.
    same_line: bool,
}

impl Splitter<'_> {
    /// A backslash where a statement would start: psql reads the line itself.
    fn psql_command(&mut self, token: &Token) -> Option<usize> {
        if token.kind != Kind::Symbol('\\') || self.span.is_some() {
            return None;
        }
        let end = self.sql[token.start..].find('\n').map_or(self.sql.len(), |at| token.start + at);
        self.span = Some((token.start, end));
        self.finish(true);
        Some(end)
    }

    /// Takes one token; where data follow instead of SQL, the byte behind them.
    fn take(&mut self, token: &Token) -> Option<usize> {
        let text = token.text(self.sql);
        match token.kind {
            Kind::Space => self.same_line &= !text.contains('\n'),
            Kind::LineComment | Kind::BlockComment if self.span.is_none() => self.comment(token, text),
            Kind::LineComment | Kind::BlockComment => self.open |= !token.closed,
            Kind::Symbol(';') if self.parens == 0 && self.blocks == 0 => {
                let copies = self.span.is_some_and(|(start, end)| reads_data(&self.sql[start..end]));
                self.finish(true);
                return copies.then(|| end_of_data(self.sql, token.end));
            }
            kind => {
                self.open |= !token.closed;
                self.span = Some((self.span.map_or(token.start, |s| s.0), token.end));
                self.nest(kind, text);
            }
        }
        None
    }

    fn nest(&mut self, kind: Kind, text: &str) {
        match kind {
            Kind::Symbol('(') => self.parens += 1,
            Kind::Symbol(')') => self.parens = self.parens.saturating_sub(1),
            Kind::Word => {
                let word = text.to_ascii_lowercase();
                match word.as_str() {
                    "atomic" if self.previous == "begin" => self.blocks += 1,
                    "case" if self.blocks > 0 => self.blocks += 1,
                    "end" => self.blocks = self.blocks.saturating_sub(1),
                    _ => {}
                }
                self.previous = word;
            }
            _ => self.previous.clear(),
        }
    }

    fn comment(&mut self, token: &Token, text: &str) {
        let inner = match token.kind {
            Kind::LineComment => &text[2..],
            _ => text[2..].strip_suffix("*/").unwrap_or(&text[2..]),
        };
        let inner = inner.trim().to_owned();
        match self.pieces.last_mut().filter(|_| self.same_line && token.kind == Kind::LineComment) {
            Some(piece) => piece.comments.push(inner),
            None => self.comments.push(inner),
        }
    }

    fn finish(&mut self, ended: bool) {
        let comments = std::mem::take(&mut self.comments);
        if let Some((start, end)) = self.span.take() {
            let complete = !self.open && (ended || (self.parens == 0 && self.blocks == 0));
            let text = self.sql[start..end].to_owned();
            self.pieces.push(Piece { text, offset: start, comments, complete });
        }
        (self.parens, self.blocks, self.open, self.same_line) = (0, 0, false, ended);
        self.previous.clear();
    }
}

/// `COPY … FROM STDIN`: psql sends the lines that follow as data.
fn reads_data(statement: &str) -> bool {
    let word = |t: Token| (t.kind == Kind::Word).then(|| t.text(statement).to_ascii_lowercase());
    let words: Vec<String> = tokens_from(statement, 0).filter_map(word).collect();
    words.first().is_some_and(|first| first == "copy") && words.windows(2).any(|pair| pair == ["from", "stdin"])
}

/// Behind the line `\.`, or the end of the text.
fn end_of_data(sql: &str, from: usize) -> usize {
    let mut at = from;
    for line in sql[from..].split_inclusive('\n') {
        at += line.len();
        if line.trim_end() == "\\." {
            break;
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(sql: &str) -> Vec<String> {
        statements(sql).into_iter().map(|p| p.text).collect()
    }

    #[test]
    fn a_semicolon_splits_only_where_psql_would() {
        assert_eq!(texts("select 1; select ';' ;; select $$;$$"), ["select 1", "select ';'", "select $$;$$"]);
        assert_eq!(texts("select \"x;\" /* ; */ , 2; -- ;\n"), ["select \"x;\" /* ; */ , 2"]);
        assert_eq!(texts("create rule r as on insert to t do (select 1; select 2); x").len(), 2);
        let body = "create function f() returns int begin atomic select case when true then 1 end; select 2; end";
        assert_eq!(texts(&format!("{body}; select 3")), [body, "select 3"]);
        assert_eq!(texts("begin; select 1; end; select 2"), ["begin", "select 1", "end", "select 2"]);
    }

    #[test]
    fn comments_go_to_their_statement() {
        let sql = "-- weight: 3\n/* b */ select 1; -- same line\n-- next\nselect 2";
        let pieces = statements(sql);
        assert_eq!(pieces[0].comments, ["weight: 3", "b", "same line"]);
        assert_eq!(pieces[1].comments, ["next"]);
        assert_eq!((pieces[1].line(sql), &sql[pieces[1].offset..]), (4, "select 2"));
    }

    #[test]
    fn psql_commands_stand_alone_and_open_ends_show() {
        assert_eq!(texts("\\set x 1\nselect 1;\n\\! rm x; y\n"), ["\\set x 1", "select 1", "\\! rm x; y"]);
        for open in ["select 'a", "select (1", "select 1 /* x", "select \"a"] {
            assert!(!statements(open)[0].complete, "{open}");
        }
        assert!(statements("select 1")[0].complete);
    }

    #[test]
    fn data_and_psql_commands_are_no_sql() {
        let dump = "copy public.t (a, b) from stdin;\n1\tit's; x\n\\.\n\n\\echo it's\nselect 2;\nCOPY t FROM STDIN;\n3;\n";
        assert_eq!(texts(dump), ["copy public.t (a, b) from stdin", "\\echo it's", "select 2", "COPY t FROM STDIN"]);
        assert_eq!(texts("copy t from '/x'; select 1"), ["copy t from '/x'", "select 1"]);
    }

    proptest! {
        #[test]
        fn any_text_splits_into_slices_of_itself(sql in "[ae'\"$/*\\-;\\\\ \n()ü]{0,60}") {
            for piece in statements(&sql) {
                prop_assert!(sql[piece.offset..].starts_with(&piece.text));
                prop_assert!(!piece.text.trim().is_empty());
            }
        }
    }
}
