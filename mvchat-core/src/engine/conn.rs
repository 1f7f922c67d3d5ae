//! A connection as the rest of the engine sees it.

use super::metrics::Counts;
use super::places::Place;
use crate::proto::{Close, ConnId, ConvId};
use crate::seam::Peer;
use crate::session::{Ended, Ephemeral, Identity, Outbox, Ticket};
use bytes::Bytes;
use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use std::future::poll_fn;
use std::net::IpAddr;
use std::sync::Arc;
use std::task::Poll;

/// The most pushed frames and bytes that wait for a connection.
const MAX_FRAMES: usize = 1_024;
const MAX_BYTES: usize = 256 * 1024;

/// The shared part of a connection: anybody may push, its writer task drains, its reader task ends it.
#[derive(Debug)]
pub(super) struct Conn {
    pub(super) id: ConnId,
    peer: Peer,
    counts: Arc<Counts>,
    state: Mutex<State>,
    /// Wakes the writer: something can leave.
    writer: AtomicWaker,
    /// Wakes the reader: the connection shall end, or is not congested any more.
    reader: AtomicWaker,
}

#[derive(Debug)]
struct State {
    outbox: Outbox,
    identity: Option<Identity>,
    ended: Option<Ended>,
    close: Option<Close>,
    ping: bool,
    aborted: bool,
    /// Its future has ended; nothing may keep it any more.
    gone: bool,
    /// What it takes up of what there is only so much of.
    places: Vec<Place>,
}

/// What the writer does next.
#[derive(Debug)]
pub(super) enum Next {
    /// Send this.
    Frame(Bytes),
    /// Ask for a sign of life.
    Ping,
    /// Send this and stop.
    Close(Close),
    /// Stop without a word.
    Abort,
    /// Wait.
    Nothing,
}

impl State {
    fn is_congested(&self) -> bool {
        self.outbox.bytes() > MAX_BYTES / 2
    }
}

impl Conn {
    pub(super) fn new(id: ConnId, peer: Peer, counts: Arc<Counts>) -> Self {
        let outbox = Outbox::new(MAX_FRAMES, MAX_BYTES);
        let state = State {
            outbox,
            identity: None,
            ended: None,
            close: None,
            ping: false,
            aborted: false,
            gone: false,
            places: Vec::new(),
        };
        Self {
            id,
            peer,
            counts,
            state: Mutex::new(state),
            writer: AtomicWaker::new(),
            reader: AtomicWaker::new(),
        }
    }

    pub(super) fn counts(&self) -> &Counts {
        &self.counts
    }

    pub(super) fn peer(&self) -> &Peer {
        &self.peer
    }

    pub(super) fn ip(&self) -> Option<IpAddr> {
        self.peer.addr.map(|addr| addr.ip())
    }

    /// Queues a durable frame with the conversation that it is about; a connection without room for it is ended.
    pub(super) fn push(&self, conv: Option<ConvId>, frame: Bytes) {
        let mut state = self.state.lock();
        if state.ended.is_some() || state.close.is_some() {
            return;
        }
        if state.outbox.push(conv, frame).is_err() {
            // Nothing that waits is worth keeping: the client reloads it.
            state.outbox.shut();
            state.ended = Some(Ended::Overflow);
            drop(state);
            self.counts.overflows.add(1);
            self.reader.wake();
        } else {
            drop(state);
            self.writer.wake();
        }
    }

    /// Queues a frame of the connection's own session, also when it ends; a full queue goes without it, because
    /// the close that follows says enough.
    pub(super) fn tell(&self, frame: Bytes) {
        if self.state.lock().outbox.push(None, frame).is_ok() {
            self.writer.wake();
        }
    }

    pub(super) fn push_ephemeral(&self, key: Ephemeral, frame: Bytes) {
        let mut state = self.state.lock();
        if state.ended.is_none() && state.close.is_none() {
            state.outbox.push_ephemeral(key, frame);
            drop(state);
            self.writer.wake();
        }
    }

    /// Gives the reply to a request its place here, for a change of a conversation or for what concerns all of them.
    pub(super) fn reserve(&self, ticket: Ticket, conv: Option<ConvId>) {
        self.state.lock().outbox.reserve(ticket, conv);
    }

    pub(super) fn reply(&self, ticket: Ticket, reply: Option<Bytes>) {
        self.state.lock().outbox.reply(ticket, reply);
        self.writer.wake();
    }

    /// Ends the connection, once.
    pub(super) fn end(&self, ended: Ended) {
        self.state.lock().ended.get_or_insert(ended);
        self.reader.wake();
    }

    /// Waits until the connection shall end; returns why. Only its reader may wait.
    pub(super) async fn until_ended(&self) -> Ended {
        poll_fn(|context| {
            self.reader.register(context.waker());
            self.state.lock().ended.map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }

    /// Lets the writer send what is queued, then the close, then stop.
    pub(super) fn close(&self, close: Close) {
        self.state.lock().close.get_or_insert(close);
        self.writer.wake();
    }

    /// Returns the close that the peer was or will be told.
    pub(super) fn closed(&self) -> Option<Close> {
        self.state.lock().close
    }

    /// Lets the writer stop without a word.
    pub(super) fn abort(&self) {
        self.state.lock().aborted = true;
        self.writer.wake();
    }

    /// Lets the writer ask for a sign of life.
    pub(super) fn ping(&self) {
        self.state.lock().ping = true;
        self.writer.wake();
    }

    /// Returns what the writer does next.
    pub(super) fn next(&self) -> Next {
        let mut state = self.state.lock();
        if state.aborted {
            return Next::Abort;
        }
        if std::mem::take(&mut state.ping) {
            return Next::Ping;
        }
        let congested = state.is_congested();
        match (state.outbox.pop(), state.close) {
            (Some(frame), _) => {
                let relieved = congested && !state.is_congested();
                drop(state);
                if relieved {
                    self.reader.wake();
                }
                Next::Frame(frame)
            }
            (None, Some(close)) => Next::Close(close),
            (None, None) => Next::Nothing,
        }
    }

    /// Waits until there is something for the writer to do, and returns it. Only the writer may wait.
    pub(super) async fn until_next(&self) -> Next {
        poll_fn(|context| {
            self.writer.register(context.waker());
            match self.next() {
                Next::Nothing => Poll::Pending,
                next => Poll::Ready(next),
            }
        })
        .await
    }

    /// Returns whether so much waits that no more requests should be read.
    pub(super) fn is_congested(&self) -> bool {
        self.state.lock().is_congested()
    }

    /// Waits until it is not [congested](Conn::is_congested). Only its reader may wait.
    pub(super) async fn until_relieved(&self) {
        poll_fn(|context| {
            self.reader.register(context.waker());
            if self.is_congested() { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
    }

    /// Notes that the connection is no more; returns who was logged in.
    pub(super) fn leave(&self) -> Option<Identity> {
        let mut state = self.state.lock();
        state.gone = true;
        state.identity
    }

    /// Changes the places that the connection has; not once it is gone, because nobody would let go of them.
    pub(super) fn with_places<T>(&self, change: impl FnOnce(&mut Vec<Place>) -> T) -> Option<T> {
        let mut state = self.state.lock();
        (!state.gone).then(|| change(&mut state.places))
    }

    /// Gives the places of a connection that is gone away.
    pub(super) fn take_places(&self) -> Vec<Place> {
        std::mem::take(&mut self.state.lock().places)
    }

    pub(super) fn is_gone(&self) -> bool {
        self.state.lock().gone
    }

    pub(super) fn identity(&self) -> Option<Identity> {
        self.state.lock().identity
    }

    pub(super) fn set_identity(&self, identity: Identity) -> Option<Identity> {
        self.state.lock().identity.replace(identity)
    }
}
