//! `.pgpass`: `host:port:database:user:password`, `*` for any, `\` before a literal `:` or `\`.

use super::settings::Secret;
use std::path::Path;

/// Host, port, database, user: what an entry is matched with.
pub(super) type Wanted<'a> = [&'a str; 4];

/// The file's text; `None` with a note when it must not be used.
pub(super) fn read(path: &Path, asked_for: bool, notes: &mut Vec<String>) -> Option<String> {
    let shown = path.display();
    let about = match std::fs::metadata(path) {
        Ok(about) => about,
        Err(_) if !asked_for => return None,
        Err(error) => {
            notes.push(format!("password file {shown} is ignored: {error}"));
            return None;
        }
    };
    if !about.is_file() {
        notes.push(format!("password file {shown} is ignored: not a plain file"));
        return None;
    }
    #[cfg(unix)]
    if std::os::unix::fs::PermissionsExt::mode(&about.permissions()) & 0o077 != 0 {
        notes.push(format!("password file {shown} is ignored: others can read it; run: chmod 0600 {shown}"));
        return None;
    }
    std::fs::read_to_string(path).map_err(|error| notes.push(format!("password file {shown} is ignored: {error}"))).ok()
}

/// The password of the first entry that matches.
pub(super) fn find(text: &str, wanted: Wanted<'_>) -> Option<Secret> {
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| password(line, wanted))
}

fn password(line: &str, wanted: Wanted<'_>) -> Option<Secret> {
    let mut rest = line;
    for want in wanted {
        let (raw, field, after) = split_field(rest);
        if raw != "*" && field != want {
            return None;
        }
        rest = after?;
    }
    let (_, password, _) = split_field(rest);
    (!password.is_empty()).then(|| Secret::new(password))
}

/// Up to the next bare colon: as written, without escapes, and what follows the colon.
fn split_field(text: &str) -> (&str, String, Option<&str>) {
    let mut field = String::new();
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '\\' => field.push(characters.next().map_or('\\', |(_, escaped)| escaped)),
            ':' => return (&text[..at], field, Some(&text[at + 1..])),
            c => field.push(c),
        }
    }
    (text, field, None)
}
