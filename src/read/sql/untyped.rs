//! Constants that stood in VALUES, in `generate_series(…)` or in a sum had a type; the `$n` that pg_stat_statements made of
//! them have none, and the server then guesses wrongly or not at all. Here they are numbers.

use super::tokens::{Kind, Token, closing, tokens};

/// Most texts offered.
const MOST: usize = 8;

/// The text with parameters made numbers: those of each place alone, then of all places.
pub fn as_numbers(sql: &str) -> Vec<String> {
    let list = tokens(sql);
    let mut places = columns_of_values(&list);
    places.extend(arguments(&list));
    places.extend(sums(&list));
    places.retain(|place| !place.is_empty());
    let all: Vec<usize> = places.iter().flatten().copied().collect();
    if places.len() > 1 {
        places.truncate(MOST - 1);
        places.push(all);
    }
    places.iter().map(|place| cast(sql, &list, place)).collect()
}

/// By column of a VALUES list: its parameters, where it holds nothing else.
fn columns_of_values(list: &[Token]) -> Vec<Vec<usize>> {
    let mut places = Vec::new();
    for values in (0..list.len()).filter(|at| list[*at].is_word("values")) {
        let mut columns: Vec<Option<Vec<usize>>> = Vec::new();
        let mut at = values + 1;
        while list.get(at).is_some_and(|t| t.is_symbol("(")) {
            let Some(close) = closing(list, at) else { break };
            for (n, cell) in cells(list, at, close).into_iter().enumerate() {
                if columns.len() == n {
                    columns.push(Some(Vec::new()));
                }
                let sole = (cell.len() == 1 && list[cell.start].kind == Kind::Parameter).then_some(cell.start);
                columns[n] = columns[n].take().zip(sole).map(|(mut all, parameter)| {
                    all.push(parameter);
                    all
                });
            }
            at = close + 1 + usize::from(list.get(close + 1).is_some_and(|t| t.is_symbol(",")));
        }
        places.extend(columns.into_iter().flatten());
    }
    places
}

/// What stands between the commas of a list in parentheses.
fn cells(list: &[Token], open: usize, close: usize) -> Vec<std::ops::Range<usize>> {
    let (mut out, mut from, mut depth) = (Vec::new(), open + 1, 0);
    for (at, token) in list.iter().enumerate().take(close).skip(open + 1) {
        depth += i32::from(token.is_symbol("(")) - i32::from(token.is_symbol(")"));
        if depth == 0 && token.is_symbol(",") {
            out.push(from..at);
            from = at + 1;
        }
    }
    out.push(from..close);
    out
}

/// Parameters that are arguments of generate_series.
fn arguments(list: &[Token]) -> Vec<Vec<usize>> {
    let calls = (0..list.len().saturating_sub(1)).filter(|at| list[*at].is_word("generate_series") && list[at + 1].is_symbol("("));
    let of_call = |at: usize| {
        let close = closing(list, at + 1)?;
        let cells = cells(list, at + 1, close).into_iter().filter(|c| c.len() == 1 && list[c.start].kind == Kind::Parameter);
        Some(cells.map(|c| c.start).collect())
    };
    calls.filter_map(of_call).collect()
}

/// Parameters next to `+`, `-`, `*`, `/` or `%`.
fn sums(list: &[Token]) -> Vec<Vec<usize>> {
    let operator =
        |at: Option<usize>| at.and_then(|at| list.get(at)).is_some_and(|t| ["+", "-", "*", "/", "%"].iter().any(|o| t.is_symbol(o)));
    let in_sum = |at: &usize| list[*at].kind == Kind::Parameter && (operator(at.checked_sub(1)) || operator(Some(at + 1)));
    vec![(0..list.len()).filter(in_sum).collect()]
}

fn cast(sql: &str, list: &[Token], places: &[usize]) -> String {
    let mut at: Vec<usize> = places.iter().map(|n| list[*n].offset + list[*n].text.len()).collect();
    at.sort_unstable();
    at.dedup();
    let mut out = sql.to_owned();
    at.iter().rev().for_each(|offset| out.insert_str(*offset, "::bigint"));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_without_a_type_become_numbers() {
        assert_eq!(
            as_numbers("select 1 from t join (values ($1, $2), ($3, $4)) v(a, b) on t.a = v.a"),
            [
                "select 1 from t join (values ($1::bigint, $2), ($3::bigint, $4)) v(a, b) on t.a = v.a",
                "select 1 from t join (values ($1, $2::bigint), ($3, $4::bigint)) v(a, b) on t.a = v.a",
                "select 1 from t join (values ($1::bigint, $2::bigint), ($3::bigint, $4::bigint)) v(a, b) on t.a = v.a",
            ]
        );
        assert_eq!(as_numbers("select generate_series($1, f($2), $3)"), ["select generate_series($1::bigint, f($2), $3::bigint)"]);
        assert_eq!(as_numbers("select 1 where a = $1 * $2 + b"), ["select 1 where a = $1::bigint * $2::bigint + b"]);
        assert!(as_numbers("select 1 from t where a = $1 and b in (select 'values ($2)')").is_empty());
    }
}
