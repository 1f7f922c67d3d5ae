//! Sessions in memory.

use super::{MemoryStore, State, already_exists, not_found};
use crate::proto::{SessionId, UserId};
use crate::seam::{
    EndSessions, RefreshChange, SessionRow, SessionStore, StoreError, StoreErrorKind, StoreResult, UserState,
};
use crate::time::Timestamp;
use async_trait::async_trait;
use std::collections::{BTreeMap, BTreeSet};

#[async_trait]
impl SessionStore for MemoryStore {
    async fn open_session(&self, row: SessionRow, max: usize) -> StoreResult<Vec<SessionId>> {
        self.state.lock().open_session(row, max)
    }

    async fn session(&self, id: SessionId) -> StoreResult<Option<SessionRow>> {
        Ok(self.state.lock().sessions.get(id).cloned())
    }

    async fn sessions(&self, ids: &[SessionId]) -> StoreResult<Vec<Option<SessionRow>>> {
        let state = self.state.lock();
        Ok(ids.iter().map(|id| state.sessions.get(*id).cloned()).collect())
    }

    async fn touch_session(
        &self,
        id: SessionId,
        used_at: Timestamp,
        expires_at: Timestamp,
    ) -> StoreResult<bool> {
        let mut state = self.state.lock();
        let Some(row) = state.sessions.get_mut(id) else { return Ok(false) };
        row.used_at = row.used_at.max(used_at);
        row.expires_at = expires_at;
        Ok(true)
    }

    async fn refresh_session(&self, change: RefreshChange) -> StoreResult<()> {
        let RefreshChange { session, expect, refresh, used_at, expires_at } = change;
        let mut state = self.state.lock();
        let row = state.sessions.get_mut(session).ok_or_else(|| not_found("no such session"))?;
        if row.refresh != expect {
            return Err(StoreError::new(StoreErrorKind::Conflict, "the refresh tokens are others"));
        }
        row.used_at = row.used_at.max(used_at);
        row.expires_at = expires_at;
        row.refresh = Some(refresh);
        Ok(())
    }

    async fn end_sessions(&self, user: UserId, which: EndSessions) -> StoreResult<Vec<SessionId>> {
        Ok(self.state.lock().sessions.end(user, |id| match which {
            EndSessions::One(one) => id == one,
            EndSessions::All => true,
            EndSessions::AllBut(kept) => id != kept,
        }))
    }

    async fn sessions_of(&self, user: UserId) -> StoreResult<Vec<SessionRow>> {
        let state = self.state.lock();
        let mut rows: Vec<_> = state.sessions.of(user).cloned().collect();
        rows.sort_by_key(|row| std::cmp::Reverse((row.used_at, row.id)));
        Ok(rows)
    }
}

impl State {
    fn open_session(&mut self, row: SessionRow, max: usize) -> StoreResult<Vec<SessionId>> {
        if self.users.get(&row.user).is_none_or(|user| user.state != UserState::Active) {
            return Err(not_found("no such active user"));
        }
        if self.sessions.get(row.id).is_some() {
            return Err(already_exists("the session exists"));
        }
        let mut others: Vec<_> = self.sessions.of(row.user).map(|other| (other.used_at, other.id)).collect();
        others.sort_unstable();
        let too_many = (others.len() + 1).saturating_sub(max.max(1));
        let ended: Vec<_> = others.into_iter().take(too_many).map(|(_, id)| id).collect();
        self.sessions.end(row.user, |id| ended.contains(&id));
        self.sessions.insert(row);
        Ok(ended)
    }
}

/// Sessions, by their ids and by their users.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    rows: BTreeMap<SessionId, SessionRow>,
    by_user: BTreeMap<UserId, BTreeSet<SessionId>>,
}

impl Sessions {
    pub(super) fn get(&self, id: SessionId) -> Option<&SessionRow> {
        self.rows.get(&id)
    }

    /// Returns a session, to change anything but its user and id.
    fn get_mut(&mut self, id: SessionId) -> Option<&mut SessionRow> {
        self.rows.get_mut(&id)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &SessionRow> {
        self.rows.values()
    }

    fn of(&self, user: UserId) -> impl Iterator<Item = &SessionRow> {
        self.by_user.get(&user).into_iter().flatten().filter_map(|id| self.rows.get(id))
    }

    pub(super) fn insert(&mut self, row: SessionRow) {
        self.by_user.entry(row.user).or_default().insert(row.id);
        self.rows.insert(row.id, row);
    }

    /// Ends those of a user's sessions that the condition names; returns them in the order of their ids.
    pub(super) fn end(&mut self, user: UserId, ends: impl Fn(SessionId) -> bool) -> Vec<SessionId> {
        let Some(own) = self.by_user.get_mut(&user) else { return Vec::new() };
        let ended: Vec<_> = own.iter().copied().filter(|id| ends(*id)).collect();
        own.retain(|id| !ends(*id));
        if own.is_empty() {
            self.by_user.remove(&user);
        }
        for id in &ended {
            self.rows.remove(id);
        }
        ended
    }
}
