//! The schema, statement by statement: one that fails is reported, and nothing stops for it.

use super::{DATABASE, OWNER, broken, open};
use crate::model::blueprint::{Blueprint, ExtensionName, Locale, Object, ObjectKind};
use crate::model::failure::Failure;
use crate::model::snapshot::Problem;
use crate::model::text::{one_line, quote_ident, quote_literal};
use crate::pg::error::describe;
use crate::pg::server::Server;
use crate::pg::session::Session;

/// The role, and the database in the live one's encoding and locale where this machine has them.
pub(super) async fn create_database(server: &Server, locale: &Locale) -> Result<Vec<Problem>, Failure> {
    let admin = open(server, "postgres", "postgres").await?;
    admin.client.batch_execute(&format!("CREATE ROLE {OWNER} LOGIN")).await.map_err(broken)?;
    let [encoding, collate, ctype] = [&locale.encoding, &locale.collate, &locale.ctype].map(|s| quote_literal(s));
    let create = format!("CREATE DATABASE {DATABASE} OWNER {OWNER} TEMPLATE template0");
    let same = format!("{create} ENCODING {encoding} LC_COLLATE {collate} LC_CTYPE {ctype}");
    let Err(error) = admin.client.batch_execute(&same).await else { return Ok(Vec::new()) };
    admin.client.batch_execute(&create).await.map_err(broken)?;
    let message = format!("this machine lacks the database's locale ({}): text comparison is planned as in locale C", describe(&error));
    Ok(vec![Problem { source: "what-if clone".into(), message }])
}

/// Rebuilds every object; one that fails is tried again after the others (views on views), then reported.
pub(super) async fn rebuild(admin: &Session, planner: &Session, blueprint: &Blueprint) -> Result<Vec<Problem>, Failure> {
    planner.client.batch_execute("SET check_function_bodies = off; SET client_min_messages = error").await.map_err(broken)?;
    // The copied schemas may hold operators: none of them is ever called by the superuser.
    admin.client.batch_execute("SET client_min_messages = error; SET search_path = ''").await.map_err(broken)?;
    let (schemas, rest): (Vec<Object>, Vec<Object>) = blueprint.objects.iter().cloned().partition(|o| o.kind == ObjectKind::Schema);
    admin.client.batch_execute(&format!("ALTER SCHEMA public OWNER TO {OWNER}")).await.map_err(broken)?;
    let mut failed = run_all(planner, schemas).await;
    failed.extend(run_all(admin, blueprint.extensions.iter().map(create_extension).collect()).await);
    failed.extend(run_all(planner, rest).await);
    Ok(failed
        .into_iter()
        .map(|(object, error)| Problem {
            source: "what-if clone".into(),
            message: format!("{} not rebuilt: {error}", one_line(&object.name)),
        })
        .collect())
}

async fn run_all(session: &Session, mut objects: Vec<Object>) -> Vec<(Object, String)> {
    loop {
        let before = objects.len();
        let mut failed = Vec::new();
        for object in objects {
            // One statement per message, by the extended protocol: the text comes from another server.
            if let Err(error) = session.client.execute(&object.ddl, &[]).await {
                failed.push((object, describe(&error)));
            }
        }
        if failed.is_empty() || failed.len() == before {
            return failed;
        }
        objects = failed.into_iter().map(|(object, _)| object).collect();
    }
}

/// Composed here: the clone's superuser runs it.
fn create_extension(extension: &ExtensionName) -> Object {
    let (name, schema) = (quote_ident(&extension.name), quote_ident(&extension.schema));
    let ddl = format!("CREATE EXTENSION IF NOT EXISTS {name} SCHEMA {schema} CASCADE");
    Object { kind: ObjectKind::Helper, name: format!("extension {}", extension.name), ddl }
}
