//! The statements of a blueprint: which of their constants are values, by kind of object.

use super::columns::{Columns, read_name};
use super::constants::{Scope, decoded, replace, rewrite};
use super::kinds::{Domain, Type, plain_name, read_type};
use super::values::Images;
use crate::model::blueprint::{Object, ObjectKind};
use crate::model::index_def::TableName;
use crate::model::text::quote_literal;
use crate::read::sql::tokens::{Kind, Token, tokens};

/// The statement with its constants replaced; reasons of those that stay go to `kept`, what is left out to `dropped`.
pub(super) fn statement(
    object: &Object,
    columns: &Columns,
    images: &mut dyn Images,
    kept: &mut Vec<String>,
    dropped: &mut Vec<String>,
) -> String {
    let sql = object.ddl.as_str();
    let words = tokens(sql);
    match object.kind {
        ObjectKind::Schema | ObjectKind::Sequence | ObjectKind::ForeignKey | ObjectKind::IndexAttachment => sql.to_owned(),
        ObjectKind::Collation | ObjectKind::Helper => {
            if words.iter().any(|t| t.kind == Kind::Text) {
                kept.push("options".into());
            }
            sql.to_owned()
        }
        ObjectKind::Enum | ObjectKind::Type => match enum_name(&words, columns) {
            Some(name) => labels(sql, &words, name, columns, images, kept),
            None => rewrite(sql, &Scope::default(), columns, images, kept),
        },
        ObjectKind::Function => function(sql, &words, columns, images, kept, dropped),
        ObjectKind::Inheritance => bounds(sql, &words, columns, images, kept),
        _ => {
            let scope = Scope::of(&words, columns);
            let kept_table = !matches!(object.kind, ObjectKind::View | ObjectKind::Rule) && scope.tables.values().any(|t| columns.keeps(t));
            if kept_table {
                return sql.to_owned();
            }
            let target = default_of(&words, &scope, columns);
            rewrite(sql, &Scope { target, ..scope }, columns, images, kept)
        }
    }
}

/// The enum that CREATE TYPE … AS ENUM makes.
fn enum_name(words: &[Token], columns: &Columns) -> Option<String> {
    let name = words.get(2).and_then(|_| read_type(words, 2))?.name;
    (words[1].is_word("type") && columns.types.enums.contains_key(&name)).then_some(name)
}

fn labels(sql: &str, words: &[Token], name: String, columns: &Columns, images: &mut dyn Images, kept: &mut Vec<String>) -> String {
    if columns.keeps_enum(&name) {
        kept.push("labels that a kept table needs".into());
        return sql.to_owned();
    }
    let domain = Domain::Enum(name);
    replace(sql, words, |n| {
        let label = words.get(n).filter(|t| t.kind == Kind::Text).and_then(|t| decoded(t.text))?;
        images.image(&domain, None, &label).map(|image| (n, quote_literal(&image)))
    })
}

/// The column whose default a statement sets.
fn default_of(words: &[Token], scope: &Scope, columns: &Columns) -> Option<Type> {
    let set = words.windows(2).position(|w| w[0].is_word("set") && w[1].is_word("default"))?;
    let column = plain_name(words.get(set.checked_sub(1)?)?);
    scope.tables.values().find_map(|t| columns.column(t, &column)).cloned()
}

/// ATTACH PARTITION: the bounds have the types of the parent's key.
fn bounds(sql: &str, words: &[Token], columns: &Columns, images: &mut dyn Images, kept: &mut Vec<String>) -> String {
    let name_after = |word: &str| words.iter().position(|t| t.is_word(word)).and_then(|at| read_name(words, at + 1)).map(|(name, _)| name);
    let (parent, child) = (name_after("table").unwrap_or_default(), name_after("partition").unwrap_or_default());
    if columns.keeps(&parent) || columns.keeps(&child) {
        return sql.to_owned();
    }
    let Some(start) = words.windows(2).position(|w| w[0].is_word("for") && w[1].is_word("values")) else { return sql.to_owned() };
    if words.get(start + 2).is_some_and(|t| t.is_word("with")) {
        return sql.to_owned();
    }
    let key = columns.partition_key(&parent);
    let is_list = words.get(start + 2).is_some_and(|t| t.is_word("in"));
    let mut place = 0;
    replace(sql, words, |n| {
        let token = words[n];
        if n <= start || token.is_symbol("(") {
            place = 0;
        } else if token.is_symbol(",") && !is_list {
            place += 1;
        }
        if n <= start || !matches!(token.kind, Kind::Text | Kind::Number) {
            return None;
        }
        let signed = token.kind == Kind::Number && words[n - 1].is_symbol("-");
        let text = if token.kind == Kind::Text { decoded(token.text)? } else { format!("{}{}", if signed { "-" } else { "" }, token.text) };
        let Some(image) = key.get(place).and_then(|kind| images.of(kind, &text)) else {
            if text.chars().any(char::is_alphanumeric) {
                kept.push("bounds of a type without pseudonyms".into());
            }
            return None;
        };
        let bare = token.kind == Kind::Number && !image.starts_with('-');
        Some((n - usize::from(signed), if bare { image } else { quote_literal(&image) }))
    })
}

/// CREATE FUNCTION: a PL/pgSQL body is replaced by one that does nothing, an SQL body is read like a view.
fn function(
    sql: &str,
    words: &[Token],
    columns: &Columns,
    images: &mut dyn Images,
    kept: &mut Vec<String>,
    dropped: &mut Vec<String>,
) -> String {
    let language = words.windows(2).find(|w| w[0].is_word("language")).map(|w| plain_name(&w[1])).unwrap_or_default();
    let body = (1..words.len()).rev().find(|n| words[*n].kind == Kind::Text && words[n - 1].is_word("as"));
    let mut header_kept = Vec::new();
    // A body in quotes is one constant of the statement; one that is not (BEGIN ATOMIC) is read with it.
    let scope = Scope::of(words, columns);
    let Some(body) = body else { return rewrite(sql, &scope, columns, images, kept) };
    let header = rewrite(&sql[..words[body].offset], &scope, columns, images, &mut header_kept);
    // COST, ROWS, SET: numbers and texts of the header that are no default of an argument.
    kept.extend(header_kept.into_iter().filter(|reason| reason != "numbers" && reason != "constants of unknown type"));
    let inner = decoded(words[body].text).unwrap_or_default();
    let text = if language == "sql" {
        let words = tokens(&inner);
        rewrite(&inner, &Scope::of(&words, columns), columns, images, kept)
    } else if language == "plpgsql" {
        dropped.push("the body (it returns NULL)".into());
        stub(words).to_owned()
    } else {
        kept.push("the body".into());
        inner
    };
    let rest = &sql[words[body].offset + words[body].text.len()..];
    format!("{header}{}{rest}", dollar_quoted(&text))
}

/// A body that returns nothing, in the way that the function's result allows.
fn stub(words: &[Token]) -> &'static str {
    let returns = words.iter().position(|t| t.is_word("returns"));
    let of_rows = returns.and_then(|r| words.get(r + 1)).is_none_or(|t| ["setof", "table", "void"].iter().any(|w| t.is_word(w)));
    let out = words.iter().any(|t| t.is_word("out") || t.is_word("inout"));
    if of_rows || out { "begin return; end" } else { "begin return null; end" }
}

/// In dollar quotes that the text does not end.
fn dollar_quoted(text: &str) -> String {
    let mut tag = "$function$".to_owned();
    while text.contains(&tag) || text.ends_with(&tag[..tag.len() - 1]) {
        tag.insert(tag.len() - 1, 'x');
    }
    format!("{tag}{text}{tag}")
}

/// A predicate or key expression of the catalog, printed by the server beside its table's name.
pub(super) fn expression(sql: &str, table: &TableName, columns: &Columns, images: &mut dyn Images) -> String {
    // What stays in it stays in the index's statement too, and is noted there.
    rewrite(sql, &Scope::table(table), columns, images, &mut Vec::new())
}
