//! At most one event of a kind in an interval.

use crate::proto::{ConvId, UserId};
use crate::time::Instant;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::time::Duration;

/// Above this many entries, those that no longer matter are forgotten; above that many, nothing passes.
const SWEEP_AT: usize = 8_192;
const MAX: usize = SWEEP_AT * 8;

/// Remembers when each user last did something in a conversation.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    last: Mutex<Last>,
}

#[derive(Debug)]
struct Last {
    at: HashMap<(UserId, ConvId), Instant>,
    /// The number of entries at which to sweep: twice what the last sweep left, so that sweeping costs each event
    /// the same however many there are.
    sweep_at: usize,
}

impl Default for Last {
    fn default() -> Self {
        Self { at: HashMap::new(), sweep_at: SWEEP_AT }
    }
}

impl Throttle {
    /// Returns whether it may happen now, and notes it if so.
    pub(super) fn pass(&self, user: UserId, conv: ConvId, interval: Duration, now: Instant) -> bool {
        let mut last = self.last.lock();
        if last.at.len() >= last.sweep_at {
            last.at.retain(|_, at| now.since(*at) < interval);
            last.sweep_at = (last.at.len() * 2).clamp(SWEEP_AT, MAX);
        }
        if last.at.len() >= MAX {
            return false;
        }
        match last.at.get(&(user, conv)) {
            Some(at) if now.since(*at) < interval => false,
            _ => {
                last.at.insert((user, conv), now);
                true
            }
        }
    }
}
