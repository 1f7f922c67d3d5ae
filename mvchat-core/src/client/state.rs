//! The client's small model of what it has seen.

use crate::map::Map;
use crate::proto::{ConvId, ConvItem, MAX_COUNTER, MessageItem, MessagesParams, Own, Rev, Seq, UserId};
use std::collections::VecDeque;

/// The server counts unread messages exactly up to 999; 1,000 stands for more.
const MAX_UNREAD: u32 = 1_000;
/// How many hidden messages of a conversation are remembered, the last ones.
const MAX_HIDDEN: usize = 512;

/// What the client knows: its user's conversations and their newest messages.
#[derive(Clone, Debug, Default)]
pub struct ClientState {
    pub(super) me: Option<UserId>,
    pub(super) conversations: Map<ConvId, Conversation>,
}

impl ClientState {
    /// Returns the user, once logged in.
    pub fn me(&self) -> Option<UserId> {
        self.me
    }

    /// Returns the conversations in the order of their ids.
    pub fn conversations(&self) -> &Map<ConvId, Conversation> {
        &self.conversations
    }

    /// Returns one conversation.
    pub fn conversation(&self, conv: ConvId) -> Option<&Conversation> {
        self.conversations.get(&conv)
    }
}

/// One conversation as the user sees it.
#[derive(Clone, Debug)]
pub struct Conversation {
    pub(super) view: ConvItem,
    pub(super) messages: Map<Seq, MessageItem>,
    /// Every visible message from here on to `held_to` is in `messages`.
    complete_from: Seq,
    /// The newest message among the applied changes; `view.last_seq` may be ahead, because a view is newer
    /// than the changes that the client has seen.
    held_to: Seq,
    /// The private changes that the view is known to hold.
    pub(super) view_own: Own,
    /// What was hidden stays hidden: a page that was read before may still come in after it.
    hidden: VecDeque<Seq>,
    keep: usize,
}

impl Conversation {
    /// Makes the model of a conversation whose messages after `held_to` are yet to come.
    pub(super) fn new(view: ConvItem, held_to: Seq, keep: usize) -> Self {
        let view_own = view.own;
        let complete_from = Seq(held_to.0.saturating_add(1));
        let hidden = VecDeque::new();
        Self { view, messages: Map::new(), complete_from, held_to, view_own, hidden, keep: keep.max(1) }
    }

    /// Returns the view. Its `rev` and `own` are those up to which every change is in this model.
    pub fn view(&self) -> &ConvItem {
        &self.view
    }

    /// Returns the messages that are kept, by number.
    pub fn messages(&self) -> &Map<Seq, MessageItem> {
        &self.messages
    }

    /// Returns where the messages are complete from: every visible one from there on is kept, older ones may be
    /// missing.
    pub fn complete_from(&self) -> Seq {
        self.complete_from
    }

    /// Takes a fresh view over, but not how far the changes have been applied.
    pub(super) fn adopt(&mut self, view: ConvItem) {
        let (rev, own) = (self.view.rev, self.view.own);
        self.view_own = self.view_own.max(view.own);
        let cleared = view.clear_seq;
        self.view = ConvItem { rev, own, ..view };
        self.messages.retain(|seq, _| *seq > cleared);
    }

    /// Puts a message into the model in its newest known state. Returns whether it was not there.
    pub(super) fn put(&mut self, me: Option<UserId>, message: MessageItem) -> Put {
        let seq = message.seq;
        if seq.0 == 0 || seq.0 > MAX_COUNTER || seq <= self.view.clear_seq {
            return Put::Old;
        }
        let (newest, untold) = (seq > self.view.last_seq, seq > self.held_to);
        if newest {
            (self.view.last_seq, self.view.last_msg_at) = (seq, Some(message.ts));
        }
        self.held_to = self.held_to.max(seq);
        if self.hidden.contains(&seq) {
            if is_of(me, &message) && seq == self.view.read_seq.next() {
                self.view.read_seq = seq;
                self.pass_own(me);
            }
            return Put::Old;
        }
        // A page of history may bring a message before it is told, in this or a later state.
        let later = self.messages.get(&seq).filter(|known| known.rev >= message.rev);
        if later.is_some() && !untold {
            return Put::Old;
        }
        let put = if untold { Put::New } else { Put::Changed };
        let counted = newest && self.counts(me, later.unwrap_or(&message));
        if later.is_none() {
            self.messages.insert(seq, message);
        }
        self.pass_own(me);
        if !self.recount(me) && counted {
            self.view.unread = self.view.unread.saturating_add(1).min(MAX_UNREAD);
        }
        self.trim();
        put
    }

    /// Puts messages of history into the model; they say nothing about how far the changes were applied.
    pub(super) fn merge(&mut self, page: &MessagesParams, from_top: bool) {
        let lowest = page.messages.iter().map(|message| message.seq).min();
        for message in &page.messages {
            let newer = self.messages.get(&message.seq).is_none_or(|known| known.rev < message.rev);
            let known = (1..=MAX_COUNTER).contains(&message.seq.0);
            if newer && known && message.seq > self.view.clear_seq && !self.hidden.contains(&message.seq) {
                self.messages.insert(message.seq, message.clone());
            }
        }
        if from_top {
            let reaches = if page.more { lowest.unwrap_or(self.complete_from) } else { Seq(1) };
            self.complete_from = self.complete_from.min(reaches);
        }
        self.trim();
    }

    /// Begins anew with the newest page of messages.
    pub(super) fn reload(&mut self, page: &MessagesParams) {
        self.messages.clear();
        (self.view.rev, self.view.own) = (page.rev, page.own);
        let newest = page.messages.iter().map(|message| message.seq).max().unwrap_or_default();
        self.held_to = newest.min(Seq(MAX_COUNTER));
        self.complete_from = self.held_to.next();
        self.merge(page, true);
    }

    /// Returns whether a page that ends before `before` continues what is in the model.
    pub(super) fn continues(&self, before: u64) -> bool {
        before >= self.complete_from.0
    }

    /// Returns the message's state for a change, unless the model already holds a later state.
    pub(super) fn stale(&mut self, seq: Seq, rev: Rev) -> Option<&mut MessageItem> {
        self.messages.get_mut(&seq).filter(|message| message.rev < rev)
    }

    pub(super) fn hide(&mut self, seqs: &[Seq]) {
        for seq in seqs {
            self.messages.remove(seq);
            if !self.hidden.contains(seq) {
                self.hidden.push_back(*seq);
            }
        }
        self.hidden.drain(..self.hidden.len().saturating_sub(MAX_HIDDEN));
    }

    pub(super) fn clear(&mut self, to: Seq) {
        self.view.clear_seq = self.view.clear_seq.max(to);
        self.messages.retain(|seq, _| *seq > to);
    }

    /// Moves the read mark over the user's own messages that follow it, as the server does: whoever has read
    /// everything before an own message has read that, too.
    pub(super) fn pass_own(&mut self, me: Option<UserId>) {
        let following = |read: Seq| self.messages.get(&Seq(read.0.saturating_add(1)));
        let mut read = self.view.read_seq;
        while following(read).is_some_and(|message| is_of(me, message)) {
            read = read.next();
        }
        self.view.recv_seq = self.view.recv_seq.max(read);
        self.view.read_seq = read;
    }

    /// Counts unread messages, if the model holds all that could be. Returns whether it does.
    pub(super) fn recount(&mut self, me: Option<UserId>) -> bool {
        let read = self.view.read_seq.max(self.view.clear_seq);
        if read >= self.view.last_seq {
            self.view.unread = 0;
            return true;
        }
        if read.0.saturating_add(1) < self.complete_from.0 || self.held_to < self.view.last_seq {
            return false;
        }
        let unread = self.messages.from(&read).filter(|(_, message)| self.counts(me, message)).count();
        self.view.unread = u32::try_from(unread).unwrap_or(MAX_UNREAD).min(MAX_UNREAD);
        true
    }

    fn counts(&self, me: Option<UserId>, message: &MessageItem) -> bool {
        message.from.is_some()
            && message.from != me
            && message.deleted != Some(true)
            && message.seq > self.view.read_seq.max(self.view.clear_seq)
    }

    fn trim(&mut self) {
        while self.messages.len() > self.keep {
            if let Some((seq, _)) = self.messages.pop_first() {
                self.complete_from = self.complete_from.max(Seq(seq.0.saturating_add(1)));
            }
        }
    }
}

/// What putting a message did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Put {
    /// It is newer than all others.
    New,
    /// It has another state, or is an older one that was not in the model.
    Changed,
    /// The model holds it in this or a later state, or it was cleared.
    Old,
}

/// Whether a message is the user's own.
fn is_of(me: Option<UserId>, message: &MessageItem) -> bool {
    message.from.is_some() && message.from == me
}

/// Whether all counters are ones that a server can have.
pub(super) fn sane(view: &ConvItem) -> bool {
    let marks = [view.last_seq, view.read_seq, view.recv_seq, view.clear_seq];
    view.rev.0 <= MAX_COUNTER && view.own.0 <= MAX_COUNTER && marks.iter().all(|seq| seq.0 <= MAX_COUNTER)
}
