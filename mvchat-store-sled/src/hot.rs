//! What the writer remembers from batch to batch.

use crate::keys::{CONV, MEMBER, META, MINE, TAIL};
use sled::IVec;
use std::collections::HashMap;

/// The rows that nearly every change reads and writes, as they are in the tree.
///
/// Always right, because nobody else writes. When it is full, it starts anew.
#[derive(Default)]
pub(crate) struct Hot {
    rows: HashMap<IVec, Option<IVec>>,
    bytes: usize,
    limit: usize,
}

impl Hot {
    pub(crate) fn new(limit: usize) -> Self {
        Self { rows: HashMap::new(), bytes: 0, limit }
    }

    pub(crate) fn get(&self, key: &[u8]) -> Option<&Option<IVec>> {
        self.rows.get(key)
    }

    /// Remembers a row, if it is of a kind that is worth it.
    pub(crate) fn set(&mut self, key: &IVec, value: &Option<IVec>) {
        let hot = matches!(key.first(), Some(&(META | CONV | TAIL | MEMBER | MINE)));
        if !hot {
            return;
        }
        if self.bytes > self.limit {
            self.rows.clear();
            self.bytes = 0;
        }
        // About what the table and the allocations take besides.
        self.bytes += key.len() + value.as_ref().map_or(0, |value| value.len()) + 96;
        self.rows.insert(key.clone(), value.clone());
    }
}
