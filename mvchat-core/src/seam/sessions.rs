//! Sessions: one row for each login of a device, which tokens name.

use super::StoreResult;
use crate::policy::Refresh;
use crate::proto::{SessionId, UserId};
use crate::time::Timestamp;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Sessions.
///
/// # Contract
/// * A session that was ended never comes back (law `an_ended_session_stays_ended`).
/// * A user has at most `max` sessions; one more ends those that were used longest ago (law
///   `one_session_too_many_ends_the_oldest`).
/// * [`refresh_session`](SessionStore::refresh_session) compares and swaps: of many that saw the same tokens one gets
///   through (law `refresh_tokens_are_swapped_once`).
/// * Many sessions are read like one at a time (law `many_sessions_are_read_like_one`).
#[async_trait]
pub trait SessionStore: fmt::Debug + Send + Sync + 'static {
    /// Opens a session; returns those that it ended, never itself. Errors: `NotFound` if the user does not
    /// exist or is not [`UserState::Active`](super::UserState::Active), `AlreadyExists` if a session has the id.
    async fn open_session(&self, row: SessionRow, max: usize) -> StoreResult<Vec<SessionId>>;

    /// Returns a session that was not ended; expiry is for the caller to judge.
    async fn session(&self, id: SessionId) -> StoreResult<Option<SessionRow>>;

    /// Returns sessions like [`session`](SessionStore::session), in the order of the ids.
    async fn sessions(&self, ids: &[SessionId]) -> StoreResult<Vec<Option<SessionRow>>> {
        let mut rows = Vec::with_capacity(ids.len());
        for id in ids {
            rows.push(self.session(*id).await?);
        }
        Ok(rows)
    }

    /// Notes that a session was used and until when it lives now; returns whether it exists.
    async fn touch_session(
        &self,
        id: SessionId,
        used_at: Timestamp,
        expires_at: Timestamp,
    ) -> StoreResult<bool>;

    /// Replaces what is known of a session's refresh tokens if that is still `expect`, and notes the use as
    /// [`touch_session`](SessionStore::touch_session) does. Errors: `NotFound`, `Conflict` if something else is known.
    async fn refresh_session(&self, change: RefreshChange) -> StoreResult<()>;

    /// Ends sessions of a user; returns the ended ones, those of other users are not touched.
    async fn end_sessions(&self, user: UserId, which: EndSessions) -> StoreResult<Vec<SessionId>>;

    /// Returns a user's sessions, the last used first, then by id, descending.
    async fn sessions_of(&self, user: UserId) -> StoreResult<Vec<SessionRow>>;
}

/// A session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRow {
    /// Its id.
    pub id: SessionId,
    /// Whose.
    pub user: UserId,
    /// The device's name.
    pub device: Option<String>,
    /// The client's name and version.
    pub user_agent: Option<String>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it was last used.
    pub used_at: Timestamp,
    /// Until when it lives if it is not used again.
    pub expires_at: Timestamp,
    /// When it ends however often it is used, if whoever vouched for the user said so.
    #[serde(default)]
    pub until: Option<Timestamp>,
    /// Its refresh tokens, if it has any.
    #[serde(default)]
    pub refresh: Option<Refresh>,
}

/// A replacement of a session's refresh tokens.
#[derive(Clone, Debug)]
pub struct RefreshChange {
    /// The session.
    pub session: SessionId,
    /// What was known of its tokens when it was read.
    pub expect: Option<Refresh>,
    /// What is known of them from now on.
    pub refresh: Refresh,
    /// When it was used.
    pub used_at: Timestamp,
    /// Until when it lives if it is not used again.
    pub expires_at: Timestamp,
}

/// Which sessions end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndSessions {
    /// This one.
    One(SessionId),
    /// All of them.
    All,
    /// All but this one.
    AllBut(SessionId),
}
