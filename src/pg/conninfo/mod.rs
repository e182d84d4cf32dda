//! Connection settings as libpq understands them: URL, key/value string, service file, PG*
//! variables, password file, defaults; the first of these that speaks wins.

mod build;
mod env;
mod keyvalue;
mod passfile;
mod service;
mod settings;
mod tls;
mod url;

pub use settings::{ChannelBinding, ConnInfo, Endpoint, Keepalives, Place, Secret, SslMode, TargetSession, TlsSettings};

use crate::model::failure::Failure;
use crate::model::text::one_line;
use std::collections::BTreeMap;

/// What surrounds the process: read through here, so that tests bring their own.
pub struct Surroundings<'a> {
    /// An environment variable; `None` when unset or not Unicode.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// Name of the operating system's user.
    pub os_user: Option<String>,
}

impl Surroundings<'_> {
    /// The real ones.
    pub fn of_process() -> Surroundings<'static> {
        Surroundings { variable: &|name| std::env::var(name).ok(), os_user: os_user() }
    }

    /// A variable that is set and not empty.
    fn get(&self, name: &str) -> Option<String> {
        (self.variable)(name).filter(|value| !value.is_empty())
    }

    /// A path below the home folder.
    fn at_home(&self, path: &str) -> Option<std::path::PathBuf> {
        self.get("HOME").map(|home| std::path::Path::new(&home).join(path))
    }
}

#[cfg(unix)]
fn os_user() -> Option<String> {
    nix::unistd::User::from_uid(nix::unistd::geteuid()).ok().flatten().map(|user| user.name)
}

#[cfg(not(unix))]
fn os_user() -> Option<String> {
    std::env::var("USERNAME").ok()
}

/// Raw parameters by libpq's name, with where each came from.
#[derive(Default)]
struct Parameters {
    values: BTreeMap<String, Given>,
    notes: Vec<String>,
}

/// A value and its origin, for messages.
struct Given {
    value: String,
    origin: String,
}

impl Parameters {
    /// Takes what an earlier source has not said; a source that says a key twice means the last.
    fn add(&mut self, pairs: Vec<(String, String)>, origin: &str) {
        let fresh: BTreeMap<String, String> = pairs.into_iter().collect();
        for (key, value) in fresh {
            match treatment(&key) {
                Treatment::Used => {
                    self.values.entry(key).or_insert_with(|| Given { value, origin: origin.to_owned() });
                }
                Treatment::Needless => {}
                Treatment::Orm => self.notes.push(format!("{origin}: parameter {key} belongs to an ORM or a pool and is ignored")),
                Treatment::Unknown => self.notes.push(format!("{origin}: unknown parameter {} is ignored", one_line(&key))),
            }
        }
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(|given| given.value.as_str())
    }

    /// The failure for a value we cannot use. Never called for `password`.
    fn invalid(&self, key: &str, expected: &str) -> Failure {
        let (value, origin) = self.values.get(key).map_or(("", ""), |given| (given.value.as_str(), given.origin.as_str()));
        Failure::usage(format!("invalid value {:?} for connection parameter {key} (from {origin}): expected {expected}", one_line(value)))
    }
}

/// What we do with a parameter.
enum Treatment {
    /// It has an effect, or is refused by value.
    Used,
    /// libpq's, and without effect here (the driver speaks UTF-8 and no GSSAPI…).
    Needless,
    /// Some ORM's own.
    Orm,
    /// Nobody's that we know.
    Unknown,
}

const USED: &[&str] = &[
    "channel_binding",
    "connect_timeout",
    "dbname",
    "gssencmode",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "load_balance_hosts",
    "options",
    "passfile",
    "password",
    "port",
    "require_auth",
    "requirepeer",
    "service",
    "servicefile",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "sslcert",
    "sslcrl",
    "sslcrldir",
    "sslkey",
    "sslmode",
    "sslnegotiation",
    "sslrootcert",
    "sslsni",
    "target_session_attrs",
    "tcp_user_timeout",
    "user",
];

const NEEDLESS: &[&str] = &[
    "application_name",
    "client_encoding",
    "fallback_application_name",
    "gssdelegation",
    "gsslib",
    "krbsrvname",
    "max_protocol_version",
    "min_protocol_version",
    "sslcertmode",
    "sslcompression",
    "sslkeylogfile",
    "sslpassword",
];

const ORM: &[&str] = &[
    "connection_limit",
    "currentSchema",
    "max_idle_connection_lifetime",
    "pgbouncer",
    "pool_timeout",
    "pool_max_conns",
    "prepareThreshold",
    "prepared_statements",
    "schema",
    "single_use_connections",
    "socket_timeout",
    "sslaccept",
    "sslidentity",
    "statement_cache_capacity",
    "statement_cache_mode",
    "statement_cache_size",
    "supa",
];

fn treatment(key: &str) -> Treatment {
    let lists = [(USED, Treatment::Used), (NEEDLESS, Treatment::Needless), (ORM, Treatment::Orm)];
    lists.into_iter().find(|(list, _)| list.contains(&key)).map_or(Treatment::Unknown, |(_, treatment)| treatment)
}

/// Resolves all sources into one set of settings. `target` is a URL, a key/value string or a
/// database name; without it DATABASE_URL counts.
pub fn resolve(target: Option<&str>, around: &Surroundings<'_>) -> Result<ConnInfo, Failure> {
    let mut parameters = Parameters::default();
    let from_environment = around.get("DATABASE_URL");
    let (text, origin) = match target.map(str::trim).filter(|t| !t.is_empty()) {
        Some(text) => (Some(text.to_owned()), "the connection string"),
        None => (from_environment, "DATABASE_URL"),
    };
    if let Some(text) = text {
        let pairs = parse_target(text.trim(), origin, &mut parameters.notes)?;
        parameters.add(pairs, origin);
    }
    service::add(&mut parameters, around)?;
    env::add(&mut parameters, around);
    build::build(parameters, around)
}

/// True when somebody named a database: by an argument, by DATABASE_URL, or by a PG* variable that says where it is.
pub fn is_named(target: Option<&str>, around: &Surroundings<'_>) -> bool {
    const PLACES: [&str; 7] = ["DATABASE_URL", "PGSERVICE", "PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGUSER"];
    target.is_some_and(|t| !t.trim().is_empty()) || PLACES.iter().any(|name| around.get(name).is_some())
}

/// URL, key/value string, or (as psql has it) just a database's name.
fn parse_target(text: &str, origin: &str, notes: &mut Vec<String>) -> Result<Vec<(String, String)>, Failure> {
    if let Some(rest) = url::after_scheme(text, notes)? {
        return url::parse(rest).map_err(|failure| url::explain(failure, origin));
    }
    if text.contains('=') {
        return keyvalue::parse(text)
            .map_err(|why| Failure::usage(format!("{origin} is malformed: {why}")).hint("put values with spaces into single quotes"));
    }
    Ok(vec![("dbname".to_owned(), text.to_owned())])
}

#[cfg(test)]
mod tests;
