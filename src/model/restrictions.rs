//! What the user lets the advice be: kinds of indexes, their width, tables.

use super::index_def::{IndexSpec, KeyExpr, TableName};
use std::collections::BTreeSet;

/// A kind of advice. An index can be of several: a partial B-tree over an expression is of three.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, clap::ValueEnum)]
pub enum Kind {
    /// B-tree.
    Btree,
    /// With a WHERE predicate.
    Partial,
    /// With an expression as a key.
    Expression,
    /// With INCLUDE columns.
    Include,
    /// GIN: jsonb, arrays, full text, trigrams.
    Gin,
    /// GiST: ranges, geometry, nearest neighbours.
    Gist,
    /// SP-GiST: text prefixes, inet, points.
    Spgist,
    /// BRIN: columns in physical order.
    Brin,
    /// Hash.
    Hash,
    /// HNSW and IVFFlat of pgvector.
    Vector,
    /// Extended statistics: no index at all.
    Statistics,
}

impl Kind {
    /// Every kind that an index definition is of; an access method unknown here counts as none.
    pub fn of(spec: &IndexSpec) -> BTreeSet<Kind> {
        let method = match spec.method.as_str() {
            "btree" => Some(Kind::Btree),
            "gin" => Some(Kind::Gin),
            "gist" => Some(Kind::Gist),
            "spgist" => Some(Kind::Spgist),
            "brin" => Some(Kind::Brin),
            "hash" => Some(Kind::Hash),
            "hnsw" | "ivfflat" => Some(Kind::Vector),
            _ => None,
        };
        let expression = spec.keys.iter().any(|k| matches!(k.expr, KeyExpr::Expression(_)));
        let more = [
            spec.predicate.is_some().then_some(Kind::Partial),
            expression.then_some(Kind::Expression),
            (!spec.include.is_empty()).then_some(Kind::Include),
        ];
        method.into_iter().chain(more.into_iter().flatten()).collect()
    }

    /// True for an access method; the others say how an index of one is made.
    fn is_method(self) -> bool {
        !matches!(self, Kind::Partial | Kind::Expression | Kind::Include | Kind::Statistics)
    }
}

/// Limits on what may be advised. The default allows everything that can pay.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Restrictions {
    /// Only these kinds; `None` for all. Where no access method is among them, B-trees are meant.
    pub kinds: Option<BTreeSet<Kind>>,
    /// Most key columns of an index.
    pub max_width: Option<usize>,
    /// Only tables with one of these names (`table` or `schema.table`); empty for all.
    pub tables: Vec<String>,
    /// No tables with one of these names.
    pub exclude: Vec<String>,
    /// Schemas to advise although they belong to a platform or extension.
    pub schemas: Vec<String>,
    /// Offer proper prefixes of unique keys too, which a careful engineer would call redundant: published
    /// comparisons of selection algorithms have them.
    pub prefixes_of_unique: bool,
}

impl Restrictions {
    /// True when an index like this may be advised, as far as its kind and width go.
    pub fn allow(&self, spec: &IndexSpec) -> bool {
        self.max_width.is_none_or(|most| spec.keys.len() <= most) && Kind::of(spec).into_iter().all(|kind| self.allow_kind(kind))
    }

    /// True when this kind may be advised.
    pub fn allow_kind(&self, kind: Kind) -> bool {
        let Some(kinds) = &self.kinds else { return true };
        kinds.contains(&kind) || (kind == Kind::Btree && !kinds.iter().any(|k| k.is_method()))
    }

    /// True when indexes on this table may be advised.
    pub fn allow_table(&self, table: &TableName) -> bool {
        let named = |name: &String| *name == table.name || *name == format!("{}.{}", table.schema, table.name);
        (self.tables.is_empty() || self.tables.iter().any(named)) && !self.exclude.iter().any(named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::index_def::KeySpec;

    #[test]
    fn every_kind_of_an_index_must_be_allowed() {
        let plain = IndexSpec::btree(TableName::new("public", "t"), vec![KeySpec::column("a")]);
        let partial = IndexSpec { predicate: Some("b".into()), ..plain.clone() };
        let gin = IndexSpec { method: "gin".into(), ..plain.clone() };
        let only = |kinds: &[Kind]| Restrictions { kinds: Some(kinds.iter().copied().collect()), ..Restrictions::default() };
        assert!(Restrictions::default().allow(&gin));
        assert!(only(&[Kind::Btree]).allow(&plain) && !only(&[Kind::Btree]).allow(&partial) && !only(&[Kind::Btree]).allow(&gin));
        assert!(only(&[Kind::Partial]).allow(&partial), "B-trees are meant");
        assert!(!only(&[Kind::Partial, Kind::Gin]).allow(&partial));
        assert!(!Restrictions { max_width: Some(0), ..Restrictions::default() }.allow(&plain));
    }

    #[test]
    fn tables_are_named_with_or_without_schema() {
        let users = TableName::new("app", "users");
        let with = |tables: &[&str], exclude: &[&str]| {
            let owned = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
            Restrictions { tables: owned(tables), exclude: owned(exclude), ..Restrictions::default() }.allow_table(&users)
        };
        assert!(with(&[], &[]) && with(&["users"], &[]) && with(&["app.users"], &["public.users"]));
        assert!(!with(&["posts"], &[]) && !with(&[], &["users"]) && !with(&["users"], &["app.users"]));
    }
}
