//! Typed connection settings.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

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
