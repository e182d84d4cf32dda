//! What stands against a step before it begins: refusals here, which are final; what is only worth knowing below.

pub mod obstacles;
pub mod remarks;
pub mod space;

use crate::model::amount::duration;
use crate::model::catalog::Table;
use crate::model::ddl::Ddl;
use crate::model::index_def::IndexSpec;
use crate::model::ledger::{Blocker, Relation, ServerState, Target};
use crate::model::preflight::{Cost, Obstacle, Sibling, Tablespace};
use crate::model::text::{one_line, quote_ident};

/// Why nothing can be built on this server, with what to do.
pub fn refuse_server(server: &ServerState) -> Option<(String, String)> {
    let of = |what: &str, hint: &str| Some((what.to_owned(), hint.to_owned()));
    if server.is_standby {
        return of("this server is a standby: indexes are built on its primary", "give the primary's address with --db");
    }
    if server.read_only {
        return of("default_transaction_read_only is on for this role or database", "connect as a role that may write");
    }
    if let Some(login) = &server.blind_to {
        let (role, login) = (one_line(&server.role), one_line(login));
        let what = format!("role {role} may neither see nor cancel what its login {login} runs: a build could not be watched");
        let grant = format!("GRANT pg_read_all_stats, pg_signal_backend TO {};", quote_ident(&role));
        return of(&what, &format!("stay the login: options='-c role=none' in --db (in a URL: ?options=-c%20role%3Dnone); or {grant}"));
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
    /// Our role.
    pub role: String,
    /// Its table; `None` when there is none of that name.
    pub target: Option<Target>,
    /// What has the index's name.
    pub relation: Option<Relation>,
    /// What is to be built, comparable; `None` for a drop and for what cannot be read.
    pub spec: Option<IndexSpec>,
    /// Its table with statistics; `None` where they were not to be had.
    pub table: Option<Table>,
    /// Where the index would lie; `None` when there is no tablespace of that name.
    pub tablespace: Option<Tablespace>,
    /// Who is busy on the table or holds a snapshot.
    pub obstacles: Vec<Obstacle>,
    /// The other indexes of the table.
    pub siblings: Vec<Sibling>,
    /// What a build costs.
    pub cost: Cost,
}

/// Why this step cannot be done at all. What depends on the ledger (an index of that name) is the
/// machine's question, under the lock.
pub fn refuse_step(ddl: &Ddl, around: &Surroundings) -> Option<String> {
    match ddl {
        Ddl::Create(create) => {
            let table = &create.table;
            let Some(target) = &around.target else { return Some(format!("table {table} does not exist")) };
            let schema = || {
                (!target.may_create).then(|| {
                    one_line(&format!(
                        "no CREATE on its schema: GRANT CREATE ON SCHEMA {} TO {}",
                        quote_ident(&table.schema),
                        quote_ident(&around.role)
                    ))
                })
            };
            refuse_kind(target)
                .map(|why| format!("{table} {why}"))
                .or_else(schema)
                .or_else(|| refuse_place(create.tablespace.as_deref(), around))
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

/// A tablespace that is not there or not for us.
fn refuse_place(wanted: Option<&str>, around: &Surroundings) -> Option<String> {
    match (&around.tablespace, wanted) {
        (None, Some(name)) => Some(format!("there is no tablespace {}", one_line(name))),
        (Some(place), _) if !place.may_create => {
            let (name, role) = (quote_ident(&place.name), quote_ident(&around.role));
            Some(one_line(&format!("no CREATE on tablespace {}: GRANT CREATE ON TABLESPACE {name} TO {role}", place.name)))
        }
        _ => None,
    }
}

/// A blocker in words: `process 42 "etl" of role app, idle in transaction, for 4 min`.
pub fn blocker(blocker: &Blocker) -> String {
    let who = match (blocker.pid, blocker.application.is_empty()) {
        (0, _) => one_line(&blocker.application),
        (pid, true) => format!("process {pid}"),
        (pid, false) => format!("process {pid} \"{}\"", one_line(&blocker.application)),
    };
    // Background processes have no role, and what others' sessions do may be hidden.
    let role = if blocker.role.is_empty() { String::new() } else { format!(" of role {}", one_line(&blocker.role)) };
    let state = if blocker.state.is_empty() { String::new() } else { format!(", {}", one_line(&blocker.state)) };
    format!("{who}{role}{state}, for {}", duration(blocker.seconds.round() * 1000.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blockers_without_a_role_are_named_for_what_they_are() {
        let who = |pid, application: &str, role: &str, state: &str| {
            blocker(&Blocker { pid, application: application.into(), role: role.into(), state: state.into(), seconds: 240.4 })
        };
        assert_eq!(who(42, "etl", "app", "idle in transaction"), "process 42 \"etl\" of role app, idle in transaction, for 4 min");
        assert_eq!(who(42, "autovacuum worker", "", "active"), "process 42 \"autovacuum worker\", active, for 4 min");
        assert_eq!(who(0, "prepared transaction x", "", ""), "prepared transaction x, for 4 min");
        assert_eq!(who(42, "", "", ""), "process 42, for 4 min");
    }

    #[test]
    fn servers_that_cannot_build_are_refused() {
        let good = ServerState { version_num: 150_000, ..ServerState::default() };
        assert_eq!(refuse_server(&good), None);
        for bad in [
            ServerState { is_standby: true, ..good.clone() },
            ServerState { read_only: true, ..good.clone() },
            ServerState { blind_to: Some("login".into()), ..good.clone() },
            ServerState { version_num: 140_003, ..good.clone() },
        ] {
            assert!(refuse_server(&bad).is_some(), "{bad:?}");
        }
        assert_eq!(refuse_server(&ServerState { version_num: 140_004, ..good }), None);
    }
}
