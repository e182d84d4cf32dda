//! The walls of the house, held by reading the source: what may import what, who may print, who
//! may exit, what must stand beside what.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Modules of `src/` by floor; "pure" and "io" are the two halves of floor 2, which never meet.
const FLOORS: [(&str, &str); 20] = [
    ("model", "0"),
    ("read", "1"),
    ("rules", "pure"),
    ("sampling", "pure"),
    ("candidates", "pure"),
    ("select", "pure"),
    ("migrate", "pure"),
    ("apply", "pure"),
    ("report", "pure"),
    ("redact", "pure"),
    ("pg", "io"),
    ("disk", "io"),
    ("term", "io"),
    ("signals", "io"),
    ("flow", "3"),
    ("cli", "4"),
    ("commands", "4"),
    ("main", "5"),
    ("lib", "all"),
    ("registry", "beside"),
];

/// What a floor may import: (floor, floors below it).
const BELOW: [(&str, &[&str]); 7] = [
    ("0", &[]),
    ("1", &["0"]),
    ("pure", &["0", "1"]),
    ("io", &["0", "1"]),
    ("3", &["0", "1", "pure", "io"]),
    ("4", &["0", "1", "pure", "io", "3"]),
    ("5", &["0", "1", "pure", "io", "3", "4"]),
];

/// Modules of one half of floor 2 that others of the same half may use: they are everyone's tools.
const SHARED: [&str; 1] = ["signals"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            out.extend(files(&path, ending));
        } else if path.extension().is_some_and(|e| e == ending) {
            out.push(path);
        }
    }
    out.sort();
    out
}

fn sources() -> Vec<(String, String)> {
    let src = root().join("src");
    files(&src, "rs")
        .into_iter()
        .map(|p| (p.strip_prefix(&src).unwrap().display().to_string(), std::fs::read_to_string(&p).unwrap()))
        .collect()
}

/// The module a file belongs to: its first folder, or its own name.
fn module(path: &str) -> &str {
    path.split('/').next().unwrap().trim_end_matches(".rs")
}

fn floor(module: &str) -> &'static str {
    FLOORS
        .iter()
        .find(|(m, _)| *m == module)
        .unwrap_or_else(|| panic!("module {module} stands on no floor: add it to FLOORS and to the map in lib.rs"))
        .1
}

/// Source without its unit tests, comments and strings that only look like code.
fn code(text: &str) -> String {
    let body = text.split("#[cfg(test)]").next().unwrap_or_default();
    body.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// `crate::x` anywhere in the code, `use` lines and paths alike (`advisor::x` in main.rs).
fn imports(text: &str) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for marker in ["crate::", "advisor::"] {
        for (at, _) in text.match_indices(marker) {
            let rest = &text[at + marker.len()..];
            if let Some(group) = rest.strip_prefix('{') {
                let inner = group.split('}').next().unwrap_or_default();
                out.extend(inner.split(',').filter_map(|p| p.trim().split("::").next()).map(|p| p.trim().to_owned()));
            } else {
                out.insert(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
            }
        }
    }
    out.retain(|m| FLOORS.iter().any(|(known, _)| known == m));
    out
}

#[test]
fn modules_import_only_from_floors_below() {
    let below: BTreeMap<&str, &[&str]> = BELOW.into_iter().collect();
    let mut broken = Vec::new();
    for (path, text) in sources() {
        let here = module(&path);
        let Some(allowed) = below.get(floor(here)) else { continue };
        for target in imports(&code(&text)) {
            let fine = target == here
                || floor(&target) == "beside"
                || allowed.contains(&floor(&target))
                || SHARED.contains(&target.as_str())
                || (floor(here) == "4" && floor(&target) == "4");
            if !fine {
                broken.push(format!("{path} (floor {}) imports {target} (floor {})", floor(here), floor(&target)));
            }
        }
    }
    assert!(broken.is_empty(), "walls broken:\n{}", broken.join("\n"));
}

#[test]
fn commands_do_not_import_each_other() {
    let names: Vec<String> = sources()
        .iter()
        .filter_map(|(p, _)| p.strip_prefix("commands/").map(|p| p.trim_end_matches(".rs").to_owned()))
        .filter(|n| n != "mod")
        .collect();
    for (path, text) in sources().iter().filter(|(p, _)| p.starts_with("commands/") && !p.ends_with("mod.rs")) {
        for name in &names {
            let sibling = format!("super::{name}::");
            let absolute = format!("commands::{name}::");
            assert!(!text.contains(&sibling) && !text.contains(&absolute), "{path} imports the command {name}");
        }
    }
}

#[test]
fn only_term_prints_and_only_main_exits() {
    for (path, text) in sources() {
        let code = code(&text);
        for print in ["println!", "eprintln!", "print!(", "eprint!(", "dbg!("] {
            let own = code.match_indices(print).any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'));
            assert!(path == "term.rs" || !own, "{path} prints with {print}");
        }
        assert!(path == "main.rs" || !code.contains("process::exit"), "{path} exits");
    }
}

#[test]
fn nothing_unwraps_outside_tests() {
    let in_tests = |path: &str| path.ends_with("tests.rs") || path.contains("/tests/");
    for (path, text) in sources().iter().filter(|(p, _)| !in_tests(p)) {
        let code = code(text);
        for bad in [".unwrap()", "todo!(", "unimplemented!("] {
            assert!(!code.contains(bad), "{path} has {bad}");
        }
    }
}

#[test]
fn the_map_names_what_exists_and_all_of_it() {
    let map: String =
        std::fs::read_to_string(root().join("src/lib.rs")).unwrap().lines().filter(|l| l.starts_with("//!")).collect::<Vec<_>>().join("\n");
    let named: BTreeSet<&str> = map
        .split_whitespace()
        .filter(|w| w.starts_with("src/") || w.starts_with("tests/"))
        .map(|w| w.trim_matches(['`', ')', '(', ',', '.']))
        .collect();
    for path in &named {
        assert!(root().join(path).exists(), "the map in lib.rs names {path}, which does not exist");
    }
    let modules: BTreeSet<String> = sources().iter().map(|(p, _)| module(p).to_owned()).filter(|m| m != "lib" && m != "registry").collect();
    for module in modules {
        assert!(
            named.iter().any(|n| n.trim_end_matches('/').trim_end_matches(".rs").ends_with(&format!("src/{module}"))),
            "the map in lib.rs does not name {module}"
        );
    }
}

#[test]
fn every_rule_has_its_drawer() {
    for path in files(&root().join("src/rules"), "rs") {
        let text = std::fs::read_to_string(&path).unwrap();
        if !text.contains("ENTRY: Rule") {
            continue;
        }
        let drawer = path.with_extension("");
        for item in ["doc.md", "fires.sql", "quiet.sql", "fires.golden", "quiet.golden"] {
            assert!(drawer.join(item).is_file(), "{} lacks {item}", drawer.display());
        }
        let name = path.file_stem().unwrap().to_str().unwrap().replace('_', "-");
        assert!(text.contains(&format!("\"{name}\"")), "{} does not declare the rule {name}", path.display());
    }
}

#[test]
fn every_statement_file_is_in_the_table() {
    let table = std::fs::read_to_string(root().join("src/pg/statements.rs")).unwrap();
    let sql = root().join("sql");
    for path in files(&sql, "sql") {
        let name = path.strip_prefix(&sql).unwrap().with_extension("").display().to_string();
        // Scripts of several statements are run whole and have no promise of columns.
        if name.starts_with("demo/") {
            continue;
        }
        assert!(table.contains(&format!("\"{name}\"")), "sql/{name}.sql is in no table");
    }
}

#[test]
fn public_items_are_documented() {
    // `#![warn(missing_docs)]` does the work under `clippy -D warnings`; it must not be switched off.
    for (path, text) in sources() {
        assert!(!text.contains("allow(missing_docs)"), "{path} switches missing_docs off");
    }
}
