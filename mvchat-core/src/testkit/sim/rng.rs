//! Chance by seed.

/// Numbers that look random and are the same for the same seed (SplitMix64).
#[derive(Clone, Debug)]
pub(in crate::testkit) struct Rng(u64);

impl Rng {
    pub(in crate::testkit) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(in crate::testkit) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number from 0 to `end - 1`; 0 if there is none.
    pub(in crate::testkit) fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// Returns a number from `low` to `high`, both included.
    pub(in crate::testkit) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// Returns whether something happens that does so many times in a thousand.
    pub(in crate::testkit) fn chance(&mut self, thousandths: u64) -> bool {
        self.below(1_000) < thousandths
    }

    /// Returns one of several things.
    pub(in crate::testkit) fn pick<'a, T>(&mut self, things: &'a [T]) -> Option<&'a T> {
        let place = self.below(things.len() as u64);
        things.get(usize::try_from(place).unwrap_or(0))
    }

    /// Returns another source, whose numbers do not depend on how many are drawn from this one later.
    pub(in crate::testkit) fn fork(&mut self) -> Self {
        Self(self.next())
    }
}
