//! Inputs outside the repository: EXPLAIN output as people paste it. Runs where `ADVISOR_CORPORA`
//! names a folder that holds `plans/manifest.csv` (columns source, file, format, nodes, …).

use advisor::read::explain;
use std::path::{Path, PathBuf};

/// The folder, or a line that says what was skipped.
fn corpora(test: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("ADVISOR_CORPORA").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: {test} needs ADVISOR_CORPORA");
    }
    folder
}

/// File and expected nodes of all its plans together.
fn manifest(folder: &Path) -> Vec<(PathBuf, usize)> {
    let text = std::fs::read_to_string(folder.join("manifest.csv")).expect("manifest.csv");
    let row = |line: &str| {
        let cells: Vec<_> = line.split(',').collect();
        Some((folder.join(cells.get(1)?), cells.get(3)?.parse().ok()?))
    };
    text.lines().skip(1).filter_map(row).collect()
}

#[test]
fn node_counts_agree_with_the_manifest() {
    let Some(folder) = corpora("node_counts_agree_with_the_manifest") else { return };
    let files = manifest(&folder.join("plans"));
    assert!(!files.is_empty(), "the manifest lists no files");
    let mut wrong = Vec::new();
    for (path, expected) in &files {
        let input = String::from_utf8_lossy(&std::fs::read(path).expect("a listed file")).into_owned();
        let reading = explain::read(&input);
        let nodes: usize = reading.plans.iter().map(|p| p.root.walk().count()).sum();
        // The manifest counts arrows; the distance operators `<->` and `<->>` are none.
        let expected = expected.saturating_sub(input.matches("<->").count());
        if nodes != expected {
            wrong.push(format!("{}: {nodes} nodes, expected {expected} {:?}", path.display(), reading.problems));
        }
    }
    println!("{} of {} files agree", files.len() - wrong.len(), files.len());
    assert!(wrong.is_empty(), "{} of {} files differ:\n{}", wrong.len(), files.len(), wrong.join("\n"));
}
