//! What goes into the machine and what comes out.

use super::RequestId;
use crate::error::Answer;
use crate::proto::{
    Close, ConvId, Ctrl, Desc, ErrorParams, Json, MarkKind, MessageItem, Password, Privacy, Rev, Seq,
    SessionId, UserId,
};
use crate::time::{Instant, Timestamp};
use bytes::Bytes;
use std::fmt;
use std::time::Duration;

/// Something that happened to the connection or the clock.
///
/// After [`Output::Disconnect`] or [`Input::Closed`] nothing of that connection may be handed over any more.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Input<'a> {
    /// The connection that [`Output::Connect`] asked for is open.
    Opened,
    /// One frame.
    Text(&'a [u8]),
    /// The connection could not be opened, or it ended; `None` without a close frame (1006).
    Closed(Option<Close>),
    /// The instant of [`Output::Wait`] has come.
    Timeout,
    /// The network is back: connect at once, or find out whether the connection still lives.
    Online,
}

/// Something to do.
#[non_exhaustive]
pub enum Output {
    /// Open a connection; answered by [`Input::Opened`] or [`Input::Closed`].
    Connect,
    /// Send one text frame.
    Send(Bytes),
    /// Close the connection, or give up opening it. It is not answered.
    Disconnect(Close),
    /// Tell the app.
    Event(Box<Event>),
    /// Nothing more to do until the network or the app says something or this instant comes.
    Wait(Option<Instant>),
}

impl fmt::Debug for Output {
    /// Shows the size of frames only: they may hold passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect => f.write_str("Connect"),
            Self::Send(text) => write!(f, "Send({} bytes)", text.len()),
            Self::Disconnect(close) => f.debug_tuple("Disconnect").field(close).finish(),
            Self::Event(event) => f.debug_tuple("Event").field(event).finish(),
            Self::Wait(until) => f.debug_tuple("Wait").field(until).finish(),
        }
    }
}

/// Something that the app may want to know.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// Logged in on a new connection; the app keeps the token for the next start.
    Connected(Account),
    /// Logged in again on the same connection; the token is another.
    Renewed(Account),
    /// The connection ended or could not be opened; the next attempt is made by itself.
    Disconnected {
        /// Why, if the server said so.
        close: Option<Close>,
        /// When the next attempt is made.
        retry_in: Duration,
    },
    /// Everything that changed while the client was away is in the model.
    Synced,
    /// The server refuses the login; nothing more happens until [`Client::reopen`](super::Client::reopen).
    LoginFailed(ClientError),
    /// The client has ended; nothing more happens until [`Client::reopen`](super::Client::reopen).
    Ended(EndReason),
    /// A request was answered.
    Reply {
        /// The request.
        id: RequestId,
        /// What it brought.
        result: Result<Ctrl, ClientError>,
    },
    /// A message of the outbox is in another state.
    SendState {
        /// The conversation.
        conv: ConvId,
        /// The message.
        cid: String,
        /// Its state.
        state: SendState,
    },
    /// A new message, also one's own.
    Message {
        /// The conversation.
        conv: ConvId,
        /// The message.
        message: MessageItem,
    },
    /// A message was edited while the client listened.
    Edited {
        /// The conversation.
        conv: ConvId,
        /// The message.
        seq: Seq,
        /// Its new content.
        content: Json,
        /// When.
        at: Timestamp,
    },
    /// A message changed while the client did not listen: its latest state.
    Updated {
        /// The conversation.
        conv: ConvId,
        /// The message.
        message: MessageItem,
    },
    /// A message was deleted for everyone.
    Deleted {
        /// The conversation.
        conv: ConvId,
        /// The message.
        seq: Seq,
        /// Its sender took it back.
        unsent: bool,
    },
    /// Messages that the user no longer sees.
    Hidden {
        /// The conversation.
        conv: ConvId,
        /// The messages.
        seqs: Vec<Seq>,
    },
    /// A reaction was added or taken back while the client listened.
    Reaction {
        /// The conversation.
        conv: ConvId,
        /// The message.
        seq: Seq,
        /// Whose reaction.
        user: UserId,
        /// The reaction.
        emoji: String,
        /// Added, not taken back.
        added: bool,
    },
    /// A conversation came, went, or its view has changed.
    Conversation {
        /// The conversation.
        conv: ConvId,
        /// How.
        change: ConvChange,
    },
    /// Someone's membership changed.
    Member {
        /// The conversation.
        conv: ConvId,
        /// Who.
        user: UserId,
        /// How.
        change: MemberChange,
    },
    /// Someone else read or received up to a message.
    Mark {
        /// The conversation.
        conv: ConvId,
        /// Who.
        user: UserId,
        /// Which mark.
        kind: MarkKind,
        /// Up to this message.
        seq: Seq,
    },
    /// Someone is writing.
    Typing {
        /// The conversation.
        conv: ConvId,
        /// Who.
        user: UserId,
    },
    /// Someone came or went.
    Presence {
        /// Who.
        user: UserId,
        /// Came, not went.
        online: bool,
        /// When the user was last here.
        last_seen: Option<Timestamp>,
    },
    /// Too much has changed to tell: the conversation's messages were forgotten and are loaded anew.
    Reset(ConvId),
}

/// Who is logged in.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Account {
    /// The user.
    pub user: UserId,
    /// The token for the next login: a refresh token, which is good once, where the server gives those. Whoever keeps it
    /// keeps the newest.
    pub token: Option<Password>,
    /// When the server wants another login of this connection; the client sees to it.
    pub expires: Option<Timestamp>,
    /// The session that the token names.
    pub session: Option<SessionId>,
    /// What the user wrote about themself.
    pub desc: Desc,
    /// The password has to be changed. Until then the client asks for nothing by itself and keeps its outbox.
    pub must_change_password: bool,
    /// What others see of the user.
    pub privacy: Privacy,
    /// What the user says about the present moment.
    pub status: Option<String>,
}

/// Why a client has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndReason {
    /// [`Client::close`](super::Client::close) was called.
    Closed,
    /// The server ended the session (4003): logged out, revoked, suspended or deleted.
    SessionEnded,
}

/// How far a message of the outbox is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendState {
    /// It waits for the connection, for messages before it, or because the server asked to wait.
    Queued,
    /// It was sent and is not answered yet.
    Sending,
    /// It has its place; it is no longer in the outbox.
    Sent {
        /// The message's number.
        seq: Seq,
        /// The change's number, if it is known.
        rev: Option<Rev>,
    },
    /// It was refused; it is no longer in the outbox.
    Failed(ClientError),
}

/// How a conversation changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConvChange {
    /// It is new to this client.
    Added,
    /// Something in its view changed.
    Changed,
    /// The user is no member any more.
    Gone,
}

/// How a membership changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MemberChange {
    /// Became a member.
    Joined,
    /// Left, or is gone.
    Left,
    /// Was removed.
    Kicked,
    /// Has another role, or is the owner now.
    Role,
    /// Changed in some way while the client did not listen.
    Updated,
}

/// A request that failed: what the server said, or, with the code 0, what the client found itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
#[non_exhaustive]
pub struct ClientError {
    /// The server's code; 0 if the client itself gave up.
    pub code: u16,
    /// The stable slug. The client's own: `timeout`, `disconnected`, `too_large`, `full`, `ended`,
    /// `other_user`, `cancelled`, `unsupported`.
    pub err: String,
    /// For people.
    pub text: String,
    /// When to try again.
    pub retry_after: Option<Duration>,
    /// The place in the content that breaks a rule.
    pub path: Option<String>,
    /// The rule that it breaks.
    pub rule: Option<String>,
}

/// The longest time that a server can make a client wait.
const MAX_RETRY_AFTER: u64 = 10 * 60 * 1_000;

impl ClientError {
    /// What the client found itself.
    pub(super) fn local(err: &str, text: &str) -> Self {
        let (err, text) = (err.to_owned(), text.to_owned());
        Self { code: 0, err, text, retry_after: None, path: None, rule: None }
    }

    /// What the server said.
    pub(super) fn of(ctrl: &Ctrl) -> Self {
        let params: ErrorParams = super::replies::params(ctrl).unwrap_or_default();
        Self {
            code: ctrl.code,
            err: ctrl.err.clone().unwrap_or_default(),
            text: ctrl.text.clone(),
            retry_after: params.retry_after.map(|millis| Duration::from_millis(millis.min(MAX_RETRY_AFTER))),
            path: params.path,
            rule: params.rule,
        }
    }

    /// Returns whether the same request may succeed later, unchanged.
    pub fn is_transient(&self) -> bool {
        matches!(self.answer(), Answer::Later | Answer::Defect) || self.err == "timeout"
    }

    /// What the server's code means; what the client found itself is the request's fault.
    pub(super) fn answer(&self) -> Answer {
        Answer::of(self.code)
    }

    /// How long to wait at least.
    pub(super) fn floor(&self) -> Duration {
        self.retry_after.unwrap_or_default()
    }
}
