//! What our role may read (analyze) and change (apply).

use crate::model::doctor::{Check, Facts, RightsFacts};
use crate::model::text::quote_ident;

const TOPIC: &str = "privileges";

/// pg_read_all_data exists from here on.
const READ_ALL_DATA_MAJOR: u32 = 14;

pub(super) fn judge(facts: &Facts, checks: &mut Vec<Check>) {
    let Some(rights) = &facts.rights else { return };
    if facts.connection.superuser {
        return checks.push(Check::ok(TOPIC, format!("{} is a superuser: reads and applies everything", facts.connection.user)));
    }
    let role = quote_ident(&facts.connection.user);
    checks.push(statistics(rights, &role));
    checks.push(data(rights, &role, facts.server.major()));
    checks.push(ownership(rights, &role));
    for schema in &rights.closed_schemas {
        let grant = format!("GRANT CREATE ON SCHEMA {} TO {role};", quote_ident(schema));
        checks.push(Check::problem(TOPIC, format!("no CREATE on schema {schema}: apply can build no index there"), "", vec![grant]));
    }
    checks.push(ledger(rights, &role));
}

fn statistics(rights: &RightsFacts, role: &str) -> Check {
    if rights.reads_all_stats {
        return Check::ok(TOPIC, "reads all statistics (pg_read_all_stats): query texts and sessions of every role");
    }
    let sql = format!("GRANT pg_read_all_stats TO {role};");
    Check::problem(
        TOPIC,
        "query texts and sessions of other roles are hidden",
        "as a superuser (managed services: as their administrator):",
        vec![sql],
    )
}

fn data(rights: &RightsFacts, role: &str, major: u32) -> Check {
    let hidden = rights.tables.saturating_sub(rights.readable_tables);
    if hidden == 0 {
        return Check::ok(TOPIC, format!("reads the column statistics of all {} tables", rights.tables));
    }
    let message = format!("no SELECT on {hidden} of {} tables: their column statistics are hidden, estimates are guesses", rights.tables);
    let sql = match major >= READ_ALL_DATA_MAJOR {
        true => format!("GRANT pg_read_all_data TO {role};"),
        false => format!("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role};"),
    };
    Check::attention(TOPIC, message, "", vec![sql])
}

fn ownership(rights: &RightsFacts, role: &str) -> Check {
    let foreign = rights.tables.saturating_sub(rights.own_tables);
    if foreign == 0 {
        return Check::ok(TOPIC, format!("owns all {} tables: apply can index them", rights.tables));
    }
    let grants: Vec<String> = rights.other_owners.iter().map(|owner| format!("GRANT {} TO {role};", quote_ident(owner))).collect();
    let message = format!(
        "{foreign} of {} tables belong to other roles ({}): apply cannot index them",
        rights.tables,
        rights.other_owners.join(", ")
    );
    Check::attention(TOPIC, message, "apply as their owner, or become a member:", grants)
}

fn ledger(rights: &RightsFacts, role: &str) -> Check {
    match (rights.ledger_usable, rights.creates_schemas) {
        (Some(true), _) => Check::ok(TOPIC, "schema advisor is there and open to us: apply can keep its ledger"),
        (None, true) => Check::ok(TOPIC, "may create schema advisor, where apply keeps its ledger"),
        (Some(false), _) => Check::attention(
            TOPIC,
            "schema advisor belongs to another role: apply cannot keep its ledger there",
            "apply as that role, or:",
            vec![
                format!("GRANT USAGE, CREATE ON SCHEMA advisor TO {role};"),
                format!("GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA advisor TO {role};"),
            ],
        ),
        (None, false) => Check::attention(
            TOPIC,
            "may not create schema advisor, where apply keeps its ledger",
            "",
            vec![format!("CREATE SCHEMA advisor AUTHORIZATION {role};")],
        ),
    }
}
