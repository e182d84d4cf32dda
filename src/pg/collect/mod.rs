//! A live database, read into a [`Snapshot`]: one READ ONLY, REPEATABLE READ transaction, so all
//! parts speak of one moment. What cannot be read is a gap or a problem of the snapshot; only a
//! lost connection or a server that is too old ends it.

mod activity;
pub(in crate::pg) mod catalog;
mod indexes;
mod platform;
mod reader;
mod search_path;
mod workload;

use crate::model::blueprint::Taking;
use crate::model::failure::{Failure, FailureKind};
use crate::model::snapshot::{NEWEST_TESTED_MAJOR, OLDEST_MAJOR, Problem, SNAPSHOT_VERSION, Server, Snapshot};
use crate::model::text::one_line;
use crate::pg::error::describe;
use crate::pg::session::Session;
use crate::pg::statements::{FORMATS, RIGHTS, SERVER};
use reader::Reader;
use tokio_postgres::{Client, Error};

/// What to read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CollectOptions {
    /// Schemas that are advised although they belong to a platform (auth, cron…).
    pub schemas: Vec<String>,
}

/// Who reads.
struct Rights {
    role: String,
    /// Member of pg_read_all_stats.
    reads_all_stats: bool,
    /// search_path of a role that sets none.
    default_search_path: String,
}

/// Reads the database of `session`. Opens and ends its own transaction, in which the session's
/// time limits hold also behind a pooler.
pub async fn collect(session: &Session, options: &CollectOptions) -> Result<Snapshot, Failure> {
    collect_counted(session, options).await.map(|(snapshot, _)| snapshot)
}

/// As [`collect`], and says what was asked for it.
pub async fn collect_counted(session: &Session, options: &CollectOptions) -> Result<(Snapshot, Taking), Failure> {
    let fail = |e: Error| Failure::new(FailureKind::Connect, format!("cannot read the database: {}", describe(&e)));
    session.begin_snapshot().await.map_err(fail)?;
    let snapshot = read_all(&session.client, options).await;
    // Nothing was changed; ROLLBACK also leaves a transaction that failed.
    let end = session.rollback().await;
    let snapshot = snapshot?;
    end.map_err(fail)?;
    Ok(snapshot)
}

async fn read_all(client: &Client, options: &CollectOptions) -> Result<(Snapshot, Taking), Failure> {
    let fail = |e: Error| Failure::new(FailureKind::Connect, format!("cannot read the database: {}", describe(&e)));
    let mut reader = Reader::new(client);
    let server = server(&reader).await.map_err(fail)?;
    check_version(&server, &mut reader)?;
    let rights = rights(&reader).await.map_err(fail)?;
    reader.rows(&FORMATS, &[]).await.map_err(fail)?;

    let mut snapshot = Snapshot { snapshot_version: SNAPSHOT_VERSION, server: Some(server), ..Snapshot::default() };
    catalog::read(&mut reader, &mut snapshot, &rights, options).await;
    activity::read(&mut reader, &mut snapshot, &rights).await;
    workload::read(&mut reader, &mut snapshot, &rights).await;
    if client.is_closed() {
        let hint = "a statement may have met a restart or a limit of the server: see its log";
        return Err(Failure::new(FailureKind::Connect, "the connection was lost while reading").hint(hint));
    }
    let taking = reader.taking();
    snapshot.problems.extend(reader.problems);
    Ok((snapshot, taking))
}

async fn server(reader: &Reader<'_>) -> Result<Server, Error> {
    let row = reader.row(&SERVER).await?;
    Ok(Server {
        version_num: row.try_get::<_, i32>("version_num")?.unsigned_abs(),
        version: row.try_get("version")?,
        database: row.try_get("database")?,
        is_standby: row.try_get("is_standby")?,
    })
}

async fn rights(reader: &Reader<'_>) -> Result<Rights, Error> {
    let row = reader.row(&RIGHTS).await?;
    Ok(Rights {
        role: row.try_get("role")?,
        reads_all_stats: row.try_get("reads_all_stats")?,
        default_search_path: row.try_get("default_search_path")?,
    })
}

fn check_version(server: &Server, reader: &mut Reader<'_>) -> Result<(), Failure> {
    if server.major() < OLDEST_MAJOR {
        let message = format!("PostgreSQL {} is older than {OLDEST_MAJOR}, the oldest supported", one_line(&server.version));
        return Err(
            Failure::new(FailureKind::Missing, message).hint("save plans with EXPLAIN and read them with `advisor analyze --plans`")
        );
    }
    if server.major() > NEWEST_TESTED_MAJOR {
        let message = format!("PostgreSQL {} is newer than {NEWEST_TESTED_MAJOR}, the newest tested", server.major());
        reader.problems.push(Problem { source: "server".into(), message });
    }
    Ok(())
}
