//! A blueprint is a file that anyone may have written: nothing in it gets more than a planner's rights.

use crate::catalogs::{build, planner};
use crate::support;
use advisor::model::blueprint::{Blueprint, ColumnStatistics, ExtensionName, Object, ObjectKind, Role, Slot};
use advisor::pg::clone::CloneDb;
use std::path::Path;

fn object(kind: ObjectKind, name: &str, ddl: &str) -> Object {
    Object { kind, name: name.into(), ddl: ddl.into() }
}

/// Objects that must be refused, all of which would leave `mark` behind or take rights.
fn refused(mark: &str) -> Vec<Object> {
    let touch = format!("copy (select 1) to program 'touch {mark}'");
    vec![
        object(ObjectKind::Table, "two statements", &format!("select 1; {touch}")),
        object(ObjectKind::Table, "a table and more", &format!("create table more (); {touch}")),
        object(ObjectKind::Table, "a program", &touch),
        object(ObjectKind::Function, "in C", "create function c(cstring) returns int language c as 'libc.so.6', 'system'"),
        object(ObjectKind::Function, "internal", "create function i(text) returns text language internal as 'pg_read_file_all'"),
        object(ObjectKind::Helper, "a superuser", "alter role advisor_owner superuser"),
        object(ObjectKind::Table, "a role", "alter role advisor_owner superuser"),
        object(ObjectKind::View, "a transaction", "begin"),
        object(ObjectKind::View, "a setting", "set role postgres"),
        object(ObjectKind::Table, "input", "copy pg_class from stdin"),
        object(ObjectKind::Table, "output", "copy pg_class to stdout"),
        object(ObjectKind::Table, "a file", "create table read as select pg_read_file('/etc/passwd')"),
        object(ObjectKind::Index, "a switched off check", "alter table pg_catalog.pg_authid disable row level security"),
        object(ObjectKind::Table, "a zero byte", "create table z\0 ()"),
    ]
}

/// Objects that are made, and whose code runs with the planner's rights alone.
fn made(mark: &str) -> Vec<Object> {
    // Only a volatile function may try.
    let body = format!("begin copy (select 1) to program 'touch {mark}'; return true; end");
    vec![
        object(ObjectKind::Function, "g", &format!("create function public.g() returns bool language plpgsql as $$ {body} $$")),
        object(
            ObjectKind::Function,
            "f",
            "create function public.f(int) returns bool language plpgsql immutable as 'begin return public.g(); end'",
        ),
        object(ObjectKind::Type, "d", "create domain public.d as int"),
        object(ObjectKind::Check, "c", "alter domain public.d add constraint c check (public.f(value))"),
        object(ObjectKind::Type, "k", "create type public.k as (x public.d)"),
        object(ObjectKind::Table, "t", "create table public.t (a public.d, b int, of_domain public.d[], row_of_domain public.k)"),
        object(ObjectKind::Index, "x", "create index x on public.t (public.f(b))"),
        object(ObjectKind::View, "v", "create view public.v as select public.f(1) as f"),
    ]
}

/// Reading any of these values checks the domain, which calls a function of the blueprint's.
fn values_of_domains() -> Vec<ColumnStatistics> {
    let of = |column: &str, value_type: Option<&str>, values: [&str; 2]| ColumnStatistics {
        schema: "public".into(),
        relation: "t".into(),
        column: column.into(),
        slots: vec![Slot {
            kind: Slot::HISTOGRAM,
            value_type: value_type.map(str::to_owned),
            values: Some(values.map(str::to_owned).into()),
            ..Slot::default()
        }],
        ..ColumnStatistics::default()
    };
    vec![
        of("a", None, ["1", "2"]),
        of("b", Some("public.d"), ["1", "2"]),
        of("of_domain", None, ["{1}", "{2}"]),
        of("of_domain", Some("public.d[]"), ["{1}", "{2}"]),
        of("row_of_domain", None, ["(1)", "(2)"]),
        of("row_of_domain", Some("public.k"), ["(1)", "(2)"]),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_blueprint_claims_gets_no_rights() {
    for shared in support::servers() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
        let mark = folder.path().join("made");
        let mark = mark.to_str().unwrap();
        let evil = Role {
            name: "evil".into(),
            bypasses_row_security: true,
            member_of: vec!["pg_execute_server_program".into(), "postgres".into()],
        };
        let blueprint = Blueprint {
            objects: made(mark).into_iter().chain(refused(mark)).collect(),
            roles: vec![evil, Role { name: "postgres".into(), bypasses_row_security: false, member_of: vec!["evil".into()] }],
            extensions: vec![ExtensionName { name: "plperlu".into(), schema: "public".into() }],
            statistics: values_of_domains(),
            ..Blueprint::default()
        };
        let clone = build(&shared, blueprint).await;
        let problems: Vec<&str> = clone.problems.iter().map(|p| p.message.as_str()).collect();
        for object in refused(mark) {
            let said: Vec<_> = problems.iter().filter(|p| p.starts_with(&format!("{} not rebuilt", object.name))).collect();
            assert_eq!(said.len(), 1, "{} in {problems:#?}", object.name);
        }
        assert!(problems.contains(&"extension plperlu left out: it reaches outside of the database"), "{problems:#?}");
        for object in made(mark) {
            assert!(!problems.iter().any(|p| p.starts_with(&format!("{} not rebuilt", object.name))), "{} in {problems:#?}", object.name);
        }
        // Planning folds the call of an immutable function: the program is refused to its caller.
        let planned = planner(&clone).query("explain select * from public.v where f", &[]).await.unwrap_err();
        assert_eq!(planned.code().unwrap().code(), "42501", "{planned:?}");
        assert_no_rights(&clone).await;
        assert!(!Path::new(mark).exists(), "PostgreSQL {}: a program ran", shared.binaries.version);
    }
}

async fn assert_no_rights(clone: &CloneDb) {
    let question = "select r.rolname::text from pg_roles r
        where (r.rolsuper or r.rolcreaterole or r.rolcreatedb or r.rolreplication) and r.rolname <> 'postgres'
           or r.rolname in ('advisor_owner', 'evil')
              and (pg_has_role(r.oid, 'pg_execute_server_program', 'member') or pg_has_role(r.oid, 'postgres', 'member'))";
    let rows = planner(clone).query(question, &[]).await.unwrap();
    assert!(rows.is_empty(), "{:?}", rows.iter().map(|r| r.get::<_, String>(0)).collect::<Vec<_>>());
}
