//! What the host does with accounts: it shuts them, opens them again, deletes them.

use super::chat::Chat;
use super::nodes::Hint;
use crate::error::{Error, ErrorKind, Result};
use crate::proto::{Json, UserId};
use crate::seam::audit::{AuditEvent, AuditKind};
use crate::seam::{StoreErrorKind, UserPatch, UserState};
use crate::session::Ended;

impl Chat {
    /// Shuts an account: its sessions end, its connections close, and nothing of it is committed after this returned.
    /// Logging in is answered with `forbidden` until the account is [reinstated](Chat::reinstate_user).
    ///
    /// # Errors
    /// `NotFound`; `Gone` for an account that was deleted; `Unavailable`.
    pub async fn suspend_user(&self, user: UserId) -> Result<()> {
        let patch = UserPatch { state: Some(UserState::Suspended), ..UserPatch::default() };
        self.shut(user, patch).await?;
        self.note(AuditKind::UserUpdated, user, "suspended");
        Ok(())
    }

    /// Opens a suspended account again. Its owner has to log in anew.
    ///
    /// # Errors
    /// `NotFound`; `Gone` for an account that was deleted; `Unavailable`.
    pub async fn reinstate_user(&self, user: UserId) -> Result<()> {
        let patch = UserPatch { state: Some(UserState::Active), ..UserPatch::default() };
        self.patch(user, patch).await?;
        self.note(AuditKind::UserUpdated, user, "reinstated");
        Ok(())
    }

    /// Deletes an account for good: as [`suspend_user`](Chat::suspend_user), and profile, private data, address,
    /// language and status are cleared. Its user name stays taken, its messages stay, without a name beside them.
    ///
    /// # Errors
    /// `NotFound`, `Unavailable`.
    pub async fn delete_user(&self, user: UserId) -> Result<()> {
        let patch = UserPatch {
            public: Some(Json::null()),
            private: Some(None),
            email: Some(None),
            lang: Some(String::new()),
            status: Some(None),
            state: Some(UserState::Deleted),
            ..UserPatch::default()
        };
        self.shut(user, patch).await?;
        self.note(AuditKind::UserDeleted, user, "deleted");
        Ok(())
    }

    /// Demands another password from a user: until then, every request but a change of the password and `logout` is
    /// answered with `forbidden`.
    ///
    /// # Errors
    /// `NotFound`, `Unavailable`.
    pub async fn demand_password_change(&self, user: UserId) -> Result<()> {
        let patch = UserPatch { must_change_password: Some(true), ..UserPatch::default() };
        self.patch(user, patch).await?;
        self.note(AuditKind::UserUpdated, user, "password change demanded");
        Ok(())
    }

    /// Tells the audit log what the host or its operator has done to an account.
    pub(super) fn note(&self, kind: AuditKind, user: UserId, what: &str) {
        self.audit(AuditEvent::new(kind, self.0.env.now()).by_operator().user(user).reason(what));
    }

    async fn patch(&self, user: UserId, patch: UserPatch) -> Result<()> {
        let patched = self.0.store.update_user(user, patch).await;
        // Also after a failure: nobody knows whether it happened.
        self.0.sessions.forget_all();
        self.0.nodes.say(Hint::Account(user));
        patched.map(drop).map_err(|error| match error.kind() {
            StoreErrorKind::NotFound => Error::new(ErrorKind::NotFound, "user not found"),
            StoreErrorKind::Conflict => Error::new(ErrorKind::Gone, "user deleted"),
            _ => error.into(),
        })
    }

    async fn shut(&self, user: UserId, patch: UserPatch) -> Result<()> {
        let shut = self.patch(user, patch).await;
        shut.inspect_err(|error| {
            if error.kind() == ErrorKind::Unavailable {
                self.0.doubt_sessions(user);
            }
        })?;
        self.0.hub.end_all(user, Ended::Session, None);
        self.0.underway.settle(user).await;
        // A login that was under way until now has found its session ended, or else is found here.
        self.0.hub.end_all(user, Ended::Session, None);
        Ok(())
    }
}
