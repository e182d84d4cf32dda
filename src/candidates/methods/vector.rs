//! HNSW and IVFFlat of pgvector, for the nearest neighbours of a vector. The clone cannot load the
//! extension's library, HypoPG does not know its methods: such advice rests on what is known of them.

use super::classes;
use super::spec;
use crate::candidates::size;
use crate::model::catalog::{Catalog, Table};
use crate::model::index_def::{IndexSpec, KeyExpr, KeySpec};
use crate::model::query::{Amount, Search, Shape};

/// Fewer vectors are compared one by one in a few milliseconds.
const FEWEST_ROWS: f64 = 10_000.0;
/// Most dimensions that the methods take, of `vector` and of `halfvec`.
const MOST_DIMENSIONS: f64 = 2000.0;
const MOST_HALF_DIMENSIONS: f64 = 4000.0;
/// From here on a graph wants more neighbours than pgvector's default to find what it should.
const MANY_ROWS: f64 = 1e6;
/// Answers that hnsw.ef_search looks for unless told otherwise.
const EF_SEARCH: f64 = 40.0;

/// An index and what has to be known about it.
pub struct Offer {
    /// Its definition.
    pub spec: IndexSpec,
    /// Build memory and settings of the queries, in a sentence or two.
    pub advice: String,
}

/// One index per vector that the query sorts by.
pub fn offers(shape: &Shape, table_ref: usize, table: &Table, catalog: &Catalog) -> Vec<Offer> {
    let rows = table.rows.unwrap_or(0.0);
    let block = shape.tables.get(table_ref).and_then(|t| shape.blocks.get(t.block));
    let Some(limit) = block.and_then(|b| b.limit) else { return Vec::new() };
    let here = shape.searches.iter().filter(|s| s.table_ref == table_ref && s.orders && rows >= FEWEST_ROWS);
    here.filter_map(|search| offer(search, limit, !shape.tables[table_ref].conditions.is_empty(), table, catalog)).collect()
}

fn offer(search: &Search, limit: Amount, filtered: bool, table: &Table, catalog: &Catalog) -> Option<Offer> {
    let KeyExpr::Column(name) = &search.key else { return None };
    let column = table.column(name)?;
    let most = if column.type_name.contains("halfvec") { MOST_HALF_DIMENSIONS } else { MOST_DIMENSIONS };
    // A column without its dimensions cannot have such an index.
    size::vector::dimensions(&column.type_name).filter(|n| *n <= most)?;
    let found = classes::on(catalog, &["hnsw", "ivfflat"], &column.type_name, &column.category);
    let serves = |method: &str| found.iter().find(|c| c.method == method && c.orders.contains(&search.operator));
    let class = serves("hnsw").or_else(|| serves("ivfflat"))?;
    let rows = table.rows.unwrap_or(0.0);
    let key = KeySpec { opclass: (!class.default).then(|| class.sql.clone()), ..KeySpec::column(name.as_str()) };
    let (with, settings) = if class.method == "hnsw" { graph(rows, limit) } else { lists(rows) };
    let spec = IndexSpec { with, ..spec(table, &class.method, vec![key]) };
    let memory = size::bytes(&spec, table).map(|bytes| megabytes(if class.method == "hnsw" { bytes } else { bytes / 10.0 }));
    let memory = memory.map(|mb| format!("build it with maintenance_work_mem of at least {mb} MB; ")).unwrap_or_default();
    let filter = if filtered { "; rows are filtered after the search: with a choosy filter look for more" } else { "" };
    Some(Offer { spec, advice: format!("{memory}{settings}{filter}") })
}

/// HNSW: neighbours per vector, and how many are looked at while building.
fn graph(rows: f64, limit: Amount) -> (Vec<(String, String)>, String) {
    let (m, ef) = if rows > MANY_ROWS { (24, 128) } else { (16, 64) };
    let with = vec![("m".to_owned(), m.to_string()), ("ef_construction".to_owned(), ef.to_string())];
    let asked = match limit {
        Amount::Literal(n) if n > EF_SEARCH => format!("set hnsw.ef_search to {n:.0} or more, or a query gets fewer rows than its limit"),
        _ => "hnsw.ef_search (40 by default) raises recall at the price of time, and must not be below the limit".to_owned(),
    };
    (with, format!("answers are approximate: {asked}"))
}

/// IVFFlat: a list per thousand rows up to a million, beyond the square root, as pgvector recommends.
fn lists(rows: f64) -> (Vec<(String, String)>, String) {
    let lists = if rows > MANY_ROWS { rows.sqrt() } else { (rows / 1000.0).max(1.0) }.round();
    let probes = lists.sqrt().ceil();
    (
        vec![("lists".to_owned(), format!("{lists:.0}"))],
        format!("answers are approximate: set ivfflat.probes to about {probes:.0}, and build it once the rows are there"),
    )
}

fn megabytes(bytes: f64) -> u64 {
    ((bytes / 1e6).ceil() as u64).max(64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::catalog::{Column, ColumnStats, OperatorClass};
    use crate::model::query::Reading;

    fn found(sql: &str, rows: f64, methods: &[&str]) -> Vec<(String, String)> {
        let class = |method: &&str| OperatorClass {
            schema: "public".into(),
            name: "vector_cosine_ops".into(),
            method: (*method).into(),
            type_name: "vector".into(),
            orders: vec!["<=>".into()],
            ..OperatorClass::default()
        };
        let stats = ColumnStats { avg_width_bytes: 18.0, ..ColumnStats::default() };
        let column =
            Column { name: "v".into(), type_name: "vector(768)".into(), category: "U".into(), stats: Some(stats), ..Column::default() };
        let table = Table { schema: "public".into(), name: "items".into(), rows: Some(rows), columns: vec![column], ..Table::default() };
        let catalog = Catalog { tables: vec![table], operator_classes: methods.iter().map(class).collect(), ..Catalog::default() };
        let Reading::Understood(shape) = crate::read::sql::read(sql, &catalog, &["public".to_owned()]) else { panic!("{sql}") };
        offers(&shape, 0, &catalog.tables[0], &catalog).into_iter().map(|o| (o.spec.tail_sql(), o.advice)).collect()
    }

    #[test]
    fn parameters_by_rows_and_what_the_queries_need() {
        let sql = "select * from items order by v <=> $1 limit 100";
        let graph = found(sql, 50_000.0, &["hnsw", "ivfflat"]);
        assert_eq!(graph[0].0, " USING hnsw (\"v\" public.vector_cosine_ops) WITH (\"m\" = '16', \"ef_construction\" = '64')");
        // Two vectors of three kilobytes on a page.
        assert!(graph[0].1.contains("at least 205 MB") && graph[0].1.contains("ef_search to 100"), "{}", graph[0].1);
        let lists = found(sql, 4e6, &["ivfflat"]);
        assert_eq!(lists[0].0, " USING ivfflat (\"v\" public.vector_cosine_ops) WITH (\"lists\" = '2000')");
        assert!(lists[0].1.contains("probes to about 45"));
    }

    #[test]
    fn no_offer_without_limit_class_or_rows() {
        let sql = "select * from items order by v <=> $1 limit 10";
        assert!(found("select * from items order by v <=> $1", 5e4, &["hnsw"]).is_empty());
        assert!(found("select * from items order by v <-> $1 limit 10", 5e4, &["hnsw"]).is_empty());
        assert!(found(sql, 5e3, &["hnsw"]).is_empty() && found(sql, 5e4, &[]).is_empty() && found(sql, 5e4, &["hnsw"]).len() == 1);
    }
}
