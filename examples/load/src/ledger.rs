//! Whether what arrives arrives once and in order.

use crate::marker::Marker;
use std::collections::HashMap;
use uuid::Uuid;

/// What went wrong with deliveries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    /// Messages that came again, or after a later one of the same sender.
    pub(crate) repeated: u64,
    /// Messages that did not come before a later one of the same sender.
    pub(crate) skipped: u64,
}

/// What one connection has heard: the next number of every sender in every conversation.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    next: HashMap<(Uuid, u32), u64>,
    pub(crate) faults: Faults,
}

impl Ledger {
    /// Takes a message in; returns whether it is the one that was to come, or a later one.
    pub(crate) fn enter(&mut self, conv: Uuid, marker: Marker) -> bool {
        let next = self.next.entry((conv, marker.sender)).or_default();
        if marker.number < *next {
            self.faults.repeated += 1;
            return false;
        }
        self.faults.skipped += marker.number - *next;
        *next = marker.number + 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_or_comes_twice_is_counted() {
        let mut ledger = Ledger::default();
        let conv = Uuid::from_u128(1);
        let mut enter = |sender, number| ledger.enter(conv, Marker { due: 0, sender, number });
        assert!(enter(1, 0) && enter(1, 1) && enter(2, 0));
        assert!(!enter(1, 1), "again");
        assert!(enter(1, 4), "two are missing");
        assert!(!enter(1, 3), "one of them comes too late");
        assert!(enter(2, 1));
        assert_eq!(ledger.faults, Faults { repeated: 2, skipped: 2 });
    }
}
