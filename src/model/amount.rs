//! Durations and counts for people: `3.4 s`, `1 index`.

/// One decimal below 10, none above; `0` instead of `0.0`.
pub fn short(value: f64) -> String {
    let rounded = (value * 10.0).round() / 10.0;
    if rounded.abs() >= 100.0 || rounded.fract() == 0.0 { format!("{value:.0}") } else { format!("{rounded:.1}") }
}

/// A duration given in milliseconds: `0.03 ms`, `340 ms`, `3.4 s`, `5.2 min`, `3.1 h`, `12 d`.
pub fn duration(ms: f64) -> String {
    const STEPS: &[(f64, f64, &str)] =
        &[(1000.0, 1.0, "ms"), (60_000.0, 1000.0, "s"), (3_600_000.0, 60_000.0, "min"), (172_800_000.0, 3_600_000.0, "h")];
    if !ms.is_finite() {
        return "–".into();
    }
    if (0.005..0.095).contains(&ms.abs()) {
        return format!("{ms:.2} ms");
    }
    let (_, size, unit) = STEPS.iter().find(|(below, ..)| ms.abs() < *below).copied().unwrap_or((0.0, 86_400_000.0, "d"));
    format!("{} {unit}", short(ms / size))
}

/// `1 index`, `3 indexes`: a count with its noun.
pub fn plural(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (ms, text) in [
            (0.0, "0 ms"),
            (0.034, "0.03 ms"),
            (0.001, "0 ms"),
            (0.098, "0.1 ms"),
            (3.42, "3.4 ms"),
            (340.2, "340 ms"),
            (3400.0, "3.4 s"),
            (312_000.0, "5.2 min"),
            (1.0e9, "11.6 d"),
        ] {
            assert_eq!(duration(ms), text);
        }
    }
}
