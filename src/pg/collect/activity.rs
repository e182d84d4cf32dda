//! What goes on at the moment: sessions, standbys, settings, the age of the counters.

use super::Rights;
use super::reader::Reader;
use crate::model::snapshot::{Evidence, Gap, SessionActivity, Snapshot};
use crate::model::text::quote_ident;
use crate::pg::error::describe;
use crate::pg::planner_settings::PLANNER;
use crate::pg::statements::{COUNTERS, SESSIONS, SETTINGS, STANDBYS};
use tokio_postgres::types::Type;
use tokio_postgres::{Error, Row};

/// Settings that a rule or a reader may ask for, beside the planner's. Those a version does not know are absent.
const NAMES: &[&str] = &[
    // Memory.
    "shared_buffers",
    "maintenance_work_mem",
    "temp_file_limit",
    "block_size",
    // Connections and transactions.
    "max_connections",
    "superuser_reserved_connections",
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
    "transaction_timeout",
    "max_prepared_transactions",
    // What the server records.
    "track_counts",
    "track_io_timing",
    "track_activity_query_size",
    "compute_query_id",
    "log_min_duration_statement",
    "log_statement",
    "log_duration",
    "log_lock_waits",
    "log_temp_files",
    "log_line_prefix",
    "log_destination",
    "logging_collector",
    "deadlock_timeout",
    // Autovacuum.
    "autovacuum",
    "autovacuum_naptime",
    "autovacuum_max_workers",
    "autovacuum_analyze_threshold",
    "autovacuum_analyze_scale_factor",
    "autovacuum_vacuum_threshold",
    "autovacuum_vacuum_scale_factor",
    // Extensions and replication.
    "shared_preload_libraries",
    "pg_stat_statements.max",
    "pg_stat_statements.track",
    "pg_stat_statements.track_planning",
    "pg_stat_statements.track_utility",
    "pg_stat_statements.save",
    "auto_explain.log_min_duration",
    "wal_level",
    "hot_standby_feedback",
];

/// Fills sessions, standbys, settings and the age of the usage counters.
pub(super) async fn read(reader: &mut Reader<'_>, snapshot: &mut Snapshot, rights: &Rights) {
    read_sessions(reader, snapshot, rights).await;
    read_standbys(reader, snapshot).await;
    let names: Vec<&str> = PLANNER.iter().chain(NAMES).copied().collect();
    match reader.attempt(&SETTINGS, &[(&names, Type::TEXT_ARRAY)], setting).await {
        Ok(settings) => snapshot.settings = settings.into_iter().filter_map(|(name, value)| Some((name, value?))).collect(),
        Err(error) => reader.problem(SETTINGS.name, describe(&error)),
    }
    // Counters outlive a restart: where stats_reset is NULL the age is at least the server's uptime,
    // and that lower bound is what we take; what rates divide by is the longest time that it can be.
    let ages = |row: &Row| Ok((row.try_get::<_, f64>("age_seconds")?, row.try_get::<_, f64>("longest_seconds")?));
    let ages = reader.part(&COUNTERS, ages).await.and_then(|rows| rows.first().copied());
    (snapshot.usage_age_seconds, snapshot.counted_seconds) = ages.unzip();
}

fn setting(row: &Row) -> Result<(String, Option<String>), Error> {
    Ok((row.try_get("name")?, row.try_get("value")?))
}

async fn read_sessions(reader: &mut Reader<'_>, snapshot: &mut Snapshot, rights: &Rights) {
    let rows = reader.part(&SESSIONS, |row| Ok((session(row)?, row.try_get::<_, bool>("hidden")?))).await;
    let read = rows.is_some();
    let rows = rows.unwrap_or_default();
    let hidden = rows.iter().filter(|(_, hidden)| *hidden).count();
    snapshot.sessions_visible = read && hidden == 0;
    if !snapshot.sessions_visible {
        let role = quote_ident(&rights.role);
        let reason = if read {
            format!("the state of {hidden} session(s) of other roles is hidden from role {role}")
        } else {
            "pg_stat_activity could not be read (see problems)".to_owned()
        };
        let fix_sql = (!rights.reads_all_stats).then(|| format!("grant pg_read_all_stats to {role}"));
        snapshot.gaps.push(Gap { evidence: Evidence::Sessions, reason, fix_sql });
    }
    snapshot.sessions = rows.into_iter().map(|(session, _)| session).collect();
}

fn session(row: &Row) -> Result<SessionActivity, Error> {
    let seconds = |column: &str| -> Result<Option<f64>, Error> { Ok(row.try_get::<_, Option<f64>>(column)?.map(|s| s.max(0.0))) };
    Ok(SessionActivity {
        pid: row.try_get("pid")?,
        role: row.try_get("role")?,
        application: row.try_get("application")?,
        state: row.try_get("state")?,
        state_seconds: seconds("state_seconds")?,
        transaction_seconds: seconds("transaction_seconds")?,
        holds_snapshot: row.try_get("holds_snapshot")?,
    })
}

async fn read_standbys(reader: &mut Reader<'_>, snapshot: &mut Snapshot) {
    let rows = reader.part(&STANDBYS, |row| row.try_get::<_, i64>("standbys")).await;
    snapshot.standbys_visible = rows.is_some();
    snapshot.standbys = rows.and_then(|r| r.first().copied()).and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
    let reason = if !snapshot.standbys_visible {
        "pg_stat_replication could not be read, so standbys may use what looks unused here".to_owned()
    } else if snapshot.standbys > 0 {
        format!("{} standby(s) stream from this server; what they use is not in its counters", snapshot.standbys)
    } else if snapshot.server.as_ref().is_some_and(|s| s.is_standby) {
        "this server is a standby; what the primary uses is not in its counters".to_owned()
    } else {
        return;
    };
    snapshot.gaps.push(Gap { evidence: Evidence::Standbys, reason, fix_sql: None });
}
