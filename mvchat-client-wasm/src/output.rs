//! What the machine says, as JSON.

use mvchat_core::client::{
    Account, ClientError, ConvChange, EndReason, Event, MemberChange, Output, SendState,
};
use mvchat_core::proto::{Close, ConvId, Ctrl, Json, MarkKind, Privacy, Rev, Seq, UserId};
use mvchat_core::time::Timestamp;
use serde::Serialize;
use std::time::Duration;

/// One output: exactly one of the fields is there.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Said {
    Connect,
    Send(String),
    Disconnect(u16),
    Event(Told),
    /// Until the instant, in milliseconds; `null` until something happens.
    Wait(Option<u64>),
}

/// An event under its name in `type`. Of messages only their places are told: JavaScript fetches what it shows.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(crate) enum Told {
    Connected {
        account: Who,
    },
    Renewed {
        account: Who,
    },
    Disconnected {
        close: Option<u16>,
        retry_in: u64,
    },
    Synced,
    LoginFailed {
        error: Failure,
    },
    Ended {
        reason: &'static str,
    },
    Reply {
        id: u64,
        ctrl: Option<Answer>,
        error: Option<Failure>,
    },
    SendState {
        conv: ConvId,
        cid: String,
        state: &'static str,
        seq: Option<Seq>,
        rev: Option<Rev>,
        error: Option<Failure>,
    },
    Message {
        conv: ConvId,
        seq: Seq,
        from: Option<UserId>,
        cid: Option<String>,
    },
    Changed {
        conv: ConvId,
        seq: Seq,
    },
    Hidden {
        conv: ConvId,
    },
    Conversation {
        conv: ConvId,
        change: &'static str,
    },
    Member {
        conv: ConvId,
        user: UserId,
        change: &'static str,
    },
    Mark {
        conv: ConvId,
        user: UserId,
        kind: &'static str,
        seq: Seq,
    },
    Typing {
        conv: ConvId,
        user: UserId,
    },
    Presence {
        user: UserId,
        online: bool,
        last_seen: Option<Timestamp>,
    },
    Reset {
        conv: ConvId,
    },
    /// A kind that this version does not know.
    Unknown,
}

/// Who is logged in.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Who {
    user: UserId,
    token: Option<String>,
    expires: Option<Timestamp>,
    session: Option<String>,
    public: Option<Json>,
    private: Option<Json>,
    must_change_password: bool,
    privacy: Privacy,
    status: Option<String>,
}

/// The answer to a request that succeeded.
#[derive(Serialize)]
pub(crate) struct Answer {
    code: u16,
    text: String,
    params: Option<Json>,
    ts: Timestamp,
}

/// An error as the facade's `ChatError` takes it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Failure {
    code: String,
    message: String,
    status: u16,
    retry_after: Option<u64>,
    path: Option<String>,
    rule: Option<String>,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        match output {
            Output::Connect => Self::Connect,
            Output::Send(text) => Self::Send(String::from_utf8_lossy(&text).into_owned()),
            Output::Disconnect(close) => Self::Disconnect(close.code()),
            Output::Event(event) => Self::Event((*event).into()),
            Output::Wait(until) => Self::Wait(until.map(|at| at.0)),
            _ => Self::Event(Told::Unknown),
        }
    }
}

impl From<Event> for Told {
    fn from(event: Event) -> Self {
        match event {
            Event::Connected(account) => Self::Connected { account: account.into() },
            Event::Renewed(account) => Self::Renewed { account: account.into() },
            Event::Disconnected { close, retry_in } => {
                Self::Disconnected { close: close.map(Close::code), retry_in: millis(retry_in) }
            }
            Event::Synced => Self::Synced,
            Event::LoginFailed(error) => Self::LoginFailed { error: error.into() },
            Event::Ended(reason) => Self::Ended { reason: ended(reason) },
            Event::Reply { id, result } => match result {
                Ok(ctrl) => Self::Reply { id: id.number(), ctrl: Some(ctrl.into()), error: None },
                Err(error) => Self::Reply { id: id.number(), ctrl: None, error: Some(error.into()) },
            },
            Event::SendState { conv, cid, state } => send_state(conv, cid, state),
            Event::Message { conv, message } => {
                Self::Message { conv, seq: message.seq, from: message.from, cid: message.cid }
            }
            Event::Edited { conv, seq, .. }
            | Event::Deleted { conv, seq, .. }
            | Event::Reaction { conv, seq, .. } => Self::Changed { conv, seq },
            Event::Updated { conv, message } => Self::Changed { conv, seq: message.seq },
            Event::Hidden { conv, .. } => Self::Hidden { conv },
            Event::Conversation { conv, change } => Self::Conversation { conv, change: conv_change(change) },
            Event::Member { conv, user, change } => {
                Self::Member { conv, user, change: member_change(change) }
            }
            Event::Mark { conv, user, kind, seq } => Self::Mark { conv, user, kind: mark(kind), seq },
            Event::Typing { conv, user } => Self::Typing { conv, user },
            Event::Presence { user, online, last_seen } => Self::Presence { user, online, last_seen },
            Event::Reset(conv) => Self::Reset { conv },
            _ => Self::Unknown,
        }
    }
}

fn send_state(conv: ConvId, cid: String, state: SendState) -> Told {
    let (state, seq, rev, error) = match state {
        SendState::Sending => ("sending", None, None, None),
        SendState::Sent { seq, rev } => ("sent", Some(seq), rev, None),
        SendState::Failed(error) => ("failed", None, None, Some(error.into())),
        _ => ("queued", None, None, None),
    };
    Told::SendState { conv, cid, state, seq, rev, error }
}

fn ended(reason: EndReason) -> &'static str {
    match reason {
        EndReason::Closed => "closed",
        _ => "session",
    }
}

fn conv_change(change: ConvChange) -> &'static str {
    match change {
        ConvChange::Added => "added",
        ConvChange::Gone => "gone",
        _ => "changed",
    }
}

fn member_change(change: MemberChange) -> &'static str {
    match change {
        MemberChange::Joined => "joined",
        MemberChange::Left => "left",
        MemberChange::Kicked => "kicked",
        MemberChange::Role => "role",
        _ => "updated",
    }
}

fn mark(kind: MarkKind) -> &'static str {
    match kind {
        MarkKind::Read => "read",
        _ => "recv",
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl From<Account> for Who {
    fn from(account: Account) -> Self {
        Self {
            user: account.user,
            token: account.token.map(|token| token.0),
            expires: account.expires,
            session: account.session.map(|session| session.to_string()),
            public: account.desc.public,
            private: account.desc.private,
            must_change_password: account.must_change_password,
            privacy: account.privacy,
            status: account.status,
        }
    }
}

impl From<Ctrl> for Answer {
    fn from(ctrl: Ctrl) -> Self {
        Self { code: ctrl.code, text: ctrl.text, params: ctrl.params, ts: ctrl.ts }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        Self {
            code: error.err,
            message: error.text,
            status: error.code,
            retry_after: error.retry_after.map(millis),
            path: error.path,
            rule: error.rule,
        }
    }
}

impl Failure {
    /// A call that makes no sense, with the reason.
    pub(crate) fn invalid(message: impl ToString) -> Self {
        let (code, message) = ("invalid".to_owned(), message.to_string());
        Self { code, message, status: 0, retry_after: None, path: None, rule: None }
    }
}
