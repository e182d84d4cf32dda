//! What an index costs those who write to its table, in planner units: the unit of the gains.
//!
//! An entry is written for each inserted row and for each update that is not HOT; an update that is HOT
//! today and assigns a column of the index is HOT no more and writes an entry in every index of the table.
//! How often that happens is [`Load`]'s business, what one entry costs `price.rs`'s.

mod load;
mod price;
mod words;

pub use load::Load;
pub use words::in_words;

use super::size;
use crate::model::candidate::{Hot, Writes};
use crate::model::catalog::{Index, Table};
use crate::model::index_def::{IndexSpec, KeyExpr};
use crate::model::text::quote_ident;
use load::{TableLoad, Update};
use price::Price;

/// Seconds between two checkpoints unless it is set otherwise: the first change of a page after each writes the whole page to the WAL.
const CHECKPOINT_SECONDS: f64 = 300.0;

/// Rows whose entries are written because of one index.
#[derive(Debug, Default)]
struct Entries {
    /// In the index itself.
    here: f64,
    /// Updates that are HOT without the index only.
    hot_lost: f64,
    /// In the table's other indexes, for those.
    elsewhere: f64,
    /// Left for VACUUM to take out.
    dead: f64,
}

impl Load {
    /// What an index that does not exist would cost, with so many new ones `beside` it, a partial one counting as its share of
    /// the rows.
    pub fn of_candidate(&self, spec: &IndexSpec, table: &Table, size_bytes: Option<f64>, beside: f64) -> Writes {
        let Some(load) = self.table(&spec.table) else { return Writes::default() };
        let hot_lost: f64 = self.ended(spec, load).map(|(_, rows)| rows).sum();
        let updated = load.updates.iter().map(|u| u.rows - u.hot).sum::<f64>() + hot_lost;
        self.writes(spec, table, size_bytes, entries(load, spec, table, updated, hot_lost, load.indexes + beside))
    }

    /// What an index that does not exist would have to do with HOT updates.
    pub fn hot(&self, spec: &IndexSpec, table: &Table) -> Hot {
        let Some(load) = self.table(&spec.table) else { return Hot::default() };
        let ends = self.ended(spec, load).map(|(number, rows)| (number, rows * (Price::OTHER.units + price::DEAD_UNITS)));
        Hot { ends: ends.collect(), share: share(spec, table) }
    }

    /// Updates that are HOT without the index only, by number, with their rows.
    fn ended(&self, spec: &IndexSpec, load: &TableLoad) -> impl Iterator<Item = (usize, f64)> {
        let blocks = spec.method != "brin" || self.brin_blocks_hot;
        let lost = move |u: &Update| blocks && u.hot > 0.0 && !u.rewrites && u.assigned.iter().any(|c| holds(spec, c));
        load.updates.iter().enumerate().filter(move |(_, u)| lost(u)).map(|(number, u)| (number, u.hot))
    }

    /// What an index that exists costs, and dropping it saves.
    pub fn of_index(&self, index: &Index, table: &Table) -> Writes {
        let spec = &index.spec;
        let Some(load) = self.table(&spec.table) else { return Writes::default() };
        let alone = |c: &String| load.blocking.get(c).is_none_or(|n| *n <= usize::from(holds(spec, c)));
        let blocked = |u: &Update| u.assigned.iter().any(|c| holds(spec, c)) && u.assigned.iter().all(alone);
        let blocks = spec.method != "brin" || self.brin_blocks_hot;
        let lost = |u: &Update| if blocks && blocked(u) { u.rows - u.hot } else { 0.0 };
        let hot_lost: f64 = load.updates.iter().map(lost).sum();
        let updated: f64 = load.updates.iter().map(|u| u.rows - u.hot).sum();
        let others = (load.indexes - share(spec, table)).max(0.0);
        self.writes(spec, table, Some(index.size_bytes as f64), entries(load, spec, table, updated, hot_lost, others))
    }

    fn writes(&self, spec: &IndexSpec, table: &Table, size_bytes: Option<f64>, entries: Entries) -> Writes {
        let price = Price::of(spec, table);
        // What only widens a summary writes no entry.
        let here = if price.summarizes() { 0.0 } else { entries.here };
        let all = here + entries.elsewhere;
        let per_checkpoint = self.seconds.filter(|s| *s > 0.0).map(|s| all / s * CHECKPOINT_SECONDS);
        let images = all * per_checkpoint.zip(size_bytes).map_or(0.0, |(n, size)| price.image_share(n, size));
        let wal = entries.here * price.wal_bytes + entries.elsewhere * Price::OTHER.wal_bytes + images * price::IMAGE_BYTES;
        let cost = entries.here * price.units
            + entries.elsewhere * Price::OTHER.units
            + entries.dead * price::DEAD_UNITS
            + images * price::IMAGE_UNITS;
        let per_second = |amount: f64| self.seconds.filter(|s| *s > 0.0).map(|s| amount / s);
        Writes {
            cost,
            entries: here,
            hot_lost: entries.hot_lost,
            entries_per_second: per_second(all),
            wal_bytes_per_second: per_second(wal),
        }
    }
}

/// Counts them. A partial index has entries of its rows only; rows that leave it by an update came in by an insert, and updates
/// that no statement tells of may well be of that kind.
fn entries(load: &TableLoad, spec: &IndexSpec, table: &Table, updated: f64, hot_lost: f64, others: f64) -> Entries {
    let share = share(spec, table);
    let predicate = spec.predicate.as_deref().unwrap_or_default();
    let moves = |u: &&Update| u.assigned.is_empty() || u.assigned.iter().any(|c| mentions(predicate, c));
    let moved: f64 = load.updates.iter().filter(moves).map(|u| u.rows).sum();
    let inserted = (load.inserted * share).max(load.inserted.min(moved));
    let (here, elsewhere) = (inserted + updated * share, hot_lost * others);
    let gone = (load.deleted * share).max(load.deleted.min(moved));
    Entries { here, hot_lost, elsewhere, dead: gone + updated * share + elsewhere }
}

/// Share of the table's rows that an index has entries of.
fn share(spec: &IndexSpec, table: &Table) -> f64 {
    match (size::rows(spec, table), table.rows) {
        (Some(rows), Some(all)) if all > 0.0 => (rows / all).clamp(0.0, 1.0),
        _ => 1.0,
    }
}

/// True when a change of the column changes the index: as key, INCLUDE, or inside an expression or the predicate.
fn holds(spec: &IndexSpec, column: &str) -> bool {
    let key = |k: &KeyExpr| match k {
        KeyExpr::Column(name) => name == column,
        KeyExpr::Expression(sql) => mentions(sql, column),
    };
    spec.include.iter().any(|c| c == column)
        || spec.keys.iter().any(|k| key(&k.expr))
        || spec.predicate.as_deref().is_some_and(|p| mentions(p, column))
}

/// True when the SQL names the column: as a whole word, not as a part of another name.
fn mentions(sql: &str, column: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    sql.split(|c: char| !is_part(c)).any(|word| word == column) || (!column.chars().all(is_part) && sql.contains(&quote_ident(column)))
}

#[cfg(test)]
mod tests;
