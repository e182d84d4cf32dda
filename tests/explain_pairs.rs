//! The text and the JSON format of one plan are read into the same tree.

use advisor::model::plan::{Plan, PlanNode};
use advisor::read::explain;
use std::path::{Path, PathBuf};

/// What one format prints and the other does not is left out of the comparison.
fn comparable(mut plan: Plan) -> Plan {
    plan.extra.clear();
    // Text names a trigger's table only where there are several.
    plan.triggers.iter_mut().for_each(|t| t.relation = None);
    node(&mut plan.root);
    plan
}

/// JSON's own: labels that text leaves out or words in one line. Everything else must agree.
const JSON_ONLY: &[&str] = &[
    "Inner Unique",
    "Workers",
    "Schema",
    "Target Tables",
    "Notes",
    "Hash Buckets",
    "Original Hash Batches",
    "Original Hash Buckets",
    "Full-sort Groups",
    "Pre-sorted Groups",
    "WAL",
    "WAL Records",
    "WAL FPI",
    "WAL Bytes",
    "Planned Partitions",
    "Sampling",
    "Sampling Method",
    "Sampling Parameters",
    "Repeatable Seed",
    "Tuples Inserted",
    "Conflicting Tuples",
];

fn node(node: &mut PlanNode) {
    node.extra.retain(|label, _| !JSON_ONLY.contains(&label.as_str()));
    node.children.iter_mut().for_each(self::node);
}

fn pairs(folder: &Path) -> Vec<(PathBuf, PathBuf)> {
    let files = std::fs::read_dir(folder).expect("a folder of pairs").filter_map(|e| Some(e.ok()?.path()));
    let mut texts: Vec<PathBuf> = files.filter(|p| p.extension().is_some_and(|e| e == "text")).collect();
    texts.sort();
    texts.into_iter().map(|t| (t.with_extension("json"), t)).collect()
}

fn check(folder: &Path) {
    let pairs = pairs(folder);
    assert!(pairs.len() > 20, "{} holds pairs", folder.display());
    let mut wrong = Vec::new();
    for (json, text) in &pairs {
        let [json_reading, text_reading] = [json, text].map(|p| explain::read(&std::fs::read_to_string(p).expect("a pair")));
        assert!(
            json_reading.problems.is_empty() && text_reading.problems.is_empty(),
            "{}: {json_reading:?} {text_reading:?}",
            text.display()
        );
        let [a, b] = [json_reading, text_reading].map(|r| r.plans.into_iter().map(comparable).collect::<Vec<_>>());
        assert_eq!(a.len(), 1, "{}", json.display());
        if a != b {
            let [a, b] = [a, b].map(|p| format!("{p:#?}"));
            let differing: Vec<_> = a.lines().zip(b.lines()).filter(|(x, y)| x != y).take(3).collect();
            wrong.push(format!("{}: {differing:#?}", text.display()));
        }
    }
    assert!(wrong.is_empty(), "{} of {} pairs differ:\n{}", wrong.len(), pairs.len(), wrong.join("\n"));
}

#[test]
fn our_own_pairs_agree() {
    check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/explain/cases"));
}

#[test]
fn pairs_from_elsewhere_agree() {
    let Some(folder) = std::env::var_os("ADVISOR_CORPORA").map(PathBuf::from) else {
        println!("skipped: pairs_from_elsewhere_agree needs ADVISOR_CORPORA");
        return;
    };
    check(&folder.join("quads/tpch"));
}
