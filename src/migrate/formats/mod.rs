//! Migration tools by name: each says how it leaves the transaction and how it undoes.

use crate::model::step::Step;

/// A file to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Name within the folder: `[a-z0-9_.]` only.
    pub name: String,
    /// Content.
    pub text: String,
}

/// A migration tool's files.
pub struct Format {
    /// Its name on the command line.
    pub name: &'static str,
    /// One line of help.
    pub about: &'static str,
    /// How its files run outside a transaction block, which CONCURRENTLY needs.
    pub leaves_transaction: &'static str,
    /// How its files undo a step.
    pub undoes: &'static str,
    /// All files of these steps; `stamp` (digits) puts them in order before later ones.
    pub files: fn(steps: &[Step], stamp: &str) -> Vec<File>,
}

crate::registry! {
    /// Every format.
    pub FORMATS: Format = [plain]
}

/// The readable part of a file name: `[a-z0-9_]` only, whatever the database calls things.
pub(super) fn slug(name: &str) -> String {
    let plain: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    let squeezed = plain.split('_').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("_");
    if squeezed.is_empty() { "index".into() } else { squeezed }
}
