//! At most one event of a kind in an interval.

use crate::proto::{ConvId, UserId};
use crate::time::Instant;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::time::Duration;

/// Above this many entries, those that no longer matter are forgotten; above that many, nothing passes.
const SWEEP_AT: usize = 8_192;
const MAX: usize = SWEEP_AT * 8;

/// Remembers until when each user may not do something again in a conversation.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    last: Mutex<Last>,
}

#[derive(Debug)]
struct Last {
    until: HashMap<(UserId, ConvId), Instant>,
    /// The number of entries at which to sweep: twice what the last sweep left, so that sweeping costs each event
    /// the same however many there are.
    sweep_at: usize,
}

impl Default for Last {
    fn default() -> Self {
        Self { until: HashMap::new(), sweep_at: SWEEP_AT }
    }
}

impl Throttle {
    /// Lets it happen and notes that, once in an interval.
    ///
    /// # Errors
    /// With the time until it may happen again.
    pub(super) fn pass(
        &self,
        user: UserId,
        conv: ConvId,
        interval: Duration,
        now: Instant,
    ) -> Result<(), Duration> {
        let mut last = self.last.lock();
        if last.until.len() >= last.sweep_at {
            last.until.retain(|_, until| *until > now);
            last.sweep_at = (last.until.len() * 2).clamp(SWEEP_AT, MAX);
        }
        if last.until.len() >= MAX {
            return Err(interval);
        }
        match last.until.get(&(user, conv)) {
            Some(until) if *until > now => Err(until.since(now)),
            _ => {
                last.until.insert((user, conv), now + interval);
                Ok(())
            }
        }
    }
}
