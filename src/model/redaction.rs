//! What was done to a snapshot before it was let out: how many values were replaced, what stays,
//! what is missing, and what that costs. Names objects and types, never a value.

use super::text::one_line;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The account of a redaction.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Redaction {
    /// Tables whose values stay as they are; `None` with `everything`.
    pub kept_tables: Vec<String>,
    /// True when nothing was redacted.
    pub everything_kept: bool,
    /// Figures by domain of values: `texts`, `enum s.status`, `integers`…
    pub domains: BTreeMap<String, DomainFigures>,
    /// What stays although it may hold values, and why.
    pub kept: BTreeSet<Note>,
    /// What is missing now, and why.
    pub dropped: BTreeSet<Note>,
}

/// How the values of one domain fared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainFigures {
    /// Distinct values replaced.
    pub replaced: u64,
    /// Of these, values that had no room for another: the pseudonym is the value itself.
    pub unchanged: u64,
    /// Of these, pseudonyms longer than the value, where there was no room between neighbours.
    pub lengthened: u64,
}

/// Something in something, with the reason.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Note {
    /// What.
    pub what: String,
    /// Where: `index s.i`, `column s.t.c`.
    pub place: String,
}

/// So many places are named one by one, others are counted.
const NAMED: usize = 20;

impl Redaction {
    /// The account in plain words, a line each.
    pub fn lines(&self) -> Vec<String> {
        if self.everything_kept {
            return vec!["nothing was redacted: all values are in the file".into()];
        }
        let mut lines: Vec<String> = self.domains.iter().map(|(name, figures)| figures.line(name)).collect();
        if !self.kept_tables.is_empty() {
            lines.push(format!("kept: the values of {}", self.kept_tables.iter().map(|t| one_line(t)).collect::<Vec<_>>().join(", ")));
        }
        lines.push(
            "kept: names of schemas, tables, columns, indexes, roles and functions; settings; true, false, NULL and empty texts".into(),
        );
        lines.extend(grouped("kept", &self.kept));
        lines.extend(grouped("dropped", &self.dropped));
        lines.extend(COSTS.map(|cost| format!("costs: {cost}")));
        lines
    }
}

/// What no redaction of this kind can keep.
const COSTS: [&str; 5] = [
    "constants in queries that come from elsewhere (--queries, logs) do not meet the pseudonyms: plan them with sampled values",
    "LIKE prefixes and values inside functions (lower, date_trunc) no longer relate to the values they came from",
    "constants between two known values fall elsewhere in their histogram bin; dates and times stay within half the gap to their neighbours",
    "hash partitions are chosen by other values than the real ones",
    "values of dense integers may coincide with other real ones: which is which is not told",
];

impl DomainFigures {
    fn line(&self, name: &str) -> String {
        let mut line = format!("replaced: {} {}", self.replaced, one_line(name));
        if self.unchanged > 0 {
            line.push_str(&format!("; {} had no room and stayed", self.unchanged));
        }
        if self.lengthened > 0 {
            line.push_str(&format!("; {} became longer", self.lengthened));
        }
        line
    }
}

/// `kept: function arguments in index s.i, view s.v`.
fn grouped(verb: &str, notes: &BTreeSet<Note>) -> Vec<String> {
    let mut places: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for note in notes {
        places.entry(&note.what).or_default().push(one_line(&note.place));
    }
    let line = |(what, places): (&str, Vec<String>)| {
        let more = if places.len() > NAMED { format!(" and {} more", places.len() - NAMED) } else { String::new() };
        format!("{verb}: {} in {}{more}", one_line(what), places[..places.len().min(NAMED)].join(", "))
    };
    places.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_names_what_stays_and_what_is_missing() {
        let note = |what: &str, place: &str| Note { what: what.into(), place: place.into() };
        let redaction = Redaction {
            domains: [("texts".to_owned(), DomainFigures { replaced: 5, unchanged: 0, lengthened: 1 })].into(),
            kept: [note("function arguments", "index s.a"), note("function arguments", "index s.b")].into(),
            dropped: [note("values of type jsonb", "column s.t.c\n")].into(),
            ..Redaction::default()
        };
        let lines = redaction.lines();
        for line in [
            "replaced: 5 texts; 1 became longer",
            "kept: function arguments in index s.a, index s.b",
            "dropped: values of type jsonb in column s.t.c\\n",
        ] {
            assert!(lines.iter().any(|l| l == line), "{lines:#?}");
        }
        assert_eq!(Redaction { everything_kept: true, ..Redaction::default() }.lines().len(), 1);
    }
}
