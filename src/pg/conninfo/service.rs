//! `pg_service.conf`: named sets of parameters.

use super::{Parameters, Surroundings};
use crate::model::failure::Failure;
use std::path::{Path, PathBuf};

/// Adds the parameters of the service that was asked for, if one was.
pub(super) fn add(parameters: &mut Parameters, around: &Surroundings<'_>) -> Result<(), Failure> {
    let Some(service) = parameters.get("service").map(str::to_owned).or_else(|| around.get("PGSERVICE")) else { return Ok(()) };
    let asked = parameters.get("servicefile").map(str::to_owned).or_else(|| around.get("PGSERVICEFILE"));
    let files = candidates(asked, around);
    for file in &files {
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(Failure::usage(format!("cannot read the service file {}: {error}", file.display()))),
        };
        if let Some(pairs) = section(&text, &service, file)? {
            parameters.add(pairs, &format!("service {service}"));
            return Ok(());
        }
    }
    let searched: Vec<String> = files.iter().map(|f| f.display().to_string()).collect();
    Err(Failure::usage(format!("service {service:?} is not defined; looked in {}", searched.join(", ")))
        .hint(format!("add a section [{service}] with host=, port=, dbname=, user= to one of them")))
}

/// The user's own file, then the system's, as libpq looks for them.
fn candidates(asked: Option<String>, around: &Surroundings<'_>) -> Vec<PathBuf> {
    let own = asked.map(PathBuf::from).or_else(|| around.at_home(".pg_service.conf"));
    let system =
        around.get("PGSYSCONFDIR").map_or_else(|| vec!["/etc/postgresql-common".to_owned(), "/etc".to_owned()], |folder| vec![folder]);
    own.into_iter().chain(system.iter().map(|folder| Path::new(folder).join("pg_service.conf"))).collect()
}

/// The pairs of `[service]`; `None` when the file has no such section.
fn section(text: &str, service: &str, file: &Path) -> Result<Option<Vec<(String, String)>>, Failure> {
    let mut found: Option<Vec<(String, String)>> = None;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            if found.is_some() {
                break;
            }
            found = (name == service).then(Vec::new);
        } else if let Some(pairs) = &mut found {
            let (key, value) = line.split_once('=').filter(|(key, _)| key.trim() != "service").ok_or_else(|| {
                Failure::usage(format!("{}, line {}: expected key=value (not service=) in section [{service}]", file.display(), number + 1))
            })?;
            pairs.push((key.trim().to_owned(), value.to_owned()));
        }
    }
    Ok(found)
}
