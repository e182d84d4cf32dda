//! From settings to a ready connection: which server, which address, with or without TLS.

use super::conninfo::{ChannelBinding, ConnInfo, Endpoint, Keepalives, Place, SslMode};
use super::wire::{BackendKey, Negotiated, Wire};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_postgres::config::SslNegotiation;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{Client, Connection};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Why one attempt failed. A variant exists where the message or the next attempt differs.
#[derive(Debug, thiserror::Error)]
pub(super) enum DialError {
    /// The name has no address.
    #[error("cannot resolve the host: {0}")]
    Resolve(io::Error),
    /// No connection to the address or socket.
    #[error("cannot connect: {0}")]
    Socket(io::Error),
    /// Nothing came within the time.
    #[error("no answer within {} s", .0.as_secs())]
    Timeout(Duration),
    /// The server has no TLS, and we must have it.
    #[error("the server offers no TLS")]
    NoTls,
    /// The handshake failed.
    #[error("TLS failed: {0}")]
    Handshake(io::Error),
    /// The server or the driver ended the start-up.
    #[error("{}", super::error::describe(.0))]
    Startup(tokio_postgres::Error),
}

/// Where a socket leads: enough to go there again for a cancel request.
#[derive(Debug, Clone)]
pub(super) enum Address {
    Tcp(SocketAddr),
    #[cfg(unix)]
    Socket(PathBuf),
}

/// What one attempt does about TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encryption {
    Never,
    IfOffered,
    Always,
}

/// A started connection.
pub(super) struct Dialled {
    pub(super) client: Client,
    pub(super) connection: Connection<Wire, Wire>,
    pub(super) route: Route,
    pub(super) encrypted: bool,
    /// BackendKeyData.
    pub(super) key: Option<BackendKey>,
}

/// How to reach the same server again.
#[derive(Clone)]
pub(super) struct Route {
    pub(super) address: Address,
    host: String,
    encryption: Encryption,
    direct: bool,
    tls: MakeRustlsConnect,
    keepalives: Option<Keepalives>,
    user_timeout: Option<Duration>,
}

/// All addresses of one server, each with the encryptions its sslmode allows; the last error counts.
pub(super) async fn dial(
    info: &ConnInfo,
    endpoint: &Endpoint,
    tls: &MakeRustlsConnect,
    config: &tokio_postgres::Config,
) -> Result<Dialled, DialError> {
    let mut last = None;
    for address in addresses(endpoint).await? {
        let mut attempts = encryptions(info.tls.mode, &address).iter().peekable();
        while let Some(encryption) = attempts.next() {
            let route = Route {
                address: address.clone(),
                host: certificate_host(endpoint),
                encryption: *encryption,
                direct: info.tls.direct,
                tls: tls.clone(),
                keepalives: info.keepalives.clone(),
                user_timeout: info.tcp_user_timeout,
            };
            let attempt = start(route, config.clone(), info.channel_binding);
            let result = match info.connect_timeout {
                Some(limit) => tokio::time::timeout(limit, attempt).await.unwrap_or(Err(DialError::Timeout(limit))),
                None => attempt.await,
            };
            match result {
                Ok(dialled) => return Ok(dialled),
                Err(error) if attempts.peek().is_some() && encryption_may_matter(&error) => last = Some(error),
                // The server spoke: another address of it would say the same.
                Err(error @ DialError::Startup(_)) => return Err(error),
                Err(error) => {
                    last = Some(error);
                    break;
                }
            }
        }
    }
    Err(last.unwrap_or_else(|| DialError::Resolve(io::Error::other("the name has no address"))))
}

/// As in libpq: a refused log-in or a failed handshake is tried again the other way.
fn encryption_may_matter(error: &DialError) -> bool {
    match error {
        DialError::Handshake(_) => true,
        DialError::Startup(error) => super::error::sqlstate(error).is_some_and(|code| code.starts_with("28")),
        _ => false,
    }
}

fn encryptions(mode: SslMode, address: &Address) -> &'static [Encryption] {
    #[cfg(unix)]
    if matches!(address, Address::Socket(_)) {
        return &[Encryption::Never];
    }
    let Address::Tcp(_) = address else { return &[Encryption::Never] };
    match mode {
        SslMode::Disable => &[Encryption::Never],
        SslMode::Allow => &[Encryption::Never, Encryption::Always],
        SslMode::Prefer => &[Encryption::IfOffered, Encryption::Never],
        SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => &[Encryption::Always],
    }
}

/// The name that the certificate must show. A trailing dot is the resolver's, not the certificate's.
fn certificate_host(endpoint: &Endpoint) -> String {
    endpoint.host().trim_end_matches('.').to_owned()
}

async fn addresses(endpoint: &Endpoint) -> Result<Vec<Address>, DialError> {
    match &endpoint.place {
        #[cfg(unix)]
        Place::Socket(folder) => Ok(vec![Address::Socket(folder.join(format!(".s.PGSQL.{}", endpoint.port)))]),
        #[cfg(not(unix))]
        Place::Socket(_) => Err(DialError::Socket(io::Error::other("this system has no Unix sockets"))),
        Place::Tcp { address: Some(ip), .. } => Ok(vec![Address::Tcp(SocketAddr::new(*ip, endpoint.port))]),
        Place::Tcp { host, address: None } => {
            let found = tokio::net::lookup_host((host.as_str(), endpoint.port)).await.map_err(DialError::Resolve)?;
            Ok(found.map(Address::Tcp).collect())
        }
    }
}

impl Route {
    /// A new stream to the server, TLS agreed; says whether it is encrypted.
    pub(super) async fn open(&self) -> Result<(Wire, bool), DialError> {
        let address = match &self.address {
            #[cfg(unix)]
            Address::Socket(path) => {
                let stream = tokio::net::UnixStream::connect(path).await.map_err(DialError::Socket)?;
                return Ok((Wire::plain(stream), false));
            }
            Address::Tcp(address) => address,
        };
        let mut stream = TcpStream::connect(address).await.map_err(DialError::Socket)?;
        self.tune(&stream).map_err(DialError::Socket)?;
        if self.encryption == Encryption::Never || (!self.direct && !self.offers_tls(&mut stream).await?) {
            return Ok((Wire::plain(stream), false));
        }
        let mut tls = self.tls.clone();
        let Ok(connector) = MakeTlsConnect::<TcpStream>::make_tls_connect(&mut tls, &self.host);
        Ok((Wire::encrypted(connector.connect(stream).await.map_err(DialError::Handshake)?), true))
    }

    /// SSLRequest: the server answers with one letter.
    async fn offers_tls(&self, stream: &mut TcpStream) -> Result<bool, DialError> {
        const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
        stream.write_all(&SSL_REQUEST).await.map_err(DialError::Socket)?;
        let answer = stream.read_u8().await.map_err(DialError::Socket)?;
        match (answer, self.encryption) {
            (b'S', _) => Ok(true),
            (b'N', Encryption::Always) => Err(DialError::NoTls),
            (b'N', _) => Ok(false),
            _ => Err(DialError::Socket(io::Error::new(io::ErrorKind::InvalidData, "what answers there is no PostgreSQL"))),
        }
    }

    /// Asks the server to stop what the backend runs, and waits until it has taken note (it closes
    /// the connection): a request that is cut off early crashes PgBouncer 1.18, and one that arrives
    /// late would stop the next statement.
    pub(super) async fn cancel(&self, key: BackendKey) -> Result<(), DialError> {
        const CANCEL_REQUEST: [u8; 8] = [0, 0, 0, 16, 0x04, 0xd2, 0x16, 0x2e];
        let (mut wire, _) = self.open().await?;
        let message = [&CANCEL_REQUEST[..], &key.pid.to_be_bytes(), &key.secret.to_be_bytes()].concat();
        wire.write_all(&message).await.map_err(DialError::Socket)?;
        wire.flush().await.map_err(DialError::Socket)?;
        // Some servers reset the connection instead of closing it: either way it is done.
        let _ = wire.read_u8().await;
        Ok(())
    }

    fn tune(&self, stream: &TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let socket = socket2::SockRef::from(stream);
        if let Some(keepalives) = &self.keepalives {
            let mut settings = socket2::TcpKeepalive::new();
            settings = keepalives.idle.into_iter().fold(settings, |s, time| s.with_time(time));
            settings = keepalives.interval.into_iter().fold(settings, |s, time| s.with_interval(time));
            settings = keepalives.count.into_iter().fold(settings, |s, count| s.with_retries(count));
            socket.set_tcp_keepalive(&settings)?;
        }
        #[cfg(target_os = "linux")]
        if self.user_timeout.is_some() {
            socket.set_tcp_user_timeout(self.user_timeout)?;
        }
        Ok(())
    }
}

/// One attempt: stream, then the driver's start-up on it.
async fn start(route: Route, mut config: tokio_postgres::Config, binding: ChannelBinding) -> Result<Dialled, DialError> {
    let (wire, encrypted) = route.open().await?;
    use tokio_postgres::config as driver;
    // The driver's "direct TLS" is: the stream is encrypted when we hand it over.
    config.ssl_mode(if encrypted { driver::SslMode::Require } else { driver::SslMode::Disable }).ssl_negotiation(SslNegotiation::Direct);
    config.channel_binding(match binding {
        ChannelBinding::Disable => driver::ChannelBinding::Disable,
        ChannelBinding::Prefer => driver::ChannelBinding::Prefer,
        ChannelBinding::Require => driver::ChannelBinding::Require,
    });
    let key = wire.backend_key();
    let (client, connection) = config.connect_raw(wire, Negotiated).await.map_err(DialError::Startup)?;
    Ok(Dialled { client, connection, route, encrypted, key: key.get().copied() })
}
