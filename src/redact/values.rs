//! All values that need pseudonyms, by domain.

use super::arrays;
use super::kinds::{Domain, TextOrder, Type, Values as Kind};
use super::numbers::{Notation, Numbers};
use std::collections::{BTreeMap, BTreeSet};

/// Greatest and least numbers seen, by the range that holds them.
pub(super) type Ranges = BTreeMap<(i128, i128), (i128, i128)>;

/// Takes each value of a domain and gives its image: itself while they are collected, then its pseudonym.
pub(super) trait Images {
    /// `None` where there is none.
    fn image(&mut self, domain: &Domain, range: Option<(i128, i128)>, text: &str) -> Option<String>;

    /// A value of any type: arrays go by their elements; what has no pseudonym by nature stays.
    fn of(&mut self, kind: &Type, text: &str) -> Option<String> {
        let domain = match &kind.values {
            Kind::Plain => return Some(text.to_owned()),
            Kind::Foreign => return None,
            Kind::Of(domain) => domain,
        };
        if kind.array {
            let element = kind.clone().element();
            return arrays::map(text, |e| self.of(&element, e));
        }
        match domain {
            // Blanks at the end count in text and not in character(n): they stay.
            Domain::Text(order) => {
                let (inner, blanks) = text.split_at(text.trim_end_matches(' ').len());
                let inner = if order.folded { inner.to_lowercase() } else { inner.to_owned() };
                if inner.is_empty() {
                    return Some(text.to_owned());
                }
                self.image(domain, None, &inner).map(|image| image + blanks)
            }
            Domain::Number(_) if is_endless(text) => Some(text.to_owned()),
            _ => self.image(domain, kind.range, text),
        }
    }
}

/// Numbers and times that are none.
fn is_endless(text: &str) -> bool {
    ["nan", "infinity", "-infinity"].iter().any(|w| text.eq_ignore_ascii_case(w))
}

/// All distinct values by domain.
#[derive(Debug, Clone, Default)]
pub struct Values {
    pub(super) texts: BTreeMap<TextOrder, BTreeSet<String>>,
    pub(super) enums: BTreeMap<String, Vec<String>>,
    pub(super) bytes: BTreeSet<Vec<u8>>,
    pub(super) numbers: BTreeMap<Notation, Numbers>,
    pub(super) ranges: BTreeMap<Notation, Ranges>,
}

impl Values {
    /// Distinct texts by the order they are to be sorted in (by the server: only it knows its
    /// collations); hand the sorted lists to `Dictionary::new`.
    pub fn texts_by_collation(&self) -> Vec<(TextOrder, Vec<String>)> {
        self.texts.iter().map(|(order, texts)| (order.clone(), texts.iter().cloned().collect())).collect()
    }
}

impl Images for Values {
    fn image(&mut self, domain: &Domain, range: Option<(i128, i128)>, text: &str) -> Option<String> {
        match domain {
            Domain::Text(order) => {
                if !self.texts.get(order).is_some_and(|known| known.contains(text)) {
                    self.texts.entry(order.clone()).or_default().insert(text.to_owned());
                }
            }
            Domain::Enum(name) => return self.enums.get(name)?.iter().any(|l| l == text).then(|| text.to_owned()),
            Domain::Bytes => {
                self.bytes.insert(read_bytes(text)?);
            }
            Domain::Number(notation) => {
                let number = notation.read(text)?;
                let unit = self.numbers.entry(*notation).or_default().entry(number.value).or_insert(number.unit);
                *unit = number.unit.max(*unit);
                if let Some(range) = range {
                    let seen = self.ranges.entry(*notation).or_default().entry(range).or_insert((number.value, number.value));
                    *seen = (seen.0.min(number.value), seen.1.max(number.value));
                }
            }
        }
        Some(text.to_owned())
    }
}

/// `\x0aff`; an empty one has no pseudonym and needs none.
pub(super) fn read_bytes(text: &str) -> Option<Vec<u8>> {
    let hex = text.strip_prefix("\\x").filter(|h| h.is_ascii() && h.len() % 2 == 0 && !h.is_empty())?;
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).ok()).collect()
}
