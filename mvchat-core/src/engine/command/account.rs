//! `acc`: make an account, or change one's own.

use super::login::BASIC;
use crate::builtin::keys::Context;
use crate::builtin::password::Verdict;
use crate::engine::chat::Inner;
use crate::engine::dispatch::{Caller, Ctx};
use crate::error::{Error, ErrorKind, Result};
use crate::proto::{
    AccountUpdated, Done, Json, NewAccount, Password, Privacy, Reply, ReplyParams, UpdateMe, UserId,
};
use crate::seam::{Credential, NewUser, SecretChange, StoreErrorKind, UserPatch, UserRow, UserState, fold};
use crate::session::Finished;
use bytes::Bytes;
use std::sync::Arc;

impl Inner {
    pub(in crate::engine) async fn sign_up(
        self: &Arc<Self>,
        caller: Caller,
        account: NewAccount,
    ) -> Result<Finished> {
        let generation = self.sessions.generation();
        let folded = fold(&account.name);
        let taken = || Error::new(ErrorKind::Exists, "username already taken");
        if self.store.credential(BASIC, &folded).await?.is_some() {
            return Err(taken());
        }
        let invited = match &account.invite {
            Some(code) => self.invited(code).await?,
            None => None,
        };
        // Whoever took the code of the mail as password has one that others may have read.
        let must_change_password = invited.is_some() && account.invite.as_ref() == Some(&account.password);
        let email = invited.as_ref().map(|invited| invited.email.as_str()).or(account.email.as_deref());
        let secret = self.passwords.hash(account.password.0).await?;
        let id = UserId(self.env.uuid());
        // The key is durable before anything that is sealed with it.
        self.keys.create_user(id.0).await?;
        let user = UserRow {
            id,
            state: UserState::Active,
            created_at: self.env.now(),
            public: account.public.filter(|public| !public.is_null()),
            private: self.seal_private(id, account.private).await?.flatten(),
            email: self.seal_email(id, email).await?,
            lang: account.lang,
            last_seen: None,
            must_change_password,
            privacy: Privacy::default(),
        };
        let scheme = BASIC.to_owned();
        let credential = Some(Credential { user: id, scheme, name: account.name, folded, secret });
        let session = account.login.then(|| self.new_session(id, &caller));
        let new = NewUser { user: user.clone(), credential, session: session.clone() };
        self.store.create_user(new).await.map_err(|error| match error.kind() {
            StoreErrorKind::AlreadyExists => taken(),
            _ => error.into(),
        })?;
        // Before the user is announced, so that those who invited hear it.
        let inviters = match &invited {
            Some(invited) => self.welcome(id, invited).await,
            None => Vec::new(),
        };
        let mut finished = match session {
            Some(session) => self.admit(caller, user, session, generation).await?,
            None => Reply::ok(self.account_params(&user).await?).into(),
        };
        finished.reply.done = Done::Created;
        if let ReplyParams::Account(params) = &mut finished.reply.params {
            params.inviters = Some(inviters).filter(|inviters| !inviters.is_empty());
        }
        Ok(finished)
    }

    async fn seal_private(&self, user: UserId, private: Option<Json>) -> Result<Option<Option<Bytes>>> {
        Ok(match private {
            None => None,
            Some(private) if private.is_null() => Some(None),
            Some(private) => {
                let key = self.user_key(user).await?;
                let sealed = key.seal(&Context::UserPrivate { user: user.0 }, private.as_str().as_bytes());
                Some(Some(Bytes::from(sealed)))
            }
        })
    }

    async fn seal_email(&self, user: UserId, email: Option<&str>) -> Result<Option<Bytes>> {
        let Some(email) = email else { return Ok(None) };
        let key = self.user_key(user).await?;
        Ok(Some(Bytes::from(key.seal(&Context::Email { user: user.0 }, email.as_bytes()))))
    }
}

impl Ctx {
    pub(in crate::engine) async fn update_me(self, update: UpdateMe) -> Result<Reply> {
        let mut updated = AccountUpdated::default();
        if let Some((old, new)) = update.password {
            self.change_password(old, new).await?;
            updated.password_changed = Some(true);
        }
        let patch = UserPatch {
            public: update.public.clone(),
            private: self.inner.seal_private(self.user, update.private.clone()).await?,
            email: self.inner.seal_email(self.user, update.email.as_deref()).await?.map(Some),
            lang: update.lang.clone(),
            ..UserPatch::default()
        };
        if let Some(privacy) = update.privacy {
            updated.privacy = Some(self.set_privacy(privacy).await?);
        }
        updated.public = update.public;
        updated.private = update.private;
        updated.email = update.email;
        updated.lang = update.lang;
        let patched = patch.public.is_some() || patch.private.is_some() || patch.email.is_some();
        if patched || patch.lang.is_some() {
            self.inner.store.update_user(self.user, patch).await?;
        }
        let nothing = updated == AccountUpdated::default();
        Ok(if nothing { Reply::EMPTY } else { Reply::ok(updated) })
    }

    /// Replaces the password; every other session of the user ends.
    async fn change_password(&self, old: Password, new: Password) -> Result<()> {
        let wrong = || Error::new(ErrorKind::Forbidden, "incorrect current password");
        let known = self.inner.store.credential_of(self.user, BASIC).await?;
        let known = known.ok_or_else(|| Error::new(ErrorKind::NotFound, "auth record not found"))?;
        match self.inner.passwords.verify(old.0, Some(&known.secret)).await? {
            Verdict::Ok { .. } => {}
            _ => return Err(wrong()),
        }
        let change = SecretChange {
            user: self.user,
            scheme: BASIC.to_owned(),
            expect: known.secret,
            secret: self.inner.passwords.hash(new.0).await?,
            end_sessions: true,
            keep: self.identity.map(|identity| identity.session),
        };
        let ended = self.inner.store.set_secret(change).await.map_err(|error| match error.kind() {
            // Another change came first: the password that was given is not the current one any more.
            StoreErrorKind::Conflict => wrong(),
            _ => {
                self.inner.doubt_sessions(self.user);
                error.into()
            }
        })?;
        self.inner.sessions_ended(self.user, &ended, None);
        Ok(())
    }
}
