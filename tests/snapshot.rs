//! A snapshot written as JSON and read again is the same snapshot, whatever names and numbers are in it.

use advisor::model::catalog::{
    Catalog, Column, ColumnStats, Extension, ForeignKey, Index, OperatorClass, StatisticsObject, Table, TableKind, TableUsage,
};
use advisor::model::index_def::{IndexSpec, KeyExpr, KeySpec, TableName};
use advisor::model::query::{Figures, PlanOrigin, Query, QueryPlan, QuerySource};
use advisor::model::snapshot::{Evidence, Gap, Problem, SNAPSHOT_VERSION, Server, SessionActivity, Snapshot, Window};
use proptest::prelude::*;

/// Parts that a snapshot is put together from.
#[derive(Debug, Clone)]
struct Parts {
    names: Vec<String>,
    numbers: Vec<f64>,
    flag: bool,
}

impl Parts {
    fn name(&self, n: usize) -> String {
        self.names[n % self.names.len()].clone()
    }

    fn number(&self, n: usize) -> f64 {
        self.numbers[n % self.numbers.len()]
    }

    fn maybe<T>(&self, value: T) -> Option<T> {
        self.flag.then_some(value)
    }

    fn table_name(&self, n: usize) -> TableName {
        TableName::new(self.name(n), self.name(n + 1))
    }
}

fn parts() -> impl Strategy<Value = Parts> {
    let name = prop_oneof![Just("E\"x\n; drop table t; --".to_owned()), any::<String>(), "[a-z]{1,8}"];
    let number = prop_oneof![Just(0.0), Just(-0.0), Just(f64::MIN_POSITIVE), Just(f64::MAX), prop::num::f64::NORMAL];
    (prop::collection::vec(name, 1..6), prop::collection::vec(number, 1..9), any::<bool>()).prop_map(|(names, numbers, flag)| Parts {
        names,
        numbers,
        flag,
    })
}

fn table(p: &Parts) -> Table {
    let stats = ColumnStats {
        null_frac: p.number(0),
        avg_width_bytes: p.number(1),
        n_distinct: p.number(2),
        correlation: p.maybe(p.number(3)),
        common_values: p.names.clone(),
        common_freqs: p.numbers.clone(),
        histogram: p.names.clone(),
        element_freqs: p.numbers.clone(),
        elements_per_row: p.maybe(p.number(0)),
    };
    let column = Column {
        number: 1,
        name: p.name(0),
        type_name: p.name(1),
        category: p.name(2),
        not_null: p.flag,
        length: -1,
        alignment: Some('i'),
        ambiguous: p.flag,
        sorts_by_bytes: p.flag,
        stats: p.maybe(stats),
    };
    let usage =
        TableUsage { seq_scans: p.number(0), dead_rows: p.number(4), analyzed_seconds_ago: p.maybe(p.number(5)), ..TableUsage::default() };
    Table {
        oid: 7,
        schema: p.name(0),
        name: p.name(1),
        kind: if p.flag { TableKind::Partitioned } else { TableKind::MaterializedView },
        owner: p.name(2),
        rows: p.maybe(p.number(1)),
        size_bytes: u64::MAX,
        columns: vec![column],
        usage: p.maybe(usage),
        partition_of: p.maybe(p.table_name(2)),
        ..Table::default()
    }
}

fn index(p: &Parts) -> Index {
    let expression = KeySpec { expr: KeyExpr::Expression(p.name(1)), opclass: p.maybe(p.name(2)), ..KeySpec::column("x") };
    let mut spec = IndexSpec::btree(p.table_name(0), vec![KeySpec::column(p.name(0)), expression]);
    spec.predicate = p.maybe(p.name(3));
    spec.include = p.names.clone();
    Index {
        oid: 9,
        name: p.name(4),
        definition: p.name(5),
        spec,
        valid: p.flag,
        ready: true,
        live: true,
        primary: !p.flag,
        exclusion: false,
        constraint: p.maybe(p.name(1)),
        needed_by_foreign_key: p.flag,
        replica_identity: false,
        clustered: p.flag,
        partition: false,
        partitioned: p.flag,
        size_bytes: 1,
        scans: p.number(6),
        owner: p.name(0),
        tablespace: p.maybe(p.name(1)),
        comment: p.maybe(p.name(2)),
        statistics_targets: vec![(1, 100), (2, -1)],
        building: p.flag,
    }
}

fn query(p: &Parts, catalog: &Catalog) -> Query {
    let text = format!(
        "select a, lower(b) from {} x where c = $1 and d in (select 1) or e between 1 and 2 order by a desc limit $2",
        p.table_name(0).quoted()
    );
    let plan = "Sort  (cost=1.00..2.50 rows=1 width=4) (actual time=0.010..0.020 rows=1 loops=1)\n  Sort Key: a DESC\n  ->  Seq Scan on t  (cost=0.00..1.10 rows=1 width=4) (actual time=0.001..0.002 rows=1 loops=1)\n        Filter: (a = 1)\n";
    let plan = advisor::read::explain::read(plan).plans.remove(0);
    Query {
        fingerprint: p.name(0),
        normalized: p.name(1),
        role: p.maybe(p.name(2)),
        planner_settings: [(p.name(1), p.name(2))].into(),
        plan_role: p.maybe(p.name(3)),
        figures: p.maybe(Figures { calls: p.number(0), total_ms: p.number(1), ..Figures::default() }),
        weight: p.number(2),
        reading: advisor::read::sql::read(&text, catalog, &p.names),
        plans: vec![QueryPlan { origin: PlanOrigin::Generic, plan }],
        not_planned: p.maybe(p.name(3)),
        ..Query::new(QuerySource::PgStatStatements, text, &p.names)
    }
}

fn snapshot(p: &Parts) -> Snapshot {
    let key = ForeignKey {
        name: p.name(0),
        child: p.table_name(1),
        child_columns: p.names.clone(),
        parent: p.table_name(2),
        parent_columns: p.names.clone(),
        on_delete: 'c',
    };
    let catalog = Catalog {
        tables: vec![table(p)],
        indexes: vec![index(p)],
        foreign_keys: vec![key],
        extensions: vec![Extension { name: p.name(0), version: p.name(1), schema: p.name(2) }],
        statistics_objects: vec![StatisticsObject {
            schema: p.name(0),
            name: p.name(1),
            table: TableName::new(p.name(0), p.name(2)),
            columns: p.names.clone(),
            kinds: p.name(1),
        }],
        operator_classes: vec![OperatorClass {
            schema: p.name(0),
            name: p.name(1),
            method: p.name(2),
            type_name: p.name(0),
            default: p.flag,
            searches: p.names.clone(),
            orders: p.names.clone(),
        }],
    };
    Snapshot {
        snapshot_version: SNAPSHOT_VERSION,
        server: p.maybe(Server { version_num: 150_018, version: p.name(0), database: p.name(1), is_standby: p.flag }),
        window: p.maybe(Window { from: p.name(0), to: p.name(1), seconds: p.number(0) }),
        usage_age_seconds: p.maybe(p.number(3)),
        counted_seconds: p.maybe(p.number(4)),
        standbys: 3,
        standbys_visible: p.flag,
        workload: vec![query(p, &catalog)],
        catalog,
        sessions: vec![SessionActivity {
            pid: -1,
            role: p.maybe(p.name(1)),
            state_seconds: p.maybe(p.number(2)),
            ..SessionActivity::default()
        }],
        sessions_visible: p.flag,
        settings: p.names.iter().map(|n| (n.clone(), n.clone())).collect(),
        gaps: vec![Gap { evidence: Evidence::QueryTexts, reason: p.name(3), fix_sql: p.maybe(p.name(4)) }],
        problems: vec![Problem { source: p.name(5), message: p.name(0) }],
    }
}

proptest! {
    #[test]
    fn json_and_back_changes_nothing(parts in parts()) {
        let before = snapshot(&parts);
        let json = serde_json::to_string(&before).expect("JSON");
        let after: Snapshot = serde_json::from_str(&json).expect("a snapshot");
        prop_assert_eq!(&after, &before);
        prop_assert_eq!(serde_json::to_string(&after).expect("JSON"), json);
    }
}
