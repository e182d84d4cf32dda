//! The schema as statements.

use crate::model::blueprint::{Blueprint, ExtensionName, Locale, Object, ObjectKind};
use crate::pg::statements::{self, Statement};
use tokio_postgres::{Client, Error};

/// Schema objects in the order in which they are rebuilt.
static OBJECTS: [(ObjectKind, &Statement); 8] = [
    (ObjectKind::Schema, &statements::BLUEPRINT_SCHEMAS),
    (ObjectKind::Type, &statements::BLUEPRINT_TYPES),
    (ObjectKind::Function, &statements::BLUEPRINT_FUNCTIONS),
    (ObjectKind::Table, &statements::BLUEPRINT_TABLES),
    (ObjectKind::Inheritance, &statements::BLUEPRINT_INHERITANCE),
    (ObjectKind::Index, &statements::BLUEPRINT_CONSTRAINTS),
    (ObjectKind::Index, &statements::BLUEPRINT_INDEXES),
    (ObjectKind::View, &statements::BLUEPRINT_VIEWS),
];

/// Fills locale, extensions and objects.
pub(super) async fn read(live: &Client, blueprint: &mut Blueprint) -> Result<(), Error> {
    let row = live.query_one(statements::BLUEPRINT_DATABASE.sql, &[]).await?;
    blueprint.locale = Locale {
        encoding: row.try_get("encoding")?,
        collate: row.try_get("collate")?,
        ctype: row.try_get("ctype")?,
        provider: "c".into(),
        ..Locale::default()
    };
    for row in live.query(statements::EXTENSIONS.sql, &[]).await? {
        blueprint.extensions.push(ExtensionName { name: row.try_get("name")?, schema: row.try_get("schema")? });
    }
    blueprint.extensions.retain(|e| e.name != "plpgsql");
    for (kind, statement) in OBJECTS {
        for row in live.query(statement.sql, &[]).await? {
            blueprint.objects.push(Object { kind, name: row.try_get("object")?, ddl: row.try_get("ddl")? });
        }
    }
    Ok(())
}
