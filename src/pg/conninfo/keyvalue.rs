//! `host=a port=5432 password='it''s'`: libpq's key/value strings.

/// Pairs in order. The error never quotes the text: a password may be what went wrong.
pub(super) fn parse(text: &str) -> Result<Vec<(String, String)>, &'static str> {
    let mut rest = text.trim_start();
    let mut pairs = Vec::new();
    while !rest.is_empty() {
        let name_end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
        let (name, after) = rest.split_at(name_end);
        let after = after.trim_start().strip_prefix('=').ok_or("a word without \"=\"")?;
        if name.is_empty() {
            return Err("\"=\" without a name before it");
        }
        let (value, after) = value(after.trim_start())?;
        pairs.push((name.to_owned(), value));
        rest = after.trim_start();
    }
    Ok(pairs)
}

/// One value and what follows it; a backslash takes the next character as it is.
fn value(text: &str) -> Result<(String, &str), &'static str> {
    let quoted = text.starts_with('\'');
    let text = text.strip_prefix('\'').unwrap_or(text);
    let mut out = String::new();
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '\\' => out.extend(characters.next().map(|(_, escaped)| escaped)),
            '\'' if quoted => return Ok((out, &text[at + 1..])),
            c if !quoted && c.is_whitespace() => return Ok((out, &text[at..])),
            c => out.push(c),
        }
    }
    if quoted { Err("a quoted value without its closing quote") } else { Ok((out, "")) }
}
