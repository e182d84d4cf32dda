//! The planner's settings.

use crate::pg::session::Session;
use std::collections::BTreeMap;

/// Planner settings of the live server; one that this major does not know is left out.
pub(super) async fn apply(planner: &Session, settings: &BTreeMap<String, String>) {
    for (name, value) in settings.iter().filter(|(name, _)| is_planner_setting(name)) {
        // An unknown or unsettable name is not worth a word: another major's planner has no such knob.
        let _ = planner.client.execute("select pg_catalog.set_config($1, $2, false)", &[name, value]).await;
    }
}

/// Settings that change plans or how constants are read.
pub(in crate::pg) fn is_planner_setting(name: &str) -> bool {
    const EXACT: [&str; 22] = [
        "seq_page_cost",
        "random_page_cost",
        "effective_cache_size",
        "work_mem",
        "hash_mem_multiplier",
        "default_statistics_target",
        "from_collapse_limit",
        "join_collapse_limit",
        "constraint_exclusion",
        "cursor_tuple_fraction",
        "max_parallel_workers_per_gather",
        "min_parallel_table_scan_size",
        "min_parallel_index_scan_size",
        "parallel_setup_cost",
        "parallel_tuple_cost",
        "plan_cache_mode",
        "effective_io_concurrency",
        "recursive_worktable_factor",
        "TimeZone",
        "DateStyle",
        "IntervalStyle",
        "max_parallel_workers",
    ];
    EXACT.contains(&name) || ["cpu_", "enable_", "geqo", "jit"].iter().any(|p| name.starts_with(p))
}
