//! Takes the values out of a blueprint and a snapshot, so that a snapshot file can leave production:
//! each becomes a pseudonym of the same width that compares with the others as the value did, equal
//! ones staying equal, so that a query planned with a pseudonym plans as with the value behind it.
//!
//! ```text
//! walk.rs         every place that holds values, collected first, then replaced
//! schema.rs       statements of the schema, by kind of object
//! constants.rs    constants in SQL: their types, and which are values
//! place.rs        where a constant stands: parentheses and operators
//! columns.rs      types of columns and of expressions
//! kinds.rs        types by name
//! values.rs       the values, by domain
//! dictionary.rs   a pseudonym for each
//! strings.rs, numbers.rs, times.rs, arrays.rs, random.rs
//! ```
//!
//! Names (of schemas, tables, columns, indexes, roles, functions) and settings stay. The order of
//! texts is the server's: whoever calls has it sort them, between [`collect`] and [`Dictionary::new`].

mod arrays;
mod columns;
mod constants;
mod dictionary;
mod kinds;
mod numbers;
mod place;
mod random;
mod schema;
mod strings;
mod times;
mod values;
mod walk;

pub use dictionary::Dictionary;
pub use kinds::{Collation, TextOrder};
pub use values::Values;

use crate::model::blueprint::Blueprint;
use crate::model::index_def::TableName;
use crate::model::redaction::Redaction;
use crate::model::snapshot::Snapshot;
use columns::Columns;
use walk::Walk;

/// Whose values stay as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Keep {
    /// Nobody's.
    #[default]
    Nothing,
    /// All: nothing is redacted.
    Everything,
    /// Those of these tables' columns. A value that another table has too is replaced there.
    Tables(Vec<TableName>),
}

/// All distinct values that need pseudonyms.
pub fn collect(blueprint: &Blueprint, snapshot: &Snapshot, keep: &Keep) -> Values {
    let mut values = Values::default();
    if *keep == Keep::Everything {
        return values;
    }
    let columns = Columns::new(blueprint, &snapshot.catalog, keep);
    values.enums = columns.types.enums.iter().filter(|(name, _)| !columns.keeps_enum(name)).map(|(n, l)| (n.clone(), l.clone())).collect();
    let (mut blueprint, mut catalog_only) = (blueprint.clone(), Snapshot { catalog: snapshot.catalog.clone(), ..Snapshot::default() });
    let (indexes, mut report) = (walk::indexes(snapshot), Redaction::default());
    Walk { columns: &columns, images: &mut values, report: &mut report, indexes }.all(&mut blueprint, &mut catalog_only);
    values
}

/// Replaces every value by its pseudonym, and says what was done.
pub fn redact(blueprint: &mut Blueprint, snapshot: &mut Snapshot, mut dictionary: Dictionary, keep: &Keep) -> Redaction {
    let mut report = Redaction::default();
    if *keep == Keep::Everything {
        report.everything_kept = true;
        return report;
    }
    if let Keep::Tables(tables) = keep {
        report.kept_tables = tables.iter().map(ToString::to_string).collect();
    }
    let columns = Columns::new(blueprint, &snapshot.catalog, keep);
    let indexes = walk::indexes(snapshot);
    report.domains = std::mem::take(&mut dictionary.figures);
    Walk { columns: &columns, images: &mut dictionary, report: &mut report, indexes }.all(blueprint, snapshot);
    walk::workload(snapshot);
    report
}

#[cfg(test)]
mod tests;
