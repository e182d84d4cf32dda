//! Commands that an answer tells a person to run next: they must mean the same database and ledger as the run that says it.

use crate::model::failure::Failure;
use crate::model::text::one_line;
use std::path::Path;

/// Verbs that ask for a database and a ledger.
const VERBS: [&str; 4] = ["apply", "rollback", "status", "verify"];

/// What was given on the command line, to be given again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Again {
    flags: String,
}

impl Again {
    /// `target` and `ledger` as a person named them; what came from the environment is there the next time too.
    pub fn new(target: Option<&str>, ledger: Option<&Path>) -> Again {
        // A password is never shown, not even to the one who typed it: the screen may be a log.
        let target = target.map(|text| if holds_password(text) { " --db URL".to_owned() } else { format!(" --db {}", shell_word(text)) });
        let ledger = ledger.map(|path| format!(" --ledger {}", shell_word(&path.to_string_lossy())));
        Again { flags: target.into_iter().chain(ledger).collect() }
    }

    /// The text with the flags behind the verb of each command in it.
    pub fn says(&self, text: &str) -> String {
        if self.flags.is_empty() {
            return text.to_owned();
        }
        let mut pieces = text.split("advisor ");
        let mut said = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let verb = VERBS.into_iter().find(|verb| piece.strip_prefix(verb).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric)));
            said.push_str("advisor ");
            match verb {
                Some(verb) => said.extend([verb, &self.flags, &piece[verb.len()..]]),
                None => said.push_str(piece),
            }
        }
        said
    }

    /// The same for the next steps of a failure.
    pub fn complete(&self, failure: Failure) -> Failure {
        let hints = failure.hints.iter().map(|hint| self.says(hint)).collect();
        Failure { hints, ..failure }
    }
}

/// A URL's user part with a colon, or a parameter of that name.
fn holds_password(target: &str) -> bool {
    let user = target.split_once("://").and_then(|(_, rest)| rest.rsplit_once('@')).map(|(user, _)| user);
    user.is_some_and(|user| user.contains(':')) || target.to_ascii_lowercase().contains("password")
}

/// As a shell takes it for one word.
fn shell_word(text: &str) -> String {
    let text = one_line(text);
    let plain = |c: char| c.is_alphanumeric() || "_@%+=:,./-".contains(c);
    if !text.is_empty() && text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_command_means_the_same_database_and_ledger() {
        let said = |target: Option<&str>, ledger: Option<&str>, text: &str| Again::new(target, ledger.map(Path::new)).says(text);
        let text = "advisor rollback 1a, or advisor verify; advisor generate";
        assert_eq!(said(None, None, text), text);
        assert_eq!(
            said(Some("postgresql://me@h/d?host=/tmp"), Some("my ledger.json"), text),
            "advisor rollback --db 'postgresql://me@h/d?host=/tmp' --ledger 'my ledger.json' 1a, or \
             advisor verify --db 'postgresql://me@h/d?host=/tmp' --ledger 'my ledger.json'; advisor generate"
        );
        assert_eq!(said(None, Some("l.json"), "advisor status"), "advisor status --ledger l.json");
        assert_eq!(said(None, Some("l.json"), "advisor statuses"), "advisor statuses");
    }

    #[test]
    fn no_password_is_shown() {
        for target in [
            "postgresql://me:geheim@h/d",
            "host=h password=geheim",
            "postgresql://h/d?user=a&password=geheim",
            "postgresql://a:p@geheim@h/d",
        ] {
            assert_eq!(Again::new(Some(target), None).says("advisor status"), "advisor status --db URL");
        }
    }
}
