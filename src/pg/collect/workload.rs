//! pg_stat_statements into queries; the text is read later, by `read::sql`.

use super::Rights;
use super::reader::Reader;
use super::search_path::schemas;
use crate::model::query::{Figures, Query, QuerySource};
use crate::model::snapshot::{Evidence, Gap, Snapshot, Window};
use crate::model::text::{one_line, quote_ident};
use crate::pg::error::describe;
use crate::pg::planner_settings::PLANNER;
use crate::pg::statements::{COUNTERS, PGSS_1_8, PGSS_1_9, PGSS_INFO_1_9, ROLE_SETTINGS, SEARCH_PATH, Statement};
use std::collections::BTreeMap;
use tokio_postgres::types::Type;
use tokio_postgres::{Error, Row};

const EXTENSION: &str = "pg_stat_statements";
const PRELOAD: &str = "add pg_stat_statements to shared_preload_libraries in postgresql.conf, restart the server";

/// One row of pg_stat_statements.
struct Executed {
    role: Option<String>,
    sees_all_rows: bool,
    /// `None` where the server lost the text, or hides it.
    text: Option<String>,
    hidden: bool,
    figures: Figures,
}

/// The span the figures cover, and how many queries were forgotten.
struct Span {
    since_utc: String,
    seconds: f64,
    evictions: i64,
}

/// Fills workload and window, or says what is missing.
pub(super) async fn read(reader: &mut Reader<'_>, snapshot: &mut Snapshot, rights: &Rights) {
    let Some(extension) = snapshot.catalog.extension(EXTENSION).cloned() else {
        snapshot.gaps.push(missing(snapshot));
        return;
    };
    let Some(version) = version(&extension.version).filter(|v| *v >= (1, 8)) else {
        snapshot.gaps.push(outdated(&extension.version));
        return;
    };
    let schema = extension.schema.as_str();
    if let Err(error) = reader.attempt(&SEARCH_PATH, &[(&schema, Type::TEXT)], |_| Ok(())).await {
        reader.problem(SEARCH_PATH.name, describe(&error));
    }
    let rows = reader.attempt(workload_of(version), &[], executed).await;
    let span = if rows.is_ok() && version >= (1, 9) { read_span(reader).await } else { None };
    if let Err(error) = reader.attempt(&SEARCH_PATH, &[(&"pg_catalog", Type::TEXT)], |_| Ok(())).await {
        reader.problem(SEARCH_PATH.name, describe(&error));
    }
    match rows {
        Ok(rows) => {
            read_window(reader, snapshot, span).await;
            note_texts(reader, snapshot, rights, &rows);
            let settings = Settings::read(reader, rights).await;
            snapshot.workload = rows.into_iter().filter_map(|row| query(row, &settings)).collect();
        }
        Err(error) => snapshot.gaps.push(unreadable(&error, schema, rights)),
    }
}

/// `1.10` as (1, 10).
fn version(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

fn workload_of(version: (u32, u32)) -> &'static Statement {
    if version >= (1, 9) { &PGSS_1_9 } else { &PGSS_1_8 }
}

/// The extension is not in this database: what to do depends on whether its library is loaded.
fn missing(snapshot: &Snapshot) -> Gap {
    let reason = if snapshot.settings.contains_key("pg_stat_statements.max") {
        "the extension pg_stat_statements is loaded but not created in this database".to_owned()
    } else {
        format!("pg_stat_statements is not loaded: {PRELOAD}, then create the extension in this database")
    };
    Gap { evidence: Evidence::Workload, reason, fix_sql: Some(format!("create extension {EXTENSION}")) }
}

fn outdated(version: &str) -> Gap {
    let reason = format!("the extension pg_stat_statements is at version {}; 1.8 is the oldest supported", one_line(version));
    Gap { evidence: Evidence::Workload, reason, fix_sql: Some(format!("alter extension {EXTENSION} update")) }
}

fn unreadable(error: &Error, schema: &str, rights: &Rights) -> Gap {
    let state = error.code().map_or("", |c| c.code());
    let (reason, fix_sql) = match state {
        // object_not_in_prerequisite_state: created, but its library is not loaded.
        "55000" => (format!("pg_stat_statements is not loaded: {PRELOAD}"), None),
        "42501" => {
            let role = quote_ident(&rights.role);
            let schema = quote_ident(schema);
            (format!("role {role} may not read pg_stat_statements"), Some(format!("grant select on {schema}.{EXTENSION} to {role}")))
        }
        // undefined_table: the schema is there, our right to look into it is not.
        "42P01" => {
            let role = quote_ident(&rights.role);
            (
                format!("role {role} may not use schema {}", quote_ident(schema)),
                Some(format!("grant usage on schema {} to {role}", quote_ident(schema))),
            )
        }
        _ => (format!("pg_stat_statements could not be read: {}", describe(error)), None),
    };
    Gap { evidence: Evidence::Workload, reason, fix_sql }
}

fn executed(row: &Row) -> Result<Executed, Error> {
    let hidden = row.try_get("hidden")?;
    Ok(Executed {
        role: row.try_get("role")?,
        sees_all_rows: row.try_get("sees_all_rows")?,
        // In a SQL_ASCII database a text need not be UTF-8: such a one counts as lost.
        text: if hidden { None } else { row.try_get::<_, Option<String>>("query").unwrap_or(None) },
        hidden,
        figures: Figures {
            calls: row.try_get("calls")?,
            total_ms: row.try_get("total_ms")?,
            min_ms: row.try_get("min_ms")?,
            max_ms: row.try_get("max_ms")?,
            stddev_ms: row.try_get("stddev_ms")?,
            plan_ms: row.try_get("plan_ms")?,
            rows: row.try_get("rows")?,
            shared_hit_blocks: row.try_get("shared_hit_blocks")?,
            shared_read_blocks: row.try_get("shared_read_blocks")?,
            temp_written_blocks: row.try_get("temp_written_blocks")?,
            wal_bytes: row.try_get("wal_bytes")?,
        },
    })
}

async fn read_span(reader: &mut Reader<'_>) -> Option<Span> {
    let span = |row: &Row| {
        Ok(Span { since_utc: row.try_get("since_utc")?, seconds: row.try_get("age_seconds")?, evictions: row.try_get("evictions")? })
    };
    reader.part(&PGSS_INFO_1_9, span).await?.pop()
}

/// Before extension version 1.9 nobody knows the reset: the age of the database's counters stands for it.
async fn read_window(reader: &mut Reader<'_>, snapshot: &mut Snapshot, span: Option<Span>) {
    let counters = |row: &Row| {
        let span = Span { since_utc: row.try_get("since_utc")?, seconds: row.try_get("age_seconds")?, evictions: 0 };
        Ok((row.try_get::<_, String>("now_utc")?, span))
    };
    let Some((to, fallback)) = reader.part(&COUNTERS, counters).await.and_then(|mut rows| rows.pop()) else { return };
    let span = span.unwrap_or(fallback);
    if span.evictions > 0 {
        let message = format!(
            "{} times the server had to forget its least used queries: raise pg_stat_statements.max, the rare ones are missing here",
            span.evictions
        );
        reader.problem(EXTENSION, message);
    }
    snapshot.window = Some(Window { from: span.since_utc, to, seconds: span.seconds });
}

fn note_texts(reader: &mut Reader<'_>, snapshot: &mut Snapshot, rights: &Rights, rows: &[Executed]) {
    let hidden = rows.iter().filter(|r| r.hidden).count();
    if hidden > 0 {
        let role = quote_ident(&rights.role);
        let reason =
            format!("the text of {hidden} quer{} of other roles is hidden from role {role}", if hidden == 1 { "y" } else { "ies" });
        let fix_sql = Some(format!("grant pg_read_all_stats to {role}"));
        snapshot.gaps.push(Gap { evidence: Evidence::QueryTexts, reason, fix_sql });
    }
    let lost = rows.iter().filter(|r| !r.hidden && r.text.is_none()).count();
    if lost > 0 {
        reader.problem(EXTENSION, format!("{lost} rows have no readable text and were left out"));
    }
}

fn query(row: Executed, settings: &Settings) -> Option<Query> {
    let role = row.role.as_deref();
    Some(Query {
        planner_settings: settings.planner_of(role),
        weight: row.figures.calls,
        figures: Some(row.figures),
        ..Query::new(QuerySource::PgStatStatements, row.text?, &settings.search_path_of(role))
    })
    .map(|query| Query { plan_role: row.role.clone().filter(|_| !row.sees_all_rows), role: row.role, ..query })
}

/// Settings that the administrator gave to roles and to this database.
struct Settings {
    rows: Vec<Setting>,
    /// search_path of a role that has none.
    default_path: String,
}

/// One of them.
struct Setting {
    /// `None` for all roles.
    role: Option<String>,
    /// Only in this database.
    in_database: bool,
    name: String,
    value: String,
}

impl Settings {
    async fn read(reader: &mut Reader<'_>, rights: &Rights) -> Settings {
        let names: Vec<&str> = PLANNER.iter().copied().chain(["search_path"]).collect();
        let row = |row: &Row| {
            Ok(Setting {
                role: row.try_get("role")?,
                in_database: row.try_get("in_database")?,
                name: row.try_get("name")?,
                value: row.try_get("value")?,
            })
        };
        let rows = match reader.attempt(&ROLE_SETTINGS, &[(&names, Type::TEXT_ARRAY)], row).await {
            Ok(rows) => rows,
            Err(error) => {
                reader.problem(ROLE_SETTINGS.name, describe(&error));
                Vec::new()
            }
        };
        Settings { rows, default_path: rights.default_search_path.clone() }
    }

    /// The server's own order: role in database, role, database, all, configuration file.
    fn search_path_of(&self, role: Option<&str>) -> Vec<String> {
        let find = |role: Option<&str>, in_database: bool| {
            let fits = |s: &&Setting| s.name == "search_path" && s.role.as_deref() == role && s.in_database == in_database;
            self.rows.iter().find(fits).map(|s| &s.value)
        };
        let own = || role.and_then(|_| find(role, true).or_else(|| find(role, false)));
        let setting = own().or_else(|| find(None, true)).or_else(|| find(None, false)).unwrap_or(&self.default_path);
        schemas(setting, role.unwrap_or_default())
    }

    /// What the role has of its own; what the database has, our session has too.
    fn planner_of(&self, role: Option<&str>) -> BTreeMap<String, String> {
        let own = self.rows.iter().filter(|s| role.is_some() && s.role.as_deref() == role && s.name != "search_path");
        let mut settings = BTreeMap::new();
        // The strongest stands first.
        for setting in own {
            settings.entry(setting.name.clone()).or_insert_with(|| setting.value.clone());
        }
        settings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_setting_wins() {
        let some = |role: Option<&str>, in_database: bool, name: &str, value: &str| Setting {
            role: role.map(str::to_owned),
            in_database,
            name: name.to_owned(),
            value: value.to_owned(),
        };
        let rows = vec![
            some(Some("a"), true, "search_path", "one"),
            some(Some("a"), true, "work_mem", "1GB"),
            some(Some("a"), false, "search_path", "two"),
            some(Some("a"), false, "work_mem", "2GB"),
            some(None, true, "search_path", "three"),
            some(Some("b"), false, "search_path", "\"$user\""),
        ];
        let settings = Settings { rows, default_path: "public".to_owned() };
        assert_eq!(settings.search_path_of(Some("a")), ["one"]);
        assert_eq!(settings.search_path_of(Some("b")), ["b"]);
        assert_eq!(settings.search_path_of(Some("c")), ["three"]);
        assert_eq!(Settings { rows: Vec::new(), default_path: "public".to_owned() }.search_path_of(None), ["public"]);
        assert_eq!(settings.planner_of(Some("a")), [("work_mem".to_owned(), "1GB".to_owned())].into());
        assert!(settings.planner_of(None).is_empty());
    }

    #[test]
    fn extension_versions_compare_as_numbers() {
        assert!(version("1.10") > version("1.9"));
        assert_eq!(version("weird"), None);
    }
}
