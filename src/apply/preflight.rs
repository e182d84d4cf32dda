//! What stands against a step before it begins. Refusals are final; notes are for the plan.

use crate::model::ddl::Ddl;
use crate::model::ledger::{Blocker, Relation, ServerState, Target};
use crate::model::text::one_line;

/// Why nothing can be built on this server, with what to do.
pub fn refuse_server(server: &ServerState) -> Option<(String, String)> {
    let of = |what: &str, hint: &str| Some((what.to_owned(), hint.to_owned()));
    if server.is_standby {
        return of("this server is a standby: indexes are built on its primary", "give the primary's address with --db");
    }
    if server.read_only {
        return of("default_transaction_read_only is on for this role or database", "connect as a role that may write");
    }
    if (140_000..140_004).contains(&server.version_num) {
        let what = format!("PostgreSQL {} builds corrupt indexes with CONCURRENTLY (fixed in 14.4)", server.version);
        return of(&what, "update the server to 14.4 or later");
    }
    None
}

/// What is known of one step's surroundings.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// Its table; `None` when there is none of that name.
    pub target: Option<Target>,
    /// What has the index's name.
    pub relation: Option<Relation>,
    /// Who would hold the build up now.
    pub blockers: Vec<Blocker>,
    /// Process ids of builds running on the table.
    pub builds: Vec<i32>,
}

/// Why this step cannot be done at all. What depends on the ledger (an index of that name) is the
/// machine's question, under the lock.
pub fn refuse_step(ddl: &Ddl, around: &Surroundings) -> Option<String> {
    match ddl {
        Ddl::Create(create) => {
            let table = &create.table;
            let Some(target) = &around.target else { return Some(format!("table {table} does not exist")) };
            refuse_kind(target).map(|why| format!("{table} {why}")).or_else(|| {
                (!target.may_create)
                    .then(|| format!("no CREATE on its schema: GRANT CREATE ON SCHEMA {}", crate::model::text::quote_ident(&table.schema)))
            })
        }
        Ddl::Drop(index) => {
            let relation = around.relation.as_ref()?;
            if relation.definition.is_none() {
                return Some(format!("{index} is a {}, not an index", relation.kind));
            }
            let owner = around.target.as_ref().filter(|t| !t.ours).map(not_ours);
            relation.needed.as_ref().map(|why| format!("{index} must stay: {why}")).or(owner)
        }
        Ddl::Comment(..) | Ddl::Statistics(..) => Some("not an index build or drop".into()),
    }
}

fn refuse_kind(target: &Target) -> Option<String> {
    match target.kind.as_str() {
        "r" | "m" | "p" => {}
        _ => return Some("is not a table or materialized view".into()),
    }
    if target.persistence == "t" {
        return Some("is a temporary table".into());
    }
    (!target.ours).then(|| not_ours(target))
}

fn not_ours(target: &Target) -> String {
    format!("belongs to role {}: run as that role or a member of it", one_line(&target.owner))
}

/// Remarks for the plan.
pub fn notes(ddl: &Ddl, around: &Surroundings) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(pid) = around.builds.first() {
        notes.push(format!("another index build runs on this table (process {pid}): this one waits for it"));
    }
    notes.extend(around.blockers.iter().filter(|b| b.seconds >= 1.0).take(5).map(|b| format!("would wait for {}", blocker(b))));
    if let Some(target) = &around.target
        && target.frozen_age.is_some_and(|age| age >= target.freeze_max_age)
    {
        notes.push("a VACUUM against wraparound is due on this table and would hold the build up: run VACUUM (FREEZE) first".into());
    }
    let relation = around.relation.as_ref().filter(|_| matches!(ddl, Ddl::Drop(_)));
    match relation {
        Some(relation) if relation.definition.as_ref().is_some_and(|d| !d.valid) => {
            notes.push("it is INVALID: rollback does not build it again".into());
        }
        Some(_) => notes.push("the definition is kept: rollback builds it again".into()),
        None => {}
    }
    notes
}

/// A blocker in words: `process 42 "etl" of role app, idle in transaction, for 240 s`.
pub fn blocker(blocker: &Blocker) -> String {
    let who = match (blocker.pid, blocker.application.is_empty()) {
        (0, _) => one_line(&blocker.application),
        (pid, true) => format!("process {pid}"),
        (pid, false) => format!("process {pid} \"{}\"", one_line(&blocker.application)),
    };
    format!("{who} of role {}, {}, for {:.0} s", one_line(&blocker.role), one_line(&blocker.state), blocker.seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_that_cannot_build_are_refused() {
        let good = ServerState { version_num: 150_000, ..ServerState::default() };
        assert_eq!(refuse_server(&good), None);
        for bad in [
            ServerState { is_standby: true, ..good.clone() },
            ServerState { read_only: true, ..good.clone() },
            ServerState { version_num: 140_003, ..good.clone() },
        ] {
            assert!(refuse_server(&bad).is_some(), "{bad:?}");
        }
        assert_eq!(refuse_server(&ServerState { version_num: 140_004, ..good }), None);
    }
}
