//! What can be wrong with a plan: one table, each row a small check.

use super::is_scan;
use super::label::{name, relation};
use super::tree::{Seen, Tree};
use crate::model::plan::Plan;
use crate::model::text::squeeze;
use crate::report::units::{bytes, count, duration, percent, plural};
use serde::Serialize;

/// What one check sees: at one node, or in the plan as a whole.
enum Look {
    Node(fn(&Tree, usize) -> Option<Told>),
    /// With the share of the run that it is about.
    Plan(fn(&Tree) -> Option<(f64, Told)>),
}

/// What it saw and what to do: two sentences without full stop.
type Told = (String, String);

/// One thing that can be wrong.
pub struct Check {
    /// Its name, kebab-case.
    pub name: &'static str,
    /// What it sees, in words.
    pub sees: &'static str,
    look: Look,
}

/// Something wrong with a plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Remark {
    /// The check's name.
    pub check: &'static str,
    /// Node by its place in EXPLAIN's order, from 0; null for the plan as a whole.
    pub node: Option<usize>,
    /// What was seen, with numbers.
    pub message: String,
    /// What to try.
    pub advice: String,
    /// Share of the run (or of the cost) that it is about, 0–1.
    pub share: f64,
}

/// Every check.
pub static CHECKS: &[Check] = &[
    Check { name: "discarded-rows", sees: "a scan throws away most of what it reads", look: Look::Node(discarded_rows) },
    Check {
        name: "selective-full-scan",
        sees: "a whole table is read for a few expected rows (not run)",
        look: Look::Node(selective_full_scan),
    },
    Check { name: "spill", sees: "a sort or hash went to disk", look: Look::Node(spill) },
    Check {
        name: "misestimate",
        sees: "rows are 10 times more or fewer than expected; told where it starts",
        look: Look::Node(misestimate),
    },
    Check {
        name: "repeated-scan",
        sees: "the inner side of a nested loop reads its table again for each row",
        look: Look::Node(repeated_scan),
    },
    Check { name: "repeated-subplan", sees: "a subquery runs for each row and takes much of the time", look: Look::Node(repeated_subplan) },
    Check { name: "heap-fetches", sees: "an index-only scan has to look into the table", look: Look::Node(heap_fetches) },
    Check { name: "memoize-misses", sees: "a Memoize node forgets rows before they are asked for again", look: Look::Node(memoize_misses) },
    Check { name: "lossy-bitmap", sees: "a bitmap did not fit into work_mem", look: Look::Node(lossy_bitmap) },
    Check { name: "workers-missing", sees: "fewer parallel workers came than planned", look: Look::Node(workers_missing) },
    Check { name: "deep-offset", sees: "rows are produced to be skipped", look: Look::Node(deep_offset) },
    Check { name: "join-filter", sees: "a join compares pairs only to refuse them", look: Look::Node(join_filter) },
    Check { name: "cartesian-join", sees: "two large sides are joined without a condition", look: Look::Node(cartesian_join) },
    Check { name: "cold-reads", sees: "most of many pages were not in shared_buffers", look: Look::Plan(cold_reads) },
    Check { name: "jit", sees: "compiling takes a fifth of the time or more", look: Look::Plan(jit) },
    Check { name: "trigger-time", sees: "a trigger or foreign key takes a tenth of the time or more", look: Look::Plan(trigger_time) },
    Check { name: "slow-planning", sees: "planning takes longer than running", look: Look::Plan(slow_planning) },
];

/// Fewer rows than this are nobody's problem.
const MANY_ROWS: f64 = 1000.0;

/// Least share of the run worth a remark.
const WORTH: f64 = 0.01;

/// Misestimates told at most: the others mostly follow from them.
const MISESTIMATES: usize = 3;

/// Everything wrong with a plan, most costly first.
pub fn remarks(plan: &Plan) -> Vec<Remark> {
    let tree = Tree::of(plan);
    let mut out = Vec::new();
    for check in CHECKS {
        let remark = |node, share, (message, advice): Told| Remark { check: check.name, node, message, advice, share };
        match check.look {
            Look::Node(look) => {
                out.extend((0..tree.seen.len()).filter_map(|at| Some(remark(Some(at), tree.whole_share(at), look(&tree, at)?))));
            }
            Look::Plan(look) => out.extend(look(&tree).map(|(share, told)| remark(None, share, told))),
        }
    }
    // What costs next to nothing is not worth reading; but a wrong estimate does its harm elsewhere.
    let weighed = tree.timed() || plan.root.total_cost.is_some_and(|c| c > 0.0);
    out.retain(|r| !weighed || r.share >= WORTH || r.check == "misestimate");
    out.sort_by(|a, b| b.share.total_cmp(&a.share));
    let mut misestimates = 0;
    out.retain(|r| {
        misestimates += usize::from(r.check == "misestimate");
        r.check != "misestimate" || misestimates <= MISESTIMATES
    });
    out
}

/// The condition that a scan applies after reading.
fn filter(seen: &Seen) -> String {
    squeeze(seen.node.condition("Filter").or_else(|| seen.node.condition("Recheck Cond")).unwrap_or("the condition"))
}

fn discarded_rows(tree: &Tree, at: usize) -> Option<Told> {
    let seen = &tree.seen[at];
    let per_loop = seen.node.rows_removed_by_filter.unwrap_or_default();
    let (removed, kept) = (per_loop * seen.loops(), seen.rows()?);
    if !is_scan(seen.node) || removed < MANY_ROWS || removed < 9.0 * kept {
        return None;
    }
    let rows = removed + kept;
    let looped = if seen.loops() > 1.0 { format!(" in {} loops", count(seen.loops())) } else { String::new() };
    let table = relation(seen.node);
    let message = format!(
        "{table}: {} rows read{looped} to keep {}; {} are thrown away by {}",
        count(rows),
        count(kept),
        percent(removed / rows),
        filter(seen)
    );
    let advice = match &seen.node.index_name {
        Some(index) if seen.node.condition("Index Cond").is_some() => {
            format!("a composite index on {table}: the columns {index} is used for first, then those of the filter")
        }
        _ if seen.node.node_type == "Bitmap Heap Scan" => format!("an index on {table} that answers the filter too"),
        _ => index_for(seen),
    };
    Some((message, advice))
}

/// Without ANALYZE nobody counted: but a dear scan that should return next to nothing tells the same.
fn selective_full_scan(tree: &Tree, at: usize) -> Option<Told> {
    let seen = &tree.seen[at];
    let (cost, rows) = (seen.node.total_cost?, seen.node.plan_rows?);
    let judged = seen.node.actual.is_none() && seen.node.node_type == "Seq Scan" && seen.node.condition("Filter").is_some();
    // A row costs 0.01 to read: 20 units for each kept row are some 1000 rows read for one.
    if !judged || cost < 1000.0 || cost < 20.0 * rows {
        return None;
    }
    let table = relation(seen.node);
    let message = format!("{table} is read whole (cost {}) for {} expected rows: {}", count(cost), count(rows), filter(seen));
    Some((message, index_for(seen)))
}

/// The index that a filter asks for; patterns want special ones.
fn index_for(seen: &Seen) -> String {
    let (table, filter) = (relation(seen.node), filter(seen));
    let plain = format!("an index on {table} that begins with the columns (or expressions) of this filter");
    if filter.contains("~~* '") || filter.contains("~~ '%") {
        format!("a trigram index on {table}: USING gin (column gin_trgm_ops), from the extension pg_trgm")
    } else if filter.contains("~~ '") {
        format!("{plain}; for LIKE 'x%' with the operator class text_pattern_ops")
    } else {
        plain
    }
}

fn spill(tree: &Tree, at: usize) -> Option<Told> {
    let seen = &tree.seen[at];
    let node = seen.node;
    let disk = node.sort_space_kb.filter(|_| node.sort_on_disk).or(node.disk_usage_kb).map(|kb| bytes(kb * 1024.0));
    let batches = node.hash_batches.filter(|b| *b > 1.0);
    // What goes in, not what a LIMIT lets out.
    let input = tree.children(at).find(|&c| tree.seen[c].node.subplan_name.is_none()).and_then(|c| tree.seen[c].rows());
    let what = match (node.sort_on_disk, batches, &disk) {
        (true, ..) => input.map_or("the sort".to_owned(), |rows| format!("{} rows", count(rows))),
        (false, Some(batches), _) => format!("{} batches", count(batches)),
        (false, None, Some(_)) => "groups".to_owned(),
        _ => return None,
    };
    let size = disk.map(|d| format!(" ({d})")).unwrap_or_default();
    let message = format!("{}: {what} went to disk{size}, work_mem is too small for it", name(node));
    let advice = match node.sort_keys.is_empty() {
        // In memory the same rows need two to three times their size on disk.
        false => format!("an index in the order {}, or a larger work_mem for this query", squeeze(&node.sort_keys.join(", "))),
        true => "a larger work_mem for this query (SET LOCAL work_mem), or fewer and narrower rows into it".to_owned(),
    };
    Some((message, advice))
}

/// How far off, at least 1; `None` where nothing can be said.
fn factor(seen: &Seen) -> Option<f64> {
    let actual = seen.node.actual.as_ref().filter(|a| a.loops > 0.0)?;
    let (got, expected) = (actual.rows.max(1.0), seen.node.plan_rows?.max(1.0));
    let enough = got.max(expected) * actual.loops >= 100.0;
    // These report other things than rows.
    let counted = !matches!(seen.node.node_type.as_str(), "BitmapAnd" | "BitmapOr" | "ModifyTable" | "Hash" | "Materialize" | "Memoize");
    (enough && counted).then(|| got.max(expected) / got.min(expected))
}

/// True when a node above may have stopped this one before its end.
fn stopped_early(tree: &Tree, at: usize) -> bool {
    tree.ancestors(at).any(|i| {
        let node = tree.seen[i].node;
        matches!(node.node_type.as_str(), "Limit" | "Merge Join") || matches!(node.join_type.as_deref(), Some("Semi" | "Anti"))
    })
}

fn misestimate(tree: &Tree, at: usize) -> Option<Told> {
    let seen = &tree.seen[at];
    let off = factor(seen).filter(|f| *f >= 10.0)?;
    let (got, expected) = (seen.rows()?, seen.expected_rows()?);
    let inherited = tree.below(at).skip(1).any(|i| factor(&tree.seen[i]).is_some_and(|f| f >= 10.0));
    if inherited || (got < expected && stopped_early(tree, at)) {
        return None;
    }
    let way = if got > expected { "more" } else { "fewer" };
    let message =
        format!("{}: {} rows where {} were expected, {}× {way}", name(seen.node), count(got), count(expected), count(off.round()));
    let advice = match &seen.node.relation {
        Some(_) if seen.node.conditions.len() + usize::from(seen.node.node_type == "Bitmap Heap Scan") > 0 => {
            let table = relation(seen.node);
            format!("ANALYZE {table}; if it stays, CREATE STATISTICS on the columns that the condition combines")
        }
        Some(_) => format!("ANALYZE {}", relation(seen.node)),
        None if seen.node.node_type.ends_with("Function Scan") => {
            "declare how many rows the function returns: ALTER FUNCTION … ROWS n".to_owned()
        }
        None => {
            "ANALYZE the tables below; correlated columns want CREATE STATISTICS, grouped expressions statistics of their own".to_owned()
        }
    };
    Some((message, advice))
}

/// The nested loop whose inner side this node is, through nodes that add no condition.
fn inner_of(tree: &Tree, at: usize) -> Option<usize> {
    let seen = &tree.seen[at];
    let parent = seen.parent?;
    let inner = seen.node.parent_relationship.as_deref() == Some("Inner");
    (inner && tree.seen[parent].node.node_type == "Nested Loop").then_some(parent)
}

fn repeated_scan(tree: &Tree, at: usize) -> Option<Told> {
    let seen = &tree.seen[at];
    let parent = inner_of(tree, at).filter(|_| seen.node.node_type == "Seq Scan")?;
    // Without any condition no index helps: that is a cartesian join.
    seen.node.condition("Filter").or_else(|| tree.seen[parent].node.condition("Join Filter"))?;
    let table = relation(seen.node);
    let message = if seen.node.actual.is_some() {
        let read = (seen.node.rows_removed_by_filter.unwrap_or_default() * seen.loops()) + seen.rows()?;
        if seen.loops() < 100.0 || read < 10.0 * MANY_ROWS {
            return None;
        }
        format!("{table} is read whole {} times, {} rows in all", count(seen.loops()), count(read))
    } else {
        let (runs, cost) = (tree.expected_runs(parent, at), seen.node.total_cost?);
        if runs < 100.0 || cost < 10.0 {
            return None;
        }
        format!("{table} is to be read whole {} times at a cost of {} each", count(runs), count(cost))
    };
    Some((message, format!("an index on {table} that begins with the columns it is joined by")))
}

fn repeated_subplan(tree: &Tree, at: usize) -> Option<Told> {
    let seen = &tree.seen[at];
    let label = seen.node.subplan_name.as_deref().filter(|l| l.starts_with("SubPlan"))?;
    if seen.loops() < 100.0 || tree.whole_share(at) < 0.2 || !tree.timed() {
        return None;
    }
    let share = percent((tree.whole_share(at) * 100.0).round() / 100.0);
    let message = format!("{} runs {} times, {} or {share} of the time", squeeze(label), count(seen.loops()), duration(seen.whole));
    Some((message, "write the subquery as a join (or LEFT JOIN LATERAL), so that all rows are fetched together".to_owned()))
}

fn heap_fetches(tree: &Tree, at: usize) -> Option<Told> {
    let seen = &tree.seen[at];
    let (fetches, rows) = (seen.node.heap_fetches?, seen.rows()?);
    if fetches < MANY_ROWS || fetches < 0.1 * rows {
        return None;
    }
    let table = relation(seen.node);
    let message = format!("{table}: the index-only scan looked into the table {} times for {} rows", count(fetches), count(rows));
    Some((message, format!("VACUUM {table}, and a lower autovacuum_vacuum_scale_factor if it comes back")))
}

fn memoize_misses(tree: &Tree, at: usize) -> Option<Told> {
    let node = tree.seen[at].node;
    let figure = |label: &str| node.extra.get(label).and_then(|v| v.parse::<f64>().ok()).unwrap_or_default();
    let (hits, misses, evictions) = (figure("Cache Hits"), figure("Cache Misses"), figure("Cache Evictions"));
    if evictions < MANY_ROWS || misses < hits {
        return None;
    }
    let message = format!(
        "{} of {} look-ups missed, {} entries were thrown out for lack of memory",
        count(misses),
        count(hits + misses),
        count(evictions)
    );
    Some((message, "a larger work_mem or hash_mem_multiplier for this query".to_owned()))
}

fn lossy_bitmap(tree: &Tree, at: usize) -> Option<Told> {
    let node = tree.seen[at].node;
    let lossy = node.lossy_heap_blocks?;
    let all = lossy + node.exact_heap_blocks.unwrap_or_default();
    if lossy < 100.0 || lossy < 0.1 * all {
        return None;
    }
    let rechecked = node.rows_removed_by_index_recheck.map(|r| r * tree.seen[at].loops());
    let rechecked = rechecked.map(|r| format!(", and {} rows were read for nothing", count(r))).unwrap_or_default();
    let message = format!("{}: {} of {} pages are known as pages only{rechecked}", relation(node), count(lossy), count(all));
    Some((message, "a larger work_mem for this query, or an index that matches more closely".to_owned()))
}

fn workers_missing(tree: &Tree, at: usize) -> Option<Told> {
    let node = tree.seen[at].node;
    let (planned, launched) = (node.workers_planned?, node.workers_launched?);
    if launched >= planned {
        return None;
    }
    let message = format!("{} of {} came", count(launched), plural(planned as usize, "planned worker", "planned workers"));
    Some((message, "more max_parallel_workers (and max_worker_processes), or fewer parallel queries at a time".to_owned()))
}

fn deep_offset(tree: &Tree, at: usize) -> Option<Told> {
    let seen = &tree.seen[at];
    let child = tree.children(at).find(|&c| tree.seen[c].node.subplan_name.is_none()).filter(|_| seen.node.node_type == "Limit")?;
    let child = &tree.seen[child];
    let (returned, produced, ran) = match (seen.rows(), child.rows()) {
        (Some(returned), Some(produced)) => (returned, produced, true),
        // Not run: the share of the child's cost that goes by before the first row.
        _ => {
            let (start, end, first) = (seen.node.startup_cost?, child.node.total_cost?, child.node.startup_cost?);
            let skipped = child.node.plan_rows? * (start - first) / (end - first).max(f64::MIN_POSITIVE);
            (seen.node.plan_rows?, skipped + seen.node.plan_rows?, false)
        }
    };
    if produced < MANY_ROWS || produced < 10.0 * returned.max(1.0) {
        return None;
    }
    let verb = if ran { "are" } else { "would be" };
    let message = format!("{} rows {verb} produced to return {}: OFFSET skips the others", count(produced), count(returned));
    Some((message, "continue after the last row seen: WHERE (sort columns) < (last values) ORDER BY … LIMIT, without OFFSET".to_owned()))
}

fn join_filter(tree: &Tree, at: usize) -> Option<Told> {
    let seen = &tree.seen[at];
    let removed = seen.node.rows_removed_by_join_filter? * seen.loops();
    let kept = seen.rows()?;
    if removed < 100.0 * MANY_ROWS || removed < 9.0 * kept {
        return None;
    }
    let condition = squeeze(seen.node.condition("Join Filter").unwrap_or("the join's condition"));
    let message = format!("{} pairs are compared to keep {}: {condition}", count(removed + kept), count(kept));
    Some((message, "a condition by equality, which can be hashed, or an index on the inner side that answers it".to_owned()))
}

fn cartesian_join(tree: &Tree, at: usize) -> Option<Told> {
    let seen = &tree.seen[at];
    if seen.node.node_type != "Nested Loop" || seen.node.condition("Join Filter").is_some() {
        return None;
    }
    let side = |name: &str| tree.children(at).find(|&c| tree.seen[c].node.parent_relationship.as_deref() == Some(name));
    let (outer, inner) = (&tree.seen[side("Outer")?], side("Inner")?);
    // What is kept for all loops cannot depend on the outer row; else any condition may be the join's.
    let kept = tree.seen[inner].node.node_type == "Materialize";
    let free = tree.below(inner).all(|i| {
        let node = tree.seen[i].node;
        (kept || node.conditions.is_empty()) && (i > inner || kept || is_scan(node))
    });
    let rows = |s: &Seen| s.node.actual.as_ref().map(|a| a.rows).or(s.node.plan_rows).unwrap_or_default();
    let (left, right) = (rows(outer), rows(&tree.seen[inner]));
    if !free || left < 100.0 || right < 100.0 {
        return None;
    }
    let message = format!("{} × {} rows are joined without a condition", count(left), count(right));
    Some((message, "look for a missing join condition in the query".to_owned()))
}

fn cold_reads(tree: &Tree) -> Option<(f64, Told)> {
    let buffers = tree.plan.root.buffers.as_ref()?;
    let (hit, read) = (buffers.shared_hit_blocks, buffers.shared_read_blocks);
    if read < 8.0 * MANY_ROWS || read < hit {
        return None;
    }
    let share = percent((read / (hit + read) * 100.0).round() / 100.0);
    let message = format!("{} ({share} of the pages used) were not in shared_buffers", bytes(read * 8192.0));
    let advice = "run it again to see it warm; if it stays, an index that needs fewer pages, or larger shared_buffers";
    // How much of the time the reads took is not known: below anything that is.
    Some((WORTH, (message, advice.to_owned())))
}

fn jit(tree: &Tree) -> Option<(f64, Told)> {
    let (jit, run) = (tree.plan.jit_ms?, tree.plan.execution_ms?);
    if jit < 5.0 || jit < 0.2 * run {
        return None;
    }
    let message =
        format!("{} of {} are spent on compiling ({})", duration(jit), duration(run), percent((jit / run * 100.0).round() / 100.0));
    Some((jit / run, (message, "SET jit = off for such queries, or a higher jit_above_cost".to_owned())))
}

fn trigger_time(tree: &Tree) -> Option<(f64, Told)> {
    let run = tree.run_ms();
    let worst = tree.plan.triggers.iter().max_by(|a, b| a.time_ms.unwrap_or_default().total_cmp(&b.time_ms.unwrap_or_default()))?;
    let time = worst.time_ms.filter(|ms| *ms >= 1.0 && *ms >= 0.1 * run)?;
    let name = squeeze(&worst.name);
    let share = percent((time / run).min(1.0));
    let message = format!("{name} takes {} in {} calls ({share} of the time)", duration(time), count(worst.calls));
    let advice = match worst.constraint {
        Some(_) => format!("an index on the referencing columns of {name}: each call looks for rows that refer to the changed one"),
        None => format!("look at what trigger {name} does for each row; a statement trigger with transition tables runs once"),
    };
    Some(((time / run).min(1.0), (message, advice)))
}

fn slow_planning(tree: &Tree) -> Option<(f64, Told)> {
    let (planning, run) = (tree.plan.planning_ms?, tree.plan.execution_ms?);
    if planning < 10.0 || planning < run {
        return None;
    }
    let message = format!("planned in {}, run in {}", duration(planning), duration(run));
    let advice = "a prepared statement plans once; fewer partitions, joins or indexes make planning cheaper";
    Some((planning / (planning + run), (message, advice.to_owned())))
}
