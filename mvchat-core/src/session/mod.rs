//! One connection's half of the protocol on the server, as a pure state machine.
//!
//! Mutate a [`Session`] with one [`Input`], then drain [`Session::poll`] until it answers [`Output::Wait`].
//! It never reads a clock and never waits. Replies and pushed frames meet in the [`Outbox`].

mod allowance;
mod bucket;
mod config;
mod machine;
mod outbox;
mod output;

pub use bucket::Bucket;
pub use config::SessionConfig;
pub use machine::{Refused, Session};
pub use outbox::{Ephemeral, Outbox, Overflow};
pub use output::{Device, Ended, Finished, Identity, Input, Job, Now, Output, Ticket};

use std::collections::BTreeMap;

/// Takes an entry out of a map. One that is empty then gives its last node back, some hundred bytes, because most
/// connections have nothing in it most of the time.
fn take<K: Ord, V>(map: &mut BTreeMap<K, V>, key: &K) -> Option<V> {
    let value = map.remove(key);
    if map.is_empty() {
        *map = BTreeMap::new();
    }
    value
}

#[cfg(test)]
mod tests;
