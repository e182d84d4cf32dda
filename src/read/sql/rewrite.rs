//! What pg_stat_statements makes of a text is not always a text that parses: `interval $1`,
//! `extract($1 from x)`. These rewrites bring it back without changing its meaning, on tokens,
//! never inside strings.

use super::tokens::{Kind, Token, tokens};

/// Types whose `type 'literal'` form becomes the unparsable `type $1`.
const TYPED: [&str; 10] = ["interval", "date", "timestamp", "timestamptz", "time", "timetz", "inet", "cidr", "uuid", "jsonb"];

/// A text that the server can parse with parameters: `interval $1` becomes `$1::interval`,
/// `extract($1 from x)` becomes `date_part($1, x)`. Everything else stays byte for byte.
pub fn explainable(sql: &str) -> String {
    let list = tokens(sql);
    let mut edits = Vec::new();
    for (n, pair) in list.windows(2).enumerate() {
        if pair[1].kind == Kind::Parameter && pair[0].kind == Kind::Word && TYPED.iter().any(|t| pair[0].is_word(t)) {
            edits.push((pair[0].offset, end(&pair[1]), format!("{}::{}", pair[1].text, pair[0].text)));
        }
        if pair[0].is_word("extract") && pair[1].is_symbol("(") {
            edits.extend(date_part(&list, n));
        }
    }
    apply(sql, edits)
}

/// `extract($1 from` at token `n`.
fn date_part(list: &[Token], n: usize) -> Vec<(usize, usize, String)> {
    match (list.get(n + 2), list.get(n + 3)) {
        (Some(field), Some(from)) if field.kind == Kind::Parameter && from.is_word("from") => {
            vec![(list[n].offset, end(&list[n]), "date_part".into()), (from.offset, end(from), ",".into())]
        }
        _ => Vec::new(),
    }
}

/// `FROM ONLY t` is `FROM t` to who looks for tables; sqlparser takes `only` for a table's name.
pub fn without_only(sql: &str) -> String {
    let list = tokens(sql);
    let mut edits = Vec::new();
    for three in list.windows(3) {
        let before = ["from", "join", "update", "using", "into"].iter().any(|w| three[0].is_word(w)) || three[0].is_symbol(",");
        if before && three[1].is_word("only") && matches!(three[2].kind, Kind::Word | Kind::Quoted) && !three[2].is_word("as") {
            edits.push((three[1].offset, end(&three[1]), String::new()));
        }
    }
    apply(sql, edits)
}

/// A text for sqlparser where the original failed: row-lock strengths, collations behind casts and
/// conflict targets (all without a say in the choice of indexes) are taken out.
pub fn parsable(sql: &str) -> String {
    let list = tokens(sql);
    let mut edits = Vec::new();
    for n in 0..list.len() {
        let word = |at: usize, w: &str| list.get(n + at).is_some_and(|t| t.is_word(w));
        if word(0, "for") && word(1, "no") && word(2, "key") && word(3, "update") {
            edits.push((list[n + 1].offset, end(&list[n + 3]), "update".into()));
        } else if word(0, "for") && word(1, "key") && word(2, "share") {
            edits.push((list[n + 1].offset, end(&list[n + 2]), "share".into()));
        } else if word(0, "collate") && list.get(n + 1).is_some_and(|t| t.kind != Kind::Symbol) {
            edits.push((list[n].offset, end(&list[n + 1]), String::new()));
        } else if word(0, "on") && word(1, "conflict") && list.get(n + 2).is_some_and(|t| t.is_symbol("(")) {
            if let Some(until) = (n + 2..list.len()).find(|at| list[*at].is_word("do")) {
                edits.push((list[n + 2].offset, list[until].offset, String::new()));
            }
        } else if word(0, "operator") && list.get(n + 1).is_some_and(|t| t.is_symbol("(")) {
            edits.extend(plain_operator(&list, n));
        } else if word(0, "isnull") || word(0, "notnull") {
            edits.push((list[n].offset, end(&list[n]), if word(0, "isnull") { "is null".into() } else { "is not null".into() }));
        }
    }
    apply(&explainable(&apply(sql, edits)), Vec::new())
}

/// `OPERATOR(pg_catalog.=)` is `=`.
fn plain_operator(list: &[Token], n: usize) -> Option<(usize, usize, String)> {
    let close = (n + 2..(n + 6).min(list.len())).find(|at| list[*at].is_symbol(")"))?;
    let operator = list[close - 1];
    (operator.kind == Kind::Symbol).then(|| (list[n].offset, end(&list[close]), operator.text.to_owned()))
}

fn end(token: &Token) -> usize {
    token.offset + token.text.len()
}

fn apply(sql: &str, mut edits: Vec<(usize, usize, String)>) -> String {
    edits.sort_by_key(|e| e.0);
    let (mut out, mut at) = (String::with_capacity(sql.len()), 0);
    for (from, to, text) in edits {
        if from < at {
            continue;
        }
        out.push_str(&sql[at..from]);
        out.push_str(&text);
        at = to;
    }
    out.push_str(&sql[at..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalised_literals_become_casts() {
        assert_eq!(explainable("select now() - interval $1, 'interval $2'"), "select now() - $1::interval, 'interval $2'");
        assert_eq!(explainable("select extract($1 from a.b), extract(year from c)"), "select date_part($1 , a.b), extract(year from c)");
    }

    #[test]
    fn only_is_no_table() {
        assert_eq!(without_only("select * from only a, only \"b\" join only c on true"), "select * from  a,  \"b\" join  c on true");
        let kept = "select a, \"only\" from t fetch first 3 rows only";
        assert_eq!(without_only(kept), kept);
    }

    #[test]
    fn what_sqlparser_cannot_read_is_taken_out() {
        assert_eq!(parsable("select 1 from t for no key update"), "select 1 from t for update");
        assert_eq!(
            parsable("insert into t values (1) on conflict (lower(a)) where b do nothing"),
            "insert into t values (1) on conflict do nothing"
        );
        assert_eq!(parsable("select a OPERATOR(pg_catalog.=) b"), "select a = b");
    }
}
