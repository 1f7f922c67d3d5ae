//! What the machine says, as JSON.

use mvchat_core::client::{
    Account, ClientError, ConvChange, EndReason, Event, MemberChange, Output, SendState,
};
use mvchat_core::proto::{Close, Ctrl, MarkKind};
use mvchat_core::wire::{Members, Write};
use std::time::Duration;

/// One output: exactly one of `connect`, `send`, `disconnect`, `event` and `wait`, which is an instant in milliseconds,
/// or `null` until something happens.
pub(crate) struct Said<'a>(pub(crate) &'a Output);

impl Write for Said<'_> {
    fn write(&self, out: &mut String) {
        let mut said = Members::new(out);
        match self.0 {
            Output::Connect => said.put("connect", &true),
            Output::Send(text) => said.put("send", &str::from_utf8(text).unwrap_or_default()),
            Output::Disconnect(close) => said.put("disconnect", &close.code()),
            Output::Event(event) => said.put("event", &Told(event)),
            Output::Wait(until) => said.put("wait", &until.map(|at| at.0)),
            _ => said.put("event", &Unknown),
        };
        said.end();
    }
}

/// An event of a kind that this version does not know.
struct Unknown;

impl Write for Unknown {
    fn write(&self, out: &mut String) {
        Members::new(out).put("type", &"unknown").end();
    }
}

/// An event under its name in `type`. Of messages only their places are told: JavaScript fetches what it shows.
struct Told<'a>(&'a Event);

impl Write for Told<'_> {
    fn write(&self, out: &mut String) {
        let mut told = Members::new(out);
        let mut is = |name: &str, parts: &[(&str, &dyn Write)]| {
            told.put("type", &name);
            for (name, value) in parts {
                told.put(name, value);
            }
        };
        match self.0 {
            Event::Connected(account) => is("connected", &[("account", &Who(account))]),
            Event::Renewed(account) => is("renewed", &[("account", &Who(account))]),
            Event::Disconnected { close, retry_in } => {
                is("disconnected", &[("close", &close.map(Close::code)), ("retryIn", &millis(*retry_in))]);
            }
            Event::Synced => is("synced", &[]),
            Event::LoginFailed(error) => is("loginFailed", &[("error", &Failure(error))]),
            Event::Ended(reason) => is("ended", &[("reason", &ended(*reason))]),
            Event::Reply { id, result: Ok(ctrl) } => {
                is("reply", &[("id", &id.number()), ("ctrl", &Answer(ctrl))]);
            }
            Event::Reply { id, result: Err(error) } => {
                is("reply", &[("id", &id.number()), ("error", &Failure(error))]);
            }
            Event::SendState { conv, cid, state } => {
                let place: [(&str, &dyn Write); 2] = [("conv", conv), ("cid", cid)];
                let [conv, cid] = place;
                match state {
                    SendState::Sent { seq, rev } => {
                        is("sendState", &[conv, cid, ("state", &"sent"), ("seq", seq), ("rev", rev)]);
                    }
                    SendState::Failed(error) => {
                        is("sendState", &[conv, cid, ("state", &"failed"), ("error", &Failure(error))]);
                    }
                    SendState::Sending => is("sendState", &[conv, cid, ("state", &"sending")]),
                    _ => is("sendState", &[conv, cid, ("state", &"queued")]),
                }
            }
            Event::Message { conv, message } => {
                let (seq, from, cid) = (&message.seq, &message.from, &message.cid);
                is("message", &[("conv", conv), ("seq", seq), ("from", from), ("cid", cid)]);
            }
            Event::Edited { conv, seq, .. }
            | Event::Deleted { conv, seq, .. }
            | Event::Reaction { conv, seq, .. } => is("changed", &[("conv", conv), ("seq", seq)]),
            Event::Updated { conv, message } => is("changed", &[("conv", conv), ("seq", &message.seq)]),
            Event::Hidden { conv, .. } => is("hidden", &[("conv", conv)]),
            Event::Conversation { conv, change } => {
                is("conversation", &[("conv", conv), ("change", &conv_change(*change))]);
            }
            Event::Member { conv, user, change } => {
                is("member", &[("conv", conv), ("user", user), ("change", &member_change(*change))]);
            }
            Event::Mark { conv, user, kind, seq } => {
                is("mark", &[("conv", conv), ("user", user), ("kind", &mark(*kind)), ("seq", seq)]);
            }
            Event::Typing { conv, user } => is("typing", &[("conv", conv), ("user", user)]),
            Event::Presence { user, online, last_seen } => {
                is("presence", &[("user", user), ("online", online), ("lastSeen", last_seen)]);
            }
            Event::Reset(conv) => is("reset", &[("conv", conv)]),
            _ => is("unknown", &[]),
        }
        told.end();
    }
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

/// Who is logged in.
struct Who<'a>(&'a Account);

impl Write for Who<'_> {
    fn write(&self, out: &mut String) {
        let Account { user, token, expires, session, desc, must_change_password, privacy, status, .. } =
            self.0;
        Members::new(out)
            .put("user", user)
            .put("token", &token.as_ref().map(|token| &token.0))
            .put("expires", expires)
            .put("session", session)
            .put("public", &desc.public)
            .put("private", &desc.private)
            .put("mustChangePassword", must_change_password)
            .put("privacy", privacy)
            .put("status", status)
            .end();
    }
}

/// The answer to a request that succeeded.
struct Answer<'a>(&'a Ctrl);

impl Write for Answer<'_> {
    fn write(&self, out: &mut String) {
        let Ctrl { code, text, params, ts, .. } = self.0;
        Members::new(out).put("code", code).put("text", text).put("params", params).put("ts", ts).end();
    }
}

/// An error as the facade's `ChatError` takes it.
pub(crate) struct Failure<'a>(pub(crate) &'a ClientError);

impl Write for Failure<'_> {
    fn write(&self, out: &mut String) {
        let ClientError { code, err, text, retry_after, path, rule, .. } = self.0;
        Members::new(out)
            .put("code", err)
            .put("message", text)
            .put("status", code)
            .put("retryAfter", &retry_after.map(millis))
            .put("path", path)
            .put("rule", rule)
            .end();
    }
}

/// A call that makes no sense, with the reason.
pub(crate) fn invalid(message: &str) -> String {
    let mut out = String::new();
    Members::new(&mut out).put("code", &"invalid").put("message", &message).put("status", &0_u64).end();
    out
}
