//! Invalid indexes lying around, and builds that run now.

use crate::model::doctor::{Build, Check, Facts, InvalidIndex};
use crate::model::text::quote_qualified;

const TOPIC: &str = "indexes";

/// More than these are counted, not listed.
const LISTED: usize = 20;

pub(super) fn judge(facts: &Facts, checks: &mut Vec<Check>) {
    // One that is being built is no leftover; its build is listed below.
    let left: Vec<&InvalidIndex> = facts.invalid_indexes.iter().filter(|index| !index.building).collect();
    checks.extend(left.iter().take(LISTED).map(|index| leftover(index)));
    if left.len() > LISTED {
        checks.push(Check::problem(TOPIC, format!("and {} more invalid indexes", left.len() - LISTED), "", vec![]));
    }
    checks.extend(facts.builds.iter().map(build));
    if left.is_empty() && facts.builds.is_empty() {
        checks.push(Check::ok(TOPIC, "no invalid index, and no build runs"));
    }
}

fn leftover(index: &InvalidIndex) -> Check {
    let name = quote_qualified(&index.schema, &index.name);
    if index.partitioned {
        let message = format!("{name} on {} is invalid: some partition lacks its index", index.table);
        return Check::attention(TOPIC, message, "build the missing ones and attach them: ALTER INDEX … ATTACH PARTITION …", vec![]);
    }
    let message = format!("{name} on {} is invalid: no plan uses it, every write may still pay for it", index.table);
    Check::problem(
        TOPIC,
        message,
        "if nothing builds it any more, one of:",
        vec![format!("DROP INDEX CONCURRENTLY {name};"), format!("REINDEX INDEX CONCURRENTLY {name};")],
    )
}

fn build(build: &Build) -> Check {
    let command = build.command.as_deref().unwrap_or("an index build");
    let table = build.table.as_deref().unwrap_or("a table hidden from us");
    let phase = build.phase.as_deref().map(|phase| format!(" ({phase})")).unwrap_or_default();
    let message = format!("{command} runs on {table}{phase}, process {}", build.pid);
    Check::attention(TOPIC, message, "wait for its end before apply: two builds on one table wait for each other", vec![])
}
