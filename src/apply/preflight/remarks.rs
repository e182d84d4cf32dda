//! What is worth knowing about a step and stands against nothing.

use super::Surroundings;
use crate::model::catalog::{Column, Table};
use crate::model::ddl::{Ddl, IndexName};
use crate::model::index_def::IndexSpec;
use crate::model::preflight::Premises;

/// One remark.
#[derive(Debug, Clone, PartialEq)]
pub enum Remark {
    /// This wider index can do all that the new one could.
    CoveredBy(IndexName),
    /// This INVALID index of somebody else's lies on the table; true when it is what the new one would be.
    Leftover(IndexName, bool),
    /// A VACUUM against wraparound is due: age of the oldest row, transactions, and from where on it is due.
    WraparoundDue(i64, i64),
    /// Keys this wide on average, bytes; one above [`LARGEST_KEY`] ends the build. The columns.
    WideKey(Vec<String>, f64),
    /// The table was never analyzed: sizes are not known.
    NeverAnalyzed,
    /// Sorting takes more temporary space than one process may: bytes, limit.
    TempLimit(f64, f64),
    /// The dropped index is INVALID: rollback leaves it gone.
    StaysGone,
    /// The dropped index's definition is kept for rollback.
    ComesBack,
    /// Queries on standbys that use it may be cancelled when the drop arrives there: how many standbys.
    CancelsOnStandbys(i64),
}

/// Largest entry of a B-tree, bytes: a third of a page.
pub const LARGEST_KEY: f64 = 2704.0;
/// An average from which on some values may well be as large as that.
const WIDE: f64 = LARGEST_KEY / 4.0;

/// All remarks, most important first.
pub fn remarks(ddl: &Ddl, around: &Surroundings, premises: &Premises) -> Vec<Remark> {
    let due = around.target.as_ref().and_then(|t| t.frozen_age.filter(|age| *age >= t.freeze_max_age).map(|age| (age, t.freeze_max_age)));
    let due = due.map(|(age, limit)| Remark::WraparoundDue(age, limit)).into_iter();
    if matches!(ddl, Ddl::Create(_)) {
        due.chain(of_build(ddl, around, premises)).collect()
    } else {
        due.chain(of_drop(around, premises)).collect()
    }
}

fn of_build(ddl: &Ddl, around: &Surroundings, premises: &Premises) -> Vec<Remark> {
    let own = ddl.index();
    let others = || around.siblings.iter().filter(|s| s.index != own);
    let mut all = Vec::new();
    if let Some(spec) = &around.spec {
        let covers = |wide: &IndexSpec| !spec.unique && spec.repeats(wide) && !wide.repeats(spec);
        all.extend(others().filter(|s| s.usable && s.spec.as_ref().is_some_and(covers)).map(|s| Remark::CoveredBy(s.index.clone())));
        all.extend(around.table.as_ref().and_then(|table| wide_key(spec, table)));
    }
    let same = |s: Option<&IndexSpec>| s.is_some() && s == around.spec.as_ref();
    all.extend(others().filter(|s| !s.usable && !s.building).map(|s| Remark::Leftover(s.index.clone(), same(s.spec.as_ref()))));
    if around.table.as_ref().is_some_and(|t| t.rows.is_none()) {
        all.push(Remark::NeverAnalyzed);
    }
    let limit = premises.temp_limit_bytes as f64;
    all.extend(around.cost.temp_bytes.filter(|need| limit >= 0.0 && *need > limit).map(|need| Remark::TempLimit(need, limit)));
    all
}

fn of_drop(around: &Surroundings, premises: &Premises) -> Vec<Remark> {
    let Some(definition) = around.relation.as_ref().and_then(|r| r.definition.as_ref()) else { return Vec::new() };
    let standbys = (definition.valid && premises.standbys > 0).then_some(Remark::CancelsOnStandbys(premises.standbys));
    let after = if definition.valid { Remark::ComesBack } else { Remark::StaysGone };
    std::iter::once(after).chain(standbys).collect()
}

/// The columns of a B-tree key whose length varies, where they are wide on average or large values of the table lie
/// out of line and can only be theirs.
fn wide_key(spec: &IndexSpec, table: &Table) -> Option<Remark> {
    if spec.method != "btree" {
        return None;
    }
    let names = spec.keys.iter().filter_map(|k| k.column_name()).chain(spec.include.iter().map(String::as_str));
    let columns: Vec<&Column> = names.filter_map(|name| table.column(name)).filter(|c| is_unbounded(c)).collect();
    let width: f64 = columns.iter().filter_map(|c| c.stats.as_ref()).map(|s| s.avg_width_bytes).sum();
    let all_unbounded = table.columns.iter().filter(|c| is_unbounded(c)).count();
    let out_of_line = table.toast_bytes > 0 && !columns.is_empty() && columns.len() == all_unbounded;
    (width > WIDE || out_of_line).then(|| Remark::WideKey(columns.iter().map(|c| c.name.clone()).collect(), width))
}

/// Text and the like, without a length that keeps it small enough.
fn is_unbounded(column: &Column) -> bool {
    let declared = column.type_name.split_once('(').and_then(|(_, rest)| rest.trim_end_matches(')').parse::<f64>().ok());
    // Four bytes a character at most.
    column.length == -1 && !column.type_name.starts_with("numeric") && declared.is_none_or(|n| 4.0 * n > LARGEST_KEY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::catalog::ColumnStats;
    use crate::model::ddl::CreateIndex;
    use crate::model::index_def::{KeySpec, TableName};
    use crate::model::preflight::{Cost, Sibling};

    fn spec(keys: &[&str]) -> IndexSpec {
        IndexSpec::btree(TableName::new("public", "t"), keys.iter().map(|k| KeySpec::column(*k)).collect())
    }

    fn sibling(name: &str, spec: IndexSpec, usable: bool) -> Sibling {
        Sibling { index: IndexName::new("public", name), spec: Some(spec), usable, building: false }
    }

    fn create(name: &str) -> Ddl {
        Ddl::Create(CreateIndex {
            name: name.into(),
            table: TableName::new("public", "t"),
            unique: false,
            body: "USING btree (a)".into(),
            tablespace: None,
            predicate: None,
        })
    }

    fn remarks_of(spec: IndexSpec, siblings: Vec<Sibling>) -> Vec<Remark> {
        remarks(&create("new"), &Surroundings { spec: Some(spec), siblings, ..Surroundings::default() }, &Premises::default())
    }

    #[test]
    fn a_wider_index_covers_only_with_the_same_rows_and_order() {
        let name = || IndexName::new("public", "ab");
        let partial = IndexSpec { predicate: Some("b > 0".into()), ..spec(&["a", "b"]) };
        let descending = IndexSpec { keys: vec![KeySpec { descending: true, ..KeySpec::column("a") }], ..spec(&[]) };
        let unique = IndexSpec { unique: true, ..spec(&["a"]) };
        assert_eq!(remarks_of(spec(&["a"]), vec![sibling("ab", spec(&["a", "b"]), true)]), [Remark::CoveredBy(name())]);
        for (wanted, there, usable) in [
            (spec(&["b"]), spec(&["a", "b"]), true),
            (spec(&["a"]), partial, true),
            (descending, spec(&["a", "b"]), true),
            (unique, spec(&["a", "b"]), true),
            (spec(&["a"]), spec(&["a"]), true),
        ] {
            assert_eq!(remarks_of(wanted, vec![sibling("ab", there, usable)]), []);
        }
        let broken = vec![sibling("ab", spec(&["a", "b"]), false), sibling("a", spec(&["a"]), false)];
        assert_eq!(
            remarks_of(spec(&["a"]), broken),
            [Remark::Leftover(name(), false), Remark::Leftover(IndexName::new("public", "a"), true)]
        );
        let building = Sibling { building: true, ..sibling("ab", spec(&["a"]), false) };
        assert_eq!(remarks_of(spec(&["a"]), vec![building, sibling("new", spec(&["a"]), false)]), [], "neither ours nor one under way");
    }

    #[test]
    fn wide_texts_are_told_and_short_ones_not() {
        let column = |name: &str, type_name: &str, width: f64| Column {
            name: name.into(),
            type_name: type_name.into(),
            length: -1,
            stats: Some(ColumnStats { avg_width_bytes: width, ..ColumnStats::default() }),
            ..Column::default()
        };
        let of = |columns: Vec<Column>, toast_bytes: u64| wide_key(&spec(&["a"]), &Table { columns, toast_bytes, ..Table::default() });
        assert_eq!(of(vec![column("a", "text", 900.0)], 0), Some(Remark::WideKey(vec!["a".into()], 900.0)));
        assert_eq!(of(vec![column("a", "text", 40.0)], 0), None);
        assert!(of(vec![column("a", "text", 40.0)], 8192).is_some(), "large values can only be its own");
        assert_eq!(of(vec![column("a", "text", 40.0), column("b", "jsonb", 40.0)], 8192), None);
        assert_eq!(of(vec![column("a", "character varying(40)", 30.0)], 8192), None);
        assert!(of(vec![column("a", "character varying(4000)", 700.0)], 0).is_some());
        let hash = IndexSpec { method: "hash".into(), ..spec(&["a"]) };
        assert_eq!(wide_key(&hash, &Table { columns: vec![column("a", "text", 900.0)], ..Table::default() }), None);
    }

    #[test]
    fn limits_and_missing_statistics_are_told() {
        let around = Surroundings {
            table: Some(Table { rows: None, ..Table::default() }),
            cost: Cost { temp_bytes: Some(2e9), ..Cost::default() },
            ..Surroundings::default()
        };
        let limited = Premises { temp_limit_bytes: 1_000_000_000, ..Premises::default() };
        assert_eq!(remarks(&create("i"), &around, &limited), [Remark::NeverAnalyzed, Remark::TempLimit(2e9, 1e9)]);
        let free = Premises { temp_limit_bytes: -1, ..limited };
        assert_eq!(remarks(&create("i"), &around, &free), [Remark::NeverAnalyzed]);
    }
}
