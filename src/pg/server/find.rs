//! Where the server binaries are: `initdb` and `postgres`, nothing else is needed.

use crate::model::failure::{Failure, FailureKind};
use std::cmp::Reverse;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The environment variable that names the folder.
const VARIABLE: &str = "ADVISOR_PG_BINDIR";

/// Folders of distributions; `*` is one folder name. Among several the newest server wins.
const FOLDERS: &[&str] = &[
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/lib/postgresql*/bin",
    "/usr/libexec/postgresql*",
    "/usr/local/pgsql/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
];

/// A folder with `initdb` and `postgres`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    /// The folder, symbolic links resolved.
    pub dir: PathBuf,
    /// Major version, e.g. 15.
    pub major: u32,
    /// Version as the binary says it, e.g. `15.8` or `18beta1`.
    pub version: String,
}

/// The server to use: `bindir` (a flag), else ADVISOR_PG_BINDIR, else the first of [`find_all`].
/// A folder that was named and holds no server is an error, never passed over.
pub fn find(bindir: Option<&Path>) -> Result<Binaries, Failure> {
    let variable = std::env::var_os(VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
    let named = bindir.map(|dir| ("--pg-bindir", dir.to_owned())).or(variable.map(|dir| (VARIABLE, dir)));
    match named {
        Some((origin, dir)) => inspect(&dir).ok_or_else(|| {
            let message = format!("no PostgreSQL server in {} (from {origin}): initdb and postgres are needed", dir.display());
            Failure::new(FailureKind::Missing, message)
                .hint("name the folder that holds initdb and postgres, e.g. /usr/lib/postgresql/17/bin")
        }),
        None => search().next().ok_or_else(missing),
    }
}

/// Every server found: on PATH first, then what pg_config names, then the distributions' folders, newest first.
pub fn find_all() -> Vec<Binaries> {
    let mut all: Vec<Binaries> = Vec::new();
    for binaries in search() {
        if all.iter().all(|known| known.dir != binaries.dir) {
            all.push(binaries);
        }
    }
    all
}

/// The first server of this major version.
pub fn find_major(major: u32) -> Result<Binaries, Failure> {
    search().find(|binaries| binaries.major == major).ok_or_else(|| {
        Failure::new(FailureKind::Missing, format!("no PostgreSQL {major} server found"))
            .hint(format!("name the folder that holds its initdb and postgres in {VARIABLE}"))
    })
}

fn search() -> impl Iterator<Item = Binaries> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let named = std::iter::once_with(pg_config_bindir).flatten();
    on_path.into_iter().chain(named).filter_map(|dir| inspect(&dir)).chain(std::iter::once_with(distributed).flatten())
}

fn pg_config_bindir() -> Option<PathBuf> {
    let out = Command::new("pg_config").arg("--bindir").output().ok()?;
    let dir = String::from_utf8(out.stdout).ok()?;
    (out.status.success() && !dir.trim().is_empty()).then(|| PathBuf::from(dir.trim()))
}

fn distributed() -> Vec<Binaries> {
    let mut found: Vec<Binaries> = FOLDERS.iter().flat_map(|pattern| expand(pattern)).filter_map(|dir| inspect(&dir)).collect();
    found.sort_by_key(|binaries| Reverse(binaries.major));
    found
}

/// The folders a pattern with at most one `*` names.
fn expand(pattern: &str) -> Vec<PathBuf> {
    let Some((before, after)) = pattern.split_once('*') else { return vec![PathBuf::from(pattern)] };
    let (parent, prefix) = before.rsplit_once('/').unwrap_or(("", before));
    let Ok(entries) = std::fs::read_dir(parent) else { return Vec::new() };
    let below = |name: PathBuf| if after.is_empty() { name } else { name.join(after.trim_start_matches('/')) };
    let matching = entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix));
    let mut found: Vec<PathBuf> = matching.map(|entry| below(entry.path())).collect();
    found.sort();
    found
}

/// The server in `dir`. A symbolic link to `postgres` (as on PATH) leads to the real folder.
fn inspect(dir: &Path) -> Option<Binaries> {
    let real = dir.join("postgres").canonicalize().ok()?;
    let dir = real.parent().filter(|real| is_executable(&real.join("initdb"))).map_or_else(|| dir.to_owned(), Path::to_owned);
    if !is_executable(&dir.join("initdb")) || !is_executable(&dir.join("postgres")) {
        return None;
    }
    let out = Command::new(dir.join("postgres")).arg("--version").output().ok()?;
    let (major, version) = parse_version(&String::from_utf8_lossy(&out.stdout))?;
    Some(Binaries { dir, major, version })
}

fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// `postgres (PostgreSQL) 15.8 (Debian 15.8-1)` is (15, "15.8").
fn parse_version(text: &str) -> Option<(u32, String)> {
    let version = text.split_once(')')?.1.split_whitespace().next()?;
    let digits: &str = version.split(|c: char| !c.is_ascii_digit()).next()?;
    Some((digits.parse().ok()?, version.to_owned()))
}

fn missing() -> Failure {
    let failure = Failure::new(FailureKind::Missing, "no PostgreSQL server binaries (initdb, postgres) found on this machine");
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let failure = match install_command(&release, cfg!(target_os = "macos")) {
        Some(command) => failure.hint(format!("install them: {command}")),
        None => failure.hint("install the PostgreSQL server with its contrib modules"),
    };
    failure.hint(format!("or name their folder: --pg-bindir DIR, or {VARIABLE}=DIR"))
}

/// The command that installs a server with pg_stat_statements, by /etc/os-release.
fn install_command(os_release: &str, macos: bool) -> Option<&'static str> {
    const COMMANDS: &[(&[&str], &str)] = &[
        (&["debian", "ubuntu"], "sudo apt-get install postgresql"),
        (&["fedora", "rhel", "centos", "amzn"], "sudo dnf install postgresql-server postgresql-contrib"),
        (&["suse", "opensuse", "sles"], "sudo zypper install postgresql-server postgresql-contrib"),
        (&["arch"], "sudo pacman -S postgresql"),
        (&["alpine"], "sudo apk add postgresql postgresql-contrib"),
    ];
    if macos {
        return Some("brew install postgresql@17");
    }
    let value = |key: &str| os_release.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default().replace(['"', '\''], "");
    let ids = format!("{} {}", value("ID="), value("ID_LIKE="));
    let known =
        |names: &[&str]| ids.split_whitespace().any(|id| names.iter().any(|name| id == *name || id.starts_with(&format!("{name}-"))));
    COMMANDS.iter().find(|(names, _)| known(names)).map(|(_, command)| *command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_releases_betas_and_forks() {
        assert_eq!(parse_version("postgres (PostgreSQL) 15.8 (Debian 15.8-1)"), Some((15, "15.8".into())));
        assert_eq!(parse_version("postgres (PostgreSQL) 19devel\n"), Some((19, "19devel".into())));
        assert_eq!(parse_version("postgres (EnterpriseDB) 16beta1"), Some((16, "16beta1".into())));
        assert_eq!(parse_version("command not found"), None);
    }

    #[test]
    fn each_platform_has_its_install_command() {
        assert_eq!(install_command("ID=ubuntu\nID_LIKE=debian\n", false), Some("sudo apt-get install postgresql"));
        assert!(install_command("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"", false).unwrap().contains("dnf"));
        assert!(install_command("ID=\"opensuse-leap\"", false).unwrap().contains("zypper"));
        assert!(install_command("", true).unwrap().contains("brew"));
        assert_eq!(install_command("ID=plan9", false), None);
    }

    #[test]
    fn a_named_folder_without_a_server_is_an_error() {
        let failure = find(Some(Path::new("/nonexistent"))).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Missing);
        assert!(failure.message.contains("/nonexistent (from --pg-bindir)"), "{failure}");
    }

    #[test]
    fn a_pattern_names_the_folders_that_exist() {
        let parent = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(parent.path().join("pgsql-9/bin")).unwrap();
        std::fs::create_dir_all(parent.path().join("other/bin")).unwrap();
        let pattern = format!("{}/pgsql-*/bin", parent.path().display());
        assert_eq!(expand(&pattern), [parent.path().join("pgsql-9/bin")]);
    }
}
