//! Entering one server: options that it takes, who answers, what is in force.

use super::{Canceller, Notices, Purpose, Session};
use crate::model::failure::{Failure, FailureKind};
use crate::model::text::{one_line, quote_literal};
use crate::pg::conninfo::{ConnInfo, Endpoint, Place, TargetSession};
use crate::pg::dial::{DialError, Dialled, dial};
use crate::pg::error::{describe, sqlstate};
use crate::pg::wire::Wire;
use crate::pg::{refusal, statements};
use std::sync::Mutex;
use tokio::sync::mpsc::unbounded_channel;
use tokio_postgres::{AsyncMessage, Connection, SimpleQueryMessage};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Why a server was not entered, and whether another of the list may be.
pub(super) struct Refused {
    pub(super) failure: Failure,
    pub(super) try_next: bool,
}

/// A session on this server, if it is of the wanted kind.
pub(super) async fn enter(
    info: &ConnInfo,
    endpoint: &Endpoint,
    tls: &MakeRustlsConnect,
    purpose: &Purpose,
    wanted: TargetSession,
) -> Result<Session, Refused> {
    let mut attempts = options(info, purpose).into_iter().peekable();
    let dialled = loop {
        let options = attempts.next().flatten();
        let result = dial(info, endpoint, tls, &driver_config(info, endpoint, purpose, options.as_deref())).await;
        match result {
            Err(error) if refuses_options(&error) && attempts.peek().is_some() => {}
            result => break result,
        }
    };
    let dialled = dialled.map_err(|error| Refused {
        failure: refusal::explain(&error, info, endpoint),
        // As in libpq: who is refused by one server is not tried on the next; 57P03 is "not yet".
        try_next: !matches!(&error, DialError::Startup(e) if sqlstate(e).is_some_and(|code| code != "57P03")),
    })?;
    let failed = |failure| Refused { failure, try_next: true };
    let (mut session, arrived) = arrive(info, endpoint, purpose, dialled).await.map_err(failed)?;
    if let Some(mismatch) = mismatch(wanted, &arrived) {
        let message = format!("{}:{} is not what target_session_attrs asks for: {mismatch}", session.host, session.port);
        return Err(failed(Failure::new(FailureKind::Connect, message).hint("name the right server, or target_session_attrs=any")));
    }
    settle(&mut session).await.map_err(failed)?;
    session.may_stop_counting = may_stop_counting(&session, &arrived).await;
    Ok(session)
}

/// A pooler that knows no `options`, or not ours: PgBouncer says so in a protocol violation.
fn refuses_options(error: &DialError) -> bool {
    matches!(error, DialError::Startup(e) if e.as_db_error().is_some_and(|db| db.message().contains("startup parameter")))
}

/// What to put into `options`, until one is accepted: the user's and ours, the user's, nothing.
fn options(info: &ConnInfo, purpose: &Purpose) -> Vec<Option<String>> {
    // These two are judged by the server's own default, so ours waits until it was seen.
    let judged_later = matches!(info.target, TargetSession::ReadWrite | TargetSession::ReadOnly);
    let own = purpose.settings().into_iter().filter(|(name, _)| !(judged_later && *name == "default_transaction_read_only"));
    // Our own come last: the last one counts.
    let all = own.fold(info.options.clone().unwrap_or_default(), |options, (name, value)| format!("{options} -c {name}={value}"));
    let mut attempts = vec![Some(all.trim().to_owned())];
    attempts.extend(info.options.clone().map(Some));
    attempts.push(None);
    attempts
}

fn driver_config(info: &ConnInfo, endpoint: &Endpoint, purpose: &Purpose, options: Option<&str>) -> tokio_postgres::Config {
    let mut config = tokio_postgres::Config::new();
    config.user(&info.user).dbname(&info.database).application_name(&purpose.application_name);
    if let Some(password) = &endpoint.password {
        config.password(password.reveal());
    }
    if let Some(options) = options {
        config.options(options);
    }
    config
}

/// What the first statement told.
struct Arrived {
    is_standby: bool,
    is_superuser: bool,
    version_num: u32,
    read_only: bool,
}

/// First version in which the right to set a setting can be granted.
const GRANTABLE: u32 = 150_000;

/// True for a superuser, and for a role that was granted it.
async fn may_stop_counting(session: &Session, arrived: &Arrived) -> bool {
    if arrived.is_superuser || arrived.version_num < GRANTABLE || !session.read_only {
        return arrived.is_superuser;
    }
    let answer = session.client.query_one(statements::MAY_STOP_COUNTING.sql, &[]).await;
    answer.is_ok_and(|row| row.try_get("may").unwrap_or(false))
}

/// Runs the connection in the background; what the server remarks (NOTICE, LOG…) waits to be read.
fn drive(mut connection: Connection<Wire, Wire>) -> Notices {
    let (sender, receiver) = unbounded_channel();
    tokio::spawn(async move {
        while let Some(Ok(message)) = std::future::poll_fn(|cx| connection.poll_message(cx)).await {
            if let AsyncMessage::Notice(notice) = message {
                // Nobody has to listen.
                let _ = sender.send(notice.detail().unwrap_or(notice.message()).to_owned());
            }
        }
    });
    Mutex::new(receiver)
}

/// Starts the driver task and asks who answers and what is in force.
async fn arrive(info: &ConnInfo, endpoint: &Endpoint, purpose: &Purpose, dialled: Dialled) -> Result<(Session, Arrived), Failure> {
    let Dialled { client, connection, route, encrypted, key } = dialled;
    let notices = drive(connection);
    let startup = |error| refusal::explain(&DialError::Startup(error), info, endpoint);
    let messages = client.simple_query(statements::ARRIVED.sql).await.map_err(startup)?;
    let row = messages.iter().find_map(|m| if let SimpleQueryMessage::Row(row) = m { Some(row) } else { None });
    let value = |column: &str| row.and_then(|r| r.try_get(column).ok().flatten()).unwrap_or_default();
    let backend_pid = value("backend_pid").parse().unwrap_or_default();
    let pending: Vec<_> = purpose.settings().into_iter().filter(|(name, wanted)| value(name) != wanted).collect();
    let is_standby = value("is_standby") == "t";
    let (is_superuser, version_num) = (value("is_superuser") == "on", value("version_num").parse().unwrap_or_default());
    let arrived =
        Arrived { is_standby, is_superuser, version_num, read_only: is_standby || value("default_transaction_read_only") == "on" };
    let mut notes = info.notes.clone();
    let local = is_local(&endpoint.place);
    if !encrypted && !local {
        notes.push(format!("the connection to {} is not encrypted; sslmode=require insists on TLS", one_line(&endpoint.host())));
    }
    let session = Session {
        canceller: Canceller { route, key },
        client,
        notes,
        encrypted,
        local,
        host: endpoint.host(),
        port: endpoint.port,
        user: info.user.clone(),
        database: info.database.clone(),
        backend_pid,
        // None announced (some proxies): nothing to compare.
        behind_pooler: key.is_some_and(|key| key.pid != backend_pid),
        proven_direct: key.is_some_and(|key| key.pid == backend_pid),
        is_standby,
        pending,
        read_only: purpose.read_only,
        may_stop_counting: false,
        notices,
    };
    Ok((session, arrived))
}

fn is_local(place: &Place) -> bool {
    match place {
        Place::Socket(_) => true,
        Place::Tcp { address: Some(ip), .. } => ip.is_loopback(),
        Place::Tcp { host, .. } => host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback()),
    }
}

fn mismatch(wanted: TargetSession, arrived: &Arrived) -> Option<&'static str> {
    match wanted {
        TargetSession::Any | TargetSession::PreferStandby => None,
        TargetSession::ReadWrite => arrived.read_only.then_some("its sessions are read-only"),
        TargetSession::ReadOnly => (!arrived.read_only).then_some("its sessions can write"),
        TargetSession::Primary => arrived.is_standby.then_some("it is a standby"),
        TargetSession::Standby => (!arrived.is_standby).then_some("it is a primary"),
    }
}

/// Sets what `options` did not: for the session where it is ours alone, else per transaction.
async fn settle(session: &mut Session) -> Result<(), Failure> {
    if session.pending.is_empty() {
        return Ok(());
    }
    if session.behind_pooler {
        session.notes.push(
            "a connection pooler stands in between: settings hold per transaction, and nothing can be set for the session".to_owned(),
        );
        return Ok(());
    }
    for (name, value) in std::mem::take(&mut session.pending) {
        let statement = format!("SET {name} = {}", quote_literal(&value));
        session
            .client
            .batch_execute(&statement)
            .await
            .map_err(|error| Failure::new(FailureKind::Connect, format!("the server refused {name} = {value}: {}", describe(&error))))?;
    }
    Ok(())
}
