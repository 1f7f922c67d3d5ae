//! Conversations that were loaded before.

use crate::policy::Conversation;
use crate::proto::ConvId;
use parking_lot::RwLock;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

const SHARDS: usize = 16;
/// The most conversations of a shard; when it is full, half of them go.
const MAX_PER_SHARD: usize = 4_096;

/// A bounded cache of conversations. A newer epoch replaces an older one, never the other way round, so a slow
/// load can't undo what a commit has told.
pub(super) struct ConvCache {
    shards: [RwLock<HashMap<ConvId, Arc<Conversation>>>; SHARDS],
}

impl Default for ConvCache {
    fn default() -> Self {
        Self { shards: std::array::from_fn(|_| RwLock::default()) }
    }
}

impl fmt::Debug for ConvCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConvCache")
    }
}

impl ConvCache {
    fn shard(&self, conv: ConvId) -> &RwLock<HashMap<ConvId, Arc<Conversation>>> {
        &self.shards[usize::from(conv.0.as_bytes()[15]) % SHARDS]
    }

    pub(super) fn get(&self, conv: ConvId) -> Option<Arc<Conversation>> {
        self.shard(conv).read().get(&conv).cloned()
    }

    /// Forgets a conversation, so that it is loaded again.
    pub(super) fn forget(&self, conv: ConvId) {
        self.shard(conv).write().remove(&conv);
    }

    /// Keeps the newer of what is here and what comes, and returns it.
    pub(super) fn put(&self, conv: Arc<Conversation>) -> Arc<Conversation> {
        let mut shard = self.shard(conv.id).write();
        if let Some(known) = shard.get(&conv.id)
            && known.epoch >= conv.epoch
        {
            return known.clone();
        }
        if shard.len() >= MAX_PER_SHARD {
            let mut keep = false;
            shard.retain(|_, _| {
                keep = !keep;
                keep
            });
        }
        shard.insert(conv.id, conv.clone());
        conv
    }
}
