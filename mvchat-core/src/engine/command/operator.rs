//! What an operator does by hand: looks accounts up, sets passwords, ends sessions, makes and reads tokens.

use super::login::BASIC;
use crate::builtin::token::{Claims, TokenError};
use crate::engine::chat::Chat;
use crate::engine::dispatch::{Caller, no_user};
use crate::engine::nodes::Hint;
use crate::error::{Error, ErrorKind, Result};
use crate::policy;
use crate::proto::{AccountParams, Password, ReplyParams, UserId, check_password};
use crate::seam::audit::{AuditEvent, AuditKind};
use crate::seam::{EndSessions, SecretChange, SessionRow, StoreErrorKind, UserPatch, fold};
use crate::session::{Device, Ended};

impl Chat {
    /// Returns whose user name this is, ignoring case.
    ///
    /// # Errors
    /// `Unavailable`, `Internal`.
    pub async fn find_user(&self, name: &str) -> Result<Option<UserId>> {
        Ok(self.0.store.credential(BASIC, &fold(name)).await?.map(|known| known.user))
    }

    /// Sets a user's password without asking for the present one, and ends the user's sessions. With `must_change` the
    /// user has to choose another one first of all.
    ///
    /// # Errors
    /// `Invalid` for a password that a sign-up would refuse too; `NotFound` for who is not there or has no password;
    /// `Gone` for a deleted account; `Conflict` if somebody else changed it at the same time; `Busy`, `Unavailable`.
    pub async fn set_password(&self, user: UserId, password: Password, must_change: bool) -> Result<()> {
        let inner = &self.0;
        let password = check_password(password.0, &inner.limits, "password too short")?;
        let known = inner.store.credential_of(user, BASIC).await?;
        let known = known.ok_or_else(|| Error::new(ErrorKind::NotFound, "auth record not found"))?;
        if known.secret.is_empty() {
            return Err(Error::new(ErrorKind::Gone, "user deleted"));
        }
        let change = SecretChange {
            user,
            scheme: BASIC.to_owned(),
            expect: known.secret,
            secret: inner.passwords.hash(password.0).await?,
            end_sessions: true,
            keep: None,
        };
        let ended = inner.store.set_secret(change).await.map_err(|error| match error.kind() {
            StoreErrorKind::Conflict => Error::new(ErrorKind::Conflict, "the password was changed meanwhile"),
            _ => {
                inner.doubt_sessions(user);
                error.into()
            }
        })?;
        inner.sessions_ended(user, &ended, None);
        self.note(AuditKind::AuthnPasswordChange, user, "set by the operator");
        if must_change {
            let patch = UserPatch { must_change_password: Some(true), ..UserPatch::default() };
            inner.store.update_user(user, patch).await?;
            inner.sessions.forget_all();
            inner.nodes.say(Hint::Account(user));
            self.note(AuditKind::UserUpdated, user, "password change demanded");
        }
        Ok(())
    }

    /// Returns a user's sessions, the last used first.
    ///
    /// # Errors
    /// `Unavailable`, `Internal`.
    pub async fn sessions_of(&self, user: UserId) -> Result<Vec<SessionRow>> {
        let now = self.0.env.now();
        let mut sessions = self.0.store.sessions_of(user).await?;
        sessions.retain(|session| session.expires_at > now);
        Ok(sessions)
    }

    /// Ends all sessions of a user; returns how many there were.
    ///
    /// # Errors
    /// `Unavailable`, `Internal`.
    pub async fn end_sessions(&self, user: UserId) -> Result<usize> {
        let ended = self.0.store.end_sessions(user, EndSessions::All).await;
        let ended = ended.inspect_err(|_| self.0.doubt_sessions(user))?;
        self.0.sessions_ended(user, &ended, None);
        self.0.hub.end_all(user, Ended::Session, None);
        self.0.nodes.say(Hint::Account(user));
        let event = AuditEvent::new(AuditKind::AuthnTokenRevoked, self.0.env.now());
        let event = event.by_operator().user(user).count(ended.len() as u64);
        self.audit(event.reason("ended by the operator"));
        Ok(ended.len())
    }

    /// Opens a session for a user, on a device of the given name, and returns what a login would: with a token.
    ///
    /// # Errors
    /// `NotFound`; `Forbidden` for a suspended user; `Unavailable`.
    pub async fn mint_token(&self, user: UserId, device: &str) -> Result<AccountParams> {
        let inner = &self.0;
        let generation = inner.sessions.generation();
        let row = inner.account(user).await?;
        let row = row.ok_or_else(no_user)?;
        policy::may_log_in(row.state)?;
        let device = Device { name: Some(device.to_owned()), user_agent: None };
        let caller = Caller { identity: None, device, origin: None, turn: None, peer: None };
        let session = inner.new_session(user, &caller, None);
        let finished = inner.open_session(caller, row, session, generation).await?;
        self.note(AuditKind::AuthnTokenCreated, user, "made by the operator");
        match finished.reply.params {
            ReplyParams::Account(params) => Ok(*params),
            _ => Err(ErrorKind::Internal.into()),
        }
    }

    /// Checks a token's signature, issuer, audience and times, but not its session; returns what it says.
    ///
    /// # Errors
    /// As [`TokenSigner::verify`](crate::builtin::token::TokenSigner::verify).
    pub fn inspect_token(&self, token: &str) -> Result<Claims, TokenError> {
        self.0.tokens.verify(token, self.0.env.now().as_secs())
    }
}
