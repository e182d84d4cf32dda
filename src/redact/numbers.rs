//! Integers, decimals, times and UUIDs as whole numbers on a fixed scale: how a text is read and
//! written again, and how numbers become others in the same order.

use super::random::Random;
use super::times;
use std::collections::BTreeMap;

/// Digits behind the point that a decimal is held with.
const SCALE: u32 = 22;
/// Decimals of this size and more are not read: 128 bits hold no greater ones on that scale.
const GREATEST: i128 = 10i128.pow(15 + SCALE);

/// How a number is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Notation {
    /// smallint, integer, bigint, oid.
    Integer,
    /// numeric, real, double precision, money.
    Decimal,
    /// date: days since 1970.
    Date,
    /// timestamp with and without time zone: microseconds since 1970.
    Timestamp,
    /// time: microseconds since midnight.
    TimeOfDay,
    /// uuid, the sign bit turned so that order is kept.
    Uuid,
}

/// A number and the unit of which it is a multiple: its pseudonym is one too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number {
    /// On the notation's scale.
    pub(super) value: i128,
    /// On the same scale.
    pub(super) unit: i128,
}

/// Numbers by value with the widest unit seen.
pub(super) type Numbers = BTreeMap<i128, i128>;

impl Notation {
    /// `None` for what is no such number, or too great a one.
    pub(super) fn read(self, text: &str) -> Option<Number> {
        match self {
            Notation::Integer => Some(Number { value: i128::from(text.trim().parse::<i64>().ok()?), unit: 1 }),
            Notation::Decimal => decimal(text),
            Notation::Date => times::read_date(text).map(|value| Number { value, unit: 1 }),
            Notation::Timestamp => times::read_timestamp(text),
            Notation::TimeOfDay => times::read_time(text),
            Notation::Uuid => uuid(text).map(|value| Number { value, unit: 1 }),
        }
    }

    /// Another number, written the way `like` is.
    pub(super) fn write(self, value: i128, like: &str) -> String {
        match self {
            Notation::Integer => value.to_string(),
            Notation::Decimal => write_decimal(value, like),
            Notation::Date => times::write_date(value),
            Notation::Timestamp => times::write_timestamp(value, like),
            Notation::TimeOfDay => times::write_time(value, like),
            Notation::Uuid => write_uuid(value),
        }
    }

    /// What one stands for in the scale: 1 for integers.
    pub(super) fn one(self) -> i128 {
        if self == Notation::Decimal { 10i128.pow(SCALE) } else { 1 }
    }
}

fn decimal(text: &str) -> Option<Number> {
    let plain: String = text.trim().chars().filter(|c| !matches!(c, '$' | ',')).collect();
    let (mantissa, exponent) = match plain.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok().filter(|e| e.abs() < 1000)?),
        None => (plain.as_str(), 0),
    };
    let (negative, digits) = match mantissa.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, mantissa),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{whole}{fraction}");
    if all.is_empty() || all.len() > 60 || !all.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let scale = fraction.len() as i32 - exponent;
    let digits: i128 = all.parse().ok()?;
    let shift = SCALE as i32 - scale;
    // Digits beyond our scale are no number of ours, unless they are zeros.
    let value = match u32::try_from(shift) {
        Ok(shift) => digits.checked_mul(10i128.checked_pow(shift)?)?,
        Err(_) => {
            let cut = 10i128.checked_pow(shift.unsigned_abs())?;
            (digits % cut == 0).then(|| digits / cut)?
        }
    };
    let unit = 10i128.pow((SCALE as i32 - scale).clamp(0, SCALE as i32) as u32);
    (value < GREATEST).then_some(Number { value: if negative { -value } else { value }, unit })
}

/// With as many digits behind the point as `like` has, or as the number needs.
fn write_decimal(value: i128, like: &str) -> String {
    let shown = like.split(['e', 'E']).next().unwrap_or_default().split_once('.').map_or(0, |(_, f)| f.len());
    let digits = format!("{:0width$}", value.unsigned_abs(), width = SCALE as usize + 1);
    let (whole, fraction) = digits.split_at(digits.len() - SCALE as usize);
    let needed = fraction.trim_end_matches('0').len();
    let exponent = like.contains(['e', 'E']);
    let fraction = &fraction[..if exponent { needed } else { needed.max(shown.min(fraction.len())) }];
    let sign = if value < 0 { "-" } else { "" };
    let currency = if like.contains('$') { "$" } else { "" };
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{currency}{whole}{point}{fraction}")
}

fn uuid(text: &str) -> Option<i128> {
    let digits: String = text.chars().filter(|c| !matches!(c, '-' | '{' | '}')).collect();
    let number = (digits.len() == 32).then(|| u128::from_str_radix(&digits, 16).ok()).flatten()?;
    Some((number ^ 1 << 127) as i128)
}

fn write_uuid(value: i128) -> String {
    let hex = format!("{:032x}", value as u128 ^ 1 << 127);
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// Gaps shrink by a random factor between a half and one, seen from zero outwards: no number
/// becomes greater in size, and each stays a multiple of its unit.
pub(super) fn contract(numbers: &Numbers, random: &mut Random) -> Vec<i128> {
    let ups: Vec<(i128, i128)> = numbers.range(0..).map(|(v, u)| (*v, *u)).collect();
    let downs: Vec<(i128, i128)> = numbers.range(..0).rev().map(|(v, u)| (-*v, *u)).collect();
    let mut out: Vec<i128> = outwards(&downs, random).into_iter().map(|v| -v).collect();
    out.reverse();
    out.extend(outwards(&ups, random));
    out
}

fn outwards(numbers: &[(i128, i128)], random: &mut Random) -> Vec<i128> {
    let mut before = (0, 0);
    let mut out = Vec::with_capacity(numbers.len());
    for (value, unit) in numbers.iter().copied() {
        let gap = value - before.0;
        let wanted = before.1 + gap - (gap as f64 * 0.5 * random.unit()) as i128;
        // The next multiple above is never beyond `value` itself: that is one.
        let least = if value == 0 { 0 } else { (before.1.div_euclid(unit) + 1) * unit };
        let moved = (wanted.div_euclid(unit) * unit).clamp(least, value.max(least));
        before = (value, moved);
        out.push(moved);
    }
    out
}

/// Each number moves by less than 45 % of the gap to its neighbour on one side, the ends inwards,
/// and all of them by `shift`: no number that has room stays where it was.
pub(super) fn nudge(numbers: &Numbers, shift: i128, random: &mut Random) -> Vec<i128> {
    let values: Vec<(i128, i128)> = numbers.iter().map(|(v, u)| (*v, *u)).collect();
    let gap = |a: usize, b: usize| values.get(b).zip(values.get(a)).map(|(b, a)| b.0 - a.0);
    let mut out = Vec::with_capacity(values.len());
    for (n, (value, unit)) in values.iter().copied().enumerate() {
        let left = n.checked_sub(1).and_then(|before| gap(before, n)).unwrap_or(0);
        let right = gap(n, n + 1).unwrap_or(0);
        let mut draw = || {
            let (room, sign) = if left == 0 || (right > 0 && random.unit() < 0.5) { (right, 1) } else { (left, -1) };
            sign * ((room as f64 * 0.45 * random.unit()) as i128 / unit * unit)
        };
        let way = (0..8).map(|_| draw()).find(|way| way + shift != 0).unwrap_or(0);
        out.push(value + way + shift);
    }
    out
}

/// As many random numbers in ascending order.
pub(super) fn scatter(count: usize, random: &mut Random) -> Vec<i128> {
    let mut out = std::collections::BTreeSet::new();
    while out.len() < count {
        out.insert((u128::from(random.bits()) << 64 | u128::from(random.bits())) as i128);
    }
    out.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn again(notation: Notation, text: &str) -> Option<String> {
        notation.read(text).map(|n| notation.write(n.value, text))
    }

    #[test]
    fn numbers_are_read_and_written_as_they_were() {
        for text in ["0", "1.50", "-0.001", "100", "999999999999999.9999", "$12.50", "-3"] {
            assert_eq!(again(Notation::Decimal, text).as_deref(), Some(text));
        }
        assert_eq!(again(Notation::Decimal, "1.5e-07").as_deref(), Some("0.00000015"));
        assert_eq!(again(Notation::Decimal, "1.5e+10").as_deref(), Some("15000000000"));
        assert_eq!(again(Notation::Decimal, "$1,234.50").as_deref(), Some("$1234.50"));
        for text in ["NaN", "Infinity", "1e300", "1e-300", "", "-", ".", "1.2.3", "10000000000000000"] {
            assert_eq!(again(Notation::Decimal, text), None, "{text}");
        }
        let id = "6f1c0000-0000-4000-8000-00000000abcd";
        assert_eq!(again(Notation::Uuid, id).as_deref(), Some(id));
        assert!(uuid("00000000-0000-0000-0000-000000000000") < uuid("ffffffff-ffff-ffff-ffff-ffffffffffff"));
    }

    fn multiples() -> impl Strategy<Value = Numbers> {
        prop::collection::btree_map(-1_000_000i128..1_000_000, prop_oneof![Just(1i128), Just(10), Just(100)], 0..80)
            .prop_map(|m| m.into_iter().map(|(v, u)| (v * u, u)).collect())
    }

    proptest! {
        #[test]
        fn contracted_numbers_keep_order_unit_and_range(numbers in multiples(), seed in any::<u64>()) {
            let out = contract(&numbers, &mut Random::new(seed, "x"));
            prop_assert!(out.windows(2).all(|w| w[0] < w[1]));
            for ((value, unit), new) in numbers.iter().zip(&out) {
                prop_assert!(new.abs() <= value.abs() && new.signum() == value.signum() && new % unit == 0, "{value} {new}");
            }
        }

        #[test]
        fn nudged_numbers_keep_order_unit_and_place(numbers in multiples(), seed in any::<u64>()) {
            let out = nudge(&numbers, 0, &mut Random::new(seed, "x"));
            prop_assert!(out.windows(2).all(|w| w[0] < w[1]));
            prop_assert!(numbers.iter().zip(&out).all(|((_, unit), new)| new % unit == 0));
        }

        #[test]
        fn no_text_is_a_panic(text in "[-+0-9.eE$, :aTZ]{0,24}") {
            for notation in [Notation::Integer, Notation::Decimal, Notation::Date, Notation::Timestamp, Notation::TimeOfDay, Notation::Uuid] {
                if let Some(number) = notation.read(&text) {
                    notation.write(number.value, &text);
                }
            }
        }
    }
}
