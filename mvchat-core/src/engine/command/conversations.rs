//! `get conversations`, `get conversation`, `get members`, `get receipts`.

use crate::engine::dispatch::Ctx;
use crate::error::{ErrorKind, Result, invalid};
use crate::policy::{Access, Place, read_since};
use crate::proto::{
    ConvEntry, ConvId, ConvPage, ConversationParams, ConversationsParams, MembersParams, ReceiptItem,
    ReceiptsParams, Reply, UserId,
};
use crate::seam::{View, ViewQuery};
use crate::time::Timestamp;

impl Ctx {
    pub(in crate::engine) async fn get_conversations(self, page: ConvPage) -> Result<Reply> {
        let query = match &page {
            ConvPage::All => ViewQuery::Page { before: None, limit: self.inner.limits.max_conversations },
            ConvPage::Page { before, limit } => {
                let before = before.as_deref().map(read_place).transpose()?;
                ViewQuery::Page { before, limit: *limit }
            }
            ConvPage::Since { cursor, limit } => {
                let position = read_since(cursor).ok_or(invalid("invalid since"))?;
                ViewQuery::Since { position, limit: *limit }
            }
        };
        self.inner.expire_due().await?;
        let views = self.inner.store.views(self.user, query).await?;
        let first = matches!(page, ConvPage::All | ConvPage::Page { before: None, .. });
        let since = first || matches!(page, ConvPage::Since { .. });
        let next = match (&page, views.rows.last()) {
            (ConvPage::Page { .. }, Some(last)) if views.more => Some(write_place(last)),
            _ => None,
        };
        // What was left keeps its place in the order of changes.
        let order: Vec<_> = views.rows.iter().map(|view| (view.conv.id, view.gone)).collect();
        let here = views.rows.into_iter().filter(|view| !view.gone).collect();
        let mut items = self.inner.conv_items(self.user, here).await?.into_iter();
        let entry = |(id, gone): (ConvId, bool)| {
            if gone {
                Some(ConvEntry::Gone(id))
            } else {
                items.next().map(|item| ConvEntry::Here(Box::new(item)))
            }
        };
        Ok(Reply::ok(ConversationsParams {
            conversations: order.into_iter().filter_map(entry).collect(),
            next,
            since: since.then(|| views.position.to_string()),
            more: (!matches!(page, ConvPage::All)).then_some(views.more),
        }))
    }

    pub(in crate::engine) async fn get_conversation(self, conv: ConvId) -> Result<Reply> {
        self.inner.expire_due().await?;
        let views = self.inner.store.views(self.user, ViewQuery::One(conv)).await?;
        let items = self.inner.conv_items(self.user, views.rows).await?;
        let conversation = items.into_iter().next().ok_or(ErrorKind::NotMember)?;
        Ok(Reply::ok(ConversationParams { conversation }))
    }

    pub(in crate::engine) async fn get_members(self, conv: ConvId) -> Result<Reply> {
        let known = self.inner.store.conversation(conv).await?;
        let now = self.inner.env.now();
        let access = Access::of(known.as_deref(), self.user, now, &self.inner.limits)?;
        let members: Vec<_> = access.conv.active_members().collect();
        let people = self.inner.people(self.user, members.iter().map(|(user, _)| *user)).await?;
        let members =
            members.iter().map(|(user, member)| self.inner.member_item(&people, *user, member)).collect();
        Ok(Reply::ok(MembersParams { members }))
    }

    pub(in crate::engine) async fn get_receipts(
        self,
        conv: ConvId,
        after: Option<UserId>,
        limit: Option<usize>,
    ) -> Result<Reply> {
        let most = limit.unwrap_or(self.inner.limits.max_subscriber_count);
        let rows =
            self.inner.store.receipts(self.user, conv, after, most).await?.ok_or(ErrorKind::NotMember)?;
        let next =
            rows.last().filter(|_| limit.is_some() && rows.len() == most).map(|row| row.user.to_string());
        // What a block or the members themselves hide is shown as if nothing had been received.
        let known = self.inner.conversation(conv).await?.ok_or(ErrorKind::NotMember)?;
        let now = self.inner.env.now();
        let blocked = Access::of(Some(&known), self.user, now, &self.inner.limits)?.not_blocked().is_err();
        let people = self.inner.people(self.user, rows.iter().map(|row| row.user)).await?;
        let item = |row: crate::seam::ReceiptRow| {
            let hidden = row.user != self.user && (blocked || !people.sees_receipts(row.user));
            ReceiptItem {
                user: row.user,
                read_seq: if hidden { Default::default() } else { row.read },
                recv_seq: if hidden { Default::default() } else { row.recv },
            }
        };
        Ok(Reply::ok(ReceiptsParams { receipts: rows.into_iter().map(item).collect(), next }))
    }
}

/// Writes where a page ends.
fn write_place(view: &View) -> String {
    Place { activity: view.conv.activity(), conv: view.conv.id }.write()
}

fn read_place(text: &str) -> Result<(Timestamp, ConvId)> {
    let place = Place::read(text).ok_or(invalid("invalid before"))?;
    Ok((place.activity, place.conv))
}
