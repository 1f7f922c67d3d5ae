//! Messages, changes and the log, as they are read.

use crate::SledStore;
use crate::chat::{Walk, mine, position, tail, visible};
use crate::codec::decode;
use crate::commit::change;
use crate::keys::{CHANGED, CID, HIDDEN_AT, Key, MEMBER, last_number};
use crate::log::{happened, log};
use crate::mentions::mentions;
use crate::read::Rows;
use crate::rows::{Mine, Stored, Thing};
use crate::views::view;
use async_trait::async_trait;
use bytes::Bytes;
use mvchat_core::policy::Message;
use mvchat_core::proto::{ConvId, Position, Rev, Seq, UserId};
use mvchat_core::seam::{
    Change, Changed, Changes, ChangesQuery, LogEntry, LogPage, Mention, MessageStore, Op, Outcome, Page,
    PageQuery, Sent, StoreResult,
};
use sled::IVec;
use std::collections::BTreeSet;

#[async_trait]
impl MessageStore for SledStore {
    async fn commit(&self, changes: Vec<Change>) -> StoreResult<Vec<Outcome>> {
        let bytes = changes.iter().map(|change| content(&change.op)).sum();
        self.write_bytes(bytes, move |batch| {
            let outcomes = changes
                .into_iter()
                .map(|next| batch.attempt(|batch| change(batch, next)).unwrap_or_else(Outcome::Rejected));
            Ok(outcomes.collect())
        })
        .await
    }

    async fn message(&self, viewer: UserId, conv: ConvId, seq: Seq) -> StoreResult<Option<Message>> {
        self.read(move |rows| match mine(rows, conv, viewer)? {
            Some(mine) => visible(rows, conv, viewer, &mine, seq),
            None => Ok(None),
        })
        .await
    }

    async fn page(
        &self,
        viewer: UserId,
        conv: ConvId,
        query: PageQuery,
        limit: usize,
    ) -> StoreResult<Option<Page>> {
        self.read(move |rows| {
            let seen = mine(rows, conv, viewer)?.map(|mine| Seen { rows, conv, viewer, mine });
            seen.map(|seen| seen.page(query, limit)).transpose()
        })
        .await
    }

    async fn changes(
        &self,
        viewer: UserId,
        conv: ConvId,
        query: ChangesQuery,
    ) -> StoreResult<Option<Changes>> {
        self.read(move |rows| {
            let seen = mine(rows, conv, viewer)?.map(|mine| Seen { rows, conv, viewer, mine });
            seen.map_or(Ok(None), |seen| seen.changes(query))
        })
        .await
    }

    async fn mentions(&self, viewer: UserId, limit: usize) -> StoreResult<Vec<Mention>> {
        self.read(move |rows| mentions(rows, viewer, limit)).await
    }

    async fn sent(&self, conv: ConvId, sender: UserId, cid: &str) -> StoreResult<Option<Sent>> {
        let key = Key::member(CID, conv, sender).text(cid);
        self.read(move |rows| rows.row(&key)).await
    }

    async fn log(&self, after: Position, limit: usize) -> StoreResult<LogPage> {
        self.read(move |rows| log(rows, after, limit)).await
    }

    async fn happened(
        &self,
        conv: ConvId,
        after: Rev,
        upto: Rev,
    ) -> StoreResult<Vec<(LogEntry, Option<Message>)>> {
        self.read(move |rows| happened(rows, conv, after, upto)).await
    }

    async fn position(&self) -> StoreResult<Position> {
        self.read(position).await
    }
}

/// Returns how many bytes of content a change brings.
fn content(op: &Op) -> usize {
    match op {
        Op::Append(append) => append.content.len(),
        Op::Revise(revise) => revise.body.content.as_ref().map_or(0, Bytes::len),
        _ => 0,
    }
}

/// A conversation as one of its active members sees it.
struct Seen<'a, R> {
    rows: &'a R,
    conv: ConvId,
    viewer: UserId,
    mine: Mine,
}

impl<R: Rows> Seen<'_, R> {
    fn page(&self, query: PageQuery, limit: usize) -> StoreResult<Page> {
        let newest = Seq(u64::MAX);
        let (messages, more) = match query {
            PageQuery::Before(seq) => self.some(self.before(seq), limit)?,
            PageQuery::After(seq) => {
                let (mut messages, more) = self.some(self.after(seq), limit)?;
                messages.reverse();
                (messages, more)
            }
            PageQuery::Around(seq) => {
                let (mut messages, _) = self.some(self.after(seq), limit / 2)?;
                messages.reverse();
                let upto = Seq(seq.0.saturating_add(1));
                let (older, more) = self.some(self.before(upto), limit.div_ceil(2))?;
                messages.extend(older);
                (messages, more)
            }
            // `Newest`; a query that this store does not know shows the newest, too.
            _ => self.some(self.before(newest), limit)?,
        };
        let replied = self.replied(messages.iter())?;
        Ok(Page { messages, replied, more, rev: tail(self.rows, self.conv)?.rev, own: self.mine.own })
    }

    fn before(&self, seq: Seq) -> Walk<'_, R> {
        Walk::down(self.rows, self.conv, self.viewer, &self.mine, seq)
    }

    fn after(&self, seq: Seq) -> Walk<'_, R> {
        Walk::up(self.rows, self.conv, self.viewer, &self.mine, Seq(seq.0.saturating_add(1)))
    }

    /// Takes messages from a walk, and says whether it goes on.
    fn some(&self, mut walk: Walk<'_, R>, limit: usize) -> StoreResult<(Vec<Message>, bool)> {
        let read = |item: StoreResult<(IVec, IVec)>| {
            let (key, stored) = item?;
            self.rows.decoded(&key, &stored).map(|Stored { message, .. }| message)
        };
        let messages = walk.by_ref().take(limit).map(read).collect::<StoreResult<_>>()?;
        Ok((messages, walk.next().transpose()?.is_some()))
    }

    /// Returns the visible messages that these answer.
    fn replied<'m>(&self, messages: impl Iterator<Item = &'m Message>) -> StoreResult<Vec<Message>> {
        let targets: BTreeSet<Seq> = messages.filter_map(|message| message.reply_to).collect();
        let replied = targets.into_iter().map(|seq| self.visible(seq));
        replied.filter_map(Result::transpose).collect()
    }

    fn visible(&self, seq: Seq) -> StoreResult<Option<Message>> {
        visible(self.rows, self.conv, self.viewer, &self.mine, seq)
    }

    fn changes(&self, query: ChangesQuery) -> StoreResult<Option<Changes>> {
        let Some(view) = view(self.rows, self.viewer, self.conv)? else { return Ok(None) };
        let rev = view.conv.rev;
        let mut changes = Changes {
            items: Vec::new(),
            replied: Vec::new(),
            rev,
            more: false,
            reset: rev.0.saturating_sub(query.since.0) > query.max_span,
            own: self.mine.own,
            hidden: Vec::new(),
            view,
        };
        if changes.reset {
            return Ok(Some(changes));
        }
        self.fill(&mut changes, query)?;
        let messages = changes.items.iter().filter_map(|(_, item)| match item {
            Changed::Message(message) => Some(message),
            _ => None,
        });
        changes.replied = self.replied(messages)?;
        if let Some(own) = query.own {
            changes.hidden = self.hidden_after(own.0)?;
        }
        Ok(Some(changes))
    }

    /// Adds what changed, rev by rev; the things of one rev stay together.
    fn fill(&self, changes: &mut Changes, query: ChangesQuery) -> StoreResult<()> {
        let mut of_rev: Vec<Changed> = Vec::new();
        let mut rev = Rev(0);
        let range = Key::conv(CHANGED, self.conv).starting(query.since.0.saturating_add(1));
        for item in self.rows.up(range) {
            let (key, stored) = item?;
            let next = Rev(changed_rev(&key));
            if next != rev && !close(changes, rev, &mut of_rev, query.limit) {
                return Ok(());
            }
            rev = next;
            of_rev.extend(self.changed(decode(&stored)?)?);
        }
        close(changes, rev, &mut of_rev, query.limit);
        Ok(())
    }

    fn changed(&self, thing: Thing) -> StoreResult<Option<Changed>> {
        Ok(match thing {
            Thing::Message(seq) => self.visible(seq)?.map(Changed::Message),
            Thing::Member(user) => {
                let member = self.rows.row(&Key::member(MEMBER, self.conv, user))?;
                member.map(|member| Changed::Member(user, member))
            }
            Thing::Conversation => Some(Changed::Conversation),
        })
    }

    fn hidden_after(&self, own: u64) -> StoreResult<Vec<Seq>> {
        let range = Key::member(HIDDEN_AT, self.conv, self.viewer).starting(own.saturating_add(1));
        let hidden = self.rows.up(range).map(|item| decode(&item?.1));
        let mut hidden = hidden.collect::<StoreResult<Vec<Seq>>>()?;
        hidden.sort_unstable();
        Ok(hidden)
    }
}

/// Adds the things of one rev to a page, or ends the page before it; returns whether the page goes on.
fn close(changes: &mut Changes, rev: Rev, of_rev: &mut Vec<Changed>, limit: usize) -> bool {
    if of_rev.is_empty() {
        return true;
    }
    if !changes.items.is_empty() && changes.items.len() + of_rev.len() > limit {
        changes.rev = Rev(rev.0 - 1);
        changes.more = true;
        return false;
    }
    changes.items.extend(of_rev.drain(..).map(|thing| (rev, thing)));
    true
}

/// Returns the rev in a key of [`CHANGED`].
fn changed_rev(key: &[u8]) -> u64 {
    key.len().checked_sub(8).and_then(|end| key.get(..end)).map_or(0, last_number)
}
