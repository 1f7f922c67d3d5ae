//! `get changes`: what happened in a conversation since a `rev`.

use super::messages::{MAX_PAGE_BYTES, weight};
use crate::engine::dispatch::Ctx;
use crate::error::{ErrorKind, Result};
use crate::policy::Message;
use crate::proto::{ChangeItem, ChangesParams, ConvId, Own, Reply, Rev};
use crate::seam::{Changed, Changes, ChangesQuery};

/// With more changes than this, a client reloads instead.
const MAX_SPAN: u64 = 1_000;

impl Ctx {
    pub(in crate::engine) async fn get_changes(
        self,
        conv: ConvId,
        since: Rev,
        own: Option<Own>,
        limit: usize,
    ) -> Result<Reply> {
        self.inner.expire_due().await?;
        let query = ChangesQuery { since, own, limit, max_span: MAX_SPAN };
        let mut changes =
            self.inner.store.changes(self.user, conv, query).await?.ok_or(ErrorKind::NotMember)?;
        let hidden = own.map(|_| std::mem::take(&mut changes.hidden));
        if changes.reset {
            return Ok(Reply::ok(ChangesParams {
                rev: changes.rev,
                own: changes.own,
                more: false,
                items: Vec::new(),
                hidden,
                reset: Some(true),
            }));
        }
        fit(&mut changes);
        let (mut messages, mut members, mut settings) = (Vec::new(), Vec::new(), None);
        for (rev, changed) in changes.items {
            match changed {
                Changed::Message(message) => messages.push((rev, message)),
                Changed::Member(user, member) => members.push((rev, user, member)),
                Changed::Conversation => settings = Some(rev),
            }
        }
        let mut items = Vec::with_capacity(messages.len() + members.len() + 1);
        let (revs, rows): (Vec<_>, Vec<Message>) = messages.into_iter().unzip();
        let shown = self.inner.message_items(self.user, conv, &rows, &changes.replied).await?;
        for (rev, message) in revs.into_iter().zip(shown) {
            items.push(ChangeItem { rev, message: Some(message), member: None, conversation: None });
        }
        if !members.is_empty() {
            let people = self.inner.people(self.user, members.iter().map(|(_, user, _)| *user)).await?;
            for (rev, user, member) in members {
                let member = Some(self.inner.member_item(&people, user, &member));
                items.push(ChangeItem { rev, message: None, member, conversation: None });
            }
        }
        if let Some(rev) = settings {
            let view = self.inner.conv_items(self.user, vec![changes.view]).await?.into_iter().next();
            items.push(ChangeItem { rev, message: None, member: None, conversation: view });
        }
        items.sort_by_key(|item| item.rev);
        let (rev, own, more) = (changes.rev, changes.own, changes.more);
        Ok(Reply::ok(ChangesParams { rev, own, more, items, hidden, reset: None }))
    }
}

/// Leaves out what would make a page too large, but never the things of its first `rev`.
fn fit(changes: &mut Changes) {
    let Some(first) = changes.items.first().map(|(rev, _)| *rev) else { return };
    let mut bytes = 0;
    let over = changes.items.iter().find(|(rev, changed)| {
        bytes += match changed {
            Changed::Message(message) => weight(message),
            _ => 0,
        };
        bytes > MAX_PAGE_BYTES && *rev != first
    });
    if let Some(over) = over.map(|(rev, _)| *rev) {
        changes.items.retain(|(rev, _)| *rev < over);
        // Everything before it is in the page, or can't be seen.
        changes.rev = Rev(over.0 - 1);
        changes.more = true;
    }
}
