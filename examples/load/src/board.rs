//! What all connections of a run write down together.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Counters that the progress bar and the end of a run look at.
#[derive(Debug, Default)]
pub(crate) struct Board {
    ready: AtomicU64,
    sent: AtomicU64,
    acked: AtomicU64,
    delivered: AtomicU64,
    left: AtomicU64,
    errors: Mutex<BTreeMap<String, u64>>,
}

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident, $count:ident;)*) => { $(
        $(#[$doc])*
        pub(crate) fn $count(&self) {
            self.$name.fetch_add(1, Ordering::Relaxed);
        }
        pub(crate) fn $name(&self) -> u64 {
            self.$name.load(Ordering::Relaxed)
        }
    )* };
}

impl Board {
    counters! {
        /// A connection is logged in and has caught up.
        ready, count_ready;
        /// A message was handed over to be sent.
        sent, count_sent;
        /// A message was acknowledged.
        acked, count_acked;
        /// A message has come to somebody else.
        delivered, count_delivered;
        /// Somebody has gone, as told.
        left, count_left;
    }

    /// Notes that something went wrong.
    pub(crate) fn error(&self, kind: impl Into<String>) {
        *self.errors.lock().unwrap_or_else(PoisonError::into_inner).entry(kind.into()).or_default() += 1;
    }

    /// Returns what went wrong, and how often.
    pub(crate) fn errors(&self) -> BTreeMap<String, u64> {
        self.errors.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
