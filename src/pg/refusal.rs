//! A failed connection in words: what, why, and what to do next.

use super::conninfo::{ConnInfo, Endpoint, SslMode};
use super::dial::DialError;
use super::error::{describe, sqlstate};
use crate::model::failure::{Failure, FailureKind};
use crate::model::text::one_line;
use std::io;

/// The failure for a server that was tried.
pub(super) fn explain(error: &DialError, info: &ConnInfo, endpoint: &Endpoint) -> Failure {
    let place = Names {
        host: one_line(&endpoint.host()),
        port: endpoint.port,
        user: one_line(&info.user),
        database: one_line(&info.database),
        mode: info.tls.mode,
    };
    match error {
        DialError::Resolve(error) => {
            place.fail(format!("cannot resolve host {:?}: {error}", place.host), &["check the host name, or set PGHOST"])
        }
        DialError::Socket(error) => place.no_socket(error),
        DialError::Timeout(limit) => place.fail(
            format!("no answer from {}:{} within {} s", place.host, place.port, limit.as_secs()),
            &["check address, firewall and security group; connect_timeout=SECONDS waits longer"],
        ),
        DialError::NoTls => place.fail(
            format!("the server {}:{} offers no TLS, and sslmode asks for it", place.host, place.port),
            &["set ssl = on on the server, or use sslmode=prefer if the network is trusted"],
        ),
        DialError::Handshake(error) => place.handshake(error),
        DialError::Startup(error) => place.refused(error),
    }
}

struct Names {
    host: String,
    port: u16,
    user: String,
    database: String,
    mode: SslMode,
}

impl Names {
    fn fail(&self, message: String, hints: &[&str]) -> Failure {
        let mut failure = Failure::new(FailureKind::Connect, one_line(&message));
        failure.hints.extend(hints.iter().map(|hint| (*hint).to_owned()));
        failure
    }

    fn no_socket(&self, error: &io::Error) -> Failure {
        let (host, port) = (&self.host, self.port);
        let at = if host.starts_with('/') { format!("{host}/.s.PGSQL.{port}") } else { format!("{host}:{port}") };
        match error.kind() {
            io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => self.fail(
                format!("no PostgreSQL listens at {at}: {error}"),
                &[
                    "start the server, or name the right one with --db postgresql://USER@HOST:PORT/DATABASE",
                    &format!("pg_isready -h {host} -p {port}"),
                ],
            ),
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => self.fail(
                format!("{at} closed the connection during start-up"),
                &["check that this is PostgreSQL's port; a pooler or proxy may want another sslmode"],
            ),
            _ => self.fail(format!("cannot connect to {at}: {error}"), &["check address, port and permissions"]),
        }
    }

    fn handshake(&self, error: &io::Error) -> Failure {
        let at = format!("{}:{}", self.host, self.port);
        let inner = error.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>());
        match inner {
            Some(rustls::Error::InvalidCertificate(why)) if is_wrong_name(why) => self.fail(
                format!("the certificate of {at} is for another host: {error}"),
                &["connect by a name in the certificate, or use sslmode=verify-ca to check its issuer alone"],
            ),
            Some(rustls::Error::InvalidCertificate(_)) => self.fail(
                format!("the certificate of {at} is not trusted: {error}"),
                &["set sslrootcert to the file with your provider's root certificate (sslrootcert=system for a public authority)"],
            ),
            _ if self.mode < SslMode::Require => {
                self.fail(format!("TLS with {at} failed: {error}"), &["use sslmode=disable if the network is trusted"])
            }
            _ => self.fail(
                format!("TLS with {at} failed: {error}"),
                &["check that the port speaks TLS; sslnegotiation=direct needs PostgreSQL 17"],
            ),
        }
    }

    fn refused(&self, error: &tokio_postgres::Error) -> Failure {
        let Names { host, port, user, database, .. } = self;
        let said = describe(error);
        let at = format!("{host}:{port}");
        match sqlstate(error) {
            Some("28P01") => self.fail(
                format!("wrong password for user {user:?} at {at}, database {database:?}: {said}"),
                &["set PGPASSWORD, or add a line HOST:PORT:DATABASE:USER:PASSWORD to ~/.pgpass (mode 0600)"],
            ),
            Some("28000") if said.contains("pg_hba.conf") => self.fail(
                format!("the server {at} does not let user {user:?} into database {database:?} from here: {said}"),
                &[
                    "sslmode=require if it wants TLS (\"no encryption\", \"SSL off\"), sslmode=disable if it wants none",
                    "else add a line to pg_hba.conf and reload",
                ],
            ),
            Some("28000") => self.fail(
                format!("the server {at} does not accept user {user:?}: {said}"),
                &["name the user: postgresql://USER@HOST/DATABASE or PGUSER"],
            ),
            Some("3D000") => self.fail(
                format!("database {database:?} does not exist at {at}: {said}"),
                &[&format!("psql -h {host} -p {port} -U {user} -l lists the databases; name one with --db or PGDATABASE")],
            ),
            Some("42501") => self.fail(
                format!("user {user:?} may not connect to database {database:?} at {at}: {said}"),
                &["GRANT CONNECT ON DATABASE … TO …"],
            ),
            Some("53300") => self.fail(
                format!("no connection is free at {at} for user {user:?}: {said}"),
                &["try again later, close idle sessions, or raise max_connections or the role's CONNECTION LIMIT"],
            ),
            Some("57P03") => self.fail(
                format!("the server {at} takes no connections yet: {said}"),
                &[&format!("wait for it: pg_isready -h {host} -p {port}")],
            ),
            Some(_) => {
                self.fail(format!("the server {at} refused user {user:?}, database {database:?}: {said}"), &["look into the server's log"])
            }
            None if said.contains("password missing") => self.fail(
                format!("the server {at} wants a password for user {user:?}, and none is given"),
                &["set PGPASSWORD, or add a line HOST:PORT:DATABASE:USER:PASSWORD to ~/.pgpass (mode 0600)"],
            ),
            None => self.fail(
                format!("cannot start a session at {at} as {user:?}: {said}"),
                &["check that this is PostgreSQL's port; look into the server's log"],
            ),
        }
    }
}

fn is_wrong_name(why: &rustls::CertificateError) -> bool {
    matches!(why, rustls::CertificateError::NotValidForName | rustls::CertificateError::NotValidForNameContext { .. })
}
