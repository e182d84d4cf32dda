//! Values where no statistics tell better ones.

use super::amounts::array_literal;
use crate::model::catalog::Column;
use crate::model::query::ParameterType;

/// True when a value of the column can be a value of the parameter: `at > now() - $1::interval` compares no times.
pub(super) fn fits(kind: &ParameterType, column: &Column) -> bool {
    let family = match kind.name.as_str() {
        "int2" | "int4" | "int8" | "numeric" | "float4" | "float8" | "oid" | "money" => "N",
        "timestamp" | "timestamptz" | "date" | "time" | "timetz" => "D",
        // An interval moves a time; the ranges know that.
        "interval" => return matches!(column.category.as_str(), "T" | "D"),
        "bool" => "B",
        _ => return true,
    };
    column.category.is_empty() || kind.array || column.category == family
}

/// A value that its type accepts; `None` for types that nobody here knows.
pub(super) fn value(kind: &ParameterType) -> Option<String> {
    if kind.array {
        return scalar(kind).map(|v| array_literal(&[v]));
    }
    scalar(kind)
}

fn scalar(kind: &ParameterType) -> Option<String> {
    if let Some(label) = kind.labels.first() {
        return Some(label.clone());
    }
    let value = match kind.name.as_str() {
        "int2" | "int4" | "int8" | "numeric" | "float4" | "float8" | "oid" => "1",
        "bool" => "true",
        "text" | "varchar" | "bpchar" | "name" | "unknown" | "citext" => "a",
        "uuid" => "00000000-0000-0000-0000-000000000000",
        "timestamp" | "timestamptz" | "date" => "now",
        "time" | "timetz" => "12:00",
        "interval" => "1 day",
        "json" | "jsonb" => "{}",
        "bytea" => "\\x00",
        "inet" | "cidr" => "127.0.0.1",
        "tsquery" => "a",
        _ => return None,
    };
    Some(value.to_owned())
}
