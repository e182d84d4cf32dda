//! Roles of the live database, so that row-level security is planned for whoever ran a query.
//! None can log in; all they may do is what planning asks for.

use super::problem;
use super::run::run_all;
use crate::model::blueprint::{Object, ObjectKind, Role};
use crate::model::failure::Failure;
use crate::model::snapshot::Problem;
use crate::model::text::quote_ident;
use crate::pg::clone::{OWNER, broken};
use crate::pg::session::Session;

/// Has the rights of all copied roles: one entry in each table's list of rights, however many roles.
const READER: &str = "advisor_reader";

/// Creates them, composed of quoted names: the clone's superuser runs it.
pub(super) async fn create(admin: &Session, planner: &Session, roles: &[Role]) -> Result<Vec<Problem>, Failure> {
    let roles: Vec<&Role> = roles.iter().filter(|r| is_copied(&r.name)).collect();
    if roles.is_empty() {
        return Ok(Vec::new());
    }
    admin.client.batch_execute(&format!("CREATE ROLE {READER} NOLOGIN")).await.map_err(broken)?;
    let mut statements: Vec<Object> = roles.iter().map(|role| created(role)).collect();
    statements.extend(roles.iter().map(|role| granted(&role.name, OWNER)));
    for role in &roles {
        let groups = role.member_of.iter().filter(|group| **group != role.name && is_copied(group));
        statements.extend(groups.map(|group| granted(group, &quote_ident(&role.name))));
    }
    let failed = run_all(admin, statements).await?;
    // Before any object is made: each is born with these rights.
    for rights in ["USAGE ON SCHEMAS", "SELECT, INSERT, UPDATE, DELETE ON TABLES", "USAGE, SELECT ON SEQUENCES"] {
        let grant = format!("ALTER DEFAULT PRIVILEGES GRANT {rights} TO {READER}");
        planner.client.batch_execute(&grant).await.map_err(broken)?;
    }
    planner.client.batch_execute(&format!("GRANT USAGE ON SCHEMA public TO {READER}")).await.map_err(broken)?;
    Ok(failed.iter().map(|f| problem(format!("{} not rebuilt: {}", f.object.name, f.error))).collect())
}

/// The clone's own roles and the server's built-in ones are never made or granted.
fn is_copied(name: &str) -> bool {
    !name.starts_with("pg_") && !["postgres", OWNER, READER].contains(&name)
}

fn created(role: &Role) -> Object {
    let bypass = if role.bypasses_row_security { " BYPASSRLS" } else { "" };
    let ddl = format!("CREATE ROLE {} NOLOGIN{bypass} IN ROLE {READER}", quote_ident(&role.name));
    Object { kind: ObjectKind::Helper, name: format!("role {}", role.name), ddl }
}

fn granted(group: &str, member: &str) -> Object {
    let ddl = format!("GRANT {} TO {member}", quote_ident(group));
    Object { kind: ObjectKind::Helper, name: format!("membership in role {group}"), ddl }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clones_own_roles_are_not_touched() {
        assert!(["postgres", "advisor_owner", "pg_execute_server_program"].iter().all(|n| !is_copied(n)));
        let role = Role { name: "a\"; drop".into(), bypasses_row_security: true, member_of: vec![] };
        assert_eq!(created(&role).ddl, "CREATE ROLE \"a\"\"; drop\" NOLOGIN BYPASSRLS IN ROLE advisor_reader");
    }
}
