//! `acc`: make an account, or change one's own.

use super::login::BASIC;
use crate::builtin::keys::Context;
use crate::builtin::password::Verdict;
use crate::engine::chat::Inner;
use crate::engine::dispatch::{Caller, Ctx};
use crate::error::{Error, ErrorKind, Result, invalid};
use crate::proto::{AccountUpdated, Done, Json, NewAccount, Password, Reply, ReplyParams, UpdateMe, UserId};
use crate::seam::{
    Credential, NewName, NewUser, SealedEmail, SecretChange, SessionRow, StoreErrorKind, UserPatch, UserRow,
    fold,
};
use crate::session::Finished;
use bytes::Bytes;
use std::sync::Arc;

impl Inner {
    pub(in crate::engine) async fn sign_up(
        self: &Arc<Self>,
        caller: Caller,
        account: NewAccount,
    ) -> Result<Finished> {
        if !self.by_password {
            return Err(Error::new(ErrorKind::Forbidden, "sign-up is closed"));
        }
        let generation = self.sessions.generation();
        if self.store.credential(BASIC, &fold(&account.name)).await?.is_some() {
            return Err(name_taken());
        }
        let invited = match &account.invite {
            Some(code) => self.invited(code).await?,
            None => None,
        };
        // Whoever took the code of the mail as password has one that others may have read.
        let must_change_password = invited.is_some() && account.invite.as_ref() == Some(&account.password);
        let email = invited.as_ref().map(|invited| invited.email.as_str()).or(account.email.as_deref());
        self.check_email(None, email).await?;
        let secret = self.passwords.hash(account.password.0).await?;
        let id = UserId(self.env.uuid());
        let session = account.login.then(|| self.new_session(id, &caller, None));
        let profile = UserRow {
            public: account.public.filter(|public| !public.is_null()),
            lang: account.lang,
            must_change_password,
            ..UserRow::new(id, self.env.now())
        };
        let opening = (account.name, secret);
        let first = session.as_ref().map(|grant| grant.row.clone());
        let user = self.make_account(profile, opening, email, account.private, first).await?;
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

    /// Makes an account that a name and a password open.
    pub(in crate::engine) async fn make_account(
        &self,
        profile: UserRow,
        (name, secret): (String, String),
        email: Option<&str>,
        private: Option<Json>,
        session: Option<SessionRow>,
    ) -> Result<UserRow> {
        let id = profile.id;
        // The key is durable before anything that is sealed with it.
        self.keys.create_user(id.0).await?;
        let user = UserRow {
            private: self.seal_private(id, private).await?.flatten(),
            email: self.seal_email(id, email).await?,
            ..profile
        };
        let folded = fold(&name);
        let credential = Some(Credential { user: id, scheme: BASIC.to_owned(), name, folded, secret });
        let new = NewUser { user: user.clone(), credential, session };
        match self.store.create_user(new).await {
            Ok(()) => Ok(user),
            // Somebody was faster: with the address, or else with the name.
            Err(error) if error.kind() == StoreErrorKind::AlreadyExists => {
                self.check_email(None, email).await?;
                Err(name_taken())
            }
            Err(error) => Err(error.into()),
        }
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

    async fn seal_email(&self, user: UserId, email: Option<&str>) -> Result<Option<SealedEmail>> {
        let Some(email) = email else { return Ok(None) };
        let key = self.user_key(user).await?;
        let sealed = Bytes::from(key.seal(&Context::Email { user: user.0 }, email.as_bytes()));
        Ok(Some(SealedEmail { sealed, hash: Some(self.email_hash(email)) }))
    }

    /// Passes an address that nobody has, or this user.
    async fn check_email(&self, user: Option<UserId>, email: Option<&str>) -> Result<()> {
        let Some(email) = email else { return Ok(()) };
        match self.store.email_owner(&self.email_hash(email)).await? {
            Some(owner) if Some(owner) != user => {
                Err(Error::new(ErrorKind::Exists, "email already registered"))
            }
            _ => Ok(()),
        }
    }
}

fn name_taken() -> Error {
    Error::new(ErrorKind::Exists, "username already taken")
}

fn no_record() -> Error {
    Error::new(ErrorKind::NotFound, "auth record not found")
}

impl Ctx {
    pub(in crate::engine) async fn update_me(self, update: UpdateMe) -> Result<Reply> {
        let UpdateMe { public, private, password, email, lang, privacy, username, status } = update;
        let inner = &self.inner;
        // What can be refused is, before the password changes; all the rest changes in one step.
        inner.check_email(Some(self.user), email.as_deref()).await?;
        self.check_name(username.as_deref()).await?;
        let password_changed = password.is_some().then_some(true);
        if let Some((old, new)) = password {
            self.change_password(old, new).await?;
        }
        let changes = public.is_some() || private.is_some() || email.is_some() || lang.is_some();
        let changes = changes || username.is_some() || status.is_some();
        if changes {
            let new_name =
                |name: &String| NewName { scheme: BASIC.to_owned(), name: name.clone(), folded: fold(name) };
            let patch = UserPatch {
                public: public.clone(),
                private: inner.seal_private(self.user, private.clone()).await?,
                email: inner.seal_email(self.user, email.as_deref()).await?.map(Some),
                lang: lang.clone(),
                status: status.clone().map(|status| Some(status).filter(|status| !status.is_empty())),
                name: username.as_ref().map(new_name),
                ..UserPatch::default()
            };
            if let Err(error) = inner.store.update_user(self.user, patch).await {
                if error.kind() == StoreErrorKind::AlreadyExists {
                    inner.check_email(Some(self.user), email.as_deref()).await?;
                    return Err(name_taken());
                }
                return Err(error.into());
            }
        }
        let privacy = match privacy {
            Some(privacy) => Some(self.set_privacy(privacy).await?),
            None => None,
        };
        if !changes && password_changed.is_none() && privacy.is_none() {
            return Ok(Reply::EMPTY);
        }
        Ok(Reply::ok(AccountUpdated {
            public,
            private,
            password_changed,
            email,
            lang,
            privacy,
            username,
            status,
        }))
    }

    /// Passes a name that nobody has, or this user; who has no password has no name to change.
    async fn check_name(&self, name: Option<&str>) -> Result<()> {
        let Some(name) = name else { return Ok(()) };
        let owner = self.inner.store.credential(BASIC, &fold(name)).await?;
        match owner {
            Some(owner) if owner.user == self.user => Ok(()),
            Some(_) => Err(name_taken()),
            None if self.inner.store.credential_of(self.user, BASIC).await?.is_some() => Ok(()),
            None => Err(no_record()),
        }
    }

    /// Replaces the password; every other session of the user ends.
    async fn change_password(&self, old: Password, new: Password) -> Result<()> {
        let wrong = || Error::new(ErrorKind::Forbidden, "incorrect current password");
        if old == new {
            return Err(invalid("new password must differ"));
        }
        let known = self.inner.store.credential_of(self.user, BASIC).await?;
        let known = known.ok_or_else(no_record)?;
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
        // The session that stays may do more than before.
        self.inner.sessions.forget(self.identity.map(|identity| identity.session).as_slice());
        self.inner.sessions_ended(self.user, &ended, None);
        Ok(())
    }
}
