//! Conversations.

use crate::PgStore;
use crate::codes::Code;
use crate::error::{already_exists, full, internal};
use crate::rows::{conversation, count, get, limit, to_json};
use async_trait::async_trait;
use mvchat_core::policy::{ConvKind, Conversation};
use mvchat_core::proto::{ConvId, Position, Seq, UserId};
use mvchat_core::seam::{
    ConversationStore, Counted, LogEvent, Marked, Marks, MemberPatch, NewConversation, ReceiptRow,
    StoreResult, ViewQuery, Views,
};
use std::sync::Arc;
use uuid::Uuid;

const CREATE: &str =
    "select status, conv, pos from @.create_conversation($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
const WHOLE: &str = "select @.whole($1)";
const RECEIPTS: &str = "select null::uuid, null::bigint, null::bigint from @.members m \
     where m.conv = $1 and m.user_id = $2 and m.standing = 1 \
     union all (select m.user_id, m.read_seq, m.recv_seq from @.members m \
     where m.conv = $1 and m.standing = 1 and ($3::uuid is null or m.user_id > $3) \
     and exists (select from @.members v where v.conv = $1 and v.user_id = $2 and v.standing = 1) \
     order by m.user_id limit $4)";
/// The members of each conversation are looked up for themselves, however many the server expects.
const BLOCKED: &str = "select o.user_id from @.members m join @.conversations c on c.id = m.conv and c.kind = 1 \
     cross join lateral (select o.user_id, o.blocks from @.members o where o.conv = m.conv offset 0) o \
     where m.user_id = $1 and o.user_id <> $1 and (m.blocks or o.blocks)";
const PEERS: &str = "select o.user_id from @.members m \
     join @.conversations c on c.id = m.conv and (c.kind = 1 or c.active <= $2) \
     cross join lateral (select o.user_id from @.members o where o.conv = m.conv and o.standing = 1 offset 0) o \
     where m.user_id = $1 and m.standing = 1 and o.user_id <> $1 except \
     select o.user_id from @.members m join @.conversations c on c.id = m.conv and c.kind = 1 \
     cross join lateral (select o.user_id, o.blocks from @.members o where o.conv = m.conv offset 0) o \
     where m.user_id = $1 and (m.blocks or o.blocks) order by 1";
pub(crate) const STATEMENTS: &[&str] = &[CREATE, WHOLE, RECEIPTS, BLOCKED, PEERS];

#[async_trait]
impl ConversationStore for PgStore {
    async fn create_conversation(&self, new: NewConversation) -> StoreResult<(Arc<Conversation>, bool)> {
        let NewConversation { id, kind, members, owner, settings, at, .. } = &new;
        let (found, kind, settings) = (found(&new), kind.to_number()?, to_json(settings)?);
        let actor = owner.or_else(|| members.keys().next().copied()).map_or(Uuid::nil(), |user| user.0);
        let users: Vec<Uuid> = members.keys().map(|user| user.0).collect();
        let roles = members.values().map(|role| role.to_number()).collect::<StoreResult<Vec<i16>>>()?;
        let event = to_json(&LogEvent::Created)?;
        let row = self
            .write_one(|| {
                sqlx::query(self.sql(CREATE))
                    .bind(id.0)
                    .bind(kind)
                    .bind(owner.map(|owner| owner.0))
                    .bind(at.as_micros())
                    .bind(&settings)
                    .bind(&found)
                    .bind(&users[..])
                    .bind(&roles[..])
                    .bind(actor)
                    .bind(&event)
                    .bind(new.max_per_user.map(limit))
            })
            .await?;
        let (status, made): (i16, Option<&str>) = (get(&row, 0)?, get(&row, 1)?);
        let made = made.map(conversation).transpose()?.map(Arc::new);
        match (status, made) {
            (1, Some(made)) => {
                self.reached(Position(count(&row, 2)?));
                self.tell(std::iter::once(*id));
                Ok((made, true))
            }
            (2, Some(known)) => Ok((known, false)),
            (3, _) => Err(full()),
            _ => Err(already_exists("the conversation exists")),
        }
    }

    async fn conversation(&self, conv: ConvId) -> StoreResult<Option<Arc<Conversation>>> {
        self.whole(conv).await
    }

    async fn views(&self, viewer: UserId, query: ViewQuery) -> StoreResult<Views> {
        self.read_views(viewer, query).await
    }

    async fn mark(&self, viewer: UserId, conv: ConvId, marks: Marks) -> StoreResult<Option<Marked>> {
        self.move_marks(viewer, conv, marks).await
    }

    async fn configure(
        &self,
        viewer: UserId,
        conv: ConvId,
        patch: MemberPatch,
    ) -> StoreResult<Option<(Counted, Option<Arc<Conversation>>)>> {
        self.set_own(viewer, conv, patch).await
    }

    async fn hide(&self, viewer: UserId, conv: ConvId, seq: Seq) -> StoreResult<Option<Counted>> {
        self.hide_message(viewer, conv, seq).await
    }

    async fn receipts(
        &self,
        viewer: UserId,
        conv: ConvId,
        after: Option<UserId>,
        most: usize,
    ) -> StoreResult<Option<Vec<ReceiptRow>>> {
        let rows = self
            .read(|| {
                let after = after.map(|after| after.0);
                sqlx::query(self.sql(RECEIPTS)).bind(conv.0).bind(viewer.0).bind(after).bind(limit(most))
            })
            .await?;
        // The first row says that the viewer may look.
        let mut rows = rows.iter();
        if rows.next().is_none() {
            return Ok(None);
        }
        let read = |row| {
            let (read, recv) = (Seq(count(row, 1)?), Seq(count(row, 2)?));
            Ok(ReceiptRow { user: UserId(get(row, 0)?), read, recv })
        };
        rows.map(read).collect::<StoreResult<_>>().map(Some)
    }

    async fn peers(&self, user: UserId, max_members: usize) -> StoreResult<Vec<UserId>> {
        let rows = self.read(|| sqlx::query(self.sql(PEERS)).bind(user.0).bind(limit(max_members))).await?;
        rows.iter().map(|row| get(row, 0).map(UserId)).collect()
    }

    async fn blocked_with(&self, user: UserId) -> StoreResult<Vec<UserId>> {
        let rows = self.read(|| sqlx::query(self.sql(BLOCKED)).bind(user.0)).await?;
        let mut users = rows.iter().map(|row| get(row, 0).map(UserId)).collect::<StoreResult<Vec<_>>>()?;
        users.sort_unstable();
        Ok(users)
    }
}

impl PgStore {
    pub(crate) async fn whole(&self, conv: ConvId) -> StoreResult<Option<Arc<Conversation>>> {
        let rows = self.read(|| sqlx::query(self.sql(WHOLE)).bind(conv.0)).await?;
        let row = rows.first().ok_or_else(|| internal("a function answered nothing"))?;
        get::<Option<&str>>(row, 0)?.map(|text| conversation(text).map(Arc::new)).transpose()
    }
}

/// Returns what an existing conversation is found by.
fn found(new: &NewConversation) -> Option<Vec<u8>> {
    let made_by = new.cid.as_deref().map(|cid| (new.owner, cid));
    found_key(new.kind, new.members.keys(), made_by)
}

/// Returns what a conversation is found by: its members, or who made it by which cid.
pub(crate) fn found_key<'a>(
    kind: ConvKind,
    members: impl Iterator<Item = &'a UserId>,
    made_by: Option<(Option<UserId>, &str)>,
) -> Option<Vec<u8>> {
    let mut key = match kind {
        ConvKind::Dm => b"dm".to_vec(),
        ConvKind::Me => b"self".to_vec(),
        ConvKind::Group => {
            let (owner, cid) = made_by?;
            let mut key = GROUP.to_vec();
            key.extend_from_slice(owner.map_or(Uuid::nil(), |owner| owner.0).as_bytes());
            key.extend_from_slice(cid.as_bytes());
            return Some(key);
        }
        _ => return None,
    };
    members.for_each(|user| key.extend_from_slice(user.0.as_bytes()));
    Some(key)
}

/// Reads who made a group by which cid from what it is found by.
pub(crate) fn made_by(found: &[u8]) -> Option<(UserId, String)> {
    let (owner, cid) = found.strip_prefix(GROUP)?.split_first_chunk::<16>()?;
    Some((UserId(Uuid::from_bytes(*owner)), String::from_utf8(cid.to_vec()).ok()?))
}

const GROUP: &[u8] = b"group";
