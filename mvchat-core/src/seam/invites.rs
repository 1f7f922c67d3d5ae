//! Invites to the server.

use super::StoreResult;
use crate::policy::InviteState;
use crate::proto::{InviteId, UserId};
use crate::time::Timestamp;
use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Invites. Codes and addresses are known by keyed hashes only.
///
/// # Contract
/// * A code names one invite at most (law `an_invite_code_is_given_once`).
/// * An invite is used once, also by many at once, in time, and whoever uses it is the inviter's contact from the same
///   step on (laws `an_invite_is_used_once`, `an_invite_is_used_in_time`, `a_used_invite_makes_contacts`).
/// * What was used is not revoked, and what was revoked is not used (law `a_revoked_invite_is_gone`).
#[async_trait]
pub trait InviteStore: fmt::Debug + Send + Sync + 'static {
    /// Keeps an invite. Errors: `AlreadyExists` if its code or its id is taken.
    async fn create_invite(&self, row: InviteRow) -> StoreResult<()>;

    /// Returns the invite with a code, whatever its state.
    async fn invite(&self, code: &InviteHash) -> StoreResult<Option<InviteRow>>;

    /// Returns the invites that a user made, the newest first (then by id, descending).
    async fn invites_of(&self, inviter: UserId) -> StoreResult<Vec<InviteRow>>;

    /// Returns invites to an address that were not used, also if they have run out, the oldest first (then by id).
    async fn unused_invites(&self, email: &InviteHash, limit: usize) -> StoreResult<Vec<InviteRow>>;

    /// Forgets an invite of a user that was not used; returns whether there was one.
    async fn revoke_invite(&self, inviter: UserId, id: InviteId) -> StoreResult<bool>;

    /// Uses an invite and makes its inviter and `by` contacts, as [`add_contacts`](super::ContactStore::add_contacts)
    /// does with [`ContactSource::Invite`](super::ContactSource::Invite). Returns `false`, and writes nothing, if
    /// there is no such invite, if it was used, or if it has run out `at` that time.
    async fn use_invite(&self, id: InviteId, by: UserId, at: Timestamp) -> StoreResult<bool>;
}

/// A keyed hash of a code or of an address.
pub type InviteHash = [u8; 32];

/// An invite.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteRow {
    /// The invite.
    pub id: InviteId,
    /// Who made it.
    pub inviter: UserId,
    /// The hash of its code.
    pub code: InviteHash,
    /// The hash of the address that it was made for.
    pub email: InviteHash,
    /// Code, address and name, sealed with the inviter's key.
    pub sealed: Bytes,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it runs out.
    pub expires_at: Timestamp,
    /// Who used it, and when.
    pub used: Option<(UserId, Timestamp)>,
}

impl InviteRow {
    /// Returns what can be done with it at a time.
    pub fn state(&self, now: Timestamp) -> InviteState {
        InviteState::of(self.used.is_some(), self.expires_at, now)
    }
}

impl fmt::Debug for InviteRow {
    /// Shows neither hashes nor what is sealed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InviteRow({} of {}, used {:?})", self.id, self.inviter, self.used)
    }
}
