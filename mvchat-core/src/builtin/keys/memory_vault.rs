use std::collections::BTreeMap;
use std::ops::Bound;

use async_trait::async_trait;
use parking_lot::Mutex;
use uuid::Uuid;

use crate::seam::keys::{KeyError, Vault, WrappedKey};

/// A vault that lives and dies with the process: for tests, and for the memory store.
#[derive(Debug, Default)]
pub struct MemoryVault {
    keys: Mutex<BTreeMap<Uuid, WrappedKey>>,
}

#[async_trait]
impl Vault for MemoryVault {
    async fn load(&self, user: Uuid) -> Result<Option<WrappedKey>, KeyError> {
        Ok(self.keys.lock().get(&user).cloned())
    }

    async fn create(&self, user: Uuid, key: &WrappedKey) -> Result<Option<WrappedKey>, KeyError> {
        let mut keys = self.keys.lock();
        if let Some(there) = keys.get(&user) {
            return Ok(Some(there.clone()));
        }
        keys.insert(user, key.clone());
        Ok(None)
    }

    async fn replace(&self, user: Uuid, old: &WrappedKey, new: &WrappedKey) -> Result<bool, KeyError> {
        match self.keys.lock().get_mut(&user) {
            Some(there) if there == old => {
                *there = new.clone();
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    async fn erase(&self, user: Uuid) -> Result<(), KeyError> {
        self.keys.lock().remove(&user);
        Ok(())
    }

    async fn list(&self, after: Option<Uuid>, limit: usize) -> Result<Vec<Uuid>, KeyError> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        Ok(self.keys.lock().range((start, Bound::Unbounded)).take(limit).map(|(user, _)| *user).collect())
    }
}
