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
        let now = now.0.saturating_mul(1_000);
        let each = 1_000_000 / u64::from(rate.max(1));
        let depth = each.saturating_mul(u64::from(burst.max(1)));
        let full_at = self.full_at.max(now) + each;
        if full_at > now + depth {
            return Err(Duration::from_micros(full_at - now - depth));
        }
        self.full_at = full_at;
        Ok(())
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
