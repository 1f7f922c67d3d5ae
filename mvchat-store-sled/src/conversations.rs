//! Conversations, and what their members change for themselves.

use crate::SledStore;
use crate::batch::Batch;
use crate::chat::{active, advance, conversation, members, whole};
use crate::error::{already_exists, full};
use crate::keys::{BLOCK, CONV, CONV_OF, COUNT, FOUND, Key, MEMBER, MINE, TAIL, last_id};
use crate::own::{configure, hide, mark};
use crate::read::Rows;
use crate::rows::{ConvRow, Listed, Mine, Tail};
use crate::views::views;
use async_trait::async_trait;
use mvchat_core::policy::{ConvKind, Conversation, Member, Standing};
use mvchat_core::proto::{ConvId, Epoch, Rev, Seq, UserId};
use mvchat_core::seam::{
    ConversationStore, Counted, LogEntry, LogEvent, Marked, Marks, MemberPatch, NewConversation, ReceiptRow,
    StoreResult, ViewQuery, Views,
};
use std::collections::BTreeSet;
use std::sync::Arc;
use uuid::Uuid;

#[async_trait]
impl ConversationStore for SledStore {
    async fn create_conversation(&self, new: NewConversation) -> StoreResult<(Arc<Conversation>, bool)> {
        self.write(move |batch| create(batch, new)).await
    }

    async fn conversation(&self, conv: ConvId) -> StoreResult<Option<Arc<Conversation>>> {
        self.read(move |rows| Ok(conversation(rows, conv)?.map(Arc::new))).await
    }

    async fn views(&self, viewer: UserId, query: ViewQuery) -> StoreResult<Views> {
        self.read(move |rows| views(rows, viewer, query)).await
    }

    async fn mark(&self, viewer: UserId, conv: ConvId, marks: Marks) -> StoreResult<Option<Marked>> {
        self.write(move |batch| mark(batch, viewer, conv, marks)).await
    }

    async fn configure(
        &self,
        viewer: UserId,
        conv: ConvId,
        patch: MemberPatch,
    ) -> StoreResult<Option<(Counted, Option<Arc<Conversation>>)>> {
        self.write(move |batch| configure(batch, viewer, conv, patch)).await
    }

    async fn hide(&self, viewer: UserId, conv: ConvId, seq: Seq) -> StoreResult<Option<Counted>> {
        self.write(move |batch| hide(batch, viewer, conv, seq)).await
    }

    async fn receipts(
        &self,
        viewer: UserId,
        conv: ConvId,
        after: Option<UserId>,
        limit: usize,
    ) -> StoreResult<Option<Vec<ReceiptRow>>> {
        self.read(move |rows| receipts(rows, viewer, conv, after, limit)).await
    }

    async fn peers(&self, user: UserId, max_members: usize) -> StoreResult<Vec<UserId>> {
        self.read(move |rows| peers(rows, user, max_members)).await
    }

    async fn blocked_with(&self, user: UserId) -> StoreResult<Vec<UserId>> {
        self.read(move |rows| Ok(blocked_with(rows, user)?.into_iter().collect())).await
    }
}

/// Returns the key by which an existing conversation is found.
fn found_key(new: &NewConversation) -> Option<Key> {
    let members = || new.members.keys().map(UserId::to_string).collect::<String>();
    let key = Key::of(FOUND);
    match new.kind {
        ConvKind::Dm => Some(key.text("dm").text(&members())),
        ConvKind::Me => Some(key.text("self").text(&members())),
        ConvKind::Group => Some(
            key.text("group").id(new.owner.map_or(Uuid::nil(), |owner| owner.0)).text(new.cid.as_deref()?),
        ),
        _ => None,
    }
}

fn create(batch: &mut Batch, new: NewConversation) -> StoreResult<(Arc<Conversation>, bool)> {
    let found = found_key(&new);
    if let Some(key) = &found
        && let Some(known) = batch.row::<ConvId>(key)?
        && let Some(known) = conversation(batch, known)?
    {
        return Ok((Arc::new(known), false));
    }
    let NewConversation { id: conv, kind, members, owner, settings, max_per_user, at, .. } = new;
    if batch.has(&Key::conv(CONV, conv))? {
        return Err(already_exists("the conversation exists"));
    }
    for user in members.keys() {
        join(batch, *user, max_per_user)?;
    }
    if let Some(key) = found {
        batch.put(&key, &conv)?;
    }
    let position = advance(batch)?;
    let actor = owner.or_else(|| members.keys().next().copied()).unwrap_or(UserId(Uuid::nil()));
    let row = ConvRow {
        kind,
        epoch: Epoch(0),
        owner,
        created_at: at,
        settings,
        settings_rev: Rev(0),
        active: members.len() as u64,
    };
    batch.put(&Key::conv(CONV, conv), &row)?;
    let tail =
        Tail { rev: Rev(0), touched: position, last_seq: Seq(0), last_at: None, keep: None, swept: Seq(0) };
    batch.put(&Key::conv(TAIL, conv), &tail)?;
    for (user, role) in members {
        let member = Member {
            role,
            standing: Standing::Active,
            blocks: false,
            muted_until: None,
            joined_at: at,
            rev: Rev(0),
        };
        batch.put(&Key::member(MEMBER, conv, user), &member)?;
        batch.put(&Key::member(MINE, conv, user), &Mine::default())?;
        let listed = Listed { active: true, created_at: at, removed: None };
        batch.put(&Key::user(CONV_OF, user).id(conv.0), &listed)?;
    }
    let event = LogEvent::Created;
    batch.log(&LogEntry { position, conv, rev: Rev(0), actor, at, seq: None, event })?;
    Ok((Arc::new(whole(batch, conv, row)?), true))
}

/// Returns how many conversations a user is in. Counted once for those who were in some before this was kept.
fn count_of(batch: &Batch, user: UserId) -> StoreResult<u64> {
    if let Some(count) = batch.row(&Key::user(COUNT, user))? {
        return Ok(count);
    }
    let mut count = 0;
    for item in batch.up(Key::user(CONV_OF, user).all()) {
        let (key, stored) = item?;
        count += u64::from(batch.decoded::<Listed>(&key, &stored)?.active);
    }
    Ok(count)
}

/// Counts one conversation more for a user, before it is listed. Errors: `Full`.
pub(crate) fn join(batch: &mut Batch, user: UserId, most: Option<usize>) -> StoreResult<()> {
    let count = count_of(batch, user)?;
    if most.is_some_and(|most| count >= most as u64) {
        return Err(full());
    }
    batch.put(&Key::user(COUNT, user), &(count + 1))
}

/// Counts one conversation less for a user, before it is listed so.
pub(crate) fn part(batch: &mut Batch, user: UserId) -> StoreResult<()> {
    let count = count_of(batch, user)?;
    batch.put(&Key::user(COUNT, user), &count.saturating_sub(1))
}

fn receipts(
    rows: &impl Rows,
    viewer: UserId,
    conv: ConvId,
    after: Option<UserId>,
    limit: usize,
) -> StoreResult<Option<Vec<ReceiptRow>>> {
    if active(rows, conv, viewer)?.is_none() {
        return Ok(None);
    }
    let mut range = Key::conv(MEMBER, conv).all();
    if let Some(after) = after {
        range = range.after(&Key::member(MEMBER, conv, after));
    }
    let mut receipts = Vec::new();
    for item in members(rows, range) {
        if receipts.len() >= limit {
            break;
        }
        let (user, member) = item?;
        if member.standing == Standing::Active {
            let Mine { read, recv, .. } = rows.row(&Key::member(MINE, conv, user))?.unwrap_or_default();
            receipts.push(ReceiptRow { user, read, recv });
        }
    }
    Ok(Some(receipts))
}

fn peers(rows: &impl Rows, user: UserId, max_members: usize) -> StoreResult<Vec<UserId>> {
    let mut peers = BTreeSet::new();
    for item in rows.up(Key::user(CONV_OF, user).all()) {
        let (key, stored) = item?;
        let listed: Listed = rows.decoded(&key, &stored)?;
        let conv = ConvId(last_id(&key));
        let Some(row) = rows.row::<ConvRow>(&Key::conv(CONV, conv))? else { continue };
        if !listed.active || (row.kind != ConvKind::Dm && row.active > max_members as u64) {
            continue;
        }
        for member in members(rows, Key::conv(MEMBER, conv).all()) {
            let (peer, member) = member?;
            if member.standing == Standing::Active {
                peers.insert(peer);
            }
        }
    }
    let blocked = blocked_with(rows, user)?;
    Ok(peers.into_iter().filter(|peer| *peer != user && !blocked.contains(peer)).collect())
}

fn blocked_with(rows: &impl Rows, user: UserId) -> StoreResult<BTreeSet<UserId>> {
    let all = rows.up(Key::user(BLOCK, user).all());
    all.map(|item| item.map(|(key, _)| UserId(last_id(&key)))).collect()
}
