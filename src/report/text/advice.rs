//! Index advice as a table, and what was refused.

use crate::model::report::{Action, AdvisedIndex, Execution, Rejected, Report, ServedQuery, WhatIf};
use crate::model::text::one_line;
use crate::report::Style;
use crate::report::paint::{BAD, BOLD, DIM, GOOD, fold, heading, lines, paint, safe, table};
use crate::report::units::{bytes, change, count, percent, plural};
use comfy_table::{Attribute, Cell, Color};
use std::collections::BTreeMap;

pub(super) fn render(report: &Report, style: &Style) -> String {
    let advice = &report.recommendation;
    if advice.indexes.is_empty() {
        return String::new();
    }
    let mut out = heading("Index advice");
    let costs = advice.cost_before.zip(advice.cost_after).map(|(b, a)| format!("workload cost {} → {}; ", count(b), count(a)));
    let engine = engine(advice.what_if, advice.optimizer_calls);
    out.push_str(&paint(DIM, fold(&(costs.unwrap_or_default() + &engine), style.width, 0)));
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
        Cell::new(index.size_bytes.map_or("–".to_owned(), bytes)),
        Cell::new(if index.write_cost > 0.0 { format!("+{}", count(index.write_cost)) } else { "–".to_owned() }),
    ]
}

fn saved(query: &ServedQuery) -> f64 {
    query.cost_before - query.cost_after
}

fn on_table(index: &AdvisedIndex) -> String {
    let table = one_line(&index.table);
    if index.schema == "public" { table } else { format!("{}.{table}", one_line(&index.schema)) }
}

/// The keys and what follows, out of a CREATE INDEX statement; nothing for a DROP.
fn definition(ddl: &str, width: usize) -> String {
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
            text.push_str("; the table is partitioned: the migration files hold the recipe");
        }
        let name = format!("{}:", one_line(&index.name));
        let folded = fold(&format!("{name} {text}"), style.width, 4);
        // The name is the head of the folded text: bold without counting its escape codes.
        let shown = folded.strip_prefix(&name).map_or(folded.clone(), |rest| paint(BOLD, &name) + rest);
        let sign = if index.action == Action::Create { paint(GOOD, "+") } else { paint(BAD, "−") };
        out.push_str(&format!("  {sign} {shown}\n"));
        if let Some(divided) = divided(&index.queries) {
            out.push_str(&format!("    {}\n", fold(&divided, style.width, 4)));
        }
    }
    out
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

/// What each reason code means.
const REASONS: &[(&str, &str)] = &[
    ("not_used", "the planner did not use it"),
    ("covered", "an index that exists does the same"),
    ("write_cost", "writes would pay more than reads gain"),
    ("too_small", "the table is small"),
    ("low_gain", "too little gain"),
    ("not_owned", "the table is not ours"),
    ("platform", "the schema belongs to the platform"),
];

pub(super) fn refused(report: &Report, style: &Style) -> String {
    let rejected = &report.recommendation.rejected;
    if rejected.is_empty() {
        return String::new();
    }
    let mut by_code: BTreeMap<&str, Vec<&Rejected>> = BTreeMap::new();
    for candidate in rejected {
        by_code.entry(&candidate.reason_code).or_default().push(candidate);
    }
    let mut out = heading(&format!("Considered and refused: {}", plural(rejected.len(), "index", "indexes")));
    let mut codes: Vec<_> = by_code.into_iter().collect();
    codes.sort_by_key(|(_, candidates)| std::cmp::Reverse(candidates.len()));
    for (code, candidates) in codes {
        let meaning = REASONS.iter().find(|(c, _)| *c == code).map_or_else(|| safe(code, 40), |(_, meaning)| (*meaning).to_owned());
        out.push_str(&format!("  {:>4}  {meaning}\n", candidates.len()));
        for candidate in candidates.iter().filter(|_| style.verbose) {
            out.push_str(&format!("        {}\n", one_line(&candidate.ddl)));
            out.push_str(&format!("          {}\n", paint(DIM, fold(&candidate.reason, style.width, 10))));
        }
    }
    if !style.verbose {
        out.push_str(&format!("  {}\n", paint(DIM, "--verbose lists them")));
    }
    out
}
