//! The schema as statements, and what stands around it: locale, extensions, roles.

use super::live::Live;
use crate::model::blueprint::{Blueprint, ExtensionName, ExtensionType, Locale, Object, ObjectKind, Role};
use crate::model::snapshot::Problem;
use crate::pg::statements::{self, Statement};
use tokio_postgres::Error;

/// Schema objects in the order in which they are rebuilt.
static OBJECTS: [(ObjectKind, &Statement); 22] = [
    (ObjectKind::Schema, &statements::BLUEPRINT_SCHEMAS),
    (ObjectKind::Collation, &statements::BLUEPRINT_COLLATIONS),
    (ObjectKind::Enum, &statements::BLUEPRINT_ENUMS),
    (ObjectKind::Type, &statements::BLUEPRINT_TYPES),
    (ObjectKind::Sequence, &statements::BLUEPRINT_SEQUENCES),
    (ObjectKind::Function, &statements::BLUEPRINT_FUNCTIONS),
    (ObjectKind::Helper, &statements::BLUEPRINT_AGGREGATES),
    (ObjectKind::Helper, &statements::BLUEPRINT_OPERATORS),
    (ObjectKind::Helper, &statements::BLUEPRINT_CASTS),
    (ObjectKind::Helper, &statements::BLUEPRINT_TEXT_SEARCH),
    // Before any table: a domain gets no check any more once a column holds arrays of it.
    (ObjectKind::Check, &statements::BLUEPRINT_DOMAIN_CHECKS),
    (ObjectKind::Table, &statements::BLUEPRINT_TABLES),
    (ObjectKind::Default, &statements::BLUEPRINT_DEFAULTS),
    // Before a table becomes a child: it must have its parent's by then.
    (ObjectKind::Check, &statements::BLUEPRINT_CHECKS),
    (ObjectKind::Inheritance, &statements::BLUEPRINT_INHERITANCE),
    (ObjectKind::Index, &statements::BLUEPRINT_INDEXES),
    (ObjectKind::IndexAttachment, &statements::BLUEPRINT_ATTACHMENTS),
    (ObjectKind::ForeignKey, &statements::BLUEPRINT_FOREIGN_KEYS),
    (ObjectKind::View, &statements::BLUEPRINT_VIEWS),
    (ObjectKind::Rule, &statements::BLUEPRINT_RULES),
    (ObjectKind::Statistics, &statements::BLUEPRINT_STATISTICS_OBJECTS),
    (ObjectKind::Policy, &statements::BLUEPRINT_POLICIES),
];

/// So many names are written out in a problem.
const NAMES_WRITTEN: usize = 20;

/// Fills locale, extensions, roles and objects; what cannot be rebuilt becomes a problem.
pub(super) async fn read(live: &Live<'_>, blueprint: &mut Blueprint) -> Result<(), Error> {
    blueprint.locale = locale(live).await?;
    for row in live.query(&statements::EXTENSIONS, &[]).await? {
        blueprint.extensions.push(ExtensionName { name: row.try_get("name")?, schema: row.try_get("schema")? });
    }
    blueprint.extensions.retain(|e| e.name != "plpgsql");
    for row in live.query(&statements::BLUEPRINT_EXTENSION_TYPES, &[]).await? {
        let (extension, schema, name) = (row.try_get("extension")?, row.try_get("schema")?, row.try_get("name")?);
        blueprint.extension_types.push(ExtensionType { extension, schema, name });
    }
    read_roles(live, blueprint).await?;
    for (kind, statement) in OBJECTS {
        for row in live.query(statement, &[]).await? {
            // No text: dropped by another session while we read.
            let Some(ddl) = row.try_get("ddl")? else { continue };
            blueprint.objects.push(Object { kind, name: row.try_get("object")?, ddl });
        }
    }
    for row in live.query(&statements::BLUEPRINT_LEFT_OUT, &[]).await? {
        let (what, names): (String, Vec<String>) = (row.try_get("what")?, row.try_get("names")?);
        blueprint.problems.push(problem(format!("left out: {what}: {}", list(&names))));
    }
    Ok(())
}

async fn locale(live: &Live<'_>) -> Result<Locale, Error> {
    let row = live.row(&statements::BLUEPRINT_DATABASE).await?;
    Ok(Locale {
        encoding: row.try_get("encoding")?,
        collate: row.try_get("collate")?,
        ctype: row.try_get("ctype")?,
        provider: row.try_get("provider")?,
        locale: row.try_get("locale")?,
        icu_rules: row.try_get("icu_rules")?,
    })
}

async fn read_roles(live: &Live<'_>, blueprint: &mut Blueprint) -> Result<(), Error> {
    let mut total: i64 = 0;
    for row in live.query(&statements::BLUEPRINT_ROLES, &[]).await? {
        total = row.try_get("total")?;
        blueprint.roles.push(Role {
            name: row.try_get("name")?,
            bypasses_row_security: row.try_get("bypasses_row_security")?,
            member_of: row.try_get("member_of")?,
        });
    }
    let kept = blueprint.roles.len();
    if total > kept as i64 {
        let message =
            format!("{kept} of {total} roles are copied: row-level security of the others' queries is planned as for none of them");
        blueprint.problems.push(problem(message));
    }
    Ok(())
}

fn list(names: &[String]) -> String {
    let written = names.iter().take(NAMES_WRITTEN).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > NAMES_WRITTEN { format!("{written} and {} more", names.len() - NAMES_WRITTEN) } else { written }
}

fn problem(message: String) -> Problem {
    Problem { source: "schema".into(), message: crate::model::text::one_line(&message) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_is_cut_and_counted() {
        let names: Vec<String> = (0..23).map(|n| format!("s.f{n}")).collect();
        assert!(list(&names).ends_with(", s.f19 and 3 more"));
        assert_eq!(list(&names[..2]), "s.f0, s.f1");
    }
}
