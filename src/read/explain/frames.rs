//! Takes off what psql, spreadsheets and logs put around EXPLAIN's lines: box drawing, headers and
//! footers, continuation marks, doubled quotes, the tab that the server's log puts before each line.

/// One line of EXPLAIN's own.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Line {
    /// Without its frame; indentation kept.
    pub text: String,
    /// Line number in the input, from 1.
    pub number: usize,
    /// True when a header or footer stood before it: what follows is another result.
    pub starts_result: bool,
}

/// The lines inside the frames.
pub(super) fn unwrap(input: &str) -> Vec<Line> {
    let input = input.trim_start_matches('\u{feff}');
    let whole = whole_cell(input);
    let input = whole.as_deref().unwrap_or(input);
    let boxed = has_closing_bars(input);
    let framed = input.lines().any(|l| is_rule(l) || is_record(l) || l.ends_with(" +"));
    let expanded = input.lines().any(is_record);
    let mut lines = Vec::new();
    let mut starts_result = true;
    let bare = input.lines().enumerate().filter(|(_, l)| !is_record(l)).map(|(at, raw)| {
        let bare = unbar(raw.trim_end(), boxed);
        (at, if expanded { value_cell(bare) } else { bare })
    });
    for (at, bare) in unwrapped(bare, framed) {
        let text = csv_cell(&uncontinued(&bare, framed));
        if is_rule(&text) || is_header(&text) || is_footer(&text) {
            starts_result = true;
        } else {
            let text = text.strip_prefix('\t').map(str::to_owned).unwrap_or(text);
            let blank = text.is_empty();
            lines.push(Line { text, number: at + 1, starts_result });
            starts_result &= blank;
        }
    }
    unpad(&mut lines);
    lines
}

/// psql's aligned format puts one space before each cell; inside a literal that goes over lines it would count.
fn unpad(lines: &mut [Line]) {
    for group in lines.chunk_by_mut(|_, next| !next.starts_result) {
        if group.iter().all(|l| l.text.is_empty() || l.text.starts_with(' ')) {
            group.iter_mut().filter(|l| !l.text.is_empty()).for_each(|l| l.text.replace_range(..1, ""));
        }
    }
}

/// The input as one spreadsheet cell: in quotes, inner quotes doubled, several lines.
fn whole_cell(input: &str) -> Option<String> {
    let body = input.trim();
    let body = body.strip_prefix("QUERY PLAN").or_else(|| body.strip_prefix("\"QUERY PLAN\"")).unwrap_or(body).trim();
    let inner = body.strip_prefix('"')?.strip_suffix('"')?;
    let only_doubled = !inner.replace("\"\"", "").contains('"');
    (only_doubled && inner.contains('\n')).then(|| inner.replace("\"\"", "\""))
}

/// A line that is one quoted CSV cell, unquoted; any other line as it is.
fn csv_cell(line: &str) -> String {
    match line.strip_prefix('"').and_then(|l| l.strip_suffix('"')) {
        Some(inner) if !inner.replace("\"\"", "").contains('"') => inner.replace("\"\"", "\""),
        // A cell cut out by hand keeps its closing quote.
        _ if line.ends_with(")\"") && line.matches('"').count() % 2 == 1 => line[..line.len() - 1].to_owned(),
        _ => line.to_owned(),
    }
}

/// True when the header ends in a bar, as the table exports of some clients write it.
fn has_closing_bars(input: &str) -> bool {
    input.lines().any(|l| l.contains("QUERY PLAN") && l.trim_end().ends_with(is_bar))
}

fn is_bar(c: char) -> bool {
    matches!(c, '|' | '│' | '║' | '┃')
}

fn unbar(line: &str, boxed: bool) -> &str {
    let inner = line.trim_start();
    match inner.strip_prefix(is_bar) {
        Some(rest) => rest.strip_suffix(is_bar).unwrap_or(rest),
        None if boxed => line.strip_suffix(is_bar).unwrap_or(line),
        None => line,
    }
}

/// `-[ RECORD 1 ]----`: psql's expanded format, one record for each line of the plan.
fn is_record(line: &str) -> bool {
    line.trim_start_matches(['+', '-', '┌', '├', '╔', '╠', '═', '─', '╒', '╞']).starts_with("[ RECORD ")
}

/// What stands behind `QUERY PLAN |` in the expanded format, or behind its blanks in a line that goes on.
fn value_cell(line: &str) -> &str {
    let inner = line.trim_start();
    let inner = inner.strip_prefix("QUERY PLAN").unwrap_or(inner).trim_start();
    inner.strip_prefix(is_bar).unwrap_or(line)
}

/// psql's wrapped format breaks a line with a mark at its end and another before the rest.
fn unwrapped<'a>(lines: impl Iterator<Item = (usize, &'a str)>, framed: bool) -> Vec<(usize, String)> {
    let mut out: Vec<(usize, String)> = Vec::new();
    for (at, line) in lines {
        let rest = line.strip_prefix(['.', '…']).filter(|_| framed);
        match (rest, out.last_mut()) {
            (Some(rest), Some((_, whole))) if whole.ends_with(['.', '…']) => {
                whole.pop();
                whole.push_str(rest);
            }
            _ => out.push((at, line.to_owned())),
        }
    }
    out
}

/// Without psql's mark for "this cell goes on": `+`, `↵`, `¶`; and without the padding before it.
fn uncontinued(line: &str, framed: bool) -> String {
    let line = line.trim_end();
    let plus_is_mark = framed || line.ends_with(" +");
    line.strip_suffix(|c| matches!(c, '↵' | '¶' | '⏎') || (c == '+' && plus_is_mark)).unwrap_or(line).trim_end().to_owned()
}

/// `-----`, `+----+`, `╠════╣`: nothing but line drawing.
fn is_rule(line: &str) -> bool {
    let drawn = |c: char| matches!(c, '-' | '=' | '\u{2500}'..='\u{257f}');
    line.chars().filter(|c| drawn(*c)).count() >= 3 && line.trim().chars().all(|c| drawn(c) || matches!(c, '+' | '|' | ' '))
}

fn is_header(line: &str) -> bool {
    line.contains("QUERY PLAN") && line.replace("QUERY PLAN", "").chars().all(|c| !c.is_alphanumeric())
}

/// `(12 rows)`, in psql's language of the day.
fn is_footer(line: &str) -> bool {
    let Some(inner) = line.trim().strip_prefix('(').and_then(|l| l.strip_suffix(')')) else { return false };
    let mut words = inner.split(' ');
    let count = words.next().is_some_and(|w| !w.is_empty() && w.bytes().all(|b| b.is_ascii_digit()));
    let noun = words.next().is_some_and(|w| !w.is_empty() && w.chars().all(char::is_alphabetic));
    count && noun && words.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(input: &str) -> Vec<String> {
        unwrap(input).into_iter().map(|l| l.text).collect()
    }

    #[test]
    fn boxes_come_off() {
        let ascii = "+-----------+\n| QUERY PLAN |\n+-----------+\n| Sort +|\n|   Sort Key: a  |\n+-----------+\n(2 rows)";
        assert_eq!(texts(ascii), ["Sort", "  Sort Key: a"]);
        let unicode = "┌────────────┐\n│ QUERY PLAN │\n╞════════════╡\n│ Sort      ↵│\n│   Sort Key: a │\n└────────────┘\n(2 lignes)";
        assert_eq!(texts(unicode), ["Sort", "  Sort Key: a"]);
        assert_eq!(texts("QUERY PLAN   |\n-------------+\nSort         |\n  Sort Key: a|"), ["Sort", "  Sort Key: a"]);
    }

    #[test]
    fn expanded_and_wrapped_formats_are_undone() {
        let expanded = "-[ RECORD 1 ]----\nQUERY PLAN | Sort\n-[ RECORD 2 ]----\nQUERY PLAN |   Sort Key: a  +\n           | more\n";
        assert_eq!(texts(expanded), ["Sort", "  Sort Key: a", "more"]);
        let boxed =
            "+-[ RECORD 1 ]----+\n| QUERY PLAN | Sort |\n+-[ RECORD 2 ]----+\n| QUERY PLAN |   Sort Key: a |\n+------------+------+";
        assert_eq!(texts(boxed), ["Sort", "  Sort Key: a"]);
        assert_eq!(texts(" QUERY PLAN \n-------\n Sort Ke.\n.y: a.b. \n"), ["Sort Key: a.b."]);
    }

    #[test]
    fn quotes_come_off_but_not_those_of_json() {
        assert_eq!(texts("\"Sort\"\n\"  Filter: (\"\"A\"\" = 1)\""), ["Sort", "  Filter: (\"A\" = 1)"]);
        assert_eq!(texts("\"Sort\n  Sort Key: \"\"A\"\"\""), ["Sort", "  Sort Key: \"A\""]);
        assert_eq!(texts("\"Node Type\": \"Sort\""), ["\"Node Type\": \"Sort\""]);
    }

    #[test]
    fn results_are_told_apart() {
        let lines = unwrap(" QUERY PLAN\n------\n Sort\n   Sort Key: a\n(2 rows)\n\n QUERY PLAN\n------\n Sort\n(1 row)");
        let starts: Vec<_> = lines.iter().filter(|l| l.starts_result && !l.text.is_empty()).map(|l| l.number).collect();
        assert_eq!(starts, [3, 9]);
    }

    #[test]
    fn a_condition_that_looks_like_a_footer_or_rule_is_kept() {
        assert_eq!(texts("(a = 1)\n-> Sort").len(), 2);
    }
}
