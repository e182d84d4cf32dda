//! Connection, encryption, pooler, version, standby.

use crate::model::doctor::{Check, Facts};
use crate::model::snapshot::{NEWEST_TESTED_MAJOR, OLDEST_MAJOR};

/// Builds on 14.0 to 14.3 lose rows: VACUUM ignored the horizon of CREATE INDEX CONCURRENTLY (fixed in 14.4).
const CORRUPTING: std::ops::Range<u32> = 140_000..140_004;

pub(super) fn judge(facts: &Facts, checks: &mut Vec<Check>) {
    checks.push(connected(facts));
    checks.push(encryption(facts));
    checks.push(pooler(facts));
    version(facts, checks);
    checks.push(match facts.server.is_standby {
        false => Check::ok("server", "a primary: index usage counts what ran here, not on standbys"),
        true => Check::attention(
            "server",
            "a standby: analyze works, and index usage is this node's alone; apply cannot write here",
            "for apply, connect to the primary (target_session_attrs=primary)",
            vec![],
        ),
    });
}

fn connected(facts: &Facts) -> Check {
    let c = &facts.connection;
    Check::ok("connection", format!("connected to {}:{}, database {}, as {}", c.host, c.port, facts.server.database, c.user))
}

fn encryption(facts: &Facts) -> Check {
    let c = &facts.connection;
    match (c.encrypted, c.local) {
        (true, _) => Check::ok("connection", format!("encrypted{}", protocol(facts))),
        (false, true) => Check::ok("connection", "not encrypted, and does not leave this machine"),
        (false, false) => Check::attention(
            "connection",
            "not encrypted: passwords and queries can be read on the way",
            "connect with sslmode=require, better verify-full with sslrootcert=FILE",
            vec![],
        ),
    }
}

/// What pg_stat_ssl says; behind a pooler it speaks of the pooler's own connection.
fn protocol(facts: &Facts) -> String {
    let c = &facts.connection;
    match (&c.tls_version, &c.tls_cipher) {
        (Some(version), Some(cipher)) if !c.pooler => format!(" ({version}, {cipher})"),
        _ => String::new(),
    }
}

fn pooler(facts: &Facts) -> Check {
    if !facts.connection.pooler {
        return Check::ok("connection", "no pooler seen: the backend is the one announced at log-in");
    }
    Check::problem(
        "connection",
        "a pooler stands in between: settings and locks of a session may end up with other clients. analyze works; apply refuses",
        "for apply, connect to PostgreSQL itself (its own port, often 5432; many providers list a \"direct\" address)",
        vec![],
    )
}

fn version(facts: &Facts, checks: &mut Vec<Check>) {
    let server = &facts.server;
    let (major, version) = (server.major(), &server.version);
    if major == 0 {
        let unknown = Check::problem("server", "the version is not known: the question failed", "", vec![]);
        return checks.push(Check { stops_analysis: true, ..unknown });
    }
    if major < OLDEST_MAJOR {
        let text = "upgrade the server; plans saved with EXPLAIN can be read with: advisor explain FILE";
        let old =
            Check::problem("server", format!("PostgreSQL {version} is older than {OLDEST_MAJOR}, the oldest supported"), text, vec![]);
        return checks.push(Check { stops_analysis: true, ..old });
    }
    checks.push(match major > NEWEST_TESTED_MAJOR {
        true => Check::attention(
            "server",
            format!("PostgreSQL {version} is newer than {NEWEST_TESTED_MAJOR}, the newest tested"),
            "look for a newer advisor",
            vec![],
        ),
        false => Check::ok("server", format!("PostgreSQL {version}")),
    });
    if CORRUPTING.contains(&server.version_num) {
        checks.push(Check::problem(
            "server",
            format!("PostgreSQL {version} can corrupt indexes that are built CONCURRENTLY (fixed in 14.4); apply refuses"),
            "upgrade to the latest 14, then check the B-tree indexes that exist:",
            vec![
                "CREATE EXTENSION IF NOT EXISTS amcheck;".to_owned(),
                "SELECT c.oid::regclass, bt_index_check(c.oid, heapallindexed => true) FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid JOIN pg_am a ON a.oid = c.relam WHERE a.amname = 'btree' AND c.relkind = 'i' AND i.indisvalid;".to_owned(),
            ],
        ));
    }
}
