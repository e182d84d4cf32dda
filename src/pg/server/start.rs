//! initdb, start, wait until it answers; stop and delete on Drop.

use super::account::{self, Account};
use super::find::Binaries;
use super::folder::{Folder, PORT};
use super::process::{self, Process};
use super::reap;
use crate::model::failure::{Failure, FailureKind};
use nix::fcntl::OFlag;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

/// The superuser.
const SUPERUSER: &str = "postgres";
/// For initdb and for the first answer each; a loaded machine needs seconds, a hanging one gives up.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);
const LOG_LINES_SHOWN: usize = 8;

/// Settings of every server of ours. Durability is off: the data does not outlive the run.
/// Dynamic shared memory lies in files, since containers often allow only 64 MB of /dev/shm.
const SETTINGS: &[(&str, &str)] = &[
    ("listen_addresses", ""),
    ("unix_socket_permissions", "0700"),
    ("fsync", "off"),
    ("full_page_writes", "off"),
    ("synchronous_commit", "off"),
    ("wal_level", "minimal"),
    ("max_wal_senders", "0"),
    ("max_wal_size", "4GB"),
    ("dynamic_shared_memory_type", "mmap"),
];

/// What kind of server is wanted.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Libraries for `shared_preload_libraries`, in order.
    pub preload: Vec<String>,
    /// More settings; they win over ours.
    pub settings: Vec<(String, String)>,
    /// Locale of the cluster, as initdb takes it.
    pub locale: String,
    /// Encoding of the cluster.
    pub encoding: String,
    /// Size of a WAL segment, MB: with 1 an idle server keeps two instead of 32 MB on disk.
    pub wal_segment_mb: u32,
    /// Most memory of its own that each of its processes may take, MB; `None` sets no limit.
    pub memory_mb: Option<u32>,
    /// What it is for; shown in process lists.
    pub label: String,
    /// A data directory that outlives the server: made at the first start, found as it was left at the next ones.
    /// `None` for one that is deleted with the server.
    pub data_dir: Option<PathBuf>,
}

impl Default for ServerOptions {
    fn default() -> Self {
        ServerOptions {
            preload: Vec::new(),
            settings: Vec::new(),
            locale: "C".into(),
            encoding: "UTF8".into(),
            wal_segment_mb: 16,
            memory_mb: None,
            label: "advisor".into(),
            data_dir: None,
        }
    }
}

/// A running throw-away server; dropping it stops the server and deletes its folder.
#[derive(Debug)]
pub struct Server {
    // Order matters: the process ends before its folder is deleted.
    process: Process,
    folder: Folder,
    account: Option<Account>,
    binaries: Binaries,
}

/// A server that outlives us.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Its folder, socket included.
    pub folder: PathBuf,
    /// The shell command that stops it and deletes the folder.
    pub stop_command: String,
}

impl Server {
    /// Creates a cluster, starts it and waits until it accepts a connection. Removes first what killed runs left.
    pub async fn start(binaries: &Binaries, options: &ServerOptions) -> Result<Server, Failure> {
        reap::reap();
        let account = account::unprivileged()?;
        let folder = Folder::create(account.as_ref())?;
        if let Some(data_dir) = &options.data_dir {
            folder.keep_data_in(data_dir, account.as_ref())?;
        }
        if !folder.data().join("PG_VERSION").exists() {
            initdb(binaries, options, &folder, account.as_ref()).await?;
        }
        let (program, account_of) = (binaries.dir.join("postgres"), account.as_ref());
        let mut command = match options.memory_mb {
            Some(limit) => process::limited(&program, folder.path(), account_of, limit),
            None => process::command(&program, folder.path(), account_of),
        };
        command.arg("-D").arg(folder.data()).args(setting_arguments(options, folder.path()));
        let process = spawn(command, &folder.log(), account.as_ref())?;
        let process = if options.data_dir.is_some() { process.saving() } else { process };
        let mut server = Server { process, folder, account, binaries: binaries.clone() };
        server.wait_for_answer().await?;
        Ok(server)
    }

    /// A connection URL for one of its databases; `postgres` always exists.
    pub fn url(&self, database: &str) -> String {
        url(self.socket_dir(), database)
    }

    /// The folder of its unix socket.
    pub fn socket_dir(&self) -> &Path {
        self.folder.path()
    }

    /// Its data directory.
    pub fn data_dir(&self) -> PathBuf {
        self.folder.data()
    }

    /// The binaries it runs.
    pub fn binaries(&self) -> &Binaries {
        &self.binaries
    }

    /// The account it runs as when we are root.
    pub fn account(&self) -> Option<&str> {
        self.account.as_ref().map(|account| account.name.as_str())
    }

    /// Stops it and deletes its folder, as dropping does.
    pub fn stop(self) {}

    /// Lets it live on; later runs leave it alone too.
    pub fn keep(self) -> Kept {
        let Server { process, folder, .. } = self;
        let pid = process.id().unwrap_or_default();
        process.keep();
        let folder = folder.keep();
        let quoted = format!("'{}'", folder.display().to_string().replace('\'', r"'\''"));
        Kept { stop_command: format!("kill -QUIT {pid}; sleep 1; rm -rf {quoted}"), folder }
    }

    /// Readiness is a connection, never a line of the log.
    async fn wait_for_answer(&mut self) -> Result<(), Failure> {
        let start = Instant::now();
        let mut config = tokio_postgres::Config::new();
        config.host_path(self.socket_dir()).port(PORT).user(SUPERUSER).dbname("postgres").connect_timeout(Duration::from_secs(5));
        loop {
            match config.connect(tokio_postgres::NoTls).await {
                Ok(_) => return Ok(()),
                Err(error) if start.elapsed() > PATIENCE => return Err(self.refused(&format!("does not answer: {error}"))),
                Err(_) => {}
            }
            if let Some(status) = self.process.ended() {
                return Err(self.refused(&format!("ended at once ({status})")));
            }
            tokio::time::sleep(POLL).await;
        }
    }

    fn refused(&self, what: &str) -> Failure {
        started_badly(&format!("our PostgreSQL {} server {what}", self.binaries.version), &self.folder.log())
    }
}

/// `postgresql://postgres@/database?host=DIR&port=5432`; the port guards against a PGPORT of the user's.
fn url(socket_dir: &Path, database: &str) -> String {
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    format!("postgresql://{SUPERUSER}@/{}?host={}&port={PORT}", encode(database), encode(&socket_dir.to_string_lossy()))
}

async fn initdb(binaries: &Binaries, options: &ServerOptions, folder: &Folder, account: Option<&Account>) -> Result<(), Failure> {
    let mut command = process::command(&binaries.dir.join("initdb"), folder.path(), account);
    command.arg("-D").arg(folder.data()).args(["-U", SUPERUSER, "-A", "trust", "--no-sync"]);
    command.arg(format!("--locale={}", options.locale)).arg(format!("--encoding={}", options.encoding));
    command.arg(format!("--wal-segsize={}", options.wal_segment_mb));
    // On by default since 18. The data is thrown away, and the clone writes pages of its own.
    if binaries.major >= 18 {
        command.arg("--no-data-checksums");
    }
    let mut process = spawn(command, &folder.log(), account)?;
    let status = wait_for_end(&mut process).await;
    match status {
        Some(status) if status.success() => Ok(()),
        Some(status) => Err(started_badly(&format!("initdb failed ({status})"), &folder.log())),
        None => Err(started_badly(&format!("initdb did not end within {} s", PATIENCE.as_secs()), &folder.log())),
    }
}

async fn wait_for_end(process: &mut Process) -> Option<ExitStatus> {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if let Some(status) = process.ended() {
            return Some(status);
        }
        tokio::time::sleep(POLL).await;
    }
    None
}

fn spawn(mut command: Command, log: &Path, account: Option<&Account>) -> Result<Process, Failure> {
    let program = command.get_program().to_string_lossy().into_owned();
    let fail = |e: std::io::Error| {
        let who = account.map(|account| format!(" as user {}", account.name)).unwrap_or_default();
        let failure = Failure::new(FailureKind::Missing, format!("cannot run {program}{who}: {e}"));
        match account.filter(|_| e.kind() == std::io::ErrorKind::PermissionDenied) {
            Some(account) => failure.hint(format!("let user {} read that folder and those above it: chmod a+rX", account.name)),
            None => failure,
        }
    };
    // The folder belongs to the servers' account: as root, no link of its making is followed.
    let mut file = OpenOptions::new();
    let out = file.write(true).create(true).truncate(true).custom_flags(OFlag::O_NOFOLLOW.bits()).open(log).map_err(fail)?;
    command.stdout(out.try_clone().map_err(fail)?).stderr(out);
    command.spawn().map(Process::new).map_err(fail)
}

fn setting_arguments(options: &ServerOptions, socket_dir: &Path) -> Vec<String> {
    // A list setting: quoted, so that a comma in the path is no separator.
    let quoted = format!("\"{}\"", socket_dir.to_string_lossy().replace('"', "\"\""));
    let port = PORT.to_string();
    let preload = options.preload.join(",");
    let own = [
        ("unix_socket_directories", quoted.as_str()),
        ("port", &port),
        ("cluster_name", &options.label),
        ("shared_preload_libraries", &preload),
    ];
    let asked = options.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let all = SETTINGS.iter().copied().chain(own).chain(asked);
    all.flat_map(|(name, value)| ["-c".to_owned(), format!("{name}={value}")]).collect()
}

/// A failure with the log's last lines, and what to do where the log says it.
fn started_badly(message: &str, log: &Path) -> Failure {
    let text = String::from_utf8_lossy(&std::fs::read(log).unwrap_or_default()).into_owned();
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let mut failure = Failure::new(FailureKind::Missing, message);
    for line in &lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..] {
        failure = failure.hint(format!("log: {}", crate::model::text::one_line(line)));
    }
    if lines.iter().any(|line| line.contains("No space left on device")) {
        failure = failure.hint("free space in the temporary folder, or set TMPDIR to another one");
    }
    match lines.iter().find_map(|line| line.split_once("could not access file \"")).and_then(|(_, rest)| rest.split_once('"')) {
        Some((library, _)) => failure.hint(format!("install the package that holds {library} (often postgresql-contrib)")),
        None => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_survives_any_path_and_name() {
        assert_eq!(url(Path::new("/tmp/a b&c"), "my/db?"), "postgresql://postgres@/my%2Fdb%3F?host=%2Ftmp%2Fa%20b%26c&port=5432");
    }

    #[test]
    fn asked_settings_come_last_and_win() {
        let options = ServerOptions { settings: vec![("fsync".into(), "on".into())], ..ServerOptions::default() };
        let arguments = setting_arguments(&options, Path::new("/tmp/x,y"));
        assert_eq!(arguments.last().map(String::as_str), Some("fsync=on"));
        assert!(arguments.contains(&"unix_socket_directories=\"/tmp/x,y\"".to_owned()));
    }
}
