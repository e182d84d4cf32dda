//! From raw parameters to typed settings, with libpq's defaults.

use super::{Parameters, Surroundings, passfile};
use crate::model::failure::Failure;
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where servers put their socket when nobody says otherwise: Debian, Red Hat, upstream.
const SOCKET_FOLDERS: &[&str] = &["/var/run/postgresql", "/run/postgresql", "/tmp"];

/// A password: never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides a text.
    pub fn new(text: impl Into<String>) -> Self {
        Secret(text.into())
    }

    /// The text, for the driver only.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// How much TLS; ordered from none to most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SslMode {
    /// Never TLS.
    Disable,
    /// Plain first, TLS when the server refuses plain.
    Allow,
    /// TLS first, plain when the server has none.
    Prefer,
    /// TLS or nothing; the certificate is checked only where a root certificate file exists.
    Require,
    /// The certificate must come from a trusted root.
    VerifyCa,
    /// And must name the host.
    VerifyFull,
}

/// Whether SCRAM is bound to the TLS channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelBinding {
    /// Never.
    Disable,
    /// Where both sides can.
    Prefer,
    /// Or no connection.
    Require,
}

/// Which server of several will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetSession {
    /// Any.
    Any,
    /// Sessions can write by default.
    ReadWrite,
    /// They cannot.
    ReadOnly,
    /// Not in recovery.
    Primary,
    /// In recovery.
    Standby,
    /// In recovery if there is one, else any.
    PreferStandby,
}

/// Socket folder, or host with an optional fixed address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Folder of the Unix socket.
    Socket(PathBuf),
    /// Host name for look-up and certificate; `address` skips the look-up.
    Tcp {
        /// As given.
        host: String,
        /// `hostaddr`.
        address: Option<IpAddr>,
    },
}

/// One server to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Where.
    pub place: Place,
    /// Port; part of the socket's file name, too.
    pub port: u16,
    /// Password for it.
    pub password: Option<Secret>,
}

impl Endpoint {
    /// Host name or socket folder, for messages.
    pub fn host(&self) -> String {
        match &self.place {
            Place::Socket(folder) => folder.display().to_string(),
            Place::Tcp { host, .. } => host.clone(),
        }
    }
}

/// What TLS needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSettings {
    /// How much.
    pub mode: SslMode,
    /// `sslrootcert=system`: the system's roots.
    pub system_roots: bool,
    /// Root certificate file that exists.
    pub root_file: Option<PathBuf>,
    /// Revocation list.
    pub crl_file: Option<PathBuf>,
    /// Client certificate and key.
    pub client: Option<(PathBuf, PathBuf)>,
    /// `sslnegotiation=direct`: TLS from the first byte (PostgreSQL 17 and newer).
    pub direct: bool,
    /// Send the host name in the handshake.
    pub sni: bool,
    /// TLS 1.2 is allowed.
    pub tls12: bool,
    /// TLS 1.3 is allowed.
    pub tls13: bool,
}

/// Everything needed to connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnInfo {
    /// Servers in the order to try.
    pub endpoints: Vec<Endpoint>,
    /// Role.
    pub user: String,
    /// Database.
    pub database: String,
    /// The user's own `options`.
    pub options: Option<String>,
    /// TLS.
    pub tls: TlsSettings,
    /// SCRAM binding.
    pub channel_binding: ChannelBinding,
    /// Which server will do.
    pub target: TargetSession,
    /// Try the servers in random order.
    pub shuffle: bool,
    /// For one server, from look-up to ready; `None` waits for ever.
    pub connect_timeout: Option<Duration>,
    /// TCP keepalives: idle time, interval, count; `None` turns them off.
    pub keepalives: Option<Keepalives>,
    /// TCP_USER_TIMEOUT.
    pub tcp_user_timeout: Option<Duration>,
    /// What was ignored and why.
    pub notes: Vec<String>,
}

/// TCP keepalives; `None` is the system's default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Keepalives {
    /// Quiet time before the first probe.
    pub idle: Option<Duration>,
    /// Between probes.
    pub interval: Option<Duration>,
    /// Probes lost before the connection is dead.
    pub count: Option<u32>,
}

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
        tls: tls(&parameters, around, endpoints.iter().any(|e| matches!(e.place, Place::Tcp { .. })))?,
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
fn choice<T: Copy>(parameters: &Parameters, key: &str, default: T, words: &[(&str, T)]) -> Result<T, Failure> {
    let Some(value) = parameters.get(key).filter(|v| !v.is_empty()) else { return Ok(default) };
    words.iter().find(|(word, _)| *word == value).map(|(_, meaning)| *meaning).ok_or_else(|| {
        let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        parameters.invalid(key, &words.join(", "))
    })
}

fn number<T: std::str::FromStr>(parameters: &Parameters, key: &str) -> Result<Option<T>, Failure> {
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

/// TLS settings: the root certificate decides what `require` means.
fn tls(parameters: &Parameters, around: &Surroundings<'_>, over_tcp: bool) -> Result<TlsSettings, Failure> {
    let system_roots = parameters.get("sslrootcert") == Some("system");
    let default = if system_roots { SslMode::VerifyFull } else { SslMode::Prefer };
    let words = [
        ("disable", SslMode::Disable),
        ("allow", SslMode::Allow),
        ("prefer", SslMode::Prefer),
        ("require", SslMode::Require),
        ("verify-ca", SslMode::VerifyCa),
        ("verify-full", SslMode::VerifyFull),
    ];
    let mode = choice(parameters, "sslmode", default, &words)?;
    if system_roots && mode < SslMode::VerifyFull {
        return Err(parameters.invalid("sslmode", "verify-full, the only one that sslrootcert=system allows"));
    }
    // As in libpq: a Unix socket never speaks TLS, whatever the mode says.
    let mode = if over_tcp { mode } else { SslMode::Disable };
    let direct = choice(parameters, "sslnegotiation", false, &[("postgres", false), ("direct", true)])?;
    if over_tcp && direct && mode < SslMode::Require {
        return Err(parameters.invalid("sslnegotiation", "sslmode=require or stronger beside direct"));
    }
    let (tls12, tls13) = versions(parameters)?;
    let file = |key: &str, default: &str| {
        parameters.get(key).filter(|p| !p.is_empty()).map(PathBuf::from).or_else(|| around.at_home(default)).filter(|p| p.exists())
    };
    let root_file = if system_roots { None } else { file("sslrootcert", ".postgresql/root.crt") };
    if mode >= SslMode::VerifyCa && root_file.is_none() && !system_roots {
        return Err(no_root(parameters));
    }
    Ok(TlsSettings {
        // As in libpq: a root certificate that is there is used.
        mode: if mode == SslMode::Require && root_file.is_some() { SslMode::VerifyCa } else { mode },
        system_roots,
        root_file,
        crl_file: file("sslcrl", ".postgresql/root.crl"),
        client: client(parameters, &file)?,
        direct,
        sni: number::<u8>(parameters, "sslsni")? != Some(0),
        tls12,
        tls13,
    })
}

fn no_root(parameters: &Parameters) -> Failure {
    let file = parameters.get("sslrootcert").unwrap_or("~/.postgresql/root.crt");
    let mode = parameters.get("sslmode").unwrap_or_default();
    Failure::usage(format!("sslmode={mode} needs a root certificate, and {file} does not exist"))
        .hint("set sslrootcert to the file with your provider's root certificate")
        .hint("or sslrootcert=system for a certificate of a public authority")
}

/// Which of TLS 1.2 and 1.3 the two bounds leave; older ones are never spoken.
fn versions(parameters: &Parameters) -> Result<(bool, bool), Failure> {
    let words = [("TLSv1", 10), ("TLSv1.1", 11), ("TLSv1.2", 12), ("TLSv1.3", 13)];
    let least = choice(parameters, "ssl_min_protocol_version", 12, &words)?;
    let most = choice(parameters, "ssl_max_protocol_version", 13, &words)?;
    let allowed = (least <= 12 && most >= 12, most >= 13);
    if allowed == (false, false) {
        return Err(parameters.invalid("ssl_max_protocol_version", "TLSv1.2 or TLSv1.3"));
    }
    Ok(allowed)
}

fn client(parameters: &Parameters, file: &dyn Fn(&str, &str) -> Option<PathBuf>) -> Result<Option<(PathBuf, PathBuf)>, Failure> {
    let given = |key: &str| parameters.get(key).filter(|p| !p.is_empty());
    let missing =
        |key: &str| Failure::usage(format!("the file of connection parameter {key} does not exist: {}", given(key).unwrap_or("")));
    let Some(certificate) = file("sslcert", ".postgresql/postgresql.crt") else {
        return if given("sslcert").is_some() { Err(missing("sslcert")) } else { Ok(None) };
    };
    let key = file("sslkey", ".postgresql/postgresql.key").ok_or_else(|| match given("sslkey") {
        Some(_) => missing("sslkey"),
        None => Failure::usage(format!("the client certificate {} has no key", certificate.display())).hint("set sslkey"),
    })?;
    private(&key)?;
    Ok(Some((certificate, key)))
}

/// libpq's rule: 0600 for one's own key, 0640 for one that root owns.
#[cfg(unix)]
fn private(key: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::MetadataExt;
    let about = std::fs::metadata(key).map_err(|e| Failure::usage(format!("cannot read the key {}: {e}", key.display())))?;
    let forbidden = if about.uid() == 0 { 0o037 } else { 0o077 };
    if about.mode() & forbidden == 0 {
        return Ok(());
    }
    Err(Failure::usage(format!("the key {} can be read by others", key.display())).hint(format!("chmod 0600 {}", key.display())))
}

#[cfg(not(unix))]
fn private(_: &Path) -> Result<(), Failure> {
    Ok(())
}
