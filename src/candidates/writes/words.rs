//! Write costs in plain words.

use crate::model::candidate::Writes;

/// What writers pay for an index that saves `benefit` planner units per window: `writes 4.2 entries/s, 1.1 kB/s of WAL, 3 %
/// of what it saves`.
pub fn in_words(writes: &Writes, benefit: f64) -> String {
    if writes.cost <= 0.0 {
        return "nothing is written to it".into();
    }
    let mut parts = vec![match writes.entries_per_second {
        Some(rate) => format!("writes {} entries/s", number(rate)),
        None => format!("writes {} entries", number(writes.entries)),
    }];
    parts.extend(writes.wal_bytes_per_second.map(|rate| format!("{}/s of WAL", bytes(rate))));
    if writes.hot_lost > 0.0 {
        parts.push(format!("{} updates are HOT no more and write in every index", number(writes.hot_lost)));
    }
    parts.push(match writes.cost / benefit {
        _ if benefit <= 0.0 => "and it saves nothing".into(),
        share if share < 0.01 => "less than 1 % of what it saves".into(),
        share if share <= 10.0 => format!("{:.0} % of what it saves", 100.0 * share),
        share => format!("{} times what it saves", number(share)),
    });
    parts.join(", ")
}

/// Two digits at least: `0.004`, `4.2`, `420`, `42,000`.
fn number(value: f64) -> String {
    match value {
        v if v >= 100.0 => grouped(v),
        v if v >= 10.0 => format!("{v:.0}"),
        v if v >= 1.0 => format!("{v:.1}"),
        v if v >= 0.001 => format!("{v:.3}").trim_end_matches('0').to_owned(),
        _ => "less than 0.001".into(),
    }
}

fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(",")
}

fn bytes(value: f64) -> String {
    match value {
        v if v >= 1e6 => format!("{} MB", number(v / 1e6)),
        v if v >= 1e3 => format!("{} kB", number(v / 1e3)),
        v => format!("{} B", number(v)),
    }
}
