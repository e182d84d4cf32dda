//! Sizes, durations and shares as people write them: `1.5GB`, `2m`, `10%`.
//!
//! Three short tables of units; a crate for each would bring its own idea of what `MB` and `m` are.

use std::time::Duration;

/// A space for indexes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Space {
    /// Bytes.
    Bytes(f64),
    /// A share of the heap of the advised tables.
    OfHeap(f64),
}

/// Powers of 1000 with `B`, of 1024 with `iB`, as the standards have it.
const SIZES: &[(&str, f64)] = &[
    ("b", 1.0),
    ("kb", 1e3),
    ("mb", 1e6),
    ("gb", 1e9),
    ("tb", 1e12),
    ("kib", 1024.0),
    ("mib", 1_048_576.0),
    ("gib", 1_073_741_824.0),
    ("tib", 1_099_511_627_776.0),
];

/// Seconds in each unit.
const TIMES: &[(&str, f64)] = &[("ms", 0.001), ("s", 1.0), ("m", 60.0), ("min", 60.0), ("h", 3600.0)];

/// `1GB`, `500 MB`, `64MiB`, `10%`.
pub fn space(text: &str) -> Result<Space, String> {
    const EXAMPLE: &str = "write 1GB, 500MB, 64MiB, or 10% of the heap of the advised tables";
    let (number, unit) = parts(text).ok_or_else(|| format!("not a size: {EXAMPLE}"))?;
    if number <= 0.0 {
        return Err(format!("a budget is more than nothing: {EXAMPLE}; for no index advice at all there is --what-if none"));
    }
    match unit.as_str() {
        "%" => Ok(Space::OfHeap(number / 100.0)),
        "" => Err(format!("the unit is missing: {EXAMPLE}")),
        unit => value(number, unit, SIZES).map(Space::Bytes).ok_or_else(|| format!("an unknown unit: {EXAMPLE}")),
    }
}

/// `100MB`, `64MiB`: bytes.
pub fn bytes(text: &str) -> Result<f64, String> {
    const EXAMPLE: &str = "write 1GB, 500MB or 64MiB";
    let (number, unit) = parts(text).ok_or_else(|| format!("not a size: {EXAMPLE}"))?;
    value(number, &unit, SIZES).ok_or_else(|| format!("the unit is missing or unknown: {EXAMPLE}"))
}

/// `30s`, `2m`, `1m30s`, `500ms`.
pub fn duration(text: &str) -> Result<Duration, String> {
    const EXAMPLE: &str = "write 30s, 2m, 1m30s or 500ms";
    let mut seconds = 0.0;
    let mut rest = text.trim();
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
        let unit_end = rest[digits..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |at| digits + at);
        let (number, unit) = parts(&rest[..unit_end]).ok_or_else(|| format!("not a duration: {EXAMPLE}"))?;
        if unit.is_empty() {
            return Err(format!("the unit is missing: {EXAMPLE}"));
        }
        seconds += value(number, &unit, TIMES).ok_or_else(|| format!("an unknown unit: {EXAMPLE}"))?;
        rest = &rest[unit_end..];
    }
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err(format!("more than nothing and less than for ever is wanted: {EXAMPLE}")),
    }
}

/// `10` or `10%` as 0.1.
pub fn percent(text: &str) -> Result<f64, String> {
    match parts(text) {
        Some((number, unit)) if unit.is_empty() || unit == "%" => Ok(number / 100.0),
        _ => Err("not a percentage: write 10, 2.5 or 0".to_owned()),
    }
}

/// A finite number that is not negative, and the lower-case unit behind it.
fn parts(text: &str) -> Option<(f64, String)> {
    let text = text.trim();
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let number: f64 = text[..end].parse().ok()?;
    number.is_finite().then(|| (number, text[end..].trim().to_ascii_lowercase()))
}

fn value(number: f64, unit: &str, units: &[(&str, f64)]) -> Option<f64> {
    let product = units.iter().find(|(name, _)| *name == unit).map(|(_, size)| number * size)?;
    product.is_finite().then_some(product)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sizes_are_decimal_unless_they_say_otherwise() {
        for (text, bytes) in [("1GB", 1e9), ("500 MB", 5e8), ("1.5kB", 1500.0), ("64MiB", 67_108_864.0), ("7b", 7.0)] {
            assert_eq!(space(text), Ok(Space::Bytes(bytes)), "{text}");
        }
        assert_eq!(space(" 10 %"), Ok(Space::OfHeap(0.1)));
        assert_eq!((bytes("1.5kB"), bytes("0b")), (Ok(1500.0), Ok(0.0)));
        assert!(["", "5", "5%", "5XB"].iter().all(|wrong| bytes(wrong).unwrap_err().contains("1GB")));
        for wrong in ["", "GB", "1", "0MB", "-1GB", "1e3MB", "1.2.3MB", "1XB", "inf", "NaNMB", "1GB2", "９GB"] {
            let error = space(wrong).unwrap_err();
            assert!(error.contains("1GB"), "{wrong}: {error}");
        }
    }

    #[test]
    fn durations_add_up() {
        for (text, ms) in [("30s", 30_000), ("2m", 120_000), ("1m30s", 90_000), ("500ms", 500), ("1.5h", 5_400_000), ("1 min 5 s", 65_000)]
        {
            assert_eq!(duration(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for wrong in ["", "30", "0s", "-5s", "s", "5d", "1m30", "1..2s", "99999999999999999999999h"] {
            let error = duration(wrong).unwrap_err();
            assert!(error.contains("30s"), "{wrong}: {error}");
        }
    }

    #[test]
    fn percentages_with_and_without_their_sign() {
        assert_eq!((percent("10"), percent("2.5%"), percent("0")), (Ok(0.1), Ok(0.025), Ok(0.0)));
        assert!(["", "-1", "ten", "10 MB", "1e5"].iter().all(|wrong| percent(wrong).is_err()));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,12}", unit in "([0-9.]{0,4} ?(ms|s|m|h|%|GB|MiB|ü)?){0,3}") {
            for text in [&text, &unit] {
                let _ = (space(text), duration(text), percent(text));
            }
        }
    }
}
