//! Hands frames to the connections of users.

use super::conn::Conn;
use super::registry::Registry;
use crate::proto::{ConvId, ServerMsg, SessionId, UserId};
use crate::session::{Ended, Ephemeral, Identity, Ticket};
use bytes::Bytes;
use parking_lot::{Mutex, MutexGuard, RwLock};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::watch;

/// The request that a change came from: its reply stands in for the frame on its connection.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub(super) conn: Arc<Conn>,
    pub(super) ticket: Ticket,
    claimed: Arc<AtomicBool>,
}

impl Origin {
    pub(super) fn new(conn: Arc<Conn>, ticket: Ticket) -> Self {
        Self { conn, ticket, claimed: Arc::default() }
    }

    /// Decides, once, what the reply says: the `rev` of the change, if this is called when that is told; that
    /// nothing is known, if it is called when the time is over. Whoever is late gets `false`: then the
    /// connection hears of the change like any other, or the reply is waited for.
    pub(super) fn claim(&self) -> bool {
        !self.claimed.swap(true, Ordering::AcqRel)
    }
}

/// The connections, and a bell that rings after every commit.
#[derive(Debug)]
pub(super) struct Hub {
    registry: Registry,
    /// By user: see [`presence_order`](Hub::presence_order).
    presence: [Mutex<()>; PRESENCE_SHARDS],
    bell: watch::Sender<()>,
    /// Counts the changes of what users may see of each other.
    sights: RwLock<u64>,
}

const PRESENCE_SHARDS: usize = 16;

impl Default for Hub {
    fn default() -> Self {
        Self {
            registry: Registry::default(),
            presence: std::array::from_fn(|_| Mutex::default()),
            bell: watch::Sender::new(()),
            sights: RwLock::default(),
        }
    }
}

impl Hub {
    pub(super) fn add(&self, user: UserId, conn: &Arc<Conn>) -> bool {
        self.registry.add(user, conn)
    }

    pub(super) fn remove(&self, user: UserId, conn: &Conn) -> bool {
        self.registry.remove(user, conn)
    }

    /// Returns whether a user is connected to this node.
    pub(super) fn is_here(&self, user: UserId) -> bool {
        self.registry.is_online(user)
    }

    pub(super) fn connections(&self) -> usize {
        self.registry.connections()
    }

    pub(super) fn online(&self) -> usize {
        self.registry.online()
    }

    /// Pushes a durable frame of a conversation to all connections of a user but that of the origin; returns how many there were.
    pub(super) fn push(&self, user: UserId, conv: ConvId, frame: &Bytes, but: Option<&Origin>) -> u32 {
        let mut reached = 0;
        self.registry.for_each(user, |conn| {
            if but.is_none_or(|origin| !Arc::ptr_eq(&origin.conn, conn)) {
                conn.push(Some(conv), frame.clone());
                reached += 1;
            }
        });
        reached
    }

    /// Returns whether a user has connections besides that of the origin.
    pub(super) fn has_others(&self, user: UserId, but: Option<&Origin>) -> bool {
        let mut others = false;
        self.registry.for_each(user, |conn| others |= but.is_none_or(|origin| origin.conn.id != conn.id));
        others
    }

    /// Pushes a frame of which only the newest counts.
    pub(super) fn push_ephemeral(&self, user: UserId, key: Ephemeral, frame: &Bytes, but: Option<&Conn>) {
        self.registry.for_each(user, |conn| {
            if but.is_none_or(|origin| origin.id != conn.id) {
                conn.push_ephemeral(key, frame.clone());
            }
        });
    }

    /// Pushes a frame to a user's connections but one.
    pub(super) fn tell(&self, user: UserId, message: &ServerMsg, but: Option<&Conn>) {
        let frame = message.encode();
        let conv = match message {
            ServerMsg::Info(info) => info.conv,
            _ => None,
        };
        self.registry.for_each(user, |conn| {
            if but.is_none_or(|origin| origin.id != conn.id) {
                conn.push(conv, frame.clone());
            }
        });
    }

    /// Ends the connections of sessions that are over.
    pub(super) fn end_sessions(&self, user: UserId, ended: &[SessionId], but: Option<&Conn>) {
        self.registry.for_each(user, |conn| {
            let is_over = conn.identity().is_some_and(|identity| ended.contains(&identity.session));
            if is_over && but.is_none_or(|but| but.id != conn.id) {
                conn.end(Ended::Session);
            }
        });
    }

    /// Ends all connections of a user but one.
    pub(super) fn end_all(&self, user: UserId, ended: Ended, but: Option<&Conn>) {
        self.registry.for_each(user, |conn| {
            if but.is_none_or(|but| but.id != conn.id) {
                conn.end(ended);
            }
        });
    }

    /// Returns who is logged in on a user's connections.
    pub(super) fn identities(&self, user: UserId) -> Vec<Identity> {
        let mut identities = Vec::new();
        self.registry.for_each(user, |conn| identities.extend(conn.identity()));
        identities
    }

    /// Keeps announcements of a user's presence apart.
    pub(super) fn presence_order(&self, user: UserId) -> MutexGuard<'_, ()> {
        self.presence[usize::from(user.0.as_bytes()[15]) % PRESENCE_SHARDS].lock()
    }

    /// Returns what [`if_still`](Hub::if_still) compares: to be taken before it is read who sees what.
    pub(super) fn sight(&self) -> u64 {
        *self.sights.read()
    }

    /// Notes that users see less or more of each other: after it was written, and before that is acknowledged.
    pub(super) fn sight_changed(&self) {
        *self.sights.write() += 1;
    }

    /// Pushes what was read under a sight, unless it is another by now; so nothing is pushed after the acknowledgement
    /// of what forbids it. Returns whether it was pushed.
    pub(super) fn if_still(&self, sight: u64, push: impl FnOnce()) -> bool {
        let now = self.sights.read();
        let still = *now == sight;
        if still {
            push();
        }
        still
    }

    /// Tells those who follow the log that it has grown.
    pub(super) fn ring(&self) {
        self.bell.send_replace(());
    }

    pub(super) fn bell(&self) -> watch::Receiver<()> {
        self.bell.subscribe()
    }
}
