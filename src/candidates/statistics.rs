//! Extended statistics where the planner multiplies shares of columns whose values hang together: by what
//! queries really returned, against what the planner expected of them.

use crate::model::catalog::{Catalog, Table, TableKind};
use crate::model::index_def::{KeyExpr, TableName};
use crate::model::plan::{Plan, PlanNode};
use crate::model::query::{Block, Condition, Op, Query, Rhs, Shape, StatementKind};
use crate::model::report::AdvisedStatistics;
use crate::model::restrictions::{Kind, Restrictions};
use crate::model::snapshot::Snapshot;
use crate::model::statistics_ddl::CreateStatistics;
use crate::model::text::{cut_bytes, one_line};
use crate::read::plan_shape;
use std::collections::BTreeMap;

/// An estimate is wrong from this factor on…
const WRONG: f64 = 10.0;
/// …and from as many rows.
const FEWEST_ROWS: f64 = 100.0;
/// CREATE STATISTICS takes eight columns; more than this hang together by accident.
const MOST_COLUMNS: usize = 4;
/// Statistics that miss this share of changed rows are wrong by themselves.
const STALE: f64 = 0.2;

/// What the planner counts wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Wrong {
    /// Rows that meet several equalities.
    Rows,
    /// Groups of several columns.
    Groups,
}

/// Columns of a table and how wrong they are estimated together.
#[derive(Debug, Clone, PartialEq)]
struct Case {
    table: TableName,
    columns: Vec<String>,
    wrong: Wrong,
    estimated: f64,
    actual: f64,
}

/// The worst case of its kind, and the queries that have it.
type Found = (Case, Vec<String>);

/// Statistics that mend estimates which were wrong; sorted by table and columns.
pub fn advise(snapshot: &Snapshot, allowed: &Restrictions) -> Vec<AdvisedStatistics> {
    if !allowed.allow_kind(Kind::Statistics) {
        return Vec::new();
    }
    let mut cases: BTreeMap<(TableName, Vec<String>, Wrong), Found> = BTreeMap::new();
    for query in &snapshot.workload {
        for case in cases_of(query, &snapshot.catalog).into_iter().filter(|c| may_have(c, &snapshot.catalog, allowed)) {
            let key = (case.table.clone(), case.columns.clone(), case.wrong);
            let (worst, queries) = cases.entry(key).or_insert_with(|| (case.clone(), Vec::new()));
            if factor(&case) > factor(worst) {
                *worst = case;
            }
            if !queries.contains(&query.fingerprint) {
                queries.push(query.fingerprint.clone());
            }
        }
    }
    let cases: Vec<Found> = cases.into_values().collect();
    // A wider set of the same kind serves the narrower one too.
    let wider = |a: &Case, b: &Case| {
        a.table == b.table && a.wrong == b.wrong && a.columns.len() < b.columns.len() && a.columns.iter().all(|c| b.columns.contains(c))
    };
    cases.iter().filter(|(case, _)| !cases.iter().any(|(other, _)| wider(case, other))).map(|(c, queries)| advice(c, queries)).collect()
}

fn factor(case: &Case) -> f64 {
    let (a, b) = (case.estimated.max(1.0), case.actual.max(1.0));
    (a / b).max(b / a)
}

fn is_wrong(estimated: f64, actual: f64) -> bool {
    let (a, b) = (estimated.max(1.0), actual.max(1.0));
    (a / b).max(b / a) >= WRONG && (estimated - actual).abs() >= FEWEST_ROWS
}

/// From plans that were run, and for plain queries of one table from what they return per call.
fn cases_of(query: &Query, catalog: &Catalog) -> Vec<Case> {
    let run = query.plans.iter().filter(|p| p.plan.root.actual.is_some());
    let mut all: Vec<Case> = run.flat_map(|p| of_plan(&p.plan, catalog)).collect();
    if all.is_empty() {
        all.extend(of_figures(query, catalog));
    }
    all
}

fn of_plan(plan: &Plan, catalog: &Catalog) -> Vec<Case> {
    // Under these a scan stops early, and fewer rows than expected say nothing.
    let stops =
        |n: &PlanNode| matches!(n.node_type.as_str(), "Limit" | "Merge Join") || matches!(n.join_type.as_deref(), Some("Semi" | "Anti"));
    let cut = plan.root.walk().any(stops);
    let nodes = plan.root.walk().filter_map(|node| of_scan(node, catalog).or_else(|| of_groups(node, catalog)));
    nodes.filter(|case| !cut || case.actual > case.estimated).collect()
}

/// A scan that ran by constants alone.
fn of_scan(node: &PlanNode, catalog: &Catalog) -> Option<Case> {
    node.relation.as_ref()?;
    let (estimated, actual) = (node.plan_rows?, node.actual.as_ref().filter(|a| a.loops > 0.0)?.rows);
    if !is_wrong(estimated, actual) {
        return None;
    }
    let alone = Plan { root: PlanNode { children: Vec::new(), ..node.clone() }, ..Plan::default() };
    let shape = plan_shape::shape(&alone, catalog)?;
    let [reference] = shape.tables.as_slice() else { return None };
    case(catalog.table(&reference.table)?, &reference.conditions, estimated, actual)
}

fn case(table: &Table, conditions: &[Condition], estimated: f64, actual: f64) -> Option<Case> {
    if conditions.iter().any(|c| matches!(c.rhs, Rhs::Column { .. } | Rhs::Subquery)) {
        return None;
    }
    let equal = conditions.iter().filter(|c| matches!(c.op, Op::Eq | Op::In | Op::IsNull));
    let columns = in_order(equal.filter_map(|c| if let KeyExpr::Column(name) = &c.key { Some(name.as_str()) } else { None }), table);
    is_set(&columns).then(|| Case { table: table.table_name(), columns, wrong: Wrong::Rows, estimated, actual })
}

/// `SELECT … FROM one_table WHERE …`: its rows are those of the scan.
fn of_figures(query: &Query, catalog: &Catalog) -> Option<Case> {
    let shape = query.shape().filter(|s| s.kind == StatementKind::Select)?;
    let ([block], [reference]) = (shape.blocks.as_slice(), shape.tables.as_slice()) else { return None };
    if !is_plain(block, shape) || !reference.or_arms.is_empty() {
        return None;
    }
    let actual = query.figures.as_ref().filter(|f| f.calls > 0.0)?.rows_per_call();
    let estimated = query.plan()?.root.plan_rows?;
    let wrong = is_wrong(estimated, actual);
    case(catalog.table(&reference.table)?, &reference.conditions, estimated, actual).filter(|_| wrong)
}

fn is_plain(block: &Block, shape: &Shape) -> bool {
    let cut = block.limit.is_some() || block.offset.is_some() || block.distinct || block.aggregate;
    !cut && !block.set_operation && !block.derived_tables && !block.subqueries && !shape.skip_locked
}

/// Groups of several columns of one table.
fn of_groups(node: &PlanNode, catalog: &Catalog) -> Option<Case> {
    if node.group_keys.len() < 2 {
        return None;
    }
    let (estimated, actual) = (node.plan_rows?, node.actual.as_ref().filter(|a| a.loops > 0.0)?.rows);
    let scans: Vec<&PlanNode> = node.walk().filter(|n| n.relation.is_some()).collect();
    let parts: Vec<(Option<&str>, String)> = node.group_keys.iter().filter_map(|key| split_key(key)).collect();
    if parts.len() < node.group_keys.len() || !is_wrong(estimated, actual) {
        return None;
    }
    let of_alias = |scan: &&&PlanNode| match parts[0].0 {
        Some(alias) => scan.alias.as_deref().or(scan.relation.as_deref()) == Some(alias),
        None => scans.len() == 1,
    };
    let scan = scans.iter().find(of_alias).filter(|_| parts.iter().all(|(alias, _)| *alias == parts[0].0))?;
    let named = |t: &&Table| Some(&t.name) == scan.relation.as_ref() && scan.schema.as_ref().is_none_or(|s| *s == t.schema);
    let mut tables = catalog.tables.iter().filter(named);
    let table = tables.next().filter(|_| tables.next().is_none())?;
    let columns = in_order(parts.iter().map(|(_, column)| column.as_str()), table);
    let all = columns.len() == parts.len() && is_set(&columns);
    all.then(|| Case { table: table.table_name(), columns, wrong: Wrong::Groups, estimated, actual })
}

/// `alias.column` or `column`; `None` for expressions.
fn split_key(key: &str) -> Option<(Option<&str>, String)> {
    let (alias, column) = key.split_once('.').map_or((None, key), |(alias, column)| (Some(alias.trim_matches('"')), column));
    let plain = column.trim_matches('"');
    let is_name = !plain.is_empty() && plain.chars().all(|c| c == '_' || c.is_alphanumeric());
    is_name.then(|| (alias, plain.to_owned()))
}

/// The columns that the table has, each once, in its order.
fn in_order<'a>(names: impl Iterator<Item = &'a str>, table: &Table) -> Vec<String> {
    let names: Vec<&str> = names.collect();
    table.columns.iter().filter(|c| names.contains(&c.name.as_str())).map(|c| c.name.clone()).collect()
}

fn is_set(columns: &[String]) -> bool {
    (2..=MOST_COLUMNS).contains(&columns.len())
}

/// True where such statistics can be made, are not there, and no simpler cause explains the error.
fn may_have(case: &Case, catalog: &Catalog, allowed: &Restrictions) -> bool {
    let Some(table) = catalog.table(&case.table) else { return false };
    let stored = matches!(table.kind, TableKind::Table | TableKind::Partitioned | TableKind::MaterializedView);
    let stale = table.usage.as_ref().zip(table.rows).is_some_and(|(u, rows)| u.modified_rows > STALE * rows);
    let of_platform = table.platform && !allowed.schemas.contains(&table.schema);
    let needed: &[char] = if case.wrong == Wrong::Rows { &['f', 'm'] } else { &['d'] };
    let exist = catalog
        .statistics_objects
        .iter()
        .filter(|s| s.table == case.table)
        .any(|s| case.columns.iter().all(|c| s.columns.contains(c)) && needed.iter().any(|kind| s.kinds.contains(*kind)));
    // A unique key among the columns: their values do not hang together, they are one row.
    let unique = catalog.indexes_of(&case.table).filter(|i| i.spec.unique && i.spec.predicate.is_none());
    let key = |i: &crate::model::catalog::Index| {
        i.spec.keys.iter().all(|k| k.column_name().is_some_and(|c| case.columns.iter().any(|own| own == c)))
    };
    let is_key = unique.into_iter().any(key);
    stored && !stale && !of_platform && !exist && !is_key && table.partition_of.is_none() && allowed.allow_table(&case.table)
}

fn advice(case: &Case, queries: &[String]) -> AdvisedStatistics {
    let (kinds, what): (&[&str], _) = match case.wrong {
        Wrong::Rows => (&["dependencies", "mcv"], "rows where they are compared with values"),
        Wrong::Groups => (&["ndistinct"], "groups by them"),
    };
    let create = CreateStatistics {
        schema: case.table.schema.clone(),
        name: name_of(case, &kinds.join(", ")),
        kinds: kinds.iter().map(|&kind| kind.to_owned()).collect(),
        columns: case.columns.clone(),
        table: case.table.clone(),
    };
    let said = case.columns.iter().map(|c| one_line(c)).collect::<Vec<_>>().join(", ");
    AdvisedStatistics {
        id: create.id(),
        schema: case.table.schema.clone(),
        table: case.table.name.clone(),
        ddl: create.sql(),
        then: create.analyze_sql(),
        undo: vec![create.drop_sql()],
        name: create.name,
        estimated_rows: case.estimated,
        actual_rows: case.actual,
        queries: queries.to_vec(),
        reason: format!(
            "values of {said} hang together: the planner takes them for independent and expects {:.0} {what}, there were {:.0}; \
             it has effect after ANALYZE",
            case.estimated, case.actual
        ),
    }
}

/// Table and columns, readable, with a hash so that a cut name stays unique.
fn name_of(case: &Case, kinds: &str) -> String {
    let readable: String = format!("{}_{}", case.table.name, case.columns.join("_")).to_lowercase();
    let plain: String = readable.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
    let hash = xxhash_rust::xxh3::xxh3_64(format!("{}{:?}{kinds}", case.table.quoted(), case.columns).as_bytes()) as u32;
    format!("{}_stat_{hash:08x}", cut_bytes(&plain, 63 - "_stat_".len() - 8).trim_end_matches('_'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::catalog::{Column, StatisticsObject};
    use crate::model::query::{Figures, PlanOrigin, QueryPlan, QuerySource};

    fn snapshot(sql: &str, plan: &str, rows_per_call: f64) -> Snapshot {
        let column = |(n, name): (usize, &&str)| Column { number: n as i16, name: (*name).into(), ..Column::default() };
        let columns = ["id", "city", "zip", "state"].iter().enumerate().map(column).collect();
        let table = Table { schema: "public".into(), name: "people".into(), rows: Some(1e6), columns, ..Table::default() };
        let catalog = Catalog { tables: vec![table], ..Catalog::default() };
        let plan = crate::read::explain::read(plan).plans.remove(0);
        let query = Query {
            fingerprint: "q".into(),
            reading: crate::read::sql::read(sql, &catalog, &["public".to_owned()]),
            figures: Some(Figures { calls: 10.0, rows: 10.0 * rows_per_call, ..Figures::default() }),
            plans: vec![QueryPlan { origin: PlanOrigin::Custom, plan }],
            ..Query::new(QuerySource::PgStatStatements, sql, &[])
        };
        Snapshot { catalog, workload: vec![query], ..Snapshot::default() }
    }

    fn ddl(snapshot: &Snapshot) -> Vec<String> {
        let all = advise(snapshot, &Restrictions::default());
        all.iter().map(|a| a.ddl.split_once(" (").map(|(_, rest)| format!("({rest}")).unwrap_or_default()).collect()
    }

    const PLANNED: &str = "Seq Scan on people  (cost=0.00..9.00 rows=4 width=8)\n  Filter: ((city = 'x'::text) AND (zip = 1))\n";
    const RUN: &str = "Seq Scan on public.people  (cost=0.00..9.00 rows=4 width=8) (actual time=0.1..9.0 rows=5000 loops=1)
  Filter: ((city = 'x'::text) AND (zip = 1))
  Rows Removed by Filter: 900000
";
    const GROUPED: &str = "HashAggregate  (cost=0.00..9.00 rows=200000 width=8) (actual time=0.1..9.0 rows=300 loops=1)
  Group Key: city, state
  ->  Seq Scan on people  (cost=0.00..9.00 rows=1000000 width=8) (actual time=0.1..9.0 rows=1000000 loops=1)
";
    const SQL: &str = "select id from people where city = $1 and zip = $2";

    #[test]
    fn equalities_that_hang_together_by_a_plan_and_by_figures() {
        let wanted = ["(dependencies, mcv) ON \"city\", \"zip\" FROM \"public\".\"people\""];
        assert_eq!(ddl(&snapshot(SQL, RUN, 0.0)), wanted);
        assert_eq!(ddl(&snapshot(SQL, PLANNED, 5000.0)), wanted);
        assert_eq!(ddl(&snapshot(SQL, PLANNED, 30.0)), [""; 0], "too few rows to matter");
        assert_eq!(ddl(&snapshot("select id from people where city = $1 and zip = $2 limit 9000", PLANNED, 5000.0)), [""; 0]);
        assert_eq!(ddl(&snapshot("select id from people where city = $1", PLANNED, 5000.0)), [""; 0], "one column is no combination");
    }

    #[test]
    fn groups_want_distinct_counts() {
        let found = ddl(&snapshot("select city, state, count(*) from people group by city, state", GROUPED, 300.0));
        assert_eq!(found, ["(ndistinct) ON \"city\", \"state\" FROM \"public\".\"people\""]);
    }

    #[test]
    fn none_where_they_exist() {
        let mut snapshot = snapshot(SQL, RUN, 0.0);
        snapshot.catalog.statistics_objects.push(StatisticsObject {
            table: TableName::new("public", "people"),
            columns: vec!["city".into(), "zip".into(), "state".into()],
            kinds: "f".into(),
            ..StatisticsObject::default()
        });
        assert_eq!(ddl(&snapshot), [""; 0]);
        snapshot.catalog.statistics_objects[0].kinds = "d".into();
        assert_eq!(ddl(&snapshot).len(), 1);
    }
}
