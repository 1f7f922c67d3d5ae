//! Editing, taking back, deleting, reacting: what a message becomes.

use super::{Access, ConvKind, Message, MessageBody, MessageState, Print};
use crate::error::{Error, ErrorKind, Result};
use crate::irido::Irido;
use crate::proto::{ReactOp, Role, UserId};
use crate::time::Timestamp;
use bytes::Bytes;
use std::time::Duration;

fn not_yours() -> Error {
    Error::new(ErrorKind::Forbidden, "not your message")
}

fn deleted() -> Error {
    Error::new(ErrorKind::Gone, "message deleted")
}

fn within(access: &Access<'_>, message: &Message, window: u64, late: &'static str) -> Result<()> {
    if access.now.since(message.ts) <= Duration::from_secs(window) || bug!(WindowIgnored) {
        Ok(())
    } else {
        Err(Error::new(ErrorKind::WindowExpired, late))
    }
}

/// What an edit comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EditVerdict {
    /// It is carried out.
    Edit,
    /// It was the last edit already.
    Replay,
}

/// Decides whether a member may edit a message.
///
/// # Errors
/// `Forbidden` if it is another's; `Gone` if it is deleted; `CidReused`; then as [`may_send`](super::may_send);
/// `WindowExpired`; `LimitReached`.
pub fn may_edit(
    access: &Access<'_>,
    message: &Message,
    content: &Irido,
    cid: Option<&(String, Print)>,
) -> Result<EditVerdict> {
    if message.from != Some(access.user) && !bug!(EditedByAnybody) {
        return Err(not_yours());
    }
    if message.body.state != MessageState::Live {
        return Err(deleted());
    }
    if let (Some((cid, print)), Some((last, last_print))) = (cid, &message.body.edit_cid)
        && cid == last
    {
        return if print == last_print { Ok(EditVerdict::Replay) } else { Err(ErrorKind::CidReused.into()) };
    }
    super::may_send(access, content)?;
    within(access, message, access.limits.edit_window, "edit window expired")?;
    if message.body.edits >= access.limits.max_edit_count {
        return Err(Error::new(ErrorKind::LimitReached, "max edits reached"));
    }
    Ok(EditVerdict::Edit)
}

/// Returns what a message becomes by an edit; reactions stay.
pub fn edited(
    message: &Message,
    sealed: Bytes,
    mentions: Vec<UserId>,
    cid: Option<(String, Print)>,
    at: Timestamp,
) -> MessageBody {
    MessageBody {
        content: Some(sealed),
        edits: message.body.edits + 1,
        edited_at: Some(at),
        edit_cid: cid,
        mentions,
        ..message.body.clone()
    }
}

/// Decides whether a member may take a message back; `None` if that was done before.
///
/// # Errors
/// `Forbidden` if it is another's; `WindowExpired`.
pub fn may_unsend(access: &Access<'_>, message: &Message) -> Result<Option<MessageBody>> {
    if message.from != Some(access.user) {
        return Err(not_yours());
    }
    if message.body.state != MessageState::Live {
        return Ok(None);
    }
    within(access, message, access.limits.unsend_window, "unsend window expired")?;
    Ok(Some(MessageBody::tombstone(MessageState::Unsent)))
}

/// Decides whether a member may delete a message for everyone; `None` if that was done before.
///
/// # Errors
/// `Forbidden` unless it is the member's own, or a group's message of someone with a lower role.
pub fn may_delete_for_everyone(access: &Access<'_>, message: &Message) -> Result<Option<MessageBody>> {
    let own = message.from == Some(access.user);
    let author = message.from.and_then(|from| access.conv.active(from)).map_or(Role::Member, |m| m.role);
    let manages =
        access.conv.kind == ConvKind::Group && access.me.role >= Role::Admin && access.me.role > author;
    if !own && !manages {
        return Err(not_yours());
    }
    if message.body.state != MessageState::Live {
        return Ok(None);
    }
    Ok(Some(MessageBody::tombstone(MessageState::Deleted)))
}

/// What a reaction comes to.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Reaction {
    /// Whether it is added (or was there), not taken back (or was absent).
    pub add: bool,
    /// How many users have it afterwards.
    pub count: u32,
    /// What the message becomes; `None` if nothing changes.
    pub body: Option<MessageBody>,
}

/// Decides what a reaction comes to.
///
/// # Errors
/// `Gone` if the message is deleted; `Blocked`; `Conflict` if it would be one reaction too many.
pub fn reacted(access: &Access<'_>, message: &Message, emoji: &str, op: ReactOp) -> Result<Reaction> {
    access.not_blocked()?;
    if message.body.state != MessageState::Live {
        return Err(deleted());
    }
    let mut body = message.body.clone();
    let at = body.reactions.iter().position(|(known, _)| known == emoji);
    let has = at.is_some_and(|at| body.reactions[at].1.contains(&access.user));
    let add = match op {
        ReactOp::Add => true,
        ReactOp::Remove => false,
        ReactOp::Toggle => !has,
    };
    if add != has {
        match at {
            Some(at) if add => body.reactions[at].1.push(access.user),
            Some(at) => {
                body.reactions[at].1.retain(|user| *user != access.user);
                if body.reactions[at].1.is_empty() {
                    body.reactions.remove(at);
                }
            }
            None if body.reactions.len() >= access.limits.max_reactions => {
                return Err(Error::new(ErrorKind::Conflict, "too many reactions"));
            }
            None => body.reactions.push((emoji.to_owned(), vec![access.user])),
        }
    }
    let users = body.reactions.iter().find(|(known, _)| known == emoji).map_or(0, |(_, users)| users.len());
    let count = u32::try_from(users).unwrap_or(u32::MAX);
    Ok(Reaction { add, count, body: (add != has).then_some(body) })
}
