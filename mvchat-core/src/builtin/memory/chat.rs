//! One conversation with all that is in it.

use crate::policy::{Conversation, Message, MessageState};
use crate::proto::{Own, Position, Rev, Seq, UserId};
use crate::seam::{Sent, ViewMember};
use crate::time::Timestamp;
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A conversation, its messages, and what its members keep for themselves.
pub(super) struct Chat {
    pub(super) conv: Arc<Conversation>,
    /// The number of the last shared change.
    pub(super) rev: Rev,
    /// The place of the last shared change.
    pub(super) touched: Position,
    pub(super) last_seq: Seq,
    pub(super) last_at: Option<Timestamp>,
    pub(super) messages: BTreeMap<Seq, Message>,
    /// By sender and cid.
    pub(super) cids: BTreeMap<(UserId, String), Sent>,
    /// Everything that ever changed, once, by the number of its last change.
    pub(super) changed: BTreeMap<Rev, Vec<Thing>>,
    /// The number of everything's last change: where it stands in `changed`.
    noted: BTreeMap<Thing, Rev>,
    /// Of everybody who is or was a member.
    pub(super) mine: BTreeMap<UserId, Mine>,
    /// The messages that have expired for some.
    pub(super) partly: BTreeSet<Seq>,
    /// When it is looked next what the conversation does not keep any longer.
    pub(super) keep: Option<Timestamp>,
    /// No message up to here is live.
    pub(super) swept: Seq,
}

/// Something that changes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Thing {
    Message(Seq),
    Member(UserId),
    Conversation,
}

/// What a member keeps.
#[derive(Clone, Default)]
pub(super) struct Mine {
    pub(super) own: Own,
    pub(super) read: Seq,
    pub(super) recv: Seq,
    pub(super) clear: Seq,
    pub(super) favorite: bool,
    pub(super) muted: bool,
    pub(super) archived: bool,
    pub(super) private: Option<Bytes>,
    /// The hidden messages with the `own` at which each was hidden.
    pub(super) hidden: BTreeMap<Seq, Own>,
    /// The place of the last private change.
    pub(super) touched: Position,
    /// The place of the change that ended the last membership.
    pub(super) removed: Option<Position>,
    /// When the member last sent at a pace.
    pub(super) paced: Option<Timestamp>,
}

impl Mine {
    /// Counts a private change.
    pub(super) fn touch(&mut self, position: Position) {
        self.own = self.own.next();
        self.touched = position;
    }

    /// Returns whether the member's own choices let this message be seen.
    pub(super) fn sees(&self, seq: Seq) -> bool {
        seq > self.clear && !self.hidden.contains_key(&seq)
    }
}

impl Chat {
    pub(super) fn new(conv: Conversation, touched: Position) -> Self {
        let mine = conv.members.keys().map(|user| (*user, Mine::default())).collect();
        Self {
            conv: Arc::new(conv),
            rev: Rev(0),
            touched,
            last_seq: Seq(0),
            last_at: None,
            messages: BTreeMap::new(),
            cids: BTreeMap::new(),
            changed: BTreeMap::new(),
            noted: BTreeMap::new(),
            mine,
            partly: BTreeSet::new(),
            keep: None,
            swept: Seq(0),
        }
    }

    /// Forgets everything that the conversation holds.
    pub(super) fn erase(&mut self) {
        self.messages.clear();
        self.cids.clear();
        self.changed.clear();
        self.noted.clear();
        self.partly.clear();
        for mine in self.mine.values_mut() {
            mine.hidden.clear();
            mine.private = None;
        }
    }

    /// Returns what an active member keeps.
    pub(super) fn mine(&self, viewer: UserId) -> Option<&Mine> {
        self.conv.active(viewer)?;
        self.mine.get(&viewer)
    }

    /// Like [`Chat::mine`], to change it.
    pub(super) fn mine_mut(&mut self, viewer: UserId) -> Option<&mut Mine> {
        self.conv.active(viewer)?;
        self.mine.get_mut(&viewer)
    }

    /// Notes that things changed with this number, and forgets their earlier changes.
    pub(super) fn note(&mut self, rev: Rev, things: &[Thing]) {
        for thing in things {
            if let Some(earlier) = self.noted.insert(*thing, rev)
                && let Some(others) = self.changed.get_mut(&earlier)
            {
                others.retain(|other| other != thing);
            }
        }
        self.changed.insert(rev, things.to_vec());
    }

    /// Returns the number of a thing's last change; 0 if it did not change.
    pub(super) fn noted(&self, thing: Thing) -> Rev {
        self.noted.get(&thing).copied().unwrap_or_default()
    }

    /// Returns a message that the member can see.
    pub(super) fn visible(&self, mine: &Mine, seq: Seq) -> Option<&Message> {
        self.messages.get(&seq).filter(|message| mine.sees(message.seq))
    }

    /// Moves a read mark over the member's own messages that follow it.
    pub(super) fn past_own(&self, viewer: UserId, mut read: Seq) -> Seq {
        while self.messages.get(&read.next()).is_some_and(|message| message.from == Some(viewer)) {
            read = read.next();
        }
        read
    }

    /// Counts the visible messages of others after the member's read mark, to 1000.
    pub(super) fn unread(&self, viewer: UserId, mine: &Mine) -> u32 {
        let counts = |message: &&Message| {
            message.body.state == MessageState::Live
                && message.from.is_some_and(|from| from != viewer)
                && mine.sees(message.seq)
        };
        let unread = self.messages.range(mine.read.next()..).map(|(_, message)| message);
        unread.filter(counts).take(1_000).map(|_| 1).sum()
    }

    /// Returns the viewer's part of the conversation.
    pub(super) fn view_member(&self, viewer: UserId, mine: &Mine) -> Option<ViewMember> {
        let member = self.conv.members.get(&viewer)?;
        Some(ViewMember {
            role: member.role,
            own: mine.own,
            read: mine.read,
            recv: mine.recv,
            clear: mine.clear,
            favorite: mine.favorite,
            muted: mine.muted,
            archived: mine.archived,
            blocked: member.blocks,
            private: mine.private.clone(),
        })
    }
}
