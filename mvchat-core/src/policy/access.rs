//! The gate before everything about a conversation.

use super::{ConvKind, Conversation, Member};
use crate::error::{Error, ErrorKind, Result};
use crate::proto::{Limits, Role, UserId};
use crate::time::Timestamp;

/// An active member of a conversation, at some time; whoever holds one has passed the gate.
#[derive(Clone, Copy, Debug)]
pub struct Access<'a> {
    /// The conversation.
    pub conv: &'a Conversation,
    /// The member's part of it.
    pub me: &'a Member,
    /// The member.
    pub user: UserId,
    /// The server's time.
    pub now: Timestamp,
    /// The server's limits.
    pub limits: &'a Limits,
}

impl<'a> Access<'a> {
    /// Lets an active member in.
    ///
    /// # Errors
    /// `NotMember`, also if there is no such conversation.
    pub fn of(
        conv: Option<&'a Conversation>,
        user: UserId,
        now: Timestamp,
        limits: &'a Limits,
    ) -> Result<Self> {
        let conv = conv.ok_or(ErrorKind::NotMember)?;
        let me = conv.active(user).ok_or(ErrorKind::NotMember)?;
        Ok(Self { conv, me, user, now, limits })
    }

    /// Checks that nothing stands between the two members of a direct conversation.
    ///
    /// # Errors
    /// `Blocked`, with a text that says by whom.
    pub fn not_blocked(&self) -> Result<()> {
        if bug!(BlockIgnored) {
            return Ok(());
        }
        let Some(peer) = self.conv.peer_of(self.user).and_then(|peer| self.conv.members.get(&peer)) else {
            return Ok(());
        };
        if peer.blocks {
            Err(ErrorKind::Blocked.into())
        } else if self.me.blocks {
            Err(Error::new(ErrorKind::Blocked, "unblock first"))
        } else {
            Ok(())
        }
    }

    /// Checks that the conversation is a group.
    ///
    /// # Errors
    /// `Invalid`.
    pub fn is_group(&self) -> Result<()> {
        if self.conv.kind == ConvKind::Group { Ok(()) } else { Err(crate::error::invalid("not a group")) }
    }

    /// Checks that the member manages the group.
    ///
    /// # Errors
    /// `Forbidden` with the given text.
    pub fn manages(&self, otherwise: &'static str) -> Result<()> {
        if self.me.role >= Role::Admin { Ok(()) } else { Err(Error::new(ErrorKind::Forbidden, otherwise)) }
    }
}
