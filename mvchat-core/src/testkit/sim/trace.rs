//! What happened in a run, in its order.

use super::clock::Clock;
use parking_lot::Mutex;
use std::sync::Arc;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// When, in milliseconds of virtual time.
    pub at: u64,
    /// What.
    pub seen: Seen,
}

/// What can happen.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Seen {
    /// A device connected to a node.
    Opened {
        /// The connection.
        link: usize,
        /// The user's number.
        user: usize,
        /// The device's number, over all users.
        device: usize,
        /// The node.
        node: usize,
    },
    /// A device gave a frame to its connection.
    Up {
        /// The connection.
        link: usize,
        /// The frame.
        text: String,
    },
    /// A device received a frame.
    Down {
        /// The connection.
        link: usize,
        /// The frame.
        text: String,
    },
    /// A connection ended for its device.
    Closed {
        /// The connection.
        link: usize,
        /// The code, if the server said one.
        code: Option<u16>,
    },
    /// A connection was cut.
    Cut(usize),
    /// A connection went dark: nothing arrives any more, and neither end is told.
    Dark(usize),
    /// A device reads nothing for a while.
    Stalled(usize),
    /// A device reads again.
    Relieved(usize),
    /// A walk through a conversation began.
    Walks(usize),
    /// A page of a walk through a conversation, or its end.
    Walked {
        /// Who walks.
        user: usize,
        /// The walk.
        walk: usize,
        /// The conversation.
        conv: String,
        /// Towards newer messages.
        forward: bool,
        /// What the page held.
        seqs: Vec<u64>,
        /// There was nothing more.
        done: bool,
    },
    /// A node was killed.
    Killed(usize),
    /// A node was stopped gracefully.
    Drained {
        /// The node.
        node: usize,
        /// All of it was done in time.
        clean: bool,
    },
    /// A node began.
    Started(usize),
    /// Two nodes can't hear each other for a while.
    Parted(usize, usize),
    /// The wall clock jumped, by so many microseconds.
    Jumped(i64),
    /// Faults ended.
    Healed,
}

/// The record of a run; clones share it.
#[derive(Clone, Debug)]
pub(super) struct Trace {
    clock: Clock,
    records: Arc<Mutex<Vec<Record>>>,
}

impl Trace {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, records: Arc::default() }
    }

    pub(super) fn note(&self, seen: Seen) {
        let at = self.clock.mono().0;
        self.records.lock().push(Record { at, seen });
    }

    pub(super) fn take(&self) -> Vec<Record> {
        std::mem::take(&mut *self.records.lock())
    }
}

/// Writes records down, one a line. Tokens are left out: their signatures come from keys that are others in every run.
pub(super) fn lines(records: &[Record]) -> impl Iterator<Item = String> {
    records.iter().map(|record| without_tokens(format!("{:>7} {:?}", record.at, record.seen)))
}

/// Returns a number that tells records apart (FNV-1a, 64 bits).
pub(super) fn hash(records: &[Record]) -> u64 {
    let add = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    lines(records).flat_map(String::into_bytes).fold(0xcbf2_9ce4_8422_2325, add)
}

/// Tokens begin with the base64 of `{"`, and are the only texts here that do.
fn without_tokens(mut text: String) -> String {
    while let Some(start) = text.find("eyJ") {
        let end = text[start..].find(['"', '\\']).map_or(text.len(), |end| start + end);
        text.replace_range(start..end, "token");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn down(text: &str) -> Record {
        Record { at: 1, seen: Seen::Down { link: 0, text: text.to_owned() } }
    }

    #[test]
    fn the_hash_sees_everything_but_tokens() {
        let hash = |text: &str| hash(&[down(text)]);
        assert_eq!(hash(r#"{"token":"eyJa.b.c"}"#), hash(r#"{"token":"eyJx.y.zz"}"#));
        assert_ne!(hash(r#"{"token":"eyJa","a":1}"#), hash(r#"{"token":"eyJa","a":2}"#));
    }
}
