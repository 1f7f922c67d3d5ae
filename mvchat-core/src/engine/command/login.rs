//! `login`: prove who the user is.

use super::refresh::{Grant, invalid_token};
use crate::builtin::keys::Context;
use crate::builtin::password::{PasswordError, Verdict};
use crate::builtin::refresh::RefreshToken;
use crate::builtin::token::{Claims, TokenError};
use crate::engine::chat::Inner;
use crate::engine::dispatch::Caller;
use crate::error::{Error, ErrorKind, Result, invalid};
use crate::policy;
use crate::proto::{AccountParams, Desc, Json, Password, Privacy, Reply, SessionId, UserId};
use crate::seam::{SecretChange, SessionRow, StoreErrorKind, UserPatch, UserRow, fold};
use crate::session::{Finished, Identity};
use crate::time::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// The scheme of names and passwords.
pub(super) const BASIC: &str = "basic";
/// When a client should try again after too many passwords had to be checked.
const RETRY_PASSWORD: Duration = Duration::from_secs(2);

impl Inner {
    pub(in crate::engine) async fn login_basic(
        self: &Arc<Self>,
        caller: Caller,
        name: &str,
        password: &Password,
    ) -> Result<Finished> {
        if !self.by_password {
            return Err(invalid("unknown auth scheme"));
        }
        let generation = self.sessions.generation();
        let charge = self.limit_login(&caller, name).await?;
        let found = self.store.credential(BASIC, &fold(name)).await?;
        // A name that nobody has costs the same time as a wrong password.
        let known = found.as_ref().map(|credential| credential.secret.as_str());
        // Nor does the name of an account that was deleted.
        let known = known.filter(|secret| !secret.is_empty());
        let verdict = self.passwords.verify(password.0.clone(), known).await;
        if !matches!(verdict, Ok(Verdict::Wrong)) {
            // Nobody has guessed: the password is right, or nobody has looked at it.
            self.forgive(charge).await;
        }
        let (Some(credential), Verdict::Ok { rehash }) = (found, verdict?) else {
            return Err(ErrorKind::BadCredentials.into());
        };
        let user = self.account(credential.user).await?.ok_or(ErrorKind::BadCredentials)?;
        policy::may_log_in(user.state)?;
        if rehash {
            let secret = self.passwords.hash(password.0.clone()).await?;
            let change = SecretChange {
                user: user.id,
                scheme: BASIC.to_owned(),
                expect: credential.secret,
                secret,
                end_sessions: false,
                keep: None,
            };
            if let Err(error) = self.store.set_secret(change).await {
                tracing::warn!(?error, "a password could not be hashed anew");
            }
        }
        let session = self.new_session(user.id, &caller, None);
        self.open_session(caller, user, session, generation).await
    }

    /// Writes a new session and logs the connection in on it.
    pub(super) async fn open_session(
        self: &Arc<Self>,
        caller: Caller,
        user: UserRow,
        session: Grant,
        generation: u64,
    ) -> Result<Finished> {
        self.place_of(&caller, user.id, session.row.id)?;
        let opened = self.store.open_session(session.row.clone(), self.limits.max_sessions).await;
        let ended = opened.map_err(|error| match error.kind() {
            // The account was shut since it was read.
            StoreErrorKind::NotFound => Error::from(ErrorKind::BadCredentials),
            _ => error.into(),
        })?;
        self.sessions_ended(user.id, &ended, None);
        self.note_seen(user.id).await?;
        self.admit(caller, user, session, generation).await
    }

    pub(in crate::engine) async fn login_token(
        self: &Arc<Self>,
        caller: Caller,
        token: Password,
    ) -> Result<Finished> {
        if RefreshToken::is_one(&token.0) {
            return self.login_refresh(caller, &token.0).await;
        }
        let generation = self.sessions.generation();
        let identity = self.read_token(&token.0)?;
        let (user, grant) = self.take_up(&caller, identity).await?;
        self.admit(caller, user, grant, generation).await
    }

    /// Reads an access token; whether its session is over is another question.
    pub(in crate::engine) fn read_token(&self, token: &str) -> Result<Identity> {
        let claims = self.tokens.verify(token, self.env.now().as_secs()).map_err(|error| match error {
            TokenError::Expired => Error::from(ErrorKind::TokenExpired),
            _ => invalid_token(),
        })?;
        Ok(Identity {
            user: UserId(claims.sub),
            session: SessionId(claims.sid),
            expires: Timestamp::from_micros(claims.exp.saturating_mul(1_000_000)),
        })
    }

    /// Lets a session go on for whoever has shown a token of it, which ends as `shown` says.
    pub(in crate::engine) async fn take_up(
        &self,
        caller: &Caller,
        shown: Identity,
    ) -> Result<(UserRow, Grant)> {
        let now = self.env.now();
        // The signature vouches for the id: who holds the token may learn that the account is gone.
        let unknown = || Error::new(ErrorKind::BadCredentials, "user not found");
        let user = self.account(shown.user).await?.ok_or_else(unknown)?;
        let session = self.store.session(shown.session).await?;
        let session = session.filter(|session| session.user == user.id).ok_or_else(invalid_token)?;
        let expires_at = policy::session_end(session.created_at, session.until, &self.limits, now);
        if session.expires_at <= now || expires_at <= now {
            return Err(ErrorKind::TokenExpired.into());
        }
        policy::may_log_in(user.state)?;
        self.place_of(caller, user.id, session.id)?;
        let grant = match (self.access_lifetime, &session.refresh) {
            (None, _) => self.touch(session, now, expires_at, expires_at).await?,
            (Some(_), None) => self.first_refresh(session, now).await?,
            // Only a refresh token prolongs anything: neither this token nor the session goes on any longer.
            (lifetime, Some(_)) => {
                let end = session.expires_at;
                let expires = policy::access_end(lifetime, shown.expires.min(end), now);
                self.touch(session, now, end, expires).await?
            }
        };
        self.note_seen(user.id).await?;
        Ok((user, grant))
    }

    /// Notes that a session is used, and lets it live until `expires_at`.
    async fn touch(
        &self,
        row: SessionRow,
        now: Timestamp,
        expires_at: Timestamp,
        expires: Timestamp,
    ) -> Result<Grant> {
        if !self.store.touch_session(row.id, now, expires_at).await? {
            return Err(invalid_token());
        }
        Ok(Grant { row: SessionRow { expires_at, ..row }, expires, refresh: None })
    }

    /// Notes that the user was here. Signing up does not count: someone who has only just come was never away.
    pub(super) async fn note_seen(&self, user: UserId) -> Result<()> {
        let seen = UserPatch { last_seen: Some(self.env.now()), ..UserPatch::default() };
        self.store.update_user(user, seen).await?;
        Ok(())
    }

    /// Loads an account, unless it is deleted.
    pub(super) async fn account(&self, user: UserId) -> Result<Option<UserRow>> {
        let row = self.store.users(&[user]).await?.into_iter().flatten().next();
        Ok(row.filter(|row| row.state.exists()))
    }

    /// Logs a connection in: signs a token, registers it, tells others. `generation` is from before the session
    /// was read or made.
    pub(in crate::engine) async fn admit(
        self: &Arc<Self>,
        caller: Caller,
        user: UserRow,
        grant: Grant,
        generation: u64,
    ) -> Result<Finished> {
        let Grant { row: session, expires, refresh } = grant;
        let mut params = self.account_params(&user).await?;
        let now = self.env.now();
        let claims = Claims {
            iss: self.tokens.issuer().to_owned(),
            aud: self.tokens.audience().to_owned(),
            sub: user.id.0,
            sid: session.id.0,
            iat: now.as_secs(),
            exp: expires.as_secs(),
            jti: self.env.uuid(),
        };
        let expires = Timestamp::from_micros(expires.as_secs() * 1_000_000);
        params.token = Some(self.tokens.sign(&claims));
        params.expires = Some(expires);
        params.refresh = refresh;
        params.session = Some(session.id);
        let identity = Identity { user: user.id, session: session.id, expires };
        // Whoever was there before has its place by now; only an account that was just made takes it here.
        self.place_of(&caller, user.id, session.id)?;
        if let Some(origin) = &caller.origin {
            let before = origin.conn.set_identity(identity);
            if let Some(before) = before.filter(|before| before.user != user.id) {
                self.leave(before.user, &origin.conn);
            }
            // The answer comes after all that was for the user before, and before whatever is delivered from
            // now on.
            origin.conn.reserve(origin.ticket, None);
            self.enter(user.id, &origin.conn);
            // A connection that ended while its login was under way was not there to be taken out.
            if origin.conn.is_gone() {
                self.leave(user.id, &origin.conn);
            }
            // Whoever ended the session meanwhile may not have found this connection.
            if self.sessions.generation() != generation {
                let inner = self.clone();
                self.closing.commands.spawn(async move { inner.recheck(identity).await });
            }
        }
        Ok(Finished { reply: Reply::ok(params), identity: Some(identity), ended: false })
    }

    /// What an account's owner sees of it.
    pub(in crate::engine) async fn account_params(&self, user: &UserRow) -> Result<AccountParams> {
        let private = match &user.private {
            None => None,
            Some(sealed) => {
                let context = Context::UserPrivate { user: user.id.0 };
                let clear = self.opened(user.id, &context, sealed, "private data", |event| event).await?;
                let text = clear.and_then(|clear| String::from_utf8(clear).ok());
                text.and_then(|text| Json::parse(text).ok())
            }
        };
        let shown = self.shown_users(&[user.id]).await?.into_iter().flatten().next();
        let public =
            if self.directory.is_some() { shown.and_then(|shown| shown.public) } else { user.public.clone() };
        Ok(AccountParams {
            user: user.id,
            token: None,
            expires: None,
            refresh: None,
            session: None,
            email_verified: true,
            desc: Desc { public, private },
            must_change_password: user.must_change_password.then_some(true),
            lang: user.lang.clone(),
            privacy: Some(user.privacy).filter(|privacy| *privacy != Privacy::default()),
            status: user.status.clone(),
            guest: user.guest_until.map(|_| true),
            inviters: None,
        })
    }
}

impl From<PasswordError> for Error {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Busy => Self::from(ErrorKind::Busy).retry_after(RETRY_PASSWORD),
            other => Self::from(ErrorKind::Internal).with_source(other),
        }
    }
}
