//! `get mentions`: who spoke of the user.

use super::messages::{MAX_PAGE_BYTES, fitting};
use crate::engine::dispatch::Ctx;
use crate::error::Result;
use crate::proto::{MentionItem, MentionsParams, MessageItem, Reply};
use std::slice;

impl Ctx {
    pub(in crate::engine) async fn get_mentions(self, limit: usize) -> Result<Reply> {
        self.inner.expire_due().await?;
        let mut found = self.inner.store.mentions(self.user, limit).await?;
        found.truncate(fitting(found.iter().map(|mention| &mention.message), MAX_PAGE_BYTES));
        let mut mentions = Vec::with_capacity(found.len());
        for mention in found {
            let (messages, replied) = (slice::from_ref(&mention.message), mention.replied.as_slice());
            let items = self.inner.message_items(self.user, mention.conv, messages, replied).await?;
            mentions.extend(items.into_iter().map(|item| {
                let MessageItem { seq, rev, from, ts, content, unavailable, head, .. } = item;
                MentionItem { conv: mention.conv, seq, rev, from, ts, content, unavailable, head }
            }));
        }
        Ok(Reply::ok(MentionsParams { mentions }))
    }
}
