//! Who may change what members share.

use super::{Access, ConvKind, Conversation, Message, MessageState};
use crate::error::{Error, ErrorKind, Result};
use crate::proto::Seq;

/// Decides whether a member may set how long messages live: anyone in direct conversations, who manages in
/// groups.
///
/// # Errors
/// `Forbidden`; `Blocked`.
pub fn may_set_ttl(access: &Access<'_>) -> Result<()> {
    access.not_blocked()?;
    if access.conv.kind == ConvKind::Group {
        access.manages("only owner or admin can update")
    } else {
        Ok(())
    }
}

/// Decides whether a member may change a group's profile and settings.
///
/// # Errors
/// `Invalid` outside groups; `Forbidden`.
pub fn may_update(access: &Access<'_>) -> Result<()> {
    access.is_group()?;
    access.manages("only owner or admin can update")
}

/// Decides whether a member may pin a message (or unpin, with no message asked for); `false` if that changes nothing.
///
/// # Errors
/// `Blocked`; `Forbidden`; `NotFound` if a message is asked for that the member can't see; `Gone` if it is deleted.
pub fn may_pin(access: &Access<'_>, asked: Option<Seq>, message: Option<&Message>) -> Result<bool> {
    access.not_blocked()?;
    if access.conv.kind == ConvKind::Group {
        access.manages("only owner or admin can pin")?;
    }
    match message {
        None if asked.is_some() => Err(Error::new(ErrorKind::NotFound, "message not found")),
        Some(message) if message.body.state != MessageState::Live => {
            Err(Error::new(ErrorKind::Gone, "message deleted"))
        }
        _ => Ok(access.conv.settings.pinned.map(|pinned| pinned.seq) != asked),
    }
}

/// Decides whether a message hangs on a conversation's pin.
pub fn hangs(conv: &Conversation, seq: Seq) -> bool {
    conv.settings.pinned.is_some_and(|pinned| pinned.seq == seq)
}

/// Decides whether the member has somebody to block here.
///
/// # Errors
/// `Invalid` outside direct conversations.
pub fn may_block(access: &Access<'_>) -> Result<()> {
    if access.conv.kind == ConvKind::Dm {
        Ok(())
    } else {
        Err(crate::error::invalid("not a direct conversation"))
    }
}
