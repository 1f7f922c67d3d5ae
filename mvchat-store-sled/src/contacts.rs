//! Contacts: a row in each of the two lists.

use crate::SledStore;
use crate::batch::Batch;
use crate::keys::{CONTACT, Key};
use crate::read::Rows;
use async_trait::async_trait;
use bytes::Bytes;
use mvchat_core::proto::UserId;
use mvchat_core::seam::{ContactRow, ContactSource, ContactStore, StoreResult};
use mvchat_core::time::Timestamp;
use std::cmp::Reverse;

#[async_trait]
impl ContactStore for SledStore {
    async fn add_contacts(&self, pair: [UserId; 2], source: ContactSource, at: Timestamp) -> StoreResult<()> {
        self.write(move |batch| add_contacts(batch, pair, source, at)).await
    }

    async fn remove_contacts(&self, [a, b]: [UserId; 2]) -> StoreResult<()> {
        self.write(move |batch| {
            batch.remove(&contact_key(a, b))?;
            batch.remove(&contact_key(b, a))
        })
        .await
    }

    async fn name_contact(&self, owner: UserId, other: UserId, name: Option<Bytes>) -> StoreResult<bool> {
        self.write(move |batch| {
            let key = contact_key(owner, other);
            let Some(row) = batch.row::<ContactRow>(&key)? else { return Ok(false) };
            batch.put(&key, &ContactRow { nickname: name, ..row })?;
            Ok(true)
        })
        .await
    }

    async fn contacts(&self, owner: UserId) -> StoreResult<Vec<ContactRow>> {
        self.read(move |rows| {
            let read = |item: StoreResult<(sled::IVec, sled::IVec)>| {
                let (key, stored) = item?;
                rows.decoded(&key, &stored)
            };
            let all = rows.up(Key::user(CONTACT, owner).all()).map(read);
            let mut contacts = all.collect::<StoreResult<Vec<ContactRow>>>()?;
            contacts.sort_by_key(|row| Reverse((row.created_at, row.user)));
            Ok(contacts)
        })
        .await
    }
}

/// Puts each of the two into the other's list, unless they are there, and notes who trusts whom.
pub(crate) fn add_contacts(
    batch: &mut Batch,
    [a, b]: [UserId; 2],
    source: ContactSource,
    created_at: Timestamp,
) -> StoreResult<()> {
    let invited = source == ContactSource::Invite;
    for (owner, user, adds) in [(a, b, true), (b, a, false)] {
        let key = contact_key(owner, user);
        let known: Option<ContactRow> = batch.row(&key)?;
        let fresh = ContactRow { user, source, created_at, nickname: None, trusts: false, trusted: false };
        let mut row = known.unwrap_or(fresh);
        row.trusts |= adds || invited;
        row.trusted |= !adds || invited;
        batch.put(&key, &row)?;
    }
    Ok(())
}

pub(crate) fn contact_key(owner: UserId, other: UserId) -> Key {
    Key::user(CONTACT, owner).id(other.0)
}
