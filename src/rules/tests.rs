//! Rules on hand-built snapshots: what no server shows on demand.

use super::*;
use crate::model::catalog::{Column, ColumnStats, ForeignKey, Index, Table, TableUsage};
use crate::model::index_def::{IndexSpec, KeySpec, TableName};
use crate::model::report::Severity;
use crate::model::snapshot::{SessionActivity, Snapshot};

fn table(schema: &str, name: &str) -> Table {
    Table { schema: schema.into(), name: name.into(), rows: Some(50_000.0), usage: Some(TableUsage::default()), ..Table::default() }
}

fn index(oid: u32, table: &TableName, name: &str, columns: &[&str]) -> Index {
    let spec = IndexSpec::btree(table.clone(), columns.iter().map(|c| KeySpec::column(*c)).collect());
    Index { oid, name: name.into(), spec, valid: true, ready: true, live: true, size_bytes: 5 << 20, owner: "o".into(), ..Index::default() }
}

fn snapshot(schema: &str, indexes: &[(&str, &[&str])]) -> Snapshot {
    let mut snapshot = Snapshot { usage_age_seconds: Some(30.0 * 86_400.0), standbys_visible: true, ..Snapshot::default() };
    let name = TableName::new(schema, "t");
    snapshot.catalog.tables.push(table(schema, "t"));
    snapshot.catalog.indexes = (1..).zip(indexes).map(|(oid, (index_name, columns))| index(oid, &name, index_name, columns)).collect();
    snapshot
}

fn found(snapshot: &Snapshot) -> Vec<String> {
    let judgement = judge(snapshot, &Thresholds::default());
    judgement.findings.iter().map(|f| format!("{} {}", f.rule, f.subject.index.clone().unwrap_or_default())).collect()
}

fn gap_of(evidence: Evidence) -> Gap {
    Gap { evidence, reason: "because".into(), fix_sql: Some("grant x".into()) }
}

#[test]
fn names_are_unique_and_every_threshold_has_a_meaning() {
    for rule in RULES {
        assert_eq!(RULES.iter().filter(|r| r.name == rule.name).count(), 1, "{}", rule.name);
        assert!(rule.doc.starts_with(&format!("# {}\n", rule.name)), "{}: title of the page", rule.name);
        assert!(rule.doc.contains("\n## Why it matters\n") && rule.doc.contains("\n## How to fix it\n"), "{}", rule.name);
        assert!(rule.doc.contains("\n## When it is wrong\n"), "{}", rule.name);
        assert!(!rule.needs.is_empty() && rule.thresholds.iter().all(|t| t.default >= 0.0 && !t.meaning.is_empty()), "{}", rule.name);
        assert!(find(rule.name).is_ok_and(|r| r.page().contains("## A case that fires")));
    }
    assert_eq!(find("n-plus-on").err().map(|f| f.hints), Some(vec!["did you mean `n-plus-one`?".to_owned()]));
}

#[test]
fn an_unused_index_is_judged_on_old_counters_of_all_nodes_only() {
    let old = snapshot("public", &[("idle", &["a"])]);
    assert_eq!(found(&old), ["unused-index idle"]);

    let young = Snapshot { usage_age_seconds: Some(3600.0), ..old.clone() };
    let judgement = judge(&young, &Thresholds::default());
    assert!(judgement.findings.is_empty());
    assert!(judgement.not_judged.iter().any(|n| n.rule == "unused-index" && n.reason.contains("days are wanted")), "{judgement:?}");
    let any_age = Thresholds::parse(&["unused-index.min_stats_age_days=0".to_owned()]).unwrap();
    assert_eq!(judge(&young, &any_age).findings.len(), 1);

    let replicated = Snapshot { gaps: vec![gap_of(Evidence::Standbys)], ..old };
    let judgement = judge(&replicated, &Thresholds::default());
    assert!(judgement.findings.is_empty());
    assert_eq!(
        judgement.not_judged.iter().map(|n| (n.rule.as_str(), n.reason.as_str())).collect::<Vec<_>>(),
        [("unused-index", "because")]
    );
}

#[test]
fn counters_that_arrive_after_analyze_are_no_stale_statistics() {
    let column = Column { name: "a".into(), stats: Some(ColumnStats::default()), ..Column::default() };
    let mut loaded = snapshot("public", &[]);
    let table = &mut loaded.catalog.tables[0];
    table.columns.push(column);
    // Loaded, vacuumed and analyzed by one session: live rows count twice.
    let usage = TableUsage {
        inserted_rows: 50_000.0,
        modified_rows: 50_000.0,
        live_rows: 100_000.0,
        analyzed_seconds_ago: Some(1.0),
        ..TableUsage::default()
    };
    table.usage = Some(usage.clone());
    assert_eq!(found(&loaded), [] as [&str; 0]);
    // As many again were inserted since.
    loaded.catalog.tables[0].usage = Some(TableUsage { inserted_rows: 100_000.0, ..usage.clone() });
    assert_eq!(found(&loaded), ["stale-statistics "]);
    // Every row was updated since.
    loaded.catalog.tables[0].usage = Some(TableUsage { updated_rows: 50_000.0, live_rows: 50_000.0, ..usage });
    assert_eq!(found(&loaded), ["stale-statistics "]);
}

#[test]
fn the_last_index_of_a_foreign_key_is_not_called_unused() {
    let mut guarded = snapshot("public", &[("idle", &["a"])]);
    let child = TableName::new("public", "t");
    let key = ForeignKey {
        name: "fk".into(),
        child: child.clone(),
        child_columns: vec!["a".into()],
        parent: TableName::new("public", "p"),
        parent_columns: vec!["id".into()],
        on_delete: 'a',
    };
    guarded.catalog.foreign_keys.push(key);
    assert_eq!(found(&guarded), [] as [&str; 0]);
    // With a second one, wide and in use, the idle one may go.
    let mut wide = index(2, &child, "wide", &["a", "b"]);
    wide.scans = 9.0;
    guarded.catalog.indexes.push(wide);
    assert!(found(&guarded).contains(&"unused-index idle".to_owned()), "{:?}", found(&guarded));
}

#[test]
fn platform_tables_are_read_and_not_advised() {
    let mut theirs = snapshot("auth", &[("one", &["a"]), ("two", &["a"]), ("wide", &["a", "b"])]);
    assert!(!found(&theirs).is_empty());
    theirs.catalog.tables[0].platform = true;
    assert_eq!(found(&theirs), [] as [&str; 0]);
}

#[test]
fn of_duplicates_the_needed_one_is_kept_and_of_three_one() {
    let mut three = snapshot("public", &[("a1", &["a"]), ("a2", &["a"]), ("a3", &["a"])]);
    for index in &mut three.catalog.indexes {
        index.scans = 5.0;
    }
    three.catalog.indexes[2].constraint = Some("a3".into());
    three.catalog.indexes[2].spec.unique = true;
    assert_eq!(found(&three), ["duplicate-index a1", "duplicate-index a2"]);
    // A unique index may go only where the kept one is unique as well.
    three.catalog.indexes[0].spec.unique = true;
    three.catalog.indexes[2].spec.unique = false;
    assert_eq!(found(&three), ["duplicate-index a2"]);
}

#[test]
fn a_build_in_progress_is_not_an_invalid_index() {
    let mut one = snapshot("public", &[("half", &["a"])]);
    one.catalog.indexes[0].valid = false;
    assert_eq!(found(&one), ["invalid-index half"]);
    one.catalog.indexes[0].building = true;
    assert_eq!(found(&one), [] as [&str; 0]);
}

#[test]
fn missing_evidence_is_named_with_its_cure_and_never_clean() {
    let blind = Snapshot { gaps: vec![gap_of(Evidence::Workload), gap_of(Evidence::Sessions)], ..Snapshot::default() };
    let judgement = judge(&blind, &Thresholds::default());
    for rule in ["full-scan", "n-plus-one", "slow-query", "sort-spill", "idle-in-transaction"] {
        let told = judgement.not_judged.iter().find(|n| n.rule == rule);
        assert_eq!(told.and_then(|n| n.fix_sql.as_deref()), Some("grant x"), "{rule}");
    }
    assert!(!judgement.not_judged.iter().any(|n| n.rule == "duplicate-index"));
}

#[test]
fn idle_sessions_are_one_finding_with_the_longest_in_front() {
    let session = |pid, seconds| SessionActivity {
        pid,
        role: Some("app\u{1b}[2J".into()),
        state: Some("idle in transaction".into()),
        state_seconds: Some(seconds),
        holds_snapshot: pid == 1,
        ..SessionActivity::default()
    };
    let snapshot = Snapshot { sessions: vec![session(1, 90.0), session(2, 700.0), session(3, 5.0)], ..Snapshot::default() };
    let judgement = judge(&snapshot, &Thresholds::default());
    let [finding] = judgement.findings.as_slice() else { panic!("{judgement:?}") };
    assert_eq!((finding.severity, &finding.evidence["sessions"]), (Severity::Error, &Value::Number(2.0)));
    assert_eq!(finding.evidence["pid"], Value::Number(2.0));
    assert!(!finding.message.contains('\u{1b}'), "{}", finding.message);
}

#[test]
fn the_worst_comes_first_whatever_the_order_of_the_catalog() {
    let mut snapshot = snapshot("public", &[("b", &["a"]), ("a", &["a"]), ("c", &["c"])]);
    snapshot.catalog.indexes[2].valid = false;
    snapshot.catalog.indexes[2].spec.unique = true;
    let forward = judge(&snapshot, &Thresholds::default());
    snapshot.catalog.indexes.reverse();
    assert_eq!(judge(&snapshot, &Thresholds::default()), forward);
    assert_eq!(forward.findings[0].rule, "invalid-index");
    assert!(forward.findings.is_sorted_by(|a, b| a.severity >= b.severity));
}

/// A snapshot whose one query has this plan over table `t` of 100 000 rows.
fn planned(plan: crate::model::plan::PlanNode) -> Snapshot {
    let mut snapshot = snapshot("public", &[]);
    snapshot.catalog.tables[0].rows = Some(100_000.0);
    snapshot.catalog.tables[0].usage = None;
    let plan = crate::model::plan::Plan { root: plan, ..Default::default() };
    snapshot.workload.push(crate::model::query::Query {
        plans: vec![crate::model::query::QueryPlan { origin: crate::model::query::PlanOrigin::Given, plan }],
        normalized: "select $1".into(),
        fingerprint: "f".into(),
        ..crate::model::query::Query::new(crate::model::query::QuerySource::Plan, "select 1", &[])
    });
    snapshot
}

fn node(node_type: &str, rows: f64, children: Vec<crate::model::plan::PlanNode>) -> crate::model::plan::PlanNode {
    let mut node = crate::model::plan::PlanNode { node_type: node_type.into(), plan_rows: Some(rows), children, ..Default::default() };
    if node_type == "Seq Scan" {
        node.relation = Some("t".into());
        node.conditions.insert("Filter".into(), "(a = 'a secret value')".into());
    }
    node
}

#[test]
fn a_scan_that_keeps_little_is_found_and_the_filter_s_values_stay_out() {
    let snapshot = planned(node("Sort", 100.0, vec![node("Seq Scan", 100.0, vec![])]));
    let judgement = judge(&snapshot, &Thresholds::default());
    let [finding] = judgement.findings.as_slice() else { panic!("{judgement:?}") };
    assert_eq!((finding.rule.as_str(), &finding.evidence["rows_read"]), ("full-scan", &Value::Number(100_000.0)));
    assert_eq!(finding.subject.table.as_deref(), Some("t"));
    assert!(!format!("{finding:?}").contains("secret"));
    // 10 % of the rows is not a needle.
    assert_eq!(found(&planned(node("Seq Scan", 10_000.0, vec![]))), [] as [&str; 0]);
}

#[test]
fn a_limit_stops_a_scan_early_unless_something_reads_all_first() {
    let scan = || node("Seq Scan", 4_000.0, vec![]);
    assert_eq!(found(&planned(node("Limit", 10.0, vec![scan()]))), [] as [&str; 0], "250 rows are read");
    assert_eq!(found(&planned(node("Limit", 10.0, vec![node("Sort", 4_000.0, vec![scan()])]))), ["full-scan "]);
}

#[test]
fn a_parallel_scan_s_estimate_is_one_worker_s() {
    let scan = |rows| crate::model::plan::PlanNode { parallel_aware: true, ..node("Seq Scan", rows, vec![]) };
    let gather = |rows| crate::model::plan::PlanNode { workers_planned: Some(2.0), ..node("Gather", rows * 2.4, vec![scan(rows)]) };
    assert_eq!(found(&planned(gather(2_000.0))), ["full-scan "], "4 800 of 100 000");
    assert_eq!(found(&planned(gather(2_200.0))), [] as [&str; 0], "5 280 of 100 000");
}

#[test]
fn a_measured_scan_counts_what_it_removed() {
    let mut scan = node("Seq Scan", 1.0, vec![]);
    scan.actual = Some(crate::model::plan::Actual { rows: 5.0, loops: 3.0, ..Default::default() });
    scan.rows_removed_by_filter = Some(20_000.0);
    let judgement = judge(&planned(scan), &Thresholds::default());
    assert_eq!(judgement.findings[0].evidence["rows_read"], Value::Number(60_015.0));
    assert_eq!(judgement.findings[0].confidence, crate::model::report::Confidence::Confirmed);
}

#[test]
fn a_load_and_its_analyze_in_one_session_is_not_stale() {
    let mut loaded = snapshot("public", &[]);
    let table = &mut loaded.catalog.tables[0];
    let stats = Some(crate::model::catalog::ColumnStats::default());
    table.columns.push(crate::model::catalog::Column { name: "a".into(), stats, ..Default::default() });
    table.usage = Some(TableUsage {
        inserted_rows: 50_000.0,
        live_rows: 50_000.0,
        modified_rows: 50_000.0,
        analyzed_seconds_ago: Some(5.0),
        ..TableUsage::default()
    });
    assert_eq!(found(&loaded), [] as [&str; 0]);
    // As many again since: ANALYZE saw half of them.
    let usage = loaded.catalog.tables[0].usage.as_mut().unwrap();
    (usage.inserted_rows, usage.live_rows) = (100_000.0, 100_000.0);
    assert_eq!(found(&loaded), ["stale-statistics "]);
}
