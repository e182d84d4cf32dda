use super::*;
use proptest::prelude::*;

const TEXT: &str = include_str!("../../../fixtures/explain/cases/cte-initplan-subplan.text");
const JSON: &str = include_str!("../../../fixtures/explain/cases/cte-initplan-subplan.json");
const ANALYZED: &str = include_str!("../../../fixtures/explain/cases/full-scan.text");

fn one(input: &str) -> Plan {
    let reading = read(input);
    assert_eq!((reading.plans.len(), reading.problems), (1, vec![]), "{input}");
    reading.plans.into_iter().next().expect("one plan")
}

fn names(plan: &Plan) -> Vec<&str> {
    plan.root.walk().map(|n| n.node_type.as_str()).collect()
}

#[test]
fn labels_of_subplans_reach_their_nodes() {
    let plan = one(TEXT);
    let labels: Vec<_> = plan.root.children.iter().map(|n| (n.subplan_name.as_deref(), n.parent_relationship.as_deref())).collect();
    let [cte, init, sub] = labels[..] else { panic!("{labels:?}") };
    assert_eq!(cte, (Some("CTE recent"), Some("InitPlan")));
    assert!(init.0.is_some_and(|l| l.starts_with("InitPlan")) && init.1 == Some("InitPlan"));
    assert!(sub.0.is_some_and(|l| l.starts_with("SubPlan")) && sub.1 == Some("SubPlan"));
}

#[test]
fn what_stands_below_the_tree_is_read() {
    let plan = one("Delete on t  (cost=0.00..1.00 rows=0 width=0) (actual time=1.000..2.000 rows=0 loops=1)
  Buffers: shared hit=3 dirtied=1, temp written=4
  ->  Seq Scan on t  (cost=0.00..1.00 rows=10 width=6) (actual time=0.100..0.200 rows=10 loops=1)
        Filter: (a > 1)
        Rows Removed by Filter: 5
Settings: work_mem = '1MB'
Planning:
  Buffers: shared hit=12
Planning Time: 0.400 ms
JIT:
  Functions: 3
  Options: Inlining false, Optimization false, Expressions true, Deforming true
  Timing: Generation 0.153 ms, Inlining 0.000 ms, Optimization 0.068 ms, Emission 0.574 ms, Total 0.795 ms
Trigger for constraint fk_c: time=3.500 calls=10
Trigger audit on t: calls=2
Execution Time: 9.125 ms");
    assert_eq!((plan.planning_ms, plan.execution_ms, plan.jit_ms), (Some(0.4), Some(9.125), Some(0.795)));
    let [key, audit] = &plan.triggers[..] else { panic!("{:?}", plan.triggers) };
    assert_eq!((key.name.as_str(), key.constraint.as_deref(), key.time_ms, key.calls), ("fk_c", Some("fk_c"), Some(3.5), 10.0));
    assert_eq!((audit.name.as_str(), audit.relation.as_deref(), audit.time_ms, audit.calls), ("audit", Some("t"), None, 2.0));
    assert_eq!(plan.extra["Settings"], "work_mem = '1MB'");
    assert_eq!(plan.extra["Planning"], "Buffers: shared hit=12");
    let buffers = plan.root.buffers.as_ref().expect("buffers");
    assert_eq!((buffers.shared_hit_blocks, buffers.shared_dirtied_blocks, buffers.temp_written_blocks), (3.0, 1.0, 4.0));
    assert_eq!((plan.root.children[0].rows_removed_by_filter, plan.root.children[0].condition("Filter")), (Some(5.0), Some("(a > 1)")));
}

#[test]
fn workers_do_not_overwrite_the_node() {
    let plan = one("Gather  (cost=1.0..2.0 rows=1 width=4) (actual time=1.0..9.0 rows=1 loops=1)
  Workers Planned: 2
  Workers Launched: 1
  Buffers: shared hit=40
  ->  Sort  (cost=1.0..2.0 rows=1 width=4) (actual time=1.0..8.0 rows=1 loops=2)
        Sort Method: quicksort  Memory: 25kB
        Buffers: shared hit=30
        Worker 0:  actual time=0.1..0.2 rows=7 loops=1
          Sort Method: external merge  Disk: 900kB
          Buffers: shared hit=11
        ->  Parallel Seq Scan on t  (cost=0.0..1.0 rows=1 width=4) (never executed)");
    let sort = &plan.root.children[0];
    assert_eq!((sort.sort_method.as_deref(), sort.sort_space_kb, sort.sort_on_disk), (Some("quicksort"), Some(25.0), true));
    assert_eq!(sort.buffers.as_ref().map(|b| b.shared_hit_blocks), Some(30.0));
    assert_eq!((plan.root.workers_planned, plan.root.workers_launched), (Some(2.0), Some(1.0)));
    assert!(sort.children[0].parallel_aware);
    assert_eq!(sort.children[0].actual.as_ref().map(|a| (a.loops, a.total_ms)), Some((0.0, None)));
}

#[test]
fn auto_explain_text_keeps_its_query() {
    let plan = one("2026-01-01 10:00:00 UTC [7] LOG:  duration: 12.500 ms  plan:
\tQuery Text: select *
\t  from t
\tSeq Scan on t  (cost=0.00..1.00 rows=10 width=6) (actual time=0.100..0.200 rows=10 loops=1)
\t  Filter: (a > 1)");
    assert_eq!(plan.query_text.as_deref(), Some("select *\nfrom t"));
    assert_eq!((plan.execution_ms, plan.root.condition("Filter")), (Some(12.5), Some("(a > 1)")));
}

#[test]
fn a_session_with_several_plans_of_both_formats() {
    let session = format!(
        "LOG:  duration: 5.0 ms  plan:\nQuery Text: select 1\nResult  (cost=0.00..0.01 rows=1 width=4) (actual rows=1 loops=1)\n count\n-----\n 1\n(1 row)\nSET\n\
         psql:x.sql:4: LOG:  duration: 7.0 ms  plan:\nQuery Text: delete from t\nDelete on t  (cost=0.00..1.00 rows=0 width=0) (actual rows=0 loops=1)\nDELETE 0\n\
         LOG:  duration: 9.0 ms  plan:\n{JSON}"
    );
    let reading = read(&session);
    let queries: Vec<_> = reading.plans.iter().map(|p| (p.query_text.as_deref(), p.execution_ms)).collect();
    assert_eq!(queries, [(None, None), (Some("select 1"), Some(5.0)), (Some("delete from t"), Some(7.0))]);
    assert!(!reading.plans[2].root.extra.contains_key("Target Tables"), "{:?}", reading.plans[2]);
    assert_eq!(reading.problems, Vec::<String>::new());
}

#[test]
fn plans_inside_structured_logs_are_found() {
    let json =
        r#"{"ts":"x","message":"duration: 2.0 ms  plan:\nQuery Text: select 1\nResult  (cost=0.00..0.01 rows=1 width=4)\n  Output: 1"}"#;
    assert_eq!(names(&one(json)), ["Result"]);
}

#[test]
fn several_plans_in_one_input() {
    assert_eq!(read(&format!("{TEXT}{ANALYZED}{TEXT}")).plans.len(), 3);
    assert_eq!(read(&format!("{JSON}\n{JSON}")).plans.len(), 2);
    let bare = "Seq Scan on a  (cost=0.00..1.00 rows=1 width=1)\nSeq Scan on b  (cost=0.00..1.00 rows=1 width=1)";
    assert_eq!(read(bare).plans.len(), 2);
}

#[test]
fn spreadsheet_quotes_come_off_json() {
    let cell = format!("\"QUERY PLAN\"\n\"{}\"", JSON.trim().replace('"', "\"\""));
    assert_eq!(one(&cell), one(JSON));
}

#[test]
fn a_line_broken_by_the_terminal_is_one_line() {
    let plan = one(
        "Sort  (cost=0.00..1.00 rows=1\nwidth=4) (actual time=0.1..0.2 rows=1 loops=1)\n  ->  Seq Scan on t  (cost=0.00..1.00 rows=2 width=4)\"",
    );
    assert_eq!((plan.root.plan_width_bytes, plan.root.actual.as_ref().map(|a| a.loops)), (Some(4.0), Some(1.0)));
    assert_eq!(names(&plan), ["Sort", "Seq Scan"]);
}

#[test]
fn what_cannot_be_read_says_why() {
    for (input, word) in [
        ("", "empty"),
        ("hello world", "no EXPLAIN output"),
        ("explain select 1", "run it"),
        ("- Plan:\n    Node Type: \"Seq Scan\"\n", "YAML"),
        ("<explain xmlns=\"http://www.postgresql.org/2009/explain\">\n <Query><Plan><Node-Type>Seq Scan</Node-Type>", "XML"),
        ("[{\"Plan\": {\"Node Type\": \"Sort\", \"Plans\": [{\"Node Type\": \"Result\"}", "cut off"),
        ("[{\"Plan\": {\"Node Type\": \"Sort\", oops }}]", "broken at line 1"),
    ] {
        let reading = read(input);
        assert!(reading.plans.is_empty(), "{input}");
        assert!(reading.problems.iter().any(|p| p.contains(word)), "{input}: {:?}", reading.problems);
    }
    let cut = read("Sort  (cost=0.00..1.00 rows=1 width=4)\n  ->  Seq Scan on t  (cost=0.00..1.0");
    assert_eq!((cut.plans[0].root.walk().count(), cut.problems.len()), (2, 1));
}

#[test]
fn what_the_server_sends_reads_the_same_without_looking_for_frames() {
    let bare = "[{\"Plan\": {\"Node Type\": \"Sort\", \"Total Cost\": 2.5, \"Plans\": [{\"Node Type\": \"Result\", \"Filter\": \"(a = 'x | y')\"}]}}]";
    assert_eq!((read_bare(bare), read_bare(bare).plans.len()), (read(bare), 1));
    let broken = "[{\"Plan\": {\"Node Type\": \"Sort\", oops }}]";
    assert_eq!(read_bare(broken), read(broken));
}

#[test]
fn deep_nesting_is_kept_within_bounds() {
    let text: String = (0..300).map(|i| format!("{}->  Sort  (cost=0.00..1.00 rows=1 width=4)\n", " ".repeat(i * 6 + 2))).collect();
    let reading = read(&format!("Sort  (cost=0.00..1.00 rows=1 width=4)\n{text}"));
    assert_eq!(reading.plans[0].root.walk().count(), 301);
    assert!(reading.problems[0].contains("nested deeper"), "{:?}", reading.problems);
    let stored = serde_json::to_string(&reading.plans[0]).expect("json");
    assert!(serde_json::from_str::<Plan>(&stored).is_ok_and(|p| p == reading.plans[0]), "a reader takes it back");
    let json = format!("[{{\"Plan\": {}", "{\"Node Type\": \"Sort\", \"Plans\": [".repeat(10_000));
    assert!(read(&json).problems[0].contains("nested too deeply"), "{:?}", read(&json).problems);
}

#[test]
fn every_cut_of_a_plan_is_read_without_panic() {
    for whole in [TEXT, JSON, ANALYZED] {
        for end in (0..whole.len()).filter(|&i| whole.is_char_boundary(i)) {
            let reading = read(&whole[..end]);
            assert!(!reading.plans.is_empty() || !reading.problems.is_empty(), "nothing said about {end} bytes");
        }
    }
}

proptest! {
    #[test]
    fn mutated_plans_never_panic(at in 0_usize..3000, skip in 0_usize..40, insert in "[-> \"'\\[\\]{}():,.\\n\u{2502}\u{21b5}a-zA-Z0-9]{0,12}") {
        for whole in [TEXT, JSON, ANALYZED] {
            let chars: Vec<char> = whole.chars().collect();
            let at = at % chars.len();
            let mutated: String = chars[..at].iter().copied().chain(insert.chars()).chain(chars[at..].iter().copied().skip(skip)).collect();
            let reading = read(&mutated);
            prop_assert!(!reading.plans.is_empty() || !reading.problems.is_empty());
        }
    }

    #[test]
    fn any_text_gives_a_plan_or_a_problem(input in "\\PC{0,200}") {
        let reading = read(&input);
        prop_assert!(!reading.plans.is_empty() || !reading.problems.is_empty());
    }
}
