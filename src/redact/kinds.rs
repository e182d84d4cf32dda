//! What a type's values are to us, by the type's name as PostgreSQL writes it.

use super::numbers::Notation;
use crate::model::blueprint::{Blueprint, ObjectKind};
use crate::read::sql::tokens::{Kind, Token, tokens};
use std::collections::BTreeMap;

/// A collation by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Collation {
    /// Its schema; `None` for those of the server.
    pub schema: Option<String>,
    /// Its name.
    pub name: String,
}

/// How texts of a domain compare.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TextOrder {
    /// `None` is the database's own.
    pub collation: Option<Collation>,
    /// citext: upper and lower case are the same; the texts are lower-case.
    pub folded: bool,
}

/// Values that share their pseudonyms: equal ones stay equal, and order stays.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Domain {
    /// Texts under one collation.
    Text(TextOrder),
    /// Labels of the enum of this name.
    Enum(String),
    /// bytea.
    Bytes,
    /// What is a number to us.
    Number(Notation),
}

/// A type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Type {
    /// Where its values (its elements', for arrays) get their pseudonyms.
    pub(super) values: Values,
    /// Least and greatest number that fits, on the notation's scale.
    pub(super) range: Option<(i128, i128)>,
    /// An array of it.
    pub(super) array: bool,
}

/// What happens to a type's values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Values {
    /// They get pseudonyms.
    Of(Domain),
    /// They stay: booleans.
    Plain,
    /// There are no pseudonyms for them.
    Foreign,
}

impl Type {
    fn of(domain: Domain) -> Type {
        Type { values: Values::Of(domain), range: None, array: false }
    }

    fn number(notation: Notation, range: Option<(i128, i128)>) -> Type {
        Type { range, ..Type::of(Domain::Number(notation)) }
    }

    /// What has no pseudonyms.
    pub(super) fn foreign() -> Type {
        Type { values: Values::Foreign, range: None, array: false }
    }

    /// Its domain, if it has one.
    pub(super) fn domain(&self) -> Option<&Domain> {
        match &self.values {
            Values::Of(domain) => Some(domain),
            _ => None,
        }
    }

    /// True for texts, whatever their collation.
    pub(super) fn is_text(&self) -> bool {
        matches!(self.values, Values::Of(Domain::Text(_)))
    }

    /// The same under another collation, where it is a text of the default one.
    pub(super) fn collated(mut self, collation: Option<Collation>) -> Type {
        if let Values::Of(Domain::Text(order)) = &mut self.values
            && order.collation.is_none()
        {
            order.collation = collation;
        }
        self
    }

    /// The type of one element.
    pub(super) fn element(mut self) -> Type {
        self.array = false;
        self
    }
}

/// Types that the database itself defined.
#[derive(Debug, Clone, Default)]
pub(super) struct Types {
    /// Labels by type.
    pub(super) enums: BTreeMap<String, Vec<String>>,
    /// Base type by domain.
    domains: BTreeMap<String, String>,
}

impl Types {
    /// Reads CREATE TYPE … AS ENUM and CREATE DOMAIN, whatever kind of object they are filed under.
    pub(super) fn new(blueprint: &Blueprint) -> Types {
        let mut types = Types::default();
        for object in blueprint.objects.iter().filter(|o| matches!(o.kind, ObjectKind::Enum | ObjectKind::Type)) {
            let words = tokens(&object.ddl);
            let Some(name) = words.get(2).and_then(|_| read_type(&words, 2)) else { continue };
            if words[1].is_word("type") && words.get(name.end + 1).is_some_and(|t| t.is_word("enum")) {
                let labels = words[name.end..].iter().filter(|t| t.kind == Kind::Text).map(|t| unquote(t.text)).collect();
                types.enums.insert(name.name, labels);
            } else if words[1].is_word("domain") {
                let base = name.end + usize::from(words.get(name.end).is_some_and(|t| t.is_word("as")));
                if let Some(base) = read_type(&words, base) {
                    types.domains.insert(name.name, base.text);
                }
            }
        }
        types
    }

    /// The type behind a name as format_type() or regtype write it; an unknown one is foreign.
    pub(super) fn read(&self, text: &str) -> Type {
        let words = tokens(text);
        let mut text = text.to_owned();
        // A domain over a domain…: a chain has an end, unless its text was tampered with.
        for _ in 0..8 {
            let words = tokens(&text);
            let Some(read) = read_type(&words, 0) else { return Type::foreign() };
            if let Some(known) = built_in(&read) {
                return known;
            }
            if let Some(name) = find(&self.enums, &read.name) {
                return Type { array: read.array, ..Type::of(Domain::Enum(name.clone())) };
            }
            match find(&self.domains, &read.name).and_then(|name| self.domains.get(name)) {
                Some(base) => text = format!("{base}{}", if read.array { "[]" } else { "" }),
                None => break,
            }
        }
        // `s._status` is how an array of `s.status` is called.
        match words.last().map(|w| unquote(w.text)).and_then(|last| last.strip_prefix('_').map(str::to_owned)) {
            Some(element) => {
                let schema: String = words[..words.len() - 1].iter().map(|w| w.text).collect();
                Type { array: true, ..self.read(&format!("{schema}{}", crate::model::text::quote_ident(&element))) }
            }
            None => Type::foreign(),
        }
    }
}

/// By its full name, else by its name alone where only one type has it.
fn find<'a, T>(all: &'a BTreeMap<String, T>, name: &str) -> Option<&'a String> {
    let ending = format!(".{name}");
    let exact = all.get_key_value(name).map(|(k, _)| k);
    exact.or_else(|| {
        let mut alike = all.keys().filter(|k| !name.contains('.') && k.ends_with(&ending));
        alike.next().filter(|_| alike.next().is_none())
    })
}

/// A type's name in a token list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TypeName {
    /// Without quotes, typmods, brackets and `pg_catalog.`: `character varying`, `s.status`.
    pub(super) name: String,
    /// As written.
    text: String,
    /// Numbers in parentheses.
    typmods: Vec<u32>,
    /// Followed by `[]`.
    array: bool,
    /// Token behind it.
    pub(super) end: usize,
}

/// Reads the type's name that begins at token `start`.
pub(super) fn read_type(words: &[Token], start: usize) -> Option<TypeName> {
    let named = |at: usize| words.get(at).filter(|t| matches!(t.kind, Kind::Word | Kind::Quoted));
    let symbol = |at: usize, s: &str| words.get(at).is_some_and(|t| t.is_symbol(s));
    let first = named(start)?;
    let (mut name, mut at) = (vec![plain_name(first)], start + 1);
    while symbol(at, ".") {
        name.push(plain_name(named(at + 1)?));
        at += 2;
    }
    let mut typmods = Vec::new();
    loop {
        let next = named(at).map(|t| t.text.to_ascii_lowercase()).unwrap_or_default();
        let last = name.last().map(String::as_str).unwrap_or_default();
        let goes_on = match next.as_str() {
            "varying" => matches!(last, "character" | "bit"),
            "precision" => last == "double",
            "with" | "without" => named(at + 1).is_some_and(|t| t.is_word("time")) && matches!(last, "time" | "timestamp"),
            "time" => matches!(last, "with" | "without"),
            "zone" => last == "time" && name.len() > 1,
            _ => false,
        };
        if goes_on {
            name.push(next);
            at += 1;
        } else if typmods.is_empty() && symbol(at, "(") && words.get(at + 1).is_some_and(|t| t.kind == Kind::Number) {
            let close = (at..words.len()).find(|n| symbol(*n, ")"))?;
            typmods = words[at..close].iter().filter_map(|t| t.text.parse().ok()).collect();
            at = close + 1;
        } else {
            break;
        }
    }
    let array = symbol(at, "[");
    while symbol(at, "[") && symbol(at + 1, "]") {
        at += 2;
    }
    if name.first().is_some_and(|n| n == "pg_catalog") {
        name.remove(0);
    }
    let multiword = name.len() > 1 && (name[1] == "varying" || name[1] == "precision" || name[1] == "with" || name[1] == "without");
    let text = words[start..at].iter().map(|t| t.text).collect::<Vec<_>>().join(" ");
    Some(TypeName { name: name.join(if multiword { " " } else { "." }), text, typmods, array, end: at })
}

/// A name without its quotes; unquoted ones are lower-case.
pub(super) fn plain_name(token: &Token) -> String {
    if token.kind == Kind::Quoted && token.text == "\"char\"" {
        return token.text.to_owned();
    }
    if token.kind == Kind::Quoted { unquote(token.text) } else { token.text.to_lowercase() }
}

/// The text inside quotes of either kind, doubled ones made single.
pub(super) fn unquote(text: &str) -> String {
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote) {
            return inner.strip_suffix(quote).unwrap_or(inner).replace(&format!("{quote}{quote}"), &quote.to_string());
        }
    }
    text.to_owned()
}

fn built_in(read: &TypeName) -> Option<Type> {
    let (name, array) = match read.name.strip_prefix('_') {
        Some(element) if !element.starts_with('_') => (element, true),
        _ => (read.name.as_str(), read.array),
    };
    let text = |collation: Option<&str>, folded: bool| {
        let collation = collation.map(|name| Collation { schema: None, name: name.to_owned() });
        Type::of(Domain::Text(TextOrder { collation, folded }))
    };
    let integer = |low: i64, high: i64| Type::number(Notation::Integer, Some((low.into(), high.into())));
    let known = match name {
        "text" | "character varying" | "varchar" | "character" | "bpchar" => text(None, false),
        // An extension's type, in whatever schema it was installed.
        _ if name == "citext" || name.ends_with(".citext") => text(None, true),
        "name" | "\"char\"" => text(Some("C"), false),
        "smallint" | "int2" => integer(i16::MIN.into(), i16::MAX.into()),
        "integer" | "int4" | "int" | "serial" => integer(i32::MIN.into(), i32::MAX.into()),
        "bigint" | "int8" => integer(i64::MIN, i64::MAX),
        "oid" => integer(0, u32::MAX.into()),
        "numeric" | "decimal" => Type::number(Notation::Decimal, numeric_range(&read.typmods)),
        "real" | "float4" | "double precision" | "float8" | "money" => Type::number(Notation::Decimal, None),
        "date" => Type::number(Notation::Date, None),
        "timestamp" | "timestamptz" | "timestamp with time zone" | "timestamp without time zone" => Type::number(Notation::Timestamp, None),
        "time" | "time without time zone" => Type::number(Notation::TimeOfDay, None),
        "uuid" => Type::number(Notation::Uuid, None),
        "bytea" => Type::of(Domain::Bytes),
        "boolean" | "bool" => Type { values: Values::Plain, range: None, array: false },
        _ => return None,
    };
    Some(Type { array, ..known })
}

/// numeric(precision, scale).
fn numeric_range(typmods: &[u32]) -> Option<(i128, i128)> {
    let whole = typmods.first()?.saturating_sub(typmods.get(1).copied().unwrap_or(0));
    let scale = typmods.get(1).copied().unwrap_or(0);
    let one = Notation::Decimal.one();
    let most = 10i128.checked_pow(whole).and_then(|w| w.checked_mul(one))? - one / 10i128.checked_pow(scale).filter(|s| *s <= one)?;
    Some((-most, most))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::blueprint::Object;

    fn types() -> Types {
        let object = |ddl: &str| Object { kind: ObjectKind::Type, name: String::new(), ddl: ddl.into() };
        let objects = [
            "create type s.status as enum ('new', 'it''s')",
            "create type s.\"Kind\" as enum ('a')",
            "create domain s.email as character varying(40)",
            "create domain s.work as s.email",
            "create domain s.loop as s.loop",
        ];
        Types::new(&Blueprint { objects: objects.into_iter().map(object).collect(), ..Blueprint::default() })
    }

    #[test]
    fn names_as_the_server_writes_them() {
        let read = |text: &str| {
            let found = types().read(text);
            let domain = match found.values {
                Values::Of(domain) => format!("{domain:?}"),
                other => format!("{other:?}"),
            };
            format!("{domain}{}", if found.array { "[]" } else { "" })
        };
        let text = "Text(TextOrder { collation: None, folded: false })";
        for name in ["text", "character varying(40)", "character(3)", "pg_catalog.text", "s.email", "s.work", "pg_catalog.bpchar"] {
            assert_eq!(read(name), text, "{name}");
        }
        for name in ["text[]", "pg_catalog._text", "character varying(40)[]", "s.work[]", "_text", "text[][]"] {
            assert_eq!(read(name), format!("{text}[]"), "{name}");
        }
        assert_eq!(read("timestamp(3) with time zone"), "Number(Timestamp)");
        assert_eq!(read("time(0) without time zone"), "Number(TimeOfDay)");
        assert_eq!(read("double precision"), "Number(Decimal)");
        assert_eq!(read("s.status"), "Enum(\"s.status\")");
        assert_eq!(read("status"), "Enum(\"s.status\")");
        assert_eq!(read("s.status[]"), "Enum(\"s.status\")[]");
        assert_eq!(read("s._status"), "Enum(\"s.status\")[]");
        assert_eq!(read("s.\"Kind\""), "Enum(\"s.Kind\")");
        assert_eq!(read("boolean"), "Plain");
        for name in ["jsonb", "interval", "time with time zone", "geometry(Point,4326)", "", "s.loop", "s.none", "("] {
            assert_eq!(read(name), "Foreign", "{name}");
        }
        assert_eq!(types().enums["s.status"], ["new", "it's"]);
        assert_eq!(types().read("numeric(3,1)").range, Some((-999 * 10i128.pow(21), 999 * 10i128.pow(21))));
    }
}
