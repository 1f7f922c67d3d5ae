//! Conversations as their members see them, and what members keep for themselves.

use super::StoreResult;
use crate::policy::{ConvKind, ConvSettings, Conversation};
use crate::proto::{ConvId, Own, Position, Rev, Role, Seq, UserId};
use crate::time::Timestamp;
use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Conversations and their members' private state.
///
/// Shared changes go through [`MessageStore::commit`](super::MessageStore::commit); the methods here create
/// conversations and change what only one member sees.
///
/// # Contract
/// * Two users have at most one direct conversation, one user at most one note-to-self, an owner at most one
///   group for a cid, also under concurrent creation (laws `a_pair_has_one_dm`, `a_user_has_one_notebook`,
///   `group_creation_is_idempotent`).
/// * A method with a `viewer` checks in the same snapshot that the viewer is an active member and answers
///   `None` otherwise (law `outsiders_read_nothing`).
/// * Marks never go back and never pass the last message (law `marks_are_clamped`).
/// * A member's own messages that follow directly on the read mark are read, whichever came first, the mark or
///   the messages (law `a_read_mark_passes_own_messages`).
/// * Every change of a member's private state has the next `own` (law `own_counts_private_changes`).
/// * A block changes `epoch` and the blocker's `own`, never `rev` (law `a_block_is_no_shared_change`).
/// * Walking pages of views while others write returns each conversation that is not touched meanwhile exactly
///   once (law `walking_views_misses_nothing`); `since` misses nothing that was committed after its cursor
///   was given out (law `views_since_miss_nothing`).
#[async_trait]
pub trait ConversationStore: fmt::Debug + Send + Sync + 'static {
    /// Makes a conversation with `rev` 0 and a log entry [`Created`](super::LogEvent::Created), or finds the
    /// one that is there; returns it with whether it is new. Errors: `AlreadyExists` if another conversation
    /// has the id; `Full` if one of the members has as many conversations as may be (law
    /// `nobody_has_more_conversations_than_they_may`).
    async fn create_conversation(&self, new: NewConversation) -> StoreResult<(Arc<Conversation>, bool)>;

    /// Returns a conversation with its members.
    async fn conversation(&self, conv: ConvId) -> StoreResult<Option<Arc<Conversation>>>;

    /// Returns the viewer's conversations.
    async fn views(&self, viewer: UserId, query: ViewQuery) -> StoreResult<Views>;

    /// Moves marks of the viewer, clamped to what they are and to the last message; `read` moves on over the
    /// viewer's own messages that follow it.
    async fn mark(&self, viewer: UserId, conv: ConvId, marks: Marks) -> StoreResult<Option<Marked>>;

    /// Changes the viewer's settings; returns the count and, if `blocked` changed, the conversation with its new
    /// epoch. A patch that changes nothing leaves `own` as it is; so does `blocked` outside direct
    /// conversations.
    async fn configure(
        &self,
        viewer: UserId,
        conv: ConvId,
        patch: MemberPatch,
    ) -> StoreResult<Option<(Counted, Option<Arc<Conversation>>)>>;

    /// Hides a message from the viewer; returns the count, or `None` if the viewer can't see such a message.
    /// Hiding a hidden message leaves `own` as it is.
    async fn hide(&self, viewer: UserId, conv: ConvId, seq: Seq) -> StoreResult<Option<Counted>>;

    /// Returns the active members' marks in the order of their ids, those after `after`.
    async fn receipts(
        &self,
        viewer: UserId,
        conv: ConvId,
        after: Option<UserId>,
        limit: usize,
    ) -> StoreResult<Option<Vec<ReceiptRow>>>;

    /// Returns everybody who shares a direct conversation, or a group of at most `max_members` active members,
    /// with the user, without those with whom a block stands in either direction.
    async fn peers(&self, user: UserId, max_members: usize) -> StoreResult<Vec<UserId>>;

    /// Returns the users with whom a block stands in either direction.
    async fn blocked_with(&self, user: UserId) -> StoreResult<Vec<UserId>>;
}

/// A new conversation.
#[derive(Clone, Debug)]
pub struct NewConversation {
    /// Its id, if it is new.
    pub id: ConvId,
    /// Its kind: decides how an existing one is found (by the pair of members, by the member, by owner and cid).
    pub kind: ConvKind,
    /// Its first members.
    pub members: BTreeMap<UserId, Role>,
    /// The owner of a group.
    pub owner: Option<UserId>,
    /// Makes the creation of a group idempotent for its owner.
    pub cid: Option<String>,
    /// The shared settings.
    pub settings: ConvSettings,
    /// The most conversations of a user, if there is a bound.
    pub max_per_user: Option<usize>,
    /// When it is made.
    pub at: Timestamp,
}

/// Which views.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ViewQuery {
    /// One conversation, if the viewer is an active member.
    One(ConvId),
    /// The newest activity first (then by id, descending), those strictly before the given place.
    Page {
        /// Activity and id of the last view of the page before.
        before: Option<(Timestamp, ConvId)>,
        /// At most this many.
        limit: usize,
    },
    /// Those touched after a position, in the order of their last touch, including those that the viewer left.
    Since {
        /// Where from.
        position: Position,
        /// At most this many.
        limit: usize,
    },
}

/// A page of views.
#[derive(Clone, Debug)]
pub struct Views {
    /// The views; with `since` those whose viewer is no active member have `gone` set.
    pub rows: Vec<View>,
    /// There are more.
    pub more: bool,
    /// With `since`: the touch of the last row if there are more, otherwise like the others: a position from
    /// which `since` misses nothing that is not in this page.
    pub position: Position,
}

/// A conversation as a member sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// The conversation.
    pub conv: ViewConv,
    /// The viewer.
    pub me: ViewMember,
    /// Messages of others after the read mark that are visible to the viewer: neither deleted nor cleared nor
    /// hidden; exact to 999, then 1000.
    pub unread: u32,
    /// The other member of a direct conversation, and whether that one has blocked the viewer.
    pub peer: Option<(UserId, bool)>,
    /// The number of active members.
    pub members: usize,
    /// The viewer is no active member any more; nothing but the id may be shown.
    pub gone: bool,
}

impl View {
    /// Makes what is left of a conversation for one who was a member: nothing of what it holds.
    pub fn gone(id: ConvId, kind: ConvKind, created_at: Timestamp, role: Role) -> Self {
        Self {
            conv: ViewConv {
                id,
                kind,
                created_at,
                rev: Rev(0),
                last_seq: Seq(0),
                last_at: None,
                settings: ConvSettings::default(),
            },
            me: ViewMember {
                role,
                own: Own(0),
                read: Seq(0),
                recv: Seq(0),
                clear: Seq(0),
                favorite: false,
                muted: false,
                archived: false,
                blocked: false,
                private: None,
            },
            unread: 0,
            peer: None,
            members: 0,
            gone: true,
        }
    }
}

/// The shared part of a view.
#[derive(Clone, Debug, PartialEq)]
pub struct ViewConv {
    /// Its id.
    pub id: ConvId,
    /// Its kind.
    pub kind: ConvKind,
    /// When it was made.
    pub created_at: Timestamp,
    /// The number of its last change.
    pub rev: Rev,
    /// Its newest message.
    pub last_seq: Seq,
    /// When that came.
    pub last_at: Option<Timestamp>,
    /// The shared settings.
    pub settings: ConvSettings,
}

impl ViewConv {
    /// Returns when something last was sent here, or the conversation was made.
    pub fn activity(&self) -> Timestamp {
        self.last_at.unwrap_or(self.created_at)
    }
}

/// The viewer's part of a view.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ViewMember {
    /// The role.
    pub role: Role,
    /// Counts the private changes.
    pub own: Own,
    /// Read up to.
    pub read: Seq,
    /// Received up to.
    pub recv: Seq,
    /// Cleared up to.
    pub clear: Seq,
    /// A favourite.
    pub favorite: bool,
    /// Muted.
    pub muted: bool,
    /// Archived.
    pub archived: bool,
    /// The other member is blocked.
    pub blocked: bool,
    /// The member's own data, sealed.
    pub private: Option<Bytes>,
}

/// Marks to move; what is absent stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Marks {
    /// Read up to; also moves `recv`.
    pub read: Option<Seq>,
    /// Received up to.
    pub recv: Option<Seq>,
    /// Cleared up to.
    pub clear: Option<Seq>,
    /// The caller's time: from it on, what was read expires.
    pub at: Timestamp,
}

/// Where the marks are now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marked {
    /// Read up to.
    pub read: Seq,
    /// Received up to.
    pub recv: Seq,
    /// Cleared up to.
    pub clear: Seq,
    /// Counts the private changes.
    pub own: Own,
    /// Whether anything moved.
    pub moved: bool,
    /// When the first of what was read now expires for the reader.
    pub due: Option<Timestamp>,
}

/// Where a member's count of private changes is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The number of the last private change: of this one only if it moved.
    pub own: Own,
    /// Whether anything changed.
    pub moved: bool,
}

/// Changes of one member's settings; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct MemberPatch {
    /// A favourite.
    pub favorite: Option<bool>,
    /// Muted.
    pub muted: Option<bool>,
    /// Archived.
    pub archived: Option<bool>,
    /// The other member is blocked.
    pub blocked: Option<bool>,
    /// The member's own data, sealed.
    pub private: Option<Option<Bytes>>,
}

/// One member's marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiptRow {
    /// The member.
    pub user: UserId,
    /// Read up to.
    pub read: Seq,
    /// Received up to.
    pub recv: Seq,
}
