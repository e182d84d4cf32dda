//! `postgresql://user:password@host:port,host2/dbname?key=value`.

use crate::model::failure::Failure;
use percent_encoding::percent_decode_str;

/// Why a URL could not be read. None of these quotes the URL: it may hold a password.
pub(super) type UrlError = &'static str;

/// The part behind `://`; `None` when the text is no URL; a failure for another database's URL.
pub(super) fn after_scheme<'a>(text: &'a str, notes: &mut Vec<String>) -> Result<Option<&'a str>, Failure> {
    let Some((scheme, rest)) = text.split_once("://") else { return Ok(None) };
    if !scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.:".contains(c)) {
        return Ok(None);
    }
    let plain = scheme.strip_prefix("jdbc:").unwrap_or(scheme);
    let (plain, driver) = plain.split_once('+').map_or((plain, None), |(plain, driver)| (plain, Some(driver)));
    if !matches!(plain, "postgres" | "postgresql") {
        return Err(
            Failure::usage(format!("not a PostgreSQL URL: it begins with {scheme}://")).hint("use postgresql://USER@HOST:PORT/DATABASE")
        );
    }
    if let Some(driver) = driver {
        notes.push(format!("the driver name +{driver} in the URL is ignored"));
    }
    Ok(Some(rest))
}

/// The failure for a malformed URL.
pub(super) fn explain(why: UrlError, origin: &str) -> Failure {
    Failure::usage(format!("the URL in {origin} is malformed: {why}"))
        .hint("percent-encode special characters in user name and password: @ is %40, : is %3A, / is %2F, # is %23, ? is %3F, % is %25")
}

/// Pairs of a URL without its scheme.
pub(super) fn parse(rest: &str) -> Result<Vec<(String, String)>, UrlError> {
    let (before_query, query) = rest.split_once('?').map_or((rest, None), |(a, b)| (a, Some(b)));
    let (authority, database) = before_query.split_once('/').map_or((before_query, ""), |(a, b)| (a, b));
    let mut pairs = Vec::new();
    // The last @ ends the user part: hosts hold none, so a password with a bare @ still works.
    let hosts = match authority.rsplit_once('@') {
        Some((user, hosts)) => {
            user_part(user, &mut pairs)?;
            hosts
        }
        // `user:12/34@host/db`: what looks like host and port is a user and half a password.
        None if authority.contains(':') && database.contains('@') => return Err("an @ after the first / (a bare / in the password?)"),
        None => authority,
    };
    host_part(hosts, &mut pairs)?;
    if !database.is_empty() {
        pairs.push(("dbname".to_owned(), decode(database)?));
    }
    for item in query.into_iter().flat_map(|q| q.split('&')).filter(|item| !item.is_empty()) {
        let (key, value) = item.split_once('=').ok_or("a query parameter without \"=\"")?;
        pairs.push(jdbc_alias(decode(key)?, decode(value)?));
    }
    Ok(pairs)
}

/// libpq, too, reads JDBC's `ssl=true` as `sslmode=require`.
fn jdbc_alias(key: String, value: String) -> (String, String) {
    if key == "ssl" && value == "true" { ("sslmode".to_owned(), "require".to_owned()) } else { (key, value) }
}

fn user_part(text: &str, pairs: &mut Vec<(String, String)>) -> Result<(), UrlError> {
    let (user, password) = text.split_once(':').map_or((text, None), |(user, password)| (user, Some(password)));
    if !user.is_empty() {
        pairs.push(("user".to_owned(), decode(user)?));
    }
    if let Some(password) = password.filter(|p| !p.is_empty()) {
        pairs.push(("password".to_owned(), decode(password)?));
    }
    Ok(())
}

fn host_part(text: &str, pairs: &mut Vec<(String, String)>) -> Result<(), UrlError> {
    let mut hosts = Vec::new();
    let mut ports = Vec::new();
    for item in text.split(',') {
        let (host, port) = split_port(item)?;
        if !port.chars().all(|c| c.is_ascii_digit()) {
            return Err("the port is not a number (a special character in the password?)");
        }
        hosts.push(decode(host)?);
        ports.push(port.to_owned());
    }
    for (key, values) in [("host", hosts), ("port", ports)] {
        if values.iter().any(|value| !value.is_empty()) {
            pairs.push((key.to_owned(), values.join(",")));
        }
    }
    Ok(())
}

/// `host:port`, `[::1]:port`, either part may be missing.
fn split_port(item: &str) -> Result<(&str, &str), UrlError> {
    if let Some(inside) = item.strip_prefix('[') {
        let (host, rest) = inside.split_once(']').ok_or("an IPv6 address without its closing ]")?;
        return match rest.strip_prefix(':') {
            Some(port) => Ok((host, port)),
            None if rest.is_empty() => Ok((host, "")),
            None => Err("something other than :PORT behind an IPv6 address"),
        };
    }
    Ok(item.split_once(':').unwrap_or((item, "")))
}

/// Percent-decoding that refuses what libpq refuses: half an escape, NUL, not UTF-8.
fn decode(text: &str) -> Result<String, UrlError> {
    let complete = text.split('%').skip(1).all(|part| part.len() >= 2 && part.as_bytes()[..2].iter().all(u8::is_ascii_hexdigit));
    if !complete {
        return Err("a % that no two hexadecimal digits follow");
    }
    let decoded = percent_decode_str(text).decode_utf8().map_err(|_| "a percent-encoded part is not UTF-8")?;
    if decoded.contains('\0') { Err("%00 is not allowed") } else { Ok(decoded.into_owned()) }
}
