//! Dates and times as PostgreSQL writes them in ISO style, to numbers and back. Own arithmetic:
//! PostgreSQL's calendar reaches from 4713 BC to the year 5874897, further than any library's.

use super::numbers::Number;

/// Microseconds of a second and of a day.
const SECOND: i128 = 1_000_000;
const DAY: i128 = 86_400 * SECOND;

/// Days since 1970; `infinity` is none.
pub(super) fn read_date(text: &str) -> Option<i128> {
    let (plain, before_christ) = without_era(text.trim());
    date(plain, before_christ)
}

/// Microseconds since 1970, in UTC where an offset is written.
pub(super) fn read_timestamp(text: &str) -> Option<Number> {
    let (plain, before_christ) = without_era(text.trim());
    let (day, rest) = plain.split_once([' ', 'T']).unwrap_or((plain, "00:00:00"));
    let (clock, offset) = match rest.rfind(['+', '-', 'Z']) {
        Some(at) => (&rest[..at], offset(&rest[at..])?),
        None => (rest, 0),
    };
    let clock = read_time(clock)?;
    let value = date(day, before_christ)? * DAY + clock.value - offset * SECOND;
    Some(Number { value, unit: clock.unit })
}

/// Microseconds since midnight; one with a time zone is none.
pub(super) fn read_time(text: &str) -> Option<Number> {
    let (clock, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let mut parts = clock.split(':').map(|p| digits(p, 2));
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next().unwrap_or(Some(0))?);
    if parts.next().is_some() || hour > 24 || minute > 59 || second > 60 || fraction.len() > 6 {
        return None;
    }
    let unit = 10i128.pow(6 - fraction.len() as u32);
    let micros = if fraction.is_empty() { 0 } else { digits(fraction, 6)? * unit };
    Some(Number { value: (hour * 3600 + minute * 60 + second) * SECOND + micros, unit })
}

/// `2024-01-31`.
pub(super) fn write_date(days: i128) -> String {
    let (text, era) = civil(days);
    format!("{text}{era}")
}

/// With the fraction's digits and the offset (always UTC) where `like` has them.
pub(super) fn write_timestamp(micros: i128, like: &str) -> String {
    let (day, era) = civil(micros.div_euclid(DAY));
    let clock = like.trim().split_once([' ', 'T']).map_or("", |(_, rest)| rest);
    let zone = if clock.contains(['+', '-', 'Z']) { "+00" } else { "" };
    let clock = clock.split(['+', '-', 'Z']).next().unwrap_or_default();
    format!("{day} {}{zone}{era}", write_time(micros.rem_euclid(DAY), clock))
}

/// `12:34:56.789` with as many digits as needed, and never fewer than `like` has.
pub(super) fn write_time(micros: i128, like: &str) -> String {
    let (seconds, fraction) = (micros / SECOND, format!("{:06}", micros % SECOND));
    let shown = like.split_once('.').map_or(0, |(_, f)| f.chars().take_while(char::is_ascii_digit).count()).min(6);
    let fraction = &fraction[..shown.max(fraction.trim_end_matches('0').len())];
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{:02}:{:02}:{:02}{point}{fraction}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

fn without_era(text: &str) -> (&str, bool) {
    match text.strip_suffix(" BC") {
        Some(rest) => (rest, true),
        None => (text, false),
    }
}

/// Whole digits, at most so many.
fn digits(text: &str, most: usize) -> Option<i128> {
    let good = !text.is_empty() && text.len() <= most && text.bytes().all(|b| b.is_ascii_digit());
    good.then(|| text.parse().ok()).flatten()
}

/// `+02`, `+05:30`, `Z`, in seconds.
fn offset(text: &str) -> Option<i128> {
    if text == "Z" {
        return Some(0);
    }
    let mut seconds = 0;
    for (part, unit) in text[1..].split(':').zip([3600, 60, 1]) {
        seconds += digits(part, 2)? * unit;
    }
    Some(if text.starts_with('-') { -seconds } else { seconds })
}

fn date(text: &str, before_christ: bool) -> Option<i128> {
    let mut parts = text.split('-');
    let year = parts.next().filter(|y| y.len() >= 4).and_then(|y| digits(y, 7))?;
    let (month, day) = (digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    if parts.next().is_some() || !(1..=12).contains(&month) || !(1..=31).contains(&day) || year == 0 {
        return None;
    }
    Some(days(if before_christ { 1 - year } else { year }, month, day))
}

/// Days since 1970 of a date in the proleptic Gregorian calendar: the year begins in March, so that
/// the leap day is its last.
fn days(year: i128, month: i128, day: i128) -> i128 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The date, and ` BC` for years before the first.
fn civil(days: i128) -> (String, &'static str) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march = (5 * of_year + 2) / 153;
    let (day, month) = (of_year - (153 * march + 2) / 5 + 1, (march + 2) % 12 + 1);
    let year = era * 400 + year_of_era + i128::from(month <= 2);
    let (shown, suffix) = if year > 0 { (year, "") } else { (1 - year, " BC") };
    (format!("{shown:04}-{month:02}-{day:02}"), suffix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_days() {
        assert_eq!(read_date("1970-01-01"), Some(0));
        assert_eq!(read_date("2000-03-01"), Some(11_017));
        assert_eq!(read_date("0001-01-01"), Some(-719_162));
        assert_eq!(read_date("0001-12-31 BC"), Some(-719_163));
        assert_eq!(write_date(-719_163), "0001-12-31 BC");
        for none in ["infinity", "", "24-01-01", "2024-13-01", "2024-01", "2024-01-01-01"] {
            assert_eq!(read_date(none), None, "{none}");
        }
    }

    #[test]
    fn timestamps_come_back_in_utc() {
        let again = |text: &str| read_timestamp(text).map(|n| write_timestamp(n.value, text)).unwrap_or_default();
        for text in ["2024-02-29 23:59:59.5", "2024-01-01 00:00:00+00", "0044-03-15 12:00:00 BC", "12024-01-01 00:00:00.000001"] {
            assert_eq!(again(text), text);
        }
        assert_eq!(again("2024-01-01 01:30:00+05:30"), "2023-12-31 20:00:00+00");
        assert_eq!(again("2024-01-01"), "2024-01-01 00:00:00");
        assert_eq!(read_time("24:00:00").map(|n| n.value), Some(DAY));
        assert_eq!(read_time("12:00:00+02"), None);
    }

    proptest! {
        #[test]
        fn every_day_comes_back(day in -2_400_000i128..2_000_000_000) {
            prop_assert_eq!(read_date(&write_date(day)), Some(day));
        }
    }
}
