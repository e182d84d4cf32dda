//! Index advice as a table, with a reason for each index.

use crate::model::report::{Action, AdvisedIndex, Execution, Proof, Recommendation, Report, ServedQuery, WhatIf};
use crate::model::text::one_line;
use crate::report::Style;
use crate::report::paint::{BAD, BOLD, DIM, GOOD, fold, heading, lines, paint, safe, table};
use crate::report::units::{bytes_between, change, count, duration, limit_bytes, percent, plural};
use comfy_table::{Attribute, Cell, Color};

pub(super) fn render(report: &Report, style: &Style) -> String {
    let advice = &report.recommendation;
    if advice.indexes.is_empty() {
        return String::new();
    }
    let mut out = heading("Index advice");
    let costs = advice.cost_before.zip(advice.cost_after).map(|(b, a)| format!("workload cost {} → {}; ", count(b), count(a)));
    let engine = engine(advice.what_if, advice.optimizer_calls);
    out.push_str(&paint(DIM, fold(&(costs.unwrap_or_default() + &engine + &gap(advice)), style.width, 0)));
    out.push('\n');
    let mut rows = table(&["", "index", "serves", "cost per call", "gain", "size", "writes"], style.width, &[4, 5, 6]);
    for index in &advice.indexes {
        rows.add_row(row(index, advice.cost_before, style.width));
    }
    out.push_str(&lines(&rows));
    out.push('\n');
    out.push_str(&remarks(&advice.indexes, style));
    if style.verbose {
        out.push_str(&statements(&advice.indexes));
    }
    out
}

fn engine(what_if: WhatIf, calls: u64) -> String {
    let how = match what_if {
        WhatIf::Clone => "tried on a copy of schema and statistics",
        WhatIf::Hypopg => "tried with HypoPG on the server",
        WhatIf::None => "not tried with the planner",
    };
    let calls = if calls > 0 { format!(", {} plans", count(calls as f64)) } else { String::new() };
    format!("{how}{calls}; costs are planner units")
}

/// How far from the best it can be, and what it may take.
fn gap(advice: &Recommendation) -> String {
    let budget = advice.budget_bytes.map_or(String::new(), |budget| format!("; budget {}", limit_bytes(budget)));
    let gap = match (advice.gap, advice.what_if) {
        (_, WhatIf::None) => String::new(),
        (Some(gap), _) if gap <= 0.0 => "; no set of these candidates is cheaper".to_owned(),
        (Some(gap), _) => format!("; at most {} from the best possible set of these candidates", percent(gap)),
        (None, _) => "; distance from the best possible set: not available".to_owned(),
    };
    let looked_at = advice.looked_at.map(|share| format!("; queries with {} of the possible gain were looked at in depth", percent(share)));
    budget + &gap + &looked_at.unwrap_or_default()
}

fn row(index: &AdvisedIndex, before: Option<f64>, width: usize) -> Vec<Cell> {
    let create = index.action == Action::Create;
    let sign = if create { Cell::new("+").fg(Color::Green) } else { Cell::new("−").fg(Color::Red) };
    let what = if create { format!("{} {}", on_table(index), definition(&index.ddl, width)) } else { one_line(&index.name) };
    let best = index.queries.iter().max_by(|a, b| saved(a).total_cmp(&saved(b)));
    let costs = best.map_or("–".to_owned(), |q| format!("{} → {}", count(q.cost_before), count(q.cost_after)));
    let gain = match before {
        Some(before) if create => change(before, before - index.benefit),
        _ => "–".to_owned(),
    };
    vec![
        sign.add_attribute(Attribute::Bold),
        Cell::new(what),
        Cell::new(serves(&index.queries)),
        Cell::new(costs),
        Cell::new(gain),
        Cell::new(index.size_bytes.map_or("unknown".to_owned(), |most| bytes_between(index.least_size_bytes, most))),
        Cell::new(writes(index, before)),
    ]
}

/// Entries per second; where the time is not known, what writes pay as a share of the load.
fn writes(index: &AdvisedIndex, before: Option<f64>) -> String {
    match (index.entries_per_second, before) {
        (Some(entries), _) if entries >= 0.05 => format!("+{}/s", count(entries)),
        (Some(entries), _) if entries > 0.0 => "<0.1/s".to_owned(),
        (None, Some(before)) if index.write_cost > 0.0 && before > 0.0 => match index.write_cost / before {
            share if share < 0.0005 => "<0.1 %".to_owned(),
            share => format!("+{}", percent(share)),
        },
        _ => "–".to_owned(),
    }
}

fn saved(query: &ServedQuery) -> f64 {
    query.cost_before - query.cost_after
}

/// The table out of our own CREATE INDEX statement, `public` left out; nothing for a DROP.
pub(super) fn table_name(ddl: &str) -> String {
    let named = ddl.split_once("\" ON ").or_else(|| ddl.split_once(" ON ")).and_then(|(_, rest)| rest.split_once(" USING "));
    let name = named.map_or("", |(name, _)| name).replace('"', "");
    one_line(name.strip_prefix("public.").unwrap_or(&name))
}

fn on_table(index: &AdvisedIndex) -> String {
    let table = one_line(&index.table);
    if index.schema == "public" { table } else { format!("{}.{table}", one_line(&index.schema)) }
}

/// The keys and what follows, out of a CREATE INDEX statement; nothing for a DROP.
pub(super) fn definition(ddl: &str, width: usize) -> String {
    let Some((_, keys)) = ddl.split_once(" USING ").or_else(|| Some(("", &ddl[ddl.find(" (")?..]))) else { return String::new() };
    // Quotes are needed in SQL only; here they cost room.
    safe(&keys.trim_start().trim_start_matches("btree ").replace('"', ""), width)
}

/// `4 queries`, `2 queries, 1 fk`: look-ups of a foreign key count apart.
pub(super) fn serves(queries: &[ServedQuery]) -> String {
    let keys = queries.iter().filter(|q| q.fingerprint.starts_with("fk:")).count();
    let plain = queries.len() - keys;
    let mut parts = Vec::new();
    if plain > 0 {
        parts.push(plural(plain, "query", "queries"));
    }
    if keys > 0 {
        parts.push(format!("{keys} fk"));
    }
    if parts.is_empty() { "–".to_owned() } else { parts.join(", ") }
}

/// Why each, what it replaces, who owns the table.
fn remarks(indexes: &[AdvisedIndex], style: &Style) -> String {
    let mut out = String::new();
    for index in indexes {
        let mut text = index.reason.clone();
        if !index.replaces.is_empty() {
            text.push_str(&format!("; makes {} needless", index.replaces.join(", ")));
        }
        if let Some(owner) = &index.owner {
            text.push_str(&format!("; the table belongs to {owner}, who has to apply it"));
        }
        if index.partitioned {
            text.push_str("; the table is partitioned: apply and the migration files follow the recipe for that");
        }
        let name = format!("{}:", one_line(&index.name));
        let folded = fold(&format!("{name} {text}"), style.width, 4);
        // The name is the head of the folded text: bold without counting its escape codes.
        let shown = folded.strip_prefix(&name).map_or(folded.clone(), |rest| paint(BOLD, &name) + rest);
        let sign = if index.action == Action::Create { paint(GOOD, "+") } else { paint(BAD, "−") };
        out.push_str(&format!("  {sign} {shown}\n"));
        if let Some(price) = price(index) {
            out.push_str(&format!("    {}\n", paint(DIM, fold(&price, style.width, 4))));
        }
        if let Some(divided) = divided(&index.queries) {
            out.push_str(&format!("    {}\n", fold(&divided, style.width, 4)));
        }
    }
    out
}

/// How long it builds and how sure the gain is; what it costs to keep is part of the reason.
fn price(index: &AdvisedIndex) -> Option<String> {
    let mut parts = Vec::new();
    if let Some((least, most)) = index.build_seconds {
        parts.push(format!("build: {}", range(least, most)));
    }
    match index.confidence {
        Proof::Statistics => {}
        Proof::Generic => parts.push("proved with generic plans only: no values were known".to_owned()),
        Proof::Assumed => parts.push("not tried with the planner: assumed from what is known of such indexes".to_owned()),
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// `less than a second`, `2 s to 1.5 min`.
fn range(least: f64, most: f64) -> String {
    let of = |seconds: f64| duration(if seconds < 10.0 { seconds.round() } else { seconds } * 1000.0);
    match (least, most) {
        (_, most) if most < 1.0 => "less than a second".to_owned(),
        (least, most) if least < 1.0 => format!("up to {}", of(most.ceil())),
        (least, most) if of(least) == of(most) => of(most),
        (least, most) => format!("{} to {}", of(least), of(most)),
    }
}

/// Which executions use the index and which do not, of the query that gains most among those that are divided.
fn divided(queries: &[ServedQuery]) -> Option<String> {
    let query = queries.iter().filter(|q| !q.used_for.is_empty()).max_by(|a, b| saved(a).total_cmp(&saved(b)))?;
    let of = |all: &[Execution]| all.iter().map(|e| one_line(&e.asks_for)).collect::<Vec<_>>().join(", ");
    let share = percent(query.used_for.iter().map(|e| e.share).sum());
    let partial = if query.partial_may_do { ": a partial index may do" } else { "" };
    Some(format!("used for {} ({share} of executions), not for {}{partial}", of(&query.used_for), of(&query.not_used_for)))
}

fn statements(indexes: &[AdvisedIndex]) -> String {
    indexes.iter().map(|i| format!("  {};\n", one_line(i.ddl.trim_end_matches(';')))).collect()
}
