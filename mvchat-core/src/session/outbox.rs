//! Where replies and pushed frames of one connection meet, in the order in which they leave.

use super::Ticket;
use crate::proto::{ConvId, UserId};
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};

/// What a place in the queue costs besides its bytes.
const ITEM_COST: usize = 64;

/// A bounded queue of frames with two lanes.
///
/// * Replies leave in request order, whenever they become ready.
/// * A durable frame keeps its place. The requester of a change gets the reply in place of the frame: see
///   [`reserve`](Outbox::reserve).
/// * An ephemeral frame (typing, presence, marks) replaces an older one of the same key and never overflows.
///
/// Nothing is dropped from an open queue: a frame too many is an [`Overflow`], after which the connection is
/// closed for the client to catch up.
#[derive(Debug)]
pub struct Outbox {
    queue: VecDeque<Item>,
    /// Replies that are ready; those from `unplaced` on have no place yet.
    ready: BTreeMap<u64, Option<Bytes>>,
    unplaced: u64,
    ephemerals: BTreeMap<Ephemeral, Bytes>,
    /// What waits, replies and pushed frames together.
    bytes: usize,
    /// The pushed frames that wait, and their bytes.
    frames: usize,
    frame_bytes: usize,
    max_frames: usize,
    max_bytes: usize,
    shut: bool,
}

#[derive(Debug)]
enum Item {
    Frame(Bytes),
    Reply(u64),
}

/// A connection that does not keep up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overflow;

/// Tells ephemeral frames apart: the newest of each kind, conversation and user is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Ephemeral {
    /// Someone is writing.
    Typing(ConvId, UserId),
    /// Someone's read mark.
    Read(ConvId, UserId),
    /// Someone's delivery mark.
    Recv(ConvId, UserId),
    /// Someone came or went.
    Presence(UserId),
}

impl Outbox {
    /// Makes an empty queue for at most so many pushed frames and bytes.
    pub fn new(max_frames: usize, max_bytes: usize) -> Self {
        Self {
            queue: VecDeque::new(),
            ready: BTreeMap::new(),
            unplaced: 0,
            ephemerals: BTreeMap::new(),
            bytes: 0,
            frames: 0,
            frame_bytes: 0,
            max_frames,
            max_bytes,
            shut: false,
        }
    }

    /// Forgets what waits and takes nothing more.
    pub fn shut(&mut self) {
        *self = Self { shut: true, unplaced: self.unplaced, ..Self::new(0, 0) };
    }

    /// Queues a durable frame.
    ///
    /// # Errors
    /// `Overflow` if it does not fit; it is not queued.
    pub fn push(&mut self, frame: Bytes) -> Result<(), Overflow> {
        let cost = frame.len() + ITEM_COST;
        // Replies don't count: they are bounded by the requests that are read, and a client that asks for a
        // large page keeps up as well as any other.
        if self.frames >= self.max_frames || self.frame_bytes + cost > self.max_bytes {
            return Err(Overflow);
        }
        self.bytes += cost;
        self.frames += 1;
        self.frame_bytes += cost;
        self.queue.push_back(Item::Frame(frame));
        Ok(())
    }

    /// Queues a frame of which only the newest counts.
    pub fn push_ephemeral(&mut self, key: Ephemeral, frame: Bytes) {
        if self.shut {
            return;
        }
        // A full lane makes room: these frames are hints, and a slow connection is closed by the other lane.
        if self.ephemerals.len() >= self.max_frames && !self.ephemerals.contains_key(&key) {
            self.ephemerals.pop_first();
        }
        self.ephemerals.insert(key, frame);
    }

    /// Gives the reply to a request its place here, before whatever is queued later; it may be ready later.
    /// Replies to earlier requests get their places before it.
    pub fn reserve(&mut self, ticket: Ticket) {
        while !self.shut && self.unplaced <= ticket.0 {
            self.queue.push_back(Item::Reply(self.unplaced));
            self.unplaced += 1;
        }
    }

    /// Hands over the reply to a request; `None` for one that is not answered.
    pub fn reply(&mut self, ticket: Ticket, reply: Option<Bytes>) {
        if self.shut {
            return;
        }
        self.bytes += reply.as_ref().map_or(0, |reply| reply.len() + ITEM_COST);
        self.ready.insert(ticket.0, reply);
        while self.ready.contains_key(&self.unplaced) {
            self.queue.push_back(Item::Reply(self.unplaced));
            self.unplaced += 1;
        }
    }

    /// Takes the next frame that can leave.
    pub fn pop(&mut self) -> Option<Bytes> {
        loop {
            let frame = match self.queue.front() {
                Some(Item::Frame(_)) => match self.queue.pop_front() {
                    Some(Item::Frame(frame)) => {
                        self.frames = self.frames.saturating_sub(1);
                        self.frame_bytes = self.frame_bytes.saturating_sub(frame.len() + ITEM_COST);
                        frame
                    }
                    _ => continue,
                },
                Some(Item::Reply(ticket)) if self.ready.contains_key(ticket) => {
                    let reply = self.ready.remove(ticket).flatten();
                    self.queue.pop_front();
                    match reply {
                        Some(reply) => reply,
                        None => continue,
                    }
                }
                _ => return self.ephemerals.pop_first().map(|(_, frame)| frame),
            };
            self.bytes = self.bytes.saturating_sub(frame.len() + ITEM_COST);
            return Some(frame);
        }
    }

    /// Returns how many bytes wait.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(text: &str) -> Bytes {
        Bytes::copy_from_slice(text.as_bytes())
    }

    fn drain(outbox: &mut Outbox) -> Vec<String> {
        std::iter::from_fn(|| outbox.pop()).map(|frame| String::from_utf8(frame.to_vec()).unwrap()).collect()
    }

    #[test]
    fn replies_leave_in_request_order() {
        let mut outbox = Outbox::new(8, 1 << 20);
        outbox.reply(Ticket(2), Some(frame("c")));
        outbox.reply(Ticket(1), None);
        assert!(drain(&mut outbox).is_empty());
        outbox.reply(Ticket(0), Some(frame("a")));
        assert_eq!(drain(&mut outbox), ["a", "c"]);
    }

    #[test]
    fn a_reserved_reply_keeps_its_place_among_the_frames() {
        let mut outbox = Outbox::new(8, 1 << 20);
        outbox.push(frame("rev 1")).unwrap();
        outbox.reserve(Ticket(1));
        outbox.push(frame("rev 3")).unwrap();
        assert_eq!(drain(&mut outbox), ["rev 1"]);
        outbox.reply(Ticket(1), Some(frame("rev 2")));
        assert!(drain(&mut outbox).is_empty(), "the first request is not answered yet");
        outbox.reply(Ticket(0), Some(frame("first")));
        assert_eq!(drain(&mut outbox), ["first", "rev 2", "rev 3"]);
    }

    #[test]
    fn overflow_is_said_and_never_drops() {
        let mut outbox = Outbox::new(2, 1 << 20);
        outbox.push(frame("1")).unwrap();
        outbox.push(frame("2")).unwrap();
        assert_eq!(outbox.push(frame("3")), Err(Overflow));
        assert_eq!(drain(&mut outbox), ["1", "2"]);
        assert_eq!(outbox.bytes(), 0);
        let mut small = Outbox::new(9, 100);
        small.push(frame("1")).unwrap();
        assert_eq!(small.push(frame("2")), Err(Overflow));
    }

    #[test]
    fn a_large_reply_takes_no_room_from_the_frames() {
        let mut outbox = Outbox::new(2, 200);
        outbox.reply(Ticket(0), Some(Bytes::from(vec![b'x'; 1_000])));
        outbox.push(frame("1")).unwrap();
        outbox.push(frame("2")).unwrap();
        assert_eq!(outbox.push(frame("3")), Err(Overflow));
        assert_eq!(drain(&mut outbox).len(), 3);
        assert_eq!(outbox.bytes(), 0);
        outbox.push(frame("4")).unwrap();
    }

    #[test]
    fn a_shut_queue_takes_nothing_more() {
        let mut outbox = Outbox::new(8, 1 << 20);
        outbox.push(frame("1")).unwrap();
        outbox.reply(Ticket(0), Some(frame("a")));
        outbox.shut();
        // The tickets of a long-lived connection are large: placing all before them would take all memory.
        outbox.reserve(Ticket(u64::MAX - 1));
        outbox.reply(Ticket(u64::MAX - 1), Some(frame("b")));
        assert_eq!(outbox.push(frame("2")), Err(Overflow));
        assert!(drain(&mut outbox).is_empty());
        assert_eq!(outbox.bytes(), 0);
    }

    #[test]
    fn the_newest_ephemeral_replaces_the_older() {
        let mut outbox = Outbox::new(2, 1 << 20);
        let user = UserId(uuid::Uuid::from_u128(1));
        outbox.push_ephemeral(Ephemeral::Presence(user), frame("on"));
        outbox.push_ephemeral(Ephemeral::Presence(user), frame("off"));
        outbox.push(frame("data")).unwrap();
        assert_eq!(drain(&mut outbox), ["data", "off"]);
    }
}
