//! At most one event of a kind in an interval.

use crate::proto::{ConvId, UserId};
use crate::time::Instant;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::time::Duration;

/// Above this many entries, those that no longer matter are forgotten.
const SWEEP_AT: usize = 8_192;

/// Remembers when each user last did something in a conversation.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    last: Mutex<HashMap<(UserId, ConvId), Instant>>,
}

impl Throttle {
    /// Returns whether it may happen now, and notes it if so.
    pub(super) fn pass(&self, user: UserId, conv: ConvId, interval: Duration, now: Instant) -> bool {
        let mut last = self.last.lock();
        if last.len() >= SWEEP_AT {
            last.retain(|_, at| now.since(*at) < interval);
        }
        if last.len() >= SWEEP_AT * 8 {
            return false;
        }
        match last.get(&(user, conv)) {
            Some(at) if now.since(*at) < interval => false,
            _ => {
                last.insert((user, conv), now);
                true
            }
        }
    }
}
