//! Invites, and where they are found: by code, by inviter, and, while they are unused, by address.

use crate::SledStore;
use crate::batch::Batch;
use crate::contacts::add_contacts;
use crate::error::already_exists;
use crate::keys::{INVITE, INVITE_CODE, INVITE_OF, INVITE_TO, Key, KeyRange, last_id};
use crate::read::Rows;
use async_trait::async_trait;
use mvchat_core::proto::{InviteId, UserId};
use mvchat_core::seam::{ContactSource, InviteHash, InviteRow, InviteStore, StoreResult};
use mvchat_core::time::Timestamp;
use std::cmp::Reverse;

#[async_trait]
impl InviteStore for SledStore {
    async fn create_invite(&self, row: InviteRow) -> StoreResult<()> {
        self.write(move |batch| {
            let (key, code) = (invite_key(row.id), Key::of(INVITE_CODE).hash(&row.code));
            if batch.has(&key)? || batch.has(&code)? {
                return Err(already_exists("the invite's code or id is taken"));
            }
            batch.put(&code, &row.id)?;
            batch.put(&Key::user(INVITE_OF, row.inviter).id(row.id.0), &())?;
            batch.put(&unused_key(&row), &())?;
            batch.put(&key, &row)
        })
        .await
    }

    async fn invite(&self, code: &InviteHash) -> StoreResult<Option<InviteRow>> {
        let key = Key::of(INVITE_CODE).hash(code);
        self.read(move |rows| match rows.row::<InviteId>(&key)? {
            Some(id) => rows.row(&invite_key(id)),
            None => Ok(None),
        })
        .await
    }

    async fn invites_of(&self, inviter: UserId) -> StoreResult<Vec<InviteRow>> {
        self.read(move |rows| {
            let mut invites = listed(rows, Key::user(INVITE_OF, inviter).all())?;
            invites.sort_by_key(|row| Reverse((row.created_at, row.id)));
            Ok(invites)
        })
        .await
    }

    async fn unused_invites(&self, email: &InviteHash, limit: usize) -> StoreResult<Vec<InviteRow>> {
        let range = Key::of(INVITE_TO).hash(email).all();
        self.read(move |rows| {
            let mut invites = listed(rows, range)?;
            invites.sort_by_key(|row| (row.created_at, row.id));
            invites.truncate(limit);
            Ok(invites)
        })
        .await
    }

    async fn revoke_invite(&self, inviter: UserId, id: InviteId) -> StoreResult<bool> {
        self.write(move |batch| {
            let row = batch.row::<InviteRow>(&invite_key(id))?;
            let Some(row) = row.filter(|row| row.inviter == inviter && row.used.is_none()) else {
                return Ok(false);
            };
            batch.remove(&invite_key(id))?;
            batch.remove(&Key::of(INVITE_CODE).hash(&row.code))?;
            batch.remove(&Key::user(INVITE_OF, inviter).id(id.0))?;
            batch.remove(&unused_key(&row))?;
            Ok(true)
        })
        .await
    }

    async fn use_invite(&self, id: InviteId, by: UserId, at: Timestamp) -> StoreResult<bool> {
        self.write(move |batch| use_invite(batch, id, by, at)).await
    }
}

fn use_invite(batch: &mut Batch, id: InviteId, by: UserId, at: Timestamp) -> StoreResult<bool> {
    let row = batch.row::<InviteRow>(&invite_key(id))?;
    let Some(row) = row.filter(|row| row.used.is_none() && at < row.expires_at) else { return Ok(false) };
    batch.remove(&unused_key(&row))?;
    add_contacts(batch, [row.inviter, by], ContactSource::Invite, at)?;
    batch.put(&invite_key(id), &InviteRow { used: Some((by, at)), ..row })?;
    Ok(true)
}

pub(crate) fn invite_key(id: InviteId) -> Key {
    Key::of(INVITE).id(id.0)
}

pub(crate) fn unused_key(row: &InviteRow) -> Key {
    Key::of(INVITE_TO).hash(&row.email).id(row.id.0)
}

/// Reads the invites whose ids end the keys of a range.
fn listed(rows: &impl Rows, range: KeyRange) -> StoreResult<Vec<InviteRow>> {
    let ids = rows.up(range).map(|item| item.map(|(key, _)| InviteId(last_id(&key))));
    ids.filter_map(|id| id.and_then(|id| rows.row(&invite_key(id))).transpose()).collect()
}
