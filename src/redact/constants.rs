//! Constants in SQL text as PostgreSQL prints it back (and in bodies of SQL functions, as written):
//! each is found, its type told, and replaced by its image, or it stays for a reason that is noted.

use super::columns::{Columns, read_collation, read_name};
use super::kinds::{Domain, Type, Values as What, plain_name, read_type, unquote};
use super::place::Place;
use super::values::Images;
use crate::model::index_def::TableName;
use crate::model::text::quote_literal;
use crate::read::sql::tokens::{Kind, Token, tokens};
use std::collections::BTreeMap;

/// What may be known of a text before it is read.
#[derive(Debug, Default)]
pub(super) struct Scope {
    /// Relations by the names they have in the text.
    pub(super) tables: BTreeMap<String, TableName>,
    /// Type of a constant that says nothing itself: the column whose default it is.
    pub(super) target: Option<Type>,
}

impl Scope {
    /// Relations named in the text, by name and alias.
    pub(super) fn of(words: &[Token], columns: &Columns) -> Scope {
        let mut scope = Scope::default();
        for at in 0..words.len() {
            let before = at.checked_sub(1).map(|b| &words[b]);
            let Some((mut table, end)) = read_name(words, at).filter(|_| !before.is_some_and(|b| b.is_symbol("."))) else { continue };
            if table.schema.is_empty() {
                let introduced = before.is_some_and(|b| ["from", "join", "update", "into"].iter().any(|w| b.is_word(w)));
                let Some(found) = columns.named(&table.name).next().filter(|_| introduced) else { continue };
                table = found.clone();
            } else if !columns.knows(&table) {
                continue;
            }
            let alias = end + usize::from(words.get(end).is_some_and(|t| t.is_word("as")));
            if let Some(token) = words.get(alias).filter(|t| matches!(t.kind, Kind::Word | Kind::Quoted)) {
                scope.tables.entry(plain_name(token)).or_insert_with(|| table.clone());
            }
            scope.tables.insert(table.name.clone(), table);
        }
        scope
    }

    /// One table alone.
    pub(super) fn table(table: &TableName) -> Scope {
        Scope { tables: [(table.name.clone(), table.clone())].into(), target: None }
    }
}

/// Why a constant stays.
type Reason = String;

/// The text with its constants replaced, comments left out; the reasons of those that stay are added to `kept`.
pub(super) fn rewrite(sql: &str, scope: &Scope, columns: &Columns, images: &mut dyn Images, kept: &mut Vec<Reason>) -> String {
    let words = tokens(sql);
    let place = Place::new(&words);
    let reader = Reader { words: &words, place: &place, scope, columns };
    replace(sql, &words, |n| match reader.constant(n)? {
        Found::Replaced { first, text, kind } => match images.of(&kind, &text) {
            Some(image) => Some((first, written(&words, first, n, &text, &image))),
            None => {
                kept.push("constants that are no value of their type".into());
                None
            }
        },
        Found::Pattern(text) => Some((n, quote_literal(&masked(&text)))),
        Found::Regex => Some((n, "'.'".into())),
        Found::Kept(reason) => {
            kept.push(reason);
            None
        }
    })
}

/// Copies a text, its comments left out, and puts another piece for tokens that `change` names:
/// given a token, the first one that its piece stands for and the piece.
pub(super) fn replace(sql: &str, words: &[Token], mut change: impl FnMut(usize) -> Option<(usize, String)>) -> String {
    let mut pieces: Vec<(usize, usize, Option<String>)> = Vec::with_capacity(words.len());
    for (n, token) in words.iter().enumerate() {
        match change(n) {
            Some((first, text)) => {
                let from = words.get(first).map_or(token.offset, |t| t.offset);
                while pieces.last().is_some_and(|(start, _, _)| *start >= from) {
                    pieces.pop();
                }
                pieces.push((from, token.offset + token.text.len(), Some(text)));
            }
            None => pieces.push((token.offset, token.offset + token.text.len(), None)),
        }
    }
    let mut out = String::with_capacity(sql.len());
    let mut at = 0;
    for (start, end, text) in pieces {
        out.push_str(blank(&sql[at..start]));
        out.push_str(text.as_deref().unwrap_or(&sql[start..end]));
        at = end;
    }
    out.push_str(blank(&sql[at..]));
    out
}

/// What stands between two tokens: one space where it was a comment.
fn blank(text: &str) -> &str {
    if text.chars().all(|c| c.is_ascii_whitespace() || c == '\u{b}') { text } else { " " }
}

/// A constant and what becomes of it.
enum Found {
    /// It is replaced from token `first` on (a sign before it goes with it).
    Replaced { first: usize, text: String, kind: Type },
    /// LIKE.
    Pattern(String),
    /// A regular expression: any.
    Regex,
    /// It stays.
    Kept(Reason),
}

/// A pseudonym in the form the constant had.
fn written(words: &[Token], first: usize, n: usize, text: &str, image: &str) -> String {
    let bare = words[n].kind == Kind::Number && !image.starts_with('-');
    match words[n].kind {
        _ if text == image && first == n => words[n].text.to_owned(),
        Kind::Number if bare => image.to_owned(),
        Kind::Number if words.get(n + 1).is_some_and(|t| t.is_symbol("::")) => format!("'{image}'"),
        // A negative number is printed so.
        Kind::Number if image.contains('.') => format!("'{image}'::numeric"),
        Kind::Number => format!("'{image}'::integer"),
        _ => quote_literal(image),
    }
}

/// Letters and digits made others, what LIKE understands kept.
fn masked(pattern: &str) -> String {
    let mask = |c: char| {
        if c.is_alphabetic() {
            'x'
        } else if c.is_numeric() {
            '0'
        } else {
            c
        }
    };
    pattern.chars().map(mask).collect()
}

/// The text of a string constant; `None` for bit strings and `U&'…'`.
pub(super) fn decoded(token: &str) -> Option<String> {
    let token = token.strip_prefix(['n', 'N']).unwrap_or(token);
    if token.starts_with('\'') {
        return Some(unquote(token));
    }
    if let Some(behind) = token.strip_prefix('$') {
        let tag = &token[..behind.find('$')? + 2];
        return Some(token.strip_prefix(tag)?.strip_suffix(tag)?.to_owned());
    }
    let escaped = unquote(token.strip_prefix(['e', 'E'])?);
    let mut chars = escaped.chars();
    let mut out = String::with_capacity(escaped.len());
    while let Some(c) = chars.next() {
        out.push(match c {
            '\\' => match chars.next()? {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                'b' => '\u{8}',
                'f' => '\u{c}',
                // Numbers of characters: what we read would be another text.
                c if c.is_ascii_digit() || matches!(c, 'x' | 'u' | 'U') => return None,
                c => c,
            },
            c => c,
        });
    }
    Some(out)
}

struct Reader<'a> {
    words: &'a [Token<'a>],
    place: &'a Place<'a>,
    scope: &'a Scope,
    columns: &'a Columns,
}

impl Reader<'_> {
    /// What becomes of token `n`; `None` where it is no constant or belongs to the syntax.
    fn constant(&self, n: usize) -> Option<Found> {
        let token = self.words[n];
        if !matches!(token.kind, Kind::Text | Kind::Number) || self.place.is_syntax(n) {
            return None;
        }
        let text = if token.kind == Kind::Number { Some(token.text.to_owned()) } else { decoded(token.text) };
        let Some(text) = text else { return Some(Found::Kept("bit strings and escaped constants".into())) };
        if !text.chars().any(char::is_alphanumeric) {
            return None;
        }
        let first = if token.kind == Kind::Number { self.place.signed(n) } else { n };
        let text = if first < n { format!("-{text}") } else { text };
        let cast = self.cast(n);
        match self.place.operator(first, n) {
            Some(op) if op.is_json => return Some(Found::Kept("operands of operators such as -> and @>".into())),
            Some(op) if op.is_like => return Some(Found::Pattern(text)),
            Some(op) if op.is_regex => return Some(Found::Regex),
            Some(op) if op.is_arithmetic && token.kind == Kind::Number => return Some(Found::Kept("numbers in arithmetic".into())),
            Some(op) if op.is_comparison => return self.compared(first, text, cast, self.operand(&op)),
            _ => {}
        }
        if self.place.in_function(n) {
            return is_value_like(cast.as_ref()).then(|| Found::Kept("function arguments".into()));
        }
        if token.kind == Kind::Number && cast.is_none() && self.scope.target.is_none() && !self.place.is_result(first) {
            return Some(Found::Kept("numbers".into()));
        }
        self.compared(first, text, cast, None)
    }

    /// A constant whose type is its own, or that of the column it is compared with.
    fn compared(&self, first: usize, text: String, cast: Option<String>, operand: Option<Operand>) -> Option<Found> {
        if operand.as_ref().is_some_and(|o| o.kept) || !is_value_like(cast.as_ref()) {
            return None;
        }
        let number = self.words[first].kind != Kind::Text;
        let own = match &cast {
            Some(name) => Some(self.columns.types.read(name)),
            None if number => Some(self.columns.types.read(if text.contains(['.', 'e', 'E']) { "numeric" } else { wide_enough(&text) })),
            None => None,
        };
        let column = operand.map(|o| o.kind).or_else(|| self.scope.target.clone());
        match chosen(own, column, &text) {
            Some(kind) if kind.values == What::Foreign => {
                let name = cast.unwrap_or_default();
                Some(Found::Kept(format!("constants of type {}", if name.is_empty() { "the column" } else { &name })))
            }
            Some(kind) if kind.values == What::Plain => None,
            Some(kind) => Some(Found::Replaced { first, text, kind }),
            None => Some(Found::Kept("constants of unknown type".into())),
        }
    }

    /// The type noted behind a constant (`'x'::text`, `(100)::numeric`) or before it (`date 'x'`).
    fn cast(&self, n: usize) -> Option<String> {
        let is = |at: usize, s: &str| self.words.get(at).is_some_and(|t| t.is_symbol(s));
        let behind = if n > 0 && is(n - 1, "(") && is(n + 1, ")") && is(n + 2, "::") { n + 2 } else { n + 1 };
        if is(behind, "::") {
            let read = read_type(self.words, behind + 1)?;
            return Some(self.words[behind + 1..read.end].iter().map(|t| t.text).collect::<Vec<_>>().join(" ").replace(" . ", "."));
        }
        let before = self.words.get(n.checked_sub(1)?).filter(|t| t.kind == Kind::Word && self.words[n].kind == Kind::Text)?;
        let types =
            ["date", "timestamp", "timestamptz", "time", "interval", "uuid", "numeric", "bigint", "integer", "text", "inet", "jsonb"];
        types.iter().any(|w| before.is_word(w)).then(|| before.text.to_lowercase())
    }

    /// The column on the other side of an operator.
    fn operand(&self, op: &super::place::Operator) -> Option<Operand> {
        let mut first: Option<Operand> = None;
        let range = self.place.side(op);
        for at in range.clone() {
            let Some((table, kind)) = self.column(at) else { continue };
            let collate = (range.start..range.end).find(|n| self.words[*n].is_word("collate"));
            let kind = match collate.and_then(|n| read_collation(self.words, n + 1)) {
                Some(collation) if kind.is_text() => self.columns.types.read("text").collated(Some(collation)),
                _ => kind,
            };
            first.get_or_insert(Operand { kind, kept: self.columns.keeps(&table) });
        }
        first
    }

    /// The column that token `at` names.
    fn column(&self, at: usize) -> Option<(TableName, Type)> {
        let token = self.words[at];
        let is = |at: usize, s: &str| self.words.get(at).is_some_and(|t| t.is_symbol(s));
        if !matches!(token.kind, Kind::Word | Kind::Quoted) || is(at + 1, ".") || is(at + 1, "(") || (at > 0 && is(at - 1, "::")) {
            return None;
        }
        let name = plain_name(&token);
        let qualifier = at.checked_sub(2).filter(|_| is(at - 1, ".")).map(|q| plain_name(&self.words[q]));
        let known = qualifier.and_then(|q| self.scope.tables.get(&q));
        let mut tables: Box<dyn Iterator<Item = &TableName>> = match known {
            Some(table) => Box::new(std::iter::once(table)),
            None => Box::new(self.scope.tables.values()),
        };
        tables.find_map(|t| Some((t.clone(), self.columns.column(t, &name)?.clone())))
    }
}

/// What a constant is compared with.
struct Operand {
    kind: Type,
    /// The values of its table stay.
    kept: bool,
}

/// Names of objects are no values.
fn is_value_like(cast: Option<&String>) -> bool {
    !cast.is_some_and(|name| name.trim_start_matches("pg_catalog.").starts_with("reg"))
}

fn wide_enough(text: &str) -> &'static str {
    if text.parse::<i32>().is_ok() { "integer" } else { "bigint" }
}

/// The column's domain where the constant can be one of its values, else the constant's own: a
/// varchar, an enum or a number is compared after a cast, and its values are known under the
/// column's type.
fn chosen(own: Option<Type>, column: Option<Type>, text: &str) -> Option<Type> {
    let Some(own) = own else { return column };
    let family = |t: &Type| match t.domain() {
        Some(Domain::Text(_) | Domain::Enum(_)) => Some(1),
        Some(Domain::Number(n)) => match n {
            super::numbers::Notation::Integer | super::numbers::Notation::Decimal => n.read(text).map(|_| 2),
            _ => None,
        },
        _ => None,
    };
    match column {
        // A literal of an array is compared with elements or with arrays: its own shape counts.
        Some(column) if family(&column).is_some() && family(&column) == family_of(&own) => {
            Some(Type { array: own.array, range: own.range.or(column.range), ..column })
        }
        _ => Some(own),
    }
}

fn family_of(own: &Type) -> Option<i32> {
    match own.domain() {
        Some(Domain::Text(_) | Domain::Enum(_)) => Some(1),
        Some(Domain::Number(super::numbers::Notation::Integer | super::numbers::Notation::Decimal)) => Some(2),
        _ => None,
    }
}
