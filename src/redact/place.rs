//! Where a constant stands: in which parentheses, beside which operator.

use super::kinds::read_type;
use crate::read::sql::tokens::{Kind, Token};
use std::ops::Range;

/// Words before `(` that are no function.
const NO_FUNCTION: [&str; 39] = [
    "and", "or", "not", "in", "any", "all", "some", "values", "when", "then", "else", "as", "where", "on", "check", "select", "from", "by",
    "default", "having", "case", "include", "key", "coalesce", "nullif", "greatest", "least", "row", "array", "over", "filter", "distinct",
    "exists", "unique", "return", "to", "using", "union", "join",
];
/// Words that end the operand of a comparison.
const BOUNDS: [&str; 19] = [
    "and", "or", "where", "when", "check", "on", "not", "then", "else", "select", "having", "if", "return", "from", "case", "end", "set",
    "limit", "order",
];
/// Words after which a number is no value.
const AMOUNTS: [&str; 11] = ["limit", "offset", "first", "next", "cost", "rows", "statistics", "by", "modulus", "remainder", "last"];
/// Operators whose operand is a path, a document or a set.
const JSON: [&str; 16] = ["->", "->>", "#>", "#>>", "?", "?|", "?&", "@>", "<@", "@?", "@@", "@@@", "#-", "&&", "<->", "<%"];

/// Parentheses of a text.
#[derive(Debug)]
pub(super) struct Place<'a> {
    words: &'a [Token<'a>],
    /// The bracket that each token stands in.
    opener: Vec<Option<usize>>,
    /// Its end, by its beginning.
    closer: Vec<usize>,
    /// Tokens of type names, typmods and options.
    syntax: Vec<bool>,
}

/// An operator beside a constant, and where its other side begins.
#[derive(Debug, Clone, Default)]
pub(super) struct Operator {
    /// Token of the operator.
    at: usize,
    /// The other side stands left of it.
    left: bool,
    pub(super) is_comparison: bool,
    pub(super) is_json: bool,
    pub(super) is_like: bool,
    pub(super) is_regex: bool,
    pub(super) is_arithmetic: bool,
}

impl<'a> Place<'a> {
    pub(super) fn new(words: &'a [Token<'a>]) -> Place<'a> {
        let mut place = Place {
            words,
            opener: Vec::with_capacity(words.len()),
            closer: vec![words.len(); words.len()],
            syntax: vec![false; words.len()],
        };
        let mut open: Vec<usize> = Vec::new();
        for (at, token) in words.iter().enumerate() {
            if (token.is_symbol(")") || token.is_symbol("]"))
                && let Some(start) = open.pop()
            {
                place.closer[start] = at;
            }
            place.opener.push(open.last().copied());
            if token.is_symbol("(") || token.is_symbol("[") {
                open.push(at);
            }
        }
        place.mark_syntax();
        place
    }

    fn mark_syntax(&mut self) {
        for at in 0..self.words.len() {
            if self.words[at].is_symbol("::")
                && let Some(name) = read_type(self.words, at + 1)
            {
                self.syntax[at + 1..name.end].fill(true);
            }
            // WITH (fillfactor='70'), numeric(10,2) in a column list.
            let options = at > 0
                && self.words[at].is_symbol("(")
                && ["with", "numeric", "varying", "character", "varchar", "char", "bit", "timestamp", "time", "interval", "decimal"]
                    .iter()
                    .any(|w| self.word(at - 1, w));
            if options {
                let end = self.closer[at].min(self.words.len());
                let plain = self.words[at..end].iter().all(|t| !t.is_word("select"));
                if plain {
                    self.syntax[at..end].fill(true);
                }
            }
        }
    }

    fn word(&self, at: usize, word: &str) -> bool {
        self.words.get(at).is_some_and(|t| t.is_word(word))
    }

    fn any_word(&self, at: usize, words: &[&str]) -> bool {
        words.iter().any(|w| self.word(at, w))
    }

    fn symbol(&self, at: usize, symbol: &str) -> bool {
        self.words.get(at).is_some_and(|t| t.is_symbol(symbol))
    }

    /// True for numbers and texts that are no values: LIMIT 5, typmods, options.
    pub(super) fn is_syntax(&self, n: usize) -> bool {
        self.syntax[n] || (self.words[n].kind == Kind::Number && n > 0 && self.any_word(n - 1, &AMOUNTS))
    }

    /// Where a number's sign stands, or the number itself.
    pub(super) fn signed(&self, n: usize) -> usize {
        let Some(sign) = n.checked_sub(1).filter(|s| self.symbol(*s, "-")) else { return n };
        let starts = match sign.checked_sub(1).map(|b| self.words[b]) {
            None => true,
            Some(before) if before.kind == Kind::Symbol => !before.is_symbol(")") && !before.is_symbol("]"),
            Some(_) => self.any_word(sign - 1, &BOUNDS) || self.any_word(sign - 1, &["between", "default"]),
        };
        if starts { sign } else { n }
    }

    /// True inside a function's parentheses, with nothing but groups between.
    pub(super) fn in_function(&self, n: usize) -> bool {
        let mut at = n;
        while let Some(open) = self.opener[at] {
            if self.is_call(open) {
                return true;
            }
            at = open;
        }
        false
    }

    fn is_call(&self, open: usize) -> bool {
        let Some(name) = open.checked_sub(1) else { return false };
        let named =
            self.symbol(open, "(") && matches!(self.words[name].kind, Kind::Word | Kind::Quoted) && !self.any_word(name, &NO_FUNCTION);
        if !named || self.syntax[name] {
            return false;
        }
        // What is declared is not called: FUNCTION s.f(…), TABLE s.t (…), USING btree (…).
        let mut start = name;
        while start >= 2 && self.symbol(start - 1, ".") {
            start -= 2;
        }
        let declared = ["function", "procedure", "table", "using", "type", "statistics", "range", "list", "view", "into"];
        !start.checked_sub(1).is_some_and(|before| self.any_word(before, &declared)) && !self.any_word(name, &declared)
    }

    /// True for a constant that is a result or a default: behind THEN, ELSE, DEFAULT, or in a list of values.
    pub(super) fn is_result(&self, first: usize) -> bool {
        let before = first.checked_sub(1);
        before.is_some_and(|b| self.any_word(b, &["then", "else", "when", "default"]))
            || self.opener[first].is_some_and(|o| self.symbol(o, "["))
    }

    /// The operator beside the tokens `first` to `last`, or beside the list that they stand in.
    pub(super) fn operator(&self, first: usize, last: usize) -> Option<Operator> {
        let (mut first, mut last) = (first, last);
        for _ in 0..8 {
            last = self.skip_cast(last);
            // In parentheses of its own: `(100)::numeric`.
            while first > 0 && self.symbol(first - 1, "(") && self.symbol(last + 1, ")") && !self.is_call(first - 1) {
                (first, last) = (first - 1, self.skip_cast(last + 1));
            }
            if let Some(operator) = self.beside(first, last) {
                return Some(operator);
            }
            let open = self.opener[first]?;
            if self.is_call(open) {
                return None;
            }
            last = self.closer[open];
            first = open;
            while first > 0 && self.any_word(first - 1, &["array", "any", "all", "some", "row", "coalesce"]) {
                first -= 1;
            }
            if first > 0 && self.word(first - 1, "in") {
                let at = first - 1;
                return Some(Operator { at, left: true, is_comparison: true, ..Operator::default() });
            }
            // Only a list's element belongs to what stands beside the list.
            if !self.is_plain_list(open) {
                return None;
            }
        }
        None
    }

    /// `(1, 2)`, `(((x)))`: parentheses that hold constants and brackets only.
    fn is_plain_list(&self, open: usize) -> bool {
        let inner = &self.words[open + 1..self.closer[open].min(self.words.len()).max(open + 1)];
        !inner.iter().any(|t| ["select", "case", "and", "or", "when"].iter().any(|w| t.is_word(w)))
            && !inner.iter().any(|t| t.kind == Kind::Symbol && classify(t.text).is_comparison)
    }

    fn skip_cast(&self, mut last: usize) -> usize {
        while self.symbol(last + 1, "::") {
            match read_type(self.words, last + 2) {
                Some(name) => last = name.end - 1,
                None => break,
            }
        }
        last
    }

    fn beside(&self, first: usize, last: usize) -> Option<Operator> {
        if let Some(before) = first.checked_sub(1) {
            let found = self.classified(before);
            let found = Operator { at: before, left: true, ..found };
            if found.is_comparison || found.is_json || found.is_like || found.is_regex || found.is_arithmetic {
                return Some(found);
            }
        }
        let behind = last + 1;
        let found = self.words.get(behind).filter(|t| t.kind == Kind::Symbol).map(|t| classify(t.text)).unwrap_or_default();
        let any = found.is_comparison || found.is_json || found.is_like || found.is_regex || found.is_arithmetic;
        any.then_some(Operator { at: behind, left: false, ..found })
    }

    /// An operator's sign, or one of the words that stand for one.
    fn classified(&self, at: usize) -> Operator {
        let token = self.words[at];
        if token.kind == Kind::Symbol {
            return classify(token.text);
        }
        let comparison = self.word(at, "between")
            || (self.word(at, "from") && at > 0 && self.word(at - 1, "distinct"))
            || (self.word(at, "and") && self.is_between(at));
        Operator {
            is_comparison: comparison,
            is_like: self.any_word(at, &["like", "ilike", "to"]) && !self.word(at, "to"),
            ..Operator::default()
        }
    }

    /// True for the AND of `x BETWEEN 1 AND 2`.
    fn is_between(&self, and: usize) -> bool {
        let words = (0..and).rev().filter(|n| self.opener[*n] == self.opener[and]);
        words.take(8).find(|n| self.any_word(*n, &["between", "and", "or", "where"])).is_some_and(|n| self.word(n, "between"))
    }

    /// The tokens of the operand on the operator's other side.
    pub(super) fn side(&self, op: &Operator) -> Range<usize> {
        let frame = self.opener[op.at];
        let is_bound = |n: usize| self.opener[n] == frame && (self.symbol(n, ",") || self.any_word(n, &BOUNDS) || self.symbol(n, ";"));
        if op.left {
            let mut start = op.at;
            // BETWEEN's second bound has the first's operand.
            while start > frame.map_or(0, |f| f + 1)
                && (!is_bound(start - 1) || (self.word(start - 1, "and") && self.is_between(start - 1)))
            {
                start -= 1;
            }
            return start..op.at;
        }
        let limit = frame.map_or(self.words.len(), |f| self.closer[f]).min(self.words.len());
        let mut end = op.at + 1;
        while end < limit && !is_bound(end) {
            end += 1;
        }
        op.at + 1..end
    }
}

fn classify(sign: &str) -> Operator {
    Operator {
        is_comparison: matches!(sign, "=" | "<>" | "!=" | "<" | "<=" | ">" | ">=" | "~<~" | "~<=~" | "~>~" | "~>=~" | "=~"),
        is_json: JSON.contains(&sign),
        is_like: matches!(sign, "~~" | "!~~" | "~~*" | "!~~*" | "^@"),
        is_regex: matches!(sign, "~" | "!~" | "~*" | "!~*"),
        is_arithmetic: matches!(sign, "+" | "-" | "*" | "/" | "%" | "^" | "&" | "|" | "#" | "<<" | ">>"),
        ..Operator::default()
    }
}
