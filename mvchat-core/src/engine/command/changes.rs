//! `get changes`: what happened in a conversation since a `rev`.

use crate::engine::dispatch::Ctx;
use crate::error::{ErrorKind, Result};
use crate::policy::Message;
use crate::proto::{ChangeItem, ChangesParams, ConvId, Own, Reply, Rev};
use crate::seam::{Changed, ChangesQuery};

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
        let query = ChangesQuery { since, own, limit, max_span: MAX_SPAN };
        let changes = self.inner.store.changes(self.user, conv, query).await?.ok_or(ErrorKind::NotMember)?;
        let hidden = own.map(|_| changes.hidden);
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
        let shown = self.inner.message_items(self.user, conv, &rows, &changes.replied).await;
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
