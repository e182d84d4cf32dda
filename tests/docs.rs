//! The README names what there is, and nothing that there is not.

use advisor::commands::command_line;
use advisor::model::failure::FailureKind;
use advisor::rules::RULES;
use std::collections::BTreeSet;
use std::path::Path;

fn file(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// The text under a heading of level two.
fn section<'a>(text: &'a str, title: &str) -> &'a str {
    let heading = format!("\n## {title}\n");
    let (_, rest) = text.split_once(&heading).unwrap_or_else(|| panic!("the README has no section {title}"));
    rest.split("\n## ").next().unwrap_or(rest)
}

/// First and second cell of each row of the first table, without backticks.
fn rows(section: &str) -> Vec<(String, String)> {
    let lines = section.lines().skip_while(|l| !l.starts_with('|')).take_while(|l| l.starts_with('|')).skip(2);
    let cells = |line: &str| {
        let mut cells = line.trim_matches('|').split(" | ").map(|c| c.trim().trim_matches('`').to_owned());
        (cells.next().unwrap_or_default(), cells.next().unwrap_or_default())
    };
    lines.map(cells).collect()
}

#[test]
fn the_table_of_rules_is_the_list_of_rules() {
    let listed: Vec<(String, String)> = RULES.iter().map(|r| (r.name.to_owned(), r.summary.to_owned())).collect();
    assert_eq!(rows(section(&file("README.md"), "Rules")), listed);
}

#[test]
fn the_table_of_verbs_is_the_help() {
    let line = command_line();
    let verbs = line.get_subcommands().map(|c| (c.get_name().to_owned(), c.get_about().map(ToString::to_string).unwrap_or_default()));
    assert_eq!(rows(section(&file("README.md"), "Verbs")), verbs.collect::<Vec<_>>());
}

#[test]
fn the_table_of_exit_codes_has_every_failure() {
    use FailureKind::*;
    let failures = [Usage, Connect, Missing, ApplyFailed, ApplyNeedsYou, Bug, Interrupted].map(FailureKind::exit_code);
    // 0 and 1 are not failures: done, and findings.
    let codes: BTreeSet<u8> = [0, 1].into_iter().chain(failures).collect();
    let named: BTreeSet<u8> = rows(section(&file("README.md"), "Exit codes")).iter().map(|(code, _)| code.parse().unwrap()).collect();
    assert_eq!(named, codes);
}

#[test]
fn every_verb_has_its_privileges() {
    let text = file("README.md");
    let table = section(&text, "Privileges");
    for verb in command_line().get_subcommands() {
        assert!(table.contains(&format!("`{}", verb.get_name())), "Privileges does not name {}", verb.get_name());
    }
}

#[test]
fn every_flag_in_the_documents_exists() {
    let line = command_line();
    let flags: BTreeSet<String> = line
        .get_subcommands()
        .chain([&line])
        .flat_map(|c| c.get_arguments())
        .filter_map(|a| a.get_long())
        .map(|l| format!("--{l}"))
        .collect();
    // Of cargo and of clap itself.
    let others = ["--locked", "--path", "--bench", "--help", "--version"];
    for document in ["README.md", "CHANGELOG.md"] {
        for word in file(document).split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')) {
            let is_flag = word.starts_with("--") && word[2..].starts_with(|c: char| c.is_ascii_lowercase());
            assert!(!is_flag || flags.contains(word) || others.contains(&word), "{document} names {word}, which no verb has");
        }
    }
}

#[test]
fn every_make_target_in_the_readme_exists() {
    let makefile = file("Makefile");
    let text = file("README.md");
    // As a command: the word is English too.
    let named = ["$ make ", "`make "].iter().flat_map(|command| text.split(command).skip(1));
    let targets: Vec<&str> = named.map(|rest| rest.split(|c: char| !c.is_ascii_lowercase()).next().unwrap()).collect();
    assert!(targets.contains(&"demo") && targets.contains(&"test"), "{targets:?}");
    for target in targets {
        assert!(makefile.contains(&format!("\n{target}:")), "the Makefile has no target {target}");
    }
}

#[test]
fn the_changelog_has_this_version() {
    assert!(file("CHANGELOG.md").contains(&format!("\n## [{}]", env!("CARGO_PKG_VERSION"))));
}
