//! Numbers for people: `12.3k`, `3.4 s`, `1.2 MB`, `−87 %`.

use crate::model::amount::short;
pub use crate::model::amount::{duration, plural};

fn scaled(value: f64, base: f64, units: &[&str]) -> String {
    if !value.is_finite() {
        return "–".into();
    }
    let mut scaled = value;
    let mut unit = 0;
    // 999.96 would be written as 1000: it belongs to the next unit.
    while scaled.abs() >= base - 0.5 && unit + 1 < units.len() {
        scaled /= base;
        unit += 1;
    }
    format!("{}{}", short(scaled), units[unit])
}

/// A count: `7`, `0.5`, `12.3k`, `4.1M`.
pub fn count(value: f64) -> String {
    scaled(value, 1000.0, &["", "k", "M", "G", "T"])
}

/// Bytes in powers of 1024, as PostgreSQL counts: `8 kB`, `1.2 MB`.
pub fn bytes(value: f64) -> String {
    scaled(value, 1024.0, &[" B", " kB", " MB", " GB", " TB"])
}

/// A size that is known within bounds only: `1.5–5.7 MB`.
pub fn bytes_between(least: Option<f64>, most: f64) -> String {
    let (low, high) = (least.map_or_else(String::new, bytes), bytes(most));
    match (low.split_once(' '), high.split_once(' ')) {
        (Some((number, unit)), Some((_, same))) if unit == same => format!("{number}–{high}"),
        (Some(_), _) => format!("{low}–{high}"),
        (None, _) => high,
    }
}

/// A limit that a person set: `50 MB` in powers of 1000 where that is a round number, else `47.7 MiB`.
pub fn limit_bytes(value: f64) -> String {
    let decimal = scaled(value, 1000.0, &[" B", " kB", " MB", " GB", " TB"]);
    let unit = [1e12, 1e9, 1e6, 1e3, 1.0].into_iter().find(|unit| value >= *unit).unwrap_or(1.0);
    if (value / unit * 10.0).fract() == 0.0 { decimal } else { scaled(value, 1024.0, &[" B", " KiB", " MiB", " GiB", " TiB"]) }
}

/// A share of 1 as percent: `87 %`, `0.4 %`.
pub fn percent(share: f64) -> String {
    match share * 100.0 {
        p if !p.is_finite() => "–".into(),
        // Not quite all is the point of it.
        p if (99.95..100.0).contains(&p) => format!("{:.2} %", p.min(99.99)),
        p if (99.0..100.0).contains(&p) => format!("{p:.1} %"),
        p => format!("{} %", short(p)),
    }
}

/// The change from one value to another: `−87 %`, `+12 %`, `±0 %`.
pub fn change(before: f64, after: f64) -> String {
    if before <= 0.0 || !before.is_finite() || !after.is_finite() {
        return "–".into();
    }
    let percent = (after - before) / before * 100.0;
    let text = match percent.abs() {
        // 99.97 % is not "everything", and 0.4 % not nothing.
        p if percent < 0.0 && p > 99.0 && p < 100.0 => format!("{:.1}", p.min(99.9)),
        p if (0.05..0.95).contains(&p) => format!("{p:.1}"),
        p => format!("{p:.0}"),
    };
    let sign = if text == "0" {
        "±"
    } else if percent < 0.0 {
        "−"
    } else {
        "+"
    };
    format!("{sign}{text} %")
}

/// A number under a name that ends in its unit (`total_ms`, `size_bytes`): label and value.
pub fn named(name: &str, value: f64) -> (String, String) {
    type Writer = fn(f64) -> String;
    const SUFFIXES: &[(&str, Writer)] = &[
        ("_ms", duration),
        ("_seconds", |v| duration(v * 1000.0)),
        ("_days", |v| duration(v * 86_400_000.0)),
        ("_bytes", bytes),
        ("_kb", |v| bytes(v * 1024.0)),
        ("_percent", |v| percent(v / 100.0)),
        ("_share", percent),
        ("_frac", percent),
    ];
    // `spilled_bytes_per_call` is bytes too.
    let (name, per) = match name.split_once("_per_") {
        Some((name, unit)) => (name, format!(" per {unit}")),
        None => (name, String::new()),
    };
    let found = SUFFIXES.iter().find_map(|(suffix, write)| Some((name.strip_suffix(suffix)?, write(value))));
    let (label, text) = found.unwrap_or_else(|| (name, count(value)));
    let label = format!("{label}{per}");
    (label.replace('_', " "), text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_bytes() {
        for (value, text) in
            [(0.0, "0"), (0.46, "0.5"), (7.0, "7"), (999.7, "1k"), (12_345.0, "12.3k"), (4_100_000.0, "4.1M"), (f64::NAN, "–")]
        {
            assert_eq!(count(value), text);
        }
        for (value, text) in [(512.0, "512 B"), (8192.0, "8 kB"), (1_258_291.0, "1.2 MB"), (1_073_741_800.0, "1 GB")] {
            assert_eq!(bytes(value), text);
        }
    }

    #[test]
    fn limits_are_shown_as_they_were_written() {
        for (value, text) in [(5e7, "50 MB"), (1.5e9, "1.5 GB"), (67_108_864.0, "64 MiB"), (900.0, "900 B"), (12_345_678.0, "11.8 MiB")] {
            assert_eq!(limit_bytes(value), text);
        }
    }

    #[test]
    fn nearly_all_is_not_all() {
        for (share, text) in [(1.0, "100 %"), (0.9999, "99.99 %"), (0.999_999, "99.99 %"), (0.995, "99.5 %"), (0.04, "4 %")] {
            assert_eq!(percent(share), text);
        }
    }

    #[test]
    fn changes() {
        for (before, after, text) in [
            (100.0, 13.0, "−87 %"),
            (100.0, 0.001, "−99.9 %"),
            (100.0, 0.0, "−100 %"),
            (50.0, 56.0, "+12 %"),
            (1.0, 1.0, "±0 %"),
            (1000.0, 996.0, "−0.4 %"),
            (0.0, 1.0, "–"),
        ] {
            assert_eq!(change(before, after), text);
        }
    }

    #[test]
    fn names_carry_their_unit() {
        assert_eq!(named("total_ms", 3400.0), ("total".into(), "3.4 s".into()));
        assert_eq!(bytes_between(Some(1.5 * 1048576.0), 5.7 * 1048576.0), "1.5–5.7 MB");
        assert_eq!(bytes_between(Some(900.0 * 1024.0), 1.2 * 1048576.0), "900 kB–1.2 MB");
        assert_eq!(bytes_between(None, 8192.0), "8 kB");
        assert_eq!(named("size_bytes", 8192.0), ("size".into(), "8 kB".into()));
        assert_eq!(named("spilled_bytes_per_call", 8192.0), ("spilled per call".into(), "8 kB".into()));
        assert_eq!(named("rows_removed", 12_300.0), ("rows removed".into(), "12.3k".into()));
        assert_eq!(named("removed_share", 0.995), ("removed".into(), "99.5 %".into()));
    }
}
