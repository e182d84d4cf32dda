//! The cases of each kind of comparison, and the executions made of them.

use super::*;
use crate::model::catalog::Index;
use crate::model::index_def::{IndexSpec, KeySpec};
use crate::model::plan::{Plan, PlanNode};
use crate::model::query::Reading;

fn texts(v: &[&str]) -> Vec<String> {
    v.iter().map(|s| (*s).to_owned()).collect()
}

fn column(name: &str, category: &str, common: &[(&str, f64)], histogram: Vec<String>, n_distinct: f64) -> Column {
    let stats = ColumnStats {
        common_values: common.iter().map(|(v, _)| (*v).to_owned()).collect(),
        common_freqs: common.iter().map(|(_, f)| *f).collect(),
        histogram,
        n_distinct,
        ..ColumnStats::default()
    };
    Column { name: name.into(), category: category.into(), stats: Some(stats), ..Column::default() }
}

fn catalog() -> Catalog {
    let hundred: Vec<String> = (0..=100).map(|n| n.to_string()).collect();
    let days: Vec<String> = (0..=100).map(|n| format!("2024-{:02}-{:02}", 1 + n / 28, 1 + n % 28)).collect();
    let mut nullable = column("parent", "N", &[], hundred.clone(), -0.5);
    nullable.stats.as_mut().unwrap().null_frac = 0.4;
    let table = Table {
        schema: "public".into(),
        name: "t".into(),
        rows: Some(10_000.0),
        columns: vec![
            column("status", "S", &[("done", 0.9), ("new", 0.09), ("bad", 0.01)], vec![], 3.0),
            column("tenant", "N", &[("7", 0.3), ("8", 0.01)], hundred.clone(), 1000.0),
            column("id", "N", &[], hundred, -1.0),
            column("at", "D", &[], days, -1.0),
            column("kind", "N", &[("3", 0.5), ("1", 0.5)], vec![], 2.0),
            column("name", "S", &[], texts(&["adam", "bertha_b", "caesar"]), -1.0),
            column("day", "D", &[("2024-02-01", 0.5), ("2024-01-01", 0.5)], vec![], 2.0),
            column("partial", "N", &[("5", 0.6)], vec![], 40.0),
            nullable,
        ],
        ..Table::default()
    };
    Catalog { tables: vec![table], ..Catalog::default() }
}

fn kinds(types: &[&str]) -> Vec<ParameterType> {
    let kind = |t: &&str| ParameterType { name: t.trim_start_matches('_').into(), array: t.starts_with('_'), labels: vec![] };
    types.iter().map(kind).collect()
}

fn sample_in(catalog: &Catalog, sql: &str, types: &[&str]) -> Vec<Binding> {
    let Reading::Understood(shape) = crate::read::sql::read(sql, catalog, &["public".to_owned()]) else { panic!("{sql}") };
    let bindings = bindings(Some(&shape), catalog, &kinds(types)).unwrap_or_default();
    let weights: f64 = bindings.iter().map(|b| b.weight).sum();
    assert!(bindings.is_empty() || (weights - 1.0).abs() < 1e-9, "{sql}: {weights}");
    assert!(bindings.len() <= spread::MOST_BINDINGS && bindings.iter().all(|b| b.weight > 0.0), "{bindings:?}");
    bindings
}

fn sample(sql: &str, types: &[&str]) -> Vec<Binding> {
    sample_in(&catalog(), sql, types)
}

/// `values` of each execution, NULL as `NULL`, with its label.
fn shown(bindings: &[Binding]) -> Vec<(String, &str)> {
    let values = |b: &Binding| b.values.iter().map(|v| v.clone().unwrap_or("NULL".into())).collect::<Vec<_>>().join(" ");
    bindings.iter().map(|b| (values(b), b.label.as_str())).collect()
}

#[test]
fn the_typical_execution_comes_first() {
    let all = sample("select 1 from t where status = $1 and id = $2 and at > $3 limit $4", &["text", "int8", "date", "int8"]);
    assert_eq!(shown(&all)[0].0, "done 50 2024-04-12 20");
    assert_eq!(sample("select 1 from t where status ilike $1", &["text"])[0].values, [Some("%done%".to_owned())]);
}

#[test]
fn a_skewed_list_has_its_most_common_and_its_rare_value() {
    let all = sample("select 1 from t where status = $1", &["text"]);
    assert_eq!(shown(&all), [("done".to_owned(), "the most common value of t.status"), ("bad".to_owned(), "a rare value of t.status")]);
    // Half by rows, half by values: 0.45 + 1/6 for the first; the second stands for the other two.
    assert!((all[0].weight - (0.45 + 1.0 / 6.0)).abs() < 1e-9, "{all:?}");
    assert_eq!(all[0].most_common_of, [(TableName::new("public", "t"), "status".to_owned())]);
    assert!(all[1].most_common_of.is_empty());
}

#[test]
fn values_outside_the_list_come_from_the_histogram_or_are_absent() {
    let tenants = sample("select 1 from t where tenant = $1", &["int8"]);
    assert_eq!(
        shown(&tenants),
        [
            ("50".to_owned(), "a typical value of t.tenant"),
            ("7".to_owned(), "the most common value of t.tenant"),
            ("8".to_owned(), "a fairly common value of t.tenant")
        ]
    );
    assert!((0.15..0.16).contains(&tenants[1].weight), "{tenants:?}");
    assert_eq!(shown(&sample("select 1 from t where partial = $1", &["int8"]))[1].0, "6", "no row is known to have it");
    assert_eq!(sample("select 1 from t where kind = $1", &["int8"]).len(), 1, "equally frequent values want the same plan");
    assert_eq!(shown(&sample("select 1 from t where id = $1", &["int8"])), [("50".to_owned(), "every value")]);
}

#[test]
fn times_are_asked_for_at_the_recent_end_and_sometimes_long_ago() {
    let all = sample("select 1 from t where at >= $1", &["date"]);
    assert_eq!(shown(&all), [("2024-04-12".to_owned(), "the recent end of t.at"), ("2024-01-06".to_owned(), "the old end of t.at")]);
    assert_eq!(all[0].weight, 0.8);
    let ages = sample("select 1 from t where at > now() - $1::interval", &["interval"]);
    assert_eq!(shown(&ages).iter().map(|(v, _)| v.as_str()).collect::<Vec<_>>(), ["1 day", "1 year"]);
}

#[test]
fn ranges_are_never_empty_and_rows_keep_one_place() {
    let at = |sql: &str, types: &[&str]| shown(&sample(sql, types)).into_iter().map(|(v, _)| v).collect::<Vec<_>>();
    let recent = ["2024-04-12 2024-04-17", "2024-01-06 2024-04-17"];
    assert_eq!(at("select 1 from t where at >= $1 and at < $2", &["date", "date"]), recent);
    assert_eq!(at("select 1 from t where at between $1 and $2", &["date", "date"]), recent);
    assert_eq!(at("select 1 from t where at < $1 and $2 <= at", &["date", "date"])[0], "2024-04-17 2024-04-12");
    assert_eq!(at("select 1 from t where day > $1 and day < $2", &["date", "date"]), ["2024-01-01 2024-02-01"]);
    assert_eq!(at("select 1 from t where kind > $1 and kind < $2", &["int8", "int8"]), ["1 3"]);
    assert_eq!(at("select 1 from t where id > $1 and id < $2", &["int8", "int8"]), ["50 55", "25 75"]);
    let pages = at("select 1 from t where (at, id) < ($1, $2) order by at desc, id desc", &["date", "int8"]);
    assert_eq!(pages, ["2024-04-12 95", "2024-01-06 5"], "both columns at one place");
}

#[test]
fn patterns_have_two_forms_and_an_index_makes_the_prefix_usual() {
    let forms = |catalog: &Catalog| {
        let all = sample_in(catalog, "select 1 from t where name like $1", &["text"]);
        assert!(all[1].other_form && !all[0].other_form);
        shown(&all).into_iter().map(|(v, _)| v).collect::<Vec<_>>()
    };
    let mut catalog = catalog();
    assert_eq!(forms(&catalog), ["%ertha%", "berth%"]);
    let key = KeySpec { opclass: Some("text_pattern_ops".into()), ..KeySpec::column("name") };
    let spec = IndexSpec::btree(TableName::new("public", "t"), vec![key]);
    catalog.indexes.push(Index { name: "i".into(), spec, ..Index::default() });
    assert_eq!(forms(&catalog), ["berth%", "%ertha%"]);
}

#[test]
fn null_is_given_only_where_it_is_meant() {
    let optional = sample("select 1 from t where ($1::int8 is null or id = $1)", &["int8"]);
    assert_eq!(shown(&optional)[1], ("NULL".to_owned(), "t.id left open"));
    let same = sample("select 1 from t where parent is not distinct from $1", &["int8"]);
    assert_eq!(shown(&same)[1], ("NULL".to_owned(), "rows without a value of t.parent"));
    assert!((0.2..0.21).contains(&same[1].weight), "half of the rows' share: {same:?}");
    assert_eq!(sample("select 1 from t where id is not distinct from $1", &["int8"]).len(), 1, "no row has NULL there");
    assert!(sample("select 1 from t where parent = $1", &["int8"]).iter().all(|b| b.values[0].is_some()));
}

#[test]
fn lists_and_limits_are_short_and_long() {
    let lists = sample("select 1 from t where id = any($1)", &["_int8"]);
    assert_eq!(lists[0].values[0].as_deref(), Some("{\"0\",\"10\",\"20\",\"30\",\"40\",\"50\",\"60\",\"70\",\"80\",\"90\"}"));
    let lengths: Vec<usize> = lists.iter().map(|b| b.values[0].as_deref().unwrap_or("").split(',').count()).collect();
    assert_eq!((lengths[0], lengths.iter().max(), lengths.iter().min()), (10, Some(&100), Some(&1)));
    let limits = sample("select 1 from t order by id limit $1 offset $2", &["int8", "int8"]);
    assert_eq!(shown(&limits).into_iter().map(|(v, _)| v).collect::<Vec<_>>(), ["20 100", "1000 100"]);
    let members = sample("select 1 from t where id in ($1, $2, $3)", &["int8", "int8", "int8"]);
    assert_eq!(shown(&members), [("0 33 66".to_owned(), "every value")]);
}

#[test]
fn a_value_of_another_kind_is_not_taken_from_the_column() {
    let all = sample("select 1 from t where length(name) = $1 and status <> $2", &["int4", "text"]);
    assert_eq!(shown(&all), [("1 done".to_owned(), "every value")]);
}

#[test]
fn the_knobs_that_decide_most_are_turned_one_at_a_time() {
    let sql = "select 1 from t where status = $1 and tenant = $2 and at > $3 and id = any($4) order by id limit $5";
    let types = ["text", "int8", "date", "_int8", "int8"];
    let all = sample(sql, &types);
    assert_eq!(all.len(), 5);
    for other in &all[1..] {
        let changed = all[0].values.iter().zip(&other.values).filter(|(a, b)| a != b).count();
        assert_eq!(changed, 1, "{other:?}");
    }
    let labels: Vec<&str> = all.iter().map(|b| b.label.as_str()).collect();
    assert_eq!(labels[0], "typical values");
    assert_eq!(
        labels[1..].iter().map(|l| l.rsplit(' ').next().unwrap_or("")).collect::<Vec<_>>(),
        ["t.tenant", "t.status", "LIMIT", "t.at"],
        "{labels:?}"
    );
    assert_eq!(all, sample(sql, &types), "the same again");
}

#[test]
fn a_type_nobody_knows_leaves_only_the_generic_plan() {
    assert_eq!(bindings(None, &catalog(), &kinds(&["geometry"])), None);
    assert!(sample("select $1", &["geometry"]).is_empty());
    assert_eq!(bindings(None, &catalog(), &[]).map(|b| b.len()), Some(1), "no parameters: one execution");
}

#[test]
fn labels_hold_no_values() {
    let sql = "select 1 from t where status = $1 and tenant = $2 and at > $3 and name like $4";
    for binding in sample(sql, &["text", "int8", "date", "text"]) {
        for value in ["done", "bad", "50", "7", "2024", "berth"] {
            assert!(!binding.label.contains(value), "{}", binding.label);
        }
    }
}

fn scan(rows: f64, cost: f64) -> Plan {
    let root = PlanNode { node_type: "Seq Scan".into(), plan_rows: Some(rows), total_cost: Some(cost), ..PlanNode::default() };
    Plan { root, ..Plan::default() }
}

#[test]
fn executions_that_are_planned_alike_are_one() {
    let binding = |weight: f64, other_form: bool| Binding { weight, other_form, ..Binding::default() };
    let four = vec![binding(0.4, false), binding(0.3, false), binding(0.2, true), binding(0.1, false)];
    let weights = |plans: &[Plan]| merge_equal(four.clone(), plans).iter().map(|b| b.weight).collect::<Vec<_>>();
    let same = scan(50.0, 10_000.0);
    assert_eq!(weights(&[same.clone(), scan(60.0, 10_000.0), same.clone(), scan(50.0, 10_090.0)]), [0.4 + 0.3 + 0.1, 0.2]);
    assert_eq!(weights(&[same.clone(), scan(9000.0, 10_000.0), same.clone(), scan(9050.0, 10_000.0)]), [0.4, 0.3 + 0.1, 0.2]);
    assert_eq!(weights(&[same.clone(), scan(50.0, 11_000.0), same.clone(), same.clone()]), [0.4 + 0.1, 0.3, 0.2]);
    assert_eq!(weights(&[same]).len(), 4, "no plan each: nothing is known");
}

#[test]
fn of_many_texts_the_most_frequent_are_planned_and_the_others_count_to_the_nearest() {
    let texts: Vec<Binding> = [0.1, 0.05, 0.2, 0.25, 0.3, 0.06, 0.04]
        .into_iter()
        .enumerate()
        .map(|(text, weight)| Binding { text, weight, ..Binding::default() })
        .collect();
    let costs = [10_000.0, 95.0, 5.0, 100.0, 1_000.0, 9_000.0, 20_000.0];
    let plans: Vec<Plan> = costs.iter().map(|cost| scan(*cost, *cost)).collect();
    let kept: Vec<(usize, f64)> = merge_equal(texts, &plans).iter().map(|b| (b.text, (b.weight * 100.0).round())).collect();
    // 95 is nearest to 100, 20,000 to 10,000; the first stays first.
    assert_eq!(kept, [(0, 14.0), (4, 30.0), (3, 30.0), (2, 20.0), (5, 6.0)]);
}
