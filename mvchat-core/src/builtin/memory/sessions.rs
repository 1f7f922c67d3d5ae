//! Sessions in memory.

use super::{MemoryStore, State, already_exists, not_found};
use crate::proto::{SessionId, UserId};
use crate::seam::{
    EndSessions, RefreshChange, SessionRow, SessionStore, StoreError, StoreErrorKind, StoreResult, UserState,
};
use crate::time::Timestamp;
use async_trait::async_trait;

#[async_trait]
impl SessionStore for MemoryStore {
    async fn open_session(&self, row: SessionRow, max: usize) -> StoreResult<Vec<SessionId>> {
        self.state.lock().open_session(row, max)
    }

    async fn session(&self, id: SessionId) -> StoreResult<Option<SessionRow>> {
        Ok(self.state.lock().sessions.get(&id).cloned())
    }

    async fn sessions(&self, ids: &[SessionId]) -> StoreResult<Vec<Option<SessionRow>>> {
        let state = self.state.lock();
        Ok(ids.iter().map(|id| state.sessions.get(id).cloned()).collect())
    }

    async fn touch_session(
        &self,
        id: SessionId,
        used_at: Timestamp,
        expires_at: Timestamp,
    ) -> StoreResult<bool> {
        let mut state = self.state.lock();
        let Some(row) = state.sessions.get_mut(&id) else { return Ok(false) };
        row.used_at = row.used_at.max(used_at);
        row.expires_at = expires_at;
        Ok(true)
    }

    async fn refresh_session(&self, change: RefreshChange) -> StoreResult<()> {
        let RefreshChange { session, expect, refresh, used_at, expires_at } = change;
        let mut state = self.state.lock();
        let row = state.sessions.get_mut(&session).ok_or_else(|| not_found("no such session"))?;
        if row.refresh != expect {
            return Err(StoreError::new(StoreErrorKind::Conflict, "the refresh tokens are others"));
        }
        row.used_at = row.used_at.max(used_at);
        row.expires_at = expires_at;
        row.refresh = Some(refresh);
        Ok(())
    }

    async fn end_sessions(&self, user: UserId, which: EndSessions) -> StoreResult<Vec<SessionId>> {
        Ok(self.state.lock().end_sessions_where(|row| {
            row.user == user
                && match which {
                    EndSessions::One(id) => row.id == id,
                    EndSessions::All => true,
                    EndSessions::AllBut(id) => row.id != id,
                }
        }))
    }

    async fn sessions_of(&self, user: UserId) -> StoreResult<Vec<SessionRow>> {
        let state = self.state.lock();
        let mut rows: Vec<_> = state.sessions.values().filter(|row| row.user == user).cloned().collect();
        rows.sort_by_key(|row| std::cmp::Reverse((row.used_at, row.id)));
        Ok(rows)
    }
}

impl State {
    fn open_session(&mut self, row: SessionRow, max: usize) -> StoreResult<Vec<SessionId>> {
        if self.users.get(&row.user).is_none_or(|user| user.state != UserState::Active) {
            return Err(not_found("no such active user"));
        }
        if self.sessions.contains_key(&row.id) {
            return Err(already_exists("the session exists"));
        }
        let mut others: Vec<_> = self
            .sessions
            .values()
            .filter(|other| other.user == row.user)
            .map(|other| (other.used_at, other.id))
            .collect();
        others.sort_unstable();
        let too_many = (others.len() + 1).saturating_sub(max.max(1));
        let ended: Vec<_> = others.into_iter().take(too_many).map(|(_, id)| id).collect();
        self.sessions.retain(|id, _| !ended.contains(id));
        self.sessions.insert(row.id, row);
        Ok(ended)
    }

    /// Ends the sessions that the condition names; returns them in the order of their ids.
    pub(super) fn end_sessions_where(&mut self, ends: impl Fn(&SessionRow) -> bool) -> Vec<SessionId> {
        let ended: Vec<_> = self.sessions.values().filter(|row| ends(row)).map(|row| row.id).collect();
        self.sessions.retain(|id, _| !ended.contains(id));
        ended
    }
}
