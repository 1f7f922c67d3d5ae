//! Sessions, and the index of them by user.

use crate::SledStore;
use crate::batch::Batch;
use crate::error::{already_exists, not_found};
use crate::keys::{Key, SESSION, SESSION_OF, USER, last_id};
use crate::read::Rows;
use async_trait::async_trait;
use mvchat_core::proto::{SessionId, UserId};
use mvchat_core::seam::{
    EndSessions, RefreshChange, SessionRow, SessionStore, StoreError, StoreErrorKind, StoreResult, UserRow,
    UserState,
};
use mvchat_core::time::Timestamp;
use std::cmp::Reverse;

#[async_trait]
impl SessionStore for SledStore {
    async fn open_session(&self, row: SessionRow, max: usize) -> StoreResult<Vec<SessionId>> {
        self.write(move |batch| open_session(batch, &row, max)).await
    }

    async fn session(&self, id: SessionId) -> StoreResult<Option<SessionRow>> {
        self.read(move |rows| rows.row(&session_key(id))).await
    }

    async fn touch_session(
        &self,
        id: SessionId,
        used_at: Timestamp,
        expires_at: Timestamp,
    ) -> StoreResult<bool> {
        self.write(move |batch| {
            let Some(mut row) = batch.row::<SessionRow>(&session_key(id))? else { return Ok(false) };
            row.used_at = row.used_at.max(used_at);
            row.expires_at = expires_at;
            batch.put(&session_key(id), &row)?;
            Ok(true)
        })
        .await
    }

    async fn refresh_session(&self, change: RefreshChange) -> StoreResult<()> {
        self.write(move |batch| refresh_session(batch, change)).await
    }

    async fn end_sessions(&self, user: UserId, which: EndSessions) -> StoreResult<Vec<SessionId>> {
        let ends = move |id| match which {
            EndSessions::One(one) => id == one,
            EndSessions::All => true,
            EndSessions::AllBut(kept) => id != kept,
            // A choice that this store does not know ends nothing.
            _ => false,
        };
        self.write(move |batch| end_sessions(batch, user, ends)).await
    }

    async fn sessions_of(&self, user: UserId) -> StoreResult<Vec<SessionRow>> {
        self.read(move |rows| {
            let mut sessions = sessions_of(rows, user)?;
            sessions.sort_by_key(|row| Reverse((row.used_at, row.id)));
            Ok(sessions)
        })
        .await
    }
}

pub(crate) fn session_key(id: SessionId) -> Key {
    Key::of(SESSION).id(id.0)
}

/// Writes a new session. Errors: `AlreadyExists`.
pub(crate) fn put_session(batch: &mut Batch, row: &SessionRow) -> StoreResult<()> {
    if batch.has(&session_key(row.id))? {
        return Err(already_exists("the session exists"));
    }
    batch.put(&session_key(row.id), row)?;
    batch.put(&Key::user(SESSION_OF, row.user).id(row.id.0), &())
}

/// Ends those of a user's sessions that the condition names; returns them in the order of their ids.
pub(crate) fn end_sessions(
    batch: &mut Batch,
    user: UserId,
    ends: impl Fn(SessionId) -> bool,
) -> StoreResult<Vec<SessionId>> {
    let mut ended = ids_of(batch, user)?;
    ended.retain(|id| ends(*id));
    for id in &ended {
        batch.remove(&session_key(*id))?;
        batch.remove(&Key::user(SESSION_OF, user).id(id.0))?;
    }
    Ok(ended)
}

fn open_session(batch: &mut Batch, row: &SessionRow, max: usize) -> StoreResult<Vec<SessionId>> {
    let user: Option<UserRow> = batch.row(&Key::user(USER, row.user))?;
    if user.is_none_or(|user| user.state != UserState::Active) {
        return Err(not_found("no such active user"));
    }
    let mut others: Vec<_> =
        sessions_of(batch, row.user)?.into_iter().map(|other| (other.used_at, other.id)).collect();
    others.sort_unstable();
    put_session(batch, row)?;
    let too_many = (others.len() + 1).saturating_sub(max.max(1));
    let ended: Vec<SessionId> = others.into_iter().take(too_many).map(|(_, id)| id).collect();
    end_sessions(batch, row.user, |id| ended.contains(&id))?;
    Ok(ended)
}

fn refresh_session(batch: &mut Batch, change: RefreshChange) -> StoreResult<()> {
    let RefreshChange { session, expect, refresh, used_at, expires_at } = change;
    let row: Option<SessionRow> = batch.row(&session_key(session))?;
    let mut row = row.ok_or_else(|| not_found("no such session"))?;
    if row.refresh != expect {
        return Err(StoreError::new(StoreErrorKind::Conflict, "the refresh tokens are others"));
    }
    row.used_at = row.used_at.max(used_at);
    row.expires_at = expires_at;
    row.refresh = Some(refresh);
    batch.put(&session_key(session), &row)
}

fn sessions_of(rows: &impl Rows, user: UserId) -> StoreResult<Vec<SessionRow>> {
    let ids = ids_of(rows, user)?;
    ids.into_iter().filter_map(|id| rows.row(&session_key(id)).transpose()).collect()
}

fn ids_of(rows: &impl Rows, user: UserId) -> StoreResult<Vec<SessionId>> {
    let all = rows.up(Key::user(SESSION_OF, user).all());
    all.map(|item| item.map(|(key, _)| SessionId(last_id(&key)))).collect()
}
