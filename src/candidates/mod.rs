//! Candidates from the roles of each table reference (pure). Every useful order of the columns is
//! offered; which of them deserve to exist is the planner's and the selector's business.

mod roles;
pub mod size;

use crate::model::candidate::{Candidate, QueryId};
use crate::model::catalog::{Catalog, Table, TableKind};
use crate::model::index_def::{IndexSpec, KeySpec, TableName};
use crate::model::query::{Query, Shape, StatementKind};
use crate::model::report::Rejected;
use roles::{Predicate, Roles};
use std::collections::{BTreeMap, BTreeSet};

/// Tables below this many rows are read as fast without an index.
pub const FEWEST_ROWS: f64 = 1000.0;

/// Most key columns of a candidate.
const MOST_KEYS: usize = 5;

/// Candidates of a workload, and what was refused before any trial.
#[derive(Debug, Default)]
pub struct Candidates {
    /// To be tried.
    pub list: Vec<Candidate>,
    /// Refused at once, with the reason.
    pub rejected: Vec<Rejected>,
}

/// One query to find candidates for.
pub struct Wanted<'a> {
    /// Its number among the planned queries.
    pub id: QueryId,
    /// Its shape: read from the SQL or from its plan.
    pub shape: &'a Shape,
}

/// Finds the candidates. `named` are schemas to advise although they belong to a platform.
pub fn find(catalog: &Catalog, workload: &[Query], wanted: &[Wanted], named: &[String]) -> Candidates {
    let mut specs: BTreeMap<IndexSpec, (usize, BTreeSet<QueryId>)> = BTreeMap::new();
    let mut refused: BTreeMap<TableName, (String, (&str, String))> = BTreeMap::new();
    for query in wanted {
        for (number, reference) in query.shape.tables.iter().enumerate() {
            let Some(table) = catalog.table(&reference.table) else { continue };
            let roles = roles::roles(query.shape, number, table);
            let lists = heads(&roles);
            if lists.is_empty() {
                continue;
            }
            if let Some(reason) = why_not(table, named) {
                refused.entry(table.table_name()).or_insert_with(|| (first_ddl(table, &lists), reason));
                continue;
            }
            let whole = lists.into_iter().map(|keys| IndexSpec::btree(table.table_name(), keys));
            for spec in whole.chain(partial(&roles, table)) {
                let place = specs.len();
                specs.entry(spec).or_insert_with(|| (place, BTreeSet::new())).1.insert(query.id);
            }
        }
    }
    let mut specs: Vec<_> = specs.into_iter().filter(|(spec, _)| !exists(catalog, spec)).collect();
    // In the order of offering: of two orders of the same keys the chooser prefers the first.
    specs.sort_by_key(|(_, (place, _))| *place);
    let list = specs.into_iter().map(|(spec, (_, from_queries))| candidate(catalog, workload, spec, from_queries));
    let rejected = refused.into_values().map(|(ddl, (code, reason))| Rejected { ddl, reason_code: code.into(), reason });
    Candidates { list: list.collect(), rejected: rejected.collect() }
}

/// Why a table gets no candidates, as code and words; `None` where it does.
fn why_not(table: &Table, named: &[String]) -> Option<(&'static str, String)> {
    match table.kind {
        TableKind::View => return Some(("not_indexable", "a view cannot have an index".into())),
        TableKind::Foreign => return Some(("not_indexable", "a foreign table cannot have an index".into())),
        _ => {}
    }
    if table.platform && !named.contains(&table.schema) {
        let schema = crate::model::text::one_line(&table.schema);
        return Some(("platform", format!("schema {schema} belongs to a platform or extension; name it with --schema to get advice")));
    }
    match table.rows {
        Some(rows) if rows < FEWEST_ROWS && table.kind != TableKind::Partitioned => {
            Some(("too_small", format!("the table has only {rows} rows: too small for an index to pay")))
        }
        None => Some(("not_analyzed", "the table was never analyzed: its size is not known; run ANALYZE".into())),
        _ => None,
    }
}

fn first_ddl(table: &Table, lists: &[Vec<KeySpec>]) -> String {
    let spec = IndexSpec::btree(table.table_name(), lists.first().cloned().unwrap_or_default());
    spec.create_sql(&spec.safe_name(), true)
}

/// True where a valid index has these keys in front already.
fn exists(catalog: &Catalog, spec: &IndexSpec) -> bool {
    catalog.indexes_of(&spec.table).any(|i| i.valid && i.ready && spec.repeats(&i.spec))
}

fn candidate(catalog: &Catalog, workload: &[Query], spec: IndexSpec, from_queries: BTreeSet<QueryId>) -> Candidate {
    let size_bytes = catalog.table(&spec.table).and_then(|t| size::btree_size_bytes(&spec, t));
    Candidate { size_bytes, written_rows: written_rows(workload, &spec, catalog.indexes_of(&spec.table).count()), from_queries, spec }
}

/// Index entries that the workload writes because of this index: one per inserted or deleted row; per
/// row whose UPDATE assigns one of its columns one here and, the HOT update being lost, one in each
/// of the table's `others` indexes.
fn written_rows(workload: &[Query], spec: &IndexSpec, others: usize) -> f64 {
    let entries = |q: &Query| {
        let rows = q.figures.as_ref().map_or(q.weight, |f| f.rows);
        let shape = q.shape()?;
        let target = shape.tables.iter().find(|t| t.written && t.table == spec.table)?;
        match shape.kind {
            StatementKind::Update if !assigns(&target.assigned, spec) => None,
            StatementKind::Update => Some(rows * (1 + others) as f64),
            _ => Some(rows),
        }
    };
    // An empty sum of floats is -0.0.
    workload.iter().filter_map(entries).sum::<f64>() + 0.0
}

fn assigns(assigned: &[String], spec: &IndexSpec) -> bool {
    let in_text = |c: &String, text: &str| text.contains(c.as_str());
    assigned.iter().any(|c| {
        spec.include.contains(c)
            || spec.predicate.as_deref().is_some_and(|p| in_text(c, p))
            || spec.keys.iter().any(|k| match &k.expr {
                crate::model::index_def::KeyExpr::Column(name) => name == c,
                crate::model::index_def::KeyExpr::Expression(sql) => in_text(c, sql),
            })
    })
}

/// The same keys over the few rows that meet a predicate, its column left out of them.
fn partial(roles: &Roles, table: &Table) -> Vec<IndexSpec> {
    let one = |predicate: &Predicate| {
        let others = |keys: &[KeySpec]| keys.iter().filter(|k| k.column_name() != Some(&predicate.column)).cloned().collect();
        let rest = Roles {
            equal: others(&roles.equal),
            range: others(&roles.range),
            join: others(&roles.join),
            order: roles.order.clone(),
            ..Roles::default()
        };
        let sql = predicate.sql.clone();
        heads(&rest).into_iter().map(move |keys| IndexSpec { predicate: Some(sql.clone()), ..IndexSpec::btree(table.table_name(), keys) })
    };
    roles.partial.iter().flat_map(one).collect()
}

/// The key lists worth trying for one reference, without repetitions, at most [`MOST_KEYS`] wide.
fn heads(roles: &Roles) -> Vec<Vec<KeySpec>> {
    let Roles { equal, range, join, order, group, arms, partial: _ } = roles;
    let mut out = Heads::default();
    let singles = equal.iter().chain(range).chain(join);
    singles.clone().for_each(|k| out.add([std::slice::from_ref(k)]));
    for a in equal.iter().chain(join) {
        for b in singles.clone() {
            out.add([std::slice::from_ref(a), std::slice::from_ref(b)]);
        }
    }
    out.add([equal]);
    for j in join {
        let j = std::slice::from_ref(j);
        out.add([j, equal]);
        out.add([equal, j]);
        out.add([j, order]);
        for r in range {
            out.add([j, equal, std::slice::from_ref(r)]);
        }
    }
    range.iter().for_each(|r| out.add([equal, std::slice::from_ref(r)]));
    for tail in [order, group] {
        out.add([tail]);
        out.add([equal, tail]);
        equal.iter().for_each(|e| out.add([std::slice::from_ref(e), tail]));
        join.iter().for_each(|j| out.add([std::slice::from_ref(j), equal, tail]));
    }
    arms.iter().for_each(|arm| out.add([arm]));
    out.lists
}

#[derive(Default)]
struct Heads {
    lists: Vec<Vec<KeySpec>>,
}

impl Heads {
    /// Adds the parts one behind the other; a column that came before is not repeated.
    fn add<'a>(&mut self, parts: impl IntoIterator<Item = &'a (impl AsRef<[KeySpec]> + ?Sized + 'a)>) {
        let mut keys: Vec<KeySpec> = Vec::new();
        for key in parts.into_iter().flat_map(|p| p.as_ref()) {
            if keys.iter().all(|k| k.expr != key.expr) {
                keys.push(key.clone());
            }
        }
        keys.truncate(MOST_KEYS);
        if !keys.is_empty() && !self.lists.contains(&keys) {
            self.lists.push(keys);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::catalog::{Column, ColumnStats, Index};
    use crate::model::query::{Figures, QuerySource, Reading};

    fn catalog() -> Catalog {
        let column = |n: i16, name: &str, distinct: f64| Column {
            number: n,
            name: name.into(),
            type_name: "bigint".into(),
            category: "N".into(),
            stats: Some(ColumnStats { n_distinct: distinct, avg_width_bytes: 8.0, ..ColumnStats::default() }),
            ..Column::default()
        };
        let table = |name: &str, rows: f64| Table {
            schema: "public".into(),
            name: name.into(),
            rows: Some(rows),
            columns: vec![column(1, "id", -1.0), column(2, "user_id", 500.0), column(3, "kind", 3.0), column(4, "created_at", -0.9)],
            ..Table::default()
        };
        Catalog { tables: vec![table("posts", 1e6), table("tiny", 20.0)], ..Catalog::default() }
    }

    fn run(sql: &str, catalog: &Catalog) -> Candidates {
        let Reading::Understood(shape) = crate::read::sql::read(sql, catalog, &["public".to_owned()]) else { panic!("{sql}") };
        find(catalog, &[], &[Wanted { id: 0, shape: &shape }], &[])
    }

    fn tails(found: &Candidates) -> Vec<String> {
        found.list.iter().map(|c| c.spec.tail_sql()).collect()
    }

    #[test]
    fn equality_by_selectivity_then_order() {
        let found = tails(&run("select * from posts where kind = 1 and user_id = 2 order by created_at desc limit 20", &catalog()));
        assert!(found.contains(&" USING btree (\"user_id\", \"kind\", \"created_at\" DESC)".to_owned()), "{found:?}");
        assert!(found.contains(&" USING btree (\"user_id\", \"created_at\" DESC)".to_owned()));
        assert!(found.contains(&" USING btree (\"created_at\" DESC)".to_owned()));
    }

    #[test]
    fn tiny_tables_are_refused_by_name_and_existing_indexes_not_repeated() {
        let mut catalog = catalog();
        let found = run("select * from tiny where user_id = 1", &catalog);
        assert!(found.list.is_empty());
        assert_eq!(found.rejected[0].reason_code, "too_small");
        let spec = IndexSpec::btree(TableName::new("public", "posts"), vec![KeySpec::column("user_id"), KeySpec::column("kind")]);
        catalog.indexes.push(existing(spec));
        let found = tails(&run("select * from posts where user_id = 1", &catalog));
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn writes_count_only_where_they_touch_the_index() {
        let catalog = catalog();
        let query = |sql: &str| Query {
            figures: Some(Figures { calls: 10.0, rows: 100.0, ..Figures::default() }),
            weight: 10.0,
            reading: crate::read::sql::read(sql, &catalog, &["public".to_owned()]),
            ..Query::new(QuerySource::File, sql, &[])
        };
        let workload = [query("insert into posts values (1)"), query("update posts set kind = 2 where id = 1")];
        let on = |c: &str| written_rows(&workload, &IndexSpec::btree(TableName::new("public", "posts"), vec![KeySpec::column(c)]), 2);
        assert_eq!((on("kind"), on("user_id")), (400.0, 100.0));
    }

    fn existing(spec: IndexSpec) -> Index {
        Index { oid: 1, name: "i".into(), spec, valid: true, ready: true, live: true, ..Index::default() }
    }
}
