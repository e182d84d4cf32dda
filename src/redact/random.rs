//! A small random source (SplitMix64): the same seed gives the same pseudonyms, and no dependency is needed for it.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A stream of random numbers.
#[derive(Debug, Clone)]
pub(super) struct Random(u64);

impl Random {
    /// The stream of one purpose: streams of different names do not depend on each other.
    pub(super) fn new(seed: u64, name: &str) -> Self {
        Random(xxh3_64_with_seed(name.as_bytes(), seed))
    }

    /// The next 64 bits.
    pub(super) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 up to, not including, 1.
    pub(super) fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// `low` to `high`, both included; `low` where they are the wrong way round.
    pub(super) fn between(&mut self, low: i128, high: i128) -> i128 {
        let wide = u128::from(self.bits()) << 64 | u128::from(self.bits());
        match high.checked_sub(low).and_then(|span| u128::try_from(span).ok()) {
            Some(span) => low + (wide % (span + 1)) as i128,
            None => low,
        }
    }
}
