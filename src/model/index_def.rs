//! What an index *is*, whether it exists or not: table, method, keys, INCLUDE, predicate.
//! Candidates and existing indexes are compared and written through this one type.

use super::text::{cut_bytes, quote_ident, quote_literal, quote_qualified};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

/// A table by schema and name.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TableName {
    /// Schema.
    pub schema: String,
    /// Name.
    pub name: String,
}

impl TableName {
    /// Schema and name together.
    pub fn new(schema: impl Into<String>, name: impl Into<String>) -> Self {
        TableName { schema: schema.into(), name: name.into() }
    }

    /// Quoted for SQL.
    pub fn quoted(&self) -> String {
        quote_qualified(&self.schema, &self.name)
    }
}

impl std::fmt::Display for TableName {
    /// For people: `public` left out, control characters escaped.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = super::text::one_line(&self.name);
        if self.schema == "public" { f.write_str(&name) } else { write!(f, "{}.{name}", super::text::one_line(&self.schema)) }
    }
}

/// What a key column holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyExpr {
    /// A column, by name.
    Column(String),
    /// An expression as SQL text, identifiers already quoted where needed, e.g. `lower(handle)`.
    Expression(String),
}

/// One key of an index.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct KeySpec {
    /// Column or expression.
    pub expr: KeyExpr,
    /// Operator class where it is not the default one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opclass: Option<String>,
    /// Collation where it is not the column's, quoted for SQL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collation: Option<String>,
    /// DESC.
    #[serde(default)]
    pub descending: bool,
    /// NULLS FIRST (the default of DESC is true, of ASC false).
    #[serde(default)]
    pub nulls_first: bool,
}

impl KeySpec {
    /// An ascending column key.
    pub fn column(name: impl Into<String>) -> Self {
        KeySpec { expr: KeyExpr::Column(name.into()), opclass: None, collation: None, descending: false, nulls_first: false }
    }

    /// An ascending expression key.
    pub fn expression(sql: impl Into<String>) -> Self {
        KeySpec { expr: KeyExpr::Expression(sql.into()), opclass: None, collation: None, descending: false, nulls_first: false }
    }

    /// The column's name, where the key is one.
    pub fn column_name(&self) -> Option<&str> {
        match &self.expr {
            KeyExpr::Column(name) => Some(name),
            KeyExpr::Expression(_) => None,
        }
    }

    /// The key as SQL inside the parentheses of CREATE INDEX.
    pub fn sql(&self) -> String {
        let mut sql = match &self.expr {
            KeyExpr::Column(name) => quote_ident(name),
            KeyExpr::Expression(expr) => format!("({expr})"),
        };
        if let Some(collation) = &self.collation {
            sql.push_str(&format!(" COLLATE {collation}"));
        }
        if let Some(opclass) = &self.opclass {
            sql.push_str(&format!(" {opclass}"));
        }
        if self.descending {
            sql.push_str(" DESC");
        }
        if self.nulls_first != self.descending {
            sql.push_str(if self.nulls_first { " NULLS FIRST" } else { " NULLS LAST" });
        }
        sql
    }
}

/// An index as a definition: no name, no size, no state.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct IndexSpec {
    /// Table it is on.
    pub table: TableName,
    /// Access method: `btree`, `gin`…
    pub method: String,
    /// UNIQUE.
    pub unique: bool,
    /// Key columns in order.
    pub keys: Vec<KeySpec>,
    /// INCLUDE columns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<String>,
    /// Storage parameters, name and value, in order: `("pages_per_range", "32")`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub with: Vec<(String, String)>,
    /// WHERE predicate as SQL text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicate: Option<String>,
}

impl IndexSpec {
    /// A plain B-tree.
    pub fn btree(table: TableName, keys: Vec<KeySpec>) -> Self {
        IndexSpec { table, method: "btree".into(), unique: false, keys, include: Vec::new(), with: Vec::new(), predicate: None }
    }

    /// `CREATE INDEX …` under a name (quoted here; the schema is the table's).
    pub fn create_sql(&self, name: &str, concurrently: bool) -> String {
        let unique = if self.unique { "UNIQUE " } else { "" };
        let concurrently = if concurrently { "CONCURRENTLY " } else { "" };
        format!("CREATE {unique}INDEX {concurrently}{} ON {}{}", quote_ident(name), self.table.quoted(), self.tail_sql())
    }

    /// Everything behind the table's name: method, keys, INCLUDE, WHERE.
    pub fn tail_sql(&self) -> String {
        let keys: Vec<String> = self.keys.iter().map(KeySpec::sql).collect();
        let mut sql = format!(" USING {} ({})", self.method, keys.join(", "));
        if !self.include.is_empty() {
            let include: Vec<String> = self.include.iter().map(|c| quote_ident(c)).collect();
            sql.push_str(&format!(" INCLUDE ({})", include.join(", ")));
        }
        if !self.with.is_empty() {
            let with: Vec<String> =
                self.with.iter().map(|(name, value)| format!("{} = {}", quote_ident(name), quote_literal(value))).collect();
            sql.push_str(&format!(" WITH ({})", with.join(", ")));
        }
        if let Some(predicate) = &self.predicate {
            sql.push_str(&format!(" WHERE {predicate}"));
        }
        sql
    }

    /// A name of at most 63 bytes: readable part from table and keys, then 8 hex digits of the
    /// definition's hash, so that two definitions never share a name by truncation.
    pub fn safe_name(&self) -> String {
        let mut parts = vec![self.table.name.clone()];
        parts.extend(self.keys.iter().map(|k| match &k.expr {
            KeyExpr::Column(name) => name.clone(),
            KeyExpr::Expression(sql) => sql.clone(),
        }));
        let readable: String = parts.join("_").chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
        let squeezed = readable.split('_').filter(|p| !p.is_empty()).collect::<Vec<_>>().join("_").to_lowercase();
        let hash = xxh3_64(format!("{}{}", self.table.quoted(), self.tail_sql()).as_bytes()) as u32;
        format!("{}_idx_{hash:08x}", cut_bytes(&squeezed, 63 - "_idx_".len() - 8).trim_end_matches('_'))
    }

    /// [`IndexSpec::is_covered_by`] over the same rows. A partial index is covered by a full one, and
    /// yet it may deserve its place beside it: it is smaller, and it has filtered already.
    pub fn repeats(&self, other: &IndexSpec) -> bool {
        same_predicate(self.predicate.as_deref(), other.predicate.as_deref()) && self.is_covered_by(other)
    }

    /// True when `other` can do all that this index does over at least its rows: same table, same predicate (or none on the
    /// other), INCLUDE columns present somewhere in the other. Its keys are found there too: at the left of a B-tree (all in
    /// the same direction, or all reversed), anywhere in a GIN or BRIN index, which searches each key by itself; elsewhere
    /// they must be the other's own. A hash index is covered by a B-tree that begins with its column.
    /// Uniqueness is not looked at: that is the caller's question.
    pub fn is_covered_by(&self, other: &IndexSpec) -> bool {
        let rows = other.predicate.is_none() || same_predicate(self.predicate.as_deref(), other.predicate.as_deref());
        let holds = |c: &String| other.include.contains(c) || other.keys.iter().any(|k| k.column_name() == Some(c));
        self.table == other.table && rows && self.include.iter().all(holds) && self.keys_are_covered_by(other)
    }

    fn keys_are_covered_by(&self, other: &IndexSpec) -> bool {
        let same = |a: &KeySpec, b: &KeySpec| a.expr == b.expr && a.opclass == b.opclass && a.collation == b.collation;
        let pairs = || self.keys.iter().zip(&other.keys);
        match (self.method.as_str(), other.method.as_str()) {
            ("btree", "btree") => {
                let forward = |(a, b): (&KeySpec, &KeySpec)| same(a, b) && a.descending == b.descending && a.nulls_first == b.nulls_first;
                let backward = |(a, b): (&KeySpec, &KeySpec)| same(a, b) && a.descending != b.descending && a.nulls_first != b.nulls_first;
                self.keys.len() <= other.keys.len() && (pairs().all(forward) || pairs().all(backward))
            }
            // Only equality, and with that neither direction nor NULLs matter.
            ("hash", "btree") => pairs().count() == 1 && pairs().all(|(a, b)| same(a, b)),
            ("gin", "gin") | ("brin", "brin") => {
                self.with == other.with && self.keys.iter().all(|key| other.keys.iter().any(|wide| same(key, wide)))
            }
            (mine, theirs) => mine == theirs && self.keys.len() == other.keys.len() && pairs().all(|(a, b)| same(a, b)),
        }
    }
}

/// The same predicate, though the catalog puts it in parentheses and quotes a name only where it must.
fn same_predicate(a: Option<&str>, b: Option<&str>) -> bool {
    let inner = |p: &str| p.strip_prefix('(').and_then(|p| p.strip_suffix(')')).unwrap_or(p).replace('"', "");
    match (a, b) {
        (Some(a), Some(b)) => a == b || (!a.contains('\'') && inner(a) == inner(b)),
        (a, b) => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(keys: &[&str]) -> IndexSpec {
        IndexSpec::btree(TableName::new("public", "t"), keys.iter().map(|k| KeySpec::column(*k)).collect())
    }

    #[test]
    fn a_prefix_is_covered_and_the_reverse_direction_too() {
        assert!(spec(&["a"]).is_covered_by(&spec(&["a", "b"])));
        assert!(!spec(&["b"]).is_covered_by(&spec(&["a", "b"])));
        let mut desc = spec(&["a"]);
        desc.keys[0].descending = true;
        desc.keys[0].nulls_first = true;
        assert!(desc.is_covered_by(&spec(&["a", "b"])));
        let mut partial = spec(&["a", "b"]);
        partial.predicate = Some("c".into());
        assert!(!spec(&["a"]).is_covered_by(&partial));
        let mut narrow = spec(&["a"]);
        narrow.predicate = Some("c".into());
        assert!(narrow.is_covered_by(&spec(&["a"])) && !narrow.repeats(&spec(&["a"])) && narrow.repeats(&partial));
    }

    #[test]
    fn what_other_duplicate_checks_miss() {
        let with = |keys: &[&str], change: fn(&mut IndexSpec)| {
            let mut spec = spec(keys);
            change(&mut spec);
            spec
        };
        let plain = spec(&["c"]);
        let including = with(&["c"], |s| s.include = vec!["d".into()]);
        assert!(plain.repeats(&including) && !including.repeats(&plain) && including.repeats(&spec(&["c", "d"])));
        let reversed = with(&["c"], |s| (s.keys[0].descending, s.keys[0].nulls_first) = (true, true));
        assert!(plain.repeats(&reversed) && reversed.repeats(&plain));
        let nulls_last = with(&["c"], |s| s.keys[0].descending = true);
        assert!(!nulls_last.repeats(&plain) && !plain.repeats(&nulls_last), "ORDER BY c DESC NULLS LAST is served by one alone");
        let mixed = with(&["c", "d"], |s| (s.keys[1].descending, s.keys[1].nulls_first) = (true, true));
        assert!(!mixed.repeats(&spec(&["c", "d"])) && plain.repeats(&mixed) && reversed.repeats(&mixed));
        let partial = with(&["c"], |s| s.predicate = Some("(d IS NULL)".into()));
        let ours = with(&["c", "e"], |s| s.predicate = Some("\"d\" IS NULL".into()));
        assert!(partial.is_covered_by(&plain) && !partial.repeats(&plain) && partial.repeats(&ours));
        let other_group = |p: &str| IndexSpec { predicate: Some(p.into()), ..spec(&["c"]) };
        assert!(!other_group("((a AND b) OR d)").repeats(&other_group("(a AND (b OR d))")));
        let hash = with(&["c"], |s| s.method = "hash".into());
        assert!(hash.repeats(&spec(&["c", "d"])) && !plain.repeats(&hash) && !hash.repeats(&spec(&["d", "c"])));
        let gin = |keys: &[&str]| IndexSpec { method: "gin".into(), ..spec(keys) };
        assert!(gin(&["d"]).repeats(&gin(&["c", "d"])) && !gin(&["c", "d"]).repeats(&gin(&["d"])) && !gin(&["c"]).repeats(&plain));
        let gist = |keys: &[&str]| IndexSpec { method: "gist".into(), ..spec(keys) };
        assert!(!gist(&["d"]).repeats(&gist(&["d", "c"])) && gist(&["d"]).repeats(&gist(&["d"])));
        let pattern = with(&["c"], |s| s.keys[0].opclass = Some("text_pattern_ops".into()));
        assert!(!pattern.repeats(&plain) && !plain.repeats(&pattern));
    }

    #[test]
    fn names_fit_and_differ() {
        let long = IndexSpec::btree(TableName::new("public", "ü".repeat(60)), vec![KeySpec::column("x")]);
        assert!(long.safe_name().len() <= 63);
        let other = IndexSpec::btree(TableName::new("public", "ü".repeat(60)), vec![KeySpec::column("y")]);
        assert_ne!(long.safe_name(), other.safe_name());
    }

    #[test]
    fn ddl_quotes_every_name() {
        let spec =
            IndexSpec::btree(TableName::new("s", "a\"b"), vec![KeySpec { descending: true, nulls_first: true, ..KeySpec::column("C d") }]);
        assert_eq!(spec.create_sql("i", true), "CREATE INDEX CONCURRENTLY \"i\" ON \"s\".\"a\"\"b\" USING btree (\"C d\" DESC)");
    }
}
