//! Links in memory.

use super::{MemoryStore, State, already_exists, not_found};
use crate::proto::ConvId;
use crate::seam::{LinkRow, LinkStore, StoreResult};
use crate::time::Timestamp;
use async_trait::async_trait;

#[async_trait]
impl LinkStore for MemoryStore {
    async fn create_link(&self, row: LinkRow) -> StoreResult<()> {
        let mut state = self.state.lock();
        if state.links.contains_key(&row.code) {
            return Err(already_exists("the link's code is taken"));
        }
        if !state.chats.contains_key(&row.conv) {
            return Err(not_found("there is no such conversation"));
        }
        state.links.insert(row.code.clone(), row);
        Ok(())
    }

    async fn link(&self, code: &str) -> StoreResult<Option<LinkRow>> {
        Ok(self.state.lock().links.get(code).cloned())
    }

    async fn links_of(&self, conv: ConvId) -> StoreResult<Vec<LinkRow>> {
        let state = self.state.lock();
        let mut links: Vec<_> = state.links.values().filter(|link| link.conv == conv).cloned().collect();
        links.sort_by(|a, b| (a.created_at, &a.code).cmp(&(b.created_at, &b.code)));
        Ok(links)
    }

    async fn revoke_link(&self, conv: ConvId, code: &str) -> StoreResult<bool> {
        let mut state = self.state.lock();
        let of_conv = state.links.get(code).is_some_and(|link| link.conv == conv);
        Ok(of_conv && state.links.remove(code).is_some())
    }
}

impl State {
    /// Uses a link once; returns whether it could be used.
    pub(super) fn use_link(&mut self, conv: ConvId, code: &str, at: Timestamp) -> bool {
        match self.links.get_mut(code).filter(|link| link.conv == conv && link.opens(at)) {
            Some(link) => {
                link.uses += 1;
                true
            }
            None => false,
        }
    }
}
