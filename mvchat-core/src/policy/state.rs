//! The state that decisions are made on.

use crate::proto::{ConvId, Epoch, HeadEvent, Json, MsgId, Rev, Role, Seq, UserId};
use crate::time::Timestamp;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// What kind of conversation it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ConvKind {
    /// Two users.
    Dm,
    /// Any number of users with roles.
    Group,
    /// One user's notes.
    #[serde(rename = "self")]
    Me,
}

impl ConvKind {
    /// Returns the `type` on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dm => "dm",
            Self::Group => "group",
            Self::Me => "self",
        }
    }
}

/// A conversation and who is or was in it: all that decides who may do what.
///
/// Safe to cache: every change of it has another [`Epoch`], and no write on a stale epoch is carried out.
#[derive(Clone, Debug, PartialEq)]
pub struct Conversation {
    /// Its id.
    pub id: ConvId,
    /// Its kind.
    pub kind: ConvKind,
    /// Counts the changes of this value.
    pub epoch: Epoch,
    /// The owner of a group.
    pub owner: Option<UserId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// What its members share.
    pub settings: ConvSettings,
    /// Everybody who is or was a member.
    pub members: BTreeMap<UserId, Member>,
}

impl Conversation {
    /// Returns the active member with this id.
    pub fn active(&self, user: UserId) -> Option<&Member> {
        self.members.get(&user).filter(|member| member.standing == Standing::Active)
    }

    /// Returns the active members.
    pub fn active_members(&self) -> impl Iterator<Item = (UserId, &Member)> {
        let active = |(_, member): &(&UserId, &Member)| member.standing == Standing::Active;
        self.members.iter().filter(active).map(|(user, member)| (*user, member))
    }

    /// Returns the other member of a direct conversation.
    pub fn peer_of(&self, user: UserId) -> Option<UserId> {
        match self.kind {
            ConvKind::Dm => self.members.keys().copied().find(|other| *other != user),
            _ => None,
        }
    }
}

/// What the members of a conversation share besides its messages.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ConvSettings {
    /// The group's profile, any JSON.
    #[serde(default)]
    pub public: Option<Json>,
    /// How long messages live after they were read, in seconds.
    #[serde(default)]
    pub ttl: Option<u32>,
    /// Clients are asked not to allow screenshots.
    #[serde(default)]
    pub no_screenshots: bool,
    /// The pinned message.
    #[serde(default)]
    pub pinned: Option<Pinned>,
    /// The least time between two messages of a plain member, in seconds.
    #[serde(default)]
    pub slow_mode: Option<u32>,
    /// Links to the group don't open it.
    #[serde(default)]
    pub closed: bool,
    /// How long messages are kept, in seconds.
    #[serde(default)]
    pub retention: Option<u32>,
    /// Changes of members and profile are told by messages, too.
    #[serde(default)]
    pub system_messages: bool,
}

impl ConvSettings {
    /// Returns what is left of a conversation's settings when it has ended: nobody gets in any more.
    pub fn ended() -> Self {
        Self { closed: true, ..Self::default() }
    }
}

/// A pinned message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pinned {
    /// The message.
    pub seq: Seq,
    /// When it was pinned.
    pub at: Timestamp,
    /// Who pinned it.
    pub by: UserId,
}

/// One who is or was in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// What the member may do.
    pub role: Role,
    /// Whether the user is in it.
    pub standing: Standing,
    /// In a direct conversation: this member has blocked the other.
    pub blocks: bool,
    /// Until when a moderator has muted the member.
    pub muted_until: Option<Timestamp>,
    /// When the user came in, last.
    pub joined_at: Timestamp,
    /// The number of the last shared change of role or standing.
    pub rev: Rev,
}

impl Member {
    /// Returns whether a moderator has muted the member at a time.
    pub fn is_muted(&self, now: Timestamp) -> bool {
        self.muted_until.is_some_and(|until| now < until)
    }
}

/// Whether a user is in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Standing {
    /// In it.
    Active,
    /// Left by own will.
    Left,
    /// Removed.
    Kicked,
    /// Removed, and not let in again.
    Banned,
}

/// Whether a message can still be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum MessageState {
    /// It can.
    Live,
    /// Its sender took it back.
    Unsent,
    /// It was deleted for everyone.
    Deleted,
    /// It has expired for everybody.
    Expired,
}

/// A stored message. The content is sealed; what is here in clear the book lists as such.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its number.
    pub seq: Seq,
    /// The number of its last change.
    pub rev: Rev,
    /// What its ciphertext is bound to.
    pub id: MsgId,
    /// The sender; absent in system messages.
    pub from: Option<UserId>,
    /// When it was accepted; never before that of an earlier `seq`.
    pub ts: Timestamp,
    /// What can change.
    pub body: MessageBody,
    /// The message that it answers.
    pub reply_to: Option<Seq>,
    /// It can be seen once, for so many seconds; `Some(None)` for the default time.
    pub view_once: Option<Option<u32>>,
    /// When it is over for everybody.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
    /// What a system message says.
    #[serde(default)]
    pub event: Option<HeadEvent>,
    /// The sender's own id of it.
    pub cid: Option<String>,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Message(seq {}, rev {}, {:?})", self.seq, self.rev, self.body.state)
    }
}

/// What of a message can change after it was sent.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageBody {
    /// Whether it can still be read.
    pub state: MessageState,
    /// Sealed Irido; absent in tombstones.
    pub content: Option<Bytes>,
    /// How often it was edited; the content's revision in what the ciphertext is bound to.
    pub edits: u32,
    /// When it was last edited.
    pub edited_at: Option<Timestamp>,
    /// The last edit's idempotency key with the print of the request.
    pub edit_cid: Option<(String, Print)>,
    /// Who is mentioned.
    pub mentions: Vec<UserId>,
    /// Who reacted how, in the order in which they came.
    pub reactions: Vec<(String, Vec<UserId>)>,
}

impl MessageBody {
    /// Makes the body of a new message.
    pub fn new(content: Bytes, mentions: Vec<UserId>) -> Self {
        Self {
            state: MessageState::Live,
            content: Some(content),
            edits: 0,
            edited_at: None,
            edit_cid: None,
            mentions,
            reactions: Vec::new(),
        }
    }

    /// Makes what is left of a message that can no longer be read.
    pub fn tombstone(state: MessageState) -> Self {
        Self {
            state,
            content: None,
            edits: 0,
            edited_at: None,
            edit_cid: None,
            mentions: Vec::new(),
            reactions: Vec::new(),
        }
    }
}

impl fmt::Debug for MessageBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageBody({:?}, {} edits)", self.state, self.edits)
    }
}

/// A keyed hash of a request's content and options, to tell a retry from another request.
pub type Print = [u8; 32];
