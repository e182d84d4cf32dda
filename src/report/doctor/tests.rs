use super::*;
use crate::model::doctor::{Build, ConnectionFacts, ExtensionFacts, InvalidIndex, RightsFacts, RoleSetting};
use crate::model::snapshot::{Problem, Server};

fn extension(name: &str, available: Option<&str>, installed: Option<&str>) -> ExtensionFacts {
    let schema = installed.map(|_| "public".to_owned());
    ExtensionFacts { name: name.into(), available: available.map(Into::into), installed: installed.map(Into::into), schema }
}

/// A server where nothing is to be done.
fn healthy() -> Facts {
    let settings = [
        ("autovacuum", "on"),
        ("compute_query_id", "auto"),
        ("log_line_prefix", "%m [%p] "),
        ("log_lock_waits", "on"),
        ("pg_stat_statements.max", "5000"),
        ("pg_stat_statements.track", "top"),
        ("track_counts", "on"),
        ("track_io_timing", "on"),
    ];
    Facts {
        server: Server { version_num: 160_003, version: "16.3".into(), database: "app".into(), is_standby: false },
        connection: ConnectionFacts { host: "db".into(), port: 5432, user: "adv".into(), encrypted: true, ..ConnectionFacts::default() },
        extensions: Some(vec![
            extension("hypopg", Some("1.4"), Some("1.4")),
            extension("pg_stat_statements", Some("1.10"), Some("1.10")),
            extension("pg_trgm", Some("1.6"), Some("1.6")),
        ]),
        rights: Some(RightsFacts {
            reads_all_stats: true,
            creates_schemas: true,
            tables: 3,
            readable_tables: 3,
            own_tables: 3,
            ..RightsFacts::default()
        }),
        settings: settings.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        ..Facts::default()
    }
}

/// The checks that are not ok: state, topic, message, statements.
fn complaints(change: impl FnOnce(&mut Facts)) -> Vec<Check> {
    let mut facts = healthy();
    change(&mut facts);
    diagnose(&facts).checks.into_iter().filter(|check| check.state != CheckState::Ok).collect()
}

#[test]
fn a_healthy_server_has_no_complaint() {
    assert_eq!(complaints(|_| {}), []);
}

/// What to change in the healthy facts, and the one complaint that must follow.
type Case = (fn(&mut Facts), CheckState, &'static str, &'static [&'static str]);

const ATTENTION: CheckState = CheckState::Attention;
const PROBLEM: CheckState = CheckState::Problem;

fn rights(facts: &mut Facts) -> &mut RightsFacts {
    facts.rights.as_mut().expect("healthy() has them")
}

fn statements(facts: &mut Facts, available: Option<&str>, installed: Option<&str>, loaded: bool) {
    facts.extensions = Some(vec![extension("pg_stat_statements", available, installed)]);
    if !loaded {
        facts.settings.retain(|name, _| !name.starts_with("pg_stat_statements."));
    }
}

const CASES: &[Case] = &[
    (|f| f.connection.encrypted = false, ATTENTION, "not encrypted", &[]),
    (|f| f.connection.pooler = true, PROBLEM, "pooler stands in between", &[]),
    (|f| f.server.is_standby = true, ATTENTION, "a standby", &[]),
    (|f| f.server.version_num = 120_010, PROBLEM, "older than 13", &[]),
    (|f| f.server.version_num = 0, PROBLEM, "version is not known", &[]),
    (|f| f.server.version_num = 990_000, ATTENTION, "newer than", &[]),
    (|f| f.server.version_num = 140_003, PROBLEM, "can corrupt indexes", &["CREATE EXTENSION IF NOT EXISTS amcheck;", "SELECT c.oid"]),
    (|f| statements(f, Some("1.10"), None, true), PROBLEM, "not created", &["CREATE EXTENSION pg_stat_statements;"]),
    (
        |f| {
            f.settings.insert("shared_preload_libraries".into(), "auto_explain, pg_cron".into());
            statements(f, Some("1.10"), None, false);
        },
        PROBLEM,
        "not loaded",
        &[
            "ALTER SYSTEM SET shared_preload_libraries = 'auto_explain', 'pg_cron', 'pg_stat_statements';",
            "-- restart",
            "CREATE EXTENSION pg_stat_statements;",
        ],
    ),
    (|f| statements(f, Some("1.10"), Some("1.10"), false), PROBLEM, "not loaded", &["ALTER SYSTEM", "-- restart"]),
    (|f| statements(f, None, None, false), PROBLEM, "not installed", &["ALTER SYSTEM", "-- restart", "CREATE EXTENSION"]),
    (|f| statements(f, Some("1.10"), Some("1.9"), true), ATTENTION, "1.10 is available", &["ALTER EXTENSION pg_stat_statements UPDATE;"]),
    (|f| statements(f, Some("1.10"), Some("1.7"), true), PROBLEM, "too old", &["ALTER EXTENSION pg_stat_statements UPDATE;"]),
    (|f| rights(f).reads_all_stats = false, PROBLEM, "other roles are hidden", &["GRANT pg_read_all_stats TO \"adv\";"]),
    (|f| rights(f).readable_tables = 1, ATTENTION, "no SELECT on 2 of 3", &["GRANT pg_read_all_data TO \"adv\";"]),
    (
        |f| {
            f.server.version_num = 130_010;
            rights(f).readable_tables = 1;
        },
        ATTENTION,
        "no SELECT on 2 of 3",
        &["GRANT SELECT ON ALL TABLES IN SCHEMA public TO \"adv\";"],
    ),
    (
        |f| {
            rights(f).own_tables = 0;
            rights(f).other_owners = vec!["app".into(), "Odd\"".into()];
        },
        ATTENTION,
        "3 of 3 tables belong to other roles (app, Odd\")",
        &["GRANT \"app\" TO \"adv\";", "GRANT \"Odd\"\"\" TO \"adv\";"],
    ),
    (|f| rights(f).closed_schemas = vec!["s".into()], PROBLEM, "no CREATE on schema s", &["GRANT CREATE ON SCHEMA \"s\" TO \"adv\";"]),
    (|f| rights(f).creates_schemas = false, ATTENTION, "may not create schema advisor", &["CREATE SCHEMA advisor AUTHORIZATION \"adv\";"]),
    (|f| rights(f).ledger_usable = Some(false), ATTENTION, "belongs to another role", &["GRANT USAGE", "GRANT SELECT"]),
    (
        |f| set(f, "track_counts", "off"),
        PROBLEM,
        "track_counts = off",
        &["ALTER SYSTEM SET track_counts = on;", "SELECT pg_reload_conf();"],
    ),
    (|f| set(f, "compute_query_id", "off"), PROBLEM, "records nothing", &["ALTER SYSTEM SET compute_query_id = auto;", "SELECT"]),
    (
        |f| set(f, "pg_stat_statements.track", "none"),
        PROBLEM,
        "records nothing",
        &["ALTER SYSTEM SET pg_stat_statements.track = top;", "SELECT"],
    ),
    (|f| set(f, "pg_stat_statements.max", "100"), ATTENTION, "few statements fit", &["ALTER SYSTEM", "SELECT"]),
    (
        |f| set(f, "log_line_prefix", "%q%u "),
        ATTENTION,
        "log_line_prefix",
        &["ALTER SYSTEM SET log_line_prefix = '%m [%p] %q%u@%d ';", "SELECT"],
    ),
    (
        |f| f.role_settings = vec![role_setting("statement_timeout", "30s", true, false)],
        ATTENTION,
        "statement_timeout = 30s for this role",
        &["ALTER ROLE \"adv\" RESET statement_timeout;"],
    ),
    (
        |f| f.role_settings = vec![role_setting("lock_timeout", "5s", false, true)],
        ATTENTION,
        "lock_timeout = 5s for this database",
        &["ALTER DATABASE \"app\" RESET lock_timeout;"],
    ),
    (
        |f| f.invalid_indexes = vec![InvalidIndex { schema: "s".into(), table: "t".into(), name: "i".into(), ..InvalidIndex::default() }],
        PROBLEM,
        "\"s\".\"i\" on t is invalid",
        &["DROP INDEX CONCURRENTLY \"s\".\"i\";", "REINDEX INDEX CONCURRENTLY \"s\".\"i\";"],
    ),
    (|f| f.builds = vec![Build { pid: 7, ..Build::default() }], ATTENTION, "an index build runs on a table hidden from us, process 7", &[]),
    (
        |f| f.problems = vec![Problem { source: "doctor/rights".into(), message: "no".into() }],
        ATTENTION,
        "could not be asked (doctor/rights): no",
        &[],
    ),
];

fn set(facts: &mut Facts, name: &str, value: &str) {
    facts.settings.insert(name.to_owned(), value.to_owned());
}

fn role_setting(name: &str, value: &str, for_role: bool, for_database: bool) -> RoleSetting {
    RoleSetting { name: name.into(), value: value.into(), for_role, for_database }
}

#[test]
fn each_fault_is_one_complaint_with_its_remedy() {
    for (change, state, message, sql) in CASES {
        let found = complaints(change);
        assert_eq!(found.len(), 1, "{message}: {found:?}");
        assert_eq!(found[0].state, *state, "{message}");
        assert!(found[0].message.contains(message), "{message}: {}", found[0].message);
        assert_eq!(found[0].fix.sql.len(), sql.len(), "{message}: {:?}", found[0].fix.sql);
        for (statement, start) in found[0].fix.sql.iter().zip(*sql) {
            assert!(statement.starts_with(start), "{message}: {statement}");
        }
    }
}

#[test]
fn what_is_no_fault_stays_ok() {
    assert_eq!(complaints(|f| f.role_settings = vec![role_setting("statement_timeout", "0", true, false)]), []);
    assert_eq!(complaints(|f| (f.connection.encrypted, f.connection.local) = (false, true)), []);
    let building = InvalidIndex { name: "i".into(), building: true, ..InvalidIndex::default() };
    assert_eq!(complaints(|f| f.invalid_indexes = vec![building]), [], "its build is listed, not the index");
    assert_eq!(
        complaints(|f| {
            f.connection.superuser = true;
            f.rights = Some(RightsFacts::default());
        }),
        []
    );
}

#[test]
fn only_a_version_that_is_too_old_or_unknown_stops_the_analysis() {
    let stopped: Vec<&str> = CASES.iter().filter(|case| complaints(case.0).iter().any(|c| c.stops_analysis)).map(|case| case.2).collect();
    assert_eq!(stopped, ["older than 13", "version is not known"]);
}

#[test]
fn many_invalid_indexes_are_counted() {
    let many = (0..25).map(|i| InvalidIndex { name: format!("i{i}"), ..InvalidIndex::default() }).collect();
    let found = complaints(|f| f.invalid_indexes = many);
    assert_eq!(found.len(), 21);
    assert!(found[20].message.contains("5 more"));
}

#[test]
fn hostile_names_stay_on_their_line() {
    let name = "x\n; drop table t; --\u{1b}[2J";
    let mut facts = healthy();
    facts.invalid_indexes = vec![InvalidIndex { schema: name.into(), table: name.into(), name: name.into(), ..InvalidIndex::default() }];
    rights(&mut facts).closed_schemas = vec![name.into()];
    facts.connection.user = name.into();
    facts.server.database = name.into();
    let plain = anstream::adapter::strip_str(&text(&diagnose(&facts), &Style::default())).to_string();
    assert!(!plain.contains('\u{1b}'));
    assert!(plain.lines().all(|line| !line.trim_start().starts_with("; drop")), "{plain}");
}
