//! What the server sends.

use super::{ConvId, Json, Own, ReplyParams, Rev, Seq, UserId};
use crate::error::Error;
use crate::map::Map;
use crate::time::Timestamp;
use crate::wire::{self, Members, Read, Reader, Write};
use bytes::Bytes;
#[cfg(feature = "server")]
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One frame from the server.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ServerMsg {
    /// Answers a request.
    Ctrl(Ctrl),
    /// A new message.
    Data(Data),
    /// A notice.
    Info(Info),
    /// Someone came or went.
    Pres(Pres),
}

impl ServerMsg {
    /// Writes the frame's JSON.
    pub fn encode(&self) -> Bytes {
        crate::wire::write(self).into()
    }
}

impl Write for ServerMsg {
    fn write(&self, out: &mut String) {
        let (key, frame): (&str, &dyn Write) = match self {
            Self::Ctrl(ctrl) => ("ctrl", ctrl),
            Self::Data(data) => ("data", data),
            Self::Info(info) => ("info", info),
            Self::Pres(pres) => ("pres", pres),
        };
        Members::new(out).put(key, &frame).end();
    }
}

impl Read for ServerMsg {
    fn blank() -> Self {
        Self::Pres(Pres::blank())
    }
    fn read(&mut self, reader: &mut Reader<'_>) -> bool {
        let mut frames = 0;
        let read = reader.object(&mut |reader, key| {
            frames += 1;
            match &*key {
                "ctrl" => wire::read_variant(reader, self, Self::Ctrl),
                "data" => wire::read_variant(reader, self, Self::Data),
                "info" => wire::read_variant(reader, self, Self::Info),
                "pres" => wire::read_variant(reader, self, Self::Pres),
                _ => {
                    frames -= 1;
                    reader.any().is_some()
                }
            }
        });
        read && (frames == 1 || reader.fail("not exactly one frame"))
    }
}

crate::bridge!(ServerMsg);

crate::record! {
    /// The answer to a request.
    #[derive(Clone, Debug)]
    #[non_exhaustive]
    pub struct Ctrl {
        /// The request's id.
        #[serde(skip_serializing_if = "absent", default)]
        pub id: Option<String>,
        /// 200, 201 and 202 for success; otherwise the error's code.
        pub code: u16,
        /// `ok`, or the error's text.
        pub text: String,
        /// The error's stable slug.
        #[serde(skip_serializing_if = "absent", default)]
        pub err: Option<String>,
        /// What the request brought.
        #[serde(skip_serializing_if = "absent", default)]
        pub params: Option<Json>,
        /// When it was answered.
        pub ts: Timestamp,
    }
}

impl Ctrl {
    /// Makes the answer of a request that succeeded.
    pub fn ok(id: Option<String>, code: u16, params: &ReplyParams, ts: Timestamp) -> Self {
        let params = (!matches!(params, ReplyParams::None)).then(|| Json::of(params));
        Self { id, code, text: "ok".to_owned(), err: None, params, ts }
    }

    /// Makes the answer of a request that failed.
    pub fn error(id: Option<String>, error: &Error, ts: Timestamp) -> Self {
        let row = error.kind().row();
        Self {
            id,
            code: row.code,
            text: error.detail().to_owned(),
            err: Some(row.slug.to_owned()),
            params: error.params().map(|params| Json::of(params)),
            ts,
        }
    }
}

crate::record! {
    /// Machine-readable parameters of an error.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    #[non_exhaustive]
    pub struct ErrorParams {
        /// When to try again, in milliseconds.
        #[serde(skip_serializing_if = "absent", default)]
        pub retry_after: Option<u64>,
        /// The place in the content that breaks a rule.
        #[serde(skip_serializing_if = "absent", default)]
        pub path: Option<String>,
        /// The rule that it breaks.
        #[serde(skip_serializing_if = "absent", default)]
        pub rule: Option<String>,
    }
}

crate::record! {
    /// A new message, as it is pushed.
    #[derive(Clone, Debug, PartialEq)]
    #[non_exhaustive]
    pub struct Data {
        /// The conversation.
        pub conv: ConvId,
        /// The message's number.
        pub seq: Seq,
        /// The change's number.
        pub rev: Rev,
        /// The sender; absent in system messages.
        #[serde(skip_serializing_if = "absent", default)]
        pub from: Option<UserId>,
        /// Irido.
        pub content: Json,
        /// What the server knows about it.
        #[serde(skip_serializing_if = "absent", default)]
        pub head: Option<Head>,
        /// The sender's own id of it; only to the sender's connections.
        #[serde(skip_serializing_if = "absent", default)]
        pub cid: Option<String>,
        /// When it was accepted.
        pub ts: Timestamp,
    }
}

impl Data {
    /// Makes a message frame.
    pub fn new(conv: ConvId, seq: Seq, rev: Rev, from: Option<UserId>, content: Json, ts: Timestamp) -> Self {
        Self { conv, seq, rev, from, content, head: None, cid: None, ts }
    }
}

crate::record! {
    /// What the server knows about a message.
    #[derive(Clone, Debug, Default, PartialEq)]
    #[non_exhaustive]
    pub struct Head {
        /// The message that it answers.
        #[serde(rename = "reply_to", skip_serializing_if = "absent", default)]
        pub reply_to: Option<Seq>,
        /// The answered message as it is now; absent when it is gone or hidden. Only where messages are read.
        #[serde(skip_serializing_if = "absent", default)]
        pub reply: Option<HeadReply>,
        /// It can be seen once.
        #[serde(rename = "view_once", skip_serializing_if = "absent", default)]
        pub view_once: Option<bool>,
        /// For how long, in seconds.
        #[serde(rename = "view_once_ttl", skip_serializing_if = "absent", default)]
        pub view_once_ttl: Option<u32>,
        /// The mentions of the content.
        #[serde(skip_serializing_if = "absent", default)]
        pub mentions: Vec<HeadMention>,
        /// How often it was edited.
        #[serde(rename = "edit_count", skip_serializing_if = "absent", default)]
        pub edit_count: Option<u32>,
        /// When it was last edited.
        #[serde(rename = "edited_at", skip_serializing_if = "absent", default)]
        pub edited_at: Option<Timestamp>,
        /// Its sender took it back.
        #[serde(skip_serializing_if = "absent", default)]
        pub unsent: Option<bool>,
        /// It has expired for everybody.
        #[serde(skip_serializing_if = "absent", default)]
        pub expired: Option<bool>,
        /// When it is over for everybody.
        #[serde(rename = "expires_at", skip_serializing_if = "absent", default)]
        pub expires_at: Option<Timestamp>,
        /// What happened in the group, in a system message.
        #[serde(skip_serializing_if = "absent", default)]
        pub event: Option<HeadEvent>,
        /// Who reacted how, in the order in which they came.
        #[serde(skip_serializing_if = "absent", default)]
        pub reactions: Map<String, Vec<UserId>>,
    }
}

impl Head {
    /// Returns the head, or `None` if it says nothing.
    pub fn non_empty(self) -> Option<Self> {
        (self != Self::default()).then_some(self)
    }
}

crate::record! {
    /// What a system message says.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub struct HeadEvent {
        /// What happened, named as in the notice of it.
        pub what: What,
        /// Who did it.
        #[serde(skip_serializing_if = "absent", default)]
        pub by: Option<UserId>,
        /// Whom it is about.
        #[serde(skip_serializing_if = "absent", default)]
        pub user: Option<UserId>,
        /// The new role.
        #[serde(skip_serializing_if = "absent", default)]
        pub role: Option<super::Role>,
    }
}

impl HeadEvent {
    /// Says what happened and who did it.
    pub fn new(what: What, by: UserId) -> Self {
        Self { what, by: Some(by), user: None, role: None }
    }
}

crate::record! {
    /// The answered message in short.
    #[derive(Clone, Debug, PartialEq)]
    #[non_exhaustive]
    pub struct HeadReply {
        /// Its number.
        pub seq: Seq,
        /// Its sender.
        #[serde(skip_serializing_if = "absent", default)]
        pub from: Option<UserId>,
        /// Its beginning.
        pub preview: String,
    }
}

impl HeadReply {
    /// Makes the short form of a message.
    pub fn new(seq: Seq, from: Option<UserId>, preview: String) -> Self {
        Self { seq, from, preview }
    }
}

crate::record! {
    /// A mention: a place in the text, counted in grapheme clusters.
    #[derive(Clone, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub struct HeadMention {
        /// Who is mentioned.
        pub user_id: Uuid,
        /// Under which name.
        #[serde(skip_serializing_if = "absent", default)]
        pub username: Option<String>,
        /// Where it begins.
        #[serde(default)]
        pub offset: u32,
        /// How long it is.
        pub length: u32,
    }
}

crate::words! {
    /// What a notice is about.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum What
    else
        /// A kind that this version does not know.
        Unknown = "unknown",
    {
        /// Someone is writing.
        Typing = "typing",
        /// Someone read up to a message.
        Read = "read",
        /// Someone received up to a message.
        Recv = "recv",
        /// A message was edited.
        Edit = "edit",
        /// A message was taken back.
        Unsend = "unsend",
        /// A message was deleted for everyone.
        Delete = "delete",
        /// A reaction was added or taken back.
        React = "react",
        /// A message was pinned.
        Pin = "pin",
        /// Nothing is pinned any more.
        Unpin = "unpin",
        /// Messages now disappear after another time, or no longer.
        DisappearingUpdated = "disappearing_updated",
        /// Someone is a member now.
        MemberJoined = "member_joined",
        /// Someone left.
        MemberLeft = "member_left",
        /// Someone was removed.
        MemberKicked = "member_kicked",
        /// Someone was removed for good.
        MemberBanned = "member_banned",
        /// Someone may come back.
        MemberUnbanned = "member_unbanned",
        /// Someone was muted until the time in `content.until`, or, with `null`, not any more.
        MemberMuted = "member_muted",
        /// The group's slow mode or joinability changed.
        GroupUpdated = "group_updated",
        /// Someone has another role.
        RoleChanged = "role_changed",
        /// Someone else owns the group.
        OwnerChanged = "owner_changed",
        /// The group's profile or settings changed.
        RoomUpdated = "room_updated",
        /// The receiver is in a conversation that it did not have before.
        ConvAdded = "conv_added",
        /// Another connection of the same user changed something private.
        Own = "own",
        /// Messages have expired: for the receiver those in `hidden` (with `own`), for everybody the one in `seq` (with
        /// `rev`).
        Expired = "expired",
        /// The conversation has ended for everybody.
        ConvDeleted = "conv_deleted",
        /// Log in again soon: the token expires.
        Login = "login",
    }
}

crate::record! {
    /// A notice.
    #[derive(Clone, Debug, PartialEq)]
    #[non_exhaustive]
    pub struct Info {
        /// The conversation.
        #[serde(skip_serializing_if = "absent", default)]
        pub conv: Option<ConvId>,
        /// Who did it.
        #[serde(skip_serializing_if = "absent", default)]
        pub from: Option<UserId>,
        /// What it is about.
        pub what: What,
        /// The message or mark.
        #[serde(skip_serializing_if = "absent", default)]
        pub seq: Option<Seq>,
        /// The change's number, when it is a durable change.
        #[serde(skip_serializing_if = "absent", default)]
        pub rev: Option<Rev>,
        /// The new content, profile, role or view.
        #[serde(skip_serializing_if = "absent", default)]
        pub content: Option<Json>,
        /// The reaction.
        #[serde(skip_serializing_if = "absent", default)]
        pub emoji: Option<String>,
        /// `add` or `remove`.
        #[serde(skip_serializing_if = "absent", default)]
        pub op: Option<String>,
        /// How many users have this reaction now.
        #[serde(skip_serializing_if = "absent", default)]
        pub count: Option<u32>,
        /// Whom it is about.
        #[serde(skip_serializing_if = "absent", default)]
        pub user: Option<UserId>,
        /// The new time to live, in seconds.
        #[serde(skip_serializing_if = "absent", default)]
        pub ttl: Option<u32>,
        /// The receiver's count of private changes.
        #[serde(skip_serializing_if = "absent", default)]
        pub own: Option<Own>,
        /// Messages that the receiver has hidden.
        #[serde(skip_serializing_if = "absent", default)]
        pub hidden: Option<Vec<Seq>>,
        /// When it happened.
        pub ts: Timestamp,
    }
}

impl Info {
    /// Makes a notice that says nothing more.
    pub fn new(what: What, conv: Option<ConvId>, from: Option<UserId>, ts: Timestamp) -> Self {
        Self {
            conv,
            from,
            what,
            seq: None,
            rev: None,
            content: None,
            emoji: None,
            op: None,
            count: None,
            user: None,
            ttl: None,
            own: None,
            hidden: None,
            ts,
        }
    }
}

crate::record! {
    /// Presence.
    #[derive(Clone, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub struct Pres {
        /// Who.
        pub user: UserId,
        /// `on` or `off`.
        pub what: String,
        /// When the user was last here; only with `off`.
        #[serde(skip_serializing_if = "absent", default)]
        pub last_seen: Option<Timestamp>,
    }
}

impl Pres {
    /// Someone came.
    pub fn on(user: UserId) -> Self {
        Self { user, what: "on".to_owned(), last_seen: None }
    }

    /// Whether someone is here is not shown any more.
    pub fn hidden(user: UserId) -> Self {
        Self { user, what: "off".to_owned(), last_seen: None }
    }

    /// Someone went.
    pub fn off(user: UserId, last_seen: Timestamp) -> Self {
        Self { user, what: "off".to_owned(), last_seen: Some(last_seen) }
    }
}

/// The content of `group_updated` for slow mode.
#[cfg(feature = "server")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SlowModeContent {
    pub(crate) slow_mode: Option<u32>,
}

/// The content of `group_updated` for how long messages are kept.
#[cfg(feature = "server")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RetentionContent {
    pub(crate) retention: Option<u32>,
}

/// The content of `group_updated` for system messages.
#[cfg(feature = "server")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SystemMessagesContent {
    pub(crate) system_messages: bool,
}

/// The content of `group_updated` for joinability.
#[cfg(feature = "server")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct JoinableContent {
    pub(crate) joinable: bool,
}

/// The content of `member_muted`.
#[cfg(feature = "server")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MutedContent {
    pub(crate) until: Option<Timestamp>,
}

/// The content of `role_changed`.
#[cfg(feature = "server")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RoleContent {
    pub(crate) role: super::Role,
}
