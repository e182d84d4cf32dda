//! pg_stat_statements, HypoPG, pg_trgm.

use crate::model::doctor::{Check, ExtensionFacts, Facts, Remedy};
use crate::model::text::quote_literal;

const TOPIC: &str = "extensions";

const RESTART: &str = "-- restart the server";

/// First version of pg_stat_statements with total_exec_time (PostgreSQL 13).
const OLDEST_STATEMENTS: (u32, u32) = (1, 8);

pub(super) fn judge(facts: &Facts, checks: &mut Vec<Check>) {
    for extension in facts.extensions.iter().flatten() {
        match extension.name.as_str() {
            "pg_stat_statements" => checks.push(statements(extension, facts)),
            "hypopg" => checks.push(optional(
                extension,
                "asked where a copy in a server of advisor's own plans otherwise",
                "trials run on a copy in a server of advisor's own",
            )),
            "pg_trgm" => checks.push(optional(extension, "indexes for LIKE '%…%' can be advised", "no index can help LIKE '%…%'")),
            _ => {}
        }
    }
}

fn optional(extension: &ExtensionFacts, with: &str, without: &str) -> Check {
    let name = &extension.name;
    match (&extension.installed, &extension.available) {
        (Some(version), _) => Check::ok(TOPIC, format!("{name} {version}{}: {with}", in_schema(extension))),
        (None, Some(version)) => {
            let message = format!("{name} {version} is available and not created: {without}");
            Check { fix: Remedy { text: "optional:".to_owned(), sql: vec![create(name)] }, ..Check::ok(TOPIC, message) }
        }
        (None, None) => Check::ok(TOPIC, format!("{name} is not installed on the server (optional): {without}")),
    }
}

fn statements(extension: &ExtensionFacts, facts: &Facts) -> Check {
    // Its settings exist where the library is loaded; shared_preload_libraries is hidden from many roles.
    let loaded = facts.settings.contains_key("pg_stat_statements.max");
    let create = create("pg_stat_statements");
    match (&extension.installed, &extension.available, loaded) {
        (None, None, _) => Check::problem(
            TOPIC,
            "pg_stat_statements is not installed on the server: no workload to analyse",
            "install the package with PostgreSQL's contrib modules (postgresql-contrib), then:",
            vec![preload(facts), RESTART.to_owned(), create],
        ),
        (None, Some(_), true) => {
            Check::problem(TOPIC, "pg_stat_statements is loaded and not created in this database: no workload to analyse", "", vec![create])
        }
        (installed, _, false) => Check::problem(
            TOPIC,
            "the library pg_stat_statements is not loaded: no workload to analyse",
            "needs a restart of the server (managed services: the parameter shared_preload_libraries):",
            [preload(facts), RESTART.to_owned()].into_iter().chain(installed.is_none().then_some(create)).collect(),
        ),
        (Some(version), available, true) => age(version, available.as_deref(), extension),
    }
}

/// Installed and loaded: is it new enough, is a newer one at hand?
fn age(version: &str, available: Option<&str>, extension: &ExtensionFacts) -> Check {
    const UPDATE: &str = "ALTER EXTENSION pg_stat_statements UPDATE;";
    let update = || vec![UPDATE.to_owned()];
    let here = format!("pg_stat_statements {version}{}", in_schema(extension));
    if numbers(version) < OLDEST_STATEMENTS {
        return Check::problem(TOPIC, format!("{here} is too old to be read (1.8 is the oldest)"), "", update());
    }
    match available {
        Some(newer) if numbers(newer) > numbers(version) => Check::attention(TOPIC, format!("{here}; {newer} is available"), "", update()),
        _ => Check::ok(TOPIC, here),
    }
}

/// Keeps the libraries that are loaded now.
fn preload(facts: &Facts) -> String {
    let loaded = facts.settings.get("shared_preload_libraries").map(String::as_str).unwrap_or_default();
    let libraries = loaded.split(',').map(str::trim).filter(|l| !l.is_empty() && *l != "pg_stat_statements");
    let list: Vec<String> = libraries.chain(["pg_stat_statements"]).map(quote_literal).collect();
    format!("ALTER SYSTEM SET shared_preload_libraries = {};", list.join(", "))
}

fn create(name: &str) -> String {
    format!("CREATE EXTENSION {name};")
}

fn in_schema(extension: &ExtensionFacts) -> String {
    extension.schema.as_ref().map(|schema| format!(" in schema {schema}")).unwrap_or_default()
}

/// `1.10` is newer than `1.9`.
fn numbers(version: &str) -> (u32, u32) {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}
