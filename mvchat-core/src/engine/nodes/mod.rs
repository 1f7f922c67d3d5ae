//! Several nodes on one store: what they tell each other besides what the store's log says.
//!
//! Everything that goes over the bus is a hint. What becomes of one that is lost:
//!
//! * Who is there: messages are numbered, also the signs of life that come each second, so a gap is noticed and the
//!   node is asked for everybody ([`peers`]). A node that is silent for [`LEASE`](peers::LEASE) is gone with all of its users.
//! * Private changes: a gap, or a node that vanishes, lets the store be asked for what was touched since all was well
//!   ([`sure`]).
//! * Sessions and accounts: what changes something asks the store first, everything else trusts an answer for a second,
//!   and the sessions of all connections are looked up each second ([`vouch`](super::vouch)).
//! * Who may do what: commits are refused by their epoch, and who sees what is read from the store.
//! * Marks and typing are as good as gone; `get receipts` has the marks.

mod hint;
mod listen;
mod own;
mod peers;
mod sure;
mod watch;

use super::chat::Inner;
use crate::proto::{Position, UserId};
use crate::seam::Bus;
pub(super) use hint::{Hint, Kind};
use hint::{NAMED, encode};
use parking_lot::{Mutex, RwLock};
use peers::Peers;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use sure::Sure;
use tokio::sync::{Notify, Semaphore};
use uuid::Uuid;

/// How often a node gives a sign of life when it has nothing else to say.
const BEAT: Duration = Duration::from_secs(1);
/// The most hints that wait to be said.
const MAX_WAITING: usize = 65_536;
/// How many hints are followed up in the store at once; of those that matter little, more are dropped.
const MAX_WORK: usize = 64;

/// This node among the others.
#[derive(Debug)]
pub(super) struct Nodes {
    id: Uuid,
    /// None for a node that is alone.
    bus: Option<Arc<dyn Bus>>,
    peers: RwLock<Peers>,
    out: Mutex<Out>,
    wake: Notify,
    sure: Mutex<Sure>,
    work: Arc<Semaphore>,
}

/// What is about to be said. Under one lock with who is here, so that both come in the same order.
#[derive(Debug, Default)]
struct Out {
    here: BTreeSet<UserId>,
    hints: Vec<Hint>,
    /// The number of the last message.
    number: u64,
    /// Where the store was when the node began.
    began: Position,
    closed: bool,
}

impl Nodes {
    pub(super) fn new(id: Uuid, bus: Option<Arc<dyn Bus>>) -> Self {
        Self {
            id,
            bus,
            peers: RwLock::default(),
            out: Mutex::default(),
            wake: Notify::new(),
            sure: Mutex::default(),
            work: Arc::new(Semaphore::new(MAX_WORK)),
        }
    }

    /// Returns whether a user is connected to another node.
    pub(super) fn has(&self, user: UserId) -> bool {
        self.bus.is_some() && self.peers.read().has(user)
    }

    /// Returns how many other nodes are alive.
    pub(super) fn others(&self) -> usize {
        self.peers.read().count()
    }

    /// Tells the other nodes something, soon; whatever happens to it.
    pub(super) fn say(&self, hint: Hint) {
        if self.bus.is_some() {
            self.out.lock().push(hint);
            self.wake.notify_one();
        }
    }

    /// Tells the other nodes whether a user is here, if that is another than they were told last.
    pub(super) fn moved(&self, user: UserId, is_here: impl FnOnce() -> bool) {
        if self.bus.is_none() {
            return;
        }
        let mut out = self.out.lock();
        let here = is_here();
        let changed = if here { out.here.insert(user) } else { out.here.remove(&user) };
        if changed {
            out.push(if here { Hint::On(user) } else { Hint::Off(user) });
            drop(out);
            self.wake.notify_one();
        }
    }

    /// Says who is here.
    fn answer(&self) {
        let mut out = self.out.lock();
        let here: Vec<_> = out.here.iter().copied().collect();
        let parts = here.len().div_ceil(NAMED).max(1);
        for part in 0..parts {
            let users = here.iter().skip(part * NAMED).take(NAMED).copied().collect();
            out.push(Hint::Here { first: part == 0, last: part + 1 == parts, users });
        }
        drop(out);
        self.wake.notify_one();
    }

    /// Says what waits; a sign of life if that is nothing.
    fn flush(&self) {
        let Some(bus) = &self.bus else { return };
        let mut out = self.out.lock();
        if out.closed {
            return;
        }
        let hints = std::mem::take(&mut out.hints);
        let began = out.began;
        let messages = encode(self.id, &mut out.number, began, &hints);
        // Under the lock: what is numbered first is said first.
        messages.into_iter().for_each(|message| bus.say(message));
    }

    /// Says that nothing more will come.
    pub(super) fn goodbye(&self) {
        self.say(Hint::Bye);
        self.flush();
        self.out.lock().closed = true;
    }

    /// Returns whether this node does what one node is enough for.
    fn leads(&self) -> bool {
        self.peers.read().ids().all(|id| self.id < id)
    }
}

impl Out {
    fn push(&mut self, hint: Hint) {
        if self.hints.len() >= MAX_WAITING {
            // A number that nobody hears lets the others ask for everything.
            self.hints.clear();
            self.number += 1;
        }
        if !self.closed {
            self.hints.push(hint);
        }
    }
}

impl Inner {
    /// Returns whether a user is connected to any node.
    pub(super) fn is_online(&self, user: UserId) -> bool {
        self.hub.is_here(user) || self.nodes.has(user)
    }

    /// Begins to talk to the other nodes, if there is a bus.
    pub(super) fn join_others(self: &Arc<Self>, began: Option<Position>) {
        if self.store.is_shared() {
            tokio::spawn(watch::watch(Arc::downgrade(self)));
        }
        if self.nodes.bus.is_some() {
            self.nodes.out.lock().began = began.unwrap_or_default();
            self.nodes.sure.lock().begin(began);
            tokio::spawn(watch::speak(Arc::downgrade(self), self.nodes.clone()));
            tokio::spawn(listen::listen(Arc::downgrade(self), self.nodes.clone()));
        }
    }
}
