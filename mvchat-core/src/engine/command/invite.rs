//! `invite`: bring people to the server, and to each other.

use super::welcome::InviteDetails;
use crate::engine::chat::Inner;
use crate::engine::dispatch::Ctx;
use crate::engine::jobs::Job;
use crate::error::{Error, ErrorKind, Result};
use crate::policy::{self, InviteState};
use crate::proto::{
    InviteCreated, InviteId, InviteItem, InviteRedeemed, InviteRevoked, InvitesParams, Password, Reply,
};
use crate::seam::{InviteMail, InviteRow, Mail, StoreErrorKind, UserRow};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::sync::Arc;
use std::time::Duration;

/// The length of a code: so many characters of 6 bits each.
const CODE: usize = 10;
/// How long an invite can be used.
const LIFETIME: Duration = Duration::from_secs(7 * 86_400);
/// When a client should try again after a code was taken.
const RETRY_CODE: Duration = Duration::from_millis(100);
/// The time after which a mailer is given up.
const MAIL_TIMEOUT: Duration = Duration::from_secs(30);

fn no_invite(detail: &'static str) -> Error {
    Error::new(ErrorKind::NotFound, detail)
}

/// Returns whether a text can be an invite's code.
pub fn is_invite_code(text: &str) -> bool {
    let of_code = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    text.len() == CODE && text.bytes().all(of_code)
}

impl Ctx {
    pub(in crate::engine) async fn create_invite(self, email: String, name: Option<String>) -> Result<Reply> {
        let (inner, user) = (self.inner, self.user);
        let now = inner.env.now();
        let invites = inner.store.invites_of(user).await?;
        policy::may_add_invite(invites.iter().filter(|row| row.state(now) == InviteState::Pending).count())?;
        let mut random = [0; 8];
        inner.env.fill(&mut random);
        let mut code = URL_SAFE_NO_PAD.encode(random);
        code.truncate(CODE);
        let (id, expires_at) = (InviteId(inner.env.uuid()), now + LIFETIME);
        let details = InviteDetails { code, email, name };
        let row = InviteRow {
            id,
            inviter: user,
            code: inner.code_hash(&details.code),
            email: inner.email_hash(&details.email),
            sealed: inner.seal_details(user, id, &details).await?,
            created_at: now,
            expires_at,
            used: None,
        };
        inner.store.create_invite(row).await.map_err(|error| match error.kind() {
            // Somebody has this code already; the next one will be another.
            StoreErrorKind::AlreadyExists => Error::from(ErrorKind::Busy).retry_after(RETRY_CODE),
            _ => error.into(),
        })?;
        let InviteDetails { code, email, name } = details;
        let inviter = inner.shown_users(&[user]).await.ok().into_iter().flatten().flatten().next();
        let mail = InviteMail {
            name: name.clone(),
            inviter: inviter.as_ref().and_then(UserRow::display_name),
            ..InviteMail::new(email.clone(), code.clone(), expires_at)
        };
        inner.post(Mail::Invite(mail));
        Ok(Reply::created(InviteCreated { id, code, email, name, expires_at }))
    }

    pub(in crate::engine) async fn list_invites(self) -> Result<Reply> {
        let now = self.inner.env.now();
        let mut invites = Vec::new();
        for row in self.inner.store.invites_of(self.user).await? {
            let Some(InviteDetails { code, email, name }) = self.inner.details(&row).await? else { continue };
            let state = row.state(now);
            invites.push(InviteItem {
                id: row.id,
                email,
                status: state.as_str().to_owned(),
                created_at: row.created_at,
                expires_at: row.expires_at,
                name,
                code: (state == InviteState::Pending).then_some(code),
                used_at: row.used.map(|(_, at)| at),
                used_by: row.used.map(|(by, _)| by),
            });
        }
        Ok(Reply::ok(InvitesParams { invites }))
    }

    pub(in crate::engine) async fn revoke_invite(self, id: InviteId) -> Result<Reply> {
        if !self.inner.store.revoke_invite(self.user, id).await? {
            return Err(no_invite("invite not found or already used"));
        }
        Ok(Reply::ok(InviteRevoked { id }))
    }

    /// Opens the conversation with whoever made the invite. A block, or an account that is gone, is answered as if
    /// there were no such invite.
    pub(in crate::engine) async fn redeem_invite(self, code: Password) -> Result<Reply> {
        let inner = &self.inner;
        if !is_invite_code(&code.0) {
            return Err(no_invite("invalid invite code"));
        }
        let unknown = || no_invite("invite not found or already used");
        let row = inner.store.invite(&inner.code_hash(&code.0)).await?;
        let row = row.ok_or_else(unknown)?;
        let blocked = inner.store.blocked_with(self.user).await?.contains(&row.inviter);
        let inviter = inner.shown_users(&[row.inviter]).await?.into_iter().flatten().next();
        let inviter = inviter.filter(|inviter| inviter.state.is_active() && !blocked);
        let now = inner.env.now();
        policy::may_redeem(row.state(now), row.inviter == self.user, inviter.is_some())?;
        let inviter = inviter.ok_or_else(unknown)?;
        let conv = inner.redeem(self.user, &row, now, self.origin.clone()).await?;
        let conv = conv.ok_or_else(|| no_invite("invite already used or expired"))?;
        Ok(Reply::ok(InviteRedeemed { inviter: row.inviter, inviter_public: inviter.public, conv }))
    }
}

impl Inner {
    /// Lets a mail be sent while everything else goes on.
    fn post(self: &Arc<Self>, mail: Mail) {
        let mailer = self.mailer.clone();
        let sending = Job::new("mail", move || {
            let (mailer, mail) = (mailer.clone(), mail.clone());
            async move { tokio::time::timeout(MAIL_TIMEOUT, mailer.send(mail)).await? }
        });
        if let Err(error) = self.jobs.submit(sending) {
            tracing::warn!(%error, "a mail is not sent");
        }
    }
}
