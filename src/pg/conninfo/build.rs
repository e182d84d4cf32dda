//! From raw parameters to typed settings, with libpq's defaults.

use super::settings::{ChannelBinding, ConnInfo, Endpoint, Keepalives, Place, Secret, TargetSession};
use super::{Parameters, Surroundings, passfile, tls};
use crate::model::failure::Failure;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where servers put their socket when nobody says otherwise: Debian, Red Hat, upstream.
const SOCKET_FOLDERS: &[&str] = &["/var/run/postgresql", "/run/postgresql", "/tmp"];

/// Builds the settings; a value that cannot be used is a failure that names its parameter.
pub(super) fn build(mut parameters: Parameters, around: &Surroundings<'_>) -> Result<ConnInfo, Failure> {
    refuse_unkept_guards(&parameters)?;
    let user = parameters.get("user").filter(|u| !u.is_empty()).map(str::to_owned).or_else(|| around.os_user.clone());
    let user =
        user.ok_or_else(|| Failure::usage("no database user: the operating system's user has no name").hint("set PGUSER or user="))?;
    let database = parameters.get("dbname").filter(|d| !d.is_empty()).unwrap_or(&user).to_owned();
    let mut endpoints = endpoints(&parameters)?;
    fill_passwords(&mut endpoints, &mut parameters, around, &user, &database);
    Ok(ConnInfo {
        database,
        options: parameters.get("options").map(str::to_owned),
        tls: tls::settings(&parameters, around, endpoints.iter().any(|e| matches!(e.place, Place::Tcp { .. })))?,
        channel_binding: choice(
            &parameters,
            "channel_binding",
            ChannelBinding::Prefer,
            &[("disable", ChannelBinding::Disable), ("prefer", ChannelBinding::Prefer), ("require", ChannelBinding::Require)],
        )?,
        target: choice(
            &parameters,
            "target_session_attrs",
            TargetSession::Any,
            &[
                ("any", TargetSession::Any),
                ("read-write", TargetSession::ReadWrite),
                ("read-only", TargetSession::ReadOnly),
                ("primary", TargetSession::Primary),
                ("standby", TargetSession::Standby),
                ("prefer-standby", TargetSession::PreferStandby),
            ],
        )?,
        shuffle: choice(&parameters, "load_balance_hosts", false, &[("disable", false), ("random", true)])?,
        connect_timeout: connect_timeout(&parameters)?,
        keepalives: keepalives(&parameters)?,
        tcp_user_timeout: number::<u64>(&parameters, "tcp_user_timeout")?.filter(|ms| *ms > 0).map(Duration::from_millis),
        notes: parameters.notes,
        endpoints,
        user,
    })
}

/// Guards that a user relies on and this client does not keep are refused, never silently dropped.
fn refuse_unkept_guards(parameters: &Parameters) -> Result<(), Failure> {
    let asked = |key: &str| parameters.get(key).is_some_and(|value| !value.is_empty());
    let unkept = ["require_auth", "requirepeer", "sslcrldir"].into_iter().find(|key| asked(key));
    let unkept = unkept.or_else(|| (parameters.get("gssencmode") == Some("require")).then_some("gssencmode=require"));
    match unkept {
        Some(key) => Err(Failure::usage(format!("connection parameter {key} asks for a check that advisor cannot make"))
            .hint("remove it for advisor, or guard the connection with sslmode=verify-full")),
        None => Ok(()),
    }
}

/// One of a few words.
pub(super) fn choice<T: Copy>(parameters: &Parameters, key: &str, default: T, words: &[(&str, T)]) -> Result<T, Failure> {
    let Some(value) = parameters.get(key).filter(|v| !v.is_empty()) else { return Ok(default) };
    words.iter().find(|(word, _)| *word == value).map(|(_, meaning)| *meaning).ok_or_else(|| {
        let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        parameters.invalid(key, &words.join(", "))
    })
}

pub(super) fn number<T: std::str::FromStr>(parameters: &Parameters, key: &str) -> Result<Option<T>, Failure> {
    let Some(value) = parameters.get(key).map(str::trim).filter(|v| !v.is_empty()) else { return Ok(None) };
    value.parse().map(Some).map_err(|_| parameters.invalid(key, "a whole number"))
}

/// Absent: 10 s, so that a wrong address fails soon; zero or less waits for ever; libpq's least is 2 s.
fn connect_timeout(parameters: &Parameters) -> Result<Option<Duration>, Failure> {
    Ok(match number::<i64>(parameters, "connect_timeout")? {
        None => Some(Duration::from_secs(10)),
        Some(seconds) if seconds <= 0 => None,
        Some(seconds) => Some(Duration::from_secs(seconds.max(2).unsigned_abs())),
    })
}

fn keepalives(parameters: &Parameters) -> Result<Option<Keepalives>, Failure> {
    if number::<i64>(parameters, "keepalives")? == Some(0) {
        return Ok(None);
    }
    let seconds = |key| Ok::<_, Failure>(number::<u64>(parameters, key)?.filter(|s| *s > 0).map(Duration::from_secs));
    Ok(Some(Keepalives {
        idle: seconds("keepalives_idle")?,
        interval: seconds("keepalives_interval")?,
        count: number::<u32>(parameters, "keepalives_count")?.filter(|n| *n > 0),
    }))
}

/// Comma-separated `host`, `hostaddr`, `port`, which must agree in number.
fn endpoints(parameters: &Parameters) -> Result<Vec<Endpoint>, Failure> {
    let list = |key| parameters.get(key).filter(|v| !v.is_empty()).map(|v: &str| v.split(',').map(str::trim).collect::<Vec<_>>());
    let (hosts, addresses, ports) = (list("host"), list("hostaddr"), list("port").unwrap_or_default());
    let count = addresses.as_ref().or(hosts.as_ref()).map_or(1, Vec::len);
    if hosts.as_ref().is_some_and(|h| h.len() != count) {
        return Err(Failure::usage("connection parameters host and hostaddr name different numbers of servers"));
    }
    if ports.len() > 1 && ports.len() != count {
        return Err(parameters.invalid("port", &format!("one port, or {count} as there are hosts")));
    }
    (0..count)
        .map(|i| {
            let port = ports.get(i).or(ports.first()).copied().unwrap_or_default();
            let port = if port.is_empty() { Ok(5432) } else { port.parse::<u16>() };
            let port = port.ok().filter(|p| *p > 0).ok_or_else(|| parameters.invalid("port", "a number from 1 to 65535"))?;
            let at = |list: &Option<Vec<&str>>| list.as_ref().and_then(|l| l.get(i)).map_or(String::new(), |s| (*s).to_owned());
            Ok(Endpoint { place: place(&at(&hosts), &at(&addresses), port, parameters)?, port, password: None })
        })
        .collect()
}

fn place(host: &str, address: &str, port: u16, parameters: &Parameters) -> Result<Place, Failure> {
    if !address.is_empty() {
        let fixed = address.parse().map_err(|_| parameters.invalid("hostaddr", "an IP address"))?;
        let host = if host.is_empty() { address } else { host };
        return Ok(Place::Tcp { host: host.to_owned(), address: Some(fixed) });
    }
    if host.starts_with('/') {
        return Ok(Place::Socket(PathBuf::from(host)));
    }
    if !host.is_empty() {
        return Ok(Place::Tcp { host: host.to_owned(), address: None });
    }
    let folder = SOCKET_FOLDERS.iter().map(Path::new).find(|folder| folder.join(format!(".s.PGSQL.{port}")).exists());
    Ok(folder.map_or_else(|| Place::Tcp { host: "localhost".to_owned(), address: None }, |f| Place::Socket(f.to_owned())))
}

/// The given password, else each endpoint's own from the password file.
fn fill_passwords(endpoints: &mut [Endpoint], parameters: &mut Parameters, around: &Surroundings<'_>, user: &str, database: &str) {
    let given = parameters.get("password").filter(|p| !p.is_empty()).map(Secret::new);
    let asked = parameters.get("passfile").filter(|p| !p.is_empty()).map(PathBuf::from);
    let text = match &given {
        Some(_) => None,
        None => {
            asked.clone().or_else(|| around.at_home(".pgpass")).and_then(|p| passfile::read(&p, asked.is_some(), &mut parameters.notes))
        }
    };
    for endpoint in endpoints {
        let host = match &endpoint.place {
            Place::Socket(folder) if SOCKET_FOLDERS.iter().any(|f| folder == Path::new(f)) => "localhost".to_owned(),
            _ => endpoint.host(),
        };
        let port = endpoint.port.to_string();
        let from_file = || text.as_deref().and_then(|t| passfile::find(t, [&host, &port, database, user]));
        endpoint.password = given.clone().or_else(from_file);
    }
}
