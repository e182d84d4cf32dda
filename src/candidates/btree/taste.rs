//! What a careful engineer would not write down, though it may save the planner a page: wide columns in an index that is
//! there to cover, a unique key once more with columns behind it, columns that tell no rows apart. Published comparisons
//! of selection algorithms judge by cost alone: there nothing is left out.

use super::cover::UNKNOWN_WIDTH;
use super::key::is_ordered;
use super::roles::{Roles, distinct};
use crate::model::catalog::{Catalog, Column, Index, Table};
use crate::model::index_def::{IndexSpec, KeySpec, TableName};
use crate::model::query::{Condition, Op, Rhs, Shape};
use std::collections::HashMap;

/// Most bytes of an INCLUDE column on average: more makes the index the table once more.
const WIDEST_INCLUDED: f64 = 32.0;
/// Longest value of it that the statistics may show, bytes: an entry of more than 2,704 bytes fails the INSERT.
const LONGEST_INCLUDED: usize = 200;
/// Most letters of the columns that follow a head as keys: in four bytes each they still fit on a page.
const MOST_LETTERS: u32 = 600;
/// Most bytes of a column behind a unique key.
const WIDEST_BEHIND_UNIQUE: f64 = 16.0;
/// Most columns behind a unique key.
const MOST_BEHIND_UNIQUE: usize = 3;
/// A unique key that is probed more rarely than this in one execution saves too few pages by covering.
const FEWEST_PROBES: f64 = 1000.0;
/// A column of so few values finds nothing: another one goes in front of it.
const FEW_VALUES: f64 = 3.0;
/// A condition that keeps a larger part of the rows is idle.
const IDLE_SHARE: f64 = 0.99;
/// Most INCLUDE columns in an index that an engineer writes.
const MOST_INCLUDED: usize = 3;
/// And in published comparisons.
const MOST_INCLUDED_BY_COST: usize = 8;

/// What may be offered.
pub struct Taste<'a> {
    /// Where other tables are found.
    pub catalog: &'a Catalog,
    /// Everything that a published comparison may choose from.
    pub published: bool,
    /// By table its indexes.
    indexes: HashMap<&'a TableName, Vec<&'a Index>>,
}

impl<'a> Taste<'a> {
    /// Offers from a catalog.
    pub fn of(catalog: &'a Catalog, published: bool) -> Taste<'a> {
        let mut indexes: HashMap<&TableName, Vec<&Index>> = HashMap::new();
        catalog.indexes.iter().for_each(|index| indexes.entry(&index.spec.table).or_default().push(index));
        Taste { catalog, published, indexes }
    }

    /// The indexes of a table. Of a great many candidates each is held against them.
    pub fn indexes_of(&self, table: &TableName) -> impl Iterator<Item = &'a Index> + use<'a, '_> {
        self.indexes.get(table).into_iter().flatten().copied()
    }

    /// Most INCLUDE columns of one index.
    pub fn most_included(&self) -> usize {
        if self.published { MOST_INCLUDED_BY_COST } else { MOST_INCLUDED }
    }

    /// True when every column is one that an index may hold beside its keys.
    pub fn may_include(&self, columns: &[&Column]) -> bool {
        columns.len() <= self.most_included() && (self.published || columns.iter().all(|c| is_narrow(c)))
    }

    /// True when every column may follow the keys as a key that is there to cover.
    pub fn may_follow(&self, columns: &[&Column]) -> bool {
        let letters = || columns.iter().map(|c| letters(c)).try_fold(0u32, |sum, n| sum.checked_add(n?));
        columns.iter().all(|c| is_ordered(c)) && (self.published || letters().is_some_and(|sum| sum <= MOST_LETTERS))
    }

    /// True where the rows behind a head are worth sparing the table for. How many an expression finds, nobody knows before its
    /// index is analysed: the planner assumes a two-hundredth of the table, and that covering it saves as much.
    pub fn may_cover(&self, head: &[KeySpec], roles: &Roles) -> bool {
        let searched = |k: &&KeySpec| roles.equal.iter().chain(&roles.listed).chain(&roles.range).any(|r| r.expr == k.expr);
        self.published || head.iter().filter(searched).all(|k| k.column_name().is_some())
    }

    /// True where the query asks for the row of a unique key: one probe, which its index serves already.
    pub fn finds_one_row(&self, roles: &Roles, table: &Table) -> bool {
        let single = |k: &KeySpec| roles.equal.iter().any(|e| e.expr == k.expr) && roles.listed.iter().all(|l| l.expr != k.expr);
        !self.published && self.unique(table).any(|i| i.spec.keys.iter().all(single))
    }

    /// True for a unique key with more behind it, but for a few narrow columns where a join probes it often, and for a
    /// part of the rows: those in the key's order are what a queue reads.
    pub fn repeats_unique(&self, spec: &IndexSpec, shape: &Shape, table_ref: usize, table: &Table) -> bool {
        if spec.predicate.is_some() {
            return false;
        }
        let begins = |i: &&Index| {
            let here = spec.keys.get(..i.spec.keys.len()).unwrap_or_default();
            let leads = here.first().map(|k| &k.expr) == i.spec.keys.first().map(|k| &k.expr);
            leads && i.spec.keys.iter().all(|k| here.iter().any(|h| h.expr == k.expr))
        };
        let Some(index) = self.unique(table).find(begins).filter(|_| !self.published) else { return false };
        let own = index.spec.keys.len();
        let behind = spec.keys[own..].iter().map(KeySpec::column_name).chain(spec.include.iter().map(|c| Some(c.as_str())));
        let mut columns = behind.map(|name| name.and_then(|n| table.column(n)));
        let few = spec.keys.len() + spec.include.len() <= own + MOST_BEHIND_UNIQUE;
        let narrow = few && columns.all(|c| c.is_some_and(|c| letters(c).is_some() && width(c) <= WIDEST_BEHIND_UNIQUE));
        !(narrow && self.probes(shape, table_ref) >= FEWEST_PROBES)
    }

    fn unique(&self, table: &Table) -> impl Iterator<Item = &Index> {
        let enforced = |i: &&Index| i.spec.unique && i.valid && i.ready && i.spec.predicate.is_none() && !i.spec.keys.is_empty();
        self.indexes_of(&table.table_name()).filter(enforced)
    }

    /// Rows that the tables joined with a reference have to look up in it, by their constants; the most of any.
    fn probes(&self, shape: &Shape, table_ref: usize) -> f64 {
        let rows = |c: &Condition| match (&c.op, &c.rhs) {
            (Op::Eq | Op::In, Rhs::Column { table_ref: other, .. }) => self.rows(shape, *other),
            (Op::In, Rhs::Subquery) => f64::INFINITY,
            _ => 0.0,
        };
        shape.tables[table_ref].conditions.iter().map(rows).fold(0.0, f64::max)
    }

    /// Rows of a reference that its equalities leave.
    fn rows(&self, shape: &Shape, table_ref: usize) -> f64 {
        let Some(this) = shape.tables.get(table_ref) else { return 0.0 };
        let Some((table, rows)) = self.catalog.table(&this.table).and_then(|t| Some((t, t.rows?))) else { return 0.0 };
        let fixed = |c: &&Condition| c.op == Op::Eq && !matches!(c.rhs, Rhs::Column { .. });
        let kept = |c: &Condition| 1.0 / distinct(&c.key, &c.columns, table).unwrap_or(1.0).max(1.0);
        rows * this.conditions.iter().filter(fixed).map(kept).product::<f64>()
    }

    /// The roles without equalities that nearly every row meets, where another equality is there.
    pub fn without_idle(&self, mut roles: Roles, conditions: &[Condition], table: &Table) -> Roles {
        let idle = |k: &KeySpec| {
            let Some(stats) = k.column_name().and_then(|c| table.column(c)).and_then(|c| c.stats.as_ref()) else { return false };
            let is_null = conditions.iter().any(|c| c.key == k.expr && c.op == Op::IsNull);
            let values = 1.0 - stats.null_frac;
            let kept = if is_null { stats.null_frac } else { values / stats.distinct(table.rows.unwrap_or(0.0)).max(1.0) };
            kept >= IDLE_SHARE
        };
        if !self.published && roles.equal.iter().any(|k| !idle(k)) {
            roles.equal.retain(|k| !idle(k));
        }
        roles
    }

    /// A column that tells few rows apart before another equality that tells more: the other one finds the rows.
    pub fn leads_with_flag(&self, spec: &IndexSpec, roles: &Roles, table: &Table) -> bool {
        let few = |c: &Column| c.stats.as_ref().is_some_and(|s| s.distinct(table.rows.unwrap_or(0.0)) <= FEW_VALUES);
        let flag = |k: &KeySpec| {
            k.column_name().and_then(|c| table.column(c)).is_some_and(|c| c.type_name == "boolean" || (!self.published && few(c)))
        };
        let most = if self.published { 2 } else { usize::MAX };
        let equal: Vec<&KeySpec> = spec.keys.iter().take(most).take_while(|k| roles.equal.contains(k)).collect();
        equal.windows(2).any(|pair| flag(pair[0]) && !flag(pair[1]))
    }
}

fn width(column: &Column) -> f64 {
    column.stats.as_ref().map_or(UNKNOWN_WIDTH, |s| s.avg_width_bytes)
}

fn is_narrow(column: &Column) -> bool {
    // Containers grow with the app; a text may be short by its nature.
    let contained = letters(column).is_some() || column.category == "S";
    let longest = |s: &crate::model::catalog::ColumnStats| s.common_values.iter().chain(&s.histogram).map(String::len).max().unwrap_or(0);
    let short = column.stats.as_ref().is_none_or(|s| longest(s) <= LONGEST_INCLUDED);
    contained && width(column) <= WIDEST_INCLUDED && short && (column.stats.is_some() || letters(column).is_some())
}

/// Most letters of a value, 0 where its type is narrow; `None` where nothing bounds it.
fn letters(column: &Column) -> Option<u32> {
    let (base, length) = column.type_name.split_once('(').unwrap_or((&column.type_name, ""));
    match base {
        "text" | "json" | "jsonb" | "xml" | "bytea" => None,
        "uuid" | "boolean" | "numeric" | "interval" => Some(0),
        "character" | "character varying" | "bpchar" => length.trim_end_matches(')').parse().ok(),
        _ if base.ends_with("[]") => None,
        // Numbers, dates, enums, network addresses: of a fixed length, or a short one.
        _ => (column.length > 0 || matches!(column.category.as_str(), "N" | "B" | "D" | "T" | "E" | "I")).then_some(0),
    }
}

/// True for a predicate on a literal value other than of a boolean: other executions may well ask for another one.
pub fn is_bold(predicate: &str, table: &Table) -> bool {
    use crate::read::predicate::{Test, TestKind, tests};
    let boolean = |t: &Test| table.column(&t.column).is_some_and(|c| c.type_name == "boolean");
    let literal = |t: &Test| matches!(t.kind, TestKind::In(_) | TestKind::NotIn(_)) && !boolean(t);
    tests(predicate).is_none_or(|listed| listed.iter().any(literal))
}
