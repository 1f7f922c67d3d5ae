//! Messages and the log in memory.

use super::chat::{Chat, Mine, Thing};
use super::{MemoryStore, State, untied};
use crate::policy::Message;
use crate::proto::{ConvId, Position, Rev, Seq, UserId};
use crate::seam::{
    Change, Changed, Changes, ChangesQuery, LogEntry, LogPage, Mention, MessageStore, Outcome, Page,
    PageQuery, Sent, StoreResult,
};
use async_trait::async_trait;
use std::collections::BTreeSet;

#[async_trait]
impl MessageStore for MemoryStore {
    async fn commit(&self, changes: Vec<Change>) -> StoreResult<Vec<Outcome>> {
        let outcomes = {
            let mut state = self.state.lock();
            changes.into_iter().map(|change| state.change(change)).collect()
        };
        self.stir.notify_waiters();
        Ok(outcomes)
    }

    async fn message(&self, viewer: UserId, conv: ConvId, seq: Seq) -> StoreResult<Option<Message>> {
        let state = self.state.lock();
        let Some((chat, mine)) = state.seen_by(viewer, conv) else { return Ok(None) };
        Ok(chat.visible(mine, seq).cloned())
    }

    async fn page(
        &self,
        viewer: UserId,
        conv: ConvId,
        query: PageQuery,
        limit: usize,
    ) -> StoreResult<Option<Page>> {
        let state = self.state.lock();
        Ok(state.seen_by(viewer, conv).map(|(chat, mine)| chat.page(mine, query, limit)))
    }

    async fn changes(
        &self,
        viewer: UserId,
        conv: ConvId,
        query: ChangesQuery,
    ) -> StoreResult<Option<Changes>> {
        let state = self.state.lock();
        Ok(state.seen_by(viewer, conv).and_then(|(chat, mine)| chat.changes(viewer, mine, query)))
    }

    async fn mentions(&self, viewer: UserId, limit: usize) -> StoreResult<Vec<Mention>> {
        Ok(self.state.lock().mentions(viewer, limit))
    }

    async fn sent(&self, conv: ConvId, sender: UserId, cid: &str) -> StoreResult<Option<Sent>> {
        let state = self.state.lock();
        Ok(state.chats.get(&conv).and_then(|chat| chat.cids.get(&(sender, cid.to_owned())).copied()))
    }

    async fn log(&self, after: Position, limit: usize) -> StoreResult<LogPage> {
        let state = self.state.lock();
        let start = state.log.partition_point(|entry| entry.position <= after);
        let rest = &state.log[start..];
        let entries = rest[..untied(rest, limit, |entry| entry.position)].to_vec();
        let more = entries.len() < rest.len();
        let last = entries.last().map_or(after, |entry| entry.position);
        Ok(LogPage { entries, position: if more { last } else { state.position.max(after) } })
    }

    async fn happened(
        &self,
        conv: ConvId,
        after: Rev,
        upto: Rev,
    ) -> StoreResult<Vec<(LogEntry, Option<Message>)>> {
        let state = self.state.lock();
        let messages = state.chats.get(&conv).map(|chat| &chat.messages);
        let about = |seq: Seq| messages.and_then(|messages| messages.get(&seq)).cloned();
        let entries =
            state.log.iter().filter(|entry| entry.conv == conv && entry.rev > after && entry.rev <= upto);
        Ok(entries.map(|entry| (entry.clone(), entry.seq.and_then(about))).collect())
    }

    async fn position(&self) -> StoreResult<Position> {
        Ok(self.state.lock().position)
    }
}

impl State {
    /// Returns a conversation with what an active member keeps of it.
    fn seen_by(&self, viewer: UserId, conv: ConvId) -> Option<(&Chat, &Mine)> {
        let chat = self.chats.get(&conv)?;
        Some((chat, chat.mine(viewer)?))
    }
}

impl Chat {
    fn page(&self, mine: &Mine, query: PageQuery, limit: usize) -> Page {
        let visible: Vec<&Message> =
            self.messages.values().filter(|message| mine.sees(message.seq)).collect();
        let (from, to, more) = match query {
            PageQuery::Newest => newest(visible.len(), limit),
            PageQuery::Before(seq) => newest(visible.partition_point(|message| message.seq < seq), limit),
            PageQuery::After(seq) => {
                let from = visible.partition_point(|message| message.seq <= seq);
                let to = visible.len().min(from.saturating_add(limit));
                (from, to, to < visible.len())
            }
            PageQuery::Around(seq) => {
                let after = visible.partition_point(|message| message.seq <= seq);
                let (from, _, more) = newest(after, limit.div_ceil(2));
                (from, visible.len().min(after.saturating_add(limit / 2)), more)
            }
        };
        let mut shown = &visible[from..to];
        let (mut more, mut rev) = (more, self.rev);
        if bug!(ShortPageEnds) {
            // As if those that are hidden had been left out of a full page.
            let all = self.messages.range(shown.first().map_or(Seq(0), |first| first.seq)..).take(limit);
            more &= all.filter(|(seq, _)| mine.sees(**seq)).count() == limit;
        }
        if bug!(StalePages)
            && query == PageQuery::Newest
            && visible.last().is_some_and(|last| last.rev == rev)
        {
            shown = &shown[..shown.len().saturating_sub(1)];
            rev = Rev(rev.0 - 1);
        }
        Page {
            messages: shown.iter().rev().copied().cloned().collect(),
            replied: self.replied(mine, shown.iter().copied()),
            more,
            rev,
            own: mine.own,
        }
    }

    fn changes(&self, viewer: UserId, mine: &Mine, query: ChangesQuery) -> Option<Changes> {
        let view = self.view(viewer)?;
        let mut changes = Changes {
            items: Vec::new(),
            replied: Vec::new(),
            rev: self.rev,
            more: false,
            reset: self.rev.0.saturating_sub(query.since.0) > query.max_span,
            own: mine.own,
            hidden: Vec::new(),
            view,
        };
        if changes.reset {
            return Some(changes);
        }
        for (rev, things) in self.changed.range(query.since.next()..) {
            let items: Vec<_> = things.iter().filter_map(|thing| self.changed(mine, *thing)).collect();
            let full = changes.items.len() + items.len() > query.limit && !changes.items.is_empty();
            if full && !items.is_empty() {
                changes.rev = Rev(rev.0 - 1);
                changes.more = true;
                break;
            }
            changes.items.extend(items.into_iter().map(|item| (*rev, item)));
        }
        let messages = changes.items.iter().filter_map(|(_, item)| match item {
            Changed::Message(message) => Some(message),
            _ => None,
        });
        changes.replied = self.replied(mine, messages);
        changes.hidden = query.own.map_or_else(Vec::new, |own| {
            mine.hidden.iter().filter(|(_, hidden)| **hidden > own).map(|(seq, _)| *seq).collect()
        });
        Some(changes)
    }

    fn changed(&self, mine: &Mine, thing: Thing) -> Option<Changed> {
        match thing {
            Thing::Message(seq) => self.visible(mine, seq).cloned().map(Changed::Message),
            Thing::Member(user) => self.conv.members.get(&user).map(|member| Changed::Member(user, *member)),
            Thing::Conversation => Some(Changed::Conversation),
        }
    }

    fn replied<'a>(&self, mine: &Mine, messages: impl Iterator<Item = &'a Message>) -> Vec<Message> {
        let targets: BTreeSet<Seq> = messages.filter_map(|message| message.reply_to).collect();
        targets.into_iter().filter_map(|seq| self.visible(mine, seq).cloned()).collect()
    }
}

/// Returns the range of the last `limit` of the first `end`, and whether there are more before it.
fn newest(end: usize, limit: usize) -> (usize, usize, bool) {
    let from = end.saturating_sub(limit);
    (from, end, from > 0)
}
