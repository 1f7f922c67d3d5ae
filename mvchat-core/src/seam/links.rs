//! Links that open a group to whoever has one.

use super::StoreResult;
use crate::proto::{ConvId, UserId};
use crate::time::Timestamp;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Links to groups. They are used through [`Amend::link`](super::Amend::link).
///
/// # Contract
/// * A code names one link at most (law `a_link_code_is_given_once`).
/// * A link is used no oftener than it may, also by many at once (law `a_link_is_used_no_oftener_than_it_may`).
/// * A revoked link opens nothing (law `a_revoked_link_opens_nothing`).
#[async_trait]
pub trait LinkStore: fmt::Debug + Send + Sync + 'static {
    /// Keeps a link. Errors: `AlreadyExists` if the code is taken, `NotFound` if the conversation does not exist.
    async fn create_link(&self, row: LinkRow) -> StoreResult<()>;

    /// Returns the link with a code, whatever its state.
    async fn link(&self, code: &str) -> StoreResult<Option<LinkRow>>;

    /// Returns the links of a conversation, the oldest first.
    async fn links_of(&self, conv: ConvId) -> StoreResult<Vec<LinkRow>>;

    /// Forgets a link of a conversation; returns whether there was one.
    async fn revoke_link(&self, conv: ConvId, code: &str) -> StoreResult<bool>;
}

/// A link.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkRow {
    /// What opens the group: whoever has it can join.
    pub code: String,
    /// The group.
    pub conv: ConvId,
    /// Who made it.
    pub by: UserId,
    /// When.
    pub created_at: Timestamp,
    /// When it runs out.
    pub expires_at: Option<Timestamp>,
    /// How often it can be used.
    pub max_uses: Option<u32>,
    /// How often it was used.
    pub uses: u32,
}

impl LinkRow {
    /// Returns whether the link opens its group at a time.
    pub fn opens(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end) && self.max_uses.is_none_or(|max| self.uses < max)
    }
}

impl fmt::Debug for LinkRow {
    /// Shows all but the code.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LinkRow({}, {} of {:?} uses)", self.conv, self.uses, self.max_uses)
    }
}
