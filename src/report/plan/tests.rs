use super::*;
use crate::read::explain;

fn plan(text: &str) -> Plan {
    let mut reading = explain::read(text);
    assert_eq!((reading.plans.len(), &reading.problems), (1, &vec![]), "{text}");
    reading.plans.remove(0)
}

fn page(text: &str) -> String {
    anstream::adapter::strip_str(&(PLAN_FORMATS[0].1)(&[plan(text)], &[], &Style::default())).to_string()
}

/// Each check: a plan that shows the problem, and the nearest one that does not.
const CASES: &[(&str, &str, &str)] = &[
    (
        "discarded-rows",
        "Seq Scan on t  (cost=0.00..1.00 rows=40 width=4) (actual time=0.1..9.0 rows=40 loops=2)\n  Filter: (a = 1)\n  Rows Removed by Filter: 5000",
        "Seq Scan on t  (cost=0.00..1.00 rows=4000 width=4) (actual time=0.1..9.0 rows=4000 loops=2)\n  Filter: (a = 1)\n  Rows Removed by Filter: 5000",
    ),
    (
        "selective-full-scan",
        "Seq Scan on t  (cost=0.00..1976.00 rows=15 width=4)\n  Filter: (a = 1)",
        "Seq Scan on t  (cost=0.00..1976.00 rows=9000 width=4)\n  Filter: (a = 1)",
    ),
    (
        "spill",
        "Sort  (cost=0.00..1.00 rows=9 width=4) (actual time=0.1..9.0 rows=9 loops=1)\n  Sort Key: a\n  Sort Method: external merge  Disk: 900kB",
        "Sort  (cost=0.00..1.00 rows=9 width=4) (actual time=0.1..9.0 rows=9 loops=1)\n  Sort Key: a\n  Sort Method: quicksort  Memory: 900kB",
    ),
    (
        "spill",
        "Hash  (cost=0.00..1.00 rows=9 width=4) (actual time=0.1..9.0 rows=9 loops=1)\n  Buckets: 1024  Batches: 4  Memory Usage: 9kB",
        "Hash  (cost=0.00..1.00 rows=9 width=4) (actual time=0.1..9.0 rows=9 loops=1)\n  Buckets: 1024  Batches: 1  Memory Usage: 9kB",
    ),
    (
        "misestimate",
        "Sort  (cost=0.00..1.00 rows=9 width=4) (actual time=0.1..9.0 rows=900 loops=1)\n  ->  Seq Scan on t  (cost=0.00..1.00 rows=9 width=4) (actual time=0.1..9.0 rows=900 loops=1)",
        "Limit  (cost=0.00..1.00 rows=9 width=4) (actual time=0.1..9.0 rows=9 loops=1)\n  ->  Seq Scan on t  (cost=0.00..1.00 rows=900 width=4) (actual time=0.1..9.0 rows=9 loops=1)",
    ),
    (
        "repeated-scan",
        "Nested Loop  (cost=0.00..1.00 rows=500 width=4) (actual time=0.1..9.0 rows=500 loops=1)\n  ->  Seq Scan on a  (cost=0.00..1.00 rows=500 width=4) (actual time=0.1..1.0 rows=500 loops=1)\n  ->  Seq Scan on b  (cost=0.00..1.00 rows=1 width=4) (actual time=0.001..0.010 rows=1 loops=500)\n        Filter: (a.id = id)\n        Rows Removed by Filter: 200",
        "Nested Loop  (cost=0.00..1.00 rows=500 width=4) (actual time=0.1..9.0 rows=500 loops=1)\n  ->  Seq Scan on a  (cost=0.00..1.00 rows=500 width=4) (actual time=0.1..1.0 rows=500 loops=1)\n  ->  Index Scan using i on b  (cost=0.00..1.00 rows=1 width=4) (actual time=0.001..0.010 rows=1 loops=500)\n        Index Cond: (a.id = id)",
    ),
    (
        "repeated-subplan",
        "Seq Scan on t  (cost=0.00..1.00 rows=500 width=4) (actual time=0.1..9.0 rows=500 loops=1)\n  SubPlan 1\n    ->  Index Scan using i on b  (cost=0.00..1.00 rows=1 width=4) (actual time=0.001..0.010 rows=1 loops=500)",
        "Seq Scan on t  (cost=0.00..1.00 rows=500 width=4) (actual time=0.1..90.0 rows=500 loops=1)\n  SubPlan 1\n    ->  Index Scan using i on b  (cost=0.00..1.00 rows=1 width=4) (actual time=0.001..0.010 rows=1 loops=500)",
    ),
    (
        "heap-fetches",
        "Index Only Scan using i on t  (cost=0.00..1.00 rows=5000 width=4) (actual time=0.1..9.0 rows=5000 loops=1)\n  Heap Fetches: 4000",
        "Index Only Scan using i on t  (cost=0.00..1.00 rows=5000 width=4) (actual time=0.1..9.0 rows=5000 loops=1)\n  Heap Fetches: 12",
    ),
    (
        "lossy-bitmap",
        "Bitmap Heap Scan on t  (cost=0.00..1.00 rows=5000 width=4) (actual time=0.1..9.0 rows=5000 loops=1)\n  Heap Blocks: exact=10 lossy=900",
        "Bitmap Heap Scan on t  (cost=0.00..1.00 rows=5000 width=4) (actual time=0.1..9.0 rows=5000 loops=1)\n  Heap Blocks: exact=910",
    ),
    (
        "workers-missing",
        "Gather  (cost=0.00..1.00 rows=5 width=4) (actual time=0.1..9.0 rows=5 loops=1)\n  Workers Planned: 2\n  Workers Launched: 0",
        "Gather  (cost=0.00..1.00 rows=5 width=4) (actual time=0.1..9.0 rows=5 loops=1)\n  Workers Planned: 2\n  Workers Launched: 2",
    ),
    (
        "deep-offset",
        "Limit  (cost=0.00..1.00 rows=20 width=4) (actual time=0.1..9.0 rows=20 loops=1)\n  ->  Index Scan using i on t  (cost=0.00..1.00 rows=9000 width=4) (actual time=0.1..9.0 rows=8020 loops=1)",
        "Limit  (cost=0.00..1.00 rows=20 width=4) (actual time=0.1..9.0 rows=20 loops=1)\n  ->  Index Scan using i on t  (cost=0.00..1.00 rows=9000 width=4) (actual time=0.1..9.0 rows=20 loops=1)",
    ),
    (
        "deep-offset",
        "Limit  (cost=400.00..401.00 rows=20 width=4)\n  ->  Index Scan using i on t  (cost=0.00..800.00 rows=16000 width=4)",
        "Limit  (cost=0.00..1.00 rows=20 width=4)\n  ->  Index Scan using i on t  (cost=0.00..800.00 rows=16000 width=4)",
    ),
    (
        "join-filter",
        "Nested Loop  (cost=0.00..1.00 rows=5 width=4) (actual time=0.1..9.0 rows=5 loops=1)\n  Join Filter: (a.x <> b.x)\n  Rows Removed by Join Filter: 250000",
        "Nested Loop  (cost=0.00..1.00 rows=5 width=4) (actual time=0.1..9.0 rows=5 loops=1)\n  Join Filter: (a.x <> b.x)\n  Rows Removed by Join Filter: 2500",
    ),
    (
        "cartesian-join",
        "Nested Loop  (cost=0.00..9.00 rows=1000000 width=4)\n  ->  Seq Scan on a  (cost=0.00..1.00 rows=1000 width=4)\n  ->  Materialize  (cost=0.00..1.00 rows=1000 width=4)\n        ->  Seq Scan on b  (cost=0.00..1.00 rows=1000 width=4)\n              Filter: (k = 1)",
        "Nested Loop  (cost=0.00..9.00 rows=1000000 width=4)\n  ->  Seq Scan on a  (cost=0.00..1.00 rows=1000 width=4)\n  ->  Index Scan using i on b  (cost=0.00..1.00 rows=1000 width=4)\n        Index Cond: (k = a.k)",
    ),
    (
        "memoize-misses",
        "Memoize  (cost=0.00..1.00 rows=1 width=4) (actual time=0.001..0.002 rows=1 loops=5000)\n  Hits: 5  Misses: 4995  Evictions: 4000  Overflows: 0  Memory Usage: 9kB",
        "Memoize  (cost=0.00..1.00 rows=1 width=4) (actual time=0.001..0.002 rows=1 loops=5000)\n  Hits: 4995  Misses: 5  Evictions: 0  Overflows: 0  Memory Usage: 9kB",
    ),
    (
        "cold-reads",
        "Seq Scan on t  (cost=0.00..1.00 rows=5 width=4) (actual time=0.1..9.0 rows=5 loops=1)\n  Buffers: shared hit=20 read=9000",
        "Seq Scan on t  (cost=0.00..1.00 rows=5 width=4) (actual time=0.1..9.0 rows=5 loops=1)\n  Buffers: shared hit=9000 read=20",
    ),
    (
        "jit",
        "Seq Scan on t  (cost=0.00..1.00 rows=5 width=4) (actual time=0.1..40.0 rows=5 loops=1)\nJIT:\n  Timing: Generation 1.0 ms, Total 20.0 ms\nExecution Time: 41.0 ms",
        "Seq Scan on t  (cost=0.00..1.00 rows=5 width=4) (actual time=0.1..400.0 rows=5 loops=1)\nJIT:\n  Timing: Generation 1.0 ms, Total 20.0 ms\nExecution Time: 410.0 ms",
    ),
    (
        "trigger-time",
        "Delete on t  (cost=0.00..1.00 rows=5 width=4) (actual time=0.1..1.0 rows=0 loops=1)\nTrigger for constraint c_fk: time=30.0 calls=3\nExecution Time: 31.0 ms",
        "Delete on t  (cost=0.00..1.00 rows=5 width=4) (actual time=0.1..1.0 rows=0 loops=1)\nTrigger for constraint c_fk: time=0.3 calls=3\nExecution Time: 31.0 ms",
    ),
    (
        "slow-planning",
        "Result  (cost=0.00..1.00 rows=1 width=4) (actual time=0.1..0.1 rows=1 loops=1)\nPlanning Time: 45.0 ms\nExecution Time: 1.0 ms",
        "Result  (cost=0.00..1.00 rows=1 width=4) (actual time=0.1..0.1 rows=1 loops=1)\nPlanning Time: 0.5 ms\nExecution Time: 0.4 ms",
    ),
];

#[test]
fn each_check_sees_its_problem_and_nothing_in_the_nearest_innocent_plan() {
    for (check, bad, good) in CASES {
        let found: Vec<_> = remarks(&plan(bad)).iter().map(|r| r.check).collect();
        assert!(found.contains(check), "{check} does not fire: {found:?}\n{bad}");
        let found: Vec<_> = remarks(&plan(good)).iter().map(|r| r.check).collect();
        assert_eq!(found, Vec::<&str>::new(), "something fires on the innocent plan of {check}\n{good}");
    }
    for check in CHECKS {
        assert!(CASES.iter().any(|(name, ..)| *name == check.name), "{} has no case", check.name);
        assert!(!check.sees.is_empty());
    }
}

#[test]
fn a_misestimate_is_told_where_it_starts() {
    let found = remarks(&plan(CASES[4].1));
    assert_eq!((found.len(), found[0].node), (1, Some(1)));
    assert!(found[0].message.starts_with("Seq Scan on t: 900 rows where 9 were expected, 100× more"), "{}", found[0].message);
}

fn own(text: &str) -> Vec<f64> {
    Tree::of(&plan(text)).seen.iter().map(|s| (s.own * 10.0).round() / 10.0).collect()
}

#[test]
fn own_time_counts_loops_and_processes() {
    let parallel = "Gather  (cost=0.0..1.0 rows=1 width=4) (actual time=1.0..100.0 rows=30 loops=1)
  ->  Nested Loop  (cost=0.0..1.0 rows=1 width=4) (actual time=1.0..90.0 rows=10 loops=3)
        ->  Parallel Seq Scan on a  (cost=0.0..1.0 rows=1 width=4) (actual time=1.0..30.0 rows=10 loops=3)
        ->  Index Scan using i on b  (cost=0.0..1.0 rows=1 width=4) (actual time=0.1..1.5 rows=1 loops=30)";
    // Three processes: the inner side's 30 × 1.5 ms took 15 ms of wall-clock time.
    assert_eq!(own(parallel), [10.0, 45.0, 30.0, 15.0]);
}

#[test]
fn a_cte_is_paid_by_its_scan_and_an_initplan_by_its_user() {
    let cte = "Limit  (cost=0.0..1.0 rows=1 width=4) (actual time=1.0..100.0 rows=1 loops=1)
  CTE x
    ->  Seq Scan on t  (cost=0.0..1.0 rows=1 width=4) (actual time=1.0..80.0 rows=1 loops=1)
  ->  CTE Scan on x  (cost=0.0..1.0 rows=1 width=4) (actual time=1.0..95.0 rows=1 loops=1)";
    assert_eq!(own(cte), [5.0, 80.0, 15.0]);
    for mark in ["$0", "(InitPlan 1).col1"] {
        let label = if mark == "$0" { "InitPlan 1 (returns $0)" } else { "InitPlan 1" };
        let init = format!(
            "Limit  (cost=0.0..1.0 rows=1 width=4) (actual time=1.0..100.0 rows=1 loops=1)
  {label}
    ->  Seq Scan on t  (cost=0.0..1.0 rows=1 width=4) (actual time=1.0..80.0 rows=1 loops=1)
  ->  Seq Scan on u  (cost=0.0..1.0 rows=1 width=4) (actual time=1.0..95.0 rows=1 loops=1)
        Filter: (a > {mark})"
        );
        assert_eq!(own(&init), [5.0, 80.0, 15.0], "{label}");
    }
}

#[test]
fn estimated_shares_add_up() {
    let limit = "Limit  (cost=0.00..10.00 rows=1 width=4)
  ->  Nested Loop  (cost=0.00..1000.00 rows=100 width=4)
        ->  Seq Scan on a  (cost=0.00..100.00 rows=90 width=4)
        ->  Index Scan using i on b  (cost=0.00..9.00 rows=1 width=4)";
    let tree_plan = plan(limit);
    let tree = Tree::of(&tree_plan);
    let shares: Vec<f64> = tree.seen.iter().map(|s| s.share).collect();
    assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{shares:?}");
    assert!((shares[3] - 0.81).abs() < 1e-9, "90 × 9 of 1000: {shares:?}");
}

#[test]
fn the_cost_of_a_repeated_subquery_is_its_own() {
    let text = |filter: &str| {
        format!(
            "Seq Scan on t  (cost=0.00..90000.00 rows=100 width=4)
  Filter: {filter}
  SubPlan 1
    ->  Seq Scan on u  (cost=0.00..2000.00 rows=1 width=4)
          Filter: (id = t.id)"
        )
    };
    let found = remarks(&plan(&text("(a < (SubPlan 1))")));
    let of_the_subquery = found.iter().find(|r| r.node == Some(1)).expect("a remark");
    assert!(of_the_subquery.check == "selective-full-scan" && of_the_subquery.share > 0.9, "{found:?}");
    let hashed = plan(&text("(hashed SubPlan 1)"));
    assert!(Tree::of(&hashed).seen[1].share < 0.1);
}

#[test]
fn the_page_has_the_tree_and_the_remarks() {
    let page = page(&format!("{}\nPlanning Time: 0.2 ms\nExecution Time: 10.0 ms", CASES[0].1));
    for part in [
        "ran in 10 ms, planned in 0.2 ms · 1 remark",
        "Seq Scan on t ×2 [1]",
        "Filter: (a = 1)",
        "[1] discarded-rows: t: 10.1k rows read in 2 loops",
        "try: an index on t",
    ] {
        assert!(page.contains(part), "{part} is missing in\n{page}");
    }
}

#[test]
fn without_analyze_it_says_so() {
    let page = page("Seq Scan on t  (cost=0.00..1.00 rows=9 width=4)");
    assert!(page.starts_with("not run: estimates only · nothing stands out in the estimates\nEXPLAIN (ANALYZE, BUFFERS)"), "{page}");
    assert!(self::page("Sort\n  Sort Key: a").contains("\n\nSort\n  Sort Key: a\n"));
}

#[test]
fn nothing_hostile_reaches_the_terminal() {
    let name = "x\n; drop table t; --\u{1b}[2J\u{202e}\r";
    let texts = [CASES[0].1, CASES[2].1, CASES[4].1, CASES[8].1, CASES[17].1];
    for text in texts {
        let mut hostile = plan(text);
        hostile.query_text = Some(name.into());
        hostile.triggers.iter_mut().for_each(|t| t.name = name.into());
        let mut pending = vec![&mut hostile.root];
        while let Some(node) = pending.pop() {
            for field in
                [&mut node.relation, &mut node.alias, &mut node.schema, &mut node.index_name, &mut node.subplan_name, &mut node.join_type]
            {
                *field = Some(name.into());
            }
            node.node_type.push_str(name);
            node.conditions.values_mut().for_each(|c| *c = name.into());
            node.sort_keys.iter_mut().for_each(|k| *k = name.into());
            pending.extend(node.children.iter_mut());
        }
        let page = (PLAN_FORMATS[0].1)(&[hostile], &[name.to_owned()], &Style::default());
        let plain = anstream::adapter::strip_str(&page).to_string();
        assert!(!plain.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'), "{plain:?}");
        assert!(!plain.lines().any(|l| l.trim_start().starts_with("; drop")), "{plain}");
        let codes = page.split('\u{1b}').skip(1);
        assert!(codes.clone().count() > 0 && codes.clone().all(|c| c.starts_with('[') && !c.starts_with("[2J")), "{page:?}");
    }
}

#[test]
fn the_json_holds_plans_and_remarks() {
    let json = (PLAN_FORMATS[1].1)(&[plan(CASES[0].1)], &["p".into()], &Style::default());
    let value: serde_json::Value = serde_json::from_str(&json).expect("json");
    assert_eq!(value["plans"][0]["remarks"][0]["check"], "discarded-rows");
    assert_eq!(value["plans"][0]["plan"]["root"]["relation"], "t");
    assert_eq!(value["problems"][0], "p");
}

proptest::proptest! {
    #[test]
    fn any_plan_can_be_written(case in 0..CASES.len(), at in 0_usize..400, skip in 0_usize..9, insert in "[-0-9a-zA-Z():.=> \n]{0,9}") {
        let chars: Vec<char> = CASES[case].1.chars().collect();
        let at = at % chars.len();
        let text: String = chars[..at].iter().copied().chain(insert.chars()).chain(chars[at..].iter().copied().skip(skip)).collect();
        let reading = explain::read(&text);
        for (_, write) in PLAN_FORMATS {
            for width in [0, 80] {
                let written = write(&reading.plans, &reading.problems, &Style { width, verbose: false });
                proptest::prop_assert!(written.ends_with('\n'));
            }
        }
        for plan in &reading.plans {
            let stored = serde_json::to_string(plan).expect("json");
            proptest::prop_assert_eq!(&serde_json::from_str::<Plan>(&stored).expect("reads back"), plan);
        }
    }
}
