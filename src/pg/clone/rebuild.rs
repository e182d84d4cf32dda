//! The schema, statement by statement: one that fails is reported, and nothing stops for it.
//!
//! ```text
//! rebuild/database.rs     the database in the live one's encoding and locale
//! rebuild/roles.rs        roles without any right but to plan
//! rebuild/extensions.rs   extensions, and stand-ins for types of those that are missing
//! rebuild/run.rs          many statements without waiting for each
//! ```

mod database;
mod extensions;
mod roles;
mod run;

pub(super) use database::create_database;

use super::{OWNER, broken};
use crate::model::blueprint::{Blueprint, ExtensionType, Object, ObjectKind};
use crate::model::failure::Failure;
use crate::model::snapshot::Problem;
use crate::model::text::{one_line, squeeze};
use crate::pg::session::Session;
use run::{Failed, run_all};

/// How the statements of each kind begin: anything else in their place is not sent.
const OPENINGS: [(ObjectKind, &[&str]); 18] = [
    (ObjectKind::Schema, &["create schema "]),
    (ObjectKind::Collation, &["create collation "]),
    (ObjectKind::Enum, &["create type "]),
    (ObjectKind::Type, &["create type ", "create domain "]),
    (ObjectKind::Sequence, &["create sequence "]),
    (ObjectKind::Function, &["create function ", "create or replace function "]),
    (ObjectKind::Helper, &["create aggregate ", "create operator ", "create cast ", "create text search ", "alter text search "]),
    (ObjectKind::Table, &["create table ", "create unlogged table "]),
    (ObjectKind::Default, &["alter table "]),
    (ObjectKind::Inheritance, &["alter table "]),
    (ObjectKind::Check, &["alter table ", "alter domain "]),
    (ObjectKind::Index, &["create index ", "create unique index ", "alter table ", "alter index "]),
    (ObjectKind::IndexAttachment, &["alter index "]),
    (ObjectKind::ForeignKey, &["alter table "]),
    (ObjectKind::View, &["create view "]),
    (ObjectKind::Rule, &["create rule "]),
    (ObjectKind::Statistics, &["create statistics "]),
    (ObjectKind::Policy, &["alter table ", "create policy "]),
];

/// Rebuilds every object; one that fails is tried again after the others (views on views), then reported.
pub(super) async fn rebuild(admin: &Session, planner: &Session, blueprint: &Blueprint) -> Result<Vec<Problem>, Failure> {
    planner.client.batch_execute("SET check_function_bodies = off; SET client_min_messages = error").await.map_err(broken)?;
    // The copied schemas may hold operators: none of them is ever called by the superuser.
    admin.client.batch_execute("SET client_min_messages = error; SET search_path = ''").await.map_err(broken)?;
    admin.client.batch_execute(&format!("ALTER SCHEMA public OWNER TO {OWNER}")).await.map_err(broken)?;
    let mut problems = roles::create(admin, planner, &blueprint.roles).await?;
    let (wanted, refused): (Vec<Object>, Vec<Object>) = blueprint.objects.iter().cloned().partition(opens_as_its_kind);
    // Before anything of the copied schema is there: extensions' scripts are run by the superuser.
    let missing = extensions::create(admin, planner, blueprint).await?;
    problems.extend(missing.problems);
    let mut failed = run_all(planner, wanted).await?;
    failed = without_modifiers(planner, failed, &missing.stand_ins, &mut problems).await?;
    let not_sent = refused.into_iter().map(|object| Failed {
        object,
        error: "its statement is not of its kind, and was not sent".into(),
        timed_out: false,
    });
    problems.extend(failed.into_iter().chain(not_sent).map(|f| report(&f)));
    Ok(problems)
}

fn opens_as_its_kind(object: &Object) -> bool {
    let opening = |o: &&str| object.ddl.get(..o.len()).is_some_and(|start| start.eq_ignore_ascii_case(o));
    OPENINGS.iter().any(|(kind, openings)| *kind == object.kind && openings.iter().any(opening))
}

/// Stand-ins of types take one number as modifier: `geometry(Point,4326)` is tried again as `geometry`.
async fn without_modifiers(
    planner: &Session,
    mut failed: Vec<Failed>,
    types: &[ExtensionType],
    problems: &mut Vec<Problem>,
) -> Result<Vec<Failed>, Failure> {
    let mut changed = Vec::new();
    for object in failed.iter_mut().map(|f| &mut f.object).filter(|o| matches!(o.kind, ObjectKind::Table | ObjectKind::Type)) {
        let plain = extensions::strip_modifiers(&object.ddl, types);
        if plain != object.ddl {
            object.ddl = plain;
            changed.push(object.name.clone());
        }
    }
    if changed.is_empty() {
        return Ok(failed);
    }
    let still = run_all(planner, failed.into_iter().map(|f| f.object).collect()).await?;
    for name in changed.iter().filter(|name| still.iter().all(|f| f.object.name != **name)) {
        problems.push(problem(format!("{name}: types of missing extensions have lost what stood in parentheses after them")));
    }
    Ok(still)
}

fn report(failed: &Failed) -> Problem {
    let name = &failed.object.name;
    match failed.error.strip_prefix("access method \"").and_then(|rest| rest.split_once("\" does not exist")) {
        Some((method, _)) => problem(format!("{name} left out: its access method {method} is missing here")),
        None => problem(format!("{name} not rebuilt: {}", squeeze(&failed.error))),
    }
}

fn problem(message: String) -> Problem {
    Problem { source: "what-if clone".into(), message: one_line(&message) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(kind: ObjectKind, ddl: &str) -> Object {
        Object { kind, name: "x".into(), ddl: ddl.into() }
    }

    #[test]
    fn only_statements_of_their_kind_are_sent() {
        assert!(opens_as_its_kind(&object(ObjectKind::Index, "CREATE UNIQUE INDEX i ON t (a)")));
        assert!(!opens_as_its_kind(&object(ObjectKind::Table, "copy t to program 'x'")));
        assert!(!opens_as_its_kind(&object(ObjectKind::Table, "alter role advisor_owner superuser")));
        assert!(!opens_as_its_kind(&object(ObjectKind::View, "begin")));
        assert!(!opens_as_its_kind(&object(ObjectKind::View, "creäte view")));
    }

    #[test]
    fn a_missing_access_method_is_named() {
        let error = "access method \"hnsw\" does not exist (42704)".to_owned();
        let failed = Failed { object: object(ObjectKind::Index, ""), error, timed_out: false };
        assert_eq!(report(&failed).message, "x left out: its access method hnsw is missing here");
    }
}
