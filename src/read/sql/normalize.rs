//! One text for all executions of a query: literals, IN-list lengths, comments, white space and
//! keyword case removed. Ours, so that it agrees between server majors, .sql files and logs.

use super::tokens::{Kind, Token, tokens};
use xxhash_rust::xxh3::xxh3_64;

/// A query's normalised text and its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Normalized {
    /// Text without literals; constants are numbered `$1…` in order.
    pub text: String,
    /// 16 hex digits, the same for every literal, list length, comment and keyword case.
    pub fingerprint: String,
    /// The constants in order, as written; parameters are none.
    pub constants: Vec<String>,
}

/// Words after which NULL, TRUE or FALSE is part of the syntax, not a value.
const TEST_WORDS: [&str; 3] = ["is", "not", "from"];

/// Reserved words of any major, in order: as names they live only in quotes, and `"user"` is no `user`.
const RESERVED: [&str; 101] = [
    "all",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "authorization",
    "binary",
    "both",
    "case",
    "cast",
    "check",
    "collate",
    "collation",
    "column",
    "concurrently",
    "constraint",
    "create",
    "cross",
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "default",
    "deferrable",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "false",
    "fetch",
    "for",
    "foreign",
    "freeze",
    "from",
    "full",
    "grant",
    "group",
    "having",
    "ilike",
    "in",
    "initially",
    "inner",
    "intersect",
    "into",
    "is",
    "isnull",
    "join",
    "lateral",
    "leading",
    "left",
    "like",
    "limit",
    "localtime",
    "localtimestamp",
    "natural",
    "not",
    "notnull",
    "null",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "outer",
    "overlaps",
    "placing",
    "primary",
    "references",
    "returning",
    "right",
    "select",
    "session_user",
    "similar",
    "some",
    "symmetric",
    "system_user",
    "table",
    "tablesample",
    "then",
    "to",
    "trailing",
    "true",
    "union",
    "unique",
    "user",
    "using",
    "variadic",
    "verbose",
    "when",
    "where",
    "window",
    "with",
];

/// Normalises one statement. Works on any text, also on one that does not parse.
pub fn normalize(sql: &str) -> Normalized {
    let (masked, constants) = mask(&tokens(sql));
    let masked = collapse_lists(masked);
    let canonical = masked.join(" ");
    Normalized { text: display(&masked), fingerprint: format!("{:016x}", xxh3_64(canonical.as_bytes())), constants }
}

/// Every constant and parameter becomes `?`; words are lower-cased; a trailing `;` goes. Beside it the constants.
fn mask(tokens: &[Token]) -> (Vec<String>, Vec<String>) {
    let mut out: Vec<String> = Vec::with_capacity(tokens.len());
    let mut constants = Vec::new();
    for (n, token) in tokens.iter().enumerate() {
        let before = n.checked_sub(1).and_then(|n| tokens.get(n));
        match token.kind {
            Kind::Parameter => out.push("?".into()),
            Kind::Text => {
                constants.push(token.text.to_owned());
                out.push("?".into());
            }
            // ORDER BY 2 and GROUP BY 1 are positions, not constants.
            Kind::Number if before.is_some_and(|t| t.is_word("by")) => out.push(token.text.into()),
            Kind::Number => {
                let sign = if signs_a_number(tokens, n) { out.pop() } else { None };
                constants.push(sign.unwrap_or_default() + token.text);
                out.push("?".into());
            }
            Kind::Word if is_value_word(token, before) => {
                constants.push(token.text.to_lowercase());
                out.push("?".into());
            }
            Kind::Word => out.push(token.text.to_lowercase()),
            Kind::Quoted => out.push(plain_if_simple(token.text)),
            Kind::Symbol => out.push(token.text.into()),
        }
    }
    while out.last().is_some_and(|t| t == ";") {
        out.pop();
    }
    (out, constants)
}

/// `"users"` is the same identifier as `users`.
fn plain_if_simple(quoted: &str) -> String {
    let inner = &quoted[1..quoted.len().saturating_sub(1).max(1)];
    let simple = !inner.is_empty()
        && inner.chars().all(|c| c == '_' || c.is_ascii_lowercase() || c.is_ascii_digit())
        && !inner.starts_with(|c: char| c.is_ascii_digit())
        && RESERVED.binary_search(&inner).is_err();
    if simple { inner.to_owned() } else { quoted.to_owned() }
}

fn is_value_word(token: &Token, before: Option<&Token>) -> bool {
    ["true", "false", "null"].iter().any(|w| token.is_word(w)) && !before.is_some_and(|b| TEST_WORDS.iter().any(|w| b.is_word(w)))
}

/// True when the token before a number is a sign that belongs to it: `= -1`, `(-1`, `, -1`.
fn signs_a_number(tokens: &[Token], n: usize) -> bool {
    let Some(sign) = n.checked_sub(1).map(|s| &tokens[s]) else { return false };
    if !sign.is_symbol("-") {
        return false;
    }
    match n.checked_sub(2).map(|p| &tokens[p]) {
        None => true,
        Some(t) if t.kind == Kind::Symbol => !matches!(t.text, ")" | "]"),
        Some(t) => {
            t.kind == Kind::Word
                && ["limit", "offset", "and", "or", "between", "then", "else", "select", "return", "by"].iter().any(|w| t.is_word(w))
        }
    }
}

/// `( ? , ? , ? )` becomes `( ? )`, `[ ? , ? ]` likewise, and repeated VALUES rows become one.
fn collapse_lists(words: Vec<String>) -> Vec<String> {
    let mut out: Vec<String> = Vec::with_capacity(words.len());
    for word in words {
        out.push(word);
        collapse_tail(&mut out);
    }
    out
}

fn collapse_tail(out: &mut Vec<String>) {
    let n = out.len();
    let is = |at: usize, s: &str| out.get(at).is_some_and(|w| w == s);
    // `[` or `IN (` / `ANY (` … a list of constants.
    if n >= 4 && is(n - 1, "?") && is(n - 2, ",") && is(n - 3, "?") {
        let opens = n - 4;
        let in_list = is(opens, "[") || (is(opens, "(") && opens > 0 && is(opens - 1, "in"));
        if in_list {
            out.truncate(n - 2);
        }
        return;
    }
    if n > 0 && is(n - 1, ")") {
        collapse_rows(out);
    }
}

/// `values ( … ) , ( … )` with two equal rows keeps one.
fn collapse_rows(out: &mut Vec<String>) {
    let Some(open) = matching_open(out, out.len() - 1) else { return };
    let length = out.len() - open;
    if open < length + 1 || out[open - 1] != "," {
        return;
    }
    let first = open - 1 - length;
    let after_values = first > 0 && out[first - 1] == "values";
    if after_values && out[first..open - 1] == out[open..] {
        out.truncate(open - 1);
    }
}

fn matching_open(words: &[String], close: usize) -> Option<usize> {
    let mut depth = 0usize;
    for at in (0..=close).rev() {
        match words[at].as_str() {
            ")" => depth += 1,
            "(" => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// Readable again: constants numbered, no spaces inside names and calls.
fn display(words: &[String]) -> String {
    let mut text = String::new();
    let mut constants = 0;
    let mut before = "";
    for word in words {
        if !text.is_empty() && !joins(before, word) {
            text.push(' ');
        }
        if word == "?" {
            constants += 1;
            text.push_str(&format!("${constants}"));
        } else {
            text.push_str(word);
        }
        before = word;
    }
    text
}

/// True when no space stands between two tokens.
fn joins(before: &str, word: &str) -> bool {
    const SPACED: [&str; 22] = [
        "in", "and", "or", "from", "where", "values", "on", "any", "all", "not", "as", "by", "exists", "over", "using", "select", "join",
        "when", "then", "else", "union", "with",
    ];
    let call =
        word == "(" && before.chars().last().is_some_and(|c| c == '_' || c == '"' || c.is_alphanumeric()) && !SPACED.contains(&before);
    call || matches!(word, "," | "." | ")" | "::" | "[" | "]") || matches!(before, "." | "(" | "::" | "[")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(a: &str, b: &str) {
        assert_eq!(normalize(a).fingerprint, normalize(b).fingerprint, "{} | {}", normalize(a).text, normalize(b).text);
    }

    #[test]
    fn literals_lists_comments_and_case_do_not_count() {
        same("select * from t where a = 5", "SELECT * FROM \"t\" -- x\n WHERE a=$1;");
        same("select 1 from t where a in (1,2,3)", "select $1 from t where a in ($2 /*, ... */)");
        same("select a from t where b = any(array[1,2])", "select a from t where b = any(array[$1])");
        same("insert into t values (1,'a'),(2,'b'),(3,'c')", "insert into t values ($1,$2)");
        same("select a from t where b = -1 and c > -2.5e-3", "select a from t where b = $1 and c > $2");
        same("select a from t where d = true and e is not null", "select a from t where d = $1 and e is not null");
    }

    #[test]
    fn what_differs_stays_different() {
        let differ = |a: &str, b: &str| assert_ne!(normalize(a).fingerprint, normalize(b).fingerprint);
        differ("select a from t order by 1", "select a from t order by 2");
        differ("select a from t where b is null", "select a from t where b is true");
        differ("select a from \"T\"", "select a from t");
        differ("select a - 1 from t", "select a, 1 from t");
        differ("select f(1, 2)", "select f(1)");
    }

    #[test]
    fn reserved_words_stay_quoted_names() {
        let n = normalize("select \"order\", \"name\" from \"table\" where \"user\" = 'x'");
        assert_eq!(n.text, "select \"order\", name from \"table\" where \"user\" = $1");
        assert_ne!(n.fingerprint, normalize("select \"order\", \"name\" from \"table\" where user = 'x'").fingerprint);
        assert!(RESERVED.is_sorted());
    }

    #[test]
    fn the_text_reads_well_and_holds_no_literal() {
        let n = normalize("SELECT u.id, Count(*) FROM users u WHERE lower(u.handle) = 'secret' AND u.x IN (1,2) LIMIT 3");
        assert_eq!(n.text, "select u.id, count(*) from users u where lower(u.handle) = $1 and u.x in ($2) limit $3");
    }
}
