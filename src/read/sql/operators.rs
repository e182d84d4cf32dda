//! Comparisons by operators that no B-tree serves, into [`Search`]es: which key is searched how.

use super::blocks::Builder;
use super::conditions::{bare, conjuncts, disjuncts};
use super::keys::local_key;
use super::names::{Scope, split};
use crate::model::index_def::KeyExpr;
use crate::model::query::Search;
use sqlparser::ast::*;

/// Functions of PostGIS that search by bounding boxes, as their support functions tell the planner.
const BY_BOXES: [&str; 14] = [
    "st_3ddwithin",
    "st_3dintersects",
    "st_contains",
    "st_containsproperly",
    "st_coveredby",
    "st_covers",
    "st_crosses",
    "st_dfullywithin",
    "st_dwithin",
    "st_equals",
    "st_intersects",
    "st_overlaps",
    "st_touches",
    "st_within",
];

/// Operators with what they are when their sides change places.
const TURNED: [(&str, &str); 14] = [
    ("&&", "&&"),
    ("@>", "<@"),
    ("<@", "@>"),
    ("@@", "@@"),
    ("<<", ">>"),
    (">>", "<<"),
    ("<<=", ">>="),
    (">>=", "<<="),
    ("-|-", "-|-"),
    ("%", "%"),
    ("<->", "<->"),
    ("<=>", "<=>"),
    ("<#>", "<#>"),
    ("<+>", "<+>"),
];

/// One side of an operator as a search has it.
struct Sided<'e> {
    key: &'e Expr,
    operator: String,
    other: Option<&'e Expr>,
    orders: bool,
}

impl Builder<'_> {
    /// Notes the searches of a condition; each arm of an OR is searched by itself.
    pub(super) fn searches(&mut self, condition: &Expr, block: usize, scope: &Scope) {
        for arm in disjuncts(condition) {
            for member in conjuncts(arm) {
                if disjuncts(member).len() > 1 {
                    self.searches(member, block, scope);
                } else {
                    sides(member).into_iter().for_each(|side| self.search(side, block, scope));
                }
            }
        }
    }

    /// Notes `ORDER BY key <-> point`, and says whether it is such: an index on the distance from one constant would
    /// serve no other.
    pub(super) fn nearest(&mut self, key: &OrderByExpr, expr: &Expr, block: usize, scope: &Scope) -> bool {
        let Expr::BinaryOp { left, op, right } = bare(expr) else { return false };
        let Some(operator) = written(op).filter(|o| o.starts_with('<') && o.ends_with('>') && o.len() >= 3) else { return false };
        if !matches!(key.options.sort, Some(OrderBySort::Desc)) {
            both(left, operator, right, true).into_iter().for_each(|side| self.search(side, block, scope));
        }
        true
    }

    fn search(&mut self, side: Sided, block: usize, scope: &Scope) {
        let key = self.without_needless_cast(side.key, block, scope);
        let Some((table_ref, key_expr, columns)) = self.within(block, scope, |around| local_key(key, around)) else { return };
        // A search with the row's own columns on both sides is no look-up.
        let same_row = side.other.is_some_and(|e| {
            self.within(block, scope, |around| super::conditions::contents(e, around).columns.iter().any(|(r, _)| *r == table_ref))
        });
        if same_row || is_unstable(key) {
            return;
        }
        let key_type = match key_expr {
            KeyExpr::Column(_) => None,
            KeyExpr::Expression(_) => type_of(key, &side.operator),
        };
        let literal_run = side.other.and_then(constant).and_then(|text| literal_run(text, &side.operator));
        let search = Search { table_ref, key: key_expr, columns, key_type, operator: side.operator, orders: side.orders, literal_run };
        if !self.shape.searches.contains(&search) {
            self.shape.searches.push(search);
        }
    }

    /// A plan writes `(title)::text` where title is a varchar: the index is on the column.
    fn without_needless_cast<'e>(&self, key: &'e Expr, block: usize, scope: &Scope) -> &'e Expr {
        let Expr::Cast { expr, data_type: DataType::Text | DataType::Varchar(_) | DataType::CharacterVarying(_), .. } = bare(key) else {
            return bare(key);
        };
        let is_text = |(table_ref, key, _): (usize, KeyExpr, Vec<String>)| {
            let KeyExpr::Column(name) = key else { return false };
            let table = self.shape.tables.get(table_ref).and_then(|t| self.tables.get(&t.table));
            table.and_then(|t| t.column(&name)).is_some_and(|c| c.category == "S")
        };
        if self.within(block, scope, |around| local_key(expr, around)).is_some_and(is_text) { bare(expr) } else { bare(key) }
    }
}

/// The searches that one condition can be, by the side that is the key.
fn sides(condition: &Expr) -> Vec<Sided<'_>> {
    let one = |key, operator: &str, other| vec![Sided { key, operator: operator.to_owned(), other, orders: false }];
    match bare(condition) {
        Expr::BinaryOp { left, op, right } => written(op).map(|o| both(left, o, right, false)).unwrap_or_default(),
        Expr::Like { negated: false, any, expr, pattern, .. } => one(expr, "~~", (!any).then_some(pattern)),
        Expr::ILike { negated: false, any, expr, pattern, .. } => one(expr, "~~*", (!any).then_some(pattern)),
        Expr::SimilarTo { negated: false, expr, .. } => one(expr, "~", None),
        Expr::AnyOp { left, compare_op, .. } => written(compare_op).map(|o| one(left, &o, None)).unwrap_or_default(),
        Expr::Function(function) => called(function),
        _ => Vec::new(),
    }
}

fn both<'e>(left: &'e Expr, operator: String, right: &'e Expr, orders: bool) -> Vec<Sided<'e>> {
    let turned = TURNED.iter().find(|(o, _)| *o == operator).map(|(_, t)| Sided {
        key: right,
        operator: (*t).to_owned(),
        other: Some(left),
        orders,
    });
    [Sided { key: left, operator, other: Some(right), orders }].into_iter().chain(turned).collect()
}

/// Functions that the planner takes for an operator.
fn called(function: &Function) -> Vec<Sided<'_>> {
    let name = split(&function.name).1;
    let FunctionArguments::List(list) = &function.args else { return Vec::new() };
    let args = list.args.iter().filter_map(|a| match a {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    });
    let by = |key, operator: &str| Sided { key, operator: operator.to_owned(), other: None, orders: false };
    match name.as_str() {
        "starts_with" => args.take(1).map(|key| by(key, "^@")).collect(),
        name if BY_BOXES.contains(&name) => args.take(2).map(|key| by(key, "&&")).collect(),
        _ => Vec::new(),
    }
}

/// The operator's name, unless B-trees serve it or it compares nothing.
fn written(op: &BinaryOperator) -> Option<String> {
    use BinaryOperator as B;
    match op {
        B::Eq | B::NotEq | B::Lt | B::LtEq | B::Gt | B::GtEq | B::And | B::Or | B::Xor => None,
        B::Plus | B::Minus | B::Multiply | B::Divide | B::StringConcat => None,
        B::PGNotLikeMatch | B::PGNotILikeMatch | B::PGRegexNotMatch | B::PGRegexNotIMatch => None,
        B::PGLikeMatch => Some("~~".into()),
        B::PGILikeMatch => Some("~~*".into()),
        // OPERATOR(schema.@>): the last part is the operator.
        B::PGCustomBinaryOperator(parts) => parts.last().cloned(),
        other => Some(other.to_string()),
    }
}

/// to_tsvector without a configuration depends on a setting: no index can hold it.
fn is_unstable(key: &Expr) -> bool {
    matches!(key, Expr::Function(f) if split(&f.name).1 == "to_tsvector"
        && matches!(&f.args, FunctionArguments::List(list) if list.args.len() < 2))
}

/// Type of an expression, by what stands outermost in it and by the operator that follows.
fn type_of(key: &Expr, operator: &str) -> Option<String> {
    let name = match key {
        Expr::Cast { data_type, .. } => return Some(data_type.to_string().to_lowercase()),
        Expr::BinaryOp { op: BinaryOperator::Arrow | BinaryOperator::HashArrow, .. } => "jsonb",
        _ if operator.starts_with('~') || operator == "%" || operator == "^@" => "text",
        Expr::BinaryOp { op: BinaryOperator::StringConcat, .. } if operator == "@@" => "tsvector",
        Expr::Function(function) => match split(&function.name).1.as_str() {
            "to_tsvector" | "setweight" | "strip" => "tsvector",
            "string_to_array" | "regexp_split_to_array" => "text[]",
            "array_remove" | "array_append" | "array_prepend" | "array_cat" | "array_replace" => "anyarray",
            "to_jsonb" | "jsonb_strip_nulls" | "jsonb_extract_path" => "jsonb",
            "int4range" => "int4range",
            "int8range" => "int8range",
            "numrange" => "numrange",
            "tsrange" => "tsrange",
            "tstzrange" => "tstzrange",
            "daterange" => "daterange",
            "point" => "point",
            "box" => "box",
            "circle" => "circle",
            "polygon" => "polygon",
            "st_transform" | "st_setsrid" | "st_makepoint" | "st_point" | "st_centroid" | "st_buffer" => "geometry",
            _ => return None,
        },
        _ => return None,
    };
    Some(name.to_owned())
}

/// The text of a string constant, casts off.
fn constant(expr: &Expr) -> Option<&str> {
    match bare(expr) {
        Expr::Value(v) => match &v.value {
            Value::SingleQuotedString(text) | Value::EscapedStringLiteral(text) => Some(text),
            _ => None,
        },
        Expr::Cast { expr, .. } => constant(expr),
        _ => None,
    }
}

/// The longest run of letters and digits that every match of a pattern has.
fn literal_run(pattern: &str, operator: &str) -> Option<usize> {
    match operator {
        "~~" | "~~*" => Some(longest_run(pattern.chars().map(|c| c.is_alphanumeric()))),
        // Each alternative must have one; a sign of a class or a repetition ends a run.
        "~" | "~*" => pattern.split('|').map(regex_run).min(),
        _ => None,
    }
}

fn regex_run(pattern: &str) -> usize {
    let chars: Vec<char> = pattern.chars().collect();
    let mut in_class = false;
    let is_literal = |at: usize| {
        let c = chars[at];
        let escaped = at > 0 && chars[at - 1] == '\\';
        in_class = (in_class || c == '[') && c != ']';
        // What may be absent counts for nothing.
        let optional = matches!(chars.get(at + 1), Some('*' | '?' | '{'));
        c.is_alphanumeric() && !escaped && !in_class && !optional
    };
    longest_run((0..chars.len()).map(is_literal))
}

fn longest_run(literal: impl Iterator<Item = bool>) -> usize {
    let (mut run, mut longest) = (0, 0);
    for is in literal {
        run = if is { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::catalog::{Catalog, Column, Table};
    use crate::model::query::Reading;

    fn catalog() -> Catalog {
        let column = |name: &str, category: &str| Column { name: name.into(), category: category.into(), ..Column::default() };
        let columns = vec![column("id", "N"), column("title", "S"), column("tags", "A"), column("doc", "U"), column("place", "G")];
        let table = Table { schema: "public".into(), name: "docs".into(), columns, ..Table::default() };
        Catalog { tables: vec![table], ..Catalog::default() }
    }

    fn searches(sql: &str) -> Vec<(String, String, bool)> {
        let Reading::Understood(shape) = super::super::read(sql, &catalog(), &["public".to_owned()]) else { panic!("{sql}") };
        let text = |key: &KeyExpr| match key {
            KeyExpr::Column(text) | KeyExpr::Expression(text) => text.clone(),
        };
        shape.searches.iter().map(|s| (text(&s.key), s.operator.clone(), s.orders)).collect()
    }

    fn found(key: &str, operator: &str, orders: bool) -> Vec<(String, String, bool)> {
        vec![(key.to_owned(), operator.to_owned(), orders)]
    }

    #[test]
    fn operators_are_seen_from_the_key() {
        assert_eq!(searches("select * from docs where tags @> $1"), found("tags", "@>", false));
        assert_eq!(searches("select * from docs where '{a}' <@ tags"), found("tags", "@>", false));
        assert_eq!(searches("select * from docs d where d.doc->'deep' ? $1"), found("doc -> 'deep'", "?", false));
        assert_eq!(searches("select * from docs where title ilike $1"), found("title", "~~*", false));
        assert_eq!(searches("select * from docs where (title)::text ~~ '%abc%'::text"), found("title", "~~", false));
        assert_eq!(searches("select * from docs order by place <-> $1 limit 3"), found("place", "<->", true));
        assert_eq!(searches("select place <-> point '(1,2)' as d from docs order by d limit 3"), found("place", "<->", true));
        assert_eq!(searches("select * from docs where id = 1 and (st_dwithin(place, $1, 3) or id = 2)"), found("place", "&&", false));
        assert_eq!(
            searches("select * from docs where to_tsvector('english', title) @@ to_tsquery($1)"),
            found("to_tsvector('english', title)", "@@", false)
        );
        let Reading::Understood(shape) =
            super::super::read("select 1 from docs order by place <-> point '(1,2)'", &catalog(), &["public".to_owned()])
        else {
            panic!("a distance")
        };
        assert!(shape.blocks[0].order_opaque && shape.blocks[0].order.is_empty(), "no B-tree holds a distance");
        for none in
            ["to_tsvector(title) @@ to_tsquery($1)", "$1 = any (tags)", "title not like '%a%'", "tags @> array[title]", "id % 2 = 0"]
        {
            assert_eq!(searches(&format!("select * from docs where {none}")), [], "{none}");
        }
    }

    #[test]
    fn runs_of_patterns() {
        let run = |pattern: &str, operator: &str| literal_run(pattern, operator);
        assert_eq!([run("%a%", "~~"), run("%abc_d%", "~~*"), run("abcd", "@>")], [Some(1), Some(3), None]);
        assert_eq!(
            [run("^abc?d", "~"), run("foo|ab", "~*"), run("[abc]+x\\d", "~"), run("foo.*bar1", "~")].map(Option::unwrap),
            [2, 2, 1, 4]
        );
    }
}
