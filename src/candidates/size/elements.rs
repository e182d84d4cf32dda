//! What a GIN index would hold: how many entries, on how many rows each. From the statistics of the
//! elements where there are such, else from the values that the statistics keep of the column.

use crate::model::catalog::{Column, ColumnStats, Table};
use crate::model::index_def::{KeyExpr, KeySpec};
use crate::read::sql::tokens::{Kind as Token, tokens};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Entries that are alike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Group {
    /// How many.
    pub(super) entries: f64,
    /// Rows that have each of them.
    pub(super) rows_each: f64,
    /// Bytes of the key as the index keeps it.
    pub(super) key_bytes: f64,
}

/// What is taken out of a value.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    /// Elements of an array, each this wide; `None` for texts.
    Array(Option<f64>),
    /// Lexemes of a tsvector.
    Lexemes,
    /// Words of a text, for to_tsvector.
    Words,
    /// Keys and values of a jsonb.
    Json,
    /// Values of a jsonb with the way to them, hashed.
    JsonPaths,
    /// Trigrams of a text.
    Trigrams,
    /// The value itself (btree_gin).
    Whole,
}

/// The entries of one key; `None` without a basis.
pub(super) fn groups(key: &KeySpec, table: &Table, rows: f64) -> Option<Vec<Group>> {
    let column = column_of(key, table)?;
    let stats = column.stats.as_ref()?;
    let kind = kind_of(key, column)?;
    let found = match kind {
        Kind::Whole => whole(column, stats, rows),
        Kind::Array(width) if !stats.element_freqs.is_empty() => {
            elements(stats, rows, stats.elements_per_row?, width.unwrap_or_else(|| text_width(stats)), REPEATS_OF_ELEMENTS)
        }
        Kind::Lexemes => elements(stats, rows, stats.avg_width_bytes / LEXEME_BYTES, 7.0, REPEATS_OF_WORDS),
        kind => sampled(stats, rows, |value| take_apart(kind, &inside(key, value))),
    };
    (!found.is_empty()).then_some(found)
}

/// Bytes that a lexeme takes in a tsvector: its place, about six letters, and positions.
const LEXEME_BYTES: f64 = 16.0;

/// The column, or the one column inside an expression.
fn column_of<'t>(key: &KeySpec, table: &'t Table) -> Option<&'t Column> {
    match &key.expr {
        KeyExpr::Column(name) => table.column(name),
        KeyExpr::Expression(sql) => {
            let words = tokens(sql);
            let named = words.iter().filter(|t| matches!(t.kind, Token::Word | Token::Quoted));
            named.filter_map(|t| table.column(t.text.trim_matches('"'))).next()
        }
    }
}

fn kind_of(key: &KeySpec, column: &Column) -> Option<Kind> {
    let opclass = key.opclass.as_deref().map(|o| o.rsplit('.').next().unwrap_or(o));
    let is_text = column.category == "S";
    if opclass == Some("gin_trgm_ops") {
        return is_text.then_some(Kind::Trigrams);
    }
    match &key.expr {
        KeyExpr::Expression(sql) if sql.to_lowercase().starts_with("to_tsvector(") => is_text.then_some(Kind::Words),
        KeyExpr::Expression(_) if column.type_name != "jsonb" => None,
        _ if column.type_name == "jsonb" => Some(if opclass == Some("jsonb_path_ops") { Kind::JsonPaths } else { Kind::Json }),
        _ if column.type_name == "tsvector" => Some(Kind::Lexemes),
        _ if column.category == "A" => Some(Kind::Array(fixed_width(column.type_name.trim_end_matches("[]")))),
        // hstore and the like are not taken apart.
        _ if column.category == "U" && column.type_name != "uuid" => None,
        _ => Some(Kind::Whole),
    }
}

fn fixed_width(type_name: &str) -> Option<f64> {
    match type_name {
        "smallint" | "integer" | "date" | "real" | "oid" => Some(4.0),
        "bigint" | "double precision" => Some(8.0),
        "uuid" => Some(16.0),
        name if name.starts_with("timestamp") => Some(8.0),
        _ => None,
    }
}

/// Bytes of a text of the array, from the width of the whole: four for its length, padded, and 24 for the head.
fn text_width(stats: &ColumnStats) -> f64 {
    let each = (stats.avg_width_bytes - 24.0) / stats.elements_per_row.unwrap_or(1.0).max(1.0);
    (each - 4.0 - 1.5).max(1.0) + 1.0
}

/// From the shares of the most common elements. The other elements share what is left of a row. ANALYZE drops an
/// element below nine in a bucket of its count, [`DROPPED_BELOW`] of the elements at the default target; how far
/// below is not known: this power of the rows at that border is a guess.
fn elements(stats: &ColumnStats, rows: f64, per_row: f64, key_bytes: f64, repeats: f64) -> Vec<Group> {
    let present = rows * (1.0 - stats.null_frac);
    let mut all: Vec<Group> = stats.element_freqs.iter().map(|f| Group { entries: 1.0, rows_each: f * rows, key_bytes }).collect();
    let rest = per_row * present - stats.element_freqs.iter().sum::<f64>() * rows;
    if rest > rows * LEAST_REST {
        let rows_each = (DROPPED_BELOW * per_row * present).max(1.0).powf(repeats);
        all.push(Group { entries: rest / rows_each, rows_each, key_bytes });
    }
    all
}

/// Elements of arrays are often as good as unique; words come again.
const REPEATS_OF_ELEMENTS: f64 = 0.33;
const REPEATS_OF_WORDS: f64 = 0.75;
/// compute_array_stats(): elements seen less often than 9 times in 142,857.
const DROPPED_BELOW: f64 = 9.0 / 142_857.0;
/// What is left of a row by inexact averages alone, elements.
const LEAST_REST: f64 = 0.05;

fn whole(column: &Column, stats: &ColumnStats, rows: f64) -> Vec<Group> {
    let key_bytes = fixed_width(&column.type_name).unwrap_or(stats.avg_width_bytes);
    let mut all: Vec<Group> = stats.common_freqs.iter().map(|f| Group { entries: 1.0, rows_each: f * rows, key_bytes }).collect();
    let entries = (stats.distinct(rows) - all.len() as f64).max(0.0);
    let rest = rows * (1.0 - stats.null_frac - stats.common_freqs.iter().sum::<f64>());
    if entries >= 1.0 && rest > 0.0 {
        all.push(Group { entries, rows_each: (rest / entries).max(1.0), key_bytes });
    }
    all
}

/// From the values that the statistics keep: the common ones with their shares, and the histogram's bounds, which
/// stand for the rest of the rows. What many of the latter have is as common as there; of what few have there is
/// more than was seen.
fn sampled(stats: &ColumnStats, rows: f64, parts: impl Fn(&str) -> HashSet<Part>) -> Vec<Group> {
    let mut shares: HashMap<Part, (f64, f64)> = HashMap::new();
    for (value, share) in stats.common_values.iter().zip(&stats.common_freqs) {
        // Counted as often as no rare one is.
        parts(value).into_iter().for_each(|part| shares.entry(part).or_insert((0.0, RARE + 1.0)).0 += share);
    }
    let rest = (1.0 - stats.null_frac - stats.common_freqs.iter().sum::<f64>()).max(0.0);
    let weight = rest / stats.histogram.len().max(1) as f64;
    for part in stats.histogram.iter().flat_map(|value| parts(value)) {
        let entry = shares.entry(part).or_default();
        *entry = (entry.0 + weight, entry.1 + 1.0);
    }
    let longer = longer(stats);
    let mut all = Vec::new();
    let mut rare: BTreeMap<&str, Rare> = BTreeMap::new();
    for (part, (share, times)) in &shares {
        let times = times * longer;
        if times > RARE {
            all.push(Group { entries: 1.0, rows_each: (share * longer).min(1.0) * rows, key_bytes: part.bytes });
        } else {
            rare.entry(&part.place).or_default().add(times, part.bytes);
        }
    }
    let values = (stats.distinct(rows) - stats.common_values.len() as f64).max(1.0);
    let each = values / stats.histogram.len().max(1) as f64;
    all.extend(rare.values().map(|rare| rare.group(weight * rows, each)));
    // A fixed order: sums of floats must not depend on a hash.
    all.sort_by(|a, b| b.rows_each.total_cmp(&a.rows_each).then(a.key_bytes.total_cmp(&b.key_bytes)));
    all
}

/// Values beyond a kilobyte are not in the histogram: by how much the others fall short of the average.
fn longer(stats: &ColumnStats) -> f64 {
    let sizes = stats.histogram.iter().chain(&stats.common_values).map(|v| v.len() as f64);
    let mean = sizes.clone().sum::<f64>() / sizes.count().max(1) as f64;
    let factor = stats.avg_width_bytes / mean.max(1.0);
    if factor > 1.5 && stats.avg_width_bytes > 512.0 { factor } else { 1.0 }
}

/// What was seen no more often than this may well have been seen by chance.
const RARE: f64 = 3.0;

/// Rarely seen entries of one place.
#[derive(Debug, Default)]
struct Rare {
    distinct: f64,
    once: f64,
    seen: f64,
    bytes: f64,
}

impl Rare {
    fn add(&mut self, times: f64, bytes: f64) {
        self.distinct += 1.0;
        self.once += f64::from(u8::from(times < 1.5));
        self.seen += times;
        self.bytes += bytes;
    }

    /// All that there are, by Haas and Stokes as ANALYZE counts distinct values; each sighting stands for `rows`, and for so many
    /// `values` of the column: there are no more entries than these have.
    fn group(&self, rows: f64, values: f64) -> Group {
        let all = (self.seen * rows).max(1.0);
        let entries = self.seen * self.distinct / (self.seen - self.once + self.once * self.seen / all).max(f64::MIN_POSITIVE);
        let entries = entries.clamp(self.distinct.min(all), all).min((self.seen * values).max(self.distinct));
        Group { entries, rows_each: (all / entries).max(1.0), key_bytes: self.bytes / self.distinct }
    }
}

/// One entry of a value.
#[derive(Debug, Clone)]
struct Part {
    text: String,
    bytes: f64,
    /// Where in the value it stands: a field of a document has as many values as it has, whatever the others have.
    place: String,
}

impl PartialEq for Part {
    fn eq(&self, other: &Part) -> bool {
        self.text == other.text
    }
}

impl Eq for Part {}

impl std::hash::Hash for Part {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

fn take_apart(kind: Kind, value: &str) -> HashSet<Part> {
    let key = |text: String, bytes: f64| Part { text, bytes, place: String::new() };
    let text_key = |text: String| Part { bytes: 1.0 + text.len() as f64, ..key(text, 0.0) };
    match kind {
        Kind::Array(width) => {
            let inner = value.trim_start_matches('{').trim_end_matches('}');
            let items = inner.split(',').map(|item| item.trim_matches('"').to_owned());
            items.map(text_key).map(|p| Part { bytes: width.unwrap_or(p.bytes), ..p }).collect()
        }
        Kind::Words => words(value).map(text_key).collect(),
        Kind::Trigrams => words(value).flat_map(|w| trigrams(&w)).map(|text| key(text, 4.0)).collect(),
        Kind::Json | Kind::JsonPaths => {
            let mut found = HashSet::new();
            if let Ok(json) = serde_json::from_str(value) {
                json_parts(&json, kind == Kind::JsonPaths, "", &mut found);
            }
            found
        }
        Kind::Lexemes | Kind::Whole => HashSet::new(),
    }
}

/// Runs of letters and digits, in lower case.
fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_lowercase)
}

/// As pg_trgm makes them: two blanks in front, one behind.
fn trigrams(word: &str) -> Vec<String> {
    let padded: Vec<char> = "  ".chars().chain(word.chars()).chain(" ".chars()).collect();
    padded.windows(3).map(|w| w.iter().collect()).collect()
}

/// jsonb_ops has an entry for each key and each value, with a sign of its kind in front; jsonb_path_ops a hash of four bytes for each value.
fn json_parts(json: &serde_json::Value, paths: bool, way: &str, found: &mut HashSet<Part>) {
    use serde_json::Value as V;
    let mut add = |text: String, sign: &str| {
        let bytes = if paths { 4.0 } else { 2.0 + text.len() as f64 };
        let text = if paths { format!("{way}{sign}{text}") } else { format!("{sign}{text}") };
        found.insert(Part { text, bytes, place: way.to_owned() });
    };
    match json {
        V::Null => add(String::new(), "n"),
        V::Bool(b) => add(String::from(if *b { "t" } else { "f" }), "b"),
        V::Number(n) => add(n.to_string(), "#"),
        // A string in an array counts as a key.
        V::String(s) => add(s.clone(), "s"),
        V::Array(items) => items.iter().for_each(|item| json_parts(item, paths, &format!("{way}/"), found)),
        V::Object(fields) => {
            for (key, value) in fields {
                if !paths {
                    found.insert(Part { bytes: 2.0 + key.len() as f64, text: format!("k{key}"), place: String::from("keys") });
                }
                json_parts(value, paths, &format!("{way}.{key}"), found);
            }
        }
    }
}

/// The part of a document that an expression `doc -> 'a' -> 'b'` takes; the value itself for other keys.
fn inside(key: &KeySpec, value: &str) -> String {
    let KeyExpr::Expression(sql) = &key.expr else { return value.to_owned() };
    let steps: Vec<&str> = sql.split("->").skip(1).map(|s| s.trim().trim_matches(|c| c == '\'' || c == ')' || c == '(')).collect();
    if steps.is_empty() {
        return value.to_owned();
    }
    let Ok(json) = serde_json::from_str::<serde_json::Value>(value) else { return String::new() };
    let found = steps.iter().try_fold(&json, |at, step| at.get(step));
    found.map(ToString::to_string).unwrap_or_default()
}
