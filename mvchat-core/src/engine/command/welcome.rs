//! What happens when an invite is used: at sign-up, or later.

use crate::Keys;
use crate::builtin::keys::Context;
use crate::engine::chat::Inner;
use crate::engine::hub::Origin;
use crate::error::{Error, ErrorKind, Result};
use crate::policy::{ConvKind, InviteState};
use crate::proto::{ConvId, InviteId, Password, UserId};
use crate::seam::audit::AuditEvent;
use crate::seam::{EmailHash, InviteHash, InviteRow};
use crate::time::Timestamp;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The most invites that a sign-up uses.
const MOST: usize = 100;

/// What of an invite only its maker reads: as JSON, sealed, it is [`InviteRow::sealed`].
#[derive(Serialize, Deserialize)]
pub struct InviteDetails {
    /// What has to be given.
    pub code: String,
    /// The address that it was made for.
    pub email: String,
    /// The name of whoever is invited.
    pub name: Option<String>,
}

impl fmt::Debug for InviteDetails {
    /// Shows nothing of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InviteDetails")
    }
}

/// The invites of somebody who signs up.
pub(super) struct Invited {
    /// The address to which all of them were made.
    pub(super) email: String,
    /// First the one whose code was given, then the others, the oldest first.
    invites: Vec<InviteRow>,
}

/// Returns the keyed hash by which an e-mail address is known, however it is written: what
/// [`SealedEmail::hash`](crate::seam::SealedEmail::hash) holds. For whoever brings accounts along.
pub fn email_hash(keys: &Keys, email: &str) -> EmailHash {
    keys.mac("email", &[email.trim().to_lowercase().as_bytes()])
}

/// Returns the keyed hash by which an invite's code is known: what [`InviteRow::code`] holds. For whoever brings
/// invites along.
pub fn invite_code_hash(keys: &Keys, code: &str) -> InviteHash {
    keys.mac("invite code", &[code.as_bytes()])
}

impl Inner {
    /// Finds the invites that a sign-up with a code uses; none if the code is of no use.
    pub(super) async fn invited(&self, code: &Password) -> Result<Option<Invited>> {
        let now = self.env.now();
        let row = self.store.invite(&self.code_hash(&code.0)).await?;
        let Some(row) = row.filter(|row| row.state(now) == InviteState::Pending) else { return Ok(None) };
        let Some(details) = self.details(&row).await? else { return Ok(None) };
        let others = self.store.unused_invites(&row.email, MOST).await?;
        let first = row.id;
        let others =
            others.into_iter().filter(|other| other.id != first && other.state(now) == InviteState::Pending);
        let mut invites: Vec<_> = std::iter::once(row).chain(others).collect();
        let inviters: Vec<_> = invites.iter().map(|row| row.inviter).collect();
        let inviters = self.store.users(&inviters).await?;
        let mut active =
            inviters.iter().map(|inviter| inviter.as_ref().is_some_and(|inviter| inviter.state.is_active()));
        invites.retain(|_| active.next().unwrap_or(false));
        let valid = invites.first().is_some_and(|row| row.id == first);
        Ok(valid.then_some(Invited { email: details.email, invites }))
    }

    /// Brings a new user together with all who sent an invite; returns them. The account is there by now, so what
    /// fails is left out: such an invite can still be redeemed.
    pub(super) async fn welcome(self: &Arc<Self>, user: UserId, invited: &Invited) -> Vec<UserId> {
        let mut inviters = Vec::new();
        let mut at = self.env.now();
        for row in &invited.invites {
            match self.redeem(user, row, at, None).await {
                Ok(Some(_)) if !inviters.contains(&row.inviter) => inviters.push(row.inviter),
                Ok(_) => {}
                Err(error) => tracing::warn!(invite = %row.id, ?error, "an invite could not be used"),
            }
            // The conversations stand in a list in the order of their times.
            at = at + Duration::from_micros(1);
        }
        inviters
    }

    /// Opens the conversation with the inviter and uses the invite; `None` if somebody else was faster. In this
    /// order an interrupted attempt can be made again.
    pub(super) async fn redeem(
        self: &Arc<Self>,
        user: UserId,
        row: &InviteRow,
        at: Timestamp,
        origin: Option<Origin>,
    ) -> Result<Option<ConvId>> {
        let (conv, _) = self.open_direct(ConvKind::Dm, user, Some(row.inviter), at, origin).await?;
        Ok(self.store.use_invite(row.id, user, at).await?.then_some(conv))
    }

    pub(super) fn code_hash(&self, code: &str) -> InviteHash {
        invite_code_hash(&self.keys, code)
    }

    /// Hashes an address; the spellings that differ in case only count as one.
    pub(super) fn email_hash(&self, email: &str) -> InviteHash {
        email_hash(&self.keys, email)
    }

    pub(super) async fn seal_details(
        &self,
        user: UserId,
        id: InviteId,
        details: &InviteDetails,
    ) -> Result<Bytes> {
        let clear = serde_json::to_vec(details)
            .map_err(|error| Error::from(ErrorKind::Internal).with_source(error))?;
        let context = Context::Invite { user: user.0, invite: id.0 };
        Ok(self.user_key(user).await?.seal(&context, &clear).into())
    }

    /// Opens what only the inviter reads; `None` if it can't be opened, now or ever.
    ///
    /// # Errors
    /// `Unavailable` while the key can't be reached.
    pub(super) async fn details(&self, row: &InviteRow) -> Result<Option<InviteDetails>> {
        let context = Context::Invite { user: row.inviter.0, invite: row.id.0 };
        let place = |event: AuditEvent| event.object(&row.id.to_string());
        let clear = self.opened(row.inviter, &context, &row.sealed, "invite", place).await?;
        Ok(clear.and_then(|clear| serde_json::from_slice(&clear).ok()))
    }
}
