//! Who is connected.

use super::conn::Conn;
use crate::proto::UserId;
use parking_lot::RwLock;
use smallvec::SmallVec;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const SHARDS: usize = 64;
/// Most users have one connection; it is found without another look into memory.
type Shard = RwLock<HashMap<UserId, SmallVec<[Arc<Conn>; 1]>>>;

/// The connections of every user, in shards. A connection is in it at most once.
pub(super) struct Registry {
    shards: [Shard; SHARDS],
    connections: AtomicUsize,
    online: AtomicUsize,
}

impl Default for Registry {
    fn default() -> Self {
        Self {
            shards: std::array::from_fn(|_| RwLock::default()),
            connections: AtomicUsize::new(0),
            online: AtomicUsize::new(0),
        }
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Registry")
    }
}

impl Registry {
    fn shard(&self, user: UserId) -> &Shard {
        &self.shards[usize::from(user.0.as_bytes()[15]) % SHARDS]
    }

    /// Adds a connection; returns whether it is the user's first.
    pub(super) fn add(&self, user: UserId, conn: &Arc<Conn>) -> bool {
        let mut shard = self.shard(user).write();
        let conns = shard.entry(user).or_default();
        if conns.iter().any(|known| known.id == conn.id) {
            return false;
        }
        conns.push(conn.clone());
        self.connections.fetch_add(1, Ordering::Relaxed);
        let first = conns.len() == 1;
        if first {
            self.online.fetch_add(1, Ordering::Relaxed);
        }
        first
    }

    /// Removes a connection; returns whether it was the user's last.
    pub(super) fn remove(&self, user: UserId, conn: &Conn) -> bool {
        let mut shard = self.shard(user).write();
        let Some(conns) = shard.get_mut(&user) else { return false };
        let before = conns.len();
        conns.retain(|known| known.id != conn.id);
        if conns.len() == before {
            return false;
        }
        self.connections.fetch_sub(1, Ordering::Relaxed);
        if !conns.is_empty() {
            return false;
        }
        shard.remove(&user);
        self.online.fetch_sub(1, Ordering::Relaxed);
        true
    }

    /// Calls `f` for each connection of a user, without a lock held that `f` could want.
    pub(super) fn for_each(&self, user: UserId, mut f: impl FnMut(&Arc<Conn>)) {
        if let Some(conns) = self.shard(user).read().get(&user) {
            conns.iter().for_each(&mut f);
        }
    }

    pub(super) fn is_online(&self, user: UserId) -> bool {
        self.shard(user).read().contains_key(&user)
    }

    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    pub(super) fn online(&self) -> usize {
        self.online.load(Ordering::Relaxed)
    }
}
