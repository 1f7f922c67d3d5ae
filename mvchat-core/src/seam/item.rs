//! What stores keep, in the form in which it moves from one to another.

use super::{ContactRow, Credential, FileRow, InviteRow, LinkRow, LogEntry, SessionRow, UserRow};
use crate::policy::{ConvKind, ConvSettings, Conversation, Member, Message, MessageState, Print, Standing};
use crate::proto::{ConvId, Epoch, Own, Position, Rev, Seq, UserId};
use crate::time::Timestamp;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// The parts of a store, in the order in which they move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Part {
    /// Accounts.
    Users,
    /// What opens them.
    Credentials,
    /// Sessions.
    Sessions,
    /// Contacts, each as one user has it in the list.
    Contacts,
    /// Invites to the server.
    Invites,
    /// What is known of files.
    Files,
    /// Conversations with what their members keep for themselves.
    Conversations,
    /// Links to groups.
    Links,
    /// The change log.
    Log,
    /// Messages.
    Messages,
    /// What members have hidden.
    Hidden,
    /// What expires, and when.
    Due,
    /// Messages that have expired for some.
    Partly,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Users,
        Self::Credentials,
        Self::Sessions,
        Self::Contacts,
        Self::Invites,
        Self::Files,
        Self::Conversations,
        Self::Links,
        Self::Log,
        Self::Messages,
        Self::Hidden,
        Self::Due,
        Self::Partly,
    ];

    /// Returns the name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Credentials => "credentials",
            Self::Sessions => "sessions",
            Self::Contacts => "contacts",
            Self::Invites => "invites",
            Self::Files => "files",
            Self::Conversations => "conversations",
            Self::Links => "links",
            Self::Log => "log",
            Self::Messages => "messages",
            Self::Hidden => "hidden",
            Self::Due => "due",
            Self::Partly => "partly",
        }
    }

    /// Returns the part that moves next.
    pub fn next(self) -> Option<Self> {
        Self::ALL.into_iter().find(|part| *part > self)
    }
}

/// One thing that a store keeps. What a store can tell from these, such as its indexes, is not among them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Item {
    /// An account.
    User(UserRow),
    /// What opens it.
    Credential(Credential),
    /// A session.
    Session(SessionRow),
    /// A contact in a user's list.
    Contact(UserId, ContactRow),
    /// An invite to the server.
    Invite(InviteRow),
    /// A file, without its bytes.
    File(FileRow),
    /// A conversation.
    Conversation(KeptConversation),
    /// A link to a group.
    Link(LinkRow),
    /// An entry of the change log.
    Log(LogEntry),
    /// A message.
    Message(KeptMessage),
    /// A message that a member has hidden, with the member's `own` then.
    Hidden(ConvId, UserId, Seq, Own),
    /// Something that expires.
    Due(DueItem),
    /// A message that has expired for some.
    Partly(ConvId, Seq),
}

/// A conversation with what belongs to it besides its messages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptConversation {
    /// Its id.
    pub id: ConvId,
    /// Its kind.
    pub kind: ConvKind,
    /// Counts the changes of what decides.
    pub epoch: Epoch,
    /// The owner of a group.
    pub owner: Option<UserId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// The shared settings.
    pub settings: ConvSettings,
    /// The number of the last change of settings or owner.
    pub settings_rev: Rev,
    /// Who made a group, by which cid.
    pub made_by: Option<(UserId, String)>,
    /// The number of its last change.
    pub rev: Rev,
    /// The place of that change.
    pub touched: Position,
    /// Its newest message.
    pub last_seq: Seq,
    /// When that came.
    pub last_at: Option<Timestamp>,
    /// When it is looked next what is not kept any longer.
    pub keep: Option<Timestamp>,
    /// No message up to here is live.
    pub swept: Seq,
    /// Everybody who is or was in it, by id.
    pub members: Vec<KeptMember>,
}

impl KeptConversation {
    /// Returns the conversation that decisions are made on.
    pub fn conversation(&self) -> Conversation {
        Conversation {
            id: self.id,
            kind: self.kind,
            epoch: self.epoch,
            owner: self.owner,
            created_at: self.created_at,
            settings: self.settings.clone(),
            members: self.members.iter().map(|kept| (kept.user, kept.member)).collect(),
        }
    }

    /// Counts the active members.
    pub fn active(&self) -> usize {
        self.members.iter().filter(|kept| kept.member.standing == Standing::Active).count()
    }

    /// Returns whether it has ended, and so holds nothing any more.
    pub fn has_ended(&self) -> bool {
        self.owner.is_none() && self.settings == ConvSettings::ended() && self.active() == 0
    }
}

/// One who is or was in a conversation, with what that one keeps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptMember {
    /// Who.
    pub user: UserId,
    /// What others know of it.
    pub member: Member,
    /// Counts the private changes.
    pub own: Own,
    /// The place of the last private change.
    pub touched: Position,
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
    /// The member's own data, sealed.
    pub private: Option<Bytes>,
    /// The place of the change that ended the last membership.
    pub removed: Option<Position>,
    /// When the member last sent at a pace.
    pub paced: Option<Timestamp>,
}

/// A message with what makes its sending repeatable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptMessage {
    /// The conversation.
    pub conv: ConvId,
    /// The message.
    pub message: Message,
    /// Whose cid it has, the number of the change that made it, and the print of its request.
    pub sent: Option<(UserId, Rev, Option<Print>)>,
}

impl KeptMessage {
    /// Returns whether it can be read.
    pub fn is_live(&self) -> bool {
        self.message.body.state == MessageState::Live
    }
}

/// Something that expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DueItem {
    /// When.
    pub at: Timestamp,
    /// Where.
    pub conv: ConvId,
    /// What.
    pub what: DueWhat,
}

/// What expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum DueWhat {
    /// What a reader has read, from one message up to another.
    Read(UserId, Seq, Seq),
    /// A message, for everybody.
    Message(Seq),
    /// What the conversation does not keep any longer.
    Keep,
    /// Those messages after this one that have expired for some: perhaps it is for everybody by now.
    Look(Seq),
}

impl Item {
    /// Returns the part that it belongs to.
    pub fn part(&self) -> Part {
        match self {
            Self::User(_) => Part::Users,
            Self::Credential(_) => Part::Credentials,
            Self::Session(_) => Part::Sessions,
            Self::Contact(..) => Part::Contacts,
            Self::Invite(_) => Part::Invites,
            Self::File(_) => Part::Files,
            Self::Conversation(_) => Part::Conversations,
            Self::Link(_) => Part::Links,
            Self::Log(_) => Part::Log,
            Self::Message(_) => Part::Messages,
            Self::Hidden(..) => Part::Hidden,
            Self::Due(_) => Part::Due,
            Self::Partly(..) => Part::Partly,
        }
    }
}
