//! Contacts in memory.

use super::{MemoryStore, State};
use crate::proto::UserId;
use crate::seam::{ContactRow, ContactSource, ContactStore, StoreResult};
use crate::time::Timestamp;
use async_trait::async_trait;
use bytes::Bytes;
use std::cmp::Reverse;

#[async_trait]
impl ContactStore for MemoryStore {
    async fn add_contacts(&self, pair: [UserId; 2], source: ContactSource, at: Timestamp) -> StoreResult<()> {
        self.state.lock().add_contacts(pair, source, at);
        Ok(())
    }

    async fn remove_contacts(&self, [a, b]: [UserId; 2]) -> StoreResult<()> {
        let mut state = self.state.lock();
        state.contacts.remove(&(a, b));
        state.contacts.remove(&(b, a));
        Ok(())
    }

    async fn name_contact(&self, owner: UserId, other: UserId, name: Option<Bytes>) -> StoreResult<bool> {
        let mut state = self.state.lock();
        let row = state.contacts.get_mut(&(owner, other));
        Ok(row.map(|row| row.nickname = name).is_some())
    }

    async fn contacts(&self, owner: UserId) -> StoreResult<Vec<ContactRow>> {
        let state = self.state.lock();
        let of_owner = state.contacts.iter().filter(|((of, _), _)| *of == owner);
        let mut rows: Vec<_> = of_owner.map(|(_, row)| row.clone()).collect();
        rows.sort_by_key(|row| Reverse((row.created_at, row.user)));
        Ok(rows)
    }
}

impl State {
    pub(super) fn add_contacts(&mut self, [a, b]: [UserId; 2], source: ContactSource, created_at: Timestamp) {
        let invited = source == ContactSource::Invite;
        for (owner, user, adds) in [(a, b, true), (b, a, false)] {
            let row = ContactRow { user, source, created_at, nickname: None, trusts: false, trusted: false };
            let row = self.contacts.entry((owner, user)).or_insert(row);
            row.trusts |= adds || invited;
            row.trusted |= !adds || invited;
        }
    }
}
