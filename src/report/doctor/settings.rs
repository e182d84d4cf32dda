//! Settings that decide what can be seen, and timeouts that cut a build short.

use crate::model::doctor::{Check, CheckState, Facts, Remedy, RoleSetting};
use crate::model::text::quote_ident;

const TOPIC: &str = "settings";

/// A setting and when it is wrong.
struct Rule {
    name: &'static str,
    /// `None` when the value is good.
    judge: fn(&str) -> Option<CheckState>,
    /// What the bad value means.
    means: &'static str,
    /// The better value, as ALTER SYSTEM takes it.
    better: &'static str,
}

fn is_off(value: &str, state: CheckState) -> Option<CheckState> {
    (value == "off").then_some(state)
}

/// In the order of their weight.
const RULES: &[Rule] = &[
    Rule {
        name: "track_counts",
        judge: |v| is_off(v, CheckState::Problem),
        means: "no usage counters of tables and indexes; autovacuum is blind",
        better: "on",
    },
    Rule {
        name: "autovacuum",
        judge: |v| is_off(v, CheckState::Problem),
        means: "statistics go stale and dead rows pile up",
        better: "on",
    },
    Rule {
        name: "compute_query_id",
        judge: |v| is_off(v, CheckState::Problem),
        means: "pg_stat_statements records nothing",
        better: "auto",
    },
    Rule {
        name: "pg_stat_statements.track",
        judge: |v| (v == "none").then_some(CheckState::Problem),
        means: "pg_stat_statements records nothing",
        better: "top",
    },
    Rule {
        name: "pg_stat_statements.max",
        judge: |v| v.parse::<u32>().is_ok_and(|max| max < 1000).then_some(CheckState::Attention),
        means: "few statements fit: rare queries are evicted (needs a restart)",
        better: "5000",
    },
    Rule { name: "track_activities", judge: |v| is_off(v, CheckState::Attention), means: "what sessions do is not visible", better: "on" },
    Rule {
        name: "track_io_timing",
        judge: |v| is_off(v, CheckState::Attention),
        means: "time spent on reading is not measured",
        better: "on",
    },
    Rule {
        name: "log_lock_waits",
        judge: |v| is_off(v, CheckState::Attention),
        means: "waits for locks leave no trace in the log",
        better: "on",
    },
    Rule {
        name: "log_line_prefix",
        judge: |v| (!names_time_and_process(v)).then_some(CheckState::Attention),
        means: "log lines without time (%m) or process (%p) cannot be put together",
        better: "'%m [%p] %q%u@%d '",
    },
];

fn names_time_and_process(prefix: &str) -> bool {
    ["%m", "%t", "%n"].iter().any(|time| prefix.contains(time)) && ["%p", "%c"].iter().any(|process| prefix.contains(process))
}

/// Fine as they are, and worth knowing: setting, value, what it means.
const REMARKS: &[(&str, &str, &str)] = &[
    ("pg_stat_statements.track_planning", "off", "planning time is not measured (it costs contention; turn it on only to look for it)"),
    ("log_min_duration_statement", "-1", "no slow queries in the log; pg_stat_statements is enough for analyze"),
    ("idle_in_transaction_session_timeout", "0", "a forgotten transaction can make a concurrent build wait for ever"),
];

pub(super) fn judge(facts: &Facts, checks: &mut Vec<Check>) {
    let before = checks.len();
    let mut good = Vec::new();
    for rule in RULES {
        let Some(value) = facts.settings.get(rule.name) else { continue };
        match (rule.judge)(value) {
            None => good.push(format!("{} = {value}", rule.name)),
            Some(state) => {
                let sql = vec![format!("ALTER SYSTEM SET {} = {};", rule.name, rule.better), "SELECT pg_reload_conf();".to_owned()];
                let message = format!("{} = {value}: {}", rule.name, rule.means);
                checks.push(Check::new(TOPIC, state, message, Remedy { text: String::new(), sql }));
            }
        }
    }
    checks.extend(facts.role_settings.iter().filter_map(|setting| timeout(setting, facts)));
    for (name, value, means) in REMARKS {
        match facts.settings.get(*name) {
            Some(now) if now == value => checks.push(Check::ok(TOPIC, format!("{name} = {now}: {means}"))),
            Some(now) => good.push(format!("{name} = {now}")),
            None => {}
        }
    }
    if !good.is_empty() {
        checks.insert(before, Check::ok(TOPIC, good.join(", ")));
    }
}

/// A timeout of our role or database cuts a build by a migration tool; apply sets its own.
fn timeout(setting: &RoleSetting, facts: &Facts) -> Option<Check> {
    if setting.value.trim_start_matches('0').is_empty() {
        return None;
    }
    let RoleSetting { name, value, for_role, for_database } = setting;
    let whose = match (for_role, for_database) {
        (true, true) => "this role in this database",
        (true, false) => "this role",
        _ => "this database",
    };
    let means = match name.as_str() {
        "lock_timeout" => "a build by a migration tool gives up when it waits longer for a lock, and leaves an INVALID index",
        "idle_session_timeout" => "sessions that wait between two steps are cut",
        _ => "a build by a migration tool that takes longer is cut, and leaves an INVALID index",
    };
    let reset = match (for_role, for_database) {
        (true, false) => Some(format!("ALTER ROLE {} RESET {name};", quote_ident(&facts.connection.user))),
        (false, true) => Some(format!("ALTER DATABASE {} RESET {name};", quote_ident(&facts.server.database))),
        _ => None,
    };
    let text = format!("apply sets its own; for migration tools: PGOPTIONS='-c {name}=0'{}", if reset.is_some() { ", or:" } else { "" });
    Some(Check::attention(TOPIC, format!("{name} = {value} for {whose}: {means}"), &text, reset.into_iter().collect()))
}
