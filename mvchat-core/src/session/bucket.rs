//! A token bucket without a clock.

use crate::time::Instant;
use std::time::Duration;

/// Lets `rate` events a second pass, and `burst` at once after a quiet time: the generic cell rate algorithm
/// (ITU-T I.371), eight bytes of state.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    /// When the bucket will be full again, in microseconds.
    full_at: u64,
}

impl Bucket {
    /// Makes a full bucket.
    pub const fn new() -> Self {
        Self { full_at: 0 }
    }

    /// Takes one token.
    ///
    /// # Errors
    /// With the time until there is one.
    pub fn take(&mut self, rate: u32, burst: u32, now: Instant) -> Result<(), Duration> {
        self.draw(1_000_000 / u64::from(rate.max(1)), burst, 1, now)
    }

    /// Takes several tokens, of which one comes back every `each` microseconds; no more than the bucket holds are
    /// ever asked for.
    ///
    /// # Errors
    /// With the time until there are so many.
    pub fn draw(&mut self, each: u64, burst: u32, tokens: u32, now: Instant) -> Result<(), Duration> {
        let now = now.0.saturating_mul(1_000);
        let (each, burst) = (each.max(1), burst.max(1));
        let depth = each.saturating_mul(u64::from(burst));
        let full_at = self.full_at.max(now).saturating_add(each.saturating_mul(u64::from(tokens.min(burst))));
        let latest = now.saturating_add(depth);
        if full_at > latest {
            return Err(Duration::from_micros(full_at - latest));
        }
        self.full_at = full_at;
        Ok(())
    }

    /// Gives tokens back.
    pub fn give_back(&mut self, each: u64, tokens: u32) {
        self.full_at = self.full_at.saturating_sub(each.saturating_mul(u64::from(tokens)));
    }

    /// Returns when the bucket is full again; what is full remembers nothing.
    pub fn full_at(&self) -> Instant {
        Instant(self.full_at.div_ceil(1_000))
    }
}

impl Default for Bucket {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_rate_holds() {
        let mut bucket = Bucket::new();
        let at = |ms: u64| Instant(10_000 + ms);
        assert_eq!((0..50).filter(|_| bucket.take(30, 30, at(0)).is_ok()).count(), 30);
        let wait = bucket.take(30, 30, at(0)).unwrap_err();
        assert!(bucket.take(30, 30, at(0) + wait).is_err(), "a millisecond clock rounds down");
        assert!(bucket.take(30, 30, at(1) + wait).is_ok());
        assert_eq!((0..50).filter(|_| bucket.take(30, 30, at(2_000)).is_ok()).count(), 30);
    }
}
