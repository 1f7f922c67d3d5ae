//! Pauses that double.

use crate::time::Instant;
use std::time::Duration;

/// How often somebody has tried, and when they may again.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    tries: u32,
    last: Instant,
    until: Instant,
}

impl Backoff {
    pub(super) fn wait(&self, now: Instant) -> Duration {
        self.until.since(now)
    }

    pub(super) fn take(&mut self, free: u32, first: u32, longest: u32, forget: u32, now: Instant) {
        if self.idle_at(forget) <= now {
            self.tries = 0;
        }
        self.tries = self.tries.saturating_add(1);
        self.last = now;
        if let Some(doubled) = self.tries.checked_sub(free) {
            let pause = u64::from(first).checked_shl(doubled.min(32)).unwrap_or(u64::MAX);
            self.until = now + Duration::from_millis(pause.min(u64::from(longest)));
        }
    }

    /// Nothing is forgotten before the last pause is over and the quiet time has passed after it.
    pub(super) fn idle_at(&self, forget: u32) -> Instant {
        self.last.max(self.until) + Duration::from_millis(u64::from(forget))
    }
}
