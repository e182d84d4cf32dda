//! For any set of steps and a death at any point of them: what rollback leaves is what was there before.

use crate::harness::{finish, fresh};
use crate::scratch::bench::{Bench, drop_of};
use crate::scratch::{Scratch, create_advice};
use advisor::model::index_def::{IndexSpec, KeySpec, TableName};
use advisor::model::report::AdvisedIndex;
use advisor::model::text::quote_ident;
use proptest::prelude::*;
use proptest::sample::subsequence;
use proptest::test_runner::{Config, TestRunner};

/// Names that break what does not quote: a quote, a statement, a line end, the terminal's own signs, 63 bytes of letters.
const HOSTILE: &str = "a\"b\n'; drop table t; --\u{1b}[2J\u{202e}";
const LONG: &str = "üüüüüüüüüüüüüüüüüüüüüüüüüüüüü_long";

/// There before, with all that can hang on an index; each of them may be asked to be dropped.
const OLD: [&str; 4] = ["old", "old partial", "old \"q\"", "old_unique"];
const MAKE_OLD: &str = "create index old on t (a desc nulls last, lower(b)) with (fillfactor = 61);
  comment on index old is E'it''s \\\\ old'; alter index old alter column 2 set statistics 77;
  create index \"old partial\" on t (b text_pattern_ops) include (a) where a > 3;
  create index \"old \"\"q\"\"\" on t using brin (id) with (pages_per_range = 3);
  create unique index old_unique on t (a, id)";

fn hostile_table() -> TableName {
    TableName::new(HOSTILE, HOSTILE)
}

/// All that may be asked for.
fn pool() -> Vec<AdvisedIndex> {
    let t = |keys| IndexSpec::btree(TableName::new("public", "t"), keys);
    let column = KeySpec::column;
    let creates = [
        ("plain", t(vec![column("a")])),
        ("same as plain", t(vec![column("a")])),
        (LONG, t(vec![KeySpec { descending: true, nulls_first: true, ..column("a") }, column("b")])),
        ("partial", IndexSpec { predicate: Some("a > 3".into()), ..t(vec![column("id")]) }),
        ("of \"an\" expression", t(vec![KeySpec::expression("lower(b)")])),
        ("is_unique", IndexSpec { unique: true, ..t(vec![column("id"), column("a")]) }),
        ("hashed", IndexSpec { method: "hash".into(), ..t(vec![column("b")]) }),
        ("covering", IndexSpec { include: vec!["b".into()], ..t(vec![column("a"), column("id")]) }),
        // Equal to one that is there: not ours, even where that one is to be dropped.
        (
            "as_old",
            IndexSpec {
                include: vec!["a".into()],
                predicate: Some("a > 3".into()),
                ..t(vec![KeySpec { opclass: Some("text_pattern_ops".into()), ..column("b") }])
            },
        ),
        (HOSTILE, IndexSpec::btree(hostile_table(), vec![column(HOSTILE)])),
    ];
    creates.iter().map(|(name, spec)| create_advice(spec, name)).chain(OLD.map(drop_of)).collect()
}

/// A death at one point of apply, then perhaps apply once more, perhaps dying again, then a rollback that dies, too.
#[derive(Debug, Clone)]
struct Life {
    deaths: Vec<usize>,
    back: usize,
}

fn lived(server: &Scratch, advice: &[AdvisedIndex], life: &Life) -> bool {
    let bench = Bench::new(server, &fresh(), advice.to_vec());
    let q = quote_ident(HOSTILE);
    bench.database.sql(&format!("create schema {q}; create table {q}.{q} ({q} text); {MAKE_OLD}"));
    let before = bench.database.catalog();
    let rows = bench.database.rows("select count(*), sum(a), min(b) from t");
    let run =
        |arguments: &[&str], point: usize| finish(bench.command(arguments).env("ADVISOR_KILL_AT", point.to_string()).spawn().unwrap());
    let mut died = false;
    for &point in &life.deaths {
        let (code, text) = run(&["apply", bench.report(), "--drops", "--yes"], point);
        // A UNIQUE index of others is not dropped: refused by name.
        assert!([-1, 0, 6].contains(&code), "{code} {text}");
        died |= code == -1;
    }
    let (code, text) = run(&["rollback", "--all", "--yes"], life.back);
    assert!([-1, 0].contains(&code), "{code} {text}");
    died |= code == -1;
    let (code, text) = run(&["rollback", "--all", "--yes"], usize::MAX);
    assert_eq!(code, 0, "{text}");
    assert_eq!(bench.database.catalog(), before, "{text}");
    assert_eq!(bench.database.rows("select count(*), sum(a), min(b) from t"), rows);
    bench.is_clean();
    server.drop_database(&bench.database.name);
    died
}

fn property(cases: u32) {
    let server = Scratch::start();
    let point = || 1..120_usize;
    let life = (proptest::collection::vec(point(), 1..3), point()).prop_map(|(deaths, back)| Life { deaths, back });
    let all = pool();
    let most = all.len();
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 20, ..Config::default() };
    let strategy = (subsequence(all, 1..most).prop_shuffle(), life);
    let outcome = TestRunner::new(config).run(&strategy, |(advice, life)| {
        lived(&server, &advice, &life);
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn apply_then_rollback_is_the_identity() {
    property(4);
}

#[test]
#[ignore = "full matrix: make test-faults"]
fn apply_then_rollback_is_the_identity_for_many_sets() {
    property(60);
}

/// Every kind of step in one set, and a death at every point of it.
#[test]
#[ignore = "full matrix: make test-faults"]
fn a_death_at_every_point_of_all_steps() {
    let server = Scratch::start();
    let points: Vec<usize> = (1..600).collect();
    let beyond = std::sync::atomic::AtomicUsize::new(600);
    crate::harness::each(&points, |&point| {
        if point < beyond.load(std::sync::atomic::Ordering::SeqCst) {
            let died = lived(&server, &pool(), &Life { deaths: vec![point], back: usize::MAX });
            if !died {
                beyond.fetch_min(point, std::sync::atomic::Ordering::SeqCst);
            }
        }
    });
    assert!((100..600).contains(&beyond.into_inner()));
}
