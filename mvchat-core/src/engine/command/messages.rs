//! `get messages`: read history.

use crate::engine::dispatch::Ctx;
use crate::error::{ErrorKind, Result};
use crate::policy::Message;
use crate::proto::{ConvId, MessagePage, MessagesParams, Reply};
use crate::seam::PageQuery;

/// The most content of a page, in bytes; a page that would hold more is shorter.
pub(super) const MAX_PAGE_BYTES: usize = 256 * 1024;
/// What each reaction of a user, and each message besides its content, counts.
const ITEM_BYTES: usize = 40;

impl Ctx {
    pub(in crate::engine) async fn get_messages(
        self,
        conv: ConvId,
        page: MessagePage,
        limit: usize,
    ) -> Result<Reply> {
        self.inner.expire_due().await?;
        let query = match page {
            MessagePage::Newest => PageQuery::Newest,
            MessagePage::Before(seq) => PageQuery::Before(seq),
            MessagePage::After(seq) => PageQuery::After(seq),
            MessagePage::Around(seq) => PageQuery::Around(seq),
        };
        let found =
            self.inner.store.page(self.user, conv, query, limit).await?.ok_or(ErrorKind::NotMember)?;
        let (mut messages, mut more) = (found.messages, found.more);
        let fits = match page {
            // The walk goes to newer ones, which stand first: what does not fit is left out there.
            MessagePage::After(_) => {
                let keep = fitting(messages.iter().rev(), MAX_PAGE_BYTES);
                messages.drain(..messages.len() - keep).count() == 0
            }
            MessagePage::Newest | MessagePage::Before(_) => {
                let keep = fitting(messages.iter(), MAX_PAGE_BYTES);
                messages.drain(keep..).count() == 0
            }
            // Each side has half of the room; the nearest stay.
            MessagePage::Around(seq) => {
                let at = messages.partition_point(|message| message.seq > seq);
                let newer = fitting(messages[..at].iter().rev(), MAX_PAGE_BYTES / 2);
                let older = fitting(messages[at..].iter(), MAX_PAGE_BYTES / 2);
                let fits = messages.drain(at + older..).count() == 0;
                messages.drain(..at - newer);
                fits
            }
        };
        more |= !fits;
        let messages = self.inner.message_items(self.user, conv, &messages, &found.replied).await?;
        Ok(Reply::ok(MessagesParams { messages, more, rev: found.rev, own: found.own }))
    }
}

/// Returns how many of the messages fit into a page, at least one.
pub(super) fn fitting<'a>(messages: impl Iterator<Item = &'a Message>, most: usize) -> usize {
    let mut bytes = 0;
    let fits = |message: &&Message| {
        let first = bytes == 0;
        bytes += weight(message);
        first || bytes <= most
    };
    messages.take_while(fits).count()
}

/// Returns about how many bytes a message takes in an answer.
pub(super) fn weight(message: &Message) -> usize {
    let content = message.body.content.as_ref().map_or(0, bytes::Bytes::len);
    let reactions: usize = message.body.reactions.iter().map(|(_, users)| users.len() + 1).sum();
    content + (reactions + 1) * ITEM_BYTES
}
