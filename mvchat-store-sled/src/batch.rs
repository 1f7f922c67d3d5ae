//! What the writer is about to write.

use crate::codec::{Field, encode};
use crate::error::{from_sled, internal};
use crate::hot::Hot;
use crate::keys::Key;
use crate::log::Pending;
use crate::read::{Corrections, Rows, cut, pieces_after};
use mvchat_core::seam::{LogEntry, StoreResult};
use sled::{IVec, Tree};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The changes of several jobs on top of the tree: every job reads what the earlier ones wrote, and a failed one
/// leaves no trace.
pub(crate) struct Batch {
    tree: Tree,
    changed: BTreeMap<IVec, Changed>,
    /// What was read from the tree so far: much of it is about to be changed, or read again by the next job.
    known: RefCell<HashMap<IVec, Option<IVec>>>,
    hot: Hot,
    log: Pending,
    /// What to put back when a job fails, the latest last.
    journal: Vec<(IVec, Earlier)>,
    bytes: usize,
}

struct Changed {
    before: Option<IVec>,
    after: Option<IVec>,
}

/// What the batch knew of a key before a change.
enum Earlier {
    Nothing,
    Change(Option<IVec>),
}

impl Batch {
    pub(crate) fn new(tree: &Tree, hot: Hot) -> Self {
        Self {
            tree: tree.clone(),
            changed: BTreeMap::new(),
            known: RefCell::default(),
            hot,
            log: Pending::default(),
            journal: Vec::new(),
            bytes: 0,
        }
    }

    /// Runs a job wholly or not at all; a panic counts as a failure.
    pub(crate) fn attempt<T>(&mut self, job: impl FnOnce(&mut Self) -> StoreResult<T>) -> StoreResult<T> {
        let (start, entries, bytes) = (self.journal.len(), self.log.len(), self.bytes);
        // The batch is whole again after the roll-back, however far the job got.
        let result = catch_unwind(AssertUnwindSafe(|| job(self)))
            .unwrap_or_else(|_| Err(internal("a write panicked; the panic's message is in the output")));
        if result.is_err() {
            self.roll_back(start);
            self.log.truncate(entries);
            self.bytes = bytes;
        }
        result
    }

    pub(crate) fn put(&mut self, key: &Key, row: &impl Field) -> StoreResult<()> {
        let (first, pieces) = cut(encode(row)?);
        let earlier = self.set(key.as_slice(), Some(first))?;
        let mut index = 0;
        for piece in pieces {
            index += 1;
            self.set(Key::chunk(key.as_slice(), index).as_slice(), Some(piece))?;
        }
        self.cut_off(key, index, earlier.as_ref())
    }

    /// Like [`Batch::put`] for a key that was never used, because a counter was just moved on to it: looking for
    /// what was there before is left out.
    pub(crate) fn put_new(&mut self, key: &Key, row: &impl Field) -> StoreResult<()> {
        self.known.get_mut().insert(key.as_slice().into(), None);
        self.put(key, row)
    }

    /// Adds an entry to the log.
    pub(crate) fn log(&mut self, entry: &LogEntry) -> StoreResult<()> {
        self.log.push(entry)
    }

    pub(crate) fn remove(&mut self, key: &Key) -> StoreResult<()> {
        let earlier = self.set(key.as_slice(), None)?;
        self.cut_off(key, 0, earlier.as_ref())
    }

    /// Removes the pieces of an earlier, longer value.
    fn cut_off(&mut self, key: &Key, after: u32, earlier: Option<&IVec>) -> StoreResult<()> {
        for index in after + 1..=earlier.map_or(0, |earlier| pieces_after(earlier)) {
            self.set(Key::chunk(key.as_slice(), index).as_slice(), None)?;
        }
        Ok(())
    }

    /// Changes one value; returns the earlier one.
    fn set(&mut self, key: &[u8], after: Option<Vec<u8>>) -> StoreResult<Option<IVec>> {
        let after = after.map(IVec::from);
        self.bytes += key.len() + after.as_ref().map_or(0, |after| after.len());
        if let Some(changed) = self.changed.get_mut(key) {
            let earlier = std::mem::replace(&mut changed.after, after);
            self.journal.push((key.into(), Earlier::Change(earlier.clone())));
            return Ok(earlier);
        }
        let before = self.in_tree(key)?;
        self.changed.insert(key.into(), Changed { before: before.clone(), after });
        self.journal.push((key.into(), Earlier::Nothing));
        Ok(before)
    }

    fn in_tree(&self, key: &[u8]) -> StoreResult<Option<IVec>> {
        if let Some(known) = self.hot.get(key).or(self.known.borrow().get(key)) {
            return Ok(known.clone());
        }
        let value = self.tree.get(key).map_err(from_sled)?;
        self.known.borrow_mut().insert(key.into(), value.clone());
        Ok(value)
    }

    fn roll_back(&mut self, start: usize) {
        for (key, earlier) in self.journal.drain(start..).rev() {
            match earlier {
                Earlier::Nothing => {
                    self.changed.remove(&key);
                }
                Earlier::Change(after) => {
                    self.changed.entry(key).and_modify(|changed| changed.after = after);
                }
            }
        }
    }

    /// Returns about how much is to be written.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns what to write with what that replaces, nothing if nothing changes; and what to remember once it is
    /// written.
    pub(crate) fn finish(self) -> (Option<(sled::Batch, Corrections)>, Hot) {
        let Self { changed, known, mut hot, log, .. } = self;
        let mut batch = sled::Batch::default();
        let mut before = Corrections::new();
        for (key, value) in known.into_inner() {
            hot.set(&key, &value);
        }
        for (key, changed) in changed {
            if changed.before == changed.after {
                continue;
            }
            hot.set(&key, &changed.after);
            match changed.after {
                Some(after) => batch.insert(key.clone(), after),
                None => batch.remove(key.clone()),
            }
            before.insert(key, changed.before);
        }
        if let Some((key, row)) = log.row() {
            let (first, pieces) = cut(row);
            let pieces = (1..).zip(pieces).map(|(index, piece)| (Key::chunk(key.as_slice(), index), piece));
            for (key, value) in std::iter::once((key.clone(), first)).chain(pieces) {
                batch.insert(key.as_slice(), value);
                before.insert(key.as_slice().into(), None);
            }
        }
        ((!before.is_empty()).then_some((batch, before)), hot)
    }
}

impl Rows for Batch {
    fn tree(&self) -> &Tree {
        &self.tree
    }

    fn stored(&self, key: &[u8]) -> StoreResult<Option<IVec>> {
        match self.changed.get(key) {
            Some(changed) => Ok(changed.after.clone()),
            None => self.in_tree(key),
        }
    }

    fn corrections(&self, from: &[u8], before: &[u8]) -> Corrections {
        let changed = self.changed.range::<[u8], _>((Bound::Included(from), Bound::Excluded(before)));
        changed.map(|(key, changed)| (key.clone(), changed.after.clone())).collect()
    }
}
