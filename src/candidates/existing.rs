//! Indexes that exist and may be dropped: members of the choice that are there at the start.
//!
//! Two kinds: what another index that stays can do as well, used or not; and what nobody has used for long enough.
//! What an advised wider index makes needless is no member: it may go only where that one is chosen.

use super::writes::Load;
use crate::model::candidate::Candidate;
use crate::model::catalog::{Catalog, Index};
use crate::model::ddl::IndexName;
use crate::model::query::Query;
use crate::model::snapshot::{Evidence, Snapshot};

/// From when on an index without a scan counts as unused.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Idle {
    /// Least age of the usage counters, seconds.
    pub seconds: f64,
    /// Least size, bytes.
    pub bytes: f64,
}

impl Default for Idle {
    /// Two weeks, 1 MB: as the rule `unused-index` has it.
    fn default() -> Self {
        Idle { seconds: 14.0 * 86_400.0, bytes: 1024.0 * 1024.0 }
    }
}

/// Existing indexes that may go, each with what dropping it gives back: its real size, and what writes pay for it.
/// Never one that something other than plans needs, nor the last by which a foreign key finds its rows.
pub fn droppable(snapshot: &Snapshot, idle: Idle) -> Vec<Candidate> {
    let catalog = &snapshot.catalog;
    let free: Vec<&Index> = catalog.indexes.iter().filter(|i| may_go(i, snapshot)).collect();
    let covered: Vec<&Index> = free.iter().filter(|i| cover(i, catalog).is_some()).copied().collect();
    let leaned_on = |i: &Index| covered.iter().any(|c| c.oid != i.oid && c.spec.repeats(&i.spec));
    let unused = free.iter().filter(|i| is_idle(i, snapshot, idle) && !leaned_on(i));
    let mut gone: Vec<&Index> = Vec::new();
    for index in covered.iter().chain(unused) {
        let known = gone.iter().any(|g| g.oid == index.oid);
        if !known && !leaves_key_bare(index, &gone, catalog) {
            gone.push(index);
        }
    }
    let load = Load::of(snapshot);
    gone.into_iter().map(|index| member(index, catalog, &load)).collect()
}

fn member(index: &Index, catalog: &Catalog, load: &Load) -> Candidate {
    let writes = catalog.table(&index.spec.table).map(|table| load.of_index(index, table)).unwrap_or_default();
    let existing = Some(IndexName::new(&index.spec.table.schema, &index.name));
    Candidate { size_bytes: Some(index.size_bytes as f64), writes, existing, ..Candidate::new(index.spec.clone()) }
}

/// True where nothing but plans can need it and it is old enough to be judged.
fn may_go(index: &Index, snapshot: &Snapshot) -> bool {
    let platform = snapshot.catalog.table(&index.spec.table).is_none_or(|t| t.platform);
    let usable = index.valid && index.ready && index.live && !index.building;
    usable && !platform && !index.partitioned && !index.is_load_bearing() && !snapshot.workload.iter().any(|q| creates(q, index))
}

/// True for the statement that made the index while the workload was recorded.
fn creates(query: &Query, index: &Index) -> bool {
    let mut words = query.text.split_whitespace();
    let is_create = words.next().is_some_and(|w| w.eq_ignore_ascii_case("create"));
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    is_create && words.take(6).any(|w| w.trim_matches(|c| !is_part(c)).eq_ignore_ascii_case(&index.name))
}

/// The index that can do all that this one does, and stays. Of two that can do each other's work the one with the smaller
/// name, unless only the other is needed or used.
pub fn cover<'c>(index: &Index, catalog: &'c Catalog) -> Option<&'c Index> {
    let worth = |i: &Index| (i.is_load_bearing(), i.scans as u64);
    let stays = |other: &&Index| {
        let better = (worth(other), std::cmp::Reverse(&other.name)) > (worth(index), std::cmp::Reverse(&index.name));
        other.oid != index.oid && index.spec.repeats(&other.spec) && (!other.spec.repeats(&index.spec) || better)
    };
    let usable = catalog.indexes_of(&index.spec.table).filter(|i| i.valid && i.ready && i.live).filter(stays);
    // The smallest that will do is what plans will use instead.
    let of_table: Vec<&Index> = usable.collect();
    let place = of_table.iter().min_by(|a, b| (a.size_bytes, &a.name).cmp(&(b.size_bytes, &b.name)))?;
    catalog.indexes.iter().find(|i| i.oid == place.oid)
}

fn is_idle(index: &Index, snapshot: &Snapshot, idle: Idle) -> bool {
    let old_enough = snapshot.usage_age_seconds.is_some_and(|s| s >= idle.seconds);
    let elsewhere = snapshot.gaps.iter().any(|g| g.evidence == Evidence::Standbys);
    index.scans == 0.0 && index.size_bytes as f64 >= idle.bytes && old_enough && !elsewhere
}

/// True where a foreign key of the table is looked up by this index and, without those that are `gone`, by no other.
pub fn leaves_key_bare(index: &Index, gone: &[&Index], catalog: &Catalog) -> bool {
    let stays = |other: &&Index| other.oid != index.oid && gone.iter().all(|g| g.oid != other.oid);
    let mut keys = catalog.foreign_keys.iter().filter(|key| key.child == index.spec.table && index.serves(key));
    keys.any(|key| !catalog.indexes_of(&key.child).filter(stays).any(|other| other.serves(key)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::catalog::{ForeignKey, Table};
    use crate::model::index_def::{IndexSpec, KeySpec, TableName};
    use crate::model::query::QuerySource;
    use crate::model::snapshot::Gap;

    const DAYS: f64 = 86_400.0;

    fn index(oid: u32, keys: &[&str], scans: f64) -> Index {
        let spec = IndexSpec::btree(TableName::new("public", "t"), keys.iter().map(|k| KeySpec::column(*k)).collect());
        Index {
            oid,
            name: format!("i{oid}"),
            spec,
            valid: true,
            ready: true,
            live: true,
            scans,
            size_bytes: 50_000_000,
            ..Index::default()
        }
    }

    fn snapshot(indexes: Vec<Index>) -> Snapshot {
        let table = Table { schema: "public".into(), name: "t".into(), rows: Some(1e6), ..Table::default() };
        let catalog = Catalog { tables: vec![table], indexes, ..Catalog::default() };
        Snapshot { catalog, usage_age_seconds: Some(30.0 * DAYS), ..Snapshot::default() }
    }

    fn names(snapshot: &Snapshot) -> Vec<String> {
        droppable(snapshot, Idle::default()).into_iter().filter_map(|c| Some(c.existing?.name)).collect()
    }

    #[test]
    fn a_used_index_may_go_only_where_another_does_its_work() {
        let mut s = snapshot(vec![index(1, &["a"], 9.0), index(2, &["a", "b"], 0.0), index(3, &["b"], 7.0), index(4, &["c"], 0.0)]);
        assert_eq!(names(&s), ["i1", "i4"], "i2 is unused, and yet i1 leans on it");
        s.catalog.indexes[1].valid = false;
        assert_eq!(names(&s), ["i4"], "an invalid one does nobody's work");
    }

    #[test]
    fn of_twins_one_stays() {
        assert_eq!(names(&snapshot(vec![index(1, &["a"], 0.0), index(2, &["a"], 0.0)])), ["i2"]);
        assert_eq!(names(&snapshot(vec![index(1, &["a"], 0.0), index(2, &["a"], 5.0)])), ["i1"]);
    }

    #[test]
    fn what_something_else_needs_stays() {
        let pins: [fn(&mut Index); 8] = [
            |i| i.primary = true,
            |i| i.spec.unique = true,
            |i| i.constraint = Some("k".into()),
            |i| i.replica_identity = true,
            |i| i.clustered = true,
            |i| i.needed_by_foreign_key = true,
            |i| i.partition = true,
            |i| i.partitioned = true,
        ];
        for (n, pin) in pins.iter().enumerate() {
            let mut s = snapshot(vec![index(1, &["a"], 0.0)]);
            assert_eq!(names(&s), ["i1"]);
            pin(&mut s.catalog.indexes[0]);
            assert_eq!(names(&s), Vec::<String>::new(), "pin {n}");
        }
    }

    #[test]
    fn a_foreign_key_keeps_one() {
        let mut s = snapshot(vec![index(1, &["a"], 0.0), index(2, &["a", "b"], 0.0)]);
        s.catalog.foreign_keys.push(ForeignKey {
            name: "fk".into(),
            child: TableName::new("public", "t"),
            child_columns: vec!["a".into()],
            parent: TableName::new("public", "p"),
            parent_columns: vec!["id".into()],
            on_delete: 'c',
        });
        assert_eq!(names(&s), ["i1"]);
        s.catalog.indexes.truncate(1);
        assert_eq!(names(&s), Vec::<String>::new());
    }

    #[test]
    fn unused_needs_time_and_every_node() {
        let old = snapshot(vec![index(1, &["a"], 0.0)]);
        let young = Snapshot { usage_age_seconds: Some(DAYS), ..old.clone() };
        assert_eq!(names(&young), Vec::<String>::new());
        let gap = Gap { evidence: Evidence::Standbys, reason: "two standbys".into(), fix_sql: None };
        assert_eq!(names(&Snapshot { gaps: vec![gap], ..old.clone() }), Vec::<String>::new());
        let made = Query::new(QuerySource::PgStatStatements, "CREATE INDEX CONCURRENTLY \"i1\" ON t (a)", &[]);
        assert_eq!(names(&Snapshot { workload: vec![made], ..old }), Vec::<String>::new(), "made while the workload was recorded");
    }
}
