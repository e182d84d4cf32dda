//! Operator classes: the server's own are the same in every version that we know, those of extensions
//! are in the catalog.

use crate::model::catalog::{Catalog, Column};

/// An operator class, wherever it comes from.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Class {
    /// Access method.
    pub(super) method: String,
    /// As CREATE INDEX names it; qualified outside of pg_catalog.
    pub(super) sql: String,
    /// Its name alone.
    pub(super) name: String,
    /// An index on the type has it without naming it.
    pub(super) default: bool,
    /// Operators by which it finds rows.
    pub(super) searches: Vec<String>,
    /// Operators by which it returns rows in order.
    pub(super) orders: Vec<String>,
    /// Its input type.
    type_name: String,
}

/// Method, name, type, default, operators, distances: as PostgreSQL 15 lists them (13 to 18 agree).
const OWN: [(&str, &str, &str, bool, &str, &str); 17] = [
    ("gin", "array_ops", "anyarray", true, "&& <@ @>", ""),
    ("gin", "jsonb_ops", "jsonb", true, "? ?& ?| @> @? @@", ""),
    ("gin", "jsonb_path_ops", "jsonb", false, "@> @? @@", ""),
    ("gin", "tsvector_ops", "tsvector", true, "@@ @@@", ""),
    ("gist", "box_ops", "box", true, GEOMETRIC, "<->"),
    ("gist", "circle_ops", "circle", true, GEOMETRIC, "<->"),
    ("gist", "point_ops", "point", true, "<< <<| <@ <^ >> >^ |>> ~=", "<->"),
    ("gist", "poly_ops", "polygon", true, GEOMETRIC, "<->"),
    ("gist", "inet_ops", "inet", false, NETWORK, ""),
    ("gist", "range_ops", "anyrange", true, RANGE, ""),
    ("gist", "multirange_ops", "anymultirange", true, RANGE, ""),
    ("spgist", "box_ops", "box", true, GEOMETRIC, "<->"),
    ("spgist", "quad_point_ops", "point", true, "<< <<| <@ <^ >> >^ |>> ~=", "<->"),
    ("spgist", "poly_ops", "polygon", true, GEOMETRIC, "<->"),
    ("spgist", "inet_ops", "inet", true, NETWORK, ""),
    ("spgist", "range_ops", "anyrange", true, RANGE, ""),
    ("spgist", "text_ops", "text", true, "^@", ""),
];
const GEOMETRIC: &str = "&& &< &<| &> << <<| <@ >> @> |&> |>> ~=";
const NETWORK: &str = "&& << <<= >> >>=";
const RANGE: &str = "&& &< &> -|- << <@ >> @>";

/// Every class of these methods on a type, default ones first: an index on the type's alias or on a polymorphic type counts.
pub(super) fn on(catalog: &Catalog, methods: &[&str], type_name: &str, category: &str) -> Vec<Class> {
    let known = known_as(type_name, category);
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect();
    let own = OWN.iter().map(|(method, name, kind, default, searches, orders)| Class {
        method: (*method).to_owned(),
        sql: (*name).to_owned(),
        name: (*name).to_owned(),
        default: *default,
        searches: words(searches),
        orders: words(orders),
        type_name: (*kind).to_owned(),
    });
    let from_catalog = catalog.operator_classes.iter().map(|class| Class {
        method: class.method.clone(),
        sql: format!("{}.{}", as_catalog(&class.schema), as_catalog(&class.name)),
        name: class.name.clone(),
        default: class.default,
        searches: class.searches.clone(),
        orders: class.orders.clone(),
        type_name: unqualified(&class.type_name).to_owned(),
    });
    let fits = |class: &Class| methods.contains(&class.method.as_str()) && known.contains(&class.type_name);
    let mut all: Vec<Class> = own.chain(from_catalog).filter(fits).collect();
    all.sort_by_key(|class| (!class.default, known.iter().position(|k| *k == class.type_name)));
    all
}

/// Type and category of a column.
pub(super) fn type_of(column: &Column) -> (&str, &str) {
    (&column.type_name, &column.category)
}

/// The names by which operator classes may know a type: itself, what it is binary-compatible with, its polymorphic types.
fn known_as(type_name: &str, category: &str) -> Vec<String> {
    let base = unqualified(without_modifier(type_name));
    let more = match (base, category) {
        ("character varying" | "varchar", _) => vec!["text"],
        ("cidr", _) => vec!["inet"],
        (name, _) if name.ends_with("[]") || name == "anyarray" => vec!["anyarray"],
        (_, "A") => vec!["anyarray"],
        (name, _) if name.ends_with("multirange") => vec!["anymultirange"],
        (name, _) if name.ends_with("range") => vec!["anyrange"],
        (_, "R") => vec!["anyrange"],
        (_, "E") => vec!["anyenum"],
        // A domain over text has a name of its own; citext and bpchar compare otherwise.
        (name, "S") if !matches!(name, "text" | "citext" | "character" | "name") => vec!["text"],
        _ => Vec::new(),
    };
    std::iter::once(base).chain(more).map(str::to_owned).collect()
}

/// `character varying(40)` without `(40)`.
fn without_modifier(type_name: &str) -> &str {
    match type_name.split_once('(') {
        Some((base, rest)) if !rest.contains(" time zone") && !rest.ends_with("[]") => base.trim_end(),
        Some((_, rest)) if rest.ends_with("[]") => "anyarray",
        _ => type_name,
    }
}

fn unqualified(type_name: &str) -> &str {
    type_name.rsplit_once('.').map_or(type_name, |(_, name)| name)
}

/// A name as quote_ident() of the server writes it, keywords apart: so that it compares with the catalog's.
fn as_catalog(name: &str) -> String {
    let plain =
        name.chars().all(|c| c == '_' || c.is_ascii_lowercase() || c.is_ascii_digit()) && !name.starts_with(|c: char| c.is_ascii_digit());
    if plain && !name.is_empty() { name.to_owned() } else { crate::model::text::quote_ident(name) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::catalog::OperatorClass;

    fn names(type_name: &str, category: &str) -> Vec<String> {
        let trigrams = OperatorClass {
            schema: "Ext".into(),
            name: "gin_trgm_ops".into(),
            method: "gin".into(),
            type_name: "text".into(),
            ..OperatorClass::default()
        };
        let catalog = Catalog { operator_classes: vec![trigrams], ..Catalog::default() };
        on(&catalog, &["gin", "gist"], type_name, category).into_iter().map(|c| c.sql).collect()
    }

    #[test]
    fn classes_are_found_by_type_alias_and_kind() {
        assert_eq!(names("jsonb", "U"), ["jsonb_ops", "jsonb_path_ops"]);
        assert_eq!(names("character varying(40)", "S"), ["\"Ext\".gin_trgm_ops"]);
        assert_eq!(names("shop.handle", "S"), ["\"Ext\".gin_trgm_ops"]);
        assert_eq!(names("character varying(40)[]", "A"), ["array_ops"]);
        assert_eq!(names("numeric(8,2)", "N"), [""; 0]);
        assert_eq!(names("tstzmultirange", "R"), ["multirange_ops"]);
        assert_eq!(names("shop.span", "R"), ["range_ops"]);
        assert_eq!(names("citext", "S"), [""; 0]);
    }
}
