//! When to try again.

use std::time::Duration;

/// A small generator of jitter (SplitMix64: Steele, Lea, Flood 2014); not fit for secrets.
#[derive(Clone, Debug)]
pub(super) struct SplitMix64(u64);

impl SplitMix64 {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a value of `0..=bound`.
    fn up_to(&mut self, bound: u64) -> u64 {
        // The high half of a 64 × 64 bit product is uniform enough for jitter and never above `bound`.
        ((u128::from(self.next()) * (u128::from(bound) + 1)) >> 64) as u64
    }
}

/// Full jitter: a time between nothing and a ceiling that doubles with every failure, up to a cap.
#[derive(Clone, Copy, Debug)]
pub(super) struct Backoff {
    base: Duration,
    cap: Duration,
    failures: u32,
}

impl Backoff {
    pub(super) fn new(base: Duration, cap: Duration) -> Self {
        Self { base, cap, failures: 0 }
    }

    /// Starts over: the last attempt went well for long enough.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// Counts a failure and returns how long to wait, at least `floor`.
    pub(super) fn fail(&mut self, rng: &mut SplitMix64, floor: Duration) -> Duration {
        let ceiling = self.base.saturating_mul(1 << self.failures.min(20)).min(self.cap);
        self.failures = self.failures.saturating_add(1);
        let millis = rng.up_to(u64::try_from(ceiling.as_millis()).unwrap_or(u64::MAX));
        Duration::from_millis(millis).max(floor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delays(seed: u64) -> Vec<Duration> {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(30));
        let mut rng = SplitMix64::new(seed);
        (0..200).map(|_| backoff.fail(&mut rng, Duration::ZERO)).collect()
    }

    #[test]
    fn the_generator_is_the_published_one() {
        let mut rng = SplitMix64::new(1_234_567);
        assert_eq!(rng.next(), 6_457_827_717_110_365_317);
        assert_eq!(rng.next(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn a_seed_decides_and_the_ceiling_doubles_up_to_the_cap() {
        assert_eq!(delays(1), delays(1));
        assert_ne!(delays(1), delays(2));
        let mut most = [Duration::ZERO; 8];
        for seed in 0..400 {
            for (at, delay) in delays(seed).into_iter().enumerate() {
                assert!(delay <= Duration::from_secs((1_u64 << at.min(20)).min(30)));
                if let Some(most) = most.get_mut(at) {
                    *most = (*most).max(delay);
                }
            }
        }
        for (at, most) in most.into_iter().enumerate() {
            let ceiling = Duration::from_secs((1_u64 << at).min(30));
            assert!(most * 10 > ceiling * 9, "the whole range is used: {most:?} of {ceiling:?}");
        }
    }

    #[test]
    fn a_floor_is_kept_and_a_reset_starts_over() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(30));
        let mut rng = SplitMix64::new(3);
        assert!(backoff.fail(&mut rng, Duration::from_secs(50)) == Duration::from_secs(50));
        for _ in 0..10 {
            backoff.fail(&mut rng, Duration::ZERO);
        }
        backoff.reset();
        assert!(backoff.fail(&mut rng, Duration::ZERO) <= Duration::from_secs(1));
    }
}
