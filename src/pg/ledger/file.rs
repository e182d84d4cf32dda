//! The ledger as a file of this machine, for a role that may not make a schema. It is read whole and
//! written whole: to a temporary file, synced, renamed. A lock file beside it guards each
//! read-change-write, so that two runs change it one after the other, compare-and-set as in the schema.

use super::PLANNABLE;
use crate::model::failure::{Failure, FailureKind};
use crate::model::ledger::{Change, Entry, SqlError, State};
use crate::model::sample::{Moment, Sample};
use crate::model::text::one_line;
use nix::fcntl::{Flock, FlockArg, OFlag};
use serde::{Deserialize, Serialize};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Error, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The only form of the file so far.
const FORM: u32 = 1;

/// How long another run's change is waited for; each takes milliseconds.
const LOCK_WAIT: Duration = Duration::from_secs(2);

/// Whose ledger a file is: OIDs mean nothing in another database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    /// pg_control_system().system_identifier, where the role may read it.
    pub system: Option<i64>,
    /// pg_database.oid.
    pub database_oid: u32,
    /// Name, for people.
    pub database: String,
}

/// A ledger file that may or may not be there yet.
#[derive(Debug, Clone)]
pub struct LedgerFile {
    path: PathBuf,
    cluster: Cluster,
}

/// One change of state, never changed again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Event {
    id: String,
    at: String,
    from: Option<State>,
    to: State,
    detail: Option<String>,
}

/// What was counted before a change or right after it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Kept {
    id: String,
    moment: Moment,
    sample: Sample,
}

/// The whole file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Book {
    advisor_ledger: u32,
    #[serde(flatten)]
    cluster: Cluster,
    entries: Vec<Entry>,
    events: Vec<Event>,
    #[serde(default)]
    samples: Vec<Kept>,
}

/// The file of a database under the user's state folder.
pub fn default_path(cluster: &Cluster) -> Result<PathBuf, Failure> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/state")));
    match (state, cluster.system) {
        (Some(state), Some(system)) => Ok(state.join("advisor").join(format!("ledger-{system}-{}.json", cluster.database_oid))),
        (None, _) => Err(no_default("there is no home folder to keep the ledger in")),
        (_, None) => Err(no_default("the role may not ask which cluster this is, so no file of its own can be named")),
    }
}

fn no_default(why: &str) -> Failure {
    Failure::new(FailureKind::Missing, format!("the role may not make the ledger's schema, and {why}")).hint("--ledger FILE names one")
}

impl LedgerFile {
    /// The file at `path`, to be of this cluster and database.
    pub fn new(path: PathBuf, cluster: Cluster) -> Self {
        LedgerFile { path, cluster }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn name(&self) -> String {
        one_line(&self.path.to_string_lossy())
    }

    /// Its content; `None` where there is no file. A file of strangers, of another database or that is no
    /// ledger is an error, and stays as it is.
    pub fn read(&self) -> Result<Option<Book>, Failure> {
        let refuse = |what: String| Failure::new(FailureKind::Missing, format!("cannot use {} as ledger: {what}", self.name()));
        let text = match trusted(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(refuse(error.to_string())),
        };
        let book: Book = serde_json::from_str(&text).map_err(|error| {
            refuse(format!("it is not readable as one ({error})")).hint("it was left as it is; --ledger FILE names another")
        })?;
        if book.advisor_ledger != FORM {
            return Err(refuse(format!("it has form {}, this version knows {FORM}", book.advisor_ledger)).hint("use a newer advisor"));
        }
        match self.foreign(&book.cluster) {
            Some(what) => Err(refuse(what).hint("OIDs mean nothing in another database; --ledger FILE names another file")),
            None => Ok(Some(book)),
        }
    }

    fn foreign(&self, theirs: &Cluster) -> Option<String> {
        let same_system = self.cluster.system.zip(theirs.system).is_none_or(|(ours, other)| ours == other);
        if same_system && self.cluster.database_oid == theirs.database_oid {
            return None;
        }
        let of = |c: &Cluster| {
            let system = c.system.map_or("unknown".to_owned(), |s| s.to_string());
            format!("database {} (OID {}) of system {system}", one_line(&c.database), c.database_oid)
        };
        Some(format!("it is of {}, this is {}", of(theirs), of(&self.cluster)))
    }

    /// Makes an empty one, where there is none.
    pub async fn create(&self) -> Result<(), Failure> {
        let fail = |error: Error| {
            Failure::new(FailureKind::Missing, format!("cannot make the ledger {}: {error}", self.name()))
                .hint("--ledger FILE names another place")
        };
        DirBuilder::new().recursive(true).mode(0o700).create(self.folder()).map_err(fail)?;
        let _lock = self.lock().await.map_err(fail)?;
        if self.read()?.is_some() {
            return Ok(());
        }
        self.write(&Book {
            advisor_ledger: FORM,
            cluster: self.cluster.clone(),
            entries: Vec::new(),
            events: Vec::new(),
            samples: Vec::new(),
        })
        .map_err(fail)
    }

    /// All entries, oldest run first; one when an id is given.
    pub fn entries(&self, id: Option<&str>) -> Result<Vec<Entry>, Failure> {
        let mut entries = self.read()?.map(|book| book.entries).unwrap_or_default();
        entries.retain(|entry| id.is_none_or(|id| entry.id == id));
        entries.sort_by(|a, b| (&a.run, a.position, &a.id).cmp(&(&b.run, b.position, &b.id)));
        Ok(entries)
    }

    /// Inserts or renews an entry, planned. False when it may not be planned now.
    pub async fn plan(&self, entry: &Entry) -> Result<bool, SqlError> {
        self.change(|book| book.plan(entry, &now())).await
    }

    /// Compare-and-set. False when the entry is in another state by now.
    pub async fn record(&self, id: &str, change: &Change) -> Result<bool, SqlError> {
        self.change(|book| book.record(id, change, &now())).await
    }

    /// Keeps a sample.
    pub async fn sample_put(&self, id: &str, moment: Moment, sample: &Sample) -> Result<(), Failure> {
        let put = self.change(|book| book.sample_put(id, moment, sample)).await;
        put.map(|_| ()).map_err(|error| Failure::new(FailureKind::ApplyNeedsYou, error.message))
    }

    /// The samples of an entry.
    pub fn samples(&self, id: &str) -> Result<Vec<(Moment, Sample)>, Failure> {
        let kept = self.read()?.map(|book| book.samples).unwrap_or_default();
        Ok(kept.into_iter().filter(|k| k.id == id).map(|k| (k.moment, k.sample)).collect())
    }

    /// Reads, changes and writes under the lock; nothing is written where nothing changed.
    async fn change(&self, change: impl FnOnce(&mut Book) -> bool) -> Result<bool, SqlError> {
        let fail = |error: Error| failed(format!("{}: {error}", self.name()));
        let _lock = self.lock().await.map_err(fail)?;
        let book = self.read().map_err(|failure| failed(failure.message))?;
        let mut book = book.ok_or_else(|| failed(format!("{} is gone", self.name())))?;
        let changed = change(&mut book);
        if changed {
            self.write(&book).map_err(fail)?;
        }
        Ok(changed)
    }

    async fn lock(&self) -> Result<Flock<File>, Error> {
        // Beside the file itself: two ways to one ledger are one lock.
        let mut path = self.real().into_os_string();
        path.push(".lock");
        let flags = OFlag::O_NOFOLLOW.bits();
        let mut file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).custom_flags(flags).open(&path)?;
        let since = Instant::now();
        loop {
            match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                Ok(lock) => return Ok(lock),
                Err((back, nix::errno::Errno::EWOULDBLOCK)) if since.elapsed() < LOCK_WAIT => file = back,
                Err((_, nix::errno::Errno::EWOULDBLOCK)) => {
                    return Err(Error::new(ErrorKind::WouldBlock, "another process holds its lock and does not let go"));
                }
                Err((_, error)) => return Err(error.into()),
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Its path without links; of one that is not there yet, its folder's.
    fn real(&self) -> PathBuf {
        let of_folder = || Some(self.folder().canonicalize().ok()?.join(self.path.file_name()?));
        self.path.canonicalize().ok().or_else(of_folder).unwrap_or_else(|| self.path.clone())
    }

    fn folder(&self) -> &Path {
        self.path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    /// Whole or not at all, also when the machine stops: file and folder are synced.
    fn write(&self, book: &Book) -> Result<(), Error> {
        // What a link leads to is replaced, not the link.
        let path = self.real();
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // Its mode is 0600 from the start.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(serde_json::to_string_pretty(book)?.as_bytes())?;
        file.write_all(b"\n")?;
        file.as_file().sync_all()?;
        file.persist(&path).map_err(|e| e.error)?;
        File::open(folder)?.sync_all()
    }
}

impl Book {
    fn plan(&mut self, entry: &Entry, at: &str) -> bool {
        let mut fresh = Entry {
            state: State::Planned,
            owned: false,
            attempt: 0,
            worker: None,
            error: None,
            updated_at: at.to_owned(),
            ..entry.clone()
        };
        // A schema goes wherever the database goes; a file does not, so the catalog is to say whose the index is.
        fresh.add_mark();
        match self.entries.iter_mut().find(|e| e.id == entry.id) {
            Some(old) => {
                let same = (old.motion, &old.index, &old.table) == (entry.motion, &entry.index, &entry.table);
                if !same || !PLANNABLE.contains(&old.state) {
                    return false;
                }
                *old = fresh;
            }
            None => self.entries.push(fresh),
        }
        self.events.push(Event { id: entry.id.clone(), at: at.to_owned(), from: None, to: State::Planned, detail: None });
        true
    }

    fn record(&mut self, id: &str, change: &Change, at: &str) -> bool {
        let Some(entry) = self.entries.iter_mut().find(|e| e.id == id && e.state == change.from) else { return false };
        entry.state = change.to;
        entry.owned = change.owned.unwrap_or(entry.owned);
        entry.index_oid = change.index_oid.or(entry.index_oid);
        entry.worker = change.worker.or(entry.worker);
        entry.attempt += i32::from(change.attempt);
        entry.error = change.detail.clone();
        entry.updated_at = at.to_owned();
        let (from, detail) = (Some(change.from), change.detail.clone());
        self.events.push(Event { id: id.to_owned(), at: at.to_owned(), from, to: change.to, detail });
        true
    }
}

impl Book {
    fn sample_put(&mut self, id: &str, moment: Moment, sample: &Sample) -> bool {
        self.samples.retain(|k| k.id != id || (k.moment != moment && moment != Moment::Before));
        self.samples.push(Kept { id: id.to_owned(), moment, sample: sample.clone() });
        true
    }
}

/// Its text, if nobody but us and root could have written it: it says what we may drop.
fn trusted(path: &Path) -> Result<String, Error> {
    let file = File::open(path)?;
    let about = file.metadata()?;
    let denied = |what: &str| Err(Error::new(ErrorKind::PermissionDenied, what.to_owned()));
    if !about.is_file() {
        return Err(Error::new(ErrorKind::InvalidInput, "it is not a file"));
    }
    if ![0, nix::unistd::geteuid().as_raw()].contains(&about.uid()) {
        return denied("it belongs to another user");
    }
    if about.mode() & 0o022 != 0 {
        return denied("others may write to it (chmod 600 it, once it is sure that nobody did)");
    }
    std::io::read_to_string(file)
}

/// 58030 is io_error: the connection is well, so nothing is to be dialled again.
fn failed(message: String) -> SqlError {
    SqlError { code: Some("58030".into()), message }
}

fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests;
