//! Reads all that can be read.

use super::told::{flat, flat_changes, flat_views, sorted, told};
use super::world::{all_convs, all_users, conv, user};
use crate::proto::{ConvId, Own, Rev, Seq, UserId};
use crate::seam::{ChangesQuery, LogEvent, Mention, PageQuery, ViewQuery};

use super::play::Player;

impl Player<'_> {
    /// Reads everything that there is.
    pub(super) async fn everything(&mut self) -> String {
        let mut all = String::new();
        for who in all_users() {
            for number in all_convs() {
                let query = ChangesQuery { since: Rev(0), own: Some(Own(0)), limit: 9, max_span: 1_000 };
                all += &self.look(user(who), conv(number), Seq(3), 100, query).await;
            }
            all += &self.list(user(who), 100, 0).await;
            let rows = self.store.sessions_of(user(who)).await;
            all += &format!("{} {}\n", told(rows), told(self.store.users(&[user(who)]).await));
        }
        all
    }

    pub(super) async fn look(
        &self,
        viewer: UserId,
        conv: ConvId,
        seq: Seq,
        limit: usize,
        query: ChangesQuery,
    ) -> String {
        let mut seen = String::new();
        for query in
            [PageQuery::Newest, PageQuery::Before(seq), PageQuery::After(seq), PageQuery::Around(seq)]
        {
            let page = self.store.page(viewer, conv, query, limit).await;
            let page = page.map(|page| {
                page.map(|page| {
                    let Ok(texts) = serde_json::to_string(&(&page.messages, &page.replied)) else {
                        return format!("{page:?}");
                    };
                    format!("{texts} {} {} {}", page.more, page.rev, page.own)
                })
            });
            seen += &format!("{query:?}: {}\n", told(page));
        }
        let changes = self.store.changes(viewer, conv, query).await;
        seen += &format!("changes: {}\n", told(changes.map(|changes| changes.map(flat_changes))));
        let message = self.store.message(viewer, conv, seq).await;
        seen += &format!("message: {}\n", told(message.map(|message| serde_json::to_string(&message).ok())));
        let receipts = self.store.receipts(viewer, conv, Some(user(1)), limit).await;
        seen += &format!(
            "receipts: {} {}\n",
            told(receipts),
            told(self.store.receipts(viewer, conv, None, limit).await)
        );
        let one = self.store.views(viewer, ViewQuery::One(conv)).await;
        seen += &format!("view: {}\n", told(one.map(|views| flat_views(&views.rows))));
        for cid in ["cid 0", "cid 1", "cid 2"] {
            seen += &format!("sent: {}\n", told(self.store.sent(conv, viewer, cid).await));
        }
        seen + &told(self.store.conversation(conv).await.map(|conv| conv.map(|conv| flat(&conv))))
    }

    pub(super) async fn list(&mut self, viewer: UserId, limit: usize, cursor: u8) -> String {
        let position = self.cursors[usize::from(cursor) % self.cursors.len()];
        let mut seen = String::new();
        let mut before = None;
        loop {
            let Ok(views) = self.store.views(viewer, ViewQuery::Page { before, limit }).await else { break };
            seen += &format!("page: {:?} {}\n", flat_views(&views.rows), views.more);
            before = views.rows.last().map(|row| (row.conv.activity(), row.conv.id));
            if !views.more {
                self.cursors.push(views.position);
                break;
            }
        }
        if let Ok(views) = self.store.views(viewer, ViewQuery::Since { position, limit }).await {
            seen += &format!("since: {:?} {}\n", flat_views(&views.rows), views.more);
            self.cursors.push(views.position);
        }
        if let Ok(page) = self.store.log(position, limit).await {
            for entry in page.entries {
                let actor = Some(entry.actor).filter(|_| entry.event != LogEvent::Created);
                seen += &format!(
                    "log: {} {} {actor:?} {} {:?} {:?}\n",
                    entry.conv, entry.rev, entry.at, entry.seq, entry.event
                );
            }
            self.cursors.push(page.position);
        }
        let mentions = self.store.mentions(viewer, limit).await.map(|mentions| {
            let flat = |it: Mention| (it.conv, serde_json::to_string(&(it.message, it.replied)).ok());
            mentions.into_iter().map(flat).collect::<Vec<_>>()
        });
        seen += &format!("mentions: {}\n", told(mentions));
        let peers = sorted(self.store.peers(viewer, 3).await);
        seen + &format!("{} {}", told(peers), told(sorted(self.store.blocked_with(viewer).await)))
    }
}
