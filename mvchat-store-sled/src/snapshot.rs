//! What readers see: only what is durable, and one state for as long as a call lasts.
//!
//! sled has neither snapshots nor a moment between "logged" and "visible": a batch is in the tree before it can
//! be flushed. So the writer first publishes what the batch is about to replace. A reader that finds a key among
//! those old values takes the old value; everything else it takes from the tree. When the batch is durable, the
//! writer moves [`Durable`] on, and later readers start from there. Readers never wait for the disk, and never see
//! what a power cut could take back.
//!
//! The versions form a chain, each with the old values of the batch that came after it. A reader keeps the
//! version it began with, and with it the rest of the chain; nobody keeps the versions before.

use crate::error::from_sled;
use crate::read::{Corrections, Rows};
use mvchat_core::seam::StoreResult;
use parking_lot::Mutex;
use sled::{IVec, Tree};
use std::ops::Bound;
use std::sync::{Arc, OnceLock};

/// One state of the store.
#[derive(Default)]
pub(crate) struct Version {
    undo: OnceLock<Undo>,
}

/// What the batch after a version replaced.
struct Undo {
    before: Corrections,
    next: Arc<Version>,
}

impl Version {
    /// Notes what a batch is about to replace; returns the version that it makes.
    ///
    /// To be called before the tree is touched.
    pub(crate) fn replaced(&self, before: Corrections) -> Arc<Self> {
        let next = Arc::default();
        // There is one writer, and it goes on from the version that it made; this one has no successor yet.
        let _ = self.undo.set(Undo { before, next: Arc::clone(&next) });
        next
    }

    /// Walks the old values, those of the earliest batch first.
    fn undos(&self) -> impl Iterator<Item = &Corrections> {
        let mut version = self;
        std::iter::from_fn(move || {
            let undo = version.undo.get()?;
            version = &undo.next;
            Some(&undo.before)
        })
    }
}

impl Drop for Version {
    /// Takes a long chain apart step by step, because dropping it within one another would need a deep stack.
    fn drop(&mut self) {
        let mut next = self.undo.take().map(|undo| undo.next);
        while let Some(mut version) = next.and_then(Arc::into_inner) {
            next = version.undo.take().map(|undo| undo.next);
        }
    }
}

/// The newest version that survives a power cut: where readers start.
pub(crate) struct Durable(Mutex<Arc<Version>>);

impl Durable {
    pub(crate) fn new(version: Arc<Version>) -> Self {
        Self(Mutex::new(version))
    }

    pub(crate) fn publish(&self, version: Arc<Version>) {
        // The old one is dropped after the lock is free: it may be the last of a chain.
        let _old = std::mem::replace(&mut *self.0.lock(), version);
    }

    pub(crate) fn snapshot(&self, tree: &Tree) -> Snapshot {
        Snapshot { tree: tree.clone(), version: Arc::clone(&self.0.lock()) }
    }
}

/// The state at one version.
pub(crate) struct Snapshot {
    tree: Tree,
    version: Arc<Version>,
}

impl Rows for Snapshot {
    fn tree(&self) -> &Tree {
        &self.tree
    }

    fn stored(&self, key: &[u8]) -> StoreResult<Option<IVec>> {
        // The order matters: old values are published before the tree changes, so whoever reads the tree first
        // finds the old value of everything that could have changed by then.
        let stored = self.tree.get(key).map_err(from_sled)?;
        let old = self.version.undos().find_map(|before| before.get(key));
        Ok(old.map_or(stored, Option::clone))
    }

    fn corrections(&self, from: &[u8], before: &[u8]) -> Corrections {
        let mut old = Corrections::new();
        for undo in self.version.undos() {
            for (key, value) in undo.range::<[u8], _>((Bound::Included(from), Bound::Excluded(before))) {
                old.entry(key.clone()).or_insert_with(|| value.clone());
            }
        }
        old
    }
}
