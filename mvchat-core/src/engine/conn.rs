//! A connection as the rest of the engine sees it.

use super::metrics::Counts;
use super::places::Place;
use crate::proto::{Close, ConnId, ConvId};
use crate::seam::Peer;
use crate::session::{Ended, Ephemeral, Identity, Outbox, Ticket};
use bytes::Bytes;
use parking_lot::Mutex;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::Notify;

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
    writer: Notify,
    /// Wakes the reader: the connection shall end.
    reader: Notify,
    /// Wakes the reader: something has left.
    relief: Notify,
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
            writer: Notify::new(),
            reader: Notify::new(),
            relief: Notify::new(),
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
            self.reader.notify_one();
        } else {
            drop(state);
            self.writer.notify_one();
        }
    }

    /// Queues a frame of the connection's own session, also when it ends; a full queue goes without it, because
    /// the close that follows says enough.
    pub(super) fn tell(&self, frame: Bytes) {
        if self.state.lock().outbox.push(None, frame).is_ok() {
            self.writer.notify_one();
        }
    }

    pub(super) fn push_ephemeral(&self, key: Ephemeral, frame: Bytes) {
        let mut state = self.state.lock();
        if state.ended.is_none() && state.close.is_none() {
            state.outbox.push_ephemeral(key, frame);
            drop(state);
            self.writer.notify_one();
        }
    }

    /// Gives the reply to a request its place here, for a change of a conversation or for what concerns all of them.
    pub(super) fn reserve(&self, ticket: Ticket, conv: Option<ConvId>) {
        self.state.lock().outbox.reserve(ticket, conv);
    }

    pub(super) fn reply(&self, ticket: Ticket, reply: Option<Bytes>) {
        self.state.lock().outbox.reply(ticket, reply);
        self.writer.notify_one();
    }

    /// Ends the connection, once.
    pub(super) fn end(&self, ended: Ended) {
        self.state.lock().ended.get_or_insert(ended);
        self.reader.notify_one();
    }

    /// Returns why the connection shall end.
    pub(super) fn ended(&self) -> Option<Ended> {
        self.state.lock().ended
    }

    /// Waits until [`ended`](Conn::ended) may have changed.
    pub(super) async fn until_ended(&self) {
        self.reader.notified().await;
    }

    /// Lets the writer send what is queued, then the close, then stop.
    pub(super) fn close(&self, close: Close) {
        self.state.lock().close.get_or_insert(close);
        self.writer.notify_one();
    }

    /// Returns the close that the peer was or will be told.
    pub(super) fn closed(&self) -> Option<Close> {
        self.state.lock().close
    }

    /// Lets the writer stop without a word.
    pub(super) fn abort(&self) {
        self.state.lock().aborted = true;
        self.writer.notify_one();
    }

    /// Lets the writer ask for a sign of life.
    pub(super) fn ping(&self) {
        self.state.lock().ping = true;
        self.writer.notify_one();
    }

    pub(super) fn next(&self) -> Next {
        let mut state = self.state.lock();
        if state.aborted {
            return Next::Abort;
        }
        if std::mem::take(&mut state.ping) {
            return Next::Ping;
        }
        match (state.outbox.pop(), state.close) {
            (Some(frame), _) => {
                drop(state);
                self.relief.notify_one();
                Next::Frame(frame)
            }
            (None, Some(close)) => Next::Close(close),
            (None, None) => Next::Nothing,
        }
    }

    /// Waits until something has left.
    pub(super) async fn until_relieved(&self) {
        self.relief.notified().await;
    }

    /// Waits until [`next`](Conn::next) may have something.
    pub(super) async fn until_next(&self) {
        self.writer.notified().await;
    }

    /// Returns whether so much waits that no more requests should be read.
    pub(super) fn is_congested(&self) -> bool {
        self.state.lock().outbox.bytes() > MAX_BYTES / 2
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
