//! The ledger: what apply intends, does and did. It lives in schema `advisor` of the database; where
//! the role may not make that schema, in a file of this machine.

mod file;
mod schema;

use super::build::Control;
use super::statements::LEDGER_PLACE;
use crate::model::failure::{Failure, FailureKind};
use crate::model::ledger::{Change, Entry, SqlError, State};
use crate::model::sample::{Moment, Sample};
use crate::model::text::one_line;
use file::{Cluster, LedgerFile};
use std::path::Path;

/// The second half of the advisory key that guards making the ledger: no table has OID 0.
pub const WHOLE_DATABASE: u32 = 0;

/// States from which an entry may be planned (anew): nothing of it is under way.
const PLANNABLE: [State; 5] = [State::Planned, State::Present, State::Failed, State::RolledBack, State::Done];

/// Where the ledger of a connection is.
#[derive(Debug, Clone, Default)]
pub enum Place {
    /// Schema `advisor` of the database.
    #[default]
    Schema,
    /// A file of this machine.
    File(LedgerFile),
}

impl Place {
    /// The file, where it is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Place::Schema => None,
            Place::File(file) => Some(file.path()),
        }
    }
}

impl std::fmt::Display for Place {
    /// For people: `schema advisor`, or `file PATH`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.file() {
            None => f.write_str("schema advisor"),
            Some(path) => write!(f, "file {}", one_line(&path.to_string_lossy())),
        }
    }
}

/// Finds the ledger's place and keeps it in `control`: the file that was asked for; else the schema,
/// where it is or can be made; else the file of this database under the user's state folder, which
/// stays the ledger once it is there. The remark says what else a person should know.
pub async fn find(control: &mut Control, asked: Option<&Path>) -> Result<Option<String>, Failure> {
    let rows = control.rows(&LEDGER_PLACE, &[]).await?;
    let row = rows.first().ok_or_else(|| Failure::new(FailureKind::Connect, "the server does not say which database this is"))?;
    let (database_oid, may_create): (u32, bool) = (row.get("database_oid"), row.get("may_create"));
    let cluster = Cluster { system: control.server.system, database_oid, database: control.server.database.clone() };
    if let Some(path) = asked {
        control.ledger = Place::File(LedgerFile::new(path.to_owned(), cluster));
        return Ok(None);
    }
    let own = file::default_path(&cluster);
    let own_is_there = own.as_ref().is_ok_and(|path| path.exists());
    match (schema::exists(control).await, own) {
        // A ledger of strangers is no reason to lose sight of our own.
        (Err(_), Ok(path)) if own_is_there => control.ledger = Place::File(LedgerFile::new(path, cluster)),
        (Err(failure), _) => return Err(failure),
        (Ok(true), Ok(path)) if own_is_there => {
            let path = one_line(&path.to_string_lossy());
            return Ok(Some(format!("the ledger in schema advisor is used; --ledger {path} uses an older one of yours")));
        }
        (Ok(true), _) => {}
        (Ok(false), _) if may_create && !own_is_there => {}
        (Ok(false), own) => control.ledger = Place::File(LedgerFile::new(own?, cluster)),
    }
    Ok(None)
}

/// True when the ledger is there. A ledger of strangers is refused: it says what we may drop.
pub async fn exists(control: &Control) -> Result<bool, Failure> {
    match &control.ledger {
        Place::Schema => schema::exists(control).await,
        Place::File(file) => Ok(file.read()?.is_some()),
    }
}

/// A file that was named must be there for whoever only reads it: an empty answer would hide a typing error.
pub fn must_be_there(asked: Option<&Path>) -> Result<(), Failure> {
    match asked.filter(|path| !path.exists()) {
        None => Ok(()),
        Some(path) => {
            let name = one_line(&path.to_string_lossy());
            Err(Failure::usage(format!("there is no ledger file {name}"))
                .hint("apply --ledger FILE makes it when it first changes something"))
        }
    }
}

/// Makes it, where it is missing. The caller holds the lock on [`WHOLE_DATABASE`].
pub async fn create(control: &Control) -> Result<(), Failure> {
    match &control.ledger {
        Place::Schema => schema::create(control).await,
        Place::File(file) => file.create().await,
    }
}

/// All entries, oldest run first; one when an id is given.
pub async fn entries(control: &Control, id: Option<&str>) -> Result<Vec<Entry>, Failure> {
    match &control.ledger {
        Place::Schema => schema::entries(control, id).await,
        Place::File(file) => file.entries(id),
    }
}

/// Inserts or renews an entry, planned. False when the row may not be planned now.
pub async fn plan(control: &Control, entry: &Entry) -> Result<bool, SqlError> {
    match &control.ledger {
        Place::Schema => schema::plan(control, entry).await,
        Place::File(file) => file.plan(entry).await,
    }
}

/// Compare-and-set. False when the entry is in another state by now.
pub async fn record(control: &Control, id: &str, change: &Change) -> Result<bool, SqlError> {
    match &control.ledger {
        Place::Schema => schema::record(control, id, change).await,
        Place::File(file) => file.record(id, change).await,
    }
}

/// Keeps a sample beside its entry. One from before the change makes the one from after it void.
pub async fn sample_put(control: &Control, id: &str, moment: Moment, sample: &Sample) -> Result<(), Failure> {
    match &control.ledger {
        Place::Schema => schema::sample_put(control, id, moment, sample).await,
        Place::File(file) => file.sample_put(id, moment, sample).await,
    }
}

/// The samples of an entry.
pub async fn samples(control: &Control, id: &str) -> Result<Vec<(Moment, Sample)>, Failure> {
    match &control.ledger {
        Place::Schema => schema::samples(control, id).await,
        Place::File(file) => file.samples(id),
    }
}
