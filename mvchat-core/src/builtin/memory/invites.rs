//! Invites in memory.

use super::{MemoryStore, State, already_exists};
use crate::proto::{InviteId, UserId};
use crate::seam::{ContactSource, InviteHash, InviteRow, InviteStore, StoreResult};
use crate::time::Timestamp;
use async_trait::async_trait;
use std::cmp::Reverse;

#[async_trait]
impl InviteStore for MemoryStore {
    async fn create_invite(&self, row: InviteRow) -> StoreResult<()> {
        let mut state = self.state.lock();
        if state.invites.contains_key(&row.id) || state.invites.values().any(|known| known.code == row.code) {
            return Err(already_exists("the invite's code or id is taken"));
        }
        state.invites.insert(row.id, row);
        Ok(())
    }

    async fn invite(&self, code: &InviteHash) -> StoreResult<Option<InviteRow>> {
        Ok(self.state.lock().invites.values().find(|row| row.code == *code).cloned())
    }

    async fn invites_of(&self, inviter: UserId) -> StoreResult<Vec<InviteRow>> {
        let state = self.state.lock();
        let mut rows: Vec<_> = state.invites.values().filter(|row| row.inviter == inviter).cloned().collect();
        rows.sort_by_key(|row| Reverse((row.created_at, row.id)));
        Ok(rows)
    }

    async fn unused_invites(&self, email: &InviteHash, limit: usize) -> StoreResult<Vec<InviteRow>> {
        let state = self.state.lock();
        let unused = state.invites.values().filter(|row| row.email == *email && row.used.is_none());
        let mut rows: Vec<_> = unused.cloned().collect();
        rows.sort_by_key(|row| (row.created_at, row.id));
        rows.truncate(limit);
        Ok(rows)
    }

    async fn revoke_invite(&self, inviter: UserId, id: InviteId) -> StoreResult<bool> {
        let mut state = self.state.lock();
        let unused = |row: &InviteRow| row.inviter == inviter && row.used.is_none();
        Ok(state.invites.get(&id).is_some_and(unused) && state.invites.remove(&id).is_some())
    }

    async fn use_invite(&self, id: InviteId, by: UserId, at: Timestamp) -> StoreResult<bool> {
        Ok(self.state.lock().use_invite(id, by, at))
    }
}

impl State {
    fn use_invite(&mut self, id: InviteId, by: UserId, at: Timestamp) -> bool {
        let row = self.invites.get_mut(&id).filter(|row| row.used.is_none() && at < row.expires_at);
        let Some(row) = row else { return false };
        row.used = Some((by, at));
        let inviter = row.inviter;
        self.add_contacts([inviter, by], ContactSource::Invite, at);
        true
    }
}
