//! TLS settings: modes, certificates, versions.

use super::build::{choice, number};
use super::settings::{SslMode, TlsSettings};
use super::{Parameters, Surroundings};
use crate::model::failure::Failure;
use std::path::{Path, PathBuf};

/// TLS settings: the root certificate decides what `require` means.
pub(super) fn settings(parameters: &Parameters, around: &Surroundings<'_>, over_tcp: bool) -> Result<TlsSettings, Failure> {
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
