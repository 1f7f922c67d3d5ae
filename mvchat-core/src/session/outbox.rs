//! Where replies and pushed frames of one connection meet, in the order in which they leave.

use super::{Ticket, take};
use crate::proto::{ConvId, UserId};
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};

/// What a place in the queue costs besides its bytes.
const ITEM_COST: usize = 64;

/// A bounded queue of frames with two lanes.
///
/// * Replies leave in request order, whenever they become ready.
/// * The durable frames of a conversation keep their order. The requester of a change gets the reply in place of the
///   frame: see [`reserve`](Outbox::reserve).
/// * Conversations do not wait for each other where that would turn an order around: a frame passes the place of a
///   request that is still being carried out, for that may yet become a later change of the same conversation.
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
    /// How many places are [`Place::Open`].
    open: usize,
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
    /// A frame, and the conversation that it is about.
    Frame(Bytes, Option<ConvId>),
    /// The place of a reply.
    Reply(u64, Place),
}

/// What is known of a reply's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// The request is being carried out, and may yet turn out to be a change.
    Open,
    /// It stands for a frame of this conversation, or, without one, for something that concerns all of them.
    Taken(Option<ConvId>),
    /// It tells no change.
    Free,
}

impl Item {
    /// Returns whether frames of a conversation that come later must stay behind it.
    fn precedes(&self, conv: ConvId) -> bool {
        match self {
            Self::Frame(_, of) => of.is_none_or(|of| of == conv),
            Self::Reply(_, Place::Taken(of)) => of.is_none_or(|of| of == conv),
            Self::Reply(..) => false,
        }
    }
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
            open: 0,
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

    /// Queues a durable frame, with the conversation that it is about.
    ///
    /// # Errors
    /// `Overflow` if it does not fit; it is not queued.
    pub fn push(&mut self, conv: Option<ConvId>, frame: Bytes) -> Result<(), Overflow> {
        let cost = frame.len() + ITEM_COST;
        if bug!(FramesDropped) && self.frames >= 2 {
            return Ok(());
        }
        // Replies don't count: they are bounded by the requests that are read, and a client that asks for a
        // large page keeps up as well as any other.
        let full = self.frames >= self.max_frames || self.frame_bytes + cost > self.max_bytes;
        if full && !bug!(UnboundedOutbox) {
            return Err(Overflow);
        }
        self.bytes += cost;
        self.frames += 1;
        self.frame_bytes += cost;
        let place = conv.map_or(self.queue.len(), |conv| self.place(conv));
        self.queue.insert(place, Item::Frame(frame, conv));
        Ok(())
    }

    /// Returns where a frame of a conversation goes: before the first request that is still being carried out, but
    /// behind all that was told of the conversation.
    fn place(&self, conv: ConvId) -> usize {
        if self.open == 0 {
            return self.queue.len();
        }
        let open = self.queue.iter().position(|item| matches!(item, Item::Reply(_, Place::Open)));
        let told = self.queue.iter().rposition(|item| item.precedes(conv)).map_or(0, |told| told + 1);
        open.unwrap_or(self.queue.len()).max(told)
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

    /// Gives the reply to a request its place here, before whatever is queued later of the conversation (of any, if
    /// `None`); it may be ready later. Replies to earlier requests get their places before it.
    pub fn reserve(&mut self, ticket: Ticket, conv: Option<ConvId>) {
        if self.shut {
            return;
        }
        while self.unplaced <= ticket.0 {
            self.queue.push_back(Item::Reply(self.unplaced, Place::Open));
            self.open += 1;
            self.unplaced += 1;
        }
        let places = self.queue.iter_mut().rev();
        let place = places.filter_map(|item| match item {
            Item::Reply(number, place) if *number == ticket.0 => Some(place),
            _ => None,
        });
        for place in place.take(1) {
            self.open -= usize::from(*place == Place::Open);
            *place = Place::Taken(conv);
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
            self.queue.push_back(Item::Reply(self.unplaced, Place::Free));
            self.unplaced += 1;
        }
    }

    /// Takes the next frame that can leave.
    pub fn pop(&mut self) -> Option<Bytes> {
        loop {
            let frame = match self.queue.pop_front() {
                Some(Item::Frame(frame, _)) => {
                    self.frames = self.frames.saturating_sub(1);
                    self.frame_bytes = self.frame_bytes.saturating_sub(frame.len() + ITEM_COST);
                    frame
                }
                Some(Item::Reply(ticket, place)) => match take(&mut self.ready, &ticket) {
                    Some(reply) => {
                        self.open -= usize::from(place == Place::Open);
                        match reply {
                            Some(reply) => reply,
                            None => continue,
                        }
                    }
                    None => {
                        self.queue.push_front(Item::Reply(ticket, place));
                        return self.pop_ephemeral();
                    }
                },
                None => return self.pop_ephemeral(),
            };
            self.bytes = self.bytes.saturating_sub(frame.len() + ITEM_COST);
            return Some(frame);
        }
    }

    fn pop_ephemeral(&mut self) -> Option<Bytes> {
        let first = *self.ephemerals.first_key_value()?.0;
        take(&mut self.ephemerals, &first)
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
        outbox.push(None, frame("rev 1")).unwrap();
        outbox.reserve(Ticket(1), None);
        outbox.push(None, frame("rev 3")).unwrap();
        assert_eq!(drain(&mut outbox), ["rev 1"]);
        outbox.reply(Ticket(1), Some(frame("rev 2")));
        assert!(drain(&mut outbox).is_empty(), "the first request is not answered yet");
        outbox.reply(Ticket(0), Some(frame("first")));
        assert_eq!(drain(&mut outbox), ["first", "rev 2", "rev 3"]);
    }

    #[test]
    fn a_conversation_keeps_its_order_while_another_takes_places() {
        let (one, other) = (ConvId(uuid::Uuid::from_u128(1)), ConvId(uuid::Uuid::from_u128(2)));
        let mut outbox = Outbox::new(8, 1 << 20);
        // The second request is done first. The first one, about the other conversation, takes its time.
        outbox.reserve(Ticket(1), Some(one));
        outbox.reply(Ticket(1), Some(frame("one 1")));
        outbox.push(Some(one), frame("one 2")).unwrap();
        outbox.push(Some(other), frame("other 1")).unwrap();
        outbox.push(Some(other), frame("other 2")).unwrap();
        outbox.reserve(Ticket(0), Some(other));
        outbox.push(Some(other), frame("other 4")).unwrap();
        assert_eq!(drain(&mut outbox), ["other 1", "other 2"]);
        outbox.reply(Ticket(0), Some(frame("other 3")));
        let rest = drain(&mut outbox);
        let of = |conv: &str| rest.iter().filter(|line| line.starts_with(conv)).cloned().collect::<Vec<_>>();
        assert_eq!(of("one"), ["one 1", "one 2"]);
        assert_eq!(of("other"), ["other 3", "other 4"]);
        assert_eq!((rest.len(), outbox.bytes()), (4, 0));
    }

    #[test]
    fn what_concerns_all_is_passed_by_nothing() {
        let conv = Some(ConvId(uuid::Uuid::from_u128(1)));
        let mut outbox = Outbox::new(8, 1 << 20);
        outbox.reserve(Ticket(0), None);
        outbox.reserve(Ticket(2), conv);
        outbox.push(conv, frame("after")).unwrap();
        for (ticket, text) in [(1, "1"), (2, "2"), (0, "login")] {
            outbox.reply(Ticket(ticket), Some(frame(text)));
        }
        assert_eq!(drain(&mut outbox), ["login", "1", "2", "after"]);
    }

    #[test]
    fn overflow_is_said_and_never_drops() {
        let mut outbox = Outbox::new(2, 1 << 20);
        outbox.push(None, frame("1")).unwrap();
        outbox.push(None, frame("2")).unwrap();
        assert_eq!(outbox.push(None, frame("3")), Err(Overflow));
        assert_eq!(drain(&mut outbox), ["1", "2"]);
        assert_eq!(outbox.bytes(), 0);
        let mut small = Outbox::new(9, 100);
        small.push(None, frame("1")).unwrap();
        assert_eq!(small.push(None, frame("2")), Err(Overflow));
    }

    #[test]
    fn a_large_reply_takes_no_room_from_the_frames() {
        let mut outbox = Outbox::new(2, 200);
        outbox.reply(Ticket(0), Some(Bytes::from(vec![b'x'; 1_000])));
        outbox.push(None, frame("1")).unwrap();
        outbox.push(None, frame("2")).unwrap();
        assert_eq!(outbox.push(None, frame("3")), Err(Overflow));
        assert_eq!(drain(&mut outbox).len(), 3);
        assert_eq!(outbox.bytes(), 0);
        outbox.push(None, frame("4")).unwrap();
    }

    #[test]
    fn a_shut_queue_takes_nothing_more() {
        let mut outbox = Outbox::new(8, 1 << 20);
        outbox.push(None, frame("1")).unwrap();
        outbox.reply(Ticket(0), Some(frame("a")));
        outbox.shut();
        // The tickets of a long-lived connection are large: placing all before them would take all memory.
        outbox.reserve(Ticket(u64::MAX - 1), None);
        outbox.reply(Ticket(u64::MAX - 1), Some(frame("b")));
        assert_eq!(outbox.push(None, frame("2")), Err(Overflow));
        assert!(drain(&mut outbox).is_empty());
        assert_eq!(outbox.bytes(), 0);
    }

    #[test]
    fn the_newest_ephemeral_replaces_the_older() {
        let mut outbox = Outbox::new(2, 1 << 20);
        let user = UserId(uuid::Uuid::from_u128(1));
        outbox.push_ephemeral(Ephemeral::Presence(user), frame("on"));
        outbox.push_ephemeral(Ephemeral::Presence(user), frame("off"));
        outbox.push(None, frame("data")).unwrap();
        assert_eq!(drain(&mut outbox), ["data", "off"]);
    }
}
