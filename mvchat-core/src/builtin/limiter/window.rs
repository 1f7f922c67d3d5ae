//! An exact sliding window.

use crate::time::Instant;
use std::collections::VecDeque;
use std::time::Duration;

/// When the acts were that still count, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Window {
    acts: VecDeque<Instant>,
}

impl Window {
    pub(super) fn wait(&self, max: u32, per: u32, cost: u32, now: Instant) -> Duration {
        let past = self.acts.partition_point(|act| end(*act, per) <= now);
        let too_many = (self.acts.len() - past + cost as usize).saturating_sub(max as usize);
        // So many of the oldest have to go first.
        let last = too_many.checked_sub(1).and_then(|last| self.acts.get(past + last));
        last.map_or(Duration::ZERO, |last| end(*last, per).since(now))
    }

    pub(super) fn take(&mut self, per: u32, cost: u32, now: Instant) {
        let past = self.acts.partition_point(|act| end(*act, per) <= now);
        self.acts.drain(..past);
        self.acts.extend(std::iter::repeat_n(now, cost as usize));
    }

    pub(super) fn give_back(&mut self, cost: u32) {
        self.acts.truncate(self.acts.len().saturating_sub(cost as usize));
    }

    pub(super) fn idle_at(&self, per: u32) -> Instant {
        self.acts.back().map_or(Instant(0), |act| end(*act, per))
    }
}

fn end(act: Instant, per: u32) -> Instant {
    act + Duration::from_millis(u64::from(per))
}
