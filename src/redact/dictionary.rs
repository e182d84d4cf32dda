//! The pseudonym of every value.

use super::kinds::{Domain, TextOrder};
use super::numbers::{Notation, contract, nudge, scatter};
use super::random::Random;
use super::strings;
use super::values::{Images, Ranges, Values, read_bytes};
use crate::model::redaction::DomainFigures;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Symbols that sort alike in every collation: ten digits, then letters that are part of no digraph
/// (`ch`, `ll`, `dž`, `aa`…) and never vowels, so that no word comes out.
const ALPHABET: &[u8; 23] = b"0123456789bdfhjkmpqrtvx";
/// Greatest offset of integers: sums stay exact in the planner's floating point.
const MOST_OFFSET: i128 = 1 << 40;
/// Offsets tried, and values looked at for each.
const OFFSETS: usize = 32;
const LOOKED_AT: usize = 500;

/// Pseudonyms by domain and value.
#[derive(Debug, Default)]
pub struct Dictionary {
    texts: HashMap<TextOrder, HashMap<String, String>>,
    enums: HashMap<String, HashMap<String, String>>,
    bytes: HashMap<Vec<u8>, Vec<u8>>,
    numbers: HashMap<Notation, HashMap<i128, i128>>,
    /// How the values of each domain fared.
    pub(super) figures: BTreeMap<String, DomainFigures>,
}

impl Dictionary {
    /// `sorted` are the texts of [`Values::texts_by_collation`], each list in its collation's
    /// order. The same seed gives the same pseudonyms; a secret one keeps them from being guessed.
    pub fn new(values: &Values, sorted: Vec<(TextOrder, Vec<String>)>, seed: u64) -> Dictionary {
        let mut dictionary = Dictionary::default();
        let mut sorted: BTreeMap<TextOrder, Vec<String>> = sorted.into_iter().collect();
        for (order, texts) in &values.texts {
            let name = text_name(order);
            let list = complete(sorted.remove(order).unwrap_or_default(), texts);
            let pairs = dictionary.spell(&name, &list, seed);
            dictionary.texts.insert(order.clone(), pairs);
        }
        for (name, labels) in &values.enums {
            let pairs = dictionary.spell(&format!("labels of enum {name}"), labels, seed);
            dictionary.enums.insert(name.clone(), pairs);
        }
        dictionary.assign_bytes(values, seed);
        for (notation, numbers) in &values.numbers {
            let mut random = Random::new(seed, number_name(*notation));
            let keys: Vec<i128> = numbers.keys().copied().collect();
            let images = match notation {
                Notation::Integer | Notation::Decimal => {
                    let images = contract(numbers, &mut random);
                    let none = Ranges::new();
                    shifted(*notation, &keys, images, values.ranges.get(notation).unwrap_or(&none), &mut random)
                }
                Notation::Date => {
                    let days = random.between(1, 9);
                    nudge(numbers, -days, &mut random)
                }
                Notation::Timestamp => {
                    let seconds = random.between(61, 599);
                    nudge(numbers, -seconds * 1_000_000, &mut random)
                }
                Notation::TimeOfDay => nudge(numbers, 0, &mut random),
                Notation::Uuid => scatter(keys.len(), &mut random),
            };
            let unchanged = keys.iter().zip(&images).filter(|(a, b)| a == b).count() as u64;
            let figures = DomainFigures { replaced: keys.len() as u64, unchanged, lengthened: 0 };
            dictionary.figures.insert(number_name(*notation).into(), figures);
            dictionary.numbers.insert(*notation, keys.into_iter().zip(images).collect());
        }
        dictionary
    }

    /// Pseudonyms of as many characters for texts in order.
    fn spell(&mut self, name: &str, texts: &[String], seed: u64) -> HashMap<String, String> {
        let lengths: Vec<usize> = texts.iter().map(|t| t.chars().count()).collect();
        let real: HashSet<&str> = texts.iter().map(String::as_str).collect();
        let written =
            |symbols: &[u8]| -> String { symbols.iter().map(|s| char::from(ALPHABET[usize::from(*s) % ALPHABET.len()])).collect() };
        let strings =
            strings::assign(&lengths, ALPHABET.len() as u16, &mut Random::new(seed, name), |_, s| real.contains(written(s).as_str()));
        let mut figures = DomainFigures { replaced: texts.len() as u64, ..DomainFigures::default() };
        let mut pairs = HashMap::with_capacity(texts.len());
        for ((text, symbols), length) in texts.iter().zip(&strings).zip(lengths) {
            let image = written(symbols);
            figures.unchanged += u64::from(image == *text);
            figures.lengthened += u64::from(symbols.len() > length);
            pairs.insert(text.clone(), image);
        }
        self.figures.insert(name.to_owned(), figures);
        pairs
    }

    fn assign_bytes(&mut self, values: &Values, seed: u64) {
        let real: Vec<&Vec<u8>> = values.bytes.iter().collect();
        if real.is_empty() {
            return;
        }
        let lengths: Vec<usize> = real.iter().map(|b| b.len()).collect();
        let images = strings::assign(&lengths, 256, &mut Random::new(seed, "bytes"), |n, s| real[n] == s);
        let unchanged = real.iter().zip(&images).filter(|(a, b)| **a == *b).count() as u64;
        let lengthened = images.iter().zip(&lengths).filter(|(s, l)| s.len() > **l).count() as u64;
        self.figures.insert("byte strings".into(), DomainFigures { replaced: real.len() as u64, unchanged, lengthened });
        self.bytes = real.into_iter().cloned().zip(images).collect();
    }
}

impl Images for Dictionary {
    fn image(&mut self, domain: &Domain, _: Option<(i128, i128)>, text: &str) -> Option<String> {
        match domain {
            Domain::Text(order) => self.texts.get(order)?.get(text).cloned(),
            Domain::Enum(name) => self.enums.get(name)?.get(text).cloned(),
            Domain::Bytes => {
                let image = self.bytes.get(&read_bytes(text)?)?;
                Some(image.iter().fold("\\x".to_owned(), |hex, byte| hex + &format!("{byte:02x}")))
            }
            Domain::Number(notation) => {
                let image = self.numbers.get(notation)?.get(&notation.read(text)?.value)?;
                Some(notation.write(*image, text))
            }
        }
    }
}

/// The server's order, and behind it whatever it did not give back: nothing stays for lack of order.
fn complete(mut sorted: Vec<String>, all: &std::collections::BTreeSet<String>) -> Vec<String> {
    let mut seen: HashSet<String> = HashSet::with_capacity(sorted.len());
    sorted.retain(|t| all.contains(t) && seen.insert(t.clone()));
    sorted.extend(all.iter().filter(|t| !seen.contains(*t)).cloned());
    sorted
}

fn moved(mut images: Vec<i128>, by: i128) -> Vec<i128> {
    images.iter_mut().for_each(|image| *image += by);
    images
}

/// All numbers moved by one secret offset, such that none leaves the range of its type, and few fall
/// on a real one.
fn shifted(notation: Notation, keys: &[i128], images: Vec<i128>, ranges: &Ranges, random: &mut Random) -> Vec<i128> {
    let one = notation.one();
    let image = |value: i128| keys.binary_search(&value).ok().and_then(|n| images.get(n)).copied().unwrap_or(value);
    let size = images.iter().map(|i| i.abs()).max().unwrap_or(0) / one;
    // A decimal gets one digit more at most: a double has room for 15.
    let most = if notation == Notation::Integer { MOST_OFFSET } else { size.clamp(9, 10i128.pow(15)) };
    let (mut low, mut high) = (-most, most);
    for ((least, greatest), (min, max)) in ranges {
        low = low.max((least - image(*min) + one - 1).div_euclid(one));
        high = high.min((greatest - image(*max)).div_euclid(one));
    }
    // Rather upwards: what was not negative stays so.
    let (low, high) = if high > 0 { (1, high) } else { (low.min(0), high.min(-1)) };
    let step = (keys.len() / LOOKED_AT).max(1);
    let looked_at: Vec<(i128, i128)> = keys.iter().copied().zip(images.iter().copied()).step_by(step).collect();
    let clashes = |offset: i128| {
        let clash = |(key, image): &(i128, i128)| match image + offset * one {
            same if same == *key => 4,
            other => usize::from(keys.binary_search(&other).is_ok()),
        };
        looked_at.iter().map(clash).sum::<usize>()
    };
    let offset = (0..OFFSETS).filter(|_| low <= high).map(|_| random.between(low, high)).min_by_key(|offset| clashes(*offset)).unwrap_or(0);
    moved(images, offset * one)
}

fn text_name(order: &TextOrder) -> String {
    let collation = order.collation.as_ref().map(|c| format!(" of collation {}", c.name)).unwrap_or_default();
    format!("texts{}{collation}", if order.folded { " without case" } else { "" })
}

fn number_name(notation: Notation) -> &'static str {
    match notation {
        Notation::Integer => "integers",
        Notation::Decimal => "decimals",
        Notation::Date => "dates",
        Notation::Timestamp => "timestamps",
        Notation::TimeOfDay => "times of day",
        Notation::Uuid => "UUIDs",
    }
}
