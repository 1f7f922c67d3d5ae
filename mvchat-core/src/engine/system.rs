//! System messages: what happens in a group, told among its messages.

use super::fanout::Publish;
use crate::policy::{ConvKind, Conversation};
use crate::proto::{HeadEvent, Json, MsgId, UserId, What};
use crate::seam::{Append, Change, LogEvent, Op};
use bytes::Bytes;
use serde::Serialize;

/// Returns the message that tells of a change, if the group wants one: committed right after the change, on the epoch
/// that this makes.
pub(super) fn message(conv: &Conversation, change: &Change, id: MsgId) -> Option<(Change, Publish)> {
    let Op::Amend(amend) = &change.op else { return None };
    if conv.kind != ConvKind::Group || !conv.settings.system_messages {
        return None;
    }
    let event = told(&amend.event, change.actor)?;
    let append = Append {
        id,
        from: None,
        cid: None,
        content: Bytes::new(),
        reply_to: None,
        view_once: None,
        expires_in: None,
        event: Some(event),
        pace: None,
        mentions: Vec::new(),
    };
    let op = Op::Append(append);
    let publish = Publish::Message { content: content(&event), mentions: Vec::new() };
    Some((Change { epoch: conv.epoch.next(), op, ..change.clone() }, publish))
}

/// Returns what a client shows that knows nothing of system messages: the name of what happened.
pub(super) fn content(event: &HeadEvent) -> Json {
    #[derive(Serialize)]
    struct Text {
        v: u8,
        text: What,
    }
    Json::from_value(&Text { v: 1, text: event.what })
}

fn told(event: &LogEvent, by: UserId) -> Option<HeadEvent> {
    let about = |what, user| Some(HeadEvent { user: Some(user), ..HeadEvent::new(what, by) });
    match event {
        LogEvent::Joined(user) => about(What::MemberJoined, *user),
        LogEvent::Left(user) => about(What::MemberLeft, *user),
        LogEvent::Kicked(user) => about(What::MemberKicked, *user),
        LogEvent::Banned(user) => about(What::MemberBanned, *user),
        LogEvent::OwnerSet(user) => about(What::OwnerChanged, *user),
        LogEvent::RoleSet(user, role) => {
            about(What::RoleChanged, *user).map(|event| HeadEvent { role: Some(*role), ..event })
        }
        LogEvent::ProfileSet => Some(HeadEvent::new(What::RoomUpdated, by)),
        _ => None,
    }
}
