//! Extensions, and stand-ins for the types of those that this machine lacks.

use super::problem;
use super::run::run_all;
use crate::model::blueprint::{Blueprint, ExtensionName, ExtensionType, Object, ObjectKind};
use crate::model::failure::Failure;
use crate::model::snapshot::Problem;
use crate::model::text::{quote_ident, quote_qualified};
use crate::pg::clone::broken;
use crate::pg::session::Session;
use std::collections::BTreeSet;

/// Extensions whose functions reach other servers, files or programs. The planner needs none of
/// them, and a planned query may call functions.
const OUTSIDE: [&str; 12] = [
    "adminpack",
    "aws_commons",
    "aws_lambda",
    "aws_s3",
    "dblink",
    "file_fdw",
    "http",
    "pg_background",
    "pg_cron",
    "pg_net",
    "plsh",
    "postgres_fdw",
];

/// What is missing, and the types that stand in for it.
pub(super) struct Missing {
    pub(super) problems: Vec<Problem>,
    pub(super) stand_ins: Vec<ExtensionType>,
}

/// Creates what this machine has; composed of quoted names: the clone's superuser runs it.
pub(super) async fn create(admin: &Session, planner: &Session, blueprint: &Blueprint) -> Result<Missing, Failure> {
    run_all(planner, schemas(blueprint)).await?;
    let (outside, wanted): (Vec<_>, Vec<_>) = blueprint.extensions.iter().partition(|e| reaches_outside(&e.name));
    let mut problems: Vec<Problem> =
        outside.iter().map(|e| problem(format!("extension {} left out: it reaches outside of the database", e.name))).collect();
    let failed = run_all(admin, wanted.into_iter().map(created).collect()).await?;
    let mut missing: Vec<&str> = outside.iter().map(|e| e.name.as_str()).collect();
    for f in &failed {
        let name = f.object.name.strip_prefix("extension ").unwrap_or_default();
        problems.push(problem(format!("{} is missing here: {}", f.object.name, f.error)));
        missing.push(name);
    }
    let mut stand_ins: Vec<ExtensionType> = Vec::new();
    for lost in blueprint.extension_types.iter().filter(|t| missing.contains(&t.extension.as_str())) {
        match stand_in(admin, lost).await? {
            None => stand_ins.push(lost.clone()),
            Some(error) => problems.push(problem(format!("type {}.{} has no stand-in: {error}", lost.schema, lost.name))),
        }
    }
    if !stand_ins.is_empty() {
        let names: Vec<String> = stand_ins.iter().map(|t| format!("{}.{}", t.schema, t.name)).collect();
        problems.push(problem(format!("types of missing extensions are planned as text: {}", names.join(", "))));
    }
    Ok(Missing { problems, stand_ins })
}

/// The schemas that extensions need. What fails here fails again with the extension, and is reported there.
fn schemas(blueprint: &Blueprint) -> Vec<Object> {
    let of_types = blueprint.extension_types.iter().map(|t| &t.schema);
    let names: BTreeSet<&String> = blueprint.extensions.iter().map(|e| &e.schema).chain(of_types).collect();
    let created = |name: &&String| Object {
        kind: ObjectKind::Schema,
        name: format!("schema {name}"),
        ddl: format!("CREATE SCHEMA IF NOT EXISTS {}", quote_ident(name)),
    };
    names.iter().filter(|name| !is_systems(name)).map(created).collect()
}

fn is_systems(schema: &str) -> bool {
    schema.starts_with("pg_") || schema == "information_schema"
}

fn reaches_outside(name: &str) -> bool {
    // Untrusted languages end in u: plpython3u, plperlu.
    OUTSIDE.contains(&name) || name.ends_with("_fdw") || (name.starts_with("pl") && name.ends_with('u'))
}

/// Without CASCADE: what an extension needs is in the list too, with its own schema, and order comes from trying again.
fn created(extension: &ExtensionName) -> Object {
    let (name, schema) = (quote_ident(&extension.name), quote_ident(&extension.schema));
    let ddl = format!("CREATE EXTENSION IF NOT EXISTS {name} SCHEMA {schema}");
    Object { kind: ObjectKind::Helper, name: format!("extension {}", extension.name), ddl }
}

/// A type that is read, written and compared as text; the error, if the server refuses it.
async fn stand_in(admin: &Session, lost: &ExtensionType) -> Result<Option<String>, Failure> {
    if is_systems(&lost.schema) {
        return Ok(Some("the system's schemas are left alone".into()));
    }
    let name = quote_qualified(&lost.schema, &lost.name);
    let (reads, writes) = (format!("{}_in", lost.name), format!("{}_out", lost.name));
    let (reads, writes) = (quote_qualified(&lost.schema, &reads), quote_qualified(&lost.schema, &writes));
    let internal = "LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS";
    let statements = [
        format!("CREATE TYPE {name}"),
        format!("CREATE FUNCTION {reads}(pg_catalog.cstring) RETURNS {name} {internal} 'textin'"),
        format!("CREATE FUNCTION {writes}({name}) RETURNS pg_catalog.cstring {internal} 'textout'"),
        format!(
            "CREATE TYPE {name} (INPUT = {reads}, OUTPUT = {writes}, INTERNALLENGTH = VARIABLE, STORAGE = extended, COLLATABLE = true, \
             TYPMOD_IN = pg_catalog.varchartypmodin, TYPMOD_OUT = pg_catalog.varchartypmodout)"
        ),
        format!("CREATE CAST ({name} AS pg_catalog.text) WITHOUT FUNCTION AS IMPLICIT"),
    ];
    for ddl in statements {
        let failed = run_all(admin, vec![Object { kind: ObjectKind::Type, name: lost.name.clone(), ddl }]).await?;
        if let Some(f) = failed.into_iter().next() {
            // What is left of it would only make the next error harder to read.
            admin.client.batch_execute(&format!("DROP TYPE IF EXISTS {name} CASCADE")).await.map_err(broken)?;
            return Ok(Some(f.error));
        }
    }
    Ok(None)
}

/// The statement with `s.t(…)` as `s.t` for each of the types.
pub(super) fn strip_modifiers(ddl: &str, types: &[ExtensionType]) -> String {
    let mut text = ddl.to_owned();
    for t in types {
        for schema in [t.schema.clone(), quote_ident(&t.schema)] {
            for name in [t.name.clone(), quote_ident(&t.name)] {
                text = strip(&text, &format!("{schema}.{name}"));
            }
        }
    }
    text
}

/// Cuts `(…)` behind each whole occurrence of `name`.
fn strip(text: &str, name: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(&format!("{name}(")) {
        let (before, found) = rest.split_at(at);
        let whole = !before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '"' | '.'));
        let end = found.find(')').filter(|_| whole);
        out.push_str(before);
        out.push_str(name);
        rest = &found[end.map_or(name.len(), |end| end + 1)..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modifiers_of_stand_ins_are_cut() {
        let geometry = ExtensionType { extension: "postgis".into(), schema: "Geo".into(), name: "geometry".into() };
        let cut = |ddl: &str| strip_modifiers(ddl, std::slice::from_ref(&geometry));
        assert_eq!(
            cut("create table t (a \"Geo\".geometry(Point,4326), b varchar(5))"),
            "create table t (a \"Geo\".geometry, b varchar(5))"
        );
        assert_eq!(
            cut("a \"Geo\".geometry(Point,4326)[], b other_\"Geo\".geometry(1)"),
            "a \"Geo\".geometry[], b other_\"Geo\".geometry(1)"
        );
        assert_eq!(cut("a \"Geo\".geometry(cut short"), "a \"Geo\".geometry(cut short");
    }

    #[test]
    fn extensions_that_reach_outside_are_known() {
        assert!(["dblink", "plpython3u", "mysql_fdw"].iter().all(|n| reaches_outside(n)));
        assert!(["postgis", "pg_trgm", "plpgsql", "pldbgapi"].iter().all(|n| !reaches_outside(n)));
    }
}
