//! `login` with a refresh token, and what every login gives.

use crate::builtin::refresh::RefreshToken;
use crate::engine::chat::Inner;
use crate::engine::dispatch::Caller;
use crate::error::{Error, ErrorKind, Result};
use crate::policy::{self, Refresh};
use crate::proto::{SessionId, UserId};
use crate::seam::audit::AuditKind;
use crate::seam::{EndSessions, RefreshChange, SessionRow, StoreErrorKind};
use crate::session::Finished;
use crate::time::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// When a client should try again after another use of the same token came first.
const RETRY: Duration = Duration::from_millis(100);

/// What a login gives.
#[derive(Debug)]
pub(in crate::engine) struct Grant {
    /// The session.
    pub(super) row: SessionRow,
    /// Until when its access token is good, and the connection.
    pub(super) expires: Timestamp,
    /// A new refresh token.
    pub(super) refresh: Option<String>,
}

pub(super) fn invalid_token() -> Error {
    Error::new(ErrorKind::BadCredentials, "invalid token")
}

impl Inner {
    /// Makes a session that begins now, and does not go on after `until`.
    pub(super) fn new_session(&self, user: UserId, caller: &Caller, until: Option<Timestamp>) -> Grant {
        let (now, id) = (self.env.now(), SessionId(self.env.uuid()));
        let (token, refresh) = self.access_lifetime.map(|_| self.mint_refresh(id)).unzip();
        let expires_at = policy::session_end(now, until, &self.limits, now);
        let row = SessionRow {
            id,
            user,
            device: caller.device.name.clone(),
            user_agent: caller.device.user_agent.clone(),
            created_at: now,
            used_at: now,
            expires_at,
            until,
            refresh: token.map(|token| Refresh::first(token.hash)),
        };
        Grant { row, expires: policy::access_end(self.access_lifetime, expires_at, now), refresh }
    }

    fn mint_refresh(&self, session: SessionId) -> (RefreshToken, String) {
        let mut secret = [0; 32];
        self.env.fill(&mut secret);
        RefreshToken::mint(&self.keys, session.0, &secret)
    }

    /// Uses a refresh token: the session goes on, and the token is replaced. A spent one ends the session.
    pub(super) async fn login_refresh(self: &Arc<Self>, caller: Caller, token: &str) -> Result<Finished> {
        let (now, generation) = (self.env.now(), self.sessions.generation());
        let token = RefreshToken::read(&self.keys, token).filter(|_| self.access_lifetime.is_some());
        let token = token.ok_or_else(invalid_token)?;
        let row = self.store.session(SessionId(token.session)).await?.ok_or_else(invalid_token)?;
        let known = row.refresh.as_ref().ok_or_else(invalid_token)?;
        let (next, text) = self.mint_refresh(row.id);
        let Some(refresh) = policy::refreshed(known, &token.hash, next.hash) else {
            self.end_reused(&caller, &row).await?;
            return Err(invalid_token());
        };
        let user = self.account(row.user).await?.ok_or_else(invalid_token)?;
        policy::may_log_in(user.state)?;
        // Before the token is spent: who finds no place may come back with it.
        self.place_of(&caller, user.id, row.id)?;
        let grant = self.renew(row, refresh, text, now).await?;
        self.note_seen(user.id).await?;
        self.admit(caller, user, grant, generation).await
    }

    /// Gives a session from before there were refresh tokens its first one.
    pub(super) async fn first_refresh(&self, row: SessionRow, now: Timestamp) -> Result<Grant> {
        let (token, text) = self.mint_refresh(row.id);
        self.renew(row, Refresh::first(token.hash), text, now).await
    }

    /// Lets a session go on with other refresh tokens.
    async fn renew(&self, row: SessionRow, refresh: Refresh, text: String, now: Timestamp) -> Result<Grant> {
        let expires_at = policy::session_end(row.created_at, row.until, &self.limits, now);
        if row.expires_at <= now || expires_at <= now {
            return Err(ErrorKind::TokenExpired.into());
        }
        let change = RefreshChange {
            session: row.id,
            expect: row.refresh.clone(),
            refresh: refresh.clone(),
            used_at: now,
            expires_at,
        };
        self.store.refresh_session(change).await.map_err(|error| match error.kind() {
            StoreErrorKind::NotFound => invalid_token(),
            // Who asked again on another connection gets the answer there; who is still here asks again.
            StoreErrorKind::Conflict => Error::from(ErrorKind::Busy).retry_after(RETRY),
            _ => error.into(),
        })?;
        let expires = policy::access_end(self.access_lifetime, expires_at, now);
        let row = SessionRow { used_at: now, expires_at, refresh: Some(refresh), ..row };
        Ok(Grant { row, expires, refresh: Some(text) })
    }

    /// Two have a token that was made for one: nobody knows which of them is the user, so both are out.
    async fn end_reused(&self, caller: &Caller, row: &SessionRow) -> Result<()> {
        let ended = self.store.end_sessions(row.user, EndSessions::One(row.id)).await?;
        self.sessions_ended(row.user, &[row.id], None);
        // Of many such uses at once, one has ended the session.
        if !ended.is_empty() {
            let mut event = self.event_of(AuditKind::AuthnTokenReuse, caller).user(row.user);
            event.session = Some(self.session_name(row.id));
            self.audit.emit(event);
        }
        Ok(())
    }
}
