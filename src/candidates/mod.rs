//! Candidates from the roles of each table reference (pure). Every useful order of the columns is
//! offered; which of them deserve to exist is the planner's and the selector's business.

pub mod btree;
pub mod existing;
pub mod methods;
pub mod size;
pub mod statistics;
pub mod writes;

use crate::model::candidate::{Candidate, QueryId};
use crate::model::catalog::{Catalog, Index, Table, TableKind};
use crate::model::index_def::{IndexSpec, KeyExpr, TableName};
use crate::model::query::Shape;
use crate::model::report::Rejected;
use crate::model::restrictions::Restrictions;
use crate::model::snapshot::Snapshot;
use crate::read::predicate;
use btree::merge::{Offered, merged};
use btree::taste::{Taste, is_bold};
use std::collections::{BTreeMap, BTreeSet};
use writes::Load;

/// Tables below this many rows are read as fast without an index…
pub const FEWEST_ROWS: f64 = 1000.0;
/// …unless they are spread over more bytes than this: wide rows, or room that deleted ones left.
const FEWEST_BYTES: u64 = 1 << 20;

/// Candidates of a workload, and what was refused before any trial.
#[derive(Debug, Default)]
pub struct Candidates {
    /// To be tried.
    pub list: Vec<Candidate>,
    /// Refused at once, with the reason.
    pub rejected: Vec<Rejected>,
    /// Advice that no engine can try.
    pub assumed: Vec<Assumed>,
}

/// An index that nobody can try before it is built.
#[derive(Debug, Clone, PartialEq)]
pub struct Assumed {
    /// The index.
    pub candidate: Candidate,
    /// Why it is advised and what it needs, in a sentence.
    pub reason: String,
}

/// One query to find candidates for.
pub struct Wanted<'a> {
    /// Its number among the planned queries.
    pub id: QueryId,
    /// Its shape: read from the SQL or from its plan.
    pub shape: &'a Shape,
}

/// Finds the candidates that the user allows.
pub fn find(snapshot: &Snapshot, wanted: &[Wanted], allowed: &Restrictions) -> Candidates {
    let (catalog, load) = (&snapshot.catalog, Load::of(snapshot));
    let taste = Taste::of(catalog, allowed.prefixes_of_unique);
    let mut specs: BTreeMap<IndexSpec, (usize, BTreeSet<QueryId>)> = BTreeMap::new();
    let mut refused: BTreeMap<TableName, (String, (&str, String))> = BTreeMap::new();
    let mut assumed: BTreeMap<IndexSpec, (String, BTreeSet<QueryId>)> = BTreeMap::new();
    for query in wanted {
        for (number, reference) in query.shape.tables.iter().enumerate() {
            let Some(table) = catalog.table(&reference.table).filter(|t| allowed.allow_table(&t.table_name())) else { continue };
            for offer in methods::vector::offers(query.shape, number, table, catalog) {
                assumed.entry(offer.spec).or_insert_with(|| (offer.advice, BTreeSet::new())).1.insert(query.id);
            }
            let mut offers = btree::offers(query.shape, number, table, &taste);
            offers.extend(methods::offers(query.shape, number, table, catalog));
            let Some(first) = offers.iter().find(|spec| allowed.allow(spec)) else { continue };
            if let Some(reason) = why_not(table, &allowed.schemas) {
                refused.entry(table.table_name()).or_insert_with(|| (first.create_sql(&first.safe_name(), true), reason));
                continue;
            }
            for spec in offers {
                let place = specs.len();
                specs.entry(spec).or_insert_with(|| (place, BTreeSet::new())).1.insert(query.id);
            }
        }
    }
    let mut specs: Vec<_> = specs.into_iter().collect();
    // In the order of offering: of two orders of the same keys the chooser prefers the first.
    specs.sort_by_key(|(_, (place, _))| *place);
    let mut specs: Vec<Offered> = specs.into_iter().map(|(spec, (_, from_queries))| (spec, from_queries)).collect();
    specs.extend(merged(&specs, &taste));
    specs.retain(|(spec, _)| allowed.allow(spec) && !exists(&taste, spec, allowed));
    let list = priced(catalog, &load, specs);
    let rejected = refused.into_values().map(|(ddl, (code, reason))| Rejected { ddl, reason_code: code.into(), reason });
    assumed.retain(|spec, _| allowed.allow(spec) && !exists(&taste, spec, allowed) && may_have(catalog, spec, allowed));
    let assumed = assumed.into_iter().map(|(spec, (advice, from_queries))| Assumed {
        reason: format!(
            "not tried: {} is of an extension whose library the trial server lacks; {} {} by the distance that it serves; {advice}",
            spec.method,
            from_queries.len(),
            if from_queries.len() == 1 { "query sorts" } else { "queries sort" }
        ),
        candidate: candidate(catalog, &load, spec, from_queries),
    });
    let assumed = assumed.collect();
    Candidates { list, rejected: rejected.collect(), assumed }
}

/// Candidates in their order. Sizes take their time where there are many, so every core works on a part.
fn priced(catalog: &Catalog, load: &Load, offered: Vec<Offered>) -> Vec<Candidate> {
    const WORTH_A_THREAD: usize = 200;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let part = offered.len().div_ceil(cores).max(WORTH_A_THREAD);
    let price = |part: &[Offered]| -> Vec<Candidate> {
        part.iter().map(|(spec, from_queries)| candidate(catalog, load, spec.clone(), from_queries.clone())).collect()
    };
    std::thread::scope(|scope| {
        let parts: Vec<_> = offered.chunks(part).map(|part| (part, scope.spawn(|| price(part)))).collect();
        // A thread that panicked has no result: its part is done again here, where the panic is seen.
        parts.into_iter().flat_map(|(part, thread)| thread.join().unwrap_or_else(|_| price(part))).collect()
    })
}

fn may_have(catalog: &Catalog, spec: &IndexSpec, allowed: &Restrictions) -> bool {
    catalog.table(&spec.table).is_some_and(|table| why_not(table, &allowed.schemas).is_none())
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
        Some(rows) if rows < FEWEST_ROWS && table.size_bytes < FEWEST_BYTES && table.kind != TableKind::Partitioned => {
            Some(("too_small", format!("the table has only {rows} rows: too small for an index to pay")))
        }
        None => Some(("not_analyzed", "the table was never analyzed: its size is not known; run ANALYZE".into())),
        _ => None,
    }
}

/// True where a valid index has these keys in front already.
fn exists(taste: &Taste, spec: &IndexSpec, allowed: &Restrictions) -> bool {
    let wider = |i: &Index| allowed.prefixes_of_unique && i.spec.unique && i.spec.keys.len() > spec.keys.len();
    taste.indexes_of(&spec.table).any(|i| i.valid && i.ready && !wider(i) && repeats(spec, &i.spec))
}

/// True when `other` can do all that `spec` can over the same rows, in whatever words: the server has its own for expressions and
/// predicates.
pub fn repeats(spec: &IndexSpec, other: &IndexSpec) -> bool {
    predicate::same(spec.predicate.as_deref(), other.predicate.as_deref()) && bare(spec).is_covered_by(&bare(other))
}

/// Without its predicate, expressions in one wording.
fn bare(spec: &IndexSpec) -> IndexSpec {
    let mut bare = IndexSpec { predicate: None, ..spec.clone() };
    for key in &mut bare.keys {
        if let KeyExpr::Expression(sql) = &mut key.expr {
            *sql = predicate::canonical(sql);
        }
    }
    bare
}

/// A candidate with its size and what writes pay for it.
pub fn candidate(catalog: &Catalog, load: &Load, spec: IndexSpec, from_queries: BTreeSet<QueryId>) -> Candidate {
    let table = catalog.table(&spec.table);
    let size_bytes = table.and_then(|t| size::bytes(&spec, t));
    let assumed_bytes = table.filter(|_| size_bytes.is_none()).and_then(|t| size::assumed(&spec, t));
    let writes = table.map(|t| load.of_candidate(&spec, t, size_bytes, 0.0)).unwrap_or_default();
    let hot = table.map(|t| load.hot(&spec, t)).unwrap_or_default();
    let gin = catalog.table(&spec.table).filter(|_| spec.method == "gin").and_then(|t| size::gin::counters(&spec, t));
    let bold = spec.predicate.as_deref().is_some_and(|p| table.is_some_and(|t| is_bold(p, t)));
    Candidate { size_bytes, assumed_bytes, writes, hot, from_queries, gin, bold, ..Candidate::new(spec) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::catalog::{Column, ColumnStats};
    use crate::model::index_def::KeySpec;
    use crate::model::query::Reading;

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
        let snapshot = Snapshot { catalog: catalog.clone(), ..Snapshot::default() };
        find(&snapshot, &[Wanted { id: 0, shape: &shape }], &Restrictions::default())
    }

    fn tails(found: &Candidates) -> Vec<String> {
        found.list.iter().map(|c| c.spec.tail_sql()).collect()
    }

    #[test]
    fn equality_by_selectivity_then_order() {
        let found = tails(&run("select * from posts where kind = 1 and user_id = 2 order by created_at desc limit 20", &catalog()));
        assert!(found.contains(&" USING btree (\"user_id\", \"kind\", \"created_at\")".to_owned()), "{found:?}");
        assert!(found.contains(&" USING btree (\"user_id\", \"created_at\")".to_owned()));
        assert!(found.contains(&" USING btree (\"created_at\")".to_owned()));
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
    fn the_servers_words_are_ours() {
        let spec = |columns: &[&str], predicate: &str| IndexSpec {
            predicate: Some(predicate.into()),
            ..IndexSpec::btree(TableName::new("s", "t"), columns.iter().map(|c| KeySpec::column(*c)).collect())
        };
        let (here, ours) = (spec(&["due"], "(state = 'open'::text)"), spec(&["due", "id"], "\"state\" = 'open'"));
        assert!(repeats(&here, &ours) && !repeats(&ours, &here));
        assert!(!repeats(&here, &spec(&["due"], "\"state\" = 'paid'")));
    }

    fn existing(spec: IndexSpec) -> Index {
        Index { oid: 1, name: "i".into(), spec, valid: true, ready: true, live: true, ..Index::default() }
    }
}
