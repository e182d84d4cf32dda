//! Strings of given lengths in a strict order, spread over all strings there are: the pseudonyms of
//! texts (an alphabet of 23) and of byte strings (256). A string is a list of symbol numbers;
//! one that begins another sorts before it.

use super::random::Random;

/// Symbols of a string that decide where it stands; what follows is random.
const LEADING: usize = 12;
/// How often a string is drawn again to get away from what it must not be.
const TRIES: usize = 8;

/// One string per length, each greater than the one before; `base` is the number of symbols. Where
/// there is no room between neighbours a string becomes longer than asked. `avoid(n, string)` says
/// that string `n` had better be another.
pub(super) fn assign(lengths: &[usize], base: u16, random: &mut Random, avoid: impl Fn(usize, &[u8]) -> bool) -> Vec<Vec<u8>> {
    let lengths = feasible(lengths, base);
    let highest = greatest(&lengths, base);
    let top = u128::from(base).pow(LEADING as u32) - 1;
    let mut out: Vec<Vec<u8>> = Vec::with_capacity(lengths.len());
    for (n, length) in lengths.iter().copied().enumerate() {
        let lowest = match out.last() {
            Some(before) => after(before, length, base).unwrap_or_else(|| highest[n].clone()),
            None => vec![0; length],
        };
        // An even step towards the end for each string still to come, more or less.
        let from = leading(&lowest, base);
        let step = (top - from.min(top)) / (lengths.len() - n + 1) as u128;
        let mut draw = || {
            let wanted = from + (step as f64 * 2.0 * random.unit()) as u128;
            spell(wanted.min(top), length, base, random).max(lowest.clone()).min(highest[n].clone())
        };
        let mut chosen = draw();
        for _ in 0..TRIES {
            if !avoid(n, &chosen) {
                break;
            }
            chosen = draw();
        }
        out.push(chosen);
    }
    out
}

/// The lengths asked for, some made longer where the least assignment finds no room.
fn feasible(lengths: &[usize], base: u16) -> Vec<usize> {
    let mut least: Vec<u8> = Vec::new();
    let mut out = Vec::with_capacity(lengths.len());
    for length in lengths.iter().copied() {
        least = match out.last() {
            None => vec![0; length],
            Some(_) => after(&least, length, base).unwrap_or_else(|| [least.as_slice(), &[0]].concat()),
        };
        out.push(least.len());
    }
    out
}

/// The greatest assignment: from the right, each as great as the next one allows.
fn greatest(lengths: &[usize], base: u16) -> Vec<Vec<u8>> {
    let mut out: Vec<Vec<u8>> = Vec::with_capacity(lengths.len());
    for length in lengths.iter().rev().copied() {
        let string = match out.last() {
            None => vec![(base - 1) as u8; length],
            // There is one: the least assignment found it.
            Some(next) => before(next, length, base).unwrap_or_else(|| vec![0; length]),
        };
        out.push(string);
    }
    out.reverse();
    out
}

/// The least string of this length that is greater.
fn after(string: &[u8], length: usize, base: u16) -> Option<Vec<u8>> {
    if length > string.len() {
        let mut longer = string.to_vec();
        longer.resize(length, 0);
        return Some(longer);
    }
    let mut cut = string[..length].to_vec();
    let at = cut.iter().rposition(|s| u16::from(*s) + 1 < base)?;
    cut[at] += 1;
    cut[at + 1..].fill(0);
    Some(cut)
}

/// The greatest string of this length that is less.
fn before(string: &[u8], length: usize, base: u16) -> Option<Vec<u8>> {
    if length < string.len() {
        return Some(string[..length].to_vec());
    }
    let mut less = string.to_vec();
    let at = less.iter().rposition(|s| *s > 0)?;
    less[at] -= 1;
    less[at + 1..].fill((base - 1) as u8);
    less.resize(length, (base - 1) as u8);
    Some(less)
}

/// The first symbols as one number.
fn leading(string: &[u8], base: u16) -> u128 {
    (0..LEADING).fold(0, |sum, n| sum * u128::from(base) + u128::from(string.get(n).copied().unwrap_or(0)))
}

/// The string whose first symbols are this number, the others random.
fn spell(mut number: u128, length: usize, base: u16, random: &mut Random) -> Vec<u8> {
    let mut first = [0u8; LEADING];
    for symbol in first.iter_mut().rev() {
        *symbol = (number % u128::from(base)) as u8;
        number /= u128::from(base);
    }
    (0..length).map(|n| first.get(n).copied().unwrap_or_else(|| (random.bits() % u64::from(base)) as u8)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn strings(lengths: &[usize], base: u16) -> Vec<Vec<u8>> {
        assign(lengths, base, &mut Random::new(7, "test"), |_, _| false)
    }

    #[test]
    fn all_of_a_crowded_space_is_used_before_a_string_becomes_longer() {
        let full = strings(&[1; 23], 23);
        assert_eq!(full, (0..23).map(|n| vec![n]).collect::<Vec<_>>());
        let longer = strings(&[1; 30], 23);
        assert_eq!(longer.iter().filter(|s| s.len() == 1).count(), 23);
        assert!(longer.windows(2).all(|w| w[0] < w[1]));
    }

    #[test]
    fn strings_are_spread_over_the_space() {
        let spread = strings(&[8; 1000], 23);
        let of = |part: usize| spread.iter().filter(|s| usize::from(s[0]) / 6 == part).count();
        assert!((0..3).all(|part| (180..340).contains(&of(part))), "{:?}", [of(0), of(1), of(2), of(3)]);
    }

    proptest! {
        #[test]
        fn order_is_strict_and_lengths_are_kept_where_they_can_be(lengths in prop::collection::vec(1usize..9, 0..60), seed in any::<u64>(), wide in any::<bool>()) {
            let base = if wide { 256 } else { 23 };
            let out = assign(&lengths, base, &mut Random::new(seed, "x"), |_, s| s[0] == 0);
            prop_assert_eq!(out.len(), lengths.len());
            prop_assert!(out.windows(2).all(|w| w[0] < w[1]));
            prop_assert!(out.iter().zip(&lengths).all(|(s, l)| s.len() >= *l));
            prop_assert!(out.iter().flatten().all(|s| u16::from(*s) < base));
            if lengths.iter().all(|l| *l > 1) {
                prop_assert!(out.iter().zip(&lengths).all(|(s, l)| s.len() == *l));
            }
        }
    }
}
