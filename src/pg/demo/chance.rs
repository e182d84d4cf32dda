//! The same numbers for the same seed, everywhere: a linear congruential generator (Knuth's MMIX
//! constants), whose upper bits are good enough to pick users and pages.

/// A stream of numbers.
#[derive(Debug, Clone)]
pub(super) struct Chance(u64);

impl Chance {
    /// The stream of this seed.
    pub fn new(seed: u64) -> Self {
        let mut chance = Chance(seed);
        // Neighbouring seeds begin alike.
        for _ in 0..4 {
            chance.fraction();
        }
        chance
    }

    /// At least 0, less than 1.
    pub fn fraction(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    /// At least 0, less than `n`.
    pub fn below(&mut self, n: i64) -> i64 {
        (self.fraction() * n as f64) as i64
    }

    /// 1 to `n`, low numbers far more often, as the scripts draw them.
    pub fn popular(&mut self, n: i64) -> i64 {
        1 + (self.fraction().powi(2) * n as f64) as i64
    }

    /// Puts `items` into another order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = (self.fraction() * (last + 1) as f64) as usize;
            items.swap(last, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_its_numbers_again_and_they_stay_in_range() {
        let draw = |seed| {
            let mut chance = Chance::new(seed);
            (0..1000).map(|_| chance.popular(100)).collect::<Vec<_>>()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        assert!(draw(7).iter().all(|n| (1..=100).contains(n)));
        assert!(draw(7).iter().filter(|n| **n <= 25).count() > 400, "half the draws fall on the first quarter");
    }

    #[test]
    fn shuffling_keeps_every_item() {
        let mut items: Vec<u32> = (0..50).collect();
        Chance::new(1).shuffle(&mut items);
        assert_ne!(items, (0..50).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..50).collect::<Vec<_>>());
    }
}
