//! Shared changes of conversations: the only way in, and the ways to read them.

use super::{StoreError, StoreResult, View, Warrant};
use crate::policy::{ConvSettings, Conversation, Member, Message, MessageBody, Print, Standing};
use crate::proto::{ConvId, Epoch, HeadEvent, MsgId, Own, Position, Rev, Role, Seq, UserId};
use crate::time::Timestamp;
use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// Messages and the change log.
///
/// # Contract
/// * `seq` and `rev` are allotted in the write itself: from 1, without a gap, never twice (laws
///   `seqs_have_no_gap_under_contention`, `revs_have_no_gap_whatever_changes`).
/// * A change on a stale epoch, or of a message whose `rev` is not the expected one, writes nothing and
///   answers with the fresh state (laws `a_stale_epoch_writes_nothing`, `a_stale_message_writes_nothing`).
/// * A cid is unique for conversation and sender: the same print answers the first `seq`, `rev` and time,
///   another print answers `CidReused`; once the message is a tombstone its print is forgotten and any retry
///   answers as a replay; a cid is looked up before the epoch is compared (laws `a_retry_is_a_replay`,
///   `a_reused_cid_is_told_from_a_retry`, `a_retry_after_unsend_is_a_replay`,
///   `a_retry_on_a_stale_epoch_is_a_replay`).
/// * A change whose warrant does not hold writes nothing, also on a stale epoch, and is no replay (law
///   `a_change_without_warrant_writes_nothing`); one that is committed after a session ended is not of that session (law
///   `no_change_outruns_the_end_of_its_session`).
/// * Changes of a batch are carried out in their order, each with its own outcome: one that fails leaves the
///   others alone (law `a_poisoned_change_fails_alone`).
/// * The time of a message is never before that of an earlier one (law `times_never_go_back`).
/// * `commit` may be dropped at any await without harm: what was begun is finished or absent
///   (law `a_dropped_commit_is_whole_or_absent`).
/// * The log is store-wide and commit-safe: an entry that becomes readable is after every entry that was read
///   before (law `the_log_is_commit_safe`).
/// * What happened in a conversation is read by `rev`, without a gap and in its order (law
///   `what_happened_is_read_by_rev`).
/// * Reads of one call are one snapshot (law `a_page_is_one_snapshot`).
/// * Mentions are those of the messages as they are now, and only of what the viewer can see (laws
///   `mentions_follow_edits_and_deletions`, `mentions_are_seen_like_messages`).
#[async_trait]
pub trait MessageStore: fmt::Debug + Send + Sync + 'static {
    /// Carries out changes; one outcome each, in the same order.
    async fn commit(&self, changes: Vec<Change>) -> StoreResult<Vec<Outcome>>;

    /// Returns a message that the viewer can see (also a tombstone); not one that is cleared or hidden.
    async fn message(&self, viewer: UserId, conv: ConvId, seq: Seq) -> StoreResult<Option<Message>>;

    /// Returns a page of messages, the newest first; `None` if the viewer is no active member.
    async fn page(
        &self,
        viewer: UserId,
        conv: ConvId,
        query: PageQuery,
        limit: usize,
    ) -> StoreResult<Option<Page>>;

    /// Returns what changed, each thing once in its latest state, in the order of the last change; `None` if
    /// the viewer is no active member.
    async fn changes(
        &self,
        viewer: UserId,
        conv: ConvId,
        query: ChangesQuery,
    ) -> StoreResult<Option<Changes>>;

    /// Returns the live messages that mention the viewer, each once, the newest first (by time, conversation and
    /// `seq`, all descending): from all conversations of which the viewer is an active member, and of what the viewer
    /// can see there.
    async fn mentions(&self, viewer: UserId, limit: usize) -> StoreResult<Vec<Mention>>;

    /// Returns the message that a sender gave this cid.
    async fn sent(&self, conv: ConvId, sender: UserId, cid: &str) -> StoreResult<Option<Sent>>;

    /// Returns the log after a position, in its order.
    async fn log(&self, after: Position, limit: usize) -> StoreResult<LogPage>;

    /// Returns what happened in a conversation after one `rev` and up to another, in that order, each with the message
    /// it is about as that is now. It asks for no viewer: the engine tells members with it what others committed.
    async fn happened(
        &self,
        conv: ConvId,
        after: Rev,
        upto: Rev,
    ) -> StoreResult<Vec<(LogEntry, Option<Message>)>>;

    /// Returns the position after everything that was committed.
    async fn position(&self) -> StoreResult<Position>;
}

/// A transaction of a store that the host has open, for [`Actor::send_within`](crate::engine::Actor::send_within).
///
/// # Contract
/// * What is written is there when the host commits, and never was if the host does not; it reads what the transaction
///   wrote before, and waits for others as long as the transaction would.
/// * It keeps what [`MessageStore::commit`] keeps: numbers without gaps, epochs, cids, paces. Only an error may leave the
///   transaction unusable (tests `host_…` of the PostgreSQL store).
#[async_trait]
pub trait OpenTransaction: Send {
    /// Writes a change.
    async fn write(&mut self, change: &Change) -> StoreResult<Outcome>;
}

/// A shared change of a conversation that was decided on.
#[derive(Clone, Debug)]
pub struct Change {
    /// The conversation.
    pub conv: ConvId,
    /// Who changes it.
    pub actor: UserId,
    /// The epoch that the decision was made on.
    pub epoch: Epoch,
    /// What the actor's right to ask was decided on: if that is otherwise by now, nothing is written and the outcome is
    /// `Unwarranted`. Absent if nobody but the caller ends sessions and changes accounts, and for what the server does of
    /// itself.
    pub warrant: Option<Warrant>,
    /// The caller's time.
    pub at: Timestamp,
    /// What changes.
    pub op: Op,
}

/// What changes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Op {
    /// A new message.
    Append(Append),
    /// A message becomes another.
    Revise(Revise),
    /// Settings or members; bumps the epoch.
    Amend(Amend),
    /// The conversation ends and bumps its epoch: every active member is out, its settings are those of
    /// [`ConvSettings::ended`], it has no owner and no links, and everything that it held is erased.
    Close(LogEvent),
}

/// A new message. If the sender has read everything before it, the sender's marks move on to it, without a
/// new `own`.
#[derive(Clone)]
pub struct Append {
    /// What the ciphertext is bound to.
    pub id: MsgId,
    /// The sender; absent in system messages.
    pub from: Option<UserId>,
    /// The sender's own id of it, with the print of the request.
    pub cid: Option<(String, Print)>,
    /// Sealed Irido.
    pub content: Bytes,
    /// The message that it answers.
    pub reply_to: Option<Seq>,
    /// It can be seen once, for so many seconds.
    pub view_once: Option<Option<u32>>,
    /// After so many seconds it is over for everybody.
    pub expires_in: Option<u32>,
    /// What a system message says.
    pub event: Option<HeadEvent>,
    /// The least time since the sender's last message that had one, in seconds. If that is not over (by the change's
    /// time), nothing is written and the outcome is `TooSoon` (law `a_pace_is_kept`); a retry is answered before.
    pub pace: Option<u32>,
    /// Who is mentioned.
    pub mentions: Vec<UserId>,
}

impl fmt::Debug for Append {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Append({}, {} bytes)", self.id, self.content.len())
    }
}

/// A message becomes another.
#[derive(Clone, Debug)]
pub struct Revise {
    /// The message.
    pub seq: Seq,
    /// Its `rev` when the decision was made.
    pub expect: Rev,
    /// What it becomes.
    pub body: MessageBody,
    /// How the log names it.
    pub event: LogEvent,
}

/// New settings or members; what is absent stays.
#[derive(Clone, Debug)]
pub struct Amend {
    /// All shared settings.
    pub settings: Option<ConvSettings>,
    /// The new owner.
    pub owner: Option<UserId>,
    /// Members with their role and standing after the change; `joined_at` is set when one becomes active. A
    /// member who comes back keeps marks and settings. Everyone who is listed counts as changed.
    pub members: Vec<(UserId, Role, Standing)>,
    /// Members who are muted until a time, or not any more. A change of `members` leaves that as it is.
    pub muted: Vec<(UserId, Option<Timestamp>)>,
    /// The link that this uses up once. If it is not of this conversation, has run out (by the change's time) or
    /// is used up, nothing is written and the outcome is `Rejected` with kind `NotFound` (law
    /// `a_link_is_used_no_oftener_than_it_may`).
    pub link: Option<String>,
    /// The message that the decision was made on, with its `rev`: if that is another by now, the change is as stale as
    /// a [`Revise`] would be (law `a_stale_message_writes_nothing`).
    pub expect: Option<(Seq, Rev)>,
    /// The most conversations of a user. If a user who becomes a member has so many, nothing is written and the outcome
    /// is `Rejected` with kind `Full` (law `nobody_has_more_conversations_than_they_may`).
    pub max_conversations: Option<usize>,
    /// How the log names it.
    pub event: LogEvent,
}

impl Amend {
    /// Makes an amendment that changes nothing.
    pub fn new(event: LogEvent) -> Self {
        Self {
            settings: None,
            owner: None,
            members: Vec::new(),
            muted: Vec::new(),
            link: None,
            expect: None,
            max_conversations: None,
            event,
        }
    }
}

/// What became of a change.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// It was carried out.
    Done(Committed),
    /// The message with this cid is there already; nothing was written.
    Replay(Sent),
    /// The state is not the one that the decision was made on; nothing was written.
    Stale {
        /// The fresh state; `None` if there is no such conversation.
        conv: Option<Arc<Conversation>>,
        /// The fresh message, for a [`Revise`] or an [`Amend::expect`] whose message exists.
        message: Option<Message>,
    },
    /// The actor's account or session is not what the change's [`Warrant`] says; nothing was written.
    Unwarranted,
    /// The cid belongs to a message with another print; nothing was written.
    CidReused,
    /// The sender has to wait until this time; nothing was written.
    TooSoon(Timestamp),
    /// Somebody else holds the conversation, such as a transaction of the host, and nothing was written. What follows in
    /// the same batch and conversation is locked, too.
    Locked,
    /// This change alone failed.
    Rejected(StoreError),
}

/// A change that was carried out.
#[derive(Clone, Debug)]
pub struct Committed {
    /// Its number.
    pub rev: Rev,
    /// Its place in the log.
    pub position: Position,
    /// Its time.
    pub at: Timestamp,
    /// The message that is new or changed.
    pub message: Option<Message>,
    /// The conversation, if its epoch changed.
    pub conv: Option<Arc<Conversation>>,
}

/// A message found by its cid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// Its number.
    pub seq: Seq,
    /// The number of the change that made it.
    pub rev: Rev,
    /// When it was accepted.
    pub at: Timestamp,
    /// The print of its request; forgotten when the message is a tombstone.
    pub print: Option<Print>,
}

/// Which messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PageQuery {
    /// The newest.
    Newest,
    /// The newest of those before.
    Before(Seq),
    /// The oldest of those after.
    After(Seq),
    /// Half of them, rounded up, at or before (the newest of those), and as many as the limit leaves beside
    /// that half after (the oldest of those); a side with fewer does not lend to the other.
    Around(Seq),
}

/// A page of messages.
#[derive(Clone, Debug)]
pub struct Page {
    /// The visible ones, the newest first.
    pub messages: Vec<Message>,
    /// The visible messages that those answer, as they are now: each once, ascending, also if it is in the
    /// page itself.
    pub replied: Vec<Message>,
    /// There are more visible ones: after the page for `After`, otherwise before it.
    pub more: bool,
    /// The conversation's `rev`.
    pub rev: Rev,
    /// The viewer's `own`.
    pub own: Own,
}

/// Which changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangesQuery {
    /// After this `rev`.
    pub since: Rev,
    /// The viewer's own after this; without it `hidden` is empty.
    pub own: Option<Own>,
    /// At most this many, at least 1; the things that one `rev` changed are never parted, so a page holds
    /// more if its first `rev` changed more.
    pub limit: usize,
    /// With more revs than this between `since` and now, only `reset` is answered.
    pub max_span: u64,
}

/// What changed.
#[derive(Clone, Debug)]
pub struct Changes {
    /// Each thing once, with the `rev` of its last change, ascending. Messages that the viewer can't see are
    /// left out.
    pub items: Vec<(Rev, Changed)>,
    /// The visible messages that changed messages answer, as they are now: each once, ascending.
    pub replied: Vec<Message>,
    /// Everything up to here is in `items` or was before `since`; the highest number of which that holds.
    pub rev: Rev,
    /// There is more.
    pub more: bool,
    /// Too much changed; `items`, `replied` and `hidden` are empty, `rev` is the conversation's.
    pub reset: bool,
    /// The viewer's `own`.
    pub own: Own,
    /// What the viewer has hidden after the given `own`, ascending.
    pub hidden: Vec<Seq>,
    /// The conversation as the viewer sees it.
    pub view: View,
}

/// A message that mentions somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// Where it was sent.
    pub conv: ConvId,
    /// The message.
    pub message: Message,
    /// The visible message that it answers, as it is now.
    pub replied: Option<Message>,
}

/// Something that changed.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "most of what changes are messages")]
pub enum Changed {
    /// A message, in its latest state.
    Message(Message),
    /// A member, in its latest state.
    Member(UserId, Member),
    /// The conversation's settings or owner.
    Conversation,
}

/// One entry of the change log: what happened, without content.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogEntry {
    /// Its place in the store-wide order.
    pub position: Position,
    /// The conversation.
    pub conv: ConvId,
    /// The change's number; 0 for the creation.
    pub rev: Rev,
    /// Who did it; of a creation the owner, otherwise the first member.
    pub actor: UserId,
    /// When.
    pub at: Timestamp,
    /// The message it is about.
    pub seq: Option<Seq>,
    /// What happened.
    pub event: LogEvent,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LogEvent {
    /// The conversation was made.
    Created,
    /// A message was sent.
    Sent,
    /// A message was edited.
    Edited,
    /// A message was taken back.
    Unsent,
    /// A message was deleted for everyone.
    Deleted,
    /// A reaction was added or taken back.
    Reacted {
        /// The reaction.
        emoji: String,
        /// Added, not taken back.
        add: bool,
        /// How many users have it now.
        count: u32,
    },
    /// A message was pinned.
    Pinned,
    /// Nothing is pinned any more.
    Unpinned,
    /// The time to live changed.
    TtlSet(Option<u32>),
    /// The request not to allow screenshots changed.
    NoScreenshotsSet(bool),
    /// The profile changed.
    ProfileSet,
    /// A user became a member.
    Joined(UserId),
    /// A member left.
    Left(UserId),
    /// A member was removed.
    Kicked(UserId),
    /// A user was removed for good.
    Banned(UserId),
    /// A user may come back.
    Unbanned(UserId),
    /// A member was muted until a time.
    Muted(UserId, Timestamp),
    /// A member is not muted any more.
    Unmuted(UserId),
    /// The least time between messages changed.
    SlowModeSet(Option<u32>),
    /// Links open the group now, or no longer.
    JoinableSet(bool),
    /// A member got another role.
    RoleSet(UserId, Role),
    /// A group got another owner.
    OwnerSet(UserId),
    /// How long messages are kept changed.
    RetentionSet(Option<u32>),
    /// System messages were switched on or off.
    SystemMessagesSet(bool),
    /// A message has expired for everybody.
    Expired,
    /// The conversation has ended.
    Ended,
}

/// A piece of the log.
#[derive(Clone, Debug)]
pub struct LogPage {
    /// In the log's order.
    pub entries: Vec<LogEntry>,
    /// Where to go on.
    pub position: Position,
}
