//! Who knows whom.

use super::StoreResult;
use crate::proto::UserId;
use crate::time::Timestamp;
use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Contact lists.
///
/// # Contract
/// * Two users are each other's contacts, or neither is the other's, whoever adds and removes at the same time (laws
///   `contacts_know_each_other`, `contacts_come_and_go_in_pairs`).
/// * Adding again changes nothing but whom the one who adds trusts (laws `a_contact_stays_as_it_was_made`,
///   `trust_is_its_givers_alone`).
/// * A nickname is its giver's alone (law `a_nickname_is_its_givers_alone`).
#[async_trait]
pub trait ContactStore: fmt::Debug + Send + Sync + 'static {
    /// Makes two different users each other's contacts, in one step, because the first has added the second. Those
    /// who are contacts keep how and since when they are, and their nicknames; the first trusts the second from now
    /// on, and, if an invite brought them together, the second the first.
    async fn add_contacts(&self, pair: [UserId; 2], source: ContactSource, at: Timestamp) -> StoreResult<()>;

    /// Ends that, for both and in one step.
    async fn remove_contacts(&self, pair: [UserId; 2]) -> StoreResult<()>;

    /// Sets what a user calls a contact; returns whether there is such a contact.
    async fn name_contact(&self, owner: UserId, other: UserId, name: Option<Bytes>) -> StoreResult<bool>;

    /// Returns a user's contacts, the newest first (then by id, descending).
    async fn contacts(&self, owner: UserId) -> StoreResult<Vec<ContactRow>>;
}

/// One contact of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactRow {
    /// The other user.
    pub user: UserId,
    /// How they became contacts.
    pub source: ContactSource,
    /// When.
    pub created_at: Timestamp,
    /// What the list's owner calls the contact, sealed.
    pub nickname: Option<Bytes>,
    /// The list's owner has added the contact, or an invite has brought the two together.
    #[serde(default)]
    pub trusts: bool,
    /// The same of the contact: it has added the list's owner.
    #[serde(default)]
    pub trusted: bool,
}

/// How two users became contacts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ContactSource {
    /// One added the other.
    Manual,
    /// One came with an invite of the other.
    Invite,
}

impl ContactSource {
    /// Returns the name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Invite => "invite",
        }
    }
}
