//! Messages on their way: each keeps its `cid` until the server accepted or refused it.

use super::event::ClientError;
use crate::map::Map;
use crate::proto::{ConvId, Int, Json, Request, Send, Seq, UserId};
use crate::time::Instant;

/// A message to send.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Draft {
    /// The conversation.
    pub conv: ConvId,
    /// Irido, or a bare string.
    pub content: Json,
    /// The message that it answers.
    pub reply_to: Option<Seq>,
    /// It can be seen once.
    pub view_once: bool,
    /// For how long, in seconds.
    pub view_once_ttl: Option<u32>,
    /// After so many seconds it is over for everybody.
    pub expires_in: Option<u32>,
    /// The message's own id; otherwise the client makes one.
    pub cid: Option<String>,
}

impl Draft {
    /// Makes a message without options.
    pub fn new(conv: ConvId, content: Json) -> Self {
        Self {
            conv,
            content,
            reply_to: None,
            view_once: false,
            view_once_ttl: None,
            expires_in: None,
            cid: None,
        }
    }

    /// Makes a message that is just text.
    pub fn text(conv: ConvId, text: &str) -> Self {
        Self::new(conv, Json::of(&text))
    }

    /// Makes it answer another message.
    #[must_use]
    pub fn in_reply_to(mut self, seq: Seq) -> Self {
        self.reply_to = Some(seq);
        self
    }

    /// Gives it an id that was made elsewhere, so that whoever wrote it down before can find it again. It must be
    /// another one for every message.
    #[must_use]
    pub fn with_cid(mut self, cid: impl Into<String>) -> Self {
        self.cid = Some(cid.into());
        self
    }
}

crate::record! {
    /// A message of the outbox as plain data.
    #[derive(Clone, Debug, PartialEq)]
    #[non_exhaustive]
    pub struct OutboxItem {
        /// The message's own id.
        pub cid: String,
        /// The conversation.
        pub conv: ConvId,
        /// Irido.
        pub content: Json,
        /// The message that it answers.
        #[serde(skip_serializing_if = "absent", default)]
        pub reply_to: Option<Seq>,
        /// It can be seen once.
        #[serde(default)]
        pub view_once: bool,
        /// For how long, in seconds.
        #[serde(skip_serializing_if = "absent", default)]
        pub view_once_ttl: Option<u32>,
        /// After so many seconds it is over for everybody.
        #[serde(skip_serializing_if = "absent", default)]
        pub expires_in: Option<u32>,
    }
}

impl OutboxItem {
    pub(super) fn request(&self) -> Request {
        Request::Send(Send {
            conv: Some(self.conv.to_string()),
            content: Some(self.content.clone()),
            reply_to: self.reply_to.map(|seq| Int::from_counter(seq.0)),
            view_once: self.view_once.then_some(true),
            view_once_ttl: self.view_once_ttl.map(|ttl| Int(i64::from(ttl))),
            expires_in: self.expires_in.map(|seconds| Int(i64::from(seconds))),
            cid: Some(self.cid.clone()),
        })
    }
}

crate::record! {
    /// The outbox as plain data, for keeping it over a restart.
    #[derive(Clone, Debug, Default, PartialEq)]
    #[non_exhaustive]
    pub struct OutboxState {
        /// Who wrote the messages; for nobody else they are sent.
        #[serde(skip_serializing_if = "absent", default)]
        pub user: Option<UserId>,
        /// The messages in the order in which they were written.
        pub items: Vec<OutboxItem>,
    }
}

#[derive(Debug)]
struct Entry {
    item: OutboxItem,
    sending: bool,
    failures: u32,
    not_before: Option<Instant>,
}

/// The messages in the order in which they were written; of each conversation only the first is on its way.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    entries: Vec<Entry>,
    user: Option<UserId>,
}

impl Outbox {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn push(&mut self, item: OutboxItem) {
        self.entries.push(Entry { item, sending: false, failures: 0, not_before: None });
    }

    pub(super) fn has(&self, cid: &str) -> bool {
        self.entries.iter().any(|entry| entry.item.cid == cid)
    }

    pub(super) fn get(&self, cid: &str) -> Option<&OutboxItem> {
        self.entries.iter().find(|entry| entry.item.cid == cid).map(|entry| &entry.item)
    }

    pub(super) fn take(&mut self, cid: &str) -> Option<OutboxItem> {
        let at = self.entries.iter().position(|entry| entry.item.cid == cid)?;
        Some(self.entries.remove(at).item)
    }

    /// Takes a message that was never sent on this connection back.
    pub(super) fn cancel(&mut self, cid: &str) -> Option<OutboxItem> {
        let fresh = |entry: &Entry| entry.item.cid == cid && !entry.sending && entry.failures == 0;
        let at = self.entries.iter().position(fresh)?;
        Some(self.entries.remove(at).item)
    }

    /// Marks and returns the next message that may be sent now.
    pub(super) fn next(&mut self, now: Instant) -> Option<OutboxItem> {
        let mut behind = Map::new();
        let entry = self.entries.iter_mut().find(|entry| {
            let first = behind.add(entry.item.conv);
            first && !entry.sending && entry.not_before.is_none_or(|at| at <= now)
        })?;
        (entry.sending, entry.not_before) = (true, None);
        Some(entry.item.clone())
    }

    /// Puts a message back to its place. Returns how often it has failed.
    pub(super) fn again(&mut self, cid: &str, not_before: impl FnOnce(u32) -> Option<Instant>) -> u32 {
        let Some(entry) = self.entries.iter_mut().find(|entry| entry.item.cid == cid) else { return 0 };
        entry.sending = false;
        entry.not_before = not_before(entry.failures);
        entry.failures = entry.failures.saturating_add(1);
        entry.failures
    }

    /// Returns when the next of the messages that have to wait may be sent.
    pub(super) fn deadline(&self, now: Instant) -> Option<Instant> {
        let mut behind = Map::new();
        let first = self.entries.iter().filter(|entry| behind.add(entry.item.conv));
        first.filter(|entry| !entry.sending).filter_map(|entry| entry.not_before).filter(|at| *at > now).min()
    }

    /// The connection is gone: everything is to be sent again.
    pub(super) fn disconnected(&mut self) -> Vec<(ConvId, String)> {
        let sending = self.entries.iter_mut().filter(|entry| entry.sending);
        sending
            .map(|entry| {
                entry.sending = false;
                entry.failures = entry.failures.max(1);
                (entry.item.conv, entry.item.cid.clone())
            })
            .collect()
    }

    /// Says who the user is; returns the messages of another one.
    pub(super) fn belong_to(&mut self, user: UserId) -> Vec<OutboxItem> {
        let others = self.user.is_some_and(|before| before != user);
        self.user = Some(user);
        let left = if others { std::mem::take(&mut self.entries) } else { Vec::new() };
        left.into_iter().map(|entry| entry.item).collect()
    }

    pub(super) fn export(&self) -> OutboxState {
        OutboxState { user: self.user, items: self.entries.iter().map(|entry| entry.item.clone()).collect() }
    }

    /// Puts messages of an earlier run before those of this one.
    pub(super) fn import(&mut self, state: OutboxState, most: usize) -> Result<(), ClientError> {
        if let (Some(me), Some(other)) = (self.user, state.user)
            && me != other
        {
            return Err(ClientError::local("other_user", "written by another user"));
        }
        let items: Vec<_> = state.items.into_iter().filter(|item| !self.has(&item.cid)).collect();
        if items.len() + self.len() > most {
            return Err(ClientError::local("full", "too many messages wait to be sent"));
        }
        self.user = self.user.or(state.user);
        let before =
            items.into_iter().map(|item| Entry { item, sending: false, failures: 1, not_before: None });
        self.entries.splice(..0, before);
        Ok(())
    }
}
